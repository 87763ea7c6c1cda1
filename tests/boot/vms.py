#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Protected VMs under the hostvisor: each named guest of ./hypsec run --guest
comes to a good end, and the host's attacks on it do not. With --halt the host
attacks nobody, and a single violation would stop the machine."""
import argparse
import pathlib
import re
import tempfile

import boottest
import board
import guests
import run_guest

SECONDS = 400
HOST_ATTACKS = r"\[host\] attack"


def run(tap, name, halt, settings, options):
    """Guest NAME: all its VMs are well, and attacks were tried, or with HALT
    none."""
    scenario = guests.scenario(name, options)
    with tempfile.TemporaryDirectory(prefix="hypsec-") as folder:
        folder = pathlib.Path(folder)
        bundle = folder / run_guest.BUNDLE
        bundle.write_bytes(scenario.bundle())
        config = board.Config(
            machine="hypsec-virt" + scenario.machine +
            (",on-violation=halt" if halt else ""),
            kernel=guests.HOSTVISOR, initrd=bundle,
            append="" if halt else " ".join(scenario.host),
            extra=("-no-reboot", *run_guest.threads(settings["smp"])),
            **settings)
        with tap.behaviour(f"{name}/runs-to-a-good-end"):
            lines = run_guest.run_board(config, SECONDS, folder / "host.log",
                                        folder / "el2.log")
            tap.equal(len([line for line in lines
                           if line.startswith("HYPSEC-VM-OK ")]),
                      len(scenario.vms), f"{name}/every-vm-says-it-is-well")
            attacked = any(re.search(HOST_ATTACKS, line) for line in lines)
            tap.result(attacked != halt, f"{name}/host-is-honest" if halt else
                       f"{name}/host-attacks-in-vain", "\n".join(lines))


def main(tap):
    parser = argparse.ArgumentParser()
    parser.add_argument("guests", nargs="+")
    parser.add_argument("--smp", type=int, default=2)
    parser.add_argument("--memory", default="1G")
    parser.add_argument("--gic", type=int, default=2)
    parser.add_argument("--cpu", default="cortex-a72")
    parser.add_argument("--halt", action="store_true")
    settings = vars(parser.parse_args())
    names, halt = settings.pop("guests"), settings.pop("halt")
    for name in names:
        run(tap, name, halt, settings, guests.Options(cpus=settings["smp"],
                                                 gic=settings["gic"]))


boottest.run(main)
