"""Laws of lengths as frozen values: how long a stay, a wait or a patience is.

A law answers with exact moments and with its inverse distribution function, so that one number u in (0, 1) becomes one
length.  Every method works element by element: a length depends on its own u alone, never on its neighbours or on how
many are asked for at once.  All lengths are in days.  :func:`law_from` is the door that checks numbers; the classes
take theirs as given.
"""

from crksim.model.laws.ages import elapsed_quantile, mean_thinned, residual_quantile
from crksim.model.laws.kinds import (
    Empirical,
    Exponential,
    Fixed,
    Gamma,
    Law,
    Loglogistic,
    Lognormal,
    Triangular,
    Uniform,
    Weibull,
)
from crksim.model.laws.mixture import Mixture
from crksim.model.laws.named import LAW_NAMES, law_from, needed

__all__ = [
    "LAW_NAMES",
    "Empirical",
    "Exponential",
    "Fixed",
    "Gamma",
    "Law",
    "Loglogistic",
    "Lognormal",
    "Mixture",
    "Triangular",
    "Uniform",
    "Weibull",
    "elapsed_quantile",
    "law_from",
    "mean_thinned",
    "needed",
    "residual_quantile",
]
