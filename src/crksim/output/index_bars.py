"""Bars of indices: how much each of several numbers moves a measure."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from crksim.model.network import Label
from crksim.output.curves import Measured, plain_ticks
from crksim.output.figures import BLUE, GREEN, as_svg
from crksim.output.report.wording import Wording

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_indices"]

#: What each bar is: column, its interval, name.
_BARS = {
    "sobol": (
        ("first", Label("alene", "by itself"), BLUE),
        ("total", Label("sammen med de andre", "together with the others"), GREEN),
    ),
    "morris": (
        ("mu_star", Label("gennemsnitlig størrelse", "mean size"), BLUE),
        ("sigma", Label("spredning: samspil, krumning", "spread: interplay, curvature"), GREEN),
    ),
}
_ACROSS = {
    "sobol": Label("Andel af variationen (%)", "Share of the variance (%)"),
    "morris": Label("Ændring over hele spændet", "Change over the whole range"),
}
_NOTE = Label("Streger: 9 ud af 10 (bootstrap).", "Lines: 9 in 10 (bootstrap).")
_LUCK = Label("held i en enkelt ændring", "luck in a single change")


def draw_indices(
    design: str, labels: Sequence[Label], found: Sequence[Mapping[str, float]], measured: Measured, lang: str
) -> str:
    """Return the indices of one measure as SVG text, the largest on top.

    Parameters
    ----------
    design : str
        ``sobol`` or ``morris``.
    labels : sequence of Label
        What each number is called.
    found : sequence of mapping
        Its index: the fields of `SobolIndex` or `MorrisEffect`.
    measured : Measured
        What is explained.
    lang : str
        ``da`` or ``en``.
    """
    words = Wording(lang)
    scale = 100.0 if design == "sobol" else measured.scale
    bars = _BARS[design]
    last = bars[-1][0] if design == "sobol" else bars[0][0]
    order = sorted(range(len(found)), key=lambda place: (_size(found[place][last]), -place))
    height = 1.6 + 0.66 * len(found)

    def draw(figure: Figure) -> None:
        axes = figure.add_axes((0.40, 0.65 / height, 0.56, 1.0 - 1.55 / height))
        for step, (column, name, colour) in enumerate(bars):
            values = [scale * _size(found[place][column]) for place in order]
            at = [up + 0.19 - 0.38 * step for up in range(len(order))]
            axes.barh(at, values, height=0.34, color=colour, label=words.label(name))
            for up, place in zip(at, order, strict=True):
                ends = [found[place].get(f"{column}_{end}", math.nan) for end in ("low", "high")]
                if all(map(math.isfinite, ends)):
                    axes.plot([scale * ends[0], scale * ends[1]], [up, up], color="#333333", linewidth=1.2)
                if design == "morris" and step == 0 and math.isfinite(found[place]["noise"]):
                    axes.plot(scale * found[place]["noise"], up, marker="|", markersize=11, color="#C2410C",
                              linestyle="none", label=words.label(_LUCK) if place == order[0] else None)  # fmt: skip
        axes.axvline(0.0, color="#888888", linewidth=0.8)
        axes.set_yticks(range(len(order)), [textwrap.fill(words.label(labels[place]), 44) for place in order])
        axes.tick_params(axis="y", labelsize=9, length=0)
        axes.set_ylim(-0.55, len(order) - 0.45)
        plain_ticks(axes.xaxis, words)
        axes.grid(axis="x", color="#dddddd", linewidth=0.7)
        axes.set_axisbelow(True)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.set_xlabel(f"{words.label(_ACROSS[design])}. {words.label(_NOTE)}", fontsize=9)
        figure.text(0.015, 1.0 - 0.12 / height, measured.name(words), va="top", fontsize=10.5)
        # Bars first, in their order; the mark of luck last.
        known = sorted(zip(*axes.get_legend_handles_labels(), strict=True), key=lambda it: hasattr(it[0], "get_marker"))
        handles, names = zip(*known, strict=True)
        figure.legend(handles, names, loc="upper left", bbox_to_anchor=(0.0, 1.0 - 0.42 / height), ncols=3,
                      frameon=False, fontsize=9)  # fmt: skip

    return as_svg(draw, 8.0, height)


def _size(value: float) -> float:
    return value if math.isfinite(value) else 0.0
