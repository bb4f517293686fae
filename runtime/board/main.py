"""The program that runs on a board: `python3 board.pyz measure | detect | selftest`.

It needs Python 3.9, numpy and one interpreter, but neither pip nor a network. Modules are imported late:
detection starts as soon as numpy and the interpreter are loaded.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import sys
from typing import Any, Iterator, List, Optional

from detlite.runtime.errors import DetliteError, InputError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main(arguments: Optional[List[str]] = None) -> int:
    """Run the command line and return its exit status; see `board_options.EPILOG`."""
    try:
        words = sys.argv[1:] if arguments is None else arguments
        if words[:1] == ["detect"]:
            return _run_detect(words)
        from detlite.runtime.board.options import parsed

        values = parsed(words)
        return _run(values.pop("command"), values)
    except DetliteError as error:
        return _fail(str(error), error.exit_status)
    except KeyboardInterrupt:
        return _fail("interrupted; finished work is kept", 130)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        if error.errno in DISK_FULL:
            return _fail(f"disk full: {error}; free some space and run again", 3)
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return _fail(f"permission denied: {error}; choose a folder that you can write to", 2)
        raise


def _run(command: Optional[str], values: Any) -> int:
    if command == "measure":
        from detlite.runtime.board.measure import measure_command

        return measure_command(values)
    if command == "selftest":
        from detlite.runtime.board.selftest import selftest_command

        return selftest_command(values)
    raise InputError("no command: use measure, detect or selftest; see board.pyz --help")


def _run_detect(words: List[str]) -> int:
    """Detect in a separate process, which imports numpy and the interpreter while this one reads the command line."""
    gc.disable()  # a tenth of the imports' time, here and in the copy; what follows makes few cycles
    from detlite.runtime.isolated import run_beside

    return run_beside(lambda: _requests(words), _prepare, _detect)


def _requests(words: List[str]) -> Iterator[Any]:
    """Yield the options, then the sha256 of the model; each is ready before it is needed."""
    from detlite.runtime.board.options import parsed

    values = parsed(words)
    yield values
    if values["model"] and os.path.isdir(values["model"]):  # noqa: PTH112 - pathlib is not imported yet
        from pathlib import Path

        from detlite.runtime.hashing import sha256_of
        from detlite.runtime.model_file import model_in

        model = model_in(Path(values["model"]))
        if model is not None:
            yield [str(model), sha256_of(model)]


def _prepare() -> None:
    import detlite.runtime.board.detect
    from detlite.runtime.runners.interpreter import find_interpreter

    assert detlite.runtime.board.detect
    with contextlib.suppress(DetliteError):  # another back end may be requested
        find_interpreter()


def _detect(requests: Iterator[Any]) -> int:
    try:
        from detlite.runtime.board.detect import detect_command

        return detect_command(next(requests), requests)
    except DetliteError as error:
        return _fail(str(error), error.exit_status)
    except KeyboardInterrupt:
        return 130


def _fail(text: str, status: int) -> int:
    from detlite.runtime.printable import printable

    sys.stderr.write(printable(f"board.pyz: {' '.join(text.split())}\n"))
    return status
