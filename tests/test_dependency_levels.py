"""The house's floors: which room may import which. Read from the source; nothing but the package's root is run."""

import ast
import importlib
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import passerelle

ROOT = Path(passerelle.__file__).parent
FLOORS = [
    {"errors", "special_tokens", "ragged", "settings"},
    {"runtime", "text", "layers", "evaluation", "plots"},
    {"constraints", "fields", "models"},
    {"data", "decoding"},
    {"bundle", "inference", "training", "preparation"},
    {"translator"},
    {"experiment"},
    {"cli"},
    {"__main__"},
]
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
NEIGHBOURS = {("settings", "errors"), ("ragged", "special_tokens")}
"""The only rooms that may use another one of their own floor."""

PATHS = sorted(ROOT.rglob("*.py"))
MODULES = {path: ".".join(("passerelle", *path.relative_to(ROOT).with_suffix("").parts)) for path in PATHS}


@dataclass(frozen=True)
class Import:
    """One import statement's aim, such as `passerelle.text.tokenizer` or `keras.layers`."""

    module: str
    line: int
    for_types_only: bool


@cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def imports_of(path):
    typing_only = {
        inner
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    found = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, node.lineno, node in typing_only) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = MODULES[path].split(".")[: -node.level] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            # `from passerelle import saving` aims at a room.
            aims = [f"passerelle.{alias.name}" for alias in node.names] if module == "passerelle" else [module]
            found += [Import(aim, node.lineno, node in typing_only) for aim in aims]
    return found


def room_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def inside(module, *packages):
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def each(*rooms):
    """A test for each module of these rooms; of every room if none is named."""
    paths = [path for path in PATHS if not rooms or room_of(path) in rooms]
    return pytest.mark.parametrize("path", paths, ids=[str(path.relative_to(ROOT)) for path in paths])


def breaches(path, *forbidden, types_are_free=False):
    return [
        f"line {found.line}: {found.module}"
        for found in imports_of(path)
        if inside(found.module, *forbidden) and not (types_are_free and found.for_types_only)
    ]


def test_every_room_has_a_floor():
    assert {room_of(path) for path in PATHS} - {"__init__"} == set(FLOOR_OF)


@each(*FLOOR_OF)
def test_rooms_import_from_lower_floors_only(path):
    room = room_of(path)
    for found in imports_of(path):
        if not inside(found.module, "passerelle"):
            continue
        if found.module == "passerelle":
            assert room == "cli", f"line {found.line}: the root leads to every room"
            continue
        other = found.module.split(".")[1]
        assert other in FLOOR_OF, f"line {found.line}: {found.module}"
        allowed = other == room or FLOOR_OF[other] < FLOOR_OF[room] or (room, other) in NEIGHBOURS
        assert allowed, f"line {found.line}: {room} (floor {FLOOR_OF[room]}) imports {found.module}"


def test_the_root_imports_nothing_until_it_is_asked():
    rooms = [found for found in imports_of(ROOT / "__init__.py") if inside(found.module, "passerelle")]
    # The one import that is not for types stands inside `load`.
    assert [found.module for found in rooms if not found.for_types_only] == ["passerelle.translator"]
    top = [node for node in tree_of(ROOT / "__init__.py").body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert {alias.name for node in top for alias in node.names} == {"importlib", "os", "TYPE_CHECKING", "Any"}


@each("errors", "special_tokens", "settings", "text", "evaluation", "data", "plots")
def test_texts_and_numbers_need_no_keras(path):
    if room_of(path) == "plots" and path.name == "diagram.py":
        return  # draws Keras models
    assert not breaches(path, "keras", "jax", "tensorflow", "torch")


@each("layers", "models")
def test_a_network_sees_ids_not_texts(path):
    assert not breaches(path, "passerelle.text")


@each("decoding")
def test_decoding_knows_no_network(path):
    assert not breaches(path, "passerelle.models", "passerelle.layers")


@each("decoding", "bundle", "inference", "translator")
def test_serving_loads_no_trainer(path):
    assert not breaches(path, "passerelle.training", "passerelle.experiment")


@each()
def test_training_is_reached_through_the_experiment(path):
    if room_of(path) in {"training", "experiment", "__init__"}:
        return
    found = breaches(path, "passerelle.training", types_are_free=room_of(path) == "cli")
    if room_of(path) == "cli":  # a display is a callback, and these modules need neither Keras nor JAX
        found = [line for line in found if not line.endswith(LIGHT)]
    assert not found


LIGHT = ("passerelle.training.callbacks.callback", "passerelle.training.callbacks.progress")


@pytest.mark.parametrize("module", LIGHT)
def test_callbacks_of_a_display_load_no_keras(module):
    program = f"import sys, {module}; print({{'keras', 'jax', 'pydantic'}} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "set()"


@each()
def test_pictures_the_network_and_printing_have_their_rooms(path):
    if room_of(path) != "plots":
        assert not breaches(path, "matplotlib")
    if path != ROOT / "data" / "download.py":
        assert not breaches(path, "urllib", "http", "requests", "socket")
    if room_of(path) != "cli":
        calls = [
            node.lineno
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        ]
        assert not calls
        assert not breaches(path, "cyclopts", "rich")


def names_given_by(path):
    """What the module's `__all__` holds; None where it has none."""
    for node in tree_of(path).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]:
            return ast.literal_eval(node.value)
    return None


def names_defined_by(path):
    for node in tree_of(path).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from map(ast.unparse, node.targets)
        elif isinstance(node, ast.AnnAssign):
            yield ast.unparse(node.target)
        elif isinstance(node, ast.ImportFrom) and path.name == "__init__.py":
            yield from (alias.asname or alias.name for alias in node.names)
    if path == ROOT / "__init__.py":
        yield from passerelle._HOMES


def test_every_module_says_what_it_gives():
    silent = [
        str(path.relative_to(ROOT))
        for path in PATHS
        if names_given_by(path) is None and not (path.name == "__init__.py" and not tree_of(path).body)
    ]
    assert not silent, "modules without `__all__`"


@each()
def test_modules_say_what_they_are_and_give_what_they_say(path):
    tree = tree_of(path)
    assert path.stem not in {"utils", "helpers", "util", "helper"}
    asserts = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    assert not asserts, "raise instead: python -O drops asserts"
    assert not tree.body or ast.get_docstring(tree), "no docstring"
    names = names_given_by(path)
    if names is not None:
        defined = set(names_defined_by(path))
        assert len(set(names)) == len(names)
        assert set(names) <= defined
        definitions = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        hidden = {name for name in definitions if not name.startswith("_")} - set(names)
        assert not hidden, "public, but not in `__all__`"


def test_public_names_have_their_homes():
    assert set(passerelle.__all__) == {*passerelle._HOMES, "load"}
    assert len(set(passerelle.__all__)) == len(passerelle.__all__)
    assert set(passerelle.__all__) <= set(dir(passerelle))
    for name, home in passerelle._HOMES.items():
        path = ROOT.joinpath(*home.split(".")).with_suffix(".py")
        path = path if path.exists() else path.with_suffix("") / "__init__.py"
        assert name in names_given_by(path), f"{home} does not offer {name}"
    with pytest.raises(AttributeError, match="module 'passerelle' has no attribute 'lod'"):
        _ = passerelle.lod


def test_public_names_resolve():
    for name in passerelle.__all__:
        value = getattr(passerelle, name)
        if name != "load":
            home = importlib.import_module(f"passerelle.{passerelle._HOMES[name]}")
            assert value is getattr(home, name)


def test_types_seen_by_checkers_are_those_that_come_at_run_time():
    seen = {}
    for node in ast.walk(tree_of(ROOT / "__init__.py")):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("passerelle."):
            seen |= {alias.name: node.module.removeprefix("passerelle.") for alias in node.names}
    assert seen == passerelle._HOMES


HEAVY = {"keras", "jax", "tensorflow", "torch", "matplotlib", "sacrebleu", "h5py"}


@pytest.mark.parametrize(
    "program",
    [
        "import passerelle",
        "import passerelle; passerelle.read_pairs; passerelle.Settings; passerelle.phrasebook",
        "import sys; sys.argv[1:] = ['--help']; from passerelle.cli import main; main()",
        "import sys; sys.argv[1:] = ['train', '--help']; from passerelle.cli import main; main()",
        "import sys; sys.argv[1:] = ['translate', '--help']; from passerelle.cli import main; main()",
        "import sys; sys.argv[1:] = ['presets']; from passerelle.cli import main; main()",
        "import sys; sys.argv[1:] = ['settings']; from passerelle.cli import main; main()",
        "import sys; sys.argv[1:] = ['--version']; from passerelle.cli import main; main()",
    ],
    ids=["import", "reading pairs", "--help", "train --help", "translate --help", "presets", "settings", "--version"],
)
def test_what_needs_no_network_loads_no_keras(program):
    watched = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sorted(m for m in sys.modules if '.' not in m), file=sys.stderr))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", watched + program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.splitlines()[-1].split())
    assert "passerelle" in loaded
    assert not loaded & HEAVY
