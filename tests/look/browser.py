#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A browser without a window that looks at a file, for tests and people.

    with Browser() as browser:
        view = browser.open(path, width=360)
        view.evaluate("document.title")
        view.requests, view.messages

    browser.py FILE --width 800 --dark --shot FILE.png

It is Chromium, spoken to by its DevTools protocol through a pipe: no port is
opened, and no name is resolved. Everything that a page asks for is noted.
"""
import argparse
import base64
import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import looktest  # noqa: F401  (finds tools/)
import board

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
WAIT_SECONDS = 120
# Chromium's own ends of the pipe.
READ_FD, WRITE_FD = 3, 4
MAX_MESSAGE = 256 << 20
OPTIONS = (
    "--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
    "--no-default-browser-check", "--disable-extensions", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
    "--disable-default-apps", "--disable-dev-shm-usage", "--disable-breakpad",
    "--metrics-recording-only", "--no-pings", "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe")


class BrowserError(Exception):
    """The browser is missing, or did not do what was asked of it."""


def program():
    """Chromium's path; None if there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Browser:
    """A running Chromium with a profile of its own, gone in the end."""

    def __init__(self):
        self._path = program()
        if not self._path:
            raise BrowserError("there is no Chromium; `apt-get install "
                               "chromium` brings it")
        self._number = 0
        self._messages = []
        self._closed = False
        self._changed = threading.Condition()
        self._folder = None
        self._process = None

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _start(self):
        self._folder = tempfile.mkdtemp(prefix="hypsec-browser-")
        options = [*OPTIONS, f"--user-data-dir={self._folder}"]
        if os.geteuid() == 0:
            # Its sandbox does not work as root.
            options.append("--no-sandbox")
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        # Above the numbers that they get, which nothing of ours may have.
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
                for fd in (theirs_in, theirs_out)]

        def place():
            os.dup2(high[0], READ_FD)
            os.dup2(high[1], WRITE_FD)

        fill = [os.open(os.devnull, os.O_RDONLY)
                for _ in range(WRITE_FD + 1)]
        self._log = open(pathlib.Path(self._folder) / "stderr", "wb")
        try:
            self._process = subprocess.Popen(
                [self._path, *options, "about:blank"],
                stdin=subprocess.DEVNULL, stdout=self._log,
                stderr=self._log, preexec_fn=place,
                pass_fds=(READ_FD, WRITE_FD), start_new_session=True)
        finally:
            for fd in (*fill, *high, theirs_in, theirs_out):
                os.close(fd)
        self._out = ours_out
        threading.Thread(target=self._read, args=(ours_in,),
                         daemon=True).start()

    def close(self):
        if self._process:
            board.end(self._process)
            os.close(self._out)
            self._log.close()
            self._process = None
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self, fd):
        pending = b""
        with open(fd, "rb", buffering=0) as pipe:
            while chunk := pipe.read(1 << 20):
                *whole, pending = (pending + chunk).split(b"\0")
                if len(pending) > MAX_MESSAGE:
                    break
                with self._changed:
                    self._messages += [json.loads(text) for text in whole]
                    self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def send(self, method, session=None, **parameters):
        """Execute METHOD; what it returns."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        try:
            while data:
                data = data[os.write(self._out, data):]
        except OSError as error:
            raise self._error(f"{method}: {error.strerror}") from None
        reply = self.wait(lambda m: m.get("id") == message["id"], method)
        if "error" in reply:
            raise BrowserError(f"{method}: {reply['error']['message']}")
        return reply["result"]

    def wait(self, wanted, what):
        """The first message that WANTED says yes to."""
        deadline = time.monotonic() + WAIT_SECONDS
        seen = 0
        with self._changed:
            while True:
                for message in self._messages[seen:]:
                    if wanted(message):
                        return message
                seen = len(self._messages)
                left = deadline - time.monotonic()
                if self._closed or left <= 0:
                    break
                self._changed.wait(left)
        raise self._error(f"no answer to {what}")

    def _error(self, text):
        self._log.flush()
        said = pathlib.Path(self._log.name).read_text(errors="replace")
        return BrowserError(f"{text}; Chromium said:\n{said[-2000:]}")

    def events(self, session, *names):
        with self._changed:
            return [m["params"] for m in self._messages
                    if m.get("sessionId") == session and
                    m.get("method") in names]

    def open(self, path, width=1400, height=900, dark=False):
        """A View of the file PATH, loaded."""
        return View(self, path, width, height, dark)


class View:
    """A page that has been loaded."""

    def __init__(self, browser, path, width, height, dark):
        self._browser = browser
        target = browser.send("Target.createTarget", url="about:blank")
        self._session = browser.send("Target.attachToTarget", flatten=True,
                                     **target)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._send(f"{domain}.enable")
        self._send("Emulation.setDeviceMetricsOverride", width=width,
                   height=height, deviceScaleFactor=1, mobile=False)
        self._send("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme",
             "value": "dark" if dark else "light"}])
        self.url = pathlib.Path(path).resolve().as_uri()
        answer = self._send("Page.navigate", url=self.url)
        if "errorText" in answer:
            raise BrowserError(f"{path}: {answer['errorText']}")
        browser.wait(lambda m: m.get("method") == "Page.loadEventFired" and
                     m.get("sessionId") == self._session, f"loading {path}")

    def _send(self, method, **parameters):
        return self._browser.send(method, self._session, **parameters)

    def evaluate(self, expression):
        """What the JavaScript EXPRESSION is in the page, as plain data."""
        found = self._send("Runtime.evaluate", expression=expression,
                           returnByValue=True)
        if "exceptionDetails" in found:
            raise BrowserError(f"{expression}: "
                               f"{found['exceptionDetails']['text']}")
        return found["result"].get("value")

    def print_on(self, width):
        """Lay the page out for paper that has room for WIDTH pixels."""
        self._send("Emulation.setEmulatedMedia", media="print")
        self._send("Emulation.setDeviceMetricsOverride", width=width,
                   height=width * 4 // 3, deviceScaleFactor=1, mobile=False)

    @property
    def requests(self):
        """Addresses that the page asked for, beside its own."""
        urls = [event["request"]["url"] for event in self._browser.events(
            self._session, "Network.requestWillBeSent")]
        return [url for url in urls if url != self.url]

    @property
    def messages(self):
        """What the page, or the browser about it, wrote to its console."""
        return [json.dumps(event) for event in self._browser.events(
            self._session, "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown", "Log.entryAdded")]

    def key(self, name):
        """Press and release a key, such as Tab."""
        codes = {"Tab": 9, "Enter": 13}
        for kind in ("rawKeyDown", "keyUp"):
            self._send("Input.dispatchKeyEvent", type=kind, key=name,
                       code=name, windowsVirtualKeyCode=codes[name])

    def screenshot(self, path, whole=True):
        """Write a PNG of the page, or of what the window shows of it."""
        found = self._send("Page.captureScreenshot", format="png",
                           captureBeyondViewport=whole, **(
                               {"clip": self._clip()} if whole else {}))
        pathlib.Path(path).write_bytes(base64.b64decode(found["data"]))

    def _clip(self):
        size = self._send("Page.getLayoutMetrics")["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"],
                "height": min(size["height"], 16000), "scale": 1}

    def pdf(self, path):
        """What a printer would get."""
        found = self._send("Page.printToPDF", printBackground=False)
        pathlib.Path(path).write_bytes(base64.b64decode(found["data"]))


def main(argv):
    parser = argparse.ArgumentParser(description="Look at a file in a "
                                     "browser without a window.")
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--width", type=int, default=1400)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--shot", type=pathlib.Path, metavar="FILE.png")
    parser.add_argument("--pdf", type=pathlib.Path, metavar="FILE.pdf")
    parser.add_argument("--dom", action="store_true",
                        help="print the document as the browser has it")
    args = parser.parse_args(argv)
    try:
        with Browser() as browser:
            view = browser.open(args.file, args.width, dark=args.dark)
            if args.dom:
                print(view.evaluate("document.documentElement.outerHTML"))
            if args.shot:
                view.screenshot(args.shot)
            if args.pdf:
                view.pdf(args.pdf)
            for line in (*view.requests, *view.messages):
                print(line, file=sys.stderr)
            return 1 if view.requests or view.messages else 0
    except BrowserError as error:
        print(f"browser: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
