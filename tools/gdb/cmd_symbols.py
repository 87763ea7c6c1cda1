# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb: where the CPUs are, and whose symbols are loaded for them."""
import gdb

import common
from common import Command, HypsecError, printable, say
from linux_symbols import SETUP
import worlds
from worlds import manager


# More branches than a kernel executes until it has moved.
MAX_BRANCHES = 200
LOOK_AHEAD = 64
CODE_BREAKPOINTS = gdb.BP_BREAKPOINT, gdb.BP_HARDWARE_BREAKPOINT


class World(Command):
    """Say where each CPU is.

usage: hypsec world

A CPU is at EL2 (el2), or runs the host (host) or a VM (vm1 to vm15), at an
exception level. For a CPU at EL2, "below" is whose tables it has loaded: the
world that it came from or goes to. off is a CPU that EL2 knows to be off.

  (gdb) hypsec world
  * CPU 0: el2, EL2, below: vm1, pc 0x400001b5c0 <trap_handler+12>
    CPU 1: vm2, EL1, pc 0x40000a4c <walk+68>"""
    name = "hypsec world"

    def run(self, args):
        selected = common.cpu_number()
        for cpu in common.cpus():
            manager.sync()
            mark = "*" if cpu == selected else " "
            say(f"{mark} CPU {cpu}: {_where(cpu)}")
        manager.sync()


def _where(cpu):
    """The selected CPU's world in words."""
    pc = common.register("pc")
    if common.is_off(cpu):
        return "off"
    world = common.current_world()
    words = [world, f"EL{common.level()}"]
    if world == "el2":
        words.append(f"below: {common.world_below()}")
    name = gdb.execute(f"info symbol {pc:#x}", to_string=True)
    place = name.split(" in section")[0]
    words.append(f"pc {pc:#x}" + (
        f" <{printable(place.strip()).replace(' + ', '+')}>"
        if " in section" in name else ""))
    return ", ".join(words)


class Cpu(Command):
    """Select a CPU, and load the symbols of its world.

usage: hypsec cpu N

N counts from 0; gdb's own `thread N+1` does the same. Prints where it is.

  (gdb) hypsec cpu 1
  CPU 1: vm2, EL1, pc 0x40000a4c <walk+68>
  #0  walk (first=...) at ../guest-images/vm/walker.c:30"""
    name = "hypsec cpu"

    def add_arguments(self, parser):
        parser.add_argument("cpu", metavar="N")

    def run(self, args):
        wanted = common.number(args.cpu)
        for thread in gdb.selected_inferior().threads():
            if common.cpu_number(thread) == wanted:
                thread.switch()
                break
        else:
            common.connection()
            raise HypsecError(
                f"no CPU {wanted}; the board has 0 to "
                f"{len(gdb.selected_inferior().threads()) - 1}")
        manager.sync()
        say(f"CPU {wanted}: {_where(wanted)}")
        gdb.execute("frame")


class Symbols(Command):
    """Say which symbols are loaded, where, and why; or add some.

usage: hypsec symbols
       hypsec symbols add WORLD FILE [NAME]

What is loaded follows the selected CPU, at every stop and prompt: EL2's
symbols always (while its MMU is off, at the physical addresses too), and those
of the world that this CPU runs. WORLD is el2, host, vm1 to vm15, or vm: any VM
whose memory holds the code of FILE, an arm64 ELF file with symbols. A Linux
kernel's (vmlinux) are moved to where it has put itself (KASLR).

  (gdb) hypsec symbols
  el2   corevisor  at 0x4000000000: EL2's virtual addresses
  host  hostvisor  at 0x40200000: CPU 0 runs host
  vm    alice      not loaded
  vm    bob        not loaded"""
    name = "hypsec symbols"

    def add_arguments(self, parser):
        parser.add_argument("action", nargs="?", choices=("add",))
        parser.add_argument("world", nargs="?")
        parser.add_argument("file", nargs="?")
        parser.add_argument("label", nargs="?")

    def run(self, args):
        if args.action is None:
            self._show()
            return
        if args.world is None or args.file is None:
            raise HypsecError("hypsec symbols add takes a world and a file; "
                              "see `help hypsec symbols`")
        manager.add(worlds.open_program(args.world, args.file, args.label))

    @staticmethod
    def _show():
        manager.sync()
        if not manager.programs:
            say("none are known; `hypsec symbols add WORLD FILE` adds some")
        for program in manager.programs:
            places = [copy for copy, _ in manager.loaded.values()
                      if copy.program is program]
            start = f"{program.world:5} {printable(program.name):10} "
            for copy in places:
                first, _ = program.bounds(copy.offset)
                say(f"{start}at {first:#x}: {copy.why}")
            if not places:
                say(f"{start}not loaded")
        for note in manager.notes:
            say(note)
        if not manager.candidates(common.world_below()):
            say(f"of a Linux there are some by `./hypsec debug --vmlinux "
                f"FILE`; for Debian's `{SETUP}` fetches them")


def tidy(_breakpoint=None):
    """Disable what gdb's own `break` sets for the second time at the start of
    a function; it would stop twice for one call."""
    try:
        for known in gdb.breakpoints():
            if known.type in CODE_BREAKPOINTS and len(known.locations) > 1:
                _disable_doubles(known.locations)
    except gdb.error as error:   # never in the way of gdb itself
        gdb.write(f"hypsec: breakpoints: {error}\n", gdb.STDERR)


def _disable_doubles(places):
    again = worlds.doubles([place.address for place in places
                            if place.address is not None])
    for place in places:
        if place.address in again and place.enabled:
            place.enabled = False


class BreakAt(Command):
    """Stop at a place in one world only.

usage: hypsec break at WORLD LOCATION [--temporary]

WORLD is el2, host, vm1 to vm15, or the name of a program with symbols (`hypsec
symbols`), for any VM that runs it. LOCATION is what gdb's `break` takes, looked
up in the symbols of WORLD alone, whether they are loaded or not; also in VMs
that do not exist yet, and in a Linux kernel that has not moved yet. gdb's own
`break` stops every world that executes the address, and forgets the place while
other symbols are loaded.

At EL2, and in a kernel, a place is at its physical address too while the MMU is
off; then there is a breakpoint for each address where the CPU may be.

  (gdb) hypsec break at bob walker.c:30
  Breakpoint 2 at 0x40000a4c
  hypsec: breakpoint 2: bob (vm): walker.c:30"""
    name = "hypsec break at"

    def add_arguments(self, parser):
        parser.add_argument("world")
        parser.add_argument("location")
        parser.add_argument("--temporary", action="store_true")

    def run(self, args):
        world, programs = manager.find(args.world)
        if args.location.startswith("*"):
            # An address needs no symbols.
            _break_at(common.number(args.location[1:]), world, None, args)
            return
        if not programs:
            raise HypsecError(f"no symbols were given for {world}; `hypsec "
                              f"symbols add {world} FILE`, or give an "
                              "address: *0x...")
        chosen = _program_for(world, programs)
        only = None if args.world in worlds.WORLDS else chosen
        places = _places(chosen, world, args.location)
        for address in places:
            _break_at(address, world, only, args)
        if chosen.kind == worlds.LINUX and not any(
                address >= worlds.KERNEL_VA for address in places):
            say(f"hypsec: {chosen.name} has not moved to its virtual "
                "addresses yet, so this is a physical one; `hypsec linux` "
                "runs until it has")


class Linux(Command):
    """Run until a Linux has moved to its virtual addresses.

usage: hypsec linux [WORLD]

A kernel decides at its start where it will run (KASLR); until then a place in
it has no virtual address and `hypsec break at WORLD start_kernel` cannot know
one. WORLD is host or vm1 to vm15, by default the one world that symbols of a
Linux (vmlinux) were given for. Stops in the kernel's first instructions at the
new addresses, with symbols loaded there. Other breakpoints stop it earlier.

  (gdb) hypsec linux
  host's kernel runs at 0xffffc1ab4e400000 (KASLR offset 0x41ab46400000)
  (gdb) hypsec break at host start_kernel"""
    name = "hypsec linux"

    def add_arguments(self, parser):
        parser.add_argument("world", nargs="?")

    def run(self, args):
        program = self._program(args.world)
        world = args.world or program.world
        if world == "vm":
            world = f"vm{_vmid(world)}"
        if (offset := _kernel_offset(program, world)) is None:
            _run_to_kernel(program, world)
            offset = _kernel_offset(program, world)
        if offset is None:
            raise HypsecError(f"{world}'s kernel has not moved; the board "
                              "was stopped by something else, or "
                              f"{program.image.path} is another kernel's")
        manager.sync()
        start = program.symbols["_text"] + offset
        say(f"{world}'s kernel runs at {start:#x} (KASLR offset "
            f"{offset:#x})")
        gdb.execute("frame")

    @staticmethod
    def _program(world):
        found = [p for p in (manager.candidates(world) if world else
                             manager.programs) if p.kind == worlds.LINUX]
        if len(found) == 1:
            return found[0]
        raise HypsecError(
            "no symbols of a Linux were given" +
            (f" for {printable(world)}" if world else "") + "; `./hypsec "
            "debug --vmlinux FILE`, or `hypsec symbols add WORLD FILE`; for "
            f"Debian's kernel `{SETUP}` fetches them"
            if not found else "symbols of several Linuxes were given; name "
            "the world")


def _vmid(world):
    """The number of the VM that a kernel runs in; 0 for the host."""
    if world != "vm":
        return worlds.vmid_of(world)
    # Of one VM's kind: the one that this CPU runs, or the first.
    below = common.world_below()
    return worlds.vmid_of(below) if below != "host" else 1


def _kernel_offset(program, world):
    """None before the kernel has moved; an error if WORLD has another one,
    which would never come to where this one moves."""
    memory = worlds.Memory(_vmid(world))
    base = worlds.kernel_base(program, memory)
    if program.is_other:
        raise HypsecError(f"{world}: {worlds.other_kernel(program)}")
    return None if base is None else \
        worlds.kernel_offset(program, memory, base)


def _run_to_kernel(program, world):
    """Run to __primary_switch at its physical address and from there from
    branch to branch until the kernel has moved."""
    at = program.symbols.get("__primary_switch")
    if at is None or "kimage_voffset" not in program.symbols:
        raise HypsecError(f"{program.image.path} has no __primary_switch or "
                          "kimage_voffset: no arm64 vmlinux with all symbols")
    base = worlds.kernel_base(program, worlds.Memory(_vmid(world)))
    if base is None:
        base = program.base or common.RAM_BASE
    if not _run_to(world, base + at - program.symbols["_text"]):
        return
    for _ in range(MAX_BRANCHES):
        if _kernel_offset(program, world) is not None or \
           not _run_to(world, *_next_places()):
            return


def _run_to(world, *addresses):
    """Continue to one of ADDRESSES in WORLD; whether it stopped there."""
    stops = [AtBreakpoint(address, world, internal=True)
             for address in addresses]
    for stop in stops:
        stop.silent = True
    before = common.register("pc")
    try:
        gdb.execute("continue", to_string=True)
        if common.register("pc") == before and before not in addresses:
            # The same instruction again, whose page EL2 has mapped meanwhile.
            gdb.execute("continue", to_string=True)
        return any(stop.is_valid() and stop.hit_count for stop in stops)
    finally:
        for stop in filter(gdb.Breakpoint.is_valid, stops):
            stop.delete()


def _next_places():
    """Where the selected CPU will be soon: at its next branch, or behind it;
    calls are executed as a whole."""
    pc = common.register("pc")
    for number in range(LOOK_AHEAD):
        address = pc + 4 * number
        try:
            code = int.from_bytes(bytes(
                gdb.selected_inferior().read_memory(address, 4)), "little")
        except gdb.MemoryError:
            # EL2 maps that page once it is executed.
            return [address]
        if places := _targets(code, address):
            return places if number == 0 else [address]
    return [address]


def _targets(code, address):
    """Where a branch goes; nothing if CODE is none."""
    def relative(low, bits):
        value = code >> low & (1 << bits) - 1
        if value >> bits - 1:
            value -= 1 << bits
        return address + 4 * value & common.MASK64
    if code >> 26 == 0b100101 or code & 0xfffffc1f == 0xd63f0000:
        return [address + 4]                        # BL, BLR
    if code & 0xff9ffc1f == 0xd61f0000:
        return [common.register(f"x{code >> 5 & 31}")]      # BR, RET
    if code >> 26 == 0b000101:
        return [relative(0, 26)]                    # B
    if code >> 24 in (0x54, 0x34, 0x35, 0xb4, 0xb5):
        return [address + 4, relative(5, 19)]       # B.cond, CBZ, CBNZ
    if code >> 24 in (0x36, 0x37, 0xb6, 0xb7):
        return [address + 4, relative(5, 14)]       # TBZ, TBNZ
    return []


def _program_for(world, programs):
    """Which of a world's programs a location is looked up in."""
    if len(programs) == 1:
        return programs[0]
    if world != "vm" and world.startswith("vm"):
        found, why = manager.program_of(world)
        if found:
            return found
    else:
        why = "it may be " + ", ".join(p.name for p in programs)
    raise HypsecError(f"{world}: {why}; name the program instead: "
                      "`hypsec break at NAME LOCATION`")


def _places(program, world, location):
    """Addresses of LOCATION in all copies where it may be executed."""
    found, problem = [], None
    for copy in manager.copies(program, world):
        try:
            with manager.only([copy]):
                there = worlds.addresses(copy, location)
        except HypsecError as error:
            problem = error
            continue
        found += [address for address in there
                  if worlds.may_run(program, copy, address)]
    if found:
        return list(dict.fromkeys(found))
    raise problem or HypsecError(f"{program.name}: there is no "
                                 f"{printable(location)} in it")


def _break_at(address, world, program, args):
    made = AtBreakpoint(address, world, program,
                        temporary=args.temporary)
    who = f"{program.name} ({world})" if program else world
    say(f"hypsec: breakpoint {made.number}: {printable(who)}: "
        f"{printable(args.location)}")


class AtBreakpoint(common.WorldBreakpoint):
    """Stops a world, or any VM that runs a program."""

    def __init__(self, address, world, program=None, **settings):
        self.program = program
        super().__init__(address, world, **settings)

    def in_world(self):
        world = common.current_world()
        if self.world != "vm":
            return world == self.world
        if not world.startswith("vm"):
            return False
        return self.program is None or \
            manager.program_of(world)[0] is self.program


def follow(*_):
    """Follow the selected CPU; True if something else is loaded now."""
    try:
        return manager.sync()
    except Exception as error:   # never in the way of gdb itself
        gdb.write(f"hypsec: symbols: {common.describe(error)}\n", gdb.STDERR)
        return False


def _place():
    """What gdb makes of the newest frame."""
    try:
        frame = gdb.newest_frame()
        return frame.name(), frame.find_sal().line
    except gdb.error:
        return None


def show(_event=None):
    """Follow the selected CPU, and show its frame if it has other names."""
    before = _place()
    # gdb has printed the place already, with what was loaded before.
    if follow() and _place() != before:
        try:
            gdb.execute("frame")
        except gdb.error:
            pass


World()
Cpu()
BreakAt()
Linux()
Symbols()
gdb.events.stop.connect(show)
gdb.events.before_prompt.connect(follow)
gdb.events.breakpoint_created.connect(tidy)
manager.after_change = tidy
gdb.execute("define hookpost-thread\n"
            "python import cmd_symbols; cmd_symbols.show()\nend")
