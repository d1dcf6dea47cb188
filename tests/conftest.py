"""Shared fixtures: networks that cover all pairs of settings, example arrays, and a trained translator."""

import ctypes
import dataclasses
import gc
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from combinations import MAX_STEPS, Combination, cover
from networks import network_of

# The package does the same, but a test module may import Keras first.
os.environ.setdefault("KERAS_BACKEND", "jax")

SOURCE_SIZE = 10
"""Size of the source vocabulary, special tokens included."""

TARGET_SIZE = 9
TAG_SIZE = 7
PAD, FIRST_ORDINARY = 0, 4


FAST_COMPILATION_FLAGS = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
"""XLA flags for faster compilation: the compiler's older emitters, and no parallel code generation."""


def pytest_configure(config: pytest.Config) -> None:
    # Tests spend most of their time on compilation, so compiled programs are cached on disk, also across test runs.
    cache = config.cache
    if cache is not None:
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache.mkdir("jax")))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    # Without most optimizations, compilation takes a sixth of the time.
    os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    os.environ.setdefault("XLA_FLAGS", FAST_COMPILATION_FLAGS)
    # Background jobs of a shell ignore Ctrl-C, and so do their children. The tests of Ctrl-C need the default handler.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # NumPy warns inside Keras when a JAX array is converted to a NumPy array; tests cannot avoid it.
    config.addinivalue_line(
        "filterwarnings", "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
    )


MAX_MEMORY = 2**30
"""Memory of a test process in bytes above which compiled programs are removed from memory; they stay on disk."""

_memory_after_clearing = 0
"""Memory after the last removal. It prevents a removal after every test if memory in use exceeds the limit."""


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    # Programs also use memory mappings, and Linux kills a process with more than 65,530 of these.
    global _memory_after_clearing
    if "jax" not in sys.modules or _memory() < max(MAX_MEMORY, _memory_after_clearing + MAX_MEMORY // 2):
        return
    sys.modules["jax"].clear_caches()
    gc.collect()
    # `passerelle.runtime` tells the C library to keep freed memory; return it to the system here.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    _memory_after_clearing = _memory()


def _memory() -> int:
    """Return the memory of this process in bytes; 0 if the system does not provide it."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


COMBINATIONS = cover()

SLOW_FIXTURES = {"run", "quick", "shell", "spawn", "trained"}
"""Fixtures of tests/cli that start processes or wait for one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark further tests as slow: all combinations except the first two, and processes of the command line.

    Tests marked `fast` are not marked as slow, although they start processes.
    """
    for item in items:
        row = item.callspec.params.get("combination") if hasattr(item, "callspec") else None  # pyright: ignore
        fixtures = getattr(item, "fixturenames", ())
        if row in COMBINATIONS[2:] or (
            not SLOW_FIXTURES.isdisjoint(fixtures) and item.get_closest_marker("fast") is None
        ):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def combinations() -> list[Combination]:
    return COMBINATIONS


@pytest.fixture(scope="session", params=COMBINATIONS, ids=str)
def combination(request: pytest.FixtureRequest) -> Combination:
    """Each combination of network settings."""
    return request.param


class Harness:
    """A network with random weights and biases, and its three models as compiled functions."""

    def __init__(self, settings: dict[str, Any], seed: int = 1, *, tags: bool = False):
        from passerelle.models.compiled import compiled

        source_size = TARGET_SIZE if settings.get("tie") == "all" else SOURCE_SIZE
        self.network = network_of(settings, source_size, TARGET_SIZE, tags=TAG_SIZE if tags else 0)
        self.randomize_weights(seed)
        variables = self.network.variables
        self._training = compiled(self._teacher_forced, variables)
        self._encoder = compiled(self.network.inference_encoder, variables)
        self._decoder = compiled(self.network.inference_decoder, variables)

    def randomize_weights(self, seed: int) -> None:
        """Set random weights of the magnitude of trained ones: biases are not 0, embeddings are not tiny."""
        random = np.random.default_rng(seed)
        self.network.set_weights([random.normal(0, 0.5, w.shape) for w in self.network.get_weights()])

    def _teacher_forced(self, inputs: Any) -> Any:
        return self.network(inputs)

    def logits(self, source: Any, target: Any) -> np.ndarray:
        """Return the logits of the training model: float32 (batch, T, columns)."""
        return np.asarray(self._training(self.inputs(source) | {"target": _ids(target)}))

    def inputs(self, source: Any) -> dict[str, np.ndarray]:
        """Return the input arrays of the encoder."""
        inputs = {"source": _ids(source)}
        if self.network.settings.copying:
            inputs["target_copies"] = copies(source)
        if "tags" in self.network.inputs_spec:
            inputs["tags"] = tags_of(source)
        return inputs

    def begin(self, source: Any) -> dict[str, Any]:
        """Run the inference encoder; return memory and initial states, with a capacity of `MAX_STEPS`."""
        from passerelle.layers.cache import with_capacity

        return with_capacity(self._encoder(self.inputs(source)), MAX_STEPS)

    def decode(self, target: Any, state: dict[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Run the inference decoder; return its outputs and the new state."""
        outputs = self._decoder({"target": _ids(target), **state})
        new_state = state | {name: value for name, value in outputs.items() if name in state}
        return {name: np.asarray(value) for name, value in outputs.items()}, new_state


def _ids(values: Any) -> np.ndarray:
    return np.asarray(values, np.int32)


def copies(source: Any) -> np.ndarray:
    """Return the copy ids of a source, as if equal ids of both sides were equal tokens."""
    source = _ids(source)
    first = np.argmax(source[:, :, None] == source[:, None, :], axis=1)
    return np.where(
        (source == PAD) | ((source >= FIRST_ORDINARY) & (source < TARGET_SIZE)), source, TARGET_SIZE + first
    ).astype(np.int32)


def tags_of(source: Any) -> np.ndarray:
    """Return one to three tag ids for each row, depending on its first token; the third is unknown."""
    first = _ids(source)[:, :1] % 3
    return np.where(np.arange(3) <= first, [[4, 6, 1]], PAD).astype(np.int32)


@dataclass(frozen=True)
class Example:
    """Padded ids of three pairs.

    Attributes:
        source: int32 (3, 6), lengths 6, 2 and 4, with unknown tokens and tokens that the target vocabulary lacks.
        target: int32 (3, 7), START first, lengths 7, 3 and 5 including it, with an unknown token.
        source_lengths, target_lengths: these lengths.
    """

    source: np.ndarray
    target: np.ndarray
    source_lengths: tuple[int, ...] = (6, 2, 4)
    target_lengths: tuple[int, ...] = (7, 3, 5)

    def padded(self, source: int, target: int) -> "Example":
        """Return the example with `source` and `target` more columns of PAD."""
        return dataclasses.replace(
            self,
            source=np.pad(self.source, ((0, 0), (0, source))),
            target=np.pad(self.target, ((0, 0), (0, target))),
        )


@pytest.fixture(scope="session")
def example() -> Example:
    source = np.array([[4, 9, 6, 1, 4, 7], [5, 8, 0, 0, 0, 0], [1, 4, 4, 6, 0, 0]], np.int32)
    target = np.array([[2, 4, 8, 1, 6, 4, 7], [2, 5, 5, 0, 0, 0, 0], [2, 7, 4, 6, 8, 0, 0]], np.int32)
    return Example(source, target)


@pytest.fixture(scope="session")
def harness(combination: Combination) -> Iterator[Harness]:
    """The harness of `combination`. Tests must not change its weights."""
    harness = Harness(combination.settings(), tags=combination.tags)
    before = harness.network.get_weights()
    yield harness
    for left, right in zip(before, harness.network.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.fixture(scope="session")
def make_harness() -> type[Harness]:
    return Harness


@pytest.fixture(scope="session")
def copier() -> Any:
    """A translator that copies strings of one to four characters from "abcé"; its training takes seconds.

    Tests must not change it.
    """
    import itertools

    import passerelle

    texts = ["".join(characters) for n in range(1, 5) for characters in itertools.product("abcé", repeat=n)]
    side = {"embedding": 12, "units": 16}
    return passerelle.train(
        [(text, text) for text in texts],
        validation=0.2,
        seed=1,
        settings={
            "network": {
                "attention": "general",
                "embedding_init_range": 0.05,  # attention is learned faster
                "dropout": 0.0,
                "encoder": side,
                "decoder": side,
            },
            "training": {"epochs": 30, "batch_size": 32, "learning_rate": 0.01},
        },
    )
