#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Self-tests of tools/boardview on memory made by hand; TAP on stdout.

Tables are built and records are written here by the architecture's and the
inspection page's rules, apart from the code that reads them. Much of the
memory is hostile: cut, spoilt, linked in circles.
"""
import dataclasses
import os
import pathlib
import random
import re
import struct
import sys
import tempfile
from pathlib import Path
from unittest import mock

ROOT = Path(os.environ.get('HYPSEC_ROOT',
                           Path(__file__).resolve().parents[2]))
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / 'tools'))
from boardview import (owners, page, smmu, source, tables,  # noqa: E402
                       vms)
import taptest  # noqa: E402

RAM = 0x40000000
MIB = 1 << 20
CARVEOUT = RAM + 8 * MIB
RAM_BYTES = 16 * MIB
INSPECT = CARVEOUT + 0x1000
FREE = 0xffffffff
VTCR = 0x80023558
AF = 1 << 10
LEAF = AF | 0xfc | 3 << 8       # normal write-back, read and write


class Memory:
    """RAM that is written by hand and read as a source."""

    def __init__(self, size=RAM_BYTES):
        self.data = bytearray(size)

    def write(self, pa, fmt, *values):
        struct.pack_into('<' + fmt, self.data, pa - RAM, *values)

    def read(self, pa, length):
        at = pa - RAM
        if at < 0 or length < 0 or at + length > len(self.data):
            raise source.SourceError(f'no RAM at {pa:#x}')
        return bytes(self.data[at:at + length])


def refused(call, text='', kind=source.SourceError):
    """The message of KIND that CALL raises."""
    try:
        call()
    except kind as error:
        assert text in str(error), (text, str(error))
        return str(error)
    raise AssertionError('it was taken')


# --- The inspection page ---------------------------------------------------

IMAGE = CARVEOUT + 2 * MIB
RECORDS = CARVEOUT + 4 * MIB
SOUND = {
    'magic': 0x314e494345535048, 'version': 3, 'size': 288, 'panicked': 0,
    'nr_cpus': 2, 'cpu_base': INSPECT + 0x200, 'cpu_stride': 64,
    'page_record_bytes': 8, 'image_pa': IMAGE, 'image_va': 0x4000000000,
    'image_bytes': 0x100000, 'linear_base': 0x2000000000,
    'page_base': RECORDS, 'page_first_pfn': RAM >> 12,
    'page_count': RAM_BYTES >> 12, 'host_root': CARVEOUT + 5 * MIB,
    'pool_base': IMAGE + 0x1000, 'pool_stride': 40, 'vm_base': IMAGE + 0x4000,
    'vm_stride': 512, 'vm_count': 16, 'pool_count': 32,
    'owned_base': IMAGE + 0x8000, 'vcpu_offset': 32, 'vcpu_stride': 32,
    'vcpu_count': 8, 'corevisor': 16, 'smmu_base': IMAGE + 0x9000,
    'smmu_stride': 128, 'smmu_count': 2, 'smmu_owner_offset': 24,
    'device_base': IMAGE + 0xa000, 'device_stride': 32,
    'device_owner_base': IMAGE + 0xb000, 'device_owner_stride': 8,
    'device_count': 1, 'pcpu_base': IMAGE + 0xc000, 'pcpu_stride': 1024,
    'pcpu_held_offset': 288}


def header_fields():
    """(name, bytes) of struct hypsec_inspect as the header has it."""
    text = (ROOT / 'firmware/include/hypsec/inspect.h').read_text()
    body = re.search(r'^struct hypsec_inspect \{\n(.*?)^\};', text,
                     re.M | re.S)[1]
    return [(name, int(bits) // 8) for bits, name in
            re.findall(r'uint(\d+)_t (\w+);', body)]


def header_number(name):
    text = (ROOT / 'firmware/include/hypsec/inspect.h').read_text()
    return int(re.search(rf'#define\s+{name}\s+(\w+)', text)[1], 0)


def write_page(memory, **changes):
    place = INSPECT
    for name, width in header_fields():
        value = changes.get(name, SOUND[name])
        memory.write(place, {4: 'I', 8: 'Q'}[width], value)
        place += width


def machine(**changes):
    """Memory with a sound page, but for CHANGES."""
    memory = Memory()
    write_page(memory, **changes)
    return memory


def read_page(memory):
    return page.Page.read(memory, INSPECT)


def test_layout_is_the_headers():
    assert header_fields() == list(page.FIELDS_2 + page.FIELDS_3)
    assert page.BYTES_3 == sum(width for _, width in header_fields())
    assert set(SOUND) == {name for name, _ in header_fields()}


def test_numbers_are_the_headers():
    assert header_number('HYPSEC_INSPECT_MAGIC') == page.MAGIC
    assert header_number('HYPSEC_INSPECT_MAX_CPUS') == page.MAX_CPUS
    assert header_number('HYPSEC_INSPECT_WORLD_OFF') == page.WORLD_OFF
    assert header_number('HYPSEC_INSPECT_FREE') == page.FREE
    assert header_number('HYPSEC_INSPECT_COUNT_DMA') == owners.COUNT_DMA
    assert header_number('HYPSEC_INSPECT_MAP_ANY') == owners.MAP_ANY
    assert header_number('HYPSEC_INSPECT_MAP_OFFSET') == owners.MAP_OFFSET
    for number, name in vms.VM_STATES.items():
        assert header_number(f'HYPSEC_INSPECT_{name}') == number
    for number, name in vms.POWER.items():
        assert header_number(f'HYPSEC_INSPECT_POWER_{name}') == number
    for rank, name in enumerate(vms.LOCKS):
        assert header_number(f'HYPSEC_INSPECT_HELD_{name.upper()}') == \
            1 << vms.HELD_SHIFT + rank


def test_places_of_smmus_are_the_boards():
    text = (ROOT / 'hw/hypsec-virt.c').read_text()
    seen = re.findall(r'\[HYPSEC_VIRT_SMMU\d\] = +\{ (\w+), (\w+) \}', text)
    assert [int(base, 0) for base, _ in seen] == list(smmu.PLACES)
    assert {int(size, 0) for _, size in seen} == {smmu.BYTES}


def test_sound_page():
    seen = read_page(machine())
    for name, value in SOUND.items():
        assert name == 'magic' or getattr(seen, name) == value, name
    assert seen.carveout_base == CARVEOUT
    assert [seen.owner_name(n) for n in (0, 1, 15, 16, 17, 200)] == \
        ['host', 'vm1', 'vm15', 'EL2', 'owner 17?', 'owner 200?']


def test_version_2():
    # What follows is not of the page: it must not count.
    memory = machine(version=2, size=144, pool_count=1 << 60, corevisor=0,
                     smmu_count=1 << 40)
    seen = read_page(memory)
    assert seen.corevisor == 16 and seen.pool_count is None
    assert seen.owner_name(16) == 'EL2'
    for call in (lambda: vms.vms(memory, seen),
                 lambda: smmu.smmus(memory, seen),
                 lambda: smmu.devices(memory, seen),
                 lambda: owners.Owners(memory, seen).counters(),
                 lambda: seen.bank_root(memory, 0, 1)):
        refused(call, 'version 2, that takes 3', page.PageError)
    assert vms.cpus(memory, seen)[0].locks is None


def test_ram_to_the_end():
    seen = read_page(machine(page_first_pfn=(1 << 28) - SOUND['page_count']))
    assert owners.Owners(Memory(), seen).end == 1 << 28


def test_one_vm():
    assert read_page(machine(vm_count=2, corevisor=2)).owner_name(1) == 'vm1'


def test_later_version():
    assert read_page(machine(version=9, size=4096)).version == 9


def test_spoilt_fields():
    for name, value, words in (
            ('magic', 0, 'no inspection page'),
            ('version', 1, 'too old'), ('size', 280, 'too few'),
            ('panicked', 2, 'panicked'), ('nr_cpus', 0, 'nr_cpus'),
            ('nr_cpus', 9, 'cpu_count'), ('cpu_stride', 8, 'cpu_stride'),
            ('cpu_base', RAM, 'cpu_base'), ('cpu_base', INSPECT + 2,
                                            'cpu_base'),
            ('page_record_bytes', 16, 'page_record_bytes'),
            ('page_count', 1 << 62, 'page_count'),
            ('page_base', 1 << 63, 'page_base'),
            ('page_first_pfn', 1 << 52, 'page_first_pfn'),
            ('vm_count', 1, 'vm_count'), ('vm_count', 1 << 33, 'vm_count'),
            ('vm_stride', 0, 'vm_stride'),
            ('pool_count', 1 << 40, 'pool_count'),
            ('pool_count', 3, 'pool_count'),
            ('pool_stride', 1 << 40, 'pool_stride'),
            ('pool_base', 8, 'pool_base'), ('host_root', 5, 'host_root'),
            ('corevisor', 5, 'corevisor'), ('corevisor', 256, 'corevisor'),
            ('owned_base', 0, 'owned_base'),
            ('vcpu_count', 1 << 40, 'vcpu_count'),
            ('vcpu_count', 16, 'vcpu_count'), ('vcpu_offset', 500, 'vcpu'),
            ('vcpu_stride', 4, 'vcpu'), ('smmu_count', 17, 'smmu_count'),
            ('smmu_stride', 24, 'smmu_stride'),
            ('smmu_owner_offset', 1 << 50, 'smmu_owner_offset'),
            ('device_count', 1 << 30, 'device_count'),
            ('device_owner_stride', 4, 'device_owner_stride'),
            ('pcpu_held_offset', 1 << 60, 'pcpu_stride'),
            ('pcpu_base', 1 << 39 | 1, 'pcpu_base')):
        memory = machine(**{name: value})
        refused(lambda: read_page(memory), words, page.PageError)


def test_no_place_for_a_page():
    memory = machine()
    refused(lambda: page.Page.read(memory, 0), 'no carve-out')
    for address in (INSPECT + 4, 1 << 40, -8):
        refused(lambda: page.Page.read(memory, address), 'no address')
    # A page that is cut by the end of RAM, at each length.
    for length in range(0, 288, 8):
        cut = source.FileSource({INSPECT: memory.read(INSPECT, length)})
        refused(lambda: page.Page.read(cut, INSPECT))


def use_all(memory):
    """Everything that a tool reads, from whatever MEMORY holds."""
    seen = read_page(memory)
    view = owners.Owners(memory, seen)
    for call in (lambda: list(view.runs()), view.totals, view.counters,
                 lambda: view.record(RAM >> 12),
                 lambda: view.record(view.end - 1),
                 lambda: vms.vms(memory, seen, unused=True),
                 lambda: vms.cpus(memory, seen),
                 lambda: smmu.smmus(memory, seen),
                 lambda: smmu.devices(memory, seen),
                 lambda: list(tables.leaves_stage2(
                     memory, seen.root(memory, 0), VTCR, limit=200))):
        try:
            call()
        except source.SourceError:
            pass


def test_random_damage():
    # Any other exception than SourceError is a failure, as is a long run.
    rng = random.Random(7)
    values = [0, 1, 4, 7, 0xff, 0xffff, 1 << 31, (1 << 32) - 1, 1 << 39,
              (1 << 40) - 8, 1 << 63, (1 << 64) - 1, RAM, RAM + RAM_BYTES - 8]
    names = [name for name, _ in header_fields() if name != 'magic']
    widths = dict(header_fields())
    taken, memory = 0, Memory()
    for _ in range(1500):
        changes = {name: rng.choice(values + [rng.getrandbits(64)]) &
                   (1 << 8 * widths[name]) - 1
                   for name in rng.sample(names, rng.randint(1, 2))}
        write_page(memory, **changes)
        try:
            use_all(memory)
            taken += 1
        except source.SourceError:
            pass
    assert 0 < taken < 1500, taken


# --- Owners ----------------------------------------------------------------

def record(owner, count=0, gfn=None, pfn=0):
    """A page record as the firmware packs it."""
    distance = 1 << 47 if gfn is None else \
        gfn - pfn - 1000000000 & (1 << 48) - 1
    return owner | count << 8 | distance << 16


def test_one_record():
    memory, pfn = machine(), RAM >> 12
    memory.write(RECORDS, '4Q', 0, record(3, 2, 0x48000, pfn + 1),
                 record(3, 255), 16)
    view = owners.Owners(memory, read_page(memory))
    assert view.record(pfn) == owners.Record(0, 0, False, None)
    assert view.record(pfn + 1) == owners.Record(3, 2, False, 0x48000)
    assert view.record(pfn + 2) == owners.Record(3, 0, True, None)
    assert view.record(pfn + 3) == owners.Record(16, 0, False, None)
    assert view.record(pfn - 1) is None
    assert view.record(pfn + (RAM_BYTES >> 12)) is None


def naive_runs(values):
    runs = []
    for at, (owner, count) in enumerate(values):
        if runs and runs[-1][2:] == (owner, count):
            first, pages, *_ = runs[-1]
            runs[-1] = (first, pages + 1, owner, count)
        else:
            runs.append(((RAM >> 12) + at, 1, owner, count))
    return runs


def test_runs_and_totals():
    rng, pages, usual = random.Random(3), RAM_BYTES >> 12, owners.BATCH
    try:
        for case in range(60):
            owners.BATCH = rng.choice([64, 1000, 1 << 20])
            memory, values = machine(), []
            while len(values) < pages:
                values += [(rng.choice([0, 0, 1, 2, 16, 99]),
                            rng.choice([0, 0, 0, 1, 255]))] * \
                    rng.choice([1, 1, 2, 3, 63, 64, 65, 500, 3000])
            del values[pages:]
            # Maps that differ do not end a run.
            memory.write(RECORDS, f'{pages}Q', *(
                record(*value, gfn=rng.randrange(1 << 28), pfn=1)
                for value in values))
            view = owners.Owners(memory, read_page(memory))
            assert list(view.runs()) == naive_runs(values), case
            first = rng.randrange(pages)
            last = rng.randrange(first, pages)
            part = [(at + first, *rest) for at, *rest in
                    naive_runs(values[first:last + 1])]
            assert list(view.runs((RAM >> 12) + first, (RAM >> 12) + last)) \
                == part, case
            chosen = [owner for owner, _ in values[first:last + 1]]
            assert view.totals((RAM >> 12) + first, (RAM >> 12) + last) == \
                {owner: chosen.count(owner) for owner in set(chosen)}
    finally:
        owners.BATCH = usual


def test_runs_take_few_steps():
    # 64 GiB are looked at by comparing blocks, not records.
    memory = machine()
    view = owners.Owners(memory, read_page(memory))
    assert len(list(view._pieces(view.first, view.end))) == 1
    memory.write(RECORDS + 8 * 1000, 'Q', 16)
    assert len(list(view._pieces(view.first, view.end))) == 3
    assert owners._same(b'a' * 1000 + b'b' + b'a' * 23, 0) == 1000
    assert owners._same(b'ab', 0) == 1 and owners._same(b'a', 0) == 1


def test_ranges_outside():
    view = owners.Owners(machine(), read_page(machine()))
    assert list(view.runs(0, 5)) == [] and view.totals(0, 5) == {}
    assert list(view.runs(0, 1 << 50)) == \
        [(RAM >> 12, RAM_BYTES >> 12, 0, 0)]
    assert list(view.runs(10, 5)) == []


def test_counters():
    memory = machine()
    memory.write(SOUND['owned_base'], '17Q', 4000, *[0] * 15, 96)
    view = owners.Owners(memory, read_page(memory))
    assert view.counters()[0] == 4000 and view.counters()[16] == 96
    memory.write(SOUND['owned_base'], 'Q', 1 << 63)
    refused(view.counters, 'counters')


# --- Tables ----------------------------------------------------------------

class Builder:
    """Tables of one root, by the architecture's rules."""

    def __init__(self, memory, shift=12, bits=40, start=1, base=RAM):
        self.memory = memory
        self.shift, self.bits, self.start = shift, bits, start
        self.next = base
        top = bits - self.level(start)
        self.root = self.allocate(max(8 << top, 1 << shift))

    def level(self, level):
        return self.shift + (3 - level) * (self.shift - 3)

    def allocate(self, size):
        self.next += -self.next % size
        self.next += size
        return self.next - size

    def place(self, address, level, make=True):
        """The address of the entry of ADDRESS at LEVEL."""
        table, shift = self.root, self.level(self.start)
        entry = table + (address >> shift) * 8
        for at in range(self.start, level):
            here = int.from_bytes(self.memory.read(entry, 8), 'little')
            if not here & 1:
                assert make
                here = self.allocate(1 << self.shift) | 3
                self.memory.write(entry, 'Q', here)
            table = here & (1 << 48) - 1 & -(1 << self.shift)
            shift = self.level(at + 1)
            entry = table + (address >> shift &
                             (1 << self.shift - 3) - 1) * 8
        return entry

    def map(self, address, pa, level=3, attributes=LEAF):
        bits = 3 if level == 3 else 1
        self.memory.write(self.place(address, level), 'Q',
                          pa | attributes | bits)


def stage2_register(bits, shift, start, physical=2):
    """VTCR_EL2 of that shape."""
    sl0 = {12: {2: 0, 1: 1, 0: 2}, 14: {3: 0, 2: 1, 1: 2},
           16: {3: 0, 2: 1, 1: 2}}[shift][start]
    return 64 - bits | sl0 << 6 | {12: 0, 16: 1, 14: 2}[shift] << 14 | \
        physical << 16


SHAPES = [(12, 40, 1), (12, 39, 1), (12, 33, 2), (12, 34, 2), (12, 48, 0),
          (14, 40, 1), (14, 36, 2), (14, 40, 2), (16, 42, 2), (16, 40, 2),
          (16, 33, 3)]


def test_stage2_of_all_shapes():
    rng = random.Random(5)
    for shift, bits, start in SHAPES:
        memory = Memory(32 * MIB)
        builder = Builder(memory, shift, bits, start)
        register = stage2_register(bits, shift, start, 5)
        mapped = {}
        for _ in range(12):
            ia = rng.randrange(1 << bits) & -(1 << shift)
            mapped[ia] = rng.randrange(1 << 40) & -(1 << shift)
            builder.map(ia, mapped[ia])
        for ia, pa in mapped.items():
            offset = rng.randrange(1 << shift)
            walk = tables.walk_stage2(memory, builder.root, register,
                                      ia + offset)
            assert walk.pa == pa + offset and walk.fault is None, (shift, ia)
            assert walk.size == 1 << shift
            assert [step.level for step in walk.steps] == \
                list(range(start, 4))
            last = walk.steps[-1]
            assert last.table_pa + last.index * 8 == builder.place(ia, 3,
                                                                   False)
        seen = {leaf.address: leaf.pa for leaf in
                tables.leaves_stage2(memory, builder.root, register)}
        assert seen == mapped, (shift, bits, start)


def test_blocks():
    for shift, bits, start, level in ((12, 40, 1, 1), (12, 40, 1, 2),
                                      (14, 40, 1, 2), (16, 42, 2, 2)):
        memory = Memory(32 * MIB)
        builder = Builder(memory, shift, bits, start)
        register, size = stage2_register(bits, shift, start), \
            1 << builder.level(level)
        builder.map(3 * size, 5 * size, level)
        walk = tables.walk_stage2(memory, builder.root, register,
                                  3 * size + 0x12345)
        assert walk.pa == 5 * size + 0x12345 and walk.size == size
        assert walk.steps[-1].kind == 'block'
        leaf, = tables.leaves_stage2(memory, builder.root, register)
        assert (leaf.address, leaf.pa, leaf.bytes, leaf.level) == \
            (3 * size, 5 * size, size, level)
    # There are no blocks at level 1 of these granules, nor at level 0.
    for shift, bits, start, level in ((14, 40, 1, 1), (12, 48, 0, 0)):
        memory = Memory(32 * MIB)
        builder = Builder(memory, shift, bits, start)
        memory.write(builder.root, 'Q', LEAF | 1)
        walk = tables.walk_stage2(
            memory, builder.root, stage2_register(bits, shift, start), 0)
        assert walk.fault == f'translation fault, level {level}', walk
        assert list(tables.leaves_stage2(memory, builder.root,
                                         stage2_register(bits, shift,
                                                         start))) == []


def test_faults_at_each_level():
    for level in (1, 2, 3):
        memory = Memory()
        builder = Builder(memory)
        builder.map(0x80000000, 0x40005000)
        place = builder.place(0x80000000, level, False)
        was = int.from_bytes(memory.read(place, 8), 'little')

        def fault(value):
            memory.write(place, 'Q', value)
            walk = tables.walk_stage2(memory, builder.root, VTCR, 0x80000000)
            assert walk.pa is None and walk.output is None
            assert walk.steps[-1].level == level or 'external' in walk.fault
            return walk.fault
        assert fault(was & ~1) == f'translation fault, level {level}'
        assert fault(1 << 57) == f'translation fault, level {level}'
        assert fault(was | 1 << 44) == f'address size fault, level {level}'
        if level < 3:
            # A table where there is no RAM: the next level cannot be read.
            assert fault(0x0900000003).startswith(
                f'external abort on the walk, level {level + 1}')
        else:
            assert fault(was & ~2) == 'translation fault, level 3'
            assert fault(was & ~AF) == 'access flag fault, level 3'
    walk = tables.walk_stage2(memory, builder.root, VTCR, 1 << 40)
    assert 'level 0' in walk.fault and walk.steps == []
    assert tables.walk_stage2(memory, builder.root, VTCR, -1).fault
    walk = tables.walk_stage2(memory, 0, VTCR, 0)
    assert 'external abort on the walk, level 1' in walk.fault


def test_circles():
    # Every entry of a table links the table itself.
    memory = Memory()
    root = RAM + 0x2000
    memory.write(root, '1024Q', *[root | 3] * 1024)
    walk = tables.walk_stage2(memory, root, VTCR, 0x123456789a)
    # As a page it has no access flag; the walk has ended.
    assert walk.fault == 'access flag fault, level 3'
    assert len(walk.steps) == 3
    message = refused(lambda: list(tables.leaves_stage2(memory, root, VTCR,
                                                        limit=3000)),
                      'more than 3000 tables', tables.TableError)
    assert 'link each other' in message
    assert 64 << 30 >> 21 < tables.MAX_TABLES <= 1 << 16


def test_registers_that_make_no_sense():
    memory = Memory()
    for register, words in (
            (VTCR | 3 << 14, 'TG0'), (VTCR | 3 << 6, 'SL0'),
            (VTCR & ~0x3f, 'T0SZ'), (VTCR | 0x3f, 'T0SZ'),
            (VTCR & ~0x3f | 20, 'T0SZ'), (VTCR & ~0x3f | 34, 'T0SZ'),
            (VTCR | 7 << 16, '52 bits')):
        for call in (tables.walk_stage2, lambda *args:
                     list(tables.leaves_stage2(*args[:3]))):
            refused(lambda: call(memory, RAM, register, 0), words,
                    tables.TableError)
    rng = random.Random(11)
    for _ in range(3000):
        try:
            tables.walk_stage2(memory, RAM, rng.getrandbits(34),
                               rng.getrandbits(48))
        except tables.TableError:
            pass


def test_leaves_are_merged():
    memory = Memory()
    builder = Builder(memory)
    for n in range(512):
        builder.map(0x40000000 + n * 4096, 0x50000000 + n * 4096)
    builder.map(0x40200000, 0x50200000)
    builder.map(0x40201000, 0x50201000, attributes=LEAF & ~0x80)
    builder.map(0x40400000, 0x50400000, 2)
    builder.map(0x40600000, 0x50600000, 2)
    builder.map(0x40800000, 0x51000000, 2)
    seen = [(leaf.address, leaf.pa, leaf.bytes, leaf.level, leaf.blocks)
            for leaf in tables.leaves_stage2(memory, builder.root, VTCR)]
    assert seen == [
        (0x40000000, 0x50000000, 0x201000, 3, False),
        (0x40201000, 0x50201000, 0x1000, 3, False),
        (0x40400000, 0x50400000, 0x400000, 2, True),
        (0x40800000, 0x51000000, 0x200000, 2, True)], seen
    assert list(tables.leaves_stage2(memory, 0, VTCR)) == []


def test_a_full_table_with_one_hole():
    # What looks like one range at both ends is not.
    memory = Memory()
    builder = Builder(memory)
    for n in range(512):
        if n != 300:
            builder.map(n * 4096, 0x50000000 + n * 4096)
    sizes = [leaf.bytes for leaf in
             tables.leaves_stage2(memory, builder.root, VTCR)]
    assert sizes == [300 * 4096, 211 * 4096], sizes


# Stage 1

def tcr(low=48, high=48, tg0=0, tg1=2, more=0):
    return 64 - low | tg0 << 14 | 64 - high << 16 | tg1 << 30 | \
        5 << 32 | more


def test_stage1_alone():
    memory = Memory()
    low = Builder(memory, 12, 39, 1)
    high = Builder(memory, 12, 48, 0, base=low.next)
    low.map(0x7f12345000, 0x40100000)
    high.map(0x800012345000, 0x40200000)
    regime = tables.El1(low.root, high.root, tcr(low=39), 1)

    def walk(va, **changes):
        return tables.walk_stage1(memory,
                                  dataclasses.replace(regime, **changes), va)
    assert walk(0x7f12345678).pa == 0x40100678
    assert walk(0xffff800012345678).pa == 0x40200678
    assert [step.level for step in walk(0x7f12345678).steps] == [1, 2, 3]
    assert [step.level for step in walk(0xffff800012345678).steps] == \
        [0, 1, 2, 3]
    # An ASID and CnP are no part of the root's address.
    assert walk(0x7f12345678, ttbr0=low.root | 1 | 0xabcd << 48).pa
    # Holes between the halves, and the ignored top byte.
    for va in (0x8000000000, 0x0100007f12345678, 0x5a00007f12345678):
        assert 'level 0' in walk(va).fault, va
    tbi = tcr(low=39, more=1 << 37)
    assert walk(0x5a00007f12345678, tcr=tbi).pa == 0x40100678
    assert 'level 0' in walk(0x5a0000ff12345678 | 1 << 47, tcr=tbi).fault
    assert walk(0xa5ff800012345678, tcr=tcr(39, more=1 << 38)).pa == \
        0x40200678
    # Disabled walks, granules and sizes that are none.
    assert 'EPD0' in walk(0x7f12345678, tcr=tcr(39, more=1 << 7)).fault
    assert 'EPD1' in walk(0xffff800012345678,
                          tcr=tcr(39, more=1 << 23)).fault
    for va, bad in ((0, tcr(tg0=3)), (1 << 63 | 1 << 55, tcr(tg1=0)),
                    (0, tcr(low=8)), (0, tcr(low=52)),
                    (0, tcr(more=1 << 59)), (0, tcr(more=2 << 32))):
        refused(lambda: walk(va, tcr=bad), 'TCR_EL1', tables.TableError)


def test_stage1_off():
    regime = tables.El1(0, 0, 0, 0)
    walk = tables.walk_stage1(Memory(), regime, 0x40001234)
    assert walk.pa == 0x40001234 and walk.steps == [] and walk.notes
    assert tables.walk_stage1(Memory(), regime, 1 << 50).fault
    stage2 = Builder(memory := Memory())
    stage2.map(0x40001000, 0x40009000)
    walk = tables.walk_stage1(
        memory, regime, 0x40001234,
        lambda ipa: tables.walk_stage2(memory, stage2.root, VTCR, ipa))
    assert walk.output == 0x40001234 and walk.pa == 0x40009234


def test_stage1_under_stage2():
    # IPA = PA ^ 0x100000: stage 1 can be read only through stage 2.
    memory = Memory()
    flip = 0x100000
    stage2 = Builder(memory, base=RAM + 2 * MIB)
    for n in range(256):
        stage2.map(RAM + n * 4096 ^ flip, RAM + n * 4096)

    class Flipped:
        def read(self, pa, length):
            return memory.read(pa ^ flip, length)

        def write(self, pa, *args):
            memory.write(pa ^ flip, *args)
    guest = Builder(Flipped(), 12, 48, 0, base=RAM + flip)
    guest.map(0x4000, RAM + flip + 0x42000)
    regime = tables.El1(guest.root, 0, tcr(), 1)

    def translate(ipa):
        return tables.walk_stage2(memory, stage2.root, VTCR, ipa)
    walk = tables.walk_stage1(memory, regime, 0x4567, translate)
    assert walk.output == RAM + flip + 0x42567 and walk.pa == RAM + 0x42567
    for step in walk.steps:
        assert step.outer.pa & -4096 == step.table_pa == step.table ^ flip
    # Stage 2 takes the page of one table away after the other.
    for number, step in enumerate(walk.steps):
        place = stage2.place(step.table, 3, False)
        was = memory.read(place, 8)
        memory.write(place, 'Q', 1 << 57)
        again = tables.walk_stage1(memory, regime, 0x4567, translate)
        assert again.pa is None and len(again.steps) == number + 1
        assert again.steps[-1].kind == 'unreadable'
        assert again.fault == ('stage 2 on the stage-1 walk, level '
                               f'{number}: translation fault, level 3')
        memory.data[place - RAM:place - RAM + 8] = was
    memory.write(stage2.place(walk.output, 3, False), 'Q', 0)
    again = tables.walk_stage1(memory, regime, 0x4567, translate)
    assert again.fault is None and again.pa is None
    assert again.why == 'translation fault, level 3'


def test_el2():
    memory = Memory()
    builder = Builder(memory, 12, 39, 1)
    builder.map(0x4000003000, 0x40500000, attributes=LEAF & ~0xc0 | 1 << 54)
    regime = tables.El2(builder.root, 0x80823519, 1)
    walk = tables.walk_stage1(memory, regime, 0x4000003abc)
    assert walk.pa == 0x40500abc
    assert 'not executable' in tables.describe(walk.steps[-1], el2=True)
    # Another granule, and a table that limits what is below it.
    large = Builder(memory, 16, 39, 2, base=builder.next)
    large.map(0x4000010000, 0x40600000)
    place = large.place(0x4000010000, 2)
    memory.write(place, 'Q', int.from_bytes(memory.read(place, 8), 'little') |
                 1 << 60 | 1 << 62)
    walk = tables.walk_stage1(memory, tables.El2(
        large.root, 0x80823519 | 1 << 14, 1), 0x4000010abc)
    assert walk.pa == 0x40600abc and walk.limits == 10
    assert 'read only' in tables.describe(walk.steps[0], el2=True)
    assert 'all below' not in tables.describe(dataclasses.replace(
        walk.steps[0], stage=2))
    # EL2 has no upper half.
    assert tables.walk_stage1(memory, regime, 0xffff000000000000).fault
    refused(lambda: tables.walk_stage1(
        memory, tables.El2(0, 0x80823519 | 1 << 32, 1), 0), 'TCR_EL2')


def test_random_tables():
    rng = random.Random(13)
    memory = Memory(2 * MIB)
    for at in range(0, 2 * MIB, 8):
        low = rng.choice([3, 3, 1, 0, 7, 0x403, 0x401, 0x7ff])
        memory.write(RAM + at, 'Q', RAM + rng.randrange(512) * 4096 | low |
                     (rng.getrandbits(24) << 40 if rng.random() < .1 else 0))
    # 40 bits of output.
    regime = tables.El1(RAM, RAM + MIB, tcr() ^ 7 << 32, 1)

    def translate(ipa):
        return tables.walk_stage2(memory, RAM + 0x10000, VTCR, ipa)
    ends = set()
    for _ in range(4000):
        va = rng.getrandbits(48) | (0xffff << 48 if rng.random() < .5 else 0)
        walk = tables.walk_stage1(memory, regime, va,
                                  rng.choice([None, translate]))
        assert (walk.pa is None) != (walk.why is None)
        assert len(walk.steps) <= 4
        for step in walk.steps:
            tables.describe(step)
        ends.add((walk.why or 'pa')[:12])
    assert ends >= {'pa', 'translation ', 'access flag ', 'stage 2 on t',
                    'address size'}, ends


# --- VMs, CPUs, SMMUs ------------------------------------------------------

def test_vms_and_cpus():
    memory = machine()
    cpu, pcpu = SOUND['cpu_base'], SOUND['pcpu_base']
    memory.write(cpu, '2I4Q', 3, 1, 10, 20, 30, 40)
    memory.write(cpu + 64, '2I4Q', 0xffffffff, 0, 0, 0, 0, 0)
    memory.write(pcpu + 288, 'I', 0x1a0302)
    memory.write(pcpu + 1024 + 288, 'I', 0)
    entry = SOUND['vm_base'] + 3 * 512
    memory.write(entry, 'I', 3)
    memory.write(entry + 32, '2I', 2, 0)
    memory.write(entry + 64, '2I', 5, 2)
    memory.write(entry + 96, '2I', 77, 9)
    memory.write(SOUND['pool_base'] + 3 * 40, 'Q', 0x40300000)
    memory.write(SOUND['owned_base'] + 3 * 8, 'Q', 123)
    write_smmus(memory)
    seen = read_page(memory)
    one, two = vms.cpus(memory, seen)
    assert (one.world, one.vcpu, one.refusals, one.smcs) == ('vm3', 1, 10, 40)
    assert one.locks == ['vm[3]', 's2page', 'pt[2]'], one.locks
    assert two.world == 'off' and two.vmid is None and two.locks == []
    vm, = vms.vms(memory, seen)
    assert (vm.vmid, vm.state_name, vm.root, vm.pages) == \
        (3, 'VERIFIED', 0x40300000, 123)
    assert vm.banks == [(0, 2)]
    assert [(v.vcpu, v.state_name, v.power_name, v.cpu) for v in vm.vcpus] \
        == [(0, 'READY', 'OFF', None), (1, 'ACTIVE', 'ON', 0),
            (2, 'state 77?', 'power 9?', None)]
    assert len(vms.vms(memory, seen, unused=True)) == 15
    # A root that is no address of a table.
    memory.write(SOUND['pool_base'] + 3 * 40, 'Q', 0x40300001)
    refused(lambda: vms.vms(memory, seen), 'root table')


def write_smmus(memory):
    for n, base in enumerate(smmu.PLACES):
        entry = SOUND['smmu_base'] + n * 128
        memory.write(entry, '2QI', base, 0x10000, 8)
        memory.write(entry + 24, '8I', 16, FREE, 3 if n == 0 else FREE,
                     *[FREE] * 5)


class Registers(Memory):
    """RAM, and one page of registers after the other."""

    def __init__(self):
        super().__init__()
        self.registers = {}
        self.widths = set()

    def device(self, pa, length):
        # As hardware: a register is read by accesses of its own width.
        self.widths.add(length)
        assert length in (4, 8) and pa % length == 0
        return self.registers.get(pa, 0).to_bytes(length, 'little')


def test_smmu():
    memory = Registers()
    write_page(memory)
    write_smmus(memory)
    builder = Builder(memory)
    builder.map(0x41000000, 0x40123000)
    base = smmu.PLACES[0]
    bank = base + 0x8000 + 2 * 0x1000
    memory.registers |= {
        base: 0x400, base + 0x20: 32, base + 0x24: 8, base + 0x48: 0x80000002,
        base + 0x800: 0x80000010, base + 0xc00: 2,
        base + 0x804: 0x80000000 | 0xff << 16 | 0x100, base + 0xc04: 1 << 16,
        base + 0x808: 0x10, base + 0x80c: 0x80000000 | 0x7fff << 16,
        base + 0xc0c: 2 << 16,
        base + 0x1008: 35, base + 0x1408: 0x10,
        bank: 0x121, bank + 0x20: builder.root | 0xab << 48,
        bank + 0x30: VTCR, bank + 0x58: 0x80000002, bank + 0x60: 0x12abc000000,
        bank + 0x68: 0x10}
    for n in range(8):
        if n != 2:
            memory.registers[base + 0x1000 + 4 * n] = 2 << 16
    seen = read_page(memory)
    first, second = smmu.smmus(memory, seen)
    assert first.owners[:3] == (16, FREE, 3) and second.base == smmu.PLACES[1]
    state = smmu.state(memory, first)
    assert state.client_access and state.unmatched == 'fault'
    assert state.fault_names == ['unidentified stream', 'several']
    assert [(s.number, s.action, s.bank) for s in state.streams] == \
        [(0, 'translate', 2), (1, 'bypass', None), (3, 'fault', None)]
    assert [s.number for s in state.lookup(0x10)] == [0, 3]
    assert [s.number for s in state.lookup(0x1fe)] == [1, 3]
    assert [s.number for s in state.lookup(0x2fe)] == [3]
    two = state.banks[2]
    assert (two.owner, two.kind, two.vmid, two.enabled, two.stream) == \
        (3, 'stage 2', 35, True, 0x10)
    assert two.far == 0x12abc000000
    assert [smmu.owner_name(seen, owner) for owner in (FREE, 0, 3, 16)] == \
        ['free', 'host', 'vm3', 'EL2']
    assert two.root == builder.root and two.faults == ['translation',
                                                       'several']
    assert smmu.walk(memory, two, 0x41000abc).pa == 0x40123abc
    assert [leaf.pa for leaf in smmu.leaves(memory, two)] == [0x40123000]
    refused(lambda: smmu.walk(memory, state.banks[1], 0), 'bank 1')
    # A bank of stage 2 that is off.
    memory.registers[bank] = 0
    refused(lambda: smmu.walk(memory, smmu.state(memory, first).banks[2], 0),
            'off')
    assert 4 in memory.widths and 8 in memory.widths


def test_smmu_without_el2():
    """No inspection page: what the registers say, and no owners."""
    memory = Registers()
    builder = Builder(memory)
    builder.map(0x41000000, 0x40123000)
    base = smmu.PLACES[1]
    place = base + 0x8000
    memory.registers |= {
        base + 0x20: 4, base + 0x24: 8,
        base + 0x800: 0x80000000, base + 0xc00: 3,
        # Stage 2; stage 1 and 2, by bank 3; stage 1.
        base + 0x100c: 7, base + 0x1010: 3 << 16 | 3 << 8,
        base + 0x1014: 1 << 16 | 9,
        place + 0x3000: 1, place + 0x3020: builder.root,
        place + 0x3030: VTCR,
        place + 0x4000: 1, place + 0x4020: 0x40200000,
        place + 0x4028: 0x40300000, place + 0x4030: 0x19}
    _, second = smmu.of_board()
    assert (second.index, second.base, second.owners) == (1, base, None)
    state = smmu.state(memory, second)
    assert state.lookup(0)[0].bank == 3
    two, both, one = state.banks[3:6]
    assert {bank.owner for bank in state.banks} == {None}
    assert smmu.owner_name(None, None) == 'owner unknown'
    assert (two.kind, two.vmid, two.outer) == ('stage 2', 7, None)
    assert (both.kind, both.outer) == ('stage 1 and 2', 3)
    assert (both.ttbr0, both.ttbr1, both.tcr) == (0x40200000, 0x40300000,
                                                  0x19)
    assert (one.kind, one.vmid, one.outer) == ('stage 1', 9, None)
    assert smmu.walk(memory, two, 0x41000abc).pa == 0x40123abc
    refused(lambda: smmu.walk(memory, both, 0), 'one of stage 1 and 2')
    refused(lambda: smmu.walk(memory, one, 0), 'it is off')
    # More banks than its registers have room for.
    memory.registers[base + 0x24] = 9
    refused(lambda: smmu.state(memory, second), '9 banks')
    memory.registers[base + 0x24] = 0
    refused(lambda: smmu.state(memory, second), '0 banks')


def test_smmu_spoilt():
    memory = Registers()
    write_page(memory)
    write_smmus(memory)
    seen, entry = read_page(memory), SOUND['smmu_base']
    # Registers say other banks than EL2 does, or there is no SMMU at all.
    refused(lambda: smmu.state(memory, smmu.smmus(memory, seen)[0]),
            'registers at 0x9050000')
    for place, fmt, value, words in (
            # The registers of the console would change by a read.
            (entry, 'Q', 0x09000000, 'where this board has none'),
            (entry, 'Q', RAM, 'where this board has none'),
            (entry + 8, 'Q', 1 << 40, 'where this board has none'),
            (entry + 16, 'I', 0, 'context banks'),
            (entry + 16, 'I', 27, 'context banks'),
            (entry + 16, 'I', 0xffffffff, 'context banks')):
        write_smmus(memory)
        memory.write(place, fmt, value)
        memory.widths.clear()
        refused(lambda: smmu.smmus(memory, seen), words)
        assert not memory.widths, 'it read registers'


def test_devices():
    memory = machine()
    memory.write(SOUND['device_base'], '2Q2I', 0xb010000, 0x1000, 1, 0x10)
    memory.write(SOUND['device_owner_base'], '2I', 2, 5)
    seen = read_page(memory)
    assert smmu.devices(memory, seen) == [
        smmu.Device(0, 0xb010000, 0x1000, 1, 0x10, 2, 5)]
    memory.write(SOUND['device_owner_base'], '2I', 0, 5)
    assert smmu.devices(memory, seen)[0].bank is None
    # One more, and none.
    write_page(memory, device_count=2)
    memory.write(SOUND['device_base'] + 32, '2Q2I', 0xb011000, 0x1000, 1, 17)
    assert smmu.devices(memory, read_page(memory))[1] == \
        smmu.Device(1, 0xb011000, 0x1000, 1, 17, 0, None)
    write_page(memory, device_count=0, smmu_count=0)
    assert smmu.devices(memory, read_page(memory)) == []
    assert smmu.smmus(memory, read_page(memory)) == []


def test_roots():
    memory = machine()
    for index in range(32):
        memory.write(SOUND['pool_base'] + index * 40, 'Q',
                     RAM + index * 0x2000)
    seen = read_page(memory)
    assert seen.root(memory, 0) == RAM
    assert seen.root(memory, 15) == RAM + 15 * 0x2000
    # The identity table is bank 0 of both SMMUs.
    assert seen.bank_root(memory, 0, 0) == RAM + 16 * 0x2000
    assert seen.bank_root(memory, 1, 0) == RAM + 16 * 0x2000
    assert seen.bank_root(memory, 1, 3) == RAM + 27 * 0x2000
    for vmid in (-1, 16, 1 << 40):
        refused(lambda: seen.root(memory, vmid), 'there is no VM')
    refused(lambda: seen.bank_root(memory, 2, 1), 'table owner')


# --- Sources ---------------------------------------------------------------

class FakeQmp:
    """A board's QMP: RAM of 8 MiB with each page's number in it."""

    def __init__(self, cut=0):
        self.calls, self.cut = [], cut
        self.files = []

    def qmp(self, command, **arguments):
        if command == 'query-memory-size-summary':
            return {'base-memory': 8 * MIB}
        assert command == 'pmemsave', command
        self.calls.append((arguments['val'], arguments['size']))
        path = pathlib.Path(arguments['filename'])
        self.files.append(path)
        assert path.parent.stat().st_mode & 0o77 == 0, 'others can read it'
        data = b''.join((arguments['val'] + n).to_bytes(8, 'little')
                        for n in range(0, arguments['size'], 8))
        path.write_bytes(data[:len(data) - self.cut])
        return {}


def test_qmp_source():
    qmp = FakeQmp()
    with source.QmpSource(qmp) as memory:
        assert memory.ram == (RAM, RAM + 8 * MIB)
        at = RAM + source.CHUNK - 8
        assert memory.read(at, 16) == struct.pack('<2Q', at, at + 8)
        assert len(qmp.calls) == 2
        assert memory.read(at, 16) and len(qmp.calls) == 2
        memory.forget()
        assert memory.read(at, 16) and len(qmp.calls) == 4
        assert len(memory.read(RAM, 8 * MIB)) == 8 * MIB
        assert len(qmp.calls) == 5
        for pa, length in ((RAM - 8, 8), (RAM + 8 * MIB - 4, 8),
                           (0x09000000, 4), (-8, 8), (1 << 64, 8), (RAM, -1)):
            refused(lambda: memory.read(pa, length), 'not all in RAM')
        assert len(qmp.calls) == 5
        memory.device(0x09050020, 8)
        assert qmp.calls[-1] == (0x09050020, 8)
        refused(lambda: memory.device(1 << 40, 4), 'no address')
    assert not qmp.files[0].parent.exists()
    with source.QmpSource(FakeQmp(cut=8)) as memory:
        refused(lambda: memory.read(RAM, 8), 'QEMU saved')


def test_qmp_source_leaves_nothing():
    class Broken:
        def qmp(self, command, **arguments):
            raise OSError(command)
    with tempfile.TemporaryDirectory() as folder, \
            mock.patch('tempfile.tempdir', folder):
        refused(lambda: source.QmpSource(Broken()), kind=OSError)
        assert not os.listdir(folder)


def test_file_and_ram_source():
    dump = source.FileSource({RAM: b'12345678', RAM + 4096: b'x'})
    assert dump.read(RAM + 2, 4) == b'3456'
    for pa, length in ((RAM, 9), (RAM - 1, 2), (RAM, -1), (0, 1)):
        refused(lambda: dump.read(pa, length), 'not in the dump')
    ram = source.RamSource(Memory(), RAM + 4096)
    assert len(ram.read(RAM, 4096)) == 4096
    for pa, length in ((RAM, 4097), (RAM - 8, 8), (RAM, -1)):
        refused(lambda: ram.read(pa, length), 'not all in RAM')


if __name__ == '__main__':
    taptest.main(globals())
