#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command of gdb's `hypsec`, on VMs under the small host and on Linux.

The list of commands is gdb's own: one that has no row in a table below fails.
Other programs of this folder say more of each; this one that none was
forgotten on either kind of board.
"""
import re
import sys

import looktest
import board

READY_SECONDS = 300
GIB_OF_HOST = 256000

# Command, and what its output has to have. On Linux: booted, both CPUs idle.
LINUX = [
    ("cpus", r"^\* 0  ON +EL1h +host +- +0xffff\w+\n  1  ON +EL1h +host "),
    ("vms", r"^no VMs$"),
    ("vcpus", r"^no vCPUs$"),
    ("context host 1", r"^host, CPU 1\n(?s:.*)^TTBR1_EL1 +0x0 +0x\w+$"),
    ("context 1 0", r"^vm1 vCPU 0: UNUSED OFF\n(?!last exit)"),
    ("locks", r"^all 39 locks are free\nCPU 0 holds none\nCPU 1 holds none$"),
    ("decode VTTBR", r"^VTTBR_EL2 = 0x\w+: .*VMID 0"),
    ("page 0x40200000", r"^page 0x40200000: owner host, not pinned$"),
    ("pages", rf"^pages: host {GIB_OF_HOST} .*, EL2 6144 "),
    ("walk --host 0x40200000", r"^PA 0x40200000, owner host$"),
    ("walk --host 0x7e800000", r"^  translation fault, level 2$"),
    ("walk $pc", r"^VA 0xffff\w+ of host, CPU 0, TTBR1_EL1(?s:.*)"
     r"^PA 0x\w+, owner host$"),
    ("smmu", r"^SMMU 0 at 0x9050000: (?s:.*)bank 0: EL2, stage 2"),
    ("backtrace --all", r"^CPU 0 in host EL1\n#0  0xffff(?s:.*)"
     r"^CPU 1 in host EL1\n#0  0xffff"),
    ("panic", r"^EL2 has not panicked"),
    ("console", r"^  corevisor: host kernel at 0x40200000, entering EL1$"),
    ("world", r"^\* CPU 0: host, EL1, pc 0xffff\w+\n  CPU 1: host, EL1"),
    ("symbols", r"^host: no symbols were given for host$"),
    ("cpu 1", r"^CPU 1: host, EL1, pc 0xffff"),
    ("linux", r"^no symbols of a Linux were given"),
    ("replay", r"^this board is no replay; "),
    ("goto start", r"^this board is no replay; "),
    ("break hypercall GET_INFO", r"breakpoint \d+: hypercall GET_INFO$"),
    ("break owner any", r"breakpoint \d+: any page gets another owner$"),
    ("break vm 1", r"breakpoint \d+: trap of vm1$"),
    ("break at el2 save_vm", r"breakpoint \d+: el2: save_vm$"),
    ("break class DABT", r"breakpoint \d+: exception from below, class DABT$"),
    ("break entry", r"breakpoint \d+: entry to EL2, once$"),
    ("break exit", r"breakpoint \d+: exit from EL2, once$"),
    ("break list", r"^\d+  enabled +0 stops of 0 +hypercall GET_INFO$"),
    ("!delete", None),
]

# Something of Linux's comes to EL2, and goes back.
ATTACK = "devmem 0x7e800000\n"
LINUX_TRAPS = [
    ("!hypsec break class DABT --once", None),
    ("!continue", r"^hypsec: breakpoint \d+: CPU \d enters EL2 from host "
     r"cpu \d EL\d at 0x\w+: data abort from a lower level: "
     r"translation fault"),
    ("backtrace", r"^-- trapped from host cpu \d EL\d: data abort"),
    ("decode ESR", r"^ESR_EL2 = 0x9\w+: data abort from a lower level"),
    ("!hypsec break exit", None),
    ("!continue", r"^hypsec: breakpoint \d+: CPU \d leaves EL2 for host "),
]

# With one VM at its first function, the other one beyond its own. Which of
# them EL2 calls vm1 is a race.
VMS = [
    ("cpus", r"^\* \d  ON +EL1h +vm\d vCPU 0 +\S+ +0x\w+ <vm_main>$"),
    ("vms", r"^vm1 +VERIFIED +(?s:.*)^vm2 "),
    ("vcpus", r"^vm\d vCPU 0: ACTIVE ON, CPU \d at EL1, pc 0x\w+ EL1h\n"
     r"  last exit: "),
    ("vcpus 15", r"^vm15 has no vCPUs$"),
    ("context 1 0", r"^vm1 vCPU 0: \w+ \w+.*\n(?s:.*)^intermediate context"),
    ("context 1 0 --diff", r"^vm1 vCPU 0: "),
    ("context host 0", r"^x0 to x30, PC and PSTATE are those of the trap "
     r"frame|^no exception of the host's is being handled"),
    ("locks", r"^CPU 0 holds (?s:.*)^CPU 1 holds "),
    ("decode VTTBR", r"^VTTBR_EL2 = 0x\w+: .*VMID [12]\b"),
    ("page 0x7e800000", r"^page 0x7e800000: owner EL2"),
    ("pages", r"^pages: host \d+ .*, vm1 \d+ .*, vm2 \d+ .*, EL2 6144 "),
    ("walk $pc", r"^VA 0x\w+ of vm\d, CPU \d, TTBR0_EL1(?s:.*)"
     r"^PA 0x\w+, owner vm\d$"),
    ("walk --vm 1 0x40000000", r"^PA 0x\w+, owner vm1$"),
    ("smmu streams", r"^  entry 31: all streams -> bank 0 \(EL2\)$"),
    ("backtrace", r"^#0  0x\w+ vm_main\+0x0 (?s:.*)^#2  0x\w+ _start"),
    ("panic", r"^EL2 has not panicked"),
    ("console --lines 100000", r"^  corevisor: host kernel at 0x40200000, "
     r"entering EL1$"),
    ("world", r"^\* CPU \d: vm\d, EL1, pc 0x\w+ <vm_main>$"),
    ("symbols", r"^vm +(?:alice|bob) +at 0x40000000: CPU \d runs vm\d\b"),
    ("cpu 0", r"^CPU 0: "),
    ("linux", r"^no symbols of a Linux were given"),
    ("replay", r"^this board is no replay; "),
    ("goto 5", r"^this board is no replay; "),
    ("break entry --cpu 0", r"breakpoint \d+: entry to EL2 on CPU 0, once$"),
    ("break exit --cpu 0", r"breakpoint \d+: exit from EL2 on CPU 0, once$"),
    ("break vm 2 class HVC", r"breakpoint \d+: trap of vm2, class HVC$"),
    ("break hypercall 30", r"breakpoint \d+: hypercall GET_INFO$"),
    ("break at host host_main", r"breakpoint \d+: host: host_main$"),
    ("break owner any --to vm2",
     r"breakpoint \d+: any page becomes vm2's$"),
    ("break class HVC", r"breakpoint \d+: exception from below, class HVC$"),
    ("break list", r"^\d+  enabled +0 stops of 0 +trap of vm2, class HVC$"),
    ("!delete", None),
    ("!hypsec break class DABT --once", None),
    ("!continue", r"^hypsec: breakpoint \d+: CPU \d enters EL2 from "),
]


def check(tap, machine, rows, before=()):
    """Run ROWS behind the commands BEFORE; one result for each, and the
    transcript."""
    commands = [row[1:] if row.startswith("!") else f"hypsec {row}"
                for row, _ in rows]
    seen = looktest.gdb(machine, [*before, *commands])
    for number, (row, pattern) in enumerate(rows, len(before)):
        if pattern:
            tap.result(re.search(pattern, seen[number], re.MULTILINE),
                       row.lstrip("!"), f"no {pattern}:\n{seen[number]}")
    return seen


def check_all(tap, machine, rows, before=()):
    """The same, and that no command is without a row."""
    lists = ["help hypsec", "help hypsec break"]
    seen = check(tap, machine, rows, [*lists, *before])
    names = re.findall(r"^hypsec (\S+(?: \S+)?) -- ", seen[0] + seen[1],
                       re.MULTILINE)
    tap.result(len(names) > 20, "gdb-lists-its-commands", seen[0])
    for name in names:
        tap.result(name == "break" or
                   any(f"{row} ".startswith(f"{name} ") for row, _ in rows),
                   f"{name}/has-a-row")


def linux(tap):
    """A Linux host that waits for a command."""
    config = board.Config(smp=2, append="hypsec.mode=serve")
    with looktest.debug_board(config, running=True) as machine:
        machine.wait_line("^HYPSEC-READY$", READY_SECONDS)
        check_all(tap, machine, LINUX)
        machine.send(ATTACK)
        check(tap, machine, LINUX_TRAPS)


def vms(tap):
    """Two VMs, one of them at its first function."""
    with looktest.guest_board("demo") as machine:
        check_all(tap, machine, VMS,
                  ["hypsec break at alice vm_main --temporary",
                   "hypsec break at bob vm_main --temporary",
                   "continue", "continue"])
    withheld(tap)


def withheld(tap):
    """An abort whose fault status EL2 keeps from the host."""
    with looktest.guest_board("hello", cpus=1) as machine:
        seen = looktest.gdb(machine, [
            "hypsec break vm 1 class DABT --once", "continue",
            "hypsec break exit", "continue", "hypsec context 1 0"])
    tap.result(seen.find(r"^  esr +0x9\w+  data abort from a lower level: its "
                         "status is not told", "hypsec context 1 0"),
               "context/status-of-an-abort-is-not-told", seen)


if __name__ == "__main__":
    looktest.run({"linux": linux, "vms": vms}[sys.argv[1]])
