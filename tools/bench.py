#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec bench`: what the corevisor costs, counted in instructions.

One virtual nanosecond is one instruction, and all that could vary is pinned,
so a figure is the same on every machine and in every run. The injector's
throughput is wall time, and a ratio to what the same QEMU does by itself.
"memory", "crypto", "switch", "linux-vm" and "smmu" are in bench_*.py.
"""
import argparse
import contextlib
import json
import os
import pathlib
import signal
import statistics
import struct
import sys
import time

import bench_crypto
import bench_linux_vm
import bench_memory
import bench_smmu
import bench_switch
import board
import ellog
import guests
import sign
from parked import (
    CQ_ENTRIES, CQ_HEAD, CQ_TAIL, DABT, DABT_ESR, FORCE_EL2, FREE_RAM, HVC,
    HVC_ESR, INJECT, MAILBOX, PINNED, POLL_SECONDS, PSTATE_EL1H, REFUSALS,
    RING_BUSY, SMC, SMC_ESR, SQ_ENTRIES, SQ_HEAD, SQ_TAIL, STATUS, SYSREG,
    WAIT_SECONDS, ParkedBoard, event)
from qtest import QtestError

MIB = 1 << 20
BLOCK = 2 * MIB
PAGE = os.sysconf("SC_PAGE_SIZE")
RAM = 1024 * MIB
RUN_SECONDS = 600

# bench boot: from reset to the first instruction at EL0.
OBSERVER = "/machine/peripheral/obs"
OBSERVED = ["first-el0-instructions",
            "el0-instructions", "el1-instructions", "el2-instructions",
            "el0-entries", "el1-entries", "el2-entries"]
BOOT_BOARDS = {
    "firmware": {"bios": board.FIRMWARE},
    "bare-el1": {"bios": board.BARE_EL1},
    "virt": {"machine": "virt", "bios": None},
}
MAX_RATIO = 1.002
MAX_EL2_INSTRUCTIONS = 1_800_000
# With the library that verifies and seals and what guards the SMMUs, 27 KiB
# each.
MAX_TEXT_BYTES = 168 << 10
MAX_FAULTS_BESIDE_RAM = 64


def ram_blocks_touched(pid, limit):
    """2 MiB blocks below LIMIT (an offset into RAM) that hold a touched page.

    QEMU's RAM is memory of its process, and the kernel says which pages of it
    exist: those that the board loaded into or that the guest used. None if it
    does not say.
    """
    try:
        maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
        spans = [tuple(int(end, 16) for end in line.split()[0].split("-"))
                 for line in maps.splitlines() if line.split()[1] == "rw-p"]
        starts = [low for low, high in spans if high - low == RAM]
        if len(starts) != 1:
            return None
        with open(f"/proc/{pid}/pagemap", "rb") as pagemap:
            pagemap.seek(starts[0] // PAGE * 8)
            entries = pagemap.read(limit // PAGE * 8)
    except OSError:
        return None
    # Bits 63 and 62 of an entry: present, swapped out. Its top byte holds both.
    touched = {page * PAGE // BLOCK
               for page, top in enumerate(entries[7::8]) if top & 0xc0}
    return len(touched)


def boot_board(name):
    """Board NAME, which stops at its first instruction at EL0."""
    return board.Board(board.Config(
        smp=1, memory=f"{RAM // MIB}M", append="nokaslr",
        extra=(*PINNED, "-device", "hypsec-el-observer,id=obs,stop-at-el0=on"),
        **BOOT_BOARDS[name]), typing=False)


def boot_figures(name, machine):
    """What board NAME counted by the time it stops."""
    machine.wait_event("STOP", RUN_SECONDS)
    figures = {key: machine.qom_get(OBSERVER, key) for key in OBSERVED}
    if figures["first-el0-instructions"] == 0:
        raise machine.error(f"{name}: stopped before any instruction at EL0")
    if name == "firmware":
        faults = machine.inspect("host-s2-faults")
        if faults is None:
            raise machine.error("the firmware publishes no host stage-2 "
                                "faults in /machine/inspect")
        figures["host-s2-faults"] = faults
        figures["ram-blocks-touched"] = ram_blocks_touched(
            machine.process.pid, RAM - el2_bytes(RAM))
    return figures


def el2_bytes(ram):
    """The board's default carve-out for RAM bytes of memory."""
    return -(-(16 * MIB + ram // 128) // BLOCK) * BLOCK


def elf_sizes(path):
    """Bytes of code, read-only data, data and zeroed data in an ELF file."""
    flag_write, flag_alloc, flag_exec, nobits = 1, 2, 4, 8
    data = pathlib.Path(path).read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":
        raise board.BoardError(f"{path}: no little-endian 64-bit ELF file")
    table, = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3a)
    sizes = {"code": 0, "rodata": 0, "data": 0, "bss": 0}
    for index in range(count):
        kind, flags, _, _, length = struct.unpack_from(
            "<IQQQQ", data, table + index * size + 4)
        if not flags & flag_alloc:
            continue
        if kind == nobits:
            sizes["bss"] += length
        elif flags & flag_exec:
            sizes["code"] += length
        elif flags & flag_write:
            sizes["data"] += length
        else:
            sizes["rodata"] += length
    return sizes


def run_boot(runs):
    """RUNS measured boots of each board, as many at once as there are CPUs."""
    results = {name: [] for name in BOOT_BOARDS}
    waiting = list(BOOT_BOARDS) * runs
    while waiting:
        names = [waiting.pop(0) for _ in waiting[:os.cpu_count()]]
        with contextlib.ExitStack() as stack:
            machines = [stack.enter_context(boot_board(name))
                        for name in names]
            for name, machine in zip(names, machines):
                results[name].append(boot_figures(name, machine))
    return results


def boot_aims(figures):
    """Each aim as (what, figure, limit); an unknown figure is None."""
    firmware = figures["boards"]["firmware"]
    blocks = firmware["ram-blocks-touched"]
    text = figures["size"]["code"] + figures["size"]["rodata"]
    return [
        ("ratio to bare-el1", figures["ratio"], MAX_RATIO),
        ("instructions at EL2", firmware["el2-instructions"],
         MAX_EL2_INSTRUCTIONS),
        ("host stage-2 faults", firmware["host-s2-faults"],
         None if blocks is None else blocks + MAX_FAULTS_BESIDE_RAM),
        ("EL2 code and read-only data in bytes", text, MAX_TEXT_BYTES),
    ]


def print_boot(figures):
    print("boot: instructions from reset to the first one at EL0 "
          f"(cortex-a72, 1 CPU, {RAM // MIB} MiB)")
    print(f"{'':10}{'total':>15}{'at EL1':>15}{'at EL2':>12}"
          f"{'entries EL1':>13}{'EL2':>8}")
    for name, row in figures["boards"].items():
        print(f"{name:10}{row['first-el0-instructions']:15,}"
              f"{row['el1-instructions']:15,}{row['el2-instructions']:12,}"
              f"{row['el1-entries']:13,}{row['el2-entries']:8,}")
    firmware = figures["boards"]["firmware"]
    blocks = firmware["ram-blocks-touched"]
    print(f"host stage-2 faults: {firmware['host-s2-faults']:,}; 2 MiB blocks "
          "of the host's RAM touched by it or by the board's loader: "
          f"{'unknown' if blocks is None else blocks}")
    print("firmware bytes: " + ", ".join(
        f"{kind} {size:,}" for kind, size in figures["size"].items()))
    print(f"ratio {figures['ratio']:.4f}")


def measure_boot(runs):
    """RUNS measured boots of each board: the figures of the first run, and
    what differs in the others, as text."""
    board.check_built(board.QEMU, board.KERNEL, board.INITRD, board.FIRMWARE,
                      board.FIRMWARE_ELF, board.BARE_EL1)
    results = run_boot(runs)
    boards = {name: rows[0] for name, rows in results.items()}
    differences = [
        f"{name} {key}: {first[key]} in one run, {other[key]} in another"
        for name, (first, *others) in results.items()
        for other in others for key in first if first[key] != other[key]]
    return {
        "boards": boards,
        "ratio": boards["firmware"]["first-el0-instructions"] /
                 boards["bare-el1"]["first-el0-instructions"],
        "size": elf_sizes(board.FIRMWARE_ELF),
    }, differences


def bench_boot(check):
    """Measure, print and judge; the figures and whether all is well."""
    figures, differences = measure_boot(2 if check else 1)
    print_boot(figures)

    good = not differences
    for what, figure, limit in boot_aims(figures):
        if limit is None:
            print(f"aim: {what}: {figure:,}, limit unknown")
            continue
        met = figure <= limit
        good &= met
        print(f"aim: {what}: {round(figure, 6):,} of at most {limit:,}: "
              f"{'met' if met else 'MISSED'}")
    if check:
        for difference in differences:
            print(f"check: {difference}")
        print(f"check: {'passed' if good else 'FAILED'}")
    return figures, good


# bench inject
M_X9, M_GO, M_PC, M_PSTATE, M_CODE = 72, 152, 160, 168, 256
CARVEOUT = 0x4ee00000
UNKNOWN_HVC, PSCI_VERSION = 30, 0x84000000
# 1: hvc #0; subs x9, x9, #1; b.ne 1b; brk #0
HVC_LOOP = (0xd4000002, 0xf1000529, 0x54ffffc1, 0xd4200000)
LOOPS = 200_000
RING_EVENTS = 50_000
REPEAT = 20_000
COUNTED = 1000
ROUNDS = 7
MIN_RATIO = 0.25

INJECT_EVENTS = {
    "HVC": {"kind": HVC, "esr": HVC_ESR, "x": (UNKNOWN_HVC,)},
    "SMC PSCI_VERSION": {"kind": SMC, "esr": SMC_ESR, "x": (PSCI_VERSION,)},
    "data abort, mapped": {"kind": DABT, "esr": DABT_ESR, "ipa": FREE_RAM},
    "data abort, refused": {"kind": DABT, "esr": DABT_ESR, "ipa": CARVEOUT},
    "unknown trap": {"kind": SYSREG, "esr": 0x62320401, "flags": FORCE_EL2},
}


class InjectBoard(ParkedBoard):
    """A parked board whose events are those of INJECT_EVENTS."""

    def real_hvcs(self):
        """Hypercalls per second of a loop that executes them."""
        for n, word in enumerate(HVC_LOOP):
            self.qtest.writel(MAILBOX + M_CODE + 4 * n, word)
        self.qtest.writeq(MAILBOX, UNKNOWN_HVC)
        self.qtest.writeq(MAILBOX + M_X9, LOOPS)
        self.qtest.writeq(MAILBOX + M_PC, MAILBOX + M_CODE)
        self.qtest.writeq(MAILBOX + M_PSTATE, PSTATE_EL1H)
        start = time.perf_counter()
        self.qtest.writeq(MAILBOX + M_GO, 1)
        self.wait(MAILBOX + M_GO, lambda value: value == 0)
        return LOOPS / (time.perf_counter() - start)

    def fill(self, name, repeat=0):
        """Fill the whole submission queue; nothing happens yet."""
        self.put([event(**INJECT_EVENTS[name], repeat=repeat)] * SQ_ENTRIES)

    def ring_events(self, name):
        """Events per second, each with a descriptor of its own."""
        self.fill(name)
        refusals = self.qtest.readq(INJECT + REFUSALS)
        sq = self.qtest.readl(INJECT + SQ_TAIL)
        cq = self.qtest.readl(INJECT + CQ_TAIL)
        done = 0
        start = time.perf_counter()
        while done < RING_EVENTS:
            # Everything that was done may be done again: one CPU takes
            # descriptors and makes completions in the same order.
            _, _, answer = self.qtest.commands(
                f"writel {INJECT + CQ_HEAD} {(cq + done) % CQ_ENTRIES}",
                f"writel {INJECT + SQ_TAIL} {(sq + done - 1) % SQ_ENTRIES}",
                f"readl {INJECT + CQ_TAIL}")
            done += (int(answer[0], 16) - cq - done) % CQ_ENTRIES
            if time.perf_counter() - start > WAIT_SECONDS:
                raise self.board.error("the ring stands still")
            time.sleep(POLL_SECONDS)
        rate = done / (time.perf_counter() - start)
        # What is left in the ring is not part of the next figure.
        self.wait(INJECT + SQ_HEAD,
                  lambda value: value & 0xffffffff == value >> 32)
        self.wait(INJECT + STATUS, lambda value: not value & RING_BUSY)
        self.qtest.writel(INJECT + CQ_HEAD,
                          self.qtest.readl(INJECT + CQ_TAIL))
        if self.qtest.readq(INJECT + REFUSALS) != refusals:
            raise self.board.error("the injector refused events")
        return rate

    def repeated_events(self, name):
        """Events per second of one descriptor that is repeated."""
        self.fill(name, REPEAT)
        start = time.perf_counter()
        self.run(1)
        return REPEAT / (time.perf_counter() - start)

    def event_instructions(self, name):
        """Instructions at EL2 per event."""
        self.fill(name, COUNTED)
        self.run(1)
        return self.instructions(self.run(1), COUNTED) / COUNTED


def inject_throughput():
    """Events per second, all ways in each of some rounds."""
    ways = {
        "real HVC loop": lambda machine: machine.real_hvcs(),
        "ring HVC": lambda machine: machine.ring_events("HVC"),
        "ring data abort":
            lambda machine: machine.ring_events("data abort, mapped"),
        "repeated HVC": lambda machine: machine.repeated_events("HVC"),
        "repeated data abort":
            lambda machine: machine.repeated_events("data abort, mapped"),
    }
    rates = {name: [] for name in ways}
    with InjectBoard() as machine:
        for _ in range(ROUNDS):
            for name, way in ways.items():
                rates[name].append(way(machine))
    return rates


def inject_instructions():
    with InjectBoard(*PINNED) as machine:
        return {name: machine.event_instructions(name)
                for name in INJECT_EVENTS}


def bench_inject(check):
    """Throughput of the injector's ring, and what events cost at EL2."""
    board.check_built(board.QEMU, board.FIRMWARE, board.PARK)
    rounds = inject_throughput()
    rates = {name: statistics.median(rate) for name, rate in rounds.items()}
    # Within a round, what else this machine does weighs on all the same.
    ratios = {name: statistics.median(
                  rate / real for rate, real
                  in zip(rounds[name], rounds["real HVC loop"]))
              for name in rounds}
    print("inject: events per second, one CPU, wall time, medians of "
          f"{ROUNDS} rounds")
    for name, rate in rates.items():
        print(f"{name:22}{rate:12,.0f}{ratios[name]:8.2f} of the real loop")
    instructions = inject_instructions()
    print("inject: instructions at EL2 per event")
    for event, count in instructions.items():
        print(f"{event:22}{count:12,.1f}")
    good = True
    # An abort costs EL2 many times a hypercall: its ratio says more of that.
    for name in ("ring HVC", "ring data abort"):
        met = ratios[name] >= MIN_RATIO
        good = good and met
        print(f"aim: {name} to real HVC: {ratios[name]:.2f} of at least "
              f"{MIN_RATIO}: {'met' if met else 'MISSED'}")
    if check:
        again = inject_instructions()
        if again != instructions:
            good = False
            print(f"check: {instructions} in one run, {again} in the other")
        print(f"check: {'passed' if good else 'FAILED'}")
    return {"events-per-second": rates, "ratios": ratios,
            "el2-instructions": instructions}, good


SUITES = {"boot": bench_boot, "inject": bench_inject,
          "memory": bench_memory.bench_memory,
          "crypto": bench_crypto.bench_crypto,
          "switch": bench_switch.bench_switch,
          "linux-vm": bench_linux_vm.bench_linux_vm,
          "smmu": bench_smmu.bench_smmu}


def main(argv):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parser = argparse.ArgumentParser(
        prog="hypsec bench",
        description="Count what the corevisor costs, in instructions: boot "
        "up to EL0, events by the injector, memory operations, cryptography, "
        "round trips of VMs, Linux as a VM, what it costs to confine DMA.")
    parser.add_argument("suites", nargs="*", metavar="SUITE",
                        help=f"one of: {', '.join(SUITES)} (default: all)")
    parser.add_argument("--check", action="store_true",
                        help="measure twice; exit 1 if the two runs differ or "
                        "an aim is missed")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE",
                        help="write the figures to FILE as well")
    args = parser.parse_args(argv)
    for suite in args.suites:
        if suite not in SUITES:
            parser.error(f"no suite {suite!r}; there is: {', '.join(SUITES)}")

    figures = {}
    all_good = True
    try:
        for suite in args.suites or SUITES:
            figures[suite], good = SUITES[suite](args.check)
            all_good &= good
        if args.json:
            args.json.write_text(json.dumps(figures, indent=2) + "\n")
    except (board.BoardError, QtestError, sign.SignError,
            guests.GuestError, ellog.LogError) as error:
        print(f"hypsec bench: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"hypsec bench: {error.filename}: {error.strerror}",
              file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("hypsec bench: interrupted", file=sys.stderr)
        return 130
    return 0 if all_good or not args.check else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
