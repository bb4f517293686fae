"""Estimated latency of an inference, from a model fitted to 13 latencies published by Coral.

Milliseconds on a desktop with USB 3: a constant, plus a cost for each cycle, each megabyte of inputs, outputs and
instructions, each megabyte of streamed weights, and the post-processing op. `tests/benchmarks/edgetpu_latency.py` fits
the constants, and has the error of each of the 13 when it is left out. Operators without weights have no cycles, so a
model of which they take much of the time is slower than estimated: DenseNet-121 takes twice as long.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from detlite.convert.targets.edgetpu.cycles import total_cycles
from detlite.convert.targets.edgetpu.parameters import parameters_of
from detlite.convert.targets.edgetpu.predict import Prediction
from detlite.convert.tflite.tensors import ITEM_BYTES, POSTPROCESS

ERROR_PERCENT = 35
"""Just over the largest error of a published model that is left out of the fit, 34 %; the average is 11 %."""

CONSTANT_MS, CYCLES_MS, TRANSFERRED_MS, STREAMED_MS = 0.341, 0.723, 4.854, 2.028
"""By inference, by 500,000 cycles, by megabyte of inputs, outputs and instructions, by megabyte of streamed weights."""

CYCLES_A_MS = 500_000  # at the highest clock, 500 MHz
INSTRUCTION_BYTES_AN_OPERATOR = 2_060  # +-27 % over the compiled files

HOSTS: Mapping[str, float] = {"desktop_usb3": 1.0, "raspberry_pi_4_usb3": 1.75, "dev_board": 2.1}
"""Latency relative to a desktop's; for the two boards from three detectors only."""

POSTPROCESS_MS: Mapping[str, tuple[tuple[int, float], ...]] = {
    "desktop_usb3": ((100, 0.699),),
    "raspberry_pi_4_usb3": ((10, 1.8), (25, 2.8), (50, 4.1), (100, 7.0)),
    "dev_board": ((10, 5.0), (25, 11.0), (50, 16.0), (100, 23.0)),
}
"""Milliseconds of TFLite_Detection_PostProcess on the CPU by detections: of the fit, and measured by N. Tsukamoto."""


@dataclass(frozen=True)
class Estimate:
    """An estimate of one inference; nothing in it is measured.

    Attributes:
        cycles: compute cycles of the Edge TPU; the compiler's own estimates of 36 files are within 21 %.
        input_bytes: to the Edge TPU.
        output_bytes: from the Edge TPU.
        instruction_bytes: to the Edge TPU, at every inference.
        streamed_bytes: weights that likely do not fit, at every inference.
        latency_ms: by host, without the operators in `cpu_operators`.
        cpu_operators: the number of operators on the CPU other than post-processing, whose time is not known.
    """

    cycles: int
    input_bytes: int
    output_bytes: int
    instruction_bytes: int
    streamed_bytes: int
    latency_ms: Mapping[str, float]
    cpu_operators: int

    @property
    def error_percent(self) -> int | None:
        """The error of a desktop's latency, either way; None if `cpu_operators` are missing in it."""
        return None if self.cpu_operators else ERROR_PERCENT


def estimate(prediction: Prediction, *, max_detections: int = 100) -> Estimate | None:
    """Return the estimated cost of the operators that will map; None if none will.

    Args:
        prediction: the model's prediction.
        max_detections: of its post-processing op, if it has one.
    """
    mapped = prediction.mapped
    if not mapped:
        return None
    inputs, outputs = _transferred(prediction)
    cycles = round(total_cycles(mapped))
    instructions = INSTRUCTION_BYTES_AN_OPERATOR * len(mapped)
    streamed = parameters_of(mapped).streamed_bytes_likely
    on_chip_ms = desktop_ms(cycles, inputs + outputs + instructions, streamed)
    has_op = any(op.name == POSTPROCESS for op in prediction.graph.operators)
    latency = {
        host: on_chip_ms * factor + (_postprocess_ms(host, max_detections) if has_op else 0.0)
        for host, factor in HOSTS.items()
    }
    on_cpu = sum(not fate.mapped and fate.name != POSTPROCESS for fate in prediction.fates)
    return Estimate(cycles, inputs, outputs, instructions, streamed, latency, on_cpu)


def desktop_ms(cycles: float, transferred_bytes: int, streamed_bytes: int) -> float:
    """Return the milliseconds on a desktop with USB 3, without post-processing."""
    computing = CONSTANT_MS + CYCLES_MS * cycles / CYCLES_A_MS
    return computing + (TRANSFERRED_MS * transferred_bytes + STREAMED_MS * streamed_bytes) / 1e6


def _transferred(prediction: Prediction) -> tuple[int, int]:
    """Return the bytes into and out of the Edge TPU's subgraphs."""
    number = {fate.index: fate.subgraph for fate in prediction.fates}
    maker = {t.index: number[op.index] for op in prediction.graph.operators for t in op.outputs}
    inputs: dict[tuple[int, int], int] = {}
    outputs = {t.index: _size(t.shape, t.dtype) for t in prediction.graph.outputs if maker.get(t.index) is not None}
    for op in prediction.graph.operators:
        here = number[op.index]
        for tensor in op.activations:
            made = maker.get(tensor.index)
            if tensor in op.outputs or made == here:
                continue
            if here is not None:
                inputs[tensor.index, here] = _size(tensor.shape, tensor.dtype)
            if made is not None:
                outputs[tensor.index] = _size(tensor.shape, tensor.dtype)
    return sum(inputs.values()), sum(outputs.values())


def _size(shape: Sequence[int], dtype: str) -> int:
    return math.prod(shape) * ITEM_BYTES.get(dtype, 1)


def _postprocess_ms(host: str, max_detections: int) -> float:
    """Return the op's time on *host*: linear between the measured points, constant beyond them."""
    import numpy as np

    counts, times = zip(*POSTPROCESS_MS[host], strict=True)
    return float(np.interp(max_detections, counts, times))
