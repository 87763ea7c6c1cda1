#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The hostvisor comes to an end that it names, whatever it is given."""
import contextlib
import pathlib
import subprocess
import tempfile

import boottest
import board
import guests
import run_guest
from bundle import make_bundle

SECONDS = 300
LATE_SECONDS = 5
OWN_FAILURE = 100
MANY = 15
DMA_ON = "hypsec-virt,dma=on"


def small(program, **settings):
    return guests.small(guests.Options(), program, **settings)


def with_config(program, key, value):
    vm = small(program)
    vm.config[key] = value
    return vm


class LateClient(board.Board):
    """Asks QEMU for nothing before a board that runs by itself has ended."""

    def qmp(self, command, **arguments):
        if command == "qmp_capabilities":
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(LATE_SECONDS)
        return super().qmp(command, **arguments)


def run(folder, bundle, append="", kind=board.Board, **settings):
    """The hostvisor with BUNDLE (bytes or None): its status and its lines."""
    initrd = None
    if bundle is not None:
        initrd = folder / run_guest.BUNDLE
        initrd.write_bytes(bundle)
    settings = {"smp": 2, "memory": "512M", **settings}
    config = board.Config(
        kernel=guests.HOSTVISOR, initrd=initrd, append=append,
        extra=("-no-reboot", *run_guest.threads(settings["smp"])), **settings)
    with kind(config, log=folder / "host.log",
              el2_log=folder / "el2.log") as machine:
        done = machine.wait_line(guests.HOST_DONE, SECONDS, "end of all VMs")
        machine.wait_exit(run_guest.POWER_OFF_SECONDS)
        return int(done[1]), machine.console.lines


def told(tap, name, result, status, *texts):
    """STATUS, and each of TEXTS in a line of the host's."""
    seen, lines = result
    missing = [text for text in texts
               if not any(text in line for line in lines)]
    tap.result(seen == status and not missing, name,
               f"status {seen}, missing {missing} in\n" + "\n".join(lines))


def bad_bundles(tap, folder):
    whole = make_bundle([small("hello")])
    for name, bundle, text in (
            ("none", None, "there is no bundle"),
            ("empty", make_bundle([]), "no VMs in it"),
            ("cut-off", whole[:5000], "is cut off"),
            ("cut-in-a-header", whole[:50], "ends without a trailer"),
            ("no-archive", bytes(5000), "is not a newc cpio archive"),
            ("too-many-vms", make_bundle(
                [small("hello", name=f"vm{n}") for n in range(MANY + 1)]),
             "more than 15 VMs"),
            ("unknown-key", make_bundle([small("hello", color="red")]),
             "what is 'color=red'?"),
            ("odd-memory", make_bundle([small("hello", memory="3M")]),
             "memory is not a multiple of 2 MiB"),
            ("too-many-vcpus", make_bundle([with_config("hello", "vcpus", 9)]),
             "9 vCPUs"),
            ("no-dma-tester", make_bundle([small("dma", dma=1)]),
             "no DMA tester")):
        told(tap, f"bad-bundle/{name}", run(folder, bundle), OWN_FAILURE,
             "[host] error: ", text)
    for name, config, text in (
            ("no-such-channel", {"dma": 0x100}, "has 8 channels"),
            ("dma-beyond-memory", {"dma": 1, "dma-at": 0x42000000},
             "are not pages of its memory"),
            ("dma-below-memory", {"dma": 1, "dma-at": 0x3ffff000},
             "are not pages of its memory"),
            ("dma-odd", {"dma": 1, "dma-at": 0x41000800},
             "are not pages of its memory"),
            ("dma-too-large", {"dma": 1, "dma-size": "512K"},
             "are not pages of its memory")):
        told(tap, f"bad-bundle/{name}",
             run(folder, make_bundle([small("dma", **config)]),
                 machine=DMA_ON), OWN_FAILURE, "[host] error: ", text)


def ends_at_once(tap, folder):
    told(tap, "ends-at-once/its-words-are-seen",
         run(folder, None, kind=LateClient), OWN_FAILURE,
         "there is no bundle")


def bad_options(tap, folder):
    bundle = make_bundle([small("hello")])
    for option, text in (("hypsec.slice=x", "not a number"),
                         ("hypsec.slice=0", "are not 0"),
                         ("hypsec.cpus=0", "are not 0"),
                         ("hypsec.only=nobody", "no VMs in it")):
        told(tap, f"bad-option/{option}", run(folder, bundle, option),
             OWN_FAILURE, text)


def failures(tap, folder):
    beside = small("hello", name="beside")
    told(tap, "image-outside-memory/others-run",
         run(folder, make_bundle([with_config("hello", "load0", 0x8000),
                                  beside])),
         1, "image 0 does not fit", "[vm2 beside] HYPSEC-VM-OK")
    told(tap, "memory-runs-out/vm-fails-and-all-comes-back",
         run(folder, make_bundle([small("walker", memory="2G"), beside])),
         1, "no memory left", "vm1 walker: FAILED: error",
         "pages came back zeroed", "[vm2 beside] HYPSEC-VM-OK")
    # Alone: another one might not be done in so little time.
    told(tap, "vm-never-ends/is-destroyed",
         run(folder, make_bundle([small("secret", argument=600)]),
             "hypsec.seconds=1 hypsec.grace=1"),
         1, "vm1 secret: FAILED: timeout", "pages came back zeroed")


def lives(tap, folder):
    status, lines = run(folder, make_bundle(
        [small("hello", repeat=5), small("smp", vcpus=2, repeat=2)]))
    tap.equal((status, sum("HYPSEC-VM-OK hello" in line for line in lines),
               sum("HYPSEC-VM-OK smp" in line for line in lines)), (0, 5, 2),
              "repeat/each-life-is-whole")
    for gic in (2, 3):
        options = guests.Options(gic=gic)
        status, lines = run(folder, make_bundle(
            [guests.small(options, "secret", vcpus=8, argument=1,
                          name=f"vm{n}") for n in range(MANY)]),
            smp=4, memory="1G", gic=gic)
        tap.equal((status, sum("HYPSEC-VM-OK" in line for line in lines)),
                  (0, MANY), f"most-vms-and-vcpus/gic{gic}")
    told(tap, "raw/only-what-the-vm-says",
         run(folder, make_bundle([small("hello")]), "hypsec.raw=1"), 0,
         "HYPSEC-VM-OK")


def devices(tap, folder):
    told(tap, "devices/each-life-gets-them-again",
         run(folder, make_bundle([small("dma", dma=5, repeat=4, argument=1)]),
             "hypsec.attack=1", machine=DMA_ON), 0,
         "vm1 dma: ok: off", "HYPSEC-VM-OK dma channels=2")
    # On one CPU, step by step: on two, one could come when the other is done.
    told(tap, "devices/one-of-two-vms-gets-it",
         run(folder, make_bundle([small("dma", dma=1, argument=1,
                                        name=f"vm{n}") for n in range(2)]),
             machine=DMA_ON, smp=1), 1, "HYPSEC-VM-OK dma",
         "SMMU_SET_STREAM: -3")


def rings(tap, folder):
    liars = [small("ring", argument=argument, name=name) for name, argument in
             (("never-shared", 0x8001), ("taken-back", 0x8002))]
    bundle = make_bundle([*liars, small("ring", name="honest")])
    told(tap, "rings/lies-hurt-nobody-else", run(folder, bundle), 0,
         "vm1: no ring", "vm2: its ring is gone",
         "[vm3 honest] HYPSEC-VM-OK")
    told(tap, "rings/none-where-a-violation-halts",
         run(folder, make_bundle(liars), "hypsec.rings=0",
             machine="hypsec-virt,on-violation=halt"), 0,
         "[vm1 never-shared] HYPSEC-VM-OK",
         "mode=taken-back attached=0")


def main(tap):
    with tempfile.TemporaryDirectory(prefix="hypsec-") as folder:
        folder = pathlib.Path(folder)
        bad_bundles(tap, folder)
        ends_at_once(tap, folder)
        bad_options(tap, folder)
        failures(tap, folder)
        lives(tap, folder)
        devices(tap, folder)
        rings(tap, folder)


boottest.run(main)
