"""Reader of ONNX detectors, from PyTorch or TensorFlow: any SSD whose heads can be found, or are named."""

from __future__ import annotations

from pathlib import Path

from detlite.convert.float_graph import FloatGraph
from detlite.convert.onnx_graph.open_file import SUFFIX, external_files
from detlite.convert.options import DetectorOptions
from detlite.convert.reader import Reader


def recognizes(path: Path) -> Path | None:
    """Return the .onnx file at *path*, or the only one in the folder *path*; None if there is none.

    A folder with a SavedModel is that model's, which is complete.
    """
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return None
        found = [file for file in path.glob(f"*{SUFFIX}") if file.is_file()]
        return found[0] if len(found) == 1 else None
    return path if path.suffix == SUFFIX else None


def files(path: Path) -> tuple[Path, ...]:
    """Return the file at *path* and those with its external data."""
    return (path, *external_files(path))


def detector(path: Path, options: DetectorOptions) -> FloatGraph:
    """Return the detector at *path*; errors as `onnx_graph.detector.onnx_detector`."""
    from detlite.convert.onnx_graph.detector import onnx_detector  # here: most sources are of other formats

    return onnx_detector(path, options)


PLUGIN = Reader(title="ONNX model", recognizes=recognizes, files=files, detector=detector)
