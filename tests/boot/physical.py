# SPDX-License-Identifier: GPL-2.0-or-later
"""Physical memory and registers: as the tester and as the host's root."""
import board


def peek(machine, address, size=4):
    """SIZE (4 or 8) bytes at ADDRESS, read past all protection."""
    letter = {4: "w", 8: "g"}[size]
    text = machine.hmp(f"xp /1x{letter} {address:#x}")
    try:
        return int(text.split(":")[1], 16)
    except (IndexError, ValueError):
        raise board.BoardError(f"xp {address:#x}: {text}") from None


def run(machine, command):
    """The last line that COMMAND prints in the host; it must succeed."""
    status, lines = machine.shell(command)
    if status != 0:
        raise machine.error(f"{command}: exit status {status}: {lines}")
    return lines[-1] if lines else ""


def load(machine, address):
    """A word, by a load of the host's."""
    return int(run(machine, f"devmem {address:#x} 32"), 16)


def store(machine, address, words):
    """Words from ADDRESS on, by stores of the host's."""
    run(machine, "; ".join(f"devmem {address + 4 * n:#x} 32 {word:#x}"
                           for n, word in enumerate(words)))


def halves(value):
    """A 64-bit value as two words."""
    return [value & 0xffffffff, value >> 32]
