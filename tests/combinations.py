"""Pairwise (all-pairs) testing of network settings: a few networks that cover all valid pairs of values."""

import itertools
import random
from dataclasses import dataclass, fields
from typing import Any

from passerelle.errors import SettingsError
from passerelle.settings import NetworkSettings, validated

MAX_STEPS = 8
"""Capacity of the caches of a Transformer decoder: one more than the target of the fixture `example` has tokens."""

VALUES: dict[str, list[Any]] = {
    "attention": ["none", "general", "dot", "scaled-dot", "additive", "multi-head", "multi-head-additive", "monotonic"],
    "encoder_kind": ["recurrent", "transformer"],
    "decoder_kind": ["recurrent", "transformer"],
    "direction": ["forward", "backward", "both", "bottom"],
    "bridge": ["copy", "dense", "zero"],
    "reads": ["token", "token and context", "context"],
    "cell": ["lstm", "gru"],
    "encoder_layers": [1, 2],
    "decoder_layers": [1, 2],
    "source_embedding": [0, 3],
    "target_embedding": [0, 5],
    "unknown": [True, False],
    "dropout": [0.0, 0.3],
    "recurrent_dropout": [0.0, 0.2],
    "layer_norm": [False, True],
    "residual": [False, True],
    "query": ["top", "bottom"],
    "input_feeding": [False, True],
    "copying": [False, True],
    "tags": [False, True],
    "tie": ["none", "target", "all"],
}


@dataclass(frozen=True)
class Combination:
    """A value for each network setting under test."""

    attention: str
    encoder_kind: str
    decoder_kind: str
    direction: str
    bridge: str
    reads: str
    cell: str
    encoder_layers: int
    decoder_layers: int
    source_embedding: int
    target_embedding: int
    unknown: bool
    dropout: float
    recurrent_dropout: float
    layer_norm: bool
    residual: bool
    query: str
    input_feeding: bool
    copying: bool
    tags: bool
    tie: str

    def settings(self) -> dict[str, Any]:
        """Return the values for `NetworkSettings`; source and target widths differ wherever this is valid."""
        doubles_width = self.encoder_kind == "recurrent" and (
            self.direction == "both" or (self.direction == "bottom" and self.encoder_layers == 1)
        )
        needs_equal_widths = self.bridge == "copy" or self.attention in ("dot", "scaled-dot")
        return {
            "cell": self.cell,
            "bridge": self.bridge,
            "layer_norm": self.layer_norm,
            "attention": self.attention,
            "heads": 2,
            "query": self.query,
            "input_feeding": self.input_feeding,
            "copying": self.copying,
            "tie": self.tie,
            "unknown": self.unknown,
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "encoder": {
                "kind": self.encoder_kind,
                "feed_forward": 6,
                "embedding": self.source_width,
                "units": 8 if needs_equal_widths and not doubles_width else 4,
                "layers": self.encoder_layers,
                "direction": self.direction,
                "residual": self.residual,
            },
            "decoder": {
                "kind": self.decoder_kind,
                "feed_forward": 10,
                "embedding": self.target_embedding,
                "units": 8,
                "layers": self.decoder_layers,
                "residual": self.residual,
                "context": self.reads != "token",
                "feedback": self.reads != "context",
            },
        }

    @property
    def source_width(self) -> int:
        """Width of the source embeddings; that of the target if all embeddings are tied."""
        return self.target_embedding if self.tie == "all" and self.source_embedding else self.source_embedding

    @property
    def source_affects_output(self) -> bool:
        """Whether the source affects the logits."""
        return self.bridge != "zero" or self.attention != "none" or self.reads != "token"

    @property
    def valid(self) -> bool:
        """Whether the settings are valid."""
        try:
            validated(NetworkSettings, self.settings())
        except SettingsError:
            return False
        return True

    def __str__(self) -> str:
        defaults = {name: values[0] for name, values in VALUES.items()}
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        words = [str(values.pop(name)) for name in ("attention", "encoder_kind", "decoder_kind", "cell")]
        words += [
            name if value is True else f"{name}={value}" for name, value in values.items() if value != defaults[name]
        ]
        return "-".join(words).replace(" ", "_")


Pair = tuple[tuple[str, Any], tuple[str, Any]]


def pairs_of(combination: Combination) -> set[Pair]:
    """Return all pairs of values in a combination."""
    values = [(name, getattr(combination, name)) for name in VALUES]
    return set(itertools.combinations(values, 2))


def all_pairs() -> set[Pair]:
    """Return all pairs of values of two different settings."""
    return {
        ((first, left), (second, right))
        for first, second in itertools.combinations(VALUES, 2)
        for left in VALUES[first]
        for right in VALUES[second]
    }


def cover(tries: int = 500) -> list[Combination]:
    """Return combinations that cover all valid pairs of values.

    A greedy algorithm: of `tries` random combinations with the next missing pair, it takes the one with the most
    missing pairs. A pair that occurs in no valid combination is skipped.
    """
    rng = random.Random(1)
    missing = all_pairs()
    combinations: list[Combination] = []
    impossible: set[Pair] = set()
    while remaining := sorted(missing - impossible, key=repr):
        fixed = dict(remaining[0])
        best: Combination | None = None
        for _ in range(tries):
            candidate = Combination(**{name: rng.choice(values) for name, values in VALUES.items()} | fixed)
            if candidate.valid and (best is None or len(pairs_of(candidate) & missing) > len(pairs_of(best) & missing)):
                best = candidate
        if best is None:
            impossible.add(remaining[0])
        else:
            combinations.append(best)
            missing -= pairs_of(best)
    return combinations
