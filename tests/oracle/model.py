"""The textbook model: a SimPy process for every citizen, every strand, every pending referral.

Slow and plain on purpose.  It reads the study itself (never the engine's plan), keeps queues as lists, looks every
number up when it is needed, and returns one plain dict per row, with names instead of indices.  `README.md` says how it
reads the places where the grammar leaves a choice.
"""

from __future__ import annotations

import datetime
import itertools
import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import simpy

from crksim.model.laws import elapsed_quantile, law_from, mean_thinned, residual_quantile
from crksim.model.network import Dated, Network, Study
from crksim.model.services import Service
from crksim.simulation.arrivals import PRESENT, STRIP, arrivals
from crksim.simulation.luck import Luck, constant, uniform
from crksim.simulation.staylog import BLOCKED, MOVED, OPENING, RESUMED

# The order of ties at one instant; 0, 1 and 2 belong to SimPy and to `settle`.
HISTORY, ENDS, HAND_OUTS, PATIENCE, ARRIVALS = 3, 4, 5, 6, 7
SETTLED = 2
LAST = 1 << 20

WORDS = ("leave", "died", "home", "origin")


def grid(days):
    """Round to the grid of 2^-20 day."""
    return round(days * 2**20) / 2**20 if days < math.inf else math.inf


class Alarm(simpy.Event):
    """Happens at a given time; among events of the same time, in order of `priority`."""

    def __init__(self, env, when, priority):
        super().__init__(env)
        self._ok, self._value = True, None
        if when < math.inf:
            env.schedule(self, priority, when - env.now)


@dataclass(eq=False)
class Ending:
    """How a stay will end, as drawn on admission."""

    end: str
    after: float
    to: str
    status: str | None
    without: str | None
    becomes: dict


@dataclass(eq=False)
class Origin:
    """Whence a citizen was referred: the service, what was left of the stay there, and its own origin."""

    service: str
    resume: bool
    left: float
    ending: Ending | None
    nth: int
    origin: Origin | None


@dataclass(eq=False)
class Row:
    """One request and the stay that may follow it."""

    person: Person
    number: int
    strand: Strand
    service: Service
    from_row: Row | None
    rule: str | None
    referred: float
    kind: dict
    flags: int = 0
    admitted: float = math.nan
    due: float = math.nan
    left: float = math.nan
    nth: int = -1
    end: str | None = None
    to: str | None = None
    status: str | None = None
    without: str | None = None
    # not in the log
    ending: Ending | None = None
    origin: Origin | None = None  # whence the citizen was last referred, kept along the strand
    back: Origin | None = None  # what a resumed stay goes on with
    over: bool = False  # the stay has come to its end, though the place may be held
    residual: bool = False
    age: float = 0.0
    finish: float = math.nan
    priority: float = 0.0
    news: simpy.Event | None = None

    @property
    def open(self):
        return math.isnan(self.left)

    @property
    def present(self):
        return self.open and not math.isnan(self.admitted)


@dataclass(eq=False)
class Strand:
    """One of the things a citizen does at a time; number 0 is the main one."""

    person: Person
    number: int
    row: Row | None = None
    held: Row | None = None  # a stay that is done, its place held by blocking
    pending: list = field(default_factory=list)  # requests waited for while the stay goes on


@dataclass(eq=False)
class Person:
    cohort: int
    rank: int
    number: int
    base: int
    kind: dict
    rows: list = field(default_factory=list)
    strands: list = field(default_factory=list)
    visits: Counter = field(default_factory=Counter)  # admissions by family
    considered: Counter = field(default_factory=Counter)  # by rule, over all courses
    in_course: Counter = field(default_factory=Counter)  # by rule, in this course
    course_ended: bool = False
    budget: float = 0.0
    rate: Dated | None = None  # death rate where the main strand is
    since: float = 0.0
    moves: int = 0
    alive: bool = True


class Oracle:
    """One run of the textbook model."""

    def __init__(self, study: Study, theta, luck: Luck):
        self.study, self.theta, self.luck = study, theta, luck
        self.network: Network = study.network
        self.env = simpy.Environment()
        self.services = {service.id: service for service in self.network.services}
        by_luck = sorted(self.services.values(), key=lambda service: (service.luck_key, service.site))
        self.service_rank = {service.id: rank for rank, service in enumerate(by_luck)}
        self.rules = sorted(self.network.referrals, key=lambda rule: rule.luck_key)
        self.cohort_rank = {
            index: rank
            for rank, index in enumerate(
                sorted(range(len(self.network.cohorts)), key=lambda index: self.network.cohorts[index].luck_key)
            )
        }
        self.present = {id: [] for id in self.services}
        self.queues = {id: [] for id in self.services}
        self.people = []

    # ------------------------------------------------------------------ numbers

    def value(self, number, day=None):
        return number.at(self.env.now if day is None else day).value(self.theta)

    def pick(self, cases, kind):
        rest = None
        for case in cases:
            if case.when is None:
                rest = case
            elif case.when.matches(kind):
                return case.value
        return None if rest is None else rest.value

    def draw(self, person, family, nth, purpose):
        return uniform(person.base, constant(family, nth, purpose))

    def branch(self, branches, u):
        """Return the name of the first branch whose running sum exceeds u; `branches` are (name, Number or None)."""
        running = 0.0
        for name, share in branches[:-1]:
            running += self.value(share)
            if running > u:
                return name
        return branches[-1][0]

    def share_out(self, shares, person, family, nth, purpose):
        return self.branch(shares.branches, self.draw(person, family, nth, purpose))

    def destination(self, row, shares, purpose):
        """Draw where a row that was never admitted leads; nth is that of the visit it would have been."""
        family = row.service.luck_key
        return self.share_out(shares, row.person, family, row.person.visits[family], purpose)

    def law(self, spec):
        numbers = {name: self.value(number) for name, number in spec.numbers}
        parts = {}
        if spec.law == "mixture":
            given = sum(numbers.values())
            for name, part in spec.parts:
                parts[name] = (numbers.pop("weight:" + name, 1.0 - given), self.law(part))
        return law_from(spec.law, numbers, parts)

    def length(self, length, kind, u):
        law = self.law(self.pick(length, kind).at(self.env.now))
        return grid(float(law.quantile(np.array([u]))[0]))

    def waiting_time(self, rate, amount, first=-math.inf, last=math.inf):
        """Return how long from now until the cumulative hazard of a rate, in force from first to last, is amount."""
        now = self.env.now
        days = sorted({day for day, _ in rate.steps if day > now} | {day for day in (first, last) if day > now})
        start = now
        for stop in [*days, math.inf]:
            level = self.value(rate, start) if first <= start < last else 0.0
            if level > 0.0:
                if amount < level * (stop - start):
                    return grid((start - now) + amount / level)
                amount -= level * (stop - start)
            start = stop
        return math.inf

    def spent(self, rate, start, stop):
        days = [start, *(day for day, _ in rate.steps if start < day < stop), stop]
        return sum(self.value(rate, low) * (high - low) for low, high in itertools.pairwise(days) if high > low)

    # ------------------------------------------------------------------ ties

    def priority(self, sort, person=None, order=0, rank=0):
        """Return the place of an event among those of the same instant."""
        if person is None:
            return (sort << 160) + rank
        return (sort << 160) + (person.rank << 120) + (person.number << 40) + order

    def alarm(self, when, sort, person=None, order=0, rank=0):
        return Alarm(self.env, when, self.priority(sort, person, order, rank))

    def settle(self):
        """Let everything that already happened at this instant take effect."""
        return Alarm(self.env, self.env.now, SETTLED)

    @staticmethod
    def tell(event, value):
        if event is not None and not event.triggered:
            event.succeed(value)

    def tell_at(self, alarm, event, value):
        alarm.callbacks.append(lambda _: self.tell(event, value))

    # ------------------------------------------------------------------ rows

    def new_row(self, strand, service, source, rule=None, flags=0, origin=None):
        person = strand.person
        row = Row(
            person=person,
            number=len(person.rows),
            strand=strand,
            service=service,
            from_row=source,
            rule=None if rule is None else rule.id,
            referred=self.env.now,
            kind=dict(person.kind),
            flags=flags,
            origin=origin,
        )
        row.priority = self.value(self.pick(service.priority, person.kind)) if service.priority else 0.0
        person.rows.append(row)
        return row

    def close(self, row, end, to=None):
        """Close a row; if it was a stay its place is free."""
        row.left, row.end, row.to = self.env.now, end, to
        if row in self.queues[row.service.id]:
            self.queues[row.service.id].remove(row)
        if row in self.present[row.service.id]:
            self.present[row.service.id].remove(row)
            self.hand_out(row.service)
        if not math.isnan(row.admitted):
            self.withdraw(row)
            if row.strand.row is row:
                row.strand.row = None

    def withdraw(self, row):
        """Close what was waited for while a stay went on that is now over."""
        for pending in list(row.strand.pending):
            if pending.open and pending.from_row is row:
                self.close(pending, "withdrawn")
                self.tell(pending.news, ("withdrawn", None))

    def must_wait(self, row, wish):
        """Say whether the citizen would have to wait for the destination itself (not for where it sends on)."""
        wish = self.spoken(wish, row.person, row.origin)
        if wish in ("leave", "died"):
            return False
        service = self.services[wish]
        if service.eligible is not None and not service.eligible.matches(row.person.kind):
            return False
        return self.is_open(service) and not self.takes_at_once(service) and self.has_room(service)

    def is_open(self, service):
        return service.opens <= self.env.now and not self.is_closed(service)

    def is_closed(self, service):
        return service.closes is not None and service.closes.on <= self.env.now

    def has_place(self, service):
        return service.places.hard is None or len(self.present[service.id]) < round(self.value(service.places.hard))

    def takes_at_once(self, service):
        """Say whether a request would be admitted: a place, and nobody waiting for it."""
        return service.places.hard is None or (self.has_place(service) and not self.queues[service.id])

    def has_room(self, service):
        return service.room is None or len(self.queues[service.id]) < round(self.value(service.room))

    def line_up(self, row):
        row.news = self.env.event()
        self.queues[row.service.id].append(row)

    # ------------------------------------------------------------------ hand-outs

    def in_order(self, service):
        """Return those waiting, first first: by priority, then by time of referral, then as they came."""
        if service.order == "priority":
            return sorted(self.queues[service.id], key=lambda row: (row.priority, row.referred))
        return sorted(self.queues[service.id], key=lambda row: row.referred)

    def hand_out(self, service):
        if self.queues[service.id]:
            self.env.process(self.handing_out(service))

    def handing_out(self, service):
        yield self.alarm(self.env.now, HAND_OUTS, rank=self.service_rank[service.id])
        queue = self.queues[service.id]
        while queue and self.has_place(service):
            row = self.in_order(service)[0]
            queue.remove(row)
            self.tell(row.news, ("admitted", None))
            yield self.settle()

    # ------------------------------------------------------------------ admission

    def enter(self, row):
        """Admit, and consider the rules at the start of the stay; return the row on which the strand goes on."""
        self.admit(row)
        if not row.flags & (OPENING | RESUMED):
            for rule in self.rules_at(row, "start_of"):
                taken = self.consider(row.strand, row, rule)
                if taken is not None:
                    return taken
        return row

    def admit(self, row):
        person, service, now = row.person, row.service, self.env.now
        family = service.luck_key
        resumed = bool(row.flags & RESUMED)
        if not resumed:
            row.nth = person.visits[family]
            person.visits[family] += 1
        row.kind = dict(person.kind)
        row.admitted = now
        self.present[service.id].append(row)
        strand = row.strand
        self.let_go(strand)
        if strand.number == 0:
            if person.course_ended:
                person.in_course.clear()
                person.course_ended = False
            if service.between_courses:
                person.course_ended = True
        if resumed:
            row.ending, row.nth = row.back.ending, row.back.nth
            row.finish = now + row.back.left
        else:
            row.ending = self.draw_ending(row)
            row.finish = now + row.ending.after
        row.due = row.finish
        if strand.number == 0:
            row.due = min(row.finish, self.relocate(person, service))
        strand.row, row.news = row, self.env.event()

    def let_go(self, strand):
        """Give up the place that blocking held."""
        if strand.held is not None:
            held, strand.held = strand.held, None
            held.left = self.env.now
            self.present[held.service.id].remove(held)
            self.hand_out(held.service)

    def draw_ending(self, row):
        person, service, nth = row.person, row.service, row.nth
        ends = self.pick(service.ends, person.kind)
        planned = [end for end in ends if end.share is not None]
        first, after = None, math.inf
        if row.flags & OPENING and row.residual:
            first, row.age, after = self.found_in_progress(row, ends, planned)
        elif planned:
            u = self.draw(person, service.luck_key, nth, "end")
            name = self.branch([(end.id, None if end.share == "rest" else end.share) for end in planned], u)
            first = next(end for end in planned if end.id == name)
            u = self.draw(person, service.luck_key, nth, "length")
            after = self.length(first.length if first.length else service.length, person.kind, u)
        for end in sorted((end for end in ends if end.hazard is not None), key=lambda end: end.id):
            amount = -math.log(self.draw(person, service.luck_key, nth, "hazard:" + end.id))
            reach = self.waiting_time(end.hazard, amount)
            if reach < after or first is None:
                first, after = end, reach
        for end in sorted((end for end in ends if end.misses is not None), key=lambda end: end.id):
            day = self.day_of_misses(row, end)
            if day - self.env.now < after:
                first, after = end, day - self.env.now
        if first is None:
            first = next(end for end in sorted(ends, key=lambda end: end.id))
        return self.outcome(row, first, after)

    # ------------------------------------------------------------------ appointments

    def day_of_misses(self, row, end):
        """Go through the talks one by one until so many in a row are missed; inf if never."""
        service, person, clinic = row.service, row.person, row.service.clinic
        lot = self.draw(person, service.luck_key, row.nth, "misses:" + end.id)
        family, now, run = f"clinic:{service.luck_key}:{row.nth}", self.env.now, 0
        due = now + self.value(clinic.every) * self.draw(person, family, 0, "first")
        before, number = now, -1
        while True:
            number += 1
            day, late = self.held(clinic, person.kind, due, before)
            following = due
            while following <= day:
                following += self.value(clinic.every, following)
            for attempt in itertools.count():
                if day >= self.study.end:
                    return math.inf
                missed = self.draw(person, family, number, f"no_show:{attempt}") < self.chance(row, day, late)
                run = run + 1 if missed else 0
                if run >= end.misses.in_a_row and lot < self.value(end.misses.share, day):
                    return day
                before = day
                if not missed:
                    break
                dropped_in = math.floor(self.working(math.floor(day) + 1)) + 0.5
                wants = self.draw(person, family, number, f"drop_in:{attempt}") < self.value(clinic.drop_in, day)
                if wants and dropped_in < following:
                    before, run = dropped_in, 0
                    break
                if self.draw(person, family, number, f"rebooked:{attempt}") >= self.value(clinic.rebooked, day):
                    break
                again, late = self.held(clinic, person.kind, day + self.value(clinic.rebooked_after, day), day)
                if again >= following:
                    break
                day = again
            due = following

    def weekday(self, day):
        return (datetime.date.fromisoformat(self.study.start) + datetime.timedelta(days=day)).weekday()

    def working(self, day):
        while self.weekday(day) >= 5:
            day += 1
        return day

    def only_late(self, clinic, kind):
        return clinic.late is not None and clinic.late.when is not None and clinic.late.when.matches(kind)

    def held(self, clinic, kind, wanted, before):
        """Return the noon at which a talk is held where times are free, and whether at a late time."""
        first = max(math.ceil(wanted - 0.5), math.floor(before) + 1)
        if self.only_late(clinic, kind):
            for day in range(first, first + 29):
                open_late = ["Tue", "Thu", "Mon", "Wed", "Fri"][: int(self.value(clinic.late.afternoons, day))]
                name = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][self.weekday(day)]
                if name in open_late and self.value(clinic.late.hours, day) > 0:
                    return day + 0.5, True
        return self.working(first) + 0.5, False

    def chance(self, row, day, late):
        clinic = row.service.clinic
        chance = self.value(self.pick(clinic.no_show, row.person.kind), day)
        if not late and self.only_late(clinic, row.person.kind):
            odds = chance / (1 - chance) * self.value(clinic.late.otherwise, day) if chance < 1 else math.inf
            return odds / (1 + odds) if odds < math.inf else 1.0
        return chance

    def found_in_progress(self, row, ends, planned):
        """Return the planned end, the days already spent, and the days left of a stay found in the middle."""
        person, service = row.person, row.service
        family = service.luck_key
        rates = [self.value(end.hazard) for end in ends if end.hazard is not None]
        if service.death:
            rates.append(self.value(self.pick(service.death, person.kind)))
        hazard, u_age = sum(rates), self.draw(person, family, 0, "age")
        if not planned:
            return None, grid(-math.log(u_age) / hazard if hazard > 0.0 else 0.0), math.inf
        laws = [
            self.law(self.pick(end.length if end.length else service.length, person.kind).at(self.env.now))
            for end in planned
        ]
        given = sum(self.value(end.share) for end in planned if end.share != "rest")
        shares = [1.0 - given if end.share == "rest" else self.value(end.share) for end in planned]
        weights = [share * mean_thinned(law, hazard) for share, law in zip(shares, laws, strict=True)]
        u_end, sums = self.draw(person, family, 0, "end"), list(itertools.accumulate(weights))
        chosen = next((index for index, total in enumerate(sums) if u_end < total / sums[-1]), len(sums) - 1)
        law = laws[chosen]
        age = float(elapsed_quantile(law, np.array([u_age]), hazard)[0])
        u_length = self.draw(person, family, 0, "length")
        left = float(residual_quantile(law, np.array([age]), np.array([u_length]))[0])
        return planned[chosen], grid(age), grid(left)

    def outcome(self, row, end, after):
        person, family, nth = row.person, row.service.luck_key, row.nth
        u = self.draw(person, family, nth, "status")
        status = None if end.status is None else self.branch(end.status.branches, u)
        without = None if end.without is None else self.branch(end.without.branches, u)
        becomes = {}
        for name, shares in end.becomes:
            value = self.share_out(shares, person, family, nth, "becomes:" + name)
            if value != "same":
                becomes[name] = value
        to = self.share_out(end.to, person, family, nth, "to")
        return Ending(end.id, after, to, status, without, becomes)

    # ------------------------------------------------------------------ death

    def relocate(self, person, service):
        """The main strand is now in (or waits for) `service`, or nowhere; return when its death rate kills."""
        if person.rate is not None:
            person.budget -= self.spent(person.rate, person.since, self.env.now)
        person.rate = None
        if service is not None and service.death:
            person.rate = self.pick(service.death, person.kind)
        person.since = self.env.now
        person.moves += 1
        if person.rate is not None:
            after = self.waiting_time(person.rate, max(person.budget, 0.0))
            if after < math.inf:
                self.env.process(self.dying(person, person.moves, self.env.now + after))
            return self.env.now + after
        return math.inf

    def dying(self, person, moves, when):
        yield self.alarm(when, ENDS, person, LAST)
        if person.moves == moves and person.alive:
            self.die(person)

    def die(self, person):
        person.alive = False
        person.moves += 1
        # Requests first: a stay that closes would withdraw those that wait for it to end.
        for row in sorted((row for row in person.rows if row.open), key=lambda row: row.present):
            if row.strand.held is row:
                row.strand.held, row.status, row.without = None, None, None
            self.close(row, "died", "died")
            self.tell(row.news, ("died", None))

    # ------------------------------------------------------------------ requests

    def request(self, strand, wish, source, origin=None, flags=0, resume=False):
        """Follow destinations until the strand waits or is admitted (return its row), or ends (return None)."""
        person = strand.person
        while True:
            back = None
            if wish == "origin" and origin is not None:
                wish, back, origin = origin.service, origin, origin.origin
                if not (resume and back.resume and self.is_open(self.services[wish])):
                    back = None
            wish = self.spoken(wish, person, None)
            if wish in ("leave", "died"):
                self.end_strand(strand, wish, source)
                return None
            service = self.services[wish]
            if back is not None:
                flags |= RESUMED
            if service.eligible is not None and not service.eligible.matches(person.kind):
                row = self.new_row(strand, service, source, flags=flags)
                self.point(source, service.id)
                self.close(row, "ineligible")
                source, flags = row, 0
                wish = self.destination(row, service.ineligible, "ineligible")
            elif not self.is_open(service):
                wish, source, flags = self.forward(strand, service, source, flags)
            else:
                row = self.new_row(strand, service, source, flags=flags, origin=origin)
                row.back = back
                self.point(source, service.id)
                if self.takes_at_once(service):
                    return self.enter(row)
                if self.has_room(service):
                    self.wait_outside(strand, row)
                    return row
                self.close(row, "refused")
                source, flags = row, 0
                wish = self.destination(row, service.refused, "refused")

    def forward(self, strand, service, source, flags):
        """Send on who comes before opening or after closing; a row is written only for those who then leave."""
        person, family = strand.person, service.luck_key
        if self.is_closed(service):
            shares, purpose = service.closes.afterwards, "afterwards"
        elif service.before is not None:
            shares, purpose = service.before, "before"
        else:
            shares, purpose = service.refused, "refused"
        wish = self.share_out(shares, person, family, person.visits[family], purpose)
        if purpose == "refused" or wish in ("leave", "died"):
            row = self.new_row(strand, service, source, flags=flags)
            self.point(source, service.id)
            self.close(row, "refused")
            return wish, row, 0
        return wish, source, flags

    def spoken(self, wish, person, origin):
        """Return the service (or leave, died) behind the words home and origin; without an origin it is the home."""
        if wish == "origin" and origin is not None:
            return origin.service
        return person.kind.get("home", "leave") if wish in ("home", "origin") else wish

    @staticmethod
    def point(source, to):
        if source is not None:
            source.to = to

    def wait_outside(self, strand, row):
        self.line_up(row)
        if strand.number == 0 and strand.held is None:
            self.relocate(strand.person, row.service)

    def end_strand(self, strand, wish, source):
        self.point(source, wish)
        if wish == "died":
            self.die(strand.person)
        elif strand.number == 0:
            self.relocate(strand.person, None)

    # ------------------------------------------------------------------ lives

    def life(self, strand, row):
        """One strand, from a row that waits or stays to its end."""
        while row is not None:
            if row.present:
                row = yield from self.staying(strand, row)
            else:
                row = yield from self.waiting(strand, row)

    def patience(self, row):
        service, person = row.service, row.person
        if service.patience is None:
            return
        u = self.draw(person, service.luck_key, person.visits[service.luck_key], "patience")
        after = self.length(service.patience, person.kind, u)
        self.tell_at(self.alarm(self.env.now + after, PATIENCE, person, row.number), row.news, ("gave_up", None))

    def waiting(self, strand, row):
        """Wait outside any stay (or in a blocked place) until admitted, out of patience, moved on, or dead."""
        self.patience(row)
        news, value = yield row.news
        if news == "admitted":
            return self.enter(row)
        if news == "gave_up":
            self.close(row, "gave_up")
            self.let_go(strand)
            return self.request(strand, self.destination(row, row.service.gives_up, "gives_up"), row, row.origin)
        if news == "moved":
            self.close(row, "moved_waiting")
            self.let_go(strand)
            return self.request(strand, value, row, row.origin, MOVED)
        return None

    def staying(self, strand, row):
        """Stay until the first of all that can end a stay."""
        person = strand.person
        alarm = self.alarm(row.finish, ENDS, person, row.number)
        self.tell_at(alarm, row.news, ("ended", None))
        for rule in self.rules_at(row, "during"):
            self.env.process(self.being_offered(strand, row, rule))
        news, value = yield row.news
        if news == "ended":
            return self.end_stay(strand, row)
        if news == "taken":
            return value
        if news == "called":  # a request waited for while the stay went on
            self.transfer(strand, row, value.service)
            return self.enter(value)
        if news == "closed":
            self.close(row, "closed")
            return self.request(strand, value, row, row.origin, MOVED)
        return None

    def end_stay(self, strand, row):
        person, ending = strand.person, row.ending
        row.status, row.without = ending.status, ending.without
        if ending.to == "died":
            self.die(person)
            row.end = ending.end
            return None
        person.kind.update(ending.becomes)
        row.over = True
        for rule in self.rules_at(row, "end_of"):
            taken = self.consider(strand, row, rule)
            if taken is not None:
                return taken
        self.leave(strand, row, ending.to)
        return self.request(strand, ending.to, row, row.origin, resume=True)

    def leave(self, strand, row, wish):
        """Close a stay that is over, or hold its place if the citizen must wait for the next service."""
        if row.service.blocking and self.must_wait(row, wish):
            row.end, row.flags = row.ending.end, row.flags | BLOCKED
            strand.held, strand.row = row, None
            self.withdraw(row)
        else:
            self.close(row, row.ending.end)

    # ------------------------------------------------------------------ referral rules

    def rules_at(self, row, at):
        return [
            rule
            for rule in self.rules
            if rule.at == at
            and row.service.id in rule.services
            and (rule.when is None or rule.when.matches(row.person.kind))
            and (at == "during" or rule.first <= self.env.now < rule.last)
        ]

    def candidates(self, rule, row):
        """Return the open services that a rule may offer, nearest first."""
        if not rule.nearest:
            target = self.services[rule.to]
            return [target] if self.is_open(target) else []
        distances = dict(row.service.distances)
        members = [service for service in self.services.values() if service.group == rule.to and self.is_open(service)]
        far = math.inf

        def distance(service):
            known = distances.get(service.site)
            return far if known is None else self.value(known)

        return sorted(
            members,
            key=lambda service: (service.site != row.service.site, distance(service), self.service_rank[service.id]),
        )

    def consider(self, strand, row, rule):
        """Offer what a rule offers; return the row on which the strand goes on if it took it, else None."""
        person = strand.person
        if rule.when is not None and not rule.when.matches(person.kind):
            return None  # another strand has changed the citizen since the stay began
        if (
            rule.stay != "beside"
            and not row.over
            and any(request.open and request.from_row is row for request in strand.pending)
        ):
            return None  # already waiting to be moved
        candidates = self.candidates(rule, row)
        if not candidates or person.in_course[rule.id] >= rule.at_most:
            return None
        target, reason = self.answer(rule, row, candidates)
        if reason is not None:
            self.close(self.new_row(strand, target, row, rule), reason)
            return None
        if rule.stay == "beside":
            self.beside(person, row, rule, target)
            return None
        if rule.stay == "goes_on" and not row.over and not self.takes_at_once(target):
            request = self.new_row(strand, target, row, rule)
            self.line_up(request)
            strand.pending.append(request)
            self.env.process(self.being_pending(strand, row, request, rule))
            return None
        origin = self.origin_of(rule, row)
        self.transfer(strand, row, target)
        request = self.new_row(strand, target, row, rule, origin=origin)
        if self.takes_at_once(target):
            return self.enter(request)
        self.wait_outside(strand, request)
        return request

    def answer(self, rule, row, candidates):
        """Return the service a citizen accepts and can ask, or the nearest one and why nothing comes of it."""
        person, target = row.person, candidates[0]
        nth = person.considered[rule.luck_key]
        person.considered[rule.luck_key] += 1
        person.in_course[rule.id] += 1
        take_up = self.pick(rule.take_up, person.kind)
        u = self.draw(person, "rule:" + rule.luck_key, nth, "take_up")

        def accepts(service):
            return u < self.value(take_up.own_site if service.site == row.service.site else take_up.other_site)

        def eligible(service):
            return service.eligible is None or service.eligible.matches(person.kind)

        if not accepts(target):
            return target, "too_far" if u < self.value(take_up.own_site) else "declined"
        attend = self.value(self.pick(rule.attend, person.kind))
        if self.draw(person, "rule:" + rule.luck_key, nth, "attend") >= attend:
            return target, "could_not_attend"
        if not eligible(target):
            return target, "ineligible"
        if self.takes_at_once(target):
            return target, None
        if rule.full == "next":
            for other in candidates[1:]:
                if accepts(other) and eligible(other) and self.takes_at_once(other):
                    return other, None
        if rule.full == "refuse" or not self.has_room(target):
            return target, "refused"
        return target, None

    def origin_of(self, rule, row):
        """Return whence a rule takes a citizen, with what is left of the stay if that is to be resumed."""
        resume = rule.returns == "resume" and not row.over
        return Origin(row.service.id, resume, row.finish - self.env.now, row.ending, row.nth, row.origin)

    def beside(self, person, row, rule, target):
        strand = Strand(person, len(person.strands))
        person.strands.append(strand)
        request = self.new_row(strand, target, row, rule)
        if self.takes_at_once(target):
            request = self.enter(request)
        else:
            self.wait_outside(strand, request)
        self.env.process(self.life(strand, request))

    def transfer(self, strand, row, target):
        """Leave the present stay for a referral; a stay that is over keeps its own end."""
        if row.over:
            self.leave(strand, row, target.id)
            row.to = target.id
        else:
            self.close(row, "transferred", target.id)

    def being_pending(self, strand, row, request, rule):
        """A request that is waited for while the stay goes on."""
        self.patience(request)
        news, _ = yield request.news
        strand.pending.remove(request)
        if news == "admitted":
            request.origin = self.origin_of(rule, row)
            self.tell(row.news, ("called", request))
        elif news == "gave_up":
            self.close(request, "gave_up")
        elif news == "moved":
            self.close(request, "moved_waiting")

    def being_offered(self, strand, row, rule):
        """A rule `during` a stay: considered at a rate, again after each answer that did not move the citizen."""
        person, family = row.person, "rule:" + rule.luck_key
        while person.in_course[rule.id] < rule.at_most:
            amount = -math.log(self.draw(person, family, person.considered[rule.luck_key], "rate"))
            after = self.waiting_time(self.pick(rule.rate, person.kind), amount, rule.first, rule.last)
            if after == math.inf:
                return
            yield self.alarm(self.env.now + after, ENDS, person, row.number)
            if strand.row is not row:
                return
            before, asked = len(strand.pending), person.considered[rule.luck_key]
            taken = self.consider(strand, row, rule)
            if taken is not None:
                self.tell(row.news, ("taken", taken))
                return
            if person.considered[rule.luck_key] == asked:
                person.considered[rule.luck_key] += 1  # nobody could be asked: the next time is a draw of its own
            if len(strand.pending) > before:
                yield strand.pending[-1].news
                yield self.settle()
                if strand.row is not row:
                    return

    # ------------------------------------------------------------------ history, arrivals, run

    def closing(self, service):
        yield self.alarm(service.closes.on, HISTORY, rank=self.service_rank[service.id])
        order = lambda row: (row.person.rank, row.person.number, row.number)  # noqa: E731
        for row in sorted((row for row in self.present[service.id] if row.strand.held is not row), key=order):
            branches = [(name, share) for name, share, _ in service.closes.present]
            u = self.draw(row.person, service.luck_key, row.nth, "closing")
            name = self.branch(branches, u)
            to = next(to for id, _, to in service.closes.present if id == name)
            self.tell(row.news, ("closed", to))
            yield self.settle()
        for row in self.in_order(service):
            to = self.destination(row, service.closes.waiting, "afterwards")
            self.tell(row.news, ("moved", to))
            yield self.settle()

    def capacity(self, service):
        for day, _ in service.places.hard.steps:
            if day > self.env.now:
                yield self.alarm(day, HISTORY, rank=LAST + self.service_rank[service.id])
                self.hand_out(service)

    def person(self, index, key, number, column):
        cohort = self.network.cohorts[index]
        person = Person(index, self.cohort_rank[index], column, self.luck.base(key, number), {"cohort": cohort.id})
        for name, shares in cohort.attributes:
            person.kind[name] = self.share_out(shares, person, "", 0, "attribute:" + name)
        person.budget = -math.log(self.draw(person, "", 0, "death"))
        person.since = self.env.now
        person.strands.append(Strand(person, 0))
        self.people.append(person)
        return person

    def newcomer(self, index, number, when):
        cohort = self.network.cohorts[index]
        person = self.person(index, cohort.luck_key, number, number)
        yield self.alarm(when, ARRIVALS, person)
        person.since = self.env.now
        strand = person.strands[0]
        wish = self.share_out(cohort.enters, person, "", 0, "enters")
        yield from self.life(strand, self.request(strand, wish, None))

    def opening(self):
        """Those present at the start, in order."""
        for index, cohort in enumerate(self.network.cohorts):
            for place, present in enumerate(cohort.present):
                for number in range(round(self.value(present.count))):
                    key = f"{cohort.luck_key}/{present.id}"
                    person = self.person(index, key, number, (PRESENT + place) * STRIP + number)
                    at = person.kind["home"] if present.at == "home" else present.at
                    strand = person.strands[0]
                    row = self.new_row(strand, self.services[at], None, flags=OPENING)
                    row.residual = present.lengths == "residual"
                    self.admit(row)
                    row.referred = row.admitted = -row.age
                    self.env.process(self.life(strand, row))

    def run(self):
        self.opening()
        for service in self.services.values():
            if service.closes is not None:
                self.env.process(self.closing(service))
            if service.places.hard is not None:
                self.env.process(self.capacity(service))
        for index, cohort in enumerate(self.network.cohorts):
            numbers, times = arrivals(
                self.luck, cohort.luck_key, cohort.arrivals, self.theta, self.study.start, self.study.end
            )
            for number, when in zip(numbers.tolist(), times.tolist(), strict=True):
                self.env.process(self.newcomer(index, number, when))
        self.env.run(until=self.study.end)
        return [
            self.as_dict(row)
            for person in sorted(self.people, key=lambda p: (p.cohort, p.number))
            for row in person.rows
        ]

    def as_dict(self, row):
        return {
            "cohort": self.network.cohorts[row.person.cohort].id,
            "citizen": row.person.number,
            "row": row.number,
            "strand": row.strand.number,
            "service": row.service.id,
            "from_row": -1 if row.from_row is None else row.from_row.number,
            "rule": row.rule,
            "nth": row.nth,
            "kind": tuple(sorted(row.kind.items())),
            "referred": row.referred,
            "admitted": row.admitted,
            "due": row.due,
            "left": row.left,
            "end": row.end if not row.open else None,
            "to": row.to if not row.open else None,
            "status": row.status if not row.open else None,
            "without": row.without if not row.open else None,
            "flags": row.flags,
        }


def run_oracle(study: Study, theta, luck: Luck):
    """Return the rows of one run, as dicts, sorted by cohort, citizen, row."""
    return Oracle(study, theta, luck).run()
