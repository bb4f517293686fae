"""A model open on this machine: from an image to detections, by its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Floats, Pixels
from detlite.runtime.artifact import Artifact
from detlite.runtime.boxes.coding import decode
from detlite.runtime.boxes.detections import Detections
from detlite.runtime.boxes.nms import suppress
from detlite.runtime.boxes.scores import CONVERTERS
from detlite.runtime.contract import Contract, Output, Quantization
from detlite.runtime.errors import ContractError, InputError
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.runners.opening import open_model

if TYPE_CHECKING:
    from detlite.runtime.runners.backend import Runner

Heads = Dict[str, Floats]
Raw = Dict[str, NDArray[Any]]

OF_OP: Tuple[Tuple[str, Tuple[int, ...]], ...] = (("boxes", (4,)), ("classes", ()), ("scores", ()))


class Session:
    """An artifact's model in an interpreter, checked against its contract.

    Attributes:
        contract: the artifact's.
        runtime: the interpreter's package and version.
    """

    def __init__(
        self, artifact: Artifact, *, threads: int = 1, timing_alone: bool = False, runner: Optional[Runner] = None
    ) -> None:
        """Open the model, or take it as *runner* has it open.

        With *timing_alone* also where so many threads lose detections, which are then not used.

        Raises:
            InputError: the interpreter cannot open it, or would lose detections with so many threads.
            ContractError: it is not the model that the contract speaks of.
        """
        self.contract = artifact.contract
        lost = lost_class(self.contract, threads)
        if lost is not None and not timing_alone:
            raise InputError(lost)
        self._opened: Runner = runner or open_model(artifact.model, threads=threads)
        opened = self._opened
        self.runtime = opened.runtime
        if len(opened.inputs) != 1:
            raise ContractError(f"the model has {len(opened.inputs)} inputs; a contract speaks of one, the image")
        self._input = opened.inputs[0]["index"]
        image = self.contract.image
        _check("the input", opened.inputs[0], (1, image.height, image.width, image.channels), image.dtype)
        _check_quantization("the input", opened.inputs[0], image.quantization)
        self._outputs = {output.role: _checked(opened.outputs, output) for output in self.contract.outputs}

    def preprocess(self, image: Pixels) -> NDArray[Any]:
        """Return the input tensor for *image*, uint8 (height, width, 3) RGB."""
        return preprocess(image, self.contract.image)

    def invoke(self, tensor: NDArray[Any]) -> None:
        """Run the model on *tensor*, and nothing else: what a latency counts.

        Raises:
            ContractError: *tensor* is not what the model takes.
            DeviceError: the interpreter fails at it.
        """
        self._opened.set_input(self._input, tensor)
        self._opened.invoke()

    def raw(self) -> Raw:
        """Return a copy of what the last `invoke` left, by role, as the model has it: with the batch, quantized."""
        return {output.role: self._opened.output(self._outputs[output.role]) for output in self.contract.outputs}

    def heads(self) -> Heads:
        """Return what the last `invoke` left, as `real` makes it of `raw`."""
        return self.real(self.raw())

    def real(self, raw: Raw) -> Heads:
        """Return *raw* as float32 by role, without the batch; quantized heads dequantized."""
        return {
            output.role: _real(raw[output.role], output.quantization).reshape(output.shape[1:] or (1,))
            for output in self.contract.outputs
        }

    def postprocess(self, heads: Heads) -> Detections:
        """Return the detections in *heads*, by the contract's anchors, box coder, scores and NMS."""
        return postprocess(heads, self.contract)

    def detect(self, image: Pixels) -> Detections:
        """Return what the model finds in *image*, uint8 (height, width, 3) RGB."""
        self.invoke(self.preprocess(image))
        return self.postprocess(self.heads())


def postprocess(heads: Heads, contract: Contract) -> Detections:
    """Return the detections in *heads*, float32 by role, without the batch."""
    if not contract.is_raw:
        return _of_op(heads, contract)
    scores = heads["class_scores"]
    if contract.score_converter_place == "host":
        scores = CONVERTERS[contract.score_converter](scores)
    boxes = decode(heads["box_encodings"], contract.anchors, contract.box_coder)
    return suppress(boxes, scores[:, contract.label_offset :], contract.nms)


def _of_op(heads: Heads, contract: Contract) -> Detections:
    nms = contract.nms
    per_box = nms.max_classes_per_detection if nms.kind == "fast" else 1
    found = min(per_box, len(contract.labels))  # the op leaves room for more classes than there are, and fills none
    count = int(heads["count"].ravel()[0])  # of boxes: each comes once for each of its classes
    boxes, classes, scores = (heads[role].reshape(-1, per_box, *tail)[:count, :found] for role, tail in OF_OP)
    return Detections(boxes.reshape(-1, 4), classes.ravel().astype(np.int64), scores.ravel())


def _real(value: NDArray[Any], quantization: Optional[Quantization]) -> Floats:
    if quantization is None:
        return value.astype(np.float32, copy=False)
    real: Floats = (value.astype(np.float32) - np.float32(quantization.zero_point)) * np.float32(quantization.scale)
    return real


def lost_class(contract: Contract, threads: int) -> Optional[str]:
    """Return what the model's own NMS loses with so many threads, in one sentence; None where it loses nothing."""
    nms = contract.nms
    if nms.place != "model" or nms.kind != "regular" or not 1 < threads < len(contract.labels):
        return None
    return (
        f"with {threads} threads the model's own regular NMS never finds class {threads}, "
        f"{contract.labels[threads]!r} (TensorFlow issue 56058): use 1 thread, fast NMS, or a model with raw heads"
    )


def _checked(details: Any, output: Output) -> int:
    """Return the interpreter's index of the tensor that is *output*."""
    if output.index >= len(details):
        raise ContractError(
            f"the model has {len(details)} outputs; the contract's {output.role} is number {output.index}"
        )
    detail = details[output.index]
    _check(f"output {output.role}", detail, output.shape, output.dtype)
    _check_quantization(f"output {output.role}", detail, output.quantization)
    return int(detail["index"])


def _check(what: str, detail: Any, shape: Any, dtype: str) -> None:
    found, found_dtype = tuple(int(side) for side in detail["shape"]), np.dtype(detail["dtype"]).name
    dynamic = len(found) == 0 or 0 in found  # old converters leave the op's output shapes empty
    if (found != tuple(shape) and not dynamic) or found_dtype != dtype:
        raise ContractError(
            f"{what} of the model is {found_dtype} {found}, the contract says {dtype} {tuple(shape)}: they do not "
            "belong together; convert the model again"
        )


def _check_quantization(what: str, detail: Any, want: Optional[Quantization]) -> None:
    scale, zero_point = detail["quantization"]
    if want is not None and (abs(scale - want.scale) > 1e-6 * want.scale or zero_point != want.zero_point):
        raise ContractError(
            f"{what} of the model has scale {scale} and zero point {zero_point}, the contract says {want.scale} and "
            f"{want.zero_point}: they do not belong together; convert the model again"
        )
