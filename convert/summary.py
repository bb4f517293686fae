"""A contract in the words of a command's answer."""

from __future__ import annotations

import dataclasses
from typing import Any

from detlite.runtime.contract import Contract
from detlite.runtime.tasks.detection import detection_of


def detector_facts(contract: Contract) -> dict[str, Any]:
    """Return what a contract says, without the anchors themselves, in keys that JSON output promises."""
    task = detection_of(contract)
    return {
        "input": dataclasses.asdict(contract.image),
        "heads": [dataclasses.asdict(output) for output in contract.outputs],
        "anchors": len(task.anchors),
        "classes": len(contract.labels),
        "labels": list(contract.labels),
        "label_offset": task.label_offset,
        "box_coder": dataclasses.asdict(task.box_coder),
        "score_converter": task.score_converter,
        "score_converter_place": task.score_converter_place,
        "nms": dataclasses.asdict(task.nms),
        "origin": dict(contract.origin),
    }
