"""passerelle train --find-learning-rate"""

from pathlib import Path

from passerelle.cli.display import SweepDisplay, note
from passerelle.cli.new_training import NewTraining, read_and_prepare
from passerelle.cli.output import require_absent, write_text
from passerelle.cli.signals import exit_status, signal_words
from passerelle.errors import SettingsError

__all__ = ["find_learning_rate"]


def find_learning_rate(new: NewTraining) -> int:
    """Make a learning rate sweep, print the suggested rate and write the picture; return the exit status.

    Raises:
        SettingsError: if the loss does not fall at any learning rate.
    """
    from passerelle.data.writing import write_atomically
    from passerelle.experiment import rate_sweep as experiment
    from passerelle.plots.rate_sweep import draw_rate_sweep

    path = Path(new.out).with_suffix(".learning-rate.svg")
    require_absent([path], overwrite=new.overwrite)
    data = read_and_prepare(new)
    prepared, interruption = data.prepared, data.interruption
    settings = prepared.settings.training
    with SweepDisplay.open() as display:
        sweep = experiment.find_learning_rate(prepared, report=display.show, stopped=lambda: interruption.requested)
    if interruption.requested:
        note(f"{signal_words(interruption.signal)}; nothing was written")
        return exit_status(interruption.signal)
    if sweep.suggested is None:
        raise SettingsError(
            f"the loss falls at no learning rate within {len(sweep.rates)} updates, so none can be suggested. Use more "
            "pairs or a smaller --batch-size."
        )
    picture = draw_rate_sweep(sweep.rates, sweep.losses, sweep.smoothed, sweep.suggested).encode()
    write_atomically(path, lambda stream: stream.write(picture))
    note(f"wrote {path}")
    write_text(
        f"suggested learning rate: {sweep.suggested:g} (now {settings.learning_rate:g}); use it with "
        f"--learning-rate {sweep.suggested:g}\n"
    )
    return 0
