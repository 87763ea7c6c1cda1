# SPDX-License-Identifier: GPL-2.0-or-later
"""Read arm64 ELF files as far as debugging needs it: segments, instructions,
and symbols by name and by address.

    program = elf.load("build/firmware/corevisor.elf")
    print(program.find(program.by_name["boot_main"] + 4))   # ("boot_main", 4)

gdb mixes the symbols of all files that it has loaded; who asks about one
world's program asks its file.

A file may come from anywhere: every offset and size in it is checked, and what
it can make a reader do is bounded. What is wrong is an ElfError, whose text is
for users.

Only the standard library, Python 3.11 or later.
"""
import bisect
import functools
import os
import struct
import weakref

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM = struct.Struct("<IIQQQQQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
MAGIC = b"\x7fELF\x02\x01"
MACHINE_AARCH64 = 183
TYPE_EXECUTABLE, TYPE_SHARED = 2, 3
LOAD, EXECUTABLE = 1, 1
SYMBOL_TABLE, NOTES = 2, 7
MAX_SECTIONS = 4096
STT_NOTYPE, STT_OBJECT, STT_FUNC = 0, 1, 2
SHN_UNDEF, SHN_ABS = 0, 0xfff1
MAX_SEGMENTS = 256
MAX_SYMBOLS = 1 << 21
MAX_NOTES = 1 << 20
# As long as the kernel's own can be; a longer one is no symbol's.
MAX_NAME = 512
NOTE = struct.Struct("<III")
BUILD_ID, BUILD_ID_OWNER = 3, b"GNU\0"
MAX_BUILD_ID = 64


class ElfError(Exception):
    """What is wrong with a file."""


class _File:
    """A file's bytes, read when they are asked for. Of a file that was cut off
    meanwhile an error comes, where a mapping would end the process."""

    def __init__(self, path):
        self._path = path
        with open(path, "rb") as file:
            self._fd = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._fd)
        self._size = os.fstat(self._fd).st_size

    def __len__(self):
        return self._size

    def __getitem__(self, part):
        start, end, _ = part.indices(self._size)
        wanted = max(end - start, 0)
        try:
            data = os.pread(self._fd, wanted, start)
        except OSError as error:
            raise ElfError(f"{self._path}: {error.strerror}") from None
        if len(data) < wanted:
            raise ElfError(f"{self._path}: cut off meanwhile")
        return data

    def unpack(self, layout, place):
        """What stands at PLACE; a struct.error if that is not in the file."""
        return layout.unpack(self[place:place + layout.size])


class Elf:
    """An arm64 program. `segments`: [(address, bytes in the file, bytes in
    memory, offset, executable)], not empty."""

    def __init__(self, path):
        self.path = str(path)
        try:
            self._data = _File(path)
        except OSError as error:
            raise ElfError(f"{path}: {error.strerror}") from None
        if not len(self._data):
            raise self._error("the file is empty")
        try:
            self._read_header()
        except struct.error:
            raise self._error("cut off") from None

    def _error(self, text):
        return ElfError(f"{self.path}: {text}")

    def _read_header(self):
        if self._data[:len(MAGIC)] != MAGIC:
            raise self._error("no 64-bit ELF file; a kernel's symbols are in "
                              "vmlinux, not in Image")
        (_, kind, machine, _, self.entry, programs, sections, _, _,
         program_bytes, program_count, section_bytes, section_count, _) = \
            self._data.unpack(HEADER, 0)
        if machine != MACHINE_AARCH64 or \
           kind not in (TYPE_EXECUTABLE, TYPE_SHARED):
            raise self._error("no arm64 program")
        section_count = min(section_count, MAX_SECTIONS) if sections else 0
        self._check_headers(sections, section_bytes, section_count,
                            SECTION.size)
        self._sections = (sections, section_bytes, section_count)
        if program_count > MAX_SEGMENTS:
            raise self._error(f"more than {MAX_SEGMENTS} segments")
        self._check_headers(programs, program_bytes, program_count,
                            PROGRAM.size)
        self._read_segments(programs, program_bytes, program_count)

    def _check_headers(self, place, size, count, least):
        """Refuse a table of headers that is not in the file."""
        if count and (size < least or
                      place + count * size > len(self._data)):
            raise self._error("cut off: not all of its headers are there")

    def _read_segments(self, programs, program_bytes, program_count):
        self.segments = []
        for number in range(program_count):
            (kind, flags, offset, address, _, stored, memory, _) = \
                self._data.unpack(PROGRAM, programs + number * program_bytes)
            if kind != LOAD or not memory:
                continue
            if offset + stored > len(self._data) or stored > memory or \
               address + memory > 1 << 64:
                raise self._error("its segments make no sense")
            self.segments.append((address, stored, memory, offset,
                                  bool(flags & EXECUTABLE)))
        if not self.segments:
            raise self._error("nothing in it is to be loaded")
        if sum(stored for _, stored, *_ in self.segments) > len(self._data):
            raise self._error("its segments make no sense")

    def bounds(self):
        """First address, and the one behind the last."""
        return (min(address for address, *_ in self.segments),
                max(address + memory
                    for address, _, memory, *_ in self.segments))

    def text(self):
        """[(address, bytes)] of what is executable."""
        return [(address, self._data[offset:offset + stored])
                for address, stored, _, offset, executable in self.segments
                if executable and stored]

    @functools.cached_property
    def code(self):
        """text(), read once."""
        return self.text()

    def word(self, address):
        """The instruction at ADDRESS, None if the file has none there."""
        for start, data in self.code:
            if start <= address <= start + len(data) - 4:
                return struct.unpack_from("<I", data, address - start)[0]
        return None

    def covers(self, address):
        """Whether ADDRESS is in one of the executable segments."""
        return any(executable and start <= address < start + memory
                   for start, _, memory, _, executable in self.segments)

    @functools.cached_property
    def by_name(self):
        """Address of each symbol, of the first with its name."""
        found = {}
        for name, value, _ in self._all:
            found.setdefault(name, value)
        return found

    def find(self, address):
        """(name, offset) of the symbol at or before ADDRESS; None outside of
        the code."""
        if not self.covers(address):
            return None
        place = bisect.bisect_right(self._by_address, address,
                                    key=lambda entry: entry[0])
        if not place:
            return None
        start, name = self._by_address[place - 1]
        return name, address - start

    @functools.cached_property
    def _by_address(self):
        """(address, name) in the order of addresses."""
        best = {}
        for name, value, rank in self._all:
            if value not in best or rank > best[value][0]:
                best[value] = rank, name
        return [(value, best[value][1]) for value in sorted(best)]

    @functools.cached_property
    def _all(self):
        """(name, address, rank) of what is code or data: of several names for
        a place the highest rank is best, a function's, the larger one's, and
        that of no linker script."""
        return [entry for table, strings in self._tables()
                for entry in _entries(table, strings)]

    def _tables(self):
        """The bytes of each symbol table and of its names."""
        base, size, count = self._sections
        headers = [self._data.unpack(SECTION, base + number * size)
                   for number in range(count)]
        found, total, held = [], 0, 0
        for _, kind, _, _, offset, length, link, *_ in headers:
            if kind != SYMBOL_TABLE:
                continue
            start, bytes_ = headers[link][4:6] if link < count else (0, 0)
            total += length // SYMBOL.size
            # Many tables may be one part of the file, or share their names.
            held += length + bytes_
            if max(offset + length, start + bytes_, held) > len(self._data) \
               or not bytes_ or total > MAX_SYMBOLS:
                raise self._error("its symbols make no sense")
            found.append((
                self._data[offset:offset + length // 24 * 24],
                self._data[start:start + bytes_]))
        return found

    def symbols(self, names):
        """The values of those symbols of NAMES that the file has; of few
        names quicker than by_name."""
        names = [name.encode() for name in names]
        found = {}
        for table, strings in self._tables():
            wanted = {at: name.decode() for name in names
                      for at in _places(strings, name + b"\0")}
            for at, _, _, section, value, _ in SYMBOL.iter_unpack(table):
                if at in wanted and section:
                    found.setdefault(wanted[at], value)
        return found

    def build_id(self):
        """(address, bytes) of the build id, None without one."""
        base, size, count = self._sections
        left = MAX_NOTES
        for number in range(count):
            _, kind, _, address, offset, length, *_ = \
                self._data.unpack(SECTION, base + number * size)
            if kind != NOTES or length > left:
                continue
            left -= length
            for at, found in _build_ids(self._data[offset:offset + length]):
                return address + at, found
        return None

    def has_symbols(self):
        """Whether there is a symbol table at all."""
        base, size, count = self._sections
        return any(self._data.unpack(SECTION, base + n * size)[1] ==
                   SYMBOL_TABLE for n in range(count))


def _build_ids(notes):
    """(offset, bytes) of each build id in a section of notes."""
    at = 0
    while at + NOTE.size <= len(notes):
        owner, length, kind = NOTE.unpack_from(notes, at)
        at += NOTE.size
        place = at + (owner + 3 & ~3)
        found = notes[place:place + length]
        if kind == BUILD_ID and notes[at:at + owner] == BUILD_ID_OWNER and \
           0 < length == len(found) <= MAX_BUILD_ID:
            yield place, found
        at = place + (length + 3 & ~3)


def _places(strings, name):
    """Where NAME is in a string table: also as the end of another string."""
    at = strings.find(name)
    while at >= 0:
        yield at
        at = strings.find(name, at + 1)


def _entries(table, strings):
    """(name, address, rank) of a symbol table's entries."""
    for at, info, _, section, value, size in SYMBOL.iter_unpack(table):
        end = strings.find(b"\0", at, at + MAX_NAME)
        # $x and $d mark code and data.
        if end <= at or strings[at] == ord("$") or \
           section in (SHN_UNDEF, SHN_ABS) or \
           info & 15 not in (STT_NOTYPE, STT_OBJECT, STT_FUNC):
            continue
        name = strings[at:end].decode(errors="replace")
        yield name, value, (info & 15 == STT_FUNC, size,
                            not name.startswith("__"))


@functools.lru_cache(maxsize=64)
def _load(path, stamp):
    del stamp
    return Elf(path)


def load(path):
    """The Elf of PATH, read again only when the file has changed."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise ElfError(f"{path}: {error.strerror}") from None
    return _load(str(path), (found.st_mtime_ns, found.st_size))
