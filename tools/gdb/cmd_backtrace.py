# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb: `hypsec backtrace`, and an end for gdb's own one in EL2."""
import gdb
import gdb.unwinder

import common
import frames
import traps
from common import Command, HypsecError, say


class Backtrace(Command):
    """Show the frames of EL2 and of the world that trapped into it.

usage: hypsec backtrace [--cpu N | --all]

Of the selected CPU, of CPU N, or of all. At EL2 its own frames come first,
then for each world that waits for it a line that says how it got there, and
the frames of that world: walked in its own memory through stages 1 and 2,
named by its own symbols. At EL1 and EL0 there is just that world.

  (gdb) hypsec backtrace
  CPU 0 at EL2
  #0  0x0000004000012c30 handle_host_stage2_fault+0x0 (fault_handler.c:46)
  ...
  -- trapped from host cpu 0 EL1: data abort from a lower level: ... --
  #4  0x000000004020b59c read_word+0x8 (attack.c:61)"""
    name = "hypsec backtrace"

    def add_arguments(self, parser):
        group = parser.add_mutually_exclusive_group()
        group.add_argument("--cpu", type=common.number)
        group.add_argument("--all", action="store_true")

    def run(self, args):
        wanted = list(common.cpus())
        if args.cpu is not None:
            if args.cpu not in wanted:
                raise common.no_cpu(args.cpu)
            wanted = [args.cpu]
        elif not args.all:
            wanted = [common.cpu_number()]
        for place, cpu in enumerate(wanted):
            if place:
                say()
            with common.on_cpu(cpu):
                for line in frames.lines(frames.sections()):
                    say(line)


class _FrameId:
    """What gdb tells frames apart by."""

    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class _EndOfEl2(gdb.unwinder.Unwinder):
    """gdb's `backtrace` ends where vectors.S calls C: what is below is in
    another address space, and the assembly there looks to gdb like a function
    that calls itself for ever."""

    def __init__(self):
        super().__init__("hypsec-el2")

    def __call__(self, pending):
        try:
            return self._unwind(pending)
        except (gdb.error, HypsecError, ValueError):
            return None

    @staticmethod
    def _unwind(pending):
        pc = int(pending.read_register("pc")) & common.MASK64
        firmware = traps.firmware_elf()
        found = firmware.find(pc) if firmware else None
        if not found or found[0] not in (*frames.ENDS, *frames.VECTOR_TABLES):
            return None
        sp = pending.read_register("sp")
        info = pending.create_unwind_info(
            _FrameId(sp, gdb.Value(pc - found[1])))
        info.add_saved_register("sp", sp)
        # gdb takes a caller at 0 for none.
        zero = gdb.Value(0).cast(gdb.lookup_type("unsigned long"))
        for name in ("x29", "x30", "pc"):
            info.add_saved_register(name, zero)
        return info


Backtrace()
gdb.unwinder.register_unwinder(None, _EndOfEl2(), replace=True)
