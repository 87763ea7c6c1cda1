# SPDX-License-Identifier: GPL-2.0-or-later
"""./hypsec debug from the command line: new boards, boards that run, and what
it says when something is wrong."""
import contextlib
import os
import pathlib
import re
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time

# Before running.py reads it: boards of this test alone.
FOLDER = tempfile.TemporaryDirectory(prefix="hypsec-runs-")
os.environ["HYPSEC_RUNS"] = FOLDER.name
import looktest  # noqa: E402
import board  # noqa: E402
import gdbserver  # noqa: E402
import kernel  # noqa: E402
import linux_symbols  # noqa: E402
import parked as parking  # noqa: E402
import running  # noqa: E402
import physical  # noqa: E402

DEBUG = board.ROOT / "tools/debug.py"
SECONDS = 300

RUNNING_SECONDS = 200


def debug(*arguments, **settings):
    return subprocess.run([sys.executable, DEBUG, *arguments], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=SECONDS,
                          **settings)


def commands(*lines):
    return [word for line in lines for word in ("--ex", line)]


def new_board(tap):
    done = debug("--guest", "demo", "--batch", *commands(
        "hypsec break at alice vm_main", "continue", "backtrace",
        "python import common; print(common.el2_console())"))
    tap.result(done.returncode == 0 and "vm_main (params=" in done.stdout and
               "secret.c" in done.stdout and
               "el2-console.log" in done.stdout, "batch-on-a-new-board",
               done.stdout)
    done = debug("--guest", "demo", "--batch", *commands("hypsec cpu 9"))
    tap.result(done.returncode == 1 and "no CPU 9" in done.stdout,
               "failed-command-is-status-1", done.stdout)
    tap.equal((running.boards(), os.listdir(FOLDER.name)), ([], []),
              "batch-leaves-nothing-behind")
    script = pathlib.Path(FOLDER.name) / "script.gdb"
    script.write_text("hypsec break at el2 boot_main\ncontinue\n"
                      "hypsec world\n")
    done = debug("--smp", "1", "--batch", "--script", str(script), "--",
                 "-name", "looked-at")
    script.unlink()
    tap.result(done.returncode == 0 and "<boot_main>" in done.stdout,
               "script-and-qemus-arguments", done.stdout)


class Terminal:
    """./hypsec debug as somebody at a terminal has it."""

    def __init__(self, *arguments):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "dumb"
            os.execv(sys.executable, [sys.executable, str(DEBUG), *arguments])

    def type(self, text):
        self.seen = ""
        os.write(self.fd, text.encode())

    def until(self, words):
        """Read until WORDS end what was seen, or the program has ended."""
        bound = time.monotonic() + SECONDS
        while not self.seen.rstrip().endswith(words):
            if not select.select([self.fd], [], [], board.POLL_SECONDS)[0]:
                assert time.monotonic() < bound, f"no {words}: {self.seen}"
                continue
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                break
            self.seen += data.decode(errors="replace")
        return self.seen

    def end(self):
        """The exit status; the program goes in any case."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return status


def wait_running(name):
    """Until the board executes instructions."""
    end = time.monotonic() + RUNNING_SECONDS
    while time.monotonic() < end:
        with running.connect(running.pick(name)) as qmp:
            if qmp.qmp("query-status")["status"] == "running":
                return
    raise board.BoardError(f"{name} does not run")


def terminal(tap):
    """Ctrl-C is for gdb; quitting asks, and ends the board. One that waits
    for somebody who types does not end before."""
    session = Terminal("--guest", "linux-vm", "--smp", "1", "--", "-name",
                       "typed")
    try:
        start = session.until("(gdb)")
        tap.result("tail -f" in start and "gdb server: 127.0.0.1:" in start
                   and "_start () at" in start, "says-where-the-consoles-are",
                   start)
        session.type("hypsec break at host host_main\n")
        session.until("(gdb)")
        session.type("continue\n")
        stop = session.until("(gdb)")
        tap.result("host_main (" in stop, "stops-at-a-breakpoint", stop)
        session.type("delete\n")
        if "y or n" in session.until(")"):
            session.type("y\n")
            session.until("(gdb)")
        session.type("continue\n")
        session.until("Continuing.")
        # gdb says so before it lets the board go.
        wait_running("typed")
        session.type("\x03")
        stop = session.until("(gdb)")
        tap.result("SIGINT" in stop, "ctrl-c-stops-the-board", stop)
        folder = running.pick("typed").folder
        session.type("quit\n")
        tap.result("Quit anyway?" in session.until("(y or n)"), "quit-asks",
                   session.seen)
        session.type("y\n")
        session.until("nothing more")
    finally:
        status = session.end()
    tap.equal((status, running.boards()), (0, []), "and-ends-the-board")
    tap.result((folder / "el2-console.log").stat().st_size > 0,
               "logs-stay")


def gone_terminal(tap):
    """A terminal that is closed, or a SIGTERM, ends the board."""
    for name, leave in (
            ("closed-terminal", lambda session: os.close(session.fd)),
            ("terminated", lambda session: os.kill(session.pid,
                                                   signal.SIGTERM))):
        session = Terminal("--guest", "demo", "--smp", "1", "--", "-name",
                           name)
        session.until("(gdb)")
        board_pid = running.pick(name).pid
        leave(session)
        status = os.waitstatus_to_exitcode(os.waitpid(session.pid, 0)[1])
        tap.equal((status, running.boards()), (1, []), f"{name}-ends-board")
        with contextlib.suppress(ProcessLookupError):
            os.kill(board_pid, signal.SIGKILL)
        if name != "closed-terminal":
            os.close(session.fd)


LOST = """\
import gdb, os, signal
class Lost(gdb.Breakpoint):
    # A Ctrl-C that arrives while gdb decides, and that QEMU drops.
    def stop(self):
        if not Lost.sent:
            Lost.sent = True
            os.kill(os.getppid(), signal.SIGINT)
        return False
Lost.sent = False
Lost("set_pfn_owner", internal=True)
"""


def lost_interrupt(tap):
    """Ctrl-C stops a board whose breakpoints never match."""
    script = pathlib.Path(FOLDER.name) / "lost.py"
    script.write_text(LOST)
    done = debug("--guest", "demo", "--batch", *commands(
        f"source {script}", "hypsec break owner any --to vm15", "continue",
        "hypsec world"))
    script.unlink()
    tap.result(done.returncode == 0 and
               "hypsec: Ctrl-C, while breakpoint " in done.stdout and
               re.search(r"^\* CPU \d: el2, EL2, ",
                         done.stdout, re.MULTILINE), "no-ctrl-c-is-lost",
               done.stdout)


def parked(name):
    """A registered board whose host executes one loop for ever."""
    folder = pathlib.Path(FOLDER.name) / name
    folder.mkdir()
    config = board.Config(kernel=board.PARK, initrd=None)
    entry = running.Registration(
        folder, f"hypsec run {name}", symbols=gdbserver.symbols(config),
        el2_log=folder / "el2.log")
    return entry, board.Board(config, registration=entry)


def linux_vmlinux(path, spoilt=0):
    """Write a vmlinux of board.KERNEL, or if SPOILT of another, to PATH."""
    image = board.KERNEL.read_bytes()
    at, note = kernel.note_of(image)
    path.write_bytes(kernel.elf_file(
        {"_text": kernel.LINKED, "start": kernel.LINKED + 4096}, len(image),
        (at, note[:-1] + bytes([note[-1] ^ spoilt]))))
    return path


def build_folder(folder):
    """A build folder like ours without Linux's symbols; where they go."""
    build = pathlib.Path(folder) / "build"
    (build / "sources/linux-symbols").mkdir(parents=True)
    for path in board.BUILD.iterdir():
        if path.name not in ("sources", "run"):
            (build / path.name).symlink_to(path)
    return build, build / linux_symbols.INSTALLED.relative_to(board.BUILD)


def symbols_of_linux(tap):
    """What the set-up has fetched is taken by itself, if it fits."""
    with tempfile.TemporaryDirectory(prefix="hypsec-look-") as folder:
        build, installed = build_folder(folder)
        env = {**os.environ, "HYPSEC_BUILD": str(build)}

        def ask(*options):
            return debug(*options, "--batch", "--ex", "hypsec symbols",
                         env=env).stdout
        seen = ask()
        tap.result("./hypsec setup --linux-symbols" in seen and
                   "no symbols were given for host" in seen,
                   "says-how-to-have-linux-symbols", seen)
        linux_vmlinux(installed)
        seen = ask()
        tap.result(re.search("^host +linux +at 0x40200000", seen, re.M) and
                   "setup --linux-symbols" not in seen,
                   "symbols-of-the-host-are-there", seen)
        seen = ask("--guest", "linux-vm")
        tap.result(re.search("^vm +linux +not loaded", seen, re.M),
                   "symbols-of-linux-as-a-vm-are-there", seen)
        seen = ask("--guest", "hello")
        tap.result("linux" not in seen, "none-where-no-linux-runs", seen)
        said = debug(env=env).stdout
        tap.result(f"hypsec: Linux's symbols: {installed}" in said,
                   "says-that-it-takes-them", said)
        linux_vmlinux(installed, spoilt=1)
        said = debug(env=env).stdout
        tap.result("hypsec: Linux's symbols: none; " in said and
                   "is of another kernel than" in said and
                   "linux      at" not in ask(),
                   "those-of-another-kernel-are-not-taken", said)
        installed.write_bytes(installed.read_bytes()[:100])
        said = debug(env=env)
        tap.result(said.returncode == 0 and re.search(
            f"^hypsec: Linux's symbols: none; {installed}: cut off",
            said.stdout, re.M), "spoilt-ones-are-not-taken", said.stdout)


def attach_linux(tap):
    """A board that runs says what kernel it has."""
    with tempfile.TemporaryDirectory(prefix="hypsec-look-") as name:
        build, installed = build_folder(name)
        linux_vmlinux(installed)
        folder = pathlib.Path(FOLDER.name) / "20260101-000000-linux"
        folder.mkdir()
        config = board.Config(extra=("-S",))
        entry = running.Registration(
            folder, "hypsec run", symbols=gdbserver.symbols(config),
            kernel=running.Kernel("host", board.KERNEL))
        with entry, board.Board(config, registration=entry):
            done = debug("--attach", "--batch", "--ex", "hypsec symbols",
                         env={**os.environ, "HYPSEC_BUILD": str(build)})
        # The kernel was built anew meanwhile; what runs is what ran.
        renewed = pathlib.Path(name) / "Image"
        at, note = kernel.note_of(board.KERNEL.read_bytes())
        renewed.write_bytes(board.KERNEL.read_bytes().replace(
            note, note[:-1] + bytes([note[-1] ^ 1])))
        folder.mkdir(exist_ok=True)
        entry = running.Registration(
            folder, "hypsec run", symbols=gdbserver.symbols(config),
            kernel=running.Kernel("host", renewed))
        with entry, board.Board(config, registration=entry):
            late = debug("--attach", "--vmlinux", str(installed), "--batch",
                         "--ex", "hypsec symbols")
        tap.result(late.returncode == 0 and re.search(
            "^host +linux +at 0x40200000", late.stdout, re.M),
            "attach-asks-memory-and-not-a-file", late.stdout)
        tap.result(re.search("^host +linux +at 0x40200000", done.stdout,
                             re.M), "attach-takes-symbols-of-linux",
                   done.stdout)


def state(machine):
    return machine.qmp("query-status")["status"], [
        device["label"] for device in machine.qmp("query-chardev")
        if "gdb" in device["label"]]


def wait_parked(machine):
    """Until the host is where it stays. A hang ends by the test's limit."""
    while not physical.peek(machine, parking.MAILBOX + parking.M_ALIVE, 8):
        time.sleep(board.POLL_SECONDS / 4)


def attach(tap):
    entry, machine = parked("20260101-000000-one")
    with entry, machine:
        wait_parked(machine)
        done = debug("--attach", "--batch", *commands("hypsec world"))
        tap.result(done.returncode == 0 and "* CPU 0: host, EL1" in
                   done.stdout, "attach-to-the-only-board", done.stdout)
        tap.equal(state(machine), ("running", []), "board-goes-on-after-it")
        done = debug("--attach", "one", "--batch", *commands(
            "info registers pc", "detach", "print 1+1"))
        tap.equal((done.returncode, state(machine)),
                  (0, ("running", [])), "attach-again-and-detach")
        machine.qmp("stop")
        debug("--attach", "--batch", *commands("hypsec world"))
        tap.result(state(machine)[0] in ("running", "paused"),
                   "stopped-board-survives", state(machine))
        machine.qmp("cont")
        killed(tap, machine)
        several(tap, machine)
    done = debug("--attach", "--batch", "--ex", "hypsec world")
    tap.result(done.returncode == 1 and "no board is running" in done.stdout
               and "./hypsec run" in done.stdout, "attach-to-nothing",
               done.stdout)


def killed(tap, machine):
    """A gdb that is killed leaves the board as it was."""
    ready = pathlib.Path(FOLDER.name) / "ready"
    looking = subprocess.Popen(
        [sys.executable, DEBUG, "--attach", "--batch", *commands(
            "break *($pc)",
            "python import os, pathlib, time; "
            f"new = pathlib.Path({str(ready)!r} + '.new'); "
            "new.write_text(str(os.getpid())); "
            f"new.rename({str(ready)!r}); time.sleep({SECONDS})")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        bound = time.monotonic() + SECONDS
        while not ready.exists() and time.monotonic() < bound:
            time.sleep(board.POLL_SECONDS / 4)
        done = debug("--attach", "--batch", "--ex", "hypsec world")
        tap.result(done.returncode == 1 and "gdb server already" in
                   done.stdout, "second-gdb-is-told", done.stdout)
        os.kill(int(ready.read_text()), signal.SIGKILL)
        looking.wait(SECONDS)
        tap.equal((looking.returncode, state(machine)),
                  (1, ("running", [])), "killed-gdb-leaves-a-board-that-runs")
    finally:
        looking.terminate()
        looking.wait()
        ready.unlink(missing_ok=True)


def several(tap, machine):
    entry, other = parked("20260101-000001-two")
    with entry, other:
        done = debug("--attach", "--batch", "--ex", "hypsec world")
        tap.result(done.returncode == 1 and "several boards" in done.stdout
                   and "000000-one" in done.stdout and
                   "000001-two" in done.stdout, "several-are-listed",
                   done.stdout)
        done = debug("--attach", "two", "--batch", "--ex", "hypsec world")
        tap.equal((done.returncode, state(other)), (0, ("running", [])),
                  "one-of-several-by-name")


def errors(tap):
    some = pathlib.Path(FOLDER.name) / "some"
    some.write_bytes(b"\x7fELF\x02\x01" + bytes(30))
    other = linux_vmlinux(pathlib.Path(FOLDER.name) / "other", spoilt=1)
    cases = [
        (1, ("--gdb", "no-such-gdb"), "apt-get install gdb-multiarch"),
        (1, ("--vmlinux", "/nowhere"), "--vmlinux /nowhere: no such file"),
        (1, ("--vmlinux", str(some)), "cut off"),
        (1, ("--vmlinux", str(board.KERNEL)), "vmlinux, not in Image"),
        (1, ("--vmlinux", str(board.FIRMWARE_ELF)), "no Linux kernel"),
        (1, ("--vmlinux", str(other)), "not of the kernel"),
        (1, ("--script", "/nowhere"), "--script /nowhere: no such file"),
        (1, ("--batch", "--ex", "help", "--", "-nonsense"),
         "QEMU did not start"),
        (2, ("--batch",), "--batch takes --ex or --script"),
        (2, ("--attach", "x", "--smp", "4"), "--attach takes a board as it"),
        (2, ("--attach", "x", "--", "-S"), "--attach takes a board as it"),
        (2, ("--smp", "9"), "1 to 8 CPUs"),
    ]
    before = set(pathlib.Path(FOLDER.name).iterdir())
    for status, arguments, words in cases:
        done = debug(*arguments)
        tap.result(done.returncode == status and words in done.stdout and
                   "Traceback" not in done.stdout,
                   f"refused: {' '.join(arguments[:2])}"
                   .replace(FOLDER.name, "..."),
                   done.stdout)
    tap.equal(set(pathlib.Path(FOLDER.name).iterdir()), before,
              "nothing-is-left-of-what-was-refused")
    some.unlink()
    other.unlink()


def body(tap):
    try:
        new_board(tap)
        terminal(tap)
        gone_terminal(tap)
        lost_interrupt(tap)
        attach(tap)
        attach_linux(tap)
        symbols_of_linux(tap)
        errors(tap)
    finally:
        FOLDER.cleanup()


if __name__ == "__main__":
    looktest.run(body)
