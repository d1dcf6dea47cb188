"""Options and assignments: each sets its settings, in the documented order of precedence; unknown names are errors."""

import inspect
from typing import Any, Literal

import pytest

import passerelle
from passerelle.errors import SettingsError
from passerelle.settings import (
    PRESETS,
    SearchSettings,
    Section,
    Setting,
    Settings,
    make_settings,
    options_of,
    parse_assignments,
    schema,
    settings_in,
    validated,
)
from passerelle.settings.table import flag, settings_table

ALL = [setting for setting in settings_in(Settings) if setting.parent]
REQUIREMENTS = {
    # Values of other settings that the setting under test requires.
    "source.level": {"source.separator": "+"},
    "target.level": {"target.separator": "+"},
    "source.separator": {"source.level": "pretokenized"},
    "target.separator": {"target.level": "pretokenized"},
    "network.query": {"network.attention": "general", "network.decoder.layers": 2},
    "network.input_feeding": {"network.attention": "general"},
    "network.copying": {"network.attention": "general"},
    "network.tie": {"network.decoder.embedding": 64, "network.encoder.embedding": 64},
    "network.decoder.kind": {"network.attention": "multi-head"},
    "network.decoder.feedback": {"network.decoder.context": True},
}


def other_value(setting: Setting) -> Any:
    """A valid value that is not the default."""
    default = setting.field.default
    if setting.choices:
        return [choice for choice in setting.choices if choice != default][-1]
    if setting.plain_type is bool:
        return not default
    if setting.plain_type is int:
        return {"layers": 7, "heads": 8}.get(setting.name, 300)
    if setting.plain_type is float:
        return 0.25
    return "x" if setting.plain_type is str else ("x",)


def value_at(settings: Any, path: str) -> Any:
    for step in path.split("."):
        settings = getattr(settings, step)
    return settings


def toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("setting", ALL, ids=lambda setting: setting.path)
def test_every_setting_can_be_assigned(setting: Setting) -> None:
    values = {**REQUIREMENTS.get(setting.path, {}), setting.path: other_value(setting)}
    texts = [f"{path}={toml(value)}" for path, value in values.items()]
    assert value_at(make_settings(assignments=parse_assignments(texts)), setting.path) == other_value(setting)


@pytest.mark.parametrize("name", options_of(Settings))
def test_every_option_sets_its_settings_and_no_others(name: str) -> None:
    option = options_of(Settings)[name]
    value = "word" if option.settings[0].option == "level" else other_value(option.settings[0])
    changed = make_settings(None, None, {name: value})
    for setting in option.settings:
        assert value_at(changed, setting.path) == value, setting.path
    default = PRESETS["compact"].settings
    expected = {setting.path for setting in option.settings} | {path for path, _ in option.implied()}
    if name == "minutes":
        expected |= {"training.epochs", "training.patience"}  # then the time is the only limit
    for other in ALL:
        if other.path not in expected:
            assert value_at(changed, other.path) == value_at(default, other.path), f"{name} also changed {other.path}"


def test_every_search_option_sets_its_setting() -> None:
    requirements: dict[str, dict[str, Any]] = {
        "coverage_penalty": {"beam": 2},
        "groups": {"beam": 300},
        "diversity": {"beam": 2, "groups": 2},
        "mbr_utility": {"mbr": 2},
        **{key: {"sample": True} for key in ("temperature", "top_k", "top_p")},
    }
    for name, option in options_of(SearchSettings).items():
        value = other_value(option.settings[0])
        changed = validated(SearchSettings, {**requirements.get(name, {}), name: value})
        assert getattr(changed, name) == value


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"level": "word"}, ("word", "word")),
        ({"level": "word", "target_level": "character"}, ("word", "character")),
        ({"level": "word", "source_separator": " "}, ("pretokenized", "word")),
        ({"separator": " "}, ("pretokenized", "pretokenized")),
        ({"target_separator": " ", "source_level": "subword"}, ("subword", "pretokenized")),
    ],
)
def test_an_option_of_one_side_takes_precedence(options: dict[str, Any], expected: tuple[str, str]) -> None:
    for ordered in (options, dict(reversed(options.items()))):
        chosen = make_settings(None, None, ordered)
        assert (chosen.source.level, chosen.target.level) == expected


def test_an_assignment_takes_precedence_over_an_option_and_a_file() -> None:
    file = {"training": {"epochs": 3, "seed": 4}}
    chosen = make_settings(None, file, {"epochs": 5, "units": 9}, parse_assignments(["training.epochs=6"]))
    assert (chosen.training.epochs, chosen.training.seed, chosen.network.decoder.units) == (6, 4, 9)


@pytest.mark.parametrize(
    ("file", "options", "assignments", "expected"),
    [
        ({}, {}, {}, (20, 5)),
        ({}, {"minutes": 3.0}, {}, (None, 0)),
        ({"training": {"minutes": 3.0}}, {}, {}, (None, 0)),
        ({}, {}, {"training.minutes": 3.0}, (None, 0)),
        ({}, {"minutes": 3.0, "epochs": 7}, {}, (7, 0)),
        ({"training": {"epochs": 7}}, {"minutes": 3.0}, {}, (7, 0)),
        ({}, {"minutes": 3.0}, {"training.patience": 2}, (None, 2)),
        ({}, {"minutes": 3.0}, {"training.epochs": 7, "training.patience": 5}, (7, 5)),
        ({}, {"minutes": 0.0}, {}, (20, 5)),
    ],
)
def test_minutes_replace_the_epochs_and_the_patience_of_the_preset(
    file: Any, options: Any, assignments: Any, expected: tuple[int | None, int]
) -> None:
    chosen = make_settings(None, file, options, assignments).training
    assert (chosen.epochs, chosen.patience) == expected


def test_settings_without_epochs_round_trip_through_a_settings_file() -> None:
    chosen = make_settings(None, None, {"minutes": 3.0})
    file = chosen.model_dump(exclude_none=True)
    assert "epochs" not in file["training"]
    assert make_settings(None, file).model_dump() == chosen.model_dump()
    with pytest.raises(SettingsError, match="training needs a limit, received: neither epochs nor minutes"):
        make_settings(None, {"training": {"epochs": None}})


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("network.dropout=0.2", {"network.dropout": 0.2}),
        ("network.cell = gru", {"network.cell": "gru"}),
        ('source.separator=" "', {"source.separator": " "}),
        ("source.separator==", {"source.separator": "="}),
        ("network.unknown=false", {"network.unknown": False}),
        ("training.epochs=1_000", {"training.epochs": 1000}),
        ("source.separator=1\nx = 2", {"source.separator": "1\nx = 2"}),
        ("source.separator=", {"source.separator": ""}),
    ],
)
def test_assigned_values_are_toml_or_strings(text: str, parsed: dict[str, Any]) -> None:
    assert parse_assignments([text]) == parsed


@pytest.mark.parametrize("text", ["network.dropout", "=3", ""])
def test_an_assignment_needs_a_name_and_a_value(text: str) -> None:
    with pytest.raises(
        SettingsError, match="an assignment must have the form NAME=VALUE, such as network.dropout=0.2, received: "
    ):
        parse_assignments([text])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("network.droput", "unknown setting 'network.droput'. Did you mean 'network.dropout'?"),
        ("netwrk.dropout", "unknown setting 'netwrk.dropout'. Did you mean 'network.dropout'?"),
        ("training.epochs.more", "unknown setting 'training.epochs.more'. Did you mean 'training.epochs'?"),
        ("preset", "unknown setting 'preset'."),
    ],
)
def test_assignments_of_unknown_settings(name: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make_settings(assignments={name: 1})
    assert str(caught.value).startswith(message)


def test_unknown_options() -> None:
    with pytest.raises(SettingsError, match=r"unknown option 'learning_rat'\. Did you mean 'learning_rate'\?"):
        passerelle.train([("a", "b")] * 9, learning_rat=0.1)


def test_signatures_list_the_options() -> None:
    training = inspect.signature(passerelle.train).parameters
    assert {*options_of(Settings), "preset", "settings", "validation"} <= set(training)
    assert training["epochs"].default is None
    search = inspect.signature(passerelle.Translator.search).parameters
    assert set(options_of(SearchSettings)) <= set(search)
    assert search["temperature"].default == 1.0
    assert search["length_penalty"].default is None, "the model file stores its default"


def test_data_only_settings_do_not_select_the_compiled_program() -> None:
    plain = SearchSettings(beam=3)
    for name, value in {"seed": 9, "max_length": 7, "prefix": "x", "forbid": ("y",), "pattern": "z"}.items():
        changed = SearchSettings(beam=3, **{name: value})
        assert changed.program_key() == plain.program_key()
        assert hash(changed.program_key()) == hash(plain.program_key())
    data = {setting.name for setting in settings_in(SearchSettings) if setting.data_only}
    for name, option in options_of(SearchSettings).items():
        if name not in data and name not in ("groups", "sample", "diversity", "temperature", "top_k", "top_p"):
            changed = validated(SearchSettings, {"beam": 3, name: other_value(option.settings[0])})
            assert changed.program_key() != plain.program_key(), name


def test_constraints_are_hashable() -> None:
    settings = SearchSettings(beam=2, require=["a"], lexicon=("b",))  # pyright: ignore[reportArgumentType]
    assert settings.constraints == SearchSettings(require=("a",), lexicon=("b",), seed=5).constraints
    assert hash(settings.constraints) == hash(SearchSettings(require=("a",), lexicon=("b",)).constraints)
    assert settings.constraints != SearchSettings(require=("a",)).constraints


class Left(Section):
    """A side."""

    shape: Literal["round", "square"] = schema.setting("round", "Shape.", option=True)


class Extended(SearchSettings):
    """Search settings with one more setting."""

    patience: int = schema.setting(3, "Steps without a better hypothesis.", option=True, ge=1, le=9)
    left: Left = schema.section(Left(), "The left side.", is_side=True)


def test_a_setting_added_to_a_section_becomes_an_option() -> None:
    options = options_of(Extended)
    assert {"patience", "shape", "left_shape"} <= set(options)
    assert options["patience"].description == "Steps without a better hypothesis."
    assert options["patience"].settings[0].bounds == "1 to 9"
    with pytest.raises(SettingsError, match="patience: input should be less than or equal to 9, received: 10"):
        validated(Extended, {"patience": 10})
    assert validated(Extended, {"patience": 4}).program_key() != Extended().program_key()


def test_the_table_lists_every_setting_and_flag() -> None:
    table = settings_table()
    for setting in [*ALL, *settings_in(SearchSettings)]:
        assert f"| `{setting.name}` |" in table
    for name in [*options_of(Settings), *options_of(SearchSettings)]:
        assert f"`{flag(name)}`" in table


@pytest.mark.parametrize("section_type", [Settings, SearchSettings])
def test_every_setting_has_a_description(section_type: type[Section]) -> None:
    for setting in settings_in(section_type):
        if setting.path != "preset":
            assert setting.description.endswith("."), setting.path
            assert setting.description[0].isupper(), setting.path


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.5}, "temperature without effect, received: temperature=0.5; set sample to True"),
        ({"top_k": 3, "top_p": 0.5}, "top_k and top_p without effect, received: top_k=3, top_p=0.5; set sample"),
        ({"diversity": 1.0, "beam": 4}, "diversity without effect, received: diversity=1; set groups to 2 or more"),
    ],
)
def test_settings_without_effect_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as error:
        validated(SearchSettings, options)
    assert message in str(error.value)
    validated(SearchSettings, {"sample": True} if "beam" not in options else {"groups": 2} | options)
