# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures of a report, out of a log of hypsec-el-observer.

    with ellog.Log(path) as log:
        figures = Figures(log)

Everything is counted in one pass over the records, in an amount of memory
that does not depend on their number.
"""
import collections
import pathlib
import re
import struct

import ellog

BINS = 60
# Bins of a log that does not tell its end: doubled whenever they are too few.
FIRST_BIN_NS = 1000
MAX_CALLS = 64
# Times of loading that are kept.
MAX_LOADS = 20
ABI = pathlib.Path(__file__).resolve().parent.parent / \
    "firmware/include/hypsec/abi.h"
PSCI = {0x84000000: "PSCI_VERSION", 0x84000001: "CPU_SUSPEND",
        0xc4000001: "CPU_SUSPEND", 0x84000002: "CPU_OFF",
        0x84000003: "CPU_ON", 0xc4000003: "CPU_ON",
        0x84000004: "AFFINITY_INFO", 0xc4000004: "AFFINITY_INFO",
        0x84000006: "MIGRATE_INFO_TYPE", 0x84000008: "SYSTEM_OFF",
        0x84000009: "SYSTEM_RESET", 0x8400000a: "PSCI_FEATURES"}


def call_names():
    """{number: name} of the host's hypercalls, of the firmware's header."""
    try:
        text = ABI.read_text(errors="replace")
    except OSError:
        return {}
    return {int(number): name for name, number in
            re.findall(r"#define HYPSEC_HVC_(\w+)\s+(\d+)\b", text)}


def nice(value):
    """The least round number that is not below VALUE."""
    power = 1
    while True:
        for factor in (10, 20, 25, 50):
            if factor * power >= value * 10 and factor * power % 10 == 0:
                return factor * power // 10
        power *= 10


def order(world):
    """For sorting: the host, EL2, VMs by number, the rest."""
    kind = {"host": 0, "EL2": 1, "off": 4, "unknown": 3}.get(world, 2)
    return kind, len(world), world


def last_ns(log):
    """When the last change of LOG was, for want of a check a mere guess."""
    at = ellog.HEADER.size + len(log.causes) * ellog.NAME_BYTES + \
        (log.count - 1) * ellog.RECORD.size
    if log.count == 0:
        return 0
    try:
        with open(log.path, "rb") as file:
            file.seek(at)
            return ellog.RECORD.unpack(file.read(ellog.RECORD.size))[0]
    except (OSError, struct.error) as error:
        raise ellog.LogError(f"{log.path}: {error}") from None


class Bins:
    """Counts of keys over time."""

    def __init__(self, end):
        self.width = nice(max(end / BINS, 1)) if end else FIRST_BIN_NS
        self.counts = collections.defaultdict(collections.Counter)

    def add(self, ns, key):
        while ns // self.width >= 2 * BINS:
            self._double()
        self.counts[ns // self.width][key] += 1

    def _double(self):
        old, self.width = self.counts, self.width * 2
        self.counts = collections.defaultdict(collections.Counter)
        for number, counter in old.items():
            self.counts[number // 2] += counter

    def rows(self, end):
        """A Counter for each bin, up to END."""
        while max(end - 1, 0) // self.width >= 2 * BINS:
            self._double()
        last = max([*self.counts, max(end - 1, 0) // self.width])
        return [self.counts.get(number, collections.Counter())
                for number in range(last + 1)]


class Costs:
    """What stays at EL2 of one kind have cost."""

    def __init__(self):
        self.values = collections.Counter()
        # Stays that another CPU's change fell into.
        self.mixed = 0

    @property
    def count(self):
        return self.values.total()

    def rank(self, percent):
        """The least value that PERCENT of all do not exceed."""
        least = max(-(-self.count * percent // 100), 1)
        seen = 0
        for value in sorted(self.values):
            seen += self.values[value]
            if seen >= least:
                return value
        return None

    def summary(self):
        """count, least, median, 95 %, greatest."""
        return (self.count, self.rank(0), self.rank(50), self.rank(95),
                self.rank(100))


class _Cpu:
    """Where one CPU is, and since when."""

    def __init__(self):
        self.world = "off"
        self.level = ellog.LEVEL_OFF
        self.ns = 0
        self.came_from = None
        self.what = None
        self.entered = 0
        self.mixed = False


class Figures:
    """What a log tells.

    exits:        {world: {cause: count}} of exits to EL2
    over_time:    Bins of (world, cause) of the same
    changes:      {cause: {world: count}}, as hypsec-el-observer counts
    ns:           [{(world, level): ns}] for each CPU
    instructions: {world: count}, on one CPU only, else None
    entries:      {world: times entered}
    costs:        {(from, to, what): Costs} of stays at EL2, in unit
    jumps:        how often a snapshot was loaded, at loads (the first ones)

    Time and instructions go on where they were when a snapshot is loaded.
    """

    def __init__(self, log, tail=False):
        """The figures of LOG. With TAIL the time after the last change is
        part of them: how long QEMU takes to notice that a machine is off is
        no figure of the machine's."""
        self.log = log
        self._tail = tail
        self.icount = log.icount
        self.unit = "instructions" if log.icount else "ns"
        self.exits = collections.defaultdict(collections.Counter)
        self.changes = collections.defaultdict(collections.Counter)
        self.ns = [collections.Counter() for _ in range(log.cpus)]
        self.entries = collections.Counter()
        self.costs = collections.defaultdict(Costs)
        self.records = 0
        self.jumps = 0
        self.loads = []
        self._world_instructions = collections.Counter()
        self._calls = call_names()
        self._cpus = [_Cpu() for _ in range(log.cpus)]
        # What is added to the records' ns and instructions.
        self._offset, self._more = 0, 0
        # [how many records there were, _offset from then on]
        self._offsets = [(0, 0)]
        self._last_instructions = self.end_ns = 0
        self.over_time = Bins(last_ns(log))
        for record in log.records():
            self._change(record)
        self._end()

    @property
    def instructions(self):
        if self.log.cpus > 1 or not self.icount:
            return None
        return dict(self._world_instructions)

    @property
    def total_instructions(self):
        return self._last_instructions

    def worlds(self):
        found = {world for counts in self.ns for world, _ in counts}
        return sorted(found, key=order)

    def world_ns(self):
        """{world: ns of all CPUs}."""
        total = collections.Counter()
        for counts in self.ns:
            for (world, _), ns in counts.items():
                total[world] += ns
        return total

    def total_exits(self):
        return sum(counts.total() for counts in self.exits.values())

    def time(self, records, ns):
        """When it was NS by the board's clock and the log had RECORDS."""
        return ns + next(offset for since, offset in reversed(self._offsets)
                         if since <= records)

    def _change(self, record):
        self.records += 1
        cause = self.log.causes[record.cause]
        if cause == ellog.LOADVM:
            self._loaded(record)
        if self.jumps:
            record = record._replace(
                ns=record.ns + self._offset,
                instructions=record.instructions + self._more)
        now = self.end_ns = record.ns
        cpu = self._cpus[record.cpu]
        world = ellog.world_name(record)
        if cause not in ellog.NOT_COUNTED:
            self.changes[cause][world if cause in ellog.ENTERING
                                else cpu.world] += 1
        self.ns[record.cpu][cpu.world, cpu.level] += now - cpu.ns
        if self.log.cpus == 1:
            self._world_instructions[cpu.world] += \
                record.instructions - self._last_instructions
        self._last_instructions = record.instructions
        self._cost(cpu, record, cause, world, now)
        if world != cpu.world:
            self.entries[world] += 1
        cpu.world, cpu.level, cpu.ns = world, record.new, now

    def _loaded(self, record):
        """Time and counters begin anew, unless they did for another CPU."""
        offset = self.end_ns - record.ns
        more = self._last_instructions - record.instructions
        if (offset, more) == (self._offset, self._more):
            return
        self._offset, self._more = offset, more
        self.jumps += 1
        self.loads = (self.loads + [self.end_ns])[:MAX_LOADS]
        self._offsets = self._offsets[:MAX_LOADS] + [(self.records, offset)]
        for cpu in self._cpus:
            # How its stay at EL2 began is another past's.
            cpu.came_from = None

    def _cost(self, cpu, record, cause, world, now):
        """Begin or end a stay at EL2."""
        for other in self._cpus:
            if other is not cpu:
                other.mixed = True
        clock = record.instructions if self.icount else now
        if record.new == 2 and record.old < 2 and \
           cause not in ellog.ENTERING:
            self.exits[cpu.world][cause] += 1
            self.over_time.add(now, (cpu.world, cause))
            cpu.came_from, cpu.entered = cpu.world, clock
            cpu.what, cpu.mixed = self._what(cause, cpu.world, record), False
            return
        if cpu.came_from and cpu.level == 2 and cause == "ERET":
            costs = self.costs[kind(cpu.came_from), kind(world), cpu.what]
            if cpu.mixed and self.icount:
                costs.mixed += 1
            else:
                costs.values[clock - cpu.entered] += 1
        cpu.came_from = None

    def _what(self, cause, world, record):
        """The cause, and the host's call by its name."""
        if world == "host" and cause == "HVC" and record.value < MAX_CALLS:
            name = self._calls.get(record.value, "?")
            return f"HVC {record.value} {name}"
        if world == "host" and cause == "SMC" and record.value in PSCI:
            return f"SMC {PSCI[record.value]}"
        return cause

    def _end(self):
        if self._tail and self.log.closed and not self.log.dropped:
            self.end_ns = max(self.end_ns, self.log.end_ns + self._offset)
        for number, cpu in enumerate(self._cpus):
            self.ns[number][cpu.world, cpu.level] += self.end_ns - cpu.ns


def kind(world):
    """"VM" for any VM."""
    return "VM" if world.startswith("VM ") else world


def rounds(figures):
    """The paths of stays at EL2 in the order of a report: {path: {what:
    Costs}}, the most frequent first."""
    known = (("host", "host"), ("VM", "host"), ("host", "VM"), ("VM", "VM"))
    paths = {path: {} for path in known}
    for (before, after, what), costs in figures.costs.items():
        paths.setdefault((before, after), {})[what] = costs
    return {path: dict(sorted(
        found.items(), key=lambda item: (-item[1].count - item[1].mixed,
                                         item[0])))
        for path, found in paths.items()}
