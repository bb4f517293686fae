"""Gates: what an evaluation must reach, and the one line that says what it missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from detlite.runtime.errors import FindingError, InputError

GATES = {"min_map": ("map", "%"), "min_map_ratio": ("map_ratio", ""), "min_fidelity": ("fidelity", "%")}
"""By the option's name: the number that it is about, and its unit."""


@dataclass(frozen=True)
class Gate:
    """*name*, of `GATES`: *number* of a record must be *wanted* at least; it *came* out, and *passed* or did not."""

    name: str
    number: str
    wanted: float
    came: float
    passed: bool

    def to_record(self) -> dict[str, Any]:
        """Return it as plain data, for JSON."""
        return asdict(self)


def check_gates(asked: Mapping[str, float | None], record: Mapping[str, Any]) -> tuple[Gate, ...]:
    """Return the gates that were *asked* for, by option name, each held against *record*.

    Raises:
        InputError: the record has no such number.
    """
    gates = []
    for name, wanted in asked.items():
        number = GATES[name][0]
        if wanted is None:
            continue
        came = record.get(number)
        if came is None:
            raise InputError(f"--{name.replace('_', '-')}: there is no {number} here; see detlite evaluate --help")
        gates.append(Gate(name, number, wanted, came, came >= wanted))
    return tuple(gates)


def refuse_missed(gates: Sequence[Gate], what: str) -> None:
    """Raise `FindingError` that names every gate that *what* missed."""
    missed = [gate for gate in gates if not gate.passed]
    if missed:
        texts = (f"{gate.number} is {gate.came:.4g}{_unit(gate)}, want at least {gate.wanted:g}" for gate in missed)
        raise FindingError(f"{what}: {'; '.join(texts)}")


def _unit(gate: Gate) -> str:
    unit = GATES[gate.name][1]
    return f" {unit}" if unit else ""
