"""passerelle train"""

import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from passerelle.cli import INTERRUPTED
from passerelle.cli.display import note, teach_with_display

__all__ = ["train"]


def train(
    pairs: str,
    /,
    *,
    out: str | None = None,
    preset: str | None = None,
    limit: int | None = None,
    swap: Annotated[bool, Parameter(negative=())] = False,
    level: str | None = None,
    source_level: str | None = None,
    target_level: str | None = None,
    source_separator: str | None = None,
    target_separator: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    units: int | None = None,
    optimizer: str | None = None,
    learning_rate: float | None = None,
    seed: int | None = None,
    validation: str | None = None,
    save_split: str | None = None,
    settings: str | None = None,
) -> int:
    """Learn from a file of pairs, write a translator.

    Parameters
    ----------
    pairs
        UTF-8 text: source, tab, target; further columns are ignored. .gz and .zip are read as they are, - is
        standard input.
    out
        The model file to write; by default the name of PAIRS with .keras.
    preset
        The settings to begin with: compact (default) or tutorial.
    limit
        Use this many pairs from the beginning.
    swap
        Translate from the second column to the first.
    level
        character or word, for both sides.
    source_level
        For the source alone.
    target_level
        For the target alone.
    source_separator
        The source is ready symbols, not text, with this between them.
    target_separator
        Likewise the target, for example " " for phones.
    epochs
        Passes over the pairs.
    batch_size
        Pairs in one update.
    units
        Width of the recurrent layers.
    optimizer
        adam, adamw, adagrad, lion, nadam, rmsprop or sgd.
    learning_rate
        Step size.
    seed
        Of everything random: weights, order, split.
    validation
        A file of pairs, or the share of sources to hold out (default: a tenth, at most 1,000); 0 holds out none.
    save_split
        Write train.tsv and validation.tsv into this folder.
    settings
        A TOML file; passerelle describe prints one.
    """
    from passerelle.config import check_limit
    from passerelle.data.pairs import read_pairs, write_split
    from passerelle.saving import require_model_path
    from passerelle.teaching import choose_settings, prepare

    chosen = choose_settings(
        preset=preset,
        settings=settings,
        level=level,
        source_level=source_level,
        target_level=target_level,
        source_separator=source_separator,
        target_separator=target_separator,
        epochs=epochs,
        batch_size=batch_size,
        units=units,
        optimizer=optimizer,
        learning_rate=learning_rate,
        seed=seed,
    )
    path = require_model_path(out if out is not None else _default_out(pairs))
    lesson = prepare(
        read_pairs(pairs, limit=check_limit(limit), swap=swap), chosen, validation=_share_or_file(validation)
    )
    if save_split is not None:
        paths = write_split(save_split, lesson.training, lesson.validation)
        note(f"wrote {paths[0]} and {paths[1]}")
    translator = teach_with_display(lesson)
    translator.save(path)
    kept = f"epoch {translator.record['kept_epoch']} of {len(translator.record['epochs'])}"
    if translator.record["interrupted"]:
        note(f"interrupted; saved {path} with the best so far ({kept})")
        return INTERRUPTED
    example = shlex.join(["passerelle", "translate", str(path), lesson.training.sources[0]])
    note(f"saved {path} ({kept}). Try: {example}")
    return 0


def _default_out(pairs: str) -> str:
    stem = Path(pairs).name.split(".")[0]
    return f"{stem if pairs != '/dev/stdin' else 'model'}.keras"


def _share_or_file(validation: str | None) -> float | str | None:
    try:
        return None if validation is None else float(validation)
    except ValueError:
        return validation
