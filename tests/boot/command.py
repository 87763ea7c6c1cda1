#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec run` as a user or a CI system meets it: output and exit status."""
import gzip
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading

import boottest

RUN = pathlib.Path(__file__).resolve().parents[2] / "tools/run.py"
SECONDS = 200


def run(*args):
    return subprocess.run([sys.executable, RUN, *map(str, args)],
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=SECONDS, check=False)


def write_zboot(path, image):
    """IMAGE as an EFI zboot image, as far as a boot loader reads its header."""
    payload = gzip.compress(image.read_bytes(), 1)
    header = struct.pack("<4s4sII8s32s4s", b"MZ", b"zimg", 64, len(payload),
                         b"", b"gzip", b"\xcd\x23\x82\x81")
    path.write_bytes(header.ljust(64, b"\0") + payload)


def typed(*lines):
    """An interactive run: LINES go one to each shell that comes up."""
    waiting = list(lines)
    with subprocess.Popen([sys.executable, RUN, "--smp", "1",
                           "--log", os.devnull],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        timer = threading.Timer(SECONDS, process.terminate)
        timer.start()
        for line in process.stdout:
            if "built-in shell" in line and waiting:
                process.stdin.write(waiting.pop(0) + "\n")
                process.stdin.flush()
        status = process.wait()
        timer.cancel()
        return status


def fails(tap, name, pattern, *args, status=1):
    """ARGS end in STATUS, one complaint that PATTERN matches, no output."""
    done = run(*args)
    tap.result(done.returncode == status and not done.stdout and
               re.search(pattern, done.stderr) and
               "Traceback" not in done.stderr,
               name, f"status {done.returncode}, output {done.stdout!r}, "
               f"messages:\n{done.stderr}")
    if logs := re.search(r"^whole logs: (.*)/host-console.log", done.stderr,
                         re.MULTILINE):
        shutil.rmtree(logs[1])


def main(tap):
    done = run("--batch", "--smp", 1, "--memory", "512M")
    tap.result(done.returncode == 0 and
               re.fullmatch(r"HYPSEC-HOST-OK cpus=1 mem=512MiB .*\n",
                            done.stdout),
               "batch/success-is-one-line", done.stdout + done.stderr)
    tap.equal(done.stderr, "", "batch/success-is-silent-otherwise")

    fails(tap, "batch/failed-check-is-reported",
          r"FAIL: host: all-cpus-online(.|\n)*whole logs: ",
          "--batch", "--append", "hypsec.cpus=3")
    fails(tap, "batch/timeout-is-reported", r"within [0-9.]+ s",
          "--batch", "--timeout", "0.5")
    for limit in ("nan", "inf", "0"):
        fails(tap, f"timeout/{limit}-is-refused", "not a positive time",
              "--batch", "--timeout", limit, status=2)
    fails(tap, "batch/qemu-error-is-passed-on", "QEMU did not start(.|\n)*dram",
          "--batch", "--", "-device", "dram")

    with tempfile.TemporaryDirectory(prefix="hypsec-") as folder:
        folder = pathlib.Path(folder)
        text = folder / "text"
        text.write_text("This is no kernel.\n" * 10)
        empty = folder / "empty"
        empty.touch()
        absent = folder / "absent"
        fails(tap, "kernel/absent", "no such file", "--kernel", absent)
        fails(tap, "kernel/empty", "is empty", "--kernel", empty)
        fails(tap, "kernel/no-image", "neither an arm64 Image",
              "--kernel", text)
        fails(tap, "kernel/folder", "not a regular file", "--kernel", folder)
        fails(tap, "initrd/absent", "no such file", "--initrd", absent)
        fails(tap, "initrd/empty", "is empty", "--initrd", empty)
        fails(tap, "log/not-writable", "cannot write the log",
              "--log", absent / "log")
        zboot = folder / "vmlinuz.efi"
        write_zboot(zboot, boottest.board.KERNEL)
        done = run("--batch", "--smp", 1, "--kernel", zboot)
        tap.equal(done.returncode, 0, "kernel/efi-zboot-boots")
        log = folder / "el2, log"
        run("--batch", "--smp", 1, "--log", log)
        tap.result(log.is_file() and log.stat().st_size > 0,
                   "log/holds-el2-console")
    fails(tap, "smp/out-of-range", "1 to 8 CPUs", "--smp", 9, status=2)
    fails(tap, "gic/out-of-range", "--gic", "--gic", 4, status=2)

    tap.equal(typed("poweroff"), 0, "interactive/poweroff-ends-the-run")
    tap.equal(typed("exit", "poweroff"), 0,
              "interactive/shell-comes-back-after-exit")
    tap.equal(typed("reboot", "poweroff"), 0,
              "interactive/reboot-comes-up-again")

    done = run("--help")
    tap.result(done.returncode == 0 and "-- QEMU" in done.stdout,
               "help/names-options-for-qemu", done.stdout)


boottest.run(main)
