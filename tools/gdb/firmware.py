# SPDX-License-Identifier: GPL-2.0-or-later
"""What EL2 knows of CPUs, vCPUs and locks, as its own types describe it.

Layouts come from the firmware's debug information, bytes from physical
memory. Whatever is there is hostile: numbers are checked before they are an
index, pointers before they are followed, and what makes no sense is said.
"""
import re

import gdb

import common
from boardview import vms
from boardview.source import SourceError
from cmd_memory import board_memory
from common import HypsecError

# From arch/layout.h: where EL2 maps PA 0 of its linear map, and its image.
LINEAR_BASE = 0x2000000000
IMAGE_BYTES = 0x200000

HOST = 0
GENERAL = 31
INVALID64 = (1 << 64) - 1
TICKETS = 1 << 16
POWER_ON = 2
NOT_ON = (0, 1)

# DIRTY and FLAGS, core/shadow_ctxt.h.
DIRTY_WORDS = {32: "PC goes on by an instruction",
               33: "a data abort is injected",
               34: "an instruction abort is injected",
               35: "an undefined exception is injected"}
FLAG_WORDS = {1: "waits for a page"}
EXITS = {0: "IRQ for the host", 1: "SError", 2: "trap"}

# Locks in lock order: class and the firmware's variable.
LOCKS = tuple((name, f"{name}_lock") for name in vms.LOCKS)


def dirty_words(value):
    """What DIRTY says will happen before a vCPU runs again, as a list."""
    if value == INVALID64:
        return ["it has not run: starts from reset"]
    found = []
    numbers = [str(n) for n in range(GENERAL) if value >> n & 1]
    if numbers:
        found.append(f"x{', x'.join(numbers)} "
                     f"{'comes' if len(numbers) == 1 else 'come'} from the "
                     "host")
    return found + _bit_words(value & ~((1 << GENERAL) - 1), DIRTY_WORDS)


def flag_words(value):
    return _bit_words(value, FLAG_WORDS)


def _bit_words(value, words):
    known = sum(1 << bit for bit in words)
    found = [text for bit, text in words.items() if value >> bit & 1]
    if value & ~known:
        found.append(f"unknown bits {value & ~known:#x}")
    return found


def exit_name(number):
    return EXITS.get(number, f"unknown exit {number}")


def el2_bytes(address, length):
    """LENGTH bytes at a virtual address of EL2's, or None if EL2 maps none
    there."""
    if 0 <= address - common.IMAGE_VA <= IMAGE_BYTES - length:
        return common.firmware_bytes(address, length)
    try:
        # Devices are there too, and no debugger's business.
        return board_memory().read(address - LINEAR_BASE, length)
    except SourceError:
        return None


def numbers(value, path=""):
    """A struct's numbers, those of nested ones as "outer.inner"."""
    found = {}
    for field in value.type.fields():
        inner = value[field]
        kind = inner.type.strip_typedefs().code
        if kind == gdb.TYPE_CODE_STRUCT:
            found.update(numbers(inner, f"{path}{field.name}."))
        elif kind != gdb.TYPE_CODE_ARRAY:
            found[path + field.name] = int(inner)
    return found


def array(value):
    """An array's numbers."""
    low, high = value.type.strip_typedefs().range()
    return [int(value[n]) for n in range(low, high + 1)]


def element(name, *indices):
    """One element of the firmware's array NAME as a gdb.Value; no more of the
    array is read."""
    symbol = common.firmware_symbol(name)
    kind = symbol.type.strip_typedefs()
    address = int(symbol.value().address)
    for index in indices:
        low, high = kind.range()
        if not low <= index <= high:
            raise HypsecError(f"{name}: no element {index}, {low} to {high} "
                              "are")
        kind = kind.target()
        address += index * kind.sizeof
        kind = kind.strip_typedefs()
    return gdb.Value(common.firmware_bytes(address, kind.sizeof), kind)


def at_pointer(pointer, what):
    """What a pointer of EL2's points to, as a gdb.Value."""
    kind = pointer.type.strip_typedefs().target()
    data = el2_bytes(int(pointer), kind.sizeof)
    if data is None:
        raise HypsecError(f"{what} is said to be at {int(pointer):#x}, where "
                          "EL2 has nothing")
    return gdb.Value(data, kind.unqualified())


class Pcpu:
    """What EL2 knows of one CPU."""

    def __init__(self, value):
        self.value = value
        fields = numbers(value)
        self.index = fields["index"]
        self.power = fields["power"]
        self.mpidr = fields["mpidr"]
        self.vmid = fields["cur_vmid"]
        self.vcpu = fields["cur_vcpuid"]
        self.held = fields["held"]
        self.frame = fields["frame"]
        self.fp_is_vms = bool(fields["fp_is_vms"])

    @property
    def power_name(self):
        return vms.POWER.get(self.power, f"power {self.power}?")

    @property
    def locks(self):
        return vms.held_names(self.held)

    def runs(self, vmid, vcpu):
        """Whether EL2 says that this CPU runs the vCPU, or the host."""
        return self.power == POWER_ON and self.vmid == vmid and \
            (self.vcpu == vcpu or vmid == HOST and self.index == vcpu)

    def trap_frame(self):
        """The registers of the host's exception that is being handled, or
        None outside of one."""
        if self.frame == 0:
            return None
        return at_pointer(self.value["frame"],
                          f"the trap frame of CPU {self.index}")


def pcpus():
    """All CPUs that EL2 knows of."""
    count = int(common.firmware_value("nr_pcpus"))
    array_type = common.firmware_symbol("pcpus").type.strip_typedefs()
    limit = array_type.range()[1] + 1
    if count == 0:
        raise HypsecError("EL2 knows of no CPU yet: the firmware has not "
                          "booted so far")
    if count > limit:
        raise HypsecError(f"EL2 says that it has {count} CPUs, of at most "
                          f"{limit}: its memory is not sound, or symbols and "
                          "firmware are of different builds")
    found = [Pcpu(element("pcpus", n)) for n in range(count)]
    for n, cpu in enumerate(found):
        # What is wrong with it shows elsewhere; its place is its number.
        cpu.index = n
    return found


def vm_limits():
    """How many VMs (0 is not used) and vCPUs of each there are."""
    symbol = common.firmware_symbol("shadow_ctxts")
    kind = symbol.type.strip_typedefs()
    return (common.firmware_symbol("vm_infos").type.strip_typedefs()
            .range()[1] + 1, kind.target().strip_typedefs().range()[1] + 1)


def register_names():
    """The names of a shadow context's registers, by index; None: free."""
    symbol = common.firmware_symbol("shadow_ctxts")
    kind = gdb.lookup_type("enum shadow_reg", symbol.symtab.static_block())
    named = {int(field.enumval): field.name for field in kind.fields()}
    count = next((n for n, name in named.items()
                  if name == "NR_SHADOW_REGS"), max(named) + 1)
    found = []
    for n in range(min(count, 1024)):
        found.append(named.get(n) or _next_name(found))
    return found


def _next_name(before):
    """The name behind those, where the firmware names only the first of a
    row: x4 to x28, and four of each VGIC_AP<n>R0."""
    match = re.fullmatch(r"(X|VGIC_AP\dR)(\d+)", before[-1] or "") \
        if before else None
    if match is None or match[1] != "X" and int(match[2]) >= 3:
        return None
    return f"{match[1]}{int(match[2]) + 1}"


class Context:
    """A shadow context: .regs by name, .free what is not zero of the rest."""

    def __init__(self, vmid, vcpu):
        self.vmid, self.vcpu = vmid, vcpu
        self.value = element("shadow_ctxts", vmid, vcpu)
        values = array(self.value["regs"])
        names = register_names()
        self.regs = {name: value for name, value in zip(names, values)
                     if name}
        self.free = {n: value for n, value in enumerate(values)
                     if (n >= len(names) or not names[n]) and value}
        self.released = int(self.value["released"])
        self.shared_at = int(self.value["shared"])

    def intermediate(self):
        """What host and EL2 tell each other about the vCPU, as a gdb.Value;
        None for a context without."""
        if self.vmid == HOST or self.shared_at == 0:
            return None
        return at_pointer(self.value["shared"], "the intermediate context")

    @property
    def intermediate_pa(self):
        return self.shared_at - LINEAR_BASE

    def waits_for(self):
        """In words what happens before the vCPU runs again."""
        found = dirty_words(self.regs["DIRTY"])
        if self.regs["FLAGS"]:
            found += flag_words(self.regs["FLAGS"])
        return found


class Lock:
    """One ticket lock at .address (EL2's): .held, .waiting (how many),
    .sound; .holders are the CPUs that say they hold it."""

    def __init__(self, name, address, value, cpus):
        self.name = name
        self.address = address
        self.next = int(value["next"])
        self.serving = int(value["serving"])
        out = (self.next - self.serving) % TICKETS
        self.held = out > 0
        self.waiting = max(out - 1, 0)
        # Never more tickets out than there are CPUs.
        self.sound = out <= len(cpus)
        self.holders = [cpu.index for cpu in cpus if name in cpu.locks]


def locks(cpus):
    """All locks in lock order."""
    found = []
    for name, variable in LOCKS:
        value = common.firmware_value(variable)
        kind = value.type.strip_typedefs()
        address = int(common.firmware_symbol(variable).value().address)
        if kind.code == gdb.TYPE_CODE_ARRAY:
            low, high = kind.range()
            size = kind.target().sizeof
            found += [Lock(f"{name}[{n}]", address + n * size, value[n], cpus)
                      for n in range(low, high + 1)]
        else:
            found.append(Lock(name, address, value, cpus))
    return found


def taking(cpu):
    """Of a CPU that is taking a lock, or about to: (the lock's address or
    None, the function by which). None if it does nothing of that kind."""
    with common.on_cpu(cpu):
        # Without its MMU gdb would follow a stack into devices.
        if common.current_world() != "el2" or \
           not common.register("SCTLR_EL2") & common.SCTLR_M:
            return None
        frame = gdb.newest_frame()
        for _ in range(3):
            if frame is None:
                return None
            if frame.name() == "ticket_acquire":
                older = frame.older()
                return _variable(frame, "lock"), \
                    older.name() if older and older.name() else "ticket_acquire"
            frame = frame.older()
    return None


def _variable(frame, name):
    """A variable of a frame's as a number, None if the debugger lost it."""
    try:
        return int(frame.read_var(name))
    except (ValueError, gdb.error):
        return None
