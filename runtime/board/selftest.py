"""`board.pyz selftest`: check that everything needed is present and computes the right numbers."""

from __future__ import annotations

import json
import platform
import sys
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

from detlite.runtime.board.packed import Packed, open_model
from detlite.runtime.boxes.coding import BoxCoder, decode, iou
from detlite.runtime.boxes.nms import Nms, suppress
from detlite.runtime.errors import DetliteError, FindingError
from detlite.runtime.image.resize import resize
from detlite.runtime.measure.loadgen_random import sample_order
from detlite.runtime.measure.machine import machine_facts
from detlite.runtime.measure.presets import SAMPLE_SEED
from detlite.runtime.printable import printable
from detlite.runtime.runners.interpreter import find_interpreter

Check = Tuple[str, Callable[[], str]]


def selftest_command(values: Dict[str, Any]) -> int:
    """Run every check, write the results to stdout, and return 0 if all passed, else 1."""
    with Packed() as packed:
        results = [_result(name, check) for name, check in (*CHECKS, ("model", lambda: _model(packed)))]
    passed = all(result["passed"] for result in results)
    if values["as_json"]:
        record = {"schema": "detlite.selftest", "schema_version": 1, "passed": passed, "checks": results}
        sys.stdout.write(json.dumps({**record, "device": machine_facts()}, indent=1) + "\n")
    else:
        for result in results:
            word = "passed" if result["passed"] else "FAILED"
            sys.stdout.write(printable(f"{word}  {result['check']}: {result['text']}\n"))
    return 0 if passed else 1


def _result(name: str, check: Callable[[], str]) -> Dict[str, Any]:
    try:
        return {"check": name, "passed": True, "text": check()}
    except (DetliteError, ImportError) as error:
        return {"check": name, "passed": False, "text": " ".join(str(error).split())}


def _expect(what: str, found: object, want: object) -> None:
    if found != want:
        raise FindingError(f"{what} is {found}; it must be {want}")


def _python() -> str:
    return f"Python {platform.python_version()}, numpy {np.__version__}"


def _interpreter() -> str:
    return find_interpreter()[1]


def _boxes() -> str:
    anchors = np.array([[0.5, 0.5, 0.2, 0.4]], np.float32)
    box = decode(np.array([[1.0, -1.0, 0.0, 0.0]], np.float32), anchors, BoxCoder())
    _expect("a decoded box", [round(float(side), 5) for side in box[0]], [0.42, 0.26, 0.62, 0.66])
    half = iou(np.array([0, 0, 1, 1], np.float32), np.array([[0, 0, 1, 0.5]], np.float32))
    _expect("the IoU of a box with its half", float(half[0]), 0.5)
    return "decoding and IoU are correct"


def _nms() -> str:
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 0.9], [0, 0, 0.2, 0.2]], np.float32)
    found = suppress(boxes, np.array([[0.9], [0.8], [0.7]], np.float32), Nms())
    _expect("the scores that suppression keeps", [round(float(score), 3) for score in found.scores], [0.9, 0.7])
    return "suppression is correct"


def _resize() -> str:
    row = np.array([[[0], [100]]], np.uint8)
    found = resize(row, 1, 4, "half_pixel_bilinear")[0, :, 0].tolist()
    _expect("a row of two pixels as four", found, [0.0, 25.0, 75.0, 100.0])
    return "resizing is correct"


def _random() -> str:
    _expect("LoadGen's first samples of 16", sample_order(SAMPLE_SEED, 16, 5).tolist(), [9, 13, 14, 5, 15])
    return "samples have LoadGen's order"


def _model(packed: Packed) -> str:
    if packed.model is None:
        return "no model is packed"
    from detlite.runtime.child import run_in_child

    artifact = open_model(packed.model)
    answer = run_in_child("detlite.runtime.child_calls:probe", {"model": str(artifact.model)}, timeout_s=120)
    return f"the packed model runs on {answer['runtime']}"


CHECKS: List[Check] = [
    ("python", _python),
    ("interpreter", _interpreter),
    ("boxes", _boxes),
    ("nms", _nms),
    ("resize", _resize),
    ("samples", _random),
]
