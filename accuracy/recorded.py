"""Detections that were computed elsewhere and kept as lines: scored here, as if the model had been run here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from detlite.accuracy.detect import Detected, detected_in
from detlite.runtime.artifact import Artifact, sha256_of
from detlite.runtime.errors import InputError
from detlite.runtime.measure.run_folder import DETECTIONS, MEASUREMENT, PROTOCOL, read_json
from detlite.runtime.progress import Progress, silent
from detlite.runtime.result_lines import LINE_FIELDS
from detlite.runtime.tasks.detection import Detections

Record = dict[str, Any]


class Recorded:
    """What a run that was measured with `--accuracy` found, or a file of the lines of `board.pyz detect --lines`."""

    def __init__(self, path: Path) -> None:
        """Take the lines from the run, or from the file, at *path*."""
        self._run = path if path.is_dir() else None
        self._lines = path / DETECTIONS if path.is_dir() else path

    def ready(self) -> nullcontext[None]:
        """Do nothing: everything is there."""
        return nullcontext()

    def detect(
        self,
        artifact: Artifact,
        paths: Sequence[Path],
        *,
        threads: int = 1,  # noqa: ARG002 - of this machine, where nothing is run
        progress: Progress = silent,  # noqa: ARG002 - it is done at once
    ) -> Detected:
        """Return what was found in the image files *paths*, told apart by their names.

        Raises:
            InputError: the lines cannot be read, are of another model, or leave an image out.
        """
        head, *records = _records(self._lines)
        if head.get("model_sha256") != sha256_of(artifact.model):
            raise InputError(
                f"{self._lines} is of the model {head.get('model_sha256')}, and {artifact.model} has another sha256: "
                "give the model that was run"
            )
        known = {Path(str(record["image"])).name: record for record in records}
        missing = [path.name for path in paths if path.name not in known]
        if missing:
            raise InputError(
                f"{self._lines} has nothing of {len(missing)} of {len(paths)} images; the first is {missing[0]}: run "
                "the model on all of them, or give --limit"
            )
        try:
            return detected_in([known[path.name] for path in paths], 0.0, str(head.get("runtime")))
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{self._lines} is damaged: {' '.join(str(error).split())[:200]}") from error

    def facts(self) -> Record:
        """Return what the run says of its device; nothing of a file of lines, which does not know it."""
        record = read_json(self._run / MEASUREMENT) if self._run is not None else None
        device = (record or {}).get("device", {})
        return device if isinstance(device, dict) else {}

    def quality_map(self) -> float | None:
        """Return the mAP in percent that the run's preset asks for; None where it asks for none."""
        record = read_json(self._run / PROTOCOL) if self._run is not None else None
        value = (record or {}).get("quality_map")
        return float(value) if isinstance(value, int | float) else None


def _records(path: Path) -> list[Record]:
    try:
        lines = path.read_bytes().splitlines()
        records = [dict(json.loads(line)) for line in lines]
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): want a run measured with --accuracy, or the lines of "
            "board.pyz detect --lines"
        ) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{path} is damaged: {error}; want the lines of board.pyz detect --lines") from error
    if (
        not records
        or "runtime" not in records[0]
        or not all({*LINE_FIELDS, *Detections.fields} <= r.keys() for r in records[1:])
    ):
        raise InputError(f"{path} holds no detections: want the lines of board.pyz detect --lines")
    return records
