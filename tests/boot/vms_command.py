#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec run --guest` as a user meets it: output, options, exit status."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

import boottest
import sign

RUN = pathlib.Path(__file__).resolve().parents[2] / "tools/run.py"
SECONDS = 300


def run(*args):
    return subprocess.run([sys.executable, RUN, *map(str, args)],
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=SECONDS, check=False)


def fails(tap, name, pattern, *args):
    """ARGS end in status 1 and one complaint that PATTERN matches."""
    done = run(*args)
    tap.result(done.returncode == 1 and not done.stdout and
               re.search(pattern, done.stderr) and
               "Traceback" not in done.stderr,
               name, f"status {done.returncode}, output {done.stdout!r}, "
               f"messages:\n{done.stderr}")
    if logs := re.search(r"^whole logs: (.*)/host-console.log", done.stderr,
                         re.MULTILINE):
        shutil.rmtree(logs[1])


def typed(guest, after, *lines):
    """An interactive run: LINES are typed once AFTER has been seen."""
    waiting = list(lines)
    seen = []
    with subprocess.Popen([sys.executable, RUN, "--guest", guest],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        timer = threading.Timer(SECONDS, process.terminate)
        timer.start()
        for line in process.stdout:
            seen.append(line)
            if waiting and after in line:
                process.stdin.write("".join(f"{text}\n" for text in waiting))
                process.stdin.flush()
                waiting = []
        status = process.wait()
        timer.cancel()
        return status, seen


def main(tap):
    done = run("--guest", "hello", "--batch", "--vcpus", 3, "--vm-memory",
               "48M")
    tap.result(done.returncode == 0 and re.fullmatch(
        r"HYPSEC-VM-OK hello vcpus=3 mem=48MiB .*\n(\[host\] attack.*\n)*"
        r"HYPSEC-GUEST-OK hello .*\n", done.stdout),
        "batch/options-reach-the-vm", done.stdout + done.stderr)
    tap.equal(done.stderr, "", "batch/success-is-silent-otherwise")

    fails(tap, "memory/no-size", "is no size", "--guest", "hello",
          "--batch", "--vm-memory", "much")
    fails(tap, "memory/too-little-for-linux", "takes 192M or more",
          "--guest", "linux-vm", "--batch", "--vm-memory", "64M")
    with tempfile.TemporaryDirectory(prefix="hypsec-") as folder:
        folder = pathlib.Path(folder)
        fails(tap, "key/absent", "absent.pem", "--guest", "hello", "--batch",
              "--key", folder / "absent.pem")
        zipped = folder / "Image.gz"
        zipped.write_bytes(b"\x1f\x8b" + bytes(62))
        fails(tap, "kernel/compressed", "plain arm64 Image", "--guest",
              "linux-vm", "--batch", "--kernel", zipped)
        key = folder / "mine.pem"
        sign.new_key(key)
        tap.equal(run("--guest", "hello", "--batch", "--key",
                      key).returncode, 0, "key/the-board-trusts-it")

    status, lines = typed("demo", "nothing")
    tap.result(status == 0 and sum("HYPSEC-VM-OK" in line
                                   for line in lines) == 2 and
               any(line.startswith("[host]") for line in lines),
               "interactive/two-vms-and-the-host", "".join(lines))
    status, lines = typed("linux-vm", "built-in shell", "echo one $((1 + 1))",
                          "poweroff")
    tap.result(status == 0 and "one 2\n" in lines,
               "interactive/linux-has-a-shell", "".join(lines))


boottest.run(main)
