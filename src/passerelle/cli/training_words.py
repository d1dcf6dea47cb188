"""A training record in words: results of an interval, the stored search, fine-tuning."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = [
    "are_epochs", "checkpoint_words", "choice_words", "comparison_words", "interval_words", "kept_words", "place_words",
    "search_words", "tuning_words",
]  # fmt: skip


WEIGHTS_WORDS = {
    "raw": "weights of the last update",
    "ema": "moving average of weights",
    "average": "average of last weights",
}
"""The kinds of weights in words, see `training.history.WEIGHTS`."""


def interval_words(interval: Mapping[str, Any], *, limit: str = "", updates: bool, unit: str = "") -> str:
    """Return the results of an interval in words.

    Args:
        interval: an element of `epochs` of a training record; it may be from an earlier version.
        limit: added to the number of the epoch.
        updates: whether to name the update.
        unit: name of the target tokens, for their number per second; empty to leave it out.
    """
    parts = [f"epoch {interval.get('epoch') or interval['number']}{limit}"]
    if updates:
        parts.append(f"update {interval['updates']:,}")
    parts.append(f"loss {interval['loss']:.4f}")
    if interval["validation_loss"] is not None:
        perplexity = interval.get("validation_perplexity")
        shown = "" if perplexity is None else f" (perplexity {_perplexity_words(perplexity)})"
        parts.append(f"validation loss {interval['validation_loss']:.4f}{shown}")
    if interval.get("chrf") is not None and interval.get("exact_match") is not None:
        parts.append(f"chrF {interval['chrf']:.1f}  exact {interval['exact_match']:.1f} %")
    if interval.get("weights", "raw") != "raw":
        parts.append(WEIGHTS_WORDS[interval["weights"]])
    if interval.get("skipped"):
        parts.append(f"{interval['skipped']:,} updates skipped (gradients not finite)")
    if unit and interval["seconds"]:
        parts.append(f"{interval['tokens'] / interval['seconds']:,.0f} {unit}/s")
    return "  ".join([*parts, f"{interval['seconds']:.1f} s"])


def _perplexity_words(perplexity: float) -> str:
    return f"{perplexity:.2f}" if perplexity < 1e5 else f"{perplexity:.3g}"


def are_epochs(intervals: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether each interval of a training record is an epoch."""
    return all(interval.get("epoch", interval["number"]) == interval["number"] for interval in intervals)


def place_words(interval: Mapping[str, Any], intervals: Sequence[Mapping[str, Any]], *, limit: str = "") -> str:
    """Return the end of an interval: its epoch, and its update if intervals are no epochs.

    Args:
        interval: one of the intervals.
        intervals: those of the training record.
        limit: added to the number of the epoch.
    """
    epoch = f"epoch {interval['epoch']}{limit}"
    return epoch if are_epochs(intervals) else f"{epoch}, update {interval['updates']:,}"


def kept_words(record: Mapping[str, Any], *, limit: str = "") -> str:
    """Return the interval whose weights a training record says were kept."""
    intervals = record["epochs"]
    kept = next((each for each in intervals if each["number"] == record["kept_interval"]), None)
    return "the first epoch" if kept is None else place_words(kept, intervals, limit=limit)


def checkpoint_words(record: Mapping[str, Any]) -> str:
    """Return the interval whose weights were kept, of how many, and which average of weights it was, if any."""
    intervals = record["epochs"]
    kinds = [each["weights"] for each in intervals if each["number"] == record["kept_interval"]]
    average = "".join(f", {WEIGHTS_WORDS[kind]}" for kind in kinds if kind != "raw")
    return kept_words(record, limit=f" of {intervals[-1]['epoch']}" if intervals else "") + average


def comparison_words(scores: dict[str, Any]) -> str:
    """Return a comparison of a training record in words: the scores before and after fine-tuning."""
    metric = "chrF" if scores["metric"] == "chrf" else "exact match"
    of_output = f" of {scores['output']}" if scores.get("output") else ""
    return (
        f"{scores['count']:,} {scores['pairs']} validation pairs{of_output}: {metric} {scores['before']:.1f} before "
        f"fine-tuning, {scores['after']:.1f} after"
    )


def choice_words(choice: dict[str, Any]) -> str:
    """Return the stored search of a training record in words, with the reason and the scores that were compared."""
    words = search_words(choice["beam"], choice["length_penalty"])
    if not choice["trials"]:
        return f"{words} ({choice['reason']})"
    metric = "chrF" if choice["metric"] == "chrf" else "exact match"
    scores = ", ".join(
        f"{search_words(trial['beam'], trial['length_penalty'])} {trial['score']:.2f}" for trial in choice["trials"]
    )
    return f"{words} ({choice['reason']}; {metric} on {choice['sources']:,} sources: {scores})"


def search_words(beam: int, length_penalty: float) -> str:
    """Return a search in words."""
    return "greedy" if beam == 1 else f"beam {beam}, length penalty {length_penalty:g}"


def tuning_words(facts: dict[str, Any]) -> str:
    """Return the facts of a training record about fine-tuning in words, the scores left out."""
    words = [str(facts["model"])]
    words += [f"{count:,} new {field} tokens" for field, count in facts.get("new_tokens", {}).items()]
    if frozen := facts.get("frozen"):
        words.append(f"frozen: {', '.join(frozen)}")
    if corrections := facts.get("corrections"):
        words.append(f"{corrections:,} corrections, each {facts['corrections_weight']} times per epoch")
    if old := facts.get("old_pairs"):
        words.append(f"{100 * old['share']:g} % of each epoch from the {old['pairs']:,} pairs of {old['name']}")
    return "; ".join(words)
