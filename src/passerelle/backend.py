"""Keras and its backend: import them, check the device, and compute in single precision whatever the user's defaults.

Importing this module imports Keras. The environment (`KERAS_BACKEND`, `keras.json`, `JAX_PLATFORMS`, a limit of memory)
can make Keras, its backend or the device unusable. Each such failure becomes a `BackendError` here, before calling code
could mistake it for a damaged file.
"""

import contextlib
import functools
import importlib.util
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

from passerelle.errors import BackendError, OutOfMemoryError

__all__ = ["backend_name", "computing"]

BACKENDS = ("jax", "torch", "tensorflow", "numpy", "openvino")
"""The values of `KERAS_BACKEND` that Keras accepts."""

MIN_ADDRESS_SPACE = 1_750 * 2**20
"""Bytes. Under a smaller limit (`ulimit -v`), the libraries abort the process instead of raising an exception."""


def backend_name() -> str:
    """Return the name of Keras's backend, such as `jax`; it is also the name of its distribution."""
    import keras

    return keras.backend.backend()


def _first_line(error: BaseException) -> str:
    """Return the first line of a message, or the kind of the error if it has none, without a full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _import_keras() -> None:
    """Import Keras and its backend.

    Raises:
        BackendError: if they cannot be imported; the message names the cause and a remedy.
    """
    _require_address_space()
    name = os.environ.get("KERAS_BACKEND", "")
    try:
        with _without_matplotlib():
            import keras  # noqa: F401
    except ImportError as error:
        if memory := OutOfMemoryError.from_error(error):
            raise memory from None
        if error.name not in BACKENDS or importlib.util.find_spec(error.name) is not None:
            raise BackendError(f"Keras or its backend {name} cannot be imported: {_first_line(error)}") from error
        raise BackendError(
            f"KERAS_BACKEND is {name!r}, and {error.name} is not installed. Unset KERAS_BACKEND to use JAX, or install "
            f"{error.name}."
        ) from None
    except MemoryError as error:
        raise OutOfMemoryError.from_error(error) or error from None
    # Keras and JAX read environment variables and keras.json when they are imported, and raise these for bad values.
    except (ValueError, AttributeError, TypeError, KeyError, OSError) as error:
        if name not in BACKENDS:
            raise BackendError(
                f"KERAS_BACKEND is {name!r}, which is not a backend of Keras. Unset KERAS_BACKEND to use JAX, or set "
                f"it to one of: {', '.join(BACKENDS)}."
            ) from None
        raise BackendError(
            f"Keras cannot be imported: {_first_line(error)}. Correct this value in {_origin(str(error))}."
        ) from None


def _origin(message: str) -> str:
    """Return the environment variable that contains the value which a message quotes, or else Keras's settings file."""
    for name, value in os.environ.items():
        if name.startswith(("KERAS_", "JAX_")) and value and repr(value) in message:
            return f"the environment variable {name}"
    return os.path.join(os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras"), "keras.json")


def _require_address_space() -> None:
    try:
        import resource  # Unix only
    except ImportError:
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < MIN_ADDRESS_SPACE:
        raise OutOfMemoryError(
            f"out of memory: the limit of this process (ulimit -v) is {limit // 2**20:,} MB, and the libraries alone "
            f"need {MIN_ADDRESS_SPACE // 2**20:,} MB of address space. Raise the limit."
        )


@contextlib.contextmanager
def _without_matplotlib() -> Iterator[None]:
    """Hide matplotlib from Keras, which imports it for picture functions that this package does not use.

    The import takes half a second, and fails on a machine without a writable folder. If Keras was imported before,
    nothing changes.
    """
    if "keras" in sys.modules or "matplotlib" in sys.modules:
        yield
        return
    sys.modules["matplotlib"] = None  # pyright: ignore[reportArgumentType] - makes `import matplotlib` fail
    try:
        yield
    finally:
        del sys.modules["matplotlib"]


@contextlib.contextmanager
def computing() -> Iterator[None]:
    """Context in which networks are built, traced and run. May be nested, and used in several threads.

    It checks that the backend can compute in this process, and sets single precision and JAX's usual promotion of
    dtypes and shapes: networks are float32 whatever `floatx`, Keras's dtype policy or `JAX_ENABLE_X64` say.

    Raises:
        BackendError: if JAX cannot use the device or fails on it, or the process is a fork of one that has already
            used JAX.
        OutOfMemoryError: if the code inside runs out of memory.
    """
    if backend_name() == "jax":
        _require_device(os.getpid())
    with _single_precision(), _usual_jax():
        try:
            yield
        except Exception as error:
            if memory := OutOfMemoryError.from_error(error):
                raise memory from error
            if type(error).__name__ == "JaxRuntimeError":
                raise BackendError(f"JAX failed on this device: {_first_line(error)}.") from error
            raise


_first_process: int | None = None
"""Id of the process that first used JAX: the threads of its device do not exist in forks of it."""


def _require_device(process: int) -> None:
    global _first_process
    if _first_process is None:
        _open_device()
        _first_process = process
    elif process != _first_process:
        raise BackendError(
            "this process is a fork of a process that has already used JAX, and JAX does not work after a fork. Start "
            "it by spawn, for example with multiprocessing.get_context('spawn'), or fork before a model is loaded."
        )


def _open_device() -> None:
    import jax

    try:
        jax.devices()
    except Exception as error:  # JAX and its plugins raise many kinds, and some without a message
        if memory := OutOfMemoryError.from_error(error):
            raise memory from None
        names = [name for name in ("JAX_PLATFORMS", "JAX_PLATFORM_NAME") if os.environ.get(name)]
        cause = f"the device that {names[0]}={os.environ[names[0]]} names" if names else "any device"
        remedy = f"Unset {names[0]}, or set it to cpu" if names else "Set JAX_PLATFORMS=cpu to use the processor"
        reason = (
            _first_line(error).partition(" (set JAX_PLATFORMS=")[0].rstrip(".") if str(error) else "it is not there"
        )
        raise BackendError(f"JAX cannot use {cause}: {reason}. {remedy}.") from None


_policy_lock = threading.Lock()
_policy_users = 0
_policy_before: tuple[str, Any] | None = None


@contextlib.contextmanager
def _single_precision() -> Iterator[None]:
    """Set Keras's defaults to float32 while at least one thread is inside."""
    global _policy_users, _policy_before
    from keras import config

    with _policy_lock:
        if not _policy_users and (config.floatx(), config.dtype_policy().name) != ("float32", "float32"):
            _policy_before = config.floatx(), config.dtype_policy()
            config.set_floatx("float32")
            config.set_dtype_policy("float32")
        _policy_users += 1
    try:
        yield
    finally:
        with _policy_lock:
            _policy_users -= 1
            if not _policy_users and _policy_before is not None:
                config.set_floatx(_policy_before[0])
                config.set_dtype_policy(_policy_before[1])
                _policy_before = None


@contextlib.contextmanager
def _usual_jax() -> Iterator[None]:
    """Set those options of JAX to their defaults, in this thread, under which Keras or this package would fail."""
    if backend_name() != "jax":
        yield
        return
    import jax

    with contextlib.ExitStack() as changed:
        for name, (change, value) in _jax_defaults().items():
            if getattr(jax.config, name) not in (None, value):
                changed.enter_context(change(value))
        yield


@functools.cache
def _jax_defaults() -> dict[str, tuple[Any, Any]]:
    """Return for each option of JAX the context manager that changes it, and its default."""
    import jax

    return {
        "jax_enable_x64": (jax.enable_x64, False),
        "jax_numpy_dtype_promotion": (jax.numpy_dtype_promotion, "standard"),
        "jax_numpy_rank_promotion": (jax.numpy_rank_promotion, "allow"),
        "jax_check_tracer_leaks": (jax.checking_leaks.func, False),  # Keras's layers keep tracers
        "jax_transfer_guard": (jax.transfer_guard, "allow"),
    }


_import_keras()
# Keras converts its variables to NumPy arrays by an interface of NumPy 1, which fails where warnings are errors.
warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy keyword", DeprecationWarning)
