"""Gates for users' CI: `--fail-on unmapped>1` ends a command with exit status 1 if the condition holds."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from detlite.runtime.errors import FindingError, InputError, unknown_name

COMPARISONS = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
PATTERN = re.compile(r"\s*([a-z_]+)\s*(>=|<=|!=|==|>|<|=)\s*(-?\d+(?:\.\d+)?)\s*")


@dataclass(frozen=True)
class EdgeTpuGate:
    """A condition that must not hold: *name* compared with *limit*."""

    name: str
    comparison: str
    limit: float

    def __str__(self) -> str:
        return f"{self.name}{self.comparison}{self.limit:g}"


def parse_gates(texts: Sequence[str], known: Sequence[str]) -> tuple[EdgeTpuGate, ...]:
    """Return the gates that *texts* state about the *known* names.

    Raises:
        InputError: one is not a condition, or its name is unknown.
    """
    return tuple(_parse(text, known) for text in texts)


def _parse(text: str, known: Sequence[str]) -> EdgeTpuGate:
    match = PATTERN.fullmatch(text)
    if match is None:
        raise InputError(f"--fail-on {text!r}: expected a condition such as 'unmapped>1', on one of {', '.join(known)}")
    if match[1] not in known:
        raise unknown_name("figure for --fail-on", match[1], known)
    return EdgeTpuGate(match[1], match[2], float(match[3]))


def gate_failure(gates: Sequence[EdgeTpuGate], figures: Mapping[str, float]) -> FindingError | None:
    """Return the error that names each of *gates* whose condition holds; None where none does."""
    failed = [gate for gate in gates if COMPARISONS[gate.comparison](figures[gate.name], gate.limit)]
    if not failed:
        return None
    found = ", ".join(f"{gate} ({gate.name} is {figures[gate.name]:g})" for gate in failed)
    return FindingError(f"a gate failed: {found}")
