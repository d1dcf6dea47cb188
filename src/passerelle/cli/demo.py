"""passerelle demo"""

import shlex
import time
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli import INTERRUPTED
from passerelle.cli.diagram import write_diagrams
from passerelle.cli.display import train_with_display
from passerelle.cli.groups import IN_GROUP

if TYPE_CHECKING:
    from passerelle.data.pairs import Pairs
    from passerelle.translator import Translator

__all__ = ["demo"]

EPOCHS = 6
SETTINGS = {
    "source": {"level": "word"},
    "target": {"level": "word"},
    "training": {"batch_size": 64, "learning_rate": 0.008},
}
"""By word, since the phrasebook's words are few and training shows each of them often; few epochs and large steps, so
that it takes less than three minutes on two cores, also busy ones. A preset that the user names stays as it is."""

SHOWN = 8


def demo(
    *,
    out: str = "demo",
    preset: Annotated[str | None, Parameter(group=IN_GROUP["Model"])] = None,
    level: Annotated[str | None, Parameter(group=IN_GROUP["Text"])] = None,
    epochs: Annotated[int | None, Parameter(group=IN_GROUP["Training"])] = None,
) -> int:
    """Train on the built-in phrasebook and translate what was never seen. Takes two to three minutes.

    Parameters
    ----------
    out
        Folder for the model, the pictures and the held-out pairs.
    preset
        Preset to begin with, by default compact by word; passerelle presets lists them.
    level
        Unit of text: word, character as in the tutorial, subword, or auto.
    epochs
        Number of passes over the pairs.
    """
    from passerelle.data.files import prepare_folder, write_atomically
    from passerelle.data.pairs import check_pairs, write_pairs
    from passerelle.data.phrasebook import train_and_held_out
    from passerelle.plots.curve import draw_loss_curve
    from passerelle.preparation import prepare
    from passerelle.settings import choose_settings

    started = time.perf_counter()
    settings = choose_settings(
        preset=preset,
        level=level,
        epochs=EPOCHS if epochs is None else epochs,
        settings=None if preset else SETTINGS,
    )
    folder = prepare_folder(out)
    known, unseen = train_and_held_out()
    held_out = check_pairs(unseen, name="phrasebook (held out)")
    prepared = prepare(check_pairs(known, name="phrasebook"), settings)
    translator = train_with_display(prepared)

    model, pairs, curve = folder / "phrasebook.keras", folder / "held-out.tsv", folder / "loss.svg"
    translator.save(model)
    write_pairs(pairs, held_out)
    written = [model, pairs]
    if epochs_done := translator.record["epochs"]:  # none where Ctrl-C ended the first
        picture = draw_loss_curve(epochs_done, title="Loss on the phrasebook").encode()
        write_atomically(curve, lambda stream: stream.write(picture))
        written.append(curve)
    written += write_diagrams(translator, folder)
    example = _show_unseen(translator, held_out)
    print(f"Wrote, in {time.perf_counter() - started:.0f} s:")
    for path in written:
        print(f"  {path}")
    print(f"\nNow try:  {shlex.join(['passerelle', 'translate', str(model), example])}")
    return INTERRUPTED if translator.record["interrupted"] else 0


def _show_unseen(translator: "Translator", held_out: "Pairs") -> str:
    """Print translations of some held-out sentences and the scores on all; return the first of these sentences."""
    report = translator.evaluate(held_out)
    print("Sentences that were never seen in training:")
    step = max(1, len(held_out) // SHOWN)
    shown = held_out[::step][:SHOWN]
    for pair, translation in zip(shown, translator.translate(list(shown.sources)), strict=True):
        print(f"  {pair.source}  ->  {translation}")
    print(f"\nOn all {report.sources:,} held-out sentences:\n{report}\n")
    return shown.sources[0]
