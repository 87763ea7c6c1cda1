#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""VMs whose images are not what their owner signed do not start."""
import pathlib
import tempfile

import boottest
import board
import guests
import run_guest
import sign
from bundle import make_bundle

SECONDS = 300
EXTRA_PAGE = 0x41000000


def good(name, **config):
    return guests.small(guests.Options(), "hello", name=name, **config)


def refused(name):
    """A VM that is well so far, but the host expects it to be refused."""
    vm = good(name, expect="refused")
    vm.config["report"] = 0
    # A second image, so that there is one to be exchanged.
    vm.images.append((EXTRA_PAGE, b"second image".ljust(16384, b"2")))
    return vm


def changed(vm, image, data):
    vm.tamper[image] = data
    return vm


def changed_byte():
    vm = refused("changed-byte")
    data = bytearray(vm.images[1][1])
    data[5000] ^= 1
    return changed(vm, 1, bytes(data))


def truncated():
    vm = refused("truncated")
    return changed(vm, 1, vm.images[1][1][:-4096])


def swapped():
    vm = refused("swapped")
    size = len(vm.images[0][1])
    changed(vm, 0, vm.images[1][1][:size].ljust(size, b"\0"))
    return changed(vm, 1, vm.images[0][1].ljust(16384, b"\0")[:16384])


def wrong_address():
    vm = refused("wrong-address")
    vm.config["load1"] = hex(EXTRA_PAGE + 0x1000)
    return vm


def wrong_vcpus():
    vm = refused("wrong-vcpus")
    vm.config["vcpus"] = 2
    return vm


def other_key(folder):
    vm = refused("other-key")
    vm.key = folder / "other.pem"
    sign.new_key(vm.key)
    return vm


def bad_vms(folder):
    return [changed_byte(), truncated(), swapped(), wrong_address(),
            wrong_vcpus(), other_key(folder)]


def run(folder, vms, machine="", extra=()):
    bundle = folder / run_guest.BUNDLE
    bundle.write_bytes(make_bundle(vms))
    config = board.Config(machine="hypsec-virt" + machine, smp=2,
                          kernel=guests.HOSTVISOR, initrd=bundle,
                          extra=("-no-reboot", *extra))
    return run_guest.run_board(config, SECONDS, folder / "host.log",
                               folder / "el2.log")


def main(tap):
    with tempfile.TemporaryDirectory(prefix="hypsec-") as folder:
        folder = pathlib.Path(folder)
        for vm in bad_vms(folder):
            with tap.behaviour(f"{vm.name}/is-refused-others-run"):
                lines = run(folder, [vm, good("beside")])
                tap.equal(len([line for line in lines if
                               line.startswith("HYPSEC-VM-OK hello")]), 1,
                          f"{vm.name}/one-vm-ran")
        key = folder / "other.pem"
        with tap.behaviour("other-key/runs-on-a-board-that-trusts-it"):
            vm = good("other-key")
            vm.key = key
            demo = good("demo-key", expect="refused")
            demo.config["report"] = 0
            run(folder, [vm, demo], *run_guest.trust(key, folder))


boottest.run(main)
