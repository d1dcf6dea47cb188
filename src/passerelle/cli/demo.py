"""passerelle demo"""

import time
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli.arguments import WHOLE_NUMBER, translate_command
from passerelle.cli.diagram import write_diagrams
from passerelle.cli.display import note
from passerelle.cli.groups import IN_GROUP
from passerelle.cli.signals import exit_status
from passerelle.cli.training_display import explain_end, train_with_display
from passerelle.training.callbacks.interruption import Interruption

if TYPE_CHECKING:
    from passerelle.data.pairs import Pairs
    from passerelle.translator import Translator

__all__ = ["demo"]

EPOCHS = 7
SETTINGS = {
    "source": {"level": "word"},
    "target": {"level": "word"},
    "network": {"dropout": 0.2},
    "training": {"batch_size": 64, "learning_rate": 0.008},
}
"""Word level, since the phrasebook has few words and all of them are frequent. Few epochs and a high learning rate, so
that the demo takes less than three minutes on two cores, even busy ones; less dropout than the preset, since sentences
are many for so few words (docs/quality.md). Not used with --preset."""

EXAMPLES = 8
"""Number of held-out sentences that are printed with their translations."""


def demo(
    *,
    out: str = "demo",
    preset: Annotated[str | None, Parameter(group=IN_GROUP["Model"])] = None,
    level: Annotated[str | None, Parameter(group=IN_GROUP["Text"])] = None,
    epochs: Annotated[int | None, Parameter(group=IN_GROUP["Training"]), WHOLE_NUMBER] = None,
) -> int:
    """Train on the built-in phrasebook and translate sentences that are not in the training pairs.

    Parameters
    ----------
    out
        Folder for the model, the diagrams, the loss curve and the held-out pairs; those of an earlier demo are
        replaced.
    preset
        Preset, by default compact at level word. passerelle presets lists all presets.
    level
        Token level: word (default without --preset), character (as in Chollet's Keras tutorial), subword, or auto.
    epochs
        Number of epochs: passes over the training pairs. [default: 7]
    """
    from passerelle.data.checking import check_pairs
    from passerelle.data.pair_files import write_pairs
    from passerelle.data.phrasebook import train_and_held_out
    from passerelle.data.writing import prepare_folder, write_atomically
    from passerelle.plots.curve import draw_loss_curve
    from passerelle.preparation import prepare
    from passerelle.settings import BASE_PRESET, choose_settings

    started = time.perf_counter()
    settings = choose_settings(
        preset=BASE_PRESET if preset is None else preset,
        level=level,
        epochs=EPOCHS if epochs is None else epochs,
        settings=None if preset else SETTINGS,
    )
    folder = prepare_folder(out)
    training_rows, held_out_rows = train_and_held_out()
    held_out = check_pairs(held_out_rows, name="phrasebook (held out)")
    prepared = prepare(check_pairs(training_rows, name="phrasebook"), settings)
    model, pairs, curve = folder / "phrasebook.keras", folder / "held-out.tsv", folder / "loss.svg"
    with Interruption() as interruption:
        translator = train_with_display(prepared, model, interruption)
        translator.save(model)
    explain_end(translator)
    write_pairs(pairs, held_out)
    written = [model, pairs]
    if epochs_done := translator.record["epochs"]:  # empty if Ctrl-C stopped the first epoch
        try:
            picture = draw_loss_curve(epochs_done, title="Loss on the phrasebook").encode()
        except OSError as error:  # matplotlib requires a folder for its cache
            note(f"{curve} was not drawn: {error}")
        else:
            write_atomically(curve, lambda stream: stream.write(picture))
            written.append(curve)
    written += write_diagrams(translator, folder)
    example = _show_held_out(translator, held_out)
    print(f"Wrote, in {time.perf_counter() - started:.0f} s:")
    for path in written:
        print(f"  {path}")
    print(f"\nNow try:  {translate_command(str(model), example)}")
    return exit_status(interruption.signal) if interruption.requested else 0


def _show_held_out(translator: "Translator", held_out: "Pairs") -> str:
    """Print translations of some held-out sentences and the scores of all; return the first of these sentences."""
    report = translator.evaluate(held_out)
    print("Sentences that are not in the training pairs:")
    step = max(1, len(held_out) // EXAMPLES)
    shown = held_out[::step][:EXAMPLES]
    for pair, translation in zip(shown, translator.translate(list(shown.sources)), strict=True):
        print(f"  {pair.source}  ->  {translation}")
    print(f"\nOn all {report.sources:,} held-out sentences:\n{report}\n")
    return shown.sources[0]
