"""What parsers make of damaged texts, beside what they make of the whole ones."""

from collections import Counter
from dataclasses import asdict
from typing import Any

from detlite.devices.recording import format_called
from detlite.runtime.errors import InputError


def numbers(value: Any) -> Counter[float]:
    """Count the numbers in what a parser returns; those in `problems` are words."""
    if isinstance(value, dict):
        return sum((numbers(part) for key, part in value.items() if key != "problems"), Counter[float]())
    if isinstance(value, (list, tuple)):
        return sum(map(numbers, value), Counter[float]())
    return Counter([value]) if isinstance(value, (int, float)) and not isinstance(value, bool) else Counter()


def silently_wrong(kind: str, damaged: str, whole: str) -> list[Any]:
    """Return what is read of *damaged* without a problem, and holds a number that *whole* does not have there."""
    known = [numbers(asdict(part)) for part in format_called(kind).parse(whole)]
    try:
        parts = format_called(kind).parse(damaged)
    except InputError as error:
        assert "\n" not in str(error)
        return []
    read = [part for part in parts if not part.problems]
    return [part for part in read if not any(numbers(asdict(part)) <= one for one in known)]
