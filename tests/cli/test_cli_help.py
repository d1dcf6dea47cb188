"""Help: examples that are valid commands, terms that users of other tools search for, and a fast start."""

import contextlib
import io
import re
import shlex
import subprocess
import sys

import pytest

import passerelle
from passerelle.cli.app import app
from passerelle.settings.table import settings_table

COMMANDS = sorted(name for name in app if not name.startswith("-"))
EXAMPLES_TITLE = "Examples:"


@pytest.fixture(autouse=True)
def terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def help_of(*command: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        app([*command, "--help"], exit_on_error=False)
    return out.getvalue()


def examples_of(*command: str) -> list[str]:
    """The example commands at the end of a help text, without redirections."""
    _, _, end = help_of(*command).partition(f"\n{EXAMPLES_TITLE}")
    lines = [line.strip() for line in end.splitlines()]
    return [re.split(r" [<>|] ", line)[0] for line in lines if line]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_valid_examples(command: str) -> None:
    examples = examples_of(command)
    assert 1 <= len(examples) <= 3
    for example in examples:
        program, *arguments = shlex.split(example)
        assert (program, arguments[0]) == ("passerelle", command), "an example that is wrapped, or of another command"
        app.parse_args(arguments, exit_on_error=False, print_error=False)


def test_the_main_help_has_valid_examples() -> None:
    for example in examples_of():
        program, *arguments = shlex.split(example)
        assert program == "passerelle"
        app.parse_args(arguments, exit_on_error=False, print_error=False)


def test_the_main_help_begins_with_a_description_of_the_program() -> None:
    usage, _, description, *_ = help_of().splitlines()
    assert usage == "Usage: passerelle COMMAND"
    assert description.startswith("Train neural translation models on your own pairs of texts")


@pytest.mark.parametrize(
    ("command", "terms"),
    [
        (
            "train",
            ["vocabulary size", "BPE", "byte pair encoding", "detokenize", "lowercase", "pretrained embeddings",
             "number of stacked recurrent layers", "hidden size", "Luong", "Bahdanau", "dropout", "batch size",
             "epochs", "learning rate", "weight decay", "random seed", "validation set", "checkpoint", "ensemble",
             "back-translation", "monolingual data"],
        ),
        (
            "translate",
            ["beam size", "n-best list", "n-gram blocking", "no-repeat-ngram-size", "nucleus sampling", "top-p",
             "top-k", "temperature", "length penalty", "coverage penalty", "minimum length", "maximum length",
             "ensemble", "force-decode", "prefix", "constrained decoding", "diverse beam search", "greedy"],
        ),
        ("distill", ["knowledge distillation", "teacher", "student", "monolingual data", "ensemble", "beam size"]),
        ("sweep", ["hyperparameter search", "search space", "trial", "objective", "chrf", "Optuna"]),
        ("score", ["perplexity", "log probability", "forced decoding"]),
    ],
)  # fmt: skip
def test_terms_of_the_field_are_in_the_help(command: str, terms: list[str]) -> None:
    text = re.sub(r"[\s│]+", " ", help_of(command)).lower()
    assert [term for term in terms if term.lower() not in text] == []


def test_terms_of_the_field_are_in_the_table_of_settings() -> None:
    terms = [
        "label smoothing", "teacher forcing", "scheduled sampling", "gradient clipping", "warmup", "early stopping",
        "patience", "mixed precision", "bfloat16", "tied embeddings", "bidirectional", "copy mechanism",
        "pointer-generator", "layer normalization", "residual connections", "input feeding", "checkpoint",
        "no_repeat_ngram_size", "embedding size", "variational dropout",
    ]  # fmt: skip
    text = settings_table().lower()
    assert [term for term in terms if term.lower() not in text] == []


def test_the_main_help_imports_neither_keras_nor_the_settings() -> None:
    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*{'keras', 'jax', 'pydantic'} & set(sys.modules), file=sys.stderr))\n"
        "from passerelle.cli import main\n"
        "main(['--help'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip() == ""


def test_python_m_passerelle() -> None:
    command = [sys.executable, "-m", "passerelle", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == passerelle.__version__
