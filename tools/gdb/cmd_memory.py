# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb's commands about memory: hypsec page, pages, walk, smmu."""
import re

import gdb

import common
from boardview import owners, smmu, tables, vms
from boardview.page import FREE
from boardview.source import RamSource, SourceError
from common import HypsecError, register, say

PAGE = 4096
HCR_VM, HCR_TGE, HCR_RW, HCR_E2H = 1 << 0, 1 << 27, 1 << 31, 1 << 34
STAGE1_REGISTERS = ("TTBR0_EL1", "TTBR1_EL1", "TCR_EL1", "SCTLR_EL1",
                    "MAIR_EL1")
RANGE_LINES = 200
# Of one table that has a page: lines, and ranges that are looked at.
PLACE_LINES, MAX_LEAVES = 8, 1 << 20


def board_memory():
    """The board's RAM; a read of anything else is an error."""
    text = common.monitor("info memory_size_summary")
    size = re.search(r"base memory: (\d+)", text)
    if not size:
        raise HypsecError("QEMU does not say how much RAM the board has: "
                          f"{common.printable(text)}")
    return RamSource(common.source(), common.RAM_BASE + int(size[1]))


def sized(amount):
    """Bytes for people."""
    for unit, shift in (("GiB", 30), ("MiB", 20)):
        if amount >= 1 << shift:
            return f"{amount / (1 << shift):.4g} {unit}"
    return f"{amount / 1024:g} KiB"


def plural(count, thing):
    return f"{count} {thing}{'' if count == 1 else 's'}"


def vtcr():
    """VTCR_EL2, which is the same on all CPUs that EL2 has set up."""
    selected = register("VTCR_EL2")
    if selected:
        return selected
    for _ in common.cpus():
        if value := register("VTCR_EL2"):
            return value
    raise HypsecError("no CPU has stage 2 set up (VTCR_EL2 is 0): the "
                      "firmware has not got there yet")


def vmid_of(text):
    """A VM's number out of 3 or vm3."""
    match = re.fullmatch(r"(?:vm)?(\d+)", text.lower())
    if not match:
        raise HypsecError(f"{common.printable(text)!r} is no VM: a number or "
                          "vm3 is")
    return int(match[1])


def address_of(text):
    """An address of 64 bits; gdb's own expressions can be negative."""
    address = common.number(text)
    if not -(1 << 63) <= address < 1 << 64:
        raise HypsecError(f"{common.printable(text)!r} has more than 64 bits")
    return address & common.MASK64


# What a page is

def owner_words(page, record):
    """A page record in words."""
    words = [f"owner {page.owner_name(record.owner)}"]
    if record.owner == page.corevisor:
        return words[0]
    if record.dma:
        words.append("reserved for DMA of its devices")
    elif record.owner == 0:
        # EL2 counts what it keeps the host from giving away.
        words.append(f"pinned {plural(record.count, 'time')}"
                     if record.count else "not pinned")
    else:
        words.append(f"shared with the host {plural(record.count, 'time')}"
                     if record.count else "not shared")
    if record.gfn is not None:
        words.append(f"gfn {record.gfn:#x}")
    return ", ".join(words)


def owner_at(memory, page, pa):
    """Who owns a physical address; None if nobody can tell."""
    if not memory.ram[0] <= pa < memory.ram[1]:
        return "not RAM"
    if page is None:
        return None
    record = owners.Owners(memory, page).record(pa // PAGE)
    return "not RAM" if record is None else \
        f"owner {page.owner_name(record.owner)}"


def page_or_none(memory):
    """The inspection page, None if there is no sound one."""
    try:
        return common.page() if memory else None
    except (HypsecError, SourceError):
        return None


class Page(common.Command):
    """Who owns a page, and who can reach it.

hypsec page ADDRESS

ADDRESS is a physical address in bytes, any byte of the page; a number or an
expression ($x0); pfn:N is page frame N. Shows the page record (owner, count of
shares, the frame at which its VM has it) and which tables have the page: the
host's stage 2 and the banks of host and EL2 at its own address, those of VMs
wherever they have it. All is read from memory, whatever the CPUs do. A count of
the host's page says how often it is pinned: EL2 or a bank of an SMMU needs it,
it cannot change hands.

  (gdb) hypsec page 0x40013000
  page 0x40013000: owner vm1, not shared, gfn 0x40000
    record 0x7ec00098: 0xffffc46535ed0001
    host: 0x40013000: not mapped, the page left the host
    smmu 0 bank 0 (EL2): 0x40013000: not mapped
    smmu 1 bank 0 (EL2): 0x40013000: not mapped
    vm1: IPA 0x40000000: Normal write-back, read and write, executable, ...
"""
    name = "hypsec page"

    def add_arguments(self, parser):
        parser.add_argument("address")

    def run(self, args):
        address = common.physical(args.address)
        memory, page = board_memory(), common.page()
        pfn = address // PAGE
        record = owners.Owners(memory, page).record(pfn)
        say(f"page {pfn * PAGE:#x}: " +
            (owner_words(page, record) if record else
             device_words(memory, page, pfn) +
             common.pfn_hint(address, memory.ram)))
        if address >= memory.ram[1]:
            say(f"  RAM ends before {memory.ram[1]:#x}; a virtual address is "
                "for `hypsec walk`")
        if record:
            place = page.page_base + (pfn - page.page_first_pfn) * 8
            raw = int.from_bytes(memory.read(place, 8), "little")
            say(f"  record {place:#x}: {raw:#018x}")
        banks = self.banks(memory, page)
        self.at_own_address(memory, page, banks, pfn)
        self.elsewhere(memory, page, banks, pfn, record)

    @staticmethod
    def banks(memory, page):
        """(SMMU, bank) of all banks that translate."""
        if page.version < 3:
            return []
        try:
            return [(one, bank) for one in smmu.smmus(memory, page)
                    for bank in smmu.state(memory, one).banks
                    if bank.enabled and bank.kind == "stage 2"]
        except SourceError as error:
            say(f"  SMMUs: {error}")
            return []

    def at_own_address(self, memory, page, banks, pfn):
        """Tables that map a page at its own address or not at all."""
        self.line("host", pfn, lambda: tables.walk_stage2(
            memory, page.root(memory, 0), vtcr(), pfn * PAGE))
        for one, bank in banks:
            if bank.owner in (0, page.corevisor):
                self.line(bank_words(page, one, bank), pfn,
                          lambda: smmu.walk(memory, bank, pfn * PAGE))

    def elsewhere(self, memory, page, banks, pfn, record):
        """Tables of VMs: wherever they have the page."""
        regs, owned = vtcr(), False
        for vm in range(1, page.vm_count):
            owned |= self.places(
                page, record, vm, page.owner_name(vm), "IPA", pfn,
                lambda: tables.leaves_stage2(memory, page.root(memory, vm),
                                             regs))
        for one, bank in banks:
            if bank.owner not in (0, page.corevisor):
                self.places(page, record, bank.owner,
                            bank_words(page, one, bank), "IOVA", pfn,
                            lambda: smmu.leaves(memory, bank))
        if record and 0 < record.owner < page.corevisor and not owned:
            say(f"  {page.owner_name(record.owner)}: not mapped")

    def places(self, page, record, owner, who, what, pfn, leaves):
        """All places where a table has the page; whether its owner has it."""
        pa, owned, found = pfn * PAGE, False, 0
        try:
            for number, leaf in enumerate(leaves()):
                if number >= MAX_LEAVES:
                    raise SourceError(f"more than {MAX_LEAVES} ranges")
                if not leaf.pa <= pa < leaf.pa + leaf.bytes:
                    continue
                foreign = record and record.owner != owner
                owned |= not foreign
                found += 1
                if found > PLACE_LINES:
                    continue
                say(f"  {who}: {what} {leaf.address + pa - leaf.pa:#x}: "
                    f"{tables.leaf_words(2, leaf.attributes)}" +
                    (" -- which does not own it" if foreign else ""))
        except SourceError as error:
            # One spoilt table does not hide the others.
            say(f"  {who}: {error}")
        if found > PLACE_LINES:
            say(f"  {who}: ... {plural(found - PLACE_LINES, 'more place')}")
        return bool(owned)

    @staticmethod
    def line(who, pfn, make):
        """What a table has at a page's own address; MAKE walks it."""
        where = f"  {who}: {pfn * PAGE:#x}: "
        try:
            walk = make()
        except SourceError as error:
            say(where + str(error))
            return
        last = walk.steps[-1].descriptor if walk.steps else 0
        if walk.output == pfn * PAGE:
            say(where + leaf_words(walk))
        elif walk.output is not None:
            say(where + f"another page, {walk.output:#x}")
        elif last == tables.LEFT_HOST:
            say(where + "not mapped, the page left the host")
        else:
            say(where + ("not mapped" if last is not None else walk.fault))


def device_words(memory, page, pfn):
    """Of a page that is no RAM."""
    if page.version >= 3:
        for one in smmu.devices(memory, page):
            if one.base <= pfn * PAGE < one.base + one.bytes:
                return (f"not RAM; device {one.index}, "
                        f"{page.owner_name(one.owner)}'s")
    return "not RAM: there is no record of it"


def bank_words(page, one, bank):
    return (f"smmu {one.index} bank {bank.number} "
            f"({smmu.owner_name(page, bank.owner)})")


# Ranges and totals

def parse_range(text):
    """First and last page of A, A-B (B excluded) or A+SIZE."""
    if text is None:
        return None, None
    match = re.fullmatch(r"([^-+]+)(?:([-+])([^-+]+))?", text)
    if not match:
        raise HypsecError(f"{common.printable(text)!r} is no range; "
                          "0x40000000-0x40100000 and 0x40000000+1M are")
    first = common.physical(match[1])
    if match[2] is None:
        return first // PAGE, first // PAGE
    end = common.physical(match[3]) if match[2] == "-" else \
        first + parse_size(match[3])
    if end <= first:
        raise HypsecError(f"the range {common.printable(text)!r} is empty")
    return first // PAGE, (end - 1) // PAGE


def parse_size(text):
    match = re.fullmatch(r"(\w+?)([KMG]?)", text)
    if not match:
        raise HypsecError(f"{common.printable(text)!r} is no size; 64K and "
                          "1M are")
    return common.number(match[1]) << \
        {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]


def parse_owner(page, text):
    """The number of owner TEXT."""
    words = {"host": 0, "el2": page.corevisor}
    if text.lower() in words:
        return words[text.lower()]
    vmid = vmid_of(text) if re.fullmatch(r"(vm)?\d+", text.lower()) else None
    if vmid is None or not 0 < vmid < page.vm_count:
        raise HypsecError(f"{common.printable(text)!r} owns nothing: host, "
                          f"vm1 to vm{page.vm_count - 1} and el2 do")
    return vmid


class Pages(common.Command):
    """Who owns which ranges of RAM, and how many pages each has.

hypsec pages [--owner WHO] [--limit N] [RANGE]

WHO is host, vm1 to vm15 or el2. RANGE is in bytes: A-B (up to B, without it),
A+SIZE with K, M or G, or one address; addresses as `hypsec page` takes them;
all of RAM without it. Neighbours with
the same owner and the same count are one line; at most N lines (200). The
totals at the end are of the range, counted from the page records.

  (gdb) hypsec pages 0x40000000+128K
  0x0040000000-0x0040012fff     76 KiB  host
  0x0040013000-0x0040016fff     16 KiB  vm1
  0x0040017000-0x0040017fff      4 KiB  host
  0x0040018000-0x004001cfff     20 KiB  vm2
  0x004001d000-0x004001ffff     12 KiB  vm1
  pages: host 20 (80 KiB), vm1 7 (28 KiB), vm2 5 (20 KiB)
"""
    name = "hypsec pages"

    def add_arguments(self, parser):
        parser.add_argument("--owner")
        parser.add_argument("--limit", type=int, default=RANGE_LINES)
        parser.add_argument("range", nargs="?")

    def run(self, args):
        memory, page = board_memory(), common.page()
        view = owners.Owners(memory, page)
        wanted = None if args.owner is None else parse_owner(page, args.owner)
        first, last = parse_range(args.range)
        if args.limit < 1:
            raise HypsecError("--limit is a number of lines from 1 on")
        if first is not None and (last < view.first or first >= view.end):
            raise HypsecError(f"no RAM there: it is {view.first * PAGE:#x} "
                              f"to {view.end * PAGE - 1:#x}" +
                              common.pfn_hint(first * PAGE, memory.ram))
        self.ranges(view, page, wanted, first, last, args.limit)
        totals = view.totals(first, last)
        say("pages: " + (", ".join(
            f"{page.owner_name(owner)} {count} ({sized(count * PAGE)})"
            for owner, count in sorted(totals.items())
            if wanted in (None, owner)) or "none"))
        if first is None:
            self.check(view, page, totals)

    @staticmethod
    def ranges(view, page, wanted, first, last, limit):
        left = 0
        for number, (pfn, count, owner, shares) in enumerate(
                run for run in view.runs(first, last)
                if wanted in (None, run[2])):
            if number >= limit:
                left += 1
                continue
            start, size = pfn * PAGE, count * PAGE
            say(f"{start:#012x}-{start + size - 1:#012x} {sized(size):>10}  "
                f"{page.owner_name(owner)}" + count_words(owner, shares))
        if left:
            say(f"... {plural(left, 'more range')}; give a RANGE, or --limit")

    @staticmethod
    def check(view, page, totals):
        """Say where the firmware's own counters differ."""
        if page.version < 3:
            return
        for owner, count in view.counters().items():
            if count != totals.get(owner, 0):
                say(f"the firmware counts {count} pages of "
                    f"{page.owner_name(owner)}, not {totals.get(owner, 0)}: "
                    "it is changing one, or a record is spoilt")


def count_words(owner, shares):
    if shares == 0:
        return ""
    if shares == owners.COUNT_DMA:
        return ", reserved for DMA"
    return f", shared {plural(shares, 'time')}" if owner else \
        f", pinned {plural(shares, 'time')}"


# Walks

def leaf_words(walk):
    """The attributes of a walk's leaf."""
    return tables.leaf_words(walk.stage, walk.descriptor)


def brief(walk):
    """A walk of stage 2 on one line."""
    steps = ", ".join(f"level {step.level} {step.table:#x}[{step.index}] "
                      f"{step.kind}" for step in walk.steps)
    end = f"PA {walk.pa:#x}" if walk.pa is not None else walk.fault
    return f"{steps} -> {end}" if steps else end


def show_steps(walk, el2=False, mair=None):
    for step in walk.steps:
        descriptor = "unreadable" if step.descriptor is None else \
            f"{step.descriptor:#018x}"
        say(f"  stage {step.stage} level {step.level}: table "
            f"{step.table:#x}[{step.index}] = {descriptor}")
        say(f"      {tables.describe(step, el2, mair)}")
        if step.outer:
            say(f"      table by stage 2: {brief(step.outer)}")


def show(walk, memory, page, el2=False, mair=None):
    """A walk and its result."""
    for note in walk.notes:
        say(f"  {note}")
    show_steps(walk, el2, mair)
    if walk.fault:
        say(f"  {walk.fault}")
        return
    if walk.outer:
        say(f"  IPA {walk.output:#x}")
        show_steps(walk.outer)
        if walk.outer.fault:
            say(f"  stage 2: {walk.outer.fault}")
            return
    owner = owner_at(memory, page, walk.pa)
    say(f"PA {walk.pa:#x}" + (f", {owner}" if owner else ""))


def el1_live():
    """Stage 1 of the selected CPU's EL1&0."""
    if not register("HCR_EL2") & HCR_RW:
        raise HypsecError("EL1 is AArch32 there; only AArch64 tables can be "
                          "walked")
    return tables.El1(*(register(name) for name in STAGE1_REGISTERS))


def el1_saved(vmid, number):
    """Stage 1 of a context that EL2 keeps in memory: of a vCPU, or of the
    host on CPU NUMBER."""
    regs = common.firmware_symbol("shadow_ctxts").value()[vmid][number]["regs"]
    numbers = {field.name: field.enumval
               for field in gdb.lookup_type("enum shadow_reg").fields()}

    def saved(name):
        address = int(regs[numbers[name]].address)
        return int.from_bytes(common.firmware_bytes(address, 8), "little")
    return tables.El1(*(saved(name) for name in STAGE1_REGISTERS))


def beside_el2():
    """The options of `hypsec walk` for who is below EL2 on this CPU."""
    vmid = world_vmid(common.world_below())
    return f"--vm {vmid} --va" if vmid else "--host --va"


def world_vmid(world):
    """0 for "host", 3 for "vm3"."""
    return 0 if world == "host" else vmid_of(world)


class Walk(common.Command):
    """Walk translation tables for an address, level by level.

hypsec walk ADDRESS
    a virtual address where the selected CPU is: EL2's stage 1 at EL2, else
    stage 1 by the CPU's registers, with each table that it reads and the
    result translated by stage 2
hypsec walk --el2 ADDRESS
    a virtual address of EL2's, wherever the CPU is
hypsec walk --host ADDRESS, hypsec walk --vm N ADDRESS
    an intermediate physical address (IPA) through stage 2 of the host or of
    a VM, also of one that does not run
hypsec walk --host --va ADDRESS, hypsec walk --vm N [--vcpu K] --va ADDRESS
    a virtual address of the host's, or of vCPU K's (0): by the registers of
    a CPU that has them, else by those that EL2 saved (the host's: of the
    selected CPU)
hypsec walk --smmu S:B ADDRESS
    an address of a device (IOVA) through bank B of SMMU S

ADDRESS is a number or an expression ($pc, &vm_infos). Each level shows table
and index, the descriptor, and what it means; the end is the physical address
and its owner, or the fault that hardware would take.

  (gdb) hypsec walk --vm 1 0x40000000
  IPA 0x40000000 of vm1, root 0x7f230000 (VTCR_EL2 0x80023558)
    stage 2 level 1: table 0x7f230000[1] = 0x000000007f232003
        table at 0x7f232000
    stage 2 level 2: table 0x7f232000[0] = 0x000000007f233003
        table at 0x7f233000
    stage 2 level 3: table 0x7f233000[0] = 0x00000000400137ff
        page at 0x40013000, Normal write-back, read and write, executable, ...
  PA 0x40013000, owner vm1
"""
    name = "hypsec walk"

    def add_arguments(self, parser):
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--vm", metavar="N")
        where.add_argument("--host", action="store_true")
        where.add_argument("--el2", action="store_true")
        where.add_argument("--smmu", metavar="S:B")
        parser.add_argument("--va", action="store_true")
        parser.add_argument("--vcpu", type=int, metavar="K")
        parser.add_argument("address")

    def run(self, args):
        address = address_of(args.address)
        memory = board_memory()
        vmid = 0 if args.host else vmid_of(args.vm) if args.vm else None
        if args.vcpu is not None and (not vmid or not args.va):
            raise HypsecError("--vcpu goes with --vm and --va")
        if args.va and vmid is None:
            raise HypsecError("--va goes with --host or --vm")
        if args.smmu:
            self.smmu(memory, args.smmu, address)
        elif args.va:
            self.world_va(memory, vmid, args.vcpu or 0, address)
        elif vmid is not None:
            self.ipa(memory, vmid, address)
        elif args.el2:
            self.el2(memory, address)
        elif common.level() >= common.EL2:
            if not self.el2(memory, address):
                say("  the CPU is at EL2; other worlds' addresses take "
                    f"{beside_el2()}")
        else:
            self.here(memory, address)

    def smmu(self, memory, text, address):
        found, page, _ = board_smmus(memory)
        one, bank = find_bank(memory, found, text)
        smmu.check_stage2(bank)
        say(f"IOVA {address:#x} in bank {bank.number} of SMMU {one.index}, "
            f"{bank_owner_words(page, bank)}, root {bank.root:#x} (TCR "
            f"{bank.tcr:#x})")
        show(smmu.walk(memory, bank, address), memory, page)

    def ipa(self, memory, vmid, address):
        page = common.page()
        root = root_of(memory, page, vmid)
        regs = vtcr()
        say(f"IPA {address:#x} of {page.owner_name(vmid)}, root {root:#x} "
            f"(VTCR_EL2 {regs:#x})")
        show(tables.walk_stage2(memory, root, regs, address), memory, page)

    def el2(self, memory, address):
        """Walk EL2's tables; whether they have a page there."""
        if register("HCR_EL2") & HCR_E2H:
            raise HypsecError("EL2 runs with HCR_EL2.E2H = 1 there; only "
                              "E2H = 0 can be walked")
        regime = tables.El2(*(register(name) for name in (
            "TTBR0_EL2", "TCR_EL2", "SCTLR_EL2", "MAIR_EL2")))
        say(f"VA {address:#x} of EL2, CPU {common.cpu_number()}, TTBR0_EL2 "
            f"{regime.ttbr0:#x}")
        walk = tables.walk_stage1(memory, regime, address)
        show(walk, memory, page_or_none(memory), True, regime.mair)
        return walk.pa is not None

    def here(self, memory, address):
        """A VA of the world that runs on the selected CPU."""
        if register("HCR_EL2") & (HCR_E2H | HCR_TGE):
            raise HypsecError("HCR_EL2.E2H or TGE is 1 there; only 0 can be "
                              "walked")
        world = common.current_world()
        regime = el1_live()
        cpu = f"CPU {common.cpu_number()}"
        if not register("HCR_EL2") & HCR_VM:
            self.virtual(memory, page_or_none(memory), address,
                         f"{cpu}, stage 2 off", regime, None)
            return
        vttbr, regs = register("VTTBR_EL2"), register("VTCR_EL2")
        self.virtual(memory, page_or_none(memory), address,
                     f"{world}, {cpu}", regime,
                     lambda ipa: tables.walk_stage2(
                         memory, tables.root_stage2(vttbr), regs, ipa))

    def world_va(self, memory, vmid, vcpu, address):
        """A VA of a world, whether a CPU has its registers or not."""
        page = common.page()
        root, regs = root_of(memory, page, vmid), vtcr()
        regime, where = self.registers_of(memory, page, vmid, vcpu)
        self.virtual(memory, page, address,
                     f"{page.owner_name(vmid)}, {where}", regime,
                     lambda ipa: tables.walk_stage2(memory, root, regs, ipa))

    @staticmethod
    def registers_of(memory, page, vmid, vcpu):
        """El1 of the host or a vCPU, and where it comes from."""
        here = common.cpu_number()
        running = {cpu.index: (cpu.vmid, cpu.vcpu)
                   for cpu in vms.cpus(memory, page)}
        for cpu in sorted(running, key=lambda cpu: cpu != here):
            if vmid == 0 and cpu != here:
                break
            with common.on_cpu(cpu):
                if world_vmid(common.world_below()) == vmid and \
                   running[cpu][0] == vmid and \
                   (vmid == 0 or running[cpu][1] == vcpu):
                    return el1_live(), f"registers of CPU {cpu}"
        if vmid == 0:
            return el1_saved(0, here), f"registers saved of CPU {here}"
        if not 0 <= vcpu < (page.vcpu_count or 8):
            raise HypsecError(f"a VM has vCPUs 0 to "
                              f"{(page.vcpu_count or 8) - 1}")
        return el1_saved(vmid, vcpu), f"registers saved of vCPU {vcpu}"

    @staticmethod
    def virtual(memory, page, address, where, regime, translate):
        high, ttbr, *_ = regime.select(address)
        say(f"VA {address:#x} of {where}" +
            (f", TTBR{int(high)}_EL1 {ttbr:#x}" if regime.sctlr & 1 else ""))
        show(tables.walk_stage1(memory, regime, address, translate), memory,
             page, mair=regime.mair)


def root_of(memory, page, vmid):
    """The stage-2 root of the host or a VM that has one."""
    root = page.root(memory, vmid)
    if root == 0:
        raise HypsecError(f"{page.owner_name(vmid)} has no stage-2 table: "
                          "there is no such VM now")
    return root


# SMMUs

def board_smmus(memory):
    """(SMMUs, page, why): those of EL2's list, or, where EL2 does not say what
    it knows of them, those that the board has, and WHY is not empty. The page
    is None unless there is a sound one."""
    page = None
    try:
        page = common.page()
        return smmu.smmus(memory, page), page, ""
    except (HypsecError, SourceError) as error:
        has = common.monitor("qom-get /machine smmu") == "true"
        return smmu.of_board() if has else [], page, str(error)


def find_bank(memory, found, text):
    """(SMMU, bank) of S:B, of the SMMUs FOUND."""
    match = re.fullmatch(r"(\d+):(\d+)", text)
    if not match:
        raise HypsecError(f"{common.printable(text)!r} is no bank of an SMMU: "
                          "0:1 is bank 1 of SMMU 0")
    number, bank = int(match[1]), int(match[2])
    if number >= len(found):
        raise HypsecError(f"there is no SMMU {number}: the board has "
                          f"{len(found) or 'none'}")
    banks = smmu.state(memory, found[number]).banks
    if bank >= len(banks):
        raise HypsecError(f"SMMU {number} has banks 0 to {len(banks) - 1}")
    return found[number], banks[bank]


def bank_owner_words(page, bank):
    name = smmu.owner_name(page, bank.owner)
    return name if bank.owner in (None, FREE) else f"{name}'s"


def bank_registers(bank):
    """What a bank that is on translates by."""
    if bank.kind == "stage 2":
        return (f"stage 2, root {bank.root:#x}, TCR {bank.tcr:#x}, VMID "
                f"{bank.vmid}")
    outer = f"VMID {bank.vmid}" if bank.outer is None else \
        f"stage 2 by bank {bank.outer}"
    return (f"{bank.kind}, TTBR0 {bank.ttbr0:#x}, TTBR1 {bank.ttbr1:#x}, TCR "
            f"{bank.tcr:#x}, {outer}")


class Smmu(common.Command):
    """The SMMUs: streams, context banks, devices and tables.

hypsec smmu [streams|banks|devices]
hypsec smmu table S:B

streams are the entries of the stream tables that match something: a stream
matches if it agrees with ID in the bits that are 0 in MASK. banks are the
context banks in use, with owner (by EL2's list), table, and the fault that
the bank recorded last. devices are those that VMs can be given. table lists
all that bank B of SMMU S maps. Without an argument: all but the tables.

Owners and devices are what EL2 tells. Where it does not, because it has not
booted so far or is another firmware, a first line says so, and the rest is
shown as the SMMUs' registers have it.

  (gdb) hypsec smmu banks
  SMMU 0 at 0x9050000: unmatched streams fault, 32 entries, 8 banks
    bank 0: EL2, stage 2, root 0x7f014000, TCR 0x80023558, VMID 0
  SMMU 1 at 0x9060000: unmatched streams fault, 32 entries, 8 banks
    global fault recorded: invalid context, several
    bank 0: EL2, stage 2, root 0x7f014000, TCR 0x80023558, VMID 0
      fault recorded: translation, several; write of 0x40018000 by stream 0x10
    bank 1: vm1, stage 2, root 0x7f830000, TCR 0x80023558, VMID 17
    bank 2: vm2, stage 2, root 0x7f840000, TCR 0x80023558, VMID 34
"""
    name = "hypsec smmu"

    def add_arguments(self, parser):
        parser.add_argument("what", nargs="?", choices=(
            "streams", "banks", "devices", "table"))
        parser.add_argument("bank", nargs="?")

    def run(self, args):
        if args.bank is not None and args.what != "table":
            raise HypsecError("only `hypsec smmu table` takes a bank")
        if args.what == "table" and args.bank is None:
            raise HypsecError("which table? `hypsec smmu table 0:1` is that "
                              "of bank 1 of SMMU 0")
        memory = board_memory()
        found, page, why = board_smmus(memory)
        if why and (found or args.what == "devices"):
            say(f"EL2 does not say whose the banks and devices are: {why}")
        if args.what == "table":
            self.table(memory, page, *find_bank(memory, found, args.bank))
            return
        if not found:
            say("the board has no SMMU")
        for one in found if args.what != "devices" else ():
            self.state(page, smmu.state(memory, one), args.what)
        if args.what in (None, "devices") and not why:
            self.devices(memory, page)

    def state(self, page, state, what):
        one = state.smmu
        say(f"SMMU {one.index} at {one.base:#x}: " +
            (f"unmatched streams {state.unmatched}" if state.client_access
             else "off, every stream passes (CLIENTPD)") +
            f", {state.entries} entries, {len(state.banks)} banks")
        if state.fault_names:
            say(f"  global fault recorded: {', '.join(state.fault_names)}")
        if what in (None, "streams"):
            for stream in state.streams:
                self.stream(page, state, stream)
        if what in (None, "banks"):
            for bank in state.banks:
                self.bank(page, bank)

    @staticmethod
    def stream(page, state, stream):
        match = f"stream {stream.id:#x}"
        if stream.mask == 0x7fff:
            match = "all streams"
        elif stream.mask:
            match += f" mask {stream.mask:#x}"
        target = stream.action
        if stream.bank is not None:
            target = f"bank {stream.bank}"
            if stream.bank >= len(state.banks):
                target += "?"
            else:
                bank = state.banks[stream.bank]
                target += f" ({smmu.owner_name(page, bank.owner)}" + \
                    ("" if bank.enabled else ", off") + ")"
        say(f"  entry {stream.number}: {match} -> {target}")

    @staticmethod
    def bank(page, bank):
        if not bank.enabled and bank.owner in (None, FREE) and \
           not bank.faults:
            return
        say(f"  bank {bank.number}: {smmu.owner_name(page, bank.owner)}, " +
            (bank_registers(bank) if bank.enabled else "off"))
        if bank.faults:
            access = "write" if bank.fsynr0 >> 4 & 1 else "read"
            say(f"    fault recorded: {', '.join(bank.faults)}; {access} of "
                f"{bank.far:#x} by stream {bank.stream:#x}")

    @staticmethod
    def devices(memory, page):
        found = smmu.devices(memory, page)
        if not found:
            say("the board has no devices that VMs can be given (-M dma=on)")
        for one in found:
            owner = page.owner_name(one.owner)
            bank = f", bank {one.bank}" if one.bank is not None else ""
            say(f"device {one.index} at {one.base:#x}: {owner}'s, SMMU "
                f"{one.smmu}, stream {one.stream:#x}{bank}")

    @staticmethod
    def table(memory, page, one, bank):
        smmu.check_stage2(bank)
        say(f"bank {bank.number} of SMMU {one.index}, "
            f"{bank_owner_words(page, bank)}, root {bank.root:#x}")
        count = 0
        for leaf in smmu.leaves(memory, bank):
            count += 1
            if count <= RANGE_LINES:
                say(f"  {leaf.address:#012x}-"
                    f"{leaf.address + leaf.bytes - 1:#012x} "
                    f"{sized(leaf.bytes):>10} -> {leaf.pa:#x}, "
                    f"{leaf_kind(leaf)}: "
                    f"{tables.leaf_words(2, leaf.attributes)}")
        if count > RANGE_LINES:
            say(f"... {plural(count - RANGE_LINES, 'more range')}")
        if count == 0:
            say("  maps nothing")


def leaf_kind(leaf):
    return "blocks" if leaf.blocks else "pages"


for command in (Page, Pages, Walk, Smmu):
    command()
