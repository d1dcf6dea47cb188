"""A run that is recorded in its folder: begun or resumed, with its checkpoints and its logs."""

import json
import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from passerelle.bundle.model_file import space_to_save
from passerelle.errors import RunError
from passerelle.fields.signature import Signature
from passerelle.runs.checkpoints import Checkpoints, checkpoint_files, restore_newest
from passerelle.runs.data_source import DataSource
from passerelle.runs.description import (
    Description,
    check_fingerprints,
    current_versions,
    extended,
    with_command,
)
from passerelle.runs.folder import RunFolder
from passerelle.runs.logs import Logs
from passerelle.runs.windows_source import WindowsSource
from passerelle.settings import Settings
from passerelle.training.callbacks.callback import Callback
from passerelle.training.state import TrainingState

__all__ = ["PreparedData", "Recording", "Report", "warn"]

Report = Callable[[str], object]

_OTHER_SHAPES = "the weights in the checkpoint do not have the shapes of the network. Start another run."


class PreparedData(Protocol):
    """What a recording reads of prepared data, whatever is trained on it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def signature(self) -> Signature: ...


Data = TypeVar("Data", bound=PreparedData)


class Recording(ABC, Generic[Data]):
    """A run and its folder. As a context manager, it locks the folder.

    If an error or a signal ends a new run before its first checkpoint, the folder is removed: there is nothing to
    resume.

    Args:
        folder: the run's folder.
        description: what is trained.
        report: receives problems, one line each.
        resumed: whether the run was begun by an earlier process.
        originals: the data of a new run as it was read, for copies; see the class.
        overwrite: whether an earlier run in the folder may be replaced.
        inform: receives lines that are no problems.

    Attributes:
        folder, resumed: the arguments.
        description: complete after `begin`.
    """

    source: ClassVar[type[DataSource] | type[WindowsSource]]
    """Type of the description's `data`."""

    def __init__(
        self,
        folder: RunFolder,
        description: Description,
        report: Report,
        *,
        resumed: bool = False,
        originals: Any = None,
        overwrite: bool = False,
        inform: Report = lambda message: None,
    ):
        self.folder = folder
        self.description = description
        self.resumed = resumed
        self._report = report
        self._inform = inform
        self._originals = originals
        self._overwrite = overwrite
        self._locked = ExitStack()
        self._reserve = 0
        self._logs: Logs | None = None
        self._begun = resumed

    @classmethod
    def resume(
        cls,
        path: str | os.PathLike[str],
        report: Report,
        *,
        command: Sequence[str],
        change: Callable[[Settings], Settings] = lambda settings: settings,
        inform: Report = lambda message: None,
    ) -> Self:
        """Return the recording of a run that goes on.

        Args:
            path: the run's folder.
            report: receives problems, one line each.
            command: the command that resumes the run.
            change: settings of the run -> settings with the changes that were asked for.
            inform: receives lines that are no problems.

        Raises:
            RunError: if it is not the folder of a run, damaged, or the run of something else.
            SettingsError: if the changes do more than extend the run.
        """
        folder = RunFolder(path)
        before = folder.description()
        if not isinstance(before.data, cls.source):
            raise RunError(f"{folder} is the run of a {before.data.trains}. Resume it with {before.data.resume_words}.")
        settings = extended(before.settings, change(before.settings))
        return cls(folder, with_command(before, command, settings), report, resumed=True, inform=inform)

    def __enter__(self) -> Self:
        self._locked.enter_context(self.folder.locked())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            mine = self._begun or not self.folder.is_run()  # else an earlier run that would have been replaced
            if error is not None and mine and not self.resumed and not self.has_checkpoint():
                self.folder.discard()
            if error is None and self._logs is not None:
                self._logs.draw_curve()
        finally:
            self._locked.close()

    def has_checkpoint(self) -> bool:
        """Return whether there is anything from which the run can go on."""
        return bool(checkpoint_files(self.folder.checkpoints))

    def is_finished(self, model: Path) -> bool:
        """Return whether the run has ended, nothing extends it, and a model file is the one that it saved."""
        resolved = self.description.resolved
        if not self.resumed or resolved is None or not self.folder.outcome().get("finished"):
            return False
        before, now = resolved.training, self.description.settings.training
        return (before.epochs, before.minutes) == (now.epochs, now.minutes) and self.folder.wrote(model)

    @abstractmethod
    def fingerprints(self, prepared: Data) -> dict[str, str]:
        """Return the SHA-256 of everything that the training reads, by its name in messages."""

    @abstractmethod
    def write_copies(self, prepared: Data) -> None:
        """Write copies of the data that cannot be read again into the folder of a new run.

        Raises:
            OutputError: if they cannot be written.
        """

    def keeps_stored_data(self, prepared: Data) -> bool:
        """Return whether data of the run lies in the folder's `data` already."""
        return False

    def begin(self, prepared: Data, network: Any) -> TrainingState | None:
        """Write the description, and restore the newest checkpoint of a run that goes on.

        Args:
            prepared: the prepared data.
            network: the network before training.

        Returns:
            The training state to continue from; None to train from the beginning.

        Raises:
            OutputError: if the folder cannot be written.
            RunError: if the data changed, or the checkpoint does not fit the network.
        """
        self._reserve = self._space_of_the_model(prepared, network)
        if not self.resumed:
            self.description = self.description.prepared_with(prepared.settings, self.fingerprints(prepared))
            self._begun = True
            self.folder.create(keep_data=self.keeps_stored_data(prepared), overwrite=self._overwrite)
            self.write_copies(prepared)
            self.folder.describe(self.description)
            return None
        fingerprints = self.fingerprints(prepared)
        check_fingerprints(self.description, fingerprints)
        self._compare_versions()
        state = restore_newest(self.folder.checkpoints, self._report)
        self.description = self.description.prepared_with(prepared.settings, fingerprints)
        self.folder.describe(self.description)
        if state is not None:
            _check_weights(state, network)
        where = "its beginning" if state is None else f"epoch {state.epoch}, update {state.position + 1}"
        self._inform(f"resuming {self.folder} from {where}")
        return state

    def callbacks(self) -> list[Callback]:
        """Return the callbacks that write the logs and the checkpoints; the checkpoint of an epoch comes last."""
        seconds = self.description.checkpoint_seconds
        checkpoints = Checkpoints(self.folder.checkpoints, seconds=seconds, report=self._report, reserve=self._reserve)
        self._logs = Logs(self.folder, self._report)
        return [self._logs, checkpoints]

    def saved(self, model: Path, record: Mapping[str, Any]) -> None:
        """Note that the model was saved, so that a run that goes on may replace it.

        Args:
            model: path of the model file.
            record: its training record.

        Raises:
            OutputError, OSError: if the note cannot be written.
        """
        self.folder.write_outcome(model, stopped=record["stopped"], finished=not record["interrupted"])

    def _compare_versions(self) -> None:
        before, now = self.description.versions or {}, current_versions()
        for name in now:
            if before.get(name) != now[name]:
                self._report(
                    f"the run began with {name} {before.get(name, 'of an unknown version')}, and goes on with "
                    f"{now[name]}: its weights will be the same only to rounding, if at all"
                )

    def _space_of_the_model(self, prepared: Data, network: Any) -> int:
        """Return the bytes that saving the model needs in the file system of the checkpoints."""
        out = Path(self.description.out)
        if not self.description.out or os.stat(out.parent).st_dev != os.stat(self.folder.path).st_dev:
            return 0
        content = 2 * len(json.dumps(prepared.signature.to_json())) + 2**16  # with settings and training record
        return sum(space_to_save(network, content))


def warn(message: str) -> None:
    """Report a problem of a run in Python, as a warning."""
    warnings.warn(message, RuntimeWarning, stacklevel=2)


def _check_weights(state: TrainingState, network: Any) -> None:
    """Check the shapes of the weights of finished epochs; `check_fit` checks the other arrays."""
    expected = [tuple(weight.shape) for weight in network.weights]
    for weights in (state.best.weights, state.last):
        if weights and [weight.shape for weight in weights] != expected:
            raise RunError(_OTHER_SHAPES)
    trainable = [tuple(weight.shape) for weight in network.trainable_weights]
    recent = [weight.shape for weight in state.recent]
    if recent != trainable * (len(recent) // max(1, len(trainable))):
        raise RunError(_OTHER_SHAPES)
