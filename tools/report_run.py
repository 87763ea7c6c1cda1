# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec report`: the two runs of the board behind a report.

The first run is the one that is measured: nothing stops it before its end,
and its log is the same on every machine. Where it ended, the board is paused
and read. The second run, of the same board, is for the picture of the memory:
it is stopped where the firmware takes pages back from VMs, by breakpoints.
A breakpoint stops one CPU and lets the others run a little further, so no
figure comes from that run, and it does not count instructions: CPUs that are
stopped take their turns anew, so with several it is another run anyway.
"""
import contextlib
import dataclasses
import pathlib
import re
import socket
import subprocess
import tempfile
import time

import board
import guests
import memory_map
import run
import run_guest
from boardview.owners import Owners
from boardview.page import Page, address_by_qom
from boardview.source import QmpSource, SourceError
from report_owners import INSPECT, OBSERVER, Looks

# The verdict is there, only the power-off is left.
POWER_OFF_SECONDS = 30
SETTLE_SECONDS = 30
# So many stops, then the second run goes on without.
MAX_STOPS = 2000

# Where the firmware takes pages from VMs.
TAKING = ("reclaim_all", "reclaim_range", "reclaim_scrub_vms")


@dataclasses.dataclass
class Picture:
    """The memory at one moment: a memory_map.MemoryMap, or why not."""
    title: str
    moment: str
    map: object = None
    problem: str = ""


@dataclasses.dataclass
class Outcome:
    """What a run leaves behind it."""
    failure: str = ""           # one line, empty if all went well
    details: str = ""
    verdicts: list = dataclasses.field(default_factory=list)
    wall: float = 0.0
    command: list = dataclasses.field(default_factory=list)
    qemu: str = ""
    counters: dict = dataclasses.field(default_factory=dict)
    world_instructions: dict | None = None
    looks: Looks | None = None
    end: Picture | None = None


class Failure(Exception):
    """The run did not end as it should; the first line is the reason."""


# What is read of a board that stands still

def picture(machine, title, moment):
    """The memory of MACHINE, which is stopped."""
    found = Picture(title, moment)
    try:
        with QmpSource(machine) as source:
            page = Page.read(source, address_by_qom(machine))
            found.map = memory_map.collect(source, page)
    except (SourceError, board.BoardError) as error:
        found.problem = str(error).splitlines()[0]
    return found


def owners(machine):
    """{owner: pages} by the firmware's counters; SourceError."""
    with QmpSource(machine) as source:
        page = Page.read(source, address_by_qom(machine))
        return {page.owner_name(number): pages for number, pages in
                Owners(source, page).counters().items()}


def pages_of_vms(found):
    return sum(pages for name, pages in found.items()
               if name.startswith("vm"))


# The measured run

def board_of(args, folder):
    """The board that ARGS ask for, paused instead of ended."""
    if args.guest:
        config = run_guest.configuration(args, folder)
    else:
        config = run.configuration(args, "batch")
    config.extra = (*config.extra, "-no-reboot", "-action",
                    "shutdown=pause,panic=pause")
    return config


def deadline(args):
    """When a run that begins now has to be at its end."""
    return time.monotonic() + (args.timeout or run.DEFAULT_BATCH_TIMEOUT)


def ends(machine, limit, looks=None):
    """Wait until MACHINE stands still for good, and let LOOKS look at it
    meanwhile. Raises Failure."""
    verdict = None
    while True:
        events = [event for name in ("GUEST_PANICKED", "SHUTDOWN")
                  for event in machine.events(name)]
        for event in events:
            if event["event"] == "GUEST_PANICKED":
                raise Failure("EL2 or the host reported a panic")
            reason = event["data"]["reason"]
            if reason == "guest-shutdown":
                return
            raise Failure(f"the machine went down: {reason}")
        if looks:
            looks.look(machine)
        if machine.process.poll() is not None:
            raise Failure("QEMU ended by itself with status "
                          f"{machine.process.returncode}")
        if verdict is None and has_verdict(machine):
            verdict = time.monotonic()
        if verdict and time.monotonic() - verdict > POWER_OFF_SECONDS:
            raise Failure("the board did not switch itself off after its "
                          "verdict")
        if time.monotonic() > limit:
            raise Failure("the time limit was reached before the run ended")
        time.sleep(board.POLL_SECONDS / 4)


def has_verdict(machine):
    with machine.console.changed:
        return any("HYPSEC-HOST" in line
                   for line in machine.console.lines[-20:])


def settle(machine):
    """MACHINE is to stand still: what it does is over or given up."""
    deadline = time.monotonic() + SETTLE_SECONDS
    machine.qmp("stop")
    while machine.qmp("query-status")["running"]:
        if time.monotonic() > deadline:
            raise machine.error("the board does not stop")
        time.sleep(board.POLL_SECONDS / 4)


def verdict_of_host(machine):
    """The lines of result; raises Failure if one is bad or missing."""
    for line in machine.console.lines:
        match = re.search(r"HYPSEC-HOST-(OK|FAIL).*", line)
        if not match:
            continue
        if match[1] == "OK":
            return [match[0]]
        cases = [line for line in machine.console.lines
                 if line.startswith("FAIL: ")]
        raise Failure("\n".join(["the host's self-check failed", *cases]))
    raise Failure("the host went down without a verdict")


def verdict_of_vms(machine):
    """The same of a run with VMs."""
    lines = machine.console.lines
    found = run_guest.verdicts(lines)
    done = [match for match in (re.search(guests.HOST_DONE, line)
                                for line in lines) if match]
    bad = [line for line in found if line.startswith("HYPSEC-VM-FAIL")]
    if bad:
        raise Failure("a VM failed\n" + "\n".join(bad))
    if not done:
        raise Failure("the host went down before all VMs were done")
    if done[-1][1] != "0":
        raise Failure(f"the host says: {done[-1][0]}")
    return found


def read_counters(machine, outcome):
    """What the board's own counters say at the end."""
    for name in ("status", "panicked", "refusals", "host-s2-faults",
                 "hypercalls", "smcs"):
        outcome.counters[name] = machine.qom_get(INSPECT, name)
    found = machine.qom_get(OBSERVER, "world-instructions")
    if isinstance(found, dict):
        outcome.world_instructions = {
            world_name(name): int(count) for name, count in found.items()}


def world_name(name):
    """"vm3" and "el2" of a property as a log's "VM 3" and "EL2"."""
    if name.startswith("vm"):
        return f"VM {name[2:]}"
    return name.upper() if name == "el2" else name


def measured_run(args, folder, host_log, el2_log):
    """Run to the end, whatever it is; an Outcome."""
    outcome = Outcome(looks=Looks(args.smp) if args.guest else None)
    config = board_of(args, folder)
    began = time.monotonic()
    with board.Board(config, log=host_log, el2_log=el2_log) as machine:
        outcome.command = machine.command
        version = machine.qmp("query-version")
        outcome.qemu = "{major}.{minor}.{micro}".format(**version["qemu"]) + \
            version.get("package", "")
        try:
            ends(machine, deadline(args), outcome.looks)
        except Failure as error:
            outcome.failure, _, outcome.details = str(error).partition("\n")
        outcome.wall = time.monotonic() - began
        finish(machine, args, outcome)
    return outcome


def finish(machine, args, outcome):
    """Read MACHINE, which is at its end, and end QEMU in order."""
    try:
        settle(machine)
        if outcome.looks:
            outcome.looks.last(machine)
        read_counters(machine, outcome)
        outcome.end = picture(machine, "At the end", "when the run had ended")
        machine.qmp("quit")
        machine.wait_exit(POWER_OFF_SECONDS)
    except board.BoardError as error:
        outcome.failure = outcome.failure or str(error).splitlines()[0]
        outcome.end = outcome.end or Picture(
            "At the end", "", problem="QEMU was gone")
    machine.console.wait_closed(POWER_OFF_SECONDS)
    try:
        outcome.verdicts = (verdict_of_vms if args.guest else
                            verdict_of_host)(machine)
    except Failure as error:
        outcome.verdicts = run_guest.verdicts(machine.console.lines)
        if not outcome.failure:
            outcome.failure, _, outcome.details = str(error).partition("\n")


# The run for the picture

class Stub:
    """The least of a gdb for QEMU's server: breakpoints, go on, step."""

    def __init__(self, connection):
        self._socket = connection
        self._buffer = b""
        self.placed = set()

    def _packet(self, deadline):
        """The next packet's text, acknowledged."""
        while True:
            start = self._buffer.find(b"$")
            end = self._buffer.find(b"#", start)
            if start >= 0 and end >= 0 and len(self._buffer) >= end + 3:
                text = self._buffer[start + 1:end]
                self._buffer = self._buffer[end + 3:]
                self._socket.sendall(b"+")
                return text.decode(errors="replace")
            self._socket.settimeout(max(deadline - time.monotonic(), 0.01))
            try:
                chunk = self._socket.recv(65536)
            except TimeoutError:
                raise Failure("time limit") from None
            except OSError as error:
                raise Failure(f"gdb's connection: {error}") from None
            if not chunk or len(self._buffer) > 1 << 20:
                raise Failure("QEMU closed gdb's connection")
            self._buffer += chunk

    def send(self, text):
        data = text.encode()
        try:
            self._socket.sendall(b"$%s#%02x" % (data, sum(data) & 0xff))
        except OSError as error:
            raise Failure(f"gdb's connection: {error}") from None

    def ask(self, text):
        self.send(text)
        return self._packet(time.monotonic() + SETTLE_SECONDS)

    def place(self, addresses):
        """Breakpoints at ADDRESSES, and nowhere else."""
        for address in self.placed - set(addresses):
            self.ask(f"z0,{address:x},4")
        for address in set(addresses) - self.placed:
            if self.ask(f"Z0,{address:x},4") != "OK":
                raise Failure(f"QEMU sets no breakpoint at {address:#x}")
        self.placed = set(addresses)

    def pc(self, cpu):
        """The pc of CPU, None if QEMU does not tell."""
        self.ask(f"Hg{cpu + 1:x}")
        text = self.ask("p20")
        if not re.fullmatch("[0-9a-f]{16}", text):
            return None
        return int.from_bytes(bytes.fromhex(text), "little")

    def proceed(self, stopped, deadline):
        """Past the breakpoints STOPPED and on to the next stop.

        By a breakpoint behind each, not by a step: that would stop the
        clock, which another CPU may be waiting for.
        """
        wanted = self.placed
        self.place(wanted - stopped | {address + 4 for address in stopped})
        if stopped:
            self.resume(deadline)
        self.place(wanted)
        return self.resume(deadline)

    def resume(self, deadline):
        self.send("c")
        return self._packet(deadline)


def firmware_symbols(config):
    """{name: address} of the functions to stop at, of those that exist."""
    elf = pathlib.Path(config.bios).with_suffix(".elf")
    if config.bios != board.FIRMWARE or not elf.exists():
        return {}
    try:
        text = subprocess.run(
            ["aarch64-linux-gnu-nm", elf], capture_output=True, text=True,
            check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return {}
    found = {words[2]: int(words[0], 16) for words in
             map(str.split, text.splitlines()) if len(words) == 3}
    return {name: found[name] for name in TAKING
            if name in found}


class Watch:
    """The second run, from stop to stop."""

    def __init__(self, machine, stub, symbols):
        self.machine = machine
        self.cpus = machine.config.smp
        self.stub = stub
        self.most = 0
        self.best = None
        self.places = set(symbols.values())

    def go(self, deadline):
        """To the end. Raises Failure, BoardError or SourceError."""
        self.stub.place(self.places)
        self.stub.resume(deadline)
        stops = 0
        while self.machine.qmp("query-status")["status"] == "debug":
            stops += 1
            stopped = {self.stub.pc(cpu) for cpu in range(self.cpus)}
            stopped &= self.places
            if stopped:
                self._look()
            if stops >= MAX_STOPS:
                self.stub.place(set())
                self.stub.resume(deadline)
                break
            self.stub.proceed(stopped, deadline)

    def _look(self):
        """Draw the memory if VMs have more pages than ever before."""
        now = pages_of_vms(owners(self.machine))
        if now <= self.most:
            return
        self.most = now
        self.best = picture(
            self.machine, "With the most pages owned by VMs",
            "when EL2 was about to take pages back from a VM")


@dataclasses.dataclass
class Memory:
    """What the second run has shown."""
    best: Picture | None
    problem: str = ""


def memory_run(args, folder, log, el2_log):
    """The same board again, stopped where pages are taken; a Memory."""
    config = board_of(args, folder)
    symbols = firmware_symbols(config)
    if not set(TAKING) & set(symbols):
        return Memory(None, "there are no symbols of this firmware to "
                      "stop at")
    with contextlib.ExitStack() as stack:
        # A socket's name has room for 108 bytes only.
        private = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="hypsec-"))
        config.extra = (*config.extra, "-S", "-chardev",
                        f"socket,id=gdb,path={private}/gdb,server=on,wait=off",
                        "-gdb", "chardev:gdb")
        machine = stack.enter_context(board.Board(config, log=log,
                                                  el2_log=el2_log))
        ours = stack.enter_context(socket.socket(socket.AF_UNIX))
        ours.connect(f"{private}/gdb")
        watch = Watch(machine, Stub(ours), symbols)
        problem = ""
        try:
            watch.go(deadline(args))
        except (Failure, board.BoardError, SourceError) as error:
            problem = str(error).splitlines()[0]
        return Memory(watch.best, problem)
