"""passerelle evaluate"""

import dataclasses
import json
from typing import Annotated

from cyclopts import Parameter

from passerelle.cli.ensemble import EnsembleOptions
from passerelle.cli.options import ReadingOptions, SearchOptions

__all__ = ["evaluate"]


def evaluate(
    model: str,
    pairs: tuple[str, ...],
    /,
    *,
    ensemble: EnsembleOptions | None = None,
    reading: ReadingOptions | None = None,
    search: SearchOptions | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Translate the sources of a file of pairs and compare the translations with its targets.

    Parameters
    ----------
    model
        A .keras file that passerelle train wrote.
    pairs
        As for train. Rows that share a source count as multiple references.
    as_json
        Print one JSON object.
    """
    chosen = reading or ReadingOptions()
    chosen.check()
    options = (search or SearchOptions()).options()
    translator = (ensemble or EnsembleOptions()).load(model)
    examples = chosen.read(pairs, tagged=translator.signature.tagged)
    report = translator.evaluate(examples, **options)
    print(json.dumps(dataclasses.asdict(report)) if as_json else report)
