"""passerelle describe"""

import json
import math
from typing import TYPE_CHECKING, Any

from passerelle.cli.output import write_text
from passerelle.cli.training_words import (
    are_epochs,
    choice_words,
    comparison_words,
    interval_words,
    search_words,
    tuning_words,
)

if TYPE_CHECKING:
    from passerelle.forecaster import Forecaster
    from passerelle.translator import Translator

__all__ = ["describe"]

MAX_LINE = 10_000
"""Maximum length of a line in characters."""


def describe(model: str, /) -> None:
    """Print a model's settings, vocabularies, size and training record.

    The output is a settings file (TOML); everything except the settings is in comments.

    Parameters
    ----------
    model
        Model file (.keras) of a translator or a forecaster.
    """
    import tomli_w

    from passerelle.loading import load_model

    loaded = load_model(model)
    for line in _facts(loaded):
        # Texts of the training data and of foreign model files must not end the TOML comment.
        line = line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]} ..."
        shown = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line).replace("\x7f", "\\u007f")
        write_text(f"# {shown}\n")
    write_text("\n" + tomli_w.dumps(loaded.settings.model_dump(exclude_none=True)))


def _facts(model: "Translator | Forecaster") -> list[str]:
    from passerelle.models.parts import parts_of

    network, record, lengths = model.network, model.record, model.bundle.lengths
    facts = [f"{network.count_params():,} parameters in {len(network.weights)} arrays"]
    sizes = {part: sum(math.prod(weight.shape) for weight in weights) for part, weights in parts_of(network).items()}
    facts.append(f"parts: {', '.join(f'{part} {size:,}' for part, size in sizes.items())}")
    signature = model.bundle.signature  # with all outputs
    for field in (*signature.inputs.values(), *signature.outputs.values()):
        facts += _field_facts(field)
    kind = "sequence" if hasattr(model, "horizon") else "text"
    facts.append(f"longest training {kind}: source {lengths.source:,}, target {lengths.target:,} tokens")
    for name, output in model.bundle.outputs.items():
        if signature.outputs[name].kind == "numbers":
            if output.calibration is not None:
                facts.append(f"output {name}: intervals calibrated on {output.calibration.rows:,} validation pairs")
            continue
        search = search_words(output.search.beam, output.search.length_penalty)
        facts.append(f"output {name}: longest training text {output.lengths.target:,} tokens, stored search: {search}")
    if kind == "text" and not model.bundle.outputs:
        search = model.bundle.search
        facts.append(f"stored search: {search_words(search.beam, search.length_penalty)}")
    if (calibration := model.bundle.calibration) is not None:
        facts.append(f"intervals calibrated on {calibration.rows:,} validation windows")
    if (sentences := lengths.sentences) is not None:
        facts.append(f"training sources with several sentences: {100 * sentences.share:.1f} %")
    try:
        return facts + _record_facts(record)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        return [*facts, "the training record cannot be read"]


def _field_facts(field: Any) -> list[str]:
    """Return the vocabulary of a text, or the columns of numbers."""
    if field.kind == "numbers":
        names = ", ".join(json.dumps(name, ensure_ascii=False) for name in field.names)
        steps = "" if field.length is None else f", {field.length:,} steps"
        return [f"{field.name}: {field.width:,} columns of numbers{steps}, scaling {field.scaling.mode}: {names}"]
    if field.kind != "text":
        return []
    tokenizer = field.tokenizer
    tokens = tokenizer.vocabulary.tokens
    learned = len(tokens) - len(tokenizer.alphabet)
    composition = f", 256 bytes and {learned:,} subwords" if tokenizer.alphabet else ""
    shown = " ".join(json.dumps(token, ensure_ascii=False) for token in tokenizer.readable_tokens(60))
    more = " ..." if learned > 60 else ""
    return [f"{len(tokens):,} {field.name} tokens, level {tokenizer.level}{composition}: {shown}{more}"]


def _record_facts(record: dict[str, Any]) -> list[str]:
    facts = []
    data = record.get("data", {})
    facts += [f"{name.replace('_', ' ')}: {json.dumps(value, ensure_ascii=False)}" for name, value in data.items()]
    if tuning := record.get("fine_tuning"):
        facts.append(f"tuned from {tuning_words(tuning)}")
        facts += [comparison_words(scores) for scores in tuning["scores"]]
    facts += [f"{name} {version}" for name, version in record.get("versions", {}).items()]
    for name, choice in record.get("searches", {}).items():
        facts.append(f"search of {name} after training: {choice_words(choice)}")
    if (choice := record.get("search")) and "searches" not in record:
        facts.append(f"search after training: {choice_words(choice)}")
    intervals = record.get("epochs", [])
    updates = not are_epochs(intervals)
    if intervals:
        ends = {"interrupted": "interrupted after", "diverged": "diverged after"}
        last = next((words for key, words in ends.items() if record.get(key)), "trained for")
        epochs = intervals[-1].get("epoch") or len(intervals)
        kept = [each["updates"] for each in intervals if updates and each["number"] == record.get("kept_interval")]
        place = "".join(f", update {update:,}" for update in kept)
        facts.append(f"{last} {epochs} epochs, checkpoint of epoch {record.get('kept_epoch')}{place}")
    return facts + [interval_words(interval, updates=updates) for interval in intervals]
