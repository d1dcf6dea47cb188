"""passerelle describe"""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from passerelle.translator import Translator

__all__ = ["describe"]


def describe(model: str, /) -> None:
    """Print a model's settings, vocabularies, size and training record.

    The settings are TOML that passerelle train --settings reads; all else stands in comments.

    Parameters
    ----------
    model
        A .keras file that passerelle train wrote.
    """
    import tomli_w

    from passerelle.translator import Translator

    translator = Translator.load(model)
    for line in _facts(translator):
        # Texts of the data, and whatever a stranger's file claims: nothing in them may speak to the terminal or TOML.
        print("# " + "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line).replace("\x7f", "\\u007f"))
    print()
    print(tomli_w.dumps(translator.settings.model_dump(exclude_none=True)), end="")


def _facts(translator: "Translator") -> list[str]:
    network, record = translator.network, translator.record
    facts = [f"{network.count_params():,} parameters in {len(network.weights)} arrays"]
    for side, tokenizer in (("source", translator.source), ("target", translator.target)):
        tokens = tokenizer.vocabulary.tokens
        own = len(tokens) - len(tokenizer.alphabet)
        made = f", 256 bytes and {own:,} pieces" if tokenizer.alphabet else ""
        shown = " ".join(json.dumps(token, ensure_ascii=False) for token in tokenizer.readable_tokens(60))
        more = " ..." if own > 60 else ""
        facts.append(f"{len(tokens):,} {side} tokens, level {tokenizer.level}{made}: {shown}{more}")
    facts.append(
        f"longest in training: source {translator.lengths.source:,}, target {translator.lengths.target:,} tokens"
    )
    try:
        return facts + _record_facts(record)
    except (AttributeError, KeyError, TypeError, ValueError):
        return [*facts, "the training record cannot be read"]


def _record_facts(record: dict[str, Any]) -> list[str]:
    facts = []
    data = record.get("data", {})
    facts += [f"{name.replace('_', ' ')}: {json.dumps(value, ensure_ascii=False)}" for name, value in data.items()]
    facts += [f"{name} {version}" for name, version in record.get("versions", {}).items()]
    epochs = record.get("epochs", [])
    if epochs:
        ends = {"interrupted": "interrupted after", "diverged": "diverged after"}
        last = next((words for key, words in ends.items() if record.get(key)), "trained for")
        facts.append(f"{last} {len(epochs)} epochs, weights of epoch {record.get('kept_epoch')} kept")
    for epoch in epochs:
        held_out = epoch["validation_loss"]
        shown = "" if held_out is None else f"  held out {held_out:.4f}"
        facts.append(f"epoch {epoch['number']}  loss {epoch['loss']:.4f}{shown}  {epoch['seconds']:.1f} s")
    return facts
