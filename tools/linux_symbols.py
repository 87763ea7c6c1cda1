# SPDX-License-Identifier: GPL-2.0-or-later
"""Which symbols go with the Linux that a board runs.

A vmlinux describes one build of a kernel and no other. Build ids tell: the one
in a vmlinux stands at the same place of that kernel's Image.

What is wrong with a file is an elf.ElfError, whose text is for users.
"""
import pathlib
import re

import board
import elf

# Where `./hypsec setup --linux-symbols` puts those of board.KERNEL.
INSTALLED = board.BUILD / "sources/linux-symbols/vmlinux"
SETUP = "./hypsec setup --linux-symbols"
MAGIC, MAGIC_OFFSET = b"ARM\x64", 56
RELEASE = re.compile(rb"Linux version ([\x21-\x7e]{1,64}) ")


def entry(where, vmlinux):
    """The symbols of the Linux in world WHERE, as in gdbserver.py."""
    return {"world": where, "name": "linux",
            "file": str(pathlib.Path(vmlinux).resolve())}


def is_of_another(vmlinux, kernel):
    """Whether VMLINUX is of another kernel than the Image KERNEL; None where
    that cannot be told: without a build id, or of a compressed kernel."""
    image = elf.Elf(vmlinux)
    found, start = image.build_id(), image.symbols(["_text"])
    # What a running board was started from may be gone by now.
    data = _bytes(kernel)
    if found is None or not start or \
       not data[MAGIC_OFFSET:].startswith(MAGIC):
        return None
    address, wanted = found
    at = address - start["_text"]
    return data[at:at + len(wanted)] != wanted if at >= 0 else None


def _bytes(path):
    """A file's bytes, none if it cannot be read."""
    path = pathlib.Path(path)
    try:
        # A pipe would never end.
        return path.read_bytes() if path.is_file() else b""
    except OSError:
        return b""


def release(path):
    """The first "6.1.0-50-cloud-arm64" in a file that is no text, for
    messages; None if it does not say."""
    found = RELEASE.search(_bytes(path))
    return found and found[1].decode()


def difference(vmlinux, kernel):
    """In words how two files differ that are not of one kernel."""
    names = release(vmlinux), release(kernel)
    if None in names or names[0] == names[1]:
        return "their build ids differ"
    return f"it is of {names[0]}, that is {names[1]}"
