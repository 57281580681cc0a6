"""The shape of the code: which way imports run, and what is never done."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import activecharge

ROOT = Path(activecharge.__file__).parent
FOUNDATION = {"errors", "units", "properties", "records", "files", "options", "rounding", "texts"}
STAGES = {"sampling", "reference", "learning", "committee", "report"}
MAY_IMPORT = {
    **dict.fromkeys(FOUNDATION, FOUNDATION),
    "model": FOUNDATION,
    "dataset": FOUNDATION,
    **{stage: FOUNDATION | {"model", "dataset"} for stage in STAGES},
    "calculator": FOUNDATION | {"committee"},
    "campaign": FOUNDATION | STAGES | {"model", "dataset", "calculator"},
    "cli": FOUNDATION | STAGES | {"model", "dataset", "calculator", "campaign"},
    "__main__": {"cli"},
}
"""Parts of the package (modules or folders) and which others each may import."""

SOURCES = sorted(ROOT.rglob("*.py"))
FACADE = ROOT / "__init__.py"
CODE = [path for path in SOURCES if path != FACADE]


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def part_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path) -> Iterator[str]:
    """Dotted names of all that a file imports, anywhere in it; relative ones resolved."""
    package = (ROOT.name, *path.relative_to(ROOT).parent.parts)
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *filter(None, [node.module])))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def inner_imports(path: Path) -> set[str]:
    """Parts of the package that a file imports."""
    return {
        name.split(".")[1]
        for name in imports(path)
        if name.split(".")[0] == ROOT.name and "." in name
    }


def test_every_part_has_its_place():
    """A new module at the top needs a line in the table above."""
    assert {part_of(path) for path in CODE} <= MAY_IMPORT.keys()
    assert len(CODE) > 40


@pytest.mark.parametrize("path", CODE, ids=label)
def test_imports_run_one_way(path):
    part = part_of(path)
    strangers = inner_imports(path) - MAY_IMPORT[part] - {part}
    assert not strangers, f"{label(path)} must not import activecharge.{sorted(strangers)[0]}"


def test_nobody_imports_the_facade():
    """`from activecharge import Committee` is for users; inside it would hide a direction."""
    names = {"ChargeCalculator", "Committee"}
    assert not [label(path) for path in CODE if inner_imports(path) & names]


def test_ray_is_imported_where_campaigns_are_run_submitted_and_measured():
    users = [label(p) for p in SOURCES if any(n.split(".")[0] == "ray" for n in imports(p))]
    assert set(users) <= {"campaign/cluster.py", "campaign/metrics.py", "campaign/submit.py"}


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


@pytest.mark.parametrize("path", SOURCES, ids=label)
def test_no_file_can_run_code_from_data(path):
    assert not {name.split(".")[0] for name in imports(path)} & UNSAFE_MODULES
    tree = parse(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and not loads_safely(node, tree):
            where, called = f"{label(path)}:{node.lineno}", ast.unparse(node.func)
            keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
            assert called not in UNSAFE_CALLS, f"{where}: calls {called}"
            assert keywords.get("allow_pickle") != "True", f"{where}: may unpickle"
            assert keywords.get("shell") != "True", f"{where}: runs a shell"


def loads_safely(call: ast.Call, tree: ast.Module) -> bool:
    """Whether this is `yaml.load` with a loader that derives from YAML's safe one."""
    safe = {"yaml.SafeLoader"} | {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and [*map(ast.unparse, node.bases)] == ["yaml.SafeLoader"]
    }
    loaders = [ast.unparse(k.value) for k in call.keywords if k.arg == "Loader"]
    return ast.unparse(call.func) == "yaml.load" and bool(loaders) and set(loaders) <= safe


@pytest.mark.parametrize("path", SOURCES, ids=label)
def test_no_error_is_swallowed(path):
    """`except Exception: pass`, and a bare `except:` of any kind."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ExceptHandler):
            where = f"{label(path)}:{node.lineno}"
            assert node.type is not None, f"{where}: bare except"
            broad = ast.unparse(node.type) in ("Exception", "BaseException")
            silent = all(isinstance(line, ast.Pass | ast.Continue) for line in node.body)
            assert not (broad and silent), f"{where}: swallows every error"


@pytest.mark.parametrize("path", SOURCES, ids=label)
def test_files_are_short_and_say_what_they_are(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    assert not text or ast.get_docstring(ast.parse(text)), "a module says what it is for"


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
    assert len(modules) >= 12
    assert not loaded_by(f"import activecharge, {', '.join(modules)}") & HEAVY


def test_the_command_line_imports_fast():
    assert not loaded_by("import activecharge.cli") & HEAVY


def test_the_package_exposes_its_classes_lazily():
    assert "torch" not in loaded_by("import activecharge; activecharge.__version__")
    assert activecharge.Committee.__module__ == "activecharge.committee.committee"
    assert activecharge.ChargeCalculator.__module__ == "activecharge.calculator"
    assert set(activecharge.__all__) == {"ChargeCalculator", "Committee", "__version__"}
    with pytest.raises(AttributeError, match="no attribute 'Comittee'"):
        activecharge.Comittee  # noqa: B018
