"""How compiled programs use this machine: memory that is kept, and programs compiled before."""

import ctypes
import os
import sys
import warnings
from pathlib import Path

__all__ = ["enable_compilation_cache", "keep_freed_memory"]

LARGEST_CACHE = 2**28
"""Bytes of compiled programs kept on disk; those unused for longest go first."""

_MALLOC_OPTIONS = {-3: 2**31 - 1, -1: 2**31 - 1, -2: 2**26, -8: 1}
"""glibc's malloc.h: M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD, M_ARENA_MAX."""


def keep_freed_memory() -> None:
    """Tells the C library to keep freed memory for the next request, where it is glibc.

    Otherwise each run of a compiled program gets its large arrays fresh from the system, which clears them page by
    page: a quarter of an update's time at the tutorial's sizes (docs/performance.md).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform.startswith("linux") else None
    if mallopt is not None:
        for option, value in _MALLOC_OPTIONS.items():
            mallopt(option, value)


def enable_compilation_cache() -> None:
    """Has JAX keep compiled programs in the user's cache folder, for the next process. Call before JAX is imported.

    What the environment says already stands; a folder that cannot be written is left alone.
    """
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "passerelle"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # no such place, or nobody's home
        return
    if os.access(folder, os.W_OK):
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
        # JAX would skip programs that compile in under a second; the small ones are many.
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        os.environ.setdefault("JAX_COMPILATION_CACHE_MAX_SIZE", str(LARGEST_CACHE))
    # Two processes may clear away the same old program: then it is compiled again, and nobody need know.
    warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache")
