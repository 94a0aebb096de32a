"""How a row of the log is written while the run goes on: 52 or 64 bytes, most columns as they are.

Two numbers hold several columns each, as whole numbers below 2^53 that a float holds exactly:

- citizen: cohort (above bit 44), number (32 bits), and 12 bits left for the row when rows are sorted;
- end: flags (above bit 31), end + 1 (11 bits), destination + 6 (8), status + 1 (6), without + 1 (6).
"""

from __future__ import annotations

from struct import Struct

import numpy as np

from crksim.simulation.staylog import NOWHERE, REASONS

__all__ = ["CODE", "COHORT", "FLAGS", "FORESEEN", "FORESEEN_TYPE", "NUMBER", "OPEN", "ROW", "ROW_TYPE", "TO", "pack"]

_TIMES, _SMALL = ("referred", "admitted", "due", "left"), ("row", "from_row", "nth", "service", "rule", "strand")

#: Bytes of a row: a third of the memory of as many numbers in a list, no arithmetic, and read back in one go.
ROW = Struct("6di6h").pack
#: The same row for numpy.
ROW_TYPE = np.dtype(
    [*((name, "f8") for name in ("citizen", "end", *_TIMES)), ("kind", "i4"), *((name, "i2") for name in _SMALL)]
)

#: An ordinary stay as foreseen on admission: no rule, main strand, left on the day it is due.
FORESEEN = Struct("=5di4h").pack
FORESEEN_TYPE = np.dtype(
    [(name, ROW_TYPE[name]) for name in ROW_TYPE.names or () if name not in ("left", "rule", "strand")]
)

#: Weights of the columns in their packed number.
TO, FLAGS = 2.0**12, 2.0**31
NUMBER, COHORT = 2.0**12, 2.0**44


def pack(end: int, to: int, status: int = -1, without: int = -1) -> float:
    """Pack the four small columns that an end decides; end -1 is a row still open."""
    return float((((end + 1) * 256 + to + 6) * 64 + status + 1) * 64 + without + 1)


#: A request or stay closed for one of the reasons, going nowhere; ``(to + 1) * TO`` is added for a destination.
CODE = {name: pack(index, NOWHERE) for index, name in enumerate(REASONS)}
OPEN = pack(-1, NOWHERE)
