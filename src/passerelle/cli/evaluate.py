"""passerelle evaluate"""

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from passerelle.cli.display import note, note_trimmed_in
from passerelle.cli.ensemble import EnsembleOptions, OutputName
from passerelle.cli.options import ReadingOptions, SearchOptions

if TYPE_CHECKING:
    from passerelle.data.pairs import Pairs
    from passerelle.evaluation.metrics import OutputsReport
    from passerelle.translator import Translator

__all__ = ["evaluate"]


def evaluate(
    model: str,
    pairs: tuple[str, ...],
    /,
    *,
    ensemble: EnsembleOptions | None = None,
    output: OutputName = None,
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
        Test set: a file of pairs, as for passerelle train. Rows that share a source count as multiple references. For
        several outputs without --outputs: the columns after the source, in the order of the outputs, or those of their
        names.
    output
        Output to evaluate, of several; the file then has its texts only, unless --outputs names columns. Without it,
        each output is evaluated, and the sources of which all outputs are right are counted.
    as_json
        Print the scores as one JSON object.
    """
    from passerelle.inference.evaluating import pairs_of_output

    reading = reading or ReadingOptions()
    reading.check()
    options = (search or SearchOptions()).options()
    translators = (ensemble or EnsembleOptions()).load_outputs(model, output)
    signature = next(iter(translators.values())).signature
    several = tuple(translators) if len(translators) > 1 else ()
    examples = reading.read(pairs, tagged=signature.tagged, outputs=several)
    if examples.outputs and not several:
        examples = pairs_of_output(examples, signature)
    note_trimmed_in(examples, signature)
    if several:
        report: Any = _evaluate_outputs(translators, examples, options)
        parts = max(report.outputs.values(), key=lambda each: each.split)
    else:
        report = parts = next(iter(translators.values())).evaluate(examples, **options)
    if parts.split:
        note(
            f"{parts.split:,} of {parts.sources:,} sources are too long or have more sentences than training sources "
            f"usually have, and were translated in parts; --split-sentences never splits only those that are too long"
        )
    print(json.dumps(dataclasses.asdict(report)) if as_json else report)


def _evaluate_outputs(translators: "dict[str, Translator]", pairs: "Pairs", options: dict[str, Any]) -> "OutputsReport":
    """Evaluate the translators, possibly ensembles, of several outputs."""
    from passerelle.inference.evaluating import evaluate_outputs
    from passerelle.settings import with_stored

    settings = {name: with_stored(options, each.stored_search) for name, each in translators.items()}
    return evaluate_outputs({name: each._search for name, each in translators.items()}, pairs, settings)
