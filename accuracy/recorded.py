"""Results that were saved as lines of JSON: read, to be scored as if the model had been run now, and written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from detlite.accuracy.hosts import SavedResults
from detlite.accuracy.predictions import Predictions, predictions_in
from detlite.convert.files.write_file import prepare_new_file, write_file
from detlite.runtime.artifact import Artifact, sha256_of
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.measure.run_folder import DETECTIONS, MEASUREMENT, PROTOCOL, read_json
from detlite.runtime.result_lines import LINE_FIELDS, model_line, result_line
from detlite.runtime.strict_json import parse_json
from detlite.runtime.task import task_kind

Record = dict[str, Any]


class Recorded(SavedResults):
    """The results of a run that was measured with `--accuracy`, or of a file that `save_results` or a board wrote."""

    def __init__(self, path: Path) -> None:
        """Take the lines from the run, or from the file, at *path*."""
        self._run = path if path.is_dir() else None
        self._lines = path / DETECTIONS if path.is_dir() else path

    def results_for(self, artifact: Artifact, paths: Sequence[Path]) -> Predictions:
        """Return the results for the image files *paths*, which are matched by their file names.

        Raises:
            InputError: the lines cannot be read, are for another model, or lack an image.
        """
        kind = artifact.contract.task.kind
        head, *records = _records(self._lines, task_kind(kind).result.fields)
        if head.get("model_sha256") != sha256_of(artifact.model):
            raise InputError(
                f"{self._lines} is for the model {head.get('model_sha256')}, and {artifact.model} has another sha256: "
                "give the model that was run"
            )
        known = {Path(str(record["image"])).name: record for record in records}
        missing = [path.name for path in paths if path.name not in known]
        if missing:
            raise InputError(
                f"{self._lines} has no results for {len(missing)} of {counted(len(paths), 'image')}; the first is "
                f"{missing[0]}: run the model on all of them, or give --limit"
            )
        try:
            return predictions_in(kind, [known[path.name] for path in paths], 0.0, str(head.get("runtime")))
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{self._lines} is damaged: {' '.join(str(error).split())[:200]}") from error

    def facts(self) -> Record:
        """Return what the run says of its device; nothing for a file of lines, which does not know it."""
        record = read_json(self._run / MEASUREMENT) if self._run is not None else None
        device = (record or {}).get("device", {})
        return device if isinstance(device, dict) else {}

    def quality_map(self) -> float | None:
        """Return the mAP in percent that the run's preset requires; None if it requires none."""
        record = read_json(self._run / PROTOCOL) if self._run is not None else None
        value = (record or {}).get("quality_map")
        return float(value) if isinstance(value, int | float) else None


def _records(path: Path, fields: Sequence[str]) -> list[Record]:
    try:
        lines = path.read_bytes().splitlines()
        records = [dict(parse_json(line)) for line in lines]
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): give a run measured with --accuracy, or the lines of "
            "board.pyz detect --lines"
        ) from error
    except (InputError, ValueError, TypeError) as error:
        raise InputError(f"{path} is damaged: {error}; give the lines of board.pyz detect --lines") from error
    if not records or "runtime" not in records[0] or not all({*LINE_FIELDS, *fields} <= r.keys() for r in records[1:]):
        raise InputError(f"{path} holds no detections: give the lines of board.pyz detect --lines")
    return records


def save_results(path: Path, artifact: Artifact, images: Sequence[Path], found: Predictions) -> None:
    """Write what *artifact* said about *images* to the new file *path*, whole or not at all.

    The lines are those of `board.pyz detect --lines`; `Recorded` and `detlite evaluate --detections` read them.

    Raises:
        InputError: two images have one file name, by which the lines are matched with images; or *path* exists.
    """
    names = [image.name for image in images]
    twin = next((name for name, times in Counter(names).items() if times > 1), None)
    if twin is not None:
        raise InputError(f"{twin} is the name of two images: saved results are matched by file name, rename one")
    prepare_new_file(path)
    rows = zip(names, found.sizes.tolist(), found.invoke_ns.tolist(), found.records(), strict=True)
    lines = [model_line(found.runtime, sha256_of(artifact.model))]
    lines += [result_line(name, (height, width), invoke_ns, row) for name, (height, width), invoke_ns, row in rows]
    write_file(path, b"".join(lines))
