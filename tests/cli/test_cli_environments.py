"""Each row of the table in docs/recipes.md, "Where it runs": what a command does in an unusual environment."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="environments of POSIX")

TEXT = "A cat sees it."


@pytest.fixture
def expected(quick, trained):
    """The translation in the usual environment."""
    return quick("translate", trained.model, TEXT).out


def test_no_home(run, trained, expected, tmp_path):
    (tmp_path / "file").touch()
    for home in ("", "/nonexistent", str(tmp_path / "file")):
        outcome = run("translate", trained.model, TEXT, environment={"HOME": home, "XDG_CACHE_HOME": ""})
        assert (outcome.status, outcome.out) == (0, expected), outcome


UNWRITABLE = """
import builtins, os, sys, tempfile
def refuse(*_, **__): raise OSError(30, "Read-only file system", "somewhere")
os.mkdir = os.makedirs = tempfile.mkdtemp = tempfile.mkstemp = refuse
def no_folder(): raise FileNotFoundError(2, "No usable temporary directory found")
tempfile._get_default_tempdir = no_folder
os.access = lambda path, mode, **_: not mode & os.W_OK
real_open = builtins.open
def open_for_reading(file, mode="r", *rest, **options):
    return real_open(file, mode, *rest, **options) if set(mode) <= set("rbt") or isinstance(file, int) else refuse()
builtins.open = open_for_reading
from passerelle.cli import main
main()
"""


@pytest.mark.parametrize("command", ["translate", "evaluate"])
def test_nothing_can_be_written(trained, expected, command):
    """A read-only root without a temporary folder, simulated; `docker run --read-only` is the real one."""
    words = [trained.model, TEXT] if command == "translate" else [trained.model, trained.pairs, "--json"]
    # The tests' own cache of compiled programs is not part of the environment.
    environment = {name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", UNWRITABLE, command, *words],
        capture_output=True, text=True, timeout=90, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    if command == "translate":
        assert done.stdout == expected
    else:
        assert json.loads(done.stdout)["sources"] > 1


def test_standard_input_is_closed(shell, trained, expected):
    outcome = shell('exec "$@" 0<&-', "translate", trained.model, TEXT)
    assert (outcome.status, outcome.out) == (0, expected)
    assert shell('exec "$@" 0<&-', "translate", trained.model).refused().startswith("standard input cannot be read")


@pytest.mark.parametrize("words", [["--version"], ["presets"], ["translate"]], ids=lambda words: words[0])
def test_standard_output_is_closed(shell, trained, words):
    words = [*words, trained.model, TEXT] if words == ["translate"] else words
    assert shell('exec "$@" 1>&-', *words).refused() == "standard output cannot be written: it is closed."


def test_standard_error_is_closed(shell, trained, expected, tmp_path):
    """Messages are lost; they get into neither standard output nor the file that is opened next."""
    outcome = shell('exec "$@" 2>&-', "translate", trained.model, f"{TEXT} Xyz")
    assert (outcome.status, outcome.out.count("\n"), outcome.err) == (0, 1, "")
    (tmp_path / "in.txt").write_text(f"{TEXT}\n", encoding="utf-8")
    outcome = shell('exec "$@" 2>&-', "translate", trained.model, "--in", "in.txt", "--out", "out.txt")
    assert (outcome.status, (tmp_path / "out.txt").read_text(encoding="utf-8")) == (0, expected)
    assert shell('exec "$@" 2>&-', "translate", "no.keras", TEXT).status == 2


full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="requires /dev/full")


@full_device
@pytest.mark.parametrize("words", [["--help"], ["phrasebook"], ["translate"]], ids=lambda words: words[0])
def test_standard_output_is_on_a_full_disk(shell, trained, words):
    words = [*words, trained.model, TEXT] if words == ["translate"] else words
    process = shell('exec "$@" >/dev/full', *words)
    assert process.refused() == "standard output cannot be written: No space left on device."


@full_device
def test_standard_error_is_on_a_full_disk(shell, trained, expected):
    outcome = shell('exec "$@" 2>/dev/full', "translate", trained.model, TEXT)
    assert (outcome.status, outcome.out) == (0, expected)


@pytest.mark.parametrize("value", ["cuda", "gpu,cpu", "nonsense"])
def test_device_that_is_not_there(run, trained, value):
    if value != "nonsense" and os.path.exists("/dev/nvidia0"):
        pytest.skip("there is a GPU")
    message = run("translate", trained.model, TEXT, environment={"JAX_PLATFORMS": value}).refused()
    assert f"JAX cannot use the device that JAX_PLATFORMS={value} names: " in message
    assert message.endswith("Unset JAX_PLATFORMS, or set it to cpu.")
    assert "damaged" not in message


OPTIONS = {
    "JAX_ENABLE_X64": "1",
    "JAX_NUMPY_DTYPE_PROMOTION": "strict",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
    "JAX_CHECK_TRACER_LEAKS": "1",
    "JAX_TRANSFER_GUARD": "disallow",
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_of_jax_change_nothing(run, trained, expected, name):
    outcome = run("translate", trained.model, TEXT, "--beam", "2", environment={name: OPTIONS[name]})
    assert outcome.status == 0, outcome.err
    assert outcome.out == run("translate", trained.model, TEXT, "--beam", "2").out


def test_invalid_option_of_jax(run, trained):
    message = run("translate", trained.model, TEXT, environment={"JAX_ENABLE_X64": "maybe"}).refused()
    assert "'maybe'" in message
    assert message.endswith("Correct this value in the environment variable JAX_ENABLE_X64.")


def test_training_in_single_precision_whatever_the_defaults(run, trained, tmp_path):
    """The network is trained, saved and loaded as usual with JAX_ENABLE_X64 and a keras.json of float16."""
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text('{"floatx": "float16", "backend": "tensorflow"}', encoding="utf-8")
    words = ["train", trained.pairs, "--preset", "pointer", "--units", "8", "--epochs", "1"]
    losses = []
    for number, environment in enumerate(({}, {"HOME": str(tmp_path), "JAX_ENABLE_X64": "1"})):
        outcome = run(*words, "--out", f"{number}.keras", environment=environment)
        assert outcome.status == 0, outcome.err
        losses.append([line.split("  ")[1:3] for line in outcome.err.splitlines() if line.startswith("epoch")])
    assert losses[0] == losses[1]


@pytest.mark.parametrize("value", ["tensorflow", "openvino", "JAX", "nonsense"])
def test_backend_that_is_not_there(run, trained, value):
    message = run("translate", trained.model, TEXT, environment={"KERAS_BACKEND": value}).refused()
    assert message.startswith(f"KERAS_BACKEND is '{value}', ")
    assert "Unset KERAS_BACKEND to use JAX, or " in message


def test_empty_backend_is_jax(run, trained, expected):
    outcome = run("translate", trained.model, TEXT, environment={"KERAS_BACKEND": ""})
    assert (outcome.status, outcome.out) == (0, expected), outcome


def test_backend_without_gradients_translates_but_does_not_train(run, trained, expected):
    numpy = {"KERAS_BACKEND": "numpy"}
    outcome = run("translate", trained.model, TEXT, environment=numpy)
    assert (outcome.status, outcome.out) == (0, expected), outcome
    outcome = run("train", trained.pairs, *trained.options, "--out", "n.keras", environment=numpy)
    assert outcome.status == 2
    assert outcome.err.splitlines()[-1] == (
        "passerelle: error: Keras's backend numpy can translate but not train. Unset KERAS_BACKEND to train with JAX."
    )


@pytest.mark.parametrize(
    "content", [b'{"floatx": "float16"}', b'{"floatx": "int8"}', b'{"backend": "nonsense"}', b"[]", b"{", b"\xff\xfe"]
)
def test_keras_settings_do_not_matter(run, trained, expected, tmp_path, content):
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_bytes(content)
    outcome = run("translate", trained.model, TEXT, environment={"HOME": str(tmp_path)})
    assert (outcome.status, outcome.out) == (0, expected), outcome


def test_commands_write_nothing_into_the_home(run, trained, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    assert run("describe", trained.model, environment={"HOME": str(home)}).status == 0
    assert not (home / ".keras").exists()


@pytest.mark.parametrize("command", ["translate", "evaluate", "diagram", "train"])
def test_warnings_as_errors(run, trained, command):
    words = {
        "translate": [trained.model, TEXT, "--json", "--beam", "2"],
        "evaluate": [trained.model, trained.pairs],
        "diagram": [trained.model],
        "train": [trained.pairs, *trained.options, "--out", "w.keras"],
    }
    outcome = run(command, *words[command], environment={"PYTHONWARNINGS": "error"})
    assert outcome.status == 0, outcome.err
    assert "Warning" not in outcome.err


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LANG": ""}


def test_arguments_in_an_ascii_locale(run, trained, tmp_path):
    (tmp_path / "modèle.keras").write_bytes(trained.model.read_bytes())
    outcome = run("translate", "modèle.keras", "Élève", environment=ASCII)
    assert outcome.status == 0, outcome.err
    assert outcome.err.splitlines()[0] == "passerelle: unknown tokens (not in the vocabulary): 'v' 'É' 'è'"
    assert run("translate", "é.keras", "x", environment=ASCII).refused().startswith("é.keras: no such file.")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
@pytest.mark.parametrize("megabytes", [300, 900, 1700])
def test_memory_limit(shell, trained, megabytes):
    message = shell(f'ulimit -v {megabytes}000; exec "$@"', "translate", trained.model, TEXT).refused()
    assert message.startswith("out of memory: the limit of this process (ulimit -v) is ")


@pytest.mark.parametrize("command", ["translate", "evaluate", "score", "describe"])
def test_matplotlib_is_not_imported(trained, command):
    """Keras would import it, unless it is imported by `passerelle.backend`; that takes time, and a writable folder."""
    program = "import atexit, sys\natexit.register(lambda: print('matplotlib' in sys.modules))\n"
    program += "from passerelle.cli import main\nmain()"
    words = {"translate": [TEXT], "describe": []}.get(command, [trained.pairs])
    done = subprocess.run(
        [sys.executable, "-c", program, command, trained.model, *words],
        capture_output=True, text=True, timeout=90, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "False"


def test_python_m(trained, expected):
    done = subprocess.run(
        [sys.executable, "-m", "passerelle", "translate", trained.model, TEXT],
        capture_output=True, text=True, timeout=90, check=True,
    )  # fmt: skip
    assert done.stdout == expected


def test_out_of_memory_while_computing_is_one_line(shell, trained):
    words = ["train", trained.pairs, "--preset", "tutorial", "--units", "8192", "--out", "huge.keras"]
    outcome = shell('ulimit -v 4000000; exec "$@"', *words)
    assert outcome.status == 2
    assert outcome.err.splitlines()[-1].startswith("passerelle: error: out of memory (")
    assert "Traceback" not in outcome.err


DEFECT = """
import sys
import passerelle.cli.app as app
def fail(*_, **__): raise {error}
app.app = fail
from passerelle.cli import main
main(["translate"])
"""


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        ("KeyError('x')", 70, "unexpected KeyError: 'x'. This is a defect of Passerelle: please report it, with "),
        ("OSError(22, 'Invalid argument')", 70, "unexpected OSError: [Errno 22] Invalid argument. This is a defect"),
        ("OSError(28, 'No space left on device', '/x')", 2, "/x cannot be read or written: No space left on device."),
        ("MemoryError()", 2, "out of memory. Use a smaller batch_size, "),
        ("RuntimeError('RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes.')", 2, "out of memory (RESOURCE_EXHAUS"),
    ],
)
def test_exceptions_that_nothing_else_handles(error, status, message):
    def run(**environment):
        return subprocess.run(
            [sys.executable, "-c", DEFECT.format(error=error)],
            capture_output=True, text=True, timeout=60, env=os.environ | environment,
        )  # fmt: skip

    done = run()
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1)
    assert done.stderr.startswith(f"passerelle: error: {message}")
    assert "Traceback (most recent call last)" in run(PASSERELLE_TRACEBACK="1").stderr
