"""Settings: presets, precedence, TOML, and errors that name a setting by its dotted name."""

import math
import re
import tomllib

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.errors import PasserelleError, SettingsError
from passerelle.settings import (
    PRESETS,
    NetworkSettings,
    ReadingSettings,
    Settings,
    TextSettings,
    TrainingSettings,
    choose_settings,
    make_settings,
    parse_assignments,
    read_settings_file,
    validated,
)


def message_of(call, *arguments, **options):
    with pytest.raises(SettingsError) as caught:
        call(*arguments, **options)
    message = str(caught.value)
    assert len(message.splitlines()) == 1, "the command line prints errors as one line"
    return message


@pytest.fixture
def toml(tmp_path):
    def write(text):
        path = tmp_path / "settings.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_valid_and_contain_their_name(name):
    preset = PRESETS[name].settings
    assert preset.preset == PRESETS[name].name == name
    assert validated(Settings, preset.model_dump()) == preset
    assert make_settings(name) == preset


def test_every_preset_has_a_summary_of_one_line():
    for name, preset in PRESETS.items():
        summary = preset.summary
        assert 20 <= len(f"{name} (default)  {summary}") <= 120, name
        assert summary == summary.strip().removesuffix(".")
        assert summary.isprintable()


def test_the_default_preset():
    settings = make_settings()
    assert settings.preset == "auto"
    assert settings.model_dump() == PRESETS["compact"].settings.model_dump() | {"preset": "auto"}


def test_the_preset_tutorial_equals_the_published_program():
    tutorial = PRESETS["tutorial"].settings
    assert tutorial.source == tutorial.target == TextSettings(level="character")
    network, training = tutorial.network, tutorial.training
    assert (network.cell, network.bridge, network.attention, network.dropout) == ("lstm", "copy", "none", 0.0)
    assert network.unknown is False
    encoder, decoder = network.encoder, network.decoder
    assert (encoder.embedding, encoder.units, encoder.layers, encoder.direction) == (0, 256, 1, "forward")
    assert (decoder.embedding, decoder.units, decoder.layers) == (0, 256, 1)
    assert (training.optimizer, training.learning_rate, training.batch_size) == ("rmsprop", 0.001, 64)
    assert (training.schedule, training.clip, training.label_smoothing) == ("constant", 0.0, 0.0)
    assert (training.keep, training.patience) == ("last", 0)


@pytest.mark.parametrize("section", [Settings(preset="x"), TextSettings(), NetworkSettings(), TrainingSettings()])
def test_settings_are_frozen(section):
    name = next(iter(type(section).model_fields))
    with pytest.raises(ValueError, match="frozen"):
        setattr(section, name, getattr(section, name))
    with pytest.raises(ValueError, match="frozen"):
        PRESETS["tutorial"].settings.network.encoder.units = 9


def test_precedence_of_option_file_and_preset(toml):
    path = toml('preset = "tutorial"\n[training]\nepochs = 7\nseed = 8\n[network.encoder]\nlayers = 1\n')
    file = read_settings_file(path)
    chosen = make_settings(None, file, {"epochs": 9, "batch_size": None})
    assert chosen.preset == "tutorial"
    assert (chosen.training.epochs, chosen.training.seed) == (9, 8)
    assert chosen.training.batch_size == PRESETS["tutorial"].settings.training.batch_size
    assert chosen.training.optimizer == "rmsprop"
    # A preset takes precedence over the preset of the file, but not over the other values of the file.
    other = make_settings("compact", file)
    assert (other.preset, other.training.optimizer, other.training.epochs) == ("compact", "adam", 7)
    assert file == tomllib.loads(path.read_text()), "the mapping of the file is unchanged"
    assert PRESETS["tutorial"].settings.training.epochs == 30, "presets are unchanged"


def test_an_option_may_be_zero_or_false():
    chosen = make_settings(
        "compact", None, {"dropout": 0.0}, {"network.encoder.embedding": 0, "network.encoder.direction": "forward"}
    )
    assert (chosen.network.encoder.embedding, chosen.network.encoder.direction) == (0, "forward")
    assert chosen.network.dropout == 0.0


def test_integers_are_accepted_as_floats(toml):
    file = read_settings_file(toml("[training]\nclip = 1\nlearning_rate = 1\n"))
    training = make_settings(None, file).training
    assert (training.clip, training.learning_rate) == (1.0, 1.0)


@st.composite
def any_settings(draw):
    network = {
        "cell": draw(st.sampled_from(["lstm", "gru"])),
        "bridge": draw(st.sampled_from(["dense", "zero"])),
        "attention": draw(st.sampled_from(["none", "general"])),
        "query": "top",
        "copying": False,
        "unknown": draw(st.booleans()),
        "dropout": draw(st.floats(0, 0.99)),
        "encoder": {
            "kind": "recurrent",
            "units": draw(st.integers(1, 8192)),
            "direction": draw(st.sampled_from(["forward", "backward", "both", "bottom"])),
        },
        "decoder": {
            "kind": "recurrent",
            "units": draw(st.integers(1, 8192)),
            "layers": draw(st.integers(1, 8)),
        },
    }
    separator = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3)
    text = st.one_of(
        st.fixed_dictionaries({"level": st.just("pretokenized"), "separator": separator}),
        st.fixed_dictionaries({"level": st.sampled_from(["character", "word"])}),
    )
    training = {
        "learning_rate": draw(st.floats(1e-9, 10)),
        "clip": draw(st.floats(0, 1e9)),
        "seed": draw(st.integers(0, 2**31 - 1)),
        "keep": draw(st.sampled_from(["best", "last"])),
    }
    file = {"source": draw(text), "target": draw(text), "network": network, "training": training}
    return make_settings(draw(st.sampled_from(sorted(PRESETS))), file)


@settings(max_examples=80, deadline=None)
@given(any_settings())
def test_settings_round_trip_through_toml(tmp_path_factory, chosen):
    path = tmp_path_factory.getbasetemp() / "round.toml"
    path.write_bytes(tomli_w.dumps(chosen.model_dump(exclude_none=True)).encode())
    assert make_settings(None, read_settings_file(path)) == chosen


@pytest.mark.parametrize("name", PRESETS)
def test_presets_round_trip_through_toml(name, toml):
    text = tomli_w.dumps(PRESETS[name].settings.model_dump(exclude_none=True))
    assert make_settings(None, read_settings_file(toml(text))) == PRESETS[name].settings


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("tutoral", " Did you mean 'tutorial'?"),
        ("Compact", " Did you mean 'compact'?"),
        ("zzz", f" Known: {', '.join(sorted(['auto', *PRESETS]))}."),
    ],
)
def test_unknown_preset(name, rest):
    expected = f"unknown preset {name!r}.{rest}"
    assert message_of(make_settings, name) == expected
    assert message_of(make_settings, None, {"preset": name}) == expected


@pytest.mark.parametrize("value", [3, True, ["compact"], {"name": "compact"}, 1.5], ids=repr)
def test_a_preset_must_be_a_string(value):
    assert "preset" in message_of(make_settings, None, {"preset": value})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"trainig": {}}, "unknown setting 'trainig'. Did you mean 'training'?"),
        ({"training": {"epoch": 3}}, "unknown setting 'training.epoch'. Did you mean 'epochs'?"),
        (
            {"network": {"encoder": {"unit": 3}}},
            "unknown setting 'network.encoder.unit'. Did you mean 'units'?",
        ),
        (
            {"network": {"decoder": {"direction": "both"}}},
            "unknown setting 'network.decoder.direction'. "
            "Known: context, embedding, feed_forward, feedback, head, kind, layers, residual, units.",
        ),
        ({"source": {"seperator": " "}}, "unknown setting 'source.seperator'. Did you mean 'separator'?"),
    ],
)
def test_errors_name_unknown_settings_by_their_dotted_name(values, message):
    assert message_of(make_settings, None, values) == message


@pytest.mark.parametrize(
    ("dotted", "value"),
    [
        ("training.epochs", 0),
        ("training.epochs", 100_001),
        ("training.epochs", 2.5),
        ("training.epochs", "3"),
        ("training.epochs", True),
        ("training.batch_size", 0),
        ("training.learning_rate", 0.0),
        ("training.learning_rate", -1.0),
        ("training.learning_rate", 11.0),
        ("training.learning_rate", math.nan),
        ("training.learning_rate", math.inf),
        ("training.learning_rate", "fast"),
        ("training.optimizer", "adm"),
        ("training.optimizer", []),
        ("training.schedule", "linear"),
        ("training.clip", -0.5),
        ("training.clip", math.nan),
        ("training.label_smoothing", 1.0),
        ("training.keep", "first"),
        ("training.patience", -1),
        ("training.seed", -1),
        ("training.seed", 2**31),
        ("network.dropout", 1.0),
        ("network.dropout", -0.1),
        ("network.dropout", math.nan),
        ("network.cell", "rnn"),
        ("network.attention", True),
        ("network.unknown", 1),
        ("network.encoder.units", 0),
        ("network.encoder.units", -1),
        ("network.encoder.units", 100_000_000),
        ("network.encoder.units", 10**30),
        ("network.encoder.embedding", -1),
        ("network.decoder.layers", 9),
        ("source.level", "syllable"),
        ("target.separator", ""),
        ("training", 3),
        ("network.encoder", [1]),
    ],
)  # fmt: skip
def test_errors_contain_the_setting_and_the_received_value(dotted, value):
    message = message_of(make_settings, None, None, None, {dotted: value})
    assert message.startswith(f"{dotted}: ")
    assert message.endswith(f", received: {value!r}")


def test_one_error_lists_all_invalid_values():
    message = message_of(make_settings, None, {"training": {"epochs": 0, "sed": 1}, "network": {"dropout": 2.0}})
    parts = message.split("; ")
    assert len(parts) == 3
    assert {part.split(":")[0] for part in parts} >= {"network.dropout", "training.epochs"}
    assert "unknown setting 'training.sed'. Did you mean 'seed'?" in parts


@pytest.mark.parametrize(
    "file", [{"network": 3}, {"network": {"encoder": 3}}, {"network": "lstm"}, {"network": [{"encoder": {}}]}], ids=repr
)
def test_an_option_in_a_section_for_which_the_file_has_another_value(file):
    assert "network" in message_of(make_settings, None, file, None, {"network.encoder.units": 8})
    assert "network" in message_of(make_settings, None, file, {"units": 8})


@pytest.mark.parametrize(
    "changes",
    [
        {"encoder": {"units": 128}},
        {"decoder": {"layers": 2}},
        {"encoder": {"direction": "both"}},
        {"encoder": {"layers": 3}, "decoder": {"layers": 2}},
    ],
)
def test_a_copy_bridge_requires_equal_widths(changes):
    message = message_of(make_settings, "tutorial", {"network": changes})
    assert message.startswith("network: bridge 'copy' requires encoder and decoder states of equal widths, received: [")
    assert message.endswith("; make them equal, or use bridge 'dense'")


def test_a_copy_bridge_from_a_bidirectional_encoder():
    network = {"encoder": {"units": 64, "direction": "both"}, "decoder": {"units": 128}}
    assert make_settings("tutorial", {"network": network}).network.bridge == "copy"


@pytest.mark.parametrize(
    "text",
    [{"level": "pretokenized"}, {"separator": " "}, {"level": "word", "separator": ";"}],
)
def test_pretokenized_requires_a_separator(text):
    level, separator = text.get("level", "character"), text.get("separator")
    for side in ("source", "target"):
        assert message_of(make_settings, None, {side: text}) == (
            f"{side}: level 'pretokenized' requires a separator, and no other level accepts one, received: "
            f"level={level!r}, separator={separator!r}"
        )
    assert TextSettings(level="pretokenized", separator=" ").separator == " "


def test_settings_files_that_cannot_be_read(tmp_path, toml):
    missing = tmp_path / "no.toml"
    assert message_of(read_settings_file, missing) == f"{missing} cannot be read: No such file or directory."
    assert message_of(read_settings_file, tmp_path) == f"{tmp_path} cannot be read: Is a directory."
    path = toml("[training]\nepochs == 3\n")
    message = message_of(read_settings_file, path)
    assert message.startswith(f"{path} is not valid TOML: ")
    assert "line 2" in message
    path.write_bytes(b'preset = "caf\xe9"\n')
    assert message_of(read_settings_file, path).startswith(f"{path} is not valid TOML: ")


@pytest.mark.parametrize("limit", [0, -3])
def test_a_limit_is_positive(limit):
    assert [validated(ReadingSettings, {"limit": good}).limit for good in (None, 1, 10**9)] == [None, 1, 10**9]
    message = message_of(validated, ReadingSettings, {"limit": limit})
    assert message == f"limit: input should be greater than or equal to 1, received: {limit}"


def test_errors_are_passerelle_errors_and_value_errors():
    for kind in (PasserelleError, ValueError):
        with pytest.raises(kind):
            make_settings("none")


@pytest.mark.parametrize(
    "value", ["1" * 5000, "0x" + "f" * 5000, "[" * 100_000, "{a=" * 5000], ids=lambda text: text[:4]
)
def test_values_that_python_cannot_read_or_write_are_refused_in_one_short_line(tmp_path, value):
    path = tmp_path / "settings.toml"
    path.write_text(f"[training]\nepochs = {value}\n")
    assert re.search("not valid TOML|too many digits", message_of(choose_settings, settings=path))
    values = parse_assignments([f"training.epochs={value}"])
    assert "training.epochs" in message_of(make_settings, assignments=values)
