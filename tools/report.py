#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec report`: run a board, and write what happened as a web page."""
import argparse
import dataclasses
import hashlib
import pathlib
import platform
import shlex
import sys
import tempfile
import time

import board
import ellog
import guests
import report_log
import report_page
import report_run
import run
import run_guest
import sign
import trace
from parked import PINNED
from report_console import Console

DEFAULT_LIMIT = "64M"


@dataclasses.dataclass
class Report:
    """All that a page shows."""
    title: str
    board: list
    how: list
    qemu_command: str
    outcome: report_run.Outcome
    memory: report_run.Memory
    el2: Console
    host: Console
    figures: report_log.Figures | None = None
    log_problem: str = ""

    def pictures(self):
        return [found for found in (self.memory.best, self.outcome.end)
                if found]

    def instructions(self):
        """{world: instructions}: of the log, or as the observer counted."""
        if not self.figures or not self.figures.icount:
            return None
        return self.figures.instructions or self.outcome.world_instructions


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        prog="hypsec report",
        usage="hypsec report [OPTION]... [-- QEMU ARGUMENT...]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""\
Run a board to its end as `hypsec run --batch` does and write one HTML file
that any browser shows without a network: exits to EL2 by cause and world over
time, time and instructions of each world, what world switches cost, whose
memory it was, both consoles. Instructions are counted, so that the figures
are the same on every machine. A run that fails leaves its report too.""",
        epilog=f"""\
{run_guest.epilog()}

examples:
  hypsec report                           Linux boots and checks itself
  hypsec report --guest demo --smp 1      two VMs; every figure is exact
  hypsec report --guest all --out all.html""")
    parser.add_argument("--out", type=pathlib.Path, metavar="FILE",
                        help="the page (default: a new file under "
                        "build/run/)")
    parser.add_argument("--limit", type=trace.size, metavar="SIZE",
                        default=trace.size(DEFAULT_LIMIT),
                        help="bytes that the observer's log may take "
                        f"(default: {DEFAULT_LIMIT})")
    parser.add_argument("--keep-log", type=pathlib.Path, metavar="FILE",
                        help="keep the observer's log in FILE, for "
                        "`hypsec trace --log`")
    parser.add_argument("--no-icount", dest="icount", action="store_false",
                        help="do not count instructions: CPUs run at once, "
                        "costs are times, and no two runs are the same")
    parser.add_argument("--once", action="store_true",
                        help="no second run for the picture of the memory "
                        "while VMs have it")
    run_guest.add_arguments(parser)
    run.add_arguments(parser)
    args = run.parse_with_qemu(parser, argv)
    run_guest.check(parser, args)
    args.batch = True
    return args


# The parts of the page that are neither measured nor drawn

def title(args):
    return f"guest {args.guest}" if args.guest else "Linux as the host"


def facts_of_board(args, outcome):
    what = {name: words for name, (words, _) in guests.CATALOGUE.items()}
    return [
        ("software", f"the hostvisor with --guest {args.guest}: "
         f"{what[args.guest]}" if args.guest else
         f"Linux at EL1 under the firmware ({args.kernel.name})"),
        ("board", f"{args.smp} × {args.cpu}, {args.memory} of RAM, "
         f"GICv{args.gic}"),
        ("clock", "1 instruction is 1 ns (-icount)" if args.icount else
         "QEMU's virtual clock, not counted in instructions"),
        *([("options for QEMU", shlex.join(args.user_qemu))]
          if args.user_qemu else []),
    ]


def digest(path):
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        return f"({error.strerror})"


def facts_of_making(argv, args, outcome):
    kernel = guests.HOSTVISOR if args.guest else args.kernel
    return [
        ("command", shlex.join(["./hypsec", "report", *argv])),
        ("made", time.strftime("%Y-%m-%d %H:%M:%S %z")),
        ("the run took", f"{outcome.wall:.1f} s"),
        ("QEMU", outcome.qemu or "did not say"),
        ("firmware", f"{board.FIRMWARE.name}, sha256 "
         f"{digest(board.FIRMWARE)}…"),
        ("host", f"{pathlib.Path(kernel).name}, sha256 {digest(kernel)}…"),
        ("Python", platform.python_version()),
    ]


# The runs

def qemu_arguments(args, *observer, icount=True):
    """QEMU's arguments for a run, seeded as those of ./hypsec bench."""
    counted = PINNED[:2] if args.icount and icount else ()
    return (*counted, *PINNED[2:], "-device",
            ",".join(("hypsec-el-observer,id=obs", *observer)),
            *args.user_qemu)


def with_qemu(args, qemu):
    args = argparse.Namespace(**vars(args))
    args.qemu = qemu
    return args


def log_of(args, folder):
    return args.keep_log or folder / "el.log"


def runs(args, folder):
    """Both runs, with their logs in FOLDER; Outcome and Memory."""
    first = with_qemu(args, qemu_arguments(
        args, f"log={board.escape(log_of(args, folder))}",
        f"log-limit={args.limit}"))
    outcome = report_run.measured_run(
        first, folder, folder / "host-console.log", folder / "el2-console.log")
    memory = report_run.Memory(None)
    if args.guest and not args.once and not outcome.failure:
        # Not counted, see report_run.py.
        second = with_qemu(args, qemu_arguments(args, icount=False))
        memory = report_run.memory_run(second, folder,
                                       folder / "host-again.log",
                                       folder / "el2-again.log")
    return outcome, memory


def collect(args, argv, folder):
    """Run, and read what the runs left."""
    outcome, memory = runs(args, folder)
    report = Report(
        title(args), facts_of_board(args, outcome),
        facts_of_making(argv, args, outcome), shlex.join(outcome.command),
        outcome, memory, Console(folder / "el2-console.log"),
        Console(folder / "host-console.log"))
    try:
        with ellog.Log(log_of(args, folder)) as log:
            report.figures = report_log.Figures(
                log, tail=bool(outcome.failure))
        if outcome.looks:
            outcome.looks.place(report.figures)
    except ellog.LogError as error:
        report.log_problem = str(error)
    return report


def write(path, text):
    """Write the page in one go: it is there whole, or not at all."""
    try:
        with tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", dir=path.resolve().parent,
                prefix=f".{path.name}.", delete=False) as new:
            new.write(text)
        new_path = pathlib.Path(new.name)
        new_path.chmod(0o644)
        new_path.replace(path.resolve())
    except OSError as error:
        raise trace.cannot_write(path, error) from None


def make(args, argv):
    """The report; whether the run was good."""
    out = args.out or \
        board.BUILD / "run" / time.strftime("report-%Y%m%d-%H%M%S.html")
    with trace.temporary_folder() as folder:
        for path in filter(None, (out, args.keep_log)):
            trace.check_writable(path)
        report = collect(args, argv, pathlib.Path(folder))
        write(out, report_page.page(report))
    print("\n".join(report.outcome.verdicts))
    print(f"{out}: {out.stat().st_size:,} bytes; opens in any browser")
    if report.outcome.failure:
        print(f"hypsec report: the run failed: {report.outcome.failure}; the "
              "report tells of it", file=sys.stderr)
    return not report.outcome.failure


def main(argv):
    run.take_qemu_along()
    args = parse_arguments(argv)
    args.user_qemu = args.qemu
    try:
        run.check_user_files(args)
        board.check_built(board.QEMU, board.FIRMWARE,
                          *([guests.HOSTVISOR] if args.guest else
                            [args.kernel, args.initrd]))
        return 0 if make(args, argv) else 1
    except (run.RunError, board.BoardError, guests.GuestError,
            sign.SignError) as error:
        print(f"hypsec report: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("hypsec report: interrupted", file=sys.stderr)
        return run.INTERRUPTED
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
