"""Sequential Monte Carlo for a few parameters and a likelihood that is itself estimated by simulation.

Parameters are moved to standard normal scores by their priors, so that the prior is the same for every block.
Particles go from the prior to the posterior in steps: at each, the likelihood counts a little more, those that fit are
taken again, and all are moved by a Metropolis-Hastings kernel (Del Moral, Doucet & Jasra 2006, J. R. Stat. Soc. B
68:411-436).  A particle keeps the futures by which its likelihood was estimated until it moves, which leaves the
posterior of the averaged likelihood in place however rough the estimate is (Andrieu & Roberts 2009, Ann. Statist.
37:697-725).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cloud", "Evaluate", "Likelihood", "Step", "start", "step"]

Floats = NDArray[np.float64]

#: (scores of shape (n, parameters), first key of the luck) -> simulated numbers, shape (n, futures, measures); NaN in
#: all of a version that is not possible.
Evaluate = Callable[[Floats, int], Floats]
#: Simulated numbers of all particles -> log likelihood of each.
Likelihood = Callable[[Floats], Floats]

#: Effective share of particles that a step of the likelihood may leave.
KEPT = 0.6
#: Share of proposals that should be taken.
TAKEN = 0.3
#: By what the law of proposals is wider in variance than the particles.
WIDER = 1.2


@dataclass(frozen=True)
class Step:
    """What one step did.

    Parameters
    ----------
    temper : float
        Power of the likelihood reached, 1 is all of it.
    effective : float
        Effective number of particles before they were taken again.
    taken : float
        Share of proposals that were taken.
    scale : float
        How far proposals go: 1 is a draw that does not depend on the particle.
    """

    temper: float
    effective: float
    taken: float
    scale: float


@dataclass
class Cloud:
    """Particles on their way from the prior to the posterior.

    Parameters
    ----------
    scores : ndarray of float, shape (n, parameters)
        Standard normal under the prior.
    simulated : ndarray of float, shape (n, futures, measures)
        What the model gives for each.
    temper : float
        Power of the likelihood reached.
    scale : float
        Size of the next proposals.
    drawn : int
        Versions simulated so far; the next has this key.
    steps : list of Step
    ancestors : ndarray of int, shape (n,)
        First particle that each comes from.
    """

    scores: Floats
    simulated: Floats
    temper: float = 0.0
    scale: float = 0.7
    drawn: int = 0
    steps: list[Step] = field(default_factory=list)
    ancestors: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def done(self) -> bool:
        """Whether the posterior has been reached."""
        return self.temper >= 1.0


def start(size: int, parameters: int, evaluate: Evaluate, random: np.random.Generator) -> Cloud:
    """Draw particles from the prior.

    Parameters
    ----------
    size, parameters : int
        Numbers of particles and parameters.
    evaluate : Evaluate
        The model.
    random : Generator
        Luck of the method.
    """
    scores = random.standard_normal((size, parameters))
    return Cloud(scores, evaluate(scores, 0), drawn=size, ancestors=np.arange(size))


def step(
    cloud: Cloud, evaluate: Evaluate, likelihood: Likelihood, random: np.random.Generator, *, moves: int = 2
) -> None:
    """Let the likelihood count more, take again those that fit, and move all.

    Parameters
    ----------
    cloud : Cloud
        Changed in place.
    evaluate, likelihood
        The model, and what its numbers say.
    random : Generator
        Luck of the method.
    moves : int
        Moves per particle; at the end twice as many.
    """
    size = len(cloud.scores)
    logs = likelihood(cloud.simulated)
    temper = _next_temper(logs, cloud.temper)
    weights = _weights(logs, temper - cloud.temper)
    effective = 1.0 / float((weights**2).sum())
    chosen = _systematic(weights, random)
    cloud.scores, cloud.simulated = cloud.scores[chosen], cloud.simulated[chosen]
    cloud.ancestors, cloud.temper = cloud.ancestors[chosen], temper
    # Proposals go part of the way to a draw from the normal law that has the particles' own mean and covariance (a
    # Crank-Nicolson walk that leaves it in place; Cotter et al. 2013, Statistical Science 28:424-446): scores of a
    # posterior are nearly normal, so that a few moves make particles that were taken twice different ones.
    shares = []
    for _ in range(moves * (2 if temper >= 1.0 else 1)):
        normal = _Normal.of(cloud.scores)
        proposed = normal.walk(cloud.scores, cloud.scale, random)
        found = evaluate(proposed, cloud.drawn)
        cloud.drawn += size
        # Spreads are those of all versions at hand, so both sides are weighed in one go.
        both = likelihood(np.concatenate((cloud.simulated, found)))
        gain = temper * (both[size:] - both[:size])
        gain += _log_prior(proposed) - _log_prior(cloud.scores) + normal.log(cloud.scores) - normal.log(proposed)
        with np.errstate(invalid="ignore"):
            take = np.log(random.random(size)) < gain
        cloud.scores = np.where(take[:, None], proposed, cloud.scores)
        cloud.simulated = np.where(take[:, None, None], found, cloud.simulated)
        shares.append(float(take.mean()))
        cloud.scale = float(np.clip(cloud.scale * np.exp(shares[-1] - TAKEN), 0.2, 1.0))
    cloud.steps.append(Step(temper, effective, float(np.mean(shares)), cloud.scale))


def _next_temper(logs: Floats, temper: float) -> float:
    """Return how far the likelihood can count so that enough particles are left; by bisection."""
    target = KEPT * len(logs)

    def left(end: float) -> float:
        weights = _weights(logs, end - temper)
        return 1.0 / float((weights**2).sum())

    if left(1.0) >= target:
        return 1.0
    low, high = temper, 1.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if left(middle) >= target else (low, middle)
    # Where impossible versions alone leave too few, go on all the same.
    return max(low, min(1.0, temper + 1e-4))


def _weights(logs: Floats, power: float) -> Floats:
    """Return weights that sum to one; what is not possible has none."""
    scaled = np.where(np.isfinite(logs), logs * power, -np.inf)
    weights = np.exp(scaled - scaled.max())
    return np.asarray(weights / weights.sum())


def _systematic(weights: Floats, random: np.random.Generator) -> NDArray[np.int64]:
    """Return which particles are taken again (systematic resampling; Kitagawa 1996)."""
    size = len(weights)
    marks = (np.arange(size) + random.random()) / size
    return np.minimum(np.searchsorted(np.cumsum(weights), marks), size - 1)


def _log_prior(scores: Floats) -> Floats:
    return np.asarray(-0.5 * (scores**2).sum(axis=1))


@dataclass(frozen=True)
class _Normal:
    """The normal law with mean and covariance of the particles, a little wider than they are."""

    mean: Floats
    root: Floats
    inverse: Floats

    @classmethod
    def of(cls, scores: Floats) -> _Normal:
        covariance = np.atleast_2d(np.cov(scores, rowvar=False)) * WIDER
        values, vectors = np.linalg.eigh(covariance)
        spread = np.sqrt(np.maximum(values, 1e-6))  # particles that are all one in some direction
        return cls(scores.mean(axis=0), (vectors * spread).T, vectors / spread)

    def walk(self, scores: Floats, scale: float, random: np.random.Generator) -> Floats:
        """Return a proposal for each particle; with the scale 1 it does not depend on where the particle is."""
        new = random.standard_normal(scores.shape) @ self.root
        return np.asarray(self.mean + np.sqrt(1.0 - scale**2) * (scores - self.mean) + scale * new)

    def log(self, scores: Floats) -> Floats:
        """Return the logarithm of the density at each particle, up to a constant."""
        return np.asarray(-0.5 * (((scores - self.mean) @ self.inverse) ** 2).sum(axis=1))
