"""`detlite doctor`: find what would spoil a measurement, with a command to fix it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from detlite.commands.console import emit_facts, emit_json, say
from detlite.commands.device_options import device_option
from detlite.commands.options import json_option
from detlite.devices.doctor.examine import Diagnosis, all_checks, examine
from detlite.devices.doctor.model import examined
from detlite.devices.inventory import HOST, read_inventory
from detlite.devices.survey.device_state import standing_record
from detlite.devices.transport.connect import connect
from detlite.runtime.counts import counted
from detlite.runtime.measure.device_mark import EMULATED, SIMULATED


@click.command()
@click.argument("artifact", type=click.Path(path_type=Path), required=False)
@device_option
@json_option
def command(artifact: Path | None, device: str | None, inventory: Path | None, as_json: bool) -> int:
    """Find what would spoil a measurement on this machine or a device, of ARTIFACT if given.

    \b
    detlite doctor
    detlite doctor --device orin
    detlite doctor out/edgetpu --device coral --json

    Nothing is changed. The exit status is 1 if something would spoil a measurement, 4 if the device cannot be reached.
    """
    model = None if artifact is None else examined(artifact)
    known = read_inventory(inventory).device(device or HOST)
    with connect(known) as transport:
        found = examine(transport, known, model)
    if as_json:
        emit_json("doctor", _record(found))
    else:
        _show(found)
    return 1 if found.spoiled else 0


def _record(found: Diagnosis) -> dict[str, Any]:
    subject = found.subject
    return {
        "device": subject.device.name,
        "kind": subject.kind_name,
        EMULATED: bool(subject.device.mark),
        SIMULATED: subject.device.mark == SIMULATED,
        "identity": asdict(subject.identity),
        "standing": standing_record(subject.sensors),
        "clock_skew_s": subject.skew_s,
        "model": None if subject.model is None else str(subject.model.path),
        "checks": list(all_checks()),
        "findings": [{"check": name, **asdict(finding)} for name, finding in found.findings],
        "spoiled": found.spoiled > 0,
    }


def _show(found: Diagnosis) -> None:
    subject = found.subject
    identity, word = subject.identity, f"{subject.device.mark} ".lstrip()
    names = dict.fromkeys((identity.model, identity.chip))
    emit_facts(
        {
            "device": f"{word}{subject.device.name} ({subject.kind_name}): {', '.join(names)}",
            "system": identity.system,
            "checks": ", ".join(all_checks()),
        }
    )
    for name, finding in found.findings:
        say(f"{finding.level}: {name}: {finding.text}\n    cure: {finding.cure}")
    cautions = len(found.findings) - found.spoiled
    verdict = (
        f"{found.spoiled} that would spoil a measurement" if found.spoiled else "nothing would spoil a measurement"
    )
    say(f"{word}{subject.device.name}: {verdict}, {counted(cautions, 'caution')}")
