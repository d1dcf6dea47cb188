"""TensorBoard logs, with a fake of tensorboardX's interface and, where it is installed, the real one."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from passerelle.errors import SettingsError
from passerelle.runs.tensorboard import TensorBoard
from passerelle.settings import TrainingSettings
from passerelle.training.history import Sample, Translations
from passerelle.training.state import TrainingState
from passerelle.training.trainer import fit


class FakeWriter:
    """Records calls, as `tensorboardX.SummaryWriter` would write them."""

    made: list["FakeWriter"]
    error: OSError | None = None

    def __init__(self, logdir: str, purge_step: int | None = None):
        self.logdir, self.purge_step = logdir, purge_step
        self.scalars: list[tuple[str, float, int]] = []
        self.texts: list[tuple[str, str, int]] = []
        self.closed = False
        self.made.append(self)

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        if self.error:
            raise self.error
        self.scalars.append((tag, float(value), step))

    def add_text(self, tag: str, text: str, step: int) -> None:
        self.texts.append((tag, text, step))

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeWriter]:
    FakeWriter.made, FakeWriter.error = [], None
    monkeypatch.setitem(sys.modules, "tensorboardX", SimpleNamespace(SummaryWriter=FakeWriter))
    return FakeWriter


def run(callback: Any, network: Any, make_batches: Any, state: TrainingState | None = None, epochs: int = 2) -> Any:
    settings = TrainingSettings(epochs=epochs, optimizer="sgd", learning_rate=0.1)
    return fit(
        network, make_batches(8, 4), make_batches(4, 4, data=1), settings, callbacks=[callback], state=state,
        translate=lambda: Translations(30.0, 5.0, (Sample("s", "t", "r"),)),
    )  # fmt: skip


def test_results_are_written(fake: Any, make_small_network: Any, make_batches: Any) -> None:
    history = run(TensorBoard("logs"), make_small_network(), make_batches)
    (writer,) = fake.made
    assert (writer.logdir, writer.purge_step, writer.closed) == ("logs", None, True)
    for step, epoch in zip((2, 4), history.intervals, strict=True):
        expected = {
            "loss/training": epoch.loss, "loss/validation": epoch.validation_loss, "updates/skipped": 0.0,
            "translation/chrf": 30.0, "updates/learning_rate": 0.1,
        }  # fmt: skip
        written = {tag: value for tag, value, at in writer.scalars if at == step}
        assert {tag: written[tag] for tag in expected} == expected
    assert writer.texts[0] == ("samples/1", "s -> t (reference: r)", 2)


def test_a_resumed_run_replaces_later_epochs(fake: Any, make_small_network: Any, make_batches: Any) -> None:
    state = TrainingState.from_seed(1)
    run(TensorBoard("logs"), make_small_network(), make_batches, state, epochs=1)
    run(TensorBoard("logs"), make_small_network(), make_batches, state, epochs=3)
    assert [writer.purge_step for writer in fake.made] == [None, 3]


def test_errors_in_writing_end_no_training(fake: Any, make_small_network: Any, make_batches: Any) -> None:
    fake.error = OSError(28, "No space left on device")
    told: list[str] = []
    history = run(TensorBoard("logs", told.append), make_small_network(), make_batches)
    assert len(history.intervals) == 2
    (line,) = told
    assert line.startswith("the TensorBoard logs in logs are not complete: ")


def test_the_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(SettingsError, match=r"require the package tensorboardX\. Install it: pip install"):
        TensorBoard("logs")


def test_the_real_package_writes_events(tmp_path: Any, make_small_network: Any, make_batches: Any) -> None:
    pytest.importorskip("tensorboardX", reason="the extra tensorboard is not installed")
    run(TensorBoard(tmp_path / "logs"), make_small_network(), make_batches)
    (events,) = (tmp_path / "logs").iterdir()
    content = events.read_bytes()
    assert b"loss/validation" in content
    assert b"translation/chrf" in content
