#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One configuration of the board: Linux boots under the firmware, all works."""
import argparse

import boottest


def main(tap):
    parser = argparse.ArgumentParser()
    parser.add_argument("--smp", type=int, default=2)
    parser.add_argument("--memory", default="1G")
    parser.add_argument("--gic", type=int, default=2)
    parser.add_argument("--cpu", default="cortex-a72")
    settings = vars(parser.parse_args())

    with boottest.host(append=boottest.expectations(settings),
                       **settings) as machine:
        with tap.behaviour("reaches-userspace"):
            boottest.wait_ready(machine)
        boottest.self_check(tap, machine)
        tap.equal(len(machine.qmp("query-cpus-fast")), settings["smp"],
                  "board-has-the-cpus-asked-for")
        boottest.power_off(tap, machine)


boottest.run(main)
