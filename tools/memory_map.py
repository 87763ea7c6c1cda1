# SPDX-License-Identifier: GPL-2.0-or-later
"""Who owns each page of a board's memory and who maps it: the data of
`./hypsec map` and of the map in a report. memory_picture.py draws it.

    memory = collect(source, page)

reads a stopped board by a source of tools/boardview. Everything that the board
says is hostile: a firmware may hold any owner for any page and tables of any
shape. Memory is kept as one byte per page and layer, so that time and space
have the size of RAM as their bound, whatever is in it.
"""
import collections
import dataclasses
import functools

from boardview import smmu, vms
from boardview.owners import Owners
from boardview.source import SourceError
from boardview.tables import leaves_stage2

PAGE = 4096
PAGE_SHIFT = 12
BLOCK_PAGES = 512
MIB = 1 << 20
# Of RAM, as on the largest board.
MAX_PAGES = (64 << 30) // PAGE
READ_BYTES = 8 * MIB
CENSUS_BYTES = 65536

# Owners as the records have them, and any that does not exist.
HOST, EL2, ODD = 0, 16, 31
# What is special about a page: bits beside the owner's in a class.
SHARED, DEVICE, ODD_COUNT = 1 << 5, 2 << 5, 3 << 5
OWNER_BITS, KIND_BITS = 0x1f, 0x60
MAX_SHARES, RESERVED = 100, 255

# How a page is mapped.
UNMAPPED, BY_PAGE, BY_BLOCK = 0, 1, 2

LEAF_LEVEL = 3
# How the firmware sets up stage 2 of host and VMs: 40 bits from level 1 on.
VTCR = 0x80023558
# What host and EL2 share, hypsec/abi.h.
WINDOW_PAGES = 128

# Ranges in the JSON form: more than any sound board has.
MAX_RANGES = 65536
# Of the tables of all owners together, and tables beside those of RAM; and how
# often they may map all of RAM: host, VMs and SMMUs do it once each.
MAX_MAPPINGS = 1 << 20
MAX_TIMES = 8
SPARE_TABLES = 16384
MAX_PROBLEMS = 20
# Locks under which owners and tables change.
CHANGING = {"s2page", "pt", "spt"}


class MapError(SourceError):
    """What the user gets to read."""


@dataclasses.dataclass
class Mapper:
    """A translation table and how much it maps.

    name: "host", "VM 1", "SMMU 0 bank 0"; owner: whose it is
    blocks: 2 MiB blocks (and larger ones, counted in 2 MiB), pages: of 4 KiB,
    both in RAM; outside: pages of devices, by either
    """
    name: str
    owner: int
    blocks: int = 0
    pages: int = 0
    outside: int = 0

    def ram_pages(self):
        return self.blocks * BLOCK_PAGES + self.pages


@dataclasses.dataclass
class MemoryMap:
    """One moment of a board's memory.

    first: pfn of the first page of RAM; the byte strings have one byte for
        each page from there on
    classes: owner and what is special (OWNER_BITS, KIND_BITS)
    host, vms, smmus: how it is mapped by the host's table, by those of the
        VMs and by those of the SMMUs
    wrong: 1 for a page that somebody maps whose it is not
    mappers: the tables; states: vmid -> state of the VM, in words
    problems: sentences about what does not add up
    """
    first: int
    classes: bytes
    host: bytearray
    vms: bytearray
    smmus: bytearray
    wrong: bytearray
    mappers: list
    states: dict
    problems: list

    @property
    def count(self):
        return len(self.classes)

    @property
    def layers(self):
        return self.host, self.vms, self.smmus

    @functools.cached_property
    def totals(self):
        """Class -> pages, for classes that occur, in order."""
        return census(self.classes, 0, self.count)

    def owner_totals(self):
        """Owner -> (pages, of them shared, reserved for devices)."""
        found = {}
        for kind, pages in self.totals.items():
            entry = found.setdefault(kind & OWNER_BITS, [0, 0, 0, 0])
            entry[0] += pages
            if kind & KIND_BITS:
                entry[(kind & KIND_BITS) >> 5] += pages
        return {owner: tuple(entry[:3]) for owner, entry in found.items()}

    def ranges(self):
        """(first pfn, pages, class) of equal neighbours, and whether the list
        ends before RAM does."""
        found, at = [], 0
        while at < self.count and len(found) < MAX_RANGES:
            length = run_length(self.classes, at)
            found.append((self.first + at, length, self.classes[at]))
            at += length
        return found, at < self.count

    def as_json(self):
        """All of it but the pages one by one, for json.dumps."""
        ranges, cut = self.ranges()
        return {
            "ram": {"base": self.first << PAGE_SHIFT,
                    "bytes": self.count << PAGE_SHIFT},
            "owners": {owner_key(owner): {
                "pages": pages, "shared": shared, "device": device}
                for owner, (pages, shared, device)
                in self.owner_totals().items()},
            "vms": {owner_key(vmid): state
                    for vmid, state in self.states.items()},
            "mappings": [{
                "by": m.name, "owner": owner_key(m.owner),
                "blocks": m.blocks, "pages": m.pages, "outside": m.outside}
                for m in self.mappers],
            "ranges": [{"base": first << PAGE_SHIFT,
                        "bytes": pages << PAGE_SHIFT,
                        "owner": owner_key(kind & OWNER_BITS),
                        **({"is": KINDS[kind & KIND_BITS]}
                           if kind & KIND_BITS else {})}
                       for first, pages, kind in ranges],
            "ranges-cut": cut,
            "wrong-pages": self.wrong.count(1),
            "problems": self.problems,
        }


KINDS = {0: "", SHARED: "shared", DEVICE: "for a device",
         ODD_COUNT: "with a share count that cannot be"}


def owner_key(owner):
    """An owner as the properties of /machine/inspect call it."""
    return {HOST: "host", EL2: "el2", ODD: "unknown"}.get(owner, f"vm{owner}")


def owner_name(owner):
    """An owner as people read it."""
    return {HOST: "host", EL2: "EL2", ODD: "no such owner"}.get(
        owner, f"VM {owner}")


def class_name(kind):
    """An owner and what is special, for people."""
    name = owner_name(kind & OWNER_BITS)
    what = KINDS[kind & KIND_BITS]
    return f"{name}, {what}" if what else name


def run_length(data, start):
    """How many bytes from START on are equal to the first."""
    value, length, step = data[start], 1, 1
    # Whole steps that double, then the rest by halves: comparisons in C.
    while step and start + length < len(data):
        step = min(step, len(data) - start - length)
        if is_all(data, value, start + length, start + length + step):
            length += step
            step = min(2 * step, MIB)
        else:
            step //= 2
    return length


def census(data, first, end):
    """Value -> how often it is among the bytes FIRST to END of DATA."""
    found = collections.Counter()
    # Most of RAM is alike: pieces are compared first, and counted if need be.
    for start in range(first, end, CENSUS_BYTES):
        stop = min(start + CENSUS_BYTES, end)
        if is_all(data, data[start], start, stop):
            found[data[start]] += stop - start
        else:
            found.update(data[start:stop])
    return dict(sorted(found.items()))


def is_all(data, value, first, end):
    """Whether all bytes FIRST to END of DATA are VALUE."""
    return data[first:end] == bytes([value]) * (end - first)


# Reading

def _table(rule):
    return bytes(rule(value) for value in range(256))


OWNER_OF = _table(lambda owner: owner if owner <= EL2 else ODD)
KIND_OF = _table(lambda count: 0 if count == 0 else
                 DEVICE if count == RESERVED else
                 SHARED if count <= MAX_SHARES else ODD_COUNT)
# A page of the host's with a count is used by a device of the host's.
HOST_KIND_OF = _table(lambda count: DEVICE if count else 0)


def either(*strings):
    """Byte strings of one length, or-ed."""
    value = 0
    for text in strings:
        value |= int.from_bytes(text, "little")
    return value.to_bytes(len(strings[0]), "little")


def both(*strings):
    """Byte strings of one length, and-ed."""
    value = int.from_bytes(strings[0], "little")
    for text in strings[1:]:
        value &= int.from_bytes(text, "little")
    return value.to_bytes(len(strings[0]), "little")


# Translation tables that make masks of 0x00 and 0xff.
def _mask(rule):
    return _table(lambda value: 0xff if rule(value) else 0)


IS_HOST = _mask(lambda owner: owner == HOST)
IS_NOT_HOST = _mask(lambda owner: owner != HOST)


def classes_of(owner_bytes, count_bytes):
    """The classes of pages from their owners and counts as recorded."""
    hosts = owner_bytes.translate(IS_HOST)
    others = owner_bytes.translate(IS_NOT_HOST)
    return either(owner_bytes.translate(OWNER_OF),
                  both(hosts, count_bytes.translate(HOST_KIND_OF)),
                  both(others, count_bytes.translate(KIND_OF)))


def _read_classes(source, page):
    """The class of each page of RAM, from the records."""
    if not 0 < page.page_count <= MAX_PAGES:
        raise MapError(f"the firmware has records of {page.page_count} "
                       f"pages; a board has 1 to {MAX_PAGES}")
    base = page.page_first_pfn << PAGE_SHIFT
    end = base + (page.page_count << PAGE_SHIFT)
    ram = getattr(source, "ram", (base, end))
    if base < ram[0] or end > ram[1]:
        raise MapError(f"the firmware has records of {base:#x} to {end:#x}; "
                       f"the board has RAM at {ram[0]:#x} to {ram[1]:#x}")
    found = []
    end = page.page_base + page.page_count * page.page_record_bytes
    for at in range(page.page_base, end, READ_BYTES):
        data = source.read(at, min(READ_BYTES, end - at))
        found.append(classes_of(data[0::8], data[1::8]))
    return bytearray().join(found)


def _mark_window(memory):
    """The host's pages right below EL2's that are kept for good: they are
    what host and EL2 share, no device's."""
    end = memory.classes.rfind(HOST | DEVICE) + 1
    first = end - WINDOW_PAGES
    if first >= 0 and memory.classes[end:end + 1] == bytes([EL2]) and \
       memory.classes.count(HOST | DEVICE, first, end) == WINDOW_PAGES:
        memory.classes[first:end] = bytes([HOST | SHARED]) * WINDOW_PAGES


class _Bounded:
    """A source that answers so many times: tables that link each other may
    have more entries than anybody can wait for."""

    def __init__(self, source, reads):
        self._source, self._left = source, reads

    def read(self, pa, length):
        self._left -= 1
        if self._left < 0:
            raise SourceError("the tables of all owners together are more "
                              "than this memory can need")
        return self._source.read(pa, length)


def _wrong_for(owner):
    """What pages a table of OWNER may map, by class: 1 for a wrong one."""
    def wrong(kind):
        if owner == HOST:
            return kind & OWNER_BITS != HOST and \
                (kind & KIND_BITS != SHARED or
                 kind & OWNER_BITS in (EL2, ODD))
        return kind & OWNER_BITS != owner
    return bytes(int(wrong(kind)) for kind in range(256))


def _wrong_for_host_device(kind):
    """Of the host's, its devices get no page that it shares with EL2."""
    return kind & OWNER_BITS != HOST or kind & KIND_BITS == SHARED


WRONG_FOR_HOST_DEVICE = bytes(int(_wrong_for_host_device(kind))
                              for kind in range(256))


class _Reader:
    """Puts what tables map into the layers of a MemoryMap."""

    def __init__(self, memory, source):
        self.memory = memory
        self.source = _Bounded(source, 4 * (memory.count // BLOCK_PAGES) +
                               SPARE_TABLES)
        self.left = MAX_MAPPINGS
        self.pages_left = MAX_TIMES * memory.count

    def read(self, name, owner, layer, wrong, mappings):
        """Draw MAPPINGS(source) of a table; WRONG: class -> 1 for a page
        that it must not map."""
        mapper = Mapper(name, owner)
        try:
            for mapping in mappings(self.source):
                self.left -= 1
                if self.left < 0:
                    raise SourceError(f"more than {MAX_MAPPINGS} separate "
                                      "ranges")
                self._mapping(mapper, layer, wrong, mapping)
        except SourceError as error:
            self.memory.problems.append(f"table of {name}: {error}; what it "
                                        "maps is not all drawn")
        self.memory.mappers.append(mapper)

    def _mapping(self, mapper, layer, wrong, mapping):
        memory = self.memory
        pages = mapping.bytes >> PAGE_SHIFT
        first = (mapping.pa >> PAGE_SHIFT) - memory.first
        start = min(max(first, 0), memory.count)
        end = min(max(first + pages, start), memory.count)
        inside = end - start
        mapper.outside += pages - inside
        if not inside:
            return
        self.pages_left -= inside
        if self.pages_left < 0:
            raise SourceError("all tables together map RAM more than "
                              f"{MAX_TIMES} times")
        kind = BY_PAGE if mapping.level == LEAF_LEVEL else BY_BLOCK
        if kind == BY_BLOCK:
            mapper.blocks += inside // BLOCK_PAGES
            mapper.pages += inside % BLOCK_PAGES
        else:
            mapper.pages += inside
        layer[start:end] = bytes([kind]) * inside
        self._check(start, end, wrong)
        if layer is memory.host and mapping.address != mapping.pa:
            memory.wrong[start:end] = b"\1" * inside

    def _check(self, start, end, wrong):
        memory = self.memory
        found = memory.classes[start:end].translate(wrong)
        if 1 in found:
            memory.wrong[start:end] = either(memory.wrong[start:end], found)


def _read_tables(memory, source, page):
    reader = _Reader(memory, source)
    reader.read("host", HOST, memory.host, _wrong_for(HOST),
                lambda bounded: leaves_stage2(bounded, page.host_root, VTCR))
    if page.version < 3:
        memory.problems.append(
            "the firmware's page is of version 2: tables of VMs and SMMUs "
            "are not drawn")
        return
    for vm in _or_problem(memory, "VMs", vms.vms, source, page):
        count = len(vm.vcpus)
        memory.states[vm.vmid] = \
            f"{vm.state_name}, {count} vCPU{'s' * (count != 1)}"
        if vm.root:
            reader.read(f"VM {vm.vmid}", vm.vmid, memory.vms,
                        _wrong_for(vm.vmid), lambda bounded, root=vm.root:
                        leaves_stage2(bounded, root, VTCR))
    for name, owner, root, tcr in _banks(memory, source, page):
        reader.read(f"{name}, {owner_name(owner)}", owner, memory.smmus,
                    WRONG_FOR_HOST_DEVICE if owner == HOST else
                    _wrong_for(owner),
                    lambda bounded, root=root, tcr=tcr:
                    leaves_stage2(bounded, root, tcr))


def _or_problem(memory, what, read, *arguments):
    """What READ gives, or nothing and a problem that says why."""
    try:
        return read(*arguments)
    except SourceError as error:
        memory.problems.append(f"{what}: {error}")
        return []


def _banks(memory, source, page):
    """(name, owner, root, TCR) of the banks that translate by stage 2; the
    identity table, which both SMMUs have, once."""
    found = {}
    for one in _or_problem(memory, "SMMUs", smmu.smmus, source, page):
        state = _or_problem(memory, f"SMMU {one.index}",
                            lambda one=one: [smmu.state(source, one)])
        for bank in state[0].banks if state else ():
            if bank.kind != "stage 2" or not bank.enabled:
                continue
            # EL2 keeps the identity bank for the host's devices.
            owner = HOST if bank.owner in (HOST, EL2) else bank.owner
            name = f"bank {bank.number} of SMMU {one.index}"
            if not 0 <= owner < EL2:
                memory.problems.append(f"{name} is on, and nobody's")
            elif (owner, bank.root) in found:
                found[owner, bank.root][0] += f" and {one.index}"
            else:
                found[owner, bank.root] = [name, owner, bank.root, bank.tcr]
    return list(found.values())


def _check_counters(memory, source, page):
    """The firmware's own counters of pages beside those of the records."""
    if page.version < 3:
        return
    counters = _or_problem(memory, "counters of pages", lambda: dict(
        Owners(source, page).counters()))
    counted = memory.owner_totals()
    for owner, pages in dict(counters).items():
        here = counted.get(owner, (0,))[0]
        if pages != here:
            memory.problems.append(
                f"{owner_name(owner)}: {here} pages by their records, "
                f"{pages} by the firmware's counter")


def _check_owners(memory):
    strange = memory.owner_totals().get(ODD, (0,))[0]
    if strange:
        memory.problems.append(f"{strange} pages have an owner that does not "
                               "exist")
    odd = sum(pages for kind, pages in memory.totals.items()
              if kind & KIND_BITS == ODD_COUNT)
    if odd:
        memory.problems.append(f"{odd} pages have a count of shares above "
                               f"{MAX_SHARES}")
    if wrong := memory.wrong.count(1):
        memory.problems.append(
            f"{wrong} pages are mapped for somebody whose they are not, the "
            f"first at {memory.first + memory.wrong.index(1) << PAGE_SHIFT:#x}"
            ": framed in red below")


def under_way(source, page):
    """Which CPUs are in the middle of a change of owners or tables: ["CPU 1
    (vm[3], s2page)"]; a map of such a moment shows half of the change."""
    if page.version < 3:
        return []
    return [f"CPU {cpu.index} ({', '.join(cpu.locks)})"
            for cpu in vms.cpus(source, page)
            if CHANGING.intersection(lock.partition("[")[0]
                                     for lock in cpu.locks)]


def collect(source, page):
    """The MemoryMap of a board that is stopped, best when nothing is
    under_way().

    Raises SourceError or MapError for a board that cannot be drawn; what only
    does not add up becomes one of `problems`.
    """
    if page.corevisor != EL2:
        raise MapError(f"the firmware calls EL2 {page.corevisor} as an owner; "
                       f"this program knows it as {EL2}")
    classes = _read_classes(source, page)
    layers = [bytearray(len(classes)) for _ in range(4)]
    memory = MemoryMap(page.page_first_pfn, classes, *layers, [], {}, [])
    _mark_window(memory)
    _read_tables(memory, source, page)
    _check_counters(memory, source, page)
    _check_owners(memory)
    if busy := under_way(source, page):
        memory.problems.append(
            "the board was stopped in the middle of a change, so that owners "
            f"and tables need not agree: locks held by {', '.join(busy)}")
    memory.problems[MAX_PROBLEMS:] = []
    return memory
