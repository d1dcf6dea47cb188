"""passerelle evaluate"""

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from passerelle.cli.display import note, note_trimmed_in
from passerelle.cli.ensemble import EnsembleOptions, OutputName
from passerelle.cli.options import ReadingOptions, SearchOptions
from passerelle.errors import SettingsError

if TYPE_CHECKING:
    from passerelle.cli.ensemble import LoadedOutputs
    from passerelle.data.pairs import Pairs

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
    """Measure the quality of translations, or the errors of numbers, on a file of pairs.

    Parameters
    ----------
    model
        Model file (.keras) of a translator.
    pairs
        Test set: a file of pairs, as for passerelle train. Rows that share a source count as multiple references. For
        several outputs without --outputs: the columns after the source, in the order of the outputs, or those of their
        names.
    output
        Output to evaluate, of several; the file then has its texts or numbers only, unless --outputs names columns.
        Without it, each output is evaluated, and the sources of which all texts are right are counted.
    as_json
        Print the scores as one JSON object.
    """
    from passerelle.data.outputs import NUMBERS
    from passerelle.evaluation.metrics import Report

    reading = reading or ReadingOptions()
    reading.check()
    options = (search or SearchOptions()).options()
    loaded = (ensemble or EnsembleOptions()).load_outputs(model, output)
    if options and not loaded.translators:
        raise SettingsError(f"search options are for texts, and {' and '.join(loaded.names)} of {model} have numbers.")
    several = len(loaded.names) > 1
    named = [name + (NUMBERS if name in loaded.regressors else "") for name in loaded.names]
    examples = reading.read(
        pairs, tagged=loaded.signature.tagged, outputs=named if several or loaded.regressors else ()
    )
    report = _report(loaded, examples, options, several=several)
    translated = [each for each in (report.outputs.values() if several else [report]) if isinstance(each, Report)]
    parts = max(translated, key=lambda each: each.split, default=None)
    if parts is not None and parts.split:
        note(
            f"{parts.split:,} of {parts.sources:,} sources are too long or have more sentences than training sources "
            f"usually have, and were translated in parts; --split-sentences never splits only those that are too long"
        )
    print(json.dumps(dataclasses.asdict(report)) if as_json else report)


def _report(loaded: "LoadedOutputs", pairs: "Pairs", options: dict[str, Any], *, several: bool) -> Any:
    """Return the report of all outputs, or that of the only one."""
    from passerelle.inference.evaluating import pairs_of_output
    from passerelle.translator import outputs_report

    if several:
        note_trimmed_in(pairs, loaded.signature)
        return outputs_report(loaded.signature, loaded.translators, loaded.regressors, pairs, options)
    (name,) = loaded.names
    if name in loaded.regressors:
        return loaded.regressors[name].evaluate(pairs)
    translator = loaded.translators[name]
    if pairs.outputs:
        pairs = pairs_of_output(pairs, translator.signature)
    note_trimmed_in(pairs, translator.signature)
    return translator.evaluate(pairs, **options)
