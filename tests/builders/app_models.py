"""Tiny detectors with the op that take RGB images, as folders that detlite would have written; and built apps."""

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from builders.tiny_tflite import tiny_contract, tiny_int8_model, tiny_model
from detlite.convert.artifact import step
from detlite.convert.model import Model
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.heads import refreshed
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.postprocess import attach
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract

LABELS = ("cat", "???", "kite $1")
SIDE = 4  # 4 x 4 pixels of RGB are the 48 values of the tiny model's heads
MEAN, STD = 125.0, 32.0  # of the tiny int8 model: its uint8 twin takes pixels as they are


def raw_model(
    dtype: str = "float32", nms: Nms | None = None, labels: tuple[str, ...] = LABELS
) -> tuple[bytes, Contract]:
    """The tiny model with an RGB image as input, and its contract."""
    model = load(tiny_model() if dtype == "float32" else tiny_int8_model(), "tiny")
    subgraph = model.subgraphs[0]
    subgraph.tensors[subgraph.inputs[0]].shape = np.array((1, SIDE, SIDE, 3), np.int32)
    data = dump(model)
    contract = tiny_contract(nms=nms or Nms(kind="fast", score_threshold=0.25, max_detections=5))
    image = replace(contract.image, height=SIDE, width=SIDE, colour="RGB", mean=(MEAN,) * 3, std=(STD,) * 3)
    return data, refreshed(replace(contract.with_image(image), labels=labels), TfliteFile(data))


def write_app_model(
    folder: Path,
    dtype: str = "float32",
    *,
    raw: bool = False,
    change: Callable[[Contract], Contract] | None = None,
    nms: Nms | None = None,
    labels: tuple[str, ...] = LABELS,
) -> Path:
    """Write an artifact with the op, unless *raw*; *change* is made to its contract."""
    data, contract = raw_model(dtype, nms, labels)
    if not raw:
        data, contract = attach(data, contract)
    if change is not None:
        contract = change(contract)
    Model(data, "tflite", contract, (step("made in a test", input_sha256="0" * 64),)).save(folder)
    return folder


def built_app(
    package: Path,
    *,
    deflate: Sequence[str] = (),
    changed: Sequence[str] = (),
    left_out: Sequence[str] = (),
    prefix: str = "",
    code: bytes = b"",
    alignment: int = 16384,
) -> bytes:
    """An APK with the assets of *package*, each stored at a multiple of *alignment*; *prefix* is a bundle's module."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr(f"{prefix}manifest/AndroidManifest.xml" if prefix else "AndroidManifest.xml", b"binary")
        if code:
            archive.writestr(f"{prefix}dex/classes.dex" if prefix else "classes.dex", b"dex\n035\0" + code)
        assets = package / "src" / "main" / "assets"
        for path in sorted(file for file in assets.rglob("*") if file.is_file()):
            if path.name in left_out:
                continue
            content = path.read_bytes()
            if path.name in changed:
                content = content[:-1] + bytes([content[-1] ^ 1])
            entry = zipfile.ZipInfo(f"{prefix}assets/{path.relative_to(assets).as_posix()}")
            entry.compress_type = zipfile.ZIP_DEFLATED if path.name in deflate else zipfile.ZIP_STORED
            begin = whole.tell() + 30 + len(entry.filename) + 4  # a local header, the name, an extra field's head
            padding = -begin % alignment
            entry.extra = b"\x35\xd9" + padding.to_bytes(2, "little") + b"\0" * padding
            archive.writestr(entry, content)
    return whole.getvalue()
