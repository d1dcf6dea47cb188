"""Ray Data: the bytes of one process, also if a worker is killed. Skipped if Ray is not installed."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from passerelle.errors import DataError, SettingsError
from passerelle.integrations import ray as integration

ray = pytest.importorskip("ray", reason="needs the extra ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

LINES = ["He is tired.", "", "line\u2028separator", "Ça va ?", "x" * 40]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster of two processors on this machine."""
    paths = os.pathsep.join([str(Path(integration.__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = {"env_vars": {"PYTHONPATH": paths}}
    ray.init(num_cpus=2, include_dashboard=False, logging_level="error", runtime_env=environment)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model file and its translator, with random weights."""
    import passerelle
    from passerelle.experiment import build
    from passerelle.preparation import prepare
    from passerelle.settings import choose_settings

    pairs = [(f"{noun} is {word}.", f"{noun} est {word} !") for noun in ("He", "She") for word in ("tired", "young")]
    path = tmp_path_factory.mktemp("ray") / "model.keras"
    build(prepare(pairs, choose_settings(units=8), validation=0)).save(path)
    return path, passerelle.load(path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "in.txt").write_text("\n".join(LINES * 60), encoding="utf-8")
    return tmp_path / "in.txt"


def expected(model: Any, **options: Any) -> str:
    translations = model[1].translate(LINES, **options)
    return "".join(f"{' '.join(text.splitlines())}\n" for text in translations) * 60


def test_lines_are_read_as_by_the_command(cluster: None, source: Path) -> None:
    for blocks in (None, 1, 7):
        dataset = integration.read_lines(source, blocks=blocks)
        dataset.context.execution_options.preserve_order = True
        assert [row["text"] for row in dataset.iter_rows()] == LINES * 60
    with pytest.raises(DataError, match="no such file"):
        integration.read_lines(source.parent / "absent")


def test_the_file_is_that_of_one_process(cluster: None, model: Any, source: Path) -> None:
    lines = integration.read_lines(source, blocks=5)
    out = source.parent / "out.txt"
    integration.write_lines(integration.translate_dataset(lines, model[0], batch_size=37, beam=2), out)
    assert out.read_text(encoding="utf-8") == expected(model, beam=2)


def test_other_columns_remain_and_a_translator_can_be_sent(cluster: None, model: Any) -> None:
    rows = ray.data.from_items([{"id": number, "en": text} for number, text in enumerate(LINES)])
    translated = integration.translate_dataset(rows, model[1], column="en", output="fr")
    found = sorted(translated.take_all(), key=lambda row: row["id"])
    assert [row["en"] for row in found] == LINES
    assert [row["fr"] for row in found] == model[1].translate(LINES)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_killed_worker_changes_nothing(cluster: None, model: Any, source: Path, tmp_path: Path) -> None:
    killed = tmp_path / "killed"

    class Dying:
        """A translator whose process is killed within its second batch, once."""

        calls = 0

        def translate(self, texts: list[str], **options: Any) -> list[str]:
            Dying.calls += 1
            if Dying.calls == 2 and not killed.exists():
                killed.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return model[1].translate(texts, **options)

    out = tmp_path / "out.txt"
    translated = integration.translate_dataset(integration.read_lines(source, blocks=3), Dying(), batch_size=50)
    integration.write_lines(translated, out)
    assert killed.exists()
    assert out.read_text(encoding="utf-8") == expected(model)


def test_bad_arguments_are_refused_at_once(cluster: None, model: Any) -> None:
    rows = ray.data.from_items([{"text": "a"}])
    with pytest.raises(SettingsError, match="one processor of which reads the dataset"):
        integration.translate_dataset(rows, model[0], actors=2)
    with pytest.raises(SettingsError, match="0 GPUs"):
        integration.translate_dataset(rows, model[0], num_gpus=1)
    with pytest.raises(SettingsError, match="beem"):
        integration.translate_dataset(rows, model[0], beem=2)
    with pytest.raises(SettingsError, match="no such file"):
        integration.translate_dataset(rows, "absent.keras")
