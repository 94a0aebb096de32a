"""The figures of a run: number present over time, and where citizens come from and go."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from crksim.model.network import Label
from crksim.output.report.wording import Wording
from crksim.output.tables import service_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from crksim.analysis.results import ReplayRow, SeriesRow
    from crksim.output.tables import Run

__all__ = ["FlowPicture", "change_day", "draw_figures", "flow_picture", "name_of", "present_facts", "present_services"]

#: Okabe and Ito (2008): colours that the colour-blind tell apart; line styles tell them apart in print.
BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"
_FOCUS_COLOURS = (VERMILION, BLUE, GREEN, PURPLE, ORANGE)
_REFERENCE_STYLES = ((BLUE, "--"), (GREEN, "-."), (PURPLE, (0, (1, 1, 4, 1))))
_MOST_SERVICES = 6
_MOST_FOCUS = 4
_MOST_ENDS = 7
_STYLE = {
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


def name_of(run: Run, id: str, words: Wording) -> str:
    """Return what a planner calls a service, a cohort or an end of the strand."""
    labels = service_labels(run.study, run.scenario)
    if id in labels:
        return words.label(labels[id])
    if id in ("leave", "died", "home", "origin", "others"):
        return words.text(id)
    return id.replace("_", " ").capitalize()


def _changed(run: Run) -> list[str]:
    """Return the services that the scenario's changes name, then those they are copies of."""
    own: list[str] = []
    copied: list[str] = []
    for address, change in (run.scenario.get("changes") or {}).items():
        part, _, rest = str(address).partition(".")
        if part == "services":
            own.append(rest.split(".")[0])
            if isinstance(change, Mapping) and "like" in change:
                copied.append(str(change["like"]).rpartition(".")[2])
    return list(dict.fromkeys(own + copied))


def start_date(run: Run) -> date:
    """Return day 0 of the study."""
    return date.fromisoformat(str((run.study.get("time") or {}).get("start", "2016-01-01"))[:10])


def change_day(run: Run) -> float:
    """Return the day on which the change begins (days since start), or NaN when it was there all along."""
    begins = run.scenario.get("from", (run.study.get("time") or {}).get("forecast"))
    try:
        return float((date.fromisoformat(str(begins)[:10]) - start_date(run)).days)
    except ValueError:
        return math.nan


def _by_service(run: Run) -> dict[str, dict[str, list[SeriesRow]]]:
    found: dict[str, dict[str, list[SeriesRow]]] = {}
    for row in run.result.series:
        found.setdefault(row.service, {}).setdefault(row.world, []).append(row)
    return found


def present_services(run: Run) -> list[str]:
    """Return the services whose number present is worth a figure: those changed, those that differ, those that decide."""
    series = _by_service(run)
    reference, what_if = run.result.worlds[0].id, run.result.worlds[-1].id

    def difference(service: str) -> float:
        before = {row.day: row.mean for row in series[service].get(reference, [])}
        pairs = [(row.mean, before.get(row.day, 0.0)) for row in series[service].get(what_if, [])]
        apart = max((abs(a - b) for a, b in pairs), default=0.0)
        size = max((max(a, b) for a, b in pairs), default=0.0)
        return apart if apart > max(0.3, 0.02 * size) else 0.0

    changed = [service for service in _changed(run) if service in series]
    moved = sorted((s for s in series if difference(s) > 0), key=lambda s: (-difference(s), s))
    deciding = [row.measure.split(".")[0] for row in run.result.comparison if row.decides]
    wanted = list(dict.fromkeys([*changed, *moved, *(s for s in deciding if s in series)]))
    return (wanted or sorted(series))[:_MOST_SERVICES]


def present_facts(run: Run, service: str) -> list[ReplayRow]:
    """Return the report's numbers of citizens present in a service on a day."""
    return [
        row
        for row in run.result.replay
        if row.measure.startswith(f"{service}.") and "present" in row.measure and math.isfinite(row.day)
    ]


@dataclass(frozen=True)
class FlowPicture:
    """What the flow picture shows.

    Parameters
    ----------
    focus : tuple of str
        Services in the middle.
    sources, targets : tuple of str
        Where their citizens come from and go, largest first, ``others`` last.
    flows : dict
        World id -> {(from, to): citizens per year}, gathered.
    """

    focus: tuple[str, ...]
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    into: dict[str, dict[tuple[str, str], float]]
    out: dict[str, dict[tuple[str, str], float]]


def _largest(flows: Iterable[Mapping[tuple[str, str], float]], side: int) -> list[str]:
    sums: dict[str, float] = {}
    for world in flows:
        for pair, flow in world.items():
            sums[pair[side]] = sums.get(pair[side], 0.0) + flow
    return sorted((id for id, total in sums.items() if total > 0), key=lambda id: (-sums[id], id))


def flow_picture(run: Run) -> FlowPicture | None:
    """Return the flows through the services that the change touches most, or None when there are none."""
    worlds = [run.result.worlds[0].id, run.result.worlds[-1].id]
    flows = [run.result.flows.get(world, {}) for world in worlds]
    total = [{}, {}]  # type: list[dict[str, float]]
    for i, world in enumerate(flows):
        for (_, end), flow in world.items():
            total[i][end] = total[i].get(end, 0.0) + flow
    through = {pair[0] for world in flows for pair in world}
    known = [id for id in {**total[0], **total[1]} if id in through]

    def apart(id: str) -> float:
        return abs(total[1].get(id, 0.0) - total[0].get(id, 0.0))

    def relative(id: str) -> float:
        return apart(id) / max(total[0].get(id, 0.0), total[1].get(id, 0.0), 0.5)

    changed = [id for id in _changed(run) if id in known]
    moved = sorted((id for id in known if relative(id) > 0.15), key=lambda id: (-apart(id), id))
    largest = sorted(known, key=lambda id: (-total[1].get(id, 0.0), id))
    focus = tuple(dict.fromkeys(changed + moved or largest))[:_MOST_FOCUS]
    if not focus:
        return None
    into = [{pair: flow for pair, flow in world.items() if pair[1] in focus and flow > 0} for world in flows]
    out = [{pair: flow for pair, flow in world.items() if pair[0] in focus and flow > 0} for world in flows]
    sources, into = _gather(into, 0)
    targets, out = _gather(out, 1)
    return FlowPicture(
        focus, sources, targets, dict(zip(worlds, into, strict=True)), dict(zip(worlds, out, strict=True))
    )


def _gather(
    flows: list[dict[tuple[str, str], float]], side: int
) -> tuple[tuple[str, ...], list[dict[tuple[str, str], float]]]:
    """Keep the largest ends on one side, and put the rest together as ``others``."""
    ends = _largest(flows, side)
    kept = ends if len(ends) <= _MOST_ENDS else ends[: _MOST_ENDS - 1]
    gathered: list[dict[tuple[str, str], float]] = []
    for world in flows:
        sums: dict[tuple[str, str], float] = {}
        for pair, flow in sorted(world.items()):
            end = pair[side] if pair[side] in kept else "others"
            key = (end, pair[1]) if side == 0 else (pair[0], end)
            sums[key] = sums.get(key, 0.0) + flow
        gathered.append(sums)
    return (*kept, *(["others"] if len(ends) > len(kept) else [])), gathered


def draw_figures(run: Run, lang: str) -> dict[str, str]:
    """Return the figures of a run in one language as SVG texts by name; the same run gives the same bytes."""
    import matplotlib as mpl

    words = Wording(lang)
    figures: dict[str, str] = {}
    with mpl.rc_context(_STYLE):
        for service in present_services(run):
            figures[f"present_{service}"] = _svg(_draw_present(run, service, words))
        picture = flow_picture(run)
        if picture is not None:
            figures["flows"] = _svg(_draw_flows(run, picture, words))
    return figures


def _svg(figure: Figure) -> str:
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasSVG(figure)
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def _draw_present(run: Run, service: str, words: Wording) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.2, 3.5), layout="constrained")
    axes = figure.add_subplot()
    series = _by_service(run)[service]
    references = run.result.worlds[:-1]
    lines = [(w, *_REFERENCE_STYLES[i % 3], 1.8) for i, w in enumerate(references)]
    lines.append((run.result.worlds[-1], VERMILION, "-", 2.2))
    top = 1.0
    for position, (world, colour, style, width) in enumerate(lines):
        rows = sorted(series.get(world.id, []), key=lambda row: row.day)
        if not any(row.high > 0 for row in rows):
            continue
        days = [row.day for row in rows]
        label = words.label(world.label)
        axes.plot(days, [row.mean for row in rows], color=colour, linestyle=style, linewidth=width, label=label)
        if position in (0, len(lines) - 1):
            axes.fill_between(
                days, [r.low for r in rows], [r.high for r in rows], color=colour, alpha=0.16, linewidth=0
            )
        top = max(top, *(row.high for row in rows))
    top = max(top, _draw_places(run, axes, series, words))
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
    figure.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=9.5, handlelength=2.6)
    return figure


def _draw_places(run: Run, axes: Axes, series: Mapping[str, list[SeriesRow]], words: Wording) -> float:
    """Draw the places as steps, once where reference and what-if agree; return the largest."""
    worlds = (run.result.worlds[0], run.result.worlds[-1])
    steps = []
    for world in worlds:
        rows = sorted(series.get(world.id, []), key=lambda row: row.day)
        if any(math.isfinite(row.places) and row.places > 0 for row in rows):
            steps.append((world, [row.day for row in rows], [row.places for row in rows]))
    same = len(steps) < 2 or all(a == b or (a != a and b != b) for a, b in zip(steps[0][2], steps[1][2], strict=False))
    for position, (world, days, places) in enumerate(steps[-1:] if same else steps):
        key = words.text("legend_places") if same else words.text("legend_places_new", world=words.label(world.label))
        colour = "black" if same else (BLUE, VERMILION)[position]
        axes.step(days, places, where="post", color=colour, linestyle=":", linewidth=1.6, label=key)
    return max((p for _, _, places in steps for p in places if math.isfinite(p)), default=0.0)


def _scale_present(run: Run, axes: Axes, series: Mapping[str, list[SeriesRow]], top: float, words: Wording) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

    days = [row.day for rows in series.values() for row in rows]
    first, last = min(days), max(days)
    start = start_date(run)
    years = range(start.year, (start + timedelta(days=last)).year + 2)
    marks = {(date(year, 1, 1) - start).days: year for year in years}
    shown = [day for day in marks if first <= day <= last + 2]
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda day, _: words.text("axis_january", year=marks.get(round(day), "")))
    )
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=3))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value)))
    axes.set_xlim(first, last)
    axes.set_ylim(0, top)
    axes.set_ylabel(words.text("axis_present"))
    axes.grid(axis="y", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)


def _draw_flows(run: Run, picture: FlowPicture, words: Wording) -> Figure:
    from matplotlib.figure import Figure

    worlds = (run.result.worlds[0], run.result.worlds[-1])
    ends = max(len(picture.sources), len(picture.targets), len(picture.focus))
    figure = Figure(figsize=(9.6, 2 * (1.0 + 0.5 * ends)), layout="constrained")
    panels = figure.subplots(2, 1)
    tallest = max(
        (sum(side.values()) for world in worlds for side in (picture.into[world.id], picture.out[world.id])),
        default=1.0,
    )
    for axes, world in zip(panels, worlds, strict=True):
        _draw_alluvial(run, axes, picture, world.id, tallest or 1.0, words)
        axes.set_title(_capital(words.label(world.label)), loc="left", fontsize=11.5, fontweight="bold")
    return figure


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _draw_alluvial(run: Run, axes: Axes, picture: FlowPicture, world: str, tallest: float, words: Wording) -> None:
    into, out = picture.into[world], picture.out[world]
    colours = dict(zip(picture.focus, _FOCUS_COLOURS, strict=False))
    left = {id: sum(f for (a, _), f in into.items() if a == id) for id in picture.sources}
    right = {id: sum(f for (_, b), f in out.items() if b == id) for id in picture.targets}
    come = {id: sum(f for (_, b), f in into.items() if b == id) for id in picture.focus}
    gone = {id: sum(f for (a, _), f in out.items() if a == id) for id in picture.focus}
    middle = {id: max(come[id], gone[id]) for id in picture.focus}
    columns = (left, middle, right)
    tops = [_stack(column, tallest, gap) for column, gap in zip(columns, (0.055, 0.17, 0.055), strict=True)]
    for column, (sizes, heights) in enumerate(zip(columns, tops, strict=True)):
        for id, size in sizes.items():
            if size > 0:
                flow = come[id] if column == 1 else size
                _draw_node(run, axes, column, id, flow, heights[id], size / tallest, colours.get(id, "#555555"), words)
    _draw_ribbons(axes, into, picture.sources, picture.focus, tops[0], tops[1], (0.0, 0.5), tallest, colours)
    _draw_ribbons(axes, out, picture.focus, picture.targets, tops[1], tops[2], (0.5, 1.0), tallest, colours)
    axes.set_xlim(-0.42, 1.42)
    axes.set_ylim(-1.45, 0.1)
    axes.set_axis_off()


def _stack(sizes: Mapping[str, float], tallest: float, gap: float) -> dict[str, float]:
    """Return the upper edge of each node of a column, the column centred on -0.68."""
    present = [id for id, size in sizes.items() if size > 0]
    height = sum(sizes[id] for id in present) / tallest + gap * max(0, len(present) - 1)
    edge = -0.68 + height / 2
    tops: dict[str, float] = {}
    for id in present:
        tops[id] = edge
        edge -= sizes[id] / tallest + gap
    return tops


def _draw_node(
    run: Run, axes: Axes, column: int, id: str, flow: float, top: float, height: float, colour: str, words: Wording
) -> None:
    from matplotlib.patches import Rectangle

    x = (0.0, 0.5, 1.0)[column]
    axes.add_patch(Rectangle((x - 0.008, top - height), 0.016, height, color=colour, linewidth=0.5, zorder=3))
    text = f"{name_of(run, id, words)}  {words.number(flow, words.decimals(flow))}"
    if column == 1:
        axes.text(x, top + 0.012, text, ha="center", va="bottom", fontsize=9.5, fontweight="bold", zorder=4)
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


def service_title(run: Run, service: str) -> Label:
    """Return the label of a service in both languages."""
    return Label(name_of(run, service, Wording("da")), name_of(run, service, Wording("en")))
