"""Gates: what an evaluation must reach, and the line that says what it missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from detlite.runtime.counts import counted
from detlite.runtime.errors import FindingError, InputError

GATES = {
    "min_map": ("map", "%"),
    "min_map_ratio": ("map_ratio", ""),
    "min_top1": ("top1", "%"),
    "min_miou": ("miou", "%"),
    "min_fidelity": ("fidelity", "%"),
}
"""The number that each gate is about, and its unit, by the option's name."""

FEWEST_IMAGES = 100
"""Images to judge a model on. The standard deviation of fidelity is 1.1 points on 28 images of COCO, .6 on 150."""


@dataclass(frozen=True)
class Gate:
    """A gate: the *number* of an evaluation must be at least *wanted*; it *came* out, and *passed* or not."""

    name: str
    number: str
    wanted: float
    came: float
    passed: bool

    def to_record(self) -> dict[str, Any]:
        """Return it as plain data, for JSON."""
        return asdict(self)


def check_gates(asked: Mapping[str, float | None], numbers: Mapping[str, float | None]) -> tuple[Gate, ...]:
    """Return the gates that were *asked* for, by option name, each checked against the *numbers* of an evaluation.

    Raises:
        InputError: the evaluation has no such number.
    """
    gates = []
    for name, wanted in asked.items():
        number = GATES[name][0]
        if wanted is None:
            continue
        came = numbers.get(number)
        if came is None:
            raise InputError(f"--{name.replace('_', '-')}: there is no {number} here; see detlite evaluate --help")
        gates.append(Gate(name, number, wanted, came, came >= wanted))
    return tuple(gates)


def few_images(images: int, unit: str = "image") -> tuple[str, ...]:
    """Return the caution that a model was judged on only so many *images*, or of another *unit*, if they are few."""
    if images >= FEWEST_IMAGES:
        return ()
    return (
        f"judged on {counted(images, unit)}: want at least {FEWEST_IMAGES}, because scores on fewer depend on chance",
    )


def refuse_missed(gates: Sequence[Gate], what: str) -> None:
    """Raise `FindingError` that names every gate that *what* missed."""
    missed = [gate for gate in gates if not gate.passed]
    if missed:
        texts = (f"{gate.number} is {gate.came:.4g}{_unit(gate)}, want at least {gate.wanted:g}" for gate in missed)
        raise FindingError(f"{what}: {'; '.join(texts)}")


def _unit(gate: Gate) -> str:
    unit = GATES[gate.name][1]
    return f" {unit}" if unit else ""
