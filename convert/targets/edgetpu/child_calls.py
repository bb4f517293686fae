"""Calls run in a child process: models on arrays from .npz files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress
from detlite.runtime.runners.interpreter import open_interpreter

Record = dict[str, Any]


def outputs(request: Record, progress: Progress) -> Record:
    """Run each of `runs`: the file `model` on the arrays `input_<n>` of the file `inputs`, samples first.

    The outputs are written to the file `out` as `output_<n>`, samples first.
    """
    for number, run in enumerate(request["runs"]):
        progress("proving", number, len(request["runs"]))
        opened = open_interpreter(Path(run["model"]))
        with np.load(run["inputs"]) as arrays:
            fed = [arrays[f"input_{n}"] for n in range(len(arrays.files))]
        if len(fed) != len(opened.inputs):
            raise InputError(f"{counted(len(fed), 'array')} for a model with {counted(len(opened.inputs), 'input')}")
        rows = []
        for sample in range(len(fed[0]) if fed else 1):
            for detail, values in zip(opened.inputs, fed, strict=True):
                opened.set_input(detail["index"], values[sample])
            opened.invoke()
            rows.append([opened.interpreter.get_tensor(detail["index"]) for detail in opened.outputs])
        np.savez(
            run["out"],
            allow_pickle=False,
            **{f"output_{n}": np.stack(column) for n, column in enumerate(zip(*rows, strict=True))},
        )
    return {}
