"""Code metrics of checkouts: size, longest functions, and the number of places where a setting is named.

    python benchmarks/structure.py CHECKOUT [CHECKOUT ...] [--words units,top_k] [--list] [--check]

Parses `src/passerelle` of each checkout with `ast`, without running it, and prints a table with a column per checkout.

The places of a setting are: names (variables, attributes, keyword arguments, parameters, fields, functions); strings
that equal the name, contain it with a dot before or after it ("training.minutes") or contain its option ("--top-k");
and entries of docstrings (`minutes: time limit ...`, or a separate line followed by an indented one). Attributes of
other packages (`keras.ops.top_k`) and words of prose do not count, and neither do the modules of `--skip`, where the
words have another meaning. `--list` prints each place.

The lines of a function are those from `def` to its end, including its docstring and inner functions. Its parameters are
counted without `self` and `cls`; `*args` and `**kwargs` count as one each. If a function exceeds a limit, a comment
that begins with `# reason:` explains why, on the line of `def`, the line above it, or the line above its decorators.
With `--check` the exit status is 1 if such a comment is missing.
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
MAX_LINES = 60
MAX_PARAMETERS = 10
REASON = "# reason:"


@dataclass(frozen=True)
class Function:
    """A function or a method.

    Attributes:
        where: file and line.
        name: qualified name.
        lines: number of lines from `def` to the end.
        parameters: number of parameters without `self` and `cls`.
        reason: text of the comment that explains its size; empty if there is none.
    """

    where: str
    name: str
    lines: int
    parameters: int
    reason: str

    @property
    def large(self) -> bool:
        """Whether the function exceeds a limit."""
        return self.lines > MAX_LINES or self.parameters > MAX_PARAMETERS


@dataclass(frozen=True)
class Place:
    """A place where a setting is named.

    Attributes:
        file: path relative to `src/passerelle`.
        line: line number, from 1.
        kind: kind of the name, such as `keyword argument`.
    """

    file: str
    line: int
    kind: str


@dataclass(frozen=True)
class Structure:
    """Metrics of a checkout.

    Attributes:
        files: number of lines by file.
        functions: all functions and methods.
        places: places by the name of a setting.
    """

    files: dict[str, int]
    functions: list[Function]
    places: dict[str, list[Place]]


def main() -> None:
    """Print the table and the requested lists."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "checkouts", nargs="+", type=Path, metavar="CHECKOUT", help="a folder that contains src/passerelle"
    )
    parser.add_argument("--words", default=",".join(WORDS), help="names of settings, separated by commas")
    parser.add_argument("--skip", default="data/phrasebook", help="folders or files in which no places are counted")
    parser.add_argument("--list", action="store_true", help="print each place")
    parser.add_argument("--check", action="store_true", help="exit with status 1 if a large function has no reason")
    arguments = parser.parse_args()
    words, skipped = arguments.words.split(","), [part for part in arguments.skip.split(",") if part]
    structures = []
    for checkout in arguments.checkouts:
        if not (checkout / "src" / "passerelle").is_dir():
            parser.error(f"{checkout} does not contain src/passerelle")
        structures.append(_structure(checkout / "src" / "passerelle", words, skipped))

    print(f"| | {' | '.join(map(str, arguments.checkouts))} |")
    print("| --- " * (1 + len(structures)) + "|")
    for label, *cells in zip(_labels(words), *map(_column, structures), strict=True):
        print(f"| {label} | {' | '.join(cells)} |")
    for checkout, structure in zip(arguments.checkouts, structures, strict=True):
        if large := [function for function in structure.functions if function.large]:
            print(f"\nOver {MAX_LINES} lines or {MAX_PARAMETERS} parameters in {checkout}:")
        for function in sorted(large, key=lambda one: -one.lines):
            size = f"{function.lines} lines, {function.parameters} parameters"
            print(f"  {function.where} {function.name}: {size}; {function.reason or 'no reason'}")
        for word, places in structure.places.items() if arguments.list else ():
            print(f"\n{word} in {checkout}:")
            for place in places:
                print(f"  {place.file}:{place.line} {place.kind}")
    missing = any(function.large and not function.reason for one in structures for function in one.functions)
    sys.exit(1 if arguments.check and missing else 0)


def _labels(words: list[str]) -> list[str]:
    return [
        "modules",
        "lines",
        *(f"`{word}`: places, files" for word in words),
        "longest file, lines",
        "longest function, lines",
        "most parameters",
        f"functions over {MAX_LINES} lines",
        f"over {MAX_PARAMETERS} parameters",
    ]


def _column(structure: Structure) -> list[str]:
    """Return the cells of a column, in the order of `_labels`."""
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
        [one for one in functions if one.lines > MAX_LINES],
        [one for one in functions if one.parameters > MAX_PARAMETERS],
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
    """Return the comments by line number."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


def _functions(tree: ast.AST, file: str, comments: dict[int, str], parents: tuple[ast.AST, ...] = ()) -> list[Function]:
    """Return all functions in `tree`, which is nested in the classes and functions `parents`."""
    found = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            near = [comments.get(line, "") for line in (node.lineno, node.lineno - 1, first - 1)]
            reason = next((comment.removeprefix(REASON).strip() for comment in near if comment.startswith(REASON)), "")
            name = ".".join(getattr(one, "name", "") for one in (*parents, node))
            in_class = bool(parents) and isinstance(parents[-1], ast.ClassDef)
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            found.append(Function(f"{file}:{node.lineno}", name, lines, _parameters(node, in_class), reason))
        is_parent = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        found += _functions(node, file, comments, (*parents, node) if is_parent else parents)
    return found


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef, in_class: bool) -> int:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args]
    has_self = in_class and bool(named) and named[0].arg in ("self", "cls")
    variadic = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return len(named) - has_self + len(arguments.kwonlyargs) + len(variadic)


def _places(tree: ast.Module, word: str) -> Iterator[tuple[int, str]]:
    """Yield line and kind of each place."""
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
    """Return the positions of a setting's name in a string; with `entries`, also those of docstring entries."""
    if text == word:
        return [0]
    name, option = re.escape(word), re.escape(word.replace("_", "-"))
    patterns = [rf"(?<=\.){name}(?!\w)", rf"(?<!\w){name}(?=\.\w)", rf"(?<![\w-])--{option}(?![\w-])"]
    if entries:
        patterns += [rf"^ *{name}(?=:)", rf"^(?P<indent> *){name}(?= *(?::.*)?\n(?P=indent) +\S)"]
    return sorted({match.start() for pattern in patterns for match in re.finditer(pattern, text, re.MULTILINE)})


def _other_packages(tree: ast.Module) -> set[str]:
    """Return names of other packages and of their members: imported, or assigned from these in the module."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            external = [alias for alias in node.names if alias.name.split(".")[0] != "passerelle"]
            names |= {alias.asname or alias.name.split(".")[0] for alias in external}
        elif isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] != "passerelle":
            names |= {alias.asname or alias.name for alias in node.names}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Attribute):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if _root(node.value) in names:
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def _root(node: ast.expr) -> str:
    """Return the first name of a dotted expression; empty if it does not begin with a name."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


if __name__ == "__main__":
    main()
