"""Where an int8 model loses accuracy against the float model: by tensor, operator, head, size, class and image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from detlite.accuracy.output_error import OutputError
from detlite.calibration.noise import Noise
from detlite.calibration.numbers.kernels import LayerParameters, nearest
from detlite.convert.model import Model
from detlite.runtime.progress import Progress, silent
from detlite.studies.search.bench import Bench
from detlite.studies.search.trials import Trials

SUSPECTS = 6
"""Number of operators to measure: each takes two further models, scored on all images."""

CLEAN_DB = 50.0  # about the input's signal to noise: a photograph in 8 bits


@dataclass(frozen=True)
class TensorBlame:
    """The loss of an operator's output.

    Attributes:
        name, kind: of the operator.
        snr_db: signal to noise of its output in the int8 model.
        unrepaired_db: the same in the model with merely rounded weights.
        added: noise of the output over the noisiest input's, in the unrepaired model, as a power ratio.
        shift: share of the unrepaired noise that is a shift of whole channels, 0 to 1, see `Noise`.
    """

    name: str
    kind: str
    snr_db: float
    unrepaired_db: float
    added: float
    shift: float


@dataclass(frozen=True)
class Suspect:
    """The measurements of one operator, in points of fidelity and in dB of both heads together.

    Attributes:
        blame: the loss of its tensor.
        repairing: gain from the method's repair of this operator alone.
        leaving_float: further gain from leaving it float.
        repairing_db, leaving_float_db: the same in dB.
    """

    blame: TensorBlame
    repairing: float
    leaving_float: float
    repairing_db: float
    leaving_float_db: float

    @property
    def weight(self) -> float:
        """The decibels that depend on this operator; they are far steadier than the points."""
        return self.repairing_db + self.leaving_float_db


@dataclass(frozen=True)
class Explanation:
    """Where a model loses accuracy.

    Attributes:
        fidelity: of the int8 model, in percent.
        unrepaired_fidelity: of the model with merely rounded weights.
        error: of its raw outputs.
        tensors: for every operator, in order.
        suspects: the measured operators, the worst first.
    """

    fidelity: float
    unrepaired_fidelity: float
    error: OutputError
    tensors: tuple[TensorBlame, ...]
    suspects: tuple[Suspect, ...]

    def to_record(self) -> dict[str, Any]:
        """Return the fields as JSON carries them."""
        return {
            "fidelity": self.fidelity,
            "unrepaired_fidelity": self.unrepaired_fidelity,
            "error": self.error.to_record(),
            "tensors": [asdict(one) for one in self.tensors],
            "suspects": [asdict(one) for one in self.suspects],
        }

    @property
    def verdict(self) -> str:
        """The worst operator, in one sentence."""
        if not self.suspects:
            return "No operator has weights: what the model loses is the rounding of its activations."
        worst = self.suspects[0]
        return (
            f"The worst operator is {worst.blame.kind} {short(worst.blame.name)}: its repair brings "
            f"{worst.repairing:+.2f} points of fidelity ({worst.repairing_db:+.1f} dB), leaving it float would bring "
            f"{worst.leaving_float:+.2f} more ({worst.leaving_float_db:+.1f} dB)."
        )


def explain(trials: Trials, bench: Bench, *, progress: Progress = silent) -> Explanation:
    """Return where the model of *trials* loses accuracy, on the images of *bench*."""
    whole = trials.parameters
    plain = nearest(trials.calibrated.network, trials.calibrated.plan)
    tensors = tensor_blames(trials)
    measuring = _Measuring(trials, bench, whole, plain)
    layers = [one for one in tensors if one.name in whole.kernels]
    ranked = sorted(layers, key=lambda one: -one.added)[:SUSPECTS]
    suspects = []
    for number, blame in enumerate(ranked, 1):
        suspects.append(measuring.suspect(blame))
        progress("operators confirmed", number, len(ranked))
    return Explanation(
        fidelity=measuring.fidelity,
        unrepaired_fidelity=bench.fidelity(trials.model(parameters=plain)).fidelity,
        error=measuring.error,
        tensors=tensors,
        suspects=tuple(sorted(suspects, key=lambda one: -one.weight)),
    )


def tensor_blames(trials: Trials) -> tuple[TensorBlame, ...]:
    """Return the loss of each operator's output, in order."""
    plain = nearest(trials.calibrated.network, trials.calibrated.plan)
    made, unrepaired = trials.made(), trials.made(parameters=plain)
    return tuple(_tensors(trials, trials.noise(made), trials.noise(unrepaired)))


def short(name: str) -> str:
    """Return the first of a fused operator's names."""
    return name.split(";")[0]


class _Measuring:
    """The model, and its loss or gain when one operator changes."""

    def __init__(self, trials: Trials, bench: Bench, whole: LayerParameters, plain: LayerParameters) -> None:
        self._trials, self._bench, self._whole, self._plain = trials, bench, whole, plain
        self.fidelity, self.error = self._judged(trials.model())

    def suspect(self, blame: TensorBlame) -> Suspect:
        bare, bare_error = self._judged(self._trials.model(parameters=self._without_repair(blame.name)))
        left, left_error = self._judged(self._trials.model([blame.name]))
        return Suspect(
            blame=blame,
            repairing=self.fidelity - bare,
            leaving_float=left - self.fidelity,
            repairing_db=self.error.db - bare_error.db,
            leaving_float_db=left_error.db - self.error.db,
        )

    def _judged(self, model: Model) -> tuple[float, OutputError]:
        found, error = self._bench.judged(model)
        return self._bench.agreement(found).fidelity, error

    def _without_repair(self, name: str) -> LayerParameters:
        kernels = {**self._whole.kernels, name: self._plain.kernels[name]}
        biases = {**self._whole.biases, name: self._plain.biases[name]}
        return replace(self._whole, kernels=kernels, biases=biases)


def _tensors(trials: Trials, repaired: dict[str, Noise], unrepaired: dict[str, Noise]) -> Iterator[TensorBlame]:
    network = trials.calibrated.network
    for operator in network.operators:
        found, plain = repaired.get(operator.name), unrepaired.get(operator.name)
        if found is not None and plain is not None:
            read = _noisiest([network.names[index] for index in operator.inputs if index >= 0], unrepaired)
            added = _power(plain.snr_db) / read
            yield TensorBlame(operator.name, operator.kind, found.snr_db, plain.snr_db, added, plain.shift)


def _noisiest(names: Sequence[str], noise: dict[str, Noise]) -> float:
    return max((_power(noise[name].snr_db) for name in names if name in noise), default=_power(CLEAN_DB))


def _power(snr_db: float) -> float:
    """Return noise over signal, as a power ratio."""
    return float(10 ** (-snr_db / 10))
