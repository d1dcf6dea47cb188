"""Pairs whose texts and ids lie in files: all is the same as in memory, bit for bit, and the files are used again."""

import errno
import itertools
import json
import random
from typing import Any

import numpy as np
import pytest

import passerelle
from passerelle.data import collector, encoded, pairs, reading, row_keys, splitting, storage, stored_texts
from passerelle.data.checking import check_pairs
from passerelle.data.storage import Storage
from passerelle.experiment.prepared_training import train_prepared
from passerelle.fine_tuning.origin import Origin
from passerelle.fine_tuning.plan import FineTuning
from passerelle.preparation import Prepared, prepare
from passerelle.settings import FineTuningSettings, choose_settings

WORDS = ["le", "la", "chat", "chien", "voit", "l'eau", "très", "naïve", "«", "oui", "東京", "no\u0301n", "", "un,deux"]
TRAINING = {"epochs": 2, "batch_size": 16, "search": "greedy"}
SMALL = {"encoder": {"embedding": 4, "units": 4}, "decoder": {"embedding": 4, "units": 4}}


def sentences(count: int, seed: int = 0) -> list[str]:
    generator = random.Random(seed)
    made = (" ".join(generator.choices(WORDS, k=1 + min(12, int(generator.expovariate(0.3))))) for _ in range(count))
    return [text if text.strip() else "vide" for text in made]


SOURCES, TARGETS = sentences(150), sentences(150, seed=1)


@pytest.fixture
def in_files(monkeypatch):
    """Put all pairs that are read from now on into files, a few rows at once."""
    monkeypatch.setattr(collector, "MAX_IN_MEMORY", 0)
    for module in (collector, pairs, row_keys, stored_texts):
        monkeypatch.setattr(module, "BLOCK", 7)
    monkeypatch.setattr("passerelle.ragged.PART", 50)


def facts(prepared: Prepared) -> list[Any]:
    """Return everything about prepared data that training reads or reports."""
    batches = prepared.training_batches, prepared.validation_batches
    arrays = [
        (name, array.dtype.name, array.tolist())
        for each, number in itertools.product(filter(None, batches), (1, 2))
        for batch in each.epoch(number)
        for name, array in {**batch.sources, **batch.targets}.items()
    ]
    training, validation = prepared.training, prepared.validation
    counts = {
        output: prepared.training_batches.token_counts(output, np.arange(9)).tolist()
        for output in prepared.training_batches.targets
    }
    return [
        arrays, prepared.signature.to_json(), prepared.lengths.to_json(), prepared.choices, prepared.overlap,
        prepared.trimmed, prepared.unknown_validation_tokens, prepared.unknown_training_tokens, counts,
        prepared.sides_without_spaces, prepared.training_batches.padding_share(), prepared.training_batches.tokens,
        training.fingerprint(), validation.fingerprint(), len(training), len(validation), dict(training.skipped),
        training.blank, list(training), list(validation), prepared.old.fingerprint(),
        {name: each.to_json() for name, each in prepared.output_lengths.items()},
        {name: list(each) for name, each in training.by_output.items()}, training.doubts, prepared.settings,
    ]  # fmt: skip


def rows(kind: str) -> list[tuple[Any, ...]]:
    if kind == "tags":
        return [(*pair, ("a;b", "b ; a", "c")[row % 3]) for row, pair in enumerate(zip(SOURCES, TARGETS, strict=True))]
    if kind == "outputs":
        kept = [{"fr": target, "de": target.upper() if row % 3 else None} for row, target in enumerate(TARGETS)]
        return [(source, texts) for source, texts in zip(SOURCES, kept, strict=True)]
    return list(zip(SOURCES, TARGETS, strict=True))


CASES: dict[str, tuple[str, dict[str, Any], Any]] = {
    "character": ("pairs", {"level": "character"}, None),
    "word": ("pairs", {"level": "word", "lowercase": True}, 0.3),
    "frequent words": ("pairs", {"level": "word", "settings": {"source": {"min_count": 3}}}, 0),
    "subword": ("pairs", {"level": "subword", "vocabulary_size": 300}, [("le chat", "oui"), *rows("pairs")[:9]]),
    "auto": ("pairs", {"level": "auto"}, None),
    "long": ("pairs", {"level": "word", "settings": {"source": {"max_length": 5}, "target": {"max_length": 6}}}, 0.2),
    "one vocabulary": ("pairs", {"level": "word", "settings": {"network": {"tie": "all"}}}, 0.2),
    "copying": ("pairs", {"level": "word", "settings": {"network": {"copying": True}}}, 0.2),
    "tokens": ("pairs", {"settings": {"training": {"batch_type": "token", "batch_size": 300}}}, 0.2),
    "inline tags": ("tags", {"level": "word", "settings": {"tags": {"mode": "inline"}}}, 0.2),
    "separate tags": ("tags", {"level": "word", "settings": {"tags": {"mode": "separate"}}}, 0.2),
    "outputs": ("outputs", {"level": "word"}, 0.2),
}


@pytest.mark.parametrize("case", CASES)
def test_prepared_data_are_the_same(case, request):
    kind, options, validation = CASES[case]
    settings = choose_settings(preset="compact", **options)
    in_memory = facts(prepare(rows(kind), settings, validation=validation))
    request.getfixturevalue("in_files")
    prepared = prepare(iter(rows(kind)), settings, validation=validation)
    assert prepared.training.storage is not None
    assert facts(prepared) == in_memory


def test_files_are_read_the_same(tmp_path, request):
    path = tmp_path / "pairs.tsv"
    lines = [f"{source}\t{target}\t{row % 2}\n" for row, (source, target) in enumerate(rows("pairs"))]
    path.write_text("".join(["\t\t\n", *lines, "nur links\t \t0\n"]), encoding="utf-8")
    arguments: dict[str, Any]
    for arguments in ({}, {"swap": True}, {"tag_column": 3}, {"limit": 40}, {"outputs": "fr=2,number=3"}):
        in_memory = passerelle.read_pairs(path, **arguments)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(collector, "MAX_IN_MEMORY", 0)
            patch.setattr(collector, "BLOCK", 7)
            large = passerelle.read_pairs(path, **arguments)
        assert large.storage is not None
        assert (list(large.rows()), large.doubts, large.blank, large.skipped, large.outputs) == (
            list(in_memory.rows()), in_memory.doubts, in_memory.blank, in_memory.skipped, in_memory.outputs,
        )  # fmt: skip
        assert large[3] == in_memory[3]
        assert large[-1] == in_memory[-1]
        assert list(large[5:30:4]) == list(in_memory[5:30:4])
        chosen = np.array([30, 2, 2, 17])
        assert list(large.select(chosen)) == list(in_memory.select(chosen))


def test_lone_surrogates_and_missing_texts_are_kept(in_files):
    made = [(f"{row} \udc80", {"a": "x" if row % 2 else None, "b": "é"}) for row in range(30)]
    large = check_pairs(iter(made))
    assert large.storage is not None
    assert large.sources[4] == "4 \udc80"
    assert large.columns["a"][:4] == [None, "x", None, "x"]
    assert large.targets[0] == {"b": "é"}


def test_an_output_that_no_row_has_is_empty(in_files):
    pairs = check_pairs(
        [(source, {"de": target}) for source, target in zip(SOURCES, TARGETS, strict=True)], outputs=["de", "fr"]
    )
    assert (len(pairs.by_output["de"]), len(pairs.by_output["fr"])) == (150, 0)
    assert set(pairs.columns["fr"]) == {None}


def test_sources_that_are_numbers_stay_in_memory(in_files):
    numbers = [((float(row), 1.0), "ja" if row % 2 else "nein") for row in range(40)]
    assert check_pairs(numbers).storage is None


@pytest.fixture(scope="module")
def origin():
    settings = {"training": TRAINING, "network": SMALL}
    return Origin(passerelle.train(rows("pairs")[:60], level="word", settings=settings, validation=0).bundle)


def tuned(origin):
    """Train on new pairs, corrections and old pairs; return the prepared data and the weights."""
    old = check_pairs(iter(rows("pairs")[:60]))
    corrections = check_pairs(iter([("le chat", "der"), ("la", "die")]))
    plan = FineTuning(origin, FineTuningSettings(new_tokens=True), corrections, old, 0.4)
    settings = choose_settings(preset="compact", level="word", settings={"training": TRAINING, "network": SMALL})
    prepared = prepare(iter(rows("pairs")[60:]), settings, validation=0.2, fine_tuning=plan)
    return prepared, train_prepared(prepared).network.get_weights()


def test_weights_after_fine_tuning_with_old_pairs_are_the_same(origin, request):
    before, weights = tuned(origin)
    request.getfixturevalue("in_files")
    prepared, others = tuned(origin)
    assert prepared.training.storage is not None
    assert prepared.old.storage is not None
    assert facts(prepared) == facts(before)
    assert all(np.array_equal(*both) for both in zip(weights, others, strict=True))


SETTINGS = choose_settings(preset="compact", level="word")


@pytest.fixture
def kept(tmp_path, in_files):
    """Return a function that reads and prepares a file, with its texts and ids in a folder."""
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{source}\t{target}\n" for source, target in rows("pairs")), encoding="utf-8")

    def prepared() -> Prepared:
        place = Storage(tmp_path / "data", kept=True)
        return prepare(passerelle.read_pairs(path, storage=place), SETTINGS, validation=0.2)

    return prepared


def forbid(*arguments: Any, **options: Any) -> Any:
    raise AssertionError("this is computed again")


def test_kept_files_are_used_again(kept, monkeypatch):
    before = facts(kept())
    monkeypatch.setattr(reading, "_read", forbid)
    monkeypatch.setattr(splitting, "_held_out", forbid)
    monkeypatch.setattr(encoded, "fit_text_signature", forbid)
    monkeypatch.setattr(encoded, "_written", forbid)
    assert facts(kept()) == before


def test_another_file_or_other_settings_are_read_anew(kept, tmp_path):
    before = facts(kept())
    path = tmp_path / "pairs.tsv"
    path.write_text(path.read_text(encoding="utf-8").replace("chat", "Chat"), encoding="utf-8")  # the same size
    after = kept()
    assert facts(after) != before
    assert any("Chat" in source for source in after.training.sources)
    del after  # its storage has locked the folder
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_read", forbid)
        patch.setitem(globals(), "SETTINGS", choose_settings(preset="compact", level="character"))
        characters = kept()
    assert characters.signature.source.tokenizer.level == "character"


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "replace", "manifest"])
def test_damaged_files_are_made_anew(kept, tmp_path, damage):
    before = facts(kept())
    files = sorted((tmp_path / "data").glob("*.json" if damage == "manifest" else "*.bin"))
    assert len(files) >= 5
    for path in files:
        content = bytearray(path.read_bytes())
        if damage == "remove":
            path.unlink()
            continue
        if damage == "flip":
            content[len(content) // 2] ^= 1
        elif damage == "truncate":
            del content[-8:]
        elif damage == "replace":
            content = bytearray(len(content))
        else:
            content = bytearray(json.dumps({"format": 1, "key": {}, "arrays": {"x": 3}, "facts": []}).encode())
        path.unlink()  # the arrays of the first process stay as they are
        path.write_bytes(content)
    assert facts(kept()) == before


def test_ids_that_no_vocabulary_contains_are_made_anew(kept, tmp_path):
    """The checksum of a foreign file may be right."""
    before = facts(kept())
    manifest = tmp_path / "data" / "training.json"
    values = json.loads(manifest.read_text(encoding="utf-8"))
    path = tmp_path / "data" / "training.inputs_source_values.bin"
    foreign = np.full(len(path.read_bytes()) // 2, 60_000, np.uint16).tobytes()
    path.unlink()
    path.write_bytes(foreign)
    values["arrays"]["inputs_source_values"]["sha256"] = storage.file_sha256(path)
    manifest.write_text(json.dumps(values), encoding="utf-8")
    assert facts(kept()) == before


def test_a_folder_in_use_is_left_alone(tmp_path):
    first, second = (Storage(tmp_path / "data", kept=True) for _ in range(2))
    for place in (first, second):
        with place.write("a", {}) as writing:
            writing.array("x", np.int32).write(np.arange(3))
            found = writing.finish("facts")
        assert found.arrays["x"].tolist() == [0, 1, 2]
    assert len(list((tmp_path / "data").glob("a.*"))) == 2
    again = first.find("a", {})
    assert again is not None
    assert again.facts == "facts"
    assert second.find("a", {}) is None


def test_a_full_disk_leaves_nothing(tmp_path, in_files, monkeypatch):
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{source}\t{target}\n" for source, target in rows("pairs")), encoding="utf-8")

    def full(self: Any, data: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    place = Storage(tmp_path / "data", kept=True)
    monkeypatch.setattr(storage.ArrayFile, "_put", full)
    with pytest.raises(passerelle.OutputError, match="too large for the memory, .* no space left in the folder"):
        passerelle.read_pairs(path, storage=place)
    assert [file.name for file in (tmp_path / "data").iterdir()] == [".lock"]


def test_progress_reaches_all_rows(tmp_path, in_files):
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{source}\t{target}\n" for source, target in rows("pairs")), encoding="utf-8")
    seen: dict[str, list[tuple[int, int | None]]] = {}
    place = Storage(report=lambda step, done, total: seen.setdefault(step, []).append((done, total)))
    prepared = prepare(passerelle.read_pairs(path, storage=place), SETTINGS, validation=0)
    prepared.examine()
    assert list(filter(None, seen))[:4] == ["reading", "splitting", "building vocabularies", "encoding"]
    for step in set(seen) - {""}:
        assert seen[step][0][0] == 0
        done, total = seen[step][-1]
        assert total is not None
        assert total <= done <= total + 7, step  # the first row of a column may be read before the others


def test_a_report_that_raises_ends_the_work(tmp_path, in_files):
    def stop(step: str, done: int, total: int | None) -> None:
        if step == "encoding" and done:
            raise KeyboardInterrupt

    place = Storage(tmp_path / "data", kept=True, report=stop)
    large = check_pairs(iter(rows("pairs")), storage=place)
    with pytest.raises(KeyboardInterrupt):
        prepare(large, SETTINGS, validation=0)
    assert not list((tmp_path / "data").glob("training.*"))


def test_an_epoch_has_no_order_of_the_file(in_files):
    """Each row once, in an order that does not correlate with the file."""
    made = [(f"{row:05}", "x" * (1 + row % 7)) for row in range(3000)]
    prepared = prepare(iter(made), choose_settings(preset="compact", level="character"), validation=0)
    points = prepared.signature.source.tokenizer.vocabulary.code_points
    powers = 10 ** np.arange(4, -1, -1)
    order = np.concatenate(
        [
            (points[batch.sources["source"][batch.sources["source"][:, 0] > 0]].astype(int) - ord("0")) @ powers
            for batch in prepared.training_batches.epoch(1)
        ]
    )
    assert sorted(order) == list(range(3000))
    assert abs(np.corrcoef(order, np.arange(3000))[0, 1]) < 0.06  # three standard errors
