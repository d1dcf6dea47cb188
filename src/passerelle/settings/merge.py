"""Plain values of settings: read from TOML files or NAME=VALUE assignments, and merged."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from passerelle.errors import SettingsError

__all__ = ["assign", "merge", "parse_assignments", "read_settings_file"]


def merge(values: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Merge nested `changes` into nested `values`, in place; nested mappings are merged, other values replaced."""
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(values.get(key), dict):
            merge(values[key], value)
        else:
            values[key] = value


def assign(values: dict[str, Any], path: str, value: Any, *, create: bool = False) -> None:
    """Set the value with the dotted name `path` in nested `values`, in place; `create` adds missing sections.

    Where a settings file has a plain value instead of a section of `path`, nothing is set: validation then reports
    the file's value.
    """
    *steps, key = path.split(".")
    section: Any = values
    for step in steps:
        if create and isinstance(section, dict):
            section.setdefault(step, {})
        section = section.get(step) if isinstance(section, dict) else None
    if isinstance(section, dict):
        section[key] = value


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Parse texts such as `network.dropout=0.2` into values by dotted name.

    A value is read as TOML (`0.2`, `true`, `"a b"`, `[1, 2]`); text that is not TOML is a string (`gru`).

    Raises:
        SettingsError: if a text has no name or no `=`.
    """
    parsed = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise SettingsError(
                f"an assignment must have the form NAME=VALUE, such as network.dropout=0.2, received: {text!r}"
            )
        parsed[name.strip()] = _parse_value(value.strip())
    return parsed


def _parse_value(text: str) -> Any:
    try:
        values = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):  # not TOML, a number with too many digits, or nested too deeply
        return text
    return values["value"] if len(values) == 1 else text


def read_settings_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a TOML settings file into nested values, without validating them.

    Raises:
        SettingsError: if the file cannot be read or is not valid TOML; the message contains the line.
    """
    try:
        with open(path, "rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise SettingsError(f"{os.fspath(path)} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:  # also a number with too many digits
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error).partition(";")[0]
        raise SettingsError(
            f"{os.fspath(path)} is not valid TOML: {reason}. To see a valid file: passerelle describe MODEL.keras"
        ) from None
