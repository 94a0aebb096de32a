"""Values as people type them on one line: ``6``, ``3 months``, ``[a, b]``, ``{like: services.x, site: y}``."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["read_typed"]

_INTEGER = re.compile(r"[+-]?\d+")
_FLOAT = re.compile(r"[+-]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_MOST = 16


def read_typed(text: str) -> Any:
    """Read a value: a number, true or false, a text, a list or a map in flow style.

    Parameters
    ----------
    text : str
        On one line; a text in quotes is never read as a number.

    Raises
    ------
    ValueError
        When a bracket or a quote is left open, or something stands after the value.
    """
    stripped = text.strip()
    if stripped[:1] not in ("{", "[", "'", '"'):
        return _scalar(stripped)
    value, rest = _value(stripped, 0)
    if rest.strip():
        raise ValueError(f"has something after its value: '{rest.strip()}'")
    return value


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text) and len(text) < 300:
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _value(text: str, depth: int) -> tuple[Any, str]:
    """Return the value with which `text` begins, and what follows it."""
    text = text.lstrip()
    if depth > _MOST:
        raise ValueError(f"may not be nested more than {_MOST} deep")
    if text[:1] in ("'", '"'):
        end = text.find(text[0], 1)
        if end < 0:
            raise ValueError("has a quote that is left open")
        return text[1:end], text[end + 1 :]
    if text[:1] == "[":
        return _list(text[1:], depth)
    if text[:1] == "{":
        return _map(text[1:], depth)
    match = re.match(r"[^,\[\]{}]*", text)
    word = match[0] if match else ""
    return _scalar(word.strip()), text[len(word) :]


def _list(text: str, depth: int) -> tuple[list[Any], str]:
    found: list[Any] = []
    text = text.lstrip()
    while not text.startswith("]"):
        value, text = _value(text, depth + 1)
        found.append(value)
        text = _after(text, "]")
    return found, text[1:]


def _map(text: str, depth: int) -> tuple[dict[str, Any], str]:
    found: dict[str, Any] = {}
    text = text.lstrip()
    while not text.startswith("}"):
        match = re.match(r"\s*['\"]?([^:,{}\[\]'\"]+)['\"]?\s*:(?=[\s{\[])", text)
        if match is None:
            raise ValueError("must be a map such as {key: value}")
        key = match[1].strip()
        if key in found:
            raise ValueError(f"has the key '{key}' twice")
        found[key], text = _value(text[match.end() :], depth + 1)
        text = _after(text, "}")
    return found, text[1:]


def _after(text: str, closing: str) -> str:
    text = text.lstrip()
    if text.startswith(","):
        return text[1:].lstrip()
    if not text.startswith(closing):
        raise ValueError(f"has no closing '{closing}'")
    return text
