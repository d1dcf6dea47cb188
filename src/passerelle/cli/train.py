"""passerelle train"""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli import INTERRUPTED
from passerelle.cli.display import note, train_with_display
from passerelle.cli.groups import IN_GROUP
from passerelle.cli.options import ReadingOptions, SettingsOptions

if TYPE_CHECKING:
    from passerelle.data.pairs import Pairs
    from passerelle.preparation import Prepared

__all__ = ["train"]

MOST_SEEDS = 100


def train(
    pairs: tuple[str, ...],
    /,
    *,
    reading: ReadingOptions | None = None,
    validation: Annotated[tuple[str, ...], Parameter(group=IN_GROUP["Data"], negative=(), show_default=False)] = (),
    options: SettingsOptions | None = None,
    source_vectors: Annotated[str | None, Parameter(group=IN_GROUP["Text"])] = None,
    target_vectors: Annotated[str | None, Parameter(group=IN_GROUP["Text"])] = None,
    seeds: Annotated[int, Parameter(group=IN_GROUP["Training"])] = 1,
    out: Annotated[str | None, Parameter(group=IN_GROUP["Output"])] = None,
    save_split: Annotated[str | None, Parameter(group=IN_GROUP["Output"])] = None,
) -> int:
    """Train a translator on a file of pairs.

    Parameters
    ----------
    pairs
        UTF-8 text: source, tab, target; further columns are ignored. Or .jsonl, .csv, .po, .tmx, .parquet, or two
        parallel files: train.en train.fr. .gz and .zip files are read as they are; - is standard input.
    validation
        A file of pairs like PAIRS, or the share of sources to hold out for validation (default: a tenth, at most
        1,000); 0 holds out none. For two parallel files: --validation=dev.en --validation=dev.fr.
    source_vectors
        File of pretrained word vectors for the source: text of word2vec, GloVe or fastText, or .gz. Needs level word.
    target_vectors
        File of pretrained word vectors for the target.
    seeds
        Train this many translators on one split, each with its own seed, counted up from --seed. For --out
        MODEL.keras they are MODEL-1.keras, MODEL-2.keras and so on; passerelle translate --with combines them.
    out
        Model file to write; by default the name of PAIRS with .keras.
    save_split
        Folder to write train.tsv and validation.tsv into.
    """
    from passerelle.data.pairs import write_split
    from passerelle.preparation import prepare

    reading, options = reading or ReadingOptions(), options or SettingsOptions()
    named = reading.names_tags()
    chosen = options.choose(tagged=named)
    paths = _model_paths(out if out is not None else _default_out(pairs[0]), seeds)
    tagged = named or chosen.tags.mode != "none"
    examples = reading.read(pairs, tagged=tagged)
    held_out = _share_or_files(validation)
    if isinstance(held_out, tuple):
        held_out = reading.read(held_out, tagged=tagged, limited=False)
    prepared = prepare(
        examples, chosen, validation=held_out, source_vectors=source_vectors, target_vectors=target_vectors
    )
    runs = [prepared.with_seed(prepared.settings.training.seed + number) for number in range(seeds)]
    if save_split is not None:
        written = write_split(save_split, prepared.training, prepared.validation)
        note(f"wrote {written[0]} and {written[1]}")
    return _train_all(runs, paths)


def _train_all(runs: "list[Prepared]", paths: list[Path]) -> int:
    """Train and save one translator after the other; return the exit status."""
    for number, (prepared, path) in enumerate(zip(runs, paths, strict=True), start=1):
        translator = train_with_display(prepared, number, len(runs))
        translator.save(path)
        epochs = len(translator.record["epochs"])
        kept = f"epoch {translator.record['kept_epoch']} of {epochs}"
        if translator.record["interrupted"]:
            state = f"the best so far ({kept})" if epochs else "the weights of the first epoch so far"
            note(f"interrupted; saved {path} with {state}")
            return INTERRUPTED
        hint = f". Try: {_example(paths, prepared.training)}" if number == len(runs) else ""
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
