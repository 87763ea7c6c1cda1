# SPDX-License-Identifier: GPL-2.0-or-later
"""What the boot tests share: TAP output, and a Linux host that serves."""
import contextlib
import pathlib
import signal
import sys
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import board  # noqa: E402

# Hang bounds, no measures: machines are slow and busy.
BOOT_SECONDS = 300
POWER_OFF_SECONDS = 120

# hypsec-check's cases, see guest-images/linux/check.sh.
HOST_CASES = ["started-at-el1", "all-cpus-online", "psci-found", "gic-works",
              "timers-tick-on-every-cpu", "memory-size", "kernel-log-clean"]


class Tap:
    """One test program's results, in the Test Anything Protocol."""

    def __init__(self):
        self.count = 0
        self.failures = 0
        print("TAP version 13", flush=True)

    def result(self, good, name, detail=""):
        """Report one behaviour; GOOD is returned."""
        self.count += 1
        if not good:
            self.failures += 1
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}")
        if detail and not good:
            self.note(detail)
        sys.stdout.flush()
        return good

    def equal(self, seen, expected, name):
        return self.result(seen == expected, name,
                           f"expected {expected!r}, saw {seen!r}")

    def skip(self, name, reason):
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {reason}", flush=True)

    def note(self, text):
        for line in str(text).splitlines():
            print(f"# {line}", flush=True)

    @contextlib.contextmanager
    def behaviour(self, name):
        """The block shows the behaviour NAME, unless it raises."""
        try:
            yield
        except (board.BoardError, AssertionError) as error:
            self.result(False, name, error)
        else:
            self.result(True, name)


# A loaded machine makes the guest's clock run ahead of its CPUs; no test may
# depend on that.
NO_STALLS = "rcupdate.rcu_cpu_stall_suppress=1"


def run(body):
    """Run BODY(tap) as a test program; never returns."""
    # Meson ends a test that is late by SIGTERM: QEMU shall go as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    tap = Tap()
    try:
        body(tap)
    except board.BoardError as error:
        tap.result(False, "runs-to-the-end", error)
    except Exception:   # a bug in the test must not look like a pass
        tap.result(False, "runs-to-the-end", traceback.format_exc())
    except SystemExit as end:
        # Of what is tested, and Meson takes a test without a plan.
        if end.code:
            raise
        tap.result(False, "runs-to-the-end", traceback.format_exc())
    print(f"1..{tap.count}", flush=True)
    sys.exit(1 if tap.failures else 0)


def host(append="", **settings):
    """A board whose Linux serves commands on the console, not yet started."""
    append = f"hypsec.mode=serve {NO_STALLS} {append}".strip()
    config = board.Config(append=append, **settings)
    return board.Board(config)


def expectations(config, level=1):
    """Kernel arguments that tell hypsec-check what to find."""
    return f"hypsec.cpus={config['smp']} hypsec.gic={config['gic']} " \
           f"hypsec.el={level}"


def wait_ready(machine, seconds=BOOT_SECONDS):
    machine.wait_line("^HYPSEC-READY$", seconds)


def self_check(tap, machine, cases=tuple(HOST_CASES), prefix=""):
    """Run hypsec-check in the host and report each of its CASES."""
    _, lines = machine.shell("hypsec-check", timeout=BOOT_SECONDS)
    for case in cases:
        line = next((seen for seen in lines
                     if seen.startswith(("PASS: ", "FAIL: ")) and
                     seen.split()[2] == case), f"no line about {case}")
        tap.result(line.startswith("PASS: "), prefix + case, line)
    return lines


def power_off(tap, machine, name="powers-off-cleanly"):
    """Power off from inside; QMP must call it a guest's shutdown."""
    with tap.behaviour(name):
        machine.send("poweroff -f\n")
        machine.wait_event("SHUTDOWN", POWER_OFF_SECONDS, guest=True,
                           reason="guest-shutdown")
        status = machine.wait_exit(POWER_OFF_SECONDS)
        assert status == 0, f"QEMU exited with status {status}"
