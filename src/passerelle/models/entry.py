"""The entry of a sequence into the network: ids through an embedding, numbers through a projection."""

from collections.abc import Mapping
from typing import Any

from keras import ops

from passerelle.layers.embedding import token_embedding
from passerelle.layers.projection import Projection, is_present
from passerelle.special_tokens import PAD

__all__ = ["entry", "is_element", "reads_numbers"]


def reads_numbers(spec: Mapping[str, Any]) -> bool:
    """Whether the array of a field has numbers, float (batch, length, width), instead of ids, int (batch, length)."""
    return "width" in spec


def entry(
    name: str,
    spec: Mapping[str, Any],
    width: int,
    *,
    first: int,
    limit: float,
    mask_padding: bool = False,
    fixed: int = 0,
) -> Any:
    """Return the layer through which a field enters: an array of the field -> float (batch, length, width).

    Args:
        name: name of the field.
        spec: spec of the field, see `models.specs.Specs`.
        width: width of the vectors; 0 for one-hot vectors, or for the numbers themselves.
        first: for ids, the id of column 0.
        limit: for ids, the initial values of the embedding are uniform from -limit to limit.
        mask_padding: whether to give the next layers a mask that is False at padding.
        fixed: for ids, the number of ids, the last ones, whose vectors training never changes.
    """
    if reads_numbers(spec):
        return Projection(width, mask_padding=mask_padding, name=f"{name}_projection")
    return token_embedding(
        spec["size"] - first, width, first=first, side=name, limit=limit, mask_padding=mask_padding, fixed=fixed
    )


def is_element(values: Any) -> Any:
    """Return the mask of a field's array, bool (batch, length): False at padding."""
    return ops.not_equal(values, PAD) if len(values.shape) == 2 else is_present(values)
