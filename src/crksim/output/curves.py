"""The figures of experiments: a measure against one lever, or against two."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from crksim.model.network import Label
from crksim.output.figures import BLUE, GREEN, VERMILION, as_svg
from crksim.output.report.wording import Wording, is_share

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

__all__ = ["Measured", "draw_frontier", "draw_heat", "draw_response", "figure_name", "plain_ticks"]

#: Most values of a lever that each have a number below the axis.
MOST_TICKS = 12

_MEAN = Label("middel over udgaverne", "mean over the versions")
_RANGE = Label("9 ud af 10 udgaver", "9 in 10 versions")
_PAPER = Label(
    "tæller ikke: for mange forlod køen, eller efterspørgslen overstiger pladserne",
    "does not count: too many left the queue, or demand exceeds the places",
)
_TARGET = Label("mål", "target")
_ANSWER = Label("mindste værdi, der når målet", "smallest value that reaches the target")
_REFERENCE = Label("referencen", "the reference")


@dataclass(frozen=True)
class Measured:
    """What stands on the axis of a measure.

    Parameters
    ----------
    label, unit : Label
        Of the measure.
    """

    label: Label
    unit: Label

    @property
    def scale(self) -> float:
        """Factor from stored to shown numbers: shares are shown in per cent."""
        return 100.0 if is_share(self.unit) else 1.0

    def name(self, words: Wording) -> str:
        """Return the name with its unit, over several lines where it is long."""
        name, unit = words.label(self.label), "%" if is_share(self.unit) else words.label(self.unit)
        return textwrap.fill(name if unit in name else f"{name} ({unit})", 100)


def figure_name(measure: str, lang: str) -> str:
    """Return the name of the file of a measure's figure."""
    return f"{re.sub(r'[^a-z0-9_.-]+', '-', measure.lower())}.{lang}.svg"


def draw_frontier(
    rows: Sequence[Mapping[str, Any]],
    lever: Label,
    measured: Measured,
    bound: float,
    smallest: float | None,
    chance: float,
    lang: str,
) -> str:
    """Return the measure of a goal against its lever as SVG text.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of the frontier: ``value``, ``mean``, ``low``, ``high``, ``share_reached``, ``share_counted``.
    lever : Label
        What is turned.
    measured : Measured
        What is aimed at.
    bound : float
        The target.
    smallest : float or None
        The answer.
    chance : float
        Share of versions that is asked for.
    lang : str
        ``da`` or ``en``.
    """
    words, scale = Wording(lang), measured.scale

    def draw(figure: Figure) -> None:
        axes = _axes(figure, words.label(lever), measured.name(words), words)
        _curve(axes, rows, scale, words)
        axes.axhline(scale * bound, color=VERMILION, linestyle="--", linewidth=1.4, label=words.label(_TARGET))
        sham = [row for row in rows if row["share_reached"] >= chance > row["share_counted"]]
        if sham:
            axes.plot(
                [row["value"] for row in sham], [scale * row["mean"] for row in sham],
                marker="X", markersize=10, linestyle="none", color=VERMILION,
                label=textwrap.fill(words.label(_PAPER), 60), zorder=5,
            )  # fmt: skip
        if smallest is not None:
            axes.axvline(smallest, color=GREEN, linestyle="-.", linewidth=1.4, label=words.label(_ANSWER))
        _legend(figure, axes)

    return as_svg(draw)


def draw_response(
    rows: Sequence[Mapping[str, Any]], lever: Label, measured: Measured, reference: float, lang: str
) -> str:
    """Return a measure against one lever as SVG text.

    Parameters
    ----------
    rows : sequence of mapping
        ``value``, ``mean``, ``low``, ``high`` of the measure.
    lever : Label
        What is turned.
    measured : Measured
        What is shown.
    reference : float
        The measure's mean in the reference; NaN leaves it out.
    lang : str
        ``da`` or ``en``.
    """
    words, scale = Wording(lang), measured.scale

    def draw(figure: Figure) -> None:
        axes = _axes(figure, words.label(lever), measured.name(words), words)
        _curve(axes, rows, scale, words)
        if math.isfinite(reference):
            axes.axhline(scale * reference, color="#666666", linestyle=":", label=words.label(_REFERENCE))
        _legend(figure, axes)

    return as_svg(draw)


def draw_heat(
    rows: Sequence[Mapping[str, Any]], levers: tuple[Label, Label], measured: Measured, lang: str, *, grid: bool
) -> str:
    """Return a measure against two levers as SVG text: a map with numbers on a grid, coloured points elsewhere.

    Parameters
    ----------
    rows : sequence of mapping
        ``value``, ``value_2`` and ``mean``.
    levers : tuple of Label
        Across and up.
    measured : Measured
        What is shown.
    lang : str
        ``da`` or ``en``.
    grid : bool
        Whether every value of one lever meets every value of the other.
    """
    words, scale = Wording(lang), measured.scale

    def draw(figure: Figure) -> None:
        axes = figure.add_axes((0.13, 0.14, 0.68, 0.76))
        means = [scale * row["mean"] for row in rows]
        known = [mean for mean in means if math.isfinite(mean)] or [0.0]
        if grid:
            across, up = (sorted({row[name] for row in rows}) for name in ("value", "value_2"))
            cells = [[math.nan] * len(across) for _ in up]
            for row, mean in zip(rows, means, strict=True):
                cells[up.index(row["value_2"])][across.index(row["value"])] = mean
            shown: ScalarMappable = axes.imshow(cells, origin="lower", aspect="auto", cmap="cividis")
            _numbers(axes, cells, min(known), max(known), words)
            axes.set_xticks(range(len(across)), [words.plain(value) for value in across])
            axes.set_yticks(range(len(up)), [words.plain(value) for value in up])
        else:
            places = [row["value"] for row in rows], [row["value_2"] for row in rows]
            shown = axes.scatter(*places, c=means, cmap="cividis", s=60, edgecolor="#444444", linewidth=0.5)
            _decimals(axes, words)
        bar = figure.colorbar(shown, cax=figure.add_axes((0.84, 0.14, 0.03, 0.76)))
        plain_ticks(bar.ax.yaxis, words)
        axes.set_xlabel(textwrap.fill(words.label(levers[0]), 70))
        axes.set_ylabel(textwrap.fill(words.label(levers[1]), 40))
        figure.text(0.015, 0.975, measured.name(words), va="top", fontsize=10.5)

    return as_svg(draw, 8.0, 5.0)


def _numbers(axes: Axes, cells: Sequence[Sequence[float]], low: float, high: float, words: Wording) -> None:
    """Write every cell's number where there is room for it, dark on light and light on dark."""
    if len(cells) * len(cells[0]) > 150:
        return
    decimals = words.decimals(low, high)
    for up, line in enumerate(cells):
        for across, mean in enumerate(line):
            dark = mean < low + 0.55 * (high - low)
            text = words.number(mean, decimals)
            axes.text(across, up, text, ha="center", va="center", fontsize=8.5, color="white" if dark else "black")


def _axes(figure: Figure, lever: str, measure: str, words: Wording) -> Axes:
    axes = figure.add_axes((0.1, 0.13, 0.87, 0.57))
    axes.set_xlabel(textwrap.fill(lever, 80))
    figure.text(0.015, 0.975, measure, va="top", fontsize=10.5)
    axes.grid(axis="y", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    _decimals(axes, words)
    return axes


def _decimals(axes: Axes, words: Wording) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        plain_ticks(axis, words)


def plain_ticks(axis: Axis, words: Wording) -> None:
    """Write the numbers along an axis in a language, with the decimals that tell one from the next.

    Parameters
    ----------
    axis : Axis
        Of a figure.
    words : Wording
        The language.
    """

    def text(value: float, _: float) -> str:
        places = sorted(axis.get_majorticklocs())
        step = min((b - a for a, b in pairwise(places)), default=1.0)
        decimals = next((n for n in range(7) if abs(round(step, n) - step) <= 1e-6 * abs(step)), 6)
        return words.number(float(value), decimals)

    axis.set_major_formatter(text)


def _curve(axes: Axes, rows: Sequence[Mapping[str, Any]], scale: float, words: Wording) -> None:
    values = [row["value"] for row in rows]
    low, high = ([scale * row[end] for row in rows] for end in ("low", "high"))
    axes.fill_between(values, low, high, color=BLUE, alpha=0.16, linewidth=0, label=words.label(_RANGE))
    axes.plot(values, [scale * row["mean"] for row in rows], color=BLUE, marker="o", label=words.label(_MEAN))
    if all(float(value).is_integer() for value in values) and len(set(values)) <= MOST_TICKS:
        axes.set_xticks(sorted(set(values)))  # half a place is no place


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(0.0, 0.92), ncols=2, frameon=False, fontsize=9)
