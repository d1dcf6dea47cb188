"""Rows of batches over two processes: the losses and weights of one process, to rounding."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from passerelle.parallel.channel import free_port

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="JAX has gloo on POSIX only")]
SIDE = {"units": 6, "embedding": 6}
SMALL = {"encoder": SIDE, "decoder": SIDE, "dropout": 0.3}
BLOCK = {"units": 8, "layers": 1, "embedding": 8, "feed_forward": 8}
CASES = {
    "compact": {"preset": "compact", "network": SMALL | {"recurrent_dropout": 0.2}},
    "scheduled sampling with accumulation": {
        "preset": "compact",
        "network": SMALL,
        "training": {"decoder_inputs": "scheduled_sampling", "accumulation": 2, "label_smoothing": 0.1},
    },
    "copying": {"preset": "pointer", "network": SMALL, "training": {"copy_masking": 0.5}},
    "transformer": {
        "preset": "transformer",
        "network": {"dropout": 0.3, "heads": 2, "encoder": BLOCK, "decoder": BLOCK},
    },
}
SECONDS = 600
"""Maximum time of all processes, for slow machines."""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Results of one process, and of each of two that train together."""
    folder, address = tmp_path_factory.mktemp("updates"), f"127.0.0.1:{free_port()}"
    script, started = Path(__file__).with_name("updates.py"), []
    paths = [folder / f"{name}.npz" for name in ("alone", "first", "second")]
    try:
        for path, place in zip(paths, [(0, 1), (0, 2), (1, 2)], strict=True):
            arguments = [sys.executable, script, json.dumps(CASES), path, *map(str, place), address]
            started.append(subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
        errors = [process.communicate(timeout=SECONDS)[1] for process in started]
        assert [process.returncode for process in started] == [0, 0, 0], errors
    finally:
        for process in started:
            process.kill()
            process.communicate()
    return [dict(np.load(path)) for path in paths]


@pytest.mark.parametrize("case", CASES)
def test_two_processes_make_the_updates_of_one(found, case):
    alone, *together = found
    assert alone[f"{case}/losses"][0] > 1.0
    for each in together:
        assert each[f"{case}/exchanges"].tolist() == ["all_reduce"]
        np.testing.assert_allclose(each[f"{case}/losses"], alone[f"{case}/losses"], atol=1e-5)
        np.testing.assert_allclose(each[f"{case}/weights"], alone[f"{case}/weights"], atol=1e-4)
    np.testing.assert_array_equal(together[0][f"{case}/weights"], together[1][f"{case}/weights"])
