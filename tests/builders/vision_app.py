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

NAMES = ["num_detections:0", "detection_boxes:0", "detection_scores:0", "detection_classes:0"]


def options() -> argparse.Namespace:
    """The command line, of which the real app takes more."""
    parser = argparse.ArgumentParser()
    for name in ("profile", "backend", "model", "dataset-path", "output", "mlperf_conf", "user_conf", "scenario"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("max-batchsize", "threads", "count", "time"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--accuracy", action="store_true")
    return parser.parse_args()


def images(folder: Path, count: int | None) -> list[Any]:
    """The pixels of the first *count* images of the data set that are there, in its order."""
    listed = json.loads((folder / "annotations/instances_val2017.json").read_text())["images"]
    files = [folder / "val2017" / one["file_name"] for one in listed]
    there = [file for file in files if file.exists()][:count]
    pixels = [
        np.asarray(Image.open(file).convert("RGB").resize((300, 300), Image.Resampling.BILINEAR)) for file in there
    ]
    np.array([([1], [[0, 0, 1, 1]]), ([1, 2], [])])  # lists of unequal lengths, as the real one makes of its labels
    return pixels


def main() -> None:
    """Have LoadGen ask for the images, and answer with what the model finds."""
    asked = options()
    assert not importlib.import_module("torch").cuda.is_available()
    session = onnxruntime.InferenceSession(asked.model, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    pixels = images(Path(asked.dataset_path), asked.count)
    os.chdir(asked.output)

    def issue(samples: Sequence[Any]) -> None:
        for sample in samples:
            counts, boxes, scores, classes = session.run(NAMES, {given.name: pixels[sample.index][None]})
            found = range(int(counts[0]))
            rows = [[sample.index, *boxes[0][i], scores[0][i], classes[0][i]] for i in found]
            data = array.array("B", np.array(rows, np.float32).tobytes())
            place, size = data.buffer_info()
            lg.QuerySamplesComplete([lg.QuerySampleResponse(sample.id, place, size)])

    settings = lg.TestSettings()
    settings.FromConfig(asked.mlperf_conf, "ssd-mobilenet", asked.scenario)
    settings.FromConfig(asked.user_conf, "ssd-mobilenet", asked.scenario)
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
