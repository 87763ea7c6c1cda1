# SPDX-License-Identifier: GPL-2.0-or-later
"""VMs, their vCPUs, and CPUs, as EL2 tells in the inspection page."""
import dataclasses

from .page import WORLD_OFF
from .source import words

VM_STATES = {0: "UNUSED", 1: "MAPPED", 2: "READY", 3: "VERIFIED",
             4: "POWEROFF", 5: "ACTIVE"}
UNUSED, ACTIVE = 0, 5
POWER = {0: "OFF", 1: "ON_PENDING", 2: "ON"}
# Lock classes in lock order, from HELD_SHIFT on.
LOCKS = ("smmu", "vm", "core", "s2page", "pt", "spt", "console")
HELD_SHIFT = 16


def state_name(state):
    return VM_STATES.get(state, f"state {state}?")


@dataclasses.dataclass(frozen=True)
class Vcpu:
    """cpu: the CPU that runs it, None if none does."""
    vcpu: int
    state: int
    power: int
    cpu: int | None

    @property
    def state_name(self):
        return state_name(self.state)

    @property
    def power_name(self):
        return POWER.get(self.power, f"power {self.power}?")


@dataclasses.dataclass(frozen=True)
class Vm:
    """root: PA of its stage-2 root table, 0 without one. pages: that it owns
    by the firmware's counters. banks: (smmu, bank) that are its."""
    vmid: int
    state: int
    root: int
    pages: int
    vcpus: list
    banks: list

    @property
    def state_name(self):
        return state_name(self.state)


@dataclasses.dataclass(frozen=True)
class Cpu:
    """world: "host", "vm3" or "off": who runs when it is not at EL2.
    locks: None if the firmware does not tell."""
    index: int
    world: str
    vmid: int | None
    vcpu: int
    refusals: int
    host_s2_faults: int
    hypercalls: int
    smcs: int
    locks: list | None


def held_names(held):
    """The locks in pcpu.held, in lock order: "vm[3]", "s2page", "pt[0]"."""
    numbers = {"vm": held >> 8 & 0xff, "pt": held & 0xff}
    return [f"{name}[{numbers[name]}]" if name in numbers else name
            for rank, name in enumerate(LOCKS)
            if held >> HELD_SHIFT + rank & 1]


def cpus(source, page):
    """All CPUs that EL2 knows of."""
    return [_cpu(source, page, index) for index in range(page.nr_cpus)]


def _cpu(source, page, index):
    entry = page.cpu_base + index * page.cpu_stride
    vmid, vcpu = words(source, entry, 2, 4)
    counts = words(source, entry + 8, 4)
    locks = None
    if page.version >= 3:
        held, = words(source, page.pcpu_base + index * page.pcpu_stride +
                      page.pcpu_held_offset, 1, 4)
        locks = held_names(held)
    off = vmid == WORLD_OFF
    return Cpu(index, "off" if off else page.owner_name(vmid),
               None if off else vmid, vcpu, *counts, locks)


def vms(source, page, unused=False):
    """All VMs; those that are UNUSED only on demand. Takes version 3."""
    page.has("what vCPUs a VM has")
    running = {(cpu.vmid, cpu.vcpu): cpu.index
               for cpu in cpus(source, page)}
    counts = words(source, page.owned_base, page.corevisor + 1)
    banks = _banks(source, page)
    found = []
    for vmid in range(1, page.vm_count):
        entry = page.vm_base + vmid * page.vm_stride
        state, = words(source, entry, 1, 4)
        if state == UNUSED and not unused:
            continue
        found.append(Vm(vmid, state, page.root(source, vmid), counts[vmid],
                        _vcpus(source, page, vmid, entry, running),
                        [place for place, owner in banks if owner == vmid]))
    return found


def _vcpus(source, page, vmid, entry, running):
    found = []
    for vcpu in range(page.vcpu_count):
        state, power = words(source, entry + page.vcpu_offset +
                             vcpu * page.vcpu_stride, 2, 4)
        if state != UNUSED:
            found.append(Vcpu(vcpu, state, power, running.get((vmid, vcpu))))
    return found


def _banks(source, page):
    """((smmu, bank), owner) of all banks."""
    from . import smmu
    return [((one.index, bank), owner) for one in smmu.smmus(source, page)
            for bank, owner in enumerate(one.owners)]
