#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb's `hypsec break`: every stop at what it is for, and at nothing else.

What a stop says is compared with the registers of the CPU that it is about,
read by plain gdb, and with page records, read through QMP.
"""
import contextlib
import re

import looktest
import board
from boardview.owners import Owners
from boardview.page import Page, address_by_qom
from boardview.source import QmpSource

STOP = r"^hypsec: breakpoint \d+: "
WHO = r"(\S+)(?: (?:cpu|vCPU) \d+)? EL\d"
ENTRY = STOP + rf"CPU (\d+) enters EL2 from {WHO} at 0x([0-9a-f]+): (.*)$"
EXIT = STOP + (rf"CPU (\d+) leaves EL2 for {WHO} at 0x([0-9a-f]+); "
               r"SPSR 0x([0-9a-f]+)")
OWNER = STOP + r"page 0x([0-9a-f]+): (\w+) -> (\w+) (.*)$"
REGISTERS = ('printf "esr %lx elr %lx spsr %lx vttbr %lx pc %lx cpsr %lx '
             'x0 %lx x1 %lx vbar %lx\\n", '
             "$ESR_EL2, $ELR_EL2, $SPSR_EL2, $VTTBR_EL2, $pc, $cpsr, "
             "$x0, $x1, $VBAR_EL2")
THREAD = 'python print("thread", gdb.selected_thread().num)'
EC_HVC, EC_DABT = 0x16, 0x24
VCPU_RUN = 8
RAM_BASE, GIB, EL2_BYTES = 0x40000000, 1 << 30, 24 << 20
SECONDS = 300
HEADER = board.ROOT / "firmware/include/hypsec/abi.h"


def registers(seen, which):
    """The numbers that REGISTERS has printed as command WHICH."""
    words = seen[which].split()
    if len(words) != 18:
        raise board.BoardError(f"no registers from command {which}:\n{seen}")
    found = {name: int(value, 16) for name, value in
             zip(words[::2], words[1::2])}
    found.update(el=found["cpsr"] >> 2 & 3, vmid=found["vttbr"] >> 48,
                 ec=found["esr"] >> 26 & 0x3f,
                 vector=found["pc"] - found["vbar"])
    return found


def stop(seen, pattern, which):
    """What the stop of command WHICH says, by PATTERN."""
    match = re.search(pattern, seen[which], re.MULTILINE)
    if match is None:
        raise board.BoardError(f"command {which} did not stop as it should, "
                               f"{pattern}:\n{seen}")
    return match


def edges(tap):
    """A stop at each of the two edges of EL2, from reset on."""
    with looktest.guest_board("demo") as machine:
        seen = looktest.gdb(machine, [
            "hypsec break exit", "continue", REGISTERS,             # 0 to 2
            "hypsec break list",                                    # 3
            "hypsec break entry", "continue", REGISTERS,            # 4 to 6
            "hypsec break list", "info breakpoints"])               # 7, 8
    out, at = stop(seen, EXIT, 1), registers(seen, 2)
    tap.equal((out[2], int(out[3], 16), int(out[4], 16)),
              ("host", at["elr"], at["spsr"]),
              "first-exit-starts-the-host")
    tap.equal((at["el"], at["vmid"], at["spsr"] & 15), (2, 0, 5),
              "exit-stops-at-the-eret")
    into, at = stop(seen, ENTRY, 5), registers(seen, 6)
    tap.equal((into[2], int(into[3], 16), at["elr"]),
              ("host", at["elr"], int(out[3], 16)),
              "first-entry-is-the-host's-first-fetch")
    tap.equal((at["el"], at["vector"]), (2, 0x400),
              "entry-stops-at-the-vector")
    tap.result("instruction abort" in into[4] and
               f"IPA {at['elr']:#x}" in into[4], "entry-says-why", into[4])
    tap.result("no breakpoints of" in seen[3] and
               "no breakpoints of" in seen[7] and
               "No breakpoints or watchpoints" in seen[8],
               "once-leaves-nothing-behind", seen)


def filters(tap):
    """World, class and call: read back from the CPU that stopped."""
    with looktest.guest_board("demo") as machine:
        seen = looktest.gdb(machine, [
            "hypsec break vm 2 class DABT", "continue", REGISTERS,  # 0 to 2
            "delete", "hypsec break vm 1 --once", "continue",       # 3 to 5
            REGISTERS, "hypsec break exit --to vm1", "continue",    # 6 to 8
            REGISTERS, "hypsec break hypercall VCPU_RUN --cpu 1 --once",
            "continue", REGISTERS, THREAD,                          # to 13
            "hypsec break class 0x16 --from host --once", "continue",
            REGISTERS,                                              # 16
            "hypsec break vm 1 class IRQ --once", "continue", REGISTERS])
    into, at = stop(seen, ENTRY, 1), registers(seen, 2)
    tap.equal((into[2], at["vmid"], at["ec"], at["vector"]),
              ("vm2", 2, EC_DABT, 0x400), "vm-and-class")
    tap.result("data abort from a lower level" in into[4] and
               f"ESR {at['esr']:#x}" in into[4], "class-in-words", into[4])
    into, at = stop(seen, ENTRY, 5), registers(seen, 6)
    tap.equal((into[2], at["vmid"], int(into[3], 16)),
              ("vm1", 1, at["elr"]), "any-trap-of-one-vm")
    out, at = stop(seen, EXIT, 8), registers(seen, 9)
    tap.equal((out[2], at["vmid"], int(out[3], 16)), ("vm1", 1, at["elr"]),
              "exit-to-one-vm")
    tap.result("exit from EL2 to vm1, once\n" in seen[7],
               "edge-and-world-in-words", seen[7])
    into, at = stop(seen, ENTRY, 11), registers(seen, 12)
    tap.equal((at["ec"], at["x0"], at["vmid"], into[1], into[2]),
              (EC_HVC, VCPU_RUN, 0, "1", "host"), "call-on-one-cpu")
    tap.result(f"VCPU_RUN(vmid {at['x1']:#x}, " in into[4] and
               "thread 2" in seen[13], "call-with-its-arguments", into[4])
    tap.equal((stop(seen, ENTRY, 15)[2], registers(seen, 16)["ec"]),
              ("host", EC_HVC), "class-by-number")
    into, at = stop(seen, ENTRY, 18), registers(seen, 19)
    tap.equal((into[2], at["vmid"], at["vector"]), ("vm1", 1, 0x480),
              "interrupts-have-a-vector-of-their-own")


def goes_on(tap, cpus):
    """Filters that match nothing: all VMs finish, and nobody types
    anything."""
    with looktest.guest_board("hello", cpus=cpus) as machine:
        seen = looktest.gdb(machine, [
            "hypsec break vm 1 class BRK", "hypsec break hypercall 0x999",
            "hypsec break owner 0x7ffff000 --to vm2",
            "hypsec break entry --keep", "disable 4",
            "hypsec break hypercall SEAL_VM", "delete 5", "continue",
            "hypsec break list"])
        name = f"with-{cpus}-cpus"
        with tap.behaviour(f"what-does-not-match-goes-on-{name}"):
            machine.wait_line(r"all VMs done, status 0", SECONDS,
                              "good end of all VMs")
    listed = re.findall(r"^(\d+) +(\w+) +(\d+) stops of (\d+)", seen[8],
                        re.MULTILINE)
    tap.equal([line[:3] for line in listed],
              [("1", "enabled", "0"), ("2", "enabled", "0"),
               ("3", "enabled", "0"), ("4", "disabled", "0")],
              f"and-nothing-stopped-{name}")
    tap.result(all(int(line[3]) for line in listed[:3]) and
               listed[3][3] == "0", f"but-all-were-asked-{name}", seen[8])


@contextlib.contextmanager
def records(machine):
    """The Owners of a board, and its source, through QMP."""
    with QmpSource(machine) as source:
        page = Page.read(source, address_by_qom(machine))
        yield Owners(source, page), source


def owner_now(machine, pa):
    """The owner of a page by number."""
    with records(machine) as (owners, _):
        return owners.record(pa >> 12).owner


def owners_at_boot(tap):
    with looktest.guest_board("demo") as machine:
        seen = looktest.gdb(machine, [
            "hypsec break owner any --to EL2", "continue",
            'printf "%lx %lx\\n", $x0, $x1'])
    change = stop(seen, OWNER, 1)
    first, pages = (int(word, 16) for word in seen[2].split())
    tap.equal((int(change[1], 16), change[2], change[3]),
              (RAM_BASE + GIB - EL2_BYTES, "host", "EL2"),
              "boot-gives-EL2-its-memory")
    tap.equal((first << 12, pages << 12), (int(change[1], 16), EL2_BYTES),
              "by-page_manager_reserve")


def owners_of_vms(tap):
    """A page goes to a VM, back to the host, and a reset takes another. One
    CPU: the next gdb must select the one that has stopped."""
    with looktest.guest_board("hello", cpus=1) as machine:
        seen = looktest.gdb(machine, [
            "hypsec break owner any --to vm1 --once", "continue"])
        given = stop(seen, OWNER, 1)
        page = int(given[1], 16)
        before = owner_now(machine, page)
        tap.equal((given[2], given[3], before), ("host", "vm1", 0),
                  "page-goes-to-a-vm")
        tap.result(re.search(r"by HVC \w+\(vmid 0x1.* of host cpu \d+ in "
                             r"\w+", given[4]), "and-who-does-it", given[4])
        seen = looktest.gdb(machine, ["finish", "hypsec vms"])
        tap.equal(owner_now(machine, page), 1, "and-it-is-so-after-it")
        tap.result(re.search(r"^vm1 .* 1 \(4 KiB\) ", seen[1], re.MULTILINE),
                   "and-that-is-4-kib", seen[1])
        seen = looktest.gdb(machine, [
            f"hypsec break owner pfn:{page >> 12:#x} --to host",
            f"hypsec break owner {page:#x} --to vm2",
            "monitor system_reset", "maintenance flush register-cache",
            "continue"])
        taken = stop(seen, OWNER, 4)
        tap.equal((int(taken[1], 16), taken[2], taken[3]),
                  (page, "vm1", "host"), "a-reset-takes-the-page")
        tap.result("reset_scrub" in taken[4], "and-scrubs-it", taken[4])
        seen = looktest.gdb(machine, [
            "delete", "hypsec break owner any --to vm1 --once", "continue",
            "hypsec break owner any --to host --once", "continue"])
        first, back = stop(seen, OWNER, 2), stop(seen, OWNER, 4)
        tap.equal((first[2], first[3]), ("host", "vm1"),
                  "after-the-reset-a-page-goes-to-a-vm-again")
        tap.equal((back[2], back[3]), ("vm1", "host"),
                  "page-comes-back-from-a-vm")


def foreign(tap):
    """Without symbols VBAR_EL2 and the instructions that set it must do."""
    with looktest.guest_board("demo") as machine:
        refused = looktest.gdb(machine, [
            "hypsec break entry", "hypsec break exit",
            "hypsec break owner any"], symbols=[])
        tap.result("EL2 has no vectors yet" in refused[0] and
                   "nobody knows yet" in refused[1] and
                   "symbols of the firmware" in refused[2],
                   "without-symbols-says-what-is-missing", refused)
        looktest.gdb(machine, ["hypsec break entry", "continue"])
        # No VM has run yet: its vectors are found when EL2 sets them.
        seen = looktest.gdb(machine, [
            "hypsec break exit --once", "continue", REGISTERS,      # 0 to 2
            "hypsec break vm 1 class DABT --once", "continue", REGISTERS,
            "hypsec cpus",                                          # 6
            "hypsec break entry --cpu 1", "continue", REGISTERS],   # 7 to 9
            symbols=[])
    tap.result(re.search(r"^\* \d +\? +EL2h +vm1 +- +0x\w+$", seen[6],
                         re.MULTILINE) and
               "symbols are not loaded" in seen[6],
               "without-symbols-cpus-by-their-registers", seen[6])
    out, at = stop(seen, EXIT, 1), registers(seen, 2)
    tap.equal((out[2], int(out[3], 16)), ("host", at["elr"]),
              "without-symbols-exit")
    into, at = stop(seen, ENTRY, 8), registers(seen, 9)
    tap.equal((into[1], int(into[3], 16), at["vector"] & 0x7f),
              ("1", at["elr"], 0), "without-symbols-entry")
    into, at = stop(seen, ENTRY, 4), registers(seen, 5)
    tap.equal((into[2], at["vmid"], at["ec"], at["vector"]),
              ("vm1", 1, EC_DABT, 0x400), "without-symbols-vm-and-class")


def calls(tap):
    """The firmware's debugging information, the header and gdb agree."""
    header = {name: int(number, 0) for name, number in re.findall(
        r"^#define HYPSEC_(?:HVC|PVOP)_(\w+)\s+(0x\w+|\d+)",
        HEADER.read_text(), re.MULTILINE)}
    show = 'python import abi; print(sorted({}.items()))'
    with looktest.guest_board("hello") as machine:
        seen = looktest.gdb(machine, [show.format("abi.from_firmware()"),
                                      show.format("abi.from_header()")])
    tap.result(len(header) > 20, "the-header-has-calls", header)
    tap.equal(seen[0].strip(), str(sorted(header.items())),
              "names-from-debugging-information")
    tap.equal(seen[1].strip(), str(sorted(header.items())),
              "names-from-the-header")


BAD = {
    "hypsec break entry --cpu 9": "no CPU 9; the board has 0 to 1",
    "hypsec break entry --cpu 1 y": "unrecognized arguments: y",
    "hypsec break entry --from vm99999": "no VM",
    "hypsec break entry --to host": "unrecognized arguments: --to host",
    "hypsec break exit --from host": "unrecognized arguments: --from host",
    "hypsec break vm": "required: vm",
    "hypsec break vm 0": "no VM 0",
    "hypsec break vm 1 class": "which class?",
    "hypsec break vm 1 class \x1b[31m": "no exception class",
    "hypsec break vm 1 colour red": "invalid choice",
    "hypsec break class 64": "no exception class",
    "hypsec break class": "required: ec",
    "hypsec break hypercall NO_SUCH": "no hypercall 'NO_SUCH'",
    "hypsec break owner 0x10": "0x10 is no RAM; RAM is from 0x40000000 to "
                               "0x7fffffff\n",
    "hypsec break owner 0xc0000000": "is no RAM",
    # A console; as a page frame number it would be within 40 bits.
    "hypsec break owner 0x9000000": "0x9000000 is no RAM",
    "hypsec break owner 0x40013": "number N is written pfn:N",
    "hypsec break owner pfn:0x80000": "0x80000000 is no RAM",
    "hypsec break owner pfn:0x10000000": "it has 40 bits",
    "hypsec break owner pfn:": "'' is no number",
    "hypsec break owner 0x40000000 --to vm16": "no owner 'vm16'",
    "hypsec break owner \"1 +\"": "is no number",
    "hypsec break nothing": "there is no `hypsec break nothing`",
}


def bad_arguments(tap):
    with looktest.guest_board("hello") as machine:
        seen = looktest.gdb(machine, ["hypsec break exit", "continue", *BAD,
                                      "hypsec break list"])
    for number, (command, error) in enumerate(BAD.items(), 2):
        tap.result(error in seen[number] and "\x1b" not in seen[number],
                   f"refuses-{command.removeprefix('hypsec break ')!r}",
                   seen[number])
    tap.result("no breakpoints of" in seen[len(BAD) + 2],
               "a-refused-command-leaves-no-breakpoint", seen)


def linux(tap):
    """The same on the Linux host."""
    config = board.Config(smp=2)
    with looktest.debug_board(config) as machine:
        seen = looktest.gdb(machine, [
            "hypsec break class SMC", "continue", REGISTERS,        # 0 to 2
            "delete", "hypsec break entry --cpu 1", "continue", REGISTERS,
            THREAD, "hypsec break exit --cpu 1", "continue", REGISTERS])
    into, at = stop(seen, ENTRY, 1), registers(seen, 2)
    tap.equal((into[2], at["ec"], at["x0"], at["vector"]),
              ("host", 0x17, 0x84000000, 0x400),
              "linux-asks-for-the-version-of-psci")
    tap.result(into[4].startswith("SMC PSCI_VERSION(); ESR "),
               "and-that-is-named", into[4])
    into, at = stop(seen, ENTRY, 5), registers(seen, 6)
    tap.result(into[1] == "1" and int(into[3], 16) == at["elr"] and
               "thread 2" in seen[7], "linux-second-cpu", seen)
    out, at = stop(seen, EXIT, 9), registers(seen, 10)
    tap.equal((out[1], out[2], int(out[3], 16)), ("1", "host", at["elr"]),
              "linux-second-cpu-goes-on")


def body(tap):
    calls(tap)
    bad_arguments(tap)
    edges(tap)
    filters(tap)
    foreign(tap)
    owners_at_boot(tap)
    owners_of_vms(tap)
    for cpus in (2, 8):
        goes_on(tap, cpus)
    linux(tap)


if __name__ == "__main__":
    looktest.run(body)
