# SPDX-License-Identifier: GPL-2.0-or-later
"""The registers of the worlds below EL2, wherever they are just now.

While a CPU is at EL1 or EL0, they are in the CPU. While it is at EL2 they are
partly in the CPU, partly in the host's trap frame on EL2's stack, and partly
in the context of a vCPU (firmware/core/trap_frame.h, shadow_ctxt.h). What says
where are the firmware's symbols and the types of its debugging information;
with another firmware, only the CPU's registers are known.
"""
import dataclasses

import gdb

import common
import traps
from boardview import tables
from boardview.source import SourceError
from boardview.tables import El1, walk_stage1, walk_stage2
from common import HypsecError, register

TRAP_FRAME_BYTES = 288
# shadow_ctxt.h: indices of struct shadow_ctxt.regs.
SP_EL0, PC, PSTATE, SP_EL1 = 31, 32, 33, 34
FAR_EL2, HPFAR_EL2, EC, ESR_EL2 = 41, 42, 44, 72
SCTLR_EL1, TTBR0_EL1, TTBR1_EL1, TCR_EL1 = 49, 52, 53, 54
SHADOW_REGS, VCPUS = 96, 8
EPD = 1 << 7 | 1 << 23
HVC_VCPU_RUN = 8
MOV_X29_XZR = 0xaa1f03fd
MAX_CPUS = 8
VTCR = 0x80023558


@dataclasses.dataclass
class TrapFrame:
    """struct trap_frame of the host's exception."""
    regs: list
    elr: int
    spsr: int
    esr: int
    far: int
    hpfar: int

    @property
    def ec(self):
        return self.esr >> traps.EC_SHIFT & traps.EC_MASK

    @property
    def is_vcpu_run(self):
        return self.ec == traps.EC_HVC64 and self.esr & 0xffff == 0 and \
            self.regs[0] == HVC_VCPU_RUN


@dataclasses.dataclass
class Context:
    """Where a world stands, and how its memory is translated.

    world: "host", "vm3"; vcpu: None if unknown
    level: 0 or 1
    x29, x30, sp: None if nobody knows
    note: what is uncertain about it
    """
    world: str
    vcpu: int | None
    level: int
    pc: int
    sp: int | None
    x29: int | None
    x30: int | None
    regime: El1 | None
    root: int | None
    vtcr: int
    narrow: bool = False
    note: str = ""

    def translate(self, address):
        """PA of a virtual ADDRESS of this world. Raises SourceError."""
        source = common.source()
        outer = None
        if self.root is not None:
            def outer(ipa):
                return walk_stage2(source, self.root, self.vtcr, ipa)
        walk = walk_stage1(source, self.regime, address, outer)
        if walk.pa is None:
            raise SourceError(f"{self.world} does not map {address:#x}: "
                              f"{walk.why}")
        return walk.pa

    def read(self, address, length):
        """LENGTH bytes at virtual ADDRESS of this world."""
        if self.regime is None:
            raise SourceError("how this world's memory is translated is not "
                              "known")
        address &= common.MASK64
        parts = []
        while length:
            here = min(length, traps.PAGE_BYTES - address % traps.PAGE_BYTES)
            parts.append(common.source().read(self.translate(address), here))
            address = address + here & common.MASK64
            length -= here
        return b"".join(parts)


# What of the firmware is where

def symbol(name):
    """The address of a symbol of the firmware, None without it."""
    firmware = traps.firmware_elf()
    return None if firmware is None else firmware.by_name.get(name)


def pcpu():
    """struct pcpu of the selected CPU as a gdb.Value, None if EL2 has none
    yet or it is not ours."""
    try:
        address = register("TPIDR_EL2")
        base = symbol("pcpus")
        size = common.firmware_symbol("pcpus").type
        count = size.sizeof // size.target().sizeof
    except (HypsecError, gdb.error):
        return None
    entry = size.target()
    if base is None or address < base or (address - base) % entry.sizeof or \
       (address - base) // entry.sizeof >= min(count, MAX_CPUS):
        return None
    try:
        data = common.firmware_bytes(address, entry.sizeof)
        return gdb.Value(data, entry)
    except (SourceError, gdb.error, ValueError):
        return None


def on_el2_stack(address, length):
    """Whether EL2's stacks hold ADDRESS."""
    start, end = symbol("__stacks_start"), symbol("__stacks_end")
    return None not in (start, end) and address % 8 == 0 and \
        start <= address and address + length <= end


def read_frame(address):
    """The TrapFrame at ADDRESS of EL2's, None if there cannot be one."""
    if not on_el2_stack(address, TRAP_FRAME_BYTES):
        return None
    try:
        data = common.firmware_bytes(address, TRAP_FRAME_BYTES)
    except SourceError:
        return None
    values = [int.from_bytes(data[n:n + 8], "little")
              for n in range(0, TRAP_FRAME_BYTES, 8)]
    return TrapFrame(values[:31], *values[31:36])


def trap_frame(cpu=None):
    """The exception of the host's that the selected CPU handles, None if it
    handles none."""
    found = cpu or pcpu()
    if found is None:
        return None
    return read_frame(int(found["frame"]))


def saved_context(vmid, vcpu):
    """regs of struct shadow_ctxt, None if it cannot be read."""
    try:
        contexts = common.firmware_symbol("shadow_ctxts")
        entry = contexts.type.target().target()
        base = int(contexts.value().address)
        if not 0 <= vcpu < VCPUS or (vmid * VCPUS + vcpu + 1) * \
           entry.sizeof > contexts.type.sizeof:
            return None
        data = common.firmware_bytes(
            base + (vmid * VCPUS + vcpu) * entry.sizeof, SHADOW_REGS * 8)
    except (HypsecError, SourceError, gdb.error):
        return None
    return [int.from_bytes(data[n:n + 8], "little")
            for n in range(0, len(data), 8)]


# Memory of a world

def live_regime():
    """Stage 1 of EL1 by the CPU's registers; walks that EL2 has stopped for
    the time of a switch count as going on."""
    tcr = register("TCR_EL1")
    if tcr & EPD == EPD:
        tcr &= ~EPD
    return El1(register("TTBR0_EL1"), register("TTBR1_EL1"), tcr,
               register("SCTLR_EL1"))


def saved_regime(regs):
    return El1(regs[TTBR0_EL1], regs[TTBR1_EL1], regs[TCR_EL1],
               regs[SCTLR_EL1])


def stage2(world):
    """(root, VTCR) of a world's stage 2; the root is None without any."""
    if not register("HCR_EL2") & common.HCR_VM:
        return None, VTCR
    vtcr = register("VTCR_EL2")
    if common.world_below() == world:
        return tables.root_stage2(register("VTTBR_EL2")), vtcr
    try:
        page = traps.known_page()
        vmid = 0 if world == "host" else int(world.removeprefix("vm"))
        return page.root(common.source(), vmid) or None, vtcr
    except (SourceError, HypsecError, ValueError):
        return None, vtcr


# Contexts

def _make(world, vcpu, pc, spsr, sp, x29, x30, regime, note=""):
    root, vtcr = stage2(world)
    narrow = bool(spsr & 16)
    level = int(spsr & 15 != 0) if narrow else spsr >> 2 & 3
    return Context(world, vcpu, level, pc, sp, x29, x30, regime, root, vtcr,
                   narrow, note)


def _live_sp(spsr):
    """SP of the interrupted level: SP_EL0 at EL0 and EL1t."""
    return register("SP_EL1" if spsr & 1 else "SP_EL0")


def below():
    """The Context of the world that the selected CPU runs at EL1 or EL0."""
    world = common.world_below()
    return _make(world, traps.vcpu_below(common.cpu_number(), world),
                 register("pc"), register("cpsr"), register("sp"),
                 register("x29"), register("x30"), live_regime())


def interrupted(x29, x30, note=""):
    """The Context of the exception that the CPU's registers describe, with
    x29 and x30 as given."""
    world = common.world_below()
    spsr = register("SPSR_EL2")
    return _make(world, traps.vcpu_below(common.cpu_number(), world),
                 register("ELR_EL2"), spsr, _live_sp(spsr), x29, x30,
                 live_regime(), note)


def of_host(frame, cpu):
    """The Context of the host that trapped with FRAME."""
    number = int(cpu["index"])
    world = int(cpu["cur_vmid"])
    saved = saved_context(0, number) if frame.is_vcpu_run and \
        (world or not untouched(frame)) else None
    if saved:
        regime = saved_regime(saved)
        sp = saved[SP_EL1 if frame.spsr & 1 else SP_EL0]
    else:
        regime, sp = live_regime(), _live_sp(frame.spsr)
    return _make("host", number, frame.elr, frame.spsr, sp, frame.regs[29],
                 frame.regs[30], regime)


def untouched(frame):
    """Whether no exception and no entry has changed EL2's registers since
    the host trapped with FRAME: a VM that it runs has not run yet."""
    return (register("ELR_EL2"), register("SPSR_EL2"),
            register("ESR_EL2")) == (frame.elr, frame.spsr, frame.esr)


def of_vm(cpu, nested):
    """The Context of the VM that is the current world of EL2 on CPU; NESTED:
    an exception inside EL2 has overwritten ELR_EL2 and SPSR_EL2."""
    vmid, vcpu = int(cpu["cur_vmid"]), int(cpu["cur_vcpuid"])
    world = f"vm{vmid}"
    saved = saved_context(vmid, vcpu)
    if saved is None:
        return None
    in_cpu = common.world_below() == world
    pc, spsr = (saved[PC], saved[PSTATE]) if nested else \
        (register("ELR_EL2"), register("SPSR_EL2"))
    sp = _live_sp(spsr) if in_cpu else saved[SP_EL1 if spsr & 1 else SP_EL0]
    return _make(world, vcpu, pc, spsr, sp, saved[29], saved[30],
                 live_regime() if in_cpu else saved_regime(saved))


def saved_vm(vmid, vcpu, note=""):
    """The Context of a vCPU that does not run."""
    saved = saved_context(vmid, vcpu)
    if saved is None:
        return None
    return _make(f"vm{vmid}", vcpu, saved[PC], saved[PSTATE],
                 saved[SP_EL1 if saved[PSTATE] & 1 else SP_EL0], saved[29],
                 saved[30], saved_regime(saved), note)

