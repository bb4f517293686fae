"""Box codes of models of the same detector whose anchors or box coders differ: the same boxes have other codes."""

from __future__ import annotations

import numpy as np

from detlite.runtime.arrays import Doubles, Floats
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.contract import Contract
from detlite.runtime.task import Heads, Task
from detlite.runtime.tasks.detection import Detection

RESCALED = "box_codes"
"""The origin, in a contract, of box codes that quantization has rescaled: anchors and box coder are no longer those
that the detector was trained with."""


def are_rescaled(contract: Contract) -> bool:
    """Return whether quantization has rescaled the box codes of the model with *contract*."""
    return RESCALED in contract.origin


def coded_alike(heads: Heads, made: Task, reference: Task) -> Heads:
    """Return *heads* of the task *made* with box codes for the anchors and the box coder of *reference*.

    They are as they were where these are the same, or where there are none.
    """
    codes = heads.get("box_encodings")
    if codes is None or not (isinstance(made, Detection) and isinstance(reference, Detection)):
        return heads
    if made.box_coder == reference.box_coder and np.array_equal(made.anchors, reference.anchors):
        return heads
    return {**heads, "box_encodings": recoded(codes, made, reference)}


def recoded(codes: Floats, made: Detection, reference: Detection) -> Floats:
    """Return the *codes* (..., N, 4) of *made*'s boxes, with logarithms of sizes, for the anchors of *reference*."""
    before, after = (_scales(task.box_coder) for task in (made, reference))
    own, other = (task.anchors.astype(np.float64) for task in (made, reference))
    centres = codes[..., :2] / before[:2] * own[:, 2:] + own[:, :2]
    offsets = (centres - other[:, :2]) / other[:, 2:] * after[:2]
    sizes = (codes[..., 2:] / before[2:] + np.log(own[:, 2:] / other[:, 2:])) * after[2:]
    found: Floats = np.concatenate([offsets, sizes], axis=-1).astype(np.float32)
    return found


def _scales(coder: BoxCoder) -> Doubles:
    return np.array((coder.y, coder.x, coder.height, coder.width))
