"""A headless Chromium, driven over DevTools' own pipe with nothing but Python.

Protocol: https://chromedevtools.github.io/devtools-protocol/ (tot/Page,
Runtime, Input, DOM). Messages are JSON and end in a zero byte.
"""

import contextlib
import json
import os
import select
import shutil
import subprocess
import time

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update "
    "--disable-sync --disable-dev-shm-usage --use-fake-ui-for-media-stream "
    "--remote-debugging-pipe about:blank"
).split()
_KEYS = {"Enter": "\r", "Tab": "", "Backspace": ""}
_CODES = {"Enter": 13, "Tab": 9, "Backspace": 8, "Escape": 27}
_CODES |= {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
_SHIFT = 8


@contextlib.contextmanager
def open_browser(folder, *flags):
    """Yields a `Page`; skips the test where no Chromium is installed.

    Args:
        folder: `pathlib.Path` for the browser's profile.
        *flags: more of Chromium's.
    """
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("No Chromium here: install the package chromium.")
    ours, theirs = os.pipe(), os.pipe()
    # It reads from descriptor 3 and writes to 4, whatever they are here.
    command = f'exec "$@" 3<&{ours[0]} 4>&{theirs[1]}'
    arguments = [program, f"--user-data-dir={folder}", *flags, *_FLAGS]
    with open(folder.with_name(f"{folder.name}.log"), "wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", command, "bash", *arguments],
            pass_fds=(ours[0], theirs[1]),
            stdout=log,
            stderr=log,
        )
    os.close(ours[0])
    os.close(theirs[1])
    try:
        yield Page(ours[1], theirs[0])
    finally:
        process.kill()
        process.wait()
        os.close(ours[1])
        os.close(theirs[0])


class Page:
    """One tab.

    Attributes:
        complaints: list of str, what its console and its scripts complained
            about; a test that expects some clears them.
    """

    def __init__(self, to, back):
        self._to, self._back = to, back
        self._rest, self._count, self._session = b"", 0, None
        self.complaints = []
        targets = self.call("Target.getTargets")["targetInfos"]
        (target,) = [t for t in targets if t["type"] == "page"]
        self._session = self.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )["sessionId"]
        for domain in ("Page", "Runtime", "Log", "DOM"):
            self.call(f"{domain}.enable")
        self.resize(1280, 800)

    def call(self, method, **parameters):
        """The result of a DevTools method; `RuntimeError` if it fails."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            reply = self._read()
            if reply.get("id") == self._count:
                if "error" in reply:
                    raise RuntimeError(f"{method}: {reply['error']}")
                return reply["result"]

    def close(self):
        """Closes the browser, as a person does; it keeps its profile."""
        self.call("Browser.close")
        # It has ended when its end of the pipe is closed.
        while os.read(self._back, 1 << 16):
            pass

    def resize(self, width, height, *, phone=False):
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )

    def go(self, url):
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def run(self, script):
        """The value of an expression, awaited."""
        found = self.call(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
        )
        if "exceptionDetails" in found:
            raise RuntimeError(f"{script}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def wait(self, script, seconds=60.0):
        """Waits until an expression is true."""
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(RuntimeError):  # Between two pages.
                if self.run(f"Boolean({script})"):
                    return
            if time.monotonic() > end:
                text = self.run("document.body.innerText")
                raise TimeoutError(f"{script} within {seconds} s: {text}")
            time.sleep(0.02)

    def text(self, selector):
        """What a person reads of an element."""
        return self.run(f"document.querySelector({selector!r}).innerText")

    def press(self, key, *, shift=False):
        """Presses a key, as a keyboard does."""
        about = {
            "key": key,
            "modifiers": _SHIFT if shift else 0,
            "windowsVirtualKeyCode": _CODES.get(key) or ord(key.upper()),
        }
        text = _KEYS.get(key, key if len(key) == 1 else "")
        down = {"type": "keyDown", "text": text} if text else {}
        self.call(
            "Input.dispatchKeyEvent", **{"type": "rawKeyDown", **about, **down}
        )
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def type(self, text):
        for letter in text:
            self.press(letter)

    def click(self, selector):
        self.mouse("mousePressed", *self._middle(selector))
        self.mouse("mouseReleased", *self._middle(selector))

    def mouse(self, kind, x, y, **more):
        self.call(
            "Input.dispatchMouseEvent",
            type=kind,
            x=x,
            y=y,
            button="left",
            buttons=int(kind != "mouseReleased"),
            clickCount=1,
            **more,
        )

    def drag(self, start, *stops):
        """Presses at `start`, moves over the stops, and lets go."""
        self.mouse("mousePressed", *start)
        for stop in stops:
            self.mouse("mouseMoved", *stop)
        self.mouse("mouseReleased", *stops[-1])

    def choose_file(self, selector, path):
        """Gives a file to an input."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)
        self.call(
            "DOM.setFileInputFiles", files=[str(path)], nodeId=node["nodeId"]
        )

    def _middle(self, selector):
        return self.run(
            f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])"
            f"(document.querySelector({selector!r}).getBoundingClientRect())"
        )

    def _read(self):
        while b"\0" not in self._rest:
            if not select.select([self._back], [], [], 60)[0]:
                raise TimeoutError("The browser does not answer.")
            data = os.read(self._back, 1 << 16)
            if not data:
                raise RuntimeError("The browser ended.")
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        message = json.loads(message)
        self._listen(message.get("method"), message.get("params", {}))
        return message

    def _listen(self, method, about):
        if method == "Runtime.exceptionThrown":
            self.complaints.append(str(about["exceptionDetails"]))
        elif method == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.complaints.append(str(about["entry"]))
        elif method == "Runtime.consoleAPICalled":
            if about["type"] in ("error", "warning", "assert"):
                self.complaints.append(str(about["args"]))
