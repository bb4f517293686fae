"""Running a compiled model on an Edge TPU: loads the delegate, explains every failure, never falls back to the CPU."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Optional

from detlite.runtime.child import run_in_child
from detlite.runtime.errors import DetliteError, DeviceError, InputError, MissingToolError
from detlite.runtime.runners.edgetpu_diagnosis import diagnose
from detlite.runtime.runners.interpreter import Opened, find_interpreter, open_interpreter

LIBRARY = {"darwin": "libedgetpu.1.dylib", "win32": "edgetpu.dll"}.get(sys.platform, "libedgetpu.so.1")
"""The library's name on this system, as Google's PyCoral loads it."""

DEVICE = re.compile(r"|:\d{1,3}|(usb|pci)(:\d{1,3})?")
PROBE_TIMEOUT_S = 30.0
NEWER = re.compile(r"Package requires runtime version \((\d+)\), which is newer than this runtime version \((\d+)\)")

INSTALL = (
    "install an Edge TPU runtime (libedgetpu) that was built from the same TensorFlow as the interpreter: Google's own "
    "16.0 works only with tflite-runtime 2.5 to 2.11"
)


def load_edgetpu(device: str = "", *, library: Optional[str] = None) -> Any:
    """Return the delegate for the Edge TPU that *device* names.

    Args:
        device: "" for any, ":N" for the Nth, "usb", "pci", "usb:N" or "pci:N".
        library: a library other than `LIBRARY`.

    Raises:
        InputError: *device* has none of these forms.
        MissingToolError: the library is missing, or is not a delegate library.
        DeviceError: there is no Edge TPU, or it cannot be opened.
    """
    if DEVICE.fullmatch(device) is None:
        raise InputError(f"device {device!r}: want '', ':N', 'usb', 'usb:N', 'pci' or 'pci:N'")
    name = library or LIBRARY
    try:
        return _load_delegate()(name, {"device": device} if device else {})
    except OSError as error:
        raise MissingToolError(f"{name} cannot be loaded ({_line(error)}): {INSTALL}") from error
    except AttributeError as error:
        raise MissingToolError(f"{name} is not a delegate library ({_line(error)}): {INSTALL}") from error
    except ValueError as error:
        # the library does not say whether the device is absent, in use by another process, or not permitted
        raise DeviceError(f"{name} cannot open an Edge TPU{f' {device!r}' if device else ''}: {diagnose()}") from error


def _load_delegate() -> Any:
    found, _runtime = find_interpreter()
    return found.load_delegate if hasattr(found, "load_delegate") else found.experimental.load_delegate


def open_edgetpu(model: Path, *, device: str = "", library: Optional[str] = None) -> Opened:
    """Return the compiled *model*, opened on an Edge TPU and allocated; it never runs on the CPU instead.

    If the library does not match the interpreter, this crashes: see `probe_edgetpu`.

    Raises:
        InputError: the file is not a model, or is not compiled for the Edge TPU.
        MissingToolError: the library is missing, or does not match the interpreter or the model.
        DeviceError: no Edge TPU can be opened.
    """
    try:
        return open_interpreter(model, delegates=(load_edgetpu(device, library=library),))
    except InputError as error:
        raise explained(model, str(error)) from error


def explained(model: Path, said: str) -> DetliteError:
    """Return the error for *said*, a runtime's message about the compiled *model*."""
    newer = NEWER.search(said)
    if newer:
        return MissingToolError(
            f"{model} requires Edge TPU runtime {newer[1]}, but this machine has {newer[2]}: update it, or compile the "
            f"model with `detlite compile --min-runtime {newer[2]}`"
        )
    if "unresolved custom op: edgetpu-custom-op" in said:
        return MissingToolError(f"{model}: the delegate was loaded, but the interpreter does not see it: {INSTALL}")
    if "Failed to prepare a custom op" in said or "Internal error" in said:
        return InputError(f"{model} does not match the executable in it: compile it again ({said})")
    return InputError(said)


def probe_edgetpu(model: Path, *, device: str = "", library: Optional[str] = None) -> str:
    """Open the compiled *model* on an Edge TPU and run it once on zeros, in a separate process; return the runtime.

    Raises:
        DetliteError: as `open_edgetpu`; a crash or a library that hangs is a `DeviceError` with the likely cause.
    """
    request = {"model": str(Path(model).absolute()), "device": device, "library": library}
    try:
        answer = run_in_child("detlite.runtime.child_calls:probe_edgetpu", request, timeout_s=PROBE_TIMEOUT_S)
    except DeviceError as error:
        if "died of SIG" in str(error):
            raise DeviceError(
                f"{error}: most likely {library or LIBRARY} does not match the interpreter; {INSTALL}"
            ) from error
        raise
    return str(answer["runtime"])


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
