# SPDX-License-Identifier: GPL-2.0-or-later
"""./hypsec top: one sample against the properties, and the live view on a
terminal of 80 x 24, which this test emulates."""
import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from unittest import mock

# Before running.py reads it: boards of this test alone.
FOLDER = tempfile.TemporaryDirectory(prefix="hypsec-top-")
WORK = pathlib.Path(FOLDER.name)
os.environ["HYPSEC_RUNS"] = str(WORK / "runs")

import looktest  # noqa: E402
import board  # noqa: E402
import guests  # noqa: E402
import run_guest  # noqa: E402
import running  # noqa: E402
import top  # noqa: E402
import top_view  # noqa: E402
from qtest import Qtest  # noqa: E402

TOP = board.ROOT / "tools/top.py"
INSPECT, OBSERVER = "/machine/inspect", "/machine/peripheral/obs"
# A hang bound.
SECONDS = 300


def hypsec_top(*arguments):
    done = subprocess.run([sys.executable, TOP, *arguments], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=SECONDS)
    assert "Traceback" not in done.stderr, done.stderr
    return done


@contextlib.contextmanager
def started(name, config, observer=True):
    folder = WORK / "runs" / name
    folder.mkdir(parents=True)
    if observer:
        config.extra = (*config.extra, *running.observer(config.extra))
    with running.Registration(folder, f"hypsec {name}") as entry, \
            board.Board(config, registration=entry) as machine:
        yield machine


def demo_config():
    scenario = guests.scenario("demo", guests.Options(cpus=2))
    for vm in scenario.vms:
        # Seconds or rounds: longer than any test.
        vm.config["arg0"] = 100000
    bundle = WORK / "demo.cpio"
    bundle.write_bytes(scenario.bundle())
    return board.Config(smp=2, kernel=guests.HOSTVISOR, initrd=bundle,
                        append=" ".join(scenario.host),
                        extra=run_guest.threads(2))


class Screen:
    """A terminal, as far as top uses one: what stands on it."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.rows = [""] * height
        self.other = False
        self.strange = []
        self.overlong = []
        self._row = 0

    def feed(self, text):
        """TEXT ends where a sequence ends."""
        for part in re.split(r"(\x1b\[[0-9;?]*[A-Za-z]|\r\n)", text):
            if part == "\x1b[H":
                self._row = 0
                self.rows[0] = ""
            elif part == "\r\n":
                self._row += 1
                if self._row >= self.height:
                    self.overlong.append("too many lines")
                    self._row = self.height - 1
                self.rows[self._row] = ""
            elif part in ("\x1b[2J", "\x1b[J"):
                self.rows[self._row + (part == "\x1b[J"):] = \
                    [""] * (self.height - self._row - (part == "\x1b[J"))
            elif part in ("\x1b[?1049h", "\x1b[?1049l"):
                self.other = part.endswith("h")
            elif re.fullmatch(r"\x1b\[(\d*(;\d+)*m|K|\?25[hl])", part):
                pass
            elif part.isprintable():
                self.rows[self._row] += part
                if len(self.rows[self._row]) > self.width:
                    self.overlong.append(self.rows[self._row])
            else:
                self.strange.append(part)


class Live:
    """top on a pty."""

    def __init__(self, *arguments, width=80, height=24):
        self.screen = Screen(width, height)
        self._text = ""
        self._bytes = b""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", height, width, 0, 0))
        self.slave = slave
        self.modes = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            [sys.executable, TOP, *arguments], stdin=slave, stdout=slave,
            stderr=slave, start_new_session=True,
            env={**os.environ, "TERM": "xterm"})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def _read(self, seconds):
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return
        self._bytes += os.read(self.master, 65536)
        # Never half a sequence: a frame ends with one that clears the rest.
        whole, mark, rest = self._bytes.rpartition(b"\x1b[J")
        if mark:
            self.screen.feed((whole + mark).decode())
            self._bytes = rest

    def until(self, seen):
        """Whether SEEN(text of the screen) becomes true."""
        bound = time.monotonic() + SECONDS
        while time.monotonic() < bound:
            if seen("\n".join(self.screen.rows)):
                return True
            if self.process.poll() is not None:
                return False
            self._read(0.1)
        return False

    def press(self, key):
        os.write(self.master, key)

    def end(self):
        """(exit status, what came after the last picture)."""
        bound = time.monotonic() + SECONDS
        while self.process.poll() is None and time.monotonic() < bound:
            self._read(0.05)
        while select.select([self.master], [], [], 0)[0]:
            self._read(0)
        rest = self._bytes.decode()
        self.screen.feed(rest)
        return self.process.poll(), rest


def once(tap, machine):
    """A board that is stopped: the sample is what its properties are."""
    found = json.loads(hypsec_top("--once", "--json").stdout)
    for name, path, prop in (
            ("cpus", INSPECT, "pcpus"), ("vms", INSPECT, "vms"),
            ("owners", INSPECT, "owners"), ("inspect", INSPECT, "status"),
            ("world-time", OBSERVER, "world-time"),
            ("world-entries", OBSERVER, "world-entries"),
            ("world-instructions", OBSERVER, "world-instructions")):
        tap.equal(found[name], machine.qom_get(path, prop), f"once/{name}")
    for world in ("host", "vm1", "vm2", "el2", "unknown"):
        tap.equal(found["causes"].get(world),
                  machine.qom_get(OBSERVER, f"causes-{world}"),
                  f"once/causes-{world}")
    tap.equal((found["status"], found["missing"], found["board"]),
              ("paused", {}, "demo"), "once/status")
    text = hypsec_top("--once").stdout
    cpus = machine.qom_get(INSPECT, "pcpus")
    for cpu in cpus:
        tap.result(re.search(
            rf"^ +{cpu['cpu']} {said(cpu['world'])} +{cpu['vcpu']} +"
            rf"{cpu['refusals']} +{cpu['hypercalls']} +{cpu['smcs']} +"
            rf"{cpu['host-s2-faults']}\b", text, re.MULTILINE),
            f"once/text-has-cpu-{cpu['cpu']}", text)
    for vm in machine.qom_get(INSPECT, "vms"):
        tap.result(re.search(
            rf"^ +{vm['vmid']} {vm['state']} +{vm['pages']} ", text,
            re.MULTILINE), f"once/text-has-vm-{vm['vmid']}", text)
    causes = machine.qom_get(OBSERVER, "causes-host")
    tap.result(re.search(rf"^HVC +\d+ +{causes['HVC']} ", text,
                         re.MULTILINE), "once/text-has-the-hvcs", text)
    times = machine.qom_get(OBSERVER, "world-time")
    share = 100 * times["host"] / sum(times.values())
    tap.result(f"host {share:.1f} %" in text, "once/text-has-the-time", text)
    tap.result("\x1b" not in text and max(map(len, text.splitlines())) < 120,
               "once/is-plain-text", text)


def said(world):
    return "EL2" if world == "el2" else world


def live(tap, machine):
    """Draws, answers keys, and gives the terminal back."""
    with Live("--interval", "0.1") as top:
        drawn = top.until(lambda text: "hypsec top: demo-2  " in text and
                          "locks held" in text)
        tap.result(drawn, "live/draws", top.screen.rows)
        tap.result(top.until(lambda text: re.search(
            r"^ +1 VERIFIED +\d", text, re.M) and "exits/s" in text),
            "live/has-vms-and-rates", top.screen.rows)
        tap.result(top.screen.other, "live/on-a-screen-of-its-own")
        top.press(b"h")
        tap.result(top.until(lambda text: "look now" in text and
                             "locks held" not in text), "live/h-helps",
                   top.screen.rows)
        top.press(b"h")
        top.press(b"s")
        tap.result(top.until(lambda text: "by time" in text),
                   "live/s-sorts-otherwise", top.screen.rows)
        top.press(b"p")
        tap.result(top.until(lambda text: "PAUSED" in text), "live/p-pauses",
                   top.screen.rows)
        fcntl.ioctl(top.slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 12, 60, 0, 0))
        top.process.send_signal(signal.SIGWINCH)
        tap.result(top.until(lambda text: any(
            "every" in row or "PAUSED" in row for row in text.splitlines()
            if len(row) <= 59)), "live/a-smaller-window", top.screen.rows)
        top.press(b"q")
        status, rest = top.end()
        tap.equal((status, top.screen.other), (0, False), "live/q-quits")
        tap.equal(termios.tcgetattr(top.slave), top.modes,
                  "live/terminal-as-before")
        tap.equal((top.screen.strange, top.screen.overlong), ([], []),
                  "live/in-80x24-and-nothing-else")
    tap.equal(machine.qmp("query-status")["status"], "running",
              "live/the-board-runs-on")


def signals(tap):
    """However it ends, the terminal is as before."""
    for number, expected in ((signal.SIGTERM, 1), (signal.SIGINT, 130),
                             (signal.SIGHUP, 1), (signal.SIGQUIT, 1)):
        with Live("--interval", "0.1") as top:
            top.until(lambda text: "locks held" in text)
            top.process.send_signal(number)
            status, _ = top.end()
            tap.equal((status, top.screen.other,
                       termios.tcgetattr(top.slave) == top.modes),
                      (expected, False, True),
                      f"live/{signal.Signals(number).name}")


def no_size(tap):
    """A terminal that knows no size, as on a serial line, has 80 x 24."""
    with Live("--interval", "0.1", width=0, height=0) as top:
        top.screen = Screen(80, 24)
        drawn = top.until(lambda text: "locks held" in text)
        top.press(b"q")
        status, rest = top.end()
        tap.equal((drawn, status, top.screen.overlong), (True, 0, []),
                  "live/a-terminal-without-a-size")


def full(tap):
    """Where nothing can be written: one line that says so."""
    for option in ((), ("--json",)):
        with open("/dev/full", "w") as nowhere:
            done = subprocess.run(
                [sys.executable, TOP, "--once", *option], text=True,
                stdin=subprocess.DEVNULL, stdout=nowhere,
                stderr=subprocess.PIPE, timeout=SECONDS)
        tap.equal((done.returncode, done.stderr),
                  (1, "hypsec top: cannot write: No space left on device\n"),
                  f"once/full{''.join(option)}")


def end_of_board(tap, stack):
    with Live("--interval", "0.1") as top:
        top.until(lambda text: "locks held" in text)
        # The board goes.
        stack.close()
        status, rest = top.end()
        tap.result(status == 0 and not top.screen.other and
                   re.search(r"hypsec top: board demo-2 has ended", rest),
                   "live/survives-the-end-of-the-board", f"{status} {rest!r}")


def end_of_stream(tap):
    """A board closes its QMP before its process, here our own, is gone."""
    folder = WORK / "runs" / "closed"
    folder.mkdir(parents=True)
    with running.Registration(folder, "hypsec closed") as entry:
        entry.started(os.getpid())
        found = running.pick(None)
        with mock.patch.object(top, "print_once", side_effect=[
                None, running_error(found)]):
            tap.equal(top.stream(found, 0.01), "board closed has ended "
                      "(Connection refused)", "json/ends-with-the-board")


def running_error(found):
    """What a look at a board raises."""
    try:
        return top.look(found)
    except running.RunningError as error:
        return error


def demo(tap):
    with contextlib.ExitStack() as stack:
        machine = stack.enter_context(started("demo", demo_config()))
        machine.wait_line("all there, round 1", SECONDS)
        machine.qmp("stop")
        once(tap, machine)
        text = hypsec_top().stdout
        tap.result("hypsec top: demo  paused" in text and "\x1b" not in text,
                   "once/without-a-terminal", text)
    with contextlib.ExitStack() as stack:
        # One that runs as long as it takes.
        config = demo_config()
        scenario = guests.scenario("linux-vm", guests.Options(cpus=2,
                                                              shell=True))
        config.initrd.write_bytes(scenario.bundle())
        config.append = " ".join(scenario.host)
        machine = stack.enter_context(started("demo-2", config))
        while machine.qom_get(INSPECT, "status") != "ok" or \
                not machine.qom_get(INSPECT, "vms"):
            time.sleep(board.POLL_SECONDS)
        live(tap, machine)
        signals(tap)
        no_size(tap)
        full(tap)
        end_of_board(tap, stack)


def none(tap):
    for arguments in ((), ("--once",), ("--json",)):
        done = hypsec_top(*arguments)
        tap.result(done.returncode == 1 and not done.stdout and
                   "no board is running" in done.stderr,
                   f"none/said{''.join(arguments)}", done.stderr)
    for bad in (["--interval", "0"], ["--interval", "nan"], ["--interval",
                "1e9"], ["--interval", "x"], ["--nothing"]):
        done = hypsec_top(*bad)
        tap.equal((done.returncode, done.stdout), (2, ""),
                  f"none/usage {' '.join(bad)}")


def spoilt(tap):
    """Nothing sound in EL2's page, and no observer: said, and the rest is
    shown."""
    with contextlib.closing(Qtest(WORK / "qtest")) as qtest:
        config = board.Config(memory="256M", kernel=board.PARK, initrd=None,
                              extra=qtest.arguments())
        with started("spoilt", config, observer=False) as machine:
            qtest.accept()
            while machine.qom_get(INSPECT, "status") != "ok":
                time.sleep(board.POLL_SECONDS / 4)
            page = int(machine.qom_get(INSPECT, "page-address"))
            qtest.writeq(page, 1)
            done = hypsec_top("--once")
            tap.result(done.returncode == 0 and "not sound" in done.stdout and
                       "no observer" in done.stdout and
                       "hypsec top: spoilt  running" in done.stdout,
                       "spoilt/said", done.stdout + done.stderr)
            with Live("--interval", "0.1") as top:
                tap.result(top.until(lambda text: "not sound" in text),
                           "spoilt/live", top.screen.rows)
                top.press(b"q")
                tap.equal(top.end()[0], 0, "spoilt/live-quits")
            found = json.loads(hypsec_top("--once", "--json").stdout)
            tap.equal((found["cpus"], found["observer"], found["causes"]),
                      (None, None, {}), "spoilt/json")


def made_up(**fields):
    return {"at": 10.0, "status": "running", "inspect": "ok", "panicked": "0",
            "cpus": [], "vms": [], "owners": {}, "observer": "x",
            "world-time": {}, "causes": {}, "missing": {}, **fields}


def cpu(number=0, **fields):
    return {"cpu": number, "world": "host", "vcpu": 0, "refusals": 0,
            "hypercalls": 0, "smcs": 0, "host-s2-faults": 0, "locks": [],
            **fields}


def views(tap):
    """Rates, resets, sorting, and boards that say anything."""
    before = made_up(at=8.0, cpus=[cpu(hypercalls=100)],
                     **{"world-time": {"host": 1000, "vm2": 500, "el2": 0}},
                     causes={"host": {"HVC": 10, "ERET": 5}})
    now = made_up(cpus=[cpu(hypercalls=150)],
                  **{"world-time": {"host": 1300, "vm2": 500, "el2": 100}},
                  causes={"host": {"HVC": 30, "ERET": 50}})
    view = top_view.View(now, before)
    tap.equal((view.cpu_rate(0, "hypercalls"), view.cause("host", "HVC"),
               view.shares(), view.exits("host")),
              (25, 10, {"host": .75, "el2": .25}, 10), "view/rates")
    reset = top_view.View(before | {"at": 12.0}, now)
    tap.equal((reset.cpu_rate(0, "hypercalls"), reset.cause("host", "HVC"),
               reset.shares()), (None, 10, {"host": 2 / 3, "vm2": 1 / 3}),
              "view/a-new-base-after-a-reset")
    tap.result(any("went back" in line for _, line in
                   top_view.lines(reset, 80, 24)) and not any(
                       "went back" in line for _, line in
                       top_view.lines(view, 80, 24)), "view/which-it-says")
    for name, back in (("cpus", [cpu(hypercalls=99)]),
                       ("world-time", {"host": 1300, "vm2": 499, "el2": 100}),
                       ("causes", {"host": {"HVC": 9, "ERET": 50}})):
        loaded = top_view.View(now | {name: back}, before)
        tap.equal((loaded.went_back, loaded.rate(lambda one: 7)),
                  (True, None), f"view/any-counter-may-go-back-{name}")
    unsound = top_view.View(now | {"cpus": None, "causes": {}}, before)
    tap.result(not unsound.went_back, "view/what-is-missing-went-nowhere")
    vms = [{"vmid": n, "state": "READY", "pages": pages, "vcpus": [],
            "banks": []} for n, pages in ((1, 5), (2, 9), (3, 1))]
    busy = made_up(vms=vms, **{"world-time": {"vm3": 7, "vm1": 3}},
                   causes={"vm1": {"HVC": 9}, "vm3": {"HVC": 2}})
    tap.equal([[vm["vmid"] for vm in top_view.View(busy, sort=sort).vms()]
               for sort in ("number", "time", "exits", "pages")],
              [[1, 2, 3], [3, 1, 2], [1, 3, 2], [2, 1, 3]], "view/sorts")
    tap.equal([top_view.short(value) for value in (
        0, 7, 0.25, 99999, 100000, 1234567, 2 ** 64 - 1, None)],
        ["0", "7", "0.2", "99999", "100k", "1.23M", "18.4E", "-"],
        "view/numbers")
    huge = 2 ** 64 - 1
    nasty = "\x1b[2J\x00" + "z" * 500
    hostile = made_up(
        status=nasty, cpus=[cpu(n, world=nasty, vcpu=huge, refusals=huge,
                                locks=[nasty] * 9) for n in range(8)],
        vms=[{"vmid": n, "state": nasty, "pages": huge, "banks": [],
              "vcpus": [{"vcpu": v, "power": nasty} for v in range(8)]}
             for n in range(1, 16)],
        causes={f"vm{n}": {f"{nasty}{c}": huge for c in range(40)}
                for n in range(1, 16)})
    found = [line for _, line in
             top_view.lines(top_view.View(hostile), 80, 24)]
    tap.result(len(found) <= 24 and all(
        len(line) <= 80 and line.isprintable() for line in found),
        "view/anything-fits-80x24", found)
    tap.result(sum(" more" in line for line in found) == 3,
               "view/what-has-no-room-is-counted", found)


def body(tap):
    try:
        for part in (none, views, end_of_stream, demo, spoilt):
            part(tap)
    finally:
        FOLDER.cleanup()


if __name__ == "__main__":
    looktest.run(body)
