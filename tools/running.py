# SPDX-License-Identifier: GPL-2.0-or-later
"""Boards that run: how they make themselves known, and how they are found.

A board registers by a file board.json in its folder under build/run/, and
serves QMP on a socket in a folder that only its user can enter:

    with Registration(folder, "hypsec run --smp 2", symbols=[...]) as entry:
        ...start QEMU with entry.arguments() and entry.fds inherited...
        entry.started(pid)

Anybody else of the same user looks it up and asks, one client at a time:

    with connect(pick(None)) as qmp:
        qmp.qom_get("/machine/inspect", "status")

What stands in a file there is checked: it may be left over or damaged. What
goes wrong is a RunningError, whose text is for users.

Only the standard library, Python 3.11 or later.
"""
import dataclasses
import json
import os
import pathlib
import shutil
import socket
import sys
import tempfile
import time

import board
from board import printable

# Another folder keeps boards of tests apart.
RUNS = pathlib.Path(os.environ.get("HYPSEC_RUNS", board.BUILD / "run"))
FILE = "board.json"
MAX_FILE_BYTES = 1 << 20
# An answer of QMP's; the longest are lists of all VMs.
MAX_ANSWER_BYTES = 1 << 26
BUSY_SECONDS = 5
ANSWER_SECONDS = 60
SHORT_FOLDER = "/tmp"
OBSERVER = "hypsec-el-observer"
OBSERVER_ID = "obs"


class RunningError(Exception):
    """What the user gets to read."""


class Gone(RunningError):
    """The board closed its QMP: it has ended, or its process is about to."""


def give_up_output():
    """What could not be written to the standard output shall not be tried
    again at the program's end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _started_at(pid):
    """When process PID started, in the kernel's ticks; None if it is gone."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (OSError, ValueError):
        return None
    # The name in parentheses may hold anything.
    fields = stat.rpartition(")")[2].split()
    return int(fields[19]) if fields[0] != "Z" else None


def observer(extra):
    """QEMU's arguments for an observer of exception levels, whose counters
    others read, unless EXTRA (the user's arguments) has one."""
    if any(OBSERVER in text or f"id={OBSERVER_ID}" in text.split(",")
           for text in extra):
        return ()
    return ("-device", f"{OBSERVER},id={OBSERVER_ID}")


@dataclasses.dataclass
class Kernel:
    """The Linux of a board: its world, "host" or "vm", and the file."""
    world: str
    file: pathlib.Path


def kernel_of(args):
    """The Kernel that run.py's options start, None without a Linux."""
    if args.guest not in (None, "linux-vm"):
        return None
    return Kernel("vm" if args.guest else "host", args.kernel.absolute())


class Registration:
    """One board's entry, from before its start to its end."""

    def __init__(self, folder, command, symbols=(), el2_log=None,
                 host_log=None, kernel=None):
        """COMMAND is what the user typed; SYMBOLS as in gdbserver.py; KERNEL
        is a Kernel, or None."""
        self._file = pathlib.Path(folder) / FILE
        self._facts = {
            "command": command, "symbols": list(symbols),
            "el2-log": el2_log and str(el2_log),
            "host-log": host_log and str(host_log),
            "kernel": kernel and [kernel.world, str(kernel.file)]}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._bind(tempfile.gettempdir())
        except OSError:
            # The kernel takes no path of more than 107 bytes.
            self._bind(SHORT_FOLDER)
        self._socket.listen(8)
        self.fds = [self._socket.fileno()]

    def _bind(self, parent):
        """Take an address in a folder of our own below PARENT."""
        self._sockets = pathlib.Path(tempfile.mkdtemp(prefix="hypsec-",
                                                      dir=parent))
        self._path = self._sockets / "qmp"
        try:
            self._socket.bind(str(self._path))
        except OSError:
            self._sockets.rmdir()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def arguments(self):
        """QEMU's arguments; it must inherit the descriptors `fds`."""
        return ("-chardev", f"socket,id=hypsec-look,fd={self.fds[0]},"
                "server=on,wait=off", "-mon",
                "chardev=hypsec-look,mode=control")

    def started(self, pid):
        """QEMU runs as PID: from now on the board can be found."""
        self._socket.close()
        facts = {"pid": pid, "started": _started_at(pid),
                 "socket": str(self._path), **self._facts}
        # Never half a file.
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(facts, indent=1) + "\n")
        new.replace(self._file)

    def close(self):
        self._socket.close()
        self._file.unlink(missing_ok=True)
        shutil.rmtree(self._sockets, ignore_errors=True)


@dataclasses.dataclass
class Running:
    """A board that runs. `symbols` as in gdbserver.py; the logs may be None.
    """
    name: str
    folder: pathlib.Path
    pid: int
    socket: pathlib.Path
    command: str
    symbols: list
    el2_log: pathlib.Path | None
    host_log: pathlib.Path | None
    kernel: Kernel | None = None

    def __str__(self):
        return printable(f"{self.name}  (process {self.pid}: "
                         f"{self.command})")


def _path(value):
    return pathlib.Path(value) if isinstance(value, str) else None


def _kernel(value):
    """The Kernel in a file, None if there is no sound one."""
    if not isinstance(value, list) or len(value) != 2 or \
       value[0] not in ("host", "vm") or not isinstance(value[1], str):
        return None
    return Kernel(value[0], pathlib.Path(value[1]))


def _symbols(value):
    """The sound entries. They become lines of gdb's, so none may hold one."""
    return [entry for entry in value if isinstance(entry, dict) and
            all(isinstance(entry.get(key), str) and entry[key].isprintable()
                for key in ("world", "file", "name")) and
            entry["world"].isalnum()]


def _read(path):
    """The Running of a file; None if it is unsound or its board is gone."""
    try:
        # A pipe would never end.
        if not path.is_file():
            return None
        with open(path, "rb") as file:
            facts = json.loads(file.read(MAX_FILE_BYTES))
        pid, address = facts["pid"], _path(facts["socket"])
        if type(pid) is not int or pid <= 0 or not address.is_socket() or \
           _started_at(pid) != facts["started"] or facts["started"] is None:
            return None
        return Running(path.parent.name, path.parent, pid, address,
                       str(facts["command"]), _symbols(facts["symbols"]),
                       _path(facts["el2-log"]), _path(facts["host-log"]),
                       _kernel(facts.get("kernel")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError,
            RecursionError):
        return None


def boards():
    """The boards that run now, oldest first."""
    found = filter(None, map(_read, sorted(RUNS.glob(f"*/{FILE}"))))
    return sorted(found, key=lambda board_: board_.name)


def pick(text=None):
    """The only board that runs, or the one that TEXT means: (part of) its
    name or of its command, or its process number."""
    running = boards()
    if not running:
        raise RunningError("no board is running; start one with "
                           "`./hypsec run` in another terminal, in this clone")
    found = running if text is None else \
        [b for b in running if text in (b.name, str(b.pid))] or \
        [b for b in running if text in b.name or text in b.command]
    if len(found) == 1:
        return found[0]
    listed = "\n".join(f"  {b}" for b in found or running)
    if found:
        raise RunningError("several boards are running; name one of them:\n"
                           f"{listed}")
    raise RunningError(f"no running board is called {text!r}; there are:\n"
                       f"{listed}")


class Connection:
    """QMP to a board that runs. Use it in a `with` statement, briefly: while
    it lasts nobody else is answered."""

    def __init__(self, running):
        self._running = running
        self._pending = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Answers to a client that went away may still come.
        self._mine = os.urandom(6).hex()
        self._asked = 0
        self.events = []

    def __enter__(self):
        try:
            self._open()
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End it; it can be closed already."""
        self._socket.close()

    def _open(self):
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            self._socket.settimeout(BUSY_SECONDS)
            try:
                self._socket.connect(str(self._running.socket))
                break
            except (BlockingIOError, TimeoutError):
                if time.monotonic() > deadline:
                    raise self._busy() from None
                time.sleep(board.POLL_SECONDS)
            except OSError as error:
                raise self._gone(error.strerror or error) from None
        try:
            self._line(deadline)
        except TimeoutError:
            raise self._busy() from None
        except OSError as error:
            raise self._gone(error.strerror or error) from None
        self.qmp("qmp_capabilities")

    def _busy(self):
        return RunningError(f"board {self._running.name} answers somebody "
                            f"else for more than {BUSY_SECONDS} s; try again")

    def _gone(self, why):
        return Gone(f"board {self._running.name} has ended ({why})")

    def send_fd(self, message, descriptor):
        """Send MESSAGE with a file descriptor; its result."""
        return self._ask(message, [descriptor])

    def qmp(self, command, timeout=ANSWER_SECONDS, **arguments):
        """Execute COMMAND; what it returns. A refusal is a RunningError."""
        return self._ask({"execute": command, "arguments": {
            name.replace("_", "-"): value
            for name, value in arguments.items()}}, timeout=timeout)

    def qom_get(self, path, name):
        return self.qmp("qom-get", path=path, property=name)

    def hmp(self, line):
        """Run a line of the human monitor; what it prints."""
        return self.qmp("human-monitor-command", command_line=line)

    def _ask(self, message, descriptors=(), timeout=ANSWER_SECONDS):
        command = message["execute"]
        self._asked += 1
        message = {**message, "id": f"{self._mine}-{self._asked}"}
        try:
            data = json.dumps(message).encode() + b"\n"
            if descriptors:
                socket.send_fds(self._socket, [data], list(descriptors))
            else:
                self._socket.sendall(data)
            deadline = time.monotonic() + timeout
            while True:
                answer = self._line(deadline)
                if "event" in answer:
                    self.events.append(answer)
                elif answer.get("id") == message["id"]:
                    break
        except TimeoutError:
            raise RunningError(f"board {self._running.name}: no answer to "
                               f"{command} within {timeout} s") from None
        except OSError as error:
            raise self._gone(error.strerror or error) from None
        if "return" in answer:
            return answer["return"]
        error = answer.get("error")
        raise RunningError(printable(
            f"board {self._running.name}: {command}: " +
            str(error.get("desc") if isinstance(error, dict) else error)))

    def _line(self, deadline):
        """The next message. Raises TimeoutError after DEADLINE."""
        while b"\n" not in self._pending:
            if len(self._pending) > MAX_ANSWER_BYTES:
                raise RunningError(f"board {self._running.name}: an answer "
                                   "without end")
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            data = self._socket.recv(1 << 16)
            if not data:
                raise self._gone("it closed the connection")
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        try:
            if isinstance(message := json.loads(line), dict):
                return message
        except (ValueError, RecursionError):
            pass
        raise RunningError(f"board {self._running.name}: an answer that is "
                           "not QMP's")


def connect(running):
    """A short connection to a Running: with connect(r) as qmp: ..."""
    return Connection(running)
