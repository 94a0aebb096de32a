"""The figures of a run: number present over time, and where citizens come from and go."""

from __future__ import annotations

import io
import math
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from crksim.output.report.alone import one_world
from crksim.output.report.attributed import is_idle, leading_attribution, part_label
from crksim.output.report.explained import deciding_parameters
from crksim.output.report.focus import (
    FlowPicture,
    change_day,
    flow_picture,
    has_norm,
    name_of,
    present_facts,
    present_services,
    series_of,
    start_date,
)
from crksim.output.report.wording import Wording, is_share

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from crksim.analysis.influence import ParameterRow
    from crksim.analysis.results import AttributionRow, SeriesRow
    from crksim.output.finished import Run

__all__ = ["BLUE", "GREEN", "VERMILION", "as_svg", "draw_figures"]

#: Okabe and Ito (2008): colours that the colour-blind tell apart; line styles tell them apart in print.
BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"
_FOCUS_COLOURS = (VERMILION, BLUE, GREEN, PURPLE, ORANGE)
_REFERENCE_STYLES = ((BLUE, "--"), (GREEN, "-."), (PURPLE, (0, (1, 1, 4, 1))))
_MOST_POINTS = 200
#: Gaps between the nodes of the three columns, as parts of the tallest column.
_GAPS = (0.075, 0.17, 0.075)
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "crksim",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "path.simplify": True,
}


def draw_figures(run: Run, lang: str) -> dict[str, str]:
    """Return the figures of a run in one language as SVG texts by name; the same run gives the same bytes."""
    import matplotlib as mpl

    words = Wording(lang)
    run = one_world(run)
    figures: dict[str, str] = {}
    with mpl.rc_context(_STYLE):
        for service in present_services(run):
            figures[f"present_{service}"] = _svg(_draw_present(run, service, words))
        picture = flow_picture(run)
        if picture is not None:
            figures["flows"] = _svg(_draw_flows(run, picture, words))
        if run.result.attribution:
            figures["attribution"] = _svg(_draw_waterfall(leading_attribution(run.result), words))
        rows = deciding_parameters(run.explanations[0]) if run.explanations else []
        if rows:
            figures["influence"] = _svg(_draw_influence(rows, words))
    return figures


def as_svg(draw: Callable[[Figure], None], width: float = 7.2, height: float = 4.2) -> str:
    """Return what `draw` draws on an empty figure as SVG text, in the style of all figures.

    Parameters
    ----------
    draw : callable
        Takes the figure.
    width, height : float
        Inches.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height))
        draw(figure)
        return _svg(figure)


def _svg(figure: Figure) -> str:
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasSVG(figure)
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def _draw_present(run: Run, service: str, words: Wording) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.2, 3.6))
    axes = figure.add_axes((0.075, 0.085, 0.905, 0.8))
    series = series_of(run, service)
    references = run.result.worlds[:-1]
    lines = [(w, *_REFERENCE_STYLES[i % 3], 1.8) for i, w in enumerate(references)]
    lines.append((run.result.worlds[-1], VERMILION, "-", 2.2))
    top = 1.0
    for position, (world, colour, style, width) in enumerate(lines):
        rows = _shown(series.get(world.id, []))
        if not rows:
            continue
        days = [row.day for row in rows]
        label = words.label(world.label)
        axes.plot(days, [row.mean for row in rows], color=colour, linestyle=style, linewidth=width, label=label)
        if position in (0, len(lines) - 1):
            axes.fill_between(
                days, [r.low for r in rows], [r.high for r in rows], color=colour, alpha=0.16, linewidth=0
            )
        top = max(top, *(row.high for row in rows))
    top = max(top, _draw_places(run, axes, series, "norm" if has_norm(run, service) else "places", words))
    facts = present_facts(run, service)
    if facts:
        axes.plot(
            [f.day for f in facts], [f.reported for f in facts],
            marker="D", markersize=7, linestyle="none", color="black", markerfacecolor="white", markeredgewidth=1.8,
            label=words.text("legend_fact"), zorder=5, clip_on=False,
        )  # fmt: skip
        top = max(top, *(fact.reported for fact in facts))
    if math.isfinite(change_day(run)):
        axes.axvline(change_day(run), color="#666666", linewidth=0.9, label=words.text("legend_change"))
    _scale_present(run, axes, series, top * 1.08, words)
    handles, _ = axes.get_legend_handles_labels()
    lines_of_legend = math.ceil(len(handles) / 3)
    axes.set_position((0.075, 0.085, 0.905, 0.87 - 0.07 * lines_of_legend))
    figure.legend(loc="upper left", ncols=3, frameon=False, fontsize=9.5, handlelength=2.6, borderaxespad=0.2)
    return figure


def _shown(rows: Sequence[SeriesRow]) -> list[SeriesRow]:
    """Return the rows to draw: from the last day before anybody was there, and no more than a line can show."""
    ordered = sorted(rows, key=lambda row: row.day)
    first = next((i for i, row in enumerate(ordered) if row.high > 0), None)
    if first is None:
        return []
    kept = ordered[max(0, first - 1) :]
    step = math.ceil(len(kept) / _MOST_POINTS)
    return [row for i, row in enumerate(kept) if i % step == 0 or i == len(kept) - 1]


def _draw_places(run: Run, axes: Axes, series: Mapping[str, list[SeriesRow]], limit: str, words: Wording) -> float:
    """Draw the places, or the norm, as steps, once where reference and what-if agree; return the largest."""
    worlds = (run.result.worlds[0], run.result.worlds[-1])
    steps = []
    for world in worlds:
        rows = _shown(series.get(world.id, []))
        if any(math.isfinite(row.places) and row.places > 0 for row in rows):
            steps.append((world, [row.day for row in rows], [row.places for row in rows]))
    same = len(steps) < 2 or all(a == b or (a != a and b != b) for a, b in zip(steps[0][2], steps[1][2], strict=False))
    for position, (world, days, places) in enumerate(steps[-1:] if same else steps):
        key = (
            words.text(f"legend_{limit}") if same else words.text(f"legend_{limit}_new", world=words.label(world.label))
        )
        colour = "black" if same else (BLUE, VERMILION)[position]
        axes.step(days, places, where="post", color=colour, linestyle=":", linewidth=1.6, label=key)
    return max((p for _, _, places in steps for p in places if math.isfinite(p)), default=0.0)


def _scale_present(run: Run, axes: Axes, series: Mapping[str, list[SeriesRow]], top: float, words: Wording) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

    start = start_date(run)
    days = [row.day for rows in series.values() for row in _shown(rows)] or [0.0]
    last = max(row.day for rows in series.values() for row in rows)
    # The axis begins with the year in which anybody is there.
    first = float((date((start + timedelta(days=min(days))).year, 1, 1) - start).days)
    years = range(start.year, (start + timedelta(days=last)).year + 2)
    marks = {(date(year, 1, 1) - start).days: year for year in years}
    # A mark at the very end would be cut off.
    shown = [day for day in marks if first <= day <= last - 60]
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda day, _: words.text("axis_january", year=marks.get(round(day), "")))
    )
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value)))
    axes.set_xlim(first, last)
    axes.set_ylim(0, top)
    axes.set_ylabel(words.text("axis_present"))
    axes.grid(axis="y", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)


def _draw_flows(run: Run, picture: FlowPicture, words: Wording) -> Figure:
    from matplotlib.figure import Figure

    worlds = run.result.worlds[:1] if len(run.result.worlds) == 1 else (run.result.worlds[0], run.result.worlds[-1])
    sides = [side for world in worlds for side in (picture.into[world.id], picture.out[world.id])]
    tallest = max((sum(side.values()) for side in sides), default=0.0) or 1.0
    columns = [_columns(picture, world.id) for world in worlds]
    heights = [max(_height(sizes, tallest, gap) for sizes, gap in zip(c, _GAPS, strict=True)) + 0.2 for c in columns]
    tall = 2.7 * sum(heights) + 0.8
    figure = Figure(figsize=(9.6, tall))
    panels = figure.subplots(len(worlds), 1, height_ratios=heights, squeeze=False)[:, 0]
    figure.subplots_adjust(left=0.01, right=0.99, top=1 - 0.3 / tall, bottom=0.02, hspace=0.8 / tall)
    for axes, world, sizes, height in zip(panels, worlds, columns, heights, strict=True):
        _draw_alluvial(run, axes, picture, world.id, sizes, tallest, words)
        title = f"{_capital(words.label(world.label))} ({words.text('flow_unit')})"
        axes.set_title(title, loc="left", fontsize=11.5, fontweight="bold")
        axes.set_xlim(-0.5, 1.5)
        axes.set_ylim(-height / 2, height / 2)
        axes.set_axis_off()
    return figure


def _draw_influence(rows: Sequence[ParameterRow], words: Wording) -> Figure:
    """Draw how much of what is not known goes with each parameter, and what is left for everything else."""
    from matplotlib.figure import Figure

    shares = [100 * row.explained for row in rows]
    bars = [*zip([words.label(row.label) for row in rows], shares, strict=True)]
    bars.append((words.text("explain_rest"), max(0.0, 100.0 - sum(shares))))
    texts = [textwrap.fill(_capital(label), 38) for label, _ in bars]
    tall = 0.75 + _row_height(texts) * len(texts)
    figure = Figure(figsize=(8.2, tall))
    axes = figure.add_axes((0.4, 0.56 / tall, 0.53, 1 - 0.64 / tall))
    places = list(range(len(bars)))
    colours = [BLUE] * len(rows) + ["#b8bec6"]
    axes.barh(places, [share for _, share in bars], color=colours, height=0.62)
    for place, (_, share) in zip(places, bars, strict=True):
        axes.text(share + 1.0, place, words.per_cent(words.number(share)), va="center", fontsize=9.5)
    axes.set_yticks(places, texts, fontsize=9.5)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xticks([0, 25, 50, 75, 100], [words.per_cent(words.number(mark)) for mark in (0, 25, 50, 75, 100)])
    axes.set_xlabel(words.text("explain_axis"), fontsize=9.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    return figure


def _draw_waterfall(rows: Sequence[AttributionRow], words: Wording) -> Figure:
    """Draw the way from the reference to the what-if: each change alone, and what they do together beside that."""
    from matplotlib.figure import Figure

    rows = [row for row in rows if row.part != "change" or not is_idle(row)]
    share = is_share(rows[0].unit)
    factor = 100.0 if share else 1.0
    base, steps, total = factor * rows[0].alone, rows[1:-1], factor * (rows[0].alone + rows[-1].alone)
    texts = [textwrap.fill(_capital(part_label(row, words)), 42) for row in rows]
    tall = 0.75 + _row_height(texts) * len(texts)
    figure = Figure(figsize=(8.2, tall))
    axes = figure.add_axes((0.43, 0.56 / tall, 0.5, 1 - 0.64 / tall))
    decimals = words.decimals(base, total, smallest=max(abs(factor * row.alone) for row in rows) / 10 or 1.0)
    ends, at = [base], base
    bars = [(0.0, base, "#8c96a0", words.number(base, decimals))]
    for row in steps:
        change = factor * row.alone
        bars.append((at, change, BLUE if change >= 0 else VERMILION, words.number(change, decimals, signed=True)))
        at += change
        ends.append(at)
    bars.append((0.0, total, "#44505c", words.number(total, decimals)))
    low, high = min(0.0, total, *ends), max(0.0, total, *ends)
    room = (high - low) or 1.0
    for place, (left, width, colour, text) in enumerate(bars):
        axes.barh(place, width, left=left, color=colour, height=0.6)
        axes.text(max(left, left + width) + 0.015 * room, place, text, va="center", fontsize=9.5)
    for place, end in enumerate(ends):
        axes.plot([end, end], [place + 0.3, place + 0.7], color="#666666", linewidth=0.8)
    axes.set_yticks(range(len(bars)), texts, fontsize=9.5)
    axes.invert_yaxis()
    axes.set_xlim(low - (0.1 * room if low < 0 else 0.0), high + 0.16 * room)
    axes.xaxis.set_major_formatter(lambda value, _: words.number(value, 0 if room > 4 else 1))
    unit = words.text("points_of_hundred") if share else words.label(rows[0].unit)
    axes.set_xlabel(unit, fontsize=9.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    return figure


def _row_height(texts: Sequence[str]) -> float:
    """Return how many inches a bar needs beside its name, of which the longest decides."""
    return 0.2 + 0.16 * max(text.count("\n") + 1 for text in texts)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _short(name: str) -> str:
    """Return a name without what stands in brackets, over two lines where it is long."""
    return textwrap.fill(re.sub(r"\s*\([^)]*\)", "", name), 28)


def _columns(picture: FlowPicture, world: str) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Return the sizes of the nodes on the left, in the middle and on the right."""
    into, out = picture.into[world], picture.out[world]
    left = {id: sum(flow for (start, _), flow in into.items() if start == id) for id in picture.sources}
    right = {id: sum(flow for (_, end), flow in out.items() if end == id) for id in picture.targets}
    come = {id: sum(flow for (_, end), flow in into.items() if end == id) for id in picture.focus}
    gone = {id: sum(flow for (start, _), flow in out.items() if start == id) for id in picture.focus}
    return left, {id: max(come[id], gone[id]) for id in picture.focus}, right


def _height(sizes: Mapping[str, float], tallest: float, gap: float) -> float:
    present = [size for size in sizes.values() if size > 0]
    return sum(present) / tallest + gap * max(0, len(present) - 1)


def _stack(sizes: Mapping[str, float], tallest: float, gap: float) -> dict[str, float]:
    """Return the upper edge of each node of a column, the column centred on 0."""
    edge = _height(sizes, tallest, gap) / 2
    tops: dict[str, float] = {}
    for id, size in sizes.items():
        if size > 0:
            tops[id] = edge
            edge -= size / tallest + gap
    return tops


def _draw_alluvial(
    run: Run, axes: Axes, picture: FlowPicture, world: str, columns: tuple[dict[str, float], ...], tallest: float,
    words: Wording,
) -> None:  # fmt: skip
    into, out = picture.into[world], picture.out[world]
    colours = dict(zip(picture.focus, _FOCUS_COLOURS, strict=False))
    tops = [_stack(sizes, tallest, gap) for sizes, gap in zip(columns, _GAPS, strict=True)]
    for column, (sizes, heights) in enumerate(zip(columns, tops, strict=True)):
        for id, top in heights.items():
            come = sum(flow for (_, end), flow in into.items() if end == id)
            flow = come if column == 1 else sizes[id]
            _draw_node(run, axes, column, id, flow, top, sizes[id] / tallest, colours.get(id, "#555555"), words)
    _draw_ribbons(axes, into, picture.sources, picture.focus, tops[0], tops[1], (0.0, 0.5), tallest, colours)
    _draw_ribbons(axes, out, picture.focus, picture.targets, tops[1], tops[2], (0.5, 1.0), tallest, colours)


def _draw_node(
    run: Run, axes: Axes, column: int, id: str, flow: float, top: float, height: float, colour: str, words: Wording
) -> None:
    from matplotlib.patches import Rectangle

    x = (0.0, 0.5, 1.0)[column]
    axes.add_patch(Rectangle((x - 0.008, top - height), 0.016, height, color=colour, linewidth=0.5, zorder=3))
    text = f"{_short(name_of(run, id, words))}  {words.number(flow, words.decimals(flow))}"
    if column == 1:
        back = {"facecolor": "white", "alpha": 0.82, "edgecolor": "none", "pad": 1.5}
        axes.text(
            x, top + 0.03, text, ha="center", va="bottom", fontsize=9.5, fontweight="bold", zorder=4, bbox=back
        )  # fmt: skip
    else:
        shift, anchor = (-0.02, "right") if column == 0 else (0.02, "left")
        axes.text(x + shift, top - height / 2, text, ha=anchor, va="center", fontsize=9.5, zorder=4)


def _draw_ribbons(
    axes: Axes, flows: Mapping[tuple[str, str], float], starts: tuple[str, ...], ends: tuple[str, ...],
    start_tops: Mapping[str, float], end_tops: Mapping[str, float], span: tuple[float, float], tallest: float,
    colours: Mapping[str, str],
) -> None:  # fmt: skip
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    leaving, arriving = dict(start_tops), dict(end_tops)
    x0, x1 = span[0] + 0.008, span[1] - 0.008
    bend = (x1 - x0) * 0.45
    codes: list[Any] = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    for start in starts:
        for end in ends:
            thick = flows.get((start, end), 0.0) / tallest
            if thick <= 0:
                continue
            a, b = leaving[start], arriving[end]
            leaving[start], arriving[end] = a - thick, b - thick
            corners = [(x0, a), (x0 + bend, a), (x1 - bend, b), (x1, b), (x1, b - thick), (x1 - bend, b - thick)]
            corners += [(x0 + bend, a - thick), (x0, a - thick), (x0, a)]
            colour = colours.get(end, colours.get(start, SKY)) if span[0] == 0.0 else colours.get(start, SKY)
            axes.add_patch(
                PathPatch(Path(corners, codes), facecolor=colour, alpha=0.45, linewidth=0.3, edgecolor=colour)
            )
