"""A summary of a contract for a command's answer."""

from __future__ import annotations

import dataclasses
from typing import Any

from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted


def model_facts(contract: Contract) -> dict[str, Any]:
    """Return a contract's facts without large arrays such as anchors, under the keys of the JSON output.

    Each task adds its own by `Task.facts`: a detector `anchors`, `box_coder`, `nms` and more. A model of clips has
    `clip`, and one with states or banks `further_inputs`.
    """
    first = contract.inputs[0]
    facts: dict[str, Any] = {"task": contract.task.kind, "input": dataclasses.asdict(contract.image)}
    if first.kind == "clip":
        facts["clip"] = {"frames": first.frames, "stride": first.stride}
    if contract.inputs[1:]:
        facts["further_inputs"] = [{"kind": one.kind, **one.to_record()} for one in contract.inputs[1:]]
    return {
        **facts,
        "heads": [dataclasses.asdict(output) for output in contract.outputs],
        "classes": len(contract.labels),
        "labels": list(contract.labels),
        **contract.task.facts(),
        "origin": dict(contract.origin),
    }


def model_line(facts: dict[str, Any]) -> str:
    """Return the sizes in *facts*, an answer with `model_facts`, in a few words: `1917 anchors, 90 classes`."""
    rows = {head["role"]: head["shape"][1] for head in facts["heads"] if len(head["shape"]) > 1}
    sizes = [counted(rows[role], role[:-1]) for role in ("proposals", "embeddings", "masks") if role in rows]
    if not sizes and "anchors" in facts:
        sizes = [counted(facts["anchors"], "anchor")]
    return ", ".join([*sizes, counted(facts["classes"], "class")])
