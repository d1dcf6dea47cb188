"""The networks that tests share: a table of settings in which every two of them meet."""

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

from combinations import Combination, cover
from networks import network_of

# As the package does; a test module may import Keras before it.
os.environ.setdefault("KERAS_BACKEND", "jax")

SOURCE_SIZE = 10
"""Ids of the source vocabulary, special ones included."""

TARGET_SIZE = 9
TAG_SIZE = 7
PAD, FIRST_ORDINARY = 0, 4


FAST_COMPILATION_FLAGS = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
"""Code by the compiler's older emitters, in one piece."""


def pytest_configure(config: pytest.Config) -> None:
    # Most of the tests' time goes into compiling; a program compiled once, here or in a run before, is not again.
    cache = config.cache
    if cache is not None:
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache.mkdir("jax")))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    # And with these, left as it comes out of the first passes, it is compiled in a sixth of the time.
    os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    os.environ.setdefault("XLA_FLAGS", FAST_COMPILATION_FLAGS)
    # A shell starts background jobs deaf to Ctrl-C, and their children inherit it; the tests of Ctrl-C need ears.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Raised inside Keras, by NumPy, whenever a JAX array becomes a NumPy array; nothing here can avoid it.
    config.addinivalue_line(
        "filterwarnings", "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
    )


MOST_MEMORY = 2**30
"""Bytes of a test process, beyond which it forgets its compiled programs; the folder above still has them."""

_left = 0
"""Bytes that the last forgetting left; what is in use for good is not forgotten at every test."""


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    # Not memory alone: each program takes some mappings too, and Linux ends a process with more than 65,530.
    global _left
    if "jax" not in sys.modules or _memory() < max(MOST_MEMORY, _left + MOST_MEMORY // 2):
        return
    sys.modules["jax"].clear_caches()
    gc.collect()
    # passerelle.runtime has the C library keep what is freed; here it has to go.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    _left = _memory()


def _memory() -> int:
    """Bytes of this process; none where the system does not say."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


COMBINATIONS = cover()

SLOW_FIXTURES = {"run", "quick", "spawn", "trained"}
"""Those of tests/cli that start processes, or wait for one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what `make test-fast` leaves out, besides the tests that are marked where they stand.

    Of the table's networks the first two stay, and of the command line's processes those marked `fast`.
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
    """Every row of the table, one after the other."""
    return request.param


class Harness:
    """A network with random weights, biases included, and its three models as compiled functions."""

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
        """Weights as a trained network might have them: no bias is zero, no token's vector is tiny."""
        random = np.random.default_rng(seed)
        self.network.set_weights([random.normal(0, 0.5, w.shape) for w in self.network.get_weights()])

    def _teacher_forced(self, inputs: Any) -> Any:
        return self.network(inputs)

    def logits(self, source: Any, target: Any) -> np.ndarray:
        """The training model's: float32 (batch, T, columns)."""
        return np.asarray(self._training(self.inputs(source) | {"target": _ids(target)}))

    def inputs(self, source: Any) -> dict[str, np.ndarray]:
        """The arrays that go with the source."""
        inputs = {"source": _ids(source)}
        if self.network.settings.copying:
            inputs["target_copies"] = copies(source)
        if "tags" in self.network.inputs_spec:
            inputs["tags"] = tags_of(source)
        return inputs

    def begin(self, source: Any) -> dict[str, Any]:
        """What the inference encoder gives."""
        inputs = self.inputs(source)
        return self._encoder(inputs)

    def decode(self, target: Any, state: dict[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """What the inference decoder gives, and the state after it."""
        outputs = self._decoder({"target": _ids(target), **state})
        after = state | {name: value for name, value in outputs.items() if name in state}
        return {name: np.asarray(value) for name, value in outputs.items()}, after


def _ids(values: Any) -> np.ndarray:
    return np.asarray(values, np.int32)


def copies(source: Any) -> np.ndarray:
    """Target ids of source ids, as if equal ids were equal tokens, and those past the target's had none."""
    source = _ids(source)
    first = np.argmax(source[:, :, None] == source[:, None, :], axis=1)
    return np.where(
        (source == PAD) | ((source >= FIRST_ORDINARY) & (source < TARGET_SIZE)), source, TARGET_SIZE + first
    ).astype(np.int32)


def tags_of(source: Any) -> np.ndarray:
    """One to three tags for each row, by its first token, one of them unknown."""
    first = _ids(source)[:, :1] % 3
    return np.where(np.arange(3) <= first, [[4, 6, 1]], PAD).astype(np.int32)


@dataclass(frozen=True)
class Example:
    """Padded ids of three pairs.

    Attributes:
        source: int32 (3, 6), lengths 6, 2 and 4, with an unknown token and one that has no column at all.
        target: int32 (3, 7), START first, lengths 7, 3 and 5 with it.
        source_lengths, target_lengths: those.
    """

    source: np.ndarray
    target: np.ndarray
    source_lengths: tuple[int, ...] = (6, 2, 4)
    target_lengths: tuple[int, ...] = (7, 3, 5)

    def padded(self, source: int, target: int) -> "Example":
        """With this many more columns of PAD."""
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
    """The network of `combination`. Tests leave its weights as they were."""
    made = Harness(combination.settings(), tags=combination.tags)
    before = made.network.get_weights()
    yield made
    for left, right in zip(before, made.network.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.fixture(scope="session")
def make_harness() -> type[Harness]:
    return Harness


@pytest.fixture(scope="session")
def copier() -> Any:
    """A translator that copies one to four of the letters a, b, c and é; trained here, in seconds.

    Tests must leave it as it is.
    """
    import itertools

    import passerelle

    texts = ["".join(letters) for n in range(1, 5) for letters in itertools.product("abcé", repeat=n)]
    side = {"embedding": 12, "units": 16}
    return passerelle.train(
        [(text, text) for text in texts],
        validation=0.2,
        seed=1,
        settings={
            "network": {
                "attention": "general",
                "embedding_init_range": 0.05,  # so few pairs show it sooner where to look
                "dropout": 0.0,
                "encoder": side,
                "decoder": side,
            },
            "training": {"epochs": 30, "batch_size": 32, "learning_rate": 0.01},
        },
    )
