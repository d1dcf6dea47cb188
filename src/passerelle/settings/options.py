"""Options: short names of settings, as keyword arguments in Python and as flags on the command line."""

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any, Optional, TypeVar

from passerelle.errors import SettingsError, did_you_mean, require_path
from passerelle.settings.merge import assign, merge, read_settings_file
from passerelle.settings.presets import AUTO_PRESET, BASE_PRESET, DEFAULT_PRESET, find_preset
from passerelle.settings.root import Settings
from passerelle.settings.schema import Section, Setting, named_sections, settings_in, validated

__all__ = [
    "Option", "accepts_options", "choose_settings", "dotted_names", "explicit_settings", "make_settings", "options_of",
    "use_all_minutes", "with_preset",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Option:
    """A short name of one setting, or of equal settings in several sections.

    Attributes:
        name: the keyword argument; the flag has hyphens instead of underscores.
        settings: the settings that the option sets.
        side: `source` or `target` if the option sets only this side, else None.
    """

    name: str
    settings: tuple[Setting, ...]
    side: str | None = None

    @property
    def group(self) -> str:
        """The group that shows the option in the command line's help."""
        return self.settings[0].group

    @property
    def description(self) -> str:
        """The description of the setting; an option of one side refers to the option of both sides."""
        if self.side is None:
            return self.settings[0].description
        return f"Like {self.settings[0].option}, but only for the {self.side}."

    def assignments(self, value: Any) -> Iterator[tuple[str, Any]]:
        """Yield the dotted name and the new value of each setting that the option sets."""
        for setting in self.settings:
            yield setting.path, value

    def implied(self) -> Iterator[tuple[str, Any]]:
        """Yield the dotted name and the value of each setting that the option implies."""
        for setting in self.settings:
            for name, value in setting.implies.items():
                yield f"{setting.parent}.{name}" if setting.parent else name, value


@cache
def options_of(section_type: type[Section]) -> dict[str, Option]:
    """Return the options of a section and of the sections inside it, by name.

    An option sets every setting that declares it. For an option of both sides, such as `level`, there are also options
    of one side: `source_level` and `target_level`.
    """
    shared: dict[str, list[Setting]] = {}
    for setting in settings_in(section_type):
        if setting.option is not None:
            shared.setdefault(setting.option, []).append(setting)
    options = {}
    for name, settings in shared.items():
        options[name] = Option(name, tuple(settings))
        for setting in settings:
            if setting.side is not None:
                options[f"{setting.side}_{name}"] = Option(f"{setting.side}_{name}", (setting,), setting.side)
    return options


@cache
def _assignable() -> frozenset[str]:
    """Return the dotted names of all settings and sections that may be assigned."""
    settings = {setting.path for setting in settings_in(Settings)} - {"preset"}
    return frozenset(settings | {path.rpartition(".")[0] for path in settings} - {""})


def _is_in_named_section(path: str) -> bool:
    """Return whether a path leads into a section by name, such as `outputs.de.level`; validation checks its end."""
    inner = (path.removeprefix(f"{mapping}.") for mapping in named_sections(Settings) if path.startswith(f"{mapping}."))
    return any(name and end for name, _, end in (each.partition(".") for each in inner))


def make_settings(
    preset: str | None = None,
    file: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    assignments: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings of a preset, changed by a settings file, then by options, then by assignments.

    Options of both sides are applied first, then the settings that options imply, then options of one side. If
    `training.minutes` is set and `training.epochs` is not, training takes all the minutes: `training.epochs` is None.
    In the same way, the preset's `training.patience` does not apply.

    Args:
        preset: a key of `PRESETS`, or `auto`: then the settings have the values of `compact` until `with_preset`
            replaces them. If None, the `preset` of the file, or `auto`.
        file: nested values, as `read_settings_file` returns them.
        options: values by option name (`options_of(Settings)`); None leaves the setting unchanged.
        assignments: values by dotted name, such as `{"network.encoder.layers": 2}`.

    Raises:
        SettingsError: if a name is unknown or a value invalid; the message names each setting by its dotted name.
    """
    preset_of_file, explicit = explicit_settings(file, options, assignments)
    name = (DEFAULT_PRESET if preset_of_file is None else preset_of_file) if preset is None else preset
    settings = _settings(name, {}, explicit)
    return settings.with_explicit(explicit) if name == AUTO_PRESET else settings


def explicit_settings(
    file: Mapping[str, Any] | None, options: Mapping[str, Any] | None, assignments: Mapping[str, Any] | None
) -> tuple[Any, dict[str, Any]]:
    """Return the preset that a settings file names, None if it names none, and the explicit settings, nested.

    Args:
        file: see `make_settings`.
        options: see `make_settings`.
        assignments: see `make_settings`.

    Raises:
        SettingsError: if the name of an option or an assignment is unknown.
    """
    explicit = deepcopy(dict(file or {}))
    preset = explicit.pop("preset", None)
    for path, value in _assignments(options or {}):
        assign(explicit, path, value, create=True)
    for path, value in (assignments or {}).items():
        if path not in _assignable() and not _is_in_named_section(path):
            raise SettingsError(f"unknown setting {path!r}.{did_you_mean(path, _assignable())}")
        assign(explicit, path, value, create=True)
    return preset, explicit


def with_preset(settings: Settings, preset: str, changes: Mapping[str, Any]) -> Settings:
    """Replace the preset `auto`: return the settings of a preset, changed by `changes`, then by the explicit settings.

    Args:
        settings: settings with the preset `auto`, from `make_settings`.
        preset: a key of `PRESETS`.
        changes: nested values.

    Raises:
        SettingsError: if the explicit settings are invalid in combination with the preset.
    """
    return _settings(preset, changes, settings.explicit)


def _settings(preset: Any, changes: Mapping[str, Any], explicit: Mapping[str, Any]) -> Settings:
    values = find_preset(BASE_PRESET if preset == AUTO_PRESET else preset).settings.model_dump()
    merge(values, {**changes, "preset": preset})
    merge(values, explicit)
    use_all_minutes(values["training"], set(dotted_names(explicit)))
    return validated(Settings, values)


def dotted_names(values: Mapping[str, Any], parent: str = "") -> Iterator[str]:
    """Yield the dotted names of nested values."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from dotted_names(value, f"{parent}{name}.")
        else:
            yield f"{parent}{name}"


def use_all_minutes(training: Any, explicit: set[str]) -> None:
    """Let the time be the only limit of training if `minutes` is explicit: the preset's other limits do not apply.

    Args:
        training: the values of the section `training`, changed in place.
        explicit: the dotted names of all settings that differ from the preset on request.
    """
    if "training.minutes" in explicit and isinstance(training, dict) and training.get("minutes"):
        for name, value in (("epochs", None), ("patience", 0)):
            if f"training.{name}" not in explicit:
                training[name] = value


def _assignments(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the dotted name and the value of each setting that the options set or imply, in order of application."""
    known = options_of(Settings)
    for name in values:
        if name not in known:
            raise SettingsError(f"unknown option {name!r}.{did_you_mean(name, known)}")
    used = [(option, values[name]) for name, option in known.items() if values.get(name) is not None]
    for option, value in used:
        if option.side is None:
            yield from option.assignments(value)
    explicit = {path for option, value in used if option.side is None for path, _ in option.assignments(value)}
    for option, _ in used:
        # An option of both sides does not overrule another one: validation then reports the contradiction.
        yield from (each for each in option.implied() if option.side is not None or each[0] not in explicit)
    for option, value in used:
        if option.side is not None:
            yield from option.assignments(value)


def choose_settings(
    *,
    preset: str | None = None,
    settings: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    **options: Any,
) -> Settings:
    """Return the settings of a preset, changed by settings and by options; see `make_settings`.

    Args:
        preset: name of the preset; by default that of `settings`, or `compact`.
        settings: nested values, or the path of a TOML settings file.
        **options: see docs/settings.md.

    Raises:
        SettingsError: if an option or a setting is unknown, or a value invalid.
    """
    if settings is None or isinstance(settings, Mapping):
        file = settings
    else:
        require_path("settings", settings)
        file = read_settings_file(settings)
    return make_settings(preset, file, options)


def accepts_options(section_type: type[Section]) -> Callable[[F], F]:
    """Decorate a function whose `**options` are the options of a section, so that its signature lists each of them.

    Options of `Settings` have the default None in the signature, since their defaults depend on the preset. So have
    search options whose defaults the model file stores.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        parameters = [each for each in signature.parameters.values() if each.kind is not each.VAR_KEYWORD]
        for name, option in options_of(section_type).items():
            field = option.settings[0].field
            varies = section_type is Settings or option.settings[0].stored
            default = None if varies else field.default
            annotation = Optional[field.annotation] if varies else field.annotation  # noqa: UP045
            parameters.append(
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            )
        function.__signature__ = signature.replace(parameters=parameters)  # pyright: ignore[reportFunctionMemberAccess]
        return function

    return decorate
