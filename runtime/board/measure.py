"""`board.pyz measure`: measure a model's speed on this board."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from detlite.runtime.artifact import artifact_folder
from detlite.runtime.board.packed import Packed, find_model, open_model
from detlite.runtime.contract import Contract
from detlite.runtime.image.files import folder_images, skipped_notice
from detlite.runtime.measure.measurement_text import measurement_text
from detlite.runtime.measure.options import MeasureOptions, measure_setup, setup_of
from detlite.runtime.printable import printable


def measure_command(values: Dict[str, Any]) -> int:
    """Measure with the options *values*, write the result to stdout, and return the exit status."""
    out = Path(values["out"]) if values["out"] else None
    with Packed() as packed:
        model, contract = _model(find_model(values["model"], packed))
        folder = Path(values["images"]) if values["images"] else packed.images if values["model"] is None else None
        images = _images(folder) if folder else []
        options = MeasureOptions.from_values(values)
        setup = setup_of(model, contract, options, images=images)
        found = measure_setup(setup, find=options.find, run=out, force=values["force"], progress=_tell)
    if values["as_json"]:
        sys.stdout.write(json.dumps(found.to_record(), indent=1, allow_nan=False) + "\n")
    else:
        sys.stdout.write(printable(measurement_text(found, str(out) if out else None)))
    if found.failure is None:
        return 0
    sys.stderr.write(printable(f"board.pyz: {found.failure.text}\n"))
    return found.failure.exit_status


def _images(folder: Path) -> List[Path]:
    """Return the images in *folder*; a line on stderr names the skipped files."""
    found = folder_images(folder)
    text = skipped_notice(folder, found.skipped)
    if text is not None:
        sys.stderr.write(printable(f"{text}\n"))
    return list(found.paths)


def _model(path: Path) -> Tuple[Path, Optional[Contract]]:
    """Return the model file at *path*, with its contract if there is one."""
    if artifact_folder(path) is None:
        return path, None
    artifact = open_model(path)
    return artifact.model, artifact.contract


def _tell(what: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{what} {done} of {total} ")
