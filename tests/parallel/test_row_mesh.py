"""Rows of batches over the devices of one process: the weights of one device, to rounding."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SIDE = {"units": 8, "embedding": 8}
SMALL = {"encoder": SIDE, "decoder": SIDE, "dropout": 0.3}
DEEP = {"units": 8, "layers": 2, "embedding": 8}
BLOCK = {"units": 8, "layers": 1, "embedding": 8, "feed_forward": 16}
CASES = [
    {"name": "compact", "preset": "compact", "network": SMALL | {"recurrent_dropout": 0.2}, "devices": [2, 3]},
    {
        "name": "scheduled sampling with accumulation",
        "preset": "compact",
        "network": SMALL,
        "training": {"decoder_inputs": "scheduled_sampling", "accumulation": 2, "label_smoothing": 0.1},
        "devices": [2],
    },
    {"name": "copying", "preset": "pointer", "network": SMALL, "training": {"copy_masking": 0.5}, "devices": [2]},
    {
        "name": "deep",
        "preset": "deep",
        "network": {"dropout": 0.3, "heads": 2, "encoder": DEEP, "decoder": DEEP},
        "devices": [2],
    },
    {
        "name": "transformer",
        "preset": "transformer",
        "network": {"dropout": 0.3, "heads": 2, "encoder": BLOCK, "decoder": BLOCK},
        "devices": [2],
    },
]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_weights_and_losses_are_those_of_one_device(case):
    """Batches of 7 rows do not divide by 2 or 3; the last one is not full."""
    script = Path(__file__).with_name("updates.py")
    done = subprocess.run(
        [sys.executable, script, json.dumps(case)],
        env=os.environ | {"JAX_NUM_CPU_DEVICES": "3", "NPROC": "1"},
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["devices"] for each in found] == case["devices"]
    for each in found:
        assert each["loss"] > 1.0
        assert each["exchanges"] == ["all_reduce"]
        assert each["losses"] < 1e-5, found
        assert each["weights"] < 1e-4, found
