"""Imported by a worker that is to be killed in its first unit, once among all workers."""

import os
from pathlib import Path

from crksim.analysis import units

_real = units.simulate


def _dying(plan, luck, cohorts=None):
    try:
        os.close(os.open(Path(os.environ["CRKSIM_TEST_DIES"]), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return _real(plan, luck, cohorts=cohorts)
    os._exit(9)


units.simulate = _dying
