"""Finished models: TFLite, predicted for the Edge TPU, and artifacts beside their contract."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from builders.edgetpu_models import convolutions
from builders.float_detector import detector
from builders.signed_streams import Stream, signed_stream
from builders.tiny_tflite import tiny_int8_model, tiny_model
from fuzz.models import tflite
from fuzz.mutations import blind
from fuzz.target import Target

from detlite.convert.load import load_source
from detlite.convert.options import DetectorOptions, StatedFacts
from detlite.convert.targets.edgetpu.compiled import compiled_record, read_compiled
from detlite.convert.targets.edgetpu.predict import predict
from detlite.convert.targets.edgetpu.record import figures, prediction_record
from detlite.convert.targets.edgetpu.validity import findings
from detlite.convert.tflite.contract import contract_of_file, contract_of_tflite
from detlite.convert.tflite.describe import describe
from detlite.convert.tflite.flatbuffer import load
from detlite.convert.tflite.metadata import read_metadata
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.postprocess import attach_op
from detlite.convert.tflite.stream_states import hard_swish_finding, image_finding, states_of, stream_findings
from detlite.runtime.runners.opening import open_model
from detlite.runtime.tasks.detection import detection_of
from detlite.studies.compare.file_comparison import read_side

NAME = "model.tflite"
EDGETPU = Path(__file__).resolve().parents[4] / "shared" / "data" / "edgetpu"


def described(path: Path) -> object:
    data = path.read_bytes()
    describe(data, "it")
    return read_metadata(load(data, "it"))


def predicted(path: Path) -> object:
    found = predict(path.read_bytes(), "it", multiple_subgraphs=True)
    return prediction_record(found), figures(found)


def read_edgetpu(path: Path) -> object:
    compiled = read_compiled(path.read_bytes(), "it")
    return compiled_record(compiled), findings(compiled)


def smallest_compiled() -> bytes:
    pairs = json.loads((EDGETPU / "pairs.json").read_text())
    return min(((EDGETPU / pair["compiled"]["file"]).read_bytes() for pair in pairs), key=len)


def with_op() -> bytes:
    made = detector()
    file = made.file.copy()
    attach_op(file, made.contract)
    return file.data


def read_stream(path: Path) -> object:
    file = TfliteFile(path.read_bytes(), "it")
    contract = contract_of_file(file, path)
    states = states_of(file.model, file.subgraph, contract)
    image = image_finding(file.model, file.subgraph, contract) or hard_swish_finding(file.model, file.subgraph)
    return stream_findings(states, image), [one.to_record() for one in states]


def raw_heads(folder: Path) -> None:
    made = detector()
    (folder / NAME).write_bytes(made.data)
    np.save(folder / "anchors.npy", detection_of(made.contract).anchors)
    (folder / "labels.txt").write_text("cat\ndog\nowl\n")


def read_raw_heads(folder: Path) -> object:
    facts = StatedFacts(
        heads=("box_encodings", "class_scores"),
        mean=(127.5,),
        std=(127.5,),
        anchors=folder / "anchors.npy",
        box_order="xywh",
    )
    return load_source(folder / NAME, DetectorOptions(stated=facts)).contract


def model(name: str, content: Callable[[], bytes], read: Callable[[Path], object], *, native: bool = False) -> Target:
    return Target(
        name,
        lambda folder: (folder / NAME).write_bytes(content()),
        lambda folder: read(folder / NAME),
        {"*": (tflite, tflite, tflite, blind)},
        may_abort=native,
    )


TARGETS = (
    model("a .tflite", tiny_model, described),
    model("a detector's .tflite", lambda: detector().data, described),
    model("a .tflite with its post-processing", with_op, contract_of_tflite),
    Target(
        "raw heads that are stated",
        raw_heads,
        read_raw_heads,
        {"*.tflite": (tflite, tflite, tflite, blind), "*.npy": (blind,), "labels.txt": (blind,)},
    ),
    model("a stream without a contract", lambda: signed_stream(Stream(scales=(0.1, 0.11))), read_stream),
    model("Edge TPU prediction", convolutions, predicted),
    model("a side of a comparison", convolutions, read_side),
    model("a .tflite in the interpreter", tiny_int8_model, open_model, native=True),
    *([model("a compiled .tflite", smallest_compiled, read_edgetpu)] if EDGETPU.is_dir() else ()),
)
