"""passerelle translate --in --out --resume: an output file that can be resumed after any interruption."""

import json
import os
import signal
import time
from typing import Any

import pytest

posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture
def source(trained: Any, tmp_path: Any) -> Any:
    """A file of twelve lines, four of them blank.

    The other lines have the same length and fill one batch; so do the last four of them. A batch of another shape runs
    another program, which rounds differently: the last digit of a score would depend on where the file was cut.
    """
    texts = [text for text, _ in trained.rows[:8]]
    for position in (3, 4, 7, 9):
        texts.insert(position, "")
    (tmp_path / "in.txt").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return tmp_path / "in.txt"


@pytest.mark.fast
def test_input_and_output_files(quick: Any, trained: Any, source: Any) -> None:
    expected = quick("translate", trained.model, stdin=source.read_bytes()).out
    outcome = quick("translate", trained.model, "--in", source, "--out", "out.txt")
    assert (outcome.status, outcome.out) == (0, "")
    assert (source.parent / "out.txt").read_text(encoding="utf-8") == expected
    assert outcome.err.splitlines()[-1].startswith("passerelle: 12 lines in ")
    assert outcome.err.endswith(" lines per second\n")
    again = quick("translate", trained.model, "--in", source, "--out", "out.txt")
    assert "out.txt exists and is not empty." in again.refused()
    assert quick("translate", trained.model, "--in", source).out == expected


@pytest.mark.parametrize(
    "options",
    [[], ["--n-best", "2"], ["--n-best", "3", "--scores"], ["--json"], ["--scores"]],
    ids=lambda options: "".join(options) or "plain",
)
def test_resume_a_file_that_is_cut_anywhere(quick: Any, trained: Any, source: Any, options: list[str]) -> None:
    out = source.parent / "out.txt"
    arguments = ["translate", trained.model, "--in", source, "--out", out, *options]
    assert quick(*arguments).status == 0
    complete = out.read_bytes()
    middle = len(complete) // 3
    for cut in (0, middle, complete.index(b"\n", middle) + 1, len(complete)):
        out.write_bytes(complete[:cut])
        outcome = quick(*arguments, "--resume")
        assert outcome.status == 0, outcome.err
        assert out.read_bytes() == complete
    if "--json" in options:
        assert [json.loads(line)["source"] for line in complete.decode().splitlines()] == source.read_text(
            encoding="utf-8"
        ).split("\n")[:-1]


def test_resume_with_texts_as_arguments(quick: Any, trained: Any, tmp_path: Any) -> None:
    texts = [text for text, _ in trained.rows[:3]]
    expected = quick("translate", trained.model, *texts).out.splitlines(keepends=True)
    (tmp_path / "out.txt").write_text(expected[0], encoding="utf-8")
    assert quick("translate", trained.model, *texts, "--out", "out.txt", "--resume").status == 0
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "".join(expected)


@pytest.mark.fast
def test_bad_options_are_refused(quick: Any, trained: Any, source: Any) -> None:
    def refused(*arguments: Any) -> str:
        return quick("translate", trained.model, *arguments).refused()

    (source.parent / "out.txt").write_text("x\n" * 13, encoding="utf-8")
    assert refused("A cat", "--in", source) == "TEXTS and --in cannot be combined. Use one of them."
    assert refused("--resume").startswith("--resume requires --out FILE")
    assert refused("--in", source, "--out", source, "--resume").startswith("--in and --out are the same file")
    assert "out.txt, line 1 was written with other" in refused("--in", source, "--out", "out.txt", "--resume", "--json")
    assert "already has the translations of 13." in refused("--in", source, "--out", "out.txt", "--resume")
    assert refused("--in", "no.txt").startswith("no.txt: no such file.")


@posix
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_after_a_signal_the_file_has_complete_lines(
    spawn: Any, quick: Any, trained: Any, source: Any, signal_number: Any
) -> None:
    out = source.parent / "out.txt"
    expected = quick("translate", trained.model, stdin=source.read_bytes()).out
    process = spawn("translate", trained.model, "--out", out)
    process.stdin.write(source.read_bytes()[: source.read_bytes().index(b"\n") + 1])
    process.stdin.flush()
    until = time.monotonic() + 60
    while not (out.exists() and out.stat().st_size) and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal_number)
    assert process.wait(60) == (-9 if signal_number == signal.SIGKILL else 128 + signal_number)
    assert out.read_text(encoding="utf-8") == expected.splitlines(keepends=True)[0]
    assert quick("translate", trained.model, "--in", source, "--out", out, "--resume").status == 0
    assert out.read_text(encoding="utf-8") == expected


def test_the_speed_of_many_lines_is_reported(quick: Any, trained: Any) -> None:
    outcome = quick("translate", trained.model, stdin=b"A cat\n" * 1000)
    assert outcome.out.count("\n") == 1000
    assert outcome.err.splitlines()[-1].startswith("passerelle: 1,000 lines in ")


def test_split_texts_are_reported_once(quick: Any, trained: Any) -> None:
    text = "A cat sees it. A dog likes it. " * 20
    options = ["--split-sentences", "never"]
    outcome = quick("translate", trained.model, *options, stdin=f"{text}\nA cat\n{text}\n".encode())
    assert (outcome.status, outcome.out.count("\n")) == (0, 3)
    reports = [line for line in outcome.err.splitlines() if "longer" in line]
    assert len(reports) == 1
    assert reports[0].startswith("passerelle: 2 texts were longer than ")
    assert reports[0].endswith(" tokens, twice the longest training text, and were translated sentence by sentence")


def test_texts_of_several_sentences_are_reported(quick: Any, trained: Any) -> None:
    """One line names the texts, or counts them if they are many; JSON lines say it as well."""
    two, three = "A cat sees it. A dog likes it.", "A cat sees it. A dog likes it! A bird."
    reason = "at the ends of sentences, since training sources usually have one; --split-sentences never translates"

    def reports(*arguments: Any) -> list[str]:
        outcome = quick("translate", trained.model, *arguments)
        assert outcome.status == 0
        return [line for line in outcome.err.splitlines() if "split" in line]

    assert reports(two) == [f"passerelle: text 1 was split into 2 parts {reason} each text as a whole"]
    (few,) = reports("A cat", two, three)
    assert few.startswith(f"passerelle: split text 2 into 2 parts, text 3 into 3 parts {reason}")
    (many,) = reports(*[two, three] * 4)
    assert many.startswith(f"passerelle: 8 texts were split into 20 parts {reason}")
    assert reports("A cat", two, "--split-sentences", "never") == []
    (always,) = reports("A cat", two, "--split-sentences", "always")
    assert "since" not in always
    found = [json.loads(line) for line in quick("translate", trained.model, two, "A cat", "--json").out.splitlines()]
    assert [(one["parts"], one["split_by"]) for one in found] == [(2, "sentences"), (1, "")]
    contradiction = quick("translate", trained.model, two, "--split-sentences", "always", "--prefix", "x").refused()
    assert "constrained texts are not split" in contradiction


def test_a_text_that_is_too_long_for_memory(quick: Any, trained: Any, tmp_path: Any) -> None:
    (tmp_path / "in.txt").write_text("A cat\n" + "x" * 6_000_000 + "\n", encoding="utf-8")
    long_lines = ["--max-line", "6000000"]
    refused = quick("translate", trained.model, "--in", "in.txt", *long_lines).refused()
    assert refused.startswith(
        "in.txt, line 2 is too long: its 6,000,000 tokens cannot be processed in parts and require"
    )
    out = tmp_path / "out.txt"
    out.write_text("\n", encoding="utf-8")
    again = quick("translate", trained.model, "--in", "in.txt", "--out", out, "--resume", *long_lines).refused()
    assert again.startswith("in.txt, line 2 is too long")


def test_constrained_texts_of_several_sentences_stay_whole(quick: Any, trained: Any) -> None:
    text = "The cat sees us. The dog sees us."
    outcome = quick("translate", trained.model, text, "The cat sees us.", "--forbid", "zzz")
    assert (
        "passerelle: texts with more sentences than training sources usually have: 1. They were not split"
        in outcome.err
    )
    assert "--split-sentences" not in outcome.err


def test_scores_and_json_exclude_each_other(quick: Any, trained: Any) -> None:
    assert (
        "--scores and --json exclude each other"
        in quick("translate", trained.model, "a", "--json", "--scores").refused()
    )


def test_evaluate_reports_sources_that_are_split(quick: Any, trained: Any, tmp_path: Any) -> None:
    pairs = tmp_path / "test.tsv"
    pairs.write_text("The cat sees us. The dog sees us.\tx\nThe cat.\ty\n", encoding="utf-8")
    outcome = quick("evaluate", trained.model, pairs, "--json")
    assert json.loads(outcome.out)["split"] == 1
    assert "1 of 2 sources are too long or have more sentences" in outcome.err
    assert json.loads(quick("evaluate", trained.model, pairs, "--json", "--split-sentences", "never").out)["split"] == 0
