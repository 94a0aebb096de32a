"""Shipped what-ifs that are read once, for tests of what is done with one: reading takes longer than much of that."""

from functools import cache
from pathlib import Path

from crksim.interface import alike, cases, experiments, offered, options, setting_up, solving, sweeping

read = cases.load_case


@cache
def _read(name, overrides, references):
    return read(name, overrides, references)


def _case(name, overrides=(), references=None):
    if Path("scenarios").exists():  # those of one's own come first, and are others in every folder
        return read(name, overrides, references)
    return _read(name, tuple(overrides), None if references is None else tuple(references))


def read_once(patch):
    """Let runs and experiments take a what-if that was read already where they ask for the same one."""
    for module in (alike, experiments, offered, options, setting_up, solving, sweeping):
        patch.setattr(module, "load_case", _case)
