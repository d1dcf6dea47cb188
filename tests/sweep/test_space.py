"""The search space of a sweep."""

from pathlib import Path
from typing import Any

import pytest

from passerelle.errors import SettingsError
from passerelle.sweep.space import Choices, Range, read_space


def read(tmp_path: Path, text: str) -> Any:
    (tmp_path / "space.toml").write_text(text, encoding="utf-8")
    return read_space(tmp_path / "space.toml")


def test_ranges_and_choices_of_settings_options_and_the_preset(tmp_path: Path) -> None:
    space = read(
        tmp_path,
        """
        [training.learning_rate]
        low = 0.0001
        high = 1
        log = true

        [network.encoder]
        layers = { low = 1, high = 3 }
        residual = { choices = [true, false] }

        [units]
        low = 32
        high = 128
        step = 32

        [preset]
        choices = ["compact", "transformer"]

        [source.level]
        choices = ["word", "subword"]
        """,
    )
    assert space == {
        "training.learning_rate": Range(0.0001, 1.0, log=True),
        "network.encoder.layers": Range(1, 3),
        "network.encoder.residual": Choices((True, False)),
        "units": Range(32, 128, step=32),
        "preset": Choices(("compact", "transformer")),
        "source.level": Choices(("word", "subword")),
    }
    assert type(space["training.learning_rate"].high) is float


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "contains no settings"),
        ("[training.learning_rat]\nlow = 1\nhigh = 2", "unknown setting 'training.learning_rat'. Did you mean"),
        ("[unit]\nchoices = [1]", "unknown setting 'unit'"),
        ("units = 3", "units must be a table"),
        ("[units]\nlow = 1", "units must have low and high, integers"),
        ("[units]\nlow = 1.5\nhigh = 3", "units must have low and high, integers"),
        ("[units]\nlow = 1\nhigh = 3\nhi = 4", "units must have low and high"),
        ("[units]\nlow = 3\nhigh = 3", "must have low < high"),
        ("[dropout]\nlow = 0\nhigh = 0.5\nlog = true", "low must be above 0"),
        ("[dropout]\nlow = 0.1\nhigh = 0.5\nlog = true\nstep = 0.1", "there is no step"),
        ("[dropout]\nlow = 0.1\nhigh = inf", "must have low and high, numbers"),
        ("[dropout]\nlow = 0.1\nhigh = 1.5", "network.dropout: input should be less than 1, received: 1.5"),
        ("[units]\nchoices = [8, 0]", "received: 0"),
        ("[units]\nchoices = [8, 8]", "different"),
        ("[units]\nchoices = [[8]]", "units.choices must be a list"),
        ("[units]\nchoices = []", "units.choices must be a list"),
        ("[preset]\nchoices = ['compakt']", "unknown preset 'compakt'"),
        ("[preset]\nlow = 1\nhigh = 2", "preset is not a number: write choices = [...], among tutorial"),
        ("[network.attention]\nlow = 1\nhigh = 2", "network.attention is not a number: write choices = [...], among"),
        ("[a\n", "is not valid TOML"),
    ],
)
def test_bad_spaces_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as error:
        read(tmp_path, text)
    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path))
