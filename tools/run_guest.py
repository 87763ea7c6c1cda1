# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec run --guest`: protected VMs under the bare-metal hostvisor."""
import argparse
import os
import pathlib
import re
import time

import board
import gdbserver
import guests
import sign

# The VMs are done, only the host's own power-off is left.
POWER_OFF_SECONDS = 30
TRUSTED_KEY = "trusted-key.pub"
BUNDLE = "bundle.cpio"
# Lines of the host's that a batch run passes on.
HOST_LINES = r"\[host\] (attack.*|error: .*)"


def add_arguments(parser):
    """The options that only --guest has; None where they are absent."""
    group = parser.add_argument_group("protected VMs under the small host")
    group.add_argument("--guest", choices=guests.CATALOGUE, metavar="NAME",
                       help="start VMs instead of Linux: "
                       f"{', '.join(guests.CATALOGUE)}; see the list below. "
                       "--kernel (a plain Image), --initrd and --append are "
                       "linux-vm's then; with the others --append is for "
                       "the host")
    group.add_argument("--vcpus", type=int, metavar="N",
                       choices=range(1, 9),
                       help="virtual CPUs of each VM, 1 to 8")
    group.add_argument("--vm-memory", metavar="SIZE",
                       help="RAM of each VM")
    group.add_argument("--key", type=pathlib.Path, metavar="KEY.pem",
                       help="sign the VMs with this key and have the board "
                       "trust it (default: the demo key, which everybody has)")


def epilog():
    """The list of guests, for --help."""
    width = max(map(len, guests.CATALOGUE)) + 2
    return "guests:\n" + "\n".join(
        f"  {name:{width}}{what}"
        for name, (what, _) in guests.CATALOGUE.items())


def check(parser, args):
    """Refuse options that do not go together."""
    if args.guest is None:
        for name in ("vcpus", "vm_memory", "key"):
            if getattr(args, name) is not None:
                parser.error(f"--{name.replace('_', '-')} is for --guest")
    elif args.guest != "linux-vm" and (args.kernel != board.KERNEL or
                                       args.initrd != board.INITRD):
        parser.error("--kernel and --initrd are for Linux and "
                     "--guest linux-vm")


def options(args):
    chosen = guests.Options(cpus=args.smp, vcpus=args.vcpus,
                            memory=args.vm_memory, gic=args.gic,
                            shell=not args.batch, kernel=args.kernel)
    if args.key:
        chosen.key = args.key
    if args.initrd != board.INITRD:
        chosen.initrd = args.initrd
    if args.guest == "linux-vm":
        chosen.append = args.append
    return chosen


def trust(key, folder):
    """What makes a board trust the public half of KEY: machine options and
    QEMU's arguments."""
    if key is None:
        return "", ()
    (folder / TRUSTED_KEY).write_bytes(sign.public_key(key))
    return ",trusted-key=vm-key", trusted(folder)


def trusted(folder):
    """QEMU's arguments for the public key in FOLDER."""
    return ("-object", "secret,id=vm-key,format=raw,file="
            f"{board.escape(folder / TRUSTED_KEY)}")


def threads(cpus):
    """QEMU's arguments for a board with so many CPUs. A lock's next owner
    must not wait for this machine to give its thread a turn."""
    if cpus > (os.cpu_count() or 1):
        return "-accel", "tcg,thread=single"
    return ()


def configuration(args, folder):
    """The board that starts the guest; its bundle goes into FOLDER."""
    scenario = guests.scenario(args.guest, options(args))
    initrd, bundle = folder / BUNDLE, scenario.bundle()
    try:
        initrd.write_bytes(bundle)
    except OSError as error:
        raise guests.GuestError(f"{initrd}: {error.strerror}") from None
    machine, extra = trust(args.key, folder)
    host = scenario.host
    if args.guest != "linux-vm":
        host = [*host, args.append]
    return board.Config(
        machine="hypsec-virt" + scenario.machine + machine, cpu=args.cpu, smp=args.smp,
        memory=args.memory, gic=args.gic, kernel=guests.HOSTVISOR,
        initrd=initrd, append=" ".join(host).strip(),
        extra=("-action", "panic=exit-failure", *threads(args.smp), *extra,
               *args.qemu),
        symbols=gdbserver.guest_symbols(scenario))


def verdicts(lines):
    """What VMs and host said that somebody wants to read."""
    found = []
    for line in lines:
        if match := re.search(guests.VERDICT, line) or \
           re.search(HOST_LINES, line):
            found.append(match[0])
    return found


def run_board(config, limit, log, el2_log, registration=None):
    """Run until all VMs are done; what they and the host said. Raises
    BoardError if one has failed."""
    with board.Board(config, log=log, el2_log=el2_log,
                     registration=registration) as machine:
        done = machine.wait_line(guests.HOST_DONE, limit, "end of all VMs")
        machine.wait_event("SHUTDOWN", POWER_OFF_SECONDS,
                           reason="guest-shutdown")
        status = machine.wait_exit(POWER_OFF_SECONDS)
        lines = verdicts(machine.console.lines)
        failed = [line for line in lines if line.startswith("HYPSEC-VM-FAIL")]
        if done[1] != "0" or failed or status:
            raise machine.error(f"status {done[1]} of the host, {status} of "
                                "QEMU:\n" + "\n".join(lines))
        return lines


def run_batch(args, config, limit, log, el2_log, registration=None):
    """Run the guest of ARGS; the lines of result."""
    config.extra = ("-no-reboot", *config.extra)
    began = time.monotonic()
    lines = run_board(config, limit, log, el2_log, registration)
    return [*lines, f"HYPSEC-GUEST-OK {args.guest} cpu={args.cpu} "
            f"cpus={args.smp} gic={args.gic} "
            f"wall={time.monotonic() - began:.1f}s"]
