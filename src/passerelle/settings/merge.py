"""Plain values of settings: read from TOML files and from assignments, and merged."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from passerelle.errors import SettingsError

__all__ = ["assign", "merge", "parse_assignments", "read_settings_file"]


def merge(values: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Change nested `values` in place; a mapping in `changes` changes the mapping of the same name."""
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(values.get(key), dict):
            merge(values[key], value)
        else:
            values[key] = value


def assign(values: dict[str, Any], path: str, value: Any) -> None:
    """Set the value with the dotted name `path` in nested `values`, in place.

    If a settings file put something else where `path` needs a section, nothing is set: validation names the mistake.
    """
    *steps, key = path.split(".")
    section: Any = values
    for step in steps:
        section = section.get(step) if isinstance(section, dict) else None
    if isinstance(section, dict):
        section[key] = value


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Parse texts such as `network.dropout=0.2` into values by dotted name.

    A value is read as TOML (`0.2`, `true`, `"a b"`, `[1, 2]`); text that is not TOML is a string (`gru`).

    Raises:
        SettingsError: if a text has no `=`.
    """
    parsed = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise SettingsError(f"an assignment is NAME=VALUE, such as network.dropout=0.2, received: {text!r}")
        parsed[name.strip()] = _parse_value(value.strip())
    return parsed


def _parse_value(text: str) -> Any:
    try:
        values = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return values["value"] if len(values) == 1 else text


def read_settings_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a TOML settings file into nested values, not yet validated.

    Raises:
        SettingsError: if it cannot be read or is not TOML (says where).
    """
    try:
        with open(path, "rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise SettingsError(f"{os.fspath(path)} cannot be read: {error.strerror or error}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{os.fspath(path)} is not TOML: {error}. See: passerelle describe MODEL.keras") from None
