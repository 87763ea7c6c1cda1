# SPDX-License-Identifier: GPL-2.0-or-later
"""The map of memories that no sound board has, made up here: mappings of other
owners' pages, tables that link each other, records full of anything."""
import itertools
import math
import random
import re
import struct

import looktest
import picture
import memory_map
import memory_picture
from boardview import page as inspect_page
from boardview.source import FileSource, SourceError

RAM = 0x40000000
PAGES = 8192
EL2_PAGES = 1024
EL2_PFN = (RAM >> 12) + PAGES - EL2_PAGES
BASE = EL2_PFN << 12
PAGE = BASE + 0x1000
# Places in EL2's memory, in pages from its base.
CPUS, POOLS, VMS, OWNED, PCPUS, RECORDS = 2, 3, 4, 5, 6, 16
TABLES = 64
LEAF, BLOCK, TABLE = 0x7c3 | 0x400, 0x7c1 | 0x400, 3
MAX_SVG = 5_000_000


class Fake:
    """32 MiB of RAM with an EL2, a VM 1 and a VM 2, as bytes."""

    def __init__(self, **fields):
        self.memory = bytearray(EL2_PAGES << 12)
        self.owners = bytearray(PAGES)
        self.counts = bytearray(PAGES)
        self.owners[-EL2_PAGES:] = bytes([16]) * EL2_PAGES
        self.next_table = TABLES
        self.fields = fields
        self.roots = {0: self.table(2), 1: self.table(2), 2: self.table(2)}
        for vmid in (1, 2):
            self.put(VMS, vmid * 64, struct.pack("<I", 3))

    def put(self, page, offset, data):
        at = (page << 12) + offset
        self.memory[at:at + len(data)] = data

    def table(self, pages=1):
        found = self.next_table + self.next_table % pages
        self.next_table = found + pages
        return BASE + (found << 12)

    def entry(self, table, index, value):
        self.put((table - BASE) >> 12, index * 8, struct.pack("<Q", value))

    def link(self, table, index):
        """The table that entry INDEX of TABLE links to, made if need be."""
        at = table - BASE + index * 8
        value, = struct.unpack_from("<Q", self.memory, at)
        if not value:
            value = self.table() | TABLE
            self.entry(table, index, value)
        return value & ~0xfff

    def map(self, vmid, address, pa, block=False):
        table = self.link(self.roots[vmid], address >> 30)
        if block:
            self.entry(table, address >> 21 & 511, pa | BLOCK)
            return
        table = self.link(table, address >> 21 & 511)
        self.entry(table, address >> 12 & 511, pa | LEAF)

    def own(self, index, owner, count=0):
        self.owners[index], self.counts[index] = owner, count

    def source(self):
        records = bytearray(PAGES * 8)
        records[0::8], records[1::8] = self.owners, self.counts
        self.put(RECORDS, 0, records)
        self.put(OWNED, 0, struct.pack("<17Q", *(
            self.owners.count(owner) for owner in range(17))))
        for owner, root in self.roots.items():
            self.put(POOLS, owner * 16, struct.pack("<Q", root))

        def at(page):
            return BASE + (page << 12)
        values = {
            "magic": inspect_page.MAGIC, "version": 3,
            "size": inspect_page.BYTES_3, "nr_cpus": 1,
            "cpu_base": at(CPUS), "cpu_stride": 64, "page_record_bytes": 8,
            "page_base": at(RECORDS), "page_first_pfn": RAM >> 12,
            "page_count": PAGES, "host_root": self.roots[0],
            "pool_base": at(POOLS), "pool_stride": 16, "pool_count": 32,
            "vm_base": at(VMS), "vm_stride": 64, "vm_count": 16,
            "owned_base": at(OWNED), "vcpu_offset": 8, "vcpu_stride": 8,
            "vcpu_count": 2, "corevisor": 16, "pcpu_base": at(PCPUS),
            "pcpu_stride": 64, "pcpu_held_offset": 0, **self.fields}
        fields = inspect_page.FIELDS_2 + inspect_page.FIELDS_3
        self.put(1, 0, b"".join(
            values.get(name, 0).to_bytes(width, "little")
            for name, width in fields))
        return FileSource({BASE: self.memory})

    def collect(self):
        source = self.source()
        return memory_map.collect(
            source, inspect_page.Page.read(source, PAGE))


def drawn(memory):
    """The Picture of a memory, and its text."""
    text = memory_picture.svg(memory, "a title")
    return picture.Picture(text), text


def wrong_pages(memory):
    return [index for index, wrong in enumerate(memory.wrong) if wrong]


def sound(tap):
    fake = Fake()
    fake.own(5, 1)
    fake.own(6, 1, 3)
    fake.own(7, 2, 255)
    for index in range(1024, 1536):
        fake.own(index, 2)
    fake.map(1, RAM, RAM + 5 * 4096)
    fake.map(1, RAM + 4096, RAM + 6 * 4096)
    fake.map(2, RAM, RAM + (1024 << 12), block=True)
    fake.map(0, RAM + 6 * 4096, RAM + 6 * 4096)
    fake.map(0, RAM + (512 << 12), RAM + (512 << 12), block=True)
    fake.map(0, 0x9000000, 0x9000000)
    memory = fake.collect()
    tap.equal(memory.problems, [], "sound/no-problem")
    tap.equal(memory.owner_totals(), {
        0: (PAGES - EL2_PAGES - 515, 0, 0), 1: (2, 1, 0), 2: (513, 0, 1),
        16: (EL2_PAGES, 0, 0)}, "sound/totals-with-what-is-special")
    tap.equal([(m.name, m.blocks, m.pages, m.outside)
               for m in memory.mappers],
              [("host", 1, 1, 1), ("VM 1", 0, 2, 0), ("VM 2", 1, 0, 0)],
              "sound/tables")
    tap.equal([memory.host[at] for at in (5, 6, 511, 512, 1023, 1024)],
              [0, 1, 0, 2, 2, 0], "sound/layer-of-the-host")
    tap.equal([memory.vms[at] for at in (5, 7, 1024, 1535, 1536)],
              [1, 0, 2, 2, 0], "sound/layer-of-the-vms")
    seen, _ = drawn(memory)
    tap.equal([seen.detail.owners(RAM + at * 4096)
               for at in (4, 5, 6, 7, 1200)],
              [{"host"}, {"vm1"}, {"vm1", "shared"}, {"vm2", "device"},
               {"vm2"}], "sound/signs")
    tap.equal([seen.detail.strip(RAM + at * 4096, 1)
               for at in (5, 1200, 8)], [2, 4, 0], "sound/strips")
    tap.result(any("VM 2, for a device: 1 pages" in tip
                   for tip in seen.tips), "sound/tips", seen.tips)
    tap.result("VM 2 513 pages" in seen.description, "sound/description",
               seen.description)


def wrongly_mapped(tap):
    for name, build, expected in (
            ("host-maps-a-vm's", lambda f: (
                f.own(9, 1), f.map(0, RAM + 9 * 4096, RAM + 9 * 4096)), [9]),
            ("host-maps-el2's", lambda f: f.map(
                0, BASE, BASE), [PAGES - EL2_PAGES]),
            ("host-maps-a-reserved-page", lambda f: (
                f.own(9, 1, 255),
                f.map(0, RAM + 9 * 4096, RAM + 9 * 4096)), [9]),
            ("host-maps-elsewhere", lambda f: f.map(
                0, RAM, RAM + 3 * 4096), [3]),
            ("vm-maps-the-host's", lambda f: f.map(
                1, RAM, RAM + 4 * 4096), [4]),
            ("vm-maps-another's", lambda f: (
                f.own(9, 2), f.map(1, RAM, RAM + 9 * 4096)), [9]),
            ("vm-maps-a-shared-page-of-another", lambda f: (
                f.own(9, 2, 1), f.map(1, RAM, RAM + 9 * 4096)), [9])):
        fake = Fake()
        build(fake)
        memory = fake.collect()
        seen, _ = drawn(memory)
        tap.equal(wrong_pages(memory), expected, f"wrong/{name}")
        tap.result(len(memory.problems) == 1 and
                   f"{(RAM >> 12) + expected[0] << 12:#x}" in
                   memory.problems[0] and
                   seen.detail.rectangles.get("wrong") and
                   memory.problems[0] in " ".join(seen.texts),
                   f"wrong/{name}-is-drawn-and-said", memory.problems)


class Counting(FileSource):
    """Counts how often it is read."""
    reads = 0

    def read(self, pa, length):
        self.reads += 1
        return super().read(pa, length)


def hostile_tables(tap):
    for name, build in (
            ("a-table-that-links-itself", lambda f: [
                f.entry(f.roots[1], n, f.roots[1] | TABLE)
                for n in range(512)]),
            ("a-level-of-links-to-one-table", lambda f: [
                f.entry(f.roots[0], n, f.link(f.roots[0], 0) | TABLE)
                for n in range(1024)] + [
                f.entry(f.link(f.roots[0], 0), n, f.roots[0] | TABLE)
                for n in range(512)]),
            ("ram-many-times-over", lambda f: [
                f.entry(f.link(f.roots[0], 0), n, RAM | BLOCK)
                for n in range(512)]),
            ("a-table-outside-ram", lambda f: f.entry(
                f.roots[1], 0, 0x9000000 | TABLE)),
            ("a-root-outside-ram", lambda f: f.roots.update(
                {1: 0x1000}))):
        fake = Fake()
        build(fake)
        source = Counting(fake.source().parts)
        memory = memory_map.collect(
            source, inspect_page.Page.read(source, PAGE))
        seen, text = drawn(memory)
        tap.result(any("is not all drawn" in problem
                       for problem in memory.problems) and
                   len(text) < MAX_SVG and source.reads < 20000,
                   f"tables/{name}", f"{source.reads} {memory.problems}")


def hostile_records(tap):
    for seed in range(6):
        fake = Fake()
        chance = random.Random(seed)
        owners = range(256) if seed % 2 else range(17)
        for index in range(PAGES):
            fake.own(index, chance.choice(owners),
                     chance.choice((0, 0, 1, 100, 101, 255)))
        memory = fake.collect()
        seen, text = drawn(memory)
        tap.result(len(text) < MAX_SVG and sum(
            pages for name, pages in seen.legend().items()
            if name != "all") == PAGES, f"records/anything-{seed}",
            f"{len(text)} {seen.legend()}")


def refused(tap):
    for name, fields, words in (
            ("no-pages", {"page_count": 0}, "0 pages"),
            ("too-many-pages", {"page_count": 1 << 25}, "pages"),
            ("another-number-of-el2's", {"corevisor": 17}, "17"),
            ("records-outside", {"page_base": BASE + (EL2_PAGES << 12) - 8},
             "bytes at")):
        try:
            Fake(**fields).collect()
        except SourceError as error:
            tap.result(words in str(error), f"refused/{name}", error)
        else:
            tap.result(False, f"refused/{name}", "no error")


def half_a_change(tap):
    fake = Fake()
    fake.put(PCPUS, 0, struct.pack("<I", 1 << 19 | 1 << 17 | 3 << 8))
    source = fake.source()
    page = inspect_page.Page.read(source, PAGE)
    tap.equal(memory_map.under_way(source, page),
              ["CPU 0 (vm[3], s2page)"], "half/change-is-seen")
    tap.result("middle of a change" in fake.collect().problems[0],
               "half/change-is-said")
    fake.put(PCPUS, 0, struct.pack("<I", 1 << 17 | 3 << 8))
    source = fake.source()
    tap.equal(memory_map.under_way(
        source, inspect_page.Page.read(source, PAGE)), [],
        "half/a-vm's-lock-alone-changes-no-page")


def primitives(tap):
    """Counting and runs against the plain way, on random bytes."""
    chance = random.Random(7)
    good = []
    for _ in range(200):
        data = b"".join(bytes([chance.choice((0, 0, 1, 16))]) *
                        chance.randint(1, 3000)
                        for _ in range(chance.randint(1, 40)))
        first = chance.randrange(len(data))
        end = chance.randint(first + 1, len(data))
        census = memory_map.census(data, first, end)
        plain = {value: data[first:end].count(value)
                 for value in sorted(set(data[first:end]))}
        length = len(data) - first - len(data[first:].lstrip(
            data[first:first + 1]))
        good.append(census == plain and
                    memory_map.run_length(data, first) == length)
    tap.result(all(good), "primitives/census-and-runs", good)


def titles(tap):
    memory = Fake().collect()
    nasty = "</title><script>alert(1)</script>\x00\x1b]0;x\x07\ufffe & \" '"
    text = memory_picture.svg(memory, nasty, [nasty, "x" * 5000], "a1")
    seen = picture.Picture(text, "a1")
    tap.result("<script" not in text and "\x00" not in text and
               "</title><script>alert(1)" in seen.title,
               "titles/are-only-text", seen.title)
    lines = re.findall(r"<text[^>]*>([^<]*)</text>", memory_picture.svg(
        memory, "x", ["hypsec run " + 100 * "--append word "]))
    tap.result(max(map(len, lines)) <= 160 and
               sum("--append word" in line for line in lines) == 6,
               "titles/long-facts-are-cut", lines)
    tap.result('class="map' not in text and 'id="map' not in text,
               "titles/prefix-is-everywhere")
    tap.equal(memory_picture.svg(memory, "x"), memory_picture.svg(
        memory, "x"), "titles/same-memory-same-picture")


def many_vms(tap):
    """15 VMs of one page each in 64 GiB: all are seen."""
    count = (64 << 30) >> 12
    classes = bytearray(count)
    for vmid in range(1, 16):
        classes[vmid * 1000003] = vmid
    layers = [bytearray(count) for _ in range(4)]
    memory = memory_map.MemoryMap(RAM >> 12, classes, *layers, [], {}, [])
    seen, text = drawn(memory)
    places = {vmid: RAM + vmid * 1000003 * 4096 for vmid in range(1, 16)}
    tap.equal([vmid for vmid, place in places.items() for section in
               (seen.overview, seen.detail)
               if f"vm{vmid}" not in section.owners(place)], [],
              "many/a-page-of-64-gib-does-not-vanish")
    tap.equal(seen.detail.cell_bytes, 4096, "many/detail-is-a-page-a-cell")
    tap.result(all(f"VM {vmid} 4 KiB" in seen.texts for vmid in places),
               "many/in-words-beside-the-row")
    tap.result(len(text) < 200_000, "many/small", len(text))


def on_top(tap):
    """Signs are not hidden by the colour of an owner that comes later."""
    fake = Fake()
    for vmid in range(1, 16):
        fake.own(10 * vmid, vmid)
        fake.own(10 * vmid + 1, vmid, 1)
        fake.own(10 * vmid + 2, vmid, memory_map.RESERVED)
    _, text = drawn(fake.collect())
    names = re.findall(r'<path class="map-(\w+)"', text.split("map-detail")[1])
    owners = [names.index(f"vm{vmid}") for vmid in range(1, 16)]
    tap.result(max(owners) < min(names.index(sign) for sign in
                                 ("second", "shared", "device")),
               "signs/drawn-over-all-owners", names)


def long_notes(tap):
    """What stands beside a row ends before the picture does."""
    count = (16 << 30) >> 12
    classes = bytearray(count)
    for vmid in range(1, 16):
        # All in the first row.
        first = vmid * 15000
        classes[first:first + 14999] = bytes([vmid]) * 14999
    classes[250000] = memory_map.SHARED
    layers = [bytearray(count) for _ in range(4)]
    seen, _ = drawn(memory_map.MemoryMap(RAM >> 12, classes, *layers, [], {},
                                         []))
    tap.result("VM 1 58.59 MiB, 15 more" in seen.texts and
               max(len(text) for text in seen.texts
                   if text.endswith(" more")) <= memory_picture.NOTE_CHARS,
               "long/notes-have-room", seen.texts)
    tap.result("4 KiB shared" in seen.texts, "long/shared-in-words",
               seen.texts)


def crowded(tap):
    """The rarest of a cell with many owners is seen, and a row that differs
    from the one above it is drawn."""
    count = (1 << 30) >> 12
    classes = bytearray(count)
    # All in one cell of the overview.
    classes[256:256 + 127] = b"\1" * 30 + b"\2" * 31 + b"\3" * 32 + \
        b"\4" * 33 + b"\5"
    other = classes.index(5)
    for at in (128 * 10 + 3, 128 * 11 + 7, 128 * 12 + 7):
        classes[at] = 6
    layers = [bytearray(count) for _ in range(4)]
    seen, _ = drawn(memory_map.MemoryMap(RAM >> 12, classes, *layers, [], {},
                                         []))
    tap.result("vm5" in seen.overview.owners(RAM + other * 4096),
               "crowded/the-rarest-is-seen",
               seen.overview.owners(RAM + other * 4096))
    tap.equal([seen.detail.owners(RAM + at * 4096) for at in (
        128 * 10 + 3, 128 * 10 + 7, 128 * 11 + 3, 128 * 11 + 7,
        128 * 12 + 7)], [{"vm6"}, {"host"}, {"host"}, {"vm6"}, {"vm6"}],
        "crowded/rows-that-differ-are-drawn")
    tap.equal([base for base, _ in seen.detail.rows if base >= RAM + (
        128 * 10 << 12)], [RAM + (128 * row << 12) for row in (10, 11)],
        "crowded/rows-that-are-alike-are-folded")


# What is left of linear red, green and blue for eyes without one of the three
# kinds of cones (Machado and others, 2009).
EYES = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no-red": ((.152286, 1.052583, -.204868), (.114503, .786281, .099216),
               (-.003882, -.048116, 1.051998)),
    "no-green": ((.367322, .860646, -.227968), (.280085, .672501, .047413),
                 (-.011820, .042940, .968881)),
    "no-blue": ((1.255528, -.076749, -.178779),
                (-.078411, .930809, .147602), (.004733, .691367, .303900))}
TO_XYZ = ((.4339, .3762, .1899), (.2126, .7152, .0722),
          (.0177, .1095, .8728))


def seen_by(eyes, fill):
    """FILL in CIELAB."""
    def times(matrix, values):
        return [min(max(sum(map(float.__mul__, map(float, row), values)), 0),
                    1) for row in matrix]
    linear = [part / 12.92 if part <= .04045 else
              ((part + .055) / 1.055) ** 2.4
              for part in (byte / 255 for byte in bytes.fromhex(fill[1:]))]
    x, y, z = [value ** (1 / 3) if value > .008856 else
               7.787 * value + 16 / 116
               for value in times(TO_XYZ, times(EYES[eyes], linear))]
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def colours(tap):
    """Owners of one colour differ by lines, all others by 13 at least."""
    fills = memory_picture.fills()
    lined = {memory_map.owner_key(owner) for owner in range(32)
             if memory_picture.has_lines(owner)}
    tap.equal((len(fills), len(lined)), (18, 7), "colours/of-all-owners")
    for eyes in EYES:
        points = {name: seen_by(eyes, fill) for name, fill in fills.items()}
        near = [(one, two) for one, two in itertools.combinations(fills, 2)
                if math.dist(points[one], points[two]) < 13 and
                (fills[one] != fills[two] or
                 (one in lined) == (two in lined))]
        tap.equal(near, [], f"colours/apart-{eyes}")


def in_print(tap):
    """Without colour, no VM looks like the host or like EL2."""
    def brightness(name):
        red, green, blue = bytes.fromhex(fills[name][1:])
        return (.299 * red + .587 * green + .114 * blue) / 255
    fills = drawn(Fake().collect())[0].fills
    near = [(name, other) for name in (f"vm{n}" for n in range(1, 16))
            for other in ("host", "el2")
            if abs(brightness(name) - brightness(other)) < .15]
    tap.equal(near, [], "print/vms-differ-from-host-and-el2")


def body(tap):
    for part in (sound, wrongly_mapped, hostile_tables, hostile_records,
                 refused, half_a_change, primitives, titles, many_vms,
                 on_top, long_notes, crowded, colours, in_print):
        part(tap)


if __name__ == "__main__":
    looktest.run(body)
