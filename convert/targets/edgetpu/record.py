"""A prediction as JSON and as text, always marked as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detlite.convert.targets.edgetpu.fix import offered
from detlite.convert.targets.edgetpu.graph import GraphOperator
from detlite.convert.targets.edgetpu.latency import HOSTS, Estimate, estimate
from detlite.convert.targets.edgetpu.parameters import parameters_of
from detlite.convert.targets.edgetpu.predict import Fate, Prediction
from detlite.convert.tflite.options import read_settings
from detlite.convert.tflite.tensors import POSTPROCESS
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.records import from_record, to_record

Record = dict[str, Any]

DEFAULT_DETECTIONS = 100
MOST_PLACES = 6  # in a row of text: JSON has all
TITLES = {
    "desktop_usb3": "a desktop with USB 3",
    "raspberry_pi_4_usb3": "a Raspberry Pi 4 with USB 3",
    "dev_board": "a Coral Dev Board",
}
UP_TO = (
    "a prediction: the compiler may still leave more on the CPU where a compile fails for causes that no rule is known "
    "for; with --search_delegate it then drops operators from the end until one succeeds"
)


@dataclass(frozen=True)
class FixOffer:
    """A fix that would move operators to the Edge TPU: its name, what it does, and at how many places."""

    name: str
    title: str
    count: int


@dataclass(frozen=True)
class PredictionRecord:
    """A prediction, with what follows from it; every number in the unit of its name.

    Attributes:
        target: `edgetpu`.
        is_prediction: always true: nothing of it was compiled or measured.
        multiple_subgraphs: whether it is as if compiled with `--enable_multiple_subgraphs`.
        operator_count: of the model.
        mapped_count: of them on the Edge TPU.
        unmapped_count: of them on the CPU.
        subgraphs: of the Edge TPU.
        refusal: why the compiler will refuse the whole file, in its words; None if it will not.
        refusal_cause: the same in ours.
        refusal_cure: what to do about it.
        parameter_bytes: weights of the mapped operators.
        streamed_bytes_least: of them, streamed at every inference, at least.
        streamed_bytes_most: the same, at most; the gate `streamed` reads it.
        latency_ms: by host, an estimate without the operators on the CPU, but with the post-processing op; None where
            nothing is mapped.
        latency_error_percent: of the desktop's estimate, either way; None where other operators are on the CPU, whose
            time is not in it.
        cycles: of the Edge TPU, computing alone.
        input_bytes: to the Edge TPU at every inference.
        output_bytes: from it.
        instruction_bytes: to it.
        fixes: what `detlite compile --fix` could do.
        notes: what a reader must know beside the numbers.
        operators: where each will run, and why.
    """

    operator_count: int
    mapped_count: int
    unmapped_count: int
    subgraphs: int
    parameter_bytes: int
    streamed_bytes_least: int
    streamed_bytes_most: int
    latency_ms: Mapping[str, float | None]
    target: str = "edgetpu"
    is_prediction: bool = True
    multiple_subgraphs: bool = False
    refusal: str | None = None
    refusal_cause: str | None = None
    refusal_cure: str | None = None
    latency_error_percent: int | None = None
    cycles: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    instruction_bytes: int = 0
    fixes: tuple[FixOffer, ...] = ()
    notes: tuple[str, ...] = ()
    operators: tuple[Fate, ...] = ()

    def to_record(self) -> Record:
        """Return it as JSON can carry it."""
        record: Record = to_record(self)
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> PredictionRecord:
        """Return what *record* says.

        Raises:
            InputError: a value is not what it must be.
        """
        return from_record(cls, record)


def prediction_record(prediction: Prediction) -> PredictionRecord:
    """Return *prediction* with what follows from it."""
    parameters, cost, refusal = parameters_of(prediction.mapped), _estimate(prediction), prediction.refusal
    return PredictionRecord(
        multiple_subgraphs=prediction.multiple_subgraphs,
        operator_count=len(prediction.fates),
        mapped_count=len(prediction.mapped),
        unmapped_count=prediction.unmapped_count,
        subgraphs=prediction.subgraphs,
        refusal=None if refusal is None else refusal.text,
        refusal_cause=None if refusal is None else refusal.cause,
        refusal_cure=None if refusal is None else refusal.cure,
        parameter_bytes=parameters.parameter_bytes,
        streamed_bytes_least=parameters.streamed_bytes_least,
        streamed_bytes_most=parameters.streamed_bytes_most,
        latency_ms={host: None if cost is None else round(cost.latency_ms[host], 2) for host in HOSTS},
        latency_error_percent=None if cost is None else cost.error_percent,
        cycles=0 if cost is None else cost.cycles,
        input_bytes=0 if cost is None else cost.input_bytes,
        output_bytes=0 if cost is None else cost.output_bytes,
        instruction_bytes=0 if cost is None else cost.instruction_bytes,
        fixes=tuple(FixOffer(fix.name, fix.title, fix.count) for fix in offered(prediction.graph)),
        notes=tuple(notes(prediction)),
        operators=prediction.fates,
    )


def figures(prediction: Prediction) -> dict[str, float]:
    """Return what gates can be put on."""
    parameters = parameters_of(prediction.mapped)
    return {
        "unmapped": prediction.unmapped_count,
        "mapped": len(prediction.mapped),
        "subgraphs": prediction.subgraphs,
        "streamed": parameters.streamed_bytes_most,
        "parameters": parameters.parameter_bytes,
    }


FIGURES = ("unmapped", "mapped", "subgraphs", "streamed", "parameters")


def notes(prediction: Prediction) -> list[str]:
    """Return what a reader must know beside the numbers."""
    parameters = parameters_of(prediction.mapped)
    found = [UP_TO]
    if parameters.streamed_bytes_most:
        found.append(
            f"{parameters.streamed_bytes_least} to {parameters.streamed_bytes_most} bytes of weights are streamed at "
            f"every inference, some 2 ms a megabyte on USB 3: {'; '.join(parameters.causes)}"
        )
    return found


def verdict(prediction: Prediction) -> str:
    """Return the prediction in one line."""
    if prediction.refusal is not None:
        line = prediction.refusal.text.splitlines()[0]
        return f"the compiler will refuse it: {line} ({prediction.refusal.cause}); {prediction.refusal.cure}"
    cost = _estimate(prediction)
    if cost is None:
        return f"prediction: no operator of {len(prediction.fates)} will run on the Edge TPU"
    return (
        f"prediction: up to {len(prediction.mapped)} of {counted(len(prediction.fates), 'operator')} on the Edge TPU, "
        f"{counted(prediction.subgraphs, 'subgraph')}; {_times(cost)}; not measured"
    )


def _times(cost: Estimate) -> str:
    """Return the latencies in words: with their error, or with what is missing in them."""
    first, *others = (f"about {cost.latency_ms[host]:.3g} ms on {title}" for host, title in TITLES.items())
    if cost.cpu_operators:
        left = f"without {counted(cost.cpu_operators, 'operator')} on the CPU, whose time is not known"
        return f"{left}: {', '.join((first, *others))}"
    return f"{first} (model, +-{cost.error_percent} %), {', '.join(others)}"


def log_rows(prediction: Prediction) -> list[tuple[str, int, str]]:
    """Return (operator, count, status) as the compiler's operation log has them, sorted."""
    counts = Counter((fate.name, fate.reason) for fate in prediction.fates)
    return [(name, count, status) for (name, status), count in sorted(counts.items())]


def unmapped_rows(prediction: Prediction) -> list[tuple[str, str, str, str]]:
    """Return (places, operator, rule, cure) of what stays on the CPU, one row for what is alike, first place first."""
    alike: dict[tuple[str, str, str], list[int]] = {}
    for fate in prediction.fates:
        if not fate.mapped:
            alike.setdefault((fate.name, fate.rule, fate.cure), []).append(fate.index)
    return [(_places(indices), *key) for key, indices in alike.items()]


def _places(indices: list[int]) -> str:
    some = ", ".join(map(str, indices[:MOST_PLACES]))
    return some if len(indices) <= MOST_PLACES else f"{some} and {len(indices) - MOST_PLACES} more"


def _estimate(prediction: Prediction) -> Estimate | None:
    op = next((op for op in prediction.graph.operators if op.name == POSTPROCESS), None)
    return estimate(prediction, max_detections=DEFAULT_DETECTIONS if op is None else _detections(op))


def _detections(op: GraphOperator) -> int:
    try:
        return read_settings(op.stored).nms.max_detections
    except InputError:  # of an exporter that is not known: the estimate takes the OD API's own number
        return DEFAULT_DETECTIONS
