"""What a network must know of its fields, checked before anything is built: a file may claim anything."""

from collections.abc import Mapping
from typing import Any

from passerelle.errors import SettingsError
from passerelle.models.encoders import ENCODERS
from passerelle.settings import NetworkSettings
from passerelle.special_tokens import FIRST_ORDINARY

__all__ = ["Specs", "check_specs"]

Specs = Mapping[str, Mapping[str, Any]]
"""Of each field by name: `kind`; `size`, its ids, special ones included; of a text input `extra`, how many of the last
ids have vectors that training leaves as they are; of numbers `width`, the numbers at each position."""

LARGEST_VOCABULARY = 2**21
LARGEST_MONOTONIC = 2**10
"""Target ids that exact monotonic attention can afford."""
LARGEST_WIDTH = 2**16
MOST_FIELDS = 64


def check_specs(settings: NetworkSettings, inputs: Specs, outputs: Specs) -> None:
    """Raises SettingsError where there can be no such fields, or not with these settings."""
    for group, fields in (("inputs", inputs), ("outputs", outputs)):
        if not isinstance(fields, Mapping) or not 1 <= len(fields) <= MOST_FIELDS:
            raise SettingsError(f"a network needs 1 to {MOST_FIELDS} {group}, received: {fields!r:.80}")
        for name, spec in fields.items():
            _check_spec(name, spec)
    if set(inputs) & set(outputs):
        raise SettingsError(
            f"inputs and outputs need names of their own, received: {sorted(set(inputs) & set(outputs))}"
        )
    for name, spec in outputs.items():
        if spec["kind"] != "text":
            raise SettingsError(f"output {name!r} must be of kind 'text', received: {spec['kind']!r:.40}")
        if settings.attention == "monotonic" and spec["size"] > LARGEST_MONOTONIC:
            raise SettingsError(
                f"attention 'monotonic' weighs every target token at every source token in every step, which "
                f"{spec['size']:,} target tokens make too large (at most {LARGEST_MONOTONIC:,}). Use attention "
                f"'general', or characters instead of words."
            )
    source = next(iter(inputs.values()))
    if source["kind"] != "text":
        raise SettingsError(f"the first input must be of kind 'text', received: {source['kind']!r:.40}")
    _check_source(settings, source, outputs)


def _check_spec(name: str, spec: Mapping[str, Any]) -> None:
    if not isinstance(spec, Mapping) or not isinstance(name, str) or not name.isidentifier():
        raise SettingsError(f"field {name!r:.40} needs a name and a spec, received: {spec!r:.80}")
    kind = spec.get("kind")
    if not isinstance(kind, str) or kind not in ENCODERS:
        raise SettingsError(f"field {name!r:.40} is of an unknown kind, received: {kind!r:.40}")
    if "width" in spec:
        if type(spec["width"]) is not int or not 1 <= spec["width"] <= LARGEST_WIDTH:
            raise SettingsError(f"{name}: width must be 1 to {LARGEST_WIDTH:,}, received: {spec['width']!r:.40}")
        return
    size = spec.get("size")
    if type(size) is not int or not FIRST_ORDINARY < size <= LARGEST_VOCABULARY:
        raise SettingsError(
            f"{name}: a vocabulary must have {FIRST_ORDINARY + 1} to {LARGEST_VOCABULARY} ids, received: {size!r:.40}"
        )


def _check_source(settings: NetworkSettings, source: Mapping[str, Any], outputs: Specs) -> None:
    size, extra = source["size"], source.get("extra")
    if type(extra) is not int or not 0 <= extra < size - FIRST_ORDINARY:
        raise SettingsError(f"extra source vectors must be fewer than source tokens, received: {extra!r:.40}")
    if extra and not settings.encoder.embedding:
        raise SettingsError("extra source vectors need encoder.embedding above 0; one-hot vectors have no table")
    sizes = {name: spec["size"] for name, spec in outputs.items()}
    if settings.tie == "all" and (extra or set(sizes.values()) != {size}):
        raise SettingsError(
            f"tie 'all' has one table, all of it trained, for {size} source ids ({extra} extra) and target ids "
            f"{sizes}; make them equal, or tie 'target' only"
        )
