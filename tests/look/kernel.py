# SPDX-License-Identifier: GPL-2.0-or-later
"""A vmlinux for tests: an ELF file with the symbols of a kernel that ran.

Debian's kernel comes without its vmlinux. What a test needs of one is in a
booted kernel, its functions in /proc/kallsyms, and in its Image: kimage_voffset
is where __primary_switched stores it.
"""
import struct

import boottest
from boardview.source import QmpSource

# Where 6.1 is linked; any page does, the symbols of this file agree with it.
LINKED = 0xffff800008000000
HEAD_BYTES = 0x10000
HEADER_BYTES = 64
ADRP, ADRP_MASK = 0x90000000, 0x9f000000
STR, STR_MASK = 0xf9000000, 0xffc00000
# The head of a build id's note: 4 bytes "GNU", 20 of the id, type 3.
NOTE = struct.pack("<III4s", 4, 20, 3, b"GNU")


def kallsyms(lines):
    """NAME -> address of functions, the first of several."""
    found = {}
    for line in lines:
        fields = line.split()
        if len(fields) == 3 and fields[1] in "tT" and \
           int(fields[0], 16) >= 1 << 63:
            found.setdefault(fields[2], int(fields[0], 16))
    return found


def image_base(lines):
    """PA of the kernel's first byte, out of /proc/iomem. Its code begins
    64 KiB later, with _stext."""
    for line in lines:
        if line.strip().endswith(": Kernel code"):
            return int(line.split("-")[0], 16) - HEAD_BYTES
    raise AssertionError("no kernel code in /proc/iomem")


def stores(image, text, function):
    """Where FUNCTION of a kernel at TEXT stores words by adrp and str."""
    code = struct.unpack_from("<64I", image, function - text)
    pages = {}
    for number, word in enumerate(code):
        if word & ADRP_MASK == ADRP:
            pages_up = (word >> 5 & 0x7ffff) << 2 | word >> 29 & 3
            if pages_up & 1 << 20:
                pages_up -= 1 << 21
            page = (function + 4 * number) & ~0xfff
            pages[word & 31] = page + (pages_up << 12)
        elif word & STR_MASK == STR and word >> 5 & 31 in pages:
            yield pages[word >> 5 & 31] + (word >> 10 & 0xfff) * 8


def vmlinux(symbols, base, image, read):
    """The ELF file, as bytes, and its symbols by name, both as linked, of a
    kernel with kallsyms SYMBOLS that runs from PA BASE on."""
    text = symbols["_stext"] - HEAD_BYTES
    for place in stores(image, text, symbols["__primary_switched"]):
        held, = struct.unpack("<Q", read(base + place - text, 8))
        if held == text - base & (1 << 64) - 1:
            break
    else:
        raise AssertionError("kimage_voffset not found")
    linked = {name: address - text + LINKED
              for name, address in symbols.items()}
    linked.update(_text=LINKED, kimage_voffset=place - text + LINKED)
    size, = struct.unpack_from("<Q", image, 16)
    return elf_file(linked, size), linked


def note_of(image):
    """(offset, bytes) of a note with a build id in an Image."""
    at = image.index(NOTE)
    return at, image[at:at + len(NOTE) + 20]


def elf_file(symbols, size, note=(0, b"")):
    """An executable of SIZE bytes at LINKED with nothing in it but names, and
    a note as note_of() returns it."""
    strings, table = b"\0", struct.pack("<IBBHQQ", 0, 0, 0, 0, 0, 0)
    for name, address in sorted(symbols.items(), key=lambda pair: pair[1]):
        table += struct.pack("<IBBHQQ", len(strings), 0x12, 0, 1, address, 0)
        strings += name.encode() + b"\0"
    names = b"\0.text\0.symtab\0.strtab\0.shstrtab\0.notes\0"
    program = struct.pack("<IIQQQQQQ", 1, 7, 0, LINKED, LINKED, 0, size,
                          65536)
    at = HEADER_BYTES + len(program)
    parts = [table, strings, names, note[1]]
    offsets = [at + sum(map(len, parts[:number])) for number in range(4)]
    sections = at + sum(map(len, parts))
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 183, 1, LINKED,
        HEADER_BYTES, sections, 0, HEADER_BYTES, 56, 1, 64, 6, 4)
    rows = [(0,) * 10,
            (1, 8, 6, LINKED, at, size, 0, 0, 4, 0),
            (7, 2, 0, 0, offsets[0], len(table), 3, 1, 8, 24),
            (15, 3, 0, 0, offsets[1], len(strings), 0, 0, 1, 0),
            (23, 3, 0, 0, offsets[2], len(names), 0, 0, 1, 0),
            (33, 7, 2, LINKED + note[0], offsets[3], len(note[1]), 0, 0, 4,
             0)]
    return header + program + b"".join(parts) + b"".join(
        struct.pack("<IIQQQQIIQQ", *row) for row in rows)


def make(machine, path, image):
    """Write the vmlinux of a Linux that has booted on MACHINE to PATH."""
    boottest.wait_ready(machine)
    _, memory = machine.shell("cat /proc/iomem")
    _, names = machine.shell("cat /proc/kallsyms")
    data, _ = vmlinux(kallsyms(names), image_base(memory), image,
                      QmpSource(machine).read)
    path.write_bytes(data)
