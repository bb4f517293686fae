"""The contract of a model as a table of a report: what goes in, what comes out, and how it is decoded."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.runtime.contract import Contract
from detlite.runtime.inputs import ImageInput
from detlite.runtime.tensors import Quantization
from detlite.studies.report.report import ReportTable


def contract_table(title: str, lead: str, contract: Contract) -> ReportTable:
    """Return the table of *contract*; what an app must know of a detector is in it, but anchors and labels."""
    return ReportTable(title, lead, ("What", "Value"), tuple(_rows(contract)))


def _rows(contract: Contract) -> Iterator[tuple[str, str]]:
    image = contract.image
    yield "input", f"{_shape(_sides(image))} {image.dtype}, {image.colour}{_quantization(image.quantization)}"
    first, *further = contract.inputs
    if first.kind == "clip":
        yield (
            "frames of a clip",
            f"{first.frames}, {first.stride} frames of the video apart" if first.stride > 1 else str(first.frames),
        )
    for other in further:
        if other.kind == "state":
            yield f"state {other.name}", f"{_shape(other.shape)} {other.dtype}{_quantization(other.quantization)}"
    yield "pixels", f"(pixel - {_numbers(image.mean)}) / {_numbers(image.std)}"
    yield "resize", _resize(image)
    for output in contract.outputs:
        shape = _shape(output.shape)
        yield f"output {output.index}", f"{output.role}, {shape} {output.dtype}{_quantization(output.quantization)}"
    yield "classes", str(len(contract.labels))
    for name, value in contract.task.facts().items():
        if isinstance(value, str | int | float | dict):
            yield name.replace("_", " "), _plain(value)


def _sides(image: ImageInput) -> tuple[int, ...]:
    (tensor,) = image.tensors
    return tensor.shape


def _resize(image: ImageInput) -> str:
    parts = [image.resize.replace("_", " ")]
    parts += [] if image.letterbox is None else ["letterbox"]
    parts += [] if image.crop is None else [f"central square of {image.crop:g} of the shorter side"]
    return ", ".join(parts)


def _quantization(found: Quantization | None) -> str:
    return "" if found is None else f", scale {found.scale:.6g}, zero point {found.zero_point}"


def _shape(sides: tuple[int, ...]) -> str:
    return " x ".join(map(str, sides))


def _numbers(values: tuple[float, ...]) -> str:
    """Return one number where all are the same."""
    shown = [f"{value:g}" for value in values]
    return shown[0] if len(set(shown)) == 1 else f"({', '.join(shown)})"


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {one}" for key, one in value.items() if one is not None)
    return str(value)
