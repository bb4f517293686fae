"""Whether an interpreter for the model is installed, and fits numpy."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.devices.doctor.finding import Check, Finding, Subject, caution, spoils

TFLITE = ("ai_edge_litert", "tflite_runtime", "tensorflow")


def _find(subject: Subject) -> Iterator[Finding]:
    if subject.python is None:
        return
    pip = f"{subject.device.python} -m pip install"
    suffix = ".tflite" if subject.model is None else subject.model.path.suffix
    if suffix == ".onnx":
        if not subject.has_module("onnxruntime") and "trtexec" not in subject.kind.runtimes:
            yield spoils("its Python has no onnxruntime, which the .onnx needs", f"{pip} onnxruntime")
        return
    if not any(subject.has_module(name) for name in TFLITE):
        yield spoils("its Python has no TFLite interpreter", f"{pip} ai-edge-litert")
    numpy, old = subject.version("numpy"), subject.version("tflite-runtime")
    if subject.has_module("tflite_runtime") and numpy is not None and not numpy.startswith(("0.", "1.")):
        level = caution if subject.has_module("ai_edge_litert") else spoils
        yield level(f"tflite-runtime {old} was built for numpy 1, and numpy is {numpy}", f"{pip} 'numpy<2'")
    if subject.has_module("tflite_runtime") and subject.has_module("ai_edge_litert"):
        yield caution(
            "it has tflite-runtime and ai-edge-litert: detlite uses the latter, but an app may use the former",
            f"{subject.device.python} -m pip uninstall tflite-runtime",
        )


PLUGIN = Check("the interpreter", _find)
