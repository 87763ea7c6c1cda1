#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Stock Linux's disks and network card work behind the SMMU, and see no SMMU.

A file system on virtio-blk and on NVMe, packets through virtio-net, all of it
under the firmware and confined by its identity table, over a reset as well.
Then the host turns the NVMe disk, and one of the board's own masters, against
EL2's memory. With --smmu off all of that works, the last included.
"""
import argparse

import boottest
import dmatester
import host_io
import nvme
import smmu
from device_io import SPARE, interrupts_are_messages, io_works
from physical import peek

# In memory that is ours, behind the devices' queues.
PAGE = 1 << 20


def host_sees_no_smmu(tap, machine):
    for what, command in {
            "log": "dmesg | grep -i smmu",
            "iommus": "ls /sys/class/iommu",
            "groups": "ls /sys/kernel/iommu_groups",
            "platform-devices": "ls /sys/bus/platform/devices | "
                                "grep -E '9050000|9060000'"}.items():
        _, lines = machine.shell(command)
        tap.equal(lines, [], f"no-smmu-in/{what}")


def hardware_is_confined(tap, machine, prefix=""):
    for number, each in enumerate(smmu.both(machine)):
        tap.result(each.translates(), f"{prefix}smmu{number}/translates")
    tap.equal(smmu.faults(machine), [], prefix + "no-fault-is-recorded")


def unused_by_el2(machine):
    """A page in the middle of EL2's memory that nothing uses."""
    _, lines = machine.shell("echo /proc/device-tree/reserved-memory/el2@*")
    return int(lines[-1].split("@")[1], 16) + (8 << 20)


def disk_attacks_el2(tap, machine, spare, confined):
    """The host has the NVMe disk write to EL2's memory and read there."""
    page = spare + PAGE
    disk = nvme.Nvme(machine, spare)
    disk.take()
    before = peek(machine, page, 8)
    disk.identify(page)
    tap.result(disk.done(), "disk/does-what-it-is-told")
    told = peek(machine, page, 8)
    tap.result(told not in (0, before), "disk/writes-to-the-host")

    target = unused_by_el2(machine)
    before = peek(machine, target, 8)
    disk.identify(target)
    tap.result(disk.done(), "disk/is-done-with-el2-as-well")
    if not confined:
        tap.equal(peek(machine, target, 8), told,
                  "disk/writes-to-el2-without-smmu")
        return
    tap.equal(peek(machine, target, 8), before, "disk/does-not-write-to-el2")
    tap.equal(smmu.Smmu(machine, 0).bank(0, smmu.FAR, 8), target,
              "disk/write-is-recorded")
    disk.identify(page, submission=target)
    tap.result(disk.failed(), "disk/does-not-read-from-el2")


def master_attacks_el2(tap, machine, spare, confined):
    """The same with one of the board's own masters."""
    page = spare + PAGE
    channel = dmatester.Channel(machine, 3, spare)
    value = 0x1122334455667788
    tap.equal((channel.do(dmatester.OP_WRITE, page, value),
               peek(machine, page, 8)), (dmatester.NO_ERROR, value),
              "master/writes-to-the-host")
    target = unused_by_el2(machine)
    before = peek(machine, target, 8)
    error = channel.do(dmatester.OP_WRITE, target, value)
    if not confined:
        tap.equal((error, peek(machine, target, 8)),
                  (dmatester.NO_ERROR, value),
                  "master/writes-to-el2-without-smmu")
        return
    tap.equal((error, peek(machine, target, 8)),
              (dmatester.WRITE_ERROR, before), "master/does-not-write-to-el2")
    tap.equal(smmu.Smmu(machine, 1).bank(0, smmu.FAR, 8), target,
              "master/write-is-recorded")
    tap.equal(channel.do(dmatester.OP_READ, target), dmatester.READ_ERROR,
              "master/does-not-read-from-el2")


def main(tap):
    parser = argparse.ArgumentParser()
    parser.add_argument("--smmu", choices=("on", "off"), default="on")
    parser.add_argument("--memory", choices=SPARE, default="512M")
    parser.add_argument("--smp", type=int, default=2)
    parser.add_argument("--gic", type=int, default=2)
    parser.add_argument("--cpu", default="cortex-a72")
    args = parser.parse_args()
    settings = {"smp": args.smp, "gic": args.gic, "cpu": args.cpu}
    limit, spare = SPARE[args.memory]
    confined = args.smmu == "on"

    with host_io.Devices() as devices:
        append = f"{boottest.expectations(settings)} {limit}"
        with boottest.host(append=append, memory=args.memory,
                           machine=f"hypsec-virt,smmu={args.smmu},dma=on",
                           extra=devices.arguments(), **settings) as machine:
            boottest.wait_ready(machine)
            io_works(tap, machine, devices)
            interrupts_are_messages(tap, machine)
            host_sees_no_smmu(tap, machine)
            if confined:
                hardware_is_confined(tap, machine)

            machine.send("reboot -f\n")
            machine.wait_event("RESET", boottest.BOOT_SECONDS, guest=True,
                               reason="guest-reset")
            boottest.wait_ready(machine)
            io_works(tap, machine, devices, "after-reboot/")
            if confined:
                hardware_is_confined(tap, machine, "after-reboot/")
            tap.equal(machine.inspect("refusals"), 0, "nothing-is-refused")
            disk_attacks_el2(tap, machine, spare, confined)
            master_attacks_el2(tap, machine, spare, confined)
            boottest.self_check(tap, machine)
            boottest.power_off(tap, machine)


boottest.run(main)
