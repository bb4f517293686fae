"""Downloading one file to a `.part`, which a later run goes on with.

Beside the part stands what it is a part of: address, validator, length (RFC 9110, `If-Range` and `Range`).
"""

from __future__ import annotations

import http.client
import json
import os
import re
import urllib.error
from dataclasses import asdict, dataclass
from pathlib import Path

from detlite.convert.zoo.https import open_url
from detlite.runtime.errors import InputError, MissingToolError
from detlite.runtime.progress import Progress, silent

BLOCK_BYTES = 1 << 18
MOST_BYTES = 8 << 30  # the largest archive of the zoos has 1.2 GB
RESUMES = 8  # of a connection that was cut, as long as each brings something


@dataclass(frozen=True)
class _State:
    """What a part is a part of; without a *validator* it cannot be gone on with."""

    url: str
    validator: str | None
    total: int | None


def download(url: str, part: Path, *, progress: Progress = silent) -> None:
    """Fetch *url* into *part*, from where an earlier run left off, until it is whole.

    Raises:
        MissingToolError: the host cannot be reached or breaks off; *part* keeps what came.
        InputError: more comes than any model has.
    """
    for _ in range(RESUMES):
        before = _size(part)
        if _is_whole(url, part) or _go_on(url, part, progress):
            return
        if _size(part) <= before:
            break
    total = _state(part).total
    raise MissingToolError(
        f"{url} broke off at {_size(part)} of {total or 'unknown'} bytes; run again to go on from there"
    )


def _is_whole(url: str, part: Path) -> bool:
    state = _state(part)
    return state.url == url and state.validator is not None and state.total == _size(part)


def _go_on(url: str, part: Path, progress: Progress) -> bool:
    """Fetch what is missing; return whether all came."""
    state, have = _state(part), _size(part)
    headers = {"Accept-Encoding": "identity"}
    if have and state.url == url and state.validator:
        headers |= {"Range": f"bytes={have}-", "If-Range": state.validator}
    try:
        response = open_url(url, headers)
    except urllib.error.HTTPError as error:  # 416: what is there is longer than the file has become
        error.close()
        forget(part)
        response = open_url(url, {"Accept-Encoding": "identity"})
    with response:
        return _receive(response, url, part, progress)


def _receive(response: http.client.HTTPResponse, url: str, part: Path, progress: Progress) -> bool:
    if response.headers.get_content_type() == "text/html":
        raise MissingToolError(f"{url} answered with a web page and no file: it may want a login in a browser")
    start, total = _extent(response, url, _size(part))
    if (total or 0) > MOST_BYTES:
        raise InputError(f"{url} has {total} bytes; no model has over {MOST_BYTES}")
    _write_state(part, _State(url, _validator(response), total))
    what = url.rsplit("/", 1)[1]
    done = start
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        file.truncate()
        while block := _read(response):
            file.write(block)
            done += len(block)
            if done > MOST_BYTES:
                raise InputError(f"{url} sends more than {MOST_BYTES} bytes; no model has so many")
            progress(what, done, total or 0)
        file.flush()
        os.fsync(file.fileno())
    return total is None or done == total


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(BLOCK_BYTES)
    except (OSError, http.client.HTTPException):
        return b""  # cut off: the length tells


def _extent(response: http.client.HTTPResponse, url: str, have: int) -> tuple[int, int | None]:
    """Return where the response begins in the file, and how long the file is."""
    if response.status != http.HTTPStatus.PARTIAL_CONTENT:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdecimal() else None
    stated = response.headers.get("Content-Range", "")
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", stated)
    if found is None or int(found[1]) != have:
        raise MissingToolError(f"{url} was asked to go on from byte {have}, and sends {stated!r}")
    return have, int(found[2])


def _validator(response: http.client.HTTPResponse) -> str | None:
    tag = response.headers.get("ETag")
    if tag and not tag.startswith("W/"):  # a weak one does not vouch for bytes
        return tag
    return response.headers.get("Last-Modified")


def forget(part: Path) -> None:
    """Remove *part* and what is known of it."""
    part.unlink(missing_ok=True)
    _state_file(part).unlink(missing_ok=True)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _state_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _state(part: Path) -> _State:
    try:
        return _State(**json.loads(_state_file(part).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return _State("", None, None)  # nothing that could be gone on with


def _write_state(part: Path, state: _State) -> None:
    temporary = _state_file(part).with_suffix(".new")
    temporary.write_text(json.dumps(asdict(state)), encoding="utf-8")
    temporary.replace(_state_file(part))
