"""The table of networks on which the other tests run."""

from typing import Any

from combinations import VALUES, all_pairs, pairs_of
from passerelle.settings import DecoderSettings, EncoderSettings, NetworkSettings, validated

IMPOSSIBLE = {
    (("attention", "none"), ("decoder_kind", "transformer")),
    (("attention", "general"), ("decoder_kind", "transformer")),
    (("attention", "dot"), ("decoder_kind", "transformer")),
    (("attention", "scaled-dot"), ("decoder_kind", "transformer")),
    (("attention", "additive"), ("decoder_kind", "transformer")),
    (("attention", "multi-head-additive"), ("decoder_kind", "transformer")),
    (("decoder_kind", "transformer"), ("query", "bottom")),
    (("decoder_kind", "transformer"), ("input_feeding", True)),
    (("attention", "none"), ("query", "bottom")),
    (("attention", "none"), ("input_feeding", True)),
    (("attention", "none"), ("copying", True)),
    (("attention", "monotonic"), ("query", "bottom")),
    (("attention", "monotonic"), ("input_feeding", True)),
    (("decoder_layers", 1), ("query", "bottom")),
    (("query", "bottom"), ("input_feeding", True)),
    (("unknown", False), ("copying", True)),
    (("attention", "monotonic"), ("tie", "target")),
    (("attention", "monotonic"), ("tie", "all")),
    (("reads", "context"), ("tie", "target")),
    (("reads", "context"), ("tie", "all")),
    (("target_embedding", 0), ("tie", "target")),
    (("target_embedding", 0), ("tie", "all")),
    (("source_embedding", 0), ("tie", "all")),
}
"""Pairs of values that the settings reject, each for a reason."""


def test_every_pair_of_values_occurs_except_the_rejected_ones(combinations: list[Any]) -> None:
    covered = set().union(*map(pairs_of, combinations))
    assert all_pairs() - covered == IMPOSSIBLE


def test_every_choice_of_the_settings_is_in_the_table() -> None:
    for section, name in (
        (NetworkSettings, "cell"),
        (NetworkSettings, "bridge"),
        (NetworkSettings, "attention"),
        (NetworkSettings, "query"),
        (NetworkSettings, "tie"),
        (EncoderSettings, "direction"),
        (EncoderSettings, "kind"),
        (DecoderSettings, "kind"),
    ):
        annotation: Any = section.model_fields[name].annotation
        if name == "kind":
            name = f"{section.__name__.removesuffix('Settings').lower()}_kind"
        assert set(annotation.__args__) == set(VALUES[name]), f"{name} has a value that no test uses"
    switches = {name for name, field in NetworkSettings.model_fields.items() if field.annotation is bool}
    assert switches <= set(VALUES)
    for section in (EncoderSettings, DecoderSettings):
        for name, field in section.model_fields.items():
            assert field.annotation is not bool or name in {*VALUES, "context", "feedback"}, name


def test_every_combination_is_valid(combination: Any) -> None:
    assert validated(NetworkSettings, combination.settings()).cell == combination.cell
