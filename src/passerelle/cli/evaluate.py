"""passerelle evaluate"""

import dataclasses
import json
from typing import Annotated

from cyclopts import Parameter

__all__ = ["evaluate"]


def evaluate(
    model: str,
    pairs: tuple[str, ...],
    /,
    *,
    with_: Annotated[tuple[str, ...], Parameter(name="--with", negative=(), show_default=False)] = (),
    format: str | None = None,
    columns: str | None = None,
    limit: int | None = None,
    swap: Annotated[bool, Parameter(negative=())] = False,
    features: int = 3,
    beam: int = 1,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Translate the sources of a file of pairs and compare with its targets.

    Parameters
    ----------
    model
        A .keras file that passerelle train wrote.
    pairs
        As for train. Rows with the same source are references of each other.
    with_
        Another model with the same vocabularies, asked together with MODEL; may be given several times.
    format
        As for train.
    columns
        As for train.
    limit
        Use this many pairs from the beginning.
    swap
        Translate from the target's column or language to the source's.
    features
        The column of the tags, for a model that was taught with them.
    beam
        Beginnings followed side by side; 1 takes the likeliest symbol in each step.
    as_json
        Print one JSON object.
    """
    from passerelle.config import check_limit
    from passerelle.data.pairs import read_pairs
    from passerelle.translator import Translator

    check_limit(limit)
    translator = Translator.load(model).together_with([Translator.load(path) for path in with_])
    column = None if translator.codec.features is None else features
    examples = read_pairs(pairs, limit=limit, swap=swap, features=column, format=format, columns=columns)
    report = translator.evaluate(examples, beam=beam)
    print(json.dumps(dataclasses.asdict(report)) if as_json else report)
