#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The host maps EL2's memory through /dev/mem: refused, counted, survived."""
import argparse
import re

import boottest

# Never the host's, wherever its page tables point (addresses as on the board).
EL2_WINDOWS = {"flash": 0x0, "el2-console": 0x09040000, "pvpanic": 0x0b000000}
# A device of the host's that no driver of its kernel has claimed.
FW_CFG_DATA = 0x09020000


def attack(tap, machine, targets, name):
    """Run hypsec-attack TARGETS; all refused, and EL2 counted each."""
    before = machine.inspect("refusals")
    status, lines = machine.shell(f"hypsec-attack {targets}")
    after = machine.inspect("refusals")

    summary = re.search(r"HYPSEC-ATTACK attempts=(\d+) refused=(\d+)",
                        "\n".join(lines))
    attempts, refused = map(int, summary.groups()) if summary else (0, 0)
    tap.result(status == 0 and attempts > 0 and attempts == refused,
               f"{name}/every-attempt-gets-sigbus", "\n".join(lines))
    seen = None if None in (before, after) else after - before
    tap.result(attempts > 0 and seen == attempts,
               f"{name}/el2-counts-every-refusal",
               f"{attempts} attempts, counter rose by {seen}")


def el2_says_so(tap, machine, address, name):
    """EL2's console names the page that the host reached for."""
    page = f"{address & ~0xfff:#x}"
    log = machine.el2_log.read_text(errors="replace")
    tap.result(re.search(rf"refused: host .*{page}\b", log),
               f"{name}/el2-console-names-the-page",
               f"nothing about {page}; last lines:\n{log[-1000:]}")


def carveout_base(machine):
    """Where the device tree says that EL2's memory begins."""
    _, lines = machine.shell("echo /proc/device-tree/reserved-memory/el2@*")
    return int(lines[-1].split("@")[1], 16)


def host_lives_on(tap, machine):
    with tap.behaviour("host-lives-on"):
        status, lines = machine.shell("echo $((6 * 7))")
        assert status == 0 and lines[-1] == "42", lines


def main(tap):
    parser = argparse.ArgumentParser()
    parser.add_argument("--smp", type=int, default=8)
    parser.add_argument("--gic", type=int, default=2)
    parser.add_argument("--cpu", default="cortex-a72")
    settings = vars(parser.parse_args())

    with boottest.host(append=boottest.expectations(settings),
                       **settings) as machine:
        boottest.wait_ready(machine)
        attack(tap, machine, "carveout", "carveout-from-one-cpu")
        el2_says_so(tap, machine, carveout_base(machine),
                    "carveout-from-one-cpu")
        attack(tap, machine, "carveout all", "carveout-from-all-cpus-at-once")
        for name, address in EL2_WINDOWS.items():
            attack(tap, machine, f"{address:#x}", f"window-{name}")
            el2_says_so(tap, machine, address, f"window-{name}")
        # The good twin: the same way leads to what is the host's.
        status, _ = machine.shell(f"devmem {FW_CFG_DATA:#x} 8")
        tap.equal(status, 0, "own-device-can-be-mapped")
        host_lives_on(tap, machine)
        boottest.self_check(tap, machine)
        boottest.power_off(tap, machine)


boottest.run(main)
