"""The search space of a sweep: ranges and choices of settings, read from a TOML file.

[training.learning_rate]
low = 1e-4
high = 1e-2
log = true

[units]
choices = [64, 128, 256]
"""

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from passerelle.errors import SettingsError, brief, did_you_mean
from passerelle.settings import PRESETS, Setting, Settings, check_value, options_of, read_settings_file, settings_in
from passerelle.settings.presets import find_preset

__all__ = ["Choices", "Range", "Space", "Values", "read_space"]

Values = Mapping[str, Any]
"""Values by the dotted name of a setting, by the name of an option, or `preset`."""

_RANGE = {"low", "high", "log", "step"}


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included.

    Attributes:
        low, high: int for a setting that is an integer, else float.
        log: whether the logarithm is sampled uniformly.
        step: distance of the numbers; None for no grid.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def suggest(self, trial: Any, name: str) -> Any:
        """Return a value for an Optuna trial."""
        if isinstance(self.low, int):
            return trial.suggest_int(name, self.low, self.high, log=self.log, step=self.step or 1)
        return trial.suggest_float(name, self.low, self.high, log=self.log, step=self.step)

    @property
    def examples(self) -> tuple[Any, ...]:
        """Values that must be valid."""
        return self.low, self.high


@dataclass(frozen=True)
class Choices:
    """A list of values: texts, numbers and truth values."""

    values: tuple[Any, ...]

    def suggest(self, trial: Any, name: str) -> Any:
        """Return a value for an Optuna trial."""
        return trial.suggest_categorical(name, self.values)

    @property
    def examples(self) -> tuple[Any, ...]:
        """Values that must be valid."""
        return self.values


Space = Mapping[str, Range | Choices]
"""What a sweep may change, by name; see `Values`."""


def read_space(path: str | os.PathLike[str]) -> Space:
    """Read the search space of a TOML file: one table per setting, with `low` and `high`, or with `choices`.

    Args:
        path: the file. A table is named after a setting (`training.learning_rate`), an option (`units`, which may set
            both sides), or `preset`. A range may have `log = true` or a `step`.

    Raises:
        SettingsError: if the file is not valid TOML, a name is unknown, a table is not a range or a list of choices, or
            a value is invalid by itself.
    """
    name = os.fspath(path)
    known = _settings_by_name()
    space: dict[str, Range | Choices] = {}
    for key, table in _tables(read_settings_file(path), "", known):
        if key not in known:
            raise SettingsError(f"{name}: unknown setting {brief(key)}.{did_you_mean(key, known)}")
        if not isinstance(table, dict):
            raise SettingsError(
                f"{name}: {key} must be a table with low and high, or with choices, received: {brief(table)}. Use "
                f"--set {key}=... for a value that does not change."
            )
        space[key] = _choices(name, key, table) if "choices" in table else _range(name, key, table, known[key])
    if not space:
        raise SettingsError(f"{name} contains no settings. Write one table per setting: [units] choices = [64, 128]")
    for key, dimension in space.items():
        for value in dimension.examples:
            _check(name, key, value, known[key])
    return space


def _check(file: str, key: str, value: Any, setting: Setting | None) -> None:
    try:
        if setting is None:
            find_preset(value)
        else:
            check_value(setting, value)
    except SettingsError as error:
        raise SettingsError(f"{file}, {key}: {error}") from None


def _settings_by_name() -> dict[str, Setting | None]:
    """Return the settings by dotted name and by option; None for the preset."""
    options = {name: option.settings[0] for name, option in options_of(Settings).items()}
    return options | {setting.path: setting for setting in settings_in(Settings)} | {"preset": None}


def _tables(values: Mapping[str, Any], parent: str, known: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the name and the table of each setting; tables of sections contain the tables of settings."""
    sections = {name.rpartition(".")[0] for name in known}
    sections |= {section.rpartition(".")[0] for section in sections}
    for key, value in values.items():
        name = f"{parent}{key}"
        if name in sections and name not in known and isinstance(value, dict):
            yield from _tables(value, f"{name}.", known)
        else:
            yield name, value


def _choices(file: str, key: str, table: Mapping[str, Any]) -> Choices:
    values = table["choices"]
    plain = isinstance(values, list) and all(isinstance(value, (str, int, float, bool)) for value in values)
    if not plain or len(values) < 1 or len(table) > 1 or len(set(map(repr, values))) < len(values):
        raise SettingsError(
            f"{file}: {key}.choices must be a list of different texts, numbers or truth values and nothing else, "
            f"received: {brief(dict(table))}"
        )
    return Choices(tuple(values))


def _range(file: str, key: str, table: dict[str, Any], setting: Setting | None) -> Range:
    kind = str if setting is None else setting.plain_type
    place = f"{file}: {key}"
    if kind not in (int, float):
        allowed = tuple(PRESETS) if setting is None else setting.choices
        among = f", among {', '.join(allowed)}" if allowed else ""
        raise SettingsError(f"{place} is not a number: write choices = [...]{among}")
    low: Any
    high: Any
    low, high, step, log = (table.get(name) for name in ("low", "high", "step", "log"))
    numbers = (low, high) if step is None else (low, high, step)
    if set(table) - _RANGE or not all(_is_number(value, kind) for value in numbers) or log not in (None, False, True):
        raise SettingsError(
            f"{place} must have low and high, {'integers' if kind is int else 'numbers'}, and may have a step or "
            f"log = true; received: {brief(dict(table))}"
        )
    if not low < high or (step is not None and (step <= 0 or log)) or (log and low <= 0):
        raise SettingsError(
            f"{place} must have low < high and a step above 0; with log = true, low must be above 0 and there is no "
            f"step; received: {brief(dict(table))}"
        )
    return Range(kind(low), kind(high), bool(log), None if step is None else kind(step))


def _is_number(value: Any, kind: type) -> bool:
    number = isinstance(value, int if kind is int else (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value) and abs(value) < 2**53
