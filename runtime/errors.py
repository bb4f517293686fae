"""All errors that a user can cause or fix, and their exit statuses.

::

    DetliteError
    ├── FindingError          1  a gate failed, or a check found something
    ├── InputError            2  a file, a folder or a value is invalid
    │   ├── ContractError     2  a contract, or an array that it describes, is invalid
    │   └── UnknownNameError  2  no model, method, device or option has this name
    ├── MissingToolError      3  a program, a package or room on the disk is missing
    └── DeviceError           4  a device, or a process that imitates one, failed or was lost

The command line turns only these into one line and `exit_status`.
"""

from __future__ import annotations

from typing import Iterable

MOST_NAMED = 12
MOST_ALIKE, ALIKE = 5, 0.4  # names that are suggested of a longer list, and how like the given one: 0..1


class DetliteError(Exception):
    """An error that a user can cause or fix; its text is one line: what was expected, what was found, what to do."""

    exit_status = 1


class FindingError(DetliteError):
    """A gate failed: the work is done, but the result is not good enough."""


class InputError(DetliteError):
    """A file, a folder or a value is invalid."""

    exit_status = 2


class ContractError(InputError):
    """A contract, or an array that it describes, is invalid."""


class UnknownNameError(InputError):
    """Nothing has this name."""


class MissingToolError(DetliteError):
    """This machine lacks a program, a package or disk space."""

    exit_status = 3


class DeviceError(DetliteError):
    """A device, or the process that runs a back end, failed or was lost."""

    exit_status = 4


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """Return the error for a *name* that is not among the *known* ones; it suggests the nearest, or lists a few."""
    import difflib  # here, so that a board's program starts without it

    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        hint = f"did you mean {near[0]!r}?"
    elif len(names) > MOST_NAMED:
        alike = [other for other in names if name and name in other][:MOST_ALIKE]
        alike = alike or difflib.get_close_matches(name, names, n=MOST_ALIKE, cutoff=ALIKE)
        hint = f"of {len(names)}, the nearest are: {', '.join(alike)}" if alike else f"none of {len(names)} is like it"
    else:
        hint = f"there are: {', '.join(names) or 'none'}"
    return UnknownNameError(f"no {kind} is called {name!r}; {hint}")
