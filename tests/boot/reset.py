#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The board comes up again after a reset, whoever asks for it."""
import argparse

import boottest


def main(tap):
    parser = argparse.ArgumentParser()
    parser.add_argument("--smp", type=int, default=2)
    parser.add_argument("--gic", type=int, default=2)
    settings = vars(parser.parse_args())

    with boottest.host(append=boottest.expectations(settings),
                       memory="256M", **settings) as machine:
        boottest.wait_ready(machine)

        with tap.behaviour("reboot-from-inside/reaches-userspace"):
            machine.send("reboot -f\n")
            machine.wait_event("RESET", boottest.BOOT_SECONDS, guest=True,
                               reason="guest-reset")
            boottest.wait_ready(machine)
        boottest.self_check(tap, machine, prefix="reboot-from-inside/")

        with tap.behaviour("system-reset/reaches-userspace"):
            machine.qmp("system_reset")
            machine.wait_event("RESET", boottest.BOOT_SECONDS, guest=False)
            boottest.wait_ready(machine)
        boottest.self_check(tap, machine, prefix="system-reset/")

        # In the middle of the firmware or of the kernel's first steps.
        with tap.behaviour("reset-during-boot/reaches-userspace"):
            machine.qmp("system_reset")
            machine.qmp("system_reset")
            machine.wait_line("Booting Linux on physical CPU",
                              boottest.BOOT_SECONDS)
            machine.qmp("system_reset")
            boottest.wait_ready(machine)
        boottest.self_check(tap, machine, prefix="reset-during-boot/")

        boottest.power_off(tap, machine)


boottest.run(main)
