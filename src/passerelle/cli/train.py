"""passerelle train"""

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli import INTERRUPTED
from passerelle.cli.display import note, train_with_display

if TYPE_CHECKING:
    from passerelle.data.pairs import Pairs

__all__ = ["train"]

MOST_SEEDS = 100
DEFAULT_TAG_MODE = "separate"
"""Of tags, where only their column is named."""


def train(
    pairs: tuple[str, ...],
    /,
    *,
    out: str | None = None,
    preset: str | None = None,
    format: str | None = None,
    columns: str | None = None,
    limit: int | None = None,
    swap: Annotated[bool, Parameter(negative=())] = False,
    level: str | None = None,
    source_level: str | None = None,
    target_level: str | None = None,
    source_separator: str | None = None,
    target_separator: str | None = None,
    vocabulary_size: int | None = None,
    min_count: int | None = None,
    lowercase: Annotated[bool, Parameter(negative=())] = False,
    tag_column: int | None = None,
    tag_separator: str | None = None,
    tag_mode: str | None = None,
    source_vectors: str | None = None,
    target_vectors: str | None = None,
    tune_vectors: str | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    batch_size: int | None = None,
    units: int | None = None,
    optimizer: str | None = None,
    learning_rate: float | None = None,
    seed: int | None = None,
    seeds: int = 1,
    validation: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = (),
    save_split: str | None = None,
    settings: str | None = None,
) -> int:
    """Learn from a file of pairs, write a translator.

    Parameters
    ----------
    pairs
        UTF-8 text: source, tab, target; further columns are ignored. Or .jsonl, .csv, .po, .tmx, .parquet, or two
        files side by side: train.en train.fr. .gz and .zip are read as they are, - is standard input.
    out
        The model file to write; by default the name of PAIRS with .keras.
    preset
        The settings to begin with, by default compact; passerelle presets lists them.
    format
        tsv, moses, jsonl, csv, po, tmx or parquet, where the file's name does not tell.
    columns
        Of .jsonl, .csv and .parquet, the names of source, target and, if wanted, tags (default: source,target); of
        .tmx, two languages (default: the first two).
    limit
        Use this many pairs from the beginning.
    swap
        Translate from the target's column or language to the source's.
    level
        character, word, subword (frequent pieces of words), or auto (by the pairs, saying why), for both sides.
    source_level
        For the source alone.
    target_level
        For the target alone.
    source_separator
        The source is ready tokens, not text, with this between them.
    target_separator
        Likewise the target, for example " " for phones.
    vocabulary_size
        Learn at most this many tokens a side, the most frequent ones; by default all, at level subword 4,000.
    min_count
        Tokens that occur fewer times are unknown; at level subword, pieces of words that would are not made.
    lowercase
        Read sources in lower case: The and the are one token. Targets are written as they stand in PAIRS.
    tag_column
        The column, from 3 on, whose tags come with each pair and steer it: V;PST, formal, fr. Where columns have
        names, the third one of --columns.
    tag_separator
        What stands between two tags, by default a semicolon.
    tag_mode
        separate, tags have an encoder of their own (default); or inline, they are tokens before the source's.
    source_vectors
        Ready-made word vectors to begin with: text of word2vec, GloVe or fastText, .gz too. Needs level word.
    target_vectors
        Likewise for the target.
    tune_vectors
        never (default), vectors stay as they came; always, they are learned further; or the epochs to wait before.
    epochs
        Passes over the pairs.
    minutes
        End training after so many, amid an epoch too.
    batch_size
        Pairs in one update.
    units
        Width of the recurrent layers.
    optimizer
        adam, adamw, adagrad, lion, muon, nadam, rmsprop or sgd.
    learning_rate
        Step size.
    seed
        Of everything random: weights, order, split.
    seeds
        Train this many translators on one split, each with a seed of its own from --seed on. For --out MODEL.keras
        they are MODEL-1.keras, MODEL-2.keras and so on; passerelle translate --with asks them together.
    validation
        A file of pairs as PAIRS is, or the share of sources to hold out (default: a tenth, at most 1,000); 0 holds
        out none. Two files side by side: --validation=dev.en --validation=dev.fr.
    save_split
        Write train.tsv and validation.tsv into this folder.
    settings
        A TOML file; passerelle describe prints one.
    """
    from passerelle.config import check_limit
    from passerelle.data.pairs import read_pairs, write_split
    from passerelle.experiment import prepare
    from passerelle.options import choose_settings

    tagged = tag_column is not None or (columns is not None and columns.count(",") == 2)
    chosen = choose_settings(
        preset=preset,
        settings=settings,
        level=level,
        source_level=source_level,
        target_level=target_level,
        source_separator=source_separator,
        target_separator=target_separator,
        vocabulary_size=vocabulary_size,
        min_count=min_count,
        lowercase=lowercase or None,
        tags=tag_mode or (DEFAULT_TAG_MODE if tagged else None),
        tag_separator=tag_separator,
        tune_vectors=tune_vectors,
        epochs=epochs,
        minutes=minutes,
        batch_size=batch_size,
        units=units,
        optimizer=optimizer,
        learning_rate=learning_rate,
        seed=seed,
    )
    paths = _model_paths(out if out is not None else _default_out(pairs[0]), seeds)
    column = tag_column or (None if chosen.tags.mode == "none" else 3)
    read = partial(read_pairs, swap=swap, tag_column=column, format=format, columns=columns)
    examples = read(pairs, limit=check_limit(limit))
    held_out = _share_or_files(validation)
    if isinstance(held_out, tuple):
        held_out = read(held_out)
    lesson = prepare(
        examples, chosen, validation=held_out, source_vectors=source_vectors, target_vectors=target_vectors
    )
    first = lesson.settings.training.seed
    lessons = [lesson.with_seed(first + number) for number in range(seeds)]
    if save_split is not None:
        written = write_split(save_split, lesson.training, lesson.validation)
        note(f"wrote {written[0]} and {written[1]}")
    for number, (own, path) in enumerate(zip(lessons, paths, strict=True), start=1):
        translator = train_with_display(own, number, seeds)
        translator.save(path)
        epochs = len(translator.record["epochs"])
        kept = f"epoch {translator.record['kept_epoch']} of {epochs}"
        if translator.record["interrupted"]:
            state = f"the best so far ({kept})" if epochs else "what the first epoch had taught it by then"
            note(f"interrupted; saved {path} with {state}")
            return INTERRUPTED
        hint = f". Try: {_example(paths, lesson.training)}" if number == seeds else ""
        note(f"saved {path} ({kept}){hint}")
    return 0


def _model_paths(out: str, seeds: int) -> list[Path]:
    """One file for each translator, all known to be writable."""
    from passerelle.bundle.model_file import require_model_path
    from passerelle.errors import SettingsError

    if not 1 <= seeds <= MOST_SEEDS:
        raise SettingsError(f"seeds must be 1 to {MOST_SEEDS} translators, received: {seeds}")
    path = require_model_path(out)
    if seeds == 1:
        return [path]
    return [require_model_path(path.with_stem(f"{path.stem}-{number}")) for number in range(1, seeds + 1)]


def _example(paths: list[Path], pairs: "Pairs") -> str:
    """The command that translates the first source with all of these models."""
    first, *others = map(str, paths)
    together = [word for other in others for word in ("--with", other)]
    tags = [] if pairs.tags is None else ["--tags", pairs.tags[0]]
    return shlex.join(["passerelle", "translate", first, *together, *tags, pairs.sources[0]])


def _default_out(pairs: str) -> str:
    stem = Path(pairs).name.split(".")[0]
    return f"{stem if pairs != '/dev/stdin' else 'model'}.keras"


def _share_or_files(validation: tuple[str, ...]) -> float | tuple[str, ...] | None:
    try:
        return float(*validation) if len(validation) == 1 else validation or None
    except ValueError:
        return validation
