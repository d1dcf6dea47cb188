"""passerelle train --find-learning-rate and --tensorboard."""

import json
import os
import re

import pytest


@pytest.mark.slow
def test_a_sweep_suggests_a_rate_and_leaves_only_a_picture(quick, trained, tmp_path):
    words = ("train", trained.pairs, "--preset", "tutorial", "--units", "8", "--batch-size", "8", "--out", "m.keras")
    outcome = quick(*words, "--find-learning-rate")
    assert outcome.status == 0, outcome.err
    assert re.fullmatch(r"suggested learning rate: (\S+) \(now 0\.001\); use it with --learning-rate \1\n", outcome.out)
    assert os.listdir(tmp_path) == ["m.learning-rate.svg"]
    assert (tmp_path / "m.learning-rate.svg").read_text().startswith("<svg")
    assert quick(*words, "--find-learning-rate").refused().startswith("m.learning-rate.svg exists. Add --overwrite")


@pytest.mark.parametrize(
    "words", [["--seeds", "2"], ["--no-run"], ["--save-split", "s"], ["--run", "r"], ["--resume", "r"]]
)
def test_a_sweep_refuses_options_of_models(words, quick, trained):
    message = quick("train", trained.pairs, "--find-learning-rate", *words).refused()
    assert message == f"{words[0]} cannot be used with --find-learning-rate, which trains no model. Leave it out."


def test_a_resumed_run_goes_on_with_its_tensorboard_logs(quick, trained, tmp_path):
    assert quick("train", trained.pairs, "--out", "m.keras", "--units", "8", "--epochs", "1").status == 0
    path = tmp_path / "m.run" / "run.json"
    description = json.loads(path.read_text())
    assert description["tensorboard"] == ""
    path.write_text(json.dumps(description | {"tensorboard": str(tmp_path / "logs")}))
    outcome = quick("train", "--resume", "m.run", "--epochs", "2")
    try:
        import tensorboardX  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError:
        assert outcome.refused().startswith("TensorBoard logs require the package tensorboardX.")
    else:
        assert outcome.status == 0, outcome.err
        assert any((tmp_path / "logs" / "m").iterdir())


def test_a_missing_tensorboard_package_is_told_before_training(quick, trained, tmp_path):
    try:
        import tensorboardX  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError:
        pass
    else:
        pytest.skip("tensorboardX is installed")
    message = quick("train", trained.pairs, "--out", "m.keras", "--tensorboard", "logs").refused()
    assert message.startswith("TensorBoard logs require the package tensorboardX. Install it: pip install ")
    assert not os.listdir(tmp_path)
