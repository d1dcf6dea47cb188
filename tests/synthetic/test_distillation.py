"""Distillation and back-translation: which pairs the model is trained on, and what a student learns from teachers."""

import hashlib
import itertools
import random
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeTranslator, fake_writer

import passerelle
from passerelle.data.checking import check_pairs
from passerelle.data.pairs import Pairs
from passerelle.errors import DataError, ModelFileError, SettingsError
from passerelle.preparation import prepare, split
from passerelle.settings import Settings, SyntheticSettings, TagSettings, choose_settings, validated
from passerelle.synthetic.back_translation import back_translated
from passerelle.synthetic.distillation import distilled
from passerelle.synthetic.mixture import translation_ends
from passerelle.synthetic.writer import Writer

WORDS = ["".join(letters) for letters in itertools.product("abcdef", repeat=2)]
PAIRS = [(word, word.upper()) for word in WORDS] + [(word, f"{word}!") for word in WORDS[::3]]


def synthetic(**values: Any) -> SyntheticSettings:
    return validated(SyntheticSettings, values)


def mixed(pairs: Any = PAIRS, unlabelled: Any = (), *, settings: Settings | None = None, **values: Any) -> Any:
    """Return the training pairs of the student, and the validation pairs."""
    settings = settings or choose_settings()
    training, held_out = split(pairs, 0.25, settings)
    tags = settings.tags
    return distilled(
        training, held_out, fake_writer(FakeTranslator(tags)), unlabelled, settings, synthetic(**values)
    ), held_out


# ---- the pairs


def test_references_and_one_translation_of_each_source() -> None:
    pairs, held_out = mixed()
    prepared = prepare(PAIRS, choose_settings(), validation=0.25)
    assert (held_out, pairs[: len(prepared.training)]) == (prepared.validation, prepared.training), "the split of train"
    translations = list(pairs)[len(prepared.training) :]
    assert translations == [(source, source.upper()) for source in dict.fromkeys(prepared.training.sources)]
    assert pairs.synthetic["pairs"] == len(translations)
    assert pairs.synthetic["references"] == len(prepared.training)


@pytest.mark.parametrize("copies", [0, 1, 3])
def test_repeated_references(copies: int) -> None:
    once, _ = mixed(reference_copies=1)
    repeated, _ = mixed(reference_copies=copies)
    references = once.synthetic["references"]
    assert list(repeated) == copies * list(once)[:references] + list(once)[references:]


def test_validation_sources_are_never_translated() -> None:
    """Neither if they are among the unlabelled sources, nor in another spelling that is the same to the tokenizer."""
    settings = choose_settings(lowercase=True)
    unlabelled = [(f" {word.upper()} ", "") for word in WORDS] + [("xyz", "")]
    pairs, held_out = mixed(unlabelled=unlabelled, settings=settings)
    assert len(held_out)
    assert not set(held_out.sources) & {source.strip().lower() for source in pairs.sources}
    assert pairs.synthetic["left_out_validation"] == len(set(held_out.sources))
    assert ("xyz", "XYZ") in list(pairs)


def test_a_validation_source_that_is_also_for_training() -> None:
    held_out = check_pairs(PAIRS[:3])
    pairs = distilled(check_pairs(PAIRS), held_out, fake_writer(), [], choose_settings(), synthetic(reference_copies=0))
    assert not set(pairs.sources) & set(held_out.sources)


def test_unlabelled_sources() -> None:
    unlabelled = [("new", ""), ("new", ""), ("  ", ""), ("cut off", ""), (PAIRS[0][0], "")]
    pairs, _ = mixed(unlabelled=unlabelled)
    without, _ = mixed()
    assert list(pairs) == [*without, ("new", "NEW")]
    assert pairs.synthetic["left_out_unusable"] == 1


def test_tags() -> None:
    settings = choose_settings(tag_mode="separate")
    rows = [(word, f"{tag}{word.upper()}", tag) for word in WORDS for tag in ("V", "N")]
    pairs, held_out = mixed(rows, [("new", "V"), ("new", "N")], settings=settings, reference_copies=0)
    written = list(pairs.rows())
    assert ("new", "VNEW", "V") in written
    assert ("new", "NNEW", "N") in written
    assert set(written) == {
        row for row in [*rows, ("new", "VNEW", "V"), ("new", "NNEW", "N")] if row[0] not in held_out.sources
    }


def test_back_translation() -> None:
    settings = choose_settings()
    training, held_out = split(PAIRS, 0.25, settings)
    mono = [("some text", ""), (held_out.targets[0], ""), (held_out.sources[0].lower(), ""), ("cut", "")]
    reverse = FakeTranslator()
    held_out = Pairs([*held_out.sources, "OTHER"], [*held_out.targets, "x"])
    mono.append(("other", ""))  # its synthetic source is a validation source
    pairs = back_translated(training, held_out, fake_writer(reverse), mono, settings, synthetic())
    added = list(pairs)[len(training) :]
    assert added[0] == ("SOME TEXT", "some text")
    assert not {source for source, _ in added} & set(held_out.sources)
    assert pairs.synthetic["left_out_unusable"] == 1
    assert pairs.synthetic["left_out_validation"] == 2
    assert pairs.synthetic["method"] == "back-translation"


@pytest.mark.parametrize(
    ("teacher", "student", "message"),
    [
        (TagSettings(mode="inline"), {}, r"the teachers must have the tags of the pairs.*'inline'.*'none'"),
        (TagSettings(), {"tag_mode": "separate"}, r"the teachers must have the tags of the pairs.*'none'.*'separate'"),
        (TagSettings(mode="inline", separator="+"), {"tag_mode": "inline"}, r"Set tags.separator to '\+'"),
    ],
)
def test_teachers_with_other_tags_are_refused(teacher: TagSettings, student: Any, message: str) -> None:
    settings = choose_settings(**student)
    writer = fake_writer(FakeTranslator(teacher))
    with pytest.raises(SettingsError, match=message):
        distilled(check_pairs([]), check_pairs([]), writer, [], settings, synthetic())


def test_no_pair_remains() -> None:
    with pytest.raises(DataError, match="no synthetic pairs were written, and reference_copies is 0"):
        mixed([(f"cut {word}", word) for word in WORDS], reference_copies=0)


def test_the_translation_ends_after_its_share_of_the_minutes() -> None:
    share = synthetic(translation_share=0.25)
    assert translation_ends(1000.0, choose_settings(minutes=2), share) == 1030.0
    assert translation_ends(1000.0, choose_settings(), share) == float("inf")
    pairs, _ = mixed()
    assert pairs.synthetic["left_out_time"] == 0


# ---- training


CIPHER = ["".join(letters) for count in (2, 3) for letters in itertools.product("abcde", repeat=count)]
random.Random(0).shuffle(CIPHER)
GIVEN, HELD_OUT, MORE = CIPHER[:80], CIPHER[80:90], CIPHER[90:]
OPTIONS: dict[str, Any] = {
    "validation": [(word, word[::-1].upper()) for word in HELD_OUT],
    "preset": "compact",
    "settings": {"training": {"search": "greedy"}},
    "units": 24, "attention": "none", "dropout": 0.0, "learning_rate": 0.01, "batch_size": 16,
}  # fmt: skip


@pytest.fixture(scope="module")
def teachers() -> list[passerelle.Translator]:
    """Two translators that mirror words in upper case, but not all of those that they have not seen."""
    pairs = [(word, word[::-1].upper()) for word in GIVEN]
    return [passerelle.train(pairs, epochs=25, seed=seed, **OPTIONS) for seed in (1, 2)]


@pytest.fixture(scope="module")
def files(teachers: list[passerelle.Translator], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("teachers")
    paths = [folder / f"teacher-{number}.keras" for number in (1, 2)]
    for translator, path in zip(teachers, paths, strict=True):
        translator.save(path)
    return paths


@pytest.mark.slow
def test_a_student_reproduces_the_translations_of_two_teachers(
    teachers: list[passerelle.Translator], files: list[Path]
) -> None:
    pairs = [(word, word[::-1].upper()) for word in GIVEN]
    student = passerelle.distill(pairs, files, sources=MORE, reference_copies=0, epochs=40, **OPTIONS)
    ensemble = teachers[0].ensemble_with(teachers[1:])
    wanted = ensemble.translate(MORE)
    wrong = [word for word, text in zip(MORE, wanted, strict=True) if text != word[::-1].upper()]
    assert wrong, "the teachers must make errors, which the student could not make by chance"
    same = [text == other for text, other in zip(student.translate(MORE), wanted, strict=True)]
    assert sum(same) >= 0.95 * len(MORE)
    assert sum(map(str.__eq__, student.translate(wrong), ensemble.translate(wrong))) >= 0.8 * len(wrong)

    facts = student.record["data"]["synthetic"]
    assert (facts["pairs"], facts["sources"], facts["references"]) == (len(GIVEN) + len(MORE), len(GIVEN + MORE), 0)
    assert [teacher["name"] for teacher in facts["teachers"]] == ["teacher-1.keras", "teacher-2.keras"]
    assert [teacher["sha256"] for teacher in facts["teachers"]] == [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    ]


@pytest.mark.slow
def test_a_student_of_another_level_and_preset(teachers: list[passerelle.Translator]) -> None:
    options = {name: value for name, value in OPTIONS.items() if name not in ("attention", "units")}
    pairs = [(word, word[::-1].upper()) for word in GIVEN]
    student = passerelle.distill(
        pairs, teachers[0], beam=2, level="word", cell="gru", units=4, epochs=1, **options
    )  # fmt: skip
    assert student.source.level == "word"
    assert student.record["data"]["synthetic"]["search"]["beam"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("validation", [0, 0.2])
def test_a_run_goes_on_without_the_teachers(
    teachers: list[passerelle.Translator], tmp_path: Path, validation: float
) -> None:
    pairs = [(word, word[::-1].upper()) for word in GIVEN]
    options = OPTIONS | {"validation": validation}
    student = passerelle.distill(pairs, teachers[0], epochs=1, run=tmp_path / "a.run", **options)
    resumed = passerelle.resume(tmp_path / "a.run", epochs=2)
    assert len(resumed.record["epochs"]) == 2
    assert resumed.record["data"] == student.record["data"]
    assert resumed.record["data"]["synthetic"]["pairs"] > 0


@pytest.mark.slow
def test_refused_teachers(teachers: list[passerelle.Translator], files: list[Path], tmp_path: Path) -> None:
    pairs = [(word, word[::-1].upper()) for word in GIVEN]
    with pytest.raises(ModelFileError, match=r"none.keras: no such file"):
        passerelle.distill(pairs, [files[0], tmp_path / "none.keras"], **OPTIONS)
    other = passerelle.train([(word + "z", word) for word in GIVEN], epochs=1, units=4, validation=0, preset="compact")
    with pytest.raises(SettingsError, match="must share their tokenizers; number 2 differs from the first"):
        passerelle.distill(pairs, [teachers[0], other], **OPTIONS)
    with pytest.raises(DataError, match="at least one teacher, received: none"):
        passerelle.distill(pairs, [], **OPTIONS)
    with pytest.raises(DataError, match="expected translators or paths of model files, received: 3"):
        passerelle.distill(pairs, 3, **OPTIONS)  # pyright: ignore[reportArgumentType]
    with pytest.raises(SettingsError, match=r"tags.mode 'none' of the teachers"):
        rows = [(word, word, "T") for word in GIVEN]
        passerelle.distill(rows, teachers, tag_mode="inline", preset="compact", validation=0)
    with pytest.raises(DataError, match=r"sources, item 2: expected a text, received: \('a', 'b'\)"):
        passerelle.distill(pairs, teachers, sources=["a", ("a", "b")], **OPTIONS)
    with pytest.raises(SettingsError, match="reference_copies"):
        passerelle.distill(pairs, teachers, reference_copies=-1, **OPTIONS)


@pytest.mark.slow
def test_the_key_depends_on_everything_that_changes_translations(
    teachers: list[passerelle.Translator], files: list[Path]
) -> None:
    writers = [
        Writer.of(files[0]), Writer.of(files[1]), Writer.of(files), Writer.of(files[::-1]),
        Writer.of(files, weights=[2, 1]), Writer.of(files, mean="geometric"), Writer.of(files, search={"beam": 4}),
        Writer.of(files, search={"beam": 4, "length_penalty": 1.0}),
    ]  # fmt: skip
    keys = [writer.key for writer in writers]
    assert len(set(keys)) == len(keys)
    assert Writer.of(files, search={"beam": None}).key == Writer.of(files).key
    with pytest.raises(SettingsError, match="in memory has no key"):
        _ = Writer.of(teachers[0]).key
