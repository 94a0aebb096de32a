"""Which code gives the numbers: a mark of the package's own source and of the libraries below it."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import crksim

__all__ = ["code_mark", "source_mark", "versions"]

#: Packages whose versions can move a number.
_PACKAGES = ("numpy", "scipy", "simpy", "pandas", "pyarrow", "matplotlib", "xlsxwriter", "jinja2")
#: Those of them that a simulated number passes through.
_BELOW = ("python", "crksim", "numpy", "scipy", "simpy")


@lru_cache(maxsize=1)
def source_mark() -> str:
    """Return a short mark (64 bits, hexadecimal) of every source file of the package, by its place and its bytes."""
    top = Path(crksim.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(top.rglob("*.py")):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(top).as_posix()}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:16]


def versions() -> Mapping[str, str]:
    """Return the versions of Python, crksim and the packages that can move a number."""
    found = {"python": platform.python_version(), "crksim": crksim.__version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # pragma: no cover - a stripped installation
            continue
    return found


@lru_cache(maxsize=1)
def code_mark() -> str:
    """Return a short mark (64 bits, hexadecimal) of all code that a simulated number comes from."""
    known = versions()
    told = [source_mark(), *(f"{name} {known.get(name)}" for name in _BELOW), platform.machine()]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
