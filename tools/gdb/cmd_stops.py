# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb: `hypsec break entry|exit|vm|class|hypercall|owner|list`.

One stop of the user's is several breakpoints of gdb's: one for each vector, or
each ERET. The first has a number and is listed, disabled and deleted like any
other breakpoint; the rest are internal and follow it. What does not match goes
on without a word: gdb steps this one CPU over the instruction meanwhile.
"""
import gdb

import abi
import common
import ownership
import traps
from common import Command, HypsecError, register, say

# Stops by the number of the breakpoint that the user sees.
_stops = {}


class _Location(gdb.Breakpoint):
    """One address of a stop."""

    def __init__(self, owner, address, internal):
        self.owner = owner
        self.address = address
        super().__init__(f"*{address:#x}", gdb.BP_BREAKPOINT,
                         internal=internal)
        # We say why, and an internal number would tell nobody anything.
        self.silent = True

    def stop(self):
        """gdb asks whether to stop. An exception here would end in a stop
        that nobody can explain."""
        return common.decided(self.owner.number, self._wanted)

    def _wanted(self):
        owner = self.owner
        return not owner.done and owner.alive() and \
            owner.reached(self.address)


class Stop:
    """What a user waits for.

    A subclass says in why(address) what has happened at one of the addresses,
    or None if it is not what is waited for. `what` describes it.
    """

    def __init__(self, what, addresses, cpu=None, once=False):
        self.cpu = check_cpu(cpu)
        self.what = what + ("" if cpu is None else f" on CPU {cpu}") + \
            (", once" if once else "")
        self.once = once
        self.done = False
        self.hits = self.asked = 0
        first, *rest = sorted(addresses)
        self.shown = _Location(self, first, False)
        self.number = self.shown.number
        self.hidden = [_Location(self, address, True) for address in rest]
        _stops[self.number] = self

    def alive(self):
        return self.shown.is_valid()

    def add(self, address):
        """One more address."""
        location = _Location(self, address, True)
        location.enabled = self.shown.enabled
        self.hidden.append(location)

    def addresses(self):
        return {one.address for one in (self.shown, *self.hidden)}

    def why(self, address):
        raise NotImplementedError

    def reached(self, address):
        """At ADDRESS on the selected CPU: whether to stop there."""
        self.asked += 1
        # Some program below EL2 may have code at the same address.
        if common.level() != common.EL2:
            return False
        if self.cpu is not None and common.cpu_number() != self.cpu:
            return False
        text = self.why(address)
        if text is None:
            return False
        self.hits += 1
        say(f"hypsec: breakpoint {self.number}: {text}")
        if self.once:
            # Deleted once gdb has stopped; not while it decides about that.
            self.done = True
        return True

    def follow(self):
        """The internal breakpoints do as the shown one."""
        for location in self.hidden:
            if location.is_valid():
                for name in ("enabled", "commands"):
                    value = getattr(self.shown, name)
                    if getattr(location, name) != value:
                        setattr(location, name, value)

    def delete(self):
        _stops.pop(self.number, None)
        for location in (self.shown, *self.hidden):
            if location.is_valid():
                location.delete()


def check_cpu(cpu):
    """CPU if the board has it."""
    if cpu is not None and cpu not in list(common.cpus()):
        raise common.no_cpu(cpu)
    return cpu


def _sweep():
    """Delete what belongs to nothing any more; only while the board stands
    still, or gdb would forget breakpoints that QEMU keeps."""
    threads = gdb.selected_inferior().threads()
    if all(thread.is_stopped() for thread in threads):
        for stop in [*_stops.values()]:
            if stop.done or not stop.alive():
                stop.delete()


def _deleted(breakpoint):
    # gdb is going through its list and must not lose the next one: the rest
    # is only disabled here, and deleted at the next occasion.
    stop = _stops.get(breakpoint.number)
    if stop is not None:
        stop.done = True
        for location in stop.hidden:
            if location.is_valid():
                location.enabled = False


def _modified(breakpoint):
    stop = _stops.get(breakpoint.number)
    if stop and breakpoint is stop.shown:
        stop.follow()


gdb.events.breakpoint_deleted.connect(_deleted)
gdb.events.breakpoint_modified.connect(_modified)


# What one can wait for

class Entry(Stop):
    """An exception that arrives at EL2.

    world:   from whom, None for anyone
    vcpu:    which of its vCPUs
    classes, kind: of what class, or what kind of vector
    number:  of a hypercall
    """

    def __init__(self, what, world=None, vcpu=None, classes=None, kind=None,
                 number=None, **settings):
        self.world, self.vcpu = world, vcpu
        self.classes, self.kind, self.call = classes, kind, number
        self.tables = traps.vector_tables(_tables_of(world))
        super().__init__(what, self._vectors(self.tables), **settings)
        if traps.firmware_elf() is None:
            self._learn()

    def _vectors(self, tables):
        kind = self.kind or ("sync" if self.classes else None)
        return {table + offset for table in tables
                for offset, name in traps.LOWER.items()
                if kind in (None, name)}

    def _learn(self):
        """A firmware that we do not know may have more tables of vectors."""
        for address, number in traps.vector_writes():
            self.hidden.append(_VectorWrite(self, address, number))

    def found(self, table):
        """EL2 is going to use a table of vectors that is new to us."""
        if table not in self.tables:
            self.tables.add(table)
            for address in self._vectors({table}):
                self.add(address)

    def why(self, address):
        if self.world and common.world_below() != self.world:
            return None
        trap = traps.here(traps.kind_at(address, self.tables))
        if self.classes and trap.ec not in self.classes:
            return None
        if self.call is not None and register("x0") != self.call:
            return None
        if self.vcpu is not None and \
           traps.vcpu_below(trap.cpu, trap.world) != self.vcpu:
            return None
        return traps.entry_text(trap)


class _VectorWrite(gdb.Breakpoint):
    """An instruction that sets VBAR_EL2; never stops."""

    def __init__(self, owner, address, number):
        self.owner = owner
        self.address = address
        self.source = number
        super().__init__(f"*{address:#x}", gdb.BP_BREAKPOINT, internal=True)

    def stop(self):
        owner = self.owner
        if owner.alive() and self.source < 31 and \
           common.level() == common.EL2:
            owner.found(register(f"x{self.source}") & ~0x7ff)
        return False


def _tables_of(world):
    if world is None:
        return traps.HOST_VECTORS, traps.VM_VECTORS
    return (traps.HOST_VECTORS,) if world == "host" else (traps.VM_VECTORS,)


class Exit(Stop):
    """An ERET that leaves EL2."""

    def __init__(self, what, world=None, **settings):
        self.world = world
        super().__init__(what, traps.exits(), **settings)

    def why(self, address):
        trap = traps.here(None)
        if trap.level >= common.EL2 and not trap.spsr & 16:
            return None
        if self.world and trap.world != self.world:
            return None
        return traps.exit_text(trap)


class Owner(Stop):
    """A page's change of owner."""

    def __init__(self, what, page, to, **settings):
        self.page, self.to = page, to
        self.places = ownership.places()
        super().__init__(what, self.places, **settings)

    def why(self, address):
        change = self.places[address](self.page)
        if change is None or self.to not in (None, change.new):
            return None
        return ownership.change_text(change)


# Commands

def _common_arguments(parser, once):
    parser.add_argument("--cpu", type=common.number)
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--once", action="store_true", default=once)
    group.add_argument("--keep", dest="once", action="store_false")


def _report(stop):
    say(f"hypsec: breakpoint {stop.number}: {stop.what}")


def _vm(text):
    """"vm3" or 3 as "vm3"."""
    number = common.number(text.lower().removeprefix("vm"))
    if not 1 <= number <= 255:
        raise HypsecError(f"no VM {common.printable(text)}; they are numbered "
                          "from 1")
    return f"vm{number}"


def _world(text):
    return text if text == "host" else _vm(text)


class _BreakEdge(Command):
    """A command that waits for an edge of EL2's: STOP, in words WHAT; OPTION
    chooses the world beyond it."""
    stop = what = option = None

    def add_arguments(self, parser):
        parser.add_argument(self.option, dest="world", type=_world)
        _common_arguments(parser, True)

    def run(self, args):
        world = f" {self.option.lstrip('-')} {args.world}" if args.world \
            else ""
        _report(self.stop(self.what + world, args.world, cpu=args.cpu,
                          once=args.once))


class BreakEntry(_BreakEdge):
    """Stop when a CPU next enters EL2 from below.

usage: hypsec break entry [--from WORLD] [--cpu N] [--keep]

Stops at EL2's vector, before its first instruction: all registers are still
those of the world that was interrupted. WORLD is host or vm1 to vm15. Stops
once; with --keep at every entry, until the breakpoint is deleted. Needs no
symbols where EL2 has set VBAR_EL2.

  (gdb) hypsec break entry --cpu 1
  hypsec: breakpoint 1: entry to EL2 on CPU 1, once
  (gdb) continue
  hypsec: breakpoint 1: CPU 1 enters EL2 from host cpu 1 EL1 at ..."""
    name = "hypsec break entry"
    stop, what, option = Entry, "entry to EL2", "--from"


class BreakExit(_BreakEdge):
    """Stop when a CPU next leaves EL2.

usage: hypsec break exit [--to WORLD] [--cpu N] [--keep]

Stops at the ERET: all registers are already those of the world that goes on.
WORLD is host or vm1 to vm15. Stops once; with --keep at every exit.

  (gdb) hypsec break exit --to vm1
  hypsec: breakpoint 2: exit from EL2 to vm1, once
  (gdb) continue
  hypsec: breakpoint 2: CPU 0 leaves EL2 for vm1 vCPU 0 EL1 at ..."""
    name = "hypsec break exit"
    stop, what, option = Exit, "exit from EL2", "--to"


class BreakVm(Command):
    """Stop when a VM traps into EL2.

usage: hypsec break vm N [class EC | hypercall NR] [--vcpu V] [--cpu N]
                         [--once]

N is the VM's number, EC and NR as for `hypsec break class` and `hypsec break
hypercall`. Stops each time; with --once only the first.

  (gdb) hypsec break vm 1 class DABT
  hypsec: breakpoint 1: trap of vm1, class DABT
  (gdb) continue
  hypsec: breakpoint 1: CPU 1 enters EL2 from vm1 vCPU 0 EL1 at ..."""
    name = "hypsec break vm"

    def add_arguments(self, parser):
        parser.add_argument("vm", type=_vm)
        parser.add_argument("filter", nargs="?",
                            choices=("class", "hypercall"))
        parser.add_argument("value", nargs="?")
        parser.add_argument("--vcpu", type=common.number)
        _common_arguments(parser, False)

    def run(self, args):
        what, filters = f"trap of {args.vm}", {}
        if args.filter and args.value is None:
            raise HypsecError(f"{self.name}: which {args.filter}? see "
                              f"`help {self.name}`")
        if args.vcpu is not None:
            what += f" vCPU {args.vcpu}"
        if args.filter == "class":
            what, filters = _class_filter(what, args.value)
        elif args.filter == "hypercall":
            what, filters = _call_filter(what, args.value)
        _report(Entry(what, args.vm, args.vcpu, cpu=args.cpu, once=args.once,
                      **filters))


def _class_filter(what, text):
    classes, kind = traps.exception_class(text)
    return f"{what}, class {text}", {"classes": classes, "kind": kind}


def _call_filter(what, text):
    number = abi.number(text)
    return f"{what}, hypercall {abi.name(number)}", \
        {"classes": (traps.EC_HVC64,), "number": number}


class BreakClass(Command):
    """Stop at exceptions of one class that come to EL2 from below.

usage: hypsec break class EC [--from WORLD] [--cpu N] [--once]

EC is ESR_EL2.EC as a number, or HVC, SMC, DABT, IABT, SYSREG, WFX, FP, BRK,
DEBUG, ALIGN, ILLEGAL, UNDEF, SVC; or IRQ, FIQ, SERROR, which have vectors of
their own. Stops each time; with --once only the first.

  (gdb) hypsec break class SMC --cpu 0
  hypsec: breakpoint 1: exception from below, class SMC on CPU 0"""
    name = "hypsec break class"

    def add_arguments(self, parser):
        parser.add_argument("ec")
        parser.add_argument("--from", dest="world", type=_world)
        _common_arguments(parser, False)

    def run(self, args):
        what, filters = _class_filter(
            f"exception from {args.world or 'below'}", args.ec)
        _report(Entry(what, args.world, cpu=args.cpu, once=args.once,
                      **filters))


class BreakHypercall(Command):
    """Stop at a hypercall of the host or of a VM.

usage: hypsec break hypercall NR [--from WORLD] [--cpu N] [--once]

NR is the number in x0, or the name in hypsec/abi.h: VCPU_RUN, SET_DESC_PFN...
Stops each time; with --once only the first.

  (gdb) hypsec break hypercall DESTROY_VM
  hypsec: breakpoint 1: hypercall DESTROY_VM
  (gdb) continue
  hypsec: breakpoint 1: CPU 0 enters EL2 from host cpu 0 EL1 at 0x4020b8d8: HVC
  DESTROY_VM(vmid 0x1); ESR 0x5a000000"""
    name = "hypsec break hypercall"

    def add_arguments(self, parser):
        parser.add_argument("number")
        parser.add_argument("--from", dest="world", type=_world)
        _common_arguments(parser, False)

    def run(self, args):
        number = abi.number(args.number)
        whence = f" of {args.world}" if args.world else ""
        _report(Entry(f"hypercall {abi.name(number)}{whence}", args.world,
                      classes=(traps.EC_HVC64,), number=number, cpu=args.cpu,
                      once=args.once))


class BreakOwner(Command):
    """Stop when a page changes its owner.

usage: hypsec break owner ADDRESS|any [--to OWNER] [--cpu N] [--once]

ADDRESS is a physical address in bytes of a page of RAM, or pfn:N for page
frame N, as `hypsec page` takes it; OWNER host, vm1 to vm15, or EL2. Stops in
EL2 just before the page's record changes and tells the owners and the call
that does it. A reset that takes a VM's page is one too. Needs the firmware's
symbols.

  (gdb) hypsec break owner 0x44200000
  hypsec: breakpoint 1: page 0x44200000 gets another owner
  (gdb) continue
  hypsec: breakpoint 1: page 0x44200000: host -> vm1 by HVC REMAP_VM_IMAGE(...)
  of host cpu 0 in assign_pfn_to_vm < ..."""
    name = "hypsec break owner"

    def add_arguments(self, parser):
        parser.add_argument("address")
        parser.add_argument("--to", type=ownership.owner)
        _common_arguments(parser, False)

    def run(self, args):
        common.connection()
        page = None if args.address == "any" else \
            ownership.page(args.address)
        what = "any page" if page is None else f"page {page << 12:#x}"
        what += f" becomes {args.to}'s" if args.to else " gets another owner"
        _report(Owner(what, page, args.to, cpu=args.cpu, once=args.once))


class BreakList(Command):
    """List what `hypsec break` waits for.

usage: hypsec break list

The numbers are those of `info breakpoints`; `delete`, `disable` and `enable`
work with them as always. "1 stops of 51" has been there 51 times, and 50 times
it was not what is waited for.

  (gdb) hypsec break list
  1  enabled    1 stops of 51    hypercall DESTROY_VM"""
    name = "hypsec break list"

    def run(self, args):
        _sweep()
        for number in sorted(_stops):
            stop = _stops[number]
            state = "enabled" if stop.shown.enabled else "disabled"
            say(f"{number:<3}{state:9}{stop.hits:3} stops of {stop.asked:<5} "
                f"{stop.what}")
        if not _stops:
            say("no breakpoints of `hypsec break`; `help hypsec break` lists "
                "what there is to wait for")


def _stopped(event):
    """Show where, once, as gdb would."""
    if isinstance(event, gdb.BreakpointEvent) and \
       all(isinstance(one, _Location) for one in event.breakpoints):
        gdb.execute("frame")
    _sweep()


gdb.events.stop.connect(_stopped)
gdb.events.before_prompt.connect(_sweep)
for command in (BreakEntry, BreakExit, BreakVm, BreakClass, BreakHypercall,
                BreakOwner, BreakList):
    command()
