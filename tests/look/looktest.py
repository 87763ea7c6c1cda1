# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of gdb's commands share: boards with a gdb server, and gdb.

    with looktest.debug_board(config) as machine:
        seen = looktest.gdb(machine, ["break *0x40200000", "continue",
                                      "hypsec world"])
        tap.result("host" in seen["hypsec world"], "world-is-the-host", seen)

A board starts stopped at reset (running=True: runs). gdb runs in batch mode
with the extension loaded, and leaves the board as it was when its last command
ended, so that a next gdb or QMP finds the same state. Nothing waits without a
bound, nothing is left behind.
"""
import contextlib
import pathlib
import re
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "boot"))
from boottest import Tap, run  # noqa: E402,F401  (also for our users)
import board  # noqa: E402
import gdbserver  # noqa: E402
import guests  # noqa: E402
import run_guest  # noqa: E402

EXTENSION = board.ROOT / "tools/gdb/hypsec_gdb.py"
# A hang bound, not a measure: a whole boot under breakpoints fits.
GDB_SECONDS = 400
MARK = "@@hypsec-look@@"


class LookBoard(board.Board):
    """A board with a gdb server. `symbols` is where each world's symbols are,
    see gdbserver.py."""

    def __init__(self, config, running=False, symbols=(), **settings):
        self.server = gdbserver.Listener()
        self.symbols = list(symbols)
        config.extra = (*config.extra, *self.server.arguments(),
                        *(() if running else ("-S",)))
        super().__init__(config, fds=[self.server.fileno()], **settings)

    def start(self):
        super().start()
        # QEMU has the socket now.
        self.server.close_ours()

    def close(self):
        super().close()
        self.server.close_ours()


@contextlib.contextmanager
def debug_board(config, running=False, symbols=None, **settings):
    """A board of CONFIG with a gdb server, stopped at reset unless RUNNING."""
    if symbols is None:
        symbols = gdbserver.symbols(config)
    with LookBoard(config, running, symbols, **settings) as machine:
        yield machine


@contextlib.contextmanager
def guest_board(name, cpus=2, vcpus=None, memory="1G", gic=2,
                cpu="cortex-a72", running=False, append="", extra=(),
                machine=""):
    """A board that starts guest NAME of guests.CATALOGUE, with all symbols."""
    with tempfile.TemporaryDirectory(prefix="hypsec-look-") as folder:
        scenario = guests.scenario(name, guests.Options(cpus=cpus,
                                                        vcpus=vcpus, gic=gic))
        initrd = pathlib.Path(folder) / run_guest.BUNDLE
        initrd.write_bytes(scenario.bundle())
        config = board.Config(
            machine="hypsec-virt" + scenario.machine + machine, cpu=cpu,
            smp=cpus, memory=memory, gic=gic, kernel=guests.HOSTVISOR,
            initrd=initrd,
            append=" ".join([*scenario.host, append]).strip(),
            extra=(*run_guest.threads(cpus), *extra),
            symbols=gdbserver.guest_symbols(scenario))
        with debug_board(config, running) as started:
            yield started


class Transcript:
    """What gdb printed: as a whole, and per command."""

    def __init__(self, commands, text):
        self.commands = list(commands)
        first, *parts = re.split(rf"{MARK}\d+\n", text)
        self.before = first
        self.parts = parts[:len(self.commands)]
        self.text = text

    def __getitem__(self, which):
        """The output of a command, by number or (its last run) by text."""
        if isinstance(which, int):
            return self.parts[which]
        numbers = [n for n, command in enumerate(self.commands)
                   if command == which]
        if not numbers or numbers[-1] >= len(self.parts):
            raise board.BoardError(f"gdb ran no {which!r}:\n{self}")
        return self.parts[numbers[-1]]

    def __contains__(self, text):
        return text in self.text

    def find(self, pattern, which=None):
        """re.search in the whole text or one command's output."""
        return re.search(pattern, self.text if which is None else self[which],
                         re.MULTILINE)

    def __str__(self):
        return re.sub(rf"{MARK}(\d+)\n", self._echo, self.text)

    def _echo(self, match):
        number = int(match[1])
        return f"(gdb) {self.commands[number]}\n" \
            if number < len(self.commands) else ""


def gdb(machine, commands, seconds=GDB_SECONDS, symbols=None, connect=True,
        go_on=False):
    """Run gdb against MACHINE (a LookBoard, or a port of 127.0.0.1) with the
    extension, symbols and COMMANDS; a Transcript. At the end the board stays
    stopped, or with GO_ON runs."""
    port = machine if isinstance(machine, int) else machine.server.port
    if symbols is None:
        symbols = getattr(machine, "symbols", [])
    call = [gdbserver.GDB, "-nx", "-q", "-batch"]

    def add(line):
        call.extend(["-ex", line])
    for line in ("set confirm off", "set pagination off", "set height 0"):
        add(line)
    el2_log = getattr(machine, "el2_log", None)
    for line in gdbserver.preamble(EXTENSION, symbols,
                                   port if connect else None, el2_log):
        add(line)
    for number, command in enumerate(commands):
        add(f"echo {MARK}{number}\\n")
        add(command)
    add(f"echo {MARK}{len(commands)}\\n")
    if connect:
        add("detach" if go_on else "disconnect")
    try:
        done = subprocess.run(call, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=seconds)
    except subprocess.TimeoutExpired as late:
        text = (late.stdout or b"").decode(errors="replace")
        seen = Transcript(commands, text)
        error = f"gdb did not end within {seconds} s:\n{seen}"
        if isinstance(machine, board.Board):
            raise machine.error(error) from None
        raise board.BoardError(error) from None
    except FileNotFoundError:
        raise board.BoardError(f"{gdbserver.GDB} is missing; ./hypsec test installs "
                               "it") from None
    text = done.stdout.decode(errors="replace")
    if "Traceback (most recent call last)" in text:
        raise board.BoardError("a traceback in gdb:\n"
                               f"{Transcript(commands, text)}")
    return Transcript(commands, text)
