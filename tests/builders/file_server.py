"""A web server on this machine that serves bytes, and misbehaves as told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Behaviour:
    """What the server has, how it misbehaves, and the `Range` header of each request that came."""

    files: dict[str, bytes]
    etag: str = '"one"'
    cut_after: list[int] = field(default_factory=list)  # bytes of body, one entry for each answer
    ignores_range: bool = False
    adds_to_length: int = 0
    content_type: str = "application/gzip"
    redirects: dict[str, str] = field(default_factory=dict)
    ranges: list[str | None] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    behaviour: Behaviour


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        behaviour = self.server.behaviour
        behaviour.ranges.append(self.headers["Range"])
        if self.path in behaviour.redirects:
            self.send_response(302)
            self.send_header("Location", behaviour.redirects[self.path])
            self.end_headers()
        elif self.path in behaviour.files:
            self._send(behaviour, behaviour.files[self.path])
        else:
            self.send_error(404)

    def _send(self, behaviour: Behaviour, whole: bytes) -> None:
        start = self._start(behaviour)
        if start > len(whole):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
        if behaviour.etag:
            self.send_header("ETag", behaviour.etag)
        self.send_header("Content-Type", behaviour.content_type)
        self.send_header("Content-Length", str(len(whole) - start + behaviour.adds_to_length))
        self.end_headers()
        body = whole[start:]
        self.wfile.write(body[: behaviour.cut_after.pop(0)] if behaviour.cut_after else body)

    def _start(self, behaviour: Behaviour) -> int:
        asked = self.headers["Range"]
        if asked is None or behaviour.ignores_range or self.headers["If-Range"] != behaviour.etag:
            return 0
        return int(asked.removeprefix("bytes=").rstrip("-"))

    def log_message(self, *_words: object) -> None:
        pass


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    """Give the address of a server that behaves so, without a slash at its end."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.behaviour = behaviour
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
