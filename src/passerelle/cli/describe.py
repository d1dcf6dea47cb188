"""passerelle describe"""

import json
from typing import TYPE_CHECKING, Any

from passerelle.cli.display import choice_words, search_words
from passerelle.cli.output import write_text

if TYPE_CHECKING:
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
        Model file (.keras) of a translator.
    """
    import tomli_w

    from passerelle.translator import Translator

    translator = Translator.load(model)
    for line in _facts(translator):
        # Texts of the training data and of foreign model files must not end the TOML comment.
        line = line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]} ..."
        shown = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line).replace("\x7f", "\\u007f")
        write_text(f"# {shown}\n")
    write_text("\n" + tomli_w.dumps(translator.settings.model_dump(exclude_none=True)))


def _facts(translator: "Translator") -> list[str]:
    network, record = translator.network, translator.record
    facts = [f"{network.count_params():,} parameters in {len(network.weights)} arrays"]
    for side, tokenizer in (("source", translator.source), ("target", translator.target)):
        tokens = tokenizer.vocabulary.tokens
        learned = len(tokens) - len(tokenizer.alphabet)
        composition = f", 256 bytes and {learned:,} subwords" if tokenizer.alphabet else ""
        shown = " ".join(json.dumps(token, ensure_ascii=False) for token in tokenizer.readable_tokens(60))
        more = " ..." if learned > 60 else ""
        facts.append(f"{len(tokens):,} {side} tokens, level {tokenizer.level}{composition}: {shown}{more}")
    facts.append(
        f"longest training text: source {translator.lengths.source:,}, target {translator.lengths.target:,} tokens"
    )
    search = translator.stored_search
    facts.append(f"stored search: {search_words(search.beam, search.length_penalty)}")
    if (sentences := translator.lengths.sentences) is not None:
        facts.append(f"training sources with several sentences: {100 * sentences.share:.1f} %")
    try:
        return facts + _record_facts(record)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        return [*facts, "the training record cannot be read"]


def _record_facts(record: dict[str, Any]) -> list[str]:
    facts = []
    data = record.get("data", {})
    facts += [f"{name.replace('_', ' ')}: {json.dumps(value, ensure_ascii=False)}" for name, value in data.items()]
    facts += [f"{name} {version}" for name, version in record.get("versions", {}).items()]
    if choice := record.get("search"):
        facts.append(f"search after training: {choice_words(choice)}")
    epochs = record.get("epochs", [])
    if epochs:
        ends = {"interrupted": "interrupted after", "diverged": "diverged after"}
        last = next((words for key, words in ends.items() if record.get(key)), "trained for")
        facts.append(f"{last} {len(epochs)} epochs, checkpoint of epoch {record.get('kept_epoch')}")
    for epoch in epochs:
        validation_loss = epoch["validation_loss"]
        shown = "" if validation_loss is None else f"  validation loss {validation_loss:.4f}"
        facts.append(f"epoch {epoch['number']}  loss {epoch['loss']:.4f}{shown}  {epoch['seconds']:.1f} s")
    return facts
