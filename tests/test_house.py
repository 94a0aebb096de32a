"""The house: floors, doors, export lists. Everything is read from the source with `ast`; nothing is imported."""

import ast
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

SOURCE = Path(__file__).parents[1] / "src" / "crksim"
FLOORS = ("model", "simulation", "analysis", "output", "interface")

#: Library -> the only files or folders that may import it.
DOORS = {
    "hydra": ("interface/composing.py",),
    "omegaconf": ("interface/composing.py",),
    "simpy": ("simulation/",),
    "pandas": ("output/tables.py",),
    "matplotlib": ("output/figures.py",),
    "xlsxwriter": ("output/workbook.py", "output/workbook_form.py"),
    "openpyxl": ("output/workbook_form.py",),
    "pyarrow": ("output/export.py",),
    "jinja2": ("output/report/",),
    "rich": ("interface/screen.py",),
    "yaml": ("interface/sheets.py", "output/"),
    "SALib": ("analysis/indices.py",),
    "concurrent": ("analysis/pool.py", "analysis/processes.py", "analysis/dask_cluster.py"),
    "multiprocessing": ("analysis/processes.py",),
    "distributed": ("analysis/dask_cluster.py",),
}

#: Floors that hold values and arithmetic, and must not touch files, clocks or the environment.
PURE = ("model", "simulation")
IMPURE_MODULES = ("os", "pathlib", "random", "shutil", "subprocess", "time")

MODULES = sorted(SOURCE.rglob("*.py"))


def name_of(path):
    parts = ("crksim", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def type_checking_blocks(tree):
    """Nodes that only the type checker reads."""
    return {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for inner in ast.walk(node)
    }


@cache
def imports_of(path, *, typing=True):
    """Return (module, names) of every import, wherever in the file it stands; every question here asks it anew."""
    tree = tree_of(path)
    skipped = set() if typing else type_checking_blocks(tree)
    found = []
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.append((node.module, tuple(alias.name for alias in node.names)))
    return tuple(found)


KNOWN = {name_of(path): path for path in MODULES}


def targets(path, *, typing=True):
    """Modules of crksim that `path` imports."""
    for module, names in imports_of(path, typing=typing):
        if module.split(".")[0] != "crksim":
            continue
        inner = [f"{module}.{name}" for name in names if f"{module}.{name}" in KNOWN]
        yield from inner or [module]


def floor(name):
    parts = name.split(".")
    if name == "crksim.__main__":
        return len(FLOORS)
    return FLOORS.index(parts[1]) if len(parts) > 1 and parts[1] in FLOORS else -1


def test_there_is_something_to_look_at():
    assert len(MODULES) > 20
    assert {path.parent.name for path in MODULES} >= set(FLOORS)


def test_every_module_stands_on_a_floor():
    loose = [name for name in KNOWN if floor(name) < 0 and name not in ("crksim", "crksim.errors")]
    assert loose == []


def test_imports_point_downward():
    """The ground (crksim, crksim.errors) is below all floors, so it may import from none of them."""
    wrong = [
        f"{name} imports {target}"
        for name, path in KNOWN.items()
        for target in targets(path)
        if floor(target) > floor(name)
    ]
    assert wrong == []


def test_no_two_modules_import_each_other():
    graph = {name: {t for t in targets(path, typing=False) if t != name} for name, path in KNOWN.items()}
    done, knots = set(), []

    def visit(name, trail):
        if name in trail:
            knots.append(" -> ".join([*trail[trail.index(name) :], name]))
        elif name not in done:
            for target in sorted(graph.get(name, ())):
                visit(target, [*trail, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    assert knots == []


@pytest.mark.parametrize("library", DOORS)
def test_one_door_per_dependency(library):
    wrong = [
        name
        for name, path in KNOWN.items()
        if not path.relative_to(SOURCE).as_posix().startswith(DOORS[library])
        and any(module.split(".")[0] == library for module, _ in imports_of(path, typing=False))
    ]
    assert wrong == []


def test_every_door_is_used():
    """A door that nothing goes through is a line to delete; it would hide a misspelt name."""
    used = {module.split(".")[0] for path in MODULES for module, _ in imports_of(path)}
    assert [library for library in DOORS if library not in used] == []


def test_model_and_simulation_touch_no_files_and_no_clock():
    wrong = [
        f"{name} imports {module}"
        for name, path in KNOWN.items()
        if name.split(".")[1:2] and name.split(".")[1] in PURE
        for module, _ in imports_of(path)
        if module.split(".")[0] in IMPURE_MODULES
    ]
    assert wrong == []


# ---------------------------------------------------------------------------------------------------- export lists


@cache
def exported(path):
    for node in tree_of(path).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if isinstance(node, ast.Assign | ast.AnnAssign) and ast.unparse(targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return None


def defined(path):
    """Names that a module has at its top level, imports among them."""
    names = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            found = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {inner.id for target in found for inner in ast.walk(target) if isinstance(inner, ast.Name)}
    return names


def has_code(path):
    """Whether there is more than the line of a folder's own module; asked while tests are collected, so not parsed."""
    return path.read_text(encoding="utf-8").count("\n") > 1


@pytest.mark.parametrize("path", [path for path in MODULES if has_code(path)], ids=name_of)
def test_every_module_lists_what_it_exports(path):
    names = exported(path)
    assert names is not None, "has no __all__"
    assert len(names) == len(set(names))
    assert not [name for name in names if name not in defined(path)]
    assert not [name for name in names if name.startswith("_") and name != "__version__"]


def test_modules_take_from_each_other_only_what_is_exported():
    wrong = [
        f"{name} takes {module}.{taken}"
        for name, path in KNOWN.items()
        for module, names in imports_of(path)
        if module in KNOWN
        for taken in names
        if taken not in (exported(KNOWN[module]) or ()) and f"{module}.{taken}" not in KNOWN
    ]
    assert wrong == []


def test_the_package_exports_exactly_this():
    assert exported(SOURCE / "__init__.py") == ["__version__", "load"]


# ------------------------------------------------------------------------------------------------------------ size


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_stay_readable(path):
    assert path.read_text(encoding="utf-8").count("\n") <= 400
    long = {
        node.name: node.end_lineno - node.body[0].lineno + 1
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: lines for name, lines in long.items() if lines > 90} == {}


# -------------------------------------------------------------------------------------------------------- data shipped


def test_versions_agree():
    import tomllib

    import crksim

    top = SOURCE.parents[1]
    project = tomllib.loads((top / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == crksim.__version__
    assert f"version: {crksim.__version__}\n" in (top / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {crksim.__version__}" in (top / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_version_in_the_changelog_speaks_of_numbers():
    sections = (SOURCE.parents[1] / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1:]
    assert sections
    assert [text.splitlines()[0] for text in sections if "\n### Numbers\n" not in text] == []
