"""Find the files of a checkpoint and open it: name-based (TF1), object-based (TF2), or a frozen graph of TF1."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from detlite.convert.rebuild.weights.bundle import open_bundle
from detlite.convert.rebuild.weights.frozen_graph import SUFFIX, open_frozen_graph
from detlite.convert.rebuild.weights.objects import GRAPH_KEY, ObjectWeights
from detlite.convert.rebuild.weights.single_file import open_single_file
from detlite.convert.rebuild.weights.stored import Checkpoint, NamedWeights, StoredWeights, Variable
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

INDEX, META, STATE = ".index", ".meta", "checkpoint"
SHARD = re.compile(r"\.data-(\d{5})-of-(\d{5})$")
MAX_INDEX_BYTES = 256 << 20  # enough for a million variables; a detector has a few hundred

WANTED = "want a checkpoint prefix, such as model.ckpt-50000 or ckpt-0: the name of its .index file without .index"


def prefix_of(given: Path) -> Path:
    """Return the prefix of the checkpoint at *given*: a prefix, one of its files, or a folder with one checkpoint.

    Raises:
        InputError: there is no checkpoint, or a folder has several and no state file that names the newest.
    """
    if given.is_dir():
        return _prefix_in(given)
    if given.name == STATE and given.is_file():
        return _prefix_in(given.parent)
    if given.suffix in (INDEX, META):
        given = given.with_suffix("")
    given = given.with_name(SHARD.sub("", given.name))
    if _index_of(given).is_file() or given.is_file():  # a V1 checkpoint is one file, named like its prefix
        return given
    others = sorted(path.name.removesuffix(INDEX) for path in given.parent.glob(f"*{INDEX}"))
    found = f"the folder holds {', '.join(others[:5])}" if others else f"no checkpoint in {given.parent}"
    if list(given.parent.glob(f"{given.name}.data-*")):
        found = f"its data exists, but its index {given.name}{INDEX} is missing"
    raise InputError(f"no checkpoint {given}: {found}; {WANTED}")


def _prefix_in(folder: Path) -> Path:
    prefixes = sorted(path.with_suffix("") for path in folder.glob(f"*{INDEX}"))
    newest = _newest(folder)
    if newest is not None and newest in prefixes:
        return newest
    if len(prefixes) == 1:
        return prefixes[0]
    names = ", ".join(prefix.name for prefix in prefixes[:5]) or "none"
    raise InputError(f"{folder} holds {counted(len(prefixes), 'checkpoint')} ({names}): choose one; {WANTED}")


def _newest(folder: Path) -> Path | None:
    """Return the newest checkpoint by the folder's state file, or None; only the name in its path is used."""
    try:
        text = (folder / STATE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    newest = re.search(r'^model_checkpoint_path:\s*"([^"\n]+)"', text, re.MULTILINE)
    return folder / Path(newest.group(1)).name if newest else None


def _index_of(prefix: Path) -> Path:
    return prefix.with_name(prefix.name + INDEX)


def checkpoint_files(prefix: Path) -> tuple[Path, ...]:
    """Return the files of the checkpoint at *prefix*, index first.

    Raises:
        InputError: there is no such checkpoint, or one of its data shards is missing.
    """
    prefix = prefix_of(prefix)
    index = _index_of(prefix)
    if not index.is_file():
        return (prefix,)
    shards = {match: path for path in prefix.parent.iterdir() if (match := _shard(path, prefix))}
    if not shards:
        raise InputError(f"the checkpoint {prefix} has an index but no data: want {prefix.name}.data-00000-of-00001")
    count = max(count for _number, count in shards)
    for number in range(count):
        if (number, count) not in shards:
            name = f"{prefix.name}.data-{number:05}-of-{count:05}"
            raise InputError(f"the checkpoint {prefix} has {counted(count, 'data shard')}, but {name} is missing")
    return (index, *(shards[number, count] for number in range(count)))


def _shard(path: Path, prefix: Path) -> tuple[int, int] | None:
    """Return (number, count) if *path* is a shard of *prefix*, else None."""
    match = SHARD.search(path.name)
    if match is None or path.name[: match.start()] != prefix.name:
        return None
    return int(match[1]), int(match[2])


def open_checkpoint(
    prefix: Path, *, use_moving_averages: bool = False, objects: type[ObjectWeights] = ObjectWeights
) -> StoredWeights:
    """Return the weights of the TF1 or TF2 checkpoint at *prefix*, or of TF1's frozen graph there.

    A variable is read when it is taken.

    Args:
        prefix: see `prefix_of`.
        use_moving_averages: whether to read a variable's moving average, if it has one, in place of the variable.
        objects: what reads the names of an object-based checkpoint.

    Raises:
        InputError: files are missing or damaged.
    """
    prefix = prefix_of(prefix)
    is_graph = prefix.suffix == SUFFIX and prefix.is_file()
    checkpoint = open_frozen_graph(prefix) if is_graph else _open_files(prefix, checkpoint_files(prefix))
    if not checkpoint.variables:
        raise InputError(f"the checkpoint {prefix} holds no variables")
    if GRAPH_KEY not in checkpoint.variables:
        return NamedWeights(checkpoint, use_moving_averages=use_moving_averages)
    return objects(checkpoint, _object_graph(checkpoint), use_moving_averages=use_moving_averages)


CHOICES = ("averaged", "raw")

SWAPPED = "best_ckpt"
"""The start of the names of TF-Vision's best checkpoints: averages and weights have changed places there."""


def open_tf_vision(
    prefix: Path, which: str | None, *, objects: type[ObjectWeights] = ObjectWeights
) -> tuple[StoredWeights, bool | None]:
    """Return the weights of TF-Vision's checkpoint at *prefix*, and whether they are averages; None if it has none.

    Args:
        prefix: see `prefix_of`.
        which: one of `CHOICES`; None for the averages if there are any.
        objects: what reads its names, see `WrappedWeights` for a model that was trained aware of quantization.

    Raises:
        InputError: files are missing or damaged, it is no object-based checkpoint, or it lacks the averages asked for.
    """
    weights = open_checkpoint(prefix, objects=objects)
    if not isinstance(weights, ObjectWeights):
        raise InputError(f"the checkpoint {prefix} is name-based (TensorFlow 1); TF-Vision writes object-based ones")
    if not weights.has_averages:
        if which is not None:
            raise InputError(
                f"the checkpoint {prefix} has one set of weights, and no moving averages beside it: leave out --weights"
            )
        return weights, None
    averaged = which != "raw"
    in_slots = averaged is not prefix_of(prefix).name.startswith(SWAPPED)
    return open_checkpoint(prefix, use_moving_averages=in_slots, objects=objects), averaged


def _open_files(prefix: Path, files: tuple[Path, ...]) -> Checkpoint:
    from google.protobuf.message import DecodeError

    is_bundle = files[0] == _index_of(prefix)
    if is_bundle and files[0].stat().st_size > MAX_INDEX_BYTES:
        raise InputError(f"{files[0]} has {files[0].stat().st_size} bytes; the limit for an index is {MAX_INDEX_BYTES}")
    try:
        checkpoint = open_bundle(prefix, files[0], files[1:]) if is_bundle else open_single_file(prefix)
    except (InputError, DecodeError) as error:
        raise _damaged(prefix, error) from error

    def read(key: str) -> NDArray[Any]:
        try:
            return checkpoint.read(key)
        except (InputError, DecodeError) as error:
            raise _damaged(prefix, error) from error

    return Checkpoint(prefix, checkpoint.variables, read)


def _object_graph(checkpoint: Checkpoint) -> Any:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

    if checkpoint.variables[GRAPH_KEY] != Variable((), "string"):
        raise InputError(f"the checkpoint {checkpoint.prefix} is damaged: its {GRAPH_KEY} is not a string")
    try:
        graph = TrackableObjectGraph.FromString(checkpoint.read(GRAPH_KEY).item())
    except DecodeError as error:
        raise _damaged(checkpoint.prefix, error) from error
    if not graph.nodes:
        raise InputError(f"the checkpoint {checkpoint.prefix} is damaged: its object graph is empty")
    return graph


def _damaged(prefix: Path, error: Exception) -> InputError:
    return InputError(f"the checkpoint {prefix} is damaged or cut short: {' '.join(str(error).split())[:200]}")
