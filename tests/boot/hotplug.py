#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""CPUs go off and come back through PSCI, one by one and all at once."""
import argparse

import boottest

ROUNDS = 5


def online(machine):
    _, lines = machine.shell("cat /sys/devices/system/cpu/online")
    return lines[-1]


def switch(machine, cpus, state):
    """Set each of CPUS to STATE; whether the host could."""
    status, lines = machine.shell("; ".join(
        f"echo {state} > /sys/devices/system/cpu/cpu{cpu}/online || false"
        for cpu in cpus), timeout=boottest.BOOT_SECONDS)
    return status == 0 and not lines


def main(tap):
    parser = argparse.ArgumentParser()
    parser.add_argument("--smp", type=int, default=4)
    parser.add_argument("--gic", type=int, default=2)
    parser.add_argument("--cpu", default="cortex-a72")
    settings = vars(parser.parse_args())
    others = range(1, settings["smp"])
    everyone = f"0-{settings['smp'] - 1}"

    with boottest.host(append=boottest.expectations(settings), memory="256M",
                       **settings) as machine:
        boottest.wait_ready(machine)
        with tap.behaviour("one-cpu-goes-and-comes-back"):
            for cpu in others:
                assert switch(machine, [cpu], 0), f"CPU {cpu} stays on"
                assert online(machine) != everyone
                assert switch(machine, [cpu], 1), f"CPU {cpu} stays off"
                assert online(machine) == everyone
        with tap.behaviour("all-others-go-and-come-back"):
            for _ in range(ROUNDS):
                assert switch(machine, others, 0), "a CPU stays on"
                assert online(machine) == "0"
                assert switch(machine, others, 1), "a CPU stays off"
                assert online(machine) == everyone
        # A CPU that came back is as protected as before.
        before = machine.inspect("refusals")
        status, _ = machine.shell("hypsec-attack carveout all")
        tap.equal(status, 0, "returned-cpus-cannot-reach-el2-memory")
        tap.result(machine.inspect("refusals") > before,
                   "returned-cpus-refusals-are-counted")
        boottest.self_check(tap, machine)
        with tap.behaviour("powers-off-with-cpus-off"):
            assert switch(machine, others, 0), "a CPU stays on"
        boottest.power_off(tap, machine)


boottest.run(main)
