#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb's hypsec decode, cpus, vms, vcpus, context and locks on boards that run:
what they say against what a VM is known to have done, against gdb's own
registers, against QMP, and with the firmware's memory spoilt.

usage: state.py demo | panic | spoilt | host --smp N
"""
import argparse
import functools
import random
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import looktest  # noqa: E402
import boottest  # noqa: E402
import board  # noqa: E402
import guests  # noqa: E402
import run_guest  # noqa: E402

SECRET_MARK = 0x5ec2e7a1
# arch/layout.h: where EL2 maps physical address 0.
LINEAR_BASE = 0x2000000000
X = [f"x{n}" for n in range(31)]
SYSTEM = {"ELR_EL1": "ELR_EL1", "TTBR0_EL1": "TTBR0_EL1",
          "MAIR_EL1": "MAIR_EL1", "VBAR_EL1": "VBAR",
          "TPIDR_EL0": "TPIDR_EL0", "TPIDR_EL1": "TPIDR_EL1",
          "CPACR_EL1": "CPACR", "SPSR_EL1": "SPSR_EL1", "FAR_EL1": "FAR_EL1",
          "ESR_EL1": "ESR_EL1", "SCTLR_EL1": "SCTLR", "TCR_EL1": "TCR_EL1"}
RAW = "info registers " + " ".join(
    [*X, "pc", "cpsr", "sp", "ELR_EL2", "SPSR_EL2", "SP_EL0", "SP_EL1",
     *SYSTEM.values()])
LOCKS = 39
THIS_CPU = "python print('THIS', gdb.selected_thread().num - 1)"
# An error of Python's that became a message, or was none.
LEAKED = r"\b[A-Z]\w*(Error|Exception)\b|Traceback"


def registers(text):
    """Registers by name from `info registers`."""
    return {name: int(value, 16) for name, value in re.findall(
        r"^(\w+)\s+(0x[0-9a-f]+)", text, re.MULTILINE)}


def context(text):
    """Rows of `hypsec context`: {name: [shadow, intermediate, CPU]}, as far as
    there are columns; None for a dash."""
    return {name: [None if cell == "-" else int(cell, 16)
                   for cell in cells.split()]
            for name, cells in re.findall(
                r"^([A-Z]\w+) +((?:(?:0x[0-9a-f]+|-) *)+)$", text,
                re.MULTILINE)}


def differences(text, other):
    """Rows of one table of `--diff`: {name: (one, two, why)}."""
    part = re.search(rf"^shadow and {other}:\n((?:  .*\n?)*)", text,
                     re.MULTILINE)
    return {} if part is None else {
        name: (int(one, 16), int(two, 16), why) for name, one, two, why in
        re.findall(r"^  (\w+) +(0x\w+) +(0x\w+) *(.*)$", part[1],
                   re.MULTILINE)}


def facts(machine, name):
    """A property of /machine/inspect."""
    return machine.qom_get("/machine/inspect", name)


def tool(name, *arguments):
    """What one of the compiler's tools prints."""
    try:
        return subprocess.run([f"aarch64-linux-gnu-{name}", *arguments],
                              text=True, check=True,
                              capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise board.BoardError(f"aarch64-linux-gnu-{name}: {error}") from None


@functools.cache
def el2(name):
    """The address of a symbol of the firmware's. gdb itself knows several, by
    the places at which it can be."""
    board.check_built(board.FIRMWARE_ELF)
    match = re.search(rf"^(\w+) \w {name}$", tool("nm", board.FIRMWARE_ELF),
                      re.MULTILINE)
    if match is None:
        raise board.BoardError(f"{board.FIRMWARE_ELF}: no symbol {name}")
    return int(match[1], 16)


def this_cpu(seen):
    return int(seen.find(r"^THIS (\d+)")[1])


# The demo: alice keeps secrets in registers, bob walks memory. Which one EL2
# calls 1 and which 2 is a race of the host's CPUs.

def before_boot(tap, machine):
    seen = looktest.gdb(machine, ["hypsec cpus", "hypsec locks",
                                  "hypsec context 1 0"])
    tap.result(all("EL2 knows of no CPU yet" in seen[n] for n in range(3)),
               "says-that-el2-has-not-booted", seen)


def alice(machine):
    """EL2's number of alice, the one that has two vCPUs."""
    looktest.gdb(machine, [f"break *{el2('restore_vm'):#x}", "continue"])
    # One of them has been verified, hence has all of its vCPUs.
    vmid, vcpus = next((vm["vmid"], len(vm["vcpus"]))
                       for vm in facts(machine, "vms")
                       if vm["state"] == "VERIFIED")
    return vmid if vcpus == 2 else 3 - vmid


def kept_secrets(tap, machine, vm):
    """Alice is interrupted while x1 to x30 hold secret + n."""
    stop = looktest.gdb(machine, [
        f"break *{secret_loop():#x} if $VTTBR_EL2 >> 48 == {vm}", "continue",
        THIS_CPU, "printf \"VCPU %d\\n\", $TPIDR_EL1",
        # Nothing else happens in the VM until it is interrupted.
        "set $x0 = 0x10000000000"])
    cpu, vcpu = this_cpu(stop), int(stop.find(r"^VCPU (\d)")[1])
    commands = [
        f"break *{el2('restore_host'):#x} thread {cpu + 1}", "continue",
        THIS_CPU, RAW,
        f"hypsec context {vm} {vcpu} --fp",
        f"hypsec context vm{vm} {vcpu} --diff",
        f"hypsec context {vm} {vcpu} --changed",
        "hypsec cpus", "hypsec vms", "hypsec vcpus", f"hypsec vcpus vm{vm}",
        "hypsec locks"]
    seen = looktest.gdb(machine, commands)
    text = seen[4]
    rows = context(text)
    # The host's number of alice is 1, whatever EL2 calls it.
    secret = SECRET_MARK << 32 | 1 << 24 | vcpu << 16
    expected = {f"X{n}": secret + n for n in range(1, 31)}
    expected.update(TPIDR_EL0=secret + 512, TPIDRRO_EL0=secret + 513,
                    SP=secret + 514, ELR_EL1=secret + 515)
    wrong = {name: rows.get(name) for name, value in expected.items()
             if not rows.get(name) or rows[name][0] != value}
    tap.result(not wrong, "secrets-of-a-vm-are-in-its-shadow-context",
               f"{wrong}\n{seen}")
    vectors = dict(re.findall(r"^Q(\d+) +([0-9a-f]{32})$", text,
                              re.MULTILINE))
    tap.equal(vectors, {str(n): f"{secret + 256 + n:016x}" * 2
                        for n in range(32)}, "and-in-its-fp-registers")
    tap.result(all(rows[f"X{n}"][1:] == [0, None] for n in range(1, 31)),
               "intermediate-context-has-none-of-them", text)
    raw = registers(seen[RAW])
    live = {name: raw[SYSTEM[name]] for name in SYSTEM}
    live.update(PC=raw["ELR_EL2"], PSTATE=raw["SPSR_EL2"], SP=raw["SP_EL0"],
                SP_EL1=raw["SP_EL1"])
    tap.equal({name: rows[name][2] for name in live}, live,
              "cpu-column-is-gdbs-registers")
    _diffs(tap, seen, rows)
    changed = context(seen[6])
    tap.equal(changed, {name: row for name, row in rows.items()
                        if any(row)}, "changed-leaves-zeros-out")
    _lists(tap, machine, seen, vm, vcpu)


def _diffs(tap, seen, rows):
    text = seen[5]
    shown = differences(text, "intermediate context")
    tap.equal({name: shown.get(name, ())[:2] for name in shown},
              {name: tuple(row[:2]) for name, row in rows.items()
               if row[1] is not None and row[0] != row[1]},
              "diff-has-what-differs-from-the-intermediate-context")
    tap.equal({why for name, (_, _, why) in shown.items()
               if name.startswith("X")}, {"hidden from the host"},
              "diff-says-hidden-from-the-host")
    shown = differences(text, r"CPU \d")
    tap.equal({name: row[:2] for name, row in shown.items()},
              {name: (row[0], row[2]) for name, row in rows.items()
               if row[2] is not None and None not in row[::2] and
               row[0] != row[2]}, "diff-has-what-differs-from-the-cpu")
    tap.result("TCR_EL1" not in shown or shown["TCR_EL1"][2] ==
               "EL1's walks are stopped by EL2", "diff-says-why-walks-stop",
               text)
    # EL1's walks are stopped until the host's registers are back.
    tap.result({"TCR_EL1", "SCTLR_EL1"} >= set(shown) -
               {"CNTV_CTL_EL0", "CNTV_CVAL_EL0", "CNTVOFF_EL2"} and shown,
               "and-that-is-what-el2-changed", text)


def _lists(tap, machine, seen, vm, vcpu):
    """Lists of CPUs, VMs and vCPUs against QMP's."""
    cpu = this_cpu(seen)
    inspect = {name: facts(machine, name) for name in
               ("vms", "pcpus", "owners")}
    vms = {f"vm{vm['vmid']}": (vm["state"], str(vm["pages"]),
                               str(len(vm["vcpus"])))
           for vm in inspect["vms"]}
    rows = {row[0]: (row[1], row[3], row[2]) for row in re.findall(
        r"^(vm\d+) +(\w+) +(\d+)(?:, \d on a CPU)? +(\d+) \(",
        seen["hypsec vms"], re.MULTILINE)}
    tap.equal(rows, vms, "vms-are-those-of-qmp")
    listed = {(int(vm), int(vcpu)): (state, power, int(on) if on else None)
              for vm, vcpu, state, power, on in re.findall(
                  r"^vm(\d+) vCPU (\d): (\w+) (\w+), (?:CPU (\d)|in no)",
                  seen["hypsec vcpus"], re.MULTILINE)}
    tap.equal(listed, {(vm["vmid"], vcpu["vcpu"]):
                       (vcpu["state"], vcpu["power"], vcpu.get("cpu"))
                       for vm in inspect["vms"] for vcpu in vm["vcpus"]},
              "vcpus-are-those-of-qmp")
    one = seen[f"hypsec vcpus vm{vm}"]
    tap.result(f"vm{3 - vm}" not in one and f"vm{vm} vCPU 1" in one,
               "vcpus-of-one-vm", one)
    cpus_agree(tap, seen["hypsec cpus"], inspect["pcpus"])
    # It left by an interrupt and is inactive by now.
    tap.result(re.search(rf"^\* {cpu} +ON +EL2h +vm{vm} vCPU {vcpu} +- "
                         r"+0x\w+ <restore_host", seen["hypsec cpus"],
                         re.MULTILINE),
               "cpus-says-where-the-cpu-is", seen["hypsec cpus"])
    tap.result(re.search(rf"^vm{vm} vCPU {vcpu}: READY ON.*\n  last exit: IRQ "
                         "for the host", seen["hypsec vcpus"], re.MULTILINE),
               "vcpus-says-how-it-left", seen["hypsec vcpus"])


def cpus_agree(tap, text, pcpus, name=""):
    """`hypsec cpus` against QMP."""
    rows = {int(row[0]): row[1:] for row in re.findall(
        r"^[ *] (\d) +(\w+) +\S+ +(host|vm\d+ vCPU \d|-) +"
        r"(-|[^\s,]+(?:, [^\s,]+)*) ",
        text + " ", re.MULTILINE)}
    expected = {cpu["cpu"]: (
        "OFF" if cpu["world"] == "off" else "ON",
        {"host": "host", "off": "-"}.get(
            cpu["world"], f"{cpu['world']} vCPU {cpu['vcpu']}"),
        ", ".join(cpu["locks"]) or "-") for cpu in pcpus}
    tap.equal(rows, expected, f"{name}cpus-are-those-of-qmp")


def answered(tap, machine, vm):
    """Alice asks the host for something, and is told."""
    stop = looktest.gdb(machine, [
        f"break *{el2('vcpu_psci_call'):#x} if $w0 == {vm}", "continue",
        THIS_CPU,
        "printf \"VCPU %d\\n\", $w1"])
    cpu, vcpu = this_cpu(stop), int(stop.find(r"^VCPU (\d)")[1])
    place = el2("shadow_ctxts") + (8 * vm + vcpu) * 2048
    regs = f"((struct shadow_ctxt *){place:#x})->regs"
    dirty = f"{regs}[45]"
    shared = f"((struct shadow_ctxt *){place:#x})->shared->regs"
    seen = looktest.gdb(machine, [
        f"break *{el2('restore_host'):#x} thread {cpu + 1}", "continue",
        # As a host could: an answer, and something nobody asked for.
        f"set var {shared}[0] = 0x1234", f"set var {shared}[7] = 0x77",
        f"printf \"DIRTY %#lx\\n\", {dirty}",
        f"printf \"ESR %#lx\\n\", {regs}[72]",
        f"printf \"SHOWN %#lx\\n\", ((struct shadow_ctxt *){place:#x})"
        "->released",
        f"hypsec context {vm} {vcpu}", f"hypsec context {vm} {vcpu} --diff",
        f"hypsec decode dirty {dirty}", f"hypsec decode esr {regs}[72]",
        f"hypsec context {vm} {vcpu} --changed", f"set var {shared}[7] = 0"])
    value = int(seen.find(r"DIRTY (0x\w+)")[1], 16)
    esr = int(seen.find(r"ESR (0x\w+)")[1], 16)
    taken = [n for n in range(31) if value >> n & 1]
    words = seen[f"hypsec context {vm} {vcpu}"]
    line = re.search("before it runs again: (.*)", words)[1]
    wanted = ", ".join(f"x{n}" for n in taken) + " comes from the host"
    if value >> 32 & 1:
        wanted += "; PC goes on by an instruction"
    tap.equal(line, wanted, "dirty-bits-in-words")
    tap.result(wanted.split("; ")[0] in
               seen[f"hypsec decode dirty {dirty}"], "decode-knows-dirty-bits",
               seen)
    summary = re.search(r"ESR_EL2 = \w+: (.*(?:\n          .*)?)",
                        seen[f"hypsec decode esr {regs}[72]"])
    summary = re.sub(r"\s+", " ", summary[1])
    tap.result(f"last exit: trap: {summary}" in words and
               f"{esr:#x}" in words, "last-exit-in-words", seen)
    shown = differences(seen[f"hypsec context {vm} {vcpu} --diff"],
                        "intermediate context")
    released = int(seen.find(r"SHOWN (0x\w+|0)")[1], 16)
    rows = context(words)
    good = True
    for n in range(31):
        row = rows[f"X{n}"]
        if row[0] == row[1]:
            good &= f"X{n}" not in shown
            continue
        why = shown[f"X{n}"][2]
        good &= why == ("comes from the host" if value >> n & 1 else
                        "was shown to the host" if released >> n & 1 else
                        "hidden from the host" if row[1] == 0 else
                        "the host's own, not taken")
    tap.result(good and shown["X0"][1:] == (0x1234, "comes from the host") and
               shown["X7"][1:] == (0x77, "the host's own, not taken"),
               "diff-says-what-comes-from-the-host", seen)
    changed = context(seen[f"hypsec context {vm} {vcpu} --changed"])
    tap.equal(changed, {name: row for name, row in rows.items() if any(row)},
              "changed-has-what-the-host-wrote")


def inside_the_vm(tap, machine, vm):
    """A vCPU that runs: its registers are in the CPU."""
    address = secret_loop()
    seen = looktest.gdb(machine, [
        f"break *{address:#x} if $VTTBR_EL2 >> 48 == {vm}", "continue",
        THIS_CPU, RAW, "hypsec cpus", f"hypsec vcpus {vm}",
        f"hypsec context {vm} $TPIDR_EL1",
        "hypsec decode vttbr",
        "hypsec decode hcr", "hypsec decode vtcr", "hypsec decode spsr",
        "hypsec decode pstate"])
    raw = registers(seen[RAW])
    cpu = this_cpu(seen)
    rows = context(seen[f"hypsec context {vm} $TPIDR_EL1"])
    live = {f"X{n}": raw[f"x{n}"] for n in range(31)}
    live.update({name: raw[SYSTEM[name]] for name in SYSTEM})
    live.update(PC=address, PSTATE=raw["cpsr"], SP_EL1=raw["sp"])
    tap.equal({name: (rows.get(name) or [0] * 3)[2] for name in live}, live,
              "registers-of-a-running-vcpu-are-the-cpus")
    tap.result(re.search(rf"CPU {cpu} at EL1, pc {address:#x} EL1h",
                         seen[f"hypsec vcpus {vm}"]),
               "vcpus-knows-that-it-runs", seen)
    tap.result(re.search(rf"VMID {vm}, root at 0x\w+, the table of vm{vm}",
                         re.sub(r"\s+", " ", seen["hypsec decode vttbr"])),
               "vttbr-says-whose-table", seen)
    named(tap, seen["hypsec cpus"], vm)
    tap.result("40-bit IPAs, 4 KiB granule, walks start at level 1" in
               re.sub(r"\s+", " ", seen["hypsec decode vtcr"]),
               "vtcr-is-decoded", seen["hypsec decode vtcr"])
    tap.result("TWI" in seen["hypsec decode hcr"] and
               "stage 2 translates" in seen["hypsec decode hcr"],
               "hcr-is-decoded", seen["hypsec decode hcr"])
    tap.result(f"PSTATE = {raw['cpsr']:#x}: EL1h" in
               seen["hypsec decode pstate"], "pstate-is-decoded",
               seen["hypsec decode pstate"])


def named(tap, text, vm):
    """Each place in `hypsec cpus` has its name from the program that is
    there."""
    programs = {"el2": board.FIRMWARE_ELF,
                "host": guests.HOSTVISOR.with_suffix(".elf"),
                f"vm{vm}": guests.SMALL / "vm-secret.elf",
                f"vm{3 - vm}": guests.SMALL / "vm-walker.elf"}
    rows = re.findall(r" ON +(EL\d).\s+(host|vm\d).* (0x\w+)(?: <(.*)>)?$",
                      text, re.MULTILINE)
    wrong = []
    for level, below, pc, name in rows:
        path = programs["el2" if level == "EL2" else below]
        symbol, _, offset = name.partition("+")
        start = int(pc, 16) - int(offset or "0", 16)
        if not re.search(rf"^{start:016x} \w {symbol}$", tool("nm", path),
                         re.MULTILINE):
            wrong.append((path.name, pc, name))
    tap.result(len(rows) == 2 and not wrong, "places-have-their-worlds-names",
               f"{wrong}\n{text}")


def secret_loop():
    """The address at which VM 1 counts down while its registers are full."""
    path = board.BUILD / "guest-images/vm/secret.bin"
    board.check_built(path)
    # subs x0, x0, #1; b.hi to it.
    place = path.read_bytes().find(bytes.fromhex("000400f1e8ffff54"))
    assert place > 0, "secret has no such loop any more"
    return guests.RAM + place


def waiting_loop():
    """Where a CPU that waits for s2page looks at its ticket."""
    code = tool("objdump", "--disassemble=acquire_lock_s2page",
                board.FIRMWARE_ELF)
    return int(re.search(r"^ *(\w+):.*\bldarh\b", code, re.MULTILINE)[1], 16)


def locks(tap, machine):
    """One CPU stops while it holds s2page, the other one then wants it."""
    lock = f"((struct ticket_lock *){el2('s2page_lock'):#x})"
    seen = looktest.gdb(machine, [
        f"break *{el2('assign_pfn_to_vm'):#x} if $w0 == 1", "continue",
        THIS_CPU, "hypsec locks", "hypsec cpus"])
    holder = this_cpu(seen)
    # The other CPU may have locks of its own.
    lines = re.findall(r"^(\S+) +(\S.*)\n(?=(?s:.*)^\d+ locks are free$)",
                       seen[3].partition("\n")[2], re.MULTILINE)
    mine = [lock for lock, words in lines if re.match(
        rf"CPU {holder} holds it \(ticket \d+\)", words)]
    tap.equal(mine, ["vm[1]", "s2page"], "locks-held-and-by-whom")
    tap.result(f"\n{LOCKS - len(lines)} locks are free\n" in seen[3] and
               f"CPU {holder} holds vm[1], s2page\n" in seen[3],
               "locks-are-counted-and-told-by-cpu", seen)
    tap.result(re.search(rf"^[ *] {holder} +ON +EL2h +host +vm\[1\], s2page ",
                         seen["hypsec cpus"], re.MULTILINE),
               "cpus-lists-the-locks", seen)
    seen = looktest.gdb(machine, [
        f"thread {2 - holder}", "set scheduler-locking on",
        f"break *{waiting_loop():#x} if (unsigned short)({lock}->next - "
        f"{lock}->serving) > 1", "continue", "hypsec locks",
        f"printf \"TICKET %d\\n\", {lock}->serving", "hypsec locks --all"])
    ticket = seen.find(r"TICKET (\d+)")[1]
    tap.result(re.search(
        rf"^s2page +CPU {holder} holds it \(ticket {ticket}\); 1 waits: "
        rf"CPU {1 - holder} in acquire_lock_s2page$", seen["hypsec locks"],
        re.MULTILINE), "waiting-cpus-are-told", seen)
    tap.result(seen["hypsec locks"].startswith(
        "order: smmu -> vm[N] -> core -> s2page -> pt[N] -> spt -> console"),
        "lock-order-is-told", seen)
    tap.equal(len(re.findall(r"^[a-z0-9\[\]]+ +(?:free|CPU)",
                             seen["hypsec locks --all"], re.MULTILINE)), LOCKS,
              "all-locks-on-demand")
    names = {cpu["cpu"]: cpu["locks"] for cpu in facts(machine, "pcpus")}
    tap.result(all(f"CPU {cpu} holds {', '.join(held) or 'none'}\n" in
                   seen["hypsec locks"] for cpu, held in names.items()),
               "locks-are-those-of-qmp", f"{names}\n{seen}")


def errors(tap, machine):
    """What is no VM, vCPU, register or number."""
    cases = {
        "hypsec context": "required: vm, vcpu",
        "hypsec context 16 0": "no VM 16",
        "hypsec context vmx 0": "x",
        "hypsec context 1 8": "no vCPU 8: 0 to 7 are",
        "hypsec context host 2": "no CPU 2: EL2 knows of 0 to 1",
        "hypsec context 1 0 --diff --changed": "not allowed with",
        "hypsec context 1 -1": "no vCPU -1",
        "hypsec vcpus host": "type `hypsec cpus`",
        "hypsec vcpus 99": "no VM 99",
        "hypsec vcpus 15": "vm15 has no vCPUs",
        "hypsec decode": "required: register",
        "hypsec decode nothing": "no register that can be decoded: 'nothing'",
        "hypsec decode esr 0x10000000000000000": "no value of 64 bits",
        "hypsec decode esr no_such": "no_such",
        "hypsec decode esr --cpu 9": "no CPU 9",
        "hypsec decode esr 1 --cpu 0": "--cpu is for",
        "hypsec decode dirty": "takes a value",
        "hypsec locks now": "unrecognized arguments: now",
        "hypsec cpus 1": "unrecognized arguments: 1",
    }
    seen = looktest.gdb(machine, cases)
    wrong = [command for command, words in cases.items()
             if words not in seen[command] or
             len(seen[command].splitlines()) != 1]
    tap.result(not wrong and not seen.find(LEAKED), "errors-are-clear",
               f"{wrong}\n{seen}")
    helps = [f"help hypsec {name}" for name in
             ("decode", "cpus", "vms", "vcpus", "context", "locks")]
    seen = looktest.gdb(machine, helps, connect=False)
    tap.result(all("usage: " + command[5:] in seen[command] and
                   "(gdb) " + command[5:] in seen[command]
                   for command in helps), "help-has-usage-and-example", seen)
    alone = ["hypsec cpus", "hypsec vms", "hypsec context 1 0",
             "hypsec decode esr", "hypsec locks", "hypsec vcpus"]
    seen = looktest.gdb(machine, alone, connect=False)
    tap.result(all("no board" in seen[command] for command in alone),
               "without-a-board-says-so", seen)


def just_started(tap):
    """The first vCPU of a VM at its first call, on the only CPU."""
    with looktest.guest_board("secret", cpus=1) as machine:
        seen = looktest.gdb(machine, [
            "hypsec break at secret vm_main --temporary", "continue",
            "hypsec vcpus", "hypsec context host 0 --diff", "hypsec vms",
            "hypsec console --lines 1", "help hypsec", "hypsec context 9 0",
            "hypsec vms --all"])
    tap.result(re.search(r"^vm1 vCPU 0: ACTIVE ON, CPU 0 at EL1, pc 0x\w+ EL1h"
                         r"\n.*\nvm1 vCPU 1: READY OFF, in no CPU\n"
                         r"  never ran since reset$", seen[2], re.MULTILINE),
               "a-vcpu-that-never-ran-is-nowhere", seen[2])
    tap.result("the rest of the shadow" not in seen[3] and
               seen[3].endswith("CPU 0 does not run the host now, which "
                                "leaves nothing to compare\n"),
               "nothing-to-compare-is-said", seen[3])
    pages, size, unit = re.search(
        r"^vm1 .* (\d+) \(([\d.]+) (KiB|MiB)\)", seen[4],
        re.MULTILINE).groups()
    of_unit = 4096 / (1024 if unit == "KiB" else 1 << 20)
    tap.result(abs(float(size) / (int(pages) * of_unit) - 1) < 0.001,
               "pages-and-their-size", seen[4])
    tap.result(seen[5].startswith("EL2's console, the last line:\n  "),
               "console-begins-at-once", seen[5])
    first = re.findall(r"^hypsec [\w ]+ -- (.*)$", seen[6], re.MULTILINE)
    tap.result(len(first) > 15 and all(line.endswith(".") for line in first),
               "help-has-whole-sentences", first)
    tap.result(seen[7].startswith("vm9 vCPU 0: UNUSED OFF\n") and
               seen[7].endswith("\nall of it is zero\n") and
               len(seen[7].splitlines()) == 3,
               "a-context-of-nobody-is-short", seen[7])
    tap.result(re.search(r"^vm9 +UNUSED +0 +0 +0x0 ", seen[8], re.MULTILINE),
               "no-pages-have-no-size", seen[8])


def demo(tap, args):
    just_started(tap)
    with looktest.guest_board("demo", cpus=2) as machine:
        before_boot(tap, machine)
        locks(tap, machine)
        vm = alice(machine)
        answered(tap, machine, vm)
        inside_the_vm(tap, machine, vm)
        kept_secrets(tap, machine, vm)
        errors(tap, machine)


# A panic: the host attacks, and on-violation=halt

def panic(tap, args):
    with looktest.guest_board("demo", cpus=2, machine=",on-violation=halt",
                              extra=("-action", "panic=pause"),
                              running=True) as machine:
        machine.wait_event("GUEST_PANICKED", boottest.BOOT_SECONDS)
        machine.qmp("stop")
        commands = ["hypsec cpus", "hypsec vms", "hypsec vcpus",
                    "hypsec locks", "hypsec context host 0",
                    "hypsec context host 1 --diff", "hypsec decode esr"]
        seen = looktest.gdb(machine, commands)
        cpus_agree(tap, seen["hypsec cpus"], facts(machine, "pcpus"))
        tap.result(re.search(r"^[ *] \d +ON +EL2h +host ", seen["hypsec cpus"],
                             re.MULTILINE), "a-cpu-is-at-el2", seen)
        tap.equal(len(re.findall(r"^vm\d+ +[A-Z]+ ", seen["hypsec vms"],
                                 re.MULTILINE)), len(facts(machine, "vms")),
                  "vms-are-listed")
        hosts = [seen[f"hypsec context host {n}"]
                 for n in ("0", "1 --diff")]
        tap.result(any("those of the trap frame" in text for text in hosts),
                   "a-host-context-is-in-its-frame", seen)
        tap.result(not seen.find(LEAKED) and all(map(str.strip, seen.parts)),
                   "all-commands-answer", seen)


# Firmware whose memory may hold anything

COMMANDS = ["hypsec cpus", "hypsec vms --all", "hypsec vcpus", "hypsec locks",
            "hypsec locks --all", "hypsec context 1 0",
            "hypsec context 1 0 --diff --fp", "hypsec context 15 7 --changed",
            "hypsec context host 0", "hypsec context host 1 --diff",
            "hypsec decode vttbr"]
SPOILT = ("pcpus", "vm_infos", "shadow_ctxts", "vm_lock", "pt_lock",
          "s2page_lock", "window", "nr_pcpus")


def spoil(what, data):
    """A command that overwrites a variable of EL2's with DATA, repeated."""
    return (f"python v = common.firmware_symbol('{what}'); "
            f"d = bytes.fromhex('{data.hex()}'); n = v.type.sizeof; "
            f"gdb.selected_inferior().write_memory({el2(what):#x}, "
            "(d * (n // len(d) + 1))[:n])")


def without_page(tap, machine, cpu):
    """The inspection page is gone: EL2's own structures are enough."""
    page = LINEAR_BASE + facts(machine, "page-address")
    seen = looktest.gdb(machine, [
        f"thread {cpu + 1}", f"set var *(unsigned long *){page:#x} = 0",
        *COMMANDS])
    tap.result(not seen.find(LEAKED) and
               seen["hypsec vms --all"].count("no inspection page") == 1 and
               re.search(r"^vm1 +[A-Z]+ +\d.* +\? +\? ",
                         seen["hypsec vms --all"], re.MULTILINE) and
               "vm1 vCPU 0: " in seen["hypsec vcpus"],
               "no-page/the-rest-is-told", seen)


def spoilt(tap, args):
    seeded = random.Random(7)
    patterns = {"ones": b"\xff" * 8, "zeros": b"\0" * 8,
                **{f"random-{n}": seeded.randbytes(997) for n in range(4)}}
    # One VM, so that the one which stops is vm1.
    with looktest.guest_board("secret", cpus=2) as machine:
        seen = looktest.gdb(machine, [f"break *{el2('save_vm'):#x}",
                                      "continue", THIS_CPU])
        cpu = this_cpu(seen)
        without_page(tap, machine, cpu)
        for name, data in patterns.items():
            # One after the other: later ones meet what is spoilt already.
            commands = [f"thread {cpu + 1}", "python import common"]
            for what in SPOILT:
                commands += [spoil(what, data), *COMMANDS]
            seen = looktest.gdb(machine, commands)
            leaked = seen.find(LEAKED)
            lines = max((line for part in seen.parts
                         for line in part.splitlines()), key=len)
            tap.result(not leaked and len(seen.parts) == len(commands) and
                       max(part.count("\n") for part in seen.parts) < 400 and
                       all(part.strip() for command, part in
                           zip(commands, seen.parts)
                           if command in COMMANDS) and
                       seen.text.isascii() and len(lines) < 1000,
                       f"{name}/no-traceback", f"{leaked}\n{seen}")
            if name == "ones":
                tap.result("EL2 says that it has 4294967295 CPUs, of at most "
                           "8" in seen["hypsec cpus"],
                           "says-what-makes-no-sense", seen["hypsec cpus"])


# The Linux host

def host_registers(tap, machine, cpu):
    """The host's registers before and after EL2 has saved them, at the next
    exception of CPU's to EL2."""
    seen = looktest.gdb(machine, [
        f"break *($VBAR_EL2 + 0x400) thread {cpu + 1}", "continue", RAW,
        f"hypsec context host {cpu} --changed", "delete",
        "set scheduler-locking on",
        f"break *{el2('host_other_sync'):#x}", "continue", THIS_CPU,
        f"hypsec context host {cpu}", f"hypsec context host {cpu} --diff",
        "hypsec cpus", "hypsec decode esr", "hypsec vms", "hypsec vcpus",
        "hypsec locks", f"hypsec decode vttbr --cpu {cpu}"])
    raw = registers(seen[RAW])
    name = f"cpu{cpu}/"
    rows = context(seen[f"hypsec context host {cpu}"])
    saved = {f"X{n}": raw[f"x{n}"] for n in range(31)}
    saved.update(PC=raw["ELR_EL2"], PSTATE=raw["SPSR_EL2"])
    early = context(seen[f"hypsec context host {cpu} --changed"])
    tap.equal({key: (early.get(key) or [0, 0])[-1] for key in saved}, saved,
              f"{name}first-instruction-has-them-in-the-cpu")
    tap.equal({key: (rows.get(key) or [None])[0] for key in saved}, saved,
              f"{name}trap-frame-is-what-the-host-had")
    tap.equal({key: (rows.get(key) or [0, None])[1] for key in SYSTEM},
              {key: raw[SYSTEM[key]] for key in SYSTEM},
              f"{name}system-registers-are-in-the-cpu")
    tap.result("those of the trap frame at 0x40000" in
               seen[f"hypsec context host {cpu}"],
               f"{name}says-where-they-are", seen)
    tap.result("\nthe rest of the shadow context is of the last time" in
               seen[f"hypsec context host {cpu} --diff"],
               f"{name}says-how-old-the-rest-is", seen)
    cpus_agree(tap, seen["hypsec cpus"], facts(machine, "pcpus"), name)
    tap.equal((seen["hypsec vms"], seen["hypsec vcpus"]),
              ("no VMs\n", "no vCPUs\n"), f"{name}there-is-no-vm")
    vttbr = re.sub(r"\s+", " ", seen[f"hypsec decode vttbr --cpu {cpu}"])
    tap.result("VMID 0, root at" in vttbr and "the table of host" in vttbr,
               f"{name}vttbr-is-the-hosts", seen)
    tap.result(not seen.find(LEAKED), f"{name}no-traceback", seen)


def switched_off(tap, machine, cpu):
    """Linux takes a CPU down, which hence calls EL2."""
    # Nothing happens before gdb is there.
    machine.qmp("stop")
    machine.send(f"echo 0 > /sys/devices/system/cpu/cpu{cpu}/online; "
                 f"echo GONE-$((40 + {cpu}))\n")
    host_registers(tap, machine, cpu)
    looktest.gdb(machine, [], go_on=True)
    machine.wait_line(rf"GONE-{40 + cpu}\b", boottest.BOOT_SECONDS)
    seen = looktest.gdb(machine, ["hypsec cpus"])
    tap.result(re.search(rf"^[ *] {cpu} +OFF +- +- +- +-$",
                         seen["hypsec cpus"], re.MULTILINE),
               f"cpu{cpu}/is-off", seen)
    cpus_agree(tap, seen["hypsec cpus"], facts(machine, "pcpus"),
               f"cpu{cpu}/off/")


def host(tap, args):
    config = board.Config(smp=args.smp, memory="512M", append="hypsec.mode="
                          f"serve {boottest.NO_STALLS}",
                          extra=run_guest.threads(args.smp))
    with looktest.debug_board(config) as machine:
        looktest.gdb(machine, [f"break *{el2('el2_enter_host'):#x}",
                               "continue"])
        host_registers(tap, machine, 0)
        if args.smp > 1:
            looktest.gdb(machine, [], go_on=True)
            boottest.wait_ready(machine)
            for cpu in range(1, args.smp):
                switched_off(tap, machine, cpu)


def main(tap):
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("demo", "panic", "spoilt",
                                         "host"))
    parser.add_argument("--smp", type=int, default=1)
    args = parser.parse_args()
    {"demo": demo, "panic": panic, "spoilt": spoilt,
     "host": host}[args.what](tap, args)


if __name__ == "__main__":
    looktest.run(main)
