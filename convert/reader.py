"""What a reader of one source format is; each format is one file in `convert/readers/`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, eq=False)
class FrozenGraph:
    """A detector as one TensorFlow graph with its weights inside.

    Attributes:
        graph_def: the `tensorflow.GraphDef`; no variables.
        folder: where a `pipeline.config` or a label map may lie beside it.
    """

    graph_def: Any
    folder: Path


@dataclass(frozen=True)
class Reader:
    """One source format.

    Attributes:
        title: what the format is called.
        recognizes: whether a path is one, judged by its content, without TensorFlow; None where it is not, else the
            path of what is read (a folder may hold it).
        files: the files that make the model at that path, for its digest.
        read: the graph at that path.
    """

    title: str
    recognizes: Callable[[Path], Path | None]
    files: Callable[[Path], tuple[Path, ...]]
    read: Callable[[Path], FrozenGraph]
