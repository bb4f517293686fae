"""Every error that a user can cause or cure, and the exit status of each.

::

    DetliteError
    ├── FindingError          1  a gate failed, or something was found
    ├── InputError            2  a file, a folder or a value is not what it must be
    │   ├── ContractError     2  a contract, or what it is about, is not right
    │   └── UnknownNameError  2  no model, method, device or option is called so
    ├── MissingToolError      3  a program, a package or room on the disk is missing
    └── DeviceError           4  a device, or a process that stands for one, failed or was lost

The command line turns these, and nothing else, into one line and `exit_status`.
"""

from __future__ import annotations

from typing import Iterable

MOST_NAMED = 12


class DetliteError(Exception):
    """What a user can cause or cure; its text is one line: what was wanted, what came, what to do."""

    exit_status = 1


class FindingError(DetliteError):
    """A gate failed: the work was done, and its result is not good enough."""


class InputError(DetliteError):
    """A file, a folder or a value is not what it must be."""

    exit_status = 2


class ContractError(InputError):
    """A contract, or an array that it speaks of, is not right."""


class UnknownNameError(InputError):
    """Nothing is called so."""


class MissingToolError(DetliteError):
    """A program, a package or room on the disk is missing on this machine."""

    exit_status = 3


class DeviceError(DetliteError):
    """A device, or the process that runs a backend, failed or was lost."""

    exit_status = 4


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """Return the error for a *name* that is not among the *known* ones, with the nearest of them."""
    import difflib  # where it is wanted: a board's program starts without

    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    some = ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {some or 'none'}"
    return UnknownNameError(f"no {kind} is called {name!r}; {hint}")
