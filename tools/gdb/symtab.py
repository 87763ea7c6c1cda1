# SPDX-License-Identifier: GPL-2.0-or-later
"""All symbols of a program, by name and by address, and its instructions.

gdb mixes the symbols of all files that it has loaded; who asks about one
world's program asks its file.
"""
import bisect
import functools
import os
import struct

import elf

STT_NOTYPE, STT_OBJECT, STT_FUNC = 0, 1, 2
SHN_UNDEF, SHN_ABS = 0, 0xfff1


class Symtab(elf.Elf):
    """One file. Raises elf.ElfError."""

    @functools.cached_property
    def by_name(self):
        """Address of each symbol, of the first with its name."""
        found = {}
        for name, value, _ in self._all:
            found.setdefault(name, value)
        return found

    @functools.cached_property
    def _all(self):
        """(name, address, rank): of several names for a place the highest
        rank is best, a function's and the larger one's."""
        try:
            return [entry for table, names in self._tables()
                    for entry in self._entries(table, names)]
        except struct.error:
            raise self._error("its symbols make no sense") from None

    def _tables(self):
        """The bytes of each symbol table and of its names."""
        base, size, count = self._sections
        headers = [elf.SECTION.unpack_from(self._data, base + number * size)
                   for number in range(count)] if base else []
        for _, kind, _, _, offset, length, link, *_ in headers:
            if kind == elf.SYMBOL_TABLE and link < len(headers) and \
               offset + length <= len(self._data):
                start, bytes_ = headers[link][4:6]
                yield self._data[offset:offset + length // 24 * 24], \
                    self._data[start:start + bytes_]

    @staticmethod
    def _entries(table, names):
        for at, info, _, section, value, size in \
                elf.SYMBOL.iter_unpack(table):
            end = names.find(b"\0", at)
            name = names[at:end].decode(errors="replace")
            # $x and $d mark code and data.
            if name and name[0] != "$" and \
               section not in (SHN_UNDEF, SHN_ABS) and \
               info & 15 in (STT_NOTYPE, STT_OBJECT, STT_FUNC):
                yield name, value, (info & 15 == STT_FUNC, size)

    @functools.cached_property
    def _places(self):
        """(address, name) in the order of addresses."""
        best = {}
        for name, value, rank in self._all:
            if value not in best or rank > best[value][0]:
                best[value] = rank, name
        return [(value, best[value][1]) for value in sorted(best)]

    def find(self, address):
        """(name, offset) of the symbol at or before ADDRESS; None outside of
        the code."""
        if not self.covers(address):
            return None
        place = bisect.bisect_right(self._places, address,
                                    key=lambda entry: entry[0])
        if not place:
            return None
        start, name = self._places[place - 1]
        return name, address - start

    def covers(self, address):
        """Whether ADDRESS is in one of the executable segments."""
        return any(executable and start <= address < start + memory
                   for start, _, memory, _, executable in self.segments)

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


@functools.lru_cache(maxsize=64)
def _load(path, stamp):
    del stamp
    return Symtab(path)


def load(path):
    """The Symtab of PATH, read again only when the file has changed."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise elf.ElfError(f"{path}: {error.strerror}") from None
    return _load(str(path), (found.st_mtime_ns, found.st_size))
