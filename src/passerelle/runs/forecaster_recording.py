"""The run of a forecaster: its windows are read again, or copied; a second training has a folder in that of the run."""

import hashlib
import json
from dataclasses import replace

from passerelle.data.window_files import write_windows
from passerelle.data.windows import Windows
from passerelle.runs.folder import RunFolder
from passerelle.runs.recording import Recording
from passerelle.runs.windows_source import WindowsSource
from passerelle.settings import Settings
from passerelle.window_preparation import PreparedWindows, prepare_windows

__all__ = ["ForecasterRecording"]


class ForecasterRecording(Recording[PreparedWindows]):
    """The run of a forecaster; see `Recording`.

    Its `originals` are all windows, which are copied if the source names no file.
    """

    source = WindowsSource

    @property
    def data(self) -> WindowsSource:
        """Source of the windows."""
        return self.description.data  # pyright: ignore[reportReturnType]

    def prepare(self) -> tuple[PreparedWindows, Windows]:
        """Read and prepare the windows of a run that goes on; return them prepared, and all windows.

        Raises:
            DataError: if the windows cannot be read.
        """
        windows, training, held_out = self.data.read(self.folder.windows, self.folder.validation_windows)
        return prepare_windows(training, held_out, self.description.settings, self.data.layout), windows

    def refit(self, settings: Settings) -> "ForecasterRecording":
        """Return the recording of the second training, on all windows; it goes on if it began with these settings.

        Args:
            settings: the settings of the second training.
        """
        folder = RunFolder(self.folder.refit)
        description = replace(self.description, settings=settings, resolved=None)
        before = folder.description() if folder.is_run() else None
        if before is not None and before.settings == settings:
            description = replace(before, commands=self.description.commands)
        return ForecasterRecording(
            folder,
            description,
            self._report,
            resumed=before is not None and before.settings == settings,
            overwrite=True,
            inform=self._inform,
        )

    def fingerprints(self, prepared: PreparedWindows) -> dict[str, str]:
        signature = json.dumps(prepared.signature.to_json(), sort_keys=True)
        return {
            "training windows": prepared.training.fingerprint(),
            "validation windows": prepared.validation.fingerprint(),
            "fields": hashlib.sha256(signature.encode("utf-8", "surrogatepass")).hexdigest(),
        }

    def write_copies(self, prepared: PreparedWindows) -> None:
        if self._originals is None or self.data.path:
            return
        write_windows(self.folder.windows, self._originals)
        if self.data.validation is None:
            write_windows(self.folder.validation_windows, prepared.validation)
