"""Running a compiled model on an Edge TPU: the delegate loaded, every failure with its cause, never the CPU instead."""

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
"""The library's own name on this system, as Google's PyCoral asks for it."""

DEVICE = re.compile(r"|:\d{1,3}|(usb|pci)(:\d{1,3})?")
PROBE_TIMEOUT_S = 30.0
NEWER = re.compile(r"Package requires runtime version \((\d+)\), which is newer than this runtime version \((\d+)\)")

INSTALL = (
    "install an Edge TPU runtime (libedgetpu) that was built from the same TensorFlow as the interpreter: Google's own "
    "16.0 fits tflite-runtime 2.5 to 2.11 alone"
)


def load_edgetpu(device: str = "", *, library: Optional[str] = None) -> Any:
    """Return the delegate for the Edge TPU that *device* names.

    Args:
        device: "" for any, ":N" for the Nth, "usb", "pci", "usb:N" or "pci:N".
        library: another library than `LIBRARY`.

    Raises:
        InputError: *device* is none of these.
        MissingToolError: the library is not there, or is another one.
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
        raise MissingToolError(f"{name} is no delegate library ({_line(error)}): {INSTALL}") from error
    except ValueError as error:
        # the library returns nothing where there is no device, no right to it, or another process has it
        raise DeviceError(f"{name} opens no Edge TPU{f' {device!r}' if device else ''}: {diagnose()}") from error


def _load_delegate() -> Any:
    found, _runtime = find_interpreter()
    return found.load_delegate if hasattr(found, "load_delegate") else found.experimental.load_delegate


def open_edgetpu(model: Path, *, device: str = "", library: Optional[str] = None) -> Opened:
    """Return the compiled *model*, opened on an Edge TPU and allocated; it never runs on the CPU instead.

    Where library and interpreter do not fit, this crashes: see `probe_edgetpu`.

    Raises:
        InputError: the file is no model, or not compiled for the Edge TPU.
        MissingToolError: the library is not there, or does not fit the interpreter or the model.
        DeviceError: there is no Edge TPU that can be opened.
    """
    try:
        return open_interpreter(model, delegates=(load_edgetpu(device, library=library),))
    except InputError as error:
        raise explained(model, str(error)) from error


def explained(model: Path, said: str) -> DetliteError:
    """Return the error that *said*, a runtime's message about the compiled *model*, means."""
    newer = NEWER.search(said)
    if newer:
        return MissingToolError(
            f"{model} wants the Edge TPU runtime {newer[1]}, and here is {newer[2]}: update it, or compile the model "
            f"with `detlite compile --min-runtime {newer[2]}`"
        )
    if "unresolved custom op: edgetpu-custom-op" in said:
        return MissingToolError(f"{model}: the delegate was loaded, and the interpreter does not see it: {INSTALL}")
    if "Failed to prepare a custom op" in said or "Internal error" in said:
        return InputError(f"{model} does not fit the executable in it: compile it again ({said})")
    return InputError(said)


def probe_edgetpu(model: Path, *, device: str = "", library: Optional[str] = None) -> str:
    """Open the compiled *model* on an Edge TPU and run it once on zeros, in a process of its own; return the runtime.

    Raises:
        DetliteError: as `open_edgetpu`; a crash, and a library that hangs, are `DeviceError`s with their likely cause.
    """
    request = {"model": str(Path(model).absolute()), "device": device, "library": library}
    try:
        answer = run_in_child("detlite.runtime.child_calls:probe_edgetpu", request, timeout_s=PROBE_TIMEOUT_S)
    except DeviceError as error:
        if "died of SIG" in str(error):
            raise DeviceError(
                f"{error}: most likely {library or LIBRARY} and the interpreter do not fit; {INSTALL}"
            ) from error
        raise
    return str(answer["runtime"])


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
