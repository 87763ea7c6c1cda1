# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb's commands about memory on boards that run: page, pages, walk, smmu.

What they print is held against QEMU's own translation (gva2gpa), against the
firmware's page records read here byte by byte, and against the properties of
/machine/inspect. Boards stop at breakpoints, choices are seeded.
"""
import random
import re
import sys
import tempfile
import pathlib

import looktest
import board
from boottest import NO_STALLS, BOOT_SECONDS

PAGE = 4096
RAM = 0x40000000
EL2 = 16
MAP_OFFSET = 1000000000
SAMPLES = 8
WALK_END = re.compile(r"^PA (0x[0-9a-f]+)(?:, (.*))?$", re.M)


class Records:
    """The firmware's page records, taken apart by inspect.h's text alone."""

    def __init__(self, machine):
        place = int(machine.qom_get("/machine/inspect", "page-address"))
        page = save(machine, place, 136)
        self.base, self.first, self.count = (
            int.from_bytes(page[at:at + 8], "little") for at in (72, 80, 88))
        data = save(machine, self.base, self.count * 8)
        self.raw = [int.from_bytes(data[at:at + 8], "little")
                    for at in range(0, len(data), 8)]

    def of(self, owner):
        """Frame numbers that OWNER has."""
        return [self.first + n for n, raw in enumerate(self.raw)
                if raw & 0xff == owner]

    def owner(self, address):
        return self.raw[address // PAGE - self.first] & 0xff

    def gfn(self, pfn):
        raw = self.raw[pfn - self.first]
        return (raw >> 16) + pfn + MAP_OFFSET & (1 << 48) - 1


def save(machine, address, size):
    """Physical memory by QMP."""
    with tempfile.TemporaryDirectory(prefix="hypsec-look-") as folder:
        path = pathlib.Path(folder) / "memory"
        machine.qmp("pmemsave", val=address, size=size, filename=str(path))
        return path.read_bytes()


def ends(seen):
    """Where a walk ended: a number, or None after a fault."""
    match = WALK_END.search(seen)
    return int(match[1], 16) if match else None


def name(owner):
    return {0: "host", EL2: "EL2"}.get(owner, f"vm{owner}")


def number(seen, command):
    return int(re.search(r"0x[0-9a-f]+", seen[command])[0], 16)


# The parts

def ownership(tap, machine, records, prefix):
    """hypsec pages and page against the records and the properties."""
    rng = random.Random(1)
    owners = sorted({raw & 0xff for raw in records.raw})
    chosen = [(owner, pfn) for owner in owners
              for pfn in rng.sample(records.of(owner),
                                    min(3, len(records.of(owner))))]
    commands = ["hypsec pages"] + [f"hypsec pages --owner {name(o)}"
                                   for o in owners] + \
        [f"hypsec page {pfn * PAGE + 0x123:#x}" for _, pfn in chosen]
    first = chosen[0][1]
    commands += [f"hypsec page pfn:{first:#x}",
                 f"hypsec pages pfn:{first:#x}-pfn:{first + 2:#x}",
                 f"hypsec pages {first * PAGE:#x}+8K"]
    seen = looktest.gdb(machine, commands)
    tap.equal((seen[-3], seen[-2]),
              (seen[f"hypsec page {first * PAGE + 0x123:#x}"], seen[-1]),
              prefix + "page-frames-are-the-same-pages")
    total = re.search(r"^pages: (.*)$", seen["hypsec pages"], re.M)[1]
    said = {who: int(count) for who, count in
            re.findall(r"(\w+) (\d+) \(", total)}
    own = {name(owner): len(records.of(owner)) for owner in owners}
    tap.equal(said, own, prefix + "totals-are-the-records")
    counted = {name(EL2) if who == "el2" else who: pages for who, pages in
               machine.qom_get("/machine/inspect", "owners").items() if pages}
    tap.equal(said, counted, prefix + "totals-are-the-firmwares-counters")
    for owner in owners:
        lines = ranges(seen[f"hypsec pages --owner {name(owner)}"])
        frames = [pfn for first, last, who in lines
                  for pfn in range(first // PAGE, last // PAGE + 1)]
        tap.result(frames == records.of(owner) and
                   {who.split(",")[0] for *_, who in lines} == {name(owner)},
                   f"{prefix}ranges-of-{name(owner)}", lines[:9])
    whole = seen["hypsec pages"]
    wrong = [line for line in ranges(whole)
             if line[2] != name(records.owner(line[0])) +
             counted_as(records, line[0] // PAGE)]
    tap.result(not wrong and ", pinned 1 time" in whole,
               prefix + "counts-are-the-records", wrong)
    for owner, pfn in chosen:
        check_page(tap, seen[f"hypsec page {pfn * PAGE + 0x123:#x}"],
                   records, owner, pfn, prefix)


def counted_as(records, pfn):
    """What hypsec pages says of a page's count."""
    raw = records.raw[pfn - records.first]
    owner, count = raw & 0xff, raw >> 8 & 0xff
    if count == 0:
        return ""
    if count == 255:
        return ", reserved for DMA"
    return (f", {'shared' if owner else 'pinned'} {count} "
            f"time{'' if count == 1 else 's'}")


def ranges(text):
    """(first, last, who) of what hypsec pages prints."""
    return [(int(first, 16), int(last, 16), who) for first, last, who in
            re.findall(r"^(0x\w+)-(0x\w+) +[\d.]+ \w+  (.*)$", text, re.M)]


def check_page(tap, text, records, owner, pfn, prefix):
    raw = records.raw[pfn - records.first]
    wanted = [rf"^page {pfn * PAGE:#x}: owner {name(owner)}\b",
              rf"^  record {records.base + (pfn - records.first) * 8:#x}: "
              rf"{raw:#018x}$"]
    if owner == 0:
        wanted.append(rf"^  host: {pfn * PAGE:#x}: (Normal|not mapped$)")
    else:
        wanted.append(rf"^  host: {pfn * PAGE:#x}: not mapped")
    if 0 < owner < EL2:
        gfn = records.gfn(pfn)
        wanted += [rf"gfn {gfn:#x}$",
                   rf"^  vm{owner}: (IPA {gfn * PAGE:#x}: Normal|not mapped)"]
    missing = [line for line in wanted if not re.search(line, text, re.M)]
    tap.result(not missing and "which does not own it" not in text,
               f"{prefix}page-of-{name(owner)}-{pfn:#x}", f"{missing}\n{text}")


def stage2(tap, machine, records, prefix):
    """hypsec walk of IPAs against the records: a VM's frame is where its
    record says, and the host has no page of another's."""
    rng, commands, wanted = random.Random(2), [], []
    vms = [owner for owner in range(1, EL2) if records.of(owner)]
    for vm in vms:
        for pfn in rng.sample(records.of(vm),
                              min(SAMPLES, len(records.of(vm)))):
            commands.append(f"hypsec walk --vm {vm} "
                            f"{records.gfn(pfn) * PAGE + 0xabc:#x}")
            wanted.append((pfn * PAGE + 0xabc, f"owner vm{vm}"))
            commands.append(f"hypsec walk --host {pfn * PAGE:#x}")
            wanted.append((None, "fault"))
    # The firmware's own memory, and what is no RAM.
    for address in (records.base, 0x09040000, 0x09050000, 0x0b000000):
        commands.append(f"hypsec walk --host {address:#x}")
        wanted.append((None, "fault"))
    for vm in vms:
        commands.append(f"hypsec walk --vm {vm} 0x3f000000")
        wanted.append((None, "translation fault, level"))
        commands.append(f"hypsec walk --vm vm{vm} 0x10000000000")
        wanted.append((None, "level 0: the address has more than 40 bits"))
    seen = looktest.gdb(machine, commands)
    wrong = [(command, wanted[n], seen[n])
             for n, command in enumerate(commands)
             if ends(seen[n]) != wanted[n][0] or wanted[n][1] not in seen[n]]
    tap.result(not wrong and vms, f"{prefix}walks-of-{len(commands)}-ipas",
               "\n".join(map(str, wrong[:4])))


def as_qemu(tap, machine, cpu, addresses, prefix, mapped, unmapped):
    """hypsec walk of virtual addresses where a CPU is, against gva2gpa: at
    least MAPPED of them have a page, UNMAPPED have none."""
    commands = [f"thread {cpu + 1}", f"monitor cpu {cpu}"]
    for address in addresses:
        commands += [f"hypsec walk {address:#x}",
                     f"monitor gva2gpa {address:#x}"]
    seen = looktest.gdb(machine, commands)
    wrong, found = [], 0
    for n, address in enumerate(addresses):
        ours, theirs = seen[2 + 2 * n], seen[3 + 2 * n]
        match = re.search(r"gpa: (0x[0-9a-f]+)", theirs)
        if not match and "Unmapped" not in theirs:
            wrong.append((f"{address:#x}", theirs))
        found += bool(match)
        if ends(ours) != (int(match[1], 16) if match else None) or \
           (not match and "fault" not in ours):
            wrong.append((f"{address:#x}", theirs, ours))
    tap.result(not wrong, f"{prefix}{len(addresses)}-walks-are-qemus",
               "\n".join(map(str, wrong[:3])))
    tap.result(found >= mapped and len(addresses) - found >= unmapped,
               f"{prefix}walks-hit-and-fault",
               f"{found} of {len(addresses)} are mapped")


def near(rng, addresses, count):
    """ADDRESSES and others in their neighbourhood."""
    return addresses + [rng.choice(addresses) & ~0xfff ^
                        rng.choice([0xabc, 0x1000, 0x3010, 0x200000,
                                    0x40000000, 1 << 39])
                        for _ in range(count)]


# The boards

def one_cpu(tap):
    """Before the firmware has run: an error that says so, and EL2's walks.
    Then a VM that has left the only CPU there is."""
    with looktest.guest_board("secret", cpus=1) as machine:
        seen = looktest.gdb(machine, [
            "hypsec walk $pc", "hypsec walk 0x40000010",
            "hypsec page 0x40000000", "hypsec pages", "hypsec smmu",
            "hypsec walk --vm 1 0"])
        tap.result("MMU is off" in seen[0] and ends(seen[0]) == 0 and
                   "not RAM" in seen[0], "reset/walk-with-the-mmu-off",
                   seen[0])
        tap.result(ends(seen[1]) == 0x40000010, "reset/walk-into-ram",
                   seen[1])
        for n in range(2, 6):
            tap.result("the firmware has published nothing yet" in seen[n],
                       f"reset/{seen.commands[n]}".replace(" ", "-"), seen[n])
        tap.equal(re.findall(r"^SMMU \d at 0x\w+: (off|unmatched)", seen[4],
                             re.M), ["off", "off"],
                  "reset/smmus-let-everything-pass")
        seen = looktest.gdb(machine, [
            "hypsec break at secret vm_main --temporary", "continue",
            "print/x $pc", "hypsec walk $pc"])
        live = seen["hypsec walk $pc"]
        place = number(seen, "print/x $pc")
        seen = looktest.gdb(machine, [
            "hypsec break at host exit_handle --temporary", "continue",
            f"hypsec walk --vm vm1 --vcpu 0 --va {place:#x}",
            f"hypsec walk --host --va {place:#x}",
            "hypsec break at el2 vm_exit_answer --temporary", "continue",
            f"hypsec walk --host --va {place:#x}"])
        tap.result("of vm1, registers saved of vCPU 0, TTBR0_EL1" in seen[2]
                   and ends(seen[2]) == ends(live) is not None and
                   seen[2].splitlines()[1:] == live.splitlines()[1:],
                   "saved/walk-of-a-va-as-when-it-ran", f"{live}\n{seen[2]}")
        # The host runs, then it is the VM that does.
        tap.result("of host, registers of CPU 0" in seen[3] and
                   "of host, registers saved of CPU 0" in seen[6] and
                   seen[3].splitlines()[1:] == seen[6].splitlines()[1:],
                   "saved/walk-of-the-hosts-va", f"{seen[3]}\n{seen[6]}")
    no_firmware(tap)


def no_firmware(tap):
    """EL1 without stage 2, on a board that has no inspection page."""
    config = board.Config(bios=board.BARE_EL1, kernel=board.PARK, initrd=None)
    with looktest.debug_board(config) as machine:
        seen = looktest.gdb(machine, [
            "hypsec break at host *0x40200000 --temporary", "continue",
            "hypsec walk $pc", "hypsec pages", "hypsec page 0x40000000",
            "hypsec walk --host 0x40000000", "hypsec smmu",
            "hypsec walk --el2 0x40000000"])
        tap.result("CPU 0, stage 2 off" in seen[2] and
                   "MMU is off" in seen[2] and ends(seen[2]) == 0x40200000,
                   "no-firmware/walk", seen[2])
        for n in range(3, 7):
            tap.result("knows nothing of it" in seen[n],
                       f"no-firmware/{seen.commands[n]}".replace(" ", "-"),
                       seen[n])
        tap.result("SMMU 1 at 0x9060000: off" in seen[6],
                   "no-firmware/smmus-by-their-registers", seen[6])
    config.extra = ("-M", "smmu=off")
    with looktest.debug_board(config) as machine:
        seen = looktest.gdb(machine, ["hypsec smmu",
                                      "hypsec walk --smmu 0:0 0"])
        tap.result(seen[0] == "the board has no SMMU\n" and
                   "no SMMU 0: the board has none" in seen[1],
                   "no-firmware/no-smmu", seen)


def demo_vms(tap):
    """One CPU: another one could be in the middle of a change of owners or
    tables when this one stops."""
    rng = random.Random(4)
    with looktest.guest_board("demo", cpus=1) as machine:
        seen = looktest.gdb(machine, [
            "hypsec break at alice vm_main --temporary", "continue",
            "hypsec walk $pc", "hypsec world", "print/x $pc", "print/x $sp",
            "print $_thread"])
        first = seen["hypsec walk $pc"]
        # EL2 numbers alice and bob as they are registered, a race.
        alice = re.search(r"^VA \S+ of (vm[12]), CPU \d, TTBR0_EL1", first)
        tap.result(alice and
                   re.search(r"^  stage 1 level 1: table ", first, re.M) and
                   re.search(r"^      table by stage 2: level 1 .* page -> PA",
                             first, re.M) and
                   first.rstrip().endswith(f"owner {alice[1]}"),
                   "vm/walk-shows-both-stages", first)
        cpu = int(re.search(r"= (\d+)", seen["print $_thread"])[1]) - 1
        places = [number(seen, f"print/x ${register}")
                  for register in ("pc", "sp")]
        as_qemu(tap, machine, cpu, near(rng, places, 24) + [
            0x08010000, 0, 1 << 47, 0xffff000000000000, (1 << 64) - 8],
            "vm/", 5, 5)
        records = Records(machine)
        ownership(tap, machine, records, "vm/")
        stage2(tap, machine, records, "vm/")
        at_el2(tap, machine, rng)
        by_name(tap, machine, alice[1], places[0])
        bad_arguments(tap, machine)


def at_el2(tap, machine, rng):
    """EL2's own tables, at a stop in it."""
    seen = looktest.gdb(machine, [
        "hypsec break at el2 vm_exit_answer --temporary", "continue",
        "print/x $pc", "print/x $sp", "print/x &vm_infos", "print $_thread",
        "hypsec walk &vm_infos", "hypsec walk 0", "hypsec walk --el2 0",
        "hypsec page &vm_infos"])
    tap.result(re.search(r"^  the CPU is at EL2; other worlds' addresses take "
                         r"--(vm \d|host) --va$", seen[7], re.M) and
               "other worlds" not in seen[6] + seen[8],
               "el2/walk-says-whose-address-it-takes", seen)
    tap.result("\n  RAM ends before 0x80000000; a virtual address is for "
               "`hypsec walk`\n" in seen[9], "el2/page-takes-no-va", seen[9])
    image = int(machine.qom_get("/machine/inspect", "page-address")) - \
        PAGE + 0x200000
    variable = number(seen, "print/x &vm_infos")
    tap.equal(ends(seen["hypsec walk &vm_infos"]),
              image + variable - 0x4000000000, "el2/variable-in-the-image")
    cpu = int(re.search(r"= (\d+)", seen["print $_thread"])[1]) - 1
    places = [number(seen, f"print/x {what}")
              for what in ("$pc", "$sp", "&vm_infos")]
    as_qemu(tap, machine, cpu, near(rng, places, 16) + [
        # The linear map, a device, nothing.
        0x2040200000, 0x2009050000, 0x20ffffffff, 0, 1 << 40, 1 << 63],
        "el2/", 6, 3)


def by_name(tap, machine, vm, place):
    """A VA of a VM by its number, while the VM runs and while it does not."""
    commands = [f"hypsec walk --vm {vm} --va {place:#x}",
                f"hypsec walk --vm {vm} {place:#x}"]
    for name, stop, registers in (
            ("runs", f"vm {vm[2:]}", "of CPU 0"),
            ("waits", "at host exit_handle", "saved of vCPU 0")):
        seen = looktest.gdb(machine, [f"hypsec break {stop}", "continue",
                                      *commands])
        # The small VMs map every address to itself.
        tap.result(ends(seen[2]) == ends(seen[3]) is not None and
                   "stage 1 level 1: table" in seen[2] and
                   f"of {vm}, registers {registers}" in seen[2],
                   f"vm/walk-of-a-va-by-number-while-it-{name}", seen[2])


def bad_arguments(tap, machine):
    wrong = {
        "hypsec page": "address", "hypsec page fred": "is no number",
        "hypsec page 0x10000000000": "40 bits",
        "hypsec page 0x40000000 0x40000000": "unrecognized",
        "hypsec page -1": "40 bits",
        "hypsec page 0x10000000000000000": "40 bits",
        "hypsec page pfn:-1": "40 bits", "hypsec page pfn:x": "is no number",
        "hypsec pages 0x40013": "number N is written pfn:N",
        "hypsec pages pfn:0x40013-pfn:0x40013": "is empty",
        "hypsec walk 0x10000000000000000": "more than 64 bits",
        "hypsec walk --vm 1 -1": "more than 40 bits",
        "hypsec pages --owner vm9": "pages: none",
        "hypsec pages 0x1-0x0": "is empty", "hypsec pages ,": "no number",
        "hypsec pages 0x40000000+1Q": "no number",
        "hypsec pages 0x10000000": "no RAM there",
        "hypsec pages --owner bob": "owns nothing",
        "hypsec pages --owner vm16": "owns nothing",
        "hypsec pages --limit many": "invalid int",
        "hypsec pages --limit 0": "from 1 on",
        "hypsec walk": "address", "hypsec walk 1 2": "unrecognized",
        "hypsec walk --vm x 0": "is no VM",
        "hypsec walk --vm 16 0": "there is no VM 16",
        "hypsec walk --vm 9 0": "has no stage-2 table",
        "hypsec walk --va 0": "--va goes with",
        "hypsec walk --vm 1 --vcpu 0 0": "--vcpu goes with",
        "hypsec walk --vm 1 --vcpu 9 --va 0": "vCPUs 0 to 7",
        "hypsec walk --vm 1 --vcpu -1 --va 0": "vCPUs 0 to 7",
        "hypsec smmu devices": "no devices",
        "hypsec walk --vm 1 --host 0": "not allowed with",
        "hypsec walk --smmu 0 0": "is no bank",
        "hypsec walk --smmu 2:0 0": "there is no SMMU 2",
        "hypsec walk --smmu 0:8 0": "has banks 0 to 7",
        "hypsec walk --smmu 0:5 0": "bank 5",
        "hypsec smmu table": "which table", "hypsec smmu stuff": "invalid",
        "hypsec smmu banks 0:1": "only `hypsec smmu table`",
        "hypsec smmu table 0:5": "bank 5"}
    seen = looktest.gdb(machine, [*wrong, "hypsec page 0x40013"])
    tap.result(seen[len(wrong)].startswith(
        "page 0x40000: not RAM: there is no record of it; page frame number "
        "N is written pfn:N\n"), "page-frame-given-as-address", seen)
    for command, words in wrong.items():
        tap.result(words in seen[command] and
                   len(seen[command].splitlines()) <= 3,
                   f"refused/{command}".replace(" ", "-"), seen[command])


def smmu(tap):
    """A board with devices that VMs own, stopped when a VM uses its own. One
    CPU, as above."""
    with looktest.guest_board("dma", cpus=1) as machine:
        looktest.gdb(machine, [
            "hypsec break at el2 dma_device_accept --temporary", "continue",
            "finish", "hypsec break at el2 vm_exit_answer --temporary",
            "continue"])
        records = Records(machine)
        banks = [(one["smmu"], bank["bank"], bank["owner"]) for one in
                 machine.qom_get("/machine/inspect", "smmus")
                 for bank in one["banks"]]
        owned = [(one, bank, int(owner[2:])) for one, bank, owner in banks
                 if owner.startswith("vm")]
        commands = ["hypsec smmu", "hypsec smmu streams",
                    "hypsec smmu banks", "hypsec smmu devices"] + \
            [f"hypsec smmu table {one}:{bank}" for one, bank, _ in owned] + \
            ["hypsec smmu table 0:0"]
        seen = looktest.gdb(machine, commands)
        tap.result(owned, "smmu/vms-have-banks", banks)
        devices_and_banks(tap, machine, seen, banks)
        for one, bank, vm in owned:
            bank_of_vm(tap, machine, seen[f"hypsec smmu table {one}:{bank}"],
                       records, one, bank, vm)
        identity(tap, machine, seen["hypsec smmu table 0:0"], records)
        unpublished(tap, machine, seen, owned[0][:2])


def panicked(tap):
    """EL2 has stopped for good, at the host's first violation."""
    # One CPU: gdb, coming anew, selects the first.
    with looktest.guest_board("demo", cpus=1, machine=",on-violation=halt",
                              extra=("-action", "panic=pause")) as machine:
        looktest.gdb(machine, ["continue"])
        # EL2 says which address of a VM's it was.
        seen = re.search(r"violation by the host: access to IPA (0x\w+)",
                         machine.el2_log.read_text())
        tap.result(seen, "panic/at-a-violation", machine.el2_log.read_text())
        ipa = int(seen[1], 16)
        records = Records(machine)
        ownership(tap, machine, records, "panic/")
        stage2(tap, machine, records, "panic/")
        owner = records.raw[ipa // PAGE - records.first] & 0xff
        seen = looktest.gdb(machine, [f"hypsec walk --host {ipa:#x}",
                                      f"hypsec page {ipa:#x}",
                                      "hypsec walk $pc", "hypsec smmu"])
        tap.result(ends(seen[0]) is None and 0 < owner < EL2 and
                   f"owner vm{owner}" in seen[1], "panic/why-it-was-one",
                   seen)
        tap.result("of EL2, CPU" in seen[2] and "owner EL2" in seen[2] and
                   "bank 0: EL2" in seen[3], "panic/el2-and-smmus", seen)


def poke(address, value, size=8):
    """gdb's command that writes physical memory."""
    data = value.to_bytes(size, "little").hex()
    return ('python import common; r = common.connection(); '
            'r.send_packet("Qqemu.PhyMemMode:1"); '
            f'print(r.send_packet("M{address:x},{size:x}:{data}")); '
            'r.send_packet("Qqemu.PhyMemMode:0")')


def spoilt(tap):
    """What a broken EL2 could leave in its memory: an answer and no hang."""
    with looktest.guest_board("hello", cpus=1) as machine:
        looktest.gdb(machine, ["hypsec break at hello vm_main --temporary",
                               "continue"])
        records = Records(machine)
        page = int(machine.qom_get("/machine/inspect", "page-address"))
        data = save(machine, page, 288)

        def field(offset):
            return int.from_bytes(data[offset:offset + 8], "little")
        pool, stride, smmus = field(104), field(112), field(192)
        root = int.from_bytes(save(machine, pool + stride, 8), "little")
        pfn = records.of(1)[0]
        place = records.base + (pfn - records.first) * 8
        walk = "hypsec walk --vm 1 0x40000000"
        steps = [
            (poke(place, 1 | 2 << 8), f"hypsec page {pfn * PAGE:#x}",
             "owner vm1, shared with the host 2 times"),
            (poke(place, 1 | 2 << 8), "hypsec pages", "  vm1, shared 2 times"),
            (poke(place, 1 | 255 << 8), f"hypsec page {pfn * PAGE:#x}",
             "owner vm1, reserved for DMA"),
            (poke(place, 1 | 255 << 8), "hypsec pages",
             "  vm1, reserved for DMA"),
            (poke(place, 1 << 8), f"hypsec page {pfn * PAGE:#x}",
             "owner host, pinned 1 time"),
            (poke(place, 99), f"hypsec page {pfn * PAGE:#x}",
             "owner owner 99?"),
            (poke(place, 2), f"hypsec page {pfn * PAGE:#x}",
             "which does not own it"),
            (poke(place, 2), "hypsec pages", "the firmware counts"),
            # Twenty blocks of 1 GiB map it, and the page that always did.
            (poke(place, 1), walk, "owner vm1"),
            (poke(root + 16, int.from_bytes(
                20 * (0x400007c1).to_bytes(8, "little"), "little"), 160),
             f"hypsec page {pfn * PAGE:#x}", "vm1: ... 13 more places"),
            (poke(root + 16, 0, 160), walk, "owner vm1"),
            (poke(place, 2), walk, "owner vm2"),
            # The root's entry for RAM links the root itself.
            (poke(root + 8, root | 3), walk, "fault"),
            (poke(root + 8, root | 3), f"hypsec page {pfn * PAGE:#x}", "page"),
            (poke(root + 8, 0x08000003), walk, "not all in RAM"),
            (poke(root + 8, 0x08000003), f"hypsec page {pfn * PAGE:#x}",
             "  vm1: "),
            (poke(pool + stride, 0x123), walk, "no address of one"),
            (poke(pool + stride, 0x08000000), walk, "not all in RAM"),
            (poke(pool + stride, 0), walk, "has no stage-2 table"),
            # The console's registers would change by a read.
            (poke(smmus, 0x09000000), "hypsec smmu", "this board has none"),
            (poke(smmus, 0x09000000), f"hypsec page {pfn * PAGE:#x}",
             "SMMUs: SMMU 0"),
            (poke(pool, 0x08000000), f"hypsec page {pfn * PAGE:#x}",
             "host: 0x"),
            (poke(pool, 0x7), f"hypsec page {pfn * PAGE:#x}",
             "no address of one"),
            (poke(page + 80, 1 << 60), "hypsec pages", "page_first_pfn"),
            (poke(page + 16, 7, 4), "hypsec pages", "panicked"),
            (poke(page, 0), "hypsec pages", "no inspection page")]
        commands = [part for step in steps for part in step[:2]]
        seen = looktest.gdb(machine, commands, seconds=200)
        for n, (_, command, words) in enumerate(steps):
            tap.result("OK" in seen[2 * n] and words in seen[2 * n + 1],
                       f"spoilt/{n}-{command}".replace(" ", "-"),
                       seen[2 * n] + seen[2 * n + 1])


def devices_and_banks(tap, machine, seen, banks):
    all_of_it = seen["hypsec smmu"]
    for part in ("streams", "banks", "devices"):
        lines = seen[f"hypsec smmu {part}"].splitlines()
        tap.result(len(lines) > 1 and
                   all(line in all_of_it for line in lines),
                   f"smmu/all-has-{part}", lines)
    said, one = set(), None
    for line in seen["hypsec smmu banks"].splitlines():
        if match := re.match(r"SMMU (\d) at", line):
            one = int(match[1])
        if match := re.match(r"  bank (\d): (\w+), stage 2, root", line):
            said.add((one, int(match[1]), match[2].lower()))
    tap.equal(said, {bank for bank in banks if bank[2] != "free"},
              "smmu/banks-are-the-properties")
    said = {(int(match[1]), int(match[2], 16)): match[3] for match in
            re.finditer(r"^device (\d+) at (0x\w+): (\w+)'s",
                        seen["hypsec smmu devices"], re.M)}
    told = {(n, int(device["base"])): device["owner"] for n, device in
            enumerate(machine.qom_get("/machine/inspect", "devices"))}
    tap.equal(said, told, "smmu/devices-are-the-properties")


def bank_of_vm(tap, machine, text, records, one, bank, vm):
    """All that a VM's bank maps is a page of the VM's at its frame."""
    seen = [(int(a, 16), int(b, 16), int(c, 16)) for a, b, c in re.findall(
        r"^  (0x\w+)-(0x\w+) .* -> (0x\w+), ", text, re.M)]
    pages = [(iova // PAGE, (iova - first + pa) // PAGE)
             for first, last, pa in seen
             for iova in range(first, last, PAGE)]
    wrong = [(gfn, pfn) for gfn, pfn in pages
             if records.raw[pfn - records.first] & 0xff != vm or
             records.gfn(pfn) != gfn]
    tap.result(pages and not wrong and "maps nothing" not in text,
               f"smmu/table-of-{one}:{bank}",
               f"{wrong}\n{text}")
    if not pages:
        return
    gfn, pfn = random.Random(3).choice(pages)
    commands = [f"hypsec walk --smmu {one}:{bank} {gfn * PAGE + 8:#x}",
                f"hypsec walk --smmu {one}:{bank} {0x7f << 30:#x}",
                f"hypsec page {pfn * PAGE:#x}"]
    walk = looktest.gdb(machine, commands)
    tap.result(ends(walk[0]) == pfn * PAGE + 8 and f"owner vm{vm}" in walk[0]
               and ends(walk[1]) is None and "translation fault" in walk[1],
               f"smmu/walk-in-{one}:{bank}", walk)
    tap.result(re.search(rf"^  smmu {one} bank {bank} \(vm{vm}\): IOVA "
                         rf"{gfn * PAGE:#x}: Normal", walk[2], re.M),
               f"smmu/page-in-{one}:{bank}", walk[2])


def unpublished(tap, machine, before, place):
    """The same SMMUs under an EL2 that publishes nothing, as another firmware
    may: all but owners and devices. PLACE is a bank of a VM's."""
    page = int(machine.qom_get("/machine/inspect", "page-address"))
    one, bank = place
    table = f"hypsec smmu table {one}:{bank}"
    commands = [poke(page, 0), "hypsec smmu", "hypsec smmu devices",
                "hypsec smmu banks", table,
                f"hypsec walk --smmu {one}:{bank} {0x7f << 30:#x}"]
    seen = looktest.gdb(machine, commands)
    # Owners stand before the bank's kind, and in brackets.
    owner = re.compile(r"(bank \d+: )\w+(?=, stage)|(?<=\()\w+(?=[,)])")
    nobody = [owner.sub(r"\1owner unknown", line)
              for line in before["hypsec smmu"].splitlines()
              if not line.startswith("device ")]
    first, *rest = seen["hypsec smmu"].splitlines()
    tap.result("EL2 does not say whose" in first and
               "published nothing" in first, "unpublished/says-so", first)
    tap.equal(rest, nobody, "unpublished/the-same-registers")
    tap.result(seen["hypsec smmu banks"].startswith(first) and
               seen["hypsec smmu devices"] == first + "\n",
               "unpublished/no-devices", seen)
    tap.equal(seen[table].splitlines()[2:], before[table].splitlines()[1:],
              "unpublished/the-same-table")
    tap.result("owner unknown, root 0x" in seen[5] and
               "translation fault" in seen[5], "unpublished/walk", seen[5])


def identity(tap, machine, text, records):
    """The host's devices reach the host's pages alone."""
    wrong, pages = [], 0
    for first, last, pa in re.findall(r"^  (0x\w+)-(0x\w+) .* -> (0x\w+), ",
                                      text, re.M):
        first, last = int(first, 16), int(last, 16)
        if first != int(pa, 16):
            wrong.append(first)
        if first < RAM:
            continue
        for pfn in range(first // PAGE, last // PAGE + 1):
            pages += 1
            if records.raw[pfn - records.first] & 0xff:
                wrong.append(pfn)
    tap.result(pages > 1000 and not wrong, "smmu/identity-is-the-hosts",
               f"{pages} pages; {wrong[:9]}")


def linux(tap, cpu="cortex-a72", gic="2"):
    """The Linux host, idle: kernel addresses on both CPUs."""
    rng = random.Random(6)
    config = board.Config(append=f"hypsec.mode=serve nokaslr {NO_STALLS}",
                          smp=2, memory="1G", cpu=cpu, gic=int(gic))
    with looktest.debug_board(config, running=True) as machine:
        machine.wait_line("^HYPSEC-READY$", BOOT_SECONDS)
        seen = looktest.gdb(machine, ["print/x $VBAR"], go_on=True)
        vectors = number(seen, "print/x $VBAR")
        # An interrupt of the idle kernel: that of the console.
        machine.send("true\n")
        seen = looktest.gdb(machine, [
            f"hypsec break at host *{vectors + 0x280:#x} --temporary",
            "continue", "print/x $pc", "print/x $sp", "print $_thread",
            "hypsec walk $pc"])
        first = seen["hypsec walk $pc"]
        tap.result(re.search(r"^VA \S+ of host, CPU \d, TTBR1_EL1", first) and
                   re.search(r"^  stage 1 level 0: table ", first, re.M) and
                   "table by stage 2: level 1" in first and
                   first.rstrip().endswith("owner host"),
                   "linux/walk-of-pc", first)
        cpu = int(re.search(r"= (\d+)", seen["print $_thread"])[1]) - 1
        places = [number(seen, f"print/x ${what}") for what in ("pc", "sp")]
        # Linear map, image, fixmap, and anything.
        more = [0xffff000000000000 + rng.randrange(1 << 30) for _ in range(16)]
        more += [rng.getrandbits(64) for _ in range(4)]
        as_qemu(tap, machine, cpu, near(rng, places, 24) + more, "linux/",
                16, 8)
        records = Records(machine)
        ownership(tap, machine, records, "linux/")
        other = looktest.gdb(machine, [f"thread {2 - cpu}",
                                       f"hypsec walk {places[0]:#x}"])
        tap.equal(ends(other[1]), ends(first), "linux/the-other-cpu-agrees")
        user_space(tap, machine, vectors, rng)


def user_space(tap, machine, vectors, rng):
    """Addresses of a process: in the vector for exceptions from EL0, or
    behind its first instruction, where KPTI's trampoline goes."""
    machine.send("true\n")
    seen = looktest.gdb(machine, [
        f"hypsec break at host *{vectors + 0x400:#x} --temporary",
        f"hypsec break at host *{vectors + 0x404:#x} --temporary",
        "continue", "print/x $ELR_EL1", "print/x $SP_EL0", "print $_thread",
        "hypsec walk $ELR_EL1"])
    text = seen["hypsec walk $ELR_EL1"]
    tap.result("TTBR0_EL1" in text and "stage 1 level 3" in text and
               re.search(r"executable at EL0", text) and
               text.rstrip().endswith("owner host"), "linux/user-space", text)
    cpu = int(re.search(r"= (\d+)", seen["print $_thread"])[1]) - 1
    places = [number(seen, f"print/x ${name}")
              for name in ("ELR_EL1", "SP_EL0")]
    as_qemu(tap, machine, cpu, near(rng, places, 20), "linux/user-", 3, 3)


CASES = {"one-cpu": one_cpu, "vms": demo_vms, "smmu": smmu, "linux": linux,
         "panic": panicked, "spoilt": spoilt}

looktest.run(lambda tap: CASES[sys.argv[1]](tap, *sys.argv[2:]))
