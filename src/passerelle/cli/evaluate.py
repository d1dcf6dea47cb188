"""passerelle evaluate"""

import dataclasses
import json
from typing import Annotated

from cyclopts import Parameter

from passerelle.cli.searching import Together, Wishes

__all__ = ["evaluate"]


def evaluate(
    model: str,
    pairs: tuple[str, ...],
    /,
    *,
    together: Together | None = None,
    format: str | None = None,
    columns: str | None = None,
    limit: int | None = None,
    swap: Annotated[bool, Parameter(negative=())] = False,
    features: int = 3,
    wishes: Wishes | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Translate the sources of a file of pairs and compare with its targets.

    Parameters
    ----------
    model
        A .keras file that passerelle train wrote.
    pairs
        As for train. Rows with the same source are references of each other.
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
    as_json
        Print one JSON object.
    """
    from passerelle.config import check_limit
    from passerelle.data.pairs import read_pairs

    check_limit(limit)
    options = (wishes or Wishes()).options()
    translator = (together or Together()).load(model)
    column = None if translator.codec.features is None else features
    examples = read_pairs(pairs, limit=limit, swap=swap, features=column, format=format, columns=columns)
    report = translator.evaluate(examples, **options)
    print(json.dumps(dataclasses.asdict(report)) if as_json else report)
