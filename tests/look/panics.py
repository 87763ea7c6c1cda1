#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb's `hypsec panic`: a panic of EL2's leaves all that one asks for.

What it shows is compared with EL2's own report on its console, which the
tools need not have.
"""
import re
import struct

import looktest
from backtraces import parse
import board
from boardview.page import Page, address_by_qom
from boardview.source import QmpSource

# The injector's first range of bus faults.
FAULT, ENABLE_READS, PAGE = 0x0b102000, 3, 4096
PAUSE = ("-action", "panic=pause")
SECONDS = 300
# In EL2's memory.
FORBIDDEN = 0x7f000000
BAD_FRAME = "set $x0 = 0x10"
BAD_CONTEXT = ("set var ((struct pcpu *)$TPIDR_EL2)->ctxt = "
               "(struct shadow_ctxt *)0x18")


def report(machine):
    """EL2's own report: reason, registers and addresses of its calls."""
    text = machine.el2_log.read_text()
    reason = re.search(r"^EL2 panic: (.*)$", text, re.MULTILINE)
    if reason is None:
        raise machine.error("EL2 has not reported a panic")
    text = text[reason.end():]
    # Lines that other CPUs were printing may be in between.
    registers = {name: int(value, 16) for name, value in
                 re.findall(r"\b(x\d+) (0x[0-9a-f]{16})", text)}
    return reason[1].strip(), registers, \
        [int(line, 16) for line in re.findall(r"^  (0x[0-9a-f]+)\r?$", text,
                                              re.MULTILINE)]


def shown(text):
    """Registers and the Sections of the backtrace in `hypsec panic`."""
    registers = {name: int(value, 16) for name, value in
                 re.findall(r"\b(x\d+) (0x[0-9a-f]{16})", text)}
    walk = re.search(r"\nbacktrace:\n(.*?)\n\n", text, re.DOTALL)
    if walk is None:
        raise board.BoardError(f"no backtrace:\n{text}")
    return registers, parse(walk[1])


def agrees(tap, machine, text, name):
    """`hypsec panic` against EL2's own report; the walk."""
    reason, registers, calls = report(machine)
    seen, walk = shown(text)
    tap.result(f": {reason}\n" in text, f"{name}-reason",
               f"{reason!r} is not in:\n{text}")
    tap.result(len(seen) == 31 and len(registers) > 20 and
               registers.items() <= seen.items(), f"{name}-registers",
               f"{registers} are not those in:\n{text}")
    frames = [address for section in walk for address, _ in section.frames]
    # The first is where EL2 makes its report; after an exception inside EL2
    # where that was, and then x30, which may be any earlier call's.
    calls = calls[:1] + calls[2:] if "exception inside" in text else calls[1:]
    tap.result(calls and set(calls) <= set(frames), f"{name}-calls",
               f"{list(map(hex, calls))} are not all in:\n{text}")
    return walk


def violation(tap):
    """on-violation=halt: gdb is there, and comes again afterwards."""
    with looktest.guest_board("demo", machine=",on-violation=halt",
                              extra=PAUSE) as machine:
        first = looktest.gdb(machine, ["hypsec panic", "continue",
                                       "hypsec panic"])
        tap.result("EL2 has not panicked" in first[0], "no-panic-yet",
                   first[0])
        reason, *_ = report(machine)
        told = re.search(r"^hypsec: EL2 panicked on CPU (\d): (.*)$",
                         first[1], re.MULTILINE)
        tap.equal(told and told[2], reason, "stop-says-that-it-is-a-panic")
        tap.equal(machine.qmp("query-status")["status"], "guest-panicked",
                  "board-stays")
        walk = agrees(tap, machine, first[2], "violation")
        tap.result(walk[-1].title.startswith("trapped from host cpu") and
                   "panic" in walk[0].names() and
                   "attack_task" in walk[-1].names(),
                   "violation-backtrace-reaches-the-attack", first[2])
        tap.result(re.search(r"^CPU \d ran the host$", first[2],
                             re.MULTILINE) and
                   "ESR_EL2 0x" in first[2] and "abort" in first[2],
                   "violation-who-and-why", first[2])
        other = 1 - int(told[1])
        tap.result(re.search(rf"^CPU {other} (at EL2|in |is off)", first[2],
                             re.MULTILINE), "violation-other-cpu", first[2])
        later = looktest.gdb(machine, [
            # Without the log of the console: from EL2's stack.
            "python import common; common.set_el2_console('/nonexistent')",
            "hypsec panic", f"hypsec console --log {machine.el2_log}",
            "hypsec panic --all", "hypsec console --lines 1",
            "hypsec console --log /nonexistent", "hypsec console --lines 0"])
        tap.equal([section.frames for section in shown(later[1])[1]],
                  [section.frames for section in walk],
                  "gdb-that-comes-later-sees-the-same")
        tap.result(f": {reason}\n" in later[1] and
                   "nobody said where" in later[1],
                   "reason-without-the-console", later[1])
        tap.result(reason in later[3] and "EL2's console" in later[3] and
                   "corevisor: host kernel at" in later[3],
                   "with-the-console's-text", later[3])
        last = machine.el2_log.read_text().rstrip().splitlines()[-1]
        tap.result(last.strip() in later[4], "console", later[4])
        tap.result("no such file" in later[5] and
                   "takes 1 or more" in later[6], "console-bad-arguments",
                   later)


def broken_host_path(tap):
    """A bad pointer of EL2's, while it works for the host."""
    with looktest.guest_board("hello", extra=PAUSE) as machine:
        seen = looktest.gdb(machine, [
            "hypsec break at el2 handle_host_stage2_fault", "continue",
            BAD_FRAME, "continue", "hypsec panic", "backtrace",
            "hypsec context host 0"])
        walk = agrees(tap, machine, seen[4], "bad-pointer")
    inside = walk[1]
    tap.result(inside.title.startswith("exception inside EL2: data abort from "
                                       "the same level") and
               inside.names()[-4:] == ["handle_host_stage2_fault",
                                       "host_other_sync", "trap_host_sync",
                                       "host_sync"],
               "bad-pointer-in-two-parts", seen[4])
    tap.result(walk[2].title.startswith("trapped from host cpu 0 EL1"),
               "bad-pointer-and-the-host", seen[4])
    tap.result("locks:" in seen[4] and "at EL2h" in seen[4],
               "bad-pointer-registers-of-el2", seen[4])
    # EL2's own exception is in ELR_EL2 by then, the host's in its frame.
    tap.result("EL2 has taken an exception itself" in seen[6] and
               seen.find(r"^PC +0x\w+ +-$", 6), "bad-pointer-pc-of-the-host",
               seen[6])


def broken_vm_path(tap):
    """The same while it works for a VM, whichever, on four CPUs."""
    with looktest.guest_board("demo", cpus=4, extra=PAUSE) as machine:
        seen = looktest.gdb(machine, [
            "hypsec break vm 2 class DABT --once", "continue",
            "hypsec break at el2 vm_exit_dispatcher --temporary", "continue",
            BAD_CONTEXT, "continue", "hypsec panic --all", "hypsec vcpus"])
        walk = agrees(tap, machine, seen[6], "bad-context")
    titles = [section.title for section in walk]
    tap.result(len(walk) == 4 and titles[1].startswith("exception inside") and
               re.match(r"trapped from vm[12] vCPU \d EL1: ", titles[2]) and
               titles[3].startswith("run by host cpu"),
               "bad-context-four-worlds", seen[6])
    tap.result("sched_loop" in walk[3].names() and
               {"_start", "vm_start"} & set(walk[2].names()),
               "bad-context-their-frames", seen[6])
    tap.result(all(re.search(rf"^CPU {cpu} ", seen[6], re.MULTILINE)
                   for cpu in range(4)), "bad-context-all-cpus", seen[6])
    tap.result(re.search(r"^CPU \d ran vm[12] vCPU \d for host cpu \d$", seen[6],
                         re.MULTILINE), "bad-context-who-ran", seen[6])
    tap.result(seen.find(r"^vm[12] vCPU \d: .*, CPU \d at EL2$", 7) and
               "EL2h" not in seen[7], "bad-context-no-pc-of-el2s", seen[7])


def with_locks(tap):
    """EL2 breaks while it holds locks."""
    with looktest.guest_board("demo", extra=PAUSE) as machine:
        seen = looktest.gdb(machine, [
            "hypsec break owner any --to vm1 --once", "continue",
            # Panics: no such owner.
            "set $x1 = 99", "continue", "hypsec panic"])
        agrees(tap, machine, seen[4], "assertion")
    tap.result(re.search(r"s2page +.*CPU \d", seen[4]) and
               "assertion failed" in seen[4], "locks-that-are-held", seen[4])


def poke(address, data):
    """A gdb command that writes to a device."""
    return ("python import common; r = common.connection(); "
            'r.send_packet("Qqemu.PhyMemMode:1"); '
            f'print(r.send_packet("M{address:x},{len(data):x}:{data.hex()}'
            '")); r.send_packet("Qqemu.PhyMemMode:0")')


def injected(tap):
    """A bus error under EL2's feet, by the injector."""
    with looktest.guest_board("hello", machine=",inject=on",
                              extra=PAUSE) as machine:
        start = looktest.gdb(machine, ["hypsec console", "hypsec break entry",
                                       "continue"])
        tap.equal(start[0].strip(), "EL2's console: nothing so far",
                  "console-at-reset")
        with QmpSource(machine) as source:
            records = Page.read(source, address_by_qom(machine)).page_base
        # What EL2 reads about the host's first page.
        seen = looktest.gdb(machine, [
            poke(FAULT, struct.pack("<Q", records)),
            poke(FAULT + 8, struct.pack("<Q", 2 * PAGE)),
            poke(FAULT + 0x10, struct.pack("<Q", 1)),
            poke(FAULT + 0x20, struct.pack("<I", ENABLE_READS)),
            "continue", "hypsec panic"])
        walk = agrees(tap, machine, seen[5], "bus-error")
    tap.result(walk[1].title.startswith("exception inside EL2") and
               "external abort" in walk[1].title and
               "handle_host_stage2_fault" in walk[1].names(),
               "bus-error-in-words", seen[5])


def linux(tap):
    """Linux as the host of a board that panics at once."""
    config = board.Config(smp=2, machine="hypsec-virt,on-violation=halt",
                          append="hypsec.mode=serve", extra=PAUSE)
    with looktest.debug_board(config, running=True) as machine:
        machine.wait_line("^HYPSEC-READY$", SECONDS)
        machine.send(f"devmem {FORBIDDEN:#x}\n")
        machine.wait_event("GUEST_PANICKED", SECONDS)
        seen = looktest.gdb(machine, ["hypsec panic"])
        walk = agrees(tap, machine, seen[0], "linux")
    tap.result(walk[-1].title.startswith("trapped from host cpu") and
               f"IPA {FORBIDDEN:#x}" in walk[-1].title and
               " EL0: " in walk[-1].title, "linux-program-did-it",
               seen[0])


def body(tap):
    violation(tap)
    broken_host_path(tap)
    broken_vm_path(tap)
    with_locks(tap)
    injected(tap)
    linux(tap)


if __name__ == "__main__":
    looktest.run(body)
