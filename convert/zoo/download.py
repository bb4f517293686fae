"""Download one file to a `.part` file; a later run resumes where this one stopped.

The URL, validator and length are kept in a JSON file next to it (RFC 9110, `If-Range` and `Range`).
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
from detlite.runtime.strict_json import load_json

BLOCK_BYTES = 1 << 18
MOST_BYTES = 8 << 30  # the largest archive of the zoos is 1.2 GB
RESUMES = 8  # of a dropped connection, as long as each one adds data


@dataclass(frozen=True)
class _State:
    """The download that a partial file belongs to; without a *validator* it cannot be resumed."""

    url: str
    validator: str | None
    total: int | None


def download(url: str, part: Path, *, progress: Progress = silent) -> None:
    """Download *url* to *part*, resuming an earlier download, until it is complete.

    Raises:
        MissingToolError: the host cannot be reached or drops the connection; *part* keeps what was received.
        InputError: the file is larger than any model.
    """
    for _ in range(RESUMES):
        before = _size(part)
        if _is_complete(url, part) or _resume(url, part, progress):
            return
        if _size(part) <= before:
            break
    total = _state(part).total
    raise MissingToolError(
        f"the download of {url} stopped at {_size(part)} of {total or 'unknown'} bytes; run again to resume it"
    )


def _is_complete(url: str, part: Path) -> bool:
    state = _state(part)
    return state.url == url and state.validator is not None and state.total == _size(part)


def _resume(url: str, part: Path, progress: Progress) -> bool:
    """Download the missing bytes; return whether the file is complete now."""
    state, have = _state(part), _size(part)
    headers = {"Accept-Encoding": "identity"}
    if have and state.url == url and state.validator:
        headers |= {"Range": f"bytes={have}-", "If-Range": state.validator}
    try:
        response = open_url(url, headers)
    except urllib.error.HTTPError as error:  # 416: the partial file is longer than the file is now
        error.close()
        discard(part)
        response = open_url(url, {"Accept-Encoding": "identity"})
    with response:
        return _receive(response, url, part, progress)


def _receive(response: http.client.HTTPResponse, url: str, part: Path, progress: Progress) -> bool:
    if response.headers.get_content_type() == "text/html":
        raise MissingToolError(f"{url} answered with a web page, not a file: it may require a login in a browser")
    start, total = _extent(response, url, _size(part))
    if (total or 0) > MOST_BYTES:
        raise InputError(f"{url} has {total} bytes; the limit is {MOST_BYTES}")
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
                raise InputError(f"{url} sends more than the limit of {MOST_BYTES} bytes")
            progress(what, done, total or 0)
        file.flush()
        os.fsync(file.fileno())
    return total is None or done == total


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(BLOCK_BYTES)
    except (OSError, http.client.HTTPException):
        return b""  # a dropped connection shows in the length


def _extent(response: http.client.HTTPResponse, url: str, have: int) -> tuple[int, int | None]:
    """Return the offset in the file at which the response begins, and the file's length in bytes."""
    if response.status != http.HTTPStatus.PARTIAL_CONTENT:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdecimal() else None
    stated = response.headers.get("Content-Range", "")
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", stated)
    if found is None or int(found[1]) != have:
        raise MissingToolError(f"{url} was asked to resume from byte {have}, but sends {stated!r}")
    return have, int(found[2])


def _validator(response: http.client.HTTPResponse) -> str | None:
    tag = response.headers.get("ETag")
    if tag and not tag.startswith("W/"):  # a weak one does not guarantee identical bytes
        return tag
    return response.headers.get("Last-Modified")


def discard(part: Path) -> None:
    """Delete *part* and its state file."""
    part.unlink(missing_ok=True)
    _state_file(part).unlink(missing_ok=True)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _state_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _state(part: Path) -> _State:
    try:
        return _State(**load_json(_state_file(part)))
    except (InputError, TypeError):
        return _State("", None, None)  # nothing to resume


def _write_state(part: Path, state: _State) -> None:
    temporary = _state_file(part).with_suffix(".new")
    temporary.write_text(json.dumps(asdict(state)), encoding="utf-8")
    temporary.replace(_state_file(part))
