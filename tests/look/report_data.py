#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures and consoles of reports, from logs and texts made here; TAP."""
import contextlib
import io
import pathlib
import struct
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import looktest  # noqa: E402  (finds tools/)
import board  # noqa: E402
import ellog  # noqa: E402
import report  # noqa: E402
import report_chart  # noqa: E402
import report_console  # noqa: E402
import report_log  # noqa: E402
import report_owners  # noqa: E402
import report_page  # noqa: E402

CAUSES = ["ERET", "RESET", "CPU_ON", "CPU_OFF", "LOADVM", "HVC", "DABT",
          "SVC", "IRQ", "SMC"]
OFF = 0xff
UNKNOWN, HOST, VM, EL2 = range(4)
ICOUNT, CLOSED = 1, 2


def change(ns, cpu, old, new, cause, world, vm=0, value=0,
           instructions=None):
    return struct.pack(
        "<QQQIHHBBBBBB2x", ns, ns if instructions is None else instructions,
        value, 0, vm, cpu, old, new, CAUSES.index(cause), world, vm, 0)


def log(folder, records, cpus=1, flags=ICOUNT | CLOSED, dropped=0, end=0):
    header = struct.pack("<QIIIIIIQQQQ", ellog.MAGIC, 1,
                         64 + 16 * len(CAUSES), 40, cpus, flags, len(CAUSES),
                         len(records), dropped, end, 0)
    path = folder / "el.log"
    path.write_bytes(header + b"".join(
        name.encode().ljust(16, b"\0") for name in CAUSES) +
        b"".join(records))
    return path


def figures(folder, records, tail=True, **settings):
    with ellog.Log(log(folder, records, **settings)) as read:
        return report_log.Figures(read, tail)


# One CPU: host, a fault, a call that enters VM 3, an IRQ that leaves it.
ONE = [
    change(0, 0, OFF, 2, "RESET", EL2),
    change(1000, 0, 2, 1, "ERET", HOST),
    change(1200, 0, 1, 0, "ERET", HOST),
    change(1250, 0, 0, 1, "SVC", HOST),
    change(1300, 0, 1, 2, "DABT", EL2, value=0x40000000),
    change(1400, 0, 2, 1, "ERET", HOST),
    change(2000, 0, 1, 2, "HVC", EL2, value=8),
    change(2417, 0, 2, 1, "ERET", VM, vm=3),
    change(3000, 0, 1, 2, "IRQ", EL2),
    change(3372, 0, 2, 1, "ERET", HOST),
    change(3500, 0, 1, 2, "DABT", EL2),
    change(3800, 0, 2, 1, "ERET", HOST),
]


def check_one(tap, folder):
    found = figures(folder, ONE, end=4000)
    tap.equal({world: dict(counts) for world, counts in found.exits.items()},
              {"host": {"DABT": 2, "HVC": 1}, "VM 3": {"IRQ": 1}},
              "exits-by-cause-and-world-left")
    expected = {"host": 1300 - 1000 + 600 + 128 + 200, "EL2": 1000 + 100 +
                417 + 372 + 300, "VM 3": 583}
    tap.equal({world: ns for world, ns in found.world_ns().items() if ns},
              expected, "time-of-worlds")
    tap.equal({world: count for world, count in found.instructions.items()
               if count}, {**expected, "host": expected["host"] - 200},
              "instructions-of-worlds-end-with-the-last-record")
    tap.equal(found.ns[0]["host", 0], 50, "time-at-el0")
    tap.equal(figures(folder, ONE, tail=False, end=4000).end_ns, 3800,
              "time-ends-with-the-last-change")
    tap.equal({key: cost.summary() for key, cost in found.costs.items()}, {
        ("host", "host", "DABT"): (2, 100, 100, 300, 300),
        ("host", "VM", "HVC 8 VCPU_RUN"): (1, 417, 417, 417, 417),
        ("VM", "host", "IRQ"): (1, 372, 372, 372, 372)},
        "stays-at-el2-by-path-and-cause")
    tap.equal({world: found.entries[world] for world in found.worlds()},
              {"host": 4, "EL2": 5, "VM 3": 1, "off": 0}, "entries")


def check_smp(tap, folder):
    """A stay that another CPU's change falls into is not counted."""
    found = figures(folder, [
        change(0, 0, OFF, 2, "RESET", EL2),
        change(10, 0, 2, 1, "ERET", HOST),
        change(20, 1, OFF, 2, "CPU_ON", EL2),
        change(30, 1, 2, 1, "ERET", HOST),
        change(100, 0, 1, 2, "DABT", EL2),
        change(150, 1, 1, 0, "ERET", HOST),
        change(900, 0, 2, 1, "ERET", HOST),
        change(1000, 0, 1, 2, "DABT", EL2),
        change(1070, 0, 2, 1, "ERET", HOST),
    ], cpus=2, end=2000)
    cost = found.costs["host", "host", "DABT"]
    tap.equal((cost.summary(), cost.mixed), ((1, 70, 70, 70, 70), 1),
              "a-stay-with-another-cpu-in-it-is-left-out-and-said")
    tap.equal(found.instructions, None,
              "no-guess-at-instructions-of-several-cpus")
    tap.equal(found.world_ns()["off"], 20, "time-off")


def check_time(tap, folder):
    found = figures(folder, ONE[:2] + [
        change(500, 0, 1, 2, "LOADVM", EL2),
        change(700, 0, 2, 1, "ERET", HOST)], end=900)
    tap.equal((found.jumps, found.end_ns), (1, 1400),
              "a-snapshot-does-not-turn-time-back")
    tap.equal(sum(found.world_ns().values()), 1400,
              "and-no-time-is-lost-or-made")
    tap.equal((found.loads, found.total_instructions,
               sum(found.instructions.values())), ([1000], 1200, 1200),
              "nor-are-instructions")
    tap.result("snapshots loaded: 1, at 1 µs" in
               report_page.went_back(found), "the-page-says-when")
    ahead = figures(folder, ONE[:2] + [
        change(9000, 0, 1, 1, "LOADVM", HOST, instructions=8000),
        change(9100, 0, 1, 2, "DABT", EL2, instructions=8100)], end=9100)
    tap.equal((ahead.loads, ahead.end_ns, ahead.total_instructions),
              ([1000], 1100, 1100), "a-snapshot-of-later-makes-no-time")
    both = figures(folder, [
        change(0, 0, OFF, 2, "RESET", EL2),
        change(10, 0, 2, 1, "ERET", HOST),
        change(20, 1, OFF, 2, "CPU_ON", EL2),
        change(30, 1, 2, 1, "ERET", HOST),
        change(800, 1, 1, 2, "HVC", EL2),
        change(15, 0, 1, 1, "LOADVM", HOST),
        change(15, 1, 2, 2, "LOADVM", EL2),
        change(40, 1, 2, 1, "ERET", HOST)], cpus=2, end=50)
    tap.equal((both.jumps, both.end_ns, dict(both.costs)), (1, 835, {}),
              "a-stay-does-not-begin-in-another-past")
    records = ONE[:2]
    for number in range(4000):
        at = 5000 + number * 1000
        records += [change(at, 0, 1, 2, "DABT", EL2),
                    change(at + 100, 0, 2, 1, "ERET", HOST)]
    # A log that goes back in the end: how long it is shows only on the way.
    loaded = [change(10, 0, 1, 2, "LOADVM", EL2),
              change(20, 0, 2, 1, "ERET", HOST)]
    for name, flags, more in (("closed", CLOSED, []), ("open", 0, []),
                              ("loaded", CLOSED, loaded)):
        found = figures(folder, records + more, flags=ICOUNT | flags,
                        end=5_000_000)
        rows = found.over_time.rows(found.end_ns)
        tap.result(sum(sum(row.values()) for row in rows) == 4000 ==
                   found.total_exits() and
                   20 <= len(rows) <= 2 * report_log.BINS,
                   f"bins-hold-every-exit-{name}", len(rows))
    tap.equal([report_log.nice(value) for value in
               (1, 1.5, 3, 21, 26, 2.1e6)],
              [1, 2, 5, 25, 50, 2500000], "round-widths")
    wall = figures(folder, ONE, flags=CLOSED, end=4000)
    tap.equal((wall.unit, wall.instructions), ("ns", None),
              "without-icount-costs-are-times")


def check_ranks(tap):
    costs = report_log.Costs()
    for value in range(1, 101):
        costs.values[value * 10] += 1
    tap.equal(costs.summary(), (100, 10, 500, 950, 1000), "nearest-rank")
    tap.equal(report_log.Costs().summary(), (0, None, None, None, None),
              "no-stays-no-figures")


def console(folder, data):
    path = folder / "console"
    path.write_bytes(data)
    return report_console.Console(path)


def check_console(tap, folder):
    found = console(folder, b"".join(
        b"refused: host cpu%d: access to IPA 0x%x (pc 0x1 esr 0x2)\n" %
        (n % 2, n) for n in range(700)) + b"\nEL2 panic: it broke\n")
    tap.equal((found.refusals, dict(found.kinds)),
              (700, {"host cpu …: access to IPA …": 700}),
              "refusals-are-counted-by-kind")
    tap.equal((found.hidden, len(found.html().splitlines()),
               found.html().count("<mark>")), (302, 401, 398),
              "a-long-console-is-cut-and-says-so")
    tap.equal(found.panics, ["EL2 panic: it broke"], "panics-are-found")
    hostile = console(folder, b"\x1b]0;x\x07<script>alert(1)</script>&\"'"
                      b"\xff\xe2\x80\xae\xcc\x88\0\r\n" + b"A" * 100000)
    text = hostile.html()
    tap.result("<" not in text and "\x1b" not in text and
               "\u202e" not in text and "\0" not in text and
               "\u0308" not in text and "&lt;script&gt;" in text and
               "\u241b" in text and "\\u{202e}" in text, "hostile-bytes",
               text[:300])
    tap.result(max(map(len, text.splitlines())) < 500, "long-lines-are-cut")
    kinds = console(folder, b"".join(
        b"refused: %s\n" % bytes([97 + n % 26, 97 + n // 26 % 26,
                                  97 + n // 676])
        for n in range(5000))).kinds
    tap.result(len(kinds) <= report_console.MAX_KINDS + 1 and
               sum(kinds.values()) == 5000, "kinds-are-bounded", len(kinds))
    tap.result("cannot be read" in report_console.Console(
        folder / "none").problem, "a-missing-console-is-said")


def check_chart(tap):
    tap.equal([report_chart.seconds(ns) for ns in
               (0, 999, 1500, 2_500_000, 3 * 10 ** 9)],
              ["0", "999 ns", "1.5 µs", "2.5 ms", "3 s"], "times")
    tap.equal([report_chart.short(value) for value in
               (0, 999, 1000, 2500, 999_499, 999_700, 999_999_999, 2 * 10 ** 12)],
              ["0", "999", "1k", "2.5k", "999k", "1M", "1G", "2T"],
              "short-numbers")
    for top in (1, 2, 3, 5, 7, 9, 10, 99, 100, 12345, 10 ** 9):
        marks = report_chart.ticks(top)
        tap.result(1 <= len(marks) <= 4 and marks[-1] <= top and
                   all(isinstance(mark, int) for mark in marks),
                   f"ticks-up-to-{top}", marks)


class FakeBoard:
    """What is asked of a board by a look; nothing is published at first."""

    def __init__(self):
        self.asked = []
        self.status = "unknown"

    def qom_get(self, _, name):
        self.asked.append(name)
        if name == "world-time" and len(self.asked) > 11:
            raise board.BoardError("it broke\nat length")
        return {"status": self.status, "owners": {"vm1": 7},
                "log-records": 5, "world-time": {"host": 30, "off": 10}}[name]


def check_looks(tap, folder):
    machine, looks = FakeBoard(), report_owners.Looks(2)
    now, clock = 0, report_owners.time

    class Time:
        """A clock that stands still while a board answers."""
        monotonic = staticmethod(lambda: now)

    report_owners.time = Time
    try:
        looks.look(machine)
        looks.look(machine)
        tap.equal((machine.asked, looks.found), (["status"], []),
                  "no-look-too-soon-or-before-el2-publishes")
        machine.status = "ok"
        for now in range(1, 10):
            looks.look(machine)
        whole, end = FakeBoard(), report_owners.Looks(2)
        whole.status = "ok"
        end.look(whole)
        end.look(whole)
        end.last(whole)
    finally:
        report_owners.time = clock
    tap.equal(len(end.found), 2, "the-last-look-is-never-too-soon")
    tap.equal((looks.found, looks.problem), ([(20, {"vm1": 7}, 5)] * 3,
                                             "it broke"),
              "a-board-that-refuses-is-left-alone")
    tap.equal(len(machine.asked), 13, "and-not-asked-again")
    looks = report_owners.Looks(1)
    # A snapshot of 500 ns is loaded at 1000 ns, by the third record.
    found = figures(folder, ONE[:2] + [
        change(500, 0, 1, 2, "LOADVM", EL2),
        change(700, 0, 2, 1, "ERET", HOST)], end=900)
    for ns, pages, records in ((10, 1, 1), (30, 2, 2), (900, 2, 2),
                               (500, 1, 2), (520, 1, 3), (600, 0, 3)):
        looks.add(report_owners.Look(
            ns, {"host": 9, "vm10": 0, "vm2": pages}, records))
    looks.place(found)
    tap.equal(([look.ns for look in looks.found],
               [(look.ns, look.pages["vm2"]) for look in looks.changes()],
               looks.vms()),
              ([10, 30, 900, 1020, 1100],
               [(10, 1), (30, 2), (1020, 1), (1100, 0)], ["vm2"]),
              "looks-go-on-after-a-snapshot")
    many = report_log.MAX_LOADS * 3
    found = figures(folder, ONE[:2] + [
        change(n, 0, 1, 1, "LOADVM", HOST) for n in range(many, 0, -1)],
        end=900)
    tap.equal([found.time(records, 5) for records in
               (0, 2, 3, many + 2, many + 9)],
              [5, 5, 1005 - many, 1004, 1004], "also-after-many")
    tap.result(len(found.loads) <= report_log.MAX_LOADS,
               "loads-are-bounded")
    looks = report_owners.Looks(1)
    kept, newest = [], []
    for ns in range(5000):
        looks.add(report_owners.Look(ns, {"vm2": ns}))
        kept.append(len(looks.found))
        newest.append(looks.found[-1][0])
    tap.result(report_owners.MAX_LOOKS <= kept[-1] and
               max(kept) < 2 * report_owners.MAX_LOOKS and
               looks.found[0][0] == 0, "looks-are-bounded", kept[-1])
    tap.equal(newest, [*range(5000)], "and-the-newest-is-kept")


def refused(tap, name, status, message, *argv):
    said = io.StringIO()
    with contextlib.redirect_stderr(said), \
            contextlib.redirect_stdout(io.StringIO()):
        try:
            seen = report.main(list(argv))
        except SystemExit as end:
            seen = end.code
    text = said.getvalue()
    tap.result(seen == status and message in text and
               "Traceback" not in text, name, f"{seen}: {text}")


def check_arguments(tap, folder):
    refused(tap, "an-output-without-a-folder", 1, "cannot write", "--out",
            f"{folder}/none/x.html")
    refused(tap, "an-output-that-is-a-folder", 1, "not a regular file",
            "--out", str(folder))
    refused(tap, "an-unknown-guest", 2, "invalid choice", "--guest", "xyz")
    refused(tap, "a-size-that-is-none", 2, "no size", "--limit", "much")
    refused(tap, "too-many-cpus", 2, "1 to 8 CPUs", "--smp", "9")
    refused(tap, "a-kernel-that-is-none", 1, "no such file", "--kernel",
            f"{folder}/none")
    refused(tap, "qemu-that-does-not-start", 1, "QEMU did not start",
            "--out", f"{folder}/x.html", "--", "-no-such-option")
    tap.result(not (folder / "x.html").exists(), "and-leaves-no-page")


def body(tap):
    with tempfile.TemporaryDirectory(prefix="hypsec-look-") as name:
        folder = pathlib.Path(name)
        check_one(tap, folder)
        check_smp(tap, folder)
        check_time(tap, folder)
        check_ranks(tap)
        check_console(tap, folder)
        check_chart(tap)
        check_looks(tap, folder)
        check_arguments(tap, folder)


if __name__ == "__main__":
    looktest.run(body)
