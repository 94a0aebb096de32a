"""The workload in Ciw: arrivals split by cohort and unit, priority by each unit's discipline, waits given up leave."""

from __future__ import annotations

import ciw
import numpy as np
from tf12 import HORIZON, metrics, numbers


def _priority(levels):
    return lambda individuals, t: min(individuals, key=lambda it: levels[it.customer_class])


def network(scale=1):
    units, inflows = numbers(scale)
    size = range(len(units))
    table = [[0.0] * len(units) for _ in size]
    for index, it in enumerate(units):
        for to, share in zip(*it.routes, strict=True):
            if to >= 0:
                table[index][to] = share
    arrive, serve, renege = {}, {}, {}
    for inflow in inflows:
        entry = dict(zip(*inflow.entry, strict=True))
        arrive[inflow.name] = [ciw.dists.Exponential(inflow.rate * entry[u]) if u in entry else None for u in size]
        serve[inflow.name] = [
            ciw.dists.Exponential(1.0 / it.mean) if it.exponential else ciw.dists.Lognormal(it.mu, it.sigma)
            for it in units
        ]
        patience = [it.patience.get(inflow.name) for it in units]
        renege[inflow.name] = [None if days is None else ciw.dists.Exponential(1.0 / days) for days in patience]
    return ciw.create_network(
        arrival_distributions=arrive,
        service_distributions=serve,
        number_of_servers=[it.places for it in units],
        routing=dict.fromkeys(arrive, table),
        reneging_time_distributions=renege,
        service_disciplines=[_priority(it.priorities) if it.priorities else ciw.disciplines.FIFO for it in units],
    )


def run(seed, scale=1):
    ciw.seed(seed)
    model = ciw.Simulation(network(scale))
    model.simulate_until_max_time(HORIZON)
    return model


def metrics_of(model):
    records = model.get_all_records(include_incomplete=True)
    unit = np.array([it.node - 1 for it in records])
    asked = np.array([it.arrival_date for it in records], float)

    def days(values):
        column = np.array([np.inf if value is None or value is False else value for value in values], float)
        return np.where(np.isnan(column), np.inf, column)

    start, left = days(it.service_start_date for it in records), days(it.exit_date for it in records)
    left[[it.record_type == "incomplete" for it in records]] = np.inf
    gave_up = np.array([it.record_type == "renege" for it in records])
    return metrics(unit, asked, start, left, gave_up, model.nodes[0].number_of_individuals)
