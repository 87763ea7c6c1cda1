#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs that are the same each time: recorded ones under gdb, forwards and
backwards, and boards that count instructions."""
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile

import looktest
import board
import gdbserver
import guests
import parked
import recording
import run_guest

RUN, DEBUG = board.ROOT / "tools/run.py", board.ROOT / "tools/debug.py"
SECONDS = 300
STOPS = 40


def call(program, *arguments):
    return subprocess.run([sys.executable, program, *map(str, arguments)],
                          text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=SECONDS)


def record(folder, *arguments):
    return call(RUN, "--batch", "--record", folder, *arguments)


def replay(folder, *commands):
    return call(DEBUG, "--replay", folder, "--batch",
                *(word for line in commands for word in ("--ex", line)))


def told(tap, name, done, *patterns, status=0):
    """STATUS, and PATTERNS one after the other in the output."""
    place, missing = 0, None
    for pattern in patterns:
        found = re.compile(pattern, re.MULTILINE).search(done.stdout, place)
        if not found:
            missing = pattern
            break
        place = found.end()
    tap.result(done.returncode == status and not missing and
               "Traceback" not in done.stdout, name,
               f"status {done.returncode}, no {missing!r}:\n{done.stdout}")


def of_a_vm(tap, folder):
    made = folder / "hello"
    done = record(made, "--guest", "hello")
    told(tap, "record/run-ends-as-ever", done, "^HYPSEC-VM-OK hello",
         "^HYPSEC-GUEST-OK hello .* cpus=1 ")
    forth = ["hypsec break at vm1 vm_main", "continue", "hypsec replay",
             "delete", "continue", "hypsec replay", "hypsec backtrace"]
    first, again = (replay(made, *forth) for _ in range(2))
    told(tap, "replay/forwards", first, r"^#0 .*vm_main .*hello\.c",
         r"^instruction \d+ of \d+ \(\d+ %\)$",
         "^hypsec: this is the end of the recording",
         r"^-- trapped from host cpu 0 EL1: SMC PSCI_SYSTEM_OFF")
    tap.equal(first.stdout, again.stdout, "replay/same-each-time")
    backwards(tap, made)
    return made


def backwards(tap, made):
    done = replay(
        made, "hypsec goto end", "hypsec break owner any", "reverse-continue",
        "delete", "reverse-stepi", "hypsec replay", "stepi", "hypsec replay",
        "hypsec break at vm1 vm_main", "reverse-continue", "hypsec world",
        "hypsec replay", "reverse-continue", "hypsec world")
    told(tap, "replay/back-to-the-last-change-of-an-owner", done,
         r"page 0x\w+: vm1 -> host by HVC DESTROY_VM\(vmid 0x1\)")
    told(tap, "replay/back-to-a-vms-breakpoint", done, "^hypsec: .*vm_main",
         r"^\* CPU 0: vm1, EL1, pc 0x\w+ <vm_main>",
         r"^instruction (?!0 )\d+ of")
    told(tap, "replay/back-to-reset", done,
         r"^instruction (?!0 )\d+ of (?s:.*)^\* CPU 0: el2, .*<_start>")
    steps = [int(number) for number in
             re.findall(r"^instruction (\d+) of", done.stdout, re.MULTILINE)]
    tap.equal(steps[1] - steps[0], 1, "replay/one-step-back-and-forth")
    told(tap, "replay/watchpoint-backwards", replay(
        made, "hypsec break at vm1 vm_main", "continue", "delete",
        "watch -location *(unsigned long *)($sp - 64)", "reverse-continue"),
        r"^Hardware watchpoint \d+: ", r"^_start \(\) at .*boot\.S")
    end = int(re.search(r" of (\d+) ", done.stdout)[1])
    done = replay(made, "hypsec goto 2000000", "hypsec goto 1000",
                  "hypsec goto start", f"hypsec goto {end - 2}",
                  "hypsec break at el2 boot_main", "hypsec goto 1500000",
                  f"hypsec goto {end}")
    told(tap, "goto/there-and-back-past-breakpoints", done,
         *(f"^instruction {number}$" for number in
           (2000000, 1000, 0, end - 2, 1500000)),
         f"^the recording has instructions 0 to {end - 1}$", status=1)


def of_linux(tap, folder):
    made = folder / "linux"
    told(tap, "record/linux", record(made), "^HYPSEC-HOST-OK cpus=1 ")
    told(tap, "replay/linux-backwards", replay(
        made, "hypsec goto end", "hypsec break at el2 psci_call",
        "reverse-continue", "hypsec backtrace", "hypsec replay"),
        r"^#0 .*psci_call",
        r"^-- trapped from host cpu 0 EL1: SMC PSCI_",
        r"^snapshots at 0, \d+, ")


def that_fails(tap, folder):
    """A run that goes wrong is kept, up to where it ended."""
    made = folder / "late"
    done = record(made, "--guest", "secret", "--timeout", "1")
    told(tap, "record/of-a-run-that-fails", done, "^hypsec run: no end of all "
         r"VMs", rf"hypsec debug --replay {made}$", status=1)
    told(tap, "replay/of-a-run-that-failed", replay(
        made, "hypsec goto end", "hypsec vms", "continue", "hypsec replay"),
        r"^vm1 +VERIFIED ", "^hypsec: this is the end of the recording",
        r"^instruction (\d+) of ")


def that_panics(tap, folder):
    """EL2's panic is the end, and the way back from there is open."""
    made = folder / "panic"
    made.mkdir()
    scenario = guests.scenario("hello", guests.Options(cpus=1))
    initrd = made / run_guest.BUNDLE
    initrd.write_bytes(scenario.bundle())
    config = board.Config(
        machine=f"hypsec-virt{scenario.machine},on-violation=halt",
        kernel=guests.HOSTVISOR, initrd=initrd,
        append=" ".join(scenario.host), extra=recording.COMMON,
        symbols=gdbserver.guest_symbols(scenario))
    recording.begin(config, made, "a test")
    with board.Board(config, log=made / recording.HOST_LOG,
                     el2_log=made / recording.EL2_LOG) as machine:
        machine.wait_exit(SECONDS)
    done = replay(made, "continue", "hypsec replay", "hypsec panic",
                  "hypsec break at el2 panic", "reverse-continue",
                  "hypsec backtrace", "hypsec replay")
    told(tap, "replay/back-from-a-panic", done,
         "^hypsec: EL2 panicked on CPU 0: violation",
         r"^instruction (\d+) of ", "^#0 .*platform_report_panic",
         r"^Breakpoint 1, panic ", "^#0 .*panic", r"^#. .*violation",
         r"^instruction (?!0 )\d+ of")


def the_end(tap, made):
    """Nothing leaves the recording: gdb would wait for what is off."""
    done = replay(made, "continue", *["hypsec replay", "continue", "stepi",
                                      "next"] * 2, "hypsec replay",
                  "reverse-stepi", "hypsec replay", "stepi", "hypsec replay")
    told(tap, "replay/stays-in-the-recording", done,
         *["^hypsec: this is the end of the recording"] * 7)
    steps = [int(number) for number in
             re.findall(r"^instruction (\d+) of", done.stdout, re.MULTILINE)]
    tap.equal([number - steps[0] for number in steps], [0, 0, 0, -1, 0],
              "replay/and-leads-back")


def interrupted(tap, made):
    """Ctrl-C is gdb's; the board stays."""
    command = [sys.executable, DEBUG, "--replay", made, "--batch", "--ex",
               "python print('@now', flush=True); __import__('time').sleep(60)",
               "--ex", "hypsec replay"]
    with subprocess.Popen(command, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          start_new_session=True) as process:
        while "@now" not in process.stdout.readline():
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=SECONDS)[0]
    tap.result("\ninstruction 0 of " in said, "replay/ctrl-c-is-gdbs", said)


def refused_to_record(tap, folder, made):
    file = folder / "file"
    file.write_text("x")
    (folder / "link").symlink_to("nowhere")
    for name, arguments, words in (
            ("there-already", (made,), "takes a new folder"),
            ("no-folder", (file,), "takes a new folder"),
            ("below-a-file", (file / "x",), "Not a directory"),
            ("where-nobody-writes", ("/proc/x",), "No such file"),
            ("long-name", (folder / ("x" * 300),), "File name too long"),
            ("link-to-nowhere", (folder / "link",), "File exists"),
            ("line-in-the-name", (folder / "x\nshell x",),
             "a folder of this name"),
            ("bytes-in-the-name", (folder / "x\udcff",),
             "a folder of this name"),
            ("two-cpus", (folder / "new", "--smp", "2"), "records one CPU"),
            ("own-log", (folder / "new", "--log", file), "no --log"),
            ("qemus-arguments", (folder / "new", "--", "-S"),
             "no arguments of QEMU's"),
            ("no-plain-text", (folder / "none", "--append", "caf\u00e9"),
             "cannot have this 'append'"),
            ("too-long", (folder / "none", "--append", "x" * 3000),
             "cannot have this 'append'")):
        done = record(*arguments)
        tap.result(done.returncode in (1, 2) and words in done.stdout and
                   "Traceback" not in done.stdout, f"record-refused/{name}",
                   done.stdout)
    done = call(RUN, "--record", folder / "new")
    tap.result(done.returncode == 2 and "--batch" in done.stdout,
               "record-refused/somebody-types", done.stdout)
    done = subprocess.run(
        ["sh", "-c", "ulimit -f 8; exec \"$@\"", "sh", sys.executable, RUN,
         "--guest", "hello", "--batch", "--record", folder / "none"],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=SECONDS)
    tap.result(done.returncode == 1 and "File too large" in done.stdout and
               "Traceback" not in done.stdout, "record-refused/no-space",
               done.stdout)
    for name, data in (("no-log", None), ("cut-off-log", bytes(99))):
        (folder / "cut").mkdir(exist_ok=True)
        if data:
            (folder / "cut" / recording.LOG).write_bytes(data)
        try:
            recording.check_log(folder / "cut")
            said = "nothing"
        except recording.RecordingError as error:
            said = str(error)
        tap.result("nothing to replay" in said, f"record-refused/{name}", said)
    tap.result(not (folder / "new").exists() and
               not (folder / "none").exists() and file.read_text() == "x",
               "record-refused/leaves-nothing")


def refused_to_replay(tap, folder, made):
    def spoilt(name, words, change, status=1):
        copy = folder / f"spoilt-{name}"
        shutil.copytree(made, copy)
        change(copy)
        done = replay(copy, "hypsec replay")
        tap.result(done.returncode == status and words in done.stdout and
                   "Traceback" not in done.stdout, f"replay-refused/{name}",
                   f"{done.returncode} {done.stdout}")
        shutil.rmtree(copy)

    def field(**changed):
        def change(copy):
            path = copy / recording.DESCRIPTION
            path.write_text(json.dumps(
                {**json.loads(path.read_text()), **changed}))
        return change

    def cut(name, size):
        def change(copy):
            with open(copy / name, "r+b") as file:
                file.truncate(size)
        return change

    def link(copy):
        (copy / "kernel").unlink()
        (copy / "kernel").symlink_to("/etc/hostname")

    def pipe(name):
        def change(copy):
            (copy / name).unlink()
            os.mkfifo(copy / name)
        return change

    cannot = "a recording cannot have this"
    for name, words, change in (
            ("no-json", "not the description", cut(recording.DESCRIPTION, 9)),
            ("other-version", "version 2", field(version=2)),
            ("machine-that-writes-a-file", cannot,
             field(machine="hypsec-virt,dumpdtb=file")),
            ("machine-with-more-options", cannot,
             field(machine="hypsec-virt -monitor stdio")),
            ("cpu-is-a-list", cannot, field(cpu=["cortex-a72"])),
            ("gic-is-true", cannot, field(gic=True)),
            ("long-memory", cannot, field(memory="1" * 30)),
            ("symbols-from-elsewhere", cannot, field(symbols=[
                {"world": "el2", "name": "corevisor",
                 "file": "../../corevisor.elf"}])),
            ("symbols-of-nobody", cannot, field(symbols=[
                {"world": "\x1b[31m", "name": "x",
                 "file": "symbols-0/x.elf"}])),
            ("no-log", "replay.log is missing",
             lambda copy: (copy / recording.LOG).unlink()),
            ("linked-kernel", "kernel is missing", link),
            ("pipe-as-description", "no recording is there",
             pipe(recording.DESCRIPTION)),
            ("pipe-as-console", "host-console.log is missing",
             pipe(recording.HOST_LOG)),
            ("console-without-end", "console differs",
             cut(recording.HOST_LOG, 1 << 42)),
            ("other-console-of-el2", "console differs",
             cut(recording.EL2_LOG, 9)),
            ("empty-log", "QEMU", cut(recording.LOG, 0)),
            ("cut-off-log", "the replay goes no further: QEMU ended",
             cut(recording.LOG, 4000)),
            ("another-console", "console differs from the recorded",
             lambda copy: (copy / recording.HOST_LOG).write_text("x\n")),
            ("another-host", "", lambda copy: (copy / "kernel")
             .write_bytes(board.BARE_EL1.read_bytes()))):
        spoilt(name, words, change)
    spoilt("another-qemu-is-only-told", "another build of QEMU",
           field(qemu="0" * 64), status=0)
    done = replay(folder / "nowhere", "hypsec replay")
    tap.result(done.returncode == 1 and "no recording is there" in done.stdout,
               "replay-refused/nowhere", done.stdout)
    for arguments in (("--smp", "1"), ("--icount",), ("--attach", "x"),
                      ("--", "-S")):
        done = call(DEBUG, "--replay", made, *arguments)
        tap.equal((done.returncode, "Traceback" in done.stdout), (2, False),
                  f"replay-refused/with{arguments[0]}")


def session(*more):
    """What a session on the demo with four CPUs says."""
    commands = ["hypsec break at el2 trap_host_sync", *more,
                f"ignore 1 {STOPS}", "continue", "info breakpoints",
                "monitor info registers -a", "monitor qom-get obs world-time",
                "hypsec vms", "hypsec backtrace --all"]
    done = call(DEBUG, "--guest", "demo", "--smp", "4", "--icount", "--batch",
                *(word for line in commands for word in ("--ex", line)))
    assert done.returncode == 0, done.stdout
    return done.stdout


def counted(tap):
    """With -icount nothing differs, however often gdb stops the board."""
    first = session()
    tap.result(f"already hit {STOPS + 1} times" in first,
               "icount/stops-so-often", first)
    tap.equal(session(), first, "icount/sessions-are-alike")


def time_stands_still(tap):
    """Breakpoints on the way take no time of the board's."""
    def at_vm_main(*before):
        config = ("--guest", "hello", "--smp", "1", "--icount", "--batch")
        commands = [*before, "hypsec break at vm1 vm_main", "continue",
                    "echo @\\n", "monitor qom-get obs world-time",
                    "monitor qom-get obs world-instructions"]
        done = call(DEBUG, *config,
                    *(word for line in commands for word in ("--ex", line)))
        return done.stdout.partition("@\n")[2]
    plain = at_vm_main()
    tap.result("vm" in plain or re.search(r"\d{4}", plain),
               "icount/time-is-told", plain)
    tap.equal(at_vm_main("hypsec break at el2 trap_host_sync", "ignore 1 9",
                         "continue", "delete"), plain,
              "icount/stops-take-no-time")


def end_of_time(tap, folder):
    """A CPU that waits for a timer at the end of time: QEMU answers."""
    image = folder / "waits.bin"
    image.write_bytes(struct.pack(
        "<4I", 0xd2800020,      # mov x0, #1
        0xd51be220,             # msr cntp_ctl_el0, x0: has expired
        0xd503207f,             # wfi, nothing enables the interrupt
        0x17ffffff))            # b back to it
    config = board.Config(bios=image, kernel=None, initrd=None,
                          extra=parked.PINNED)
    with tap.behaviour("icount/waiting-for-ever-leaves-qemu-alive"), \
            board.Board(config, typing=False) as machine:
        while not re.search("PC=0*c ", machine.hmp("info registers")):
            pass
        for _ in range(20):
            assert machine.qmp("query-status")["running"]


def body(tap):
    with tempfile.TemporaryDirectory(prefix="hypsec-look-") as folder:
        folder = pathlib.Path(folder)
        made = of_a_vm(tap, folder)
        the_end(tap, made)
        interrupted(tap, made)
        refused_to_record(tap, folder, made)
        refused_to_replay(tap, folder, made)
        that_fails(tap, folder)
        that_panics(tap, folder)
        of_linux(tap, folder)
        counted(tap)
        time_stands_still(tap)
        end_of_time(tap, folder)


if __name__ == "__main__":
    looktest.run(body)
