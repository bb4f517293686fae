"""The interface of a reader of a source format; each format is one file in `convert/readers/`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detlite.convert.float_graph import FloatGraph
    from detlite.convert.options import DetectorOptions
    from detlite.convert.whole_graph.ends import WholeGraph


@dataclass(frozen=True, eq=False)
class FrozenGraph:
    """A detector as one TensorFlow graph with its weights inside.

    Attributes:
        graph_def: the `tensorflow.GraphDef`; no variables.
        folder: the folder that may contain a `pipeline.config` or a label map.
    """

    graph_def: Any
    folder: Path


@dataclass(frozen=True)
class Reader:
    """One source format.

    Attributes:
        title: the format's name.
        recognizes: checks a path's content, without TensorFlow; returns None if it is another format, else the
            path to read (it may be inside a folder).
        files: returns the model's files at that path, for its digest.
        read: returns the graph at that path, in which the detector of the Object Detection API is found; or None.
        detector: returns the detector at that path, for a format that has no such graphs; one of the two is given.
        whole: returns the graph at that path with the inputs and outputs that the file names; None if it names none.
    """

    title: str
    recognizes: Callable[[Path], Path | None]
    files: Callable[[Path], tuple[Path, ...]]
    read: Callable[[Path], FrozenGraph] | None = None
    detector: Callable[[Path, DetectorOptions], FloatGraph] | None = None
    whole: Callable[[Path], WholeGraph] | None = None
