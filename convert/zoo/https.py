"""Open a URL: https only, except on this machine, with short timeouts."""

from __future__ import annotations

import http.client
import ipaddress
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import IO, Any

from detlite.runtime.errors import MissingToolError
from detlite.runtime.version import __version__

CONNECT_TIMEOUT_S = 5.0  # for each address of the host, tried once
READ_TIMEOUT_S = 30.0  # between two blocks, after the host has answered


def open_url(url: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
    """Return the response to a GET of *url*; only safe redirects are followed.

    Raises:
        MissingToolError: the host cannot be reached, answers with an error, or redirects to an unsafe URL.
        urllib.error.HTTPError: status 416 (range not satisfiable), which the caller handles.
    """
    check_safe(url)
    agent = {"User-Agent": f"detlite/{__version__}"}
    request = urllib.request.Request(url, headers={**agent, **headers})  # noqa: S310 - checked above
    try:
        response: http.client.HTTPResponse = _opener().open(request, timeout=CONNECT_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        error.close()
        raise MissingToolError(f"cannot download {url}: HTTP {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise MissingToolError(f"{url} cannot be reached: {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise MissingToolError(f"{url} cannot be reached: {error or type(error).__name__}") from error
    return response


def check_safe(url: str) -> None:
    """Raise `MissingToolError` unless *url* is https, or http on this machine."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        return
    raise MissingToolError(f"{url} is refused: only https is safe; got {parts.scheme or 'no scheme'}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        check_safe(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _PatientHttp(http.client.HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(READ_TIMEOUT_S)


class _PatientHttps(http.client.HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(READ_TIMEOUT_S)


class _HttpHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_PatientHttp, req)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_PatientHttps, req)


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_SafeRedirects, _HttpHandler, _HttpsHandler)
