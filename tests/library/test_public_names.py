"""What `import detlite` names: each is public, typed and explained."""

import inspect
import re
import subprocess
import sys

import pytest

import detlite

FUNCTIONS = sorted(name for name in detlite.__all__ if inspect.isfunction(getattr(detlite, name)))
CLASSES = sorted(name for name in detlite.__all__ if inspect.isclass(getattr(detlite, name)))
PUBLIC = {
    "__version__",
    "read",
    "images",
    "dataset",
    "quantize",
    "export",
    "evaluate",
    "agreement",
    "measure",
    "measure_against",
    "measure_on",
    "session",
    "detect",
    "compare",
    "compare_runs",
    "predict_edgetpu",
    "list_devices",
    "devices",
    "Accuracy",
    "Agreement",
    "Artifact",
    "BenchmarkResult",
    "DatasetFiles",
    "DetectRun",
    "Device",
    "Found",
    "ImageResult",
    "Images",
    "Measurement",
    "Model",
    "ModelComparison",
    "Prediction",
    "Progress",
    "RunComparison",
    "Session",
    "DetliteError",
    "FindingError",
    "InputError",
    "ContractError",
    "UnknownNameError",
    "MissingToolError",
    "DeviceError",
}


def test_these_names_are_public():
    assert set(detlite.__all__) == PUBLIC
    assert len(detlite.__all__) == len(PUBLIC)
    assert set(dir(detlite)) == PUBLIC


def test_a_name_that_is_not_public_is_refused():
    with pytest.raises(AttributeError, match="module 'detlite' has no attribute 'convrt'"):
        detlite.convrt  # noqa: B018


def test_importing_loads_nothing_but_the_version():
    program = "import sys; before = set(sys.modules); import detlite; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.partition(".")[0] not in sys.stdlib_module_names}
    assert loaded == {"detlite", "detlite.runtime", "detlite.runtime.version"}


def test_using_it_loads_no_heavy_package():
    program = "import sys, detlite; detlite.read; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"tensorflow", "click", "rich", "PIL", "ai_edge_litert", "onnx", "jinja2"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_functions_docstring_tells_its_arguments_errors_and_an_example(name):
    function = getattr(detlite, name)
    text = inspect.getdoc(function)
    for argument in inspect.signature(function).parameters:
        assert re.search(rf"^    {argument}: \S", text, re.MULTILINE), f"{name}: {argument} is not told"
    raised = re.findall(r"^    (\w+): ", text[text.index("Raises:") :], re.MULTILINE)
    assert raised
    assert all(issubclass(getattr(detlite, error), detlite.DetliteError) for error in raised if error in CLASSES)
    assert f"detlite.{name}(" in text[text.index("Example:") :]


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_has_a_docstring_of_its_own(name):
    assert len(getattr(detlite, name).__doc__.strip().split()) >= 4


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_typed(name):
    function = getattr(detlite, name)
    assert function.__annotations__.keys() == {*inspect.signature(function).parameters, "return"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("session", ["uint8 (height, width, 3)", "(y1, x1, y2, x2), 0..1"]),
        ("detect", ["(y1, x1, y2, x2), 0..1", "0..1"]),
        ("read", ["(height, width) in pixels"]),
        ("compare", ["real (dequantized) units"]),
    ],
)
def test_shapes_and_units_are_told(name, words):
    assert [word for word in words if word not in inspect.getdoc(getattr(detlite, name))] == []


def test_all_errors_are_of_one_tree():
    errors = [getattr(detlite, name) for name in CLASSES if name.endswith("Error")]
    assert all(issubclass(error, detlite.DetliteError) for error in errors)
