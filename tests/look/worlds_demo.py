# SPDX-License-Identifier: GPL-2.0-or-later
"""Symbols of the world that a CPU is in, and breakpoints of one world: on the
demo's VMs, from the firmware's first instruction on."""
import os
import re
import signal
import threading

import looktest
import board

# Both VMs are linked here.
VM_START = 0x40000000
# Longer than gdb waits of its own, with its repetitions.
LATE_SECONDS = 9


def before_the_mmu(tap, machine):
    seen = looktest.gdb(machine, [
        "hypsec symbols", "break el2_tables_init", "continue",
        "hypsec symbols", "print $pc", "backtrace 2", "delete",
        "hypsec break at el2 boot_main", "continue", "hypsec symbols",
        "info symbol $pc", "print *(unsigned long *)&idle_nobody",
        "hypsec world"])
    carve = machine.qom_get("/machine/inspect", "page-address") - 0x1000
    image = carve + 0x200000
    tap.result("#0  _start () at " in seen.before,
               "flash-has-symbols-at-reset", seen.text)
    first = seen[0]
    tap.result(all(f"corevisor  at {place:#x}:" in first
                   for place in (0x4000000000, image, 0)),
               "firmware-is-loaded-at-its-three-places", first)
    tap.result("<el2_tables_init>" in seen[4] and
               f"{image >> 20:x}" in seen[4] and "#1 " in seen[5] and
               "relocated" in seen[5],
               "backtrace-in-the-copy-before-the-mmu", seen)
    tap.result("boot_main in section .text" in seen[10] and
               f"at {image:#x}" not in seen[9] and
               "at 0x4000000000:" in seen[9],
               "physical-copies-go-when-the-mmu-is-on", seen)
    tap.result("No symbol" in seen[11], "unknown-name-is-gdbs-error", seen)
    tap.result(seen.find(r"^\* CPU 0: el2, EL2, below: host, "
                         r"pc 0x[0-9a-f]+ <boot_main", "hypsec world"),
               "world-of-the-boot-cpu", seen["hypsec world"])


def secondary_cpu(tap, machine):
    seen = looktest.gdb(machine, [
        "hypsec break at el2 el2_secondary_entry", "continue",
        "hypsec world", "print $pc"])
    tap.result(seen.find(r"^\* CPU 1: el2, EL2, .*<el2_secondary_entry>",
                         "hypsec world") and
               seen.find(r"el2_secondary_entry \(\) at .*head.S"),
               "second-cpu-stops-before-its-mmu-is-on", seen)


def host(tap, machine):
    seen = looktest.gdb(machine, [
        "hypsec break at host host_main --temporary", "continue",
        "hypsec world", "hypsec symbols", "next", "backtrace 1"])
    tap.result(seen.find(r"^\* CPU 0: host, EL1, .*<host_main>",
                         "hypsec world") and "main.c" in seen[5],
               "hostvisor-by-name", seen)
    tap.result("hostvisor  at 0x40200000: CPU 0 runs host" in seen[3] and
               seen.find("alice +not loaded", 3), "its-symbols-alone", seen)


def vmid_of(machine, name):
    """The number that EL2 gave to a VM, by the host's word on the console."""
    for line in machine.console.lines:
        if match := re.search(rf"\[host\] vm\d+ {name}: EL2 calls it (\d+)",
                              line):
            return int(match[1])
    return None


def two_vms(tap, machine):
    """Both VMs begin at one address; bob's breakpoint is not alice's."""
    seen = looktest.gdb(machine, [
        "hypsec break at bob _start", "hypsec break at alice vm_main",
        "hypsec break at bob vm_main", "continue", "hypsec world",
        "hypsec symbols", "continue", "hypsec world", "hypsec symbols",
        "backtrace", "continue", "hypsec world", "hypsec symbols",
        "backtrace", "info locals", "info breakpoints",
        "thread 1", "thread 2", "thread 1", "thread 2"])
    vms = machine.qom_get("/machine/inspect", "vms")
    tap.result(len(vms) == 2, "both-vms-exist", vms)
    numbers = {name: vmid_of(machine, name) for name in ("alice", "bob")}
    hits = [seen.parts[n] for n in (3, 6, 10)]
    worlds = [re.search(r"^\* CPU \d: (\w+), EL1", seen.parts[n], re.M)[1]
              for n in (4, 7, 11)]
    by_name = {}
    for world, hit, symbols in zip(worlds, hits,
                                   (seen[5], seen[8], seen[12])):
        loaded = re.findall(r"^vm +(\w+) +at 0x40000000", symbols, re.M)
        tap.equal(len(loaded), 1, f"one-program-is-loaded-in-{world}")
        by_name.setdefault(loaded[0], set()).add(world)
    tap.equal(by_name, {name: {f"vm{number}"}
                        for name, number in numbers.items()},
              "each-vm-has-its-own-symbols")
    number = int(re.search(r"^\* CPU (\d): ", seen.parts[11], re.M)[1]) + 1
    function = re.match(r"#0 +(?:\S+ in )?(\w+ \()", seen.parts[13])[1]
    tap.result(function in seen[f"thread {number}"].rsplit("#0", 1)[-1],
               "thread-shows-the-names-of-its-world", seen)
    starts = [hit for hit in hits if f"{VM_START:#018x}" in hit or
              "_start ()" in hit]
    tap.result(len(starts) == 1 and
               re.search(r"breakpoint already hit 1 time",
                         seen["info breakpoints"]),
               "bobs-first-instruction-is-not-alices", seen)
    tap.result("walker.c" in seen.text and "secret.c" in seen.text and
               "vm_start (context=" in seen.text,
               "backtraces-in-both-vms", seen)


def errors(tap, machine):
    commands = {
        "hypsec break at nobody main": "is no world and no program",
        "hypsec break at host no_such_function": "no_such_function",
        "hypsec break at vm7 main": "name the program instead",
        "hypsec break at host": "required: location",
        "hypsec cpu 7": "no CPU 7; the board has 0 to 1",
        "hypsec cpu x y": "hypsec cpu: unrecognized arguments: y",
        "hypsec cpu nonsense": "is no number",
        "hypsec symbols add mars /etc/passwd": "is no world",
        "hypsec symbols add host /nowhere": "no such file",
        "hypsec symbols add host /etc/passwd": "no 64-bit ELF file",
        "hypsec symbols remove": "invalid choice",
        "hypsec break hypercall 99999999999999999999": "no hypercall",
        "hypsec linux": "no symbols of a Linux were given",
        "hypsec nothing": "there is no `hypsec nothing`",
    }
    seen = looktest.gdb(machine, list(commands))
    for command, words in commands.items():
        tap.result(words in seen[command] and
                   len(seen[command].strip().splitlines()) <= 3,
                   "refused: " + command, seen[command])
    alone = looktest.gdb(machine, ["hypsec world", "hypsec break at host x",
                                   "hypsec symbols"], connect=False)
    tap.result("CPU  power" in looktest.gdb(machine, ["hyp cpus"]).text or
               "EL2 knows of no CPU yet" in
               looktest.gdb(machine, ["hyp cpus"]).text,
               "hyp-is-short-for-hypsec")
    seen = looktest.gdb(machine, ["hypsec walk _start", "hypsec walk 0"])
    tap.result("VA 0x" in seen["hypsec walk _start"],
               "a-function-is-an-address", seen)
    tap.result("no board" in alone[0] and "Traceback" not in alone,
               "without-a-board-it-says-so", alone)


def help_texts(tap, machine):
    names = ["world", "cpu", "symbols", "break at", "linux"]
    seen = looktest.gdb(machine, [f"help hypsec {name}" for name in names] +
                        ["help hypsec"])
    for name in names:
        text = seen[f"help hypsec {name}"]
        tap.result("usage: hypsec " + name in text and "(gdb) hypsec" in text,
                   f"help-of-{name.replace(' ', '-')}", text)
    tap.result(all(f"hypsec {name} --" in seen["help hypsec"]
                   for name in ("world", "cpu", "symbols", "linux")),
               "help-lists-them", seen["help hypsec"])


def without_firmware(tap):
    """What needs EL2's data says why it cannot; a backtrace does not need
    them."""
    config = board.Config(bios=None, kernel=board.PARK, initrd=None)
    with looktest.debug_board(config, symbols=[]) as machine:
        seen = looktest.gdb(machine, ["stepi", "stepi", "hypsec backtrace",
                                      "hypsec cpus", "hypsec pages",
                                      "set $cpsr = 0x3c5",
                                      "hypsec backtrace"])
    tap.result(all("without firmware" in seen[name] and "symbols" not in
                   seen[name] for name in ("hypsec cpus", "hypsec pages")),
               "no-firmware-is-said", seen)
    tap.result("CPU 0 in host EL1" in seen[6] and "#0" in seen[6],
               "backtrace-without-firmware", seen)


def late_answers(tap):
    """gdb waits for a QEMU that gets no turn for a while."""
    config = board.Config(kernel=board.PARK, initrd=None)
    with looktest.debug_board(config) as machine:
        pid = machine.process.pid
        wake = threading.Timer(LATE_SECONDS, os.kill, (pid, signal.SIGCONT))
        os.kill(pid, signal.SIGSTOP)
        wake.start()
        try:
            seen = looktest.gdb(machine, ["hypsec world"])
        finally:
            wake.join()
    tap.result("* CPU 0: el2, EL2" in seen[0], "late-answers-are-waited-for",
               seen)


def body(tap):
    without_firmware(tap)
    late_answers(tap)
    with looktest.guest_board("demo") as machine:
        before_the_mmu(tap, machine)
        help_texts(tap, machine)
        errors(tap, machine)
        host(tap, machine)
        secondary_cpu(tap, machine)
        two_vms(tap, machine)


if __name__ == "__main__":
    looktest.run(body)
