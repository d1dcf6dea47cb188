"""passerelle train"""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli.arguments import WHOLE_NUMBER, translate_command
from passerelle.cli.display import explain_end, note, train_with_display
from passerelle.cli.groups import IN_GROUP
from passerelle.cli.options import ReadingOptions, SettingsOptions
from passerelle.cli.output import Overwrite, require_absent
from passerelle.cli.signals import exit_status, signal_words
from passerelle.training.callbacks.interruption import Interruption

if TYPE_CHECKING:
    from passerelle.data.pairs import Pairs
    from passerelle.preparation import Prepared
    from passerelle.translator import Translator

__all__ = ["train"]

MAX_SEEDS = 100


def train(
    pairs: tuple[str, ...],
    /,
    *,
    reading: ReadingOptions | None = None,
    validation: Annotated[tuple[str, ...], Parameter(group=IN_GROUP["Data"], negative=(), show_default=False)] = (),
    options: SettingsOptions | None = None,
    source_vectors: Annotated[str | None, Parameter(group=IN_GROUP["Text"])] = None,
    target_vectors: Annotated[str | None, Parameter(group=IN_GROUP["Text"])] = None,
    seeds: Annotated[int, Parameter(group=IN_GROUP["Training"]), WHOLE_NUMBER] = 1,
    out: Annotated[str | None, Parameter(group=IN_GROUP["Output"])] = None,
    save_split: Annotated[str | None, Parameter(group=IN_GROUP["Output"])] = None,
    overwrite: Overwrite = False,
) -> int:
    """Train a translator on a file of pairs.

    Parameters
    ----------
    pairs
        Training data: a text file with a source, a tab and a target per line (further columns are ignored); a file in
        another --format, such as .jsonl, .json, .csv, .po, .tmx or .parquet; or two parallel files, such as train.en
        train.fr. Files may be UTF-16, and compressed (.gz, .bz2, .xz, .zst, .zip). Use - for standard input.
    validation
        Validation set: a file of pairs, or the share of sources to hold out of PAIRS, such as 0.1; 0 turns validation
        off. Two parallel files: --validation=dev.en --validation=dev.fr. [default: a tenth of the sources, at most
        1,000]
    source_vectors
        Pretrained embeddings for the source: a text file of word vectors from word2vec, GloVe or fastText, which may
        be compressed (.gz). Requires level word.
    target_vectors
        Pretrained embeddings for the target; like --source-vectors.
    seeds
        Number of translators to train on the same data, with the random seeds --seed, --seed + 1 and so on. With --out
        MODEL.keras, the files are MODEL-1.keras, MODEL-2.keras and so on. passerelle translate --with combines them
        as an ensemble.
    out
        Model file (checkpoint) to write. [default: the name of PAIRS, with .keras instead of .tsv, .tsv.gz or the like]
    save_split
        Folder for the files train.tsv and validation.tsv, with the training and the validation pairs.
    overwrite
        Replace existing files of the same names. Without it, an existing file is an error.
    """
    started = time.perf_counter()
    from passerelle.data.formats import base_name
    from passerelle.data.pairs import split_paths, write_split
    from passerelle.preparation import prepare

    reading, options = reading or ReadingOptions(), options or SettingsOptions()
    names_tags = reading.names_tag_column()
    settings = options.choose(tagged=names_tags)
    paths = _model_paths(out if out is not None else f"{base_name(pairs)}.keras", seeds)
    splits = [] if save_split is None else split_paths(save_split)
    require_absent([*paths, *splits], overwrite=overwrite)
    tagged = names_tags or settings.tags.mode != "none"
    training_pairs = reading.read(pairs, tagged=tagged)
    held_out = _share_or_files(validation)
    if isinstance(held_out, tuple):
        held_out = reading.read(held_out, tagged=tagged, limited=False)
    prepared = prepare(
        training_pairs, settings, validation=held_out, source_vectors=source_vectors, target_vectors=target_vectors
    )
    runs = [prepared.with_seed(prepared.settings.training.seed + number) for number in range(seeds)]
    if save_split is not None:
        written = write_split(save_split, prepared.training, prepared.validation)
        note(f"wrote {written[0]} and {written[1]}")
    # Never left: a signal that arrives when all is saved must not disturb the end of the process.
    interruption = Interruption().__enter__()
    return _train_all(runs, paths, interruption, overwrite=overwrite, started=started)


def _train_all(
    runs: "list[Prepared]", paths: list[Path], interruption: Interruption, *, overwrite: bool, started: float
) -> int:
    """Train and save the translators one after the other; return the exit status.

    The time limit of the first translator counts from `started`, that of each further one from its own start.
    """
    for number, prepared in enumerate(runs):
        translator = train_with_display(
            prepared, paths[number], interruption, number + 1, len(runs), started=None if number else started
        )
        paths[number] = path = _save(translator, paths[number], overwrite=overwrite)
        explain_end(translator)
        epochs = len(translator.record["epochs"])
        checkpoint = f"epoch {translator.record['kept_epoch']} of {epochs}"
        if interruption.requested:
            weights = f"the best checkpoint so far ({checkpoint})" if epochs else "the weights in the first epoch"
            note(f"{signal_words(interruption.signal)}; saved {path} with {weights}")
            return exit_status(interruption.signal)
        hint = f". Try: {_example(paths, prepared.training)}" if number == len(runs) - 1 else ""
        note(f"saved {path} ({checkpoint}){hint}")
    return 0


def _save(translator: "Translator", path: Path, *, overwrite: bool) -> Path:
    """Save a translator, and return its path: another one if a file of that name appeared during training."""
    from passerelle.errors import OutputError

    wanted, number = path, 1
    while True:
        try:
            translator.save(path, overwrite=overwrite)
            return path
        except OutputError:
            if overwrite or not os.path.lexists(path):
                raise
        number += 1
        path = wanted.with_stem(f"{wanted.stem}.{number}")
        note(f"{wanted} appeared during training and is not replaced; saving as {path}")


def _model_paths(out: str, seeds: int) -> list[Path]:
    """Return the path of each translator's model file; all are writable."""
    from passerelle.bundle.model_file import require_model_path
    from passerelle.errors import SettingsError

    if not 1 <= seeds <= MAX_SEEDS:
        raise SettingsError(f"--seeds must be from 1 to {MAX_SEEDS}, received: {seeds}")
    path = require_model_path(out)
    if seeds == 1:
        return [path]
    return [require_model_path(path.with_stem(f"{path.stem}-{number}")) for number in range(1, seeds + 1)]


def _example(paths: list[Path], pairs: "Pairs") -> str:
    """Return a command that translates the first source with all models, as an ensemble."""
    first, *others = map(str, paths)
    options = [("--with", other) for other in others]
    options += [] if pairs.tags is None else [("--tags", pairs.tags[0])]
    return translate_command(first, pairs.sources[0], options)


def _share_or_files(validation: tuple[str, ...]) -> float | tuple[str, ...] | None:
    try:
        return float(*validation) if len(validation) == 1 else validation or None
    except ValueError:
        return validation
