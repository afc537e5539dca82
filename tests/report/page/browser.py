"""A headless Chromium that tests drive by its DevTools protocol, over a pair of pipes.

One process serves all tests of a session: to start one takes longer than to look at a page.
https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_KEYS = {"ArrowRight": 39, "ArrowLeft": 37, "End": 35, "Home": 36, "Tab": 9}


class Browser:
    """One page of a browser; close it, or use it as a context manager."""

    def __init__(self, profile: Path) -> None:
        read, write = os.pipe(), os.pipe()
        command = (
            f'exec "$0" --headless --no-sandbox --disable-gpu --no-first-run --hide-scrollbars '
            "--disable-background-networking --disable-component-update --disable-sync "
            f'--user-data-dir="$1" --remote-debugging-pipe about:blank 3<&{read[0]} 4>&{write[1]}'
        )
        self._process = subprocess.Popen(
            ["bash", "-c", command, str(CHROMIUM), str(profile)],
            pass_fds=(read[0], write[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read[0])
        os.close(write[1])
        self._to = os.fdopen(read[1], "wb", buffering=0)
        self._from = os.fdopen(write[0], "rb", buffering=0)
        self._waiting, self._number, self._session = b"", 0, ""
        self._session = self._new_tab()[1]

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._session = ""
        self.send("Browser.close")
        self._process.wait(20)
        self._to.close()
        self._from.close()

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """A command's result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result

    def open(
        self,
        page: Path | str,
        *,
        width: int = 1280,
        height: int = 900,
        media: str = "screen",
        dark: bool = False,
        scripts: bool = True,
    ) -> None:
        """Show a file or an address in a window of this size, and wait until it is there."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.send("Page.navigate", url=page if isinstance(page, str) else page.as_uri())
        while self._receive().get("method") != "Page.loadEventFired":
            pass

    def html_after(self, page: Path, seconds: float) -> str:
        """A file's document after it was shown for so long; the time passes in a moment."""
        first, self._session = self._session, ""
        target, self._session = self._new_tab()
        self.send("Page.navigate", url=page.as_uri())
        self.send(
            "Emulation.setVirtualTimePolicy",
            policy="pauseIfNetworkFetchesPending",
            budget=1000 * seconds,
        )
        while self._receive().get("method") != "Emulation.virtualTimeBudgetExpired":
            pass
        html: str = self.js("document.documentElement.outerHTML")
        self._session = ""
        self.send("Target.closeTarget", targetId=target)
        self._session = first
        return html

    def js(self, expression: str) -> Any:
        """The value of an expression in the page, waited for if it is a promise."""
        found = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """A key of the keyboard, in whatever has the focus."""
        code = _KEYS[key]
        for kind in ("rawKeyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
            )

    def click(self, x: float, y: float) -> None:
        """The left button of the mouse."""
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def drag(self, x: float, y: float, down: float) -> None:
        """A finger that moves straight down, or up where `down` is negative."""
        self.send("Emulation.setTouchEmulationEnabled", enabled=True)
        self.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        for step in range(1, 11):
            at = {"x": x, "y": y + down * step / 10}
            self.send("Input.dispatchTouchEvent", type="touchMove", touchPoints=[at])
            self.js("new Promise(requestAnimationFrame)")
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self.send("Emulation.setTouchEmulationEnabled", enabled=False)

    def _new_tab(self) -> tuple[str, str]:
        """A new tab and the session that drives it; to be called without a session."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self.send("Page.enable")
        return target, self._session

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._waiting:
            part = self._from.read(1 << 16)
            assert part, "the browser has gone"
            self._waiting += part
        whole, self._waiting = self._waiting.split(b"\0", 1)
        answer: dict[str, Any] = json.loads(whole)
        return answer
