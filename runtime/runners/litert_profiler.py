"""LiteRT's profiler, through the C interface of ai-edge-litert's library: its Python interface does not expose it.

Source of the interface: litert/c/litert_compiled_model.h, litert_profiler.h and litert_profiler_event.h of LiteRT 2. It
is called in a separate process: if a later version changes the interface, only that process crashes.
"""

from __future__ import annotations

import ctypes
import importlib.util
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_size_t, c_uint64, c_void_p
from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

from detlite.runtime.errors import DeviceError, InputError, MissingToolError
from detlite.runtime.runners.backend import Settings, Timed
from detlite.runtime.runners.operator_bytes import bytes_of_delegated, bytes_of_operators
from detlite.runtime.runners.profile import RUNS, WARM_UPS, middle_mean

CPU = 1  # LiteRtHwAccelerators: the bit of the CPU
OPTIONS = b"runtime_options_string", b"enable_profiling = true\n"
NODE, DELEGATE_NODE = 2, 8  # event types: an operator of the interpreter; one inside a delegate
PLACES = {NODE: "interpreter", DELEGATE_NODE: "XNNPACK"}
TENSOR_TYPE_BYTES = 512  # more than LiteRtRankedTensorType, which has 4 + 8 + 2 * 4 * 8


class Event(Structure):
    """`ProfiledEventData`: times in us; the memory fields are not used."""

    _fields_ = (
        ("tag", c_char_p),
        ("kind", c_int),
        ("start_us", c_uint64),
        ("elapsed_us", c_uint64),
        ("memory", c_uint64 * 6),
        ("metadata", c_uint64 * 2),
        ("source", c_int),
    )


class OperatorEvent(NamedTuple):
    """One event: an operator, its kind, its place in the model or in the delegate's part of it, and its time."""

    name: str
    kind: int
    number: int
    elapsed_us: int


class _Library:
    """The library's functions by name; a result other than 0 is an error."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec("ai_edge_litert")
        if spec is None or spec.origin is None:
            raise MissingToolError("profiling needs LiteRT: pip install ai-edge-litert")
        path = Path(spec.origin).with_name("libLiteRt.so")
        try:
            self._library = ctypes.CDLL(str(path))
        except OSError as error:
            raise MissingToolError(f"{path} cannot be loaded ({error}): the profiler needs ai-edge-litert 2") from error

    def call(self, name: str, *arguments: Any) -> None:
        """Call the function *name*."""
        function = getattr(self._library, name, None)
        if function is None:
            raise MissingToolError(f"this ai-edge-litert has no {name}: the profiler needs version 2.1 or newer")
        function.restype = c_int
        status = function(*arguments)
        if status:
            raise DeviceError(f"LiteRT's profiler: {name} failed with {status}")

    def made(self, name: str, *arguments: Any) -> c_void_p:
        """Return the object that the function *name* creates through its last argument."""
        result = c_void_p()
        self.call(name, *arguments, byref(result))
        return result


def _keep(_payload: Any) -> None:
    """Do nothing: Python owns the text of the options."""


_DELETER = ctypes.CFUNCTYPE(None, c_void_p)(_keep)


class Profiled:
    """A model, compiled for the CPU with profiling, and its buffers."""

    def __init__(self, model: Path) -> None:
        """Open *model*.

        Raises:
            DeviceError: LiteRT cannot open or compile it.
            MissingToolError: LiteRT is not installed, or has no profiler.
        """
        self._library = library = _Library()
        self._environment = library.made("LiteRtCreateEnvironment", c_int(0), None)
        loaded = library.made("LiteRtCreateModelFromFile", self._environment, str(model).encode())
        options = library.made("LiteRtCreateOptions")
        library.call("LiteRtSetOptionsHardwareAccelerators", options, c_int(CPU))
        self._text = ctypes.create_string_buffer(OPTIONS[1])
        text = ctypes.cast(self._text, c_void_p)
        library.call(
            "LiteRtAddOpaqueOptions", options, library.made("LiteRtCreateOpaqueOptions", OPTIONS[0], text, _DELETER)
        )
        self._compiled = library.made("LiteRtCreateCompiledModel", self._environment, loaded, options)
        self._profiler = library.made("LiteRtCompiledModelGetProfiler", self._compiled)
        if not self._profiler:
            raise MissingToolError("this ai-edge-litert has no profiler: install version 2.1 or newer")
        graph = library.made("LiteRtGetModelSubgraph", loaded, c_size_t(0))
        self._buffers = [self._side(graph, side) for side in ("Input", "Output")]

    def _side(self, graph: c_void_p, side: str) -> Tuple[c_size_t, Any]:
        """Return the number of tensors on that *side* of the *graph*, and a buffer for each."""
        library, count = self._library, c_size_t()
        library.call(f"LiteRtGetNumSubgraph{side}s", graph, byref(count))
        buffers = (c_void_p * count.value)()
        for i in range(count.value):
            tensor, kind = (
                library.made(f"LiteRtGetSubgraph{side}", graph, c_size_t(i)),
                (ctypes.c_char * TENSOR_TYPE_BYTES)(),
            )
            library.call("LiteRtGetRankedTensorType", tensor, byref(kind))
            needs = library.made(
                f"LiteRtGetCompiledModel{side}BufferRequirements", self._compiled, c_size_t(0), c_size_t(i)
            )
            made = library.made(
                "LiteRtCreateManagedTensorBufferFromRequirements", self._environment, byref(kind), needs
            )
            buffers[i] = made.value
        return count, buffers

    def run(self) -> List[OperatorEvent]:
        """Run the model once, on whatever its buffers hold; return the profiler's events, in their order."""
        library, profiler = self._library, self._profiler
        library.call("LiteRtResetProfiler", profiler)
        library.call("LiteRtStartProfiler", profiler)
        try:
            library.call("LiteRtRunCompiledModel", self._compiled, c_size_t(0), *self._buffers[0], *self._buffers[1])
        except DeviceError as error:
            raise DeviceError(
                f"{error}; it cannot run a model whose outputs have no fixed shape: `detlite postprocess` writes them"
            ) from error
        library.call("LiteRtStopProfiler", profiler)
        count = c_int()
        library.call("LiteRtGetNumProfilerEvents", profiler, byref(count))
        room = (c_uint64 * (count.value * 64))()  # more than needed: events may be longer in a later version
        library.call("LiteRtGetProfilerEvents", profiler, count, room)
        events = ctypes.cast(room, POINTER(Event))
        found = [events[i] for i in range(count.value)]
        if any(event.kind not in (1, 2, 4, 8, 16, 32, 64, 128, 256) or not event.tag for event in found):
            raise DeviceError("LiteRT's profiler events differ from version 2.3's and cannot be read")
        return [
            OperatorEvent(event.tag.decode(errors="replace"), event.kind, event.metadata[0], event.elapsed_us)
            for event in found
        ]


def profile(model: Path, settings: Settings) -> Sequence[Timed]:
    """Return the time of each operator of *model*, on one thread with XNNPACK, over `RUNS` runs.

    Raises:
        InputError: *settings* ask for anything else.
        DetliteError: as `Profiled`.
    """
    if settings.threads != 1 or settings.xnnpack is False or settings.delegates:
        raise InputError("LiteRT's profiler runs with one thread and XNNPACK: leave out --threads and delegates")
    opened = Profiled(model)
    runs = [opened.run() for _ in range(WARM_UPS + RUNS)][WARM_UPS:]
    rows = [[event for event in run if event.kind in PLACES] for run in runs]
    if len({tuple(event[:3] for event in row) for row in rows}) != 1:
        raise DeviceError("LiteRT's profiler lists different operators from run to run: there is no result")
    times_us = [middle_mean([row[i].elapsed_us for row in rows]) for i in range(len(rows[0]))]
    sizes = _sizes(model, rows[0])
    return [Timed(e.name, PLACES[e.kind], us / 1e3, size) for e, us, size in zip(rows[0], times_us, sizes)]


def _sizes(model: Path, events: Sequence[OperatorEvent]) -> Sequence[Optional[int]]:
    """Return the bytes of the tensors of each of *events*; None if unknown."""
    sizes, partitions = bytes_of_operators(model)
    numbers = [event.number for event in events if event.kind == DELEGATE_NODE]
    delegated = iter(bytes_of_delegated(sizes, partitions, numbers))
    return [sizes.get(event.number) if event.kind == NODE else next(delegated) for event in events]
