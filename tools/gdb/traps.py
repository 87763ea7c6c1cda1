# SPDX-License-Identifier: GPL-2.0-or-later
"""Entries to EL2 and exits from it: where they are, and why one happened.

What is here needs no symbols: VBAR_EL2 and the registers of the exception say
it, with any firmware. With the firmware's symbols it is known before EL2 has
run at all where its vectors are.
"""
import dataclasses
import struct

import gdb

import abi
import common
import elf
from boardview import fields
from boardview.page import Page
from boardview.source import SourceError, words
from boardview.tables import El2, walk_stage1
from common import HypsecError, register

# Offsets from VBAR_EL2 of the vectors for lower levels.
LOWER = {0x400: "sync", 0x480: "irq", 0x500: "fiq", 0x580: "serror",
         0x600: "sync", 0x680: "irq", 0x700: "fiq", 0x780: "serror"}
VECTOR_BYTES = 0x80
KINDS = {"irq": "interrupt (IRQ)", "fiq": "fast interrupt (FIQ)",
         "serror": "SError"}
# The tables of our firmware: of the host's time and of the VMs'.
HOST_VECTORS, VM_VECTORS = "host_vectors", "vm_vectors"

ERETS = (0xd69f03e0, 0xd69f0bff, 0xd69f0fff)    # ERET, ERETAA, ERETAB
MSR_VBAR_EL2 = 0xd51cc000                       # and the register's number
PAGE_BYTES = 4096
# How far from its vectors another firmware's code is looked for.
SCAN_BYTES = 4 << 20

EC_SHIFT, EC_MASK = 26, 0x3f
EC_HVC64, EC_SMC64 = 0x16, 0x17
EC_IABT_LOW, EC_DABT_LOW = 0x20, 0x24
ABORTS = (0x20, 0x21, 0x22, 0x24, 0x25, 0x34, 0x35)    # FAR_EL2 is valid
FSC_MASK = 0x3f
S1PTW = 1 << 7
CALL_ARGUMENTS = 6

# The names of the EL observer's causes, as far as they come into EL2.
CLASSES = {
    "UNDEF": (0x00,), "WFX": (0x01,), "FP": (0x07, 0x19, 0x1d),
    "ILLEGAL": (0x0e,), "SVC": (0x11, 0x15), "HVC": (0x12, 0x16),
    "SMC": (0x13, 0x17),
    "SYSREG": (0x03, 0x04, 0x05, 0x06, 0x08, 0x0c, 0x18),
    "IABT": (0x20,), "ALIGN": (0x22, 0x26), "DABT": (0x24,),
    "DEBUG": (0x30, 0x32, 0x34, 0x3a), "BRK": (0x38, 0x3c),
}
INTERRUPTS = {"IRQ": "irq", "FIQ": "fiq", "SERROR": "serror"}


def exception_class(text):
    """A class of exceptions by name or number: (classes, None) or, for those
    without a syndrome, (None, kind of vector)."""
    upper = text.upper().removeprefix("EC_")
    for name in (upper, upper.removesuffix("64"), upper.removesuffix("_LOW")):
        if name in CLASSES:
            return CLASSES[name], None
        if name in INTERRUPTS:
            return None, INTERRUPTS[name]
    try:
        number = int(text, 0)
    except ValueError:
        number = -1
    if not 0 <= number <= EC_MASK:
        names = ", ".join(sorted([*CLASSES, *INTERRUPTS]))
        raise HypsecError(f"no exception class {common.printable(text)!r}; a "
                          f"number from 0 to {EC_MASK:#x} or one of {names}")
    return (number,), None


# Where

def firmware_elf():
    """The firmware's elf.Elf, None without symbols of it."""
    try:
        path = common.firmware_objfile().filename
    except HypsecError:
        return None
    try:
        return elf.load(path)
    except elf.ElfError as error:
        raise HypsecError(str(error)) from None


def vectors_in_use():
    """VBAR_EL2 of all CPUs that have one."""
    return {register("VBAR_EL2") for _ in common.cpus()} - {0}


def vector_tables(wanted=(HOST_VECTORS, VM_VECTORS)):
    """The addresses of EL2's vector tables: those that the firmware's symbols
    name and WANTED asks for, and those that CPUs use beside them."""
    firmware = firmware_elf()
    named = {} if firmware is None else {
        name: firmware.by_name[name] for name in (HOST_VECTORS, VM_VECTORS)
        if name in firmware.by_name}
    found = {address for name, address in named.items() if name in wanted}
    # Before EL2 has set it VBAR_EL2 is anything.
    found |= {address for address in vectors_in_use() - {*named.values()}
              if not firmware or firmware.covers(address)}
    if not found:
        raise HypsecError("EL2 has no vectors yet (VBAR_EL2 is 0 on all CPUs) "
                          "and there are no symbols that tell where they "
                          "will be; let the board run on, or load the "
                          "firmware's symbols")
    return found


def el2_regime():
    """Stage 1 of EL2 on the selected CPU."""
    return El2(register("TTBR0_EL2"), register("TCR_EL2"),
               register("SCTLR_EL2"))


def el2_read(address, length):
    """LENGTH bytes at virtual ADDRESS of EL2's, wherever the CPU is."""
    parts = []
    source, regime = common.source(), el2_regime()
    while length:
        here = min(length, PAGE_BYTES - address % PAGE_BYTES)
        walk = walk_stage1(source, regime, address)
        if walk.pa is None:
            raise SourceError(f"EL2 does not map {address:#x}: {walk.why}")
        parts.append(source.read(walk.pa, here))
        address = address + here & common.MASK64
        length -= here
    return b"".join(parts)


def el2_code():
    """EL2's code as (address, bytes): of the firmware's file, or what is
    mapped around the vectors of a firmware that we do not know."""
    firmware = firmware_elf()
    tables = vectors_in_use()
    if firmware and (not tables or any(map(firmware.covers, tables))):
        return firmware.code
    if not tables:
        raise HypsecError("where EL2's code is nobody knows yet: no symbols "
                          "of the firmware, and VBAR_EL2 is 0 on all CPUs")
    return [run for table in tables for run in _around(table)]


def _around(table):
    """The pages mapped without a gap around TABLE."""
    page = table & -PAGE_BYTES
    pages = {}
    for step in (PAGE_BYTES, -PAGE_BYTES):
        address = page
        while abs(address - page) < SCAN_BYTES and address >= 0:
            try:
                pages[address] = el2_read(address, PAGE_BYTES)
            except SourceError:
                break
            address += step
    return sorted(pages.items())


def instructions(match):
    """(address, instruction) in EL2's code for which MATCH(word) is true."""
    found = []
    for start, data in el2_code():
        data = data[:len(data) & ~3]
        for place, (word,) in enumerate(struct.iter_unpack("<I", data)):
            if match(word):
                found.append((start + 4 * place, word))
    return found


def exits():
    """The addresses of all ERETs of EL2's code."""
    found = {address for address, _ in
             instructions(lambda word: word in ERETS)}
    if not found:
        raise HypsecError("no ERET in EL2's code")
    return found


def vector_writes():
    """(address, register) of the instructions that set VBAR_EL2."""
    return [(address, word & 31) for address, word in
            instructions(lambda word: word & ~31 == MSR_VBAR_EL2)]


# Why

@dataclasses.dataclass(frozen=True)
class Trap:
    """An exception that has just arrived at EL2, or a CPU about to leave.

    kind: "sync", "irq", "fiq", "serror"; None on the way out
    world: who runs when the CPU is not at EL2
    """
    cpu: int
    kind: str | None
    world: str
    esr: int
    elr: int
    spsr: int
    far: int
    hpfar: int

    @property
    def ec(self):
        return self.esr >> EC_SHIFT & EC_MASK

    @property
    def level(self):
        return self.spsr >> 2 & 3


def here(kind):
    """The Trap of the selected CPU."""
    return Trap(common.cpu_number(), kind, common.world_below(),
                *(register(name) for name in
                  ("ESR_EL2", "ELR_EL2", "SPSR_EL2", "FAR_EL2",
                   "HPFAR_EL2")))


def kind_at(address, tables):
    """What the vector at ADDRESS is for, None if it is none for lower
    levels."""
    for table in tables:
        if address - table in LOWER:
            return LOWER[address - table]
    return None


def fault_ipa(esr, far, hpfar):
    """The IPA of a stage-2 fault; of a table walk's, the table's page."""
    ipa = (hpfar >> 4 & (1 << 40) - 1) << 12
    return ipa if esr & S1PTW else ipa | far & 0xfff


def stage2_abort(esr):
    """Whether it is an abort for which HPFAR_EL2 holds: translation, access
    flag or address size, or any on a table walk of stage 1."""
    if esr >> EC_SHIFT & EC_MASK not in (EC_IABT_LOW, EC_DABT_LOW):
        return False
    return esr & FSC_MASK < 0x0c or bool(esr & S1PTW)


def cause(esr, far, hpfar, arguments=None):
    """A synchronous exception in words. ARGUMENTS: x0 on, of a call."""
    ec = esr >> EC_SHIFT & EC_MASK
    if ec == EC_HVC64 and esr & 0xffff == 0 and arguments:
        return "HVC " + abi.call_text(arguments)
    if ec == EC_SMC64 and arguments and abi.psci(arguments[0]):
        return "SMC " + abi.call_text(arguments)
    if ec in (EC_HVC64, EC_SMC64) and arguments:
        return fields.summary("ESR_EL2", esr) + ", x0 to x3 " + \
            " ".join(f"{value:#x}" for value in arguments[:4])
    text = fields.summary("ESR_EL2", esr)
    if stage2_abort(esr):
        text += f", IPA {fault_ipa(esr, far, hpfar):#x}"
    if ec in ABORTS:
        text += f", VA {far:#x}"
    return text


def vcpu_below(cpu, world):
    """Which vCPU of WORLD a CPU runs, by the firmware's page; None if the
    firmware does not tell."""
    try:
        page = known_page()
        if cpu >= page.nr_cpus:
            return None
        vmid, vcpu = words(common.source(),
                           page.cpu_base + cpu * page.cpu_stride, 2, 4)
    except (SourceError, HypsecError, gdb.error):
        return None
    same = page.owner_name(vmid) == world
    return vcpu if same and vcpu < 1 << 16 else None


_pages = {}


def known_page():
    """The inspection page. Where it is changes with the board alone."""
    board = common.connection().num
    if board not in _pages:
        _pages[board] = common.page_address()
    if not _pages[board]:
        raise HypsecError("this board runs without firmware (-bios)")
    return Page.read(common.source(), _pages[board])


def world_text(cpu, world):
    """"host cpu 1" or "vm3 vCPU 0"."""
    return who_text(world, cpu if world == "host" else
                    vcpu_below(cpu, world))


def who_text(world, vcpu):
    """The same with a vCPU that is known, or None."""
    if vcpu is None:
        return world
    return f"{world} {'cpu' if world == 'host' else 'vCPU'} {vcpu}"


def mode(spsr):
    """"EL1", "EL0", also of AArch32."""
    narrow = " AArch32" if spsr & 16 else ""
    if spsr & 16:
        return ("EL0" if spsr & 15 == 0 else "EL1") + narrow
    return f"EL{spsr >> 2 & 3}"


def call_arguments():
    """x0 on of the selected CPU, as a call has them."""
    return [register(f"x{n}") for n in range(CALL_ARGUMENTS)]


def entry_text(trap):
    """One line for an entry to EL2 whose vector the selected CPU is at."""
    who = f"CPU {trap.cpu} enters EL2 from " \
          f"{world_text(trap.cpu, trap.world)} {mode(trap.spsr)}"
    if trap.kind == "sync":
        why = cause(trap.esr, trap.far, trap.hpfar, call_arguments())
        why += f"; ESR {trap.esr:#x}"
    else:
        why = KINDS[trap.kind]
    return f"{who} at {trap.elr:#x}: {why}"


def exit_text(trap):
    """One line for an ERET that the selected CPU is at."""
    return f"CPU {trap.cpu} leaves EL2 for " \
           f"{world_text(trap.cpu, trap.world)} {mode(trap.spsr)} at " \
           f"{trap.elr:#x}; SPSR {trap.spsr:#x} " \
           f"({fields.summary('SPSR_EL2', trap.spsr)})"
