"""Checkpoints after each update."""

import math

import pytest

from passerelle.runs import checkpoints
from passerelle.runs.checkpoints import Checkpoints


@pytest.fixture
def often(monkeypatch):
    """Write a checkpoint after each update, whatever it costs."""
    monkeypatch.setattr(checkpoints, "MAX_SHARE", math.inf)
    original = Checkpoints.__init__

    def init(self, folder, *, seconds, report, reserve=0):
        original(self, folder, seconds=0.0, report=report, reserve=reserve)

    monkeypatch.setattr(Checkpoints, "__init__", init)
