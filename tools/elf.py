# SPDX-License-Identifier: GPL-2.0-or-later
"""Read arm64 ELF files as far as debugging needs it: segments and symbols.

A file may come from anywhere: every offset and size in it is checked. What is
wrong is an ElfError, whose text is for users.

Only the standard library, Python 3.11 or later.
"""
import mmap
import struct

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM = struct.Struct("<IIQQQQQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
MAGIC = b"\x7fELF\x02\x01"
MACHINE_AARCH64 = 183
TYPE_EXECUTABLE, TYPE_SHARED = 2, 3
LOAD, EXECUTABLE = 1, 1
SYMBOL_TABLE = 2
MAX_SECTIONS = 4096


class ElfError(Exception):
    """What is wrong with a file."""


class Elf:
    """An arm64 program. `segments`: [(address, bytes in the file, bytes in
    memory, offset, executable)], not empty."""

    def __init__(self, path):
        self.path = str(path)
        try:
            with open(path, "rb") as file:
                self._data = mmap.mmap(file.fileno(), 0,
                                       access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "the file is empty"
            raise ElfError(f"{path}: {reason}") from None
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
            HEADER.unpack_from(self._data, 0)
        if machine != MACHINE_AARCH64 or \
           kind not in (TYPE_EXECUTABLE, TYPE_SHARED):
            raise self._error("no arm64 program")
        self._sections = (sections, section_bytes,
                          min(section_count, MAX_SECTIONS))
        self.segments = []
        for number in range(program_count):
            (kind, flags, offset, address, _, stored, memory, _) = \
                PROGRAM.unpack_from(self._data,
                                    programs + number * program_bytes)
            if kind != LOAD or not memory:
                continue
            if offset + stored > len(self._data) or stored > memory or \
               address + memory > 1 << 64:
                raise self._error("its segments make no sense")
            self.segments.append((address, stored, memory, offset,
                                  bool(flags & EXECUTABLE)))
        if not self.segments:
            raise self._error("nothing in it is to be loaded")

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

    def symbols(self, names):
        """The values of those symbols of NAMES that the file has."""
        try:
            return self._symbols([name.encode() for name in names])
        except struct.error:
            raise self._error("its symbols make no sense") from None

    def _symbols(self, names):
        base, size, count = self._sections
        headers = [SECTION.unpack_from(self._data, base + number * size)
                   for number in range(count)] if base else []
        found = {}
        for (_, kind, _, _, offset, length, link, _, _, _) in headers:
            if kind != SYMBOL_TABLE or link >= len(headers) or \
               offset + length > len(self._data):
                continue
            start, bytes_ = headers[link][4:6]
            strings = self._data[start:start + bytes_]
            wanted = {at: name.decode() for name in names
                      for at in _places(strings, name + b"\0")}
            table = self._data[offset:offset + length // 24 * 24]
            for at, _, _, section, value, _ in SYMBOL.iter_unpack(table):
                if at in wanted and section:
                    found.setdefault(wanted[at], value)
        return found

    def has_symbols(self):
        """Whether there is a symbol table at all."""
        base, size, count = self._sections
        try:
            return any(SECTION.unpack_from(self._data, base + n * size)[1] ==
                       SYMBOL_TABLE for n in range(count)) if base else False
        except struct.error:
            return False


def _places(strings, name):
    """Where NAME is in a string table: also as the end of another string."""
    at = strings.find(name)
    while at >= 0:
        yield at
        at = strings.find(name, at + 1)
