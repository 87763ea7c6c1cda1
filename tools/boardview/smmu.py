# SPDX-License-Identifier: GPL-2.0-or-later
"""The SMMUs (Arm SMMUv2): streams, context banks, and their tables.

What EL2 says, whose the banks are, comes out of the inspection page (version
3); what hardware does out of the registers, which need no firmware's word.
Those that are read here change nothing by being read. Registers are looked for
only where this board has an SMMU: a spoilt page cannot make a tool read
another device.
"""
import dataclasses

from . import tables
from .page import FREE, MAX_BANKS
from .source import SourceError, register, registers, words

# hw/hypsec-virt.c.
PLACES = (0x09050000, 0x09060000)
BYTES = 0x10000
PAGE = 0x1000

SCR0, IDR0, IDR1, SGFSR = 0x000, 0x020, 0x024, 0x048
SMR, S2CR = 0x800, 0xc00
CBAR, CBFRSYNRA, CBA2R = 0x1000, 0x1400, 0x1800
CB_SCTLR, CB_TTBR0, CB_TTBR1, CB_TCR = 0x00, 0x20, 0x28, 0x30
CB_FSR, CB_FAR, CB_FSYNR0, CB_IPAFAR = 0x58, 0x60, 0x68, 0x70

S2CR_TYPES = {0: "translate", 1: "bypass", 2: "fault", 3: "type 3?"}
BOTH = "stage 1 and 2"
CBAR_TYPES = {0: "stage 2", 1: "stage 1", 2: "stage 1, stage 2 faults",
              3: BOTH}
FSR_BITS = {1: "translation", 2: "access flag", 3: "permission",
            4: "external", 5: "TLB match conflict", 6: "TLB lock",
            7: "address size", 8: "unsupported upstream", 30: "stalled",
            31: "several"}


SGFSR_BITS = {0: "invalid context", 1: "unidentified stream",
              2: "several entries for one stream",
              3: "unimplemented context bank", 31: "several"}


@dataclasses.dataclass(frozen=True)
class Smmu:
    """One SMMU. owners: of each bank by EL2's list, FREE for none; None if EL2
    does not say."""
    index: int
    base: int
    bytes: int
    owners: tuple | None


@dataclasses.dataclass(frozen=True)
class Stream:
    """An entry of the stream table that matches something.

    id and mask: it matches a stream if they agree in the bits that are 0 in
    mask; bank: of "translate", else None
    """
    number: int
    id: int
    mask: int
    action: str
    bank: int | None

    def matches(self, stream):
        return not (stream ^ self.id) & ~self.mask & 0x7fff


@dataclasses.dataclass(frozen=True)
class Bank:
    """A context bank's registers, and who owns it by EL2's list.

    outer: of a bank of both stages, the bank that has stage 2; else None
    """
    number: int
    owner: int | None
    kind: str
    vmid: int
    outer: int | None
    enabled: bool
    sctlr: int
    ttbr0: int
    ttbr1: int
    tcr: int
    fsr: int
    far: int
    fsynr0: int
    stream: int

    @property
    def root(self):
        """PA of the root of a bank of stage 2."""
        return tables.root_stage2(self.ttbr0)

    @property
    def faults(self):
        """What FSR records."""
        return [name for bit, name in FSR_BITS.items()
                if self.fsr >> bit & 1]


@dataclasses.dataclass(frozen=True)
class Device:
    """A device that can be a VM's. bank: of the VM, None of the host's."""
    index: int
    base: int
    bytes: int
    smmu: int
    stream: int
    owner: int
    bank: int | None


@dataclasses.dataclass(frozen=True)
class State:
    """The registers of one SMMU. client_access: CLIENTPD is 0, streams are
    looked up; unmatched: what happens to a stream that no entry has."""
    smmu: Smmu
    client_access: bool
    unmatched: str
    entries: int
    streams: list
    banks: list
    faults: int

    @property
    def fault_names(self):
        """What the global fault register records."""
        return [name for bit, name in SGFSR_BITS.items()
                if self.faults >> bit & 1]

    def lookup(self, stream):
        """The entries that match a stream id; more than one is a fault."""
        return [one for one in self.streams if one.matches(stream)]


def smmus(source, page):
    """All SMMUs of EL2's list."""
    page.has("its SMMUs")
    return [_smmu(source, page, index) for index in range(page.smmu_count)]


def of_board():
    """All SMMUs of a board that has them, when EL2 has no list of them."""
    return [Smmu(index, base, BYTES, None)
            for index, base in enumerate(PLACES)]


def _smmu(source, page, index):
    entry = page.smmu_base + index * page.smmu_stride
    base, size = words(source, entry, 2)
    banks, = words(source, entry + 16, 1, 4)
    room = (page.smmu_stride - page.smmu_owner_offset) // 4
    if not 0 < banks <= min(MAX_BANKS, room):
        raise SourceError(f"SMMU {index} of the inspection page has {banks} "
                          f"context banks; 1 to {room} fit")
    if base not in PLACES or size != BYTES:
        raise SourceError(f"SMMU {index} of the inspection page is at "
                          f"{base:#x}, where this board has none")
    owners = words(source, entry + page.smmu_owner_offset, banks, 4)
    return Smmu(index, base, size, owners)


def owner_name(page, owner):
    """Of a bank: "free" as well; PAGE is not needed for a bank that EL2 does
    not say anything of."""
    if owner is None:
        return "owner unknown"
    return "free" if owner == FREE else page.owner_name(owner)


def devices(source, page):
    """The devices that VMs can be given."""
    page.has("its devices")
    found = []
    for index in range(page.device_count):
        entry = page.device_base + index * page.device_stride
        base, size = words(source, entry, 2)
        smmu, stream = words(source, entry + 16, 2, 4)
        owner, bank = words(source, page.device_owner_base +
                            index * page.device_owner_stride, 2, 4)
        found.append(Device(index, base, size, smmu, stream, owner,
                            bank if owner else None))
    return found


def state(source, smmu):
    """The registers of SMMU, one of smmus() or of_board()."""
    scr0 = register(source, smmu.base + SCR0)
    idr0 = register(source, smmu.base + IDR0)
    idr1 = register(source, smmu.base + IDR1)
    entries, banks = idr0 & 0xff, idr1 & 0xff
    if not 0 < entries <= 128 or idr1 >> 31 or \
       not 0 < banks <= smmu.bytes // 2 // PAGE or \
       smmu.owners is not None and banks != len(smmu.owners):
        raise SourceError(f"SMMU {smmu.index}: registers at {smmu.base:#x} "
                          f"show {entries} stream entries and {banks} banks" +
                          ("" if smmu.owners is None else
                           f"; EL2 says {len(smmu.owners)} banks"))
    smr = registers(source, smmu.base + SMR, entries)
    s2cr = registers(source, smmu.base + S2CR, entries)
    streams = [_stream(n, smr[n], s2cr[n]) for n in range(entries)
               if smr[n] >> 31]
    return State(smmu, not scr0 & 1,
                 "fault" if scr0 >> 10 & 1 else "bypass", entries, streams,
                 [_bank(source, smmu, n) for n in range(banks)],
                 register(source, smmu.base + SGFSR))


def _stream(number, smr, s2cr):
    kind = s2cr >> 16 & 3
    return Stream(number, smr & 0x7fff, smr >> 16 & 0x7fff, S2CR_TYPES[kind],
                  s2cr & 0xff if kind == 0 else None)


def _bank(source, smmu, n):
    cbar = register(source, smmu.base + CBAR + 4 * n)
    place = smmu.base + smmu.bytes // 2 + n * PAGE
    sctlr = register(source, place + CB_SCTLR)
    kind = CBAR_TYPES[cbar >> 16 & 3]
    return Bank(n, None if smmu.owners is None else smmu.owners[n], kind,
                cbar & 0xff, cbar >> 8 & 0xff if kind == BOTH else None,
                bool(sctlr & 1), sctlr, register(source, place + CB_TTBR0, 8),
                register(source, place + CB_TTBR1, 8),
                register(source, place + CB_TCR),
                register(source, place + CB_FSR),
                register(source, place + CB_FAR, 8),
                register(source, place + CB_FSYNR0),
                register(source, smmu.base + CBFRSYNRA + 4 * n) & 0xffff)


def check_stage2(bank):
    """Refuse a bank that has no table of stage 2 alone."""
    if not bank.enabled:
        raise SourceError(f"bank {bank.number} translates nothing: it is off")
    if bank.kind != "stage 2":
        raise SourceError(f"bank {bank.number} is one of {bank.kind}; only "
                          "banks of stage 2 can be walked")


def walk(source, bank, iova):
    """The Walk of an IOVA through a bank."""
    check_stage2(bank)
    return tables.walk_stage2(source, bank.root, bank.tcr, iova)


def leaves(source, bank):
    """The Mappings of a bank's table."""
    check_stage2(bank)
    return tables.leaves_stage2(source, bank.root, bank.tcr)
