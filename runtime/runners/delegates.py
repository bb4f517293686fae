"""Delegates by name: `edgetpu`, or a library's path, followed by comma-separated options."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from detlite.runtime.errors import InputError, MissingToolError
from detlite.runtime.runners.edgetpu import load_edgetpu


def parse_delegate(text: str) -> Tuple[str, Dict[str, str]]:
    """Return the name and the options in *text*: `edgetpu,device=usb`.

    Raises:
        InputError: an option has no value, or there is no name.
    """
    name, *rest = text.split(",")
    pairs = [part.partition("=") for part in rest]
    if not name or not all(key and sign and value for key, sign, value in pairs):
        raise InputError(f"delegate {text!r}: want NAME or LIBRARY, then options such as ,device=usb")
    return name, {key: value for key, _sign, value in pairs}


def load_delegates(texts: Sequence[str], module: Any) -> Tuple[Any, ...]:
    """Return the delegates that *texts* name, loaded by *module*, an interpreter's.

    Raises:
        InputError: a text is not a delegate.
        MissingToolError: a library is missing, or is not a delegate library.
        DeviceError: the library finds no device.
    """
    return tuple(_load(*parse_delegate(text), module) for text in texts)


def _load(name: str, options: Dict[str, str], module: Any) -> Any:
    if name == "edgetpu":
        return load_edgetpu(options.get("device", ""), library=options.get("library"))
    load = module.load_delegate if hasattr(module, "load_delegate") else module.experimental.load_delegate
    try:
        return load(name, options)
    except (OSError, AttributeError) as error:
        raise MissingToolError(
            f"{name} is not a delegate library ({' '.join(str(error).split())[:200]}): give its path, or edgetpu"
        ) from error
    except ValueError as error:
        raise InputError(f"{name} refuses {options}: {' '.join(str(error).split())[:200]}") from error
