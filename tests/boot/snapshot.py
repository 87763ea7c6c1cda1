#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A running Linux board is saved, goes on, is loaded, goes on from there.

With --devices a disk is read all the time meanwhile, through the SMMU, and disk
and network must work afterwards; with --level 2 it is Linux's SMMU.
"""
import argparse
import contextlib
import pathlib
import tempfile

import boottest
import host_io
import smmu
from device_io import io_works

SNAPSHOT = "running"
DISK_BYTES = 1 << 30
JOB_SECONDS = 300
# NVMe disks cannot be saved.
DISKS = {"vda": host_io.DISKS["vda"]}
READER = "while dd if=/dev/vda of=/dev/null bs=64k iflag=direct " \
    "2> /dev/null; do :; done"


def create_disk(machine, path):
    """An empty qcow2 disk at PATH, made by QEMU itself."""
    path.touch()
    file = {"driver": "file", "filename": str(path)}
    machine.qmp("blockdev-add", **file, node_name="disk-file")
    machine.qmp("blockdev-create", job_id="create", options={
        "driver": "qcow2", "file": "disk-file", "size": DISK_BYTES})
    machine.wait_job("create", JOB_SECONDS)
    machine.qmp("blockdev-del", node_name="disk-file")


def attach_disk(machine, path):
    """A drive that no device of the board uses: only snapshots go there."""
    machine.qmp("blockdev-add", driver="qcow2", node_name="disk",
                file={"driver": "file", "filename": str(path)})


def snapshot(machine, command):
    machine.qmp(command, job_id=command, tag=SNAPSHOT, vmstate="disk",
                devices=["disk"])
    machine.wait_job(command, JOB_SECONDS)


def goes_on_from_snapshot(tap, machine, name, settings, cases, devices):
    """The host is where it was saved: its memory, its clock, its devices."""
    with tap.behaviour(f"{name}/memory-is-that-of-the-snapshot"):
        status, lines = machine.shell("echo state=$state; test -e /tmp/later")
        assert status == 1 and lines[-1] == "state=saved", lines
    if devices:
        with tap.behaviour(f"{name}/reader-of-the-disk-goes-on"):
            status, lines = machine.shell("kill $reader")
            assert status == 0, lines
        # What is on the disk is as new as before.
        devices.renew()
        machine.shell("echo 3 > /proc/sys/vm/drop_caches")
        io_works(tap, machine, devices, f"{name}/")
        tap.equal(smmu.faults(machine), [], f"{name}/no-fault-is-recorded")
    boottest.self_check(tap, machine, cases, prefix=f"{name}/")
    tap.equal(len(machine.qmp("query-cpus-fast")), settings["smp"],
              f"{name}/all-cpus-are-there")


def main(tap):
    parser = argparse.ArgumentParser()
    parser.add_argument("--smp", type=int, default=2)
    parser.add_argument("--gic", type=int, default=2)
    parser.add_argument("--level", type=int, choices=(1, 2), default=1)
    parser.add_argument("--devices", action="store_true")
    args = parser.parse_args()
    settings = {"smp": args.smp, "gic": args.gic}
    append = boottest.expectations(settings, args.level)
    cases = [f"started-at-el{args.level}", *boottest.HOST_CASES[1:]]

    with contextlib.ExitStack() as stack:
        devices = stack.enter_context(host_io.Devices(DISKS)) \
            if args.devices else None

        def board(extra=()):
            more = {"bios": None} if args.level == 2 else {}
            return boottest.host(
                append=append, memory="256M", **settings, **more,
                extra=(*extra, *(devices.arguments() if devices else ())))

        folder = pathlib.Path(stack.enter_context(
            tempfile.TemporaryDirectory(prefix="hypsec-")))
        disk = folder / "disk.qcow2"

        with board() as machine:
            create_disk(machine, disk)
            attach_disk(machine, disk)
            boottest.wait_ready(machine)
            machine.shell("state=saved")
            if devices:
                machine.shell(f"({READER}) & reader=$!")
            with tap.behaviour("savevm-of-a-running-board"):
                snapshot(machine, "snapshot-save")
            with tap.behaviour("board-goes-on-after-savevm"):
                status, _ = machine.shell("state=changed; touch /tmp/later")
                assert status == 0
            with tap.behaviour("loadvm-in-the-same-process"):
                snapshot(machine, "snapshot-load")
                machine.qmp("cont")
            goes_on_from_snapshot(tap, machine, "same-process", settings,
                                  cases, devices)
            boottest.power_off(tap, machine, "same-process/powers-off-cleanly")

        with board(extra=("-S",)) as machine:
            attach_disk(machine, disk)
            with tap.behaviour("loadvm-in-a-new-process"):
                snapshot(machine, "snapshot-load")
            # As with a debugger that looks at one moment again.
            with tap.behaviour("loadvm-twice-while-stopped"):
                snapshot(machine, "snapshot-load")
                machine.qmp("cont")
            goes_on_from_snapshot(tap, machine, "new-process", settings,
                                  cases, devices)
            boottest.power_off(tap, machine, "new-process/powers-off-cleanly")


boottest.run(main)
