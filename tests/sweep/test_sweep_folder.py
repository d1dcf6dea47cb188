"""The folder of a sweep."""

from pathlib import Path

import pytest

from passerelle.errors import OutputError, RunError
from passerelle.sweep.folder import SweepFolder


def test_a_sweep_goes_on_only_with_the_same_description(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path / "a.sweep")
    with folder.locked():
        folder.begin({"space": {"units": (1, 2)}, "objective": "chrf"})
        with pytest.raises(RunError, match="another process"), SweepFolder(folder.path).locked():
            pass
    with folder.locked():
        folder.begin({"space": {"units": (1, 2)}, "objective": "chrf"})
        with pytest.raises(RunError, match="has other objective"):
            folder.begin({"space": {"units": (1, 2)}, "objective": "loss"})
        folder.discard()
        folder.begin({"space": {}, "objective": "loss"})


def test_the_model_that_a_sweep_saved_is_recognized(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path / "a.sweep")
    out = tmp_path / "a.keras"
    with folder.locked():
        folder.begin({})
        for trial in (1, 2):
            folder.model(trial).write_bytes(b"%d" % trial)
        folder.keep_model(2)
        assert not folder.model(1).exists()
        folder.save(2, out)
    assert out.read_bytes() == b"2"
    assert folder.wrote(out)
    out.write_bytes(b"mine")
    assert not folder.wrote(out)
    assert not folder.wrote(tmp_path / "absent.keras")


def test_another_folder_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "a.sweep").mkdir()
    (tmp_path / "a.sweep" / "mine.txt").touch()
    with pytest.raises(OutputError, match="is not the folder of a sweep"), SweepFolder(tmp_path / "a.sweep").locked():
        pass
