"""passerelle train: messages, files, Ctrl-C and a full disk."""

import os
import re
import signal
import threading

import pytest

posix = pytest.mark.skipif(os.name != "posix", reason="signals and limits of POSIX")


def lines_until(stream, pattern):
    """Return the lines of a process's stream up to one that matches; fail if the stream ends before."""
    seen = []
    for raw in stream:
        seen.append(raw.decode())
        if re.search(pattern, seen[-1]):
            return seen
    pytest.fail("".join(seen))


def test_messages_and_the_default_file_name(trained):
    assert trained.outcome.out == ""
    lines = trained.outcome.err.splitlines()
    sample = r"    (.+)  ->  .*    \(reference: (.+)\)"
    assert re.match(r"29 training pairs, 3 validation pairs; \d+ source and \d+ target tokens; ", lines[0])
    epochs = [number for number, line in enumerate(lines) if line.startswith("epoch ")]
    assert len(epochs) == 2
    for epoch, number in enumerate(epochs, start=1):
        scores = r"chrF \d+\.\d  exact \d+\.\d %"
        losses = r"loss \d\.\d{4}  validation loss \d\.\d{4} \(perplexity \d+\.\d\d\)"
        results = rf"epoch {epoch}/2  update \d+  {losses}  {scores}  [\d,]+ tokens/s  \d+\.\d s"
        assert re.match(results, lines[number])
        for line in lines[number + 1 : number + 3]:
            shown = re.fullmatch(sample, line)
            assert shown, line
            assert shown.groups() in trained.rows
    name = "invented.pairs.keras"
    assert lines[-1].startswith(f"saved {name} (epoch 2 of 2). Try: passerelle translate {name} ")
    assert trained.model.exists()
    assert sorted(path.suffix for path in trained.model.parent.iterdir()) == [".json", ".keras", ".run", ".tsv"]


def test_control_characters_of_the_data_are_not_printed(trained):
    """A terminal would interpret them as commands."""
    assert not set(trained.outcome.err) & {"\x1b", "\x9b"}


def test_pairs_from_standard_input_give_the_same_model(quick, trained, tmp_path):
    outcome = quick("train", "-", *trained.options, stdin=trained.pairs.read_bytes())
    assert outcome.status == 0, outcome.err
    assert sorted(os.listdir(tmp_path)) == ["model.keras", "model.run"]
    sources = "\n".join(source for source, _ in trained.rows).encode()
    translations = [quick("translate", model, stdin=sources).out for model in ("model.keras", trained.model)]
    assert translations[0] == translations[1], "the same seed gives the same model"


def test_options_and_save_split(quick, trained, tmp_path):
    outcome = quick(
        "train", trained.pairs, "--out", "new.keras", "--swap", "--limit", "20", "--validation", "0.25",
        "--save-split", "split", *trained.options[:4], "--epochs", "1",
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
    assert sorted(os.listdir(tmp_path)) == ["new.keras", "new.run", "split"]
    train, validation = ((tmp_path / "split" / name).read_text() for name in ("train.tsv", "validation.tsv"))
    assert (train.count("\n"), validation.count("\n")) == (15, 5)
    swapped = {f"{target}\t{source}" for source, target in trained.rows[:20]}
    assert set(train.splitlines()) | set(validation.splitlines()) == swapped


def test_several_seeds_and_the_command_for_their_ensemble(quick, trained, tmp_path):
    outcome = quick(
        "train", trained.pairs, "--out", "m.keras", "--save-split", "split", *trained.options, "--seeds", "3"
    )
    assert outcome.status == 0, outcome.err
    names = ["m-1.keras", "m-2.keras", "m-3.keras"]
    runs = ["m-1.run", "m-2.run", "m-3.run"]
    assert sorted(os.listdir(tmp_path)) == sorted([*names, *runs, "split"])
    lines = outcome.err.splitlines()
    assert sum("training pairs" in line for line in lines) == 1, "one split for all"
    messages = [line for line in lines if line.startswith(("translator", "saved"))]
    assert messages[:5] == [
        "translator 1 of 3, seed 1", "saved m-1.keras (epoch 2 of 2)",
        "translator 2 of 3, seed 2", "saved m-2.keras (epoch 2 of 2)",
        "translator 3 of 3, seed 3",
    ]  # fmt: skip
    command, text = re.fullmatch(
        r"saved m-3\.keras \(epoch 2 of 2\)\. Try: passerelle (translate .*) '(.*)'", messages[5]
    ).groups()
    assert command == "translate m-1.keras --with m-2.keras --with m-3.keras"
    assert quick(*command.split(), text).out.count("\n") == 1

    facts = [quick("describe", name).out for name in names]
    assert [re.search(r"^seed = (\d+)$", text, re.M)[1] for text in facts] == ["1", "2", "3"]
    assert len({tuple(re.findall(r"^# (?:training|validation) sha256.*$", text, re.M)) for text in facts}) == 1
    assert len({re.search(r"^# epoch 2  loss \S+", text, re.M)[0] for text in facts}) == 3
    sources = "\n".join(source for source, _ in trained.rows).encode()
    first, single = (quick("translate", model, stdin=sources).out for model in (names[0], trained.model))
    assert first == single, "the first of several equals the one of --seed without --seeds"


@posix
def test_a_disk_that_is_full_while_saving(quick, trained, tmp_path):
    old = tmp_path / "mine.keras"
    old.write_bytes(trained.model.read_bytes())
    outcome = quick("train", trained.pairs, "--out", old, "--overwrite", *trained.options, file_limit=20_000)
    assert outcome.status == 2, outcome
    assert "Traceback" not in outcome.err
    assert outcome.err.splitlines()[-1].startswith(f"passerelle: error: {old} ")
    assert old.read_bytes() == trained.model.read_bytes()
    assert os.listdir(tmp_path) == ["mine.keras"]


@posix
def test_ctrl_c_saves_the_best_checkpoint(spawn, quick, trained, tmp_path):
    process = spawn("train", trained.pairs, "--out", "early.keras", *trained.options[:4], "--epochs", "100000")
    lines_until(process.stderr, r"^epoch 2/")
    process.send_signal(signal.SIGINT)
    err = process.stderr.read().decode()
    assert process.wait(60) == 130, err
    assert "Traceback" not in err
    assert re.search(r"interrupted; saved early\.keras with the best checkpoint so far \(epoch \d+ of \d+\)", err)
    assert err.endswith(". Continue: passerelle train --resume early.run\n")
    assert sorted(os.listdir(tmp_path)) == ["early.keras", "early.run"]
    outcome = quick("translate", "early.keras", "A cat sees it.")
    assert (outcome.status, outcome.out.count("\n")) == (0, 1)


@posix
def test_ctrl_c_in_the_second_of_several_trainings(spawn, quick, trained, tmp_path):
    process = spawn("train", trained.pairs, "--out", "m.keras", *trained.options[:4], "--epochs", "500", "--seeds", "3")
    lines_until(process.stderr, r"^translator 2 of 3, seed 2\n")
    lines_until(process.stderr, r"^epoch 2/")
    process.send_signal(signal.SIGINT)
    err = process.stderr.read().decode()
    assert process.wait(60) == 130, err
    assert "Traceback" not in err
    assert "translator 3" not in err
    assert re.search(r"interrupted; saved m-2\.keras with the best checkpoint so far \(epoch \d+ of \d+\)", err)
    assert err.endswith(". Continue: passerelle train --resume m-2.run\n")
    assert sorted(os.listdir(tmp_path)) == ["m-1.keras", "m-1.run", "m-2.keras", "m-2.run"]
    outcome = quick("translate", "m-1.keras", "--with", "m-2.keras", "A cat sees it.")
    assert (outcome.status, outcome.out.count("\n")) == (0, 1), outcome.err


@posix
def test_ctrl_c_before_training_writes_nothing(spawn, tmp_path):
    process = spawn("train", "-", "--out", "none.keras")
    # More than fits into a pipe: once all is written, the process is reading.
    writer = threading.Thread(target=process.stdin.write, args=(b"source\ttarget\n" * 40_000,))
    writer.start()
    writer.join(60)
    assert not writer.is_alive()
    process.send_signal(signal.SIGINT)
    err = process.stderr.read().decode()
    assert process.wait(60) == 130, err
    assert err == "passerelle: interrupted; the step in progress wrote nothing.\n"
    assert os.listdir(tmp_path) == []
