"""Running an exported graph on images: its detections, and what the stages of a two-stage detector compute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detlite.convert.exported_graph.ends import ExportedDetector, exported_detector
from detlite.convert.graph.index import GraphIndex
from detlite.convert.graph.runner import running
from detlite.convert.whole_graph.ends import WholeGraph
from detlite.runtime.arrays import Floats
from detlite.runtime.boxes.scores import CONVERTERS
from detlite.runtime.image.read import read_image
from detlite.runtime.progress import Progress, silent

FIRST_CLASS = 1
"""What the exporter calls the first class: an id of the label map."""

NETWORK_INPUT = "network_input"


def run_exported(
    whole: WholeGraph, images: Sequence[Path], *, progress: Progress = silent
) -> Iterator[dict[str, Floats]]:
    """Yield what the graph *whole* computes of each image.

    By name: `network_input` [H, W, 3]; `boxes` [D, 4], `classes` [D] from 0 on and `scores` [D] of the detections
    there are; their `masks` [D, rows, columns] if the graph has any; and of a two-stage detector `proposals` [P, 4],
    0..1 of the network's input, `box_encodings` [P, ...], `class_scores` [P, K + 1], and `beyond` [P], see `_beyond`.

    Raises:
        InputError: it is no graph of the OD API's exporter, an image cannot be read, or TensorFlow cannot run it.
    """
    ends = exported_detector(whole)
    tensors = _tensors(ends)
    with running(GraphIndex(whole.graph_def)) as runner:
        for number, path in enumerate(images):
            progress("images through TensorFlow", number, len(images))
            values = runner.run(list(tensors.values()), {ends.image: read_image(path)[None]})
            yield _result(dict(zip(tensors, values, strict=True)), ends)
    progress("images through TensorFlow", len(images), len(images))


def _tensors(ends: ExportedDetector) -> dict[str, str]:
    tensors = {NETWORK_INPUT: ends.network_input, **ends.detections}
    if ends.masks is not None:
        tensors["masks"] = ends.masks
    if ends.second_stage is not None:
        stage = ends.second_stage
        tensors |= {
            "features": stage.features,
            "crop": stage.crop,
            "proposals": stage.proposals,
            "box_encodings": stage.box_encodings,
            "class_scores": stage.class_logits,
        }
    return tensors


def _result(values: Mapping[str, NDArray[np.float32]], ends: ExportedDetector) -> dict[str, Floats]:
    count = int(np.ravel(values["count"])[0])
    found = {role: values[role][0, :count] for role in ("boxes", "classes", "scores", "masks") if role in values}
    found["classes"] = found["classes"] - FIRST_CLASS
    found[NETWORK_INPUT] = values[NETWORK_INPUT][0]
    if ends.second_stage is None:
        return found
    proposals = values["proposals"].reshape(-1, 4)
    rows = {name: values[name].reshape(len(proposals), -1) for name in ("box_encodings", "class_scores")}
    scores = CONVERTERS[ends.second_stage.converter](rows["class_scores"])
    beyond = _beyond(proposals, values["features"].shape[1:3], values["crop"].tolist())
    stages = {"proposals": proposals, "box_encodings": rows["box_encodings"], "class_scores": scores}
    return {**found, **stages, "beyond": beyond.astype(np.float32)}


def _beyond(boxes: Floats, cells: Sequence[int], crop: Sequence[int]) -> NDArray[np.bool_]:
    """Return which of *boxes* [P, 4] TensorFlow samples beyond the last of *cells*, (rows, columns), where it reads 0.

    Rounding puts the last sample of some boxes that reach the edge there; this is TensorFlow's arithmetic, in float32.
    """
    found = np.zeros(len(boxes), np.bool_)
    for axis, (count, samples) in enumerate(zip(cells, crop, strict=True)):
        low, high, last = boxes[:, axis], boxes[:, axis + 2], np.float32(count - 1)
        if samples > 1:
            step = (high - low) * last / np.float32(samples - 1)
            found |= low * last + np.float32(samples - 1) * step > last
    return found
