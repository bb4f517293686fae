"""One process of a measurement: it opens the model, warms up, runs a scenario, and writes each sample at once."""

from __future__ import annotations

import gc
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.artifact import Artifact, sha256_of
from detlite.runtime.clock import MACHINE_CLOCK, Clock
from detlite.runtime.contract import Contract, contract_from_json
from detlite.runtime.errors import InputError
from detlite.runtime.image.read import read_image
from detlite.runtime.inputs import Size
from detlite.runtime.load import Load
from detlite.runtime.measure.loadgen_random import loaded_order
from detlite.runtime.measure.machine import machine_facts
from detlite.runtime.measure.noise import feed_all, noise_inputs, noise_tensor
from detlite.runtime.measure.presets import CAMERA, QSL_SEED
from detlite.runtime.measure.run_folder import ENDED, OPENED, SAMPLES, WARM_UP, Appender, write_json
from detlite.runtime.measure.scenario import scenario_called
from detlite.runtime.measure.statistics import change_point, percentile_ns
from detlite.runtime.plugins import load_plugin
from detlite.runtime.progress import Progress
from detlite.runtime.resident_memory import peak_bytes
from detlite.runtime.runners.backend import BACKENDS, Backend, Runner, Settings, clock_of
from detlite.runtime.session import Session, input_of
from detlite.runtime.stream import WORKERS, ahead

FEWEST_WARM_UPS = 16
MOST_WARM_UP_NS = 60_000_000_000
MOST_NOISE = 4  # different inputs where there are no images
TELL_EVERY_NS = 500_000_000  # not after each sample: the listener would disturb the measurement

Record = Dict[str, Any]
Tensor = NDArray[Any]
T = TypeVar("T")


class LoadedModel:
    """An open model with its images in memory, ready to be timed."""

    def __init__(self, request: Record) -> None:
        """Open the model of *request* and run it once."""
        backend: Backend = load_plugin(BACKENDS, request["backend"])
        assert backend.open is not None
        settings = Settings(request["threads"], request["xnnpack"], tuple(request["delegates"]))
        self.model = Path(request["model"])
        self.sha256 = sha256_of(self.model)
        contract = None if request["contract"] is None else contract_from_json(request["contract"])
        begin = time.perf_counter_ns()
        self.runner: Runner = backend.open(self.model, settings, contract)
        self.load_ns = time.perf_counter_ns() - begin
        self.clock: Clock = clock_of(self.runner, MACHINE_CLOCK)
        self.session = _session(self.model, contract, self.runner, settings)
        self._feed: Callable[[Any, Optional[Size]], None] = (
            partial(_feed_all, self.runner) if self.session is None else self.session.feed
        )
        self.images, tensors = _tensors(request, contract, self.runner)
        sizes: List[Optional[Size]] = [(image["height"], image["width"]) for image in self.images]
        self._batch = 1 if self.session is None else self.session.batch
        self.tensors = _in_batches(tensors, self._batch) if self.images else tensors
        self._tensor_of: Callable[[int], Tensor] = self.tensors.__getitem__
        sizes = sizes or [None] * len(tensors)  # noise is of the input's own size
        self._sizes = [_turning(sizes, place, self._batch) for place in range(len(self.tensors))]
        self.first_ns = self._first()

    def _first(self) -> int:
        self._feed(self.tensors[0], self._sizes[0][0])
        begin = self.clock.now_ns()
        self.runner.invoke()
        return self.clock.now_ns() - begin

    def facts(self) -> Record:
        """Return the facts known before the first sample that counts."""
        return {
            "runtime": self.runner.runtime,
            "model_sha256": self.sha256,
            "load_ns": self.load_ns,
            "first_ns": self.first_ns,
            "placements": [asdict(one) for one in self.runner.placements],
            "images": self.images,
            "machine": machine_facts()["fingerprint"],
        }

    def read_ahead(self, pool: ThreadPoolExecutor, paths: List[Path]) -> None:
        """Read the chosen images of *paths* again, in Offline's order, while others are being run."""
        session, chosen = self.session, itertools.cycle([paths[image["index"]] for image in self.images])
        assert session is not None

        def read() -> Iterator[Tensor]:  # starts with the first sample: its time counts
            yield from ahead(pool, lambda path: session.preprocess(read_image(path, upright=False)), chosen)

        tensors = read()
        self._tensor_of = lambda _sample: next(tensors)

    def server(self, write: Callable[[bytes], None], tell: Callable[[int], None]) -> Callable[[int, int, int], int]:
        """Return what runs one sample and writes its line; times are from the first call on.

        The samples are the frames of one stream: states are carried from each to the next, before its end.
        """
        now, feed, invoke = self.clock.now_ns, self._feed, self.runner.invoke
        tensor_of, sizes = self._tensor_of, self._sizes
        finish = None if self.session is None else _finish(self.session)
        zero: List[int] = []

        def serve(query: int, sample: int, scheduled_ns: int) -> int:
            begin = now()
            feed(tensor_of(sample), sizes[sample][0])
            ready = now()
            invoke()
            done = now()
            if finish is not None:
                finish(sizes[sample])
            end = now()
            if not zero:
                zero.append(min(scheduled_ns, begin))
            at = zero[0]
            write(
                b"%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n"
                % (query, sample, scheduled_ns - at, begin - at, ready - begin, done - ready, end - done, end - at)
            )
            tell(end)
            return end

        return serve


def _turning(values: Sequence[T], place: int, count: int) -> List[T]:
    """Return the *count* of *values* that come in turn after *place* groups of so many."""
    return [values[(place * count + i) % len(values)] for i in range(count)]


def _in_batches(tensors: List[Any], batch: int) -> List[Any]:
    """Return *tensors*, one an image, in groups of a *batch*, in turn, until each image was in one."""
    if batch == 1:
        return tensors
    return [np.concatenate(_turning(tensors, place, batch)) for place in range(-(-len(tensors) // batch))]


def _finish(session: Session) -> Callable[[Sequence[Optional[Size]]], object]:
    """Return what turns a run's outputs into results: of one frame, whose states are carried on, or of a batch."""
    if session.batch > 1:
        return session.finish_batch
    return lambda sizes: session.finish(sizes[0])


def _feed_all(runner: Runner, tensors: List[Tensor], _size: Optional[Size]) -> None:
    feed_all(runner, tensors)


def _session(model: Path, contract: Optional[Contract], runner: Runner, settings: Settings) -> Optional[Session]:
    if contract is None:
        return None
    return Session(Artifact(model, contract), threads=settings.threads, timing_alone=True, runner=runner)


def _tensors(request: Record, contract: Optional[Contract], runner: Runner) -> Tuple[List[Record], List[Any]]:
    """Return the facts of each image, with its reading time, and what is fed: the image's tensor, or all inputs'."""
    count, paths = request["sample_count"], [Path(path) for path in request["images"]]
    if not paths:
        seeds = range(min(count, MOST_NOISE))
        if contract is None:
            return [], [noise_inputs(runner, seed) for seed in seeds]
        return [], [noise_tensor(runner.inputs[contract.image_place], seed) for seed in seeds]
    if contract is None:
        raise InputError("images need a contract, which says how they are preprocessed: give an artifact folder")
    records, tensors, decode_ns = [], [], request["decode_ns"]
    in_order = request["scenario"] == CAMERA  # a video; LoadGen loads images in a random order
    order = range(len(paths)) if in_order else loaded_order(QSL_SEED, len(paths))
    for index in order[:count]:
        path = paths[index]
        begin = time.perf_counter_ns()
        image = read_image(path, upright=False)  # as in the accuracy run
        decoded = time.perf_counter_ns()
        tensors.append(input_of(image, contract))
        done = time.perf_counter_ns()
        known = {"index": index, "name": path.name, "sha256": sha256_of(path)}
        known |= {"height": image.shape[0], "width": image.shape[1]}
        took_ns = decode_ns[index] if decode_ns else decoded - begin
        records.append({**known, "decode_ns": took_ns, "preprocess_ns": done - decoded})
    return records, tensors


def measure_process(request: Record, progress: Progress) -> Record:
    """Run the process of *request*, a record of `Setup.request`, and write to its `folder`; see `run_folder`."""
    folder = Path(request["folder"])
    scenario = scenario_called(request["scenario"])
    loaded = LoadedModel(request)
    write_json(folder / OPENED, loaded.facts())
    gc.collect()
    gc.disable()  # a collection would sometimes interrupt an inference; nothing here creates cycles
    wall_s, monotonic_s = time.time(), time.monotonic()
    expected_ns = _warm_up(loaded, folder / WARM_UP, int(request["warm_up_s"] * 1e9))
    load = Load(**{**request["load"], "samples": len(loaded.tensors), "expected_ns": max(1, expected_ns)})
    file = Appender(folder / SAMPLES)
    with ThreadPoolExecutor(WORKERS) as pool:
        if request["end_to_end"]:
            loaded.read_ahead(pool, [Path(path) for path in request["images"]])
        scenario.run(load, loaded.clock, loaded.server(file.write, _teller(progress, load)))
    file.close()
    stepped_s = (time.time() - wall_s) - (time.monotonic() - monotonic_s)
    ended = {"model_sha256": sha256_of(loaded.model), "memory_peak_bytes": peak_bytes(), "wall_clock_step_s": stepped_s}
    write_json(folder / ENDED, {**ended, "load": asdict(load)})
    return {}


def _teller(progress: Progress, load: Load) -> Callable[[int], None]:
    done, told = [0], [0]
    total = load.queries * load.streams if load.queries > 1 else load.offline_samples

    def tell(now_ns: int) -> None:
        done[0] += 1
        if now_ns - told[0] >= TELL_EVERY_NS:
            told[0] = now_ns
            progress("samples", done[0], total)

    return tell


def _warm_up(loaded: LoadedModel, path: Path, least_ns: int) -> int:
    """Run the model until its times have settled: until their second half has one level. Return their median."""
    file = Appender(path)
    taken: List[int] = []
    serve = loaded.server(file.write, lambda _now: None)
    begin = end = loaded.clock.now_ns()
    wanted = FEWEST_WARM_UPS
    while end - begin < MOST_WARM_UP_NS:
        start = loaded.clock.now_ns()
        end = serve(len(taken), len(taken) % len(loaded.tensors), start)
        taken.append(end - start)
        if len(taken) >= wanted and end - begin >= least_ns:
            if change_point(np.array(taken, np.int64)) <= len(taken) // 2:
                break
            wanted = len(taken) * 5 // 4
    file.close()
    return percentile_ns(np.array(taken[len(taken) // 2 :], np.int64), 50)
