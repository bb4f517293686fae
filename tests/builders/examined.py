"""What the doctor finds of a scripted device: rows of a check, a level, a text and a cure."""

from pathlib import Path

from detlite.devices.doctor.examine import diagnose, examine, questions_for, subject_of
from detlite.devices.doctor.finding import CheckedModel
from detlite.devices.inventory import Device
from detlite.devices.survey.questions import Answer, Answers, look
from detlite.devices.transport.transport import Transport

ONNX, TFLITE = CheckedModel(Path("model.onnx"), 1 << 20), CheckedModel(Path("out/model.tflite"), 1 << 20)
COMPILED = CheckedModel(Path("model_edgetpu.tflite"), 1 << 20, 14)

Row = tuple[str, str, str, str]


def found(made: Transport, device: Device, model: CheckedModel | None = None) -> list[Row]:
    """Return what is found on *device*, which *made* answers for."""
    diagnosis = examine(made, device, model)
    return [(name, one.level, one.text, one.cure) for name, one in diagnosis.findings]


def of(rows: list[Row], name: str, level: str) -> tuple[str, str]:
    """Return the text and the cure of the one row of the check *name* at *level*."""
    (row,) = [row for row in rows if row[0] == name and row[1] == level]
    return row[2], row[3]


def altered(
    made: Transport,
    device: Device,
    question: str,
    text: str,
    *,
    model: CheckedModel | None = None,
    now_s: float = 1.8e9,
) -> list[Row]:
    """Return what is found where *device* answers *text* to one *question*."""
    answers = look(made, questions_for(device))
    given = {**answers.given, question: Answer(text, 0)}
    diagnosis = diagnose(subject_of(device, Answers(given), now_s=now_s, model=model))
    return [(name, one.level, one.text, one.cure) for name, one in diagnosis.findings]
