"""Comparisons of two things of a kind: found by what the two are, one file each in `studies/compare/file_kinds/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from detlite.convert.artifact import known_artifact
from detlite.convert.files.archive import is_archive
from detlite.convert.find_source import locate
from detlite.convert.targets.edgetpu.graph import Graph, read_graph
from detlite.convert.targets.edgetpu.placeholder import HEAD_BYTES, refuse_placeholder
from detlite.convert.tflite.tensors import EDGETPU
from detlite.runtime.artifact import Artifact
from detlite.runtime.errors import InputError
from detlite.runtime.model_file import is_model_file, is_tflite, model_in
from detlite.runtime.plugins import load_plugins
from detlite.runtime.progress import Progress, silent
from detlite.runtime.records import from_record

FOLDER = "detlite.studies.compare.file_kinds"
READERS = "detlite.convert.readers"
GRAPHS = ("frozen_graph", "saved_model")
"""What is run by TensorFlow as it is; an archive of TF1 has both, of the same weights."""

NO_FACTS = ("schema", "schema_version", "a", "b", "what", "agree", "findings", "notes")


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two.

    Attributes:
        given: as it was given.
        artifact: the model with its contract; None where nothing says what its outputs are.
        data: the model file.
        operators: the graph of a TFLite file; None for another format, of which detlite runs the model alone.
        exported: the TensorFlow graph, a file or the folder of a SavedModel, which is no finished model; else None.
    """

    given: Path
    artifact: Artifact | None
    data: bytes
    operators: Graph | None
    exported: Path | None = None

    @property
    def graph(self) -> Graph:
        """The graph of the TFLite file.

        Raises:
            InputError: it is of another format.
        """
        if self.operators is None:
            raise InputError(f"{self.given} is no TFLite model: give two artifacts, whose contracts name the outputs")
        return self.operators

    @cached_property
    def is_compiled(self) -> bool:
        """Whether it is compiled for the Edge TPU."""
        return self.operators is not None and any(op.name == EDGETPU for op in self.operators.operators)


@dataclass(frozen=True)
class CompareOptions:
    """How to compare.

    Attributes:
        tolerance: how far an output may be from the other's, in reals; None: by what the two are.
        images: to run both on; empty: images made with a seed.
        multiple_subgraphs: predict as if compiled so.
    """

    tolerance: float | None = None
    images: tuple[Path, ...] = ()
    multiple_subgraphs: bool = False


@dataclass(frozen=True)
class ModelComparison:
    """What comparing two files found.

    Attributes:
        what: was compared, in words.
        findings: what does not agree, a sentence each; empty where all does.
        lines: what to tell besides.
        facts: the same and more, by names that depend on what was compared.
    """

    what: str
    findings: tuple[str, ...]
    lines: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    def to_record(self, a: str, b: str) -> dict[str, Any]:
        """Return it as JSON can carry it, with the names of the two; the facts are among the other keys."""
        known = {"a": a, "b": b, "what": self.what, "agree": not self.findings}
        return {**known, "findings": list(self.findings), "notes": list(self.lines), **self.facts}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ModelComparison:
        """Return the comparison that *record* describes.

        Raises:
            InputError: a value is not what it must be.
        """
        found = from_record(_ComparisonRecord, record)
        facts = {key: value for key, value in record.items() if key not in NO_FACTS}
        return cls(found.what, found.findings, found.notes, facts)


@dataclass(frozen=True)
class _ComparisonRecord:
    """The keys that a comparison's record always has."""

    what: str
    findings: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Comparer:
    """One kind of comparison; its name is its file's name.

    Attributes:
        title: what it says, in one line.
        takes: whether the two are what it compares; of several that do, the first by name counts.
        compare: does it.
    """

    title: str
    takes: Callable[[Side, Side], bool]
    compare: Callable[[Side, Side, CompareOptions, Progress], ModelComparison]


def read_side(path: Path) -> Side:
    """Return what is at *path*: a .tflite file, a folder that detlite wrote, or a TensorFlow graph.

    Raises:
        InputError: it is none of these, or damaged.
    """
    if path.is_dir():
        compiled = sorted(path.glob("*_edgetpu.tflite"))
        if model_in(path) is None and len(compiled) == 1:
            path = compiled[0]
    if path.is_file():
        refuse_placeholder(path.read_bytes()[:HEAD_BYTES], str(path))
    if not (is_tflite(path) or is_model_file(path) if path.is_file() else model_in(path)):
        exported = _exported(path)
        if exported is not None:
            return Side(path, None, b"", None, exported)
        if path.is_file():
            raise InputError(
                f"{path} is no .tflite: convert it first; what is compared are finished models, and one with the "
                "TensorFlow graph that was exported beside its checkpoint"
            )
    artifact = known_artifact(path)
    model = path if artifact is None else artifact.model
    data = model.read_bytes()
    if artifact is not None and not is_tflite(model):
        return Side(path, artifact, data, None)
    return Side(path, artifact, data, read_graph(data, str(path)))


def _exported(path: Path) -> Path | None:
    """Return the TensorFlow graph at *path*, in a folder or an archive; None if there is none."""
    if path.is_file() and is_archive(path):
        path = locate(str(path))
    readers = load_plugins(READERS)
    folders = [path, *(sorted(item for item in path.iterdir() if item.is_dir()) if path.is_dir() else ())]
    found = (readers[name].recognizes(folder) for folder in folders for name in GRAPHS)
    return next((one for one in found if one is not None), None)


def compare(a: Side, b: Side, options: CompareOptions, *, progress: Progress = silent) -> ModelComparison:
    """Return how *a* and *b* compare.

    Raises:
        InputError: nothing compares such two.
    """
    for comparer in load_plugins(FOLDER).values():
        if comparer.takes(a, b):
            found: ModelComparison = comparer.compare(a, b, options, progress)
            return found
    raise InputError(f"{a.given} and {b.given}: nothing compares these two")
