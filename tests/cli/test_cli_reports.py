"""passerelle evaluate, describe, presets, settings, diagram and phrasebook: output and files."""

import json
import os
import re
import subprocess
import sys
import tomllib
from xml.etree import ElementTree

import pytest

from passerelle.evaluation.metrics import Report, score
from passerelle.settings import DEFAULT_PRESET, PRESETS, make_settings, read_settings_file
from passerelle.settings.table import settings_table


def test_evaluate(quick, trained):
    text = quick("evaluate", trained.model, trained.pairs)
    assert (text.status, text.err) == (0, "")
    printed = quick("evaluate", trained.model, "-", "--json", stdin=trained.pairs.read_bytes())
    assert printed.status == 0, printed.err
    report = Report(**json.loads(printed.out))
    assert text.out == f"{report}\n"
    translations = quick(
        "translate", trained.model, "--beam", "1", stdin="\n".join(s for s, _ in trained.rows[:31]).encode()
    ).out
    part = quick("evaluate", trained.model, trained.pairs, "--limit", "31", "--beam", "1", "--json")
    expected = score(translations.splitlines(), [[target] for _, target in trained.rows[:31] if target])
    assert json.loads(part.out)["character_error_rate"] == pytest.approx(expected.character_error_rate, rel=0.01)
    swapped = quick("evaluate", trained.model, trained.pairs, "--swap", "--json")
    assert swapped.status == 0, swapped.err


def test_describe_prints_a_settings_file(quick, trained, tmp_path):
    outcome = quick("describe", trained.model)
    assert (outcome.status, outcome.err) == (0, "")
    path = tmp_path / "settings.toml"
    path.write_text(outcome.out, encoding="utf-8", newline="")
    options = {"epochs": 2, "units": 8}
    assert make_settings(None, read_settings_file(path)) == make_settings("tutorial", None, options)
    assert set(tomllib.loads(outcome.out)) == set(PRESETS["tutorial"].settings.model_dump())
    comments = [line for line in outcome.out.splitlines() if line.startswith("#")]
    for fact in ("parameters in", "source tokens, level character", "target tokens", "training pairs: 29",
                 "validation pairs: 3", "keras ", "jax ", "epoch 2  loss "):  # fmt: skip
        assert any(fact in line for line in comments), fact
    assert not set(outcome.out) & {"\x1b", "\x7f"}


def test_presets(quick):
    outcome = quick("presets")
    assert (outcome.status, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert [line.split()[0] for line in lines] == ["auto", *PRESETS]
    assert [line.split()[0] for line in lines if " (default) " in line] == [DEFAULT_PRESET]
    summaries = [re.split(r"  +", lines[0])[1], *(preset.summary for preset in PRESETS.values())]
    assert [re.split(r"  +", line)[1] for line in lines] == summaries
    assert len({line.index(summary) for line, summary in zip(lines, summaries, strict=True)}) == 1


def test_settings(quick):
    outcome = quick("settings")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == settings_table()


def test_diagram(quick, trained, tmp_path):
    outcome = quick("diagram", trained.model, "--out", "pictures")
    assert outcome.status == 0, outcome.err
    names = ["inference_decoder.svg", "inference_encoder.svg", "training_model.svg"]
    assert sorted(os.listdir(tmp_path / "pictures")) == names
    assert sorted(outcome.out.splitlines()) == [os.path.join("pictures", name) for name in names]
    for name in names:
        root = ElementTree.parse(tmp_path / "pictures" / name).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert list(root.itertext())
    (tmp_path / "file").touch()
    assert quick("diagram", trained.model, "--out", "file").refused() == (
        "file is a file, not a folder. Name another folder."
    )


def test_phrasebook(quick):
    parts = {}
    for part in ("train", "held-out", "all"):
        outcome = quick("phrasebook", *(() if part == "all" else ("--part", part)))
        assert (outcome.status, outcome.err) == (0, "")
        rows = [line.split("\t") for line in outcome.out.removesuffix("\n").split("\n")]
        assert {len(row) for row in rows} == {2}
        assert all(text.strip() for row in rows for text in row)
        parts[part] = [tuple(row) for row in rows]
    assert len(parts["all"]) > len(parts["train"]) > len(parts["held-out"]) > 100
    assert not set(parts["train"]) & set(parts["held-out"])
    assert {*parts["train"], *parts["held-out"]} <= set(parts["all"])


@pytest.mark.skipif(os.name != "posix", reason="locales of POSIX")
@pytest.mark.parametrize(
    "environment",
    [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}],
    ids=["C", "ascii", "C without UTF-8 mode"],
)  # fmt: skip
def test_output_is_utf8_in_every_locale(run, environment):
    clean = dict.fromkeys(("LANG", "LC_ALL", "LC_CTYPE", "PYTHONIOENCODING"), "")
    outcome = run("phrasebook", "--part", "held-out", environment=clean | environment)
    assert (outcome.status, outcome.err) == (0, "")
    assert set("éà\u202f") <= set(outcome.out)


@pytest.mark.skipif(os.name != "posix", reason="locales of POSIX")
def test_input_is_utf8_in_every_locale(run, trained):
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    outcome = run("translate", trained.model, stdin="Élève\n".encode(), environment=ascii_only)
    assert outcome.status == 0, outcome.err
    assert outcome.err.splitlines()[0] == "passerelle: unknown tokens (not in the vocabulary): 'v' 'É' 'è'"


def test_translate_does_not_import_training(trained):
    program = """
import sys
import passerelle
translator = passerelle.load(sys.argv[1])
translator.translate("A cat sees it.")
print(*(name for name in sys.modules if name.startswith(("passerelle.training", "passerelle.experiment"))))
for model in (translator.network, translator.inference_encoder, translator.inference_decoder):
    print(getattr(model, "optimizer", None), model.compiled)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, trained.model], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.splitlines() == ["", "None False", "None False", "None False"]
