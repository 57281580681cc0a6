"""The shape of the code: which way imports run, what is never done, how large things may grow."""

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import activecharge

ROOT = Path(activecharge.__file__).parent

FOUNDATION = {
    "errors",
    "extensions",
    "files",
    "formats",
    "jsonl",
    "options",
    "properties",
    "records",
    "rounding",
    "scratch",
    "strict_json",
    "texts",
    "units",
}
PARTS = {"model", "dataset"}
STAGES = {"sampling", "reference", "learning", "committee", "report"}
BELOW = FOUNDATION | PARTS | STAGES | {"execution"}
BELOW_LOOP = BELOW | {"campaign/settings", "campaign/disk"}
BELOW_MONITOR = BELOW_LOOP | {"campaign/loop"}
BELOW_LAUNCH = BELOW_MONITOR | {"campaign/monitor", "campaign/precheck"}
MAY_IMPORT = {
    **dict.fromkeys(FOUNDATION, FOUNDATION),
    **dict.fromkeys(PARTS, FOUNDATION),
    **dict.fromkeys(STAGES, FOUNDATION | PARTS),
    "calculator": FOUNDATION | {"model", "committee"},
    "engines": FOUNDATION | {"model", "committee", "calculator"},
    "simulation": FOUNDATION | PARTS | {"committee", "sampling"},
    "spectra": FOUNDATION | PARTS | {"calculator", "committee", "report", "simulation"},
    "execution": FOUNDATION,
    "campaign/settings": BELOW,
    "campaign/disk": FOUNDATION | PARTS | {"report", "campaign/settings"},
    "campaign/precheck": FOUNDATION | {"sampling", "campaign/settings"},
    "campaign/jobs": FOUNDATION | {"execution", "campaign/settings"},
    "campaign/loop": BELOW_LOOP,
    "campaign/monitor": BELOW_MONITOR,
    "campaign/launch": BELOW_LAUNCH,
    "campaign/compare": BELOW_LAUNCH,
    "campaign/standalone": BELOW_LAUNCH | {"simulation"},
    "cli": BELOW_LAUNCH
    | {"campaign/jobs", "campaign/launch", "campaign/compare", "campaign/standalone", "spectra"},
    "__main__": {"cli"},
}
"""Rooms of the package (modules or folders) and which others each may import."""

SOURCES = sorted(ROOT.rglob("*.py"))
FACADE = ROOT / "__init__.py"
CODE = [path for path in SOURCES if path != FACADE]
TREES = {path: ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in SOURCES}


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(name: str) -> str:
    """The room of a module, given as "campaign/loop/state"."""
    parts = name.removesuffix(".py").split("/")
    deep = "/".join(parts[:2])
    return deep if deep in MAY_IMPORT else parts[0]


def imports(path: Path) -> Iterator[str]:
    """Dotted names of all that a file imports, anywhere in it; relative ones resolved."""
    package = (ROOT.name, *path.relative_to(ROOT).parent.parts)
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *filter(None, [node.module])))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def modules_of(path: Path) -> set[str]:
    """Modules of the package that a file imports, as "campaign/loop/state"."""
    found = set()
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != ROOT.name:
            continue
        while len(parts) > 1 and not (ROOT / "/".join(parts[1:])).with_suffix(".py").exists():
            if (ROOT / "/".join(parts[1:]) / "__init__.py").exists():
                break
            parts.pop()
        found.add("/".join(parts[1:]))
    return found - {""}


def test_every_room_has_its_place():
    """A new room needs a line in the table above."""
    empty = {"campaign/__init__.py"}
    assert {room_of(label(path)) for path in CODE if label(path) not in empty} <= set(MAY_IMPORT)
    assert len(CODE) > 150


def test_imports_run_one_way():
    wrong = [
        f"{label(path)} must not import {module}"
        for path in CODE
        for module in modules_of(path)
        if room_of(module) not in MAY_IMPORT.get(room_of(label(path)), set())
        and room_of(module) != room_of(label(path))
    ]
    assert not wrong


def test_no_imports_run_in_a_circle():
    """Not even those that wait within a function."""
    graph = {label(p).removesuffix(".py"): modules_of(p) for p in CODE if p.stem != "__init__"}
    free: set[str] = set()
    while ready := {
        m for m, needs in graph.items() if m not in free and needs & set(graph) <= free
    }:
        free |= ready
    assert not set(graph) - free


def test_nobody_imports_the_facade():
    """`from activecharge import Committee` is for users; inside it would hide a direction."""
    names = {f"{ROOT.name}.{name}" for name in activecharge.__all__} - {"activecharge.__version__"}
    assert len(names) > 5
    assert not [label(path) for path in CODE if set(imports(path)) & names]


def test_ray_is_touched_in_few_places():
    users = {label(p) for p in SOURCES if any(n.split(".")[0] == "ray" for n in imports(p))}
    assert users == {
        "campaign/jobs/submit.py",
        "campaign/monitor/prometheus.py",
        "execution/ray_connection.py",
        "execution/ray_here.py",
    }


# -- how large things may grow -----------------------------------------------------------


def test_files_are_short_and_say_what_they_are():
    texts = {label(path): path.read_text(encoding="utf-8") for path in SOURCES}
    assert not [name for name, text in texts.items() if len(text.splitlines()) > 300]
    silent = [label(path) for path in SOURCES if texts[label(path)] and not doc_of(path)]
    assert not silent


def doc_of(path: Path) -> str | None:
    return ast.get_docstring(TREES[path])


def test_functions_fit_on_a_screen():
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    long = [
        f"{label(path)}: {node.name}"
        for path in SOURCES
        for node in ast.walk(TREES[path])
        if isinstance(node, functions) and code_lines(node) > 45
    ]
    assert not long


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function but for its docstring."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return lines - ((first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0)


def test_rooms_are_small_and_names_are_unique():
    folders, names = defaultdict(list), defaultdict(list)
    for path in SOURCES:
        if path.stem not in ("__init__", "__main__"):
            folders[label(path.parent)].append(path.stem)
            names[path.stem].append(label(path))
    assert not {folder for folder, modules in folders.items() if len(modules) > 14}
    assert not {name: paths for name, paths in names.items() if len(paths) > 1}


# -- what is never done ------------------------------------------------------------------

UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
UNSAFE_CALLS = {
    "eval",
    "exec",
    "torch.load",
    "torch.save",
    "yaml.load",  # but with a safe loader, see `loads_safely`
    "yaml.load_all",
    "yaml.full_load",
    "yaml.unsafe_load",
    "np.save",
    "os.system",
}


def test_no_file_can_run_code_from_data():
    for path in SOURCES:
        assert not {name.split(".")[0] for name in imports(path)} & UNSAFE_MODULES, label(path)
        for node in ast.walk(TREES[path]):
            if isinstance(node, ast.Call):
                where, called = f"{label(path)}:{node.lineno}", name_of(node.func)
                if called == "yaml.load" and loads_safely(node, TREES[path]):
                    continue
                flags = [k for k in node.keywords if k.arg in ("allow_pickle", "shell")]
                keywords = {k.arg: ast.unparse(k.value) for k in flags}
                assert called not in UNSAFE_CALLS, f"{where}: calls {called}"
                assert keywords.get("allow_pickle") != "True", f"{where}: may unpickle"
                assert keywords.get("shell") != "True", f"{where}: runs a shell"


def name_of(function: ast.expr) -> str:
    """A dotted name; of what is no such name, its end."""
    if isinstance(function, ast.Attribute):
        return f"{name_of(function.value)}.{function.attr}"
    return function.id if isinstance(function, ast.Name) else ""


def loads_safely(call: ast.Call, tree: ast.Module) -> bool:
    """Whether this is `yaml.load` with a loader that derives from YAML's safe one."""
    safe = {"yaml.SafeLoader"} | {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and [*map(ast.unparse, node.bases)] == ["yaml.SafeLoader"]
    }
    loaders = [ast.unparse(k.value) for k in call.keywords if k.arg == "Loader"]
    return bool(loaders) and set(loaders) <= safe


def test_no_error_is_swallowed():
    """`except Exception: pass`, and a bare `except:` of any kind."""
    for path in SOURCES:
        for node in ast.walk(TREES[path]):
            if isinstance(node, ast.ExceptHandler):
                where = f"{label(path)}:{node.lineno}"
                assert node.type is not None, f"{where}: bare except"
                broad = ast.unparse(node.type) in ("Exception", "BaseException")
                silent = all(isinstance(line, ast.Pass | ast.Continue) for line in node.body)
                assert not (broad and silent), f"{where}: swallows every error"


# -- what an import costs ----------------------------------------------------------------

HEAVY = {"torch", "ase", "ray", "mace", "e3nn", "tblite", "matplotlib", "vesin", "scipy"}


def loaded_by(code: str) -> set[str]:
    """Top-level packages in a fresh interpreter after running `code`."""
    show = "; import sys; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code + show], check=True, capture_output=True, text=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_settings_and_the_package_import_fast():
    """All settings together in one interpreter: none of them may load anything heavy."""
    modules = [
        ".".join(p.relative_to(ROOT.parent).with_suffix("").parts)
        for p in SOURCES
        if p.stem.endswith("options")
    ]
    assert len(modules) >= 15
    assert not loaded_by(f"import activecharge, {', '.join(modules)}") & HEAVY


def test_the_command_line_imports_fast():
    assert not loaded_by("import activecharge.cli") & HEAVY


def test_the_package_exposes_its_classes_lazily():
    assert "torch" not in loaded_by("import activecharge; activecharge.__version__")
    assert activecharge.Committee.__module__ == "activecharge.committee.committee"
    assert activecharge.ChargeCalculator.__module__ == "activecharge.calculator"
    for name in activecharge.__all__:
        assert getattr(activecharge, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Comittee'"):
        activecharge.Comittee  # noqa: B018
