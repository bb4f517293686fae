"""A model open on this machine: from an image to the result of its task, by its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Floats, Pixels
from detlite.runtime.artifact import Artifact
from detlite.runtime.contract import Contract
from detlite.runtime.errors import ContractError, InputError
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.runners.opening import open_model
from detlite.runtime.task import Heads, Result
from detlite.runtime.tensors import Output, Quantization

if TYPE_CHECKING:
    from detlite.runtime.runners.backend import Runner

Raw = Dict[str, NDArray[Any]]


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
        lost = self.contract.task.lost_class(threads, self.contract.labels)
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

    def heads(self) -> Dict[str, Floats]:
        """Return what the last `invoke` left, as `real` makes it of `raw`."""
        return self.real(self.raw())

    def real(self, raw: Raw) -> Dict[str, Floats]:
        """Return *raw* as float32 by role, without the batch; quantized heads dequantized."""
        return {
            output.role: _real(raw[output.role], output.quantization).reshape(output.shape[1:] or (1,))
            for output in self.contract.outputs
        }

    def postprocess(self, heads: Heads) -> Result:
        """Return what *heads* say about an image, by the contract's task."""
        return postprocess(heads, self.contract)

    def run(self, image: Pixels) -> Result:
        """Return what the model says about *image*, uint8 (height, width, 3) RGB."""
        self.invoke(self.preprocess(image))
        return self.postprocess(self.heads())


def postprocess(heads: Heads, contract: Contract) -> Result:
    """Return what *heads*, float32 by role, without the batch, say about an image."""
    return contract.task.result(heads, contract.labels)


def _real(value: NDArray[Any], quantization: Optional[Quantization]) -> Floats:
    if quantization is None:
        return value.astype(np.float32, copy=False)
    real: Floats = (value.astype(np.float32) - np.float32(quantization.zero_point)) * np.float32(quantization.scale)
    return real


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
