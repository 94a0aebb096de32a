"""The workload in SimPy as textbooks write it: a process per citizen, a `Resource` per unit, `request | timeout`."""

from __future__ import annotations

import math
import random

import numpy as np
import simpy
from tf12 import HORIZON, LEAVE, WARM_UP, metrics, numbers


class UnitRoom:
    """A unit: its resource, and its occupancy as running integrals."""

    def __init__(self, env, it):
        self.env, self.it = env, it
        places = it.places
        self.resource = (simpy.PriorityResource if it.priorities else simpy.Resource)(env, places)
        self.waiting = self.present = 0
        self.waited = self.stayed = self.last = 0.0

    def change(self, waiting, present):
        now = self.env.now
        if now > WARM_UP:
            passed = now - max(self.last, WARM_UP)
            self.waited += self.waiting * passed
            self.stayed += self.present * passed
        self.last = now
        self.waiting += waiting
        self.present += present


def citizen(env, number, inflow, rooms, rng, records):
    at = rng.choices(*inflow.entry)[0]
    while at != LEAVE:
        room = rooms[at]
        it, asked = room.it, env.now
        room.change(+1, 0)
        request = (
            room.resource.request(priority=it.priorities[inflow.name]) if it.priorities else room.resource.request()
        )
        with request:
            patience = it.patience.get(inflow.name)
            if patience is None:
                yield request
            else:
                met = yield request | env.timeout(rng.expovariate(1.0 / patience))
                if request not in met:
                    room.change(-1, 0)
                    records.append((number, at, asked, math.inf, env.now, True))
                    return
            admitted = env.now
            room.change(-1, +1)
            yield env.timeout(rng.expovariate(1.0 / it.mean) if it.exponential else rng.lognormvariate(it.mu, it.sigma))
            room.change(0, -1)
        records.append((number, at, asked, admitted, env.now, False))
        at = rng.choices(*it.routes)[0]


def newcomers(env, inflow, rooms, rng, records, count):
    while True:
        yield env.timeout(rng.expovariate(inflow.rate))
        count[0] += 1
        env.process(citizen(env, count[0], inflow, rooms, rng, records))


def run(seed, scale=1):
    units, inflows = numbers(scale)
    rng, env = random.Random(seed), simpy.Environment()
    rooms = [UnitRoom(env, it) for it in units]
    records, count = [], [0]
    for inflow in inflows:
        env.process(newcomers(env, inflow, rooms, rng, records, count))
    env.run(until=HORIZON)
    for room in rooms:
        room.change(0, 0)
    return rooms, records, count[0]


def metrics_of(found):
    rooms, records, citizens = found
    unit, asked, start, left, gave_up = (np.array(column) for column in list(zip(*records, strict=True))[1:])
    vector = metrics(unit, asked, start, left, gave_up, citizens)
    span = HORIZON - WARM_UP
    vector[: 2 * len(rooms)] = [it.stayed / span for it in rooms] + [it.waited / span for it in rooms]
    return vector


def bare(events, pending=1300):
    """SimPy's own cost: as many events, popped by processes that only wait; their starts and ends are events too."""
    env, rng = simpy.Environment(), random.Random(1)
    waits, more = divmod(events - 2 * pending, pending)

    def waiter(times):
        for _ in range(times):
            yield env.timeout(rng.random() * 100.0)

    for number in range(pending):
        env.process(waiter(waits + (number < more)))
    env.run()
