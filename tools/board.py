# SPDX-License-Identifier: GPL-2.0-or-later
"""Start a board and watch it: the QEMU process, its consoles and its QMP.

    with Board(Config(smp=2, append="hypsec.mode=serve")) as board:
        board.wait_line("HYPSEC-READY", timeout=60)
        status, lines = board.shell("uname -r")
        board.qmp("system_powerdown")

Serial 0 (the host's console) comes through a pipe, serial 1 (EL2's console)
goes to a log file, QMP runs over a socket pair that only the two processes
have. Every wait has a time limit; whatever happens inside the `with`, QEMU is
gone after it. Everything that goes wrong is a BoardError, whose text says what
happened, where the board stood and what to look at.

Only the standard library, Python 3.11 or later.
"""
import dataclasses
import json
import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("HYPSEC_BUILD", ROOT / "build"))

QEMU = BUILD / "qemu-system-aarch64"
FIRMWARE = BUILD / "firmware/corevisor.bin"
FIRMWARE_ELF = BUILD / "firmware/corevisor.elf"
BARE_EL1 = BUILD / "guest-images/bare-el1/bare-el1.bin"
PARK = BUILD / "guest-images/park/park.bin"
KERNEL = BUILD / "guest-images/linux/Image"
INITRD = BUILD / "guest-images/linux/initrd.gz"

CONSOLE = "console=ttyAMA0"
# QEMU's arguments for the same random numbers and time in each run.
CLOCK = ("-seed", "1", "-rtc", "base=2026-01-01T00:00:00,clock=vm")
START_SECONDS = 60
TAIL_LINES = 15
# A whole panic report.
EL2_TAIL_LINES = 50
POLL_SECONDS = 0.2
END_SECONDS = 5


class BoardError(Exception):
    """The board did not do what was asked of it."""


class StartError(BoardError):
    """QEMU refused what it was given; nothing ran."""


@dataclasses.dataclass
class Config:
    """What to start. A path of None leaves the option out.

    symbols: of programs beside firmware and host, as in gdbserver.py
    """
    machine: str = "hypsec-virt"
    cpu: str = "cortex-a72"
    smp: int = 1
    memory: str = "1G"
    gic: int = 2
    bios: pathlib.Path | None = FIRMWARE
    kernel: pathlib.Path | None = KERNEL
    initrd: pathlib.Path | None = INITRD
    append: str = ""
    extra: tuple = ()
    symbols: tuple = ()

    def arguments(self):
        """QEMU's arguments for the machine and its software, without extra."""
        args = ["-M", f"{self.machine},gic-version={self.gic}",
                "-cpu", self.cpu, "-smp", str(self.smp), "-m", self.memory,
                "-no-user-config", "-nodefaults", "-display", "none"]
        if self.bios:
            args += ["-bios", str(self.bios)]
        if self.kernel:
            args += ["-kernel", str(self.kernel),
                     "-append", f"{CONSOLE} {self.append}".strip()]
        if self.kernel and self.initrd:
            args += ["-initrd", str(self.initrd)]
        return args


def end(process):
    """End PROCESS, gently if it can."""
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def check_built(*paths):
    """Fail with advice if one of the build's products is missing."""
    for path in paths:
        if path and not pathlib.Path(path).exists():
            raise BoardError(f"{path} does not exist; build it with "
                             "`./hypsec build`")


def printable(text):
    """TEXT as it can stand on a terminal."""
    return "".join(c if c.isprintable() or c == "\t" else "?"
                   for c in str(text))


def tail(path, lines=TAIL_LINES):
    """The last lines of a log file, indented and printable, or a word that it
    is empty."""
    try:
        text = pathlib.Path(path).read_text(errors="replace")
    except OSError as error:
        return f"  ({error})"
    last = [line.rstrip() for line in text.splitlines()][-lines:]
    return "\n".join(f"  {printable(line)}" for line in last) or \
        "  (nothing)"


class Console:
    """The lines that come out of the host's console, logged as they are, and
    kept as they can be shown: host and VMs print what they like."""

    def __init__(self, stream, log):
        self.lines = []
        self.closed = False
        self.changed = threading.Condition()
        self._stream = stream
        self._log = log
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        pending = b""
        with open(self._log, "wb") as log:
            while chunk := os.read(self._stream.fileno(), 65536):
                log.write(chunk)
                log.flush()
                *complete, pending = (pending + chunk).split(b"\n")
                with self.changed:
                    self.lines += [printable(line.decode(
                        errors="replace").strip("\r")) for line in complete]
                    self.changed.notify_all()
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def wait_closed(self, timeout):
        self._thread.join(timeout)


class Qmp:
    """A QMP connection: commands in order, events as they come."""

    def __init__(self, connection):
        self.events = []
        self.replies = []
        self.closed = False
        self.changed = threading.Condition()
        self._socket = connection
        self._file = connection.makefile("r", encoding="utf-8")
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for line in self._file:
                message = json.loads(line)
                with self.changed:
                    if "event" in message:
                        self.events.append(message)
                    else:
                        self.replies.append(message)
                    self.changed.notify_all()
        except (OSError, ValueError):
            pass
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def send(self, message):
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def close(self):
        # The reader's end of file, then the descriptor itself.
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()


class Board:
    """One running board. Use it in a `with` statement."""

    def __init__(self, config, log=None, el2_log=None, typing=True, fds=(),
                 registration=None, terminal=None, own_session=False):
        """Prepare CONFIG; LOG and EL2_LOG name files that shall stay.

        Without TYPING nothing reaches the host's console and its lines only
        go to the log, by no thread of ours: a run that does not vary. QEMU
        inherits the file descriptors FDS. With a running.Registration others
        can find the board, until the caller closes it. With TERMINAL the host's
        console is a pseudo-terminal too, of that name, instead of ours. With
        OWN_SESSION Ctrl-C on our terminal is not QEMU's.
        """
        self.config = config
        self._fds = list(fds)
        self._registration = registration
        self._terminal = terminal
        self._own_session = own_session
        self.typing = typing
        self.process = None
        self.console = None
        self._qmp = None
        self._asked = 0
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="hypsec-"))
        self.log = pathlib.Path(log or self._directory / "host-console.log")
        self.el2_log = pathlib.Path(el2_log or
                                    self._directory / "el2-console.log")
        self.stderr_log = self._directory / "qemu-stderr.log"
        self._next_line = 0
        self._next_event = 0

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    # Life

    def start(self):
        check_built(QEMU, self.config.bios, self.config.kernel,
                    self.config.initrd)
        ours, theirs = socket.socketpair()
        host = "stdio,id=host,signal=off" if self.typing else \
            f"file,id=host,path={escape(self.log)}"
        if self._terminal:
            host = f"pty,id=host,path={escape(self._terminal)}," \
                f"logfile={escape(self.log)}"
        self.command = [
            str(QEMU), *self.config.arguments(),
            "-chardev", host, "-serial", "chardev:host",
            "-chardev", f"file,id=el2,path={escape(self.el2_log)}",
            "-serial", "chardev:el2",
            "-chardev", f"socket,id=qmp,fd={theirs.fileno()}",
            "-mon", "chardev=qmp,mode=control", *self.config.extra]
        # It runs once its QMP is ours: a board that soon powers off would
        # else be gone before its first answer.
        stays_stopped = not {"-S", "--S"}.isdisjoint(self.config.extra)
        if not stays_stopped:
            self.command.append("-S")
        if self._registration:
            self._fds += self._registration.fds
            self.command += self._registration.arguments()
        with open(self.stderr_log, "wb") as stderr, theirs:
            pipe = subprocess.PIPE if self.typing else subprocess.DEVNULL
            self.process = subprocess.Popen(
                self.command, stdin=pipe, stdout=pipe, stderr=stderr,
                pass_fds=[theirs.fileno(), *self._fds], bufsize=0,
                start_new_session=self._own_session)
        if self.typing:
            self.console = Console(self.process.stdout, self.log)
        self._qmp = Qmp(ours)
        try:
            self._reply(timeout=START_SECONDS)
            # Answered only once the machine and all its devices exist.
            self.qmp("qmp_capabilities", timeout=START_SECONDS)
        except BoardError:
            if self._running():
                raise
            raise StartError(
                f"QEMU did not start; it says:\n{tail(self.stderr_log)}\n"
                f"command: {shlex.join(self.command)}") from None
        if not stays_stopped:
            self.qmp("cont")
        if self._registration:
            self._registration.started(self.process.pid)

    def _running(self):
        """Whether QEMU runs; one that has closed its QMP is about to end."""
        try:
            self.process.wait(10 if self._qmp.closed else 0)
        except subprocess.TimeoutExpired:
            return True
        return False

    def close(self):
        """End QEMU, gently if it can, and remove the temporary files."""
        if self.process:
            end(self.process)
            if self._qmp:
                self._qmp.close()
            if self.console:
                self.console.wait_closed(5)
                self.process.stdin.close()
                self.process.stdout.close()
            self.process = None
        shutil.rmtree(self._directory, ignore_errors=True)

    def wait_exit(self, timeout):
        """Wait for QEMU to end by itself; its exit status."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise self.error(f"QEMU still runs after {timeout} s") from None
        if self.console:
            self.console.wait_closed(timeout)
        return status

    def error(self, what):
        """A BoardError that says WHAT and shows where the board stands."""
        status = self.process.poll() if self.process else None
        state = "runs" if status is None else f"exited with status {status}"
        text = (f"{what}\nQEMU {state}: {shlex.join(self.command)}\n"
                f"last lines of the host's console:\n{tail(self.log)}\n"
                f"last lines of EL2's console:\n"
                f"{tail(self.el2_log, EL2_TAIL_LINES)}")
        if self.stderr_log.exists() and self.stderr_log.stat().st_size:
            text += f"\nQEMU's messages:\n{tail(self.stderr_log)}"
        return BoardError(text)

    # The host's console

    def wait_line(self, pattern, timeout, meaning=None):
        """The next console line that PATTERN is found in, as a match.

        Lines before it count as read, also those of earlier waits. MEANING
        stands for the pattern in what a user reads.
        """
        meaning = meaning or f"line {pattern!r}"
        regex = re.compile(pattern)
        deadline = time.monotonic() + timeout
        with self.console.changed:
            while True:
                while self._next_line < len(self.console.lines):
                    line = self.console.lines[self._next_line]
                    self._next_line += 1
                    if match := regex.search(line):
                        return match
                if self.console.closed:
                    break
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self.console.changed.wait(left)
            closed = self.console.closed
        if closed and not self._running():
            raise self.error(f"QEMU ended before the console had {meaning}")
        raise self.error(f"no {meaning} on the console within {timeout:.3g} s")

    def send(self, text):
        """Type TEXT on the host's console."""
        try:
            self.process.stdin.write(text.encode())
        except OSError as error:
            raise self.error(f"cannot type {text!r}: {error}") from None

    def shell(self, command, timeout=300):
        """Run COMMAND in a host that serves; its exit status and its lines."""
        start = self._next_line
        self.send(command + "\n")
        done = self.wait_line(r"HYPSEC-DONE (\d+)$", timeout)
        return int(done[1]), self.console.lines[start:self._next_line - 1]

    # QMP

    def qmp(self, command, timeout=120, **arguments):
        """Execute COMMAND; what it returns. A refusal is a BoardError."""
        # An underscore stands for a dash in argument names.
        self._asked += 1
        message = {"execute": command, "id": self._asked,
                   "arguments": {name.replace("_", "-"): value
                                 for name, value in arguments.items()}}
        try:
            self._qmp.send(message)
        except OSError as error:
            raise self.error(f"QMP {command}: {error}") from None
        reply = self._reply(timeout, command, self._asked)
        if "error" in reply:
            raise self.error(f"QMP {command}: {reply['error']['desc']}")
        return reply["return"]

    def qom_get(self, path, name):
        return self.qmp("qom-get", path=path, property=name)

    def hmp(self, line):
        """Run a line of the human monitor; what it prints."""
        return self.qmp("human-monitor-command", timeout=120,
                        command_line=line)

    def inspect(self, name):
        """A number of /machine/inspect; None if EL2 publishes nothing."""
        value = self.qom_get("/machine/inspect", name)
        return None if value == "unknown" else int(value)

    def wait_event(self, name, timeout, **data):
        """The next event NAME whose data holds DATA.

        Other events before it count as read.
        """
        deadline = time.monotonic() + timeout
        qmp = self._qmp
        with qmp.changed:
            while True:
                while self._next_event < len(qmp.events):
                    event = qmp.events[self._next_event]
                    self._next_event += 1
                    if event["event"] == name and \
                       data.items() <= event.get("data", {}).items():
                        return event
                left = deadline - time.monotonic()
                if qmp.closed or left <= 0:
                    break
                qmp.changed.wait(left)
            closed = qmp.closed
        if closed and not self._running():
            raise self.error(f"QEMU ended before its QMP event {name}")
        raise self.error(f"no QMP event {name} {data or ''} within "
                         f"{timeout:.3g} s")

    def wait_job(self, name, timeout):
        """Wait for job NAME to end well, and dismiss it."""
        deadline = time.monotonic() + timeout
        while True:
            job = next((j for j in self.qmp("query-jobs") if j["id"] == name),
                       None)
            if job is None or job["status"] == "concluded":
                break
            if time.monotonic() > deadline:
                raise self.error(f"job {name} is {job['status']} after "
                                 f"{timeout} s")
            time.sleep(POLL_SECONDS / 4)
        if job:
            self.qmp("job-dismiss", id=name)
            if "error" in job:
                raise self.error(f"job {name}: {job['error']}")

    def events(self, name):
        """All events NAME so far."""
        with self._qmp.changed:
            return [e for e in self._qmp.events if e["event"] == name]

    def _reply(self, timeout, command="greeting", number=None):
        """The reply to COMMAND, which has this NUMBER. One to an earlier
        command, given up by its caller, may still come."""
        deadline = time.monotonic() + timeout
        qmp = self._qmp
        with qmp.changed:
            while True:
                while qmp.replies:
                    reply = qmp.replies.pop(0)
                    if reply.get("id") == number:
                        return reply
                left = deadline - time.monotonic()
                if qmp.closed or left <= 0:
                    break
                qmp.changed.wait(left)
            closed = qmp.closed
        if closed and not self._running():
            raise self.error(f"QEMU ended before it answered ({command})")
        raise self.error(f"no QMP answer to {command} within {timeout} s")


def escape(path):
    """PATH as a value in one of QEMU's comma-separated options."""
    return str(path).replace(",", ",,")
