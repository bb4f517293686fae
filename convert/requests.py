"""Requests for a conversion, an inspection and an export, as a child process receives them: see `apart.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detlite.convert.options import DetectorOptions
from detlite.convert.source import TFLITE
from detlite.convert.whole_graph.options import WholeGraphOptions

READ, CONVERT, EXPORT, WRITE = "read the model", "convert it", "export it", "write the result"
CHECK = "compare it with TensorFlow"
"""The steps of a conversion and of an export; only the export of a whole graph has CHECK."""


@dataclass(frozen=True)
class Given:
    """What is converted: a `source`; or a `config` with its `checkpoint`; or an untrained `preset`.

    Attributes:
        source: a file or a folder.
        way: which of a source's `graph` and `checkpoint` to use; None for the graph if there is one.
        config: a pipeline.config, or a params.yaml of TF-Vision.
        checkpoint: the prefix of the checkpoint with its weights.
        experiment: the experiment of TF-Vision that the params.yaml overrides.
        averages: which weights of TF-Vision's checkpoint: `averaged` or `raw`; None for the averages if it has any.
        preset: the name of a zoo detector.
        seed: of a preset's random weights.
        classes: of a preset, without the background; None for its own.
    """

    source: Path | None = None
    way: str | None = None
    config: Path | None = None
    checkpoint: Path | None = None
    experiment: str | None = None
    averages: str | None = None
    preset: str | None = None
    seed: int | None = None
    classes: int | None = None


@dataclass(frozen=True)
class ConvertRequest:
    """A conversion to an artifact in the folder `out`.

    Attributes:
        given: what is converted.
        out: the folder.
        options: facts that the source does not contain.
        heads: `raw` or `postprocess`.
        weights: `float32`, `float16`, `dynamic`, or `int8` of a quantization-aware checkpoint or frozen graph.
        to: the format: a file's name in `convert/exporters/`.
        force: whether an artifact in `out` is replaced.
    """

    given: Given
    out: Path
    options: DetectorOptions = field(default_factory=DetectorOptions)
    heads: str = "raw"
    weights: str = "float32"
    to: str = TFLITE
    force: bool = False


@dataclass(frozen=True)
class ExportRequest:
    """The writing of the finished model `artifact` in the format `to`, as an artifact in the folder `out`.

    Attributes:
        artifact: a folder that detlite wrote, or a .tflite with its post-processing op.
        to: the format: a file's name in `convert/exporters/`.
        out: the folder.
        force: whether an artifact in `out` is replaced.
        options: of that exporter, by name.
    """

    artifact: Path
    to: str
    out: Path
    force: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class WholeGraphRequest:
    """The conversion of the TensorFlow graph at `source` by tf2onnx, to a folder `out` with an .onnx.

    Attributes:
        source: a frozen graph, a SavedModel or a TensorFlow.js model.
        out: the folder.
        options: how.
        force: whether a folder that detlite wrote is replaced.
    """

    source: Path
    out: Path
    options: WholeGraphOptions
    force: bool = False


@dataclass(frozen=True)
class ExportedRunRequest:
    """The run of the exported graph at `source` on `images`; the results of each go to a file in the folder `out`.

    Attributes:
        source: a frozen graph or a SavedModel of the OD API's exporter.
        images: files.
        out: a folder that is there; `0.npz` is of the first image, and its arrays are called by what they are, `boxes`.
    """

    source: Path
    images: tuple[Path, ...]
    out: Path


@dataclass(frozen=True)
class InspectRequest:
    """The facts of the graph at `source`."""

    source: Path
    options: DetectorOptions
