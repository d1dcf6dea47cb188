"""docs/settings.md: tables of all settings, generated from the schema."""

from collections.abc import Iterable

from passerelle.settings.data import ReadingSettings
from passerelle.settings.fine_tuning import FineTuningSettings
from passerelle.settings.options import options_of
from passerelle.settings.presets import DEFAULT_PRESET
from passerelle.settings.root import Settings
from passerelle.settings.schema import Section, Setting, settings_in
from passerelle.settings.search import ConstraintSettings, SearchSettings
from passerelle.settings.synthetic import SyntheticSettings
from passerelle.settings.text import OutputSettings, TextSettings

__all__ = ["allowed_values", "flag", "settings_table"]

INTRODUCTION = f"""# Settings

This page is generated from the schema by `make settings-table`.

Every setting has a dotted name, such as `network.encoder.units`. There are three ways to set it:

- in a settings file (TOML): `passerelle train --settings FILE.toml`, or in Python `train(pairs, settings="FILE.toml")`;
- by its dotted name on the command line: `passerelle train --set network.encoder.units=64`;
- by its option, if it has one: a flag such as `--batch-size 64`, or in Python a keyword argument, `batch_size=64`.
  An option that several settings share sets all of them.

The defaults below are those of the schema. Presets change some of them; without `--preset`, the preset is
`{DEFAULT_PRESET}`. `passerelle describe MODEL.keras` prints the settings of a model as a settings file.
"""

HEADER = "| setting | values | default | flag | meaning |\n| --- | --- | --- | --- | --- |"


def settings_table() -> str:
    """Return the text of docs/settings.md, with one Markdown table per section."""
    parts = [INTRODUCTION]
    sections: dict[str, list[Setting]] = {}
    for setting in settings_in(Settings):
        if setting.parent:
            title = "`[source]` and `[target]`" if setting.side else f"`[{setting.parent}]`"
            sections.setdefault(title, []).append(setting)
    for title, settings in sections.items():
        # Both sides have the same settings.
        distinct = {setting.name: setting for setting in reversed(settings)}
        parts.append(_table(title, settings[0].section, reversed(distinct.values()), Settings))
    parts.append(
        "With several outputs, `[target]` and `[network.decoder]` are for all of them. An output `de` has other values "
        "where they\nare set in `[outputs.de]`, which has the settings of `[target]` and of the next table, or in "
        "`[network.decoders.de]`, which\nhas those of `[network.decoder]`.\n"
    )
    own = [setting for setting in settings_in(OutputSettings) if setting.name not in TextSettings.model_fields]
    parts.append(_table("`[outputs.NAME]`", OutputSettings, own, Settings))
    search = [setting for setting in settings_in(SearchSettings) if setting.section is SearchSettings]
    decoding = [setting for setting in search if setting.name not in ConstraintSettings.model_fields]
    constraints = [setting for setting in search if setting.name in ConstraintSettings.model_fields]
    parts.append(
        "The settings in the next two tables are not part of a settings file. They are options of the commands "
        "`translate` and\n`evaluate`, and keyword arguments of `Translator.translate`, `search`, `n_best` and "
        "`evaluate`.\n"
    )
    parts.append(_table("Search", SearchSettings, decoding, SearchSettings))
    parts.append(_table("Constraints", ConstraintSettings, constraints, SearchSettings))
    parts.append(
        "The settings in the last three tables are not part of a settings file either. Those of the first one are "
        "options of\nthe command `distill`, and of `train` with `--back-translate`, and keyword arguments of "
        "`passerelle.distill`.\n"
    )
    parts.append(_table("Synthetic pairs", SyntheticSettings, settings_in(SyntheticSettings), SyntheticSettings))
    parts.append(
        "The settings in the next table are options of the command `train` with `--from`, and keyword arguments of\n"
        "`passerelle.fine_tune`.\n"
    )
    parts.append(_table("Fine-tuning", FineTuningSettings, settings_in(FineTuningSettings), FineTuningSettings))
    parts.append(
        "The settings in the last table are options of the commands "
        "`train`,\n`evaluate` and `score`, and keyword arguments of `read_pairs`.\n"
    )
    parts.append(_table("Reading pairs", ReadingSettings, settings_in(ReadingSettings), ReadingSettings))
    return "\n".join(parts)


def _table(title: str, section: type[Section], settings: Iterable[Setting], root: type[Section]) -> str:
    """Return a heading, the first line of the section's docstring, and a table with a row for each setting."""
    summary = (section.__doc__ or "").splitlines()[0]
    return "\n".join([f"## {title}", "", summary, "", HEADER, *(_row(setting, root) for setting in settings), ""])


def _row(setting: Setting, root: type[Section]) -> str:
    cells = [
        f"`{setting.name}`", allowed_values(setting), _default(setting), _flags(setting, root), setting.description,
    ]  # fmt: skip
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def flag(option: str) -> str:
    """Return the flag of an option, such as `--batch-size` for `batch_size`."""
    return f"--{option.replace('_', '-')}"


def allowed_values(setting: Setting) -> str:
    """Return the choices of a setting, or its type and bounds, in Markdown."""
    if setting.choices:
        return ", ".join(f"`{choice}`" for choice in setting.choices)
    names = {bool: "true or false", int: "integer", float: "number", str: "text", tuple: "texts"}
    return f"{names[setting.plain_type]}{', ' if setting.bounds else ''}{setting.bounds}"


def _default(setting: Setting) -> str:
    value = setting.field.default
    if setting.stored:
        return f"that of the model, or `{value}`"
    if value is None or value in ("", ()):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _flags(setting: Setting, root: type[Section]) -> str:
    options = [
        option.name
        for option in options_of(root).values()
        if any((each.section, each.name) == (setting.section, setting.name) for each in option.settings)
    ]
    return ", ".join(f"`{flag(name)}`" for name in options)
