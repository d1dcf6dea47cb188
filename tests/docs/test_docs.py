"""Tests of the documentation: its code runs, its options exist, its links resolve."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest

import files
from passerelle.cli.app import app
from passerelle.settings import PRESETS, make_settings
from passerelle.settings.table import settings_table
from passerelle.sweep.space import read_space

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
COMMANDS = {name for name in app if not name.startswith("-")}
CONSOLE = {"bash", "console"}
ROWS = 60
NAMES = {"pairs.en": "train.en", "pairs.fr": "train.fr", "pairs.po": "messages.po", "pairs.tmx": "memory.tmx"}


@dataclass(frozen=True)
class Block:
    """A fenced code block of a page.

    Attributes:
        language: the info string after the opening fence.
        line: line number of the first line of content, counted from 1.
        text: its content.
        untested: the reason in the page's `no test` comment; None for a block that runs.
    """

    language: str
    line: int
    text: str
    untested: str | None

    @property
    def commands(self) -> list[str]:
        """The lines that call passerelle, without redirections and pipes."""
        lines = (re.sub(r"^\$ |^\.venv/bin/", "", line) for line in self.text.splitlines())
        return [re.split(r" [<>|] ", line)[0] for line in lines if line.startswith("passerelle ")]


def blocks_in(text: str) -> list[Block]:
    """Return the fenced code blocks of a text, in order."""
    found = []
    pattern = r"^(?:<!-- no test: (?P<why>[^\n]+) -->\n)?```(?P<language>\w+)\n(?P<body>.*?)^```$"
    for match in re.finditer(pattern, text, flags=re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, match.start("body")) + 1
        found.append(Block(match["language"], line, match["body"], match["why"]))
    return found


def blocks_of(page: Path) -> list[Block]:
    return blocks_in(page.read_text(encoding="utf-8"))


def has(page: Path, languages: set[str]) -> bool:
    return any(block.language in languages and not block.untested for block in blocks_of(page))


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def slug(heading: str) -> str:
    """Return the anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def prose_of(page: Path) -> str:
    """Return the text of a page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with short pairs in every file format; sources of similar length need few shapes to compile."""
    from passerelle import phrasebook

    folder = tmp_path_factory.mktemp("docs")
    short = (pair for pair in phrasebook() if 9 <= len(pair[0]) <= 15)
    rows = list(islice(short, 0, 17 * ROWS, 17))
    for kind in ("tsv", "moses", "jsonl", "csv", "po", "tmx"):
        for path in files.write(kind, folder, rows, ("en", "fr")):
            path.rename(folder / NAMES.get(path.name, path.name))
    lines = (f"{number}\t{source}\t{number}\t{target}\n" for number, (source, target) in enumerate(rows))
    (folder / "tatoeba.tsv").write_text("".join(lines), encoding="utf-8")
    return folder


def run(arguments: list[str], folder: Path) -> None:
    settings = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONUTF8": "1",
    }
    done = subprocess.run(
        arguments, cwd=folder, env=os.environ | settings, capture_output=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 0, f"{arguments[-1]}\n{done.stdout}\n{done.stderr}"


def run_console_blocks(page: Path, folder: Path) -> None:
    for block in blocks_of(page):
        if block.language in CONSOLE and not block.untested and block.text.startswith("passerelle "):
            run(["bash", "-euo", "pipefail", "-c", block.text], folder)


def run_python_blocks(page: Path, folder: Path) -> None:
    script: list[str] = []
    for block in blocks_of(page):
        if block.language == "python" and not block.untested:
            script += [""] * (block.line - 1 - len(script))  # so that errors refer to the line number in the page
            script += block.text.splitlines()
    path = folder / f"{page.stem.replace('-', '_')}_blocks.py"
    path.write_text("\n".join(script) + "\n", encoding="utf-8")
    run([sys.executable, str(path)], folder)


@pytest.mark.slow
def test_the_readme_and_the_recipes_run(folder: Path) -> None:
    """README and recipes share a test because the recipes use the model that the README trains."""
    run_console_blocks(ROOT / "README.md", folder)
    run_python_blocks(ROOT / "README.md", folder)
    run_console_blocks(ROOT / "docs/recipes.md", folder)
    run_python_blocks(ROOT / "docs/recipes.md", folder)


# the code of the Chinese pages is that of the English ones: test_chinese.py
OTHERS = [page for page in PAGES if page.stem not in {"README", "recipes"} and not page.match("*.zh-CN.md")]


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in OTHERS if has(page, CONSOLE | {"python"})], ids=name_of)
def test_other_pages_run(page: Path, folder: Path) -> None:
    run_console_blocks(page, folder)
    run_python_blocks(page, folder)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_and_their_options_exist(page: Path) -> None:
    for block in blocks_of(page):
        if block.language in CONSOLE:
            for command in block.commands:
                tokens = shlex.split(command, comments=True)[1:]
                assert tokens[0] in COMMANDS, command
                app.parse_args(tokens, exit_on_error=False, print_error=False)
    named = re.findall(r"`passerelle ([a-z-]+)", prose_of(page))
    assert COMMANDS.issuperset(named)


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_readme_names_every_command_and_preset(page: str) -> None:
    prose = prose_of(ROOT / page)
    assert set(re.findall(r"^\| `passerelle ([a-z-]+)", prose, flags=re.MULTILINE)) == COMMANDS
    assert all(f"| `{preset}`" in prose for preset in PRESETS)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_make_targets_exist(page: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    named = re.findall(r"(?:^|`)make ([a-z-]+)(?:`|$)", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert set(targets).issuperset(named)


@pytest.mark.parametrize("page", [page for page in PAGES if has(page, {"toml"})], ids=name_of)
def test_settings_files_are_valid(page: Path, tmp_path: Path) -> None:
    for block in blocks_of(page):
        if block.language != "toml":
            continue
        if block.text.startswith("# space.toml"):
            (tmp_path / "space.toml").write_text(block.text, encoding="utf-8")
            assert read_space(tmp_path / "space.toml")
        else:
            make_settings(file=tomllib.loads(block.text))


def test_the_settings_page_is_up_to_date() -> None:
    written = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    assert written == settings_table(), "run: make settings-table"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_resolve(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.is_file(), f"{name_of(page)} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", prose_of(linked), flags=re.MULTILINE)
            assert anchor in map(slug, headings), f"{name_of(page)} links to {target}"


UNWANTED = {
    "an absolute path of one machine": r"(?<![\w.~$])/(?:home|root|tmp|work|usr|opt|mnt|Users)/",
    "a package index": r"pythonhosted|pypi\.|--index-url|localhost|127\.0\.0\.1",
    "advertising": r"blazing|cutting[- ]edge|state[- ]of[- ]the[- ]art|seamless|world[- ]class|effortless",
    "unfinished": r"\b(?:TODO|FIXME|TBD|XXX)\b",
}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
@pytest.mark.parametrize("kind", UNWANTED)
def test_no_unwanted_text(kind: str, page: Path) -> None:
    found = re.findall(UNWANTED[kind], page.read_text(encoding="utf-8"), flags=re.IGNORECASE)
    assert not found
