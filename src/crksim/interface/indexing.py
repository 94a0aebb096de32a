"""What a sweep says of its numbers as a whole: indices as a table, on the screen and as bars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crksim.interface.axes import axis_label
from crksim.interface.experiments import Experiment
from crksim.interface.texts import number, percent, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crksim.analysis.indices import MorrisEffect, SobolIndex
    from crksim.model.network import Label

__all__ = ["INDICES", "write_indices"]

#: Name of the table.
INDICES = "indices.csv"


def write_indices(
    folder: Path,
    experiment: Experiment,
    design: str,
    places: NDArray[np.float64],
    files: Sequence[Path],
    measures: Sequence[str],
    tell: Callable[[str], None],
) -> None:
    """Work out the indices of every measure from the points of a sweep; write table and figures, and tell them.

    Parameters
    ----------
    folder : Path
        Of the sweep.
    experiment : Experiment
        The what-if.
    design : str
        ``sobol`` or ``morris``.
    places : ndarray of float, shape (rows, addresses)
        The rows of the design on the unit cube.
    files : sequence of Path
        The point of every row.
    measures : sequence of str
        Output addresses.
    tell : callable
        Told what is found, a line at a time.
    """
    import numpy as np

    from crksim.analysis.indices import by_future, morris_effects, sobol_indices
    from crksim.model.vocabulary import label, parse_measures, unit
    from crksim.output.calibration_files import write_table, write_text
    from crksim.output.curves import Measured, figure_name
    from crksim.output.index_bars import draw_indices

    known = {path: np.load(path, allow_pickle=False)["values"] for path in dict.fromkeys(files)}
    labels = [axis_label(experiment.case.study, axis) for axis in experiment.axes]
    seed, lang = experiment.settings.seed, experiment.settings.lang
    table: list[dict[str, Any]] = []
    for place, address in enumerate(parse_measures(measures, experiment.case.study.network)):
        own = np.stack([by_future(known[path][:, :, place]) for path in files])
        found: Sequence[SobolIndex | MorrisEffect] = (
            sobol_indices(own, len(labels), seed) if design == "sobol" else morris_effects(own, places, seed)
        )
        name, measured = label(address, experiment.case.study.network), unit(address)
        for axis, its, index in zip(experiment.axes, labels, found, strict=True):
            told = {"measure": address.text, "address": axis.address, "label": getattr(its, lang)}
            table.append({**told, **vars(index)})
        for la in ("da", "en"):
            svg = draw_indices(design, labels, [vars(index) for index in found], Measured(name, measured), la)
            write_text(folder / "figures" / figure_name(address.text, la), svg)
        _tell(tell, design, name, labels, found, lang)
    write_table(folder / INDICES, table, list(table[0]))


def _tell(
    tell: Callable[[str], None],
    design: str,
    measure: Label,
    labels: Sequence[Label],
    found: Sequence[SobolIndex | MorrisEffect],
    lang: str,
) -> None:
    shown: Callable[[float], str] = (
        (lambda value: percent(lang, value)) if design == "sobol" else (lambda value: number(lang, value))
    )
    tell(getattr(measure, lang))
    for label, index in zip(labels, found, strict=True):
        values = {name: shown(value) for name, value in _known(vars(index)).items()}
        tell(say(lang, f"index_{design}", label=getattr(label, lang), **values))
    noise = vars(found[0])["noise"]
    if noise != noise:
        tell(say(lang, "index_noise_unknown"))
    elif design == "sobol":
        tell(say(lang, "index_noise", noise=shown(noise)))


def _known(values: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}
