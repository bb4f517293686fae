"""A stand-in for main.py of MLPerf's vision app: its options, its data set, its calls of LoadGen and ONNX Runtime.

Unlike the real one it resizes with Pillow, and scores nothing.
"""

import argparse
import array
import importlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlperf_loadgen as lg
import numpy as np
import onnxruntime
from PIL import Image

MOBILENET, RESNET34 = "ssd-mobilenet-onnxruntime", "ssd-resnet34-onnxruntime"
SIDES = {MOBILENET: 300, RESNET34: 1200}
NAMES = ["num_detections:0", "detection_boxes:0", "detection_scores:0", "detection_classes:0"]
MEAN, STD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
LEAST = 0.5
"""Where the second profile stops to read detections."""


def options() -> argparse.Namespace:
    """The command line, of which the real app takes more."""
    parser = argparse.ArgumentParser()
    for name in ("profile", "backend", "model", "dataset-path", "output", "mlperf_conf", "user_conf", "scenario"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("max-batchsize", "threads", "count", "time"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--accuracy", action="store_true")
    return parser.parse_args()


def images(folder: Path, count: int | None, side: int) -> list[Any]:
    """The pixels of the first *count* images of the data set that are there, in its order."""
    listed = json.loads((folder / "annotations/instances_val2017.json").read_text())["images"]
    files = [folder / "val2017" / one["file_name"] for one in listed]
    there = [file for file in files if file.exists()][:count]
    pixels = [
        np.asarray(Image.open(file).convert("RGB").resize((side, side), Image.Resampling.BILINEAR)) for file in there
    ]
    np.array([([1], [[0, 0, 1, 1]]), ([1, 2], [])])  # lists of unequal lengths, as the real one makes of its labels
    return pixels


def found_by(session: Any, pixels: Any, index: int) -> list[list[float]]:
    """The rows of an image for a model of the first profile: index, y1, x1, y2, x2, score, class."""
    (given,) = session.get_inputs()
    counts, boxes, scores, classes = session.run(NAMES, {given.name: pixels[None]})
    return [[index, *boxes[0][i], scores[0][i], classes[0][i]] for i in range(int(counts[0]))]


def found_by_resnet34(session: Any, pixels: Any, index: int) -> list[list[float]]:
    """The same for a model of the second, whose boxes are x1, y1, x2, y2 and whose scores fall."""
    tensor = ((pixels.astype(np.float32) / 255 - MEAN) / STD).transpose(2, 0, 1)[None]
    boxes, labels, scores = session.run(["bboxes", "labels", "scores"], {"image": tensor})
    rows = []
    for box, label, score in zip(boxes[0], labels[0], scores[0], strict=True):
        if score < LEAST:
            break
        rows.append([index, box[1], box[0], box[3], box[2], score, float(label)])
    return rows


def main() -> None:
    """Have LoadGen ask for the images, and answer with what the model finds."""
    asked = options()
    assert not importlib.import_module("torch").cuda.is_available()
    session = onnxruntime.InferenceSession(asked.model, providers=["CPUExecutionProvider"])
    find = found_by if asked.profile == MOBILENET else found_by_resnet34
    pixels = images(Path(asked.dataset_path), asked.count, SIDES[asked.profile])
    os.chdir(asked.output)

    def issue(samples: Sequence[Any]) -> None:
        for sample in samples:
            rows = find(session, pixels[sample.index], sample.index)
            data = array.array("B", np.array(rows, np.float32).tobytes())
            place, size = data.buffer_info()
            lg.QuerySamplesComplete([lg.QuerySampleResponse(sample.id, place, size)])

    settings = lg.TestSettings()
    benchmark = asked.profile.removesuffix("-onnxruntime")
    settings.FromConfig(asked.mlperf_conf, benchmark, asked.scenario)
    settings.FromConfig(asked.user_conf, benchmark, asked.scenario)
    settings.scenario = getattr(lg.TestScenario, asked.scenario)
    settings.mode = lg.TestMode.AccuracyOnly if asked.accuracy else lg.TestMode.PerformanceOnly
    if asked.time is not None:
        settings.min_duration_ms = settings.max_duration_ms = asked.time * 1000
    if asked.count is not None:
        settings.min_query_count = settings.max_query_count = asked.count
    log, output = lg.LogSettings(), lg.LogOutputSettings()
    output.outdir, output.copy_summary_to_stdout, log.log_output, log.enable_trace = asked.output, False, output, False
    sut = lg.ConstructSUT(issue, lambda: None)
    qsl = lg.ConstructQSL(len(pixels), len(pixels), lambda _ids: None, lambda _ids: None)
    lg.StartTestWithLogSettings(sut, qsl, settings, log, "audit.config")
    lg.DestroyQSL(qsl)
    lg.DestroySUT(sut)


if __name__ == "__main__":
    main()
