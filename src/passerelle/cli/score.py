"""passerelle score"""

import math
import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli.display import LinesDisplay, note, note_trimmed_in
from passerelle.cli.ensemble import EnsembleOptions, OutputName
from passerelle.cli.lines import MAX_BLOCK_LINES
from passerelle.cli.options import ReadingOptions
from passerelle.cli.output import json_line, write_text
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
    output: OutputName = None,
    reading: ReadingOptions | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=(), show_default=False)] = False,
) -> None:
    """Print the log probability and the perplexity of the target of each pair.

    `passerelle.cli.app` describes the columns.

    Parameters
    ----------
    model
        Model file (.keras) of a translator.
    pairs
        A file of pairs, as for passerelle train. With --output, the file has the texts of this output only, unless
        --outputs names columns.
    output
        Output to score, for a model with several outputs.
    as_json
        Print one JSON object per pair; infinite numbers are null.
    """
    from passerelle.inference.evaluating import pairs_of_output
    from passerelle.inference.scoring import character_perplexity

    reading = reading or ReadingOptions()
    reading.check()
    translator = (ensemble or EnsembleOptions()).load(model, output)
    rows = reading.read(pairs, tagged=translator.signature.tagged)
    if rows.outputs:
        rows = pairs_of_output(rows, translator.signature)
    note_trimmed_in(rows, translator.signature)
    write = _json if as_json else _columns
    total, characters, count = 0.0, 0, 0
    with LinesDisplay.open(len(rows), shown=not sys.stdout.isatty()) as display:
        for start in range(0, len(rows), MAX_BLOCK_LINES):
            block = rows[start : start + MAX_BLOCK_LINES]
            try:
                scores = translator.score(block)
            except LongTextError as error:
                raise DataError(f"{rows.name}, pair {start + error.row + 1:,} {error.reason}") from None
            tags = [()] * len(block) if block.tags is None else [(tag,) for tag in block.tags]
            write_text("".join(write(scored, tag) + "\n" for scored, tag in zip(scores, tags, strict=True)))
            possible = [scored for scored in scores if scored.log_probability > -math.inf]
            total += math.fsum(scored.log_probability for scored in possible)
            characters += sum(scored.characters for scored in possible)
            count += len(possible)
            display.progress(len(block), start + len(block))
    note(f"passerelle: {count:,} pairs, perplexity per character {character_perplexity(total, characters):.4f}")
    if count < len(rows):
        note(f"passerelle: {len(rows) - count:,} pairs not counted: the model cannot write their targets")


def _columns(scored: "PairScore", tags: tuple[str, ...]) -> str:
    texts = [" ".join(text.splitlines()).replace("\t", " ") for text in (scored.source, scored.target, *tags)]
    numbers = scored.log_probability, scored.per_token, scored.character_perplexity
    return "\t".join([*(f"{number:.4f}" for number in numbers), *texts])


def _json(scored: "PairScore", tags: tuple[str, ...]) -> str:
    numbers = {
        "log_probability": scored.log_probability,
        "per_token": scored.per_token,
        "character_perplexity": scored.character_perplexity,
    }
    values = {name: number if math.isfinite(number) else None for name, number in numbers.items()}
    values |= {"tokens": scored.tokens, "characters": scored.characters}
    values |= dict(zip(("source", "target", "tags"), (scored.source, scored.target, *tags), strict=False))
    return json_line(values)
