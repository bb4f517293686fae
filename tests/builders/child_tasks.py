"""Tasks that a child may be asked to do in tests: good ones, bad ones, and ones that crash."""

import ctypes
import errno
import os
import time

from detlite.runtime.errors import ContractError


def double(request, progress):
    print("a library that prints")
    progress("doubling", 1, 2)
    return {"value": request["value"] * 2}


def count(request, progress):
    for done in range(1, request["total"] + 1):
        progress("counting", done, request["total"])
    return {}


def refuse(_request, _progress):
    raise ContractError("no such thing")


def crash(_request, _progress):
    ctypes.string_at(0)


def stall(request, progress):
    progress(str(os.getpid()), 0, 0)
    time.sleep(60)


def fill_disk(request, _progress):
    raise OSError(errno.ENOSPC, "No space left on device", *request["names"])


def fail(_request, _progress):
    raise ZeroDivisionError("a bug")
