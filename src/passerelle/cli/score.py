"""passerelle score"""

import math
import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli.display import LinesDisplay, note
from passerelle.cli.ensemble import EnsembleOptions
from passerelle.cli.lines import LARGEST_BLOCK
from passerelle.cli.options import ReadingOptions
from passerelle.cli.output import json_line
from passerelle.errors import DataError, LongTextError

if TYPE_CHECKING:
    from passerelle.inference.scoring import PairScore

__all__ = ["score"]


def score(
    model: str,
    pairs: tuple[str, ...],
    /,
    *,
    ensemble: EnsembleOptions | None = None,
    reading: ReadingOptions | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Score each pair of a file: the log probability of its target.

    Columns, tab-separated: log probability of the target in nats, the same per token, perplexity per character,
    source, target and tags, if any. Tabs and line ends in texts are written as spaces. A target that the model cannot
    write has -inf, and inf.

    Parameters
    ----------
    model
        A .keras file that passerelle train wrote.
    pairs
        As for train.
    as_json
        Write one JSON object per pair; infinite numbers are null.
    """
    from passerelle.inference.scoring import character_perplexity

    chosen = reading or ReadingOptions()
    chosen.check()
    translator = (ensemble or EnsembleOptions()).load(model)
    rows = chosen.read(pairs, tagged=translator.signature.tagged)
    write = _object if as_json else _columns
    total, characters, count = 0.0, 0, 0
    with LinesDisplay.open(len(rows), shown=not sys.stdout.isatty()) as display:
        for start in range(0, len(rows), LARGEST_BLOCK):
            block = rows[start : start + LARGEST_BLOCK]
            try:
                scores = translator.score(block)
            except LongTextError as error:
                raise DataError(f"{rows.name}, pair {start + error.row + 1:,} {error.reason}") from None
            tags = [()] * len(block) if block.tags is None else [(tag,) for tag in block.tags]
            sys.stdout.writelines(write(scored, tag) + "\n" for scored, tag in zip(scores, tags, strict=True))
            sys.stdout.flush()
            able = [scored for scored in scores if scored.log_probability > -math.inf]
            total += math.fsum(scored.log_probability for scored in able)
            characters += sum(scored.characters for scored in able)
            count += len(able)
            display.progress(len(block), start + len(block))
    note(f"passerelle: {count:,} pairs, perplexity per character {character_perplexity(total, characters):.4f}")
    if count < len(rows):
        note(f"passerelle: {len(rows) - count:,} more have targets that the model cannot write")


def _columns(scored: "PairScore", tags: tuple[str, ...]) -> str:
    texts = [" ".join(text.splitlines()).replace("\t", " ") for text in (scored.source, scored.target, *tags)]
    numbers = scored.log_probability, scored.per_token, scored.character_perplexity
    return "\t".join([*(f"{number:.4f}" for number in numbers), *texts])


def _object(scored: "PairScore", tags: tuple[str, ...]) -> str:
    numbers = {
        "log_probability": scored.log_probability,
        "per_token": scored.per_token,
        "character_perplexity": scored.character_perplexity,
    }
    values = {name: number if math.isfinite(number) else None for name, number in numbers.items()}
    values |= {"tokens": scored.tokens, "characters": scored.characters}
    values |= dict(zip(("source", "target", "tags"), (scored.source, scored.target, *tags), strict=False))
    return json_line(values)
