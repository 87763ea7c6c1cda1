#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec run`: boot Linux, or protected VMs, under the EL2 firmware."""
import argparse
import math
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import board
import gdbserver
import guests
import recording
import run_guest
import running
import sign

DEFAULT_BATCH_TIMEOUT = 120
INTERRUPTED = 130
# The self-check is done, only the power-off is left.
POWER_OFF_SECONDS = 30
# Longer than any run, shorter than what the clock's functions take.
MAX_TIMEOUT = 1_000_000

IMAGE_MAGIC = b"ARM\x64"
IMAGE_MAGIC_OFFSET = 56
GZIP_MAGIC = b"\x1f\x8b"
ZBOOT_MAGIC = b"zimg"
ZBOOT_MAGIC_OFFSET = 4


class RunError(Exception):
    """What the user gets to read, after the program's name."""


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        prog="hypsec run", usage="hypsec run [OPTION]... [-- QEMU ARGUMENT...]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""\
Boot Linux as the host, at EL1, under the EL2 firmware, or with --guest a small
host and protected VMs. Anything after "--" goes to QEMU.

Without options: Debian's kernel and a busybox shell on this terminal (Ctrl-A x
quits, Ctrl-A c switches to QEMU's monitor and back). EL2's console goes to a
log file whose name is printed first.""",
        epilog=f"""\
{run_guest.epilog()}

examples:
  hypsec run                              a shell
  hypsec run --batch --smp 8 --gic 3      self-check, one line of result
  hypsec run --guest demo                 two VMs and the host
  hypsec run --guest linux-vm --batch     Linux as a VM, checked
  hypsec run --guest demo --batch --record DIR
                                          to be debugged backwards later
  hypsec run -- -gdb tcp::1234 -S         wait for a debugger""")
    parser.add_argument("--batch", action="store_true",
                        help="boot, run the self-check in the guest, power "
                        "off; prints one line HYPSEC-HOST-OK ... and exits 0, "
                        "or says what went wrong and exits 1; with --guest "
                        "the lines HYPSEC-VM-OK ... of the VMs")
    parser.add_argument("--record", type=pathlib.Path, metavar="DIR",
                        help="with --batch: keep the run in the new folder "
                        "DIR, good or bad, for `hypsec debug --replay DIR`; "
                        "one CPU")
    run_guest.add_arguments(parser)
    add_arguments(parser)
    parser.add_argument("--log", type=pathlib.Path, metavar="FILE",
                        help="where EL2's console goes (default: a new file "
                        "under build/run/)")
    args = parse_with_qemu(parser, argv)
    run_guest.check(parser, args)
    if args.record:
        check_record(parser, args)
    return args


def check_record(parser, args):
    """Refuse what a recording cannot have."""
    if not args.batch:
        parser.error("--record goes with --batch: nobody can type")
    if args.qemu or args.log:
        parser.error("--record takes no --log and no arguments of QEMU's")
    if args.smp != 1:
        parser.error(f"--smp {args.smp}: QEMU records one CPU (--smp 1)")


def add_arguments(parser):
    """The options that say what board to boot, and what on it."""
    parser.add_argument("--timeout", type=_seconds, metavar="S",
                        help="give up after S seconds (default: "
                        f"{DEFAULT_BATCH_TIMEOUT} with --batch, else none)")
    parser.add_argument("--kernel", type=pathlib.Path, metavar="FILE",
                        default=board.KERNEL,
                        help="an arm64 Image, plain, gzip or EFI zboot; as a "
                        "VM only plain")
    parser.add_argument("--initrd", type=pathlib.Path, metavar="FILE",
                        default=board.INITRD, help="the initramfs")
    parser.add_argument("--append", default="", metavar="STRING",
                        help="more kernel command line; of the VM with "
                        "--guest linux-vm, of the small host with others")
    parser.add_argument("--smp", type=int, metavar="N",
                        help="CPUs, 1 to 8 (default: 2; 1 to record)")
    parser.add_argument("--memory", default="1G", metavar="SIZE",
                        help="RAM, 256M to 64G (default: %(default)s)")
    parser.add_argument("--cpu", default="cortex-a72", metavar="MODEL",
                        help="CPU model (default: %(default)s)")
    parser.add_argument("--gic", type=int, choices=(2, 3), default=2,
                        help="GIC version (default: %(default)s)")


def parse_with_qemu(parser, argv):
    """Parse ARGV; what follows "--" becomes the list `qemu`."""
    ours, qemu = argv, []
    if "--" in argv:
        split = argv.index("--")
        ours, qemu = argv[:split], argv[split + 1:]
    args = parser.parse_args(ours)
    args.qemu = qemu
    if args.smp is None:
        args.smp = 1 if getattr(args, "record", None) else 2
    if not 1 <= args.smp <= 8:
        parser.error(f"--smp {args.smp}: the board has 1 to 8 CPUs")
    return args


def _seconds(text):
    value = float(text)
    if not (math.isfinite(value) and 0 < value <= MAX_TIMEOUT):
        raise argparse.ArgumentTypeError(
            f"{text} is not a positive time of at most {MAX_TIMEOUT} s")
    return value


def read_start(path, option, length):
    """The first bytes of a user's file, or a RunError that names the option."""
    try:
        if not path.is_file():
            raise RunError(f"{option} {path}: " + (
                "is not a regular file" if path.exists() else
                "no such file"))
        with open(path, "rb") as file:
            start = file.read(length)
    except OSError as error:
        raise RunError(f"{option} {path}: {error.strerror}") from None
    if not start:
        raise RunError(f"{option} {path}: the file is empty")
    return start


def check_user_files(args):
    """Refuse files that cannot boot before QEMU runs, and say why."""
    if args.kernel != board.KERNEL:
        start = read_start(args.kernel, "--kernel", 64)
        magic = start[IMAGE_MAGIC_OFFSET:IMAGE_MAGIC_OFFSET + 4]
        zboot = start[ZBOOT_MAGIC_OFFSET:].startswith(ZBOOT_MAGIC)
        if not (magic == IMAGE_MAGIC or start.startswith(GZIP_MAGIC) or
                zboot):
            raise RunError(
                f"--kernel {args.kernel}: neither an arm64 Image nor one "
                "compressed by gzip or EFI zboot; a kernel build leaves it "
                "at arch/arm64/boot/Image")
    if args.initrd != board.INITRD:
        read_start(args.initrd, "--initrd", 1)


def open_logs(args):
    """The folder for this run's logs and the file for EL2's console."""
    if getattr(args, "record", None):
        recording.make_folder(args.record)
        return args.record, args.record / recording.EL2_LOG
    runs = running.RUNS
    try:
        if args.log:
            args.log.write_bytes(b"")
        runs.mkdir(parents=True, exist_ok=True)
        folder = pathlib.Path(tempfile.mkdtemp(
            dir=runs, prefix=time.strftime("%Y%m%d-%H%M%S-")))
    except OSError as error:
        raise RunError(f"cannot write the log {error.filename}: "
                       f"{error.strerror}") from None
    return folder, args.log or folder / "el2-console.log"


def configuration(args, mode):
    expected = f"hypsec.mode={mode} hypsec.cpus={args.smp} " \
               f"hypsec.gic={args.gic}"
    if mode == "batch":
        # A kernel that panics shall end the run, not wait for the time limit.
        expected = f"panic=-1 {expected}"
    return board.Config(
        cpu=args.cpu, smp=args.smp, memory=args.memory, gic=args.gic,
        kernel=args.kernel, initrd=args.initrd,
        append=f"{expected} {args.append}".strip(),
        extra=("-action", "panic=exit-failure", *args.qemu))


def typed():
    """The command that the user typed."""
    return shlex.join(["hypsec", pathlib.Path(sys.argv[0]).stem,
                       *sys.argv[1:]])


def register(args, config, folder, el2_log, host_log=None):
    """The board's entry among those that run, see running.py."""
    config.extra = (*running.observer(config.extra), *config.extra)
    return running.Registration(
        folder, typed(), symbols=gdbserver.symbols(config), el2_log=el2_log,
        host_log=host_log, kernel=running.kernel_of(args))


def run_batch(args, config, folder, el2_log, entry=None):
    """Boot, check, power off; the line of result."""
    config.extra = ("-no-reboot", *config.extra)
    limit = args.timeout or DEFAULT_BATCH_TIMEOUT
    began = time.monotonic()
    with board.Board(config, log=folder / "host-console.log",
                     el2_log=el2_log, registration=entry) as machine:
        verdict = machine.wait_line(r"HYPSEC-HOST-(OK|FAIL)\s*(.*)",
                                    limit, "result of the self-check")
        if verdict[1] == "FAIL":
            cases = [line for line in machine.console.lines
                     if line.startswith("FAIL: ")]
            raise machine.error("the self-check failed:\n" +
                                "\n".join(f"  {line}" for line in cases))
        machine.wait_event("SHUTDOWN", POWER_OFF_SECONDS,
                           reason="guest-shutdown")
        status = machine.wait_exit(POWER_OFF_SECONDS)
        if status != 0:
            raise machine.error(f"QEMU exited with status {status}")
    seconds = time.monotonic() - began
    return f"HYPSEC-HOST-OK {verdict[2]} cpu={args.cpu} wall={seconds:.1f}s"


def run_interactive(args, config, folder, el2_log, entry):
    """Hand the terminal to the board until QEMU ends."""
    command = [str(board.QEMU), *config.arguments(),
               "-serial", "mon:stdio",
               "-serial", f"file:{board.escape(el2_log)}", *config.extra,
               *entry.arguments()]
    print(f"hypsec: EL2's console goes to {el2_log}\n"
          "hypsec: Ctrl-A x quits, Ctrl-A c switches to QEMU's monitor",
          flush=True)
    with subprocess.Popen(command, pass_fds=entry.fds) as process:
        entry.started(process.pid)
        try:
            status = process.wait(args.timeout)
        except subprocess.TimeoutExpired:
            raise RunError(f"stopped after {args.timeout:g} s, as --timeout "
                           "says") from None
        finally:
            # Not killed: QEMU gives the terminal its settings back.
            process.terminate()
    if status != 0:
        raise RunError(f"QEMU exited with status {status}: "
                       f"{shlex.join(command)}\nlast lines of EL2's console "
                       f"({el2_log}):\n"
                       f"{board.tail(el2_log, board.EL2_TAIL_LINES)}")
    if args.log:
        shutil.rmtree(folder)


def run_guest_batch(args, config, folder, el2_log, entry=None):
    return "\n".join(run_guest.run_batch(
        args, config, args.timeout or DEFAULT_BATCH_TIMEOUT,
        folder / "host-console.log", el2_log, entry))


def run_in(args, folder, el2_log):
    """Run with logs in FOLDER, which goes if a batch run was good."""
    try:
        config = run_guest.configuration(args, folder) if args.guest else \
            configuration(args, "batch" if args.batch else "shell")
        if not args.batch:
            with register(args, config, folder, el2_log) as entry:
                run_interactive(args, config, folder, el2_log, entry)
            # Only the log of EL2's console stays.
            (folder / run_guest.BUNDLE).unlink(missing_ok=True)
            return
        batch = run_guest_batch if args.guest else run_batch
        with register(args, config, folder, el2_log,
                      folder / "host-console.log") as entry:
            if args.record:
                recording.begin(config, folder, typed())
            print(batch(args, config, folder, el2_log, entry))
            if args.record:
                recording.check_log(folder)
    except (board.StartError, guests.GuestError, recording.RecordingError):
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except board.BoardError as error:
        text = f"{error}\nwhole logs: {folder / 'host-console.log'} and " \
               f"{el2_log}"
        if args.record:
            text += "\nto go through it: ./hypsec debug --replay " \
                    f"{shlex.quote(str(folder))}"
        raise RunError(text) from None
    finally:
        if args.record:
            (folder / run_guest.BUNDLE).unlink(missing_ok=True)
    if not args.record:
        shutil.rmtree(folder, ignore_errors=True)


def take_qemu_along():
    """A run that is terminated, or whose terminal is closed, shall take QEMU
    with it; under nohup it goes on."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: sys.exit(1))


def main(argv):
    take_qemu_along()
    args = parse_arguments(argv)
    try:
        check_user_files(args)
        board.check_built(board.QEMU, board.FIRMWARE,
                          *([guests.HOSTVISOR] if args.guest else
                            [args.kernel, args.initrd]))
        folder, el2_log = open_logs(args)
        run_in(args, folder, el2_log)
        return 0
    except (RunError, board.BoardError, guests.GuestError,
            sign.SignError, recording.RecordingError) as error:
        print(f"hypsec run: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("hypsec run: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
