#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Linux starts the next Linux by kexec; devices work before and after.

No reset happens: what the first kernel left in the SMMUs is what the second
one finds, by itself or by way of the corevisor.
"""
import argparse
import pathlib
import struct
import sys
import tempfile

import boottest
import board
import host_io
import smmu
from device_io import io_works

sys.path.insert(0, str(board.ROOT / "guest-images/linux"))
import newc  # noqa: E402

PROGRAM = board.BUILD / "tests/boot/kexec"
# Where the next kernel goes, its device tree and what starts it.
KERNEL, TREE, ENTRY = 0x50000000, 0x4f200000, 0x4f000000
# ldr x0, TREE; ldr x4, KERNEL; br x4
CODE = struct.pack("<4I2Q", 0x58000080, 0x580000a4, 0xd61f0080, 0xd503201f,
                   TREE, KERNEL)
# The kernel's memory is more than its file.
KERNEL_BYTES = 64 << 20


def initrd_with_kernel(path):
    """Our initramfs, and one with all that the next kernel needs."""
    archive = newc.Archive()
    archive.add("next", newc.S_IFDIR | 0o755)
    archive.add("next/kexec", newc.S_IFREG | 0o755, PROGRAM.read_bytes())
    archive.add("next/entry", newc.S_IFREG | 0o644, CODE)
    archive.add("next/Image", newc.S_IFREG | 0o644, board.KERNEL.read_bytes())
    archive.add("next/initrd", newc.S_IFREG | 0o644, board.INITRD.read_bytes())
    first = board.INITRD.read_bytes()
    path.write_bytes(first + bytes(-len(first) % 4) + archive.finish())


def chosen(machine, name):
    _, lines = machine.shell("hexdump -v -e '/1 \"%02x\"' "
                             f"/proc/device-tree/chosen/{name}; echo")
    return int(lines[-1], 16)


def start_next(machine):
    """The next kernel finds its initramfs where the first one had its own."""
    start = chosen(machine, "linux,initrd-start")
    size = chosen(machine, "linux,initrd-end") - start
    machine.send(f"/next/kexec {ENTRY:#x} /next/entry@{ENTRY:#x} "
                 f"/next/Image@{KERNEL:#x}+{KERNEL_BYTES:#x} "
                 f"/sys/firmware/fdt@{TREE:#x} "
                 f"/next/initrd@{start:#x}+{size:#x}\n")
    boottest.wait_ready(machine)


def main(tap):
    parser = argparse.ArgumentParser()
    parser.add_argument("--level", type=int, choices=(1, 2), default=1)
    parser.add_argument("--gic", type=int, default=2)
    args = parser.parse_args()
    settings = {"smp": 2, "gic": args.gic}
    if args.level == 2:
        settings["bios"] = None
    cases = [f"started-at-el{args.level}", *boottest.HOST_CASES[1:]]

    with tempfile.TemporaryDirectory(prefix="hypsec-") as folder, \
            host_io.Devices() as devices:
        initrd = pathlib.Path(folder) / "initrd"
        initrd_with_kernel(initrd)
        append = boottest.expectations(settings, args.level)
        with boottest.host(append=append, memory="512M", initrd=initrd,
                           extra=devices.arguments(), **settings) as machine:
            boottest.wait_ready(machine)
            io_works(tap, machine, devices)
            with tap.behaviour("next/reaches-userspace"):
                start_next(machine)
            tap.equal(machine.events("RESET"), [], "next/without-a-reset")
            status, _ = machine.shell("test -e /next")
            tap.equal(status, 1, "next/is-another-kernel")
            io_works(tap, machine, devices, "next/")
            tap.equal(smmu.faults(machine), [], "next/no-fault-is-recorded")
            boottest.self_check(tap, machine, cases)
            boottest.power_off(tap, machine)


boottest.run(main)
