#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb's `hypsec backtrace`: across EL2 into the worlds below it.

Frames are compared with the symbols of the programs (nm) and with registers
that plain gdb has read before EL2 touched any.
"""
import dataclasses
import re
import subprocess

import looktest
import board
import guests

FRAME = re.compile(r"^#(\d+)\s+0x([0-9a-f]{16}) (.*)$")
BOUNDARY = re.compile(r"^-- (.*) --$")
LIVE = ('printf "live %lx %lx %lx %lx\\n", $ELR_EL2, $x29, $x30, $SP_EL1')
VM_CALL = "hypsec break vm 1 class HVC --once"
# From the first instruction of a VM's trap to EL2's C, and some of that.
STEPS = 48
# How often gdb may come at another moment.
ATTEMPTS = 20
FIRMWARE = board.FIRMWARE_ELF
HOSTVISOR = guests.HOSTVISOR.with_suffix(".elf")


@dataclasses.dataclass
class Section:
    title: str
    frames: list
    notes: list

    def names(self):
        """Functions, those that are inlined as well, inner first."""
        return [name for _, text in self.frames
                for name in re.sub(r"\+0x.*", "", text).split(" in ")]


def parse(text):
    """The Sections of a backtrace; frames are (address, text)."""
    found, count = [], 0
    for line in text.strip().splitlines():
        if match := BOUNDARY.match(line):
            found.append(Section(match[1], [], []))
        elif match := FRAME.match(line):
            if not found or int(match[1]) != count:
                raise board.BoardError(f"frames are not counted:\n{text}")
            found[-1].frames.append((int(match[2], 16), match[3]))
            count += 1
        elif line.startswith("    ("):
            found[-1].notes.append(line.strip())
        elif line:
            found.append(Section(line, [], []))
    return found


def symbols(path):
    """[(address, name)] of a program's code, sorted, by nm."""
    text = subprocess.run(["aarch64-linux-gnu-nm", "-n", path], check=True,
                          capture_output=True, text=True).stdout
    return [(int(line[0], 16), line[2]) for line in
            (line.split() for line in text.splitlines())
            if len(line) == 3 and line[1] in "tT" and line[2][0] != "$"]


def named_right(section, program, first=True):
    """Whether each frame's function is where it says; FIRST: the address is
    exact, others are return addresses."""
    known = symbols(program)
    for number, (address, text) in enumerate(section.frames):
        match = re.search(r"(\S+)\+0x([0-9a-f]+)", text)
        at = address - (0 if number == 0 and first else 4)
        below = [entry for entry in known if entry[0] <= at]
        if not match or not below or \
           address - int(match[2], 16) != below[-1][0]:
            return False
    return True


def live(seen, which):
    """ELR_EL2, x29, x30, SP_EL1 as LIVE has printed them."""
    return [int(word, 16) for word in seen[which].split()[1:]]


def host_trap(tap):
    """A stage-2 fault of the host's: at the vector, in C, and back."""
    with looktest.guest_board("demo", cpus=1) as machine:
        seen = looktest.gdb(machine, [
            "hypsec backtrace",                                     # 0
            "hypsec break hypercall REGISTER_VCPU --once", "continue", LIVE,
            "hypsec backtrace",                                     # 4
            "hypsec break at el2 host_hvc_dispatcher --temporary", "continue",
            "hypsec backtrace", "backtrace",                        # 7, 8
            "hypsec break exit --once --cpu $_thread-1", "continue",
            "hypsec backtrace"])
    reset, = parse(seen[0])
    tap.equal((reset.title, reset.names()), ("CPU 0 at EL2", ["_start"]),
              "at-reset-in-flash")
    here, host = parse(seen[4])
    tap.result(here.title.endswith("at EL2") and here.names() == [
        "host_vectors"] and here.frames[0][1].startswith(
            "host_vectors+0x400"), "at-the-vector", seen[4])
    tap.result(re.match(r"trapped from host cpu \d+ EL1: HVC REGISTER_VCPU"
                        r"\(vmid 0x\d+, vcpuid 0x0\); ESR 0x5a000000, ELR "
                        rf"{live(seen, 3)[0]:#x}$", host.title),
               "boundary-says-why", host.title)
    tap.equal(host.frames[0][0], live(seen, 3)[0], "host-goes-on-from-elr")
    tap.result("sched_loop" in host.names() and len(host.frames) >= 4 and
               host.names()[-1] in ("primary", "secondary_entry") and
               not host.notes and
               named_right(host, HOSTVISOR),
               "frames-of-the-host", seen[4])
    dispatcher, again = parse(seen[7])
    tap.equal(dispatcher.names(),
              ["host_hvc_dispatcher", "host_other_sync", "trap_host_sync",
               "host_sync"], "frames-of-el2")
    tap.result(named_right(dispatcher, FIRMWARE), "and-their-addresses",
               seen[7])
    tap.equal((again.title, again.frames), (host.title, host.frames),
              "host-is-the-same-from-the-trap-frame")
    tap.result(re.search(r"^#3 .* in host_sync ", seen[8], re.MULTILINE) and
               len(seen[8].splitlines()) < 8, "gdb's-own-ends", seen[8])
    leaving, host = parse(seen[11])
    tap.result(leaving.names() == ["host_return"] and
               host.title.startswith("goes to host cpu") and
               host.frames[-1] == again.frames[-1] and
               named_right(host, HOSTVISOR), "at-the-eret", seen[11])


def booting(tap):
    """Where head.S enters C, on each CPU: nobody has called it. Executing is
    not off, though EL2 has noted the CPU to be so far."""
    with looktest.guest_board("hello") as machine:
        places = ("boot_main", "enter_host", "boot_secondary", "enter_host")
        commands = ["hypsec backtrace --all", "hypsec world", "hypsec cpus"]
        for place in places:
            commands += [f"hypsec break at el2 {place} --temporary",
                         "continue", "stepi 2", "hypsec backtrace",
                         "hypsec world", "hypsec cpus", "delete"]
        seen = looktest.gdb(machine, commands)
    tap.result(parse(seen[0])[-1].title == "CPU 1 is off" and
               seen[1].splitlines()[1] == "  CPU 1: off" and
               re.search(r"^  1 +OFF +- +- +- +-$", seen[2], re.M) and
               re.search(r"^\* 0 +\? +EL2h +\? +- +0x0 <_start>$", seen[2],
                         re.M) and "EL2 knows of no CPU yet" in seen[2],
               "a-cpu-that-never-started-is-off", seen.parts[:3])
    for number, (place, callers) in enumerate(zip(places, (
            [], ["boot_main"], [], ["boot_secondary"]))):
        at = 3 + 7 * number
        found = parse(seen[at + 3])
        tap.equal([section.names() for section in found],
                  [[place, *callers]], f"callers-of-{place}-{number}")
        cpu = number // 2
        power = ("?", "OFF", "ON_PENDING", "ON_PENDING")[number]
        tap.result(re.search(rf"^\* CPU {cpu}: el2, .*<{place}\+\d+>$",
                             seen[at + 4], re.M) and
                   re.search(rf"^\* {cpu} +{re.escape(power)} +EL2h .*"
                             rf"<{place}\+0x\w+>$", seen[at + 5], re.M),
                   f"cpu-executes-{place}-{number}", seen.parts[at + 3:at + 6])


def vm_trap(tap):
    """A VM's trap, instruction by instruction through switch.S into C. One
    VM alone: which one of several EL2 calls vm1 is a race."""
    commands = [VM_CALL, "continue", LIVE, "hypsec backtrace"]
    commands += ["stepi", "hypsec backtrace"] * STEPS
    with looktest.guest_board("secret") as machine:
        seen = looktest.gdb(machine, commands)
        walks = [parse(seen[n]) for n in range(3, len(commands), 2)]
        elr = live(seen, 2)[0]
        el2, vm, host = walks[0]
        tap.equal(el2.names(), ["vm_vectors", "host_vcpu_run_handler",
                                "trap_host_sync", "host_sync"],
                  "at-the-vm's-vector")
        tap.result(re.match(r"trapped from vm1 vCPU \d EL1: HVC "
                            r"PSCI_AFFINITY_INFO\(target 0x0, level 0x0\)"
                            r"; ESR 0x5a"
                            rf"\w+, ELR {elr:#x}$", vm.title) and
                   vm.frames[0][0] == elr and "call" in vm.frames[0][1],
                   "vm-that-trapped", seen[3])
        program = guests.SMALL / "vm-secret.elf"
        tap.result(named_right(vm, program) and len(vm.frames) > 2 and
                   not vm.notes and "vm_main" in vm.names(),
                   "frames-of-the-vm", seen[3])
        tap.result(host.title.startswith("run by host cpu") and
                   "VCPU_RUN(vmid 0x1" in host.title and
                   "sched_loop" in host.names() and
                   named_right(host, HOSTVISOR), "host-that-runs-it",
                   seen[3])
        where = [walk[0].names()[0] for walk in walks]
        tap.result({"vm_vectors", "vm_to_core"} < set(where) and
                   len(set(where) - {"vm_vectors", "vm_to_core"}) >= 1,
                   "steps-go-through-vectors-switch-and-c", where)
        different = [(n, walk) for n, walk in enumerate(walks)
                     if [section.frames for section in walk[1:]] !=
                     [vm.frames, host.frames] or
                     walk[0].names()[-3:] !=
                     ["host_vcpu_run_handler", "trap_host_sync",
                      "host_sync"]]
        tap.result(not different, "all-of-them-show-the-same-below",
                   f"step {different[0]}" if different else "")
        titles = {walk[1].title for walk in walks}
        tap.equal(titles, {vm.title}, "and-say-the-same-why")
        into_vm(tap, machine)


def into_vm(tap, machine):
    """The way back: core_to_vm(), the ERET, EL1."""
    commands = ["hypsec break at el2 core_to_vm", "continue", "delete"]
    commands += ["hypsec backtrace", "stepi"] * 30
    seen = looktest.gdb(machine, commands)
    walks = [parse(seen[n]) for n in range(3, len(commands), 2)]
    inside = [walk for walk in walks
              if walk[0].names()[0] == "core_to_vm"]
    tap.result(len(inside) > 20 and all(
        walk[0].names()[1:] == ["host_vcpu_run_handler", "trap_host_sync",
                                "host_sync"] for walk in inside),
        "core_to_vm-keeps-its-callers", seen)
    later = walks[len(inside):]
    goes = [walk[1].title for walk in inside if walk[1].title.startswith(
        "goes to vm")]
    tap.result(len(goes) > 15, "and-tells-the-vm-that-it-goes-to", seen)
    tap.result(later and later[0][0].title.startswith(
        f"CPU {inside[0][0].title.split()[1]} in vm") and
        len(later[0]) == 1 and
        later[0][0].frames[0][0] == inside[-1][1].frames[0][0],
        "at-el1-there-is-just-the-vm", seen)


def host_steps(tap):
    """vectors.S, instruction by instruction: the host's registers are saved,
    and given back."""
    save, back = ["stepi", "hypsec backtrace"] * 44, \
        ["hypsec backtrace", "stepi"] * 24
    with looktest.guest_board("hello", cpus=1) as machine:
        seen = looktest.gdb(machine, [
            "hypsec break hypercall REGISTER_VCPU --once", "continue",
            "hypsec backtrace", *save,
            "hypsec break at el2 host_return --temporary", "continue", *back])
    start = 3 + len(save) + 2
    walks = [parse(seen[n]) for n in range(2, 3 + len(save), 2)]
    host = walks[0][1]
    where = {walk[0].names()[0] for walk in walks}
    tap.result({"host_vectors", "host_sync"} < where and len(where) > 2,
               "steps-go-through-the-saving-into-c", where)
    different = [walk for walk in walks
                 if (walk[1].title, walk[1].frames) !=
                 (host.title, host.frames)]
    tap.result(not different, "the-host-stays-the-same-meanwhile", different)
    walks = [parse(seen[n]) for n in range(start, start + len(back), 2)]
    leaving = [walk for walk in walks if walk[0].names() == ["host_return"]]
    after = walks[len(leaving):]
    tap.result(len(leaving) > 15 and after and len(after[0]) == 1,
               "steps-go-through-the-restoring", walks)
    tap.result(all(walk[1].frames == host.frames for walk in leaving),
               "the-host-goes-on-where-it-was", leaving)
    tap.equal(after[0][0].frames, host.frames, "and-does-so-at-el1")


def vm_interrupted(tap):
    """An interrupt has no syndrome; EL2 remembers what it was."""
    with looktest.guest_board("demo") as machine:
        seen = looktest.gdb(machine, [
            "hypsec break vm 1 class IRQ --once", "continue",
            "hypsec backtrace", "stepi 24", "hypsec backtrace", "stepi 60",
            "hypsec backtrace"])
    walks = [parse(seen[n]) for n in (2, 4, 6)]
    tap.equal([walk[1].title.split(" EL1")[0] for walk in walks],
              [walks[0][1].title.split(" EL1")[0]] * 3,
              "an-interrupted-vm-is-the-same-in-c")
    tap.result(all(walk[1].title.startswith("interrupted from vm1 vCPU") and
                   "interrupt (IRQ)" in walk[1].title for walk in walks) and
               "host_vcpu_run_handler" in walks[2][0].names() and
               walks[2][0].names()[0] != "vm_to_core",
               "and-it-was-an-interrupt", seen)


def all_cpus(tap):
    """All CPUs of a larger board, and none that is not there."""
    with looktest.guest_board("all", cpus=4) as machine:
        seen = looktest.gdb(machine, [
            "hypsec break vm 4 --once", "continue", "hypsec backtrace --all",
            "hypsec backtrace --cpu 3", "hypsec backtrace --cpu 4",
            "hypsec backtrace --cpu 1 --all", "hypsec backtrace x"])
    found = [parse(part) for part in seen[2].strip().split("\n\n")]
    tap.equal([walk[0].title.split()[:2] for walk in found],
              [["CPU", str(cpu)] for cpu in range(4)], "all-cpus")
    three = [walk for walk in found if walk[0].title.startswith("CPU 3")]
    tap.equal(parse(seen[3]), three[0], "one-of-them")
    tap.result("vm4" in seen[2], "the-vm-that-trapped-is-among-them",
               seen[2])
    tap.result("no CPU 4; the board has 0 to 3" in seen[4] and
               "not allowed with" in seen[5] and
               "unrecognized arguments: x" in seen[6], "bad-arguments", seen)


def no_board(tap):
    """Nothing is connected, or not to a board of ours."""
    commands = ["hypsec backtrace", "hypsec panic", "hypsec break entry",
                "hypsec break owner 0x40000000", "hypsec console"]
    seen = looktest.gdb(0, commands, connect=False, symbols=[])
    for number, command in enumerate(commands):
        tap.result(re.search("no board|nobody said", seen[number]),
                   f"without-a-board-{command!r}", seen[number])


def linux(tap):
    """Linux without symbols: its frames by address, EL1 and EL0."""
    config = board.Config(append="hypsec.mode=serve")
    with looktest.debug_board(config) as machine:
        seen = looktest.gdb(machine, [
            "hypsec break class SMC --once", "continue", LIVE,
            "hypsec backtrace"], go_on=True)
        el2, host = parse(seen[3])
        tap.equal(el2.names(), ["host_vectors"], "linux-into-el2")
        tap.result(host.title.startswith("trapped from host cpu 0 EL1: SMC")
                   and host.frames[0][0] == live(seen, 2)[0] and
                   len(host.frames) >= 4 and not host.notes and
                   {address >> 48 for address, _ in host.frames} == {0xffff},
                   "linux-that-traps", seen[3])
        machine.wait_line("^HYPSEC-READY$", looktest.GDB_SECONDS)
        machine.send("while :; do :; done\n")
        linux_levels(tap, machine)


def linux_levels(tap, machine):
    """Wherever a busy Linux is when gdb comes: mostly in the program."""
    seen = {}
    for _ in range(ATTEMPTS):
        text = looktest.gdb(machine, ["hypsec backtrace"], go_on=True)[0]
        walk = parse(text)
        level = walk[0].title.rsplit(maxsplit=1)[-1]
        seen.setdefault(level, (walk, text))
        if "EL0" in seen:
            break
    walk, text = seen.get("EL0", ([], f"never at EL0: {seen}"))
    tap.result(len(walk) == 1 and walk[0].title == "CPU 0 in host EL0" and
               all(0 < address < 1 << 48 for address, _ in walk[0].frames),
               "linux-program", text)


def body(tap):
    no_board(tap)
    booting(tap)
    host_trap(tap)
    host_steps(tap)
    vm_trap(tap)
    vm_interrupted(tap)
    all_cpus(tap)
    linux(tap)


if __name__ == "__main__":
    looktest.run(body)
