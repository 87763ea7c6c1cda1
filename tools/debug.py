#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec debug`: a board that waits for gdb, and gdb with our commands."""
import argparse
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import board
import elf
import gdbserver
import guests
import linux_symbols
import parked
import recording
import run
import run_guest
import running
import sign

EXTENSION = board.ROOT / "tools/gdb/hypsec_gdb.py"
COMMANDS = "gdb-commands"
INTERRUPTS = "gdb-interrupts"
ANY = ""


class DebugError(Exception):
    """What the user gets to read, after the program's name."""


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        prog="hypsec debug",
        usage="hypsec debug [OPTION]... [-- QEMU ARGUMENT...]\n"
        "       hypsec debug --attach [NAME] [OPTION]...\n"
        "       hypsec debug --replay DIR [OPTION]...",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""\
Start a board that waits at reset, with gdb on this terminal: the commands of
"help hypsec", and the symbols of the firmware, the small host and its VMs for
whatever world the selected CPU is in. The board takes the options of "hypsec
run" and ends with gdb. Or debug a board that runs already, with --attach; that
one goes on when gdb ends. Or, with --replay, a run that "hypsec run --record"
has kept, forwards and backwards, the same each time.""",
        epilog="""\
examples:
  hypsec debug --guest demo
  hypsec debug --vmlinux vmlinux --kernel Image
  hypsec debug --attach                   the only board that runs
  hypsec debug --replay DIR               then `hypsec goto end`,
                                          `reverse-continue`
  hypsec debug --guest demo --batch --ex 'hypsec break at alice vm_main' \\
      --ex continue --ex backtrace        no questions asked, then end""")
    group = parser.add_argument_group("gdb")
    group.add_argument("--attach", nargs="?", const=ANY, metavar="NAME",
                       help="a running board, by (part of) its name or "
                       "command, or its process number; without NAME the "
                       "only one")
    group.add_argument("--icount", action="store_true",
                       help="have the CPUs take turns by count of "
                       "instructions: the same commands of gdb's lead to the "
                       "same places in each session")
    group.add_argument("--replay", type=pathlib.Path, metavar="DIR",
                       help="a recorded run, see hypsec run --record")
    group.add_argument("--vmlinux", type=pathlib.Path, metavar="FILE",
                       help="symbols of the Linux that runs: of the host, or "
                       "with --guest of the VM (default, for Debian's kernel: "
                       f"what {linux_symbols.SETUP} has fetched)")
    group.add_argument("--ex", action="append", default=[], metavar="COMMAND",
                       help="have gdb execute COMMAND first; may be repeated")
    group.add_argument("--script", type=pathlib.Path, metavar="FILE",
                       help="have gdb execute the commands in FILE first")
    group.add_argument("--batch", action="store_true",
                       help="end after these, with status 1 if the last one "
                       "failed")
    group.add_argument("--gdb", default=gdbserver.GDB, metavar="PROGRAM",
                       help="default: %(default)s")
    run_guest.add_arguments(parser)
    run.add_arguments(parser)
    args = run.parse_with_qemu(parser, argv)
    run_guest.check(parser, args)
    if args.batch and not (args.ex or args.script):
        parser.error("--batch takes --ex or --script, or nothing would "
                     "happen")
    if args.attach is not None and args.replay:
        parser.error("--attach and --replay are two boards")
    if args.attach is not None:
        _check_no_board(parser, args, "--attach")
    if args.replay:
        _check_no_board(parser, args, "--replay")
    return args


def _check_no_board(parser, args, option):
    """A board that runs, or has run, has been chosen already."""
    plain = run.parse_with_qemu(parser, [])
    for name in ("icount", "guest", "vcpus", "vm_memory", "key", "kernel",
                 "initrd", "append", "smp", "memory", "cpu", "gic", "timeout"):
        if getattr(args, name) != getattr(plain, name):
            parser.error(f"{option} takes a board as it is; --"
                         f"{name.replace('_', '-')} is for a new one")
    if args.qemu:
        parser.error(f"{option} takes a board as it is; QEMU's arguments are "
                     "for a new one")


def check_gdb(program):
    if not shutil.which(program):
        raise DebugError(f"{program} is missing; install it: "
                         "apt-get install gdb-multiarch")


def check_files(args):
    """Refuse what gdb would only stumble over later."""
    if args.script:
        run.read_start(args.script, "--script", 1)
    if args.vmlinux:
        run.read_start(args.vmlinux, "--vmlinux", 4)
        image = elf.Elf(args.vmlinux)
        if "_text" not in image.symbols(["_text"]):
            raise DebugError(
                f"--vmlinux {args.vmlinux}: no Linux kernel with symbols; "
                "the vmlinux at the top of a kernel's build folder has "
                "them, or a package linux-image-...-dbg")


def symbols_of_linux(args, known, kernel):
    """The entry for --vmlinux, or for what the set-up has fetched if that
    goes with KERNEL (a running.Kernel, None: nobody knows)."""
    if args.vmlinux:
        # The hostvisor's host is no Linux.
        world = "vm" if any(entry["name"] == gdbserver.HOSTVISOR
                            for entry in known) else "host"
        return [linux_symbols.entry(world, args.vmlinux)]
    installed = linux_symbols.INSTALLED
    if kernel is None or not installed.is_file():
        return []
    why = _why_not(kernel.file)
    if not args.batch:
        print("hypsec: Linux's symbols: " +
              (f"none; {why}" if why else str(installed)))
    return [] if why else [linux_symbols.entry(kernel.world, installed)]


def check_vmlinux(vmlinux, kernel):
    """Refuse VMLINUX for a new board with KERNEL. Of a board that runs only
    its memory tells, and gdb asks that: the file may be a newer one."""
    if vmlinux and kernel and linux_symbols.is_of_another(vmlinux, kernel.file):
        how = linux_symbols.difference(vmlinux, kernel.file)
        raise DebugError(f"--vmlinux {vmlinux}: not of the kernel "
                         f"{running.printable(kernel.file)}: {how}")


def _why_not(kernel):
    """Why the symbols from the set-up are not taken, and what helps; None if
    they are."""
    path = linux_symbols.INSTALLED
    try:
        other = linux_symbols.is_of_another(path, kernel)
    except elf.ElfError as error:
        # One can do without.
        return str(error)
    if other is False:
        return None
    kernel_name = running.printable(kernel)
    how = f"of {kernel_name} nobody can tell whether {path} is its vmlinux" \
        if other is None else \
        f"{path} is of another kernel than {kernel_name}: " \
        + linux_symbols.difference(path, kernel)
    return f"{how}; " + (f"run `{linux_symbols.SETUP}`"
                         if kernel == board.KERNEL else "give --vmlinux FILE")


def gdb_call(args, commands):
    """gdb's command line. COMMANDS is the file that connects it."""
    call = [args.gdb, "-q"]
    if args.batch:
        call += ["-nx", "-batch", "-ex", "set confirm off"]
    call += ["-x", str(commands)]
    if args.script:
        call += ["-x", str(args.script)]
    for command in args.ex:
        call += ["-ex", command]
    return call


def run_gdb(args, commands, environment=None):
    """gdb in the foreground; its exit status."""
    # Ctrl-C is for gdb, which stops the board. It loses some.
    interrupts = commands.with_name(INTERRUPTS)

    def interrupted(*_):
        with interrupts.open("ab") as file:
            file.write(b"C")
    before = signal.signal(signal.SIGINT, interrupted)
    process = subprocess.Popen(gdb_call(args, commands), env=environment)
    try:
        return process.wait(args.timeout)
    except subprocess.TimeoutExpired:
        raise DebugError(f"stopped after {args.timeout:g} s, as --timeout "
                         "says") from None
    finally:
        board.end(process)
        signal.signal(signal.SIGINT, before)
        interrupts.unlink(missing_ok=True)


def write_commands(folder, symbols, port, el2_log, more=()):
    path = folder / COMMANDS
    path.write_text("\n".join(
        [*gdbserver.preamble(EXTENSION, symbols, port, el2_log),
         "python import common; "
         f"common.set_interrupts({str(folder / INTERRUPTS)!r})",
         *more]) + "\n")
    return path


# A new board

def start(args):
    """Debug a new board; gdb's exit status."""
    run.check_user_files(args)
    board.check_built(board.QEMU, board.FIRMWARE,
                      *([guests.HOSTVISOR] if args.guest else
                        [args.kernel, args.initrd]))
    check_vmlinux(args.vmlinux, running.kernel_of(args))
    args.log = None
    folder, el2_log = run.open_logs(args)
    try:
        return debug_new(args, folder, el2_log)
    except board.StartError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def debug_new(args, folder, el2_log):
    config = run_guest.configuration(args, folder) if args.guest else \
        run.configuration(args, "shell")
    # After a panic of EL2's there is something to look at.
    config.extra = (*running.observer(config.extra), *config.extra, "-S",
                    "-action", "panic=pause",
                    *(parked.PINNED if args.icount else ()))
    symbols = gdbserver.symbols(config)
    status = debug_board(args, folder, el2_log, config, symbols,
                         running.kernel_of(args))
    (folder / run_guest.BUNDLE).unlink(missing_ok=True)
    return status


def debug_board(args, folder, el2_log, config, symbols, kernel, more=()):
    """Start the board of CONFIG, with KERNEL (a running.Kernel or None), for
    gdb, which first executes MORE; gdb's exit status. The logs in FOLDER stay,
    but after --batch."""
    symbols = symbols + symbols_of_linux(args, symbols, kernel)
    host_log, terminal = folder / "host-console.log", folder / "host-console"
    server = gdbserver.Listener()
    config.extra = (*config.extra, *server.arguments())
    entry = running.Registration(
        folder, run.typed(), symbols=symbols, el2_log=el2_log,
        host_log=host_log, kernel=kernel)
    # Of a replay nothing comes from outside.
    typed_on = None if args.replay else terminal
    machine = board.Board(config, log=host_log, el2_log=el2_log,
                          typing=False, fds=[server.fileno()],
                          registration=entry, terminal=typed_on,
                          own_session=True)
    with entry, machine:
        server.close_ours()
        if not args.batch:
            print(f"hypsec: host's console: tail -f {host_log}")
            if typed_on:
                print(f"hypsec: to type on it: screen {terminal}")
            print(f"hypsec: EL2's console: tail -f {el2_log}\n"
                  f"hypsec: gdb server: 127.0.0.1:{server.port}; the board "
                  "waits at reset and ends with gdb", flush=True)
        status = run_gdb(args, write_commands(folder, symbols, server.port,
                                              el2_log, more))
    terminal.unlink(missing_ok=True)
    if args.batch:
        shutil.rmtree(folder, ignore_errors=True)
    return status


# A run that was recorded

def replay(args):
    """Debug a recorded run; gdb's exit status."""
    board.check_built(board.QEMU, recording.QEMU_IMG)
    recorded = recording.load(args.replay)
    if recording.qemu_differs(recorded):
        print("hypsec: another build of QEMU has recorded this; the replay "
              "can go astray", file=sys.stderr)
    args.log = None
    folder, el2_log = run.open_logs(args)
    try:
        end = recording.prepare(recorded, folder, args.batch)
        config = recorded.config(*recording.drive(folder))
        return debug_board(
            args, folder, el2_log, config, recorded.symbols,
            recorded.linux(),
            [f"python import cmd_replay; cmd_replay.set_end({end})"])
    except (board.StartError, KeyboardInterrupt, SystemExit):
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        (folder / recording.SNAPSHOTS).unlink(missing_ok=True)


# A board that runs

def attach(args):
    """Debug a board that runs; gdb's exit status."""
    chosen = running.pick(args.attach or None)
    symbols = chosen.symbols + symbols_of_linux(args, chosen.symbols,
                                                chosen.kernel)
    with tempfile.TemporaryDirectory(prefix="hypsec-") as folder:
        with gdbserver.attached(chosen) as server:
            if not args.batch:
                print(f"hypsec: {chosen}\n"
                      f"hypsec: gdb server: 127.0.0.1:{server.port}; the "
                      "board goes on when gdb ends", flush=True)
            return run_gdb(args, write_commands(pathlib.Path(folder), symbols,
                                                server.port, chosen.el2_log))


def main(argv):
    run.take_qemu_along()
    args = parse_arguments(argv)
    try:
        check_gdb(args.gdb)
        check_files(args)
        way = replay if args.replay else \
            start if args.attach is None else attach
        return 1 if way(args) else 0
    except (DebugError, run.RunError, board.BoardError, guests.GuestError,
            sign.SignError, elf.ElfError, running.RunningError,
            recording.RecordingError) as error:
        print(f"hypsec debug: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("hypsec debug: interrupted", file=sys.stderr)
        return run.INTERRUPTED
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
