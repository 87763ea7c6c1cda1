#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Stock Linux's disks and network card work behind the SMMU, and see no SMMU.

A file system on virtio-blk and on NVMe, packets through virtio-net, all of it
under the firmware and confined by its identity table, over a reset as well.
"""
import argparse

import boottest
import host_io

IO_SECONDS = 100
# In /proc/interrupts: a vector of each device's that must have come.
VECTORS = ("nvme0q", "virtio[0-9]+-req", "virtio[0-9]+-input")


def io_works(tap, machine, devices, prefix=""):
    """hypsec-io and what it leaves on the images."""
    status, lines = machine.shell("hypsec-io all", timeout=IO_SECONDS)
    cases = [line for line in lines if line.startswith(("PASS: ", "FAIL: "))]
    for line in cases:
        tap.result(line.startswith("PASS: "), prefix + line.split()[2], line)
    tap.result(status == 0 and len(cases) > 0, prefix + "io-is-done",
               "\n".join(lines))
    tap.equal(devices.check(lines[-1]), [], prefix + "images-hold-it-all")


def interrupts_are_messages(tap, machine, prefix=""):
    _, lines = machine.shell("cat /proc/interrupts")
    for vector in VECTORS:
        _, count = machine.shell(
            f"awk '/MSI.* {vector}/ {{ for (i = 2; $i ~ /^[0-9]+$/; i++) "
            "sum += $i } END { print sum + 0 }' /proc/interrupts")
        tap.result(int(count[-1]) > 0, f"{prefix}msi/{vector}-comes",
                   "\n".join(lines))


def host_sees_no_smmu(tap, machine):
    for what, command in {
            "log": "dmesg | grep -i smmu",
            "iommus": "ls /sys/class/iommu",
            "groups": "ls /sys/kernel/iommu_groups",
            "platform-devices": "ls /sys/bus/platform/devices | "
                                "grep -E '9050000|9060000'"}.items():
        _, lines = machine.shell(command)
        tap.equal(lines, [], f"no-smmu-in/{what}")


def main(tap):
    parser = argparse.ArgumentParser()
    parser.add_argument("--gic", type=int, default=2)
    parser.add_argument("--cpu", default="cortex-a72")
    settings = {"smp": 2, **vars(parser.parse_args())}

    with host_io.Devices() as devices:
        with boottest.host(append=boottest.expectations(settings),
                           memory="512M", extra=devices.arguments(),
                           **settings) as machine:
            boottest.wait_ready(machine)
            io_works(tap, machine, devices)
            interrupts_are_messages(tap, machine)
            host_sees_no_smmu(tap, machine)

            machine.send("reboot -f\n")
            machine.wait_event("RESET", 30, guest=True, reason="guest-reset")
            boottest.wait_ready(machine)
            io_works(tap, machine, devices, "after-reboot/")
            tap.equal(machine.inspect("refusals"), 0, "nothing-is-refused")
            boottest.self_check(tap, machine)
            boottest.power_off(tap, machine)


boottest.run(main)
