"""Flags generated from the schema of settings: one for each option, with its help and its group."""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from cyclopts import Parameter

from passerelle.cli.arguments import WHOLE_NUMBER
from passerelle.cli.display import note
from passerelle.cli.groups import IN_GROUP
from passerelle.errors import SettingsError
from passerelle.settings import (
    BASE_PRESET,
    DEFAULT_PRESET,
    FORECAST_PRESET,
    PRESETS,
    FineTuningSettings,
    ReadingSettings,
    SearchSettings,
    Section,
    Settings,
    SyntheticSettings,
    fine_tuning_settings,
    make_settings,
    options_of,
    parse_assignments,
    read_settings_file,
    validated,
    with_stored,
)
from passerelle.settings.merge import merge
from passerelle.settings.options import Option
from passerelle.settings.table import allowed_values, flag

if TYPE_CHECKING:
    from passerelle.data.pairs import Pairs
    from passerelle.data.storage import Storage

__all__ = [
    "FineTuningFlags", "ForecasterOptions", "ReadingOptions", "SearchOptions", "SettingsOptions", "SyntheticOptions",
    "WriterSearchOptions", "flags_of",
]  # fmt: skip

T = TypeVar("T")


DEFAULT_TAG_MODE = "separate"
"""Value of `tags.mode` if --tag-column or --columns names a column of tags and nothing else sets the mode."""

DEFAULT_TAG_COLUMN = 3


def flags_of(
    section_type: type[Section],
    only: Collection[str] = (),
    *,
    without: Collection[str] = (),
    preset: str = BASE_PRESET,
) -> Callable[[type[T]], type[T]]:
    """Turn the decorated class into a frozen dataclass with one field, and so one flag, per option of a section.

    A field is None if its flag is not used; False or an empty tuple if the flag has no value or is repeatable.

    Args:
        section_type: the section.
        only: names of options; if there are any, the class has only these.
        without: groups whose options the class does not have.
        preset: the preset whose values the help names as defaults, where other presets of its kind differ.
    """

    def decorate(cls: type[T]) -> type[T]:
        fields = [
            (name, *_field(option, section_type, preset))
            for name, option in options_of(section_type).items()
            if (not only or name in only) and option.group not in without
        ]
        dataclass_ = dataclasses.make_dataclass(cls.__name__, fields, bases=(cls,), frozen=True, kw_only=True)
        dataclass_.__doc__, dataclass_.__module__ = cls.__doc__, cls.__module__
        return Parameter(name="*")(dataclass_)

    return decorate


def _field(option: Option, section_type: type[Section], preset: str) -> tuple[Any, Any]:
    """Return the annotated type and the default of a flag."""
    setting = option.settings[0]
    parameter = Parameter(
        name=flag(option.name),
        help=_help(option, section_type, preset),
        group=IN_GROUP[option.group],
        negative=(),
        show_default=False,
    )
    if setting.plain_type is int:
        return Annotated[int | None, parameter, WHOLE_NUMBER], None
    if setting.plain_type is bool:
        return Annotated[bool, parameter], False
    if setting.plain_type is tuple and not setting.from_file:
        return Annotated[tuple[str, ...], parameter], ()
    return Annotated[(str if setting.plain_type is tuple else setting.plain_type) | None, parameter], None


def _help(option: Option, section_type: type[Section], preset: str) -> str:
    """Return the help text of a flag: description, choices or bounds, and default."""
    setting = option.settings[0]
    if option.side is not None:
        return f"Like {flag(str(setting.option))}, but only for the {option.side}."
    sentences = [setting.description]
    if setting.from_file:
        sentences.append("A file with one text per line.")
    if setting.plain_type is tuple and not setting.from_file:
        sentences.append("Repeatable.")
    facts = []
    if setting.choices or setting.bounds:
        facts.append(allowed_values(setting).replace("`", "").removeprefix("integer, ").removeprefix("number, "))
    if default := _default(option, section_type, preset):
        facts.append(f"default: {default}")
    return " ".join([*sentences, *([f"[{'; '.join(facts)}]"] if facts else [])])


def _default(option: Option, section_type: type[Section], preset: str) -> str:
    """Return the default in words: that of the schema, or of a preset if other presets of its kind differ.

    The descriptions of settings that a model file stores contain their defaults.
    """
    setting = option.settings[0]
    if section_type is not Settings:
        return "" if setting.stored else _format_default(setting.field.default)
    values = {
        name: _value_at(each.settings, setting.path)
        for name, each in PRESETS.items()
        if each.numbers == PRESETS[preset].numbers
    }
    default = _format_default(values[preset])
    return default if len(set(values.values())) == 1 else f"{default} in preset {preset}"


def _format_default(value: Any) -> str:
    """Return a default in words; an empty string if by default nothing is set."""
    if value is None or isinstance(value, (bool, tuple)):
        return ""
    return f"{value:g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value


def _value_at(settings: Any, path: str) -> Any:
    for step in path.split("."):
        settings = getattr(settings, step)
    return settings


def _used(flags: Any, section_type: type[Section]) -> dict[str, Any]:
    """Return the values of the flags that were used, by option name."""
    values = {name: getattr(flags, name, None) for name in options_of(section_type)}
    return {name: value for name, value in values.items() if value is not None and value is not False and value != ()}


@flags_of(ReadingSettings)
class ReadingOptions:
    """Flags for reading a file of pairs."""

    def check(self) -> None:
        """Raise SettingsError if a value is out of range. Called before a model is loaded."""
        validated(ReadingSettings, _used(self, ReadingSettings))

    def read(
        self,
        pairs: tuple[str, ...],
        *,
        tagged: bool,
        limited: bool = True,
        outputs: Sequence[str] = (),
        storage: "Storage | None" = None,
    ) -> "Pairs":
        """Read the pairs of one file, or of two parallel files.

        Args:
            pairs: one or two paths.
            tagged: whether tags are read too.
            limited: whether `--limit` applies.
            outputs: the names of several outputs, whose columns are read without `--outputs`.
            storage: place of the files for large pairs; None for the folder of temporary files.
        """
        from passerelle.data.reading import read_pairs

        self.check()
        arguments: dict[str, Any] = {"outputs": tuple(outputs)} | self.arguments(tagged=tagged, limited=limited)
        examples = read_pairs(pairs, **arguments, storage=storage)
        for doubt in examples.doubts:
            advice = f" {flag(doubt.argument)} {doubt.value} {doubt.effect}." if doubt.argument else ""
            note(f"{examples.name}: {doubt.problem}.{advice}")
        return examples

    def used(self) -> dict[str, Any]:
        """Return the values of the flags that are used, by the name of the argument of `read_pairs`."""
        return _used(self, ReadingSettings)

    def arguments(self, *, tagged: bool, limited: bool = True) -> dict[str, Any]:
        """Return the keyword arguments of `read_pairs`; see `read`."""
        options = _used(self, ReadingSettings)
        column = options.pop("tag_column", DEFAULT_TAG_COLUMN)
        if not limited:
            options.pop("limit", None)
        return options | {"tag_column": column if tagged else None}

    def names_tag_column(self) -> bool:
        """Return whether --tag-column or --columns names a column of tags."""
        options = _used(self, ReadingSettings)
        with_tags = 1 if self.names_outputs() else 2
        return "tag_column" in options or options.get("columns", "").count(",") == with_tags

    def names_outputs(self) -> bool:
        """Return whether --outputs names several outputs."""
        return "outputs" in _used(self, ReadingSettings)


@dataclass(frozen=True, kw_only=True)
class _SettingsFlags:
    """Flags for a preset, a settings file and single settings."""

    preset: Annotated[
        str | None,
        Parameter(
            help="Preset: a complete set of settings; other options change single settings. auto chooses preset and "
            "token level from the pairs. Run passerelle presets for a list. "
            f"[default: the preset that --settings names, or {DEFAULT_PRESET}]",
            show_default=False,
            group=IN_GROUP["Model"],
        ),
    ] = None
    settings: Annotated[
        str | None,
        Parameter(
            help="Settings file (TOML) that changes the preset. passerelle describe MODEL prints one.",
            group=IN_GROUP["Model"],
        ),
    ] = None
    set_: Annotated[
        tuple[str, ...],
        Parameter(
            name="--set",
            help="Set any setting by its dotted name, such as --set network.encoder.direction=both. Takes precedence "
            "over the preset, the settings file and other options. passerelle settings lists all names, such as those "
            "for label smoothing, gradient clipping and early stopping. Repeatable.",
            group=IN_GROUP["Model"],
            negative=(),
            show_default=False,
        ),
    ] = ()

    @property
    def file(self) -> dict[str, Any]:
        """The values of the settings file, nested and not validated; empty if there is none."""
        return {} if self.settings is None else read_settings_file(self.settings)

    def change(self, before: Settings) -> Settings:
        """Return the settings of a run, changed by the flags and the settings file that are used."""
        file = self.file
        preset = file.pop("preset", None) if self.preset is None else self.preset
        if preset not in (None, before.preset):
            raise SettingsError(f"this run has the preset {before.preset!r}, which cannot be changed to {preset!r}.")
        values = before.model_dump()
        merge(values, file)
        return make_settings(before.preset, values, _used(self, Settings), parse_assignments(self.set_))


@flags_of(Settings, without=("Numbers",))
class SettingsOptions(_SettingsFlags):
    """Flags for the settings of a translator and its training."""

    def choose(self, *, tagged: bool = False, changes: Mapping[str, Any] | None = None) -> Settings:
        """Return the settings. If `tagged`, `tags.mode` is `separate` unless a flag or the settings file sets it.

        Args:
            tagged: whether the pairs have tags.
            changes: values that take precedence, by dotted name, by name of an option, or `preset`.
        """
        changes, known = dict(changes or {}), options_of(Settings)
        preset = changes.pop("preset", self.preset)
        file, options, assignments = self.file, _used(self, Settings), parse_assignments(self.set_)
        options |= {name: value for name, value in changes.items() if name in known}
        assignments |= {name: value for name, value in changes.items() if name not in known}
        tags = file.get("tags")
        if tagged and not (isinstance(tags, dict) and tags.get("mode", "none") != "none"):
            options.setdefault("tag_mode", DEFAULT_TAG_MODE)
        settings = make_settings(preset, file, options, assignments)
        if tagged and settings.tags.mode == "none":
            raise SettingsError("a column of tags is named, but the tag mode is none. Leave out one of the two.")
        return settings

    def fine_tune(self, before: Settings, model: str, *, tagged: bool) -> Settings:
        """Return the settings of a training that starts from a model; see `fine_tuning_settings`.

        Args:
            before: settings of the model.
            model: name of the model, for messages.
            tagged: whether a flag names a column of tags.
        """
        if tagged and before.tags.mode == "none":
            raise SettingsError(f"a column of tags is named, and {model} has no tags. Leave it out.")
        file = {} if self.settings is None else read_settings_file(self.settings)
        return fine_tuning_settings(
            before, model,
            preset=self.preset, file=file, options=_used(self, Settings), assignments=parse_assignments(self.set_),
        )  # fmt: skip


@flags_of(Settings, without=("Text",), preset=FORECAST_PRESET)
@dataclass(frozen=True, kw_only=True)
class ForecasterOptions(_SettingsFlags):
    """Flags for the settings of a forecaster and its training."""

    preset: Annotated[
        str | None,
        Parameter(
            help="Preset: a complete set of settings; other options change single settings. Run passerelle presets for "
            f"a list. [default: the preset that --settings names, or {FORECAST_PRESET}]",
            show_default=False,
            group=IN_GROUP["Model"],
        ),
    ] = None

    def choose(self) -> Settings:
        """Return the settings."""
        file = self.file
        preset = FORECAST_PRESET if self.preset is None and "preset" not in file else self.preset
        return make_settings(preset, file, _used(self, Settings), parse_assignments(self.set_))


@flags_of(SearchSettings)
class SearchOptions:
    """Flags for the search and its constraints."""

    def options(self, n_best: int = 1) -> dict[str, Any]:
        """Return the keyword arguments of a search that were used as flags, validated for a model that stores a beam.

        Args:
            n_best: translations per text.

        Raises:
            DataError: if a file of texts cannot be read or is empty.
            SettingsError: if an option is out of range, or two options exclude each other.
        """
        options = _used(self, SearchSettings)
        for name, option in options_of(SearchSettings).items():
            if name in options and option.settings[0].from_file:
                options[name] = _read_texts(options[name])
        with_stored({**options, "n_best": n_best}, SearchSettings(beam=2))
        return options


@flags_of(SearchSettings, only=("beam", "length_penalty"))
class WriterSearchOptions:
    """Flags for the search of models that write synthetic texts."""

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments of a search that were used as flags, validated."""
        options = _used(self, SearchSettings)
        with_stored(options, SearchSettings(beam=2))
        return options


@flags_of(SyntheticSettings)
class SyntheticOptions:
    """Flags for synthetic pairs among the training pairs."""

    def used(self) -> list[str]:
        """Return the names of the flags that were used."""
        return [flag(name) for name in _used(self, SyntheticSettings)]

    def choose(self) -> SyntheticSettings:
        """Return the settings."""
        return validated(SyntheticSettings, _used(self, SyntheticSettings))


@flags_of(FineTuningSettings)
class FineTuningFlags:
    """Flags for the settings of fine-tuning."""

    def used(self) -> list[str]:
        """Return the names of the flags that were used."""
        return [flag(name) for name in _used(self, FineTuningSettings)]

    def choose(self) -> FineTuningSettings:
        """Return the settings."""
        return validated(FineTuningSettings, _used(self, FineTuningSettings))


def _read_texts(path: str) -> tuple[str, ...]:
    from passerelle.data.files import read_lines
    from passerelle.errors import DataError

    texts = tuple(line for line in read_lines(path) if line.strip())
    if not texts:
        raise DataError(f"{path} contains no text. Write one text per line.")
    return texts
