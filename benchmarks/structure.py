"""How a checkout's source is built: its size, its longest functions, and in how many places a setting is named.

    python benchmarks/structure.py CHECKOUT [CHECKOUT ...] [--words units,top_k] [--list] [--check]

Reads `src/passerelle` of each checkout with `ast`, runs nothing of it, and prints one table, a column a checkout.

A setting's places are where the word stands as a name (a variable, an attribute, a keyword argument, a parameter, a
field, a function), as a string or in one with a dot before or after it ("training.minutes") or as an option
("--top-k"), and as an entry of a docstring (`minutes: after which ...`, or a line of its own with an indented one
under it). Attributes of other packages (`keras.ops.top_k`) and plain words of prose are none; nor are the modules of
`--skip`, where the words mean something else. `--list` shows each.

A function's lines are those from `def` to its end, docstring and functions inside it included. Its parameters are
counted without `self` and `cls`, `*args` and `**kwargs` as one each. Where it must be long, or must take many, a
comment that begins with `# reason:` says why, on the line of `def`, or on the line above it or above its decorators.
`--check` exits with status 1 where such a comment is missing.
"""

import argparse
import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

WORDS = ("minutes", "units", "top_k", "optimizer")
MOST_LINES = 60
MOST_PARAMETERS = 10
REASON = "# reason:"


@dataclass(frozen=True)
class Function:
    """A function or a method.

    Attributes:
        where: file and line.
        name: with those of the classes and functions around it.
        lines: from `def` to the end.
        parameters: without `self` and `cls`.
        reason: why it is so large; empty where nothing says so.
    """

    where: str
    name: str
    lines: int
    parameters: int
    reason: str

    @property
    def large(self) -> bool:
        """Whether it needs a reason."""
        return self.lines > MOST_LINES or self.parameters > MOST_PARAMETERS


@dataclass(frozen=True)
class Place:
    """Where a setting is named.

    Attributes:
        file: below `src/passerelle`.
        line: from 1.
        kind: of name, such as `keyword argument`.
    """

    file: str
    line: int
    kind: str


@dataclass(frozen=True)
class Structure:
    """What a checkout's source came to.

    Attributes:
        files: lines of each file.
        functions: all of them.
        places: of each word.
    """

    files: dict[str, int]
    functions: list[Function]
    places: dict[str, list[Place]]


def main() -> None:
    """Prints the table and what was asked for beside it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "checkouts", nargs="+", type=Path, metavar="CHECKOUT", help="a folder that holds src/passerelle"
    )
    parser.add_argument("--words", default=",".join(WORDS), help="names of settings with commas between them")
    parser.add_argument("--skip", default="data/phrasebook", help="folders or files where no places are counted")
    parser.add_argument("--list", action="store_true", help="show each place")
    parser.add_argument("--check", action="store_true", help="exit with status 1 where a large function has no reason")
    arguments = parser.parse_args()
    words, skipped = arguments.words.split(","), [part for part in arguments.skip.split(",") if part]
    structures = []
    for checkout in arguments.checkouts:
        if not (checkout / "src" / "passerelle").is_dir():
            parser.error(f"{checkout} holds no src/passerelle")
        structures.append(_structure(checkout / "src" / "passerelle", words, skipped))

    print(f"| | {' | '.join(map(str, arguments.checkouts))} |")
    print("| --- " * (1 + len(structures)) + "|")
    for label, *cells in zip(_labels(words), *map(_column, structures), strict=True):
        print(f"| {label} | {' | '.join(cells)} |")
    for checkout, structure in zip(arguments.checkouts, structures, strict=True):
        if large := [function for function in structure.functions if function.large]:
            print(f"\nOver {MOST_LINES} lines or {MOST_PARAMETERS} parameters in {checkout}:")
        for function in sorted(large, key=lambda one: -one.lines):
            size = f"{function.lines} lines, {function.parameters} parameters"
            print(f"  {function.where} {function.name}: {size}; {function.reason or 'no reason given'}")
        for word, places in structure.places.items() if arguments.list else ():
            print(f"\n{word} in {checkout}:")
            for place in places:
                print(f"  {place.file}:{place.line} {place.kind}")
    missing = any(function.large and not function.reason for one in structures for function in one.functions)
    sys.exit(1 if arguments.check and missing else 0)


def _labels(words: list[str]) -> list[str]:
    named = [f"`{word}`: places, files" for word in words]
    sizes = ["longest file, lines", "longest function, lines", "most parameters"]
    return [
        "modules",
        "lines",
        *named,
        *sizes,
        f"functions over {MOST_LINES} lines",
        f"over {MOST_PARAMETERS} parameters",
    ]


def _column(structure: Structure) -> list[str]:
    """The table's cells, as `_labels` names them."""
    files, functions = structure.files, structure.functions
    cells = [f"{len(files):,}", f"{sum(files.values()):,}"]
    cells += [f"{len(found)} in {len({one.file for one in found})}" for found in structure.places.values()]
    longest_file = max(files, key=lambda name: files[name])
    longest = max(functions, key=lambda one: one.lines)
    widest = max(functions, key=lambda one: one.parameters)
    cells.append(f"{files[longest_file]} ({longest_file})")
    cells.append(f"{longest.lines} ({longest.where} {longest.name})")
    cells.append(f"{widest.parameters} ({widest.where} {widest.name})")
    for large in (
        [one for one in functions if one.lines > MOST_LINES],
        [one for one in functions if one.parameters > MOST_PARAMETERS],
    ):
        cells.append(f"{len(large)}, {sum(bool(one.reason) for one in large)} with a reason")
    return cells


def _structure(package: Path, words: list[str], skipped: list[str]) -> Structure:
    structure = Structure({}, [], {word: [] for word in words})
    for path in sorted(package.rglob("*.py")):
        file = path.relative_to(package).as_posix()
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text, str(path))
        structure.files[file] = len(text.splitlines())
        structure.functions.extend(_functions(tree, file, _comments(text)))
        if not any(PurePosixPath(file).is_relative_to(part) for part in skipped):
            for word in words:
                structure.places[word] += [Place(file, *found) for found in sorted(_places(tree, word))]
    return structure


def _comments(text: str) -> dict[int, str]:
    """The comment of each line that has one."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


def _functions(tree: ast.AST, file: str, comments: dict[int, str], around: tuple[ast.AST, ...] = ()) -> list[Function]:
    """All functions below `tree`; `around` are the classes and functions that it stands in."""
    found = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            said = [comments.get(line, "") for line in (node.lineno, node.lineno - 1, first - 1)]
            reason = next((comment.removeprefix(REASON).strip() for comment in said if comment.startswith(REASON)), "")
            name = ".".join(getattr(one, "name", "") for one in (*around, node))
            in_class = bool(around) and isinstance(around[-1], ast.ClassDef)
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            found.append(Function(f"{file}:{node.lineno}", name, lines, _parameters(node, in_class), reason))
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        found += _functions(node, file, comments, (*around, node) if inside else around)
    return found


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef, in_class: bool) -> int:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args]
    own = in_class and bool(named) and named[0].arg in ("self", "cls")
    rest = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return len(named) - own + len(arguments.kwonlyargs) + len(rest)


def _places(tree: ast.Module, word: str) -> Iterator[tuple[int, str]]:
    """Line and kind of each place."""
    others = _other_packages(tree)
    fields = {id(node.target) for one in ast.walk(tree) if isinstance(one, ast.ClassDef) for node in _fields(one)}
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) if name == word:
                yield node.lineno, "field" if id(node) in fields else "name"
            case ast.Attribute(attr=name) if name == word and _root(node) not in others:
                yield node.end_lineno or node.lineno, "attribute"
            case ast.keyword(arg=name) if name == word:
                yield node.lineno, "keyword argument"
            case ast.arg(arg=name) if name == word:
                yield node.lineno, "parameter"
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if name == word:
                yield node.lineno, "function"
            case ast.Constant(value=str(text)):
                kind = "docstring" if id(node) in prose else "string"
                for position in _mentions(text, word, entries=id(node) in prose):
                    line = node.lineno + text.count("\n", 0, position)
                    yield min(line, node.end_lineno or line), kind


def _fields(owner: ast.ClassDef) -> list[ast.AnnAssign]:
    return [node for node in owner.body if isinstance(node, ast.AnnAssign)]


def _mentions(text: str, word: str, *, entries: bool) -> list[int]:
    """Where in a string the setting is named, with `entries` also as an entry of a docstring."""
    if text == word:
        return [0]
    name, option = re.escape(word), re.escape(word.replace("_", "-"))
    ways = [rf"(?<=\.){name}(?!\w)", rf"(?<!\w){name}(?=\.\w)", rf"(?<![\w-])--{option}(?![\w-])"]
    if entries:
        ways += [rf"^ *{name}(?=:)", rf"^(?P<indent> *){name}(?= *(?::.*)?\n(?P=indent) +\S)"]
    return sorted({found.start() for way in ways for found in re.finditer(way, text, re.MULTILINE)})


def _other_packages(tree: ast.Module) -> set[str]:
    """Names that stand for other packages, or for something of theirs: imported, or assigned from such in a module."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            own = [alias for alias in node.names if alias.name.split(".")[0] != "passerelle"]
            names |= {alias.asname or alias.name.split(".")[0] for alias in own}
        elif isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] != "passerelle":
            names |= {alias.asname or alias.name for alias in node.names}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Attribute):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if _root(node.value) in names:
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def _root(node: ast.expr) -> str:
    """The name that an attribute is taken from in the end; empty where it is no plain name."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


if __name__ == "__main__":
    main()
