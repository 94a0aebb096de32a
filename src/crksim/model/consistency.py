"""Rules that hold between the things of a study."""

from __future__ import annotations

from crksim.model.network import Network
from crksim.model.reading import Reader

__all__ = ["check_network"]


def check_network(reader: Reader, network: Network) -> None:
    """Note what does not fit together in a network whose single values can all be read."""
