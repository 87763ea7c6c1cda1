# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb: what the corevisor holds. `hypsec decode`, `cpus`, `vms`, `vcpus`,
`context`, `locks`."""
import contextlib

import gdb

import common
import firmware
import frames
from boardview import fields, vms
from boardview.source import SourceError
from cmd_memory import board_memory, sized
from common import Command, HypsecError, say

HOST = firmware.HOST
# Registers of a context that are what EL2 noted, not what a CPU holds.
NOTED = ("FAR_EL2", "HPFAR_EL2", "HCR_EL2", "EC", "DIRTY", "FLAGS", "ELR_EL2",
         "SPSR_0", "ESR_EL2")
# Where a CPU holds those whose names differ.
IN_CPU = {"SP": "SP_EL0", "MPIDR_EL1": "VMPIDR_EL2",
          "VGIC_VMCR": "ICH_VMCR_EL2"}
# Words behind these values of a context.
SPOKEN = ("PSTATE", "SPSR_EL1", "ESR_EL1", "ESR_EL2", "SCTLR_EL1", "TCR_EL1",
          "HPFAR_EL2", "HCR_EL2", "CNTV_CTL_EL0")
# Vectors of exceptions from lower levels.
VECTOR_BYTES, LOWER_VECTORS, LOWER_VECTORS_END = 0x80, 0x400, 0x800
# TCR_EL1.EPD0 and EPD1, and SCTLR_EL1.M, without which they do not count.
NO_WALKS, MMU_ON = 1 << 7 | 1 << 23, 1
LEVEL_NAMES = {0: "EL0", 1: "EL1", 2: "EL2", 3: "EL3"}


def general(name):
    """The number of x0 to x30 by name, None for another register."""
    return int(name[1:]) if name[0] == "X" and name[1:].isdecimal() else None


def world_words(vmid, vcpu):
    """"host", "vm3 vCPU 0"; anything else as it is."""
    if vmid == HOST:
        return "host"
    limit, vcpus = firmware.vm_limits()
    if 0 < vmid < limit and vcpu < vcpus:
        return f"vm{vmid} vCPU {vcpu}"
    return f"VM {vmid} vCPU {vcpu}?"


def columns(rows, indent=0):
    """Print rows of words in columns."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        say(" " * indent + "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


# Arguments

def vm_number(text):
    """A VM by "3" or "vm3", the host by "0" or "host"."""
    word = text.lower().removeprefix("vm")
    limit, _ = firmware.vm_limits()
    number = HOST if word == "host" else common.number(word)
    if not 0 <= number < limit:
        raise HypsecError(f"no VM {common.printable(text)}: `host` and "
                          f"1 to {limit - 1} are")
    return number


def vcpu_number(text, vmid):
    number = common.number(text)
    _, limit = firmware.vm_limits()
    if vmid == HOST:
        known = len(firmware.pcpus())
        if not 0 <= number < known:
            raise HypsecError(f"no CPU {number}: EL2 knows of 0 to "
                              f"{known - 1}")
    elif not 0 <= number < limit:
        raise HypsecError(f"no vCPU {number}: 0 to {limit - 1} are")
    return number


# hypsec decode

def root_owner(root):
    """In words whose stage-2 table is at ROOT."""
    try:
        page = common.page()
        source = board_memory()
        for vmid in range(page.vm_count):
            if page.root(source, vmid) == root:
                return f"the table of {page.owner_name(vmid)}"
    except (gdb.error, gdb.GdbError, SourceError):
        return ""
    return "nobody's table" if root else ""


class Decode(Command):
    """Say in words what a register's value means, field by field.

usage: hypsec decode REGISTER [VALUE] [--cpu N]

REGISTER is ESR_EL1, ESR_EL2, HCR_EL2, VTCR_EL2, VTTBR_EL2, SPSR_EL1,
SPSR_EL2, PSTATE, SCTLR_EL1, SCTLR_EL2, HPFAR_EL2, TCR_EL1, CPTR_EL2 or
CNTV_CTL_EL0; without _EL2 it is known too. DIRTY is what a shadow context has
by that name. VALUE is a number or an expression of gdb's; without it the
register is read from CPU N, or from the selected one.

  (gdb) hypsec decode esr 0x93c08007
  ESR_EL2 = 0x93c08007: data abort from a lower level: translation fault, level
            3, read of 8 bytes, x0
    [31:26] EC   0x24  data abort from a lower level
    ..."""
    name = "hypsec decode"

    def add_arguments(self, parser):
        parser.add_argument("register")
        # An expression may have spaces.
        parser.add_argument("value", nargs="*")
        parser.add_argument("--cpu")

    def run(self, args):
        args.value = " ".join(args.value) or None
        if args.register.upper() == "DIRTY":
            self._dirty(args)
            return
        name = fields.register_name(common.printable(args.register))
        if args.value is None:
            cpu = None if args.cpu is None else common.number(args.cpu)
            value = common.register("cpsr" if name == "PSTATE" else name, cpu)
            say(f"CPU {common.cpu_number() if cpu is None else cpu}:")
        elif args.cpu is not None:
            raise HypsecError("hypsec decode: --cpu is for a value that is "
                              "read from there, or give the value alone")
        else:
            value = common.number(args.value)
        for line in fields.decode(name, value,
                                  **self._context(name, args)).lines():
            say(line)

    @staticmethod
    def _dirty(args):
        if args.value is None:
            raise HypsecError("hypsec decode DIRTY takes a value; `hypsec "
                              "context` shows that of a vCPU")
        value = common.number(args.value)
        if not 0 <= value < 1 << 64:
            raise HypsecError(f"{value:#x} is no value of 64 bits")
        say(f"DIRTY = {value:#x}:")
        for words in firmware.dirty_words(value) or ["nothing to be done"]:
            say(f"  {words}")

    @staticmethod
    def _context(name, args):
        """What decode() may know besides the value."""
        if name != "VTTBR_EL2":
            return {}
        known = {"owner": root_owner}
        if args.value is None:
            with contextlib.suppress(HypsecError, gdb.error):
                wide = common.register("VTCR_EL2") >> 19 & 1
                known["vmid_bits"] = 16 if wide else 8
        return known


# hypsec cpus

def code_at(world, address):
    """"<save_vm+0x8>" by the symbols of the selected CPU's world, or nothing
    where no symbol is."""
    names = frames.el2_names() if world == "el2" else frames.names_of(world)
    found = names.find(address)
    if found is None:
        return ""
    name, offset = found
    return common.printable(f"<{name}+{offset:#x}>" if offset else
                            f"<{name}>")


class Cpus(Command):
    """Say what each CPU does, for whom, and which locks it holds.

usage: hypsec cpus

"power", "below" and "locks" are what EL2 notes, "below" is who runs when EL2 is
done; a line says so where HCR_EL2 and VTTBR_EL2 of the CPU tell otherwise.
Where EL2 has noted nothing so far, or is another firmware, a line says that.

  (gdb) hypsec cpus
    CPU  power  level  below       locks   pc
  *   0  ON     EL2h   vm1 vCPU 0  vm[1]   0x40000151f0 <save_vm>
      1  ON     EL1h   host        -       0x40201a30"""
    name = "hypsec cpus"

    def run(self, args):
        common.connection()
        selected = common.cpu_number()
        rows = [("CPU", "power", "level", "below", "locks", "pc")]
        known, remarks = {}, []
        try:
            known = {cpu.index: cpu for cpu in firmware.pcpus()}
        except HypsecError as error:
            remarks.append(str(error))
        for number in common.cpus():
            cpu = known.get(number)
            mark = "*" if number == selected else " "
            rows.append((f"{mark} {number}", *self._row(cpu, number,
                                                         remarks)))
        columns(rows)
        for remark in remarks:
            say(remark)

    @staticmethod
    def _row(cpu, number, remarks):
        """The selected CPU, NUMBER; CPU is what EL2 knows of it, if it is
        known."""
        locks = cpu and ", ".join(cpu.locks) or "-"
        noted_off = cpu is not None and cpu.power in firmware.NOT_ON
        if common.is_off(number):
            return (cpu.power_name if noted_off else "OFF", "-", "-", locks,
                    "-")
        pc = common.register("pc")
        place = f"{pc:#x} {code_at(common.current_world(), pc)}".rstrip()
        mode = fields.mode(common.register("cpsr"))
        if cpu is None:
            seen = common.world_below() if \
                common.register("HCR_EL2") & common.HCR_VM else "?"
            return "?", mode, seen, locks, place
        # On its way into this state, or out of it.
        if noted_off:
            return cpu.power_name, mode, "-", locks, place
        seen = common.world_below()
        noted = "host" if cpu.vmid == HOST else f"vm{cpu.vmid}"
        if seen != noted:
            remarks.append(f"CPU {number}: EL2 notes {noted}, the registers "
                           f"say {seen}" + (
                               ": EL2 is between the two"
                               if common.level() == 2 else ""))
        return (cpu.power_name, mode, world_words(cpu.vmid, cpu.vcpu), locks,
                place)


# hypsec vms, hypsec vcpus

def vm_info(vmid):
    return firmware.element("vm_infos", vmid)


def owned_pages():
    """Pages by owner as EL2 counts them, or None if it does not tell."""
    try:
        page = common.page()
        if page.version < 3:
            return None
        data = board_memory().read(page.owned_base, 8 * (page.corevisor + 1))
        return [int.from_bytes(data[n:n + 8], "little")
                for n in range(0, len(data), 8)]
    except (SourceError, gdb.GdbError):
        return None


def root_of(vmid, remarks):
    """Where a VM's root table is; why nobody knows goes to REMARKS."""
    try:
        page = common.page()
        return f"{page.root(board_memory(), vmid):#x}"
    except (SourceError, gdb.GdbError) as error:
        remarks.setdefault(common.describe(error))
        return "?"


def running_on(cpus, vmid, vcpu):
    """The CPUs that EL2 says run a vCPU."""
    return [cpu.index for cpu in cpus if cpu.runs(vmid, vcpu)]


class Vms(Command):
    """List the VMs with their state.

usage: hypsec vms [--all]

State, vCPUs, pages that the VM owns (4 KiB each), the root of its stage-2
table, CNTVOFF_EL2, and the SMMUs' banks that are its. The boot images of a VM
that has not started yet come with how many of their pages the host has given.
--all lists the VMs that are UNUSED too.

  (gdb) hypsec vms
  VM   state     vCPUs          pages             root        cntvoff  banks
  vm1  VERIFIED  2, 1 on a CPU  8200 (32.03 MiB)  0x7f0c0000  0x0      -"""
    name = "hypsec vms"

    def add_arguments(self, parser):
        parser.add_argument("--all", action="store_true")

    def run(self, args):
        common.connection()
        # Says so if EL2 has not booted.
        firmware.pcpus()
        owned = owned_pages()
        rows = [("VM", "state", "vCPUs", "pages", "root", "cntvoff",
                 "banks")]
        images, remarks = [], {}
        for vmid in range(1, firmware.vm_limits()[0]):
            info = vm_info(vmid)
            state = int(info["state"])
            if state == vms.UNUSED and not args.all:
                continue
            rows.append(self._row(vmid, info, owned, remarks))
            if vms.state_name(state) in ("READY", "MAPPED"):
                images += self._images(vmid, info)
        if len(rows) == 1:
            say("no VMs")
            return
        columns(rows)
        for line in (*images, *remarks):
            say(line)

    @staticmethod
    def _row(vmid, info, owned, remarks):
        states = [int(info["vcpu"][n]["state"])
                  for n in range(firmware.vm_limits()[1])]
        used = sum(state != vms.UNUSED for state in states)
        active = sum(state == vms.ACTIVE for state in states)
        pages = "?"
        if owned and vmid < len(owned):
            pages = "0" if not owned[vmid] else \
                f"{owned[vmid]} ({sized(owned[vmid] * common.PAGE_BYTES)})"
        banks = int(info["banks"])
        return (f"vm{vmid}", vms.state_name(int(info["state"])),
                f"{used}" + (f", {active} on a CPU" if active else ""),
                pages, root_of(vmid, remarks), f"{int(info['cntvoff']):#x}",
                " ".join(f"{n >> 3}:{n & 7}" for n in range(32)
                         if banks >> n & 1) or "-")

    @staticmethod
    def _images(vmid, info):
        count = int(info["next_load_idx"])
        low, high = info["load"].type.strip_typedefs().range()
        if count > high + 1:
            yield f"vm{vmid}: {count} images, of at most {high + 1}?"
        for n in range(low, min(count, high + 1)):
            image = firmware.numbers(info["load"][n])
            pages = -(-image["size"] // 4096)
            yield (f"vm{vmid} image {n}: IPA {image['addr']:#x}, "
                   f"{image['size']} bytes, {image['mapped_pages']} of "
                   f"{pages} pages given")


class Vcpus(Command):
    """List vCPUs with state, place and last exit.

usage: hypsec vcpus [VM]

VM is 1 to 15, or vm1 and so on; without it those of all VMs are listed. pc is
the CPU's where the vCPU is in one, else that of its shadow context. Behind the
last exit stands what happens before the vCPU runs again.

  (gdb) hypsec vcpus 1
  vm1 vCPU 0: ACTIVE ON, CPU 0 at EL2, pc 0x4000012c EL1h
    last exit: trap: HVC: #0x0; x0 comes from the host"""
    name = "hypsec vcpus"

    def add_arguments(self, parser):
        parser.add_argument("vm", nargs="?")

    def run(self, args):
        common.connection()
        limit, count = firmware.vm_limits()
        chosen = range(1, limit)
        if args.vm is not None:
            chosen = [vm_number(args.vm)]
            if chosen == [HOST]:
                raise HypsecError("the host has CPUs, no vCPUs; type `hypsec "
                                  "cpus`")
        cpus = firmware.pcpus()
        shown = 0
        for vmid in chosen:
            info = vm_info(vmid)
            for vcpu in range(count):
                entry = firmware.numbers(info["vcpu"][vcpu])
                if entry["state"] != vms.UNUSED:
                    show_vcpu(cpus, vmid, vcpu, entry)
                    shown += 1
        if not shown:
            say(f"vm{chosen[0]} has no vCPUs" if args.vm else "no vCPUs")


def show_vcpu(cpus, vmid, vcpu, entry):
    """Two lines about a vCPU."""
    context = firmware.Context(vmid, vcpu)
    where = running_on(cpus, vmid, vcpu)
    place, pc, pstate = "in no CPU", context.regs["PC"], context.regs["PSTATE"]
    if where:
        level = common.level(where[0])
        live = live_registers(cpus[where[0]], vmid)
        pc, pstate = live.get("PC"), live.get("PSTATE")
        place = f"CPU {where[0]} at {LEVEL_NAMES[level]}"
    if len(where) > 1:
        place += f", and on CPU {where[1]}?"
    power = vms.POWER.get(entry["power"], f"power {entry['power']}?")
    never_ran = context.regs["DIRTY"] == firmware.INVALID64
    if pc is not None and (where or not never_ran):
        place += f", pc {pc:#x} {fields.mode(pstate)}"
    say(f"vm{vmid} vCPU {vcpu}: {vms.state_name(entry['state'])} {power}, "
        f"{place}")
    if never_ran:
        start = f": at {entry['entry']:#x}, x0 {entry['context']:#x}" \
            if power == "ON_PENDING" else ""
        say(f"  never ran since reset{start}")
        return
    waits = "; ".join(context.waits_for())
    say(f"  last exit: {exit_words(context)}" + (f"; {waits}" if waits
                                                 else ""))


def exit_words(context):
    text = firmware.exit_name(context.regs["EC"])
    if context.regs["EC"] != 2:
        return text
    return f"{text}: {fields.summary('ESR_EL2', context.regs['ESR_EL2'])}"


# hypsec context

def live_registers(cpu, vmid):
    """What a CPU holds of who runs on it, by the names of a context. PC and
    PSTATE are missing once EL2 has taken an exception itself."""
    with common.on_cpu(cpu.index):
        level = common.level()
        found = _live_system(level)
        if level < 2 or _at_vector():
            found.update({f"X{n}": common.register(f"x{n}")
                          for n in range(firmware.GENERAL)})
        if level < 2:
            found["PC"] = common.register("pc")
            found["PSTATE"] = common.register("cpsr")
            return found
        # A VM's x0 to x30 are in its context by now, the host's in its frame.
        pstate = common.register("SPSR_EL2")
        if pstate >> common.EL_SHIFT & common.EL_MASK < common.EL2:
            found["PC"] = common.register("ELR_EL2")
            found["PSTATE"] = pstate
        return found


def _at_vector():
    """Whether EL2 is about to execute its first instruction."""
    offset = common.register("pc") - common.register("VBAR_EL2")
    return offset % VECTOR_BYTES == 0 and \
        LOWER_VECTORS <= offset < LOWER_VECTORS_END


def _live_system(level):
    found = {}
    for name in firmware.register_names():
        if name is None or name in NOTED or name in ("PC", "PSTATE") or \
           general(name) is not None:
            continue
        with contextlib.suppress(HypsecError):
            found[name] = common.register(IN_CPU.get(name, name))
    if level < 2:
        # The stack pointer in use is gdb's sp, its bank is stale.
        at_el1h = common.register("cpsr") & 0xf == 5
        found["SP_EL1" if at_el1h else "SP"] = common.register("sp")
    return found


class View:
    """All that is known of one context: .shadow, .shared, .live by register,
    and lines of remarks."""

    def __init__(self, vmid, vcpu):
        self.vmid, self.vcpu = vmid, vcpu
        self.context = firmware.Context(vmid, vcpu)
        self.shadow = dict(self.context.regs)
        self.shared, self.fields = {}, {}
        self.live, self.cpu = {}, None
        self.remarks = []
        self.released = self.context.released
        cpus = firmware.pcpus()
        self._find_cpu(cpus)
        if vmid == HOST:
            self._host(cpus[vcpu])
        else:
            self._shared()

    def _find_cpu(self, cpus):
        where = running_on(cpus, self.vmid, self.vcpu)
        if not where:
            return
        self.cpu = where[0]
        self.live = live_registers(cpus[self.cpu], self.vmid)
        if "PC" not in self.live:
            self.remarks.append("EL2 has taken an exception itself: the CPU "
                                "does not hold PC and PSTATE")
        if len(where) > 1:
            self.remarks.append("more than one CPU is said to run it: "
                                f"{', '.join(map(str, where))}?")

    def _host(self, cpu):
        """x0 to x30, PC and PSTATE of the host are in its trap frame while
        EL2 handles its exception, and nowhere in its context."""
        for name in list(self.shadow):
            if general(name) is not None or name in ("PC", "PSTATE"):
                del self.shadow[name]
        if self.cpu is not None:
            self.remarks.append("the rest of the shadow context is of the "
                                "last time that EL2 went to a VM on this "
                                "CPU, zero before the first")
        try:
            frame = cpu.trap_frame()
        except HypsecError as error:
            self.remarks.append(str(error))
            return
        if frame is None:
            self.remarks.append("no exception of the host's is being "
                                "handled: x0 to x30, PC and PSTATE are in "
                                "the CPU alone")
            return
        for n, value in enumerate(firmware.array(frame["regs"])):
            self.shadow[f"X{n}"] = value
        self.shadow["PC"] = int(frame["elr"])
        self.shadow["PSTATE"] = int(frame["spsr"])
        self.remarks.append(
            "x0 to x30, PC and PSTATE are those of the trap frame at "
            f"{cpu.frame:#x}: {fields.summary('ESR_EL2', int(frame['esr']))}")

    def _shared(self):
        try:
            shared = self.context.intermediate()
        except HypsecError as error:
            self.remarks.append(str(error))
            return
        if shared is None:
            self.remarks.append("no intermediate context: the vCPU is not "
                                "registered")
            return
        self.fields = firmware.numbers(shared)
        self.fields.update(
            (f"vgic.lr[{n}]", value) for n, value in
            enumerate(firmware.array(shared["vgic"]["lr"])) if value)
        self.shared = {f"X{n}": value for n, value in
                       enumerate(firmware.array(shared["regs"]))}
        self.shared["ESR_EL2"] = self.fields["esr"]
        self.shared["HCR_EL2"] = self.fields["hcr"]
        self._check_place()

    def _check_place(self):
        """The host can write the window, so EL2's pointer is worth a look."""
        base = int(common.firmware_value("window"))
        stride = 4096
        _, vcpus = firmware.vm_limits()
        expected = base + (self.vmid * vcpus + self.vcpu) * stride
        if self.context.intermediate_pa != expected:
            self.remarks.append(
                f"the intermediate context is at PA "
                f"{self.context.intermediate_pa:#x}, its place in the window "
                f"is {expected:#x}?")

    # Rows: name, shadow, intermediate, CPU; None where there is none.

    def rows(self):
        names = [name for name in firmware.register_names() if name]
        return [(name, self.shadow.get(name), self.shared.get(name),
                 self.live.get(name)) for name in names]

    def is_empty(self):
        """Whether there is nothing in it, as for a vCPU that never was."""
        return not (self.live or self.fields or self.context.free or
                    any(any(values) for _, *values in self.rows()))

    def head(self):
        if self.vmid == HOST:
            lines = [f"host, CPU {self.vcpu}"]
        else:
            entry = firmware.numbers(vm_info(self.vmid)["vcpu"][self.vcpu])
            power = vms.POWER.get(entry["power"], f"power {entry['power']}?")
            lines = [f"vm{self.vmid} vCPU {self.vcpu}: "
                     f"{vms.state_name(entry['state'])} {power}" +
                     (f" on CPU {self.cpu}" if self.cpu is not None else "")]
            # What a context holds that is nobody's says nothing.
            if vms.state_name(entry["state"]) != "UNUSED":
                lines += self._before_next_run()
        return lines + self.remarks

    def _before_next_run(self):
        if self.context.regs["DIRTY"] == firmware.INVALID64:
            return ["it has not run: starts from reset"]
        return [f"last exit: {exit_words(self.context)}",
                "before it runs again: " +
                ("; ".join(self.context.waits_for()) or "nothing")]


def words_of(name, value):
    """Words for a register of a context, if there are any worth it."""
    if name == "DIRTY":
        return "; ".join(firmware.dirty_words(value))
    if name == "FLAGS":
        return "; ".join(firmware.flag_words(value))
    if name == "EC":
        return firmware.exit_name(value)
    if name in SPOKEN and value:
        return fields.summary(name, value)
    return ""


def number_or_dash(value):
    return "-" if value is None else f"{value:#x}"


class Context(Command):
    """Show the registers of a vCPU or of the host, wherever they are.

usage: hypsec context VM VCPU [--changed | --diff] [--fp]
       hypsec context host CPU [--changed | --diff] [--fp]

Side by side: the shadow context that EL2 keeps, what host and EL2 tell each
other about the vCPU (the intermediate context), and what the CPU holds now.

VM is 1 to 15 or vm1 and so on, VCPU 0 to 7. --changed leaves registers out
that are zero everywhere. --diff shows only what differs, between shadow and
intermediate context and between shadow context and CPU, and why. --fp adds the
FP and SIMD registers of the shadow context.

A dash: there is no such value. While a vCPU runs at EL1 or EL0, and at EL2's
first instruction, its registers are in the CPU and its shadow context is that
of its last exit; then x0 to x30 of a VM are in its context only, the host's in
its trap frame.

  (gdb) hypsec context 1 0 --diff
  vm1 vCPU 0: READY ON
  last exit: trap: HVC: #0x0
  before it runs again: x0 comes from the host
  shadow and intermediate context:
    register  shadow      intermediate
    X0        0x84000002  0x0           comes from the host
    X1        0x5ec4e7    0x0           hidden from the host"""
    name = "hypsec context"

    def add_arguments(self, parser):
        parser.add_argument("vm")
        parser.add_argument("vcpu")
        group = parser.add_mutually_exclusive_group()
        group.add_argument("--changed", action="store_true")
        group.add_argument("--diff", action="store_true")
        parser.add_argument("--fp", action="store_true")

    def run(self, args):
        common.connection()
        vmid = vm_number(args.vm)
        view = View(vmid, vcpu_number(args.vcpu, vmid))
        for line in view.head():
            say(line)
        if view.is_empty():
            say("all of it is zero")
        elif args.diff:
            show_diff(view)
        else:
            show_registers(view, args.changed)
            show_intermediate(view)
        if args.fp:
            show_fp(view.context.value["fp"])


def show_registers(view, changed):
    heads = ["shadow"]
    if view.vmid != HOST:
        heads.append("intermediate")
    if view.cpu is not None:
        heads.append(f"CPU {view.cpu} now")
    say(f"{'register':15} " + " ".join(f"{head:18}" for head in heads)
        .rstrip())
    for name, *values in view.rows():
        if changed and not any(values):
            continue
        if view.vmid == HOST:
            del values[1]
        cells = [number_or_dash(value) for value in values[:len(heads)]]
        say(f"{name:15} " + " ".join(f"{cell:18}" for cell in cells).rstrip())
        words = ""
        # EL2 notes nothing of an exit in the host's.
        if values[0] is not None and not (view.vmid == HOST and
                                          name in NOTED):
            words = words_of(name, values[0])
        if words:
            say(" " * 18 + words)
    for n, value in view.context.free.items():
        say(f"free[{n}]  {value:#x}: this place should be zero")


def show_intermediate(view):
    if not view.fields:
        return
    say(f"intermediate context at PA {view.context.intermediate_pa:#x}:")
    for name, value in view.fields.items():
        if name in ("version", "size"):
            say(f"  {name:15} {value}")
            continue
        say(f"  {name:15} {value:#x}{told(name, value)}")


def told(name, value):
    """Words for a field of the intermediate context."""
    if name == "esr" and value:
        # The host is not told the status of a VM's abort, which is 0 here.
        return "  " + fields.summary("ESR_EL2", value).replace(
            "address size fault, level 0", "its status is not told")
    if name == "hcr" and value:
        return f"  {fields.summary('HCR_EL2', value)}"
    if name == "deadline" and value == firmware.INVALID64:
        return "  never"
    if name == "answer":
        return {0: "  done", 1: "  abort"}.get(value, "")
    return ""


def show_fp(fp):
    say(f"fpsr {int(fp['fpsr']):#x}, fpcr {int(fp['fpcr']):#x}")
    for n in range(32):
        low, high = int(fp["q"][n][0]), int(fp["q"][n][1])
        if low or high:
            say(f"Q{n:<3} {high:016x}{low:016x}")


def why_different(view, name):
    """Why a register is another one in the intermediate context."""
    number = general(name)
    dirty = view.context.regs["DIRTY"]
    if number is None:
        if name == "ESR_EL2":
            return "what the host may know"
        return "of the last entry" if name == "HCR_EL2" else ""
    if dirty != firmware.INVALID64 and dirty >> number & 1:
        return "comes from the host"
    if view.released >> number & 1:
        return "was shown to the host"
    return "hidden from the host" if not view.shared[name] else \
        "the host's own, not taken"


def why_live(name, shadow, live):
    """Why a CPU holds another value, where that is EL2's doing."""
    stopped = {"TCR_EL1": shadow | NO_WALKS, "SCTLR_EL1": shadow | MMU_ON}
    return "EL1's walks are stopped by EL2" if stopped.get(name) == live \
        else ""


def show_diff(view):
    """What differs, in two tables."""
    _diff(view, "intermediate", "intermediate context",
          [(name, shadow, shared, why_different(view, name))
           for name, shadow, shared, _ in view.rows()
           if shared is not None and shared != shadow])
    if view.cpu is None:
        say("no CPU has it now" if view.vmid != HOST else
            f"CPU {view.vcpu} does not run the host now, which leaves nothing "
            "to compare")
        return
    _diff(view, f"CPU {view.cpu}", f"CPU {view.cpu}",
          [(name, shadow, live, why_live(name, shadow, live))
           for name, shadow, _, live in view.rows()
           if live is not None and shadow is not None and live != shadow])


def _diff(view, head, other, found):
    if head == "intermediate" and not view.shared:
        return
    if not found:
        say(f"shadow and {other}: no difference")
        return
    say(f"shadow and {other}:")
    columns([("register", "shadow", head, ""),
             *((name, f"{one:#x}", f"{two:#x}", why)
               for name, one, two, why in found)], 2)


# hypsec locks

class Locks(Command):
    """Say which locks are held by which CPU, and who waits for them.

usage: hypsec locks [--all]

A lock may be taken only while all locks that the CPU holds stand before it in
the lock order. Each is a ticket lock: the ticket that is served holds it, those
behind wait. --all lists the free locks too.

  (gdb) hypsec locks
  order: smmu -> vm[N] -> core -> s2page -> pt[N] -> spt -> console
  s2page  CPU 0 holds it (ticket 812); 1 waits: CPU 1 in acquire_lock_s2page"""
    name = "hypsec locks"

    def add_arguments(self, parser):
        parser.add_argument("--all", action="store_true")

    def run(self, args):
        common.connection()
        cpus = firmware.pcpus()
        found = firmware.locks(cpus)
        say("order: " + " -> ".join(
            f"{name}[N]" if name in ("vm", "pt") else name
            for name in vms.LOCKS))
        present = {common.cpu_number(thread)
                   for thread in gdb.selected_inferior().threads()}
        taking = {cpu.index: place for cpu in cpus
                  if cpu.power == firmware.POWER_ON and cpu.index in present
                  for place in (firmware.taking(cpu.index),) if place}
        free = 0
        for lock in found:
            if not (lock.held or lock.holders) and not args.all:
                free += 1
                continue
            say(f"{lock.name:8} {lock_words(lock, taking)}")
        if not args.all:
            say(f"{free} locks are free" if free < len(found) else
                f"all {free} locks are free")
        self._by_cpu(cpus, found)

    @staticmethod
    def _by_cpu(cpus, found):
        for cpu in cpus:
            say(f"CPU {cpu.index} holds {', '.join(cpu.locks) or 'none'}")
            known = {lock.name for lock in found}
            if cpu.held >> vms.HELD_SHIFT + len(vms.LOCKS) or \
               not known.issuperset(cpu.locks):
                say(f"  and that is of no lock there is: {cpu.held:#x}?")


def lock_words(lock, taking):
    """What there is to say about one lock."""
    if not lock.sound:
        return (f"tickets are not sound: {lock.serving} is served, "
                f"{lock.next} comes next")
    by_cpus = [f"CPU {n}" for n in lock.holders]
    if not lock.held:
        text = f"free (next ticket {lock.next})"
        return text + (f", but {' and '.join(by_cpus)} noted to hold it?"
                       if by_cpus else "")
    places = [f"CPU {cpu} in {function}"
              for cpu, (address, function) in taking.items()
              if address == lock.address and cpu not in lock.holders]
    if not by_cpus:
        # One of those is it.
        text = "taken, by a CPU that has not noted it yet"
    else:
        text = f"{' and '.join(by_cpus)} hold{'s' * (len(by_cpus) < 2)} it" + \
            "?" * (len(by_cpus) > 1)
    text += f" (ticket {lock.serving})"
    if lock.waiting:
        text += f"; {lock.waiting} wait{'s' * (lock.waiting < 2)}"
    if places and (lock.waiting or not by_cpus):
        text += f": {', '.join(places)}"
    return text


for _command in (Decode, Cpus, Vms, Vcpus, Context, Locks):
    _command()
