"""Training on pairs whose texts and ids lie in files, in processes: resuming, signals, a full disk."""

import os
import signal
import subprocess
import sys
import time

import pytest

PATCH = """
import time
import passerelle.data.collector as collector
import passerelle.data.encoded as encoded
import passerelle.data.stored_texts as stored_texts
collector.MAX_IN_MEMORY, collector.BLOCK, stored_texts.BLOCK = 0, 8, 8
written = encoded._written
def slow(*arguments):
    time.sleep({delay})
    return written(*arguments)
encoded._written = slow
from passerelle.cli import main
main()
"""
OPTIONS = ["--preset", "tutorial", "--units", "8", "--epochs", "1", "--level", "character"]


@pytest.fixture
def large(tmp_path):
    """Return a function that starts the command line, for which all pairs are large."""
    started = []

    def start(*arguments, delay=0):
        command = [sys.executable, "-c", PATCH.format(delay=delay), *map(str, arguments)]
        streams = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        started.append(subprocess.Popen(command, cwd=tmp_path, text=True, **streams))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_run_keeps_the_ids_and_uses_them_again(large, trained, tmp_path):
    process = large("train", trained.pairs, "--out", "m.keras", *OPTIONS)
    _, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    data = tmp_path / "m.run" / "data"
    written = {path.name: path.stat().st_mtime_ns for path in data.iterdir()}
    assert {"pairs.json", "split.json", "signature.json", "training.json"} <= set(written)
    process = large("train", "--resume", "m.run", "--epochs", "2", delay=600)  # encoding again would take ten minutes
    _, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    assert "\nepoch 2/2  update " in err
    assert {path.name: path.stat().st_mtime_ns for path in data.iterdir()} | {".lock": 0} == written | {".lock": 0}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_a_signal_while_pairs_are_prepared_leaves_nothing(large, trained, tmp_path):
    process = large("train", trained.pairs, "--out", "m.keras", *OPTIONS, delay=5)
    for _ in range(600):
        if (tmp_path / "m.run" / "data" / "signature.json").exists():
            break
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=90)
    assert process.returncode == 128 + signal.SIGTERM, err
    assert "Traceback" not in err
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="a small file system in memory needs Linux")
def test_a_disk_that_is_full_while_pairs_are_read(large, trained, tmp_path):
    folder = tmp_path / "full"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", folder]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a file system")
    try:
        process = large("train", trained.pairs, "--out", "m.keras", "--run", folder / "m.run", *OPTIONS)
        _, err = process.communicate(timeout=90)
        assert process.returncode == 2, err
        assert err.count("\n") == 1
        assert "the pairs are too large for the memory, and cannot be written to" in err
        assert "no space left in the folder" in err
        assert os.listdir(folder) == []
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
