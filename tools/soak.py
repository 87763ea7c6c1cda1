#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec soak`: VMs that do everything at once for a long time.

Four VMs of two vCPUs each on four CPUs compute with FP/SIMD registers, are
interrupted by their timers, switch vCPUs off and on, fill and check memory and
lend pages to the host, which attacks them meanwhile. One wrong value anywhere
is a failure.
"""
import argparse
import pathlib
import re
import shutil
import sys
import time

import board
import guests
import run
import run_guest
import sign

DEFAULT_SECONDS = 600
# The argument of a guest has 16 bits.
MAX_SECONDS = 65535
# Start and end of the board, on a machine that has other things to do.
EXTRA_SECONDS = 120


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        prog="hypsec soak", usage="hypsec soak [OPTION]... [-- QEMU ARG...]",
        description="Run VMs that do everything at once, and exit 0 if no "
        "value was ever wrong.")
    parser.add_argument("--seconds", type=int, default=DEFAULT_SECONDS,
                        metavar="S", help="for how long "
                        "(default: %(default)s)")
    parser.add_argument("--vms", type=int, default=4, metavar="N",
                        choices=range(1, 16), help="how many VMs, 1 to 15 "
                        "(default: %(default)s)")
    parser.add_argument("--vcpus", type=int, default=2, metavar="N",
                        choices=range(1, 9), help="virtual CPUs of each, 1 to "
                        "8 (default: %(default)s)")
    parser.add_argument("--vm-memory", default="48M", metavar="SIZE",
                        help="RAM of each (default: %(default)s)")
    parser.add_argument("--smp", type=int, default=4, metavar="N",
                        help="CPUs, 1 to 8 (default: %(default)s)")
    parser.add_argument("--memory", default="1G", metavar="SIZE",
                        help="RAM, 256M to 64G (default: %(default)s)")
    parser.add_argument("--cpu", default="cortex-a72", metavar="MODEL",
                        help="CPU model (default: %(default)s)")
    parser.add_argument("--gic", type=int, choices=(2, 3), default=2,
                        help="GIC version (default: %(default)s)")
    parser.add_argument("--append", default="", metavar="STRING",
                        help="more options for the host")
    parser.add_argument("--log", type=pathlib.Path, metavar="FILE",
                        help="where EL2's console goes")
    args = run.parse_with_qemu(parser, argv)
    if not 1 <= args.seconds <= MAX_SECONDS:
        parser.error(f"--seconds {args.seconds}: 1 to {MAX_SECONDS}")
    return args


def configuration(args, folder):
    options = guests.Options(vcpus=args.vcpus, memory=args.vm_memory)
    # The host may read what a VM shares just then.
    vms = [guests.small(options, "soak", argument=args.seconds, shares=1,
                        name=f"soak{n}") for n in range(1, args.vms + 1)]
    bundle = folder / run_guest.BUNDLE
    bundle.write_bytes(guests.Scenario(vms, []).bundle())
    return board.Config(
        cpu=args.cpu, smp=args.smp, memory=args.memory, gic=args.gic,
        kernel=guests.HOSTVISOR, initrd=bundle,
        append=f"hypsec.attack=1 {args.append}".strip(),
        extra=("-no-reboot", "-action", "panic=exit-failure",
               *run_guest.threads(args.smp), *args.qemu))


def totals(lines):
    """The sum of each figure over all VMs."""
    sums = {}
    for line in lines:
        for key, value in re.findall(r"(\w+)=(\d+)", line):
            sums[key] = sums.get(key, 0) + int(value)
    return sums


def soak(args, folder, el2_log):
    """The lines of result."""
    config = configuration(args, folder)
    began = time.monotonic()
    lines = run_guest.run_board(config, args.seconds + EXTRA_SECONDS,
                                folder / "host-console.log", el2_log)
    good = [line for line in lines if "HYPSEC-VM-OK soak" in line]
    if len(good) != args.vms:
        raise board.BoardError(f"{len(good)} of {args.vms} VMs told of a good "
                               "end:\n" + "\n".join(lines))
    sums = " ".join(f"{key}={value}" for key, value in totals(good).items())
    return [*lines, f"HYPSEC-SOAK-OK vms={args.vms} {sums} cpu={args.cpu} "
            f"cpus={args.smp} gic={args.gic} "
            f"wall={time.monotonic() - began:.0f}s"]


def main(argv):
    run.take_qemu_along()
    args = parse_arguments(argv)
    try:
        board.check_built(board.QEMU, board.FIRMWARE, guests.HOSTVISOR)
        folder, el2_log = run.open_logs(args)
        try:
            print("\n".join(soak(args, folder, el2_log)))
        except board.BoardError as error:
            raise run.RunError(f"{error}\nwhole logs: "
                               f"{folder / 'host-console.log'} and "
                               f"{el2_log}") from None
        shutil.rmtree(folder, ignore_errors=True)
        return 0
    except (run.RunError, board.BoardError, guests.GuestError,
            sign.SignError) as error:
        print(f"hypsec soak: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("hypsec soak: interrupted", file=sys.stderr)
        return run.INTERRUPTED
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
