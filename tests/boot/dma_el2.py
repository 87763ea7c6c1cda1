#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Without -bios the same Linux drives the SMMUs by itself, at stage 1.

Its own driver finds both, devices get translated addresses, I/O works, and a
device does not reach what is not mapped for it. With --passthrough it is told
to translate nothing.
"""
import argparse

import boottest
import dmatester
import host_io
import nvme
import smmu
from device_io import SPARE, interrupts_are_messages, io_works

MEMORY = "512M"
LIMIT, QUEUES = SPARE[MEMORY]
RAM = range(0x40000000, 0x60000000)
CASES = ["started-at-el2", *boottest.HOST_CASES[1:]]
# Of each SMMU in the kernel's log.
PROBE = {
    "stage-1": "stage 1 translation", "stage-2": "stage 2 translation",
    "nested": "nested translation",
    "streams": "stream matching with 32 register groups",
    "banks": "8 context banks (0 stage-2 only)",
}
# Stage 1, stage 2 bypassed.
CBAR_TYPE_SHIFT, STAGE_1 = 16, 1


def log(machine, pattern=""):
    _, lines = machine.shell(f"dmesg | grep -E '{pattern}'")
    return lines


def driver_finds_smmus(tap, machine):
    lines = log(machine, "arm-smmu")
    for number, base in enumerate(smmu.BASES):
        mine = [line for line in lines if f"{base:x}." in line]
        for name, text in PROBE.items():
            tap.result(any(text in line for line in mine),
                       f"smmu{number}/log-tells-{name}", "\n".join(lines))
    tap.equal(len(machine.shell("ls -1 /sys/class/iommu")[1]), len(smmu.BASES),
              "both-are-registered")


def devices_have_domains(tap, machine, kind):
    _, lines = machine.shell(
        "for device in /sys/bus/pci/drivers/[vn][iv]*/0000:*; do "
        "echo $(basename $device) $(cat $device/iommu_group/type); done")
    tap.result(len(lines) == 3 and
               all(line.split()[1:] == [kind] for line in lines),
               f"each-device-has-a-domain-of-type-{kind.lower()}",
               "\n".join(lines))


def stream_of(function):
    """The requester id of a PCI function, "0000:00:02.0"."""
    bus, device, number = (int(part, 16) for part in
                           function.replace(".", ":").split(":")[1:])
    return bus << 8 | device << 3 | number


def disk_is_translated(tap, machine, disk):
    """Its addresses are no RAM, and the hardware has a bank for it."""
    tap.result(disk.queue_address() not in RAM,
               "disk/has-addresses-that-are-no-ram",
               f"{disk.queue_address():#x}")
    first = smmu.Smmu(machine, 0)
    entries = first.entry(stream_of(disk.name))
    tap.equal([kind for kind, _ in entries], [smmu.TRANSLATE],
              "disk/has-a-stream-entry")
    bank = entries[0][1]
    tap.result(first.bank(bank, smmu.SCTLR) & smmu.SCTLR_M,
               "disk/has-a-bank-that-translates")
    tap.equal(first.read(smmu.CBAR + 4 * bank) >> CBAR_TYPE_SHIFT & 3,
              STAGE_1, "disk/has-a-bank-of-stage-1")
    return bank


def unmapped_is_out_of_reach(tap, machine, disk, bank):
    """The driver lets go of the disk, whose queues are unmapped by that."""
    queue = disk.queue_address()
    disk.take()
    disk.start(queue, queue + 0x1000)
    disk.ring()
    tap.result(disk.failed(), "unmapped/disk-cannot-read-its-queue")
    tap.equal(smmu.Smmu(machine, 0).bank(bank, smmu.FAR, 8), queue,
              "unmapped/smmu-recorded-the-address")
    tap.result(any(f"iova=0x{queue:08x}" in line for line in
                   log(machine, "Unhandled context fault")),
               "unmapped/driver-reports-the-fault",
               "\n".join(log(machine, "arm-smmu")))
    machine.shell(f"echo {disk.name} > /sys/bus/pci/drivers/nvme/bind")
    status, lines = machine.shell(
        "for try in $(seq 900); do [ -b /dev/nvme0n1 ] && break; "
        "usleep 100000; done; hypsec-io /dev/nvme0n1")
    tap.result(status == 0, "unmapped/driver-comes-back", "\n".join(lines))


def unknown_master_is_blocked(tap, machine):
    """One that no driver has asked a domain for."""
    channel = dmatester.Channel(machine, 3, QUEUES)
    tap.equal(channel.do(dmatester.OP_READ, QUEUES), dmatester.FETCH_ERROR,
              "master-without-driver/reaches-nothing")
    tap.result(log(machine, "Blocked unknown Stream ID 0x13|global fault"),
               "master-without-driver/driver-reports-it",
               "\n".join(log(machine, "arm-smmu")))


def main(tap):
    parser = argparse.ArgumentParser()
    parser.add_argument("--passthrough", action="store_true")
    parser.add_argument("--gic", type=int, default=2)
    parser.add_argument("--cpu", default="cortex-a72")
    args = parser.parse_args()
    settings = {"smp": 2, "gic": args.gic, "cpu": args.cpu}
    append = f"{boottest.expectations(settings, level=2)} {LIMIT}"
    if args.passthrough:
        append += " iommu.passthrough=1"

    with host_io.Devices() as devices:
        with boottest.host(append=append, memory=MEMORY, bios=None,
                           machine="hypsec-virt,dma=on",
                           extra=devices.arguments(), **settings) as machine:
            boottest.wait_ready(machine)
            driver_finds_smmus(tap, machine)
            devices_have_domains(tap, machine,
                                 "identity" if args.passthrough else "DMA")
            io_works(tap, machine, devices)
            interrupts_are_messages(tap, machine)
            tap.equal(smmu.faults(machine), [], "no-fault-is-recorded")
            tap.equal(log(machine, "context fault|global fault"), [],
                      "driver-reports-no-fault")
            disk = nvme.Nvme(machine, QUEUES)
            if args.passthrough:
                tap.result(disk.queue_address() in RAM,
                           "disk/has-addresses-of-ram")
            else:
                bank = disk_is_translated(tap, machine, disk)
                unmapped_is_out_of_reach(tap, machine, disk, bank)
            unknown_master_is_blocked(tap, machine)
            boottest.self_check(tap, machine, CASES)
            boottest.power_off(tap, machine)


boottest.run(main)
