# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb: `hypsec panic` and `hypsec console`."""
import pathlib

import gdb

import common
import contexts
import frames
import panics
import traps
from common import Command, HypsecError, say

CONSOLE_LINES = 12
# Frames that are shown of CPUs that did not panic.
OTHER_FRAMES = 4


class Panic(Command):
    """Show why EL2 panicked, and where everything stood.

usage: hypsec panic [--all] [--console FILE]

The reason; registers and syndrome of the exception that EL2 was handling, or
that happened inside it; who ran; the backtrace across EL2; locks held; the
last lines of EL2's console; and where the other CPUs are, with --all by their
whole backtraces. FILE is the log of EL2's console, where the board was not
started by ./hypsec debug or run.

A board started with -action panic=pause, as ./hypsec debug does, stays stopped
at a panic. gdb may come later: ./hypsec debug --attach.

  (gdb) hypsec panic
  EL2 panicked on CPU 1: violation by the host: access to IPA 0x40017000
  ..."""
    name = "hypsec panic"

    def add_arguments(self, parser):
        parser.add_argument("--all", action="store_true")
        parser.add_argument("--console", type=pathlib.Path)

    def run(self, args):
        if args.console:
            _use_console(args.console)
        panic = panics.find()
        if panic is None:
            raise HypsecError("EL2 has not panicked; `hypsec backtrace` shows "
                              "where it is")
        say(headline(panic))
        cpu = common.cpu_number() if panic.cpu is None else panic.cpu
        with common.on_cpu(cpu):
            _show_registers()
            _show_who(cpu)
            say("\nbacktrace:")
            _show_frames(frames.sections())
        _show_locks()
        say()
        _show_console(panic=True)
        for other in common.cpus():
            if other != cpu:
                say()
                _show_frames(frames.sections(),
                             None if args.all else OTHER_FRAMES)


def headline(panic):
    where = "" if panic.cpu is None else f" on CPU {panic.cpu}"
    how = f" ({panic.how})" if panic.how else ""
    return f"EL2 panicked{where}{how}: {panics.reason(panic)}"


def _show_registers():
    found = panics.registers()
    if found is None:
        say("\nno exception was being handled on this CPU")
        return
    title, *values = found
    say(f"\n{title}:")
    for line in panics.register_lines(*values):
        say(line)
    for line in panics.syndrome_lines():
        say(line)


def _show_who(cpu):
    """Whom EL2 worked for."""
    known = contexts.pcpu()
    if known is None:
        return
    vmid, vcpu = int(known["cur_vmid"]), int(known["cur_vcpuid"])
    if vmid:
        say(f"\nCPU {cpu} ran {traps.who_text(f'vm{vmid}', vcpu)} for host "
            f"cpu {cpu}")
    elif contexts.trap_frame(known):
        say(f"\nCPU {cpu} ran the host")
    else:
        say(f"\nCPU {cpu} ran EL2 for nobody")


def _show_frames(found, most=None):
    lines = frames.lines(found)
    kept = lines if most is None else lines[:most + 1]
    for line in kept:
        say(line)
    if len(kept) < len(lines):
        say("...")


def _show_locks():
    say("\nlocks:")
    try:
        text = gdb.execute("hypsec locks", to_string=True)
    except gdb.error as error:
        text = str(error)
    for line in text.rstrip().splitlines():
        say(f"  {line}")


def _show_console(count=CONSOLE_LINES, panic=False):
    text = panics.console_text()
    if text is None:
        say("EL2's console: nobody said where it is logged; `hypsec console "
            "--log FILE` does")
        return
    if panic:
        text = panics.before_report(text)
    if not text.strip():
        say("EL2's console: nothing so far")
        return
    lines = text.rstrip("\n").split("\n")
    shown = lines[-count:]
    say("EL2's console, the last " +
        (f"{len(shown)} lines:" if len(shown) > 1 else "line:"))
    for line in shown:
        say(f"  {line}".rstrip())


def _use_console(path):
    if not path.is_file():
        raise HypsecError(f"{path}: no such file")
    common.set_el2_console(path.resolve())


class Console(Command):
    """Show the last lines of EL2's console.

usage: hypsec console [--lines N]
       hypsec console --log FILE

N lines, 12 if not said. --log says where the console of this board is logged,
and shows nothing; ./hypsec debug does it by itself. Control characters are
shown as such.

  (gdb) hypsec console --lines 1
  corevisor: host kernel at 0x40200000, entering EL1"""
    name = "hypsec console"

    def add_arguments(self, parser):
        parser.add_argument("--lines", type=common.number)
        parser.add_argument("--log", type=pathlib.Path)

    def run(self, args):
        if args.log:
            _use_console(args.log)
            return
        if args.lines is not None and args.lines < 1:
            raise HypsecError("--lines takes 1 or more")
        if panics.console_text() is None:
            raise HypsecError("nobody said where EL2's console is logged; "
                              "`hypsec console --log FILE` does")
        _show_console(args.lines or CONSOLE_LINES)


_told = False


def _stopped(event):
    """A panic stops the board, if it was started so: say that it is one."""
    global _told
    if isinstance(event, gdb.BreakpointEvent):
        return
    try:
        panic = panics.find()
        if panic and not _told:
            say(f"hypsec: {headline(panic)}\nhypsec: `hypsec panic` shows "
                "all of it")
        _told = panic is not None
    except (gdb.error, ValueError):
        pass


gdb.events.stop.connect(_stopped)
Panic()
Console()
