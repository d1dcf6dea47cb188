"""The parts of a network by name, such as `encoder`, so that a person can freeze them."""

from collections.abc import Collection, Mapping
from typing import Any

from passerelle.errors import SettingsError, did_you_mean
from passerelle.models.sequence_to_sequence import SequenceToSequence

__all__ = ["EMBEDDINGS", "OUTPUT", "find_parts", "parts_of"]

EMBEDDINGS = "embeddings"
"""Name for the embeddings of all fields together."""

OUTPUT = "output"
"""Name of the part with the weights that each token of the target vocabulary has of its own, except a tied table."""

_PREFIXES = {"encoder": "encoder", "bridge": "bridge", "attention": "attention", "emission": "attention"}
_PREFIXES |= {"monotonic": "attention", "output": "output", "pointer": "output"}
"""Part by the first word of a layer's name; all other layers belong to the decoder."""


def parts_of(network: SequenceToSequence) -> dict[str, list[Any]]:
    """Return the weights of each part, Keras variables, by the name of the part.

    The parts are `X_embedding` for each field X with vectors of its tokens, `X_projection` for each field X of numbers,
    `encoder`, `tags_encoder`, `bridge`, `attention`, `decoder` and `output`. Each weight belongs to one part: a table
    that is tied belongs to its embedding.
    """
    parts: dict[str, list[Any]] = {}
    for variable in network.weights:
        parts.setdefault(_part(variable.path, network), []).append(variable)
    return parts


def _part(path: str, network: SequenceToSequence) -> str:
    steps = [step for step in path.split("/")[:-1] if not step.endswith("step_by_step")]
    if "emission" in steps:  # the output layer of monotonic attention
        return "output"
    layer = steps[0]
    for field in network.inputs_spec:
        if layer == f"{field}_output":
            return f"{field}_encoder"
    for field in (*network.inputs_spec, *network.outputs_spec):
        if layer in (f"{field}_embedding", f"{field}_projection"):
            return layer
    if output := network.output_of(layer):
        layer = layer.removeprefix(f"{output}_")
    return _PREFIXES.get(layer.partition("_")[0], "decoder")


def find_parts(network: SequenceToSequence, names: Collection[str]) -> dict[str, list[Any]]:
    """Return the weights of some parts by name.

    Args:
        network: the network.
        names: names of parts; `embeddings` means those of all fields.

    Raises:
        SettingsError: if the network has no part of a name, or nothing else than these parts.
    """
    parts = parts_of(network)
    known = [*parts, *([EMBEDDINGS] if any(part.endswith("_embedding") for part in parts) else [])]
    for name in names:
        if name not in known:
            raise SettingsError(
                f"this network has no part {name!r}; its parts are {', '.join(known)}.{did_you_mean(name, known)}"
            )
    found: Mapping[str, list[Any]] = {
        part: weights
        for part, weights in parts.items()
        if part in names or (EMBEDDINGS in names and part.endswith("_embedding"))
    }
    if len(found) == len(parts):
        raise SettingsError(f"freeze names all parts of the network ({', '.join(parts)}), which leaves none to train.")
    return dict(found)
