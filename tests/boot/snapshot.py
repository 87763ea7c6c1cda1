#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A running Linux board is saved, goes on, is loaded, goes on from there."""
import argparse
import contextlib
import pathlib
import tempfile

import boottest

SNAPSHOT = "running"
DISK_BYTES = 1 << 30
JOB_SECONDS = 90


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


def goes_on_from_snapshot(tap, machine, name, settings):
    """The host is where it was saved: its memory, its clock, its devices."""
    with tap.behaviour(f"{name}/memory-is-that-of-the-snapshot"):
        status, lines = machine.shell("echo state=$state; test -e /tmp/later")
        assert status == 1 and lines[-1] == "state=saved", lines
    boottest.self_check(tap, machine, prefix=f"{name}/")
    tap.equal(len(machine.qmp("query-cpus-fast")), settings["smp"],
              f"{name}/all-cpus-are-there")


def main(tap):
    parser = argparse.ArgumentParser()
    parser.add_argument("--smp", type=int, default=2)
    parser.add_argument("--gic", type=int, default=2)
    settings = vars(parser.parse_args())
    append = boottest.expectations(settings)

    def board(**more):
        return boottest.host(append=append, memory="256M", **settings, **more)

    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(
            tempfile.TemporaryDirectory(prefix="hypsec-")))
        disk = folder / "disk.qcow2"

        with board() as machine:
            create_disk(machine, disk)
            attach_disk(machine, disk)
            boottest.wait_ready(machine)
            machine.shell("state=saved")
            with tap.behaviour("savevm-of-a-running-board"):
                snapshot(machine, "snapshot-save")
            with tap.behaviour("board-goes-on-after-savevm"):
                status, _ = machine.shell("state=changed; touch /tmp/later")
                assert status == 0
            with tap.behaviour("loadvm-in-the-same-process"):
                snapshot(machine, "snapshot-load")
                machine.qmp("cont")
            goes_on_from_snapshot(tap, machine, "same-process", settings)
            boottest.power_off(tap, machine, "same-process/powers-off-cleanly")

        with board(extra=("-S",)) as machine:
            attach_disk(machine, disk)
            with tap.behaviour("loadvm-in-a-new-process"):
                snapshot(machine, "snapshot-load")
                machine.qmp("cont")
            goes_on_from_snapshot(tap, machine, "new-process", settings)
            boottest.power_off(tap, machine, "new-process/powers-off-cleanly")


boottest.run(main)
