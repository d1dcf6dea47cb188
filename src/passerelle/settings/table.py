"""The table of settings in docs/settings.md, written from the schema."""

from collections.abc import Iterable

from passerelle.settings.data import ReadingSettings
from passerelle.settings.options import options_of
from passerelle.settings.presets import DEFAULT_PRESET
from passerelle.settings.root import Settings
from passerelle.settings.schema import Section, Setting, settings_in
from passerelle.settings.search import ConstraintSettings, SearchSettings

__all__ = ["flag", "kind_in_words", "settings_table"]

INTRODUCTION = f"""# Settings

This page is generated from the schema: `make settings-table` writes it anew.

A setting has a dotted name, such as `network.encoder.units`. Set it in a settings file (`train --settings FILE.toml`,
`train(settings=...)`), on the command line (`train --set network.encoder.units=64`), or, if it has one, by its option:
a flag of the command line, and a keyword argument of the same name with underscores. An option that several settings
share sets all of them. The defaults below are those of the schema; a preset changes some, and without `--preset` the
preset is `{DEFAULT_PRESET}`. `passerelle describe MODEL.keras` prints the settings of a model as a settings file.
"""

HEADER = "| setting | values | default | flag | meaning |\n| --- | --- | --- | --- | --- |"


def settings_table() -> str:
    """Return docs/settings.md: one Markdown table per section."""
    parts = [INTRODUCTION]
    sections: dict[str, list[Setting]] = {}
    for one in settings_in(Settings):
        if one.parent:
            sections.setdefault("`[source]` and `[target]`" if one.side else f"`[{one.parent}]`", []).append(one)
    for title, settings in sections.items():
        # Both sides have the same settings.
        distinct = {one.name: one for one in reversed(settings)}
        parts.append(_part(title, settings[0].section, reversed(distinct.values()), Settings))
    search = [one for one in settings_in(SearchSettings) if one.section is SearchSettings]
    own = [one for one in search if one.name not in ConstraintSettings.model_fields]
    constraints = [one for one in search if one.name in ConstraintSettings.model_fields]
    parts.append(
        "The settings below are not part of a settings file: they are options of `translate` and `evaluate`, and "
        "keyword\narguments of `Translator.translate`, `search`, `n_best` and `evaluate`.\n"
    )
    parts.append(_part("Search", SearchSettings, own, SearchSettings))
    parts.append(_part("Constraints of a search", ConstraintSettings, constraints, SearchSettings))
    parts.append("These are options of `train`, `evaluate` and `score`, and keyword arguments of `read_pairs`.\n")
    parts.append(_part("Reading pairs", ReadingSettings, settings_in(ReadingSettings), ReadingSettings))
    return "\n".join(parts)


def _part(title: str, kind: type[Section], settings: Iterable[Setting], whole: type[Section]) -> str:
    first = (kind.__doc__ or "").splitlines()[0]
    return "\n".join([f"## {title}", "", first, "", HEADER, *(_row(one, whole) for one in settings), ""])


def _row(one: Setting, whole: type[Section]) -> str:
    cells = [f"`{one.name}`", kind_in_words(one), _default(one), _flags(one, whole), one.description]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def flag(option: str) -> str:
    """Return the flag of an option: `--batch-size` for `batch_size`."""
    return f"--{option.replace('_', '-')}"


def kind_in_words(one: Setting) -> str:
    """Return the values that a setting may have: its choices, or its type and bounds."""
    if one.choices:
        return ", ".join(f"`{choice}`" for choice in one.choices)
    names = {bool: "true or false", int: "integer", float: "number", str: "text", tuple: "texts"}
    return f"{names[one.plain_kind]}{', ' if one.bounds else ''}{one.bounds}"


def _default(one: Setting) -> str:
    value = one.field.default
    if value is None or value in ("", ()):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _flags(one: Setting, whole: type[Section]) -> str:
    options = [
        option.name
        for option in options_of(whole).values()
        if any((own.section, own.name) == (one.section, one.name) for own in option.settings)
    ]
    return ", ".join(f"`{flag(name)}`" for name in options)
