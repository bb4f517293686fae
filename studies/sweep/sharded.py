"""One evaluation over many workers: the images in shards, their predictions joined in order and scored once.

The mean of the shards' scores would be another number, and with few distinct scores, as int8 models have, even another
order of the images would: so the shards are contiguous, and joined as the labels order them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from detlite.accuracy.detect import predict
from detlite.accuracy.predictions import Predictions
from detlite.convert.artifact import open_artifact
from detlite.runtime.artifact import Artifact
from detlite.runtime.errors import DetliteError, DeviceError, InputError
from detlite.runtime.measure.host import host_facts
from detlite.runtime.measure.machine import processor_name
from detlite.runtime.progress import Progress, silent
from detlite.studies.sweep.cluster import ClusterOptions, client_of, undo_dask_settings
from detlite.studies.sweep.room import in_room

SHARDS_PER_WORKER = 2
MOST_IMAGES = 500
"""Of one shard: some MB of detections, and so that a lost worker loses little."""


@dataclass(frozen=True, eq=False)
class Shard:
    """The predictions of one shard, and the processor that ran it."""

    predictions: Predictions
    processor: str


def predict_shard(model: str, images: Sequence[str], threads: int, upright: bool) -> Shard | DetliteError:
    """Return what the artifact at *model* says about *images*, run in a worker; or the error that it raised."""
    try:
        undo_dask_settings()
        with in_room(alone=False):
            paths = [Path(image) for image in images]
            found = predict(open_artifact(Path(model)), paths, threads=threads, upright=upright)
    except DetliteError as error:
        return error
    return Shard(found, processor_name())


class ShardedHost:
    """Runs models on the workers of a dask cluster; an `InferenceHost`."""

    def __init__(self, client: Any) -> None:
        """Use the cluster of *client*, a `distributed.Client`."""
        self._client = client

    def ready(self) -> AbstractContextManager[object]:
        """Do nothing: the workers are running."""
        return nullcontext()

    def detect(
        self,
        artifact: Artifact,
        paths: Sequence[Path],
        *,
        threads: int = 1,
        upright: bool = True,
        progress: Progress = silent,
    ) -> Predictions:
        """Return what *artifact* says about the image files *paths*, in their order, turned *upright* or as stored.

        Raises:
            InputError: an image cannot be read, a worker does not see the files, or the workers' processors or runtimes
                differ.
            DeviceError: a shard's worker died each time.
        """
        begin = time.perf_counter()
        shards = shards_of(paths, len(self._client.scheduler_info(n_workers=-1)["workers"]))
        model = str((artifact.model.parent if artifact.history else artifact.model).absolute())
        futures = [
            self._client.submit(
                predict_shard, model, [str(path.absolute()) for path in shard], threads, upright, pure=False
            )
            for shard in shards
        ]
        done = 0
        found: dict[int, Shard | None] = dict.fromkeys(range(len(shards)))
        for number, shard in self._finished(futures):
            found[number] = shard
            done += len(shards[number])
            progress("detecting", done, len(paths))
        return _joined([shard for shard in found.values() if shard is not None], time.perf_counter() - begin)

    def _finished(self, futures: Sequence[Any]) -> Iterator[tuple[int, Shard]]:
        """Yield the number of each shard and what it found, as they end."""
        from distributed import as_completed
        from distributed.scheduler import KilledWorker

        places = {future.key: number for number, future in enumerate(futures)}
        for future in as_completed(futures):
            try:
                answer = future.result()
            except KilledWorker as error:
                raise DeviceError(
                    "the workers that ran one shard of the images died each time: out of memory?"
                ) from error
            if isinstance(answer, DetliteError):
                raise answer
            yield places[future.key], answer

    def facts(self) -> dict[str, Any]:
        """Return what this machine is; the workers' processors are the same."""
        return dict(host_facts())


@contextmanager
def sharded(options: ClusterOptions) -> Iterator[ShardedHost]:
    """Give the cluster that *options* name as a host; see `client_of`."""
    with client_of(options, None) as client:
        yield ShardedHost(client)


def shards_of(paths: Sequence[Path], workers: int) -> tuple[tuple[Path, ...], ...]:
    """Return *paths* in contiguous parts: some for each of the *workers*, none of over `MOST_IMAGES`."""
    size = max(1, min(MOST_IMAGES, -(-len(paths) // (SHARDS_PER_WORKER * max(1, workers)))))
    return tuple(tuple(paths[first : first + size]) for first in range(0, len(paths), size))


def _joined(shards: Sequence[Shard], wall_s: float) -> Predictions:
    for name, values in (
        ("processors", {shard.processor for shard in shards}),
        ("interpreters", {shard.predictions.runtime for shard in shards}),
    ):
        if len(values) > 1:
            raise InputError(
                f"the workers have different {name} ({', '.join(sorted(values))}): one evaluation needs the same"
            )
    parts = [shard.predictions for shard in shards]
    return replace(type(parts[0]).join(parts), wall_s=wall_s)
