# SPDX-License-Identifier: GPL-2.0-or-later
"""Symbols and code of an AArch64 ELF file, as the file itself has them.

gdb mixes the symbols of all files that it has loaded; who asks about one
world's program asks its file. A file is hostile input: everything that it says
of itself is checked against its size.
"""
import bisect
import functools
import os
import pathlib
import struct

MAGIC = b"\x7fELF\x02\x01"
AARCH64 = 183
PT_LOAD, PF_X = 1, 1
SHT_SYMTAB = 2
STT_NOTYPE, STT_OBJECT, STT_FUNC = 0, 1, 2
SHN_UNDEF, SHN_ABS = 0, 0xfff1
MAX_BYTES = 1 << 30
SYMBOL_BYTES = 24


class SymtabError(Exception):
    """The file is not what it should be; the text says why."""


class Symtab:
    """One file. symbols: address by name, the first of several."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        try:
            if self.path.stat().st_size > MAX_BYTES:
                raise SymtabError(f"{path}: more than {MAX_BYTES} bytes")
            self._data = self.path.read_bytes()
        except OSError as error:
            raise SymtabError(f"{path}: {error.strerror}") from None
        if self._data[:6] != MAGIC or len(self._data) < 64 or \
           struct.unpack_from("<H", self._data, 18)[0] != AARCH64:
            raise SymtabError(f"{path}: no ELF file of AArch64")
        self.symbols = {}
        self._places = []
        self._read_symbols()

    def _piece(self, offset, length):
        if offset + length > len(self._data):
            raise SymtabError(f"{self.path}: the file is cut short")
        return self._data[offset:offset + length]

    def _table(self, offset_at, count_at, layout):
        """A header table as tuples of LAYOUT."""
        offset, = struct.unpack_from("<Q", self._data, offset_at)
        size, count = struct.unpack_from("<HH", self._data, count_at)
        width = struct.calcsize(layout)
        if count and size < width:
            raise SymtabError(f"{self.path}: header entries of {size} bytes")
        return [struct.unpack(layout, self._piece(offset + n * size, width))
                for n in range(count)]

    def _read_symbols(self):
        sections = self._table(40, 58, "<IIQQQQIIQQ")
        found = {}
        for _, kind, _, _, offset, size, link, *_ in sections:
            if kind != SHT_SYMTAB or link >= len(sections):
                continue
            names = self._piece(sections[link][4], sections[link][5])
            data = self._piece(offset, size - size % SYMBOL_BYTES)
            self._add_symbols(data, names, found)
        self._places = [(address, *found[address])
                        for address in sorted(found)]

    def _add_symbols(self, data, names, found):
        for name, info, _, section, value, size in \
                struct.iter_unpack("<IBBHQQ", data):
            if section in (SHN_UNDEF, SHN_ABS) or \
               info & 15 not in (STT_NOTYPE, STT_OBJECT, STT_FUNC):
                continue
            end = names.find(b"\0", name)
            text = names[name:end].decode(errors="replace")
            # $x and $d mark code and data.
            if not text or text.startswith("$"):
                continue
            self.symbols.setdefault(text, value)
            # Of several names for one place the function's is best.
            rank = info & 15 == STT_FUNC, size
            if value not in found or rank > found[value][1:]:
                found[value] = (text, *rank)

    def find(self, address):
        """(name, offset) of the symbol at or before ADDRESS, None outside of
        the file's executable segments."""
        if not any(start <= address < start + size
                   for start, size, _ in self._loads(PF_X)):
            return None
        place = bisect.bisect_right(self._places, address,
                                    key=lambda entry: entry[0])
        if not place:
            return None
        start, name, *_ = self._places[place - 1]
        return name, address - start

    @functools.cached_property
    def _segments(self):
        return self._table(32, 54, "<IIQQQQQQ")

    def _loads(self, flag):
        for kind, flags, offset, address, _, in_file, size, _ in \
                self._segments:
            if kind == PT_LOAD and flags & flag:
                yield address, size, (offset, in_file)

    @functools.cached_property
    def text(self):
        """(address, bytes) of each executable segment."""
        return [(address, self._piece(*where))
                for address, _, where in self._loads(PF_X)]

    def word(self, address):
        """The instruction at ADDRESS, None if the file has none there."""
        for start, data in self.text:
            if start <= address <= start + len(data) - 4:
                return struct.unpack_from("<I", data, address - start)[0]
        return None

    def covers(self, address):
        """Whether ADDRESS is in one of the executable segments."""
        return any(start <= address < start + size
                   for start, size, _ in self._loads(PF_X))


@functools.lru_cache(maxsize=64)
def _load(path, stamp):
    del stamp
    return Symtab(path)


def load(path):
    """The Symtab of PATH, read again only when the file has changed."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise SymtabError(f"{path}: {error.strerror}") from None
    return _load(str(path), (found.st_mtime_ns, found.st_size))
