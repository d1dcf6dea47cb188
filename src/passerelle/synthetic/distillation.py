"""Sequence-level distillation: a student is trained on the translations of teachers.

Kim and Rush 2016, arXiv:1606.07947, section 3.2: the teachers translate the training sources by beam search, and their
best translations replace the references. Here the references are kept unless `reference_copies` is 0, and the teachers
may also translate sources without references.
"""

import math
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from passerelle.data.pairs import Pairs
from passerelle.errors import DataError, SettingsError
from passerelle.experiment.train import train_pairs
from passerelle.preparation import Validation, source_key, split
from passerelle.settings import Settings, SyntheticSettings, accepts_options, choose_settings, validated
from passerelle.synthetic.block_translation import Journal, Text, write
from passerelle.synthetic.mixture import add_synthetic, translation_ends
from passerelle.synthetic.writer import Writer
from passerelle.translator import Translator

if TYPE_CHECKING:
    from passerelle.training.callbacks.callback import Callback

__all__ = ["distill", "distilled"]


@accepts_options(Settings)
def distill(
    pairs: Iterable[tuple[str, ...]],
    teachers: Translator | str | os.PathLike[str] | Iterable[Translator | str | os.PathLike[str]],
    *,
    sources: Iterable[str | tuple[str, str]] = (),
    beam: int | None = None,
    length_penalty: float | None = None,
    reference_copies: int | None = None,
    translation_share: float | None = None,
    validation: Validation = None,
    source_vectors: str | os.PathLike[str] | None = None,
    target_vectors: str | os.PathLike[str] | None = None,
    callbacks: "Sequence[Callback]" = (),
    run: str | os.PathLike[str] | None = None,
    preset: str | None = None,
    settings: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    **options: Any,
) -> Translator:
    """Train one translator on the translations of teachers: sequence-level distillation (arXiv:1606.07947).

    The teachers, an ensemble if there are several, translate the training sources and `sources`. The student is trained
    on their translations and on the references. They never translate a validation source: the split is that of `train`
    with the same pairs, `validation` and `seed`. Train the teachers with the same split too, or they may have learned
    the references of the student's validation sources.

    Args:
        pairs: (source, target) texts; (source, target, tags) if `tags.mode` is not `none`.
        teachers: one or several translators, or paths of model files. Several must share their tokenizers; the student
            may have other ones.
        sources: sources without references; (source, tags) if `tags.mode` is not `none`.
        beam: beam size of the teachers' search; None for that of the first teacher's stored search.
        length_penalty: length penalty of the teachers' search; None for that of the stored search.
        reference_copies: how often each pair with a reference is repeated among the training pairs; 0 leaves it out,
            None repeats it `SyntheticSettings().reference_copies` times, which is once.
        translation_share: if `minutes` is set, maximum share of this time for the teachers' translation;
            None for half of it.
        validation: see `train`.
        source_vectors: see `train`.
        target_vectors: see `train`.
        callbacks: see `train`.
        run: see `train`; the run's folder contains a copy of the synthetic pairs, so `resume` needs no teacher.
        preset: see `train`.
        settings: see `train`.
        **options: settings of the student; see `train`.

    Returns:
        The student. Its record contains the number of synthetic pairs and the teachers.

    Raises:
        DataError: if the pairs or the sources cannot be used, or there is no teacher.
        ModelFileError: if a teacher's file cannot be read.
        SettingsError: if the teachers do not share their tokenizers, only one of them and the pairs has tags, or an
            option is invalid.

    Example:
        >>> pairs = passerelle.read_pairs("pairs.tsv")
        >>> student = passerelle.distill(pairs, "model.keras", sources=["He is young."], level="word", epochs=3)
        >>> student.record["data"]["synthetic"]["teachers"][0]["name"]
        'model.keras'
    """
    started = time.perf_counter()
    given = {"reference_copies": reference_copies, "translation_share": translation_share}
    synthetic = validated(SyntheticSettings, {name: value for name, value in given.items() if value is not None})
    chosen = choose_settings(preset=preset, settings=settings, **options)
    unlabelled = _checked_sources(sources, tagged=chosen.tags.mode != "none")
    training, held_out = split(pairs, validation, chosen)
    if training.outputs:
        raise SettingsError(f"{training.name} has several outputs, and synthetic pairs have one. Distill one output.")
    training = distilled(
        training,
        held_out,
        Writer.of(teachers, search={"beam": beam, "length_penalty": length_penalty}),
        unlabelled,
        chosen,
        synthetic,
        ends=translation_ends(started, chosen, synthetic),
    )
    return train_pairs(
        training,
        chosen,
        validation=held_out or 0.0,
        source_vectors=source_vectors,
        target_vectors=target_vectors,
        callbacks=callbacks,
        run=run,
        started=started,
        command="passerelle.distill",
    )


def _checked_sources(sources: Iterable[str | tuple[str, str]], *, tagged: bool) -> list[Text]:
    expected = "(source, tags), two texts" if tagged else "a text"
    if isinstance(sources, str) or not isinstance(sources, Iterable):
        raise DataError(f"sources must be a list, each item {expected}, received: {sources!r:.80}")
    checked: list[Text] = []
    for number, item in enumerate(sources, start=1):
        row: tuple[Any, ...] = tuple(item) if isinstance(item, (tuple, list)) else (item,)
        if len(row) != 1 + tagged or not all(isinstance(text, str) for text in row):
            raise DataError(f"sources, item {number}: expected {expected}, received: {item!r:.80}")
        checked.append((row[0], row[1] if tagged else ""))
    return checked


def distilled(
    training: Pairs,
    held_out: Pairs,
    teachers: Writer,
    unlabelled: Iterable[Text],
    settings: Settings,
    synthetic: SyntheticSettings,
    *,
    ends: float = math.inf,
    journal: Journal | None = None,
) -> Pairs:
    """Return the training pairs of the student: references, and translations of the teachers.

    Args:
        training: the training pairs of the split.
        held_out: the validation pairs. Their sources are not translated, not even if they are among the others.
        teachers: the teachers.
        unlabelled: sources without references, with their tags.
        settings: settings of the student.
        synthetic: settings of the synthetic pairs.
        ends: see `write`.
        journal: see `write`.

    Raises:
        DataError: if no training pair remains.
        SettingsError: if only the teachers or only the pairs have tags.
    """
    teachers.require_tags_of(settings, "the teachers")
    key = source_key(settings.source)
    held_out_keys = set(map(key, held_out.sources))
    given = dict.fromkeys([*training.inputs(), *(text for text in unlabelled if text[0].strip())])
    texts = [text for text in given if key(text[0]) not in held_out_keys]
    written = write(teachers, texts, seed=settings.training.seed, ends=ends, journal=journal)
    rows = [(source, written[source, tags], tags) for source, tags in texts if written.get((source, tags))]
    facts = {
        "method": "distillation",
        "teachers": teachers.to_json(),
        "search": teachers.search_json(),
        "sources": len(given),
        "left_out_validation": len(given) - len(texts),
        "left_out_time": len(texts) - len(written),
        "left_out_unusable": len(written) - len(rows),
    }
    return add_synthetic(training, rows, synthetic, facts)
