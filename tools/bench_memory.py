# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec bench memory`: what the memory operations cost at EL2.

Two sources. What the host can cause is injected from outside into the real
firmware, and the injector counts (EL2's entry and return included). What only
a VM asks for is counted by tests/bench/memory.c, the same firmware with a
program in place of the host (without entry and return). Both on boards of
several sizes and beside 0 to 14 other VMs.
"""
import dataclasses
import struct

import board
from parked import (
    C_X0, DABT, DABT_ESR, HVC, HVC_ESR, INJECT, CQ_TAIL, PINNED, ParkedBoard,
    event)

BENCH = board.BUILD / "tests/bench/bench-memory.bin"
GIB, MIB = 1 << 30, 1 << 20
RAM_BASE, BLOCK, PAGE = 0x40000000, 2 * MIB, 4096
SIZES = (1, 8, 64)
BENCH_SECONDS = 300
# Of events whose completions are read at once.
BATCH = 256

REGISTER_KVM, SET_BOOT_INFO, REMAP_VM_IMAGE, DESTROY_VM = 13, 10, 11, 32
AGAIN = -5
VM_IPA = 0x40000000
VM_BYTES = 64 * MIB
MAX_VMS = 15
VMS_SHOWN = (0, 1, 3, 7, MAX_VMS - 1)
SMALL_PAGES = 16
BLOCKS = 16

# design: at most 8 MiB per GiB of RAM and 16 MiB.
EL2_PER_GIB, EL2_EXTRA = 8 * MIB, 16 * MIB
# What is flat grows by less than this, from least to most.
FLAT = 1.005


@dataclasses.dataclass(frozen=True)
class Item:
    """A line of the report: NAME of a figure, per UNIT, at most LIMIT."""
    name: str
    title: str
    limit: float


HOST_ITEMS = (
    Item("fault-block", "host stage-2 fault, 2 MiB block", 3_000),
    Item("fault-page-first", "  4 KiB page, first of its block", 3_000),
    Item("fault-page", "  4 KiB page, others", 2_500),
    Item("remap-split", "REMAP_VM_IMAGE, splits a host block", 8_000),
    Item("remap", "  others, per page", 3_500),
    Item("destroy", "DESTROY_VM of 64 MiB, per page", 2_500),
    Item("destroy-call", "  longest call", 1_500_000),
)
VM_ITEMS = (
    Item("vm-fault-page-first", "VM fault, 4 KiB, splits a host block", 9_000),
    Item("vm-fault-page", "  4 KiB, others", 4_500),
    Item("vm-fault-block", "  2 MiB block", 1_500_000),
    Item("grant-page", "grant, one page per call", 2_000),
    Item("grant-range", "  512 pages per call, per page", 2_000),
    Item("host-maps-share", "host maps a shared page", 1_000),
    Item("revoke-range", "revoke, 512 pages per call, per page", 2_000),
    Item("revoke-page-mapped", "  one page, unmapped from the host", 3_000),
    Item("split-block", "split of a host block", 5_000),
    Item("unmap-host-page", "a page unmapped from the host", 500),
    Item("scrub-page", "a page scrubbed", 1_000),
    Item("destroy-pages", "teardown of 64 MiB in pages, per page", 2_500),
    Item("destroy-blocks", "  in blocks, per page", 2_500),
    Item("destroy-pages-call", "  longest call", 1_500_000),
)
VMS_ITEMS = (
    Item("host-fault", "host stage-2 fault, 2 MiB block", 3_000),
    Item("host-remap", "REMAP_VM_IMAGE, per page", 3_500),
    Item("host-destroy", "DESTROY_VM of 64 KiB", 100_000),
    Item("vms-fault", "VM fault, 4 KiB", 4_500),
    Item("vms-share", "grant and revoke, per page", 4_000),
    Item("vms-destroy", "teardown of 4 MiB, per page", 2_500),
)


class Host(ParkedBoard):
    """What a host does to EL2, and what each costs there."""

    def __init__(self, gib, options=""):
        super().__init__(*PINNED, memory=f"{gib}G", options=options)
        self.next = RAM_BASE + gib * GIB // 4

    def fresh(self, size):
        """RAM that nothing has touched."""
        self.next += size
        return self.next - size

    def events(self, descriptors):
        """(x0 as a signed number, instructions) of each event."""
        results = []
        for start in range(0, len(descriptors), BATCH):
            batch = descriptors[start:start + BATCH]
            self.put(batch)
            first = self.qtest.readl(INJECT + CQ_TAIL)
            self.run(len(batch))
            for n in range(len(batch)):
                record = self.completion(first + n)
                x0, = struct.unpack_from("<q", record, C_X0)
                results.append((x0, self.instructions(record)))
        return results

    def hvcs(self, calls):
        """Hypercalls that all succeed."""
        results = self.events([event(HVC, HVC_ESR, x=call) for call in calls])
        for call, (x0, _) in zip(calls, results):
            if x0 < 0:
                raise self.board.error(f"hypercall {call} returned {x0}")
        return results

    def faults(self, addresses):
        """Instructions of each fault of the host."""
        return [instructions for _, instructions in self.events(
            [event(DABT, DABT_ESR, ipa=address) for address in addresses])]

    def vm_of_pages(self, pages):
        """A new VM whose image are these pages (addresses); its id and the
        instructions of each page."""
        vmid = self.hvcs([(REGISTER_KVM,)])[0][0]
        self.hvcs([(SET_BOOT_INFO, vmid, VM_IPA, len(pages) * PAGE)])
        return vmid, [instructions for _, instructions in self.hvcs(
            [(REMAP_VM_IMAGE, vmid, page // PAGE, 0) for page in pages])]

    def destroy(self, vmid):
        """Instructions of each call."""
        costs = []
        while True:
            (x0, instructions), = self.events(
                [event(HVC, HVC_ESR, x=(DESTROY_VM, vmid))])
            costs.append(instructions)
            if x0 == AGAIN:
                continue
            if x0 < 0:
                raise self.board.error(f"DESTROY_VM returned {x0}")
            return costs


def mean(values):
    return sum(values) / len(values)


def blocks_of(start, count):
    return [start + n * BLOCK for n in range(count)]


def pages_of(start, count):
    return [start + n * PAGE for n in range(count)]


def host_faults(machine):
    """Faults of the host, in blocks of its own and in such that it shares
    with a VM."""
    # The first one of a GiB also makes a table.
    machine.faults([machine.fresh(BLOCK)])
    figures = {"fault-block": mean(machine.faults(
        blocks_of(machine.fresh(BLOCKS * BLOCK), BLOCKS)))}
    blocks = blocks_of(machine.fresh(BLOCKS * BLOCK), BLOCKS)
    vmid, _ = machine.vm_of_pages(blocks)
    figures["fault-page-first"] = mean(machine.faults(
        [block + PAGE for block in blocks]))
    figures["fault-page"] = mean(machine.faults(
        [page for block in blocks for page in
         pages_of(block + 2 * PAGE, SMALL_PAGES)]))
    machine.destroy(vmid)
    return figures


def host_vm(machine):
    """A VM of 64 MiB, from blocks that the host had mapped."""
    start = machine.fresh(VM_BYTES)
    machine.faults(blocks_of(start, VM_BYTES // BLOCK))
    vmid, costs = machine.vm_of_pages(pages_of(start, VM_BYTES // PAGE))
    per_block = BLOCK // PAGE
    splits = costs[::per_block]
    calls = machine.destroy(vmid)
    return {
        "remap-split": mean(splits),
        "remap": (sum(costs) - sum(splits)) / (len(costs) - len(splits)),
        "destroy": sum(calls) / (VM_BYTES // PAGE),
        "destroy-call": max(calls),
    }


def host_vms(machine):
    """One small VM beside 0 to 14 others: a list of figures."""
    rows = []
    for _ in range(MAX_VMS):
        fault = machine.faults([machine.fresh(BLOCK)])[0]
        pages = pages_of(machine.fresh(BLOCK), SMALL_PAGES)
        machine.faults(pages[:1])
        vmid, costs = machine.vm_of_pages(pages)
        rows.append({"host-fault": fault, "host-remap": mean(costs[1:]),
                     "host-destroy": sum(machine.destroy(vmid))})
        machine.vm_of_pages(pages)
    return rows


def measure_host(gib, with_vms):
    with Host(gib) as machine:
        figures = host_faults(machine) | host_vm(machine)
        return figures, host_vms(machine) if with_vms else []


def measure_vm(gib, machine_type="hypsec-virt"):
    """What the bench firmware says: NAME -> figures by number of VMs."""
    config = board.Config(machine=machine_type, memory=f"{gib}G", bios=BENCH,
                          kernel=board.PARK, initrd=None, extra=PINNED)
    with board.Board(config, typing=False) as machine:
        machine.wait_exit(BENCH_SECONDS)
        figures = {}
        for line in machine.el2_log.read_text(errors="replace").splitlines():
            words = line.split()
            if len(words) == 5 and words[0] == "bench:":
                name, (vms, total, count) = words[1], map(int, words[2:])
                figures.setdefault(name, {})[vms] = (total, count)
        if "done" not in figures:
            raise machine.error("the bench firmware has not finished")
        return figures


def measure(sizes):
    """Everything: figures by RAM size, by number of VMs, and EL2's memory."""
    by_ram, memory, by_vms = {}, {}, []
    for gib in sizes:
        host, host_rows = measure_host(gib, gib == sizes[0])
        counted = measure_vm(gib)
        by_ram[gib] = host | {
            item.name: counted[item.name][0][0] / counted[item.name][0][1]
            for item in VM_ITEMS}
        memory[gib] = counted["el2-bytes"][0]
        if gib == sizes[0]:
            by_vms = [row | {name: counted[name][vms][0] /
                             counted[name][vms][1]
                             for name in counted if name.startswith("vms-")}
                      for vms, row in enumerate(host_rows)]
    return {"by-ram": by_ram, "by-vms": by_vms, "el2-memory": memory}


def growth(values):
    low, high = min(values), max(values)
    return "flat" if high <= low * FLAT else f"x {high / low:.2f}"


def judge(item, values):
    """Whether a line of the report is as it should be."""
    return max(values) <= item.limit and growth(values) == "flat"


def rows(figures):
    """(item, its values) of each line of both tables."""
    by_ram, by_vms = figures["by-ram"].values(), figures["by-vms"]
    return [(item, [column[item.name] for column in by_ram])
            for item in HOST_ITEMS + VM_ITEMS] + \
        [(item, [column[item.name] for column in by_vms])
         for item in VMS_ITEMS]


def memory_rows(figures):
    """(GiB of RAM, bytes used, given, limit, whether that is right)."""
    for gib, (used, given) in figures["el2-memory"].items():
        limit = gib * EL2_PER_GIB + EL2_EXTRA
        yield gib, used, given, limit, used <= given <= limit


def print_row(item, values, shown):
    print(f"{item.title:40}" +
          "".join(f"{values[n]:11,.0f}" for n in shown) +
          f"{growth(values):>8}{item.limit:13,}  "
          f"{'met' if judge(item, values) else 'MISSED'}")


def report(figures):
    """Print it all; whether all aims are met."""
    head = f"{'growth':>8}{'at most':>13}"
    sizes = list(figures["by-ram"])
    print("memory: instructions at EL2 (cortex-a72, 1 CPU)\n" +
          f"{'what the host causes, by RAM':40}" +
          "".join(f"{f'{gib} GiB':>11}" for gib in sizes) + head)
    for item, values in rows(figures):
        if item is VM_ITEMS[0]:
            print("what a VM causes, without entry and return")
        if item is VMS_ITEMS[0]:
            print(f"\n{'by number of other VMs':40}" +
                  "".join(f"{vms:11}" for vms in VMS_SHOWN) + head)
        print_row(item, values, VMS_SHOWN if item in VMS_ITEMS
                  else range(len(sizes)))
    print("\nEL2 memory in MiB" + " " * 23 + f"{'used':>11}{'given':>11}"
          f"{'limit':>11}")
    for gib, used, given, limit, met in memory_rows(figures):
        print(f"{f'{gib} GiB of RAM':40}{used / MIB:11.1f}{given / MIB:11.1f}"
              f"{limit / MIB:11.1f}  {'met' if met else 'MISSED'}")
    return all(judge(*row) for row in rows(figures)) and \
        all(row[-1] for row in memory_rows(figures))


def check_built():
    board.check_built(board.QEMU, board.FIRMWARE, board.PARK, BENCH)


def bench_memory(check):
    """Measure, print and judge; the figures and whether all is well."""
    check_built()
    figures = measure(SIZES)
    good = report(figures)
    if check:
        if measure(SIZES) != figures:
            good = False
            print("check: another run gave other figures")
        print(f"check: {'passed' if good else 'FAILED'}")
    return figures, good
