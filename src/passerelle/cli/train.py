"""passerelle train"""

import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from passerelle.cli.arguments import WHOLE_NUMBER
from passerelle.cli.fine_tuning import FineTuningOptions
from passerelle.cli.groups import IN_GROUP
from passerelle.cli.new_training import NewTraining, require_run_options, share_or_files, train_new
from passerelle.cli.options import FineTuningFlags, ReadingOptions, SettingsOptions, SyntheticOptions
from passerelle.cli.output import Overwrite
from passerelle.cli.processes import (
    join_processes,
    launched_together,
    processes_to_start,
    require_possible,
    train_on_processes,
)
from passerelle.cli.rate_sweep import find_learning_rate as sweep
from passerelle.cli.runs import DataWords, require_unused, resumed
from passerelle.cli.synthetic import BackTranslationOptions
from passerelle.cli.training import receive_signals, train_all
from passerelle.errors import SettingsError
from passerelle.parallel.group import current

__all__ = ["train"]


def train(
    pairs: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
    /,
    *,
    reading: ReadingOptions | None = None,
    validation: Annotated[tuple[str, ...], Parameter(group=IN_GROUP["Data"], negative=(), show_default=False)] = (),
    options: SettingsOptions | None = None,
    source_vectors: Annotated[str | None, Parameter(group=IN_GROUP["Text"])] = None,
    target_vectors: Annotated[str | None, Parameter(group=IN_GROUP["Text"])] = None,
    back_translation: BackTranslationOptions | None = None,
    synthetic: SyntheticOptions | None = None,
    start: FineTuningOptions | None = None,
    fine_tuning: FineTuningFlags | None = None,
    seeds: Annotated[int | None, Parameter(group=IN_GROUP["Training"], show_default=False), WHOLE_NUMBER] = None,
    processes: Annotated[int | None, Parameter(group=IN_GROUP["Training"], show_default=False), WHOLE_NUMBER] = None,
    resume: Annotated[str | None, Parameter(group=IN_GROUP["Training"])] = None,
    find_learning_rate: Annotated[bool, Parameter(group=IN_GROUP["Training"], negative=(), show_default=False)] = False,
    checkpoint_seconds: Annotated[float | None, Parameter(group=IN_GROUP["Training"], show_default=False)] = None,
    out: Annotated[str | None, Parameter(group=IN_GROUP["Output"])] = None,
    save_split: Annotated[str | None, Parameter(group=IN_GROUP["Output"])] = None,
    run: Annotated[str | None, Parameter(group=IN_GROUP["Output"])] = None,
    no_run: Annotated[bool, Parameter(group=IN_GROUP["Output"], negative=(), show_default=False)] = False,
    tensorboard: Annotated[str | None, Parameter(group=IN_GROUP["Output"])] = None,
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
        as an ensemble. [default: 1]
    processes
        Number of processes on this machine that train together: each computes its share of the rows of each batch. The
        result is that of one process, to rounding. With JAX only. Under a launcher (srun, mpirun, torchrun), leave it
        out to train on all its processes; 1 trains alone. [default: 1]
    resume
        Folder of an interrupted run, MODEL.run: continue it from its newest checkpoint, with its data and settings.
        Nothing else is needed; --epochs and --minutes make the run longer.
    find_learning_rate
        Train no translator, but suggest a learning rate: a sweep of 160 updates raises it until the loss rises
        (arXiv:1506.01186). The loss at each rate is drawn in MODEL.learning-rate.svg.
    checkpoint_seconds
        Seconds between two checkpoints; there is also one after each validation. They are less frequent where they
        would take more than 2 % of the time. [default: 60]
    out
        Model file (checkpoint) to write. [default: the name of PAIRS, with .keras instead of .tsv, .tsv.gz or the like]
    save_split
        Folder for the files train.tsv and validation.tsv, with the training and the validation pairs.
    run
        Folder of the run, for its settings, checkpoints, logs, samples and loss curve. [default: the name of the model
        file, with .run instead of .keras]
    no_run
        Write no folder for the run, so that it cannot be resumed.
    tensorboard
        Folder for TensorBoard's logs, with a folder for each model; requires the package tensorboardX. With --resume,
        the default is that of the run.
    overwrite
        Replace existing files of the same names, and an earlier run. Without it, an existing file is an error.
    """
    started = time.perf_counter()
    from passerelle.data.formats import base_name

    reading, options = reading or ReadingOptions(), options or SettingsOptions()
    back_translation, synthetic = back_translation or BackTranslationOptions(), synthetic or SyntheticOptions()
    start, fine_tuning = start or FineTuningOptions(), fine_tuning or FineTuningFlags()
    require_run_options(checkpoint_seconds, run, no_run=no_run)
    paths = {"source": source_vectors, "target": target_vectors}
    vectors = {side: path for side, path in paths.items() if path is not None}
    if find_learning_rate:
        unused = {"--resume": resume, "--seeds": seeds, "--save-split": save_split, "--run": run}
        unused |= {"--no-run": no_run or None, "--checkpoint-seconds": checkpoint_seconds}
        unused |= {"--tensorboard": tensorboard}
        require_unused(unused, "--find-learning-rate, which trains no model")
    count = processes_to_start(processes)
    if count > 1 or launched_together(processes) is not None:
        flags = ["--find-learning-rate"] if find_learning_rate else []
        held_out = share_or_files(validation)
        files = [*pairs, *(held_out if isinstance(held_out, tuple) else ()), *start.files(), *vectors.values()]
        require_possible(files, [*flags, *back_translation.used()])
    if count > 1 and (pairs or resume is not None):
        folder = resume or run or Path(out or base_name(pairs)).with_suffix(".run")
        return train_on_processes(count, None if no_run else Path(folder), seeds or 1)
    join_processes(processes)
    if not current().is_first:  # it writes nothing
        run, no_run, save_split, tensorboard, overwrite = None, resume is None, None, None, True
    if resume is not None:
        unused = {"--seeds": seeds, "--save-split": save_split, "--run": run, "--no-run": no_run or None}
        unused |= dict.fromkeys([*back_translation.used(), *synthetic.used(), *fine_tuning.used()], True)
        require_unused(unused, "--resume: the run continues as it began")
        used = reading.used()
        words = DataWords(pairs, share_or_files(validation), vectors, used, {**used, "limit": None})
        trainings = resumed(
            resume, options, words, start.moved, out=out, checkpoint_seconds=checkpoint_seconds, tensorboard=tensorboard
        )
        return train_all(trainings, receive_signals(), overwrite=overwrite, started=started)
    if not pairs:
        raise SettingsError("PAIRS is missing: name a file of pairs, or continue a run with --resume MODEL.run.")
    out = f"{base_name(pairs)}.keras" if out is None else out
    start.check(fine_tuning, vectors, out)
    synthesize = back_translation.synthesis(synthetic, reading, out, overwrite=overwrite, started=started)
    new = NewTraining(
        pairs=pairs, reading=reading, validation=validation, options=options, vectors=vectors, out=out,
        started=started, seeds=1 if seeds is None else seeds, checkpoint_seconds=checkpoint_seconds,
        save_split=save_split, run=run, no_run=no_run, overwrite=overwrite, tensorboard=tensorboard,
        synthesize=synthesize, start=start, fine_tuning=fine_tuning,
    )  # fmt: skip
    return sweep(new) if find_learning_rate else train_new(new)
