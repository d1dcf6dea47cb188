"""Runtime options of the process: the memory allocator, JAX's persistent compilation cache, and Keras's settings."""

import os
import sys
import warnings
from pathlib import Path

__all__ = ["enable_compilation_cache", "ignore_keras_settings", "keep_freed_memory"]

MAX_CACHE_SIZE = 2**28
"""Maximum size of the compilation cache in bytes; JAX deletes the least recently used programs first."""

_MALLOC_OPTIONS = {-3: 2**31 - 1, -1: 2**31 - 1, -2: 2**26, -8: 1}
"""Options of `mallopt` in glibc's malloc.h: M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD, M_ARENA_MAX."""


def keep_freed_memory() -> None:
    """Tell glibc to reuse freed memory instead of returning it to the operating system. No effect elsewhere.

    Otherwise each run of a compiled program allocates its large arrays anew, and the system clears them page by page:
    a quarter of the time of an update at the sizes of the tutorial (docs/performance.md).
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        import ctypes

        mallopt = ctypes.CDLL(None).mallopt
    except (ImportError, OSError, AttributeError, TypeError):  # a Python without ctypes, or another C library
        return
    for option, value in _MALLOC_OPTIONS.items():
        mallopt(option, value)


def enable_compilation_cache() -> None:
    """Enable JAX's persistent compilation cache in the user's cache folder. Call it before JAX is imported.

    Environment variables that are already set take precedence. Without a writable folder the cache remains disabled.
    """
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "passerelle"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # the folder cannot be created, or the user has no home directory
        return
    if os.access(folder, os.W_OK):
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
        # By default JAX does not cache programs that compile in less than a second, and there are many of these.
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        os.environ.setdefault("JAX_COMPILATION_CACHE_MAX_SIZE", str(MAX_CACHE_SIZE))
    # Two processes may delete the same old program from the cache. It is then compiled again, which needs no warning.
    warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache")


def ignore_keras_settings() -> None:
    """Let Keras neither read nor write `keras.json` in the user's home. Call it before Keras is imported.

    The commands need none of its values, and there may be no home, or a file that Keras refuses.
    """
    os.environ["KERAS_HOME"] = os.devnull
