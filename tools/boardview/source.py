# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a board's physical memory comes from.

A source has read(pa, length), which returns exactly that many bytes of RAM or
raises SourceError; it may have device(pa, length), the same for registers.
"""
import pathlib
import struct
import tempfile

RAM_BASE = 0x40000000
# No board has memory beyond it (40 bits of physical address).
PA_END = 1 << 40
CHUNK = 1 << 18
# A single read of this or more is not kept.
LARGE = 16 * CHUNK
# Chunks that are kept at most: 64 MiB.
MAX_CHUNKS = 256


class SourceError(Exception):
    """Memory that cannot be read or makes no sense; the text is for users."""


def words(source, pa, count, width=8):
    """COUNT little-endian numbers of WIDTH bytes (4 or 8) at PA."""
    letter = {4: "I", 8: "Q"}[width]
    return struct.unpack(f"<{count}{letter}", source.read(pa, count * width))


def word(source, pa, width=8):
    return words(source, pa, 1, width)[0]


def register(source, pa, width=4):
    """A device's register; of its source the one for registers, if any."""
    read = getattr(source, "device", source.read)
    return int.from_bytes(read(pa, width), "little")


def registers(source, pa, count):
    """COUNT registers of 32 bits from PA on, each by an access of its own: a
    wider one is no access to two of them."""
    return [register(source, pa + 4 * n) for n in range(count)]


class QmpSource:
    """Memory of a board through QMP. Use it in a `with`, or close() it.

    QMP has qmp(command, **arguments), as board.Board and what
    running.connect() gives. A board that runs goes on meanwhile, so that two
    reads may see two moments; within one chunk what was read once is kept
    until forget().
    """

    def __init__(self, qmp):
        self._qmp = qmp
        self._chunks = {}
        self._folder = tempfile.TemporaryDirectory(prefix="hypsec-view-")
        self._file = pathlib.Path(self._folder.name) / "memory"
        try:
            sizes = qmp.qmp("query-memory-size-summary")
            self.ram = (RAM_BASE, RAM_BASE + int(sizes["base-memory"]))
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._folder.cleanup()

    def forget(self):
        """Read everything anew from here on."""
        self._chunks.clear()

    def _fetch(self, pa, length):
        self._qmp.qmp("pmemsave", val=pa, size=length,
                      filename=str(self._file))
        try:
            data = self._file.read_bytes()
            self._file.unlink()
        except OSError as error:
            raise SourceError(f"memory that QEMU saved: {error}; it must run "
                              "on this machine, as this user") from None
        if len(data) != length:
            raise SourceError(f"QEMU saved {len(data)} of {length} bytes at "
                              f"{pa:#x}")
        return data

    def read(self, pa, length):
        base, end = self.ram
        if length < 0 or pa < base or pa + length > end:
            raise SourceError(f"{length} bytes at {pa:#x} are not all in RAM, "
                              f"{base:#x} to {end:#x}")
        if length >= LARGE:
            return self._fetch(pa, length)
        data = bytearray()
        at = pa
        while at < pa + length:
            first = at - at % CHUNK
            chunk = self._chunk(first, min(first + CHUNK, end))
            part = chunk[at - first:pa + length - first]
            data += part
            at += len(part)
        return bytes(data)

    def _chunk(self, first, end):
        if first not in self._chunks:
            if len(self._chunks) >= MAX_CHUNKS:
                self._chunks.clear()
            self._chunks[first] = self._fetch(first, end - first)
        return self._chunks[first]

    def device(self, pa, length):
        """Registers, of a device that a read does not change."""
        if not 0 <= pa <= PA_END - length:
            raise SourceError(f"no address: {pa:#x}")
        return self._fetch(pa, length)


class FileSource:
    """Memory out of {pa: bytes}, for tests and dumps."""

    def __init__(self, parts):
        self.parts = dict(parts)

    def read(self, pa, length):
        for base, data in self.parts.items():
            if base <= pa and pa + length <= base + len(data) and length >= 0:
                return bytes(data[pa - base:pa - base + length])
        raise SourceError(f"{length} bytes at {pa:#x} are not in the dump")


class RamSource:
    """SOURCE without what is no RAM: RAM is from base to END, and a read of
    anything else is an error, not the side effect of some register."""

    def __init__(self, source, end, base=RAM_BASE):
        self._source = source
        self.ram = (base, end)

    def read(self, pa, length):
        base, end = self.ram
        if length < 0 or pa < base or pa + length > end:
            raise SourceError(f"{length} bytes at {pa:#x} are not all in RAM, "
                              f"{base:#x} to {end:#x}")
        return self._source.read(pa, length)

    def device(self, pa, length):
        return getattr(self._source, "device", self._source.read)(pa, length)
