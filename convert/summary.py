"""A contract in the words of a command's answer."""

from __future__ import annotations

import dataclasses
from typing import Any

from detlite.runtime.contract import Contract


def detector_facts(contract: Contract) -> dict[str, Any]:
    """Return what a contract says, without the anchors themselves, in keys that JSON output promises."""
    return {
        "input": dataclasses.asdict(contract.image),
        "heads": [dataclasses.asdict(output) for output in contract.outputs],
        "anchors": len(contract.anchors),
        "classes": len(contract.labels),
        "labels": list(contract.labels),
        "label_offset": contract.label_offset,
        "box_coder": dataclasses.asdict(contract.box_coder),
        "score_converter": contract.score_converter,
        "score_converter_place": contract.score_converter_place,
        "nms": dataclasses.asdict(contract.nms),
        "origin": dict(contract.origin),
    }
