"""By hand: detlite's methods beside other quantizers: error, fidelity, time and memory.

python tests/benchmarks/quantizers.py IMAGES HELD_OUT_IMAGES FLOAT_ARTIFACT...

Every quantizer gets the same 16 images and a process of its own; error and fidelity are on 100 others. A peer that is
not installed is left out: `pip install litert-quantizer onnxruntime onnx tensorflow-cpu "nvidia-modelopt[onnx]"`. The
last brings PyTorch: if it has an environment of its own, DETLITE_MODELOPT names that environment's Python.
"""

import importlib
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from detlite.accuracy.images import Images, images_in
from detlite.accuracy.output_error import output_error, sure_outputs
from detlite.accuracy.predictions import scored_task
from detlite.calibration.material import samples_of
from detlite.calibration.quantize import quantize
from detlite.calibration.recipe import Recipe
from detlite.convert.exporters.onnx import from_tflite
from detlite.convert.load import load_source, with_heads
from detlite.convert.model import session_of, tflite_model
from detlite.convert.options import DetectorOptions
from detlite.convert.tflite.float_weights import unpack_weights
from detlite.convert.tflite.tensors import constant_of, operator_name
from detlite.runtime.image.read import read_image
from detlite.runtime.progress import silent
from detlite.runtime.runners.interpreter import open_interpreter
from detlite.runtime.session import postprocess
from detlite.runtime.stream import StreamResult, columns

CALIBRATED, SEEN = 16, 100  # images
FEWEST = 1e-4  # of the largest weight of a layer
WHOSE = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
RECIPES = {
    "detlite bias_correction": Recipe(io="float32", method="bias_correction"),
    "detlite second_order": Recipe(io="float32", method="second_order"),
    "detlite second_order, twin channels": Recipe(io="float32", method="second_order", twin_channels="auto"),
    "TensorFlow's quantizer": Recipe(io="float32", method="converter"),
}
PEERS = {
    "litert-quantizer": "litert_quantizer",
    "onnxruntime quantize_static": "onnxruntime",
    "nvidia-modelopt": "modelopt",
}


def main(images: str, held_out: str, *artifacts: str) -> None:
    """Print a line for each quantizer and each of *artifacts*."""
    for artifact in artifacts:
        model, others = loaded(artifact), images_in(Path(held_out)).choose(SEEN, 0)
        samples = [one.inputs[0] for one in samples_of(others, model.contract, silent)()]
        sizes = [read_image(path, upright=others.upright).shape[:2] for path in others.paths]
        wanted = [copied(heads) for heads in of_session(model, samples)]
        task = scored_task(model.contract.task.kind)
        reference = predictions(task, model.contract, wanted, sizes)
        print(artifact)
        for name in [*RECIPES, *filter(is_there, PEERS)]:
            with tempfile.TemporaryDirectory() as folder:
                facts = quantized_apart(name, artifact, images, Path(folder))
                found = list(outputs(Path(facts["model"]), model, samples))
            sure = [sure_outputs(model.contract, heads) for heads in wanted]
            error = output_error([one.errors(heads) for one, heads in zip(sure, found, strict=True)])
            fidelity = task.agree(predictions(task, model.contract, found, sizes), reference).fidelity
            errors = ", ".join(f"{role} {one.rms:.4f} ({one.db:.1f} dB)" for role, one in error.heads.items())
            print(
                f"  {name}: {errors}; fidelity {fidelity:.2f}; {facts['cpu_s']:.1f} s, {facts['peak_mb']:.0f} MB",
                flush=True,
            )


def is_there(name):
    """Return whether the peer *name* is installed."""
    apart = name == "nvidia-modelopt" and "DETLITE_MODELOPT" in os.environ
    return apart or importlib.util.find_spec(PEERS[name]) is not None


def loaded(artifact):
    """Return the float model in *artifact* with raw heads, and with float32 weights if it holds them in fewer bits."""
    model = with_heads(load_source(Path(artifact), DetectorOptions(), progress=silent), "raw")
    file = model.file.copy()
    unpack_weights(file)
    return tflite_model(file, model.contract, model.history)


def copied(heads):
    """Return a copy of *heads*, which the next inference overwrites."""
    return {role: np.array(value) for role, value in heads.items()}


def of_session(model, samples):
    """Yield the heads of the float *model* for each of *samples*."""
    session = session_of(model)
    for sample in samples:
        session.invoke(sample)
        yield session.heads()


def predictions(task, contract, found, sizes):
    """Return what the heads *found* say about images of *sizes*."""
    results = [postprocess(heads, contract, size) for heads, size in zip(found, sizes, strict=True)]
    return task.predictions(**columns([StreamResult(one, size, 0) for one, size in zip(results, sizes, strict=True)]))


def outputs(path, model, samples):
    """Yield the heads, by role and without a batch, of the quantized file at *path* for float *samples*."""
    roles = [output.role for output in sorted(model.contract.outputs, key=lambda output: output.index)]
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path)
        for sample in samples:
            found = session.run(None, {session.get_inputs()[0].name: sample})
            yield {role: value[0] for role, value in zip(roles, found, strict=True)}
        return
    opened = open_interpreter(path)
    for sample in samples:
        opened.set_input(opened.inputs[0]["index"], stored(sample, opened.inputs[0]))
        opened.invoke()
        yield {role: real(opened.output(one["index"])[0], one) for role, one in zip(roles, opened.outputs, strict=True)}


def stored(values, detail):
    """Return the float *values* in the dtype of the tensor *detail*."""
    if detail["dtype"] == np.float32:
        return values
    scale, zero_point = detail["quantization"]
    return np.clip(np.rint(values / scale) + zero_point, -128, 127).astype(np.int8)


def real(values, detail):
    """Return the *values* of the tensor *detail* as float32."""
    if detail["dtype"] == np.float32:
        return values
    scale, zero_point = detail["quantization"]
    return ((values.astype(np.float32) - zero_point) * scale).astype(np.float32)


def quantized_apart(name, artifact, images, folder):
    """Return `model`, `cpu_s` and `peak_mb` of the quantizer *name*, from a process of its own."""
    command = [sys.executable, __file__, "--one", name, artifact, images, str(folder)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # as the command line has it
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def one(name: str, artifact: str, images: str, folder: str) -> None:
    """Quantize with the quantizer *name* and print what `quantized_apart` returns."""
    model, few = loaded(artifact), images_in(Path(images)).choose(CALIBRATED, 0)
    begin = cpu_s()
    made = write(name, model, few, Path(folder))
    peak_mb = max(resource.getrusage(who).ru_maxrss for who in WHOSE) / 1e3
    print(json.dumps({"model": str(made), "cpu_s": cpu_s() - begin, "peak_mb": peak_mb}))


def cpu_s():
    """Return the processor time of this process and its children so far, in seconds."""
    return sum(found.ru_utime + found.ru_stime for found in map(resource.getrusage, WHOSE))


def write(name: str, model, few: Images, folder: Path) -> Path:
    """Write the quantized model to *folder* and return its file."""
    if name in RECIPES:
        return quantize(model, few, RECIPES[name]).model.save(folder / "int8").model
    model, samples = with_storable_biases(model), samples_of(few, model.contract, silent)
    peers = {"litert-quantizer": litert, "onnxruntime quantize_static": static, "nvidia-modelopt": modelopt}
    return peers[name](model, samples, folder)


def with_storable_biases(model):
    """Return the float *model* without channels whose weights are all under `FEWEST` of their layer's largest.

    Training leaves channels that are dead: weights of 1e-15 before a ReLU6. Their scale is so small that the bias in
    its steps exceeds an int32, and litert-quantizer stores another number. The float model computes the same bits.
    """
    file = model.file.copy()
    buffers, tensors = file.edit().buffers, file.subgraph.tensors
    for operator in file.subgraph.operators:
        kind = operator_name(file.model, operator)
        if kind not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            continue
        tensor = tensors[int(operator.inputs[1])]
        weights = np.array(constant_of(file.model, tensor))
        sizes = np.abs(weights).max(axis=(1, 2, 3) if kind == "CONV_2D" else (0, 1, 2), keepdims=True)
        least = np.where(sizes < FEWEST * sizes.max(), FEWEST * sizes.max(), 0)
        raised = np.where(weights < 0, -1, 1) * np.maximum(np.abs(weights), least)
        buffers[tensor.buffer].data = np.frombuffer(raised.astype("<f4").tobytes(), np.uint8)
    return tflite_model(file, model.contract, model.history)


def litert(model, samples, folder):
    """Return the file that litert-quantizer makes with static int8, float inside its input and outputs."""
    quantizer, recipe = (importlib.import_module(f"litert_quantizer.{name}") for name in ("quantizer", "recipe"))
    float_file, made = folder / "float.tflite", folder / "int8.tflite"
    float_file.write_bytes(model.data)
    quantizing = quantizer.Quantizer(str(float_file))
    quantizing.load_quantization_recipe(recipe.static_wi8_ai8())
    runner = open_interpreter(float_file).interpreter
    [(signature, names)] = runner.get_signature_list().items()
    fed = [{names["inputs"][0]: sample.inputs[0]} for sample in samples()]
    quantizing.quantize(quantizing.calibrate({signature: fed})).export_model(made)
    return made


def onnx_file(model, folder):
    """Write the float *model* to *folder* as ONNX; return the file and the name of its input."""
    exported = from_tflite(model, {})
    (folder / "float.onnx").write_bytes(exported.data)
    return folder / "float.onnx", exported.contract.image.name


def modelopt(model, samples, folder):
    """Return the file that nvidia-modelopt makes: QDQ for TensorRT, here run by onnxruntime."""
    float_file, name = onnx_file(model, folder)
    np.savez(folder / "samples.npz", **{name: np.concatenate([sample.inputs[0] for sample in samples()])})
    python = os.environ.get("DETLITE_MODELOPT", sys.executable)
    command = [python, "-m", "modelopt.onnx.quantization", "--onnx_path", str(float_file), "--quantize_mode", "int8"]
    command += ["--calibration_data_path", str(folder / "samples.npz"), "--output_path", str(folder / "int8.onnx")]
    subprocess.run(
        [*command, "--calibration_eps", "cpu", "--high_precision_dtype", "fp32"], check=True, stdout=sys.stderr
    )
    return folder / "int8.onnx"


def static(model, samples, folder):
    """Return the file that onnxruntime makes, uint8 activations and weights per channel."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    (float_file, name), made = onnx_file(model, folder), folder / "int8.onnx"

    class Reader(CalibrationDataReader):
        def __init__(self):
            self._left = samples()

        def get_next(self):
            return next(({name: sample.inputs[0]} for sample in self._left), None)

    quantize_static(
        float_file,
        made,
        Reader(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return made


if __name__ == "__main__":
    one(*sys.argv[2:]) if sys.argv[1] == "--one" else main(*sys.argv[1:])
