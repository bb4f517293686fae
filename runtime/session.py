"""An open model on this machine: turns an image into the result of the contract's task."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Deque, Dict, List, Optional, Sequence

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Floats, Pixels
from detlite.runtime.artifact import Artifact
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import ContractError, InputError
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.inputs import Size
from detlite.runtime.memory import Memory
from detlite.runtime.model_file import suffix_of
from detlite.runtime.runners.opening import open_model
from detlite.runtime.task import Heads, Result
from detlite.runtime.tensors import Output, Quantization

if TYPE_CHECKING:
    from detlite.runtime.runners.backend import Runner

Raw = Dict[str, NDArray[Any]]


class Session:
    """An artifact's model, open in an interpreter and checked against its contract.

    Attributes:
        contract: the artifact's contract.
        runtime: the interpreter's package and version.
        batch: number of images in one run.
    """

    def __init__(
        self, artifact: Artifact, *, threads: int = 1, timing_alone: bool = False, runner: Optional[Runner] = None
    ) -> None:
        """Open the model, or use *runner*, which has it open.

        With *timing_alone*, a number of threads that loses detections is allowed: only times are used.

        Raises:
            InputError: the interpreter cannot open it, or would lose detections with this number of threads; or the
                artifact's bank does not fit.
            ContractError: it is not the model that the contract describes.
        """
        self.contract = artifact.contract
        self.batch = self.contract.image.batch
        lost = lost_class(artifact.model, self.contract, threads)
        if lost is not None and not timing_alone:
            raise InputError(lost)
        self._opened: Runner = runner or open_model(artifact.model, threads=threads)
        opened = self._opened
        self.runtime = opened.runtime
        tensors = self.contract.tensors
        if len(opened.inputs) != len(tensors):
            raise ContractError(
                f"the model has {counted(len(opened.inputs), 'input')}, its contract {len(tensors)}: they do not "
                "belong together"
            )
        details = [opened.inputs[number] for number in self.contract.input_order or range(len(tensors))]
        for tensor, detail in zip(tensors, details):
            _check(tensor.what, detail, tensor.shape, tensor.dtype)
            _check_quantization(tensor.what, detail, tensor.quantization)
        for one in self.contract.inputs:
            if one.kind == "state":  # its scale may differ: `Memory.carry` converts it
                _checked(opened.outputs, Output(f"state {one.name}", one.name, one.output, one.shape, one.dtype))
        self._input = details[0]["index"]
        self._memory = Memory(self.contract.inputs[1:], opened, details[1:])
        if artifact.bank is not None:
            from detlite.runtime.bank_file import features_of

            self.remember(features_of(artifact.bank, self.contract))
        first = self.contract.inputs[0]
        self._clip = first if first.kind == "clip" else None
        self._frames: Deque[NDArray[Any]] = deque(maxlen=self._clip.span if self._clip else 1)
        self._outputs = {output.role: _checked(opened.outputs, output) for output in self.contract.outputs}

    def preprocess(self, image: Pixels) -> NDArray[Any]:
        """Return the input tensor for *image*, uint8 (height, width, 3) RGB; a clip is filled with it."""
        return input_of(image, self.contract)

    def feed(self, tensor: NDArray[Any], size: Optional[Size] = None) -> None:
        """Hand *tensor* to the model, with the states and banks that there are.

        Fewer images than the batch are followed by the last one, again and again. *size*, (height, width), is that of
        the image that it was made of; None for one of the input's own size. A batch needs none: it has no window.

        Raises:
            ContractError: *tensor* does not fit the model's input.
        """
        missing = self.batch - len(tensor)
        if missing > 0 and len(tensor):
            tensor = np.concatenate([tensor, *[tensor[-1:]] * missing])
        self._opened.set_input(self._input, tensor)
        self._memory.feed(self.contract.image.fit(size))

    def invoke(self, tensor: NDArray[Any], size: Optional[Size] = None) -> None:
        """Run the model on *tensor* and the current states and banks: the time that a latency counts.

        *size* is described in `feed`.

        Raises:
            ContractError: *tensor* does not fit the model's input.
            DeviceError: the interpreter fails to run it.
        """
        self.feed(tensor, size)
        self._opened.invoke()

    def finish(self, size: Optional[Size] = None) -> Result:
        """Return what the model says about the frame of *size* that it was just run on; carry its states onwards.

        Of several images it is the first.
        """
        self.carry()
        return self.postprocess(self.heads(), size)

    def carry(self) -> None:
        """Keep the states of the last `invoke` for the next frame; there are none but in a stream."""
        self._memory.carry()

    def finish_batch(self, sizes: Sequence[Optional[Size]]) -> List[Result]:
        """Return what the model says about each of the images of *sizes* that it was just run on."""
        raw = self.raw()
        return [self.postprocess(self.real(raw, place), size) for place, size in enumerate(sizes)]

    def raw(self) -> Raw:
        """Return a copy of the last `invoke`'s outputs by role, unchanged: with the batch, quantized."""
        return {output.role: self._opened.output(self._outputs[output.role]) for output in self.contract.outputs}

    def heads(self) -> Dict[str, Floats]:
        """Return the outputs of the last `invoke` for the first image: `raw` passed through `real`."""
        return self.real(self.raw())

    def real(self, raw: Raw, place: int = 0) -> Dict[str, Floats]:
        """Return *raw* as float32 by role, dequantized, of the image at that *place* of the batch."""
        return {
            output.role: _real(_row(raw[output.role], place, self.batch), output.quantization).reshape(
                output.shape[1:] or (1,)
            )
            for output in self.contract.outputs
        }

    def postprocess(self, heads: Heads, size: Optional[Size] = None) -> Result:
        """Return the task's result from *heads* for an image of *size*; see the function `postprocess`."""
        return postprocess(heads, self.contract, size)

    def run(self, image: Pixels) -> Result:
        """Return the model's result for the single *image*, uint8 (height, width, 3) RGB; this resets a stream.

        A model that takes clips gets a clip of this image, and one that takes a batch gets it in every place.
        """
        self.reset()
        return self.step(image)

    def run_batch(self, images: Sequence[Pixels]) -> List[Result]:
        """Return the model's result for each of *images*, in one run.

        Args:
            images: 1 to `batch`, each uint8 (height, width, 3) RGB.

        Raises:
            ContractError: there are more images, or none.
        """
        if not 1 <= len(images) <= self.batch:
            raise ContractError(f"{counted(len(images), 'image')} for one run: the model takes 1 to {self.batch}")
        if self.batch == 1:
            return [self.run(images[0])]
        self.invoke(np.concatenate([self.preprocess(image) for image in images]))
        return self.finish_batch([(image.shape[0], image.shape[1]) for image in images])

    def run_clip(self, frames: Sequence[Pixels]) -> Result:
        """Return the model's result for a clip of *frames*, each uint8 (height, width, 3) RGB; see `ClipInput.cut`.

        Raises:
            ContractError: the model takes no clips, or clips of another length.
        """
        if self._clip is None or len(frames) != self._clip.frames:
            takes = "one image" if self._clip is None else f"clips of {counted(self._clip.frames, 'frame')}"
            raise ContractError(f"a clip of {counted(len(frames), 'frame')}, and the model takes {takes}")
        tensors = [preprocess(frame, self.contract.image) for frame in frames]
        return self.run_prepared(tensors, (frames[-1].shape[0], frames[-1].shape[1]))

    def run_prepared(self, frames: Sequence[NDArray[Any]], size: Size) -> Result:
        """Return the model's result for a clip of *frames* of *size*, each prepared by `preprocess.preprocess`."""
        self.reset()
        self.invoke(np.stack(frames, axis=1))
        return self.finish(size)

    def step(self, frame: Pixels) -> Result:
        """Return the model's result for the next *frame* of a stream, uint8 (height, width, 3) RGB.

        States are carried to the next step: call `reset` where a new scene begins. A clip ends with this frame; before
        there are enough, the stream's first frame is repeated for the missing ones.

        Example:
            >>> opened = detlite.session("out/movinet")
            >>> for frame in camera:
            ...     ranking = opened.step(frame)
            ...     print(ranking.labels[ranking.best(1)[0]], ranking.scores.max())
        """
        tensor = preprocess(frame, self.contract.image)
        if self._clip is not None:
            self._frames.append(tensor)
            while len(self._frames) < self._clip.span:
                self._frames.appendleft(self._frames[0])
            tensor = np.stack(list(self._frames)[:: self._clip.stride], axis=1)
        return self._said(tensor, frame)

    def _said(self, tensor: NDArray[Any], image: Pixels) -> Result:
        size = (image.shape[0], image.shape[1])
        self.invoke(tensor, size)
        return self.finish(size)

    def reset(self) -> None:
        """Start a new stream: states get their initial values and frames are dropped. A bank keeps its features."""
        self._frames.clear()
        self._memory.reset()

    def states(self) -> Dict[str, NDArray[Any]]:
        """Return the states that the next frame will get, by name, as they are stored: integers are quantized."""
        return self._memory.states()

    def remember(self, features: Floats) -> None:
        """Fill the model's bank with *features*, float32 (n, width), for all later runs; it is empty at first.

        Raises:
            ContractError: the model has no bank, or *features* do not fit it.
        """
        self._memory.remember(features)


def lost_class(model: Path, contract: Contract, threads: int) -> Optional[str]:
    """Return, in one sentence, which class TFLite's op in *model* never finds with so many *threads*, or None."""
    has_op = suffix_of(model) == ".tflite" and all(output.role != "embeddings" for output in contract.outputs)
    return contract.task.lost_class(threads, contract.labels) if has_op else None


def input_of(image: Pixels, contract: Contract) -> NDArray[Any]:
    """Return the input tensor for *image*, uint8 (height, width, 3) RGB; a clip is filled with it."""
    tensor, first = preprocess(image, contract.image), contract.inputs[0]
    return np.stack([tensor] * first.frames, axis=1) if first.kind == "clip" else tensor


def postprocess(heads: Heads, contract: Contract, size: Optional[Size] = None) -> Result:
    """Return the task's result from *heads*, float32 by role without the batch, for an image of *size* (height, width).

    None means an image of the input's size; the size matters only if images are padded or a map is resized.
    """
    return contract.task.result(heads, contract.labels, contract.image.fit(size))


def _row(value: NDArray[Any], place: int, batch: int) -> NDArray[Any]:
    row: NDArray[Any] = value.reshape(batch, -1)[place] if batch > 1 else value
    return row


def _real(value: NDArray[Any], quantization: Optional[Quantization]) -> Floats:
    if quantization is None:
        return value.astype(np.float32, copy=False)
    real: Floats = (value.astype(np.float32) - np.float32(quantization.zero_point)) * np.float32(quantization.scale)
    return real


def _checked(details: Any, output: Output) -> int:
    """Return the interpreter's index of the tensor of *output*."""
    if output.index >= len(details):
        raise ContractError(
            f"the model has {counted(len(details), 'output')}; the contract's {output.role} is number {output.index}"
        )
    detail = details[output.index]
    _check(f"output {output.role}", detail, output.shape, output.dtype)
    _check_quantization(f"output {output.role}", detail, output.quantization)
    return int(detail["index"])


def _check(what: str, detail: Any, shape: Any, dtype: str) -> None:
    found, found_dtype = tuple(int(side) for side in detail["shape"]), np.dtype(detail["dtype"]).name
    dynamic = len(found) == 0 or 0 in found  # old converters leave the operator's output shapes empty
    if (found != tuple(shape) and not dynamic) or found_dtype != dtype:
        raise ContractError(
            f"{what} of the model is {found_dtype} {found}, the contract says {dtype} {tuple(shape)}: they do not "
            "belong together; convert the model again"
        )


def _check_quantization(what: str, detail: Any, want: Optional[Quantization]) -> None:
    scale, zero_point = detail["quantization"]
    if not scale:  # what the file does not quantize is used as it is
        scale, zero_point = 1.0, 0
    if want is not None and (abs(scale - want.scale) > 1e-6 * want.scale or zero_point != want.zero_point):
        raise ContractError(
            f"{what} of the model has scale {scale} and zero point {zero_point}, the contract says {want.scale} and "
            f"{want.zero_point}: they do not belong together; convert the model again"
        )
