#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the host's kernel announces to programs works, on every CPU."""
import argparse
import pathlib
import sys
import tempfile

import boottest
import board

sys.path.insert(0, str(board.ROOT / "guest-images/linux"))
import make_initrd  # noqa: E402
import newc  # noqa: E402

PROGRAM = board.BUILD / "tests/boot/features"


def initrd_with_program(path):
    """Our initramfs and the program: the kernel unpacks one after another."""
    archive = newc.Archive()
    archive.add("features", newc.S_IFREG | 0o755, PROGRAM.read_bytes())
    path.write_bytes(board.INITRD.read_bytes() +
                     make_initrd.gzip_bytes(archive.finish()))


def announced(machine):
    _, lines = machine.shell("grep -m 1 Features /proc/cpuinfo")
    return lines[-1].split(":")[1].split()


def main(tap):
    parser = argparse.ArgumentParser()
    parser.add_argument("--cpu", default="max")
    parser.add_argument("--gic", type=int, default=2)
    settings = {"smp": 2, **vars(parser.parse_args())}

    with tempfile.TemporaryDirectory(prefix="hypsec-") as folder:
        initrd = pathlib.Path(folder) / "initrd.gz"
        initrd_with_program(initrd)
        with boottest.host(append=boottest.expectations(settings),
                           initrd=initrd, **settings) as machine:
            boottest.wait_ready(machine)
            features = announced(machine)
            for cpu in range(settings["smp"]):
                _, lines = machine.shell(f"taskset {1 << cpu:x} /features")
                seen = dict(line.split(maxsplit=1) for line in lines)
                tap.result(len(seen) > 1, f"cpu{cpu}/program-runs",
                           "\n".join(lines))
                for name in features:
                    if name in seen:
                        tap.equal(seen[name], "works", f"cpu{cpu}/{name}")
            boottest.self_check(tap, machine)
            boottest.power_off(tap, machine)


boottest.run(main)
