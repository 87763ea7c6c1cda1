# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec bench smmu`: what it costs that the corevisor confines DMA.

Everything on the board as it is and with smmu=off, in the same run. Counted
are instructions: of a boot of Debian that uses disks and network (which vary
by when the devices answer; the shortest of some), of EL2 until the host
starts, by RAM, and of EL2 per page that leaves the host or comes back. What a
transfer costs is wall time, so only a ratio says something: a device's
accesses are translated and forwarded one by one, not mapped.
"""
import re
import statistics
import time

import bench_memory
import board
import host_io
from bench_memory import BLOCK
from parked import PINNED, ParkedBoard

MIB, GIB = 1 << 20, 1 << 30
BOARDS = ("on", "off")
SIZES = (1, 8, 64)
ROUNDS = 3
RUN_SECONDS = 600
OBSERVER = "/machine/peripheral/obs"
LEVELS = ("el0", "el1", "el2")

# As the others are pinned, but time passes while nothing runs: else the kernel
# would look for what to do all the time until a device answers.
ON_TIME = ("-icount", "shift=0,sleep=on", *PINNED[2:])
# Of a boot with devices to smmu=off: all of it, which varies, and EL2's part.
MAX_RATIO = 1.02
MAX_EL2_RATIO = 1.0002
# EL2, until the host starts: in any case, and for each 2 MiB of RAM.
MAX_START, MAX_PER_BLOCK = 150_000, 15
# EL2, for each page that changes hands, more than with smmu=off.
PAGE_ITEMS = (
    ("remap", "page taken from the host (REMAP_VM_IMAGE)", 1_000),
    ("remap-split", "  that splits a host block", 4_000),
    ("vm-fault-page", "page taken for a VM's fault, without entry", 1_000),
    ("vm-fault-page-first", "  that splits a host block", 4_000),
    ("destroy", "page given back (DESTROY_VM)", 1_000),
)
DISK_BYTES, READ_BYTES, READS = 64 * MIB, MIB, 4


def machine_type(smmu):
    return f"hypsec-virt,smmu={smmu}"


def io_boot(smmu):
    """Instructions by level of a boot that makes all devices work."""
    with host_io.Devices() as devices:
        config = board.Config(
            machine=machine_type(smmu), memory="512M",
            append="nokaslr hypsec.mode=io",
            extra=(*ON_TIME, "-device", "hypsec-el-observer,id=obs",
                   "-no-shutdown", *devices.arguments()))
        with board.Board(config, typing=False) as machine:
            machine.wait_event("SHUTDOWN", RUN_SECONDS)
            said = re.search(host_io.VERDICT,
                             machine.log.read_text(errors="replace"))
            if not said or said[1] != "OK":
                raise machine.error("hypsec-io has not succeeded")
            if wrong := devices.check(said[2]):
                raise machine.error("; ".join(wrong))
            return {level: machine.qom_get(OBSERVER, f"{level}-instructions")
                    for level in LEVELS}


def io_boots(rounds):
    """By board, the shortest boot of some rounds: the least waiting."""
    boots = {smmu: [] for smmu in BOARDS}
    for _ in range(rounds):
        for smmu in BOARDS:
            boots[smmu].append(io_boot(smmu))
    figures = {}
    for smmu, found in boots.items():
        totals = sorted(sum(boot.values()) for boot in found)
        shortest = next(boot for boot in found
                        if sum(boot.values()) == totals[0])
        figures[smmu] = {**shortest, "total": totals[0],
                         "spread": totals[-1] / totals[0] - 1}
    return figures


def start_cost(smmu, gib):
    """EL2's instructions from reset until a parked host runs."""
    with ParkedBoard(*PINNED, "-device", "hypsec-el-observer,id=obs",
                     memory=f"{gib}G", options=f",smmu={smmu}") as machine:
        return machine.board.qom_get(OBSERVER, "el2-instructions")


def start_costs(sizes):
    """By GiB of RAM, by board."""
    return {gib: {smmu: start_cost(smmu, gib) for smmu in BOARDS}
            for gib in sizes}


def page_costs():
    """EL2's instructions per page, by item, by board."""
    figures = {}
    for smmu in BOARDS:
        with bench_memory.Host(1, f",smmu={smmu}") as machine:
            found = bench_memory.host_vm(machine)
        counted = bench_memory.measure_vm(1, machine_type(smmu))
        for item in bench_memory.VM_ITEMS:
            total, count = counted[item.name][0]
            found[item.name] = total / count
        figures[smmu] = found
    return {name: {smmu: figures[smmu][name] for smmu in BOARDS}
            for name, _, _ in PAGE_ITEMS}


def read_rate(smmu, disk):
    """Bytes per second that dd reads of a disk, past all caches."""
    with host_io.Devices({disk: host_io.DISKS[disk]}, network=False,
                         size=DISK_BYTES) as devices:
        config = board.Config(machine=machine_type(smmu),
                              append="hypsec.mode=serve",
                              extra=devices.arguments())
        with board.Board(config) as machine:
            machine.wait_line("^HYPSEC-READY$", RUN_SECONDS)
            rates = []
            for _ in range(ROUNDS):
                start = time.perf_counter()
                status, lines = machine.shell(
                    f"for n in $(seq {READS}); do dd if=/dev/{disk} "
                    f"of=/dev/null bs={READ_BYTES} iflag=direct "
                    "2> /dev/null || break; done", RUN_SECONDS)
                rates.append(READS * DISK_BYTES /
                             (time.perf_counter() - start))
                if status != 0:
                    raise machine.error(f"dd: {lines}")
            return statistics.median(rates)


def read_rates():
    """By disk, by board."""
    return {disk: {smmu: read_rate(smmu, disk) for smmu in BOARDS}
            for disk in host_io.DISKS}


def measure(rounds=ROUNDS, sizes=SIZES):
    """What is counted."""
    return {"boots": io_boots(rounds), "start": start_costs(sizes),
            "pages": page_costs()}


def exact(figures):
    """The part of the figures that is the same in each run."""
    return {name: figures[name] for name in ("start", "pages")}


def added(row):
    return row["on"] - row["off"]


def aims(figures):
    """Each aim as (what, figure, limit)."""
    boots = figures["boots"]
    yield "ratio of a boot with devices to smmu=off", \
        boots["on"]["total"] / boots["off"]["total"], MAX_RATIO
    yield "ratio by what EL2 does more", \
        1 + (boots["on"]["el2"] - boots["off"]["el2"]) / \
        boots["off"]["total"], MAX_EL2_RATIO
    for gib, row in figures["start"].items():
        yield f"more at EL2 until the host starts with {gib} GiB", \
            added(row), MAX_START + MAX_PER_BLOCK * gib * GIB // BLOCK
    for name, _, limit in PAGE_ITEMS:
        yield f"more at EL2 per {name}", added(figures["pages"][name]), limit


def report(figures):
    """Print what was counted, and the aims; whether all are met."""
    print("smmu: instructions from reset to SYSTEM_OFF of Debian with disks "
          "and network\n(cortex-a72, 1 CPU, 512 MiB)")
    print(f"{'':10}{'total':>15}{'EL0':>15}{'EL1':>15}{'EL2':>12}"
          f"{'runs differ':>13}")
    for smmu, boot in figures["boots"].items():
        print(f"{'smmu=' + smmu:10}{boot['total']:15,}" +
              "".join(f"{boot[level]:{width},}" for level, width in
                      zip(LEVELS, (15, 15, 12))) +
              f"{100 * boot['spread']:11.2f} %")
    print()
    heads = "".join(f"{text:>15}" for text in ("smmu=off", "smmu=on", "more"))
    print(f"{'instructions at EL2':48}{heads}")
    rows = [(f"until the host starts, {gib} GiB", row)
            for gib, row in figures["start"].items()]
    rows += [(title, figures["pages"][name]) for name, title, _ in PAGE_ITEMS]
    for title, row in rows:
        print(f"{title:48}{row['off']:15,.0f}{row['on']:15,.0f}"
              f"{added(row):15,.0f}")
    print()
    good = True
    for what, figure, limit in aims(figures):
        met = figure <= limit
        good &= met
        print(f"aim: {what}: {round(figure, 6):,} of at most {limit:,}: "
              f"{'met' if met else 'MISSED'}")
    return good


def report_rates(rates):
    print("smmu: MB per second that dd reads, 1 MiB at once, wall time")
    for disk, row in rates.items():
        print(f"{host_io.DISKS[disk].split(',')[0]:16}"
              f"smmu=off {row['off'] / 1e6:8.1f}  "
              f"smmu=on {row['on'] / 1e6:8.1f}  "
              f"ratio {row['on'] / row['off']:.2f}")


def check_built():
    bench_memory.check_built()
    board.check_built(board.KERNEL, board.INITRD)


def bench_smmu(check):
    """Measure, print and judge; the figures and whether all is well."""
    check_built()
    figures = measure()
    good = report(figures)
    rates = read_rates()
    report_rates(rates)
    if check:
        again = {"start": start_costs(SIZES), "pages": page_costs()}
        if again != exact(figures):
            good = False
            print(f"check: {exact(figures)} in one run, {again} in the other")
        print(f"check: {'passed' if good else 'FAILED'}")
    return {**figures, "bytes-per-second": rates}, good
