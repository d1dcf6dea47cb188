"""passerelle translate --shard: parts of a file, their outputs, and interruptions."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture
def source(trained: Any, tmp_path: Path) -> Path:
    """A file of lines with blank ones, a byte order mark and CRLF."""
    texts = [text for text, _ in trained.rows] + ["", "Hi…", ""]
    (tmp_path / "in.txt").write_bytes(b"\xef\xbb\xbf" + "".join(f"{text}\r\n" for text in texts).encode())
    return tmp_path / "in.txt"


def join(folder: Path, pattern: str) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob(pattern)))


@pytest.mark.parametrize("options", [[], ["--n-best", "2"]], ids=["plain", "n-best"])
def test_joined_outputs_are_the_output_of_one_process(
    quick: Any, trained: Any, source: Path, options: list[str]
) -> None:
    command = ["translate", trained.model, "--in", source, *options]
    assert quick(*command, "--out", "whole.txt").status == 0
    for count in (1, 3, 12):
        for number in range(1, count + 1):
            outcome = quick(*command, "--out", f"{count}.{{shard}}", "--shard", f"{number}/{count}")
            assert outcome.status == 0, outcome.err
        assert join(source.parent, f"{count}.*") == (source.parent / "whole.txt").read_bytes()
    assert sorted(path.name for path in source.parent.glob("12.*"))[1] == "12.02-of-12"


def test_texts_keep_their_numbers_in_the_file(quick: Any, trained: Any, source: Path) -> None:
    for number in (1, 2):
        quick("translate", trained.model, "--in", source, "--out", "o.{shard}", "--shard", f"{number}/2", "--scores")
    numbers = [int(line.partition(b"\t")[0]) for line in join(source.parent, "o.*").splitlines()]
    assert numbers == list(range(1, len(source.read_bytes().splitlines()) + 1))


def test_a_shard_that_was_cut_anywhere_continues(quick: Any, trained: Any, source: Path) -> None:
    arguments = ["translate", trained.model, "--in", source, "--out", "out.txt", "--shard", "2/2", "--scores"]
    assert quick(*arguments).status == 0
    out, folder = source.parent / "out.txt", source.parent / ".out.txt.shard"
    complete = out.read_bytes()
    assert sorted(path.name for path in folder.iterdir() if path.name != "lock") == ["description.json"]
    for cut in (0, len(complete) // 3, complete.index(b"\n", len(complete) // 2) + 1, len(complete)):
        out.unlink()
        (folder / "lines").write_bytes(complete[:cut])
        outcome = quick(*arguments)
        assert outcome.status == 0, outcome.err
        # The last digit of a score depends on the batch, and so on the cut.
        texts = [line.rpartition(b"\t")[2] for line in out.read_bytes().splitlines()]
        assert texts == [line.rpartition(b"\t")[2] for line in complete.splitlines()]
        assert out.read_bytes()[:cut] == complete[:cut]
        assert not (folder / "lines").exists()


@posix
@pytest.mark.slow
def test_a_killed_shard_leaves_no_output_and_continues(spawn: Any, quick: Any, trained: Any, tmp_path: Path) -> None:
    texts = [text for text, _ in trained.rows]
    (tmp_path / "in.txt").write_text("".join(f"{text}\n" for text in (texts * 3000)[:50_000]), encoding="utf-8")
    arguments = ["translate", trained.model, "--in", "in.txt", "--out", "out.txt", "--shard", "1/1"]
    process = spawn(*arguments)
    lines = tmp_path / ".out.txt.shard" / "lines"
    while process.poll() is None and not (lines.exists() and lines.stat().st_size):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    begun = lines.read_bytes()
    assert begun
    assert not (tmp_path / "out.txt").exists()
    outcome = quick(*arguments)
    assert outcome.status == 0, outcome.err
    written = (tmp_path / "out.txt").read_bytes()
    assert written.startswith(begun)
    assert written.count(b"\n") == 50_000
    # Equal texts have equal translations, before and after the interruption.
    translations = written.split(b"\n")
    assert translations[: len(texts)] == translations[len(texts) * 1000 : len(texts) * 1001]


def test_other_options_do_not_continue_an_output(quick: Any, trained: Any, source: Path) -> None:
    arguments = ["translate", trained.model, "--in", source, "--out", "out.txt", "--shard", "1/2"]
    assert quick(*arguments).status == 0
    again = quick(*arguments)
    assert (again.status, again.err) == (0, "passerelle: out.txt is already complete\n")
    message = quick(*arguments, "--beam", "3").refused()
    assert message.startswith("out.txt exists, and another command wrote it. Add --overwrite")
    assert quick(*arguments, "--beam", "3", "--overwrite").status == 0
    out, folder = source.parent / "out.txt", source.parent / ".out.txt.shard"
    assert json.loads((folder / "description.json").read_text(encoding="utf-8"))["search"] == {"beam": 3}
    out.rename(folder / "lines")
    assert "was begun with another value of: search." in quick(*arguments).refused()
    arguments[-1] = "2/2"
    assert "was begun with another value of: shard." in quick(*arguments, "--beam", "3").refused()
    with open(source, "ab") as stream:
        stream.write(b"One more.\r\n" * 20)
    assert "was begun with another value of: input." in quick(*arguments[:-1], "1/2", "--beam", "3").refused()
    out.write_text("by hand\n", encoding="utf-8")
    assert "out.txt exists, and another command wrote it." in quick(*arguments).refused()


def test_a_launcher_names_the_shard(run: Any, trained: Any, source: Path) -> None:
    command = ["translate", trained.model, "--in", source, "--shard", "auto", "--out", "out.{shard}"]
    outcome = run(*command, environment={"SLURM_PROCID": "2", "SLURM_NTASKS": "10"})
    assert outcome.status == 0, outcome.err
    assert (source.parent / "out.03-of-10").exists()
    outcome = run(*command[:-1], "out.txt", environment={"RANK": "0", "WORLD_SIZE": "2"})
    assert outcome.refused().startswith("--shard auto requires {shard} in the name of --out")


def test_bad_options_are_refused(quick: Any, trained: Any, source: Path) -> None:
    def refused(*arguments: Any) -> str:
        return quick("translate", trained.model, *arguments).refused()

    files = ["--in", source, "--out", "out.txt"]
    for value in ("0/2", "3/2", "2", "a/b", "1/0", "-1/2", "1/2/3", "1.5/2", "٣/٤"):
        assert refused(*files, f"--shard={value}").startswith("--shard must be K/N with K from 1 to N")
    assert refused("--shard", "1/2").startswith("--shard requires two files")
    assert refused("--shard", "1/2", "--in", "-", "--out", "out.txt").startswith("--shard requires two files")
    assert refused("--shard", "1/2", "--in", source).startswith("--shard requires two files")
    assert refused("A cat", "--shard", "1/2", *files).startswith("TEXTS and --in cannot be combined")
    assert refused(*files[:2], "--out", source, "--shard", "1/2").startswith("--in and --out are the same file")
    assert not (source.parent / "out.txt").exists()
