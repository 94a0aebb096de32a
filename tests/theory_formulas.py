"""Closed forms of queueing theory, each with its source.  Rates per day, times in days."""

from __future__ import annotations

import math

import numpy as np


def erlang_b(servers: int, offered: float) -> float:
    """Share of arrivals lost in M/G/c/c: Erlang (1917), by the recursion B(c) = a B(c-1) / (c + a B(c-1))."""
    lost = 1.0
    for c in range(1, servers + 1):
        lost = offered * lost / (c + offered * lost)
    return lost


def erlang_c(servers: int, offered: float) -> float:
    """Share of arrivals that wait in M/M/c: Erlang (1917); Cooper (1981), eq. 3.4.8, from Erlang B."""
    lost = erlang_b(servers, offered)
    return lost / (1.0 - offered / servers * (1.0 - lost))


def mmc_wait(arrival: float, service: float, servers: int) -> float:
    """Mean wait in M/M/c: C(c, a) / (c mu - lambda); with c = 1 this is rho / (mu - lambda) (Kleinrock 1975, 3.23)."""
    return erlang_c(servers, arrival / service) / (servers * service - arrival)


def mmck(arrival: float, service: float, servers: int, capacity: int) -> np.ndarray:
    """Stationary law of the number in M/M/c/K: Kleinrock (1975), section 3.6, from the balance of birth and death."""
    weights = [1.0]
    for n in range(1, capacity + 1):
        weights.append(weights[-1] * arrival / (service * min(n, servers)))
    return np.array(weights) / sum(weights)


def erlang_a(arrival: float, service: float, servers: int, impatience: float) -> tuple[float, float, float]:
    """Share who give up, share who wait, mean number waiting in M/M/c+M.

    Palm (1957); Garnett, Mandelbaum & Reiman (2002), section 2: births at lambda, deaths at
    min(n, c) mu + max(n - c, 0) theta; the share who give up is theta E[queue] / lambda.
    """
    weights = [1.0]
    n = 0
    while n < servers or weights[-1] > 1e-18 * max(weights):
        n += 1
        weights.append(weights[-1] * arrival / (min(n, servers) * service + max(n - servers, 0) * impatience))
    law = np.array(weights) / sum(weights)
    waiting = float(np.sum(np.maximum(np.arange(len(law)) - servers, 0) * law))
    return impatience * waiting / arrival, float(law[servers:].sum()), waiting


def pollaczek_khinchine(arrival: float, mean: float, sd: float) -> float:
    """Mean wait in M/G/1: lambda E[S^2] / (2 (1 - rho)), Pollaczek (1930), Khinchine (1932); Kleinrock (1975), 5.70."""
    return arrival * (sd**2 + mean**2) / (2.0 * (1.0 - arrival * mean))


def cobham(arrivals: list[float], means: list[float], sds: list[float]) -> list[float]:
    """Mean waits by class in a non-preemptive M/G/1 priority queue, class 0 first: Cobham (1954), eq. 3."""
    residual = sum(a * (s**2 + m**2) / 2.0 for a, m, s in zip(arrivals, means, sds, strict=True))
    waits, before = [], 0.0
    for arrival, mean in zip(arrivals, means, strict=True):
        upto = before + arrival * mean
        waits.append(residual / ((1.0 - before) * (1.0 - upto)))
        before = upto
    return waits


def cobham_servers(arrivals: list[float], service: float, servers: int) -> list[float]:
    """Mean waits by class in M/M/c with non-preemptive priority and one service rate: Cobham (1954), eq. 9."""
    offered = sum(arrivals) / service
    residual = erlang_c(servers, offered) / (servers * service)
    waits, before = [], 0.0
    for arrival in arrivals:
        upto = before + arrival / (servers * service)
        waits.append(residual / ((1.0 - before) * (1.0 - upto)))
        before = upto
    return waits


def traffic(outside: np.ndarray, routing: np.ndarray) -> np.ndarray:
    """Arrival rates at the nodes of an open network: lambda = gamma + lambda P, Jackson (1957)."""
    return np.linalg.solve(np.eye(len(outside)) - routing.T, outside)


def jackson_present(outside: np.ndarray, routing: np.ndarray, service: np.ndarray, servers: list[int]) -> np.ndarray:
    """Mean number at each node of an open Jackson network (waiting and staying): Jackson (1957), theorem 1."""
    rates = traffic(outside, routing)
    return np.array(
        [rate * (mmc_wait(rate, mu, c) + 1.0 / mu) for rate, mu, c in zip(rates, service, servers, strict=True)]
    )


def absorbed(transient: np.ndarray, absorbing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean visits N = (I - Q)^-1 and shares absorbed B = N R: Kemeny & Snell (1960), theorems 3.2.4 and 3.3.7."""
    visits = np.linalg.inv(np.eye(len(transient)) - transient)
    return visits, visits @ absorbing


def sinusoidal(mean_rate: float, swing: float, frequency: float, law: str, mean: float, day: float) -> float:
    """Mean number present in M_t/G/infinity with rate lambda + beta sin(gamma t): Eick, Massey & Whitt (1993), eq. 15.

    m(t) = E[S] (lambda + beta (sin(gamma t) E cos(gamma S_e) - cos(gamma t) E sin(gamma S_e))), S_e the stationary
    excess of a stay: exponential again for exponential stays, uniform on (0, S) for fixed ones.
    """
    turn = frequency * mean
    if law == "exponential":
        cosine, sine = 1.0 / (1.0 + turn**2), turn / (1.0 + turn**2)
    elif law == "fixed":
        cosine, sine = math.sin(turn) / turn, (1.0 - math.cos(turn)) / turn
    else:
        raise ValueError(law)
    angle = frequency * day
    return mean * (mean_rate + swing * (math.sin(angle) * cosine - math.cos(angle) * sine))


def hunt_throughput(first: float, second: float) -> float:
    """Largest throughput of two exponential stages in series without room between them: Hunt (1956), eq. 3.6."""
    return first * second * (first + second) / (first**2 + first * second + second**2)
