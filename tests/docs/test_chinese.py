"""Tests of the Chinese pages: their code is that of the English pages, so it need not run a second time."""

import ast
import re
import tomllib
from collections.abc import Iterator
from itertools import zip_longest

import pytest
from test_docs import CONSOLE, ROOT, Block, blocks_in, blocks_of, slug

README, RECIPES = ROOT / "README.md", ROOT / "docs/recipes.md"
CHINESE_README, CHINESE_RECIPES = ROOT / "README.zh-CN.md", ROOT / "docs/recipes.zh-CN.md"


def code_of(blocks: list[Block]) -> list[str]:
    """Return code without comments: each command line of the console blocks, and the other blocks."""
    code: list[str] = []
    for block in blocks:
        if block.language == "python":
            code.append(ast.unparse(ast.parse(block.text)))
        elif block.language == "toml":
            code.append(repr(tomllib.loads(block.text)))
        elif block.language in CONSOLE:
            lines = (re.sub(r"(?:^|\s+)# .*", "", line) for line in block.text.splitlines())
            code += filter(None, lines)
        else:
            code.append(block.text)
    return code


def missing(part: list[str], whole: list[str]) -> Iterator[str]:
    """Yield the items of `part` that do not occur in `whole` in this order."""
    position = 0
    for item in part:
        if item in whole[position:]:
            position = whole.index(item, position) + 1
        else:
            yield item


def first_table(text: str) -> list[str]:
    """Return the rows of a page's first table, without its head."""
    rows = re.search(r"^\| --- .*\n((?:\|.*\n)+)", text, flags=re.MULTILINE)
    assert rows
    return rows[1].splitlines()


def linked_sections(row: str, page: str) -> list[str]:
    """Return the sections of a page that a row of its first table links to."""
    _, *parts = re.split(r"^##+ (.+)$", page, flags=re.MULTILINE)
    sections = dict(zip(map(slug, parts[::2]), parts[1::2], strict=True))
    return [sections[anchor] for anchor in re.findall(r"\]\(#([^)\s]+)\)", row)]


def test_the_readme_has_the_code_of_the_english_one() -> None:
    assert code_of(blocks_of(CHINESE_README)) == code_of(blocks_of(README))


@pytest.mark.parametrize("pattern", [r"^\| --- .*", r"!\[.+\]\((\S+)\)"], ids=["tables", "pictures"])
def test_the_readme_has_the_tables_and_pictures_of_the_english_one(pattern: str) -> None:
    chinese, english = (
        re.findall(pattern, page.read_text(encoding="utf-8"), flags=re.MULTILINE) for page in (CHINESE_README, README)
    )
    assert chinese == english


def test_the_recipes_have_code_of_the_english_ones_in_their_order() -> None:
    assert not list(missing(code_of(blocks_of(CHINESE_RECIPES)), code_of(blocks_of(RECIPES))))


def test_missing_code_is_found() -> None:
    assert list(missing(["a", "c", "b", "d"], ["a", "b", "c"])) == ["b", "d"]


def test_each_question_of_the_english_recipes_has_its_answer() -> None:
    chinese, english = (page.read_text(encoding="utf-8") for page in (CHINESE_RECIPES, RECIPES))
    for row, counterpart in zip_longest(first_table(chinese), first_table(english), fillvalue=""):
        answers, originals = linked_sections(row, chinese), linked_sections(counterpart, english)
        assert len(answers) == len(originals), f"{row} answers {counterpart}"
        for answer, original in zip(answers, originals, strict=True):
            assert answer.strip()
            assert code_of(blocks_in(answer)) == code_of(blocks_in(original)), f"{row} answers {counterpart}"
