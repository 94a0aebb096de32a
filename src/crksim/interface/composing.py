"""Settings and changes of a run as Hydra composes them, and the runs that values between commas ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crksim.errors import InputError, Problem

if TYPE_CHECKING:
    from crksim.interface.settings import Settings

__all__ = ["Command", "choices", "compose_settings", "expand"]

_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_./:+\-\[\],]+")


@dataclass(frozen=True)
class Command:
    """What the words of a run say.

    Parameters
    ----------
    settings : tuple of str
        ``name=value`` words for Hydra.
    changes : tuple of str
        ``address=value`` words for the scenario.
    multirun : bool
        Whether values between commas are runs of their own.
    """

    settings: tuple[str, ...]
    changes: tuple[str, ...]
    multirun: bool = False


def _quoted(word: str) -> str:
    """Return ``name=value`` as Hydra's grammar takes it: what is not plain ASCII stands between quotation marks."""
    name, _, value = word.partition("=")
    if value.startswith("[") and _PLAIN_VALUE.fullmatch(listed := re.sub(r"\s+", "", value)):
        return f"{name}={listed}"  # names in a list have no spaces, but may have some between them
    if name == "references" and "," in value and not value.startswith("["):
        return f"{name}=[{value}]"
    if not value or _PLAIN_VALUE.fullmatch(value) or value[0] in "'\"":
        return word
    # Within quotes Hydra takes a backslash as it is, unless a quote follows.
    escaped = re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + ("\\'" if found[2] else ""), value)
    return f"{name}='{escaped}'"


def compose_settings(words: Sequence[str]) -> Settings:
    """Compose ``conf/config.yaml`` and the settings of the command line.

    Parameters
    ----------
    words : sequence of str
        ``name=value`` each.

    Raises
    ------
    InputError
        Words that Hydra does not understand, or settings out of range.
    """
    import hydra
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from crksim.interface.files import data_dir
    from crksim.interface.settings import read_settings
    from crksim.interface.sheets import COMMAND_LINE

    # Hydra 1.4 warns of the argument that 1.3 warns without.
    version = {"version_base": "1.3"} if hydra.__version__.startswith("1.3") else {}
    try:
        with hydra.initialize_config_dir(config_dir=str(data_dir("conf")), **version):
            config = hydra.compose(config_name="config", overrides=[_quoted(word) for word in words])
            OmegaConf.set_readonly(config, True)
            values: Any = {str(key): None if OmegaConf.is_missing(config, key) else config[key] for key in config}
    except (HydraException, OmegaConfBaseException) as error:
        reason = str(error).splitlines()[0]
        raise InputError([Problem("settings", " ".join(words), reason, file=COMMAND_LINE)]) from error
    return read_settings({key: _plain(value) for key, value in values.items()})


def _plain(value: Any) -> object:
    from omegaconf import ListConfig

    return [str(item) for item in value] if isinstance(value, ListConfig) else value


def expand(command: Command) -> Iterator[Command]:
    """Yield one command for every combination of the values between commas, the last word running fastest.

    Parameters
    ----------
    command : Command
        The words, with ``a,b``, ``range(1,4)`` or, for scenarios, ``glob(youth*)``.
    """
    from itertools import product

    size = len(command.settings)
    each = [choices(word) for word in (*command.settings, *command.changes)]
    for chosen in product(*each):
        yield Command(chosen[:size], chosen[size:])


def choices(word: str) -> list[str]:
    """Return a word once for each of its values between commas.

    Parameters
    ----------
    word : str
        ``name=value``.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import Glob
    from hydra.errors import HydraException

    from crksim.interface.files import scenario_files

    name, sign, value = word.partition("=")
    if name == "references" or ".label" in name or not sign:
        return [word]
    if not value.isascii():
        # Hydra's grammar takes no Danish letters; names between commas need none of it.
        return [f"{name}={part.strip()}" for part in value.split(",")]
    try:
        override = OverridesParser.create().parse_override(word)
        if not override.is_sweep_override():
            return [word]
        pattern = override.value()
        if isinstance(pattern, Glob):
            return [f"{name}={found}" for found in pattern.filter(sorted(scenario_files()))]
        return [f"{name}={found}" for found in override.sweep_string_iterator()]
    except HydraException:
        return [word]
