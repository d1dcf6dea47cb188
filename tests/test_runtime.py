"""The allocator option and the compilation cache. Each test starts a process, because both affect an entire process."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest


def run(code: str, **environment: str) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")} | environment
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=120, check=True
    )
    return process.stdout


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has this option")
def test_freed_memory_is_reused() -> None:
    """Twenty arrays of 64 MB, one after the other; without reuse each causes 16,384 page faults."""
    code = (
        "import resource, numpy as np; from passerelle import runtime\n"
        "{}\n"
        "for _ in range(20): np.ones(2**23)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)"
    )
    default_faults = int(run(code.format("")))
    faults = int(run(code.format("runtime.keep_freed_memory()")))
    assert faults < default_faults / 3


SHOW = (
    "import json, os; from passerelle import runtime; runtime.enable_compilation_cache()\n"
    "print(json.dumps({name: value for name, value in os.environ.items() if name.startswith('JAX_')}))"
)


def test_compilation_cache_is_in_the_users_cache_folder(tmp_path: Path) -> None:
    variables = json.loads(run(SHOW, XDG_CACHE_HOME=str(tmp_path / "new")))
    assert variables["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path / "new" / "passerelle")
    assert (tmp_path / "new" / "passerelle").is_dir()
    variables = json.loads(run(SHOW, XDG_CACHE_HOME="", HOME=str(tmp_path)))
    assert variables["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path / ".cache" / "passerelle")


def test_environment_variable_has_precedence(tmp_path: Path) -> None:
    variables = json.loads(run(SHOW, XDG_CACHE_HOME=str(tmp_path), JAX_COMPILATION_CACHE_DIR="elsewhere"))
    assert variables["JAX_COMPILATION_CACHE_DIR"] == "elsewhere"


def test_no_cache_if_the_folder_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert json.loads(run(SHOW, XDG_CACHE_HOME=str(tmp_path / "file"))) == {}


def test_no_cache_without_a_home_directory() -> None:
    code = "from pathlib import Path\ndef home(): raise RuntimeError('no home')\nPath.home = home\n" + SHOW
    assert json.loads(run(code, XDG_CACHE_HOME="")) == {}


def test_jax_reuses_cached_programs(tmp_path: Path) -> None:
    code = (
        "from passerelle import runtime; runtime.enable_compilation_cache()\n"
        "import jax, jax.monitoring\n"
        "hits = []\n"
        "jax.monitoring.register_event_listener(lambda name, **_: hits.append(name))\n"
        "jax.jit(lambda x: x * 3 + 1)(jax.numpy.arange(5.0)).block_until_ready()\n"
        "print(sum('cache_hits' in name for name in hits))"
    )
    assert int(run(code, XDG_CACHE_HOME=str(tmp_path))) == 0
    assert list((tmp_path / "passerelle").iterdir())
    assert int(run(code, XDG_CACHE_HOME=str(tmp_path))) > 0
