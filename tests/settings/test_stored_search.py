"""The search that a model stores, and the explicit options of a search."""

from typing import Any

import pytest

from passerelle.errors import SettingsError
from passerelle.settings import SearchSettings, options_of, stored_search, with_stored

STORED = stored_search({"beam": 5, "length_penalty": 1.0})
GREEDY = stored_search({})


@pytest.mark.parametrize(
    ("stored", "options", "beam", "length_penalty"),
    [
        (STORED, {}, 5, 1.0),
        (STORED, {"beam": 1}, 1, 1.0),
        (STORED, {"beam": 8}, 8, 1.0),
        (STORED, {"length_penalty": 0.0}, 5, 0.0),
        (STORED, {"n_best": 3}, 5, 1.0),
        (STORED, {"n_best": 9}, 9, 1.0),
        (STORED, {"sample": True}, 1, 1.0),
        (STORED, {"sample": True, "n_best": 9}, 1, 1.0),
        (STORED, {"sample": False}, 5, 1.0),
        (STORED, {"require": ("a",)}, 5, 1.0),
        (STORED, {"groups": 2}, 6, 1.0),
        (STORED, {"groups": 5}, 5, 1.0),
        (STORED, {"groups": 2, "n_best": 7}, 8, 1.0),
        (STORED, {"coverage_penalty": 0.2}, 5, 1.0),
        (GREEDY, {}, 1, 0.6),
        (GREEDY, {"n_best": 3}, 3, 0.6),
        (GREEDY, {"require": ("a",)}, 5, 0.6),
        (GREEDY, {"require": ("a",), "n_best": 7}, 7, 0.6),
        (GREEDY, {"require": ("a",), "beam": 2}, 2, 0.6),
        (GREEDY, {"groups": 3}, 3, 0.6),
    ],
)
def test_explicit_options_never_contradict_the_stored_search(
    stored: SearchSettings, options: dict[str, Any], beam: int, length_penalty: float
) -> None:
    settings = with_stored(options, stored)
    assert (settings.beam, settings.length_penalty) == (beam, length_penalty)
    assert all(getattr(settings, name) == value for name, value in options.items())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam": 5, "sample": True}, "sample excludes beam search"),
        ({"beam": 2, "n_best": 3}, "n_best must not exceed the beam size"),
        ({"beam": 3, "groups": 2}, "groups must divide the beam size"),
        ({"beam": 1, "coverage_penalty": 0.5}, "coverage_penalty requires beam search"),
        ({"n_best": "x"}, "n_best: input should be a valid integer"),
        ({"n_best": 5000}, "n_best: input should be less than or equal to 1024"),
        ({"groups": 0}, "groups: input should be greater than or equal to 1"),
        ({"bream": 5}, "unknown setting 'bream'"),
    ],
)
def test_explicit_options_that_exclude_each_other(options: dict[str, Any], message: str) -> None:
    for stored in (STORED, GREEDY):
        with pytest.raises(SettingsError, match=message):
            with_stored(options, stored)


def test_every_option_alone_is_possible_with_a_stored_beam() -> None:
    values = {int: 2, float: 0.7, bool: True, str: "a", tuple: ("a",)}
    needed: dict[str, dict[str, Any]] = {name: {"sample": True} for name in ("temperature", "top_k", "top_p")}
    needed |= {"diversity": {"groups": 2}, "mbr_utility": {"mbr": 4}}
    for name, option in options_of(SearchSettings).items():
        setting = option.settings[0]
        value = setting.choices[-1] if setting.choices else values[setting.plain_type]
        assert getattr(with_stored({name: value, **needed.get(name, {})}, STORED), name) == value


@pytest.mark.parametrize("values", [{"prefix": "a"}, {"beam": 2, "sample": True}, {"beam": 0}, {"wings": 2}])
def test_only_two_settings_are_stored(values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        stored_search(values)
