"""How to install detlite's extras: from the clone that detlite was installed from, since it is not on PyPI."""

from __future__ import annotations

import shlex

from detlite.runtime.strict_json import parse_json


def install_line(extra: str) -> str:
    """Return the command that installs the *extra* of the detlite that runs, such as `convert`."""
    clone = _clone()
    if clone is None:
        return f"in the clone of detlite, pip install '.[{extra}]'"
    return f"pip install {shlex.quote(f'{clone}[{extra}]')}"


def _clone() -> str | None:
    """Return the folder that pip recorded as the origin (PEP 610); None if it recorded no folder."""
    from importlib import metadata  # only for an error: all of these take 50 ms
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    try:
        recorded = metadata.distribution("detlite").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
    found = parse_json(recorded) if recorded else {}
    url = urlsplit(found.get("url", ""))
    return url2pathname(url.path) if url.scheme == "file" and "dir_info" in found else None
