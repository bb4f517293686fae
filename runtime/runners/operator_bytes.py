"""Bytes that each operator of a .tflite model reads and writes, with weights: they limit memory-bound operators."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from detlite.runtime.runners.interpreter import DELEGATE, Details, open_interpreter


def bytes_of_operators(model: Path) -> Tuple[Dict[int, Optional[int]], Sequence[Sequence[int]]]:
    """Return the bytes of the tensors of each operator of *model*, by its number, and the parts that XNNPACK takes.

    None for an operator with a tensor of no fixed shape. A part is the numbers of its operators.
    """
    opened = open_interpreter(model)
    interpreter = opened.interpreter
    sizes = {int(detail["index"]): _size(detail) for detail in interpreter.get_tensor_details()}
    found: Dict[int, Optional[int]] = {}
    for operator in interpreter._get_ops_details():  # no public function exists; see `interpreter.Opened`
        if operator["op_name"] != DELEGATE:
            tensors = {int(name) for name in (*operator["inputs"], *operator["outputs"]) if int(name) >= 0}
            parts = [sizes.get(tensor) for tensor in tensors]
            found[int(operator["index"])] = None if None in parts else sum(part or 0 for part in parts)
    return found, opened.partitions


def _size(detail: Details) -> Optional[int]:
    if any(side < 0 for side in detail.get("shape_signature", ())):
        return None
    return int(np.prod(detail["shape"], dtype=np.int64)) * np.dtype(detail["dtype"]).itemsize


def bytes_of_delegated(
    sizes: Dict[int, Optional[int]], partitions: Sequence[Sequence[int]], numbers: Sequence[int]
) -> List[Optional[int]]:
    """Return the bytes of each of a delegate's operators, by their *numbers* in each part, in the order of running.

    None in a part whose number of operators differs from the model's: the delegate fused some.
    """
    starts = [place for place, number in enumerate(numbers) if number == 0]
    ends = [*starts[1:], len(numbers)]
    if len(starts) != len(partitions):
        return [None] * len(numbers)
    found: List[Optional[int]] = []
    for start, end, part in zip(starts, ends, partitions):
        found += [sizes.get(number) for number in part] if len(part) == end - start else [None] * (end - start)
    return found
