"""Words of the command line that begin with a dash."""

import shlex

import pytest

from passerelle.cli.app import app
from passerelle.cli.arguments import prepare_arguments, translate_command


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("train -", "train /dev/stdin"),
        ("train - --epochs 2", "train /dev/stdin --epochs 2"),
        ("train a.tsv --target-separator -", "train a.tsv --target-separator=-"),
        ("train - --separator - --out m.keras", "train /dev/stdin --separator=- --out m.keras"),
        ("train - --separator --", "train /dev/stdin --separator --"),
        ("train a.tsv --validation -", "train a.tsv --validation=-"),
        ("train a.tsv --swap -", "train a.tsv --swap /dev/stdin"),
        ("train a.tsv --tag-separator - -", "train a.tsv --tag-separator=- /dev/stdin"),
        ("train a.tsv --set training.seed=1 -- -", "train a.tsv --set training.seed=1 -- -"),
        ("evaluate m.keras -", "evaluate m.keras /dev/stdin"),
        ("translate m.keras -", "translate m.keras -"),
        ("translate m.keras --prefix '- Oui' x", "translate m.keras '--prefix=- Oui' x"),
        ("translate m.keras --out --resume", "translate m.keras --out --resume"),
        ("translate m.keras --json '- x'", "translate m.keras --json '- x'"),
        ("translate m.keras -- '- x' -", "translate m.keras -- '- x' -"),
        ("absent - x", "absent - x"),
        ("", ""),
    ],
)
def test_values_that_begin_with_a_dash_are_joined_to_their_options(line: str, expected: str) -> None:
    assert prepare_arguments(app, shlex.split(line)) == shlex.split(expected)


@pytest.mark.parametrize("text", ["- Oui.", "-x", "--json", "-", "--", "a - b", "", "It's", "-5"])
@pytest.mark.parametrize("model", ["m.keras", "-m.keras"])
def test_the_suggested_command_translates_any_text(model: str, text: str) -> None:
    options = [("--with", "-n.keras"), ("--tags", "-V"), ("--prefix", "--json")]
    line = translate_command(model, text, options)
    words = prepare_arguments(app, shlex.split(line)[1:])
    _, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    assert (bound.args, bound.kwargs["tags"]) == ((model, text), "-V")
    assert bound.kwargs["ensemble"].with_ == ("-n.keras",)
    assert bound.kwargs["search"].prefix == "--json"
