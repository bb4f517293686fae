"""Quantization and its audit, each in a child process."""

from __future__ import annotations

from detlite.calibration.recipe import AuditRequest, QuantizeRequest
from detlite.runtime.child import blaming_the_model, run_in_child
from detlite.runtime.progress import Progress, silent
from detlite.runtime.records import Record, to_record


def quantize_apart(request: QuantizeRequest, *, progress: Progress = silent) -> Record:
    """Return what `detlite.calibration.child_calls.quantize_source` answers to *request*, from a child process.

    Raises:
        InputError: the model is quantized already, images are missing or damaged, or two options contradict.
        FindingError: nothing could be quantized.
    """
    with blaming_the_model():
        return run_in_child("detlite.calibration.child_calls:quantize_source", to_record(request), progress=progress)


def audit_apart(request: AuditRequest, *, progress: Progress = silent) -> Record:
    """Return what `detlite.calibration.audit.audit` answers to *request*, from a child process.

    Raises:
        InputError: detlite cannot read the source or an image.
    """
    return run_in_child("detlite.calibration.audit:audit", to_record(request), progress=progress)
