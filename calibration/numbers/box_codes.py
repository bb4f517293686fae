"""Box codes of an int8 model that use the whole range of int8, and the anchors that decode them.

The codes of all anchors are one tensor with one scale: (ty, tx, th, tw), of which th reaches to -13 for thin objects
and ty and tx to 4, so that these have a third of the levels. The same box has other codes for other anchors and other
scales of the box coder, see `detlite.runtime.boxes.coding.decode`: a ty and b (th + c) decode to the same box with
ha / g, a (y scale) / g and b (height scale), where g = exp(c / (height scale)); x and w likewise.

With a, b and c each of the four columns fills the range. They are a factor and a bias of the box head's channels, so
the weights stay as they are. It is an edit of the finished int8 model, and of its contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from detlite.accuracy.anchors import RESCALED as ORIGIN
from detlite.calibration.models import Extremes, QuantizedModel
from detlite.calibration.network import Network
from detlite.calibration.numbers.writer import per_channel
from detlite.convert.tflite.edit import TYPES
from detlite.convert.tflite.tensors import constant_of, name_of, operator_name, quantization_of, shape_of
from detlite.runtime.arrays import Doubles, Floats
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.contract import Contract
from detlite.runtime.tasks.detection import RAW_ROLES, Detection, has_raw_heads

COLUMNS = 4
MOVING = ("CONCATENATION", "RESHAPE", "SQUEEZE", "EXPAND_DIMS")
"""Operators that keep the column of a value where all of their last axes are multiples of `COLUMNS`."""

LAYER = "CONV_2D"
REACH = 127  # steps from the middle of the range to its ends
DEVIATIONS = (2.5, 2.5, 0.5, 0.5)
"""Standard deviations above the mean of an image's extremes that each column reaches. A longer range of offsets costs
little; one of sizes costs as much as what it cuts less."""

WORTH = 0.9
"""Codes are rescaled if that lowers the variance of their rounding errors to this share of what it was, or less."""

AS_TRAINED, RESCALED, AUTO = BOX_CODES = ("as-trained", "rescaled", "auto")
"""What `--box-codes` takes: *auto* rescales where the model decodes its boxes itself, by the post-processing op."""

RULE = "rescaled to the range of each column by detlite quantize"


def has_box_codes(contract: Contract) -> bool:
    """Return whether the model has raw heads whose boxes are decoded by anchors, with logarithms of sizes."""
    task = contract.task
    if not isinstance(task, Detection) or not has_raw_heads(contract) or not len(task.anchors):
        return False
    return task.box_coder.coding == "faster_rcnn" and {output.role for output in contract.outputs} == set(RAW_ROLES)


def code_layers(network: Network, place: int) -> tuple[int, ...]:
    """Return the outputs, by index, of the layers that compute the output number *place*, box codes.

    It is empty if other operators do.
    """
    makers = {index: operator for operator in network.operators for index in operator.outputs}
    found, waiting = list[int](), [network.outputs[place]]
    while waiting:
        index = waiting.pop()
        maker = makers.get(index)
        if maker is None or network.shape(index)[-1] % COLUMNS:
            return ()
        if maker.kind == LAYER:
            found.append(index)
        elif maker.kind in MOVING:
            waiting += maker.inputs if maker.kind == "CONCATENATION" else maker.inputs[:1]
        else:
            return ()
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Change:
    """A change of codes: factors and shifts, float64 (4,): code * factor + shift."""

    factors: Doubles
    shifts: Doubles

    def contract(self, contract: Contract) -> Contract:
        """Return *contract* with the anchors and the box coder of the changed codes."""
        task = contract.task
        assert isinstance(task, Detection)
        old = np.array((task.box_coder.y, task.box_coder.x, task.box_coder.height, task.box_coder.width))
        smaller = np.exp(self.shifts[2:] / self.factors[2:] / old[2:])
        y, x, height, width = (float(value) for value in self.factors * old / np.concatenate([smaller, np.ones(2)]))
        anchors: Floats = task.anchors.copy()
        anchors[:, 2:] = anchors[:, 2:] / smaller
        made = contract.with_task(anchors=anchors, box_coder=BoxCoder(y, x, height, width, task.box_coder.coding))
        return replace(made, origin={**contract.origin, ORIGIN: RULE})


def _change(extremes: Mapping[str, Extremes], step: float) -> _Change | None:
    """Return the change after which each column reaches `REACH` steps of the size *step*; None if it gains nothing."""
    lows = np.min([_by_column(low).min(axis=1) for low, _high in extremes.values()], axis=0).astype(np.float64)
    highs = np.max([_by_column(high).max(axis=1) for _low, high in extremes.values()], axis=0).astype(np.float64)
    low, high = -_extents(-lows), _extents(highs)
    reach = np.concatenate([np.maximum(-low, high)[:2], (high - low)[2:] / 2])
    if not (reach > step).all() or np.square(reach).mean() > WORTH * (REACH * step) ** 2:
        return None
    factors = REACH * step / reach
    return _Change(factors, factors * np.concatenate([np.zeros(2), -(low + high)[2:] / 2]))


def _extents(extremes: Doubles) -> Doubles:
    """Return how far each column of *extremes* (images, columns) reaches in nearly all images."""
    extents: Doubles = extremes.mean(axis=0) + np.array(DEVIATIONS) * extremes.std(axis=0)
    return extents


def _by_column(extremes: Floats) -> Floats:
    """Return the *extremes* (images, channels) of box codes as (images, anchors of a place, columns)."""
    return extremes.reshape(len(extremes), -1, COLUMNS)


def with_rescaled_codes(made: QuantizedModel, contract: Contract) -> tuple[QuantizedModel, Contract] | None:
    """Return *made* and the float model's *contract*, with box codes that use the whole range; None if it has none.

    The layers of box codes must be int8, and be read for nothing else.
    """
    if not made.code_extremes:
        return None
    file = made.file.copy()
    path = _path(file.model, file.subgraph, contract.output("box_encodings").index, made.code_extremes)
    if path is None:
        return None
    change = _change(made.code_extremes, path.scale)
    if change is None:
        return None
    file.edit()
    for index in path.tensors:
        file.subgraph.tensors[index].quantization = per_channel(np.array([path.scale], np.float32), 0)
    _change_parameters(file.model, file.subgraph, path, change)
    facts = {**made.facts, "box_codes": RESCALED}
    return replace(made, file=file, facts=facts), change.contract(contract)


@dataclass(frozen=True)
class _Path:
    """The tensors of box codes of an int8 model: by index, with their scale, and the operators that compute them."""

    tensors: tuple[int, ...]
    scale: float
    layers: tuple[Any, ...]


def _path(model: Any, subgraph: Any, place: int, extremes: Mapping[str, Extremes]) -> _Path | None:
    makers = {int(index): operator for operator in subgraph.operators for index in operator.outputs}
    tensors, layers, waiting = list[int](), list[Any](), [int(subgraph.outputs[place])]
    while waiting:
        index = waiting.pop()
        maker = makers.get(index)
        kind = None if maker is None else operator_name(model, maker)
        tensors.append(index)
        if kind == LAYER and name_of(subgraph.tensors[index]) in extremes:
            layers.append(maker)
        elif kind in MOVING:
            assert maker is not None
            waiting += [int(one) for one in (maker.inputs if kind == "CONCATENATION" else maker.inputs[:1])]
        else:
            return None
    stored = {quantization_of(subgraph.tensors[index]) for index in tensors}
    types = {subgraph.tensors[index].type for index in tensors}
    [scale, *others] = stored
    if others or scale is None or types != {TYPES["int8"]} or len(layers) != len(extremes):
        return None
    return None if _has_others(subgraph, tensors, layers) else _Path(tuple(tensors), scale.scale, tuple(layers))


def _has_others(subgraph: Any, tensors: list[int], layers: list[Any]) -> bool:
    """Return whether the *tensors*, or the parameters of *layers*, are read for something else than box codes."""
    parameters = {int(index) for layer in layers for index in layer.inputs[1:]}
    ends = [int(index) for index in subgraph.outputs]
    if sum(index in tensors for index in ends) != 1:
        return True
    for operator in subgraph.operators:
        read, written = {int(index) for index in operator.inputs}, {int(index) for index in operator.outputs}
        if (read & set(tensors) and not written & set(tensors)) or (read & parameters and operator not in layers):
            return True
    return False


def _change_parameters(model: Any, subgraph: Any, path: _Path, change: _Change) -> None:
    """Change the scales of the layers' weights and their biases in place; those that layers share, once."""
    tensors, kernels, biases = subgraph.tensors, set[int](), set[int]()
    for layer in path.layers:
        source, kernel, bias = (int(index) for index in layer.inputs)
        factors, shifts = (np.resize(one, shape_of(tensors[kernel])[0]) for one in (change.factors, change.shifts))
        if kernel not in kernels:
            wide = np.asarray(tensors[kernel].quantization.scale, np.float64) * factors
            tensors[kernel].quantization = per_channel(wide.astype(np.float32), 0)
        scales = tensors[source].quantization.scale[0] * np.asarray(tensors[kernel].quantization.scale, np.float32)
        if bias not in biases:
            steps = constant_of(model, tensors[bias]) + np.rint(shifts / scales.astype(np.float64))
            model.buffers[tensors[bias].buffer].data = np.frombuffer(steps.astype("<i4").tobytes(), np.uint8)
            tensors[bias].quantization = per_channel(scales, 0)
        kernels.add(kernel)
        biases.add(bias)
