"""Flags and their help, which are generated from the schema."""

import contextlib
import io
import re
from typing import Any

import pytest

from passerelle.cli.app import app
from passerelle.cli.groups import GROUPS, IN_GROUP
from passerelle.cli.options import SearchOptions, SettingsOptions, flags_of
from passerelle.errors import SettingsError
from passerelle.settings import SearchSettings, Settings, options_of
from passerelle.settings.schema import setting
from passerelle.settings.table import flag


def help_of(command: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        app([command, "--help"], exit_on_error=False)
    return out.getvalue()


def groups_of(text: str) -> dict[str, str]:
    """The panels of a help text by title, without borders and line breaks."""
    found = {}
    for panel in re.split(r"^╭─ ", text, flags=re.MULTILINE)[1:]:
        title, _, body = panel.partition(" ")
        lines = (line.strip("│").strip() for line in body.splitlines()[1:] if line.startswith("│"))
        found[title] = re.sub(r"\s+", " ", " ".join(lines))
    return found


@pytest.mark.parametrize(
    ("command", "groups"),
    [
        ("train", ["Arguments", "Data", "Text", "Model", "Training", "Output"]),
        ("train-forecaster", ["Arguments", "Data", "Numbers", "Model", "Training", "Output"]),
        ("translate", ["Arguments", "Data", "Model", "Search", "Output"]),
        ("evaluate", ["Arguments", "Data", "Model", "Search", "Output"]),
        ("score", ["Arguments", "Data", "Model", "Output"]),
    ],
)
def test_help_has_groups_in_order(command: str, groups: list[str]) -> None:
    assert list(groups_of(help_of(command))) == groups
    assert [name for name in IN_GROUP if name in groups] == [name for name in GROUPS if name in groups]


@pytest.mark.parametrize(
    ("command", "section_type", "absent"),
    [("train", Settings, "Numbers"), ("train-forecaster", Settings, "Text"), ("translate", SearchSettings, None)],
)
def test_every_option_is_a_flag_in_its_group(command: str, section_type: Any, absent: str | None) -> None:
    text = help_of(command)
    groups = groups_of(text)
    for name, option in options_of(section_type).items():
        if option.group == absent:
            assert f"{flag(name)} " not in text, name
        else:
            assert f"{flag(name)} " in groups[option.group], name


def test_help_contains_choices_bounds_and_defaults() -> None:
    groups = groups_of(help_of("train"))
    assert "[lstm, gru; default: lstm]" in groups["Model"]
    assert "[1 to 8,192; default: 128 in preset compact]" in groups["Model"]
    assert "Like --level, but only for the source." in groups["Text"]
    forecaster = groups_of(help_of("train-forecaster"))
    assert "[lstm, gru; default: gru]" in forecaster["Model"]
    assert "[mean, median, quantiles, student-t; default: quantiles]" in forecaster["Numbers"]
    assert (
        "By default the size that the model file stores, raised if needed to the size of the n-best list"
        in groups_of(help_of("translate"))["Search"]
    )


def parse(command: str, *words: str) -> dict[str, Any]:
    _, arguments, _ = app.parse_args([command, *words], exit_on_error=False, print_error=False)
    return arguments.arguments


def test_flags_set_their_settings() -> None:
    words = ["--level", "word", "--target-separator", " ", "--source-lowercase", "--units", "8", "--attention", "dot"]
    words += ["--set", "network.encoder.direction=forward", "--set", "training.clip=2", "--seed", "3"]
    chosen = parse("train", "pairs.tsv", *words)["options"].choose()
    assert (chosen.source.level, chosen.target.level, chosen.target.separator) == ("word", "pretokenized", " ")
    assert (chosen.source.lowercase, chosen.target.lowercase) == (True, False)
    assert (chosen.network.encoder.units, chosen.network.decoder.units, chosen.network.attention) == (8, 8, "dot")
    assert (chosen.network.encoder.direction, chosen.training.clip, chosen.training.seed) == ("forward", 2.0, 3)


def test_with_a_column_of_tags_the_default_mode_is_separate(tmp_path: Any) -> None:
    assert SettingsOptions().choose().tags.mode == "none"
    assert SettingsOptions().choose(tagged=True).tags.mode == "separate"
    assert parse("train", "p.tsv", "--tag-mode", "inline")["options"].choose(tagged=True).tags.mode == "inline"
    assert SettingsOptions(set_=("tags.mode=inline",)).choose(tagged=True).tags.mode == "inline"
    path = tmp_path / "settings.toml"
    for mode, expected in (("none", "separate"), ("inline", "inline")):
        path.write_text(f'[tags]\nmode = "{mode}"\n')
        assert SettingsOptions(settings=str(path)).choose(tagged=True).tags.mode == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--tag-column", "4"], True),
        (["--columns", "a,b,c"], True),
        (["--columns", "a,b"], False),
        ([], False),
    ],
)
def test_flags_that_name_a_column_of_tags(words: list[str], expected: bool) -> None:
    reading = parse("train", "p.tsv", *words).get("reading")
    assert (reading is not None and reading.names_tag_column()) == expected


def test_search_flags(tmp_path: Any) -> None:
    assert SearchOptions().options() == SearchOptions().options(4) == {}
    words = ["--require", "a", "--require", "b", "--max-length", "9"]
    assert parse("translate", "m.keras", *words)["search"].options() == {
        "require": ("a", "b"), "max_length": 9,
    }  # fmt: skip
    assert parse("translate", "m.keras", "--sample")["search"].options(3) == {"sample": True}
    path = tmp_path / "lexicon.txt"
    path.write_text("one\n\ntwo\n")
    assert parse("translate", "m.keras", "--lexicon", str(path))["search"].options()["lexicon"] == ("one", "two")
    with pytest.raises(SettingsError, match=r"temperature: .*, received: 0\.0"):
        parse("translate", "m.keras", "--temperature", "0")["search"].options()


class Extended(SearchSettings):
    """Search settings with two more settings."""

    patience: int = setting(3, "Steps without a better hypothesis.", option=True, ge=1, le=9)
    careful: bool = setting(False, "Take care.", option=True)


def test_a_setting_added_to_a_section_becomes_a_flag() -> None:
    from cyclopts import App

    @flags_of(Extended)
    class Options:
        """Flags."""

    extended = App()

    @extended.command
    def find(*, options: Options | None = None) -> Any:
        return options

    options = extended(["find", "--patience", "4", "--careful", "--beam", "2"], result_action="return_value")
    assert (options.patience, options.careful, options.beam, options.top_k) == (4, True, 2, None)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        extended(["find", "--help"], result_action="return_value")
    panel = groups_of(out.getvalue())["Search"]
    assert "--patience INT Steps without a better hypothesis. [1 to 9; default: 3]" in panel
    assert "--careful Take care." in panel
