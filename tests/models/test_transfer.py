"""Transfer of weights to larger vocabularies: every result stays the same, in all combinations of settings."""

from typing import Any

import keras
import numpy as np
import pytest

from combinations import Combination
from networks import network_of
from passerelle.models.parts import find_parts, parts_of
from passerelle.models.transfer import NEW_TOKENS_PROBABILITY, former_rows, transfer_weights
from passerelle.special_tokens import PAD, UNK

SOURCE = [0, 1, 2, 3, 4, 5, -1, -1, 6, 7, 8, 9, -1]
"""Former source ids: new tokens lie between others, as before extra words and inline tags."""
TARGET = [*range(9), -1, -1, -1, -1]
TAGS = [*range(7), -1]


def extended(harness: Any, tags: bool) -> tuple[Any, dict[str, np.ndarray]]:
    """Return a network with new tokens and the weights of the harness, and the former ids."""
    before = harness.network
    tied = before.settings.tie == "all"
    ids = {"source": np.array(TARGET if tied else SOURCE), "target": np.array(TARGET)}
    if tags:
        ids["tags"] = np.array(TAGS)
    after = network_of(before.settings, len(ids["source"]), len(TARGET), tags=len(TAGS) if tags else 0)
    transfer_weights(before, after, ids)
    return after, ids


def places(former: np.ndarray) -> np.ndarray:
    """Return the new id of each former id."""
    return np.array([former.tolist().index(identifier) for identifier in range(former.max() + 1)])


def log_probabilities(network: Any, inputs: dict[str, np.ndarray]) -> np.ndarray:
    return np.asarray(keras.ops.log_softmax(network({name: np.int32(ids) for name, ids in inputs.items()})))


def test_no_result_changes(harness: Any, combination: Combination, example: Any) -> None:
    network, ids = extended(harness, combination.tags)
    source = np.minimum(example.source, 8) if combination.tie == "all" else example.source  # one vocabulary of 9 ids
    former = harness.inputs(source) | {"target": example.target}
    moved = {name: places(ids[name])[values] for name, values in former.items() if name in ids}
    if combination.copying:
        copied = former["target_copies"]
        growth = len(TARGET) - 9
        moved["target_copies"] = np.where(copied < 9, places(ids["target"])[np.minimum(copied, 8)], copied + growth)
    first = UNK if combination.unknown else 2
    columns = places(ids["target"])[first:] - first
    before, after = log_probabilities(harness.network, former), log_probabilities(network, moved)
    new = np.flatnonzero(ids["target"] < 0) - first
    if combination.copying:
        columns = np.append(columns, np.arange(before.shape[-1] - len(columns)) + len(TARGET) - first)
    real = example.target != PAD
    np.testing.assert_allclose(after[..., columns][real], before[real], rtol=1e-5, atol=2e-5)
    assert np.exp(after[..., new]).sum(-1)[real].max() < 1.01 * NEW_TOKENS_PROBABILITY
    if combination.tie == "all":
        return
    # Where the model read UNK, it now reads a new token, and nothing changes either.
    read = {name: np.where(moved[name] == UNK, 6 if name == "source" else 7, moved[name]) for name in moved}
    read["target"] = moved["target"]
    np.testing.assert_allclose(log_probabilities(network, read)[real], after[real], rtol=1e-5, atol=2e-5)


def test_each_weight_has_one_part(harness: Any, combination: Combination) -> None:
    parts = parts_of(harness.network)
    assert sum(map(len, parts.values())) == len(harness.network.weights)
    fields = {"source_embedding", "target_embedding", "tags_embedding"}
    assert set(parts) <= {"encoder", "tags_encoder", "bridge", "attention", "decoder", "output"} | fields
    assert {"encoder", "decoder", "output"} <= set(parts)
    for part, weights in parts.items():
        for weight in weights:
            steps = weight.path.replace("step_by_step/", "").split("/")
            assert steps[0].startswith(
                {
                    "tags_encoder": ("tags_output",),
                    "attention": ("attention", "monotonic", "emission"),
                    "output": ("output", "pointer", "monotonic"),
                }.get(part, (part,))
            ), (part, weight.path)
    network, ids = extended(harness, combination.tags)
    vocabulary = {"source_embedding", "target_embedding", "tags_embedding", "encoder", "decoder", "output"}
    changed = set(former_rows(network, harness.network, ids))
    assert changed <= {
        weight.path for part, found in parts_of(network).items() if part in vocabulary for weight in found
    }


def test_names_of_parts() -> None:
    network = network_of({"attention": "general"}, 10, 9)
    assert set(find_parts(network, ["embeddings"])) == {"source_embedding", "target_embedding"}
    with pytest.raises(ValueError, match=r"no part 'encode'; its parts are .*\. Did you mean 'encoder'\?"):
        find_parts(network, ["encode"])
    with pytest.raises(ValueError, match="which leaves none to train"):
        find_parts(network, [*parts_of(network)])
    one_hot = network_of({"encoder": {"embedding": 0}, "decoder": {"embedding": 0}}, 10, 9)
    with pytest.raises(ValueError, match="no part 'embeddings'"):
        find_parts(one_hot, ["embeddings"])
