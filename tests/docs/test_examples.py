"""The docstring of each public name has an example, and the examples of its docstrings run."""

import ast
import doctest
import importlib
import inspect
import re
from itertools import pairwise
from pathlib import Path

import pytest

import passerelle
from passerelle.data.pair_files import write_pairs

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def docstring_of_value(name: str) -> str:
    """Return the string that follows the assignment of a public name that is neither a class nor a function."""
    module = importlib.import_module(f"passerelle.{passerelle._MODULES[name]}")
    for path in Path(inspect.getfile(module)).parent.glob("*.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for assignment, following in pairwise(body):
            if isinstance(assignment, ast.Assign) and ast.unparse(assignment.targets[0]) == name:
                return ast.literal_eval(following.value) if isinstance(following, ast.Expr) else ""
    return ""


def examples_of(name: str) -> list[doctest.DocTest]:
    """Return the docstrings with examples of a public name and of its methods."""
    value = getattr(passerelle, name)
    names = {"passerelle": passerelle}
    if inspect.isclass(value) or inspect.isfunction(value):
        found = doctest.DocTestFinder(exclude_empty=True).find(value, name, module=False, globs=names)
    else:
        found = [doctest.DocTestParser().get_doctest(docstring_of_value(name), names, name, None, None)]
    return [test for test in found if test.examples]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pairs.tsv, few and alike, and model.keras, which knows them by heart."""
    folder = tmp_path_factory.mktemp("examples")
    first = [("He is tired.", "Il est fatigué."), ("She is young.", "Elle est jeune.")]
    alike = (pair for pair in passerelle.phrasebook() if re.fullmatch(r"(He|She) is [a-z]+\.", pair[0]))
    pairs = [*first, *(pair for pair in alike if pair not in first)]
    write_pairs(folder / "pairs.tsv", pairs)
    options = {"level": "word", "units": 32, "dropout": 0.0, "epochs": 100, "batch_size": 8}
    passerelle.train(pairs, validation=0, **options).save(folder / "model.keras")
    series = [[float(day % 7), 1.0] for day in range(120)]
    windows = passerelle.Windows.sliding(series, history=14, horizon=7, targets=[0])
    passerelle.train_forecaster(windows, epochs=2, units=8, season=7).save(folder / "forecast.keras")
    return folder


@pytest.fixture(scope="module")
def translator(folder: Path) -> passerelle.Translator:
    return passerelle.load(folder / "model.keras")


@pytest.mark.parametrize("name", passerelle.__all__)
def test_each_public_name_has_an_example(name: str) -> None:
    assert any(test.name == name for test in examples_of(name)), f"add an Example section to the docstring of {name}"


@pytest.mark.slow
@pytest.mark.parametrize("name", passerelle.__all__)
def test_examples_run(
    name: str, folder: Path, translator: passerelle.Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for test in examples_of(name):
        test.globs["translator"] = translator
        test.globs["forecaster"] = passerelle.load(folder / "forecast.keras")
        report: list[str] = []
        doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.append)
        assert not report, "".join(report)
