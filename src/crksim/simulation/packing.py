"""How a row of the log is packed into seven numbers while the run goes on.

Three whole numbers, each below 2^53 so that a float holds it exactly (and adds it faster than Python adds whole numbers
of that size), and four times:

- citizen: cohort (above bit 44), number (32 bits), row (12 bits);
- end: strand (above bit 35), flags (4), end + 1 (11), destination + 6 (8), status + 1 (6),
  without + 1 (6);
- where: service (above bit 44), rule + 1 (8), nth + 1 (10), from_row + 1 (12), kind (14).
"""

from __future__ import annotations

from struct import Struct

from crksim.simulation.staylog import NOWHERE, REASONS

__all__ = [
    "CODE",
    "COHORT",
    "FLAGS",
    "FROM_ROW",
    "NTH",
    "NUMBER",
    "OPEN",
    "ROW",
    "RULE",
    "SERVICE",
    "STRAND",
    "TO",
    "pack",
]

#: The seven numbers of a row as bytes: a third of the memory of as many numbers in a list, and read back in one go.
ROW = Struct("=7d").pack

#: Weights of the columns in their packed number.
TO, FLAGS, STRAND = 2.0**12, 2.0**31, 2.0**35
FROM_ROW, NTH, RULE, SERVICE = 2.0**14, 2.0**26, 2.0**36, 2.0**44
NUMBER, COHORT = 2.0**12, 2.0**44


def pack(end: int, to: int, status: int = -1, without: int = -1) -> float:
    """Pack the four small columns that an end decides; end -1 is a row still open."""
    return float((((end + 1) * 256 + to + 6) * 64 + status + 1) * 64 + without + 1)


#: A request or stay closed for one of the reasons, going nowhere; ``(to + 1) * TO`` is added for a destination.
CODE = {name: pack(index, NOWHERE) for index, name in enumerate(REASONS)}
OPEN = pack(-1, NOWHERE)
