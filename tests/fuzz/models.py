"""Changes of a .tflite file by its structure: indices, counts, types and texts of its tables; offsets are re-made."""

import random
import struct
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from fuzz.mutations import TEXTS, blind

NUMBERS = (-(2**31), -2, -1, 0, 1, 2, 3, 7, 64, 127, 128, 255, 1000, 2**31 - 1)
UNPACKED = (ValueError, TypeError, AttributeError, IndexError, struct.error, OverflowError, AssertionError)


def tflite(rng: random.Random, data: bytes) -> bytes:
    """Change one to three values in the tables of a .tflite file; another file is changed blindly."""
    try:
        model = schema.ModelT.InitFromPackedBuf(data, 0)
        for _ in range(rng.choice((1, 1, 2, 3))):
            holder, name = rng.choice(_places(model))
            setattr(holder, name, _other(rng, getattr(holder, name)))
        builder = flatbuffers.Builder(len(data))
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())
    except (*UNPACKED, flatbuffers.builder.BuilderSizeError):
        return blind(rng, data)


def _places(model: Any) -> list[tuple[Any, str]]:
    """Return every attribute of every table of *model*, but not every byte of its buffers."""
    found: list[tuple[Any, str]] = []
    waiting = [model]
    while waiting:
        table = waiting.pop()
        for name, value in vars(table).items():
            found.append((table, name))
            if hasattr(value, "Pack"):
                waiting.append(value)
            elif isinstance(value, list):
                waiting += [item for item in value if hasattr(item, "Pack")]
    return found


def _other(rng: random.Random, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice((*NUMBERS, value + 1, value - 1))
    if isinstance(value, float):
        return rng.choice((float("nan"), float("inf"), -1.0, 0.0, 1e38, value * 2))
    if isinstance(value, bytes | str):
        return rng.choice(TEXTS).encode()
    if isinstance(value, np.ndarray | list):
        return _other_list(rng, list(value))
    return None


def _other_list(rng: random.Random, items: list[Any]) -> list[Any] | None:
    what = rng.randrange(6)
    place = rng.randrange(len(items)) if items else 0
    if what == 0 or not items:
        return None if rng.random() < 0.3 else []
    if what == 1:
        return items[:place]
    if what == 2:
        return items + [items[place]] * rng.choice((1, 3))
    if what == 3:
        return items[::-1]
    if isinstance(items[place], int | float | np.number):
        items[place] = _other(rng, items[place].item() if isinstance(items[place], np.number) else items[place])
    return items
