"""By hand: a model of video in int8 against its float model, calibrated with one folder and tested on another.

python tests/benchmarks/video_int8.py FOLDER FOLDER --artifact FLOAT_ARTIFACT
python tests/benchmarks/video_int8.py FOLDER FOLDER --config params.yaml --checkpoint ckpt-1 --draws 3

Both ways: each folder calibrates once, and the other one is the test. The longest scene of each video counts, up to 300
frames. A stream runs over it, and for a model of clips some clips are cut from it.

Decibels are the variance of the float model's logits over the classes to the squared error, a mean over the answers of
a video. The best class is sure where the float model's is ahead of its second by more than half a logit. Draws after
the first have other random weights, with the statistics that the maps have, see `redrawn`.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from detlite.accuracy.datasets.videos import files
from detlite.calibration.material import material_of
from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import along, layers
from detlite.calibration.quantize import float_model, quantize
from detlite.calibration.ranges.activations import open_activations
from detlite.calibration.recipe import Recipe
from detlite.calibration.video.clips import clip_cuts
from detlite.calibration.video.footage import Footage
from detlite.calibration.video.scenes import LONGEST, chosen_scenes, frames_of
from detlite.calibration.weights.methods.converter import with_extremes
from detlite.convert.artifact import open_artifact
from detlite.convert.child_calls import convert
from detlite.convert.model import model_of, session_of, tflite_model
from detlite.convert.options import DetectorOptions
from detlite.convert.requests import ConvertRequest, Given
from detlite.convert.tensorflow import load_tensorflow
from detlite.convert.tflite.edit import Edit
from detlite.convert.tflite.heads import canonicalize, input_names, refreshed
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.progress import silent
from detlite.runtime.records import to_record

SCENES, CLIPS, MARGIN = 1000, 5, 0.5  # scenes that are looked at, clips of a video, logits
MARKS = {"1": slice(1), "20": slice(15, 26), "100": slice(90, 110), "last": slice(-10, None)}
TENSORFLOW = "TensorFlow"
DRAWN = 10_000  # sets of videos that the interval is drawn from
MOST_GAIN, SAMPLES, TINY = 20.0, 24, 1e-9  # of redrawn weights: of a channel that hardly moves; of the statistics


def main() -> None:
    """Print a line for each draw, method, way and video, and one for the means over the videos of both ways."""
    asked = arguments()
    given = source(asked)
    folds = [tuple(files((folder,))) for folder in asked.folders]
    for draw in range(asked.draws):
        model = redrawn(given, Footage(folds[0] + folds[1], asked.count), draw) if draw else given
        wanted = {path: answers(model, path) for fold in folds for path in fold}
        for method in asked.methods:
            rows = {}
            for calibrating, tested in (folds, folds[::-1]):
                begin = time.process_time()
                made = quantized(model, Footage(calibrating, asked.count), method)
                print(f"draw {draw}, {method}: made in {time.process_time() - begin:.0f} s of processor time")
                for path in tested:
                    rows[path] = figures(wanted[path], answers(made, path))
                    print(f"  {path.name}: {said(rows[path].items())}", flush=True)
            print_means(f"draw {draw}, {method}", list(rows.values()))


def arguments():
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs=2, type=Path, help="videos of each fold")
    parser.add_argument("--artifact", type=Path, help="a float model that `detlite convert --scores logits` wrote")
    parser.add_argument("--config", type=Path, help="a params.yaml")
    parser.add_argument("--checkpoint", type=Path, help="the prefix of its checkpoint")
    parser.add_argument("--count", type=int, default=72, help="samples that calibrate")
    parser.add_argument("--draws", type=int, default=1, help="how many weights, the given ones among them")
    parser.add_argument("--methods", nargs="+", default=["second_order"], help=f"of detlite, or {TENSORFLOW}")
    asked = parser.parse_args()
    if (asked.artifact is None) == (asked.config is None) or (asked.config is None) != (asked.checkpoint is None):
        parser.error("give --artifact, or --config with --checkpoint")
    return asked


def source(asked):
    """Return the float model that was *asked* for."""
    if asked.artifact is not None:
        return model_of(open_artifact(asked.artifact))
    with tempfile.TemporaryDirectory() as folder:
        given, out = Given(config=asked.config, checkpoint=asked.checkpoint), Path(folder) / "float"
        convert(to_record(ConvertRequest(given, out, DetectorOptions(logits=True))), silent)
        return model_of(open_artifact(out))


def quantized(model, footage, method):
    """Return *model* in int8, by detlite's *method* or by TensorFlow's quantizer with the extremes that detlite has."""
    if method != TENSORFLOW:
        return quantize(model, footage, Recipe(method)).model
    tf = load_tensorflow()
    from tensorflow.lite.python.convert import mlir_quantize

    given = float_model(model, footage, Recipe())
    data = mlir_quantize(
        with_extremes(given).data, fully_quantize=True, input_data_type=tf.int8, output_data_type=tf.int8
    )
    file = TfliteFile(data)
    canonicalize(file, outputs=model.contract.output_names, inputs=input_names(model.contract))
    return tflite_model(file, refreshed(model.contract, file), model.history)


def answers(model, path):
    """Return the logits of *model* at each frame or clip of the video *path*: float64 (answers, classes)."""
    session, found = session_of(model), []
    for tensor in tensors(model, path):
        session.invoke(tensor)
        found.append(session.heads()["class_scores"].astype(np.float64).reshape(-1))
        session.finish()
    return np.stack(found)


def tensors(model, path):
    """Yield what *model* is fed of the longest scene of the video *path*: its frames, or clips of it."""
    first, image = model.contract.inputs[0], model.contract.image
    longest = max(chosen_scenes((path,), SCENES, 0).scenes, key=lambda scene: scene.count)
    scene = replace(longest, count=min(longest.count, LONGEST))
    frames = (preprocess(frame.pixels(), image) for _place, _number, frame in frames_of([scene]))
    if first.kind != "clip":
        yield from frames
        return
    kept = list(frames)
    for cut in clip_cuts(first, len(kept), CLIPS):
        yield np.stack([kept[number] for number in cut], axis=1)


def figures(want, got):
    """Return what is printed of one video, by name, with the marks that it has; nan where no answer is sure."""
    db = 10 * np.log10(want.var(axis=1) / np.square(got - want).mean(axis=1))
    best = np.sort(want, axis=1)
    sure = best[:, -1] - best[:, -2] > MARGIN
    same = want.argmax(axis=1) == got.argmax(axis=1)
    reached = [name for name, at in MARKS.items() if len(db) > CLIPS and (at.stop or 0) <= len(db)]
    marks = {f"at {name}": db[MARKS[name]] for name in reached}
    parts = {"dB": db, **marks, "agreement": same, "where sure": same[sure], "sure": sure}
    return {name: float(found.mean()) if len(found) else np.nan for name, found in parts.items()}


def said(row) -> str:
    """Return the figures *row* in one line."""
    return ", ".join(f"{name} {number:.{1 if name == 'dB' or name.startswith('at') else 2}f}" for name, number in row)


def print_means(title, rows) -> None:
    """Print the means of *rows* over the videos, with the 95 % interval of the decibels and their extremes."""
    columns = {name: [row[name] for row in rows if name in row] for name in max(rows, key=len)}
    means = [(name, np.nanmean(column)) for name, column in columns.items()]
    db = np.array([row["dB"] for row in rows])
    chance = np.random.default_rng(0)
    low, high = np.percentile(chance.choice(db, (DRAWN, len(db))).mean(axis=1), (2.5, 97.5))
    print(f"{title}, {len(rows)} videos: {said(means)}; dB [{low:.1f}, {high:.1f}], {db.min():.1f} to {db.max():.1f}")


def redrawn(model, footage, seed):
    """Return *model* with weights drawn by *seed*, with the statistics that it has over some samples of *footage*.

    A random network whose maps have other means and variances than a trained one says little about int8. So the gain
    and bias of each layer are set, front to back, so that the channels of what it makes have the means and deviations
    of the given model's channels, in another order. Layers that are summed, as the taps of a convolution over frames,
    are one.
    """
    file = model.file.copy()
    material, network = material_of(footage, model.contract), Network(file)
    samples = [feed for number, feed in enumerate(material.samples(file, model.contract)) if number < SAMPLES]
    chance, put = np.random.default_rng(seed), Constants(file, network)
    for name, bias, parts in units(network):
        want, given = values(model.file, samples, name), network.constant(bias[0].inputs[bias[1]])
        drawn = [chance.standard_normal(part.weights.shape) * part.weights.std() for part in parts]
        put(*bias, np.zeros_like(given))
        for part, weights in zip(parts, drawn, strict=True):
            put(part.operator, part.places.weights, weights)
        made, order = values(TfliteFile(file.data), samples, name), chance.permutation(want.shape[-1])
        if len(want) == len(samples):  # maps of one place: too few values for each channel
            gains = np.full(len(order), (want - given.reshape(-1)).std() / max(made.std(), TINY))
            shifts = given.reshape(-1)[order]
        else:
            gains = np.minimum(want.std(axis=0)[order] / np.maximum(made.std(axis=0), TINY), MOST_GAIN)
            shifts = want.mean(axis=0)[order] - gains * made.mean(axis=0)
        put(*bias, shifts.reshape(given.shape))
        for part, weights in zip(parts, drawn, strict=True):
            put(part.operator, part.places.weights, weights * along(gains, part.axis, weights.ndim))
    return tflite_model(TfliteFile(file.data), model.contract, model.history)


class Constants:
    """Sets constants of operators of the network of a file, which may share them: each gets its own at first."""

    def __init__(self, file, network):
        self._file, self._edit, self._own = file, Edit(file.edit(), file.subgraph), {}
        self._raws = dict(zip((one.name for one in network.operators), file.subgraph.operators, strict=True))

    def __call__(self, operator, place, values):
        values = np.ascontiguousarray(values, np.float32)
        if (operator.name, place) not in self._own:
            raw = self._raws[operator.name]
            made = self._own[operator.name, place] = self._edit.constant(f"{operator.name}_redrawn_{place}", values)
            raw.inputs = [made if number == place else int(index) for number, index in enumerate(raw.inputs)]
        buffer = self._file.subgraph.tensors[self._own[operator.name, place]].buffer
        self._file.edit().buffers[buffer].data = np.frombuffer(values.tobytes(), np.uint8)


def units(network):
    """Yield what is drawn together: the name of what it makes, its bias as an operator and a place, its layers."""
    makers = {index: operator for operator in network.operators for index in operator.outputs}
    readers, found = network.readers(), {}
    for layer in layers(network):
        end = layer.operator.outputs[0]
        while layer.operator.kind == "DEPTHWISE_CONV_2D" and [one.kind for one in readers[end]] == ["ADD"]:
            end = readers[end][0].outputs[0]
        found.setdefault(end, []).append(layer)
    for end, parts in found.items():
        maker = makers[end]
        of_sum = [place for place, index in enumerate(maker.inputs) if network.is_constant(index)]
        place = parts[0].places.bias if maker is parts[0].operator else of_sum[0]
        yield network.names[end], (maker, place), parts


def values(file, samples, name):
    """Return the values of the tensor *name* over *samples*: (places, channels)."""
    reader = open_activations(file, [name])
    return np.concatenate([flat(reader.run(sample)(name)) for sample in samples]).astype(np.float64)


def flat(value):
    """Return a copy of *value* with its last axis kept: the reader returns a view."""
    return value.reshape(-1, value.shape[-1]).copy()


if __name__ == "__main__":
    main()
