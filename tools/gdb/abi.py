# SPDX-License-Identifier: GPL-2.0-or-later
"""The names of calls: hypercalls (firmware/include/hypsec/abi.h) and PSCI's.

Those of hypercalls come from the firmware's own debugging information, which
has its macros; without it, from the header beside these tools.
"""
import functools
import pathlib
import re

import gdb

from common import HypsecError, printable

HEADER = pathlib.Path(__file__).resolve().parents[2] / \
    "firmware/include/hypsec/abi.h"
# A function whose file includes abi.h.
SCOPE = "host_hvc_dispatcher"
MACRO = re.compile(r"#define HYPSEC_(HVC|PVOP)_(\w+)\s+(0x[0-9a-fA-F]+|\d+)\b")

# And what stands behind a number in the header: the arguments, x1 on unless
# it says where, then what comes back.
SIGNATURE = re.compile(r"#define HYPSEC_(?:HVC|PVOP)_(\w+)\s+\w+"
                       r"[ \t]*(?:/\* (?:([^:*]*))?.*\*/)?$", re.MULTILINE)
PLACE = re.compile(r"x(\d) (.*)")

# Arm DEN0022, by what varies in the number; functions of 64 bits have one
# bit more.
PSCI_BASE, SMC64 = 0x84000000, 1 << 30
PSCI = {
    0: ("PSCI_VERSION", ()),
    1: ("PSCI_CPU_SUSPEND", ("state", "entry", "context")),
    2: ("PSCI_CPU_OFF", ()),
    3: ("PSCI_CPU_ON", ("target", "entry", "context")),
    4: ("PSCI_AFFINITY_INFO", ("target", "level")),
    6: ("PSCI_MIGRATE_INFO_TYPE", ()),
    8: ("PSCI_SYSTEM_OFF", ()),
    9: ("PSCI_SYSTEM_RESET", ()),
    10: ("PSCI_FEATURES", ("function",)),
    18: ("PSCI_SYSTEM_RESET2", ("type", "cookie")),
}


def parse(text):
    """Number by name out of a header or of gdb's list of macros."""
    return {name: int(number, 0) for _, name, number in MACRO.findall(text)}


@functools.lru_cache(maxsize=1)
def from_header():
    try:
        return parse(HEADER.read_text())
    except OSError:
        return {}


@functools.lru_cache(maxsize=1)
def signatures():
    """Name -> [(register, argument)] of all calls, {} without the header."""
    try:
        text = HEADER.read_text()
    except OSError:
        return {}
    return {name: [_argument(place, part.strip())
                   for place, part in enumerate(what.split(","), 1)]
            if what.strip() else []
            for name, what in SIGNATURE.findall(text)}


def _argument(place, text):
    """"gpa", "x2 gpa", or "HYPSEC_INFO_" for a number of those."""
    if text.startswith("HYPSEC_"):
        text = text.removeprefix("HYPSEC_").rstrip("_").lower()
    if match := PLACE.match(text):
        return int(match[1]), match[2]
    return place, text


def psci(number):
    """(name, its arguments from x1 on) of a function of PSCI's, or None."""
    return PSCI.get((number & 0xffffffff & ~SMC64) - PSCI_BASE)


def call_text(registers):
    """The call that x0 on, REGISTERS, ask for: VCPU_RUN(vmid 0x1, ...)."""
    if function := psci(registers[0]):
        text, arguments = function
        signature = [*enumerate(arguments, 1)]
    else:
        text = name(registers[0])
        signature = signatures().get(text)
    if signature is None:
        rest = [f"x{n} {value:#x}" for n, value in enumerate(registers)]
        return f"{text}({', '.join(rest[1:4])})"
    return text + "(" + ", ".join(
        f"{what} {registers[place]:#x}" for place, what in signature
        if place < len(registers)) + ")"


_from_firmware = {}


def from_firmware():
    """What the loaded firmware's debugging information says; {} without."""
    key = tuple(objfile.filename for objfile in gdb.objfiles())
    if key not in _from_firmware:
        try:
            text = gdb.execute(f"info macros {SCOPE}", to_string=True)
        except gdb.error:
            text = ""
        _from_firmware[key] = parse(text)
    return _from_firmware[key]


def hypercalls():
    """Number by name, without HYPSEC_HVC_ and HYPSEC_PVOP_."""
    return from_firmware() or from_header()


def name(number):
    """The name of a hypercall, or its number in hexadecimal."""
    for text, value in hypercalls().items():
        if value == number:
            return text
    return f"{number:#x}"


def number(text):
    """The number of a hypercall by name or number."""
    known = hypercalls()
    short = re.sub(r"^HYPSEC_|^(HYPSEC_)?(HVC|PVOP)_", "", text.upper())
    if short in known:
        return known[short]
    try:
        value = int(text, 0)
        if not 0 <= value < 1 << 64:
            raise ValueError
        return value
    except ValueError:
        raise HypsecError(
            f"no hypercall {printable(text)!r}; a number or one of "
            f"{', '.join(sorted(known))}") from None
