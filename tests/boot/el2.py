#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Without -bios the same Linux starts at EL2 and its KVM comes up there."""
import argparse

import boottest

CASES = ["started-at-el2", *boottest.HOST_CASES[1:]]


def main(tap):
    parser = argparse.ArgumentParser()
    parser.add_argument("--smp", type=int, default=2)
    parser.add_argument("--gic", type=int, default=2)
    parser.add_argument("--cpu", default="cortex-a72")
    settings = vars(parser.parse_args())

    with boottest.host(append=boottest.expectations(settings, level=2),
                       bios=None, **settings) as machine:
        with tap.behaviour("reaches-userspace"):
            boottest.wait_ready(machine)
        _, lines = machine.shell("dmesg | grep 'kvm '")
        tap.result(any("mode initialized successfully" in line
                       for line in lines),
                   "kvm-initialises", "\n".join(lines))
        status, _ = machine.shell("test -c /dev/kvm")
        tap.equal(status, 0, "kvm-device-exists")
        status, _ = machine.shell("test -e /proc/device-tree/reserved-memory")
        tap.equal(status, 1, "no-memory-is-carved-out")
        boottest.self_check(tap, machine, CASES)
        boottest.power_off(tap, machine)


boottest.run(main)
