"""Validation of field specs before a network is built from them, because a model file can contain anything."""

from collections.abc import Mapping
from typing import Any

from passerelle.errors import SettingsError, did_you_mean
from passerelle.models.encoders import ENCODERS
from passerelle.models.heads import HEADS
from passerelle.settings import NetworkSettings
from passerelle.special_tokens import FIRST_ORDINARY

__all__ = ["Specs", "check_specs", "settings_of_output"]

Specs = Mapping[str, Mapping[str, Any]]
"""The spec of each field by name. All have `kind`. Fields of ids have `size`, the number of ids including the special
tokens. Text inputs have `extra`, the number of ids (the last ones) whose vectors are not trained. Fields of numbers
have `width`, the count of numbers at each position. Those of kind `numbers` also have `use` and `length`, see
`fields.numbers.NumbersField`; their last number is 1 at each element and 0 at padding."""

MAX_VOCABULARY_SIZE = 2**21
MAX_MONOTONIC_IDS = 2**10
"""Largest target vocabulary for exact monotonic attention."""
MAX_WIDTH = 2**16
USES = ("sequence", "steps", "vector", "forecast")
MAX_FIELDS = 8


def settings_of_output(settings: NetworkSettings, name: str, outputs: Specs) -> NetworkSettings:
    """Return the settings of the network for one of its outputs.

    An output of numbers among texts neither copies nor has tied embeddings, and its attention is soft.
    """
    own = settings.of_output(name)
    if outputs[name]["kind"] != "numbers" or all(spec["kind"] == "numbers" for spec in outputs.values()):
        return own
    values = own.model_dump() | {"copying": False, "tie": "none"}
    if own.attention == "monotonic":
        values["attention"] = "multi-head" if own.decoder.kind == "transformer" else "general"
    return NetworkSettings.model_validate(values)


def check_specs(settings: NetworkSettings, inputs: Specs, outputs: Specs) -> None:
    """Raise SettingsError if the specs are invalid or do not fit the settings."""
    for group, fields in (("inputs", inputs), ("outputs", outputs)):
        if not isinstance(fields, Mapping) or not 1 <= len(fields) <= MAX_FIELDS:
            raise SettingsError(f"a network needs 1 to {MAX_FIELDS} {group}, received: {fields!r:.80}")
        for name, spec in fields.items():
            _check_spec(name, spec)
    if set(inputs) & set(outputs):
        raise SettingsError(
            f"inputs and outputs must have different names, received in both: {sorted(set(inputs) & set(outputs))}"
        )
    for name in settings.decoders:
        if name not in outputs:
            raise SettingsError(f"network.decoders.{name:.40}: unknown output.{did_you_mean(name, outputs)}")
    for name, spec in outputs.items():
        _check_output(settings, name, outputs)
        if settings.attention == "monotonic" and spec.get("size", 0) > MAX_MONOTONIC_IDS:
            raise SettingsError(
                f"attention 'monotonic' computes a probability for every target token at every source token, so a "
                f"target vocabulary must have at most {MAX_MONOTONIC_IDS:,} ids, received: {spec['size']:,}. Use "
                f"attention 'general', or target.level 'character'."
            )
    source, *others = inputs.values()
    if source["kind"] not in ("text", "numbers") or not _is_sequence(source):
        raise SettingsError(
            f"the first input must be a text or a sequence of numbers, received: {source['kind']!r:.40}"
        )
    if any(spec["kind"] == "text" or (_is_sequence(spec) and "use" in spec) for spec in others):
        raise SettingsError("only the first input may be a text or a sequence of numbers")
    if "width" in source:
        _check_numbers_source(settings)
    else:
        _check_source(settings, source, outputs)


def _is_sequence(spec: Mapping[str, Any]) -> bool:
    return spec.get("use", "sequence") == "sequence"


def _check_output(settings: NetworkSettings, name: str, outputs: Specs) -> None:
    spec = outputs[name]
    settings = settings_of_output(settings, name, outputs)
    if spec["kind"] not in HEADS or spec.get("use", "forecast") != "forecast":
        raise SettingsError(
            f"output {name!r} must be a text or a forecast of numbers, received: the kind {spec['kind']!r:.40}"
        )
    if spec["kind"] != "numbers":
        return
    for setting, value, allowed in (
        ("attention", settings.attention, settings.attention != "monotonic"),
        ("copying", settings.copying, not settings.copying),
        ("tie", settings.tie, settings.tie == "none"),
    ):
        if not allowed:
            raise SettingsError(
                f"{setting} {value!r} is for texts; output {name!r} has numbers. Change network.{setting}."
            )


def _check_numbers_source(settings: NetworkSettings) -> None:
    for setting, value, allowed in (
        ("copying", settings.copying, not settings.copying),
        ("tie", settings.tie, settings.tie != "all"),
    ):
        if not allowed:
            raise SettingsError(f"{setting} {value!r} is for texts; the input has numbers. Change network.{setting}.")


def _check_spec(name: str, spec: Mapping[str, Any]) -> None:
    if not isinstance(spec, Mapping) or not isinstance(name, str) or not name.isidentifier():
        raise SettingsError(
            f"field {name!r:.40} must have an identifier as its name and a dict as its spec, received: {spec!r:.80}"
        )
    kind = spec.get("kind")
    if not isinstance(kind, str) or kind not in ENCODERS:
        raise SettingsError(
            f"field {name!r:.40} must be of kind {', '.join(map(repr, ENCODERS))}, received: {kind!r:.40}"
        )
    if kind == "numbers" and "width" not in spec:
        raise SettingsError(f"{name}: numbers must have a width")
    if "width" in spec:
        if type(spec["width"]) is not int or not 1 <= spec["width"] <= MAX_WIDTH:
            raise SettingsError(f"{name}: width must be 1 to {MAX_WIDTH:,}, received: {spec['width']!r:.40}")
        if kind == "numbers" and (spec.get("use") not in USES or spec["width"] < 2):
            raise SettingsError(f"{name}: numbers must have a use ({', '.join(USES)}) and a width of at least 2")
        return
    size = spec.get("size")
    if type(size) is not int or not FIRST_ORDINARY < size <= MAX_VOCABULARY_SIZE:
        raise SettingsError(
            f"{name}: a vocabulary must have {FIRST_ORDINARY + 1} to {MAX_VOCABULARY_SIZE} ids, received: {size!r:.40}"
        )


def _check_source(settings: NetworkSettings, source: Mapping[str, Any], outputs: Specs) -> None:
    size, extra = source["size"], source.get("extra")
    if type(extra) is not int or not 0 <= extra < size - FIRST_ORDINARY:
        raise SettingsError(f"extra source vectors must be fewer than source tokens, received: {extra!r:.40}")
    if extra and not settings.encoder.embedding:
        raise SettingsError(
            f"{extra} extra source vectors need encoder.embedding above 0, received: {settings.encoder.embedding}"
        )
    sizes = {name: spec.get("size") for name, spec in outputs.items() if spec["kind"] != "numbers"}
    if settings.tie == "all" and (extra or set(sizes.values()) != {size}):
        raise SettingsError(
            f"tie 'all' needs vocabularies of equal size without extra source vectors, received: {size} source ids "
            f"({extra} extra) and target ids {sizes}. Make them equal, or use tie 'target'"
        )
