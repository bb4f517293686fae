"""By hand: signal to noise of raw heads by method, and of a float model whose activations alone are rounded to int8.

python tests/benchmarks/signal_to_noise.py IMAGES HELD_OUT_IMAGES FLOAT_ARTIFACT...

The last is what no choice of weights and biases can pass, in the same ranges. Classifiers are measured by their logits:
in int8, probabilities have steps of 1/256.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from detlite.accuracy.images import images_in
from detlite.calibration.material import samples_of
from detlite.calibration.quantize import float_model, quantize
from detlite.calibration.recipe import Recipe
from detlite.calibration.weights.calibrate import calibrate
from detlite.convert.load import load_source, with_heads
from detlite.convert.options import DetectorOptions
from detlite.convert.tflite.edit import DEQUANTIZE, QUANTIZE, Edit
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.runtime.progress import silent
from detlite.runtime.runners.interpreter import open_interpreter

SOFTMAX = 25  # its number in TFLite's schema
METHODS = ("converter", "nearest", "bias_correction", "second_order")
CALIBRATED, SEEN = 16, 6  # images


def main(images: str, held_out: str, *artifacts: str) -> None:
    """Print, for each of *artifacts*, the decibels of each of its outputs."""
    few, others = images_in(Path(images)).choose(CALIBRATED, 0), images_in(Path(held_out)).choose(SEEN, 0)
    for artifact in artifacts:
        model = with_heads(load_source(Path(artifact), DetectorOptions(), progress=silent), "raw")
        samples = [one.inputs[0] for one in samples_of(others, model.contract, silent)()]
        wanted = heads(model.data, samples)
        print(artifact)
        for method in METHODS:
            made = quantize(model, few, Recipe(method=method, io="float32")).model
            stored = [one.inputs[0] for one in samples_of(others, made.contract, silent)()]
            say(method, wanted, heads(made.data, stored))
        say("int8 activations, float weights", wanted, heads(rounding(float_model(model, few, Recipe())), samples))


def rounding(source):
    """Return the float model *source* with each activation rounded to its int8 steps, and nothing else."""
    calibrated = calibrate(source)
    network, scales = calibrated.network, calibrated.plan.scales
    file = network.file.copy()
    model, subgraph = file.edit(), file.subgraph
    edit, operators, stands_for = Edit(model, subgraph), subgraph.operators, {}
    subgraph.operators = []
    for operator in operators:
        operator.inputs = [stands_for.get(int(index), int(index)) for index in operator.inputs]
        subgraph.operators.append(operator)
        for index in map(int, operator.outputs):
            if index in scales:
                name, shape = network.names[index], network.shape(index)
                stored = edit.tensor(f"{name}_int8", shape, dtype="int8", quantization=scales[index])
                stands_for[index] = edit.tensor(f"{name}_rounded", shape)
                edit.operator(QUANTIZE, [index], [stored])
                edit.operator(DEQUANTIZE, [stored], [stands_for[index]])
    subgraph.outputs, model.signatureDefs = [stands_for[int(index)] for index in subgraph.outputs], []
    return dump(model)


def heads(data, samples):
    """Return what each output of the model *data* holds over *samples*."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(before_softmax(data))
        opened = open_interpreter(path)
    found = []
    for sample in samples:
        opened.set_input(opened.inputs[0]["index"], sample)
        opened.invoke()
        found.append([reals(opened.output(detail["index"]), detail["quantization"]) for detail in opened.outputs])
    return [np.stack(one) for one in zip(*found, strict=True)]


def before_softmax(data):
    """Return a classifier's model *data* with its logits as output; other models as they are."""
    model = load(data, "the model")
    subgraph = model.subgraphs[0]
    kinds = [model.operatorCodes[operator.opcodeIndex].builtinCode for operator in subgraph.operators]
    if SOFTMAX not in kinds[-3:]:  # a QUANTIZE and a DEQUANTIZE may follow
        return data
    last = len(kinds) - 1 - kinds[::-1].index(SOFTMAX)
    subgraph.outputs, model.signatureDefs = [int(subgraph.operators[last].inputs[0])], []
    subgraph.operators = subgraph.operators[:last]
    return dump(model)


def reals(values, quantization):
    """Return what integer *values* stand for; floats as they are."""
    scale, zero_point = quantization
    return (np.float64(values) - zero_point) * scale if scale else np.float64(values)


def say(name, wanted, found):
    """Print the signal to noise of *found*."""
    noise = [((want - got) ** 2).mean() / (want**2).mean() for want, got in zip(wanted, found, strict=True)]
    print(f"  {name}: {', '.join(f'{-10 * np.log10(one):.1f} dB' for one in noise)}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
