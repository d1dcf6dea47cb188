"""The program of the tutorial with a small network: arrays, layers, decoding loop and output files."""

import ast
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tutorial_program

PROJECT = Path(__file__).parents[2]
FRA_ENG = PROJECT.parent / "shared" / "data" / "fra-eng.zip"

TutorialProgram = tutorial_program.TutorialProgram

WORDS = {"red": "rouge", "blue": "bleu", "old": "vieux", "big": "grand"}
THINGS = {"cat": "chat", "dog": "chien", "bus": "car", "day": "jour"}
PAIRS = [(f"{w} {t}", f"{THINGS[t]} {WORDS[w]}") for w in WORDS for t in THINGS] + [("a", "à")]


@pytest.fixture(scope="module")
def trained() -> Any:
    tutorial_program.keras.utils.set_random_seed(1)
    program = TutorialProgram.from_pairs(PAIRS, units=64)
    losses = program.fit(60, batch_size=4)["loss"]
    assert losses[-1] < losses[0] / 2
    return program


def test_program_does_not_import_passerelle() -> None:
    tree = ast.parse((PROJECT / "benchmarks" / "tutorial_program.py").read_text(encoding="utf-8"))
    imported = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    imported += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert "keras" in imported
    assert not [name for name in imported if name.startswith("passerelle")]


def test_published_weight_shapes() -> None:
    program = TutorialProgram(map(chr, range(100, 171)), ["\t", "\n", *map(chr, range(200, 291))], 16, 59)
    assert program.training_model.count_params() == 718_173
    shapes = {name: array.shape for name, array in program.weights().items()}
    assert shapes == {
        "encoder_kernel": (71, 1024),
        "encoder_recurrent_kernel": (256, 1024),
        "encoder_bias": (1024,),
        "decoder_kernel": (93, 1024),
        "decoder_recurrent_kernel": (256, 1024),
        "decoder_bias": (1024,),
        "output_kernel": (256, 93),
        "output_bias": (93,),
    }


@pytest.mark.skipif(not FRA_ENG.is_file(), reason=f"{FRA_ENG} does not exist")
def test_published_data_sizes() -> None:
    with zipfile.ZipFile(FRA_ENG) as archive, archive.open("fra.txt") as raw:
        lines = io.TextIOWrapper(raw, encoding="utf-8", newline="\n")
        pairs = [tuple(next(lines).rstrip("\n").split("\t")) for _ in range(10_000)]
    program = TutorialProgram.from_pairs(pairs, units=8)
    assert (len(program.source_characters), len(program.target_characters)) == (71, 93)
    assert (program.max_source, program.max_target) == (16, 59)


def test_characters_and_lengths_come_from_the_pairs() -> None:
    program = TutorialProgram.from_pairs([("ba", "é"), ("c", "da")], units=2)
    assert program.source_characters == ["a", "b", "c"]
    assert program.target_characters == ["\t", "\n", "a", "d", "é"]
    assert (program.max_source, program.max_target) == (2, 4)


def text_of(array: np.ndarray, characters: list[str]) -> str:
    """Convert a one-hot array to text; an all-zero vector becomes a dot."""
    assert set(array.sum(axis=-1)) <= {0, 1}
    return "".join(characters[row.argmax()] if row.any() else "." for row in array)


@pytest.mark.parametrize(("padding", "pad"), [("zeros", "."), ("space", " ")])
def test_target_is_one_step_ahead(padding: str, pad: str) -> None:
    program = TutorialProgram.from_pairs([("a b", "x y"), ("c", "z")], units=2, padding=padding)
    sources, inputs, targets = program.arrays([("c", "z"), ("a b", "x y")])
    assert sources.shape == (2, 3, 4)
    assert inputs.shape == targets.shape == (2, 5, 6)
    assert sources.dtype == inputs.dtype == targets.dtype == np.float32
    assert text_of(sources[0], program.source_characters) == "c" + 2 * pad
    assert text_of(inputs[0], program.target_characters) == "\tz\n" + 2 * pad
    assert text_of(targets[0], program.target_characters) == "z\n" + 3 * pad
    assert text_of(sources[1], program.source_characters) == "a b"
    assert text_of(inputs[1], program.target_characters) == "\tx y\n"
    assert text_of(targets[1], program.target_characters) == "x y\n" + pad


def test_invalid_arguments_are_errors() -> None:
    with pytest.raises(ValueError, match=r"`padding` must be one of .* received: padding='ones'"):
        TutorialProgram.from_pairs(PAIRS, padding="ones")
    with pytest.raises(ValueError, match="requires a space among the characters"):
        TutorialProgram.from_pairs([("a", "b")], padding="space")
    with pytest.raises(ValueError, match="at least one pair"):
        TutorialProgram.from_pairs([])


def test_decoding_equals_argmax_of_teacher_forced_logits(trained: Any) -> None:
    ended = 0
    for source in ["red cat", "old bus", "a", "blue day"]:
        text = trained.decode(source)
        logits = trained.decode_logits(source, text)
        assert logits.shape == (len(text) + 1, len(trained.target_characters))
        best = "".join(trained.target_characters[i] for i in logits.argmax(axis=-1))
        if len(text) > trained.max_target:  # stopped by the length limit, without END
            assert best[:-1] == text
        else:
            ended += 1
            assert best == text + "\n"
    assert ended > 0


def test_logits_match_the_probabilities_of_the_training_model(trained: Any) -> None:
    pair = ("big dog", "chien grand")
    sources, inputs, _ = trained.arrays([pair])
    probabilities = trained.training_model.predict([sources, inputs], verbose=0)[0, : len(pair[1]) + 1]
    exponentials = np.exp(trained.decode_logits(*pair))
    np.testing.assert_allclose(
        exponentials / exponentials.sum(axis=-1, keepdims=True), probabilities, rtol=1e-4, atol=1e-6
    )


def test_padding_is_read_by_the_encoder(trained: Any) -> None:
    longest = max((source for source, _ in PAIRS), key=len)
    for source, differs in [("a", True), (longest, False)]:
        padded = trained.decode_logits(source, "à")
        bare = trained.decode_logits(source, "à", padded=False)
        assert np.allclose(padded, bare, atol=1e-5) is not differs


def test_saved_program_decodes_the_same(trained: Any, tmp_path: Path) -> None:
    trained.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"weights.npz", "characters.json"}
    loaded = TutorialProgram.load(tmp_path)
    for name, array in trained.weights().items():
        np.testing.assert_array_equal(loaded.weights()[name], array)
    np.testing.assert_array_equal(loaded.decode_logits("red dog", "chien"), trained.decode_logits("red dog", "chien"))
    assert loaded.decode("blue cat") == trained.decode("blue cat")
    with pytest.raises(ValueError, match="has no training pairs; build it with `from_pairs`"):
        loaded.fit(1)


def test_weights_must_be_complete() -> None:
    program = TutorialProgram.from_pairs([("a", "b")], units=2)
    weights = program.weights()
    del weights["output_bias"]
    with pytest.raises(ValueError, match="`weights` must have the keys"):
        program.set_weights(weights)


def force(program: Any, token: str) -> None:
    """Make the program always predict `token`."""
    weights = {name: np.zeros_like(array) for name, array in program.weights().items()}
    weights["output_bias"][program.target_characters.index(token)] = 9
    program.set_weights(weights)


def test_decoding_stops_at_end_or_length_limit() -> None:
    program = TutorialProgram.from_pairs([("a", "xyz")], units=2)
    force(program, "\n")
    assert program.decode("a") == ""
    force(program, "y")
    assert program.decode("a") == "y" * (program.max_target + 1)


def test_unseen_and_longer_sources_are_decoded(trained: Any) -> None:
    assert trained.unseen_characters("réd cât") == 2
    assert trained.unseen_characters("red cat") == 0
    assert isinstance(trained.decode("?" + "red cat" * 3), str)
    with pytest.raises(ValueError, match=r"known characters, received: \['\?'\]"):
        trained.decode_logits("red", "r?")


def test_reading_pairs(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_bytes("\ufeffGo.\tVa !\tCC-BY\r\n\nHi.\tSa\u2028lut\n".encode())
    assert tutorial_program.read_pairs(path) == [("Go.", "Va !"), ("Hi.", "Sa\u2028lut")]
    path.write_text("single\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 1: expected two columns, received: 'single"):
        tutorial_program.read_pairs(path)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train, test, out = tmp_path / "train.tsv", tmp_path / "test.tsv", tmp_path / "deep" / "out"
    train.write_text("".join(f"{s}\t{t}\n" for s, t in PAIRS), encoding="utf-8")
    test.write_text("red cat\tx\nred cat\ty\nold ñu\tz\na much longer one\tz\nbig day\tz\n", encoding="utf-8")
    command = ["--train", str(train), "--test", str(test), "--out", str(out)]
    small = ["--epochs", "2", "--units", "4", "--batch-size", "16"]
    assert tutorial_program.main([*command, *small, "--decode", "3"]) == 0

    result = json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert len(result["epoch_seconds"]) == len(result["history"]["loss"]) == 2
    assert min(result["epoch_seconds"]) <= result["median_epoch_seconds"] <= max(result["epoch_seconds"])
    assert result["peak_memory_mb"] >= result["peak_memory_mb_of_training"] > 50
    assert result["decoded_sources"] == 3
    assert result["timed_sources"] == 1  # without the first source and the one with another shape
    assert result["characters_per_second"] is not None
    assert (result["unseen_source_characters"], result["sources_with_unseen_characters"]) == (5, 2)
    assert result["sources_longer_than_training"] == 1
    assert (result["settings"]["padding"], result["settings"]["seed"]) == ("zeros", 0)

    lines = (out / "hypotheses.tsv").read_text(encoding="utf-8").splitlines()
    assert [line.split("\t")[0] for line in lines] == ["red cat", "old ñu", "a much longer one"]
    assert all(line.count("\t") == 1 for line in lines)
    assert TutorialProgram.load(out).units == 4
    written = {path.name for path in out.iterdir()}
    assert written == {"result.json", "hypotheses.tsv", "weights.npz", "characters.json"}
    assert "epoch 2/2: " in capsys.readouterr().out


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(TypeError):
        tutorial_program.write_atomically(path, lambda stream: stream.write("text, not bytes"))
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]
