"""``crksim one_more_place``: what one more place is worth, service by service, ranked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crksim.errors import InputError, Problem
from crksim.interface.experiments import Bar, plain_manifest
from crksim.interface.jobs import STAMP
from crksim.interface.keeping import disk_told, keeping
from crksim.interface.pools import open_workers
from crksim.interface.setting_up import set_up
from crksim.interface.sheets import COMMAND_LINE
from crksim.interface.texts import say, told_check

if TYPE_CHECKING:
    from crksim.analysis.ensemble import WorldStudy
    from crksim.analysis.keeping import Store
    from crksim.analysis.placing import PlaceValue
    from crksim.analysis.pool import Pool
    from crksim.analysis.replications import Replications
    from crksim.interface.cases import Case
    from crksim.interface.settings import Settings
    from crksim.model.clock import Window
    from crksim.model.network import Label, Study
    from crksim.model.prices import Price

__all__ = ["OneMorePlace", "value_places"]


@dataclass(frozen=True)
class OneMorePlace:
    """How one more place is judged.

    Parameters
    ----------
    worthwhile : int
        Starts per year that one more place must give to matter.
    """

    worthwhile: int = 1


@dataclass(frozen=True)
class _Base:
    """The world to which places are added."""

    case: Case
    settings: Settings
    window: Window
    thetas: tuple[dict[str, float], ...]
    kept: Store | None = None

    @property
    def world(self) -> WorldStudy:
        """The what-if of the scenario, which is the reference here."""
        return self.case.worlds[-1]

    def label(self, service: str) -> Label:
        """Return the name of a service."""
        return next(one.label for one in self.case.study.network.services if one.id == service)

    def run(self, worlds: Sequence[WorldStudy], measures: Sequence[str], pool: Pool, bar: Bar) -> Replications:
        """Run worlds on the versions and the luck of the scenario."""
        from crksim.analysis.replications import replicate

        with bar(self.settings.members) as progress:
            return replicate(
                worlds,
                self.case.ledger,
                measures=measures,
                members=self.settings.members,
                futures=self.settings.futures,
                seed=self.settings.seed,
                window=self.window,
                theta_overrides=self.thetas,
                pool=pool,
                progress=progress,
                kept=self.kept,
            )


def value_places(
    settings: Settings, changes: Sequence[str], given: OneMorePlace, tell: Callable[[str], None], bar: Bar
) -> Path:
    """Add one place to every service with hard places, one at a time, and return the folder with what each gives.

    What is simulated is kept; where it was cut off, the same words go on.

    Parameters
    ----------
    settings : Settings
        What to run and how; places are added to the what-if of its scenario.
    changes : sequence of str
        ``address=value`` each; they belong to that what-if.
    given : OneMorePlace
        How a place is judged.
    tell : callable
        Told what is found, a line at a time.
    bar : callable
        Gives what is called with (done, total).

    Raises
    ------
    InputError
        Anything wrong in the input, or no service with hard places.
    DiskError
        When the disk takes no more.
    KeyboardInterrupt
        With what is kept.
    """
    from crksim.analysis.placing import limited

    case, window, ensemble, check = set_up(settings, changes)
    base = _Base(case, settings, window, _thetas(case, settings, None if ensemble is None else ensemble.members))
    hard, norms = limited(case.study, base.thetas[0], window)
    if not hard:
        rule = say(settings.lang, "place_none")
        raise InputError([Problem("scenario", settings.scenario, rule, file=COMMAND_LINE)])
    lang = settings.lang
    tell(say(lang, "placing", title=getattr(case.scenario.title, lang), services=len(hard), **_size(settings)))
    with keeping(settings, lang) as kept, open_workers(settings, settings.members) as pool:
        found = _values(replace(base, kept=kept), hard, given.worthwhile, pool, bar)
    values = sorted(found, key=lambda value: -value.rank)
    for line in _lines(values, [base.label(id) for id in norms], settings.lang):
        tell(line)
    tell(told_check(lang, check))
    told = {
        "scenario": settings.scenario, "changes": list(changes), "seed": settings.seed, **_size(settings),
        "worthwhile": given.worthwhile, "ensemble": check.ensemble, "check": check.status,
        "window": [case.date_of(window.start), case.date_of(window.end - 1.0)],
    }  # fmt: skip
    with disk_told(lang, kept):
        folder = _write(settings.out / f"one_more_place_{case.name}_{_now()}", values, told)
    tell(f"{say(lang, 'folder')}: {folder.as_posix()}")
    return folder


def _size(settings: Settings) -> dict[str, int]:
    return {"members": settings.members, "futures": settings.futures}


def _now() -> str:
    return datetime.now().astimezone().strftime(STAMP)


def _thetas(case: Case, settings: Settings, ensemble: Sequence[Any] | None) -> tuple[dict[str, float], ...]:
    """Return the parameters of the what-if by member, as they are beside its reference."""
    from crksim.analysis.ensemble import draw_members
    from crksim.model.ledger import read_ledger

    worlds = [case.worlds[0], case.worlds[-1]]
    networks = [case.studies[0].network, case.study.network]
    return draw_members(worlds, networks, read_ledger(case.ledger), settings.members, settings.seed, ensemble)[-1]


def _values(base: _Base, hard: Sequence[str], worthwhile: int, pool: Pool, bar: Bar) -> list[PlaceValue]:
    """Run the world as it is, and then one place more wherever all places are ever taken."""
    from crksim.analysis.costing import cost_measures, cost_rows, outcome_measures
    from crksim.analysis.placing import PlaceValue, ever_full, place_questions, place_value

    study = base.case.study
    found = base.run([base.world], [f"{id}.present.max" for id in hard], pool, bar).worlds[0].values
    state = {id: ever_full(study, id, base.thetas, found[:, :, place], base.window) for place, id in enumerate(hard)}
    full = [id for id in hard if state[id][0]]
    values = [PlaceValue(id, base.label(id), state[id][1], False) for id in hard if id not in full]
    if not full:
        return values
    asked = {id: place_questions(study, id, float(worthwhile)) for id in full}
    prices = base.case.scenario.prices
    leads = {id: asked[id][0].measure for id in full}
    priced = [name for lead in leads.values() for name in cost_measures(prices, lead, study.network)]
    measures = list(dict.fromkeys([*(question.measure for own in asked.values() for question in own), *priced]))
    worlds = base.run([base.world, *(_more(base, id) for id in full)], measures, pool, bar).worlds
    for id, world in zip(full, worlds[1:], strict=True):
        columns = [measures.index(question.measure) for question in asked[id]]
        without, more = worlds[0].values[:, :, columns], world.values[:, :, columns]
        value = place_value(id, base.label(id), state[id][1], asked[id], without, more)
        if any(_pays_for(price, id, study) for price in prices):
            both = [
                {name: own.values[:, :, place] for place, name in enumerate(measures)} for own in (worlds[0], world)
            ]
            value = replace(value, costs=cost_rows(prices, outcome_measures(leads[id], study.network), *both))
        values.append(value)
    return values


def _pays_for(price: Price, service: str, study: Study) -> bool:
    """Say whether a price has to do with a service; what nothing has a price for does not cost nothing."""
    from crksim.model.vocabulary import ALL, groups_of

    subject = price.key.rpartition(".")[0]
    return subject in (service, ALL) or service in groups_of(study.network).get(subject, ())


def _more(base: _Base, service: str) -> WorldStudy:
    """Return the world with one more place in a service, from the day that is measured from."""
    from crksim.analysis.ensemble import WorldStudy
    from crksim.model.changes import apply, read_scenario
    from crksim.model.study import read_study

    words = {"da": "En plads mere", "en": "One more place"}
    scenario = {
        "title": words,
        "question": words,
        "from": base.case.date_of(base.window.start),
        "changes": {f"services.{service}.places.hard": {"plus": 1}},
    }
    data = apply(base.case.study.source, read_scenario(scenario, "one_more_place"))
    study = read_study(data)
    return WorldStudy(service, base.case.name, base.label(service), study.source, base.world.changes, study)


# --- what is told ----------------------------------------------------------------------------------------------------


def _lines(values: Sequence[PlaceValue], norms: Sequence[Label], lang: str) -> list[str]:
    """Return the ranked table, a line for every service, and what is said of those without a line of numbers."""
    from crksim.output.report.priced import priced_line
    from crksim.output.report.wording import Wording

    words = Wording(lang)
    lines = []
    for place, value in enumerate((value for value in values if value.full), start=1):
        told = [_amount(row, words) for row in value.rows]
        lines.append(
            say(
                lang, "place_line", place=place, service=words.label(value.label), places=words.plain(value.places),
                starts=told[0], wait=told[1], ceased=told[2], gain=told[3], verdict=say(lang, value.rows[0].verdict),
                least=words.plain(value.rows[0].worthwhile),
            )
        )  # fmt: skip
        lines += [f"   {priced_line(row, words)}" for row in value.costs if not row.source]
    lines += [say(lang, "place_free", service=words.label(value.label)) for value in values if not value.full]
    if norms:
        lines.append(say(lang, "place_norm", services=words.several([words.label(name) for name in norms])))
    return lines


def _amount(row: Any, words: Any) -> str:
    """Return a difference with its likely range."""
    decimals = words.decimals(row.difference, row.low, row.high, smallest=row.worthwhile / 10)
    span = words.span(row.low, row.high, decimals, signed=True)
    return f"{words.number(row.difference, decimals, signed=True)} ({span})"


def _write(folder: Path, values: Sequence[PlaceValue], told: dict[str, Any]) -> Path:
    from crksim.output.calibration_files import write_text
    from crksim.output.choices import write_places
    from crksim.output.whole import write_whole

    def fill(draft: Path) -> None:
        write_places(draft / "places.csv", values)
        write_text(draft / "manifest.json", plain_manifest(told))

    return write_whole(folder, fill)
