"""Reading and writing artifacts: a folder is written whole or not at all, and replaced only when asked to."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from detlite.runtime.artifact import CONTRACT, HISTORY, LABELS, Artifact, Step, artifact_folder, read_artifact
from detlite.runtime.contents import contents
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.model_file import FORMATS, MODEL_NAMES, suffix_of
from detlite.runtime.strict_json import load_json
from detlite.runtime.version import __version__

ARTIFACT_FILES = (*MODEL_NAMES, CONTRACT, LABELS, HISTORY, "ranges.json", "explanation.html", "explanation.json")
"""All that detlite writes to the folder of an artifact; other folders list their files in their history."""

MOST_NAMED = 3  # files in an error

HISTORY_SCHEMA = {"schema": "detlite.history", "schema_version": 1}


def step(name: str, *, input_sha256: str, **facts: object) -> Step:
    """Return one history step: what was done, by which version, to which input."""
    return {"step": name, "tool": "detlite", "version": __version__, "input_sha256": input_sha256, **facts}


def open_artifact(path: Path) -> Artifact:
    """Return the artifact at *path*: a folder that detlite wrote, or a model file that says how to use it.

    Such a file is a folder's own model, a .tflite with the detection op, or an .onnx that detlite exported.

    Raises:
        InputError: nothing is there, or the file cannot be run without a contract.
    """
    folder = artifact_folder(path)
    if folder is not None:
        return read_artifact(folder)
    if not path.is_file():
        raise InputError(f"{path}: want a folder that detlite wrote, or a .tflite or .onnx file; nothing is there")
    if suffix_of(path) == ".onnx":
        return Artifact(model=path, contract=_contract_of_onnx(path))
    from detlite.convert.tflite.contract import contract_of_tflite

    return Artifact(model=path, contract=contract_of_tflite(path))


def _contract_of_onnx(path: Path) -> Contract:
    from detlite.convert.onnx.metadata import contract_in

    found = contract_in(path)
    if found is None:
        raise InputError(
            f"{path} has no contract.json beside it and no contract in it, so nothing says how to use it: give the "
            "folder of an artifact, or an .onnx that detlite exported"
        )
    return found


def known_artifact(path: Path) -> Artifact | None:
    """Return the artifact at *path* as `open_artifact` does; None for a model file without a known contract.

    Raises:
        InputError: nothing is there, or a damaged artifact.
    """
    if artifact_folder(path) is not None or not path.is_file():
        return open_artifact(path)
    if suffix_of(path)[1:] not in FORMATS:
        return None
    try:
        return open_artifact(path)
    except InputError:  # not a detector, or raw heads without a contract
        return None


def prepare_output(out: Path, *, force: bool) -> None:
    """Check, before any work, that an artifact can be written to *out*, without leaving a trace.

    Raises:
        InputError: *out* exists and *force* is false, or it contains a file that detlite did not write there, or it
            cannot be written to.
    """
    _clear_left_over(out.absolute())
    if out.exists() or out.is_symlink():
        if not out.is_dir():
            raise InputError(f"{out} is a file; give a folder to write")
        names = sorted(item.name for item in out.iterdir())
        if names and not force:
            raise InputError(f"{out} already contains {names[0]}; choose another folder, or pass --force to replace it")
        _refuse_strangers(out)
    parent = _nearest_folder(out.absolute().parent)
    try:
        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror} in {parent}; choose another folder") from error


def _refuse_strangers(out: Path) -> None:
    """Refuse to replace the folder *out* where it holds what detlite did not write there."""
    strangers = sorted(set(contents(out)) - _own_files(out))
    if not strangers:
        return
    more = len(strangers) - MOST_NAMED
    named = ", ".join(strangers[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    raise InputError(
        f"{out} contains {named}, which detlite did not write: it is not replaced; move that away, or choose another "
        "folder"
    )


def _own_files(out: Path) -> set[str]:
    """Return the paths in *out* that detlite wrote, if it wrote the folder at all."""
    history = out / HISTORY
    if not history.is_file():
        return set()
    try:
        listed = load_json(history).get("files", [])
    except (InputError, AttributeError):  # damaged: an artifact's files have known names
        listed = []
    return {*ARTIFACT_FILES, *map(str, listed if isinstance(listed, list) else [])}


def _nearest_folder(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    if not path.is_dir():
        raise InputError(f"{path} is a file, but must be a folder")
    return path


def history_json(steps: Sequence[Step], files: Iterable[str] = ()) -> str:
    """Return the text of a `history.json` with these *steps*.

    Args:
        steps: what was done, the first one first.
        files: what is written to the folder beside it, by relative path, if that is not an artifact.
    """
    record = {**HISTORY_SCHEMA, "steps": list(steps)}
    names = sorted(files)
    return json.dumps(record | ({"files": names} if names else {}), indent=2, ensure_ascii=False) + "\n"


def write_folder(out: Path, files: Mapping[str, bytes], *, force: bool = False) -> None:
    """Write *files*, by relative path, to the folder *out*, whole or not at all; `history.json` marks it as detlite's.

    Raises:
        InputError: as `prepare_output`.
    """
    prepare_output(out, force=force)
    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.absolute().parent))
    try:
        partial.chmod(0o755)
        for name, content in files.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).write_bytes(content)
            _flush(partial / name)
        _replace(partial, out)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _clear_left_over(out: Path) -> None:
    """Clean up beside *out* after a killed run: delete partial folders, restore a folder that was being replaced."""
    for old in _left_over(out, "old"):
        if not out.exists() and (old / out.name).is_dir():
            (old / out.name).rename(out)
        shutil.rmtree(old, ignore_errors=True)
    for part in _left_over(out, "partial"):
        shutil.rmtree(part, ignore_errors=True)


def _left_over(out: Path, suffix: str) -> list[Path]:
    """Return the folders beside *out* that `tempfile` named for detlite; no other is touched."""
    name = re.compile(rf"\.{re.escape(out.name)}\.[a-z0-9_]{{8}}\.{suffix}")
    return [path for path in out.parent.glob(".*") if name.fullmatch(path.name)]


def _flush(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(partial: Path, out: Path) -> None:
    if not out.exists():
        partial.rename(out)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".old", dir=out.absolute().parent))
    out.rename(old / out.name)
    partial.rename(out)
    shutil.rmtree(old, ignore_errors=True)
