#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec trace` on real boots: the timeline is sound and tells the boot."""
import pathlib
import re
import subprocess
import sys
import tempfile

import boottest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from timeline import Timeline  # noqa: E402

SECONDS = 300


def trace(*args):
    return subprocess.run([sys.executable, ROOT / "tools/trace.py",
                           *map(str, args)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=SECONDS,
                          check=False)


def boot(tap, folder):
    """Two CPUs, in real time."""
    out, log = folder / "boot.json", folder / "boot.log"
    done = trace("--out", out, "--keep-log", log)
    tap.result(done.returncode == 0 and not done.stderr and
               re.search(r"^HYPSEC-HOST-OK cpus=2 ", done.stdout,
                         re.MULTILINE) and
               done.stdout.endswith("dropped: nothing\n"),
               "boot/says-what-it-wrote", done.stdout + done.stderr)
    with tap.behaviour("boot/timeline-is-sound"):
        timeline = Timeline(out, 2)
        assert timeline.other["complete"] is True
    names = set(timeline.names())
    tap.result({"EL2 RESET", "EL2 CPU_ON", "host EL1", "host EL0",
                "host EL1 SVC", "host EL1 DABT", "EL2 DABT", "EL2 SMC",
                "off"} <= names, "boot/has-every-kind-of-slice", names)
    tap.result(not any(name.startswith(("unknown", "VM")) for name in names),
               "boot/every-world-is-known", names)
    calls = [event["args"].get("x0") for event in timeline.slices
             if event["name"] == "EL2 SMC"]
    tap.result("0xc4000003" in calls and calls[-1] == "0x84000008",
               "boot/shows-cpu-on-and-system-off", calls)
    ons = [event["tid"] for event in timeline.slices
           if event["name"] == "EL2 CPU_ON"]
    tap.equal(ons, [1], "boot/starts-the-other-cpu-once")

    again = folder / "again.json"
    done = trace("--log", log, "--out", again)
    tap.result(done.returncode == 0 and
               again.read_bytes() == out.read_bytes(),
               "boot/kept-log-gives-the-same", done.stderr)


def exact(tap, folder):
    """One CPU under icount: the clock is the instruction counter."""
    out = folder / "icount.json"
    done = trace("--icount", "--smp", 1, "--out", out)
    tap.equal((done.returncode, done.stderr), (0, ""), "icount/works")
    with tap.behaviour("icount/timeline-is-sound"):
        timeline = Timeline(out, 1)
    counts = [event["args"]["instructions"] for event in timeline.slices]
    tap.result(counts == sorted(counts) and counts[-1] > 100_000_000,
               "icount/instructions-are-counted", counts[-1:])
    # Until the first idling, time and instructions are the same number.
    first = timeline.slices[1]
    tap.equal(round(first["ts"] * 1000), first["args"]["instructions"],
              "icount/an-instruction-is-a-nanosecond")


def bounded(tap, folder):
    """The size is a promise, and what is missing is said."""
    out, log = folder / "small.json", folder / "small.log"
    done = trace("--smp", 1, "--out", out, "--keep-log", log, "--limit",
                 "128K")
    tap.result(done.returncode == 0 and
               re.search(r"^dropped: \d+ changes that had no room in the "
                         r"recorder's log; \d+ recorded changes",
                         done.stdout, re.MULTILINE),
               "limit/says-what-was-dropped", done.stdout + done.stderr)
    tap.result(out.stat().st_size <= 128 << 10 and
               log.stat().st_size <= 128 << 10, "limit/holds",
               f"{out.stat().st_size} {log.stat().st_size}")
    with tap.behaviour("limit/timeline-is-sound"):
        Timeline(out, 1)


def failures(tap, folder):
    out = folder / "failed.json"
    done = trace("--smp", 1, "--out", out, "--append", "hypsec.cpus=3")
    tap.result(done.returncode == 1 and
               "FAIL: host: all-cpus-online" in done.stderr and
               "Traceback" not in done.stderr, "failed-boot/is-reported",
               done.stderr)
    with tap.behaviour("failed-boot/leaves-its-timeline"):
        assert Timeline(out, 1).slices
    done = trace("--out", folder / "no/out.json")
    tap.result(done.returncode == 1 and "cannot write" in done.stderr,
               "out/not-writable", done.stderr)
    done = trace("--out", out, "--keep-log", folder)
    tap.result(done.returncode == 1 and "Is a directory" in done.stderr,
               "keep-log/not-writable", done.stderr)


def main(tap):
    with tempfile.TemporaryDirectory(prefix="hypsec-") as folder:
        folder = pathlib.Path(folder)
        boot(tap, folder)
        exact(tap, folder)
        bounded(tap, folder)
        failures(tap, folder)


boottest.run(main)
