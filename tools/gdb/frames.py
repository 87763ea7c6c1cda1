# SPDX-License-Identifier: GPL-2.0-or-later
"""Chains of frames, in EL2 and across to the worlds below it.

gdb's own backtrace knows one address space. Here each world's frames are
walked by frame pointers in that world's own memory, and named by that world's
own symbols. What a chain holds is hostile input: a walk ends after MAX_FRAMES
and at anything that is no frame.
"""
import contextlib
import dataclasses
import struct

import gdb

import common
import contexts
import elf
import traps
from boardview.source import SourceError
from common import HypsecError, register

MAX_FRAMES = 64
# Instructions of a function that are looked at for its prologue.
PROLOGUE = 64
VA_SIGN = 55
SET_X29, SET_X29_MASK = 0x910003fd, 0xffc003ff      # ADD X29, SP, #n
RET = 0xd65f03c0
# The places of vectors.S, switch.S and head.S where no C is called from.
VECTOR_TABLES = ("host_vectors", "vm_vectors")
SAVING = ("host_sync", "host_serror")
FATAL = ("el2_sync", "el2_irq", "el2_fiq", "el2_serror", "host_irq",
         "host_fiq", "host_aarch32", "fatal_common")
ENDS = (*SAVING, "host_return", "fatal_common")
VECTOR_BYTES = 0x800
FRAME_X0 = 104      # of core_to_vm(): the VM's x0 and x1, switch.S
# HYPSEC_EXIT_*; another is a trap.
EXIT_KINDS = {0: "irq", 1: "serror"}


@dataclasses.dataclass
class Frame:
    """pc: where it is; text: what that is."""
    pc: int
    text: str


@dataclasses.dataclass
class Section:
    """The frames of one world, and how it came to the section before it."""
    title: str
    frames: list
    note: str = ""


# Names

# Text by program, address and whether it is a return address: what a file says
# does not change, and to have gdb look it up takes long.
_texts = {}
MAX_TEXTS = 20000


class Names:
    """The symbols of a world: a file, and how far from it the code is."""

    def __init__(self, file, offset=0, copy=None):
        self.file = file
        self.offset = offset
        self.copy = copy

    def find(self, address):
        """(name, offset) or None."""
        if self.file is None:
            return None
        return self.file.find(address - self.offset & common.MASK64)

    def start(self, address):
        """Where the function at ADDRESS begins, None if nobody knows."""
        found = self.find(address)
        return None if found is None else address - found[1]

    def text(self, address, back=0):
        """Function and line of ADDRESS; BACK: of the instruction before."""
        found = self.find(address - back)
        if found is None:
            return "??"
        key = self.file, address - self.offset, back
        if key not in _texts:
            if len(_texts) >= MAX_TEXTS:
                _texts.clear()
            _texts[key] = self._text(address, back, *found)
        return _texts[key]

    def _text(self, address, back, name, offset):
        names, line = self._lines(address - back)
        where = f" ({line})" if line else ""
        inlined = "".join(f"{inner} in " for inner in names)
        return common.printable(
            f"{inlined}{name}+{offset + back:#x}{where}")

    def _lines(self, address):
        """Inlined functions there, inner first, and "file.c:12"."""
        with self.loaded():
            place = gdb.find_pc_line(address)
            line = f"{place.symtab.filename.rsplit('/', 1)[-1]}:" \
                   f"{place.line}" if place.symtab and place.line else ""
            names = []
            block = gdb.block_for_pc(address)
            while block is not None and block.function is None:
                block = block.superblock
            while block is not None and block.function is not None:
                outer = block.superblock
                while outer is not None and outer.function is None:
                    outer = None if outer.is_global or outer.is_static \
                        else outer.superblock
                if outer is None:
                    break
                names.append(block.function.name)
                block = outer
            return names, line

    def loaded(self):
        """Have gdb know this program alone, for a block."""
        if self.copy is None:
            return contextlib.nullcontext()
        return manager().only([self.copy])


def manager():
    """Whose symbols are where; None without that part of the extension."""
    try:
        import worlds
        return worlds.manager
    except ImportError:
        return None


def names_of(world):
    """The Names of a world below EL2."""
    known = manager()
    if known is None:
        return Names(None)
    try:
        program, _ = known.program_of(world)
        if program is None:
            return Names(None)
        copy = known.copies(program, world)[0]
        return Names(elf.load(program.image.path), copy.offset, copy)
    except (HypsecError, SourceError, elf.ElfError, gdb.error,
            IndexError):
        return Names(None)


def el2_names():
    """The Names of EL2, at the address where the selected CPU executes it."""
    firmware = traps.firmware_elf()
    if firmware is None:
        return Names(None)
    pc = register("pc")
    offsets = [0]
    if not register("SCTLR_EL2") & common.SCTLR_M:
        # Flash, or the copy in the carve-out.
        offsets = [common.image_pa() - common.IMAGE_VA, -common.IMAGE_VA]
    for offset in offsets:
        if firmware.covers(pc - offset & common.MASK64):
            return Names(firmware, offset)
    return Names(firmware)


# Walks

def plain(address):
    """A return address without a signature (FEAT_PAuth): bit 55 says which
    half it is in."""
    if address >> VA_SIGN & 1:
        return address | -1 << 48 & common.MASK64
    return address & (1 << 48) - 1


def in_prologue(names, read, pc):
    """Whether the function at PC has not made its frame yet, or has none:
    its caller is in x30 then, and not in the frame that x29 points to."""
    start = names.start(pc)
    if start is None or pc % 4:
        return False
    try:
        first = max(start, pc - 4 * PROLOGUE)
        code = read(first, pc - first + 4)
    except SourceError:
        return False
    words = [word for word, in struct.iter_unpack("<I", code[:-4])]
    if any(word & SET_X29_MASK == SET_X29 for word in words):
        # It has; unless it is about to return, and has taken it down.
        return code[-4:] == RET.to_bytes(4, "little")
    return True


def walk(names, read, pc, x29, x30):
    """The Frames from PC on, and why there are no more: "" at the proper
    end."""
    with names.loaded():
        return _walk(names, read, pc, x29, x30)


def _walk(names, read, pc, x29, x30):
    frames = [Frame(pc, names.text(pc))]
    if x30 is not None and x29 is not None and plain(x30) and \
       in_prologue(names, read, pc):
        address = plain(x30)
        # Assembly keeps what an earlier call left there.
        if names.start(address - 4) != names.start(pc):
            frames.append(Frame(address, names.text(address, 4)))
    seen = set()
    while x29:
        if x29 % 8 or x29 in seen:
            return frames, f"x29 is {x29:#x}, which is no frame"
        if len(frames) >= MAX_FRAMES:
            return frames, f"more than {MAX_FRAMES} frames"
        seen.add(x29)
        try:
            x29, address = struct.unpack("<QQ", read(x29, 16))
        except SourceError as error:
            return frames, str(error)
        address = plain(address)
        if not address:
            break
        frames.append(Frame(address, names.text(address, 4)))
    return frames, ""


def el2_read(address, length):
    """Memory of EL2: its image by the place where that is, the rest by its
    tables."""
    if common.IMAGE_VA <= address < common.IMAGE_VA + (2 << 20) and \
       traps.firmware_elf() is not None and common.image_pa():
        return common.firmware_bytes(address, length)
    if not register("SCTLR_EL2") & common.SCTLR_M:
        return common.source().read(address, length)
    return traps.el2_read(address, length)


def walk_el2(pc, x29, x30):
    """As walk() in EL2; ends where vectors.S calls C, and where head.S goes
    to C by its address in x30, which looks as if C had called itself."""
    names = el2_names()
    frames, note = walk(names, el2_read, pc, x29, x30)
    if len(frames) > 1 and not note:
        entered = frames[-2].pc - (4 if len(frames) > 2 else 0)
        if frames[-1].pc == names.start(entered):
            frames.pop()
    for number, frame in enumerate(frames):
        found = names.find(frame.pc - (4 if number else 0))
        if found and found[0] in ENDS:
            return frames[:number + 1], ""
    return frames, note


# Across

def sections():
    """The selected CPU's backtrace: Sections from where it is downwards."""
    cpu = common.cpu_number()
    if common.is_off(cpu):
        return [Section(f"CPU {cpu} is off", [])]
    if common.level() < common.EL2:
        here = contexts.below()
        if here.world == "host":
            here.vcpu = None
        return [below(here, f"CPU {cpu} in {{}}")]
    return _at_el2(cpu)


def below(context, title):
    """The Section of a world below EL2."""
    names = names_of(context.world)
    who = traps.who_text(context.world, context.vcpu) + \
        f" EL{context.level}" + (" AArch32" if context.narrow else "")
    title = title.format(who)
    if context.narrow or context.x29 is None:
        frames = [Frame(context.pc, names.text(context.pc))]
        why = "no frames of AArch32 are walked" if context.narrow else \
            context.note
        return Section(title, frames, why)
    # The kernel's symbols say nothing about a program's code.
    if context.level == 0:
        names = Names(None)
    frames, note = walk(names, context.read, context.pc, context.x29,
                        context.x30)
    return Section(title, frames, note)


def _at_el2(cpu):
    pc = register("pc")
    names = el2_names()
    found = names.find(pc)
    name, offset = found or (None, 0)
    title = f"CPU {cpu} at EL2"
    if found is None:
        return _unknown_firmware(title, pc)
    if name in VECTOR_TABLES and offset < VECTOR_BYTES:
        return _in_vector(title, pc, name, offset)
    if name in ("vm_to_core", "core_to_vm"):
        return _in_switch(title, pc, name)
    if name in (*SAVING, "host_return"):
        return _in_host_vector(title, pc, name)
    if name in FATAL:
        return _in_fatal(title, pc, name)
    if name == "el2_enter_host":
        frames = [Frame(pc, names.text(pc))]
        return [Section(title, frames, "EL2 goes to the host for the first "
                        "time on this CPU")]
    frames, note = walk_el2(pc, register("x29"), register("x30"))
    return [Section(title, frames, note), *_after_el2(frames)]


def _trapped(nested=False, arguments=None):
    """The title of the section whose exception the CPU's registers hold.
    ARGUMENTS: x0 on, if it is a call."""
    trap = traps.here("sync")
    why = traps.cause(trap.esr, trap.far, trap.hpfar, arguments)
    words = f"ESR {trap.esr:#x}, ELR {trap.elr:#x}"
    if nested:
        return f"exception inside EL2: {why}; {words}"
    return f"trapped from {{}}: {why}; {words}"


def _in_vector(title, pc, name, offset):
    """At a vector: nothing of the interrupted world has changed yet."""
    frames = [Frame(pc, el2_names().text(pc))]
    if offset < min(traps.LOWER):
        return [Section(title, frames), *_nested(
            register("x29"), register("x30"))]
    sections = []
    if name == "vm_vectors":
        more, note = _chain_at_sp()
        frames += more
        sections = _host_that_runs()
    else:
        note = ""
    kind = traps.LOWER.get(offset & -traps.VECTOR_BYTES, "sync")
    lower = contexts.interrupted(register("x29"), register("x30"))
    arguments = traps.call_arguments()
    if offset % traps.VECTOR_BYTES and name == "vm_vectors":
        arguments = _saved_arguments(arguments)
    return [Section(title, frames, note),
            below(lower, _why(kind, arguments)), *sections]


def _saved_arguments(arguments):
    """ARGUMENTS with the VM's x0 and x1, which are in core_to_vm()'s frame
    once its vector has begun."""
    try:
        saved = el2_read(register("sp") + FRAME_X0, 16)
    except SourceError:
        return None
    return [*struct.unpack("<QQ", saved), *arguments[2:]]


def _why(kind, arguments=None):
    """The title of a section that an exception of KIND has interrupted."""
    if kind == "sync":
        return _trapped(arguments=arguments)
    return f"interrupted from {{}}: {traps.KINDS[kind]}; " \
           f"ELR {register('ELR_EL2'):#x}"


def _chain_at_sp():
    """EL2's frames while it runs a VM: core_to_vm() keeps its own, the
    innermost, at SP."""
    try:
        x29, address = struct.unpack("<QQ", el2_read(register("sp"), 16))
    except SourceError as error:
        return [], str(error)
    frames, note = walk_el2(address, x29, None)
    # The first is a return address like the others.
    frames[0].text = el2_names().text(address, 4)
    return frames, note


def _frame_on_stack():
    """The TrapFrame of the host below trap_host_sync(), which has not noted
    it yet, or no longer: gdb knows where its caller's stack is."""
    frame, left = gdb.newest_frame(), MAX_FRAMES
    while frame is not None and left:
        if frame.name() in SAVING:
            return contexts.read_frame(int(frame.read_register("sp")))
        frame, left = frame.older(), left - 1
    return None


def _host_that_runs(verb="run by"):
    """The Section of the host whose exception EL2 handles. VERB: whether it
    is the one that runs the VM above."""
    cpu = contexts.pcpu()
    frame = None if cpu is None else contexts.trap_frame(cpu) or \
        _frame_on_stack()
    if frame is None:
        return []
    why = traps.cause(frame.esr, frame.far, frame.hpfar, frame.regs)
    title = f"{verb} {{}}: {why}; ESR {frame.esr:#x}, ELR {frame.elr:#x}"
    return [below(contexts.of_host(frame, cpu), title)]


def _in_switch(title, pc, name):
    """Between EL2's C and a VM, in either direction."""
    names = el2_names()
    start = names.start(pc)
    frames = [Frame(pc, names.text(pc))]
    word = names.file.word(pc - names.offset)
    if pc == start and name == "core_to_vm" or word == RET:
        # No frame yet, or no more: x30 is the caller.
        frames, note = walk_el2(pc, register("x29"), register("x30"))
        return [Section(title, frames, note), *_after_el2(frames)]
    more, note = _chain_at_sp()
    leaving = word in traps.ERETS
    if name == "vm_to_core" or leaving:
        lower = contexts.interrupted(register("x29"), register("x30"))
    else:
        lower = _vm_that_starts()
    verb = "goes to {}"
    if name == "vm_to_core":
        arguments = _saved_arguments(traps.call_arguments())
        if arguments and pc > start + 4:
            # x2 and x3 are in the context already.
            arguments = _with_context(arguments)
        # x1 is HYPSEC_EXIT_*.
        verb = _why(EXIT_KINDS.get(register("x1"), "sync"), arguments)
    found = [] if lower is None else [below(lower, verb)]
    return [Section(title, frames + more, note), *found,
            *_host_that_runs()]


def _with_context(arguments):
    """ARGUMENTS with x2 and x3 of the context of the current VM."""
    cpu = contexts.pcpu()
    saved = None if cpu is None else contexts.saved_context(
        int(cpu["cur_vmid"]), int(cpu["cur_vcpuid"]))
    if saved is None:
        return None
    return [*arguments[:2], *saved[2:4], *arguments[4:]]


def _vm_that_starts():
    """The Context of the VM that core_to_vm() is loading."""
    cpu = contexts.pcpu()
    vmid = 0 if cpu is None else int(cpu["cur_vmid"])
    return contexts.saved_vm(vmid, int(cpu["cur_vcpuid"])) if vmid else None


def _in_host_vector(title, pc, name):
    """Where vectors.S saves the host's registers or gives them back."""
    names = el2_names()
    frames = [Frame(pc, names.text(pc))]
    word = names.file.word(pc - names.offset)
    frame = contexts.read_frame(register("sp"))
    saved = name in SAVING and _past_save(names, pc) or \
        name == "host_return" and word not in traps.ERETS
    if saved and frame:
        x29, x30 = frame.regs[29], frame.regs[30]
    else:
        x29, x30 = register("x29"), register("x30")
    lower = contexts.interrupted(x29, x30)
    kind = "serror" if name == "host_serror" else "sync"
    arguments = traps.call_arguments()
    if frame and pc > names.start(pc) + 4:
        # The first that are saved, and the first that are used.
        arguments[:2] = frame.regs[:2]
    verb = _why(kind, arguments) if name in SAVING else "goes to {}"
    if name == "host_return" and frame and word not in traps.ERETS:
        # ELR_EL2 may be that of a VM until it is set to the host's.
        lower.pc = frame.elr
    return [Section(title, frames), below(lower, verb)]


def _past_save(names, pc):
    """Whether the host's x29 is on the stack, and gone from the CPU."""
    start = names.start(pc)
    while start < pc:
        if names.file.word(start - names.offset) == contexts.MOV_X29_XZR:
            return True
        start += 4
    return False


def _in_fatal(title, pc, name):
    """On the way to a panic, before C."""
    frames = [Frame(pc, el2_names().text(pc))]
    if register("SPSR_EL2") >> 2 & 3 >= common.EL2:
        return [Section(title, frames), *_nested(register("x29"),
                                                 register("x30"))]
    lower = contexts.interrupted(register("x29"), register("x30"))
    return [Section(title, frames), below(lower, _trapped())]


def _nested(x29, x30):
    """What an exception inside EL2 has interrupted, with what is below."""
    pc = register("ELR_EL2")
    frames, note = walk_el2(pc, x29, x30)
    return [Section(_trapped(nested=True), frames, note),
            *_lower_worlds(nested=True)]


def _after_el2(frames):
    """What is below EL2's C code that has FRAMES."""
    names = el2_names()
    cpu = contexts.pcpu()
    last = names.find(frames[-1].pc - 4) if len(frames) > 1 else None
    if last and last[0] == "fatal_common" and cpu is not None:
        if register("SPSR_EL2") >> 2 & 3 >= common.EL2:
            return _nested(int(cpu["panic_regs"][29]),
                           int(cpu["panic_regs"][30]))
        lower = contexts.interrupted(int(cpu["panic_regs"][29]),
                                     int(cpu["panic_regs"][30]))
        return [below(lower, _trapped())]
    return _lower_worlds(nested=False)


def _lower_worlds(nested):
    """The VM that EL2's C code works for, if any, and the host."""
    cpu = contexts.pcpu()
    if cpu is None:
        return []
    frame = contexts.trap_frame(cpu)
    found = []
    if frame is not None and int(cpu["cur_vmid"]) and \
       frame.is_vcpu_run and (nested or not contexts.untouched(frame)):
        lower = contexts.of_vm(cpu, nested)
        if lower is not None:
            found.append(below(lower, _why_vm(lower, nested)))
    return found + _host_that_runs("run by" if found else "trapped from")


def _why_vm(lower, nested):
    """Why a VM has stopped, as the CPU or its context has it."""
    saved = contexts.saved_context(int(lower.world[2:]), lower.vcpu)
    kind = EXIT_KINDS.get(saved[contexts.EC], "sync") \
        if saved[contexts.PC] == lower.pc else "sync"
    if kind != "sync":
        return f"interrupted from {{}}: {traps.KINDS[kind]}; " \
               f"ELR {lower.pc:#x}"
    if nested:
        esr = saved[contexts.ESR_EL2]
        why = traps.cause(esr, saved[contexts.FAR_EL2],
                          saved[contexts.HPFAR_EL2], saved)
        return f"trapped from {{}}: {why}; ESR {esr:#x}, ELR {lower.pc:#x}"
    return _trapped(arguments=saved)


def _unknown_firmware(title, pc):
    """EL2's code that no symbols describe: its frames by x29, and the
    interrupted world as the registers of the exception have it."""
    frames, note = walk_el2(pc, register("x29"), register("x30"))
    spsr = register("SPSR_EL2")
    found = [Section(title, frames, note)]
    if spsr >> 2 & 3 < common.EL2 and register("ELR_EL2"):
        exact = pc - register("VBAR_EL2") in traps.LOWER or \
            _word_is_eret(pc)
        x29, x30 = (register("x29"), register("x30")) if exact else \
            (None, None)
        verb = "goes to {}" if _word_is_eret(pc) else _trapped()
        found.append(below(contexts.interrupted(
            x29, x30, "where EL2 keeps its other registers is not known "
            "without the firmware's symbols"), verb))
    return found


def _word_is_eret(pc):
    try:
        return struct.unpack("<I", el2_read(pc, 4))[0] in traps.ERETS
    except SourceError:
        return False


def lines(found):
    """Sections as text, numbered through."""
    number, text = 0, []
    for place, section in enumerate(found):
        text.append(section.title if place == 0 else f"-- {section.title} --")
        for frame in section.frames:
            text.append(f"#{number:<3}{frame.pc:#018x} {frame.text}")
            number += 1
        if section.note:
            text.append(f"    ({section.note})")
    return text
