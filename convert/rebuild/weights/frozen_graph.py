"""Reader of the weights in a frozen graph of TF1: each variable became a constant of its name.

`convert_variables_to_constants` writes a `Const` in place of the variable, and the `Identity` called `<name>/read`
stays. By this pair variables are told from other constants. Graphs of TF2 keep no names of variables.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.rebuild.weights.pieces import dtype_of, shape_of
from detlite.convert.rebuild.weights.stored import Checkpoint, Variable
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.errors import InputError
from detlite.runtime.plugins import load_plugin

SUFFIX = ".pb"
READ = "/read"


def open_frozen_graph(path: Path) -> Checkpoint:
    """Return the variables in the frozen graph at *path* as a checkpoint.

    Raises:
        InputError: it is damaged, is no frozen graph, or has no constants that were variables.
    """
    tf = load_tensorflow()
    graph_def = load_plugin("detlite.convert.readers", "frozen_graph").read(path).graph_def
    nodes = {node.name: node for node in graph_def.node}
    found = {
        node.input[0]: nodes[node.input[0]].attr["value"].tensor
        for node in graph_def.node
        if node.op == "Identity" and _is_variable(nodes, node)
    }
    if not found:
        raise InputError(
            f"{path} has no constants that were variables, as a frozen graph of TF1 has them: give the checkpoint"
        )
    try:
        variables = {
            name: Variable(shape_of(tensor.tensor_shape), dtype_of(tensor.dtype)) for name, tensor in found.items()
        }
    except InputError as error:
        raise InputError(f"the frozen graph {path} is damaged: {error}") from error

    def read(key: str) -> NDArray[Any]:
        try:
            return np.asarray(tf.make_ndarray(found[key]))
        except (TypeError, ValueError) as error:
            raise InputError(
                f"the constant {key} of {path} is damaged: {' '.join(str(error).split())[:200]}"
            ) from error

    return Checkpoint(path, variables, read)


def _is_variable(nodes: dict[str, Any], read: Any) -> bool:
    """Return whether the `Identity` *read* reads a constant that was a variable."""
    source = nodes.get(read.input[0]) if len(read.input) else None
    return source is not None and source.op == "Const" and read.name == f"{source.name}{READ}"
