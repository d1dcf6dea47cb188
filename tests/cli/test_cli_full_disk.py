"""A full disk at each place that is written: output, temporary folder, cache, log and standard output."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a small file system in memory needs Linux")


@pytest.fixture
def full(tmp_path):
    """Return the folder of a file system that has no space left."""
    folder = tmp_path / "full"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=64", "tmpfs", folder]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a file system")
    try:
        with pytest.raises(OSError, match="No space left"), open(folder / "filler", "wb", buffering=0) as stream:
            while True:
                stream.write(bytes(1024))
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_output_folder_is_noticed_before_training(quick, trained, full):
    outcome = quick("train", trained.pairs, "--out", full / "m.keras", *trained.options)
    assert outcome.status == 2
    assert "\nepoch " not in outcome.err
    message = outcome.err.splitlines()[-1]
    assert message.startswith(f"passerelle: error: {full / 'm.keras'} cannot be written: no space left in the folder ")
    assert str(full) in message
    assert os.listdir(full) == ["filler"]


def test_space_for_the_whole_model_is_required_before_training(quick, trained, full):
    (full / "filler").unlink()
    (full / "filler").write_bytes(bytes(20_000))  # some space, but less than two files of 20 KB need
    outcome = quick("train", trained.pairs, "--out", full / "m.keras", *trained.options[:2], "--units", "64")
    assert outcome.status == 2
    assert "\nepoch " not in outcome.err
    assert "no space left in the folder" in outcome.err
    assert os.listdir(full) == ["filler"]


def test_a_full_temporary_folder_cache_and_log_end_no_training(run, trained, full, tmp_path):
    environment = {name: str(full) for name in ("TMPDIR", "XDG_CACHE_HOME", "JAX_COMPILATION_CACHE_DIR")}
    with open(full / "log", "wb") as log:
        process = subprocess.run(
            [sys.executable, "-m", "passerelle", "train", trained.pairs, "--out", "m.keras", *trained.options],
            cwd=tmp_path, env=os.environ | environment, stderr=log, stdout=subprocess.PIPE, timeout=90,
        )  # fmt: skip
    assert (process.returncode, process.stdout) == (0, b"")
    assert sorted(os.listdir(tmp_path)) == ["full", "m.keras", "m.run"]
    assert (full / "log").read_bytes() == b""
    outcome = run("translate", "m.keras", "A cat sees it.", environment=environment)
    assert (outcome.status, outcome.out.count("\n")) == (0, 1), outcome.err


def test_a_full_disk_behind_the_translations(quick, trained, full, tmp_path):
    text = "A cat sees it."
    outcome = quick("translate", trained.model, text, stdout=full / "out.txt")
    assert outcome.refused() == "standard output cannot be written: No space left on device."
    outcome = quick("translate", trained.model, text, "--out", full / "out2.txt")
    assert outcome.refused().startswith(f"{full / 'out2.txt'} cannot be written: No space left on device.")
    encode = ["encode", trained.model, text, "--out", full / "v.npy"]
    for command in (encode, ["diagram", trained.model, "--out", full]):
        assert "cannot be written: no space left in the folder" in quick(*command).refused()
    assert [(name, (full / name).stat().st_size) for name in sorted(os.listdir(full)) if name != "filler"] == [
        ("out.txt", 0),
        ("out2.txt", 0),
    ]


@pytest.fixture
def small(tmp_path):
    """Return the folder of a file system of 2 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_is_too_small_for_checkpoints_ends_no_training(quick, trained, small, tmp_path):
    """The model is saved all the same: checkpoints leave the space that it needs."""
    options = ["--preset", "tutorial", "--units", "100", "--epochs", "8"]
    outcome = quick("train", trained.pairs, "--out", small / "m.keras", *options)
    assert outcome.status == 0, outcome.err
    assert outcome.err.count("no checkpoint: ") == 1
    assert ". Training goes on without; the next checkpoint is tried when due\n" in outcome.err
    assert quick("train", trained.pairs, "--out", "whole.keras", *options, "--no-run").status == 0
    texts = [quick("translate", model, "A cat sees it.").out for model in (small / "m.keras", "whole.keras")]
    assert texts[0] == texts[1]
    assert not [path for path in (small / "m.run" / "checkpoints").iterdir() if path.name.startswith(".")]


def test_a_disk_that_is_full_for_a_while(quick, trained, small, tmp_path):
    """The run goes on without checkpoints, and can be resumed from the last one that fitted."""
    options = ["--preset", "tutorial", "--units", "16", "--epochs", "400"]
    (small / "filler").write_bytes(bytes(1_300_000))
    outcome = quick("train", trained.pairs, "--out", tmp_path / "m.keras", "--run", small / "r.run", *options)
    assert outcome.status == 0, outcome.err
    kept = list((small / "r.run" / "checkpoints").glob("*.safetensors"))
    assert kept
    longer = quick("train", "--resume", small / "r.run", "--epochs", "401")
    assert longer.status == 0, longer.err
