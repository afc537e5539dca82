"""A web server on this machine whose files, and faults, a test sets."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True)
class Asked:
    """One request that arrived."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Reply:
    """What a server says.

    Attributes:
        breaks: the connection ends after each of these numbers of bytes, once, the first first.
        ranges: parts are sent, where they are asked for.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    breaks: list[int] = field(default_factory=list)
    ranges: bool = True


@dataclass
class Server:
    """Replies by path, what was asked so far, and the server's address."""

    url: str = ""
    replies: dict[str, Reply] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def reply(self, asked: Asked) -> Reply:
        return self.replies.get(asked.path, Reply(b"there is no such page", 404))

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Serve until the end of the with block."""
        with ThreadingHTTPServer(("127.0.0.1", 0), _handler(self)) as server:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            self.url = f"http://127.0.0.1:{server.server_port}"
            yield self
            server.shutdown()

    def ranges(self) -> list[str | None]:
        """The parts that were asked for, of each GET; None: all."""
        return [one.headers.get("range") for one in self.asked if one.method == "GET"]


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, path, headers)
            server.asked.append(asked)
            self._send(server.reply(asked))

        do_HEAD = do_GET

        def _send(self, reply: Reply) -> None:
            body, status, headers = reply.body, reply.status, dict(reply.headers)
            wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            if wanted and reply.ranges and status == 200:
                first = int(wanted[1])
                headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
                body, status = body[first:], 206 if first < len(body) else 416
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            if reply.breaks:
                body, self.close_connection = body[: reply.breaks.pop(0)], True
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
