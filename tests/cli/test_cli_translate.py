"""passerelle translate: lines, unknown tokens, ensembles, interactive use, closed pipes and full disks."""

import dataclasses
import json
import os
import queue
import signal
import threading

import pytest

import passerelle
from passerelle.data.reading import read_pairs
from passerelle.evaluation.metrics import score
from passerelle.experiment.building import build
from passerelle.preparation import prepare
from passerelle.settings import choose_settings

posix = pytest.mark.skipif(os.name != "posix", reason="signals and pipes of POSIX")
ODD = "a\u2028b\u0085c\x0bd"


@pytest.fixture
def reading():
    """A function of a process's stream that returns a function: the next line within 60 seconds; None at the end."""

    def follow(stream):
        lines = queue.Queue()

        def read():
            for line in stream:
                lines.put(line.decode())
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        return lambda: lines.get(timeout=60)

    return follow


def test_every_process_gives_the_same_translations(run, quick, trained):
    texts = [source for source, _ in trained.rows[:5]]
    new = run("translate", trained.model, *texts)
    assert new.status == 0, new.err
    assert len(new.out.splitlines()) == 5
    assert new.out.strip(), "not empty"
    again = quick("translate", trained.model, stdin="\n".join(texts).encode())
    assert again.out == new.out


def test_one_line_out_for_each_line_in(quick, trained):
    sources = [source for source, _ in trained.rows]
    lines = [*sources[:3], "", "   ", "\u00a0", ODD, sources[0] + "\r", *reversed(sources), "no line end"]
    outcome = quick("translate", trained.model, stdin="\n".join(lines).encode())
    assert outcome.status == 0, outcome.err
    assert outcome.out.endswith("\n")
    found = outcome.out.removesuffix("\n").split("\n")
    assert len(found) == len(lines)
    assert found[3:6] == ["", "", ""]
    assert found[7] == found[0], "a CR before the line end does not belong to the text"
    assert found[-2:-5:-1] == found[:3], "the last lines repeat the first ones"
    assert not set("\u2028\u0085\x0b\x0c\r") & set(outcome.out)


def test_no_text_and_empty_texts(quick, trained):
    assert quick("translate", trained.model).out == ""
    outcome = quick("translate", trained.model, "", " ")
    assert (outcome.status, outcome.out, outcome.err) == (0, "\n\n", "")


def test_texts_that_look_like_options(quick, trained):
    outcome = quick("translate", trained.model, "--", "-5 degrees", "--help")
    assert (outcome.status, outcome.out.count("\n")) == (0, 2), outcome.err


def test_unknown_characters_are_reported_once(quick, trained):
    outcome = quick("translate", trained.model, stdin="A çat\nßees ça\nÇ ß\n".encode())
    assert outcome.status == 0
    assert outcome.out.count("\n") == 3
    reports = [line for line in outcome.err.splitlines() if "unknown" in line]
    assert reports == ["passerelle: unknown tokens (not in the vocabulary): 'Ç' 'ß' 'ç'"]


@pytest.mark.skipif(os.name != "posix", reason="arguments that are not Unicode")
def test_bytes_that_are_not_utf8(quick, run, trained):
    outcome = run("translate", trained.model, b"A c\xe9t")
    assert (outcome.status, outcome.out.count("\n")) == (0, 1), outcome.err
    assert r"'\udce9'" in outcome.err
    piped = quick("translate", trained.model, stdin=b"A cat\nA c\xe9t\n")
    assert piped.status == 2
    assert "standard input, line 2: byte 9 (0xe9) is not UTF-8; it is" in piped.err.splitlines()[-1]
    assert "Traceback" not in piped.err
    assert piped.out.count("\n") <= 1


@pytest.fixture
def untrained(trained, tmp_path):
    """A function that saves an untrained model with another network, with the vocabularies of the same pairs."""

    def save(name, *, swap=False):
        settings = choose_settings(preset="tutorial", units=6, settings={"network": {"cell": "gru", "unknown": True}})
        build(prepare(read_pairs(trained.pairs, swap=swap), settings)).save(tmp_path / name)
        return tmp_path / name

    return save


def test_an_ensemble(quick, trained, untrained):
    other = untrained("other.keras")
    translators = [passerelle.load(path) for path in (trained.model, other)]
    rows = trained.rows[:12]
    sources = [source for source, _ in rows]
    expected = translators[0].ensemble_with(translators[1:]).translate(sources, beam=1)
    assert expected not in [translator.translate(sources) for translator in translators]
    lines = [" ".join(text.splitlines()) for text in expected]
    piped = quick("translate", trained.model, "--with", other, "--beam", "1", stdin="\n".join(sources).encode())
    assert (piped.status, piped.out.split("\n")) == (0, [*lines, ""]), piped.err
    mixed = quick("translate", other, sources[0], "--with", trained.model, sources[1], "--beam", "1")
    assert mixed.out.split("\n") == [*lines[:2], ""]
    report = quick("evaluate", trained.model, trained.pairs, "--limit", "12", "--with", other, "--beam", "1", "--json")
    assert report.status == 0, report.err
    assert json.loads(report.out) == dataclasses.asdict(score(expected, [[target] for _, target in rows]))


def test_an_ensemble_of_models_with_different_vocabularies_is_refused(quick, trained, untrained):
    swapped = untrained("swapped.keras", swap=True)
    for command, text in (("translate", "A cat sees it."), ("evaluate", trained.pairs)):
        outcome = quick(command, trained.model, text, "--with", trained.model, "--with", swapped)
        assert outcome.refused() == (
            "the translators of an ensemble must share their tokenizers; number 3 differs from the first in: source "
            "tokens, target tokens. Train all of them on the same split of the same pairs."
        )
    assert quick("translate", trained.model, "--with", "no.keras", "x").refused().startswith("no.keras: no such file. ")


def test_a_text_that_is_much_longer_than_in_training(quick, trained):
    outcome = quick("translate", trained.model, "A cat sees it. " * 100)
    assert (outcome.status, outcome.out.count("\n")) == (0, 1), outcome.err


def test_each_line_is_translated_before_the_next_is_written(spawn, reading, trained):
    process = spawn("translate", trained.model)
    next_translation = reading(process.stdout)
    translations = []
    for text in ("A cat sees it.", "", "A dog likes it."):
        process.stdin.write(f"{text}\n".encode())
        process.stdin.flush()
        translations.append(next_translation())
    process.stdin.close()
    assert next_translation() is None
    assert process.wait(60) == 0
    assert all(line.endswith("\n") for line in translations)
    assert translations[1] == "\n"


@posix
def test_ctrl_c_while_waiting_for_a_line(spawn, reading, trained):
    process = spawn("translate", trained.model)
    process.stdin.write(b"A cat sees it.\n")
    process.stdin.flush()
    assert reading(process.stdout)() is not None
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    err = process.stderr.read().decode()
    assert "Traceback" not in err
    assert "Fatal" not in err
    assert err.splitlines()[-1].startswith("passerelle: interrupted")


@posix
def test_a_reader_that_closes_the_pipe(spawn, trained):
    """Like `passerelle translate MODEL | head -1`, with more lines to come."""
    process = spawn("translate", trained.model)
    process.stdin.write(b"A cat sees it.\n")
    process.stdin.flush()
    assert process.stdout.readline().endswith(b"\n")
    process.stdout.close()
    # Standard input stays open, like that of a person who types: the process must not wait for its end.
    process.stdin.write(b"A dog likes it.\n")
    process.stdin.flush()
    assert process.wait(60) == 141
    err = process.stderr.read().decode()
    assert "Traceback" not in err
    assert "Fatal" not in err
    assert "Exception" not in err
    assert "BrokenPipe" not in err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full exists on Linux only")
@pytest.mark.parametrize("command", ["phrasebook", "translate", "describe"])
def test_a_full_disk(quick, trained, command):
    arguments = {"phrasebook": [], "translate": [trained.model, "A cat."], "describe": [trained.model]}[command]
    outcome = quick(command, *arguments, stdout="/dev/full")
    assert outcome.status == 2, outcome
    assert outcome.err.splitlines()[-1] == (
        "passerelle: error: standard output cannot be written: No space left on device."
    )
    assert "Traceback" not in outcome.err
    assert "Exception" not in outcome.err
