# SPDX-License-Identifier: GPL-2.0-or-later
"""Walks of translation tables, level by level (VMSAv8-64).

    walk = walk_stage2(source, root, vtcr, ipa)
    walk.steps, walk.pa (None after a fault), walk.fault, walk.descriptor

    regime = El1(ttbr0=..., ttbr1=..., tcr=..., sctlr=...)
    walk = walk_stage1(source, regime, va, translate)

For stage 1 under stage 2, TRANSLATE(ipa) gives the Walk of stage 2; it is
asked for each table that stage 1 reads and for the result. All three
granules, blocks, concatenated roots; no 52-bit addresses, which raise
TableError and are never guessed at.

Every walk ends after its levels, whatever the tables hold, and leaves_stage2()
after a bounded number of tables.
"""
import dataclasses
import struct

from . import fields
from .source import SourceError, word

LEAF_LEVEL = 3
OA_END = 1 << 48
AF = 1 << 10
# PAGE_GUEST of the specification: invalid, and the page left the host.
LEFT_HOST = 1 << 57
# Twice what maps 64 GiB by pages of 4 KiB.
MAX_TABLES = 1 << 16

PHYSICAL_BITS = (32, 36, 40, 42, 44, 48, 52, 56)
STAGE2_GRANULES = {0: 12, 1: 16, 2: 14}         # TG0, also of stage 1
STAGE1_HIGH_GRANULES = {1: 14, 2: 12, 3: 16}    # TG1
# First level by SL0, of the 4 KiB granule and of the others.
STAGE2_START = {12: (2, 1, 0), 14: (3, 2, 1), 16: (3, 2, 1)}


class TableError(SourceError):
    """Registers or tables that no walk can follow."""


@dataclasses.dataclass(frozen=True)
class Geometry:
    """How addresses are cut into indexes.

    shift:  log2 of the granule
    start:  first level
    bits:   input address size
    output: output address size, in bits
    """
    shift: int
    start: int
    bits: int
    output: int

    def level_shift(self, level):
        """log2 of what one entry of LEVEL maps."""
        return self.shift + (LEAF_LEVEL - level) * (self.shift - 3)

    def index(self, level, address):
        """The entry of a table; the first one may be concatenated."""
        top = self.bits if level == self.start else \
            self.level_shift(level) + self.shift - 3
        return (address & (1 << top) - 1) >> self.level_shift(level)

    def entries(self, level):
        """Entries of a table of LEVEL."""
        return self.index(level, (1 << self.bits) - 1) + 1 \
            if level == self.start else 1 << self.shift - 3

    def block_levels(self):
        return {12: (1, 2), 14: (2,), 16: (2,)}[self.shift]


@dataclasses.dataclass(frozen=True)
class Step:
    """One level of a walk.

    stage, level
    table:   address of the table: a PA, of stage 1 under stage 2 an IPA
    table_pa: its PA; None if stage 2 does not let it be read
    index:   entry of it
    descriptor: as read; None if it could not be
    kind:    "table", "block", "page", "invalid", "unreadable"
    output:  what it points to: a table's or a page's address
    outer:   of stage 1 under stage 2, the Walk that found the table
    """
    stage: int
    level: int
    table: int
    table_pa: int | None
    index: int
    descriptor: int | None
    kind: str
    output: int | None = None
    outer: "Walk | None" = None


@dataclasses.dataclass
class Walk:
    """A walk and its result.

    input:  the address
    output: what it means, None after a fault
    fault:  why there is none: in words with the level
    size:   bytes that the leaf maps, 0 without one
    outer:  of stage 1 under stage 2, the Walk of stage 2 for the output
    notes:  what the steps do not show (MMU off, ...)
    limits: of table descriptors of stage 1: APTable, XNTable, PXNTable
    """
    stage: int
    input: int
    steps: list = dataclasses.field(default_factory=list)
    output: int | None = None
    fault: str | None = None
    size: int = 0
    outer: "Walk | None" = None
    notes: list = dataclasses.field(default_factory=list)
    limits: int = 0

    @property
    def pa(self):
        """The physical address, None if any stage has a fault."""
        return self.outer.pa if self.outer else self.output

    @property
    def why(self):
        """The fault of whichever stage has one, None without any."""
        return self.fault or (self.outer.why if self.outer else None)

    @property
    def descriptor(self):
        """The leaf, None if the walk found none."""
        last = self.steps[-1] if self.steps else None
        return last.descriptor if last and last.kind in ("block", "page") \
            else None


def kind_of(descriptor, level, geometry):
    """What DESCRIPTOR is at LEVEL."""
    if not descriptor & 1:
        return "invalid"
    if level == LEAF_LEVEL:
        return "page" if descriptor & 2 else "invalid"
    if descriptor & 2:
        return "table"
    return "block" if level in geometry.block_levels() else "invalid"


def output_of(descriptor, level, geometry, kind):
    """The address in DESCRIPTOR."""
    low = geometry.shift if kind == "table" else geometry.level_shift(level)
    return descriptor & OA_END - 1 & ~((1 << low) - 1)


def geometry_stage2(vtcr):
    """Of VTCR_EL2, or of TCR of an SMMU's bank for stage 2."""
    tg0 = vtcr >> 14 & 3
    if tg0 not in STAGE2_GRANULES:
        raise TableError(f"stage 2: granule TG0 = {tg0} is reserved")
    shift = STAGE2_GRANULES[tg0]
    sl0 = vtcr >> 6 & 3
    if sl0 == 3:
        raise TableError("stage 2: start level SL0 = 3 is not supported here")
    bits = 64 - (vtcr & 0x3f)
    geometry = Geometry(shift, STAGE2_START[shift][sl0], bits,
                        PHYSICAL_BITS[vtcr >> 16 & 7])
    low = geometry.level_shift(geometry.start)
    # At least an index of one bit, at most 16 concatenated tables.
    if not low < bits <= min(48, low + geometry.shift - 3 + 4):
        raise TableError(f"stage 2: T0SZ {vtcr & 0x3f} does not go with "
                         f"start level {geometry.start}")
    if geometry.output > 48:
        raise TableError("stage 2: addresses of 52 bits are not supported "
                         "here")
    return geometry


def root_stage2(vttbr):
    """The root's address in VTTBR_EL2."""
    return vttbr & OA_END - 2


def _follow(source, geometry, walk, root, address, locate):
    """The levels of one stage from ROOT on; LOCATE(table) gives its PA and
    its Walk. WALK gets steps and result."""
    table = root
    for level in range(geometry.start, LEAF_LEVEL + 1):
        index = geometry.index(level, address)
        table_pa, outer = locate(table + index * 8)
        if table_pa is None:
            walk.steps.append(Step(walk.stage, level, table, None, index,
                                   None, "unreadable", outer=outer))
            walk.fault = (f"stage 2 on the stage-1 walk, level {level}: "
                          f"{outer.why}")
            return
        descriptor = _entry(source, walk, level, table, table_pa, index,
                            outer)
        if descriptor is None:
            return
        kind = kind_of(descriptor, level, geometry)
        output = None if kind == "invalid" else \
            output_of(descriptor, level, geometry, kind)
        walk.steps.append(Step(walk.stage, level, table,
                               table_pa - index * 8, index, descriptor, kind,
                               output, outer))
        if kind == "invalid":
            walk.fault = f"translation fault, level {level}"
        elif output >> geometry.output:
            walk.fault = f"address size fault, level {level}"
        elif kind != "table" and not descriptor & AF:
            walk.fault = f"access flag fault, level {level}"
        if walk.fault:
            return
        if kind != "table":
            walk.size = 1 << geometry.level_shift(level)
            walk.output = output | address & walk.size - 1
            return
        if walk.stage == 1:
            # NSTable, APTable, XNTable, PXNTable add up.
            walk.limits |= descriptor >> 59 & 31
        table = output


def _entry(source, walk, level, table, table_pa, index, outer):
    """A descriptor; None if there is no memory where it should be."""
    try:
        return word(source, table_pa)
    except SourceError as error:
        walk.steps.append(Step(walk.stage, level, table, table_pa - index * 8,
                               index, None, "unreadable", outer=outer))
        walk.fault = f"external abort on the walk, level {level}: {error}"
        return None


def walk_stage2(source, root, vtcr, ipa):
    """The Walk of IPA from the table at ROOT (a PA); VTCR also of an SMMU."""
    geometry = geometry_stage2(vtcr)
    walk = Walk(2, ipa)
    if not 0 <= ipa < 1 << geometry.bits:
        walk.fault = (f"translation fault, level 0: the address has more "
                      f"than {geometry.bits} bits")
        return walk
    _follow(source, geometry, walk, root, ipa, lambda pa: (pa, None))
    return walk


# Stage 1

@dataclasses.dataclass(frozen=True)
class El1:
    """The registers of stage 1 for EL1 and EL0."""
    ttbr0: int
    ttbr1: int
    tcr: int
    sctlr: int
    mair: int | None = None

    name = "EL1&0"

    def geometry(self, high):
        """Of the lower or of the upper half of the addresses."""
        tcr = self.tcr
        if tcr >> 59 & 1:
            raise TableError("TCR_EL1.DS: addresses of 52 bits are not "
                             "supported here")
        granule = STAGE1_HIGH_GRANULES.get(tcr >> 30 & 3) if high else \
            STAGE2_GRANULES.get(tcr >> 14 & 3)
        size = tcr >> 16 & 0x3f if high else tcr & 0x3f
        return _geometry_stage1(granule, size, tcr >> 32 & 7, "TCR_EL1")

    def select(self, va):
        """(upper half?, root, disabled?, top byte ignored?) of VA."""
        high = bool(va >> 55 & 1)
        tcr = self.tcr
        return (high, self.ttbr1 if high else self.ttbr0,
                bool(tcr >> (23 if high else 7) & 1),
                bool(tcr >> (38 if high else 37) & 1))


@dataclasses.dataclass(frozen=True)
class El2:
    """The registers of stage 1 for EL2 (HCR_EL2.E2H = 0)."""
    ttbr0: int
    tcr: int
    sctlr: int
    mair: int | None = None

    name = "EL2"

    def geometry(self, high):
        if self.tcr >> 32 & 1:
            raise TableError("TCR_EL2.DS: addresses of 52 bits are not "
                             "supported here")
        return _geometry_stage1(STAGE2_GRANULES.get(self.tcr >> 14 & 3),
                                self.tcr & 0x3f, self.tcr >> 16 & 7,
                                "TCR_EL2")

    def select(self, va):
        return False, self.ttbr0, False, bool(self.tcr >> 20 & 1)


def _geometry_stage1(shift, size, output, name):
    if shift is None:
        raise TableError(f"{name}: the granule is reserved")
    bits = 64 - size
    # 16 to 39 (and up to 48 with FEAT_TTST) are what T0SZ and T1SZ can be.
    if not 16 <= bits <= 48:
        raise TableError(f"{name}: an input size of {bits} bits is not "
                         "supported here, 16 to 48 are")
    if PHYSICAL_BITS[output] > 48:
        raise TableError(f"{name}: addresses of 52 bits are not supported "
                         "here")
    levels = -(-(bits - shift) // (shift - 3))
    return Geometry(shift, LEAF_LEVEL + 1 - levels, bits,
                    PHYSICAL_BITS[output])


def walk_stage1(source, regime, va, translate=None):
    """The Walk of VA; TRANSLATE(ipa) is stage 2, None without any."""
    walk = Walk(1, va)
    if not regime.sctlr & 1:
        _mmu_off(walk, va)
    else:
        _walk_on(source, regime, walk, va, translate)
    if walk.fault is None and translate:
        walk.outer = translate(walk.output)
    return walk


def _mmu_off(walk, va):
    walk.notes.append("the MMU is off: stage 1 maps every address to itself")
    if va & 0x00ffffffffffffff >= OA_END:
        walk.fault = "address size fault, level 0"
    else:
        walk.output = va & OA_END - 1


def _walk_on(source, regime, walk, va, translate):
    high, ttbr, disabled, tbi = regime.select(va)
    if disabled:
        walk.fault = ("translation fault, level 0: walks of TTBR"
                      f"{int(high)} are disabled (EPD{int(high)})")
        return
    geometry = regime.geometry(high)
    sign = va >> geometry.bits & \
        (1 << (56 if tbi else 64) - geometry.bits) - 1
    expected = (1 << (56 if tbi else 64) - geometry.bits) - 1 if high else 0
    if sign != expected:
        walk.fault = (f"translation fault, level 0: no address of "
                      f"{geometry.bits} bits")
        return

    def locate(address):
        if translate is None:
            return address, None
        outer = translate(address)
        return outer.pa, outer
    root = ttbr & OA_END - 2
    # The root is as large as its entries, and aligned to that.
    root &= ~(max(64, geometry.entries(geometry.start) * 8) - 1)
    _follow(source, geometry, walk, root, va, locate)


# All that a table maps

@dataclasses.dataclass(frozen=True)
class Mapping:
    """A range that is mapped in one way: to neighbours, with the same
    attributes, by descriptors of one level."""
    address: int
    pa: int
    bytes: int
    attributes: int
    level: int

    @property
    def blocks(self):
        return self.level < LEAF_LEVEL


def _attributes(descriptor):
    """All of a leaf that is no address and no kind (bits 1 and 0)."""
    return descriptor & ~(OA_END - 1) | descriptor & 0xffc


def leaves_stage2(source, root, vtcr, limit=MAX_TABLES):
    """The Mappings of a stage-2 table in the order of addresses.

    Raises TableError after LIMIT tables: those that link each other. What is
    beyond the input size or without access flag is not mapped.
    """
    geometry = geometry_stage2(vtcr)
    if root == 0:
        return
    reader = _Reader(source, geometry, limit)
    pending = None
    for leaf in reader.leaves(root, geometry.start, 0):
        if pending and _continues(pending, leaf):
            pending = dataclasses.replace(pending,
                                          bytes=pending.bytes + leaf.bytes)
            continue
        if pending:
            yield pending
        pending = leaf
    if pending:
        yield pending


def _continues(one, two):
    return (one.address + one.bytes, one.pa + one.bytes, one.attributes,
            one.level) == (two.address, two.pa, two.attributes, two.level)


class _Reader:
    """All leaves below a table, with a limit on the tables read."""

    def __init__(self, source, geometry, limit):
        self.source = source
        self.geometry = geometry
        self.left = limit
        self.limit = limit

    def leaves(self, table, level, address):
        geometry = self.geometry
        self.left -= 1
        if self.left < 0:
            raise TableError(f"more than {self.limit} tables: some must link "
                             "each other")
        entries = geometry.entries(level)
        data = self.source.read(table, entries * 8)
        if not any(data):
            return
        shift = geometry.level_shift(level)
        descriptors = struct.unpack(f"<{entries}Q", data)
        if level == LEAF_LEVEL and self._is_run(descriptors):
            yield self._leaf(descriptors[0], level, address, entries << shift)
            return
        for index, descriptor in enumerate(descriptors):
            kind = kind_of(descriptor, level, geometry)
            if kind == "invalid":
                continue
            here = address + (index << shift)
            if kind == "table":
                yield from self.leaves(
                    output_of(descriptor, level, geometry, kind), level + 1,
                    here)
            elif descriptor & AF:
                yield self._leaf(descriptor, level, here, 1 << shift)

    def _is_run(self, descriptors):
        """Whether a last level maps one range, with the same attributes."""
        first, size = descriptors[0], 1 << self.geometry.shift
        return first & (AF | 3) == AF | 3 and descriptors == tuple(
            range(first, first + len(descriptors) * size, size))

    def _leaf(self, descriptor, level, address, size):
        kind = kind_of(descriptor, level, self.geometry)
        return Mapping(address,
                       output_of(descriptor, level, self.geometry, kind),
                       size, _attributes(descriptor), level)


# In words

def describe(step, el2=False, mair=None):
    """What a step's descriptor means. EL2: of EL2's own stage 1; MAIR says
    what its memory attributes are."""
    descriptor = step.descriptor
    if step.kind == "unreadable":
        return "cannot be read"
    if step.kind == "invalid":
        return _describe_invalid(step, descriptor)
    if step.kind == "table":
        limits = fields.stage1_table(descriptor) if step.stage == 1 else ""
        return f"table at {step.output:#x}" + \
            (f"; all below: {limits}" if limits else "")
    return f"{step.kind} at {step.output:#x}, " + \
        leaf_words(step.stage, descriptor, el2, mair)


def _describe_invalid(step, descriptor):
    if descriptor & 1:
        return "reserved at this level: invalid"
    if descriptor == LEFT_HOST and step.stage == 2:
        return "invalid: the page left the host"
    return "invalid" if descriptor == 0 else \
        "invalid; software keeps something in it"


def leaf_words(stage, descriptor, el2=False, mair=None):
    """The attributes of a block or page, or those of a Mapping."""
    return fields.stage2_leaf(descriptor) if stage == 2 else \
        fields.stage1_leaf(descriptor, el2, mair)
