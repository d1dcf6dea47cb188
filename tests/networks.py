"""Networks from the sizes of their vocabularies."""

from typing import Any


def specs_of(source: int, target: int, *, tags: int = 0, extra: int = 0) -> dict[str, dict[str, dict[str, Any]]]:
    """Specs of a source text, perhaps tags, and a target text, from their ids, special ones included."""
    inputs: dict[str, dict[str, Any]] = {"source": {"kind": "text", "size": source, "extra": extra}}
    if tags:
        inputs["tags"] = {"kind": "tags", "size": tags}
    return {"inputs": inputs, "outputs": {"target": {"kind": "text", "size": target, "extra": 0}}}


def network_of(settings: Any, source: int, target: int, *, name: str = "training_model", **others: Any) -> Any:
    """A network of these settings and `specs_of` these sizes."""
    from passerelle.models.sequence_to_sequence import SequenceToSequence

    return SequenceToSequence(settings, **specs_of(source, target, **others), name=name)
