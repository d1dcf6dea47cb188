"""The dependency levels of packages, and conventions for modules. Most tests parse the source without running it."""

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
LEVELS = [
    {"backend", "errors", "special_tokens", "ragged", "scripts", "settings"},
    {"launcher", "preset_choice", "runtime", "text", "layers", "evaluation", "plots"},
    {"constraints", "fields", "models", "parallel"},
    {"data", "decoding"},
    {"bundle", "inference", "training"},
    {"fine_tuning"},
    {"preparation", "window_preparation"},
    {"translator", "forecaster", "runs"},
    {"experiment", "forecasting", "loading"},
    {"integrations", "sweep", "synthetic"},
    {"cli"},
    {"__main__"},
]
LEVEL_OF = {package: level for level, packages in enumerate(LEVELS) for package in packages}
SAME_LEVEL_IMPORTS = {("backend", "errors"), ("settings", "errors"), ("ragged", "special_tokens")}
"""The only imports between packages of the same level: (importing, imported)."""

PATHS = sorted(ROOT.rglob("*.py"))
MODULES = {path: ".".join(("passerelle", *path.relative_to(ROOT).with_suffix("").parts)) for path in PATHS}


@dataclass(frozen=True)
class Import:
    """An imported module, such as `passerelle.text.tokenizer` or `keras.layers`, and the line of the import."""

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
    imports = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            imports += [Import(alias.name, node.lineno, node in typing_only) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parents = MODULES[path].split(".")[: -node.level] if node.level else []
            module = ".".join([*parents, *([node.module] if node.module else [])])
            # `from passerelle import runtime` imports a module.
            modules = [f"passerelle.{alias.name}" for alias in node.names] if module == "passerelle" else [module]
            imports += [Import(name, node.lineno, node in typing_only) for name in modules]
    return imports


def package_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def is_in(module, *packages):
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def each_module_of(*packages):
    """Parametrize a test with the modules of these packages; without arguments, with all modules."""
    paths = [path for path in PATHS if not packages or package_of(path) in packages]
    return pytest.mark.parametrize("path", paths, ids=[str(path.relative_to(ROOT)) for path in paths])


def forbidden_imports(path, *forbidden, allow_for_types=False):
    return [
        f"line {imported.line}: {imported.module}"
        for imported in imports_of(path)
        if is_in(imported.module, *forbidden) and not (allow_for_types and imported.for_types_only)
    ]


def test_every_package_has_a_level():
    assert {package_of(path) for path in PATHS} - {"__init__"} == set(LEVEL_OF)


@each_module_of(*LEVEL_OF)
def test_packages_import_only_from_lower_levels(path):
    package = package_of(path)
    for imported in imports_of(path):
        if not is_in(imported.module, "passerelle"):
            continue
        if imported.module == "passerelle":
            assert package == "cli", f"line {imported.line}: only cli may import the root, which imports all packages"
            continue
        other = imported.module.split(".")[1]
        assert other in LEVEL_OF, f"line {imported.line}: {imported.module}"
        lower = LEVEL_OF[other] < LEVEL_OF[package]
        allowed = other == package or lower or (package, other) in SAME_LEVEL_IMPORTS
        assert allowed, f"line {imported.line}: {package} (level {LEVEL_OF[package]}) imports {imported.module}"


def test_root_imports_lazily():
    imports = [imported for imported in imports_of(ROOT / "__init__.py") if is_in(imported.module, "passerelle")]
    # The only import that is not for types is inside the function `load`.
    assert [imported.module for imported in imports if not imported.for_types_only] == ["passerelle.loading"]
    top = [node for node in tree_of(ROOT / "__init__.py").body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert {alias.name for node in top for alias in node.names} == {"importlib", "os", "TYPE_CHECKING", "Any"}


@each_module_of("errors", "special_tokens", "settings", "text", "evaluation", "data", "plots")
def test_packages_without_networks_do_not_import_keras(path):
    if package_of(path) == "plots" and path.name == "diagram.py":
        return  # plots Keras models
    assert not forbidden_imports(path, "keras", "jax", "tensorflow", "torch")


@each_module_of("layers", "models")
def test_networks_do_not_import_text(path):
    assert not forbidden_imports(path, "passerelle.text")


@each_module_of("decoding")
def test_decoding_does_not_import_networks(path):
    assert not forbidden_imports(path, "passerelle.models", "passerelle.layers")


@each_module_of("decoding", "bundle", "inference", "translator")
def test_inference_does_not_import_training(path):
    assert not forbidden_imports(path, "passerelle.training", "passerelle.experiment")


@each_module_of()
def test_only_experiments_and_their_runs_import_training(path):
    if package_of(path) in {"training", "runs", "experiment", "forecasting", "sweep", "__init__"}:
        return
    imports = forbidden_imports(path, "passerelle.training", allow_for_types=package_of(path) in {"cli", "synthetic"})
    if package_of(path) == "cli":  # the progress display is a callback; the commands handle the same signals
        imports = [line for line in imports if not line.endswith(CALLBACKS_OF_CLI)]
    assert not imports


CALLBACKS_OF_CLI = tuple(f"passerelle.training.callbacks.{name}" for name in ("callback", "interruption", "progress"))


@pytest.mark.parametrize("module", CALLBACKS_OF_CLI)
def test_callbacks_of_the_progress_display_do_not_load_keras(module):
    program = f"import sys, {module}; print({{'keras', 'jax', 'pydantic'}} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "set()"


@each_module_of()
def test_plotting_downloading_and_printing_are_limited_to_their_packages(path):
    if package_of(path) != "plots":
        assert not forbidden_imports(path, "matplotlib")
    if path != ROOT / "data" / "download.py":
        sockets = () if path == ROOT / "parallel" / "channel.py" else ("socket",)
        assert not forbidden_imports(path, "urllib", "http", "requests", *sockets)
    if package_of(path) != "cli":
        calls = [
            node.lineno
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        ]
        assert not calls
        assert not forbidden_imports(path, "cyclopts", "rich")


def exported_names(path):
    """Return the module's `__all__`; None if it has none."""
    for node in tree_of(path).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]:
            return ast.literal_eval(node.value)
    return None


def defined_names(path):
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
        yield from passerelle._MODULES


def test_every_module_has_all():
    missing = [
        str(path.relative_to(ROOT))
        for path in PATHS
        if exported_names(path) is None and not (path.name == "__init__.py" and not tree_of(path).body)
    ]
    assert not missing, "modules without `__all__`"


@each_module_of()
def test_modules_follow_conventions(path):
    tree = tree_of(path)
    assert path.stem not in {"utils", "helpers", "util", "helper"}
    asserts = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    assert not asserts, "raise an error instead: `python -O` removes asserts"
    assert not tree.body or ast.get_docstring(tree), "no docstring"
    names = exported_names(path)
    if names is not None:
        defined = set(defined_names(path))
        assert len(set(names)) == len(names)
        assert set(names) <= defined
        definitions = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        not_exported = {name for name in definitions if not name.startswith("_")} - set(names)
        assert not not_exported, "public names that are not in `__all__`"


def test_public_names_are_exported_by_their_modules():
    assert set(passerelle.__all__) == {*passerelle._MODULES, "load"}
    assert len(set(passerelle.__all__)) == len(passerelle.__all__)
    assert set(passerelle.__all__) <= set(dir(passerelle))
    for name, module in passerelle._MODULES.items():
        path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
        path = path if path.exists() else path.with_suffix("") / "__init__.py"
        assert name in exported_names(path), f"{module} does not export {name}"
    with pytest.raises(AttributeError, match="module 'passerelle' has no attribute 'lod'"):
        _ = passerelle.lod


def test_public_names_resolve():
    for name in passerelle.__all__:
        value = getattr(passerelle, name)
        if name != "load":
            module = importlib.import_module(f"passerelle.{passerelle._MODULES[name]}")
            assert value is getattr(module, name)


def test_imports_for_type_checkers_match_those_at_run_time():
    imported = {}
    for node in ast.walk(tree_of(ROOT / "__init__.py")):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("passerelle."):
            imported |= {alias.name: node.module.removeprefix("passerelle.") for alias in node.names}
    assert imported == passerelle._MODULES | {"load_model": "loading"}  # inside the function `load`


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
def test_commands_without_networks_do_not_load_keras(program):
    print_modules = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sorted(m for m in sys.modules if '.' not in m), file=sys.stderr))\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", print_modules + program], capture_output=True, text=True, timeout=60, check=False
    )
    assert process.returncode == 0, process.stderr
    loaded = set(process.stderr.splitlines()[-1].split())
    assert "passerelle" in loaded
    assert not loaded & HEAVY
