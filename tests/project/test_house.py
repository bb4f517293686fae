"""The house's own rules: what may import what, what a folder holds, and what is written down about it."""

import ast
import importlib
import re
import subprocess
import sys
import zipfile
from itertools import pairwise

import pytest
from builders.source_tree import (
    PACKAGES,
    ROOT,
    cycles,
    import_graph,
    imported_names,
    modules,
    packages,
    plugin_folders,
    sibling_graphs,
)

HEAVY = (
    *("tensorflow", "ai_edge_litert", "PIL", "faster_coco_eval", "jinja2", "rich", "skimage", "google"),
    *("onnx", "onnxruntime"),
)
PLURAL = re.compile(r" (?!(?:bytes|is|has|was|does|keeps|counts|others)\b)[a-z]*[^\Ws]s\b")
MOST_LINES = 400
BOARD_PYTHON = (3, 9)
NAME = re.compile(r"`(?:tests/)?(detlite(?:\.\w+)+|[\w/]+\.(?:py|json|j2)|[\w/]+/)`")
MODULES = [module for module in modules() if module.folder]  # not `cli` and `api`, which may import them all
RUNTIME = [module for module in modules() if module.folder[:1] == ("runtime",)]
RAW_PARSERS = {"json.load", "json.loads", "json.JSONDecoder", "tomllib.load", "tomllib.loads"}
RAW_PARSERS_IN = {
    "runtime.strict_json": "the strict reader of JSON",
    "convert.files.strict_toml": "the strict reader of TOML",
    "runtime.child": "its own child's messages: any float of a result, NaN too",
    "runtime.isolated": "its own child's messages",
    "runtime.worker": "its own parent's request",
    "studies.store.entry": "lines whose checksums say that detlite wrote them: 100,000 in some seconds",
    "devices.simulated.power": "its own client's arguments",
    "devices.packaging.android.client_program": "its own parent's request, in an environment without detlite",
}
BUILDERS = sorted((ROOT / "tests" / "builders").glob("*.py"))


def by_name(module) -> str:
    return module.name


def test_there_are_modules_to_check():
    assert len(MODULES) > 80


@pytest.mark.parametrize("module", MODULES, ids=by_name)
def test_imports_point_down_only(module):
    package = module.folder[0]
    allowed = set(PACKAGES[: PACKAGES.index(package) + 1])
    if package == "devices":
        allowed.discard("calibration")
    assert {name.split(".")[0] for name in module.imports} <= allowed


def test_no_module_imports_itself_through_others():
    assert not list(cycles(import_graph()))


@pytest.mark.parametrize("folder", sorted(sibling_graphs()))
def test_no_two_folders_in_one_folder_import_each_other(folder):
    assert not list(cycles(sibling_graphs()[folder]))


def test_a_circle_of_imports_would_be_found():
    assert list(cycles({"a": ["b"], "b": ["c"], "c": ["b", "d"], "d": []})) == [["b", "c"]]


def test_an_import_of_a_module_from_its_package_is_seen_as_one_of_the_module():
    (node,) = ast.parse("from detlite.runtime import contract, nothing").body
    assert imported_names([node]) == {"detlite.runtime.contract", "detlite.runtime"}


def test_no_module_is_longer_than_a_reader_takes_in():
    files = [*(module.path for module in modules()), *(ROOT / "tests").rglob("*.py")]
    lengths = {path: path.read_bytes().count(b"\n") for path in files}
    assert [str(path.relative_to(ROOT)) for path, lines in lengths.items() if lines > MOST_LINES] == []


def test_a_noun_goes_with_its_number():
    found = {by_name(module): lengths_before_plurals(module.tree) for module in MODULES}
    assert {name: places for name, places in found.items() if places} == {}, "use detlite.runtime.counts.counted"


def test_a_length_before_a_plural_would_be_found():
    (one,) = lengths_before_plurals(ast.parse('f"{len(a)} images of {len(b)} is {len(c)} bytes"'))
    assert one == "{len(a)} images"


def lengths_before_plurals(tree: ast.AST) -> list[str]:
    """Return the places in *tree* where an f-string says a length with a plural, which would say `1 images`."""
    texts = [node.values for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    pairs = [pair for values in texts for pair in pairwise(values)]
    found = []
    for value, text in pairs:
        if not (isinstance(value, ast.FormattedValue) and isinstance(text, ast.Constant)):
            continue
        noun = PLURAL.match(str(text.value))
        if noun and ast.unparse(value.value).startswith("len("):
            found.append(f"{{{ast.unparse(value.value)}}}{noun[0]}")
    return found


def test_the_name_of_a_class_means_one_thing():
    places = {}
    for module in modules():
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(module.name)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@pytest.mark.parametrize("module", MODULES, ids=by_name)
def test_heavy_packages_are_imported_inside_functions(module):
    assert not {name for name in imported_names(module.tree.body) if name.split(".")[0] in HEAVY}


@pytest.mark.parametrize("module", RUNTIME, ids=by_name)
def test_runtime_imports_numpy_and_the_standard_library_alone(module):
    tops = {name.split(".")[0] for name in imported_names(module.tree.body)}
    assert not {top for top in tops if top not in ("detlite", "numpy") and top not in sys.stdlib_module_names}


@pytest.mark.parametrize("module", RUNTIME, ids=by_name)
def test_runtime_is_written_in_the_python_of_boards(module):
    ast.parse(module.path.read_text(encoding="utf-8"), feature_version=BOARD_PYTHON)


def test_json_and_toml_are_read_by_the_strict_readers():
    raw = {module.name for module in modules() if RAW_PARSERS & set(attributes(module.tree))}
    assert raw == set(RAW_PARSERS_IN), "use detlite.runtime.strict_json or detlite.convert.files.strict_toml"


def attributes(tree: ast.AST) -> list[str]:
    """Return the attributes of names in *tree*, such as `json.loads`, also where they are imported by name."""
    used = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return used + [f"{node.module}.{name.name}" for node in imported for name in node.names]


def test_there_are_folders_of_plugins_to_check():
    assert {"accuracy.metrics", "devices.kinds", "runtime.backends"} <= set(plugin_folders())


@pytest.mark.parametrize("folder", plugin_folders())
def test_a_folder_of_plugins_holds_plugins_alone(folder):
    place = ROOT / folder.replace(".", "/")
    others = {path.name for path in place.iterdir()} - {"__init__.py", "__pycache__"}
    plugins = {module.place.name for module in modules() if module.place.parent == place and module.holds_plugin}
    assert others == plugins


@pytest.mark.parametrize("folder", plugin_folders())
def test_a_folder_of_plugins_is_read_by_name(folder):
    strings = {
        node.value
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert f"detlite.{folder}" in strings, "no module hands it to detlite.runtime.plugins"


@pytest.mark.parametrize("module", packages(), ids=by_name)
def test_a_package_says_what_is_in_it_what_is_not_and_how_to_add_to_it(module):
    text = ast.get_docstring(module.tree) or ""
    what, *rest = text.split("\n\n")
    assert what.endswith((".", "::")), "the first paragraph says what is in it"
    assert re.search(r"\b(not|nothing|neither|belongs)\b", " ".join(rest), re.I), "say what is not in it"
    assert re.search(r"\bAdd (a|an|one)\b", text), "say how to add to it: `Add a ...`"


@pytest.mark.parametrize("module", packages(), ids=by_name)
def test_what_a_package_names_in_its_docstring_is_there(module):
    folders = (module.path.parent, ROOT, ROOT / "tests")
    for name in NAME.findall(ast.get_docstring(module.tree) or ""):
        is_there = is_importable(name) if name.startswith("detlite.") else any((f / name).exists() for f in folders)
        assert is_there, name


def is_importable(name: str) -> bool:
    """Whether *name* is a module, or an attribute of one."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        owner, _, attribute = name.rpartition(".")
        return hasattr(importlib.import_module(owner), attribute)
    return True


@pytest.mark.parametrize("package", packages(), ids=by_name)
def test_a_package_defines_nothing_and_runs_nothing(package):
    allowed = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
    assert all(isinstance(node, allowed) for node in package.tree.body)


@pytest.mark.parametrize("path", BUILDERS, ids=lambda path: path.stem)
def test_what_tests_are_made_with_says_what_it_makes(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.ClassDef)
    public = [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    assert ast.get_docstring(tree)
    assert [node.name for node in public if not ast.get_docstring(node)] == []


def modules_after(statement: str) -> set[str]:
    program = f"import sys\n{statement}\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_a_session_can_be_had_without_anything_heavy():
    loaded = modules_after("import detlite.runtime.session, detlite.runtime.stream, detlite.runtime.measure.in_turn")
    assert not loaded & {"tensorflow", "click", "rich", "PIL", "ai_edge_litert", "jinja2"}


def test_help_is_printed_without_anything_heavy():
    loaded = modules_after("import detlite.cli\ntry:\n    detlite.cli.main(['--help'])\nexcept SystemExit:\n    pass")
    assert not loaded & {"tensorflow", "numpy", "rich", "PIL", "jinja2"}


def test_every_command_has_help_with_an_example():
    from detlite.cli import COMMANDS, main

    assert main(["--version"]) == 0
    for name in COMMANDS:
        done = subprocess.run([sys.executable, "-m", "detlite.cli", name, "--help"], capture_output=True, text=True)
        assert done.returncode == 0
        assert f"detlite {name}" in done.stdout


def test_the_wheel_holds_the_command_line_and_the_data_files(tmp_path):
    from hatchling.builders.wheel import WheelBuilder

    (made,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = set(zipfile.ZipFile(made).namelist())
    wanted = {
        "__init__.py",
        "api.py",
        "cli.py",
        "library/models.py",
        "py.typed",
        "convert/zoo/catalogue.json",
        "convert/labels/coco.txt",
        "studies/report/template.html.j2",
    }
    wanted |= {f"schemas/{path.name}" for path in (ROOT / "schemas").glob("*.json")}
    wanted |= {f"devices/packaging/android/templates/{name}" for name in ("README.md.j2", "Model.kt.j2")}
    wanted |= {f"devices/packaging/mlperf/files/{name}" for name in ("README.md", "run.sh", "user.conf")}
    assert {f"detlite/{name}" for name in wanted} <= names
    assert not {name for name in names if not name.startswith(("detlite/", "detlite-"))}
