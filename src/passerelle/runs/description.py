"""The description of a run, `run.json`: what it trains, from which data, and how."""

import importlib.metadata
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from passerelle.backend import backend_name
from passerelle.errors import RunError, SettingsError
from passerelle.runs.data_source import DataSource
from passerelle.runs.windows_source import WindowsSource
from passerelle.settings import Settings, make_settings, named_sections, settings_in, validated
from passerelle.settings.presets import find_preset

__all__ = [
    "CHECKPOINT_SECONDS", "Description", "check_fingerprints", "current_versions", "extended", "lengthened",
    "with_command",
]  # fmt: skip

FORMAT = 1
"""Version of the format of `run.json`."""

CHECKPOINT_SECONDS = 60.0
"""Default time between two checkpoints within an epoch, in seconds."""

EXTENDING = ("training.epochs", "training.minutes")
"""Settings that may change when a run is resumed, as long as they only make it longer."""


@dataclass(frozen=True)
class Description:
    """Everything that a run needs to begin again, apart from its checkpoints.

    Attributes:
        settings: the settings as given, complete, before the preparation of the data.
        data: source of the pairs; of a forecaster, source of the windows.
        commands: the command of each process that trained, in order; from Python, the name of the function.
        out: absolute path of the model file, which receives the number of each of several translators; empty if none
            is written.
        number: number of this translator or forecaster, from 1.
        count: number of translators that the command trains on the same data.
        checkpoint_seconds: time between two checkpoints within an epoch.
        tensorboard: absolute path of the folder of TensorBoard's logs; empty if none are written.
        resolved: the settings after the preparation, with levels and embedding widths; None before it.
        fingerprints: SHA-256 of the data by its name in messages; empty before the preparation.
        versions: versions of the libraries on which the numbers depend.
    """

    settings: Settings
    data: DataSource | WindowsSource
    commands: tuple[tuple[str, ...], ...]
    out: str = ""
    number: int = 1
    count: int = 1
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    tensorboard: str = ""
    resolved: Settings | None = None
    fingerprints: Mapping[str, str] | None = None
    versions: Mapping[str, str] | None = None

    def prepared_with(self, settings: Settings, fingerprints: Mapping[str, str]) -> Self:
        """Return the description with what the preparation found out."""
        return replace(self, resolved=settings, fingerprints=fingerprints, versions=current_versions())

    def to_json(self) -> dict[str, Any]:
        """Return the description as JSON values."""
        return {
            "format": FORMAT,
            "commands": [list(command) for command in self.commands],
            "out": self.out,
            "number": self.number,
            "count": self.count,
            "checkpoint_seconds": self.checkpoint_seconds,
            "tensorboard": self.tensorboard,
            "data": self.data.to_json(),
            "fingerprints": dict(self.fingerprints or {}),
            "versions": dict(self.versions or {}),
            "settings": self.settings.model_dump(),
            "resolved": None if self.resolved is None else self.resolved.model_dump(),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the description that `to_json` converted.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: if the values are not those of a description.
            RunError: if another version wrote them.
        """
        if values["format"] != FORMAT:
            raise RunError(
                f"it has format {values['format']!r:.20}, and this version reads format {FORMAT}. Resume it with the "
                f"version of Passerelle that began it"
            )
        number, count, seconds = values["number"], values["count"], values["checkpoint_seconds"]
        if type(number) is not int or type(count) is not int or not 1 <= number <= count:
            raise ValueError("`number` must be from 1 to `count`")
        if type(seconds) not in (int, float) or not seconds >= 0:
            raise ValueError("`checkpoint_seconds` must be at least 0")
        find_preset(values["settings"]["preset"])
        resolved = values["resolved"]
        return cls(
            validated(Settings, values["settings"]),
            # Only windows have a layout, which may be None.
            (WindowsSource if "layout" in values["data"] else DataSource).from_json(values["data"]),
            tuple(tuple(map(str, command)) for command in values["commands"]),
            str(values["out"]), number, count, float(seconds), str(values.get("tensorboard", "")),
            None if resolved is None else validated(Settings, resolved),
            {str(name): str(value) for name, value in values["fingerprints"].items()},
            {str(name): str(value) for name, value in values["versions"].items()},
        )  # fmt: skip


def current_versions() -> dict[str, str]:
    """Return the versions of the libraries on which the numbers of a run depend."""
    return {name: importlib.metadata.version(name) for name in ("passerelle", "keras", "numpy", backend_name())}


def check_fingerprints(description: Description, now: Mapping[str, str]) -> None:
    """Check that the data is that of the run.

    Args:
        description: the description of the run.
        now: fingerprints of the data, as it was read now.

    Raises:
        RunError: if it changed; the message names what.
    """
    before = description.fingerprints or {}
    changed = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if changed:
        paths = description.data.paths
        file = f" of {', '.join(map(os.path.basename, paths))}" if paths else ""
        raise RunError(
            f"the {changed[0]}{file} are not those with which the run began. A run is resumed with the same data: "
            f"restore it, or start another run."
        )


def extended(before: Settings, after: Settings) -> Settings:
    """Return the settings of a resumed run, which may only be longer.

    Args:
        before: settings of the run.
        after: the same with the changes that were asked for.

    Raises:
        SettingsError: if another setting differs, or the run would become shorter; the message names the setting.
    """
    for path in (setting.path for setting in settings_in(Settings)):
        old, new = _value(before, path), _value(after, path)
        if old == new:
            continue
        if path not in EXTENDING:
            raise SettingsError(
                f"{path} is {old!r} in this run and cannot be changed to {new!r}: only {' and '.join(EXTENDING)} can "
                f"extend a run. Leave it out, or start another run."
            )
        if not (new or math.inf) > (old or math.inf):  # no epochs, or 0 minutes, are no limit
            raise SettingsError(f"{path} is {old} in this run; a resumed run can only become longer, received: {new}.")
    for path in named_sections(Settings):
        if _value(before, path) != _value(after, path):
            raise SettingsError(f"{path} cannot be changed in a resumed run. Leave it out, or start another run.")
    return after


def lengthened(epochs: int | None, minutes: float | None) -> Callable[[Settings], Settings]:
    """Return the change of settings that makes a run longer; None changes nothing."""

    def change(before: Settings) -> Settings:
        return make_settings(before.preset, before.model_dump(), {"epochs": epochs, "minutes": minutes})

    return change


def _value(settings: Any, path: str) -> Any:
    for step in path.split("."):
        settings = getattr(settings, step)
    return settings


def with_command(description: Description, command: Sequence[str], settings: Settings | None = None) -> Description:
    """Return the description of a run that another process continues, with longer settings if there are any."""
    settings = settings or description.settings
    return replace(description, commands=(*description.commands, tuple(command)), settings=settings)
