"""passerelle distill"""

import time
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli.arguments import WHOLE_NUMBER
from passerelle.cli.display import note
from passerelle.cli.ensemble import parse_weights
from passerelle.cli.groups import IN_GROUP
from passerelle.cli.new_training import NewTraining, require_run_options, train_new
from passerelle.cli.options import ReadingOptions, SettingsOptions, SyntheticOptions, WriterSearchOptions
from passerelle.cli.output import Overwrite
from passerelle.cli.synthetic import note_synthetic, open_journal, read_texts

if TYPE_CHECKING:
    from passerelle.data.pairs import Pairs
    from passerelle.settings import Settings
    from passerelle.synthetic.writer import Writer

__all__ = ["distill"]


def distill(
    pairs: tuple[str, ...],
    /,
    *,
    teacher: Annotated[tuple[str, ...], Parameter(group=IN_GROUP["Model"], negative=(), show_default=False)],
    sources: Annotated[tuple[str, ...], Parameter(group=IN_GROUP["Data"], negative=(), show_default=False)] = (),
    weights: Annotated[str | None, Parameter(group=IN_GROUP["Model"])] = None,
    mean: Annotated[str, Parameter(group=IN_GROUP["Model"])] = "arithmetic",
    search: WriterSearchOptions | None = None,
    synthetic: SyntheticOptions | None = None,
    reading: ReadingOptions | None = None,
    validation: Annotated[tuple[str, ...], Parameter(group=IN_GROUP["Data"], negative=(), show_default=False)] = (),
    options: SettingsOptions | None = None,
    source_vectors: Annotated[str | None, Parameter(group=IN_GROUP["Text"])] = None,
    target_vectors: Annotated[str | None, Parameter(group=IN_GROUP["Text"])] = None,
    seeds: Annotated[int, Parameter(group=IN_GROUP["Training"]), WHOLE_NUMBER] = 1,
    checkpoint_seconds: Annotated[float | None, Parameter(group=IN_GROUP["Training"], show_default=False)] = None,
    out: str,
    save_split: str | None = None,
    run: str | None = None,
    no_run: Annotated[bool, Parameter(group=IN_GROUP["Output"], negative=(), show_default=False)] = False,
    overwrite: Overwrite = False,
) -> int:
    """Train one translator on the translations of an ensemble.

    Parameters
    ----------
    pairs
        Training data: files of pairs, as for passerelle train. Train the teachers on the same pairs.
    teacher
        Model file (.keras) of a teacher. Several form an ensemble, and must have the same vocabularies; the student may
        have any other. Repeatable.
    sources
        Monolingual data, sources without references: a file with one text per line, which may be compressed; for
        teachers with tags, followed by a tab and its tags. Repeatable.
    weights
        Weights of the teachers in the ensemble's mean, such as 2,1,1; equal if not set.
    mean
        Mean of the teachers' probabilities: arithmetic, or geometric (a token must be probable in all teachers).
    validation
        Validation set, as for passerelle train. Its sources are never translated. With the same --validation and --seed
        as in the teachers' training, it is the same.
    source_vectors
        Pretrained embeddings for the source, as for passerelle train.
    target_vectors
        Pretrained embeddings for the target; like --source-vectors.
    seeds
        Number of students to train on the same data, as for passerelle train.
    checkpoint_seconds
        Seconds between two checkpoints within an epoch, as for passerelle train. [default: 60]
    out
        Model file (checkpoint) to write. The teachers' translations are kept next to it, in a file that ends in
        .translations.jsonl; the same command uses them again after an interruption.
    save_split
        Folder for the files train.tsv and validation.tsv, with the training and the validation pairs, without
        translations of the teachers.
    run
        Folder of the run, as for passerelle train; passerelle train --resume continues it, without the teachers.
        [default: the name of the model file, with .run instead of .keras]
    no_run
        Write no folder for the run, so that it cannot be resumed.
    overwrite
        Replace existing files of the same names, and an earlier run. Without it, an existing file is an error.
    """
    started = time.perf_counter()
    require_run_options(checkpoint_seconds, run, no_run=no_run)
    reading = reading or ReadingOptions()
    vectors = {"source": source_vectors, "target": target_vectors}
    ensemble_weights = parse_weights(weights)
    search_options = (search or WriterSearchOptions()).options()
    chosen = (synthetic or SyntheticOptions()).choose()

    def synthesize(training: "Pairs", held_out: "Pairs", settings: "Settings") -> "Pairs":
        from passerelle.synthetic.distillation import distilled
        from passerelle.synthetic.mixture import translation_ends
        from passerelle.synthetic.writer import Writer

        teachers = Writer.of(teacher, weights=ensemble_weights, mean=mean, search=search_options)  # pyright: ignore[reportArgumentType]
        teachers.require_tags_of(settings, "the teachers")
        _note_other_validation(teachers, held_out)
        unlabelled = read_texts(sources, reading, tagged=teachers.tagged)
        with open_journal(out, teachers, "target", overwrite=overwrite) as journal:
            mixed = distilled(
                training, held_out, teachers, unlabelled, settings, chosen,
                ends=translation_ends(started, settings, chosen), journal=journal,
            )  # fmt: skip
        note_synthetic(mixed.synthetic)
        return mixed

    return train_new(
        NewTraining(
            pairs=pairs, reading=reading, validation=validation, options=options or SettingsOptions(),
            vectors={side: path for side, path in vectors.items() if path is not None}, out=out, started=started,
            seeds=seeds, checkpoint_seconds=checkpoint_seconds, save_split=save_split, run=run, no_run=no_run,
            overwrite=overwrite, synthesize=synthesize,
        )
    )  # fmt: skip


def _note_other_validation(teachers: "Writer", held_out: "Pairs") -> None:
    """Report teachers whose training may have used the student's validation pairs."""
    if not held_out:
        return
    own = held_out.fingerprint()
    if others := [str(member.name) for member in teachers.members if member.validation_sha256 != own]:
        note(
            f"{', '.join(others)}: trained with other validation pairs, so validation results of the student may be "
            f"too good. Train teachers and student with the same pairs, --seed and --validation"
        )
