"""The page of a running study by HTTP: on this machine only, for who has its address.

Whoever may look at the study's folder is not whoever can reach a port of this machine: other users
of it, and every page that is open in the user's browser. So the address holds a token, and a
request that does not come as this page's own do (another method, host or origin) gets nothing but
403. No file is served: all that is sent was made by `follow`.
"""

from __future__ import annotations

import hmac
import json
import secrets
import socket
import threading
from http.client import HTTP_PORT
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ..exits import Terminated

if TYPE_CHECKING:
    from .follow import Follower

HOST = "127.0.0.1"
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def listen(port: int = 0) -> socket.socket:
    """A socket that listens on this machine only; port 0 is a free one.

    Raises:
        InputError: the port cannot be had.
    """
    try:
        return socket.create_server((HOST, port))
    except (OSError, OverflowError) as error:
        said = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot listen on port {port} of {HOST} ({said}): name another with --port, or none"
        ) from None


def new_token() -> str:
    """What an address must hold, 256 random bits."""
    return secrets.token_urlsafe(32)


def address(listening: socket.socket, token: str) -> str:
    """Where the page is."""
    return f"http://{HOST}:{listening.getsockname()[1]}/{token}/"


def hosts_of(port: int) -> set[str]:
    """What a request may call this server; browsers leave out the port that is usual."""
    names = {HOST, "localhost"}
    return {f"{name}:{port}" for name in names} | (names if port == HTTP_PORT else set())


def serve(folder: Path, port: int, tag: str) -> None:
    """Print the address of a study's page, in the language of a tag, and serve it until Ctrl-C.

    Raises:
        InputError: the port cannot be had.
    """
    with listen(port) as listening:
        token = new_token()
        server = WatchServer(listening, token, folder, tag)
        print(address(listening, token), flush=True)
        try:
            server.serve_forever()
        except Terminated:
            raise
        except KeyboardInterrupt:
            return


class WatchServer(ThreadingHTTPServer):
    """Serves the page of the study in `folder` through a socket that listens already."""

    daemon_threads = True

    def __init__(self, listening: socket.socket, token: str, folder: Path, tag: str = "en") -> None:
        super().__init__(listening.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.token = token
        self.hosts = hosts_of(self.server_address[1])
        self._folder, self._tag, self._making = folder, tag, threading.Lock()
        self._follower: Follower | None = None

    def follower(self) -> Follower:
        """What is made when a request is first answered: its imports take seconds."""
        from .follow import Follower

        with self._making:
            if self._follower is None:
                self._follower = Follower(self._folder, self._tag)
            return self._follower

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that goes away in the middle is no error."""


class _Handler(BaseHTTPRequestHandler):
    server: WatchServer
    timeout = 10  # seconds, for a request that does not come

    def do_GET(self) -> None:
        what = self._asked()
        if what == "":
            page, policy = self.server.follower().page()
            self._send(page, "text/html; charset=utf-8", policy)
        elif what == "now":
            parts = json.dumps(self.server.follower().parts()).encode()
            self._send(parts, "application/json", "default-src 'none'")
        else:
            self.send_error(403)

    def _asked(self) -> str | None:
        """What is asked for behind the token; None if the request is none of this page's own."""
        hosts, origins = self.headers.get_all("Host", []), self.headers.get_all("Origin", [])
        if len(hosts) != 1 or hosts[0].lower() not in self.server.hosts:
            return None
        if any(origin.lower() != f"http://{hosts[0].lower()}" for origin in origins):
            return None
        token, slash, what = self.path.removeprefix("/").partition("/")
        if not slash or not hmac.compare_digest(token.encode(), self.server.token.encode()):
            return None
        return what

    def _send(self, content: bytes, kind: str, policy: str) -> None:
        self.send_response_only(200)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Security-Policy", policy)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def send_error(self, *_: Any, **__: Any) -> None:
        """Whatever is wrong with a request, the answer is the same and says nothing."""
        self.close_connection = True
        self.send_response_only(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """No log: it would hold the token."""
