# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose symbols gdb has loaded, and where.

gdb looks an address up in everything that is loaded, but the worlds of a
board use the same addresses for different programs. So what is loaded follows
the selected CPU: EL2's symbols at their link address always; the firmware's
copies at physical addresses while the CPU may run there; of host and VMs the
program that this CPU runs, or has below it while it is at EL2.
"""
import contextlib
import dataclasses
import pathlib
import re
import struct

import gdb

from boardview import tables
import common
from common import HypsecError
import elf

FIRMWARE, LINUX, PLAIN = "firmware", "linux", "plain"
WORLDS = ("el2", "host", "vm", *(f"vm{n}" for n in range(1, 16)))

PAGE = 4096
# arm64's boot protocol: a kernel lies at a multiple of 2 MiB.
KERNEL_ALIGN = 2 << 20
KERNEL_PLACES = 32
KERNEL_MAGIC, KERNEL_MAGIC_OFFSET = b"ARM\x64", 56
# Wherever a kernel has itself mapped, it is a multiple of this from its link
# address.
KERNEL_OFFSETS = 64 << 10
KERNEL_VA = 0xffff000000000000
KERNEL_SYMBOLS = ("_text", "kimage_voffset", "__primary_switch",
                  "__idmap_text_start", "__idmap_text_end")
# What is compared to recognise a VM's program.
MAX_TEXT = 64 << 10


@dataclasses.dataclass(eq=False)
class Program:
    """What a world runs, by its ELF file."""
    world: str
    name: str
    image: elf.Elf
    kind: str
    symbols: dict
    base: int | None = None
    # A kernel's (address, bytes); whether the one in memory has another.
    build_id: tuple | None = None
    is_other: bool = False

    def bounds(self, offset):
        """Addresses of a copy that is OFFSET away from where it is linked."""
        first, end = self.image.bounds()
        return first + offset & common.MASK64, end - first

    def contains(self, address, offset):
        first, size = self.bounds(offset)
        return first <= address < first + size


@dataclasses.dataclass(frozen=True)
class Copy:
    """A program at a place: what to load, and why. `moved` if it runs at
    another place now."""
    program: Program
    offset: int
    why: str = dataclasses.field(compare=False)
    moved: bool = dataclasses.field(default=False, compare=False)

    @property
    def key(self):
        return id(self.program), self.offset

    def overlaps(self, other):
        """Whether the two have an address in common."""
        first, size = self.program.bounds(self.offset)
        start, length = other.program.bounds(other.offset)
        return first < start + length and start < first + size


def open_program(world, path, name=None):
    """A Program of a user's file. Raises HypsecError."""
    if world not in WORLDS:
        raise HypsecError(f"{common.printable(world)!r} is no world: el2, "
                          "host, vm1 to vm15 and vm (any VM) are")
    path = pathlib.Path(path).expanduser()
    try:
        if not path.is_file():
            raise elf.ElfError(f"{path}: no such file")
        image = elf.Elf(path)
        symbols = image.symbols(("__idmap_start", "__text_end",
                                 *KERNEL_SYMBOLS))
        if not image.has_symbols():
            raise elf.ElfError(f"{path}: it has no symbols (stripped?)")
    except elf.ElfError as error:
        raise HypsecError(str(error)) from None
    if world == "el2" and image.bounds()[0] == common.IMAGE_VA:
        kind = FIRMWARE
    elif symbols.get("_text", 0) >= KERNEL_VA:
        kind = LINUX
    else:
        kind = PLAIN
    return Program(world, name or path.stem, image, kind, symbols,
                   build_id=image.build_id() if kind == LINUX else None)


class Memory:
    """Physical memory as host (0) or a VM sees it: stage 2 alone."""

    def __init__(self, vmid):
        self.vmid = vmid
        self._root = self._vtcr = None

    def read(self, ipa, length):
        """LENGTH bytes; None where something is not mapped or no memory."""
        try:
            if self.vmid == 0:
                return common.source().read(ipa, length)
            return self._read_vm(ipa, length)
        except (common.SourceError, gdb.error):
            return None

    def _read_vm(self, ipa, length):
        source = common.source()
        if self._root is None:
            self._root = common.page().root(source, self.vmid)
            self._vtcr = common.register("VTCR_EL2")
        if not self._root:
            return None
        data = b""
        while len(data) < length:
            part = min(PAGE - ipa % PAGE, length - len(data))
            walk = tables.walk_stage2(source, self._root, self._vtcr, ipa)
            if walk.pa is None:
                return None
            data += source.read(walk.pa, part)
            ipa += part
        return data

    def word(self, ipa):
        data = self.read(ipa, 8)
        return struct.unpack("<Q", data)[0] if data else None


def vmid_of(world):
    """0 for the host, N for vmN."""
    return 0 if world == "host" else int(world[2:])


def kernel_base(program, memory):
    """IPA of a Linux kernel's first byte; None if it is not there, or only
    another kernel (`is_other`)."""
    program.is_other = False
    places = [common.RAM_BASE + number * KERNEL_ALIGN
              for number in range(KERNEL_PLACES)]
    # Where it was the last time is where it is.
    places.sort(key=lambda ipa: ipa != program.base)
    for ipa in places:
        # The header's page is free memory once the kernel is up.
        if memory.read(ipa + KERNEL_MAGIC_OFFSET, 4) == KERNEL_MAGIC or \
           kernel_offset(program, memory, ipa) is not None:
            # It may be what is left of one that ran before.
            program.is_other = _is_other(program, memory, ipa)
            if not program.is_other:
                program.base = ipa
                return ipa
    return None


def _is_other(program, memory, base):
    """Whether the kernel at BASE has another build id than the file; not if
    nobody knows."""
    if program.build_id is None:
        return False
    address, wanted = program.build_id
    held = memory.read(base + address - program.symbols["_text"], len(wanted))
    return held not in (None, wanted)


def other_kernel(program):
    """What to say of a world that runs another kernel."""
    return "the kernel in its memory is not the one of " \
        f"{common.printable(program.image.path)} (another build id)"


def kernel_offset(program, memory, base):
    """How far a kernel runs from where it is linked; None before it has
    decided on that."""
    text = program.symbols["_text"]
    if at := program.symbols.get("kimage_voffset"):
        voffset = memory.word(base + at - text)
        start = (base + voffset) & common.MASK64 if voffset else 0
        if start >= KERNEL_VA and (start - text) % KERNEL_OFFSETS == 0:
            return start - text
    return None


def recognised(program, memory):
    """Whether MEMORY holds the code of a plain program."""
    for address, data in program.image.text():
        data = data[:MAX_TEXT]
        if memory.read(address, len(data)) != data:
            return False
    return True


class Manager:
    """What is known, and what is loaded in gdb."""

    def __init__(self):
        self.programs = []
        self.loaded = {}
        self.notes = []
        self._said = set()
        self._busy = False
        # Called when other symbols are loaded.
        self.after_change = lambda: None

    # What there is

    def add(self, program):
        self.programs = [p for p in self.programs if
                         (p.world, p.name) != (program.world, program.name)]
        self.programs.append(program)
        for key in [key for key, (copy, _) in self.loaded.items()
                    if copy.program not in self.programs]:
            self._unload(key)
        self.sync()

    def candidates(self, world):
        """Programs that may run in WORLD."""
        exact = [p for p in self.programs if p.world == world]
        if exact or not world.startswith("vm") or world == "vm":
            return exact
        return [p for p in self.programs if p.world == "vm"]

    def find(self, name):
        """(world, programs) that NAME means: a world or a program."""
        if name in WORLDS:
            return name, self.candidates(name)
        found = [p for p in self.programs if p.name == name]
        if len(found) != 1:
            known = ", ".join(dict.fromkeys(
                [p.world for p in self.programs] +
                [p.name for p in self.programs])) or "none yet"
            raise HypsecError(
                f"{common.printable(name)!r} is no world and no program with "
                f"symbols; there are: {known}. `hypsec symbols add WORLD "
                "FILE` adds one")
        return found[0].world, found

    def program_of(self, world):
        """The Program that WORLD (host or vmN) runs, and why; None and why
        not."""
        memory = Memory(vmid_of(world))
        found = self.candidates(world)
        if not found:
            return None, f"no symbols were given for {world}"
        if world == "host" or (len(found) == 1 and found[0].world == world):
            return found[0], f"CPU {common.cpu_number()} runs {world}"
        for program in found:
            if program.kind == LINUX and kernel_base(program, memory) or \
               program.kind != LINUX and recognised(program, memory):
                return program, f"CPU {common.cpu_number()} runs {world}, " \
                    "and its code is this program's"
        for program in found:
            if program.is_other:
                return None, self._warn(world, other_kernel(program))
        return None, f"the memory of {world} is none of: " + \
            ", ".join(p.name for p in found)

    # What shall be loaded for the selected CPU

    def wanted(self):
        """The Copies for the selected CPU, and notes on what is missing."""
        copies, notes = [], []
        pc = common.register("pc")
        world = common.current_world()
        for program in self.candidates("el2"):
            copies += self._firmware(program, pc, world)
        below = common.world_below()
        program, why = self.program_of(below)
        if program is None:
            notes.append(f"{below}: {why}")
        elif program.kind == LINUX:
            copies += self._linux(program, below, pc, notes)
        else:
            copies.append(Copy(program, 0, why))
        return copies, notes

    @staticmethod
    def _firmware(program, pc, world):
        copies = [Copy(program, 0, "EL2's virtual addresses")]
        if program.kind != FIRMWARE or world != "el2":
            return copies
        base = common.image_pa()
        physical = base - common.IMAGE_VA & common.MASK64
        if common.register("SCTLR_EL2") & common.SCTLR_M and \
           not program.contains(pc, physical):
            return copies
        if base:
            copies.append(Copy(program, physical, "the copy in EL2's memory, "
                               "while the MMU is off"))
        copies.append(Copy(program, -common.IMAGE_VA & common.MASK64,
                           "flash, while the MMU is off"))
        return copies

    def _warn(self, world, note):
        """NOTE, which the user gets to read the first time."""
        if (world, note) not in self._said:
            self._said.add((world, note))
            common.say(f"hypsec: {world}: {note}")
        return note

    def _linux(self, program, world, pc, notes):
        memory = Memory(vmid_of(world))
        base = kernel_base(program, memory)
        if base is None:
            notes.append(f"{world}: " + (
                "no Linux kernel in its memory yet" if not program.is_other
                else self._warn(world, other_kernel(program))))
            return []
        text = program.symbols["_text"]
        physical = base - text & common.MASK64
        offset = kernel_offset(program, memory, base)
        copies = []
        if offset is not None:
            copies.append(Copy(
                program, offset & common.MASK64, f"{world}'s kernel, KASLR "
                f"offset {offset:#x}"))
        if offset is None or program.contains(pc, physical):
            copies.append(Copy(program, physical, f"{world}'s kernel at its "
                               "physical address, before its MMU is on"))
        return copies

    # gdb

    def sync(self):
        """Load what the selected CPU wants; whether anything changed."""
        thread = gdb.selected_thread()
        if self._busy or thread is None or not thread.is_valid() or \
           thread.is_running():
            return False
        self._busy = True
        try:
            copies, self.notes = self.wanted()
            changed = self._replace(copies)
        finally:
            self._busy = False
        if changed:
            self.after_change()
        return changed

    def _replace(self, copies):
        keys = {copy.key for copy in copies}
        old = [key for key in self.loaded if key not in keys]
        new = [copy for copy in copies if copy.key not in self.loaded]
        # gdb reads a file once if it has another copy of it at that moment.
        kept = [key for key in old
                if any(self._may_overlap_in_time(key, copy) for copy in new)]
        for key in old:
            if key not in kept:
                self._unload(key)
        for copy in new:
            self._load(copy)
        for key in kept:
            self._unload(key)
        for copy in copies:
            if copy.key in self.loaded:
                self.loaded[copy.key] = copy, self.loaded[copy.key][1]
        return bool(old or new)

    def _may_overlap_in_time(self, key, copy):
        """Whether what is loaded as KEY may stay until COPY, of the same file,
        is loaded as well; gdb unloads by address."""
        old, _ = self.loaded[key]
        return copy.program is old.program and not copy.overlaps(old)

    def _load(self, copy):
        before = {id(objfile) for objfile in gdb.objfiles()}
        path = quote(copy.program.image.path)
        place = f" -o {copy.offset:#x}" if copy.offset else ""
        gdb.execute(f"add-symbol-file {path}{place}", to_string=True)
        for objfile in gdb.objfiles():
            if id(objfile) not in before:
                self.loaded[copy.key] = copy, objfile
                return

    def _unload(self, key):
        copy, _ = self.loaded.pop(key)
        first, _ = copy.program.bounds(copy.offset)
        with contextlib.suppress(gdb.error):
            gdb.execute(f"remove-symbol-file -a {first:#x}", to_string=True)

    @staticmethod
    def _firmware_copies(program):
        """EL2's link address, its physical one, and flash."""
        found = [Copy(program, 0, "")]
        if base := common.image_pa():
            found.append(Copy(program, base - common.IMAGE_VA &
                              common.MASK64, ""))
            found.append(Copy(program, -common.IMAGE_VA & common.MASK64, ""))
        return found

    @contextlib.contextmanager
    def only(self, copies):
        """Have only COPIES loaded in the block, and where nothing of theirs
        is, kernels: gdb takes seconds to read one again."""
        before = [copy for copy, _ in self.loaded.values()]
        kept = [copy for copy in before
                if copy.program.kind == LINUX and copy not in copies and
                not any(copy.overlaps(other) for other in copies)]
        self._busy = True
        try:
            self._replace([*copies, *kept])
            yield
        finally:
            self._replace(before)
            self._busy = False

    def copies(self, program, world):
        """Where PROGRAM is or will be in WORLD: [Copy]; a kernel's virtual
        copy is missing before the kernel has chosen it."""
        if program.kind == FIRMWARE:
            return self._firmware_copies(program)
        if program.kind != LINUX:
            return [Copy(program, 0, "")]
        vmid = vmid_of(world) if world != "vm" else None
        base = offset = None
        if vmid is not None:
            memory = Memory(vmid)
            base = kernel_base(program, memory)
            if program.is_other:
                raise HypsecError(f"{world}: {other_kernel(program)}")
            if base is not None:
                offset = kernel_offset(program, memory, base)
        if base is None:
            base = common.RAM_BASE
        text = program.symbols["_text"]
        found = [Copy(program, base - text & common.MASK64, "",
                      offset is not None)]
        if offset is not None:
            found.insert(0, Copy(program, offset & common.MASK64, ""))
        return found


def may_run(program, copy, address):
    """Whether ADDRESS of a copy is ever executed there."""
    idmap = "__idmap_start", "__text_end"
    if program.kind == LINUX:
        idmap = "__idmap_text_start", "__idmap_text_end"
    first, end = map(program.symbols.get, idmap)
    in_idmap = first is not None and end is not None and \
        first <= (address - copy.offset & common.MASK64) < end
    if program.kind == LINUX:
        return address >= KERNEL_VA or in_idmap or not copy.moved
    if program.kind != FIRMWARE:
        return True
    physical = copy.offset != 0
    if in_idmap:
        # The page on which the MMU is turned on: mapped at its own address.
        return physical and address - (address & KERNEL_ALIGN - 1) == \
            common.image_pa()
    if not physical:
        return True
    # Physical addresses are for a CPU that has its MMU off.
    return not common.register("SCTLR_EL2") & common.SCTLR_M and \
        common.level() == common.EL2


def addresses(copy, location):
    """Where a breakpoint at LOCATION, as gdb's break takes it, would be in
    COPY, the only one that is loaded. Raises HypsecError."""
    probe = None
    try:
        # Where there is no such place this says so, a breakpoint would wait.
        gdb.decode_line(location)
        probe = gdb.Breakpoint(location, internal=True)
        found = [place.address for place in probe.locations
                 if place.address is not None and
                 copy.program.contains(place.address, copy.offset)]
        again = doubles(found)
        return [address for address in found if address not in again]
    except gdb.error as error:
        raise HypsecError(f"{copy.program.name}: {error}") from None
    finally:
        if probe is not None:
            probe.delete()


def doubles(found):
    """Those of the addresses FOUND for one location that are the start of a
    function which is in FOUND a second time: room for a patch stands between
    a function's symbol and its first line, and gdb takes both. Another
    function of that name is none."""
    described = {address for address in found if _in_function(address)}
    starts = {address - offset for address in described
              for offset in _offsets_at(address)}
    return starts.intersection(found) - described


def _in_function(address):
    """Whether debug information describes a function there."""
    block = gdb.block_for_pc(address)
    while block is not None and block.function is None:
        block = block.superblock
    return block is not None


def _offsets_at(address):
    """How far ADDRESS is in the ELF symbols that it is in."""
    text = gdb.execute(f"info symbol {address:#x}", to_string=True)
    return [int(offset or 0) for offset in
            re.findall(r"^.*?(?: \+ (\d+))? in section ", text, re.M)]


def quote(path):
    """A path as one argument of a gdb command."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


manager = Manager()
