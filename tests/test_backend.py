"""Precision, memory errors, forks, pickles and threads; and a process without the features that only Unix has."""

import copy
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading

import pytest

import passerelle
from passerelle import runtime
from passerelle.backend import computing
from passerelle.errors import BackendError, LongTextError, OutOfMemoryError

TEXTS = ["abc", "éa", "b"]


def test_single_precision_only_inside_and_in_all_threads() -> None:
    import keras

    keras.config.set_floatx("float16")
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with computing(), computing():
            assert (keras.config.floatx(), keras.config.dtype_policy().name) == ("float32", "float32")
        assert (keras.config.floatx(), keras.config.dtype_policy().name) == ("float16", "mixed_float16")
        first_left, second_entered = threading.Event(), threading.Event()

        def second() -> None:
            with computing():
                second_entered.set()
                first_left.wait(10)
                inside.append(keras.config.floatx())

        inside: list[str] = []
        thread = threading.Thread(target=second)
        with computing():
            thread.start()
            second_entered.wait(10)
        first_left.set()
        thread.join()
        assert inside == ["float32"]
        assert keras.config.floatx() == "float16"
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(12, "Cannot allocate memory"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes."),
        RuntimeError("can't start new thread"),
        ImportError("lib.so: failed to map segment from shared object"),
    ],
)
def test_memory_errors_of_other_libraries(error: Exception) -> None:
    with pytest.raises(OutOfMemoryError, match="^out of memory") as raised, computing():
        raise error
    assert isinstance(raised.value, MemoryError)


@pytest.mark.parametrize("error", [ValueError("out of memory"), OSError(28, "No space left"), RuntimeError("shape")])
def test_other_errors_are_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, computing():
        raise error
    assert raised.value is error


def test_pickles_and_copies_translate_alike(copier: passerelle.Translator) -> None:
    expected = copier.search(TEXTS)  # compiled programs exist now
    for other in (pickle.loads(pickle.dumps(copier)), copy.deepcopy(copier), copy.copy(copier)):
        assert other.search(TEXTS) == expected
        assert other.record == copier.record
        assert other.settings == copier.settings
        assert other.inference_decoder is other.network.inference_decoder
    assert pickle.loads(pickle.dumps(expected)) == copy.deepcopy(expected) == expected


def test_pickled_ensemble(copier: passerelle.Translator) -> None:
    ensemble = copier.ensemble_with([copy.deepcopy(copier)], weights=[2, 1])
    assert pickle.loads(pickle.dumps(ensemble)).search(TEXTS) == ensemble.search(TEXTS)


def test_errors_can_be_pickled() -> None:
    for error in (LongTextError(3, "is too long"), BackendError("x"), OutOfMemoryError("y")):
        copied = pickle.loads(pickle.dumps(error))
        assert (type(copied), str(copied)) == (type(error), str(error))


def test_threads_translate_alike(copier: passerelle.Translator) -> None:
    expected = {beam: copier.search(TEXTS * 5, beam=beam) for beam in (1, 2, 3)}
    results: list[bool] = []

    def work(beam: int) -> None:
        results.append(copier.search(TEXTS * 5, beam=beam) == expected[beam])

    threads = [threading.Thread(target=work, args=(1 + number % 3,)) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 9


WORKERS = """
import multiprocessing, sys, warnings
import passerelle

if __name__ == "__main__":
    warnings.simplefilter("ignore")  # JAX warns of forks
    translator = passerelle.load(sys.argv[2])
    with multiprocessing.get_context(sys.argv[1]).Pool(1) as pool:
        try:
            print(pool.map_async(translator.translate, [["abc"]]).get(60)[0] == translator.translate(["abc"]))
        except passerelle.PasserelleError as error:
            print(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_worker_processes(copier: passerelle.Translator, tmp_path, method: str) -> None:
    copier.save(tmp_path / "copier.keras")
    (tmp_path / "workers.py").write_text(WORKERS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "workers.py", method, "copier.keras"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    if method == "fork":
        assert done.stdout.startswith("this process is a fork of a process that has already used JAX")
        assert "get_context('spawn')" in done.stdout
    else:
        assert done.stdout == "True\n"


NO_UNIX = """
import builtins, fcntl, os, signal, sys
import passerelle.backend, passerelle.experiment.train, matplotlib.figure, multiprocessing, shutil, subprocess, ctypes
import sacrebleu  # on Windows, its dependencies do not import fcntl
access_mode, real_fsync, real_open, builtin_open = fcntl.fcntl, os.fsync, os.open, builtins.open

def fsync(number):
    if not access_mode(number, fcntl_getfl) & (os.O_WRONLY | os.O_RDWR):
        raise OSError(9, "Bad file descriptor")
    real_fsync(number)

def open_descriptor(path, *rest, **options):
    if os.path.isdir(path):
        raise PermissionError(13, "Permission denied", path)
    return real_open(path, *rest, **options)

def open_file(path, *rest, **options):
    if str(path).startswith(("/dev/std", "/proc")):
        raise FileNotFoundError(2, "No such file or directory", path)
    return builtin_open(path, *rest, **options)

fcntl_getfl = fcntl.F_GETFL
shutil._use_fd_functions = False  # as on Windows
os.fsync, os.open, builtins.open = fsync, open_descriptor, open_file
for module, names in {
    signal: "SIGHUP SIGPIPE SIGALRM SIGUSR1 SIGQUIT SIGCHLD SIGKILL alarm setitimer pthread_sigmask pthread_kill",
    os: "fork register_at_fork getuid geteuid getpgid setsid kill killpg mkfifo chown lchown sched_getaffinity "
    "O_DIRECTORY sysconf uname getloadavg wait4 posix_fadvise sendfile nice",
}.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
for name in ("resource", "fcntl", "pwd", "grp", "termios", "tty", "pty", "syslog"):
    sys.modules[name] = None
ctypes.CDLL = lambda *_: (_ for _ in ()).throw(TypeError("bad argument type"))
from passerelle.cli import main
main(sys.argv[1:])
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="takes features of Unix away")
def test_nothing_that_only_unix_has_is_required(tmp_path) -> None:
    def run(*words: str, stdin: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "-c", NO_UNIX, *words],
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    pairs = "".join(f"cat {n}\tchat {n}\n" for n in range(12))
    run("train", "-", "--units", "4", "--epochs", "1", "--out", "m.keras", stdin=pairs)
    assert run("translate", "m.keras", stdin="cat 1\ncat 2\n").count("\n") == 2
    (tmp_path / "in.txt").write_text("cat 1\n", encoding="utf-8")
    run("translate", "m.keras", "--in", "in.txt", "--out", "out.txt")
    assert (tmp_path / "out.txt").exists()
    run("describe", "m.keras")
    run("encode", "m.keras", "cat 1", "--out", "v.npy")
    run("translate", "m.keras", "cat 1", "--pictures", "pictures")


@pytest.mark.parametrize("error", [OSError, AttributeError, ImportError, TypeError])
def test_allocator_of_another_c_library(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    import ctypes

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(ctypes, "CDLL", fail)
    monkeypatch.setattr(sys, "platform", "linux")
    runtime.keep_freed_memory()
