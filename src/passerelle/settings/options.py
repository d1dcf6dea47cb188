"""Options: short names of settings, shared by `train`, the searches and the command line."""

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Optional, TypeVar

from passerelle.errors import SettingsError, did_you_mean
from passerelle.settings.merge import assign, merge, read_settings_file
from passerelle.settings.presets import DEFAULT_PRESET, find_preset
from passerelle.settings.root import Settings
from passerelle.settings.schema import Section, Setting, settings_in, validated

__all__ = ["Option", "accepts_options", "choose_settings", "make_settings", "options_of"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Option:
    """A short name for one setting, or for settings of the same name in several sections.

    Attributes:
        name: the keyword argument; the flag is the same with hyphens.
        settings: the settings that it sets.
        side: the only side that it sets, or None if it sets all.
    """

    name: str
    settings: tuple[Setting, ...]
    side: str | None = None

    @property
    def group(self) -> str:
        """The group in the command line's help."""
        return self.settings[0].section.group

    @property
    def description(self) -> str:
        """The setting's description; an option of one side refers to the option of both."""
        if self.side is None:
            return self.settings[0].description
        return f"As {self.settings[0].option}, for the {self.side} only."

    def assignments(self, value: Any) -> Iterator[tuple[str, Any]]:
        """Yield dotted names and values of the settings that it sets."""
        for one in self.settings:
            yield one.path, value

    def implied(self) -> Iterator[tuple[str, Any]]:
        """Yield dotted names and values of the settings that it implies."""
        for one in self.settings:
            for name, value in one.implies.items():
                yield f"{one.parent}.{name}" if one.parent else name, value


@cache
def options_of(kind: type[Section]) -> dict[str, Option]:
    """Return the options of a section and of the sections in it, by name.

    An option sets every setting that declares it. An option of a side, such as `level`, also has a form for each
    side, `source_level` and `target_level`.
    """
    shared: dict[str, list[Setting]] = {}
    for one in settings_in(kind):
        if one.option is not None:
            shared.setdefault(one.option, []).append(one)
    options = {}
    for name, settings in shared.items():
        options[name] = Option(name, tuple(settings))
        for one in settings:
            if one.side is not None:
                options[f"{one.side}_{name}"] = Option(f"{one.side}_{name}", (one,), one.side)
    return options


@cache
def _paths() -> frozenset[str]:
    """Dotted names of all settings and sections that may be assigned."""
    leaves = {one.path for one in settings_in(Settings)} - {"preset"}
    return frozenset(leaves | {path.rpartition(".")[0] for path in leaves} - {""})


def make_settings(
    preset: str | None = None,
    file: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    assignments: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings of a preset, changed by a settings file, by options and by assignments, in this order.

    Of the options, one for both sides is applied first, then what options imply, then one for a single side.

    Args:
        preset: a key of `PRESETS`; if None, the file's own `preset`, or `compact`.
        file: nested values, as `read_settings_file` returns them.
        options: values by the names of `options_of(Settings)`; None means not given.
        assignments: values by dotted name, such as `{"network.encoder.layers": 2}`.

    Raises:
        SettingsError: naming every unknown or wrong value, each by its dotted name.
    """
    changes = dict(file or {})
    own = changes.pop("preset", DEFAULT_PRESET)
    values = find_preset(own if preset is None else preset).settings.model_dump()
    merge(values, changes)
    for path, value in _assigned(options or {}):
        assign(values, path, value)
    for path, value in (assignments or {}).items():
        if path not in _paths():
            raise SettingsError(f"unknown setting {path!r}.{did_you_mean(path, _paths())}")
        assign(values, path, value)
    return validated(Settings, values)


def _assigned(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    known = options_of(Settings)
    for name in values:
        if name not in known:
            raise SettingsError(f"unknown option {name!r}.{did_you_mean(name, known)}")
    given = [(option, values[name]) for name, option in known.items() if values.get(name) is not None]
    shared = [(option, value) for option, value in given if option.side is None]
    single = [(option, value) for option, value in given if option.side is not None]
    for option, value in shared:
        yield from option.assignments(value)
    for option, _ in given:
        yield from option.implied()
    for option, value in single:
        yield from option.assignments(value)


def choose_settings(
    *,
    preset: str | None = None,
    settings: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    **options: Any,
) -> Settings:
    """Return the settings that keyword arguments ask for; see `make_settings`.

    Args:
        preset: name of the preset to begin with.
        settings: nested values, or the path of a TOML file.
        **options: see docs/settings.md.

    Raises:
        SettingsError: if an option or a setting is unknown or wrong.
    """
    file = settings if isinstance(settings, Mapping) or settings is None else read_settings_file(settings)
    return make_settings(preset, file, options)


def accepts_options(kind: type[Section]) -> Callable[[F], F]:
    """Decorate a function whose `**options` are the options of a section: its signature then shows each of them.

    Options of `Settings` are shown with the default None, since their defaults depend on the preset.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        parameters = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
        for name, option in options_of(kind).items():
            field = option.settings[0].field
            default = None if kind is Settings else field.default
            annotation = Optional[field.annotation] if kind is Settings else field.annotation  # noqa: UP045
            parameters.append(
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            )
        function.__signature__ = signature.replace(parameters=parameters)  # pyright: ignore[reportFunctionMemberAccess]
        return function

    return decorate
