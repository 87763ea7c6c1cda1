# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb: `hypsec replay` and `hypsec goto`, of a run that was recorded.

gdb's own reverse-continue, reverse-stepi and the like go backwards: QEMU loads
the last snapshot before and runs up to the place again. What is here is about
the recording as a whole. Instructions are counted from reset, by QEMU.
"""
import contextlib
import re

import gdb

import common
from common import Command, HypsecError, say

# gdb's commands that have the board go on.
FORWARDS = ("continue", "step", "stepi", "next", "nexti", "finish", "until",
            "advance", "jump")
THE_END = "hypsec: this is the end of the recording; `reverse-continue` " \
    "and `hypsec goto` lead back"

# Where the recording ends, in instructions; None if nobody said.
_recording = {"end": None}


def set_end(instructions):
    """The board, which gdb is connected to, replays a recording that ends
    there."""
    _recording["end"] = instructions
    _stopped(None)
    for command in FORWARDS:
        gdb.execute(f"define hook-{command}\n{GoOn.NAME}\nend")


class GoOn(gdb.Command):
    """For gdb's commands that go forwards: refuse to leave the recording.
Beyond, the board is off, and gdb would wait for it for ever."""
    # Not "hypsec...", or `hyp` would be no abbreviation any more.
    NAME = "_hypsec-go-on"

    def __init__(self):
        super().__init__(self.NAME, gdb.COMMAND_OBSCURE)

    def invoke(self, _arguments, _from_tty):
        # reverse-stepi and the like are stepi in the other direction.
        if gdb.execute("show exec-direction", to_string=True) == "Reverse.\n":
            return
        instruction = now()
        if instruction is not None and instruction >= _recording["end"] - 1:
            raise gdb.GdbError(THE_END)


def now():
    """The instruction that the replay stands at; None if it is no replay."""
    said = re.search(r"^Replaying execution .*: instruction count = (\d+)$",
                     common.monitor("info replay"), re.MULTILINE)
    return int(said[1]) if said else None


def _must_replay():
    instruction = now()
    if instruction is None:
        raise HypsecError(
            "this board is no replay; `./hypsec run --batch --record DIR` "
            "records a run, `./hypsec debug --replay DIR` goes through it")
    return instruction


def _snapshots():
    """Where the replay has snapshots: their names by instruction."""
    listed = re.findall(r"^\S+ +(\S+) .* (\d+)\r?$",
                        common.monitor("info snapshots"), re.MULTILINE)
    return {int(instruction): name for name, instruction in listed}


class Replay(Command):
    """Show where in its recording a replayed board stands.

usage: hypsec replay

  (gdb) hypsec replay
  instruction 1536024117 of 2009694673 (76 %)
  snapshots at 0, 134217728, 268435456, ...

A replay does the same as the recorded run, whatever gdb does. gdb goes
backwards with reverse-continue, reverse-stepi, reverse-step, reverse-next and
reverse-finish: to breakpoints, also those of `hypsec break`, and watchpoints.
./hypsec debug --replay makes the snapshots; `monitor savevm NAME` makes one
more, from which going back is quick."""
    name = "hypsec replay"

    def run(self, args):
        instruction = _must_replay()
        end = _recording["end"]
        part = f" of {end} ({100 * instruction // end} %)" if end else ""
        say(f"instruction {instruction}{part}")
        points = sorted(_snapshots())
        say("snapshots at " + ", ".join(map(str, points)) if points else
            "no snapshots: going back starts over each time")


class Goto(Command):
    """Go to an instruction of a replayed board, forwards or backwards.

usage: hypsec goto INSTRUCTION|start|end

INSTRUCTION is counted from reset; breakpoints on the way do not stop. The end
is the last instruction before the recorded run was over.

  (gdb) hypsec goto end
  (gdb) reverse-continue"""
    name = "hypsec goto"

    def add_arguments(self, parser):
        parser.add_argument("instruction")

    def run(self, args):
        instruction = _must_replay()
        wanted = _wanted(args.instruction)
        if wanted < instruction:
            instruction = _go_back(wanted)
        if wanted > instruction:
            with _no_breakpoints():
                common.monitor(f"replay_break {wanted}")
                gdb.execute("continue", to_string=True)
        else:
            gdb.execute("frame")
        say(f"instruction {now()}")


def _wanted(text):
    end = _recording["end"]
    if text == "start":
        return 0
    if text == "end":
        if end is None:
            raise HypsecError("nobody said where this recording ends")
        return end - 1
    wanted = common.number(text)
    if wanted < 0 or end is not None and wanted >= end:
        raise HypsecError(f"the recording has instructions 0 to "
                          f"{'its end' if end is None else end - 1}")
    return wanted


def _go_back(wanted):
    """Load the last snapshot that is not beyond WANTED; where that is."""
    points = _snapshots()
    before = [point for point in points if point <= wanted]
    if not before:
        raise HypsecError("there is no snapshot before it")
    if said := common.monitor(f"loadvm {points[max(before)]}"):
        raise HypsecError(f"QEMU says: {common.printable(said)}")
    for cache in ("register-cache", "dcache"):
        gdb.execute(f"maintenance flush {cache}", to_string=True)
    return max(before)


@contextlib.contextmanager
def _no_breakpoints():
    """No breakpoint or watchpoint of the user's stops in the block."""
    enabled = [point for point in gdb.breakpoints() if point.enabled]
    try:
        for point in enabled:
            point.enabled = False
        yield
    finally:
        for point in enabled:
            if point.is_valid():
                point.enabled = True


def _stopped(_event):
    """Have the board stop before the recorded run is over: beyond, there is
    nothing to look at, and each way back takes QEMU's breakpoint away."""
    end = _recording["end"]
    if end is None:
        return
    with contextlib.suppress(gdb.error, HypsecError):
        instruction = now()
        if instruction is not None and instruction < end - 1:
            common.monitor(f"replay_break {end - 1}")
        else:
            say(THE_END)


gdb.events.stop.connect(_stopped)
Replay()
Goto()
GoOn()
