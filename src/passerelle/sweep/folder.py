"""The folder of a sweep: its description, the database of trials, the table, and the models of the best trials."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from passerelle.data.checksum import file_sha256
from passerelle.data.locks import locked
from passerelle.data.writing import prepare_folder, write_atomically
from passerelle.errors import OutputError, RunError

__all__ = ["SUFFIX", "SweepFolder"]

SUFFIX = ".sweep"
"""End of the name of a sweep's folder: `BEST.sweep` next to `BEST.keras`."""


class SweepFolder:
    """The folder of one sweep.

    Attributes:
        path: the folder.
        database: the trials, in a SQLite database of Optuna.
        table: the trials as tab-separated text.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self.database, self.table = self.path / "trials.sqlite", self.path / "trials.tsv"
        self._description, self._saved = self.path / "sweep.json", self.path / "saved.json"

    def __str__(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        """Return whether the folder contains a sweep."""
        return self._description.is_file()

    def model(self, trial: int) -> Path:
        """Return the path of the model of a trial, by its number in the database."""
        return self.path / f"trial-{trial}.keras"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Create the folder and lock it for this process.

        Raises:
            OutputError: if it cannot be created, or contains anything else.
            RunError: if another process works in it.
        """
        if self.path.is_dir() and not self.exists() and any(self.path.glob("[!.]*")):
            raise OutputError(f"{self} exists and is not the folder of a sweep. Name another output.")
        prepare_folder(self.path)
        with locked(self.path / ".lock", RunError(f"another process works on {self}. Wait until it ends, or end it.")):
            yield

    def begin(self, description: Mapping[str, Any]) -> None:
        """Begin a sweep, or go on with the one in the folder.

        Args:
            description: JSON values by name that must not change within a sweep.

        Raises:
            RunError: if the sweep in the folder has another description.
        """
        described = json.loads(json.dumps(description, default=str))
        if not self.exists():
            self.database.unlink(missing_ok=True)
            self._write(self._description, described)
            return
        before = self._read(self._description)
        if differing := next((name for name in described if before.get(name) != described[name]), None):
            raise RunError(
                f"{self} has other {differing}. Continue it with the same {differing} as before, add --overwrite to "
                f"begin again, or name another output."
            )

    def discard(self) -> None:
        """Remove the sweep, but not its best model elsewhere."""
        self._description.unlink(missing_ok=True)  # first: without it, the folder is that of no sweep
        for path in (self.database, self.table, self._saved, *self.path.glob("trial-*.keras")):
            path.unlink(missing_ok=True)

    def keep_model(self, trial: int | None) -> None:
        """Remove the models of all other trials."""
        for path in self.path.glob("trial-*.keras"):
            if trial is None or path != self.model(trial):
                path.unlink(missing_ok=True)

    def save(self, trial: int, out: Path) -> None:
        """Copy the model of a trial to `out`, and remember its checksum.

        Raises:
            OutputError: if it cannot be written.
        """
        with open(self.model(trial), "rb") as model:
            write_atomically(out, lambda stream: shutil.copyfileobj(model, stream))
        self._write(self._saved, {"sha256": file_sha256(out)})

    def wrote(self, path: Path) -> bool:
        """Return whether a file is, unchanged, the model that this sweep saved."""
        try:
            return self._read(self._saved).get("sha256") == file_sha256(path)
        except OSError:
            return False

    def _write(self, path: Path, values: Any) -> None:
        write_atomically(path, lambda stream: stream.write(json.dumps(values, indent=1).encode()))

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            values = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return values if isinstance(values, dict) else {}
