#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec trace`: a timeline of who runs on each CPU, and why it changes."""
import argparse
import collections
import json
import os
import pathlib
import re
import resource
import shutil
import statistics
import sys
import tempfile
import time

import board
import ellog
import run

DEFAULT_LIMIT = 64 << 20
# For what comes after the slices, and what is there per CPU.
RESERVED_BYTES = 48 << 10
RESERVED_BYTES_PER_CPU = 512
MIN_LIMIT = 128 << 10
PID = 1


class Timeline:
    """Chrome trace events, as text in FILE that never exceeds LIMIT bytes.

    One track per CPU. It is filled with slices that follow each other: each
    change of level ends one and begins the next.
    """

    def __init__(self, file, log, limit):
        self.file = file
        self.log = log
        self.room = limit - RESERVED_BYTES - RESERVED_BYTES_PER_CPU * log.cpus
        self.open = {}
        self.old_world = {}
        self.offset = 0
        self.now = 0
        self.full = False
        self.slices = 0
        self.dropped = 0
        self.jumps = 0
        self.exits = collections.Counter()
        self.counts = collections.defaultdict(collections.Counter)
        self._begin()

    def _begin(self):
        self.file.write('{"displayTimeUnit":"ns","traceEvents":[\n')
        self._write({"name": "process_name", "ph": "M", "pid": PID,
                     "args": {"name": "hypsec"}}, "")
        for cpu in range(self.log.cpus):
            self._write({"name": "thread_name", "ph": "M", "pid": PID,
                         "tid": cpu, "args": {"name": f"CPU {cpu}"}})
            self._write({"name": "thread_sort_index", "ph": "M", "pid": PID,
                         "tid": cpu, "args": {"sort_index": cpu}})

    def _write(self, event, comma=",\n"):
        text = comma + json.dumps(event, separators=(",", ":"))
        self.room -= len(text)
        self.file.write(text)

    def _event(self, phase, cpu, **more):
        # Microseconds, exactly.
        ts = f"{self.now // 1000}.{self.now % 1000:03}"
        event = {"ph": phase, "pid": PID, "tid": cpu, **more}
        text = json.dumps(event, separators=(",", ":"))
        return f',\n{text[:-1]},"ts":{ts}}}'

    def add(self, record):
        """The change of level RECORD."""
        cause = self.log.causes[record.cause]
        self._count(record, cause)
        if record.ns + self.offset < self.now:
            # A snapshot was loaded: the timeline goes on where it was.
            self.offset = self.now - record.ns
            self.jumps += 1
        self.now = record.ns + self.offset
        self.exits[record.cpu] += record.new == 2 and record.old < 2
        if self.full:
            self.dropped += 1
            return
        text = self._slice(record, cause)
        if len(text) > self.room:
            self.full = True
            self.dropped += 1
            self._end_all()
            return
        self.room -= len(text)
        self.file.write(text)
        self.slices += 1
        self.open[record.cpu] = slice_place(record)

    def _slice(self, record, cause):
        """The text that ends one slice and begins the next."""
        cpu, place = record.cpu, slice_place(record)
        args = {"cause": cause, "from": self.open.get(cpu, "off")}
        if record.esr:
            args["esr"] = f"{record.esr:#010x}"
        if cause in ("HVC", "SMC"):
            args["x0"] = f"{record.value:#x}"
        elif cause in ("DABT", "IABT"):
            args["ipa" if record.new == 2 and record.old < 2 else
                 "address"] = f"{record.value:#x}"
        if record.world == ellog.WORLD_UNKNOWN:
            args["vmid"] = record.vmid
        if self.log.icount:
            args["instructions"] = record.instructions
        text = self._event("E", cpu) if cpu in self.open else ""
        text += self._event(
            "B", cpu, name=place if cause == "ERET" or place == "off" else
            f"{place} {cause}",
            cat=ellog.world_name(record), args=args)
        if record.new == 2 and record.old < 2:
            text += self._event("C", cpu, name=f"CPU {cpu}: exits to EL2",
                                args={"exits": self.exits[cpu]})
        return text

    def _count(self, record, cause):
        world = ellog.world_name(record)
        if cause not in ellog.NOT_COUNTED:
            about = world if cause in ellog.ENTERING else \
                self.old_world.get(record.cpu, "off")
            self.counts[cause][about] += 1
        self.old_world[record.cpu] = world

    def _end_all(self):
        for cpu in self.open:
            self.file.write(self._event("E", cpu))
        self.open = {}

    def end(self):
        """Close what is open, and say what all of it is."""
        if self.log.closed and not self.log.dropped:
            self.now = max(self.now, self.log.end_ns + self.offset)
        self._end_all()
        self.file.write('\n],"otherData":' + json.dumps({
            "about": "changes of exception level, recorded by "
                     "hypsec-el-observer",
            "clock": "instructions and idle time, in ns" if self.log.icount
                     else "virtual time",
            "complete": self.log.closed,
            "slices": self.slices,
            "dropped by the recorder": self.log.dropped,
            "dropped by the converter": self.dropped,
            "changes by cause and world": self.counts}) + "}\n")


def slice_place(record):
    """Where a CPU is after RECORD: the world, the vCPU, the level."""
    level = ellog.level_name(record.new)
    if record.world in (ellog.WORLD_EL2, ellog.WORLD_OFF):
        return level
    vcpu = f" vCPU {record.vcpu}" if record.world == ellog.WORLD_VM else ""
    return f"{ellog.world_name(record)}{vcpu} {level}"


def table(counts):
    """Changes of level by cause (lines) and world (columns)."""
    worlds = sorted({world for by in counts.values() for world in by},
                    key=lambda w: (w.startswith("VM"), len(w), w))
    lines = ["  " + f"{'cause':10}" + "".join(f"{w:>10}" for w in worlds)]
    for cause in sorted(counts, key=lambda c: -counts[c].total()):
        lines.append(f"  {cause:10}" + "".join(f"{counts[cause][w]:10}"
                                               for w in worlds))
    return "\n".join(lines)


def convert(log_path, out, limit):
    """Convert a log to the timeline OUT; a summary in words.

    OUT appears, or is replaced, only once it is complete.
    """
    check_writable(out)
    shown, out = out, out.resolve()
    with ellog.Log(log_path) as log:
        least = MIN_LIMIT // 2 + RESERVED_BYTES_PER_CPU * log.cpus
        if limit < least:
            raise run.RunError(f"--limit {limit}: a timeline of {log.cpus} "
                               f"CPUs needs at least {least} bytes")
        try:
            new = tempfile.NamedTemporaryFile(
                "w", dir=out.parent, prefix=f".{out.name}.", delete=False)
        except OSError as error:
            raise cannot_write(out, error) from None
        try:
            with new as file:
                timeline = Timeline(file, log, limit)
                for record in log.records():
                    timeline.add(record)
                timeline.end()
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(new.name, 0o666 & ~umask)
            os.replace(new.name, out)
        except BaseException as error:
            os.unlink(new.name)
            if isinstance(error, OSError):
                raise cannot_write(out, error) from None
            raise
        return summary(log, timeline, shown)


def summary(log, timeline, out):
    text = f"{out}: {log.count} changes of level on {log.cpus} CPUs in " \
           f"{timeline.now / 1e9:.3f} s, {out.stat().st_size} bytes; opens " \
           f"in Perfetto and chrome://tracing\n{table(timeline.counts)}\n"
    lost = []
    if log.dropped:
        lost.append(f"{log.dropped} changes that had no room in the "
                    "recorder's log")
    if timeline.dropped:
        lost.append(f"{timeline.dropped} recorded changes that had no room "
                    "in the timeline")
    if not log.closed:
        lost.append("what came after the last complete buffer: the log was "
                    "not closed, QEMU still runs or was killed")
    if timeline.jumps:
        text += f"snapshots loaded: {timeline.jumps}; their time is shown " \
                "as going on\n"
    return text + "dropped: " + ("; ".join(lost) or "nothing")


def cannot_write(path, error):
    return run.RunError(f"cannot write {path}: {error.strerror}")


def check_writable(out):
    """Complain before the boot, not after it."""
    try:
        if out.exists() and not out.is_file():
            raise run.RunError(f"cannot write {out}: not a regular file")
        tempfile.TemporaryFile(dir=out.parent).close()
    except OSError as error:
        raise cannot_write(out, error) from None


# The boot

def observer(log, limit):
    device = "hypsec-el-observer,id=el-trace"
    if log:
        device += f",log={board.escape(log)},log-limit={limit}"
    return ("-device", device)


def boot(args, extra):
    """One batch boot with EXTRA arguments for QEMU; its line of result."""
    args = argparse.Namespace(**vars(args))
    args.qemu = (*args.icount, *extra, *args.qemu)
    folder, el2_log = run.open_logs(args)
    try:
        line = run.run_batch(args, run.configuration(args, "batch"),
                             folder, el2_log)
    except board.StartError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except board.BoardError as error:
        raise board.BoardError(
            f"{error}\nwhole logs: {folder / 'host-console.log'} and "
            f"{el2_log}") from None
    shutil.rmtree(folder, ignore_errors=True)
    return line


def temporary_folder():
    """A folder for logs, removed in the end; a context manager."""
    runs = board.BUILD / "run"
    try:
        runs.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix="trace-", dir=runs)
    except OSError as error:
        raise cannot_write(runs, error) from None


def trace(args):
    """Boot with the recorder and convert what it wrote, also of a failure."""
    with temporary_folder() as folder:
        out = args.out or \
            board.BUILD / "run" / time.strftime("trace-%Y%m%d-%H%M%S.json")
        check_writable(out)
        log = args.keep_log or pathlib.Path(folder) / "el.log"
        try:
            print(boot(args, observer(log, args.limit)), flush=True)
        except board.StartError:
            raise
        except board.BoardError:
            print(convert(log, out, args.limit), flush=True)
            raise
        print(convert(log, out, args.limit))


# What it costs

def timed_boot(args, extra):
    """Seconds that a boot takes, and that QEMU computes in it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    boot(args, extra)
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - \
        before.ru_utime - before.ru_stime


def measure(args):
    """Alternate boots without and with, and report the ratios."""
    ratios = {"observer": [], "recorder": []}
    with temporary_folder() as folder:
        extras = {"plain": (), "observer": observer(None, 0),
                  "recorder": observer(f"{folder}/el.log", args.limit)}
        timed_boot(args, ())    # warms the caches
        for number in range(args.measure):
            names = list(extras)
            # None of them shall always come first.
            names = names[number % 3:] + names[:number % 3]
            times = {name: timed_boot(args, extras[name]) for name in names}
            print(f"round {number + 1}:", "  ".join(
                f"{name} {wall:.2f} s ({cpu:.2f} s CPU)"
                for name, (wall, cpu) in times.items()), flush=True)
            for name, seen in ratios.items():
                seen.append([with_it / without for with_it, without in
                             zip(times[name], times["plain"])])
    for name, seen in ratios.items():
        for what, values in zip(("wall time", "CPU time"), zip(*seen)):
            print(f"{name}: {what} x {statistics.median(values):.3f} "
                  f"(median of {len(values)}; {min(values):.3f} to "
                  f"{max(values):.3f})")


# The command line

def size(text):
    match = re.fullmatch(r"(\d{1,12})([KMG]?)", text, re.IGNORECASE)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 64M")
    shift = {"": 0, "K": 10, "M": 20, "G": 30}[match[2].upper()]
    value = int(match[1]) << shift
    if value < MIN_LIMIT:
        raise argparse.ArgumentTypeError(
            f"{text}: at least {MIN_LIMIT >> 10}K are needed")
    return value


def rounds(text):
    if not re.fullmatch(r"[1-9]\d{0,3}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rounds")
    return int(text)


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        prog="hypsec trace",
        usage="hypsec trace [OPTION]... [-- QEMU ARGUMENT...]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""\
Boot Linux as `hypsec run --batch` does, record every change of exception level
and write a timeline that opens in Perfetto (ui.perfetto.dev) and
chrome://tracing: one track per CPU, a slice for each stay of a world at a
level, labelled by the exception that led there. A boot that fails leaves its
timeline too.""",
        epilog="""\
examples:
  hypsec trace --out boot.json            a boot on two CPUs
  hypsec trace --icount --smp 1           exact: 1 instruction is 1 ns
  hypsec trace --log el.log --out el.json a log that QEMU wrote with
                                          -device hypsec-el-observer,log=el.log""")
    parser.add_argument("--out", type=pathlib.Path, metavar="FILE",
                        help="the timeline (default: a new file under "
                        "build/run/)")
    parser.add_argument("--limit", type=size, metavar="SIZE",
                        default=DEFAULT_LIMIT,
                        help="bytes that the timeline, and the recorder's "
                        "log, may take; what has no room is dropped and "
                        "counted (default: 64M)")
    parser.add_argument("--log", type=pathlib.Path, metavar="FILE",
                        help="convert this log, boot nothing")
    parser.add_argument("--keep-log", type=pathlib.Path, metavar="FILE",
                        help="keep the recorder's log in FILE")
    parser.add_argument("--icount", action="store_const", default=(),
                        # All clocks of the guest are that of its counter: an
                        # alarm by this machine's would come at any time.
                        const=("-icount", "shift=0,sleep=off",
                               "-rtc", "clock=vm"),
                        help="count instructions: exact, but one thread for "
                        "all CPUs")
    parser.add_argument("--measure", type=rounds, metavar="N",
                        help="write no timeline; time N boots each without, "
                        "with the observer, and with the recorder")
    run.add_arguments(parser)
    parser.add_argument("--el2-log", type=pathlib.Path, metavar="FILE",
                        help="where EL2's console goes (default: a "
                        "temporary file)")
    args = run.parse_with_qemu(parser, argv)
    if args.log and (args.qemu or args.measure or args.keep_log):
        parser.error("--log boots nothing: no --measure, --keep-log or QEMU "
                     "arguments")
    args.convert, args.log = args.log, args.el2_log
    return args


def main(argv):
    run.take_qemu_along()
    args = parse_arguments(argv)
    try:
        if args.convert:
            out = args.out or args.convert.with_suffix(".json")
            if out.resolve() == args.convert.resolve():
                raise run.RunError(f"--out {out}: that is the log itself")
            print(convert(args.convert, out, args.limit))
            return 0
        run.check_user_files(args)
        board.check_built(board.QEMU, board.FIRMWARE, args.kernel,
                          args.initrd)
        if args.measure:
            measure(args)
        else:
            trace(args)
        return 0
    except (run.RunError, board.BoardError, ellog.LogError) as error:
        print(f"hypsec trace: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("hypsec trace: interrupted", file=sys.stderr)
        return run.INTERRUPTED
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
