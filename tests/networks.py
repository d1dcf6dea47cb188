"""Helpers of tests: build networks from vocabulary sizes."""

from typing import Any

POISON = 9
"""Id of a source token that makes the logits of the small networks in tests/training infinite or NaN."""


def specs_of(source: int, target: int, *, tags: int = 0, extra: int = 0) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the specs of a source text, a target text and, if `tags` > 0, tags, from their numbers of ids.

    The numbers include the special tokens; `extra` is the number of source vectors that are not trained.
    """
    inputs: dict[str, dict[str, Any]] = {"source": {"kind": "text", "size": source, "extra": extra}}
    if tags:
        inputs["tags"] = {"kind": "tags", "size": tags}
    return {"inputs": inputs, "outputs": {"target": {"kind": "text", "size": target, "extra": 0}}}


def network_of(settings: Any, source: int, target: int, *, name: str = "training_model", **options: Any) -> Any:
    """Build a network from settings and vocabulary sizes; `options` are those of `specs_of`."""
    from passerelle.models.sequence_to_sequence import SequenceToSequence

    return SequenceToSequence(settings, **specs_of(source, target, **options), name=name)
