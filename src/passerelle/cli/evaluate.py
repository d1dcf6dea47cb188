"""passerelle evaluate"""

import dataclasses
import json
from typing import Annotated

from cyclopts import Parameter

from passerelle.cli.display import note, note_trimmed
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
    as_json: Annotated[bool, Parameter(name="--json", negative=(), show_default=False)] = False,
) -> None:
    """Measure the quality of translations on a file of pairs.

    Parameters
    ----------
    model
        Model file (.keras) of a translator.
    pairs
        Test set: a file of pairs, as for passerelle train. Rows that share a source count as multiple references.
    as_json
        Print the scores as one JSON object.
    """
    reading = reading or ReadingOptions()
    reading.check()
    options = (search or SearchOptions()).options()
    translator = (ensemble or EnsembleOptions()).load(model)
    examples = reading.read(pairs, tagged=translator.signature.tagged)
    note_trimmed(translator.signature.trimmed(examples.columns), len(examples))
    report = translator.evaluate(examples, **options)
    if report.split:
        note(
            f"{report.split:,} of {report.sources:,} sources are too long or have more sentences than training sources "
            f"usually have, and were translated in parts; --split-sentences never splits only those that are too long"
        )
    print(json.dumps(dataclasses.asdict(report)) if as_json else report)
