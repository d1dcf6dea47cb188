"""Flags made from the schema of the settings: one for each option, with its help and its group."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from cyclopts import Parameter

from passerelle.cli.groups import IN_GROUP
from passerelle.settings import (
    DEFAULT_PRESET,
    PRESETS,
    ReadingSettings,
    SearchSettings,
    Section,
    Settings,
    make_settings,
    options_of,
    parse_assignments,
    read_settings_file,
    validated,
)
from passerelle.settings.options import Option
from passerelle.settings.table import flag, kind_in_words

if TYPE_CHECKING:
    from passerelle.data.pairs import Pairs

__all__ = ["ReadingOptions", "SearchOptions", "SettingsOptions", "flags_of"]

T = TypeVar("T")


REQUIRING_BEAM = 5
"""Default beam size where phrases are required: greedy search would leave them to the end."""

SPECIAL_DEFAULTS = {"beam": f"that of --n-best, or {REQUIRING_BEAM} with --require"}
"""Defaults of flags that differ from the schema's."""

DEFAULT_TAG_MODE = "separate"
"""How tags are read where only their column is named."""

DEFAULT_TAG_COLUMN = 3


def flags_of(kind: type[Section]) -> Callable[[type[T]], type[T]]:
    """Decorate a class: it becomes a frozen dataclass with one field, and so one flag, for each option of a section.

    A field is None where its flag is not given (False, or an empty tuple, for flags without a value or with several).
    """

    def decorate(cls: type[T]) -> type[T]:
        fields = [(name, *_field(option, kind)) for name, option in options_of(kind).items()]
        made = dataclasses.make_dataclass(cls.__name__, fields, bases=(cls,), frozen=True, kw_only=True)
        made.__doc__, made.__module__ = cls.__doc__, cls.__module__
        return Parameter(name="*")(made)

    return decorate


def _field(option: Option, kind: type[Section]) -> tuple[Any, Any]:
    """The type and the default of a flag."""
    one = option.settings[0]
    parameter = Parameter(
        name=flag(option.name), help=_help(option, kind), group=IN_GROUP[option.group], negative=(), show_default=False
    )
    if one.plain_kind is bool:
        return Annotated[bool, parameter], False
    if one.plain_kind is tuple and not one.from_file:
        return Annotated[tuple[str, ...], parameter], ()
    return Annotated[(str if one.plain_kind is tuple else one.plain_kind) | None, parameter], None


def _help(option: Option, kind: type[Section]) -> str:
    one = option.settings[0]
    if option.side is not None:
        return f"As {flag(str(one.option))}, for the {option.side} only."
    words = [one.description]
    if one.from_file:
        words.append("A file with one text per line.")
    if one.plain_kind is tuple and not one.from_file:
        words.append("May be given several times.")
    facts = []
    if one.choices or one.bounds:
        facts.append(kind_in_words(one).replace("`", "").removeprefix("integer, ").removeprefix("number, "))
    if default := _default(option, kind):
        facts.append(f"default: {default}")
    return " ".join([*words, *([f"[{'; '.join(facts)}]"] if facts else [])])


def _default(option: Option, kind: type[Section]) -> str:
    """The default in words: the schema's, or of a setting that presets change, that of the default preset."""
    one = option.settings[0]
    if kind is not Settings:
        value = one.field.default
        return SPECIAL_DEFAULTS.get(option.name) or _shown(value)
    values = {name: _value_at(preset.settings, one.path) for name, preset in PRESETS.items()}
    value = values[DEFAULT_PRESET]
    return _shown(value) if len(set(values.values())) == 1 else f"by preset, {DEFAULT_PRESET}: {_shown(value)}"


def _shown(value: Any) -> str:
    """A default in words; empty if it means that nothing is set."""
    if value is None or isinstance(value, (bool, tuple)):
        return ""
    return f"{value:g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value


def _value_at(settings: Any, path: str) -> Any:
    for step in path.split("."):
        settings = getattr(settings, step)
    return settings


def _given(options: Any, kind: type[Section]) -> dict[str, Any]:
    """The flags that were given, by option."""
    values = {name: getattr(options, name) for name in options_of(kind)}
    return {name: value for name, value in values.items() if value is not None and value is not False and value != ()}


@flags_of(ReadingSettings)
class ReadingOptions:
    """Which pairs of a file are read."""

    def check(self) -> None:
        """Raise SettingsError if a value is out of range; called before a model is loaded."""
        validated(ReadingSettings, _given(self, ReadingSettings))

    def read(self, pairs: tuple[str, ...], *, tagged: bool, limited: bool = True) -> "Pairs":
        """Read the pairs of one file, or of two parallel files; their tags too if `tagged`.

        Args:
            pairs: names of the files.
            tagged: whether tags are read.
            limited: whether `--limit` applies.
        """
        from passerelle.data.pairs import read_pairs

        given = _given(self, ReadingSettings)
        self.check()
        column = given.pop("tag_column", DEFAULT_TAG_COLUMN)
        if not limited:
            given.pop("limit", None)
        return read_pairs(pairs, tag_column=column if tagged else None, **given)

    def names_tags(self) -> bool:
        """Whether a column of tags is named."""
        given = _given(self, ReadingSettings)
        return "tag_column" in given or given.get("columns", "").count(",") == 2


@flags_of(Settings)
@dataclass(frozen=True, kw_only=True)
class SettingsOptions:
    """The settings of a training."""

    preset: Annotated[
        str | None,
        Parameter(
            help="Preset to begin with; passerelle presets lists them. "
            f"[default: that of --settings, or {DEFAULT_PRESET}]",
            show_default=False,
            group=IN_GROUP["Model"],
        ),
    ] = None
    settings: Annotated[
        str | None,
        Parameter(
            help="Settings file (TOML) that changes the preset; passerelle describe prints one.",
            group=IN_GROUP["Model"],
        ),
    ] = None
    set_: Annotated[
        tuple[str, ...],
        Parameter(
            name="--set",
            help="Any setting by its dotted name: --set network.encoder.layers=2. Changes the preset, the settings "
            "file and other options; passerelle settings lists all names. May be given several times.",
            group=IN_GROUP["Model"],
            negative=(),
            show_default=False,
        ),
    ] = ()

    def choose(self, *, tagged: bool = False) -> Settings:
        """Return the settings. With `tagged`, tags are separate unless a flag or the settings file says otherwise."""
        file = {} if self.settings is None else read_settings_file(self.settings)
        options = _given(self, Settings)
        tags = file.get("tags")
        if tagged and not (isinstance(tags, dict) and tags.get("mode", "none") != "none"):
            options.setdefault("tag_mode", DEFAULT_TAG_MODE)
        return make_settings(self.preset, file, options, parse_assignments(self.set_))


@flags_of(SearchSettings)
class SearchOptions:
    """How translations are searched for, and their constraints."""

    def options(self, n_best: int = 1) -> dict[str, Any]:
        """Return the keyword arguments that were given, checked.

        Raises:
            DataError: if a file of texts cannot be read or has none.
            SettingsError: if an option is out of range, or two exclude each other.
        """
        given = _given(self, SearchSettings)
        for name, option in options_of(SearchSettings).items():
            if name in given and option.settings[0].from_file:
                given[name] = _lines_of(given[name])
        if "beam" not in given and "sample" not in given:
            given["beam"] = max(n_best, REQUIRING_BEAM if given.get("require") else 1)
        validated(SearchSettings, {**given, "n_best": n_best})
        return given


def _lines_of(path: str) -> tuple[str, ...]:
    from passerelle.data.files import read_lines
    from passerelle.errors import DataError

    lines = tuple(line for line in read_lines(path) if line.strip())
    if not lines:
        raise DataError(f"{path} holds no text that may be written. Write one a line.")
    return lines
