"""Outputs as apps read them: the float32 scores of a classifier's labels, or of a segmenter's in each pixel.

A stream's states stay as they are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from detlite.convert.tflite.edit import SLICE, Edit
from detlite.convert.tflite.heads import INPUT, name_heads, refreshed
from detlite.convert.tflite.one_output import ARG_MAX, SCORING, last_operator
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.postprocess import drop_metadata
from detlite.convert.tflite.prune import drop_unused, operators_for
from detlite.convert.tflite.stream import with_image_first
from detlite.convert.tflite.tensors import operator_name, shape_of
from detlite.runtime.boxes.scores import SCORES
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import ContractError, InputError
from detlite.runtime.stream_inputs import StateInput
from detlite.runtime.tasks.classification import Classification
from detlite.runtime.tasks.segmentation import CLASSES, Segmentation
from detlite.runtime.tensors import Output


def with_label_scores(data: bytes, contract: Contract) -> tuple[bytes, Contract]:
    """Return the classifier *data* with one output, the float32 scores of its labels, and its contract.

    Integers are dequantized, logits converted, and the background's column, if there is one, is left out.
    """
    file = TfliteFile(data)
    model, subgraph = file.edit(keep_appended=True), file.subgraph
    name_heads(model, {SCORES: _label_scores(Edit(model, subgraph), subgraph, contract)})
    drop_unused(model)
    return _finished(file, _of_labels(contract, 0))


def with_stream_scores(data: bytes, contract: Contract) -> tuple[bytes, Contract]:
    """Return the stream *data* with the scores of `with_label_scores`, the image as its first input, and its contract.

    The states keep their bytes, and have the contract's names. TFLite metadata is dropped: no client that reads it runs
    streams.

    Raises:
        ContractError: the contract belongs to another model.
        InputError: a state has the name of the image, of the scores or of another state.
    """
    file = TfliteFile(data)
    _check_ends(file.subgraph, contract)
    contract = with_image_first(file, contract)
    model, subgraph = file.edit(), file.subgraph
    drop_metadata(model)
    states = [one for one in contract.inputs if isinstance(one, StateInput)]
    for one, index in zip(states, subgraph.inputs[1:], strict=True):
        subgraph.tensors[index].name = one.name
    ends = dict(zip(contract.output_names, map(int, subgraph.outputs), strict=True))
    ends[SCORES] = _label_scores(Edit(model, subgraph), subgraph, contract)
    name_heads(model, ends)
    drop_unused(model)
    return _finished(file, _of_labels(contract, contract.output(SCORES).index))


def _check_ends(subgraph: Any, contract: Contract) -> None:
    """Refuse a model whose inputs and outputs are not the image, the scores, and *contract*'s states."""
    states = [one for one in contract.inputs if isinstance(one, StateInput)]
    numbers = sorted([*(one.index for one in contract.outputs), *(one.output for one in states)])
    inputs, outputs = len(subgraph.inputs), len(subgraph.outputs)
    if inputs != len(contract.tensors) or numbers != list(range(outputs)):
        raise ContractError(
            f"the model has {counted(inputs, 'input')} and {counted(outputs, 'output')}, its contract "
            f"{counted(len(contract.tensors), 'input')} and the outputs {numbers}: they do not belong together"
        )
    names = [INPUT, *contract.output_names]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"a state is called {name!r}, as another input or output is: want names that differ")


def _label_scores(edit: Edit, subgraph: Any, contract: Contract) -> int:
    """Return the float32 tensor [1, labels] of the scores of the labels of the classifier with *contract*."""
    task = contract.task
    assert isinstance(task, Classification)
    scores = edit.as_float(_output(subgraph, contract.output(SCORES)))
    if task.score_converter_place == "host":
        scores = edit.converted(scores, task.score_converter)
    return _columns(edit, subgraph, scores, task.label_offset) if task.label_offset else scores


def _of_labels(contract: Contract, number: int) -> Contract:
    """Return *contract* with such scores as output *number*."""
    output = Output(SCORES, SCORES, number, (1, len(contract.labels)), "float32")
    assert isinstance(contract.task, Classification)
    changed = replace(contract.task, score_converter_place="model", label_offset=0)
    return replace(contract, outputs=(output,), task=changed)


def with_pixel_scores(data: bytes, contract: Contract) -> tuple[bytes, Contract]:
    """Return the segmenter *data* with one output, the float32 scores of its labels in each pixel, and its contract.

    Where the model ends with the best class of each pixel (ARG_MAX), it ends before that instead.

    Raises:
        InputError: the model returns classes by another operator.
    """
    task = contract.task
    assert isinstance(task, Segmentation)
    file = TfliteFile(data)
    model, subgraph = file.edit(keep_appended=True), file.subgraph
    if CLASSES in contract.roles:
        contract = _without_arg_max(model, subgraph, contract, task)
    index = Edit(model, subgraph).as_float(_output(subgraph, contract.output(SCORES)))
    name_heads(model, {SCORES: index})
    drop_unused(model)
    return _finished(file, contract)


def _without_arg_max(model: Any, subgraph: Any, contract: Contract, task: Segmentation) -> Contract:
    last = last_operator(model, subgraph, subgraph.outputs[0])
    if last is None or operator_name(model, last) != ARG_MAX:
        raise InputError(
            "the model returns the class of each pixel, and clients take scores: only where an ARG_MAX makes the "
            "classes can it be left out"
        )
    scores = int(last.inputs[0])
    subgraph.outputs = [scores]
    subgraph.operators = operators_for(subgraph, [scores])
    before = last_operator(model, subgraph, scores)
    converter = None if before is None else SCORING.get(operator_name(model, before))
    changed = replace(task, score_converter_place="host")
    if converter is not None:
        changed = replace(task, score_converter_place="model", score_converter=converter)
    output = Output(SCORES, SCORES, 0, shape_of(subgraph.tensors[scores]), "float32")
    return replace(contract, outputs=(output,), task=changed)


def _output(subgraph: Any, output: Output) -> int:
    if not 0 <= output.index < len(subgraph.outputs):
        raise InputError(
            f"the model has {counted(len(subgraph.outputs), 'output')}; its contract has output number {output.index}"
        )
    return int(subgraph.outputs[output.index])


def _columns(edit: Edit, subgraph: Any, scores: int, first: int) -> int:
    """Return the float32 tensor [1, C - first] of the columns of *scores*, [1, C], from number *first* on."""
    shape = shape_of(subgraph.tensors[scores])
    size = (shape[0], shape[1] - first)
    made = edit.tensor(f"{SCORES}_of_labels", size)
    begin, sizes = (np.array(values, np.int32) for values in ((0, first), size))
    limits = [edit.constant(f"{SCORES}_begin", begin), edit.constant(f"{SCORES}_size", sizes)]
    edit.operator(SLICE, [scores, *limits], [made])
    return made


def _finished(file: TfliteFile, contract: Contract) -> tuple[bytes, Contract]:
    return file.data, refreshed(contract, file)
