"""Untrained translators with random weights, whose outputs are diverse."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from passerelle.experiment.building import build
from passerelle.preparation import prepare
from passerelle.settings import choose_settings
from passerelle.translator import Translator

SIDE = {"embedding": 5, "units": 6}
ATTENTION_NETWORK = {"attention": "general", "encoder": SIDE, "decoder": SIDE}

_BLOCKS = SIDE | {"kind": "transformer", "layers": 2, "feed_forward": 9}
TRANSFORMER = {"attention": "multi-head", "heads": 2, "encoder": _BLOCKS, "decoder": _BLOCKS}


def untrained(
    pairs: Iterable[tuple[str, ...]], network: Any = None, *, seed: int = 3, spread: float = 1.0, **options: Any
) -> Translator:
    """Build a translator with a small attention network and random weights.

    Args:
        pairs: pairs for the vocabularies.
        network: changes to the network settings.
        seed: seed of the weights.
        spread: standard deviation of the weights.
        **options: other settings.
    """
    settings = choose_settings(settings={"network": ATTENTION_NETWORK | (network or {})}, **options)
    translator = build(prepare(list(pairs), settings, validation=0))
    random = np.random.default_rng(seed)
    weights = translator.network.get_weights()
    translator.network.set_weights([random.normal(0, spread, array.shape) for array in weights])
    return translator
