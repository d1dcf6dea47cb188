"""The documentation site: every link and reference resolves, its search finds terms, and the start page leads everywhere."""

import json
import os
import re
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
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-n", "-W", "-q", "-c", "docs", "-d", folder / "doctrees", ".", folder / "html"],
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "page"),
    [
        (["beam", "size"], "docs/settings"),
        (["attent"], "docs/architecture"),  # stemmed
        (["vocabulari"], "docs/api"),
    ],
)
def test_search_finds(words: list[str], page: str, site: Path) -> None:
    index = index_of(site)
    for word in words:
        assert page in pages_with(word, index)


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
