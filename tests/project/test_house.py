"""The house's own rules: imports point down only, runtime stays light, and a board's Python can read it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# each may import itself and those before it
ROOMS = ("runtime", "convert", "accuracy", "calibration", "devices", "studies", "commands")
HEAVY = ("tensorflow", "ai_edge_litert", "PIL", "faster_coco_eval", "jinja2", "rich", "skimage", "sklearn", "google")
FILES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def imports_of(nodes) -> set[str]:
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_there_are_files_to_check():
    assert len(FILES) > 80


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down_only(path):
    room = path.relative_to(ROOT).parts[0]
    allowed = ROOMS[: ROOMS.index(room) + 1]
    for name in imports_of(ast.walk(ast.parse(path.read_text(encoding="utf-8")))):
        if name.startswith("detlite."):
            assert name.split(".")[1] in allowed, f"{path} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_packages_are_imported_inside_functions(path):
    top = imports_of(ast.parse(path.read_text(encoding="utf-8")).body)
    assert not {name for name in top if name.split(".")[0] in HEAVY}


@pytest.mark.parametrize("path", sorted((ROOT / "runtime").rglob("*.py")), ids=lambda path: path.name)
def test_runtime_imports_numpy_and_the_standard_library_alone(path):
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    for name in imports_of(tree.body):
        top = name.split(".")[0]
        assert top in ("detlite", "numpy") or top in sys.stdlib_module_names, f"{path.name} imports {name}"


def modules_after(statement: str) -> set[str]:
    program = f"import sys\n{statement}\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_a_session_can_be_had_without_anything_heavy():
    loaded = modules_after("import detlite.runtime.session, detlite.runtime.stream, detlite.runtime.measure.latency")
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
    import zipfile

    from hatchling.builders.wheel import WheelBuilder

    (made,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = set(zipfile.ZipFile(made).namelist())
    wanted = {"cli.py", "convert/zoo/catalogue.json", "convert/labels/coco.txt", "studies/report/template.html.j2"}
    wanted |= {f"devices/packaging/android/templates/{name}" for name in ("README.md.j2", "Model.kt.j2")}
    assert {f"detlite/{name}" for name in wanted} <= names
    assert not {name for name in names if not name.startswith(("detlite/", "detlite-"))}
