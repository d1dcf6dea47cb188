"""Where the windows of a forecaster's run can be read again: a file of time series or arrays, or a copy."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from passerelle.data.layout import Layout
from passerelle.data.window_files import read_copied_windows, read_windows
from passerelle.data.windows import DEFAULT_SHARE, Windows

__all__ = ["WindowsSource"]


@dataclass(frozen=True)
class WindowsSource:
    """The windows of a run.

    Attributes:
        path: absolute path of a file of time series or arrays; empty for a copy in the run's folder.
        layout: complete layout of the time series; None for arrays and copies.
        stride: steps from one window to the next.
        validation: share of the time that is held out; None if the validation windows have a copy of their own.
        refit: whether the network is trained once more at the end, on all windows.
    """

    trains: ClassVar[str] = "forecaster"
    resume_words: ClassVar[str] = "passerelle train-forecaster --resume, or passerelle.resume_forecaster"

    path: str = ""
    layout: Layout | None = None
    stride: int = 1
    validation: float | None = DEFAULT_SHARE
    refit: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """The file of the windows; none for a copy."""
        return (self.path,) if self.path else ()

    def read(self, copy: Path, validation_copy: Path) -> tuple[Windows, Windows, Windows]:
        """Read all windows; return them, the training windows and the validation windows.

        Args:
            copy: path of the copy of the windows, used if there is no file.
            validation_copy: path of the copy of validation windows, used if they are not held out.

        Raises:
            DataError: if they cannot be read.
        """
        windows = (
            read_windows(self.path, self.layout, stride=self.stride)[0] if self.path else read_copied_windows(copy)
        )
        if self.validation is None:
            return windows, windows, read_copied_windows(validation_copy)
        return windows, *windows.split(self.validation)

    def to_json(self) -> dict[str, Any]:
        """Return the source as JSON values."""
        layout = None if self.layout is None else self.layout.to_json()
        return {**self.__dict__, "layout": layout}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the source that `to_json` converted; raise a ValueError or similar if it is none."""
        layout = None if values["layout"] is None else Layout.from_json(values["layout"])
        stride, validation = values["stride"], values["validation"]
        if type(stride) is not int or stride < 1:
            raise ValueError("`stride` must be at least 1")
        validation = None if validation is None else float(validation)
        return cls(str(values["path"]), layout, stride, validation, bool(values["refit"]))
