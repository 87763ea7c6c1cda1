#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Disk, network and clock of the board do what the host's drivers ask."""
import argparse
import hashlib
import pathlib
import random
import tempfile

import boottest

DISK_BYTES = 4 << 20
CLOCK = "2026-01-01T00:00:00"

BUSES = {
    "pci": ("virtio-blk-pci,drive=disk", "virtio-net-pci,netdev=net"),
    "mmio": ("virtio-blk-device,drive=disk", "virtio-net-device,netdev=net"),
}


def disk_works(tap, machine, path):
    _, lines = machine.shell("md5sum < /dev/vda")
    tap.equal(lines[-1].split()[0], hashlib.md5(path.read_bytes()).hexdigest(),
              "disk/host-reads-what-is-there")
    _, lines = machine.shell(
        "head -c 65536 /dev/urandom > /tmp/new; "
        "dd if=/tmp/new of=/dev/vda bs=64k seek=1 2>/dev/null; sync; "
        "md5sum < /tmp/new")
    written = path.read_bytes()[65536:2 * 65536]
    tap.equal(lines[-1].split()[0], hashlib.md5(written).hexdigest(),
              "disk/what-the-host-writes-is-there")


def network_works(tap, machine):
    with tap.behaviour("network/ping-gets-an-answer"):
        status, lines = machine.shell(
            "card=$(ls /sys/class/net | grep -v lo); "
            "ip link set $card up && ip addr add 10.0.2.15/24 dev $card && "
            "ping -c 1 -w 60 10.0.2.2")
        assert status == 0, "\n".join(lines)


def interrupts_work(tap, machine, pattern):
    with tap.behaviour("interrupts/come-the-expected-way"):
        status, lines = machine.shell(
            f"grep -E '{pattern}' /proc/interrupts | grep -v ' 0  *0  '")
        assert status == 0, "\n".join(lines)


def main(tap):
    parser = argparse.ArgumentParser()
    parser.add_argument("--bus", choices=BUSES, default="pci")
    parser.add_argument("--gic", type=int, default=2)
    args = parser.parse_args()
    settings = {"smp": 2, "gic": args.gic}
    machine_type = "hypsec-virt"
    if args.bus == "mmio":
        # No transport of those is behind an SMMU.
        machine_type += ",virtio-mmio=on,smmu=off"

    with tempfile.TemporaryDirectory(prefix="hypsec-") as folder:
        disk = pathlib.Path(folder) / "disk.img"
        disk.write_bytes(random.Random(1).randbytes(DISK_BYTES))
        block, net = BUSES[args.bus]
        extra = ("-drive", f"if=none,id=disk,format=raw,file={disk}",
                 "-device", block, "-netdev", "user,id=net,restrict=on",
                 "-device", net, "-rtc", f"base={CLOCK}")
        with boottest.host(append=boottest.expectations(settings),
                           machine=machine_type, memory="512M", extra=extra,
                           **settings) as machine:
            boottest.wait_ready(machine)
            disk_works(tap, machine, disk)
            network_works(tap, machine)
            interrupts_work(tap, machine,
                            "MSI.*virtio" if args.bus == "pci" else
                            "GIC.* virtio")
            _, lines = machine.shell("hwclock -u -r")
            tap.result("Jan  1 00:0" in lines[-1] and "2026" in lines[-1],
                       "clock/has-the-time-that-qemu-gives", lines[-1])
            boottest.self_check(tap, machine)
            boottest.power_off(tap, machine)


boottest.run(main)
