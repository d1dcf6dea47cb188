"""The folder of a run: its files, and the lock that keeps a second process out."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import tomli_w

from passerelle.bundle.json_text import parse_json
from passerelle.data.checksum import file_sha256
from passerelle.data.locks import locked
from passerelle.data.writing import prepare_folder, require_writable_file, write_atomically
from passerelle.errors import ModelFileError, OutputError, RunError, SettingsError
from passerelle.runs.description import Description

__all__ = ["SUFFIX", "RunFolder"]

SUFFIX = ".run"
"""End of the default name of a run's folder: `MODEL.run` next to `MODEL.keras`."""

MAX_SIZE = 2**24
"""Maximum size of `run.json` and `outcome.json` in bytes; real ones have a few thousand."""


class RunFolder:
    """The folder of one run.

    Attributes:
        path: the folder.
        checkpoints: the folder of the checkpoints in it.
        data: the folder of the texts and ids of large pairs in it, see `data.storage.Storage`.
        log, table, samples, curve: files with the results of each validation: JSON lines, CSV, translations, the
            loss curve.
        settings: the resolved settings as TOML, for `--settings`.
        pairs, validation, corrections, old, old_validation: copies of pairs that no file contains; they exist only
            where needed.
        windows, validation_windows: the same for the windows of a forecaster.
        refit: the folder of the second training of a forecaster, on all windows.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.data = self.path / "data"
        self.log, self.table = self.path / "log.jsonl", self.path / "log.csv"
        self.samples, self.curve = self.path / "samples.tsv", self.path / "loss.svg"
        self.settings = self.path / "settings.toml"
        self.pairs, self.validation = self.path / "pairs.jsonl", self.path / "validation.jsonl"
        self.corrections, self.old = self.path / "corrections.jsonl", self.path / "old.jsonl"
        self.old_validation = self.path / "old-validation.jsonl"
        self.windows, self.validation_windows = self.path / "windows.npz", self.path / "validation-windows.npz"
        self.refit = self.path / "refit"
        self._description, self._outcome = self.path / "run.json", self.path / "outcome.json"
        self._lock = self.path / ".lock"

    def __str__(self) -> str:
        return str(self.path)

    def is_run(self) -> bool:
        """Return whether the folder contains a run."""
        return self._description.is_file()

    def require_creatable(self, *, overwrite: bool = False) -> None:
        """Check that a run can be begun in this folder; call it before a long computation.

        Raises:
            OutputError: if the folder contains a run that must not be replaced, or anything else, or cannot be created.
        """
        if not os.path.lexists(self.path):
            require_writable_file(self.path)
            return
        if self.is_run():
            if not overwrite:
                raise OutputError(f"{self} is the folder of an earlier run. Resume that run, or name another folder.")
        elif not self.path.is_dir() or self._has_other_files():
            raise OutputError(f"{self} exists and is not the folder of a run. Name another folder.")
        prepare_folder(self.path)

    def _has_other_files(self) -> bool:
        """Return whether the folder has more than a process leaves that was killed while it created the run."""
        own = {path.name for path in (*self._files(), self.checkpoints, self.data, self.refit, self._lock)}
        names = {path.name for path in self.path.iterdir()} - own
        return any(not (name.startswith(".") and name.endswith(".tmp")) for name in names)

    def _files(self) -> tuple[Path, ...]:
        return (
            self._description, self._outcome, self.log, self.table, self.samples, self.curve, self.settings, self.pairs,
            self.validation, self.corrections, self.old, self.old_validation, self.windows, self.validation_windows,
        )  # fmt: skip

    def create(self, *, keep_data: bool = False, overwrite: bool = False) -> None:
        """Create the folder of a new run, without the files of an earlier one.

        Args:
            keep_data: whether the texts and ids of large pairs are those of the new run.
            overwrite: whether an earlier run may be replaced.

        Raises:
            OutputError: if it cannot be created.
        """
        self.require_creatable(overwrite=overwrite)
        self.discard(keep_folder=True)
        if not keep_data:
            self.discard_data()
        prepare_folder(self.path)
        prepare_folder(self.checkpoints)

    def describe(self, description: Description) -> None:
        """Write `run.json` and `settings.toml`.

        Raises:
            OutputError: if they cannot be written.
        """
        settings = (description.resolved or description.settings).model_dump(exclude_none=True)
        write_atomically(self.settings, lambda stream: stream.write(tomli_w.dumps(settings).encode()))
        self._write(self._description, description.to_json())

    def description(self) -> Description:
        """Read `run.json`.

        Raises:
            RunError: if the folder is not that of a run, or the file is damaged or from another version.
        """
        if not self.is_run():
            problem = " is not the folder of a run" if self.path.exists() else ": no such folder"
            raise RunError(f"{self}{problem}. Name the folder that train wrote.")
        try:
            return Description.from_json(self._read(self._description))
        except (RunError, SettingsError) as error:
            reason = str(error)
            raise RunError(f"{self} cannot be resumed: {reason}{'' if reason.endswith(('.', '?')) else '.'}") from None
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError, ModelFileError) as error:
            raise RunError(f"{self._description} is damaged: {error}. Start another run.") from None

    def outcome(self) -> dict[str, Any]:
        """Read `outcome.json`, the end of the last process; empty if it was killed, or the file cannot be read."""
        with suppress(OSError, ModelFileError, ValueError):
            values = self._read(self._outcome)
            return values if isinstance(values, dict) else {}
        return {}

    def write_outcome(self, model: Path, *, stopped: str, finished: bool) -> None:
        """Write how the process ended, and the checksum of the model file that it saved.

        Args:
            model: path of the model file.
            stopped: reason of the end; empty if all epochs were trained.
            finished: whether nothing is left to train.

        Raises:
            OutputError: if it cannot be written.
            OSError: if the model file cannot be read.
        """
        values = {"finished": finished, "stopped": stopped, "model": str(model.absolute())}
        values |= {"sha256": file_sha256(model)}
        self._write(self._outcome, values)

    def wrote(self, model: Path) -> bool:
        """Return whether a model file is, unchanged, the one that this run saved last."""
        try:
            return self.outcome().get("sha256") == file_sha256(model)
        except OSError:
            return False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Create the folder and lock it for this process; the system unlocks it when the process ends, even if killed.

        Raises:
            OutputError: if it cannot be created.
            RunError: if another process trains in it.
        """
        prepare_folder(self.path)
        with locked(self._lock, RunError(f"another process trains in {self}. Wait until it ends, or end it.")):
            yield

    def discard(self, *, keep_folder: bool = False) -> None:
        """Remove the files of a run, and the folder with its `data` if nothing else is in it."""
        self._description.unlink(missing_ok=True)  # first: without it, the folder is that of no run
        for folder in (self.checkpoints, self.refit):
            if not folder.is_symlink():
                shutil.rmtree(folder, ignore_errors=True)
        for path in (*self._files(), *([] if keep_folder else [self._lock])):
            path.unlink(missing_ok=True)
        if not keep_folder:
            self.discard_data()

    def discard_data(self) -> None:
        """Remove the texts and ids of large pairs, and the folder if nothing else is in it."""
        if not self.data.is_symlink():
            shutil.rmtree(self.data, ignore_errors=True)
        with suppress(OSError):
            self.path.rmdir()

    def _write(self, path: Path, values: dict[str, Any]) -> None:
        write_atomically(path, lambda stream: stream.write(json.dumps(values, indent=1).encode()))

    def _read(self, path: Path) -> Any:
        with open(path, "rb") as stream:
            data = stream.read(MAX_SIZE + 1)
        if len(data) > MAX_SIZE:
            raise ValueError(f"it is larger than {MAX_SIZE:,} bytes")
        return parse_json(data, path.name)
