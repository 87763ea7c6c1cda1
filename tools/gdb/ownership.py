# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the firmware changes a page's owner, and what is about to change.

Three functions of the firmware's write owners into page records, and nothing
else does: set_pfn_owner(), page_manager_reserve() and, by a fresh array of
records at the next boot, reset_scrub(). Breakpoints are there, and not
watchpoints on the record: gdb reads what it watches through the tables of the
world that a CPU is in, and only EL2's have the records.
"""
import dataclasses

import common
import traps
from boardview.owners import Owners
from boardview.source import SourceError
from cmd_memory import board_memory
from common import HypsecError, register

PAGE_SHIFT = 12
RAM_BASE = 0x40000000
HOST = 0


@dataclasses.dataclass(frozen=True)
class Change:
    """Owners by name; how: the function that does it."""
    pfn: int
    old: str
    new: str
    how: str


def page(text):
    """An argument, an address as `hypsec page` takes it, as a page frame
    number of RAM."""
    address = common.physical(text)
    first, end = board_memory().ram
    if not first <= address < end:
        raise HypsecError(f"{address:#x} is no RAM; RAM is from {first:#x} to "
                          f"{end - 1:#x}" +
                          common.pfn_hint(address, (first, end)))
    return address >> PAGE_SHIFT


def owner(text):
    """An argument as an owner's name."""
    lower = text.lower()
    if lower in ("host", "el2"):
        return "host" if lower == "host" else "EL2"
    digits = lower.removeprefix("vm")
    if digits.isdecimal() and 1 <= int(digits) <= 15:
        return f"vm{int(digits)}"
    raise HypsecError(f"no owner {common.printable(text)!r}; host, vm1 to "
                      "vm15 and EL2 are")


def places():
    """Address -> function of a page that gives the Change or None."""
    firmware = traps.firmware_elf()
    wanted = {"set_pfn_owner": _set_owner,
              "page_manager_reserve": _reserve,
              "reset_scrub": _reset}
    missing = [name for name in wanted
               if firmware is None or name not in firmware.by_name]
    if missing:
        raise HypsecError("the symbols of the firmware have no "
                          f"{', '.join(missing)}: where it changes owners is "
                          "not known; with another firmware, break at its "
                          "own function that does")
    return {firmware.by_name[name]: function
            for name, function in wanted.items()}


def _records():
    """The Owners of the records in use; None before they exist."""
    try:
        return Owners(common.source(), traps.known_page())
    except (SourceError, HypsecError):
        return None


def _name(number):
    """An owner's name by number, also before the inspection page exists."""
    corevisor = 16
    try:
        return traps.known_page().owner_name(number)
    except (SourceError, HypsecError):
        return "EL2" if number == corevisor else \
            "host" if number == HOST else f"vm{number}"


def _owner_now(pfn):
    """The number of the owner of a page, None if it is not RAM."""
    records = _records()
    if records is not None:
        record = records.record(pfn)
        return None if record is None else record.owner
    return _record_at_boot(pfn)


def _record_at_boot(pfn):
    """The same while the firmware has published nothing: its own array."""
    base = int(common.firmware_value("page_records"))
    count = int(common.firmware_value("nr_page_records"))
    index = pfn - (RAM_BASE >> PAGE_SHIFT)
    if not 0 <= index < count:
        return None
    return int.from_bytes(traps.el2_read(base + 8 * index, 8),
                          "little") & 0xff


def _change(pfn, new, how):
    old = _owner_now(pfn)
    if old is None or old == new:
        return None
    return Change(pfn, _name(old), _name(new), how)


def _set_owner(wanted):
    """set_pfn_owner(pfn, vmid)"""
    pfn = register("x0")
    if wanted not in (None, pfn):
        return None
    return _change(pfn, register("x1") & 0xffffffff, caller())


def _reserve(wanted):
    """page_manager_reserve(pfn, pages)"""
    first, count = register("x0"), register("x1")
    pfn = first if wanted is None else wanted
    if not first <= pfn < first + count:
        return None
    return Change(pfn, _name(_owner_now(pfn) or HOST), "EL2",
                  "page_manager_reserve, EL2's own memory")


def _reset(wanted):
    """reset_scrub(old page, ...): all records are the host's after it."""
    try:
        old = Owners(common.source(), traps.known_page())
        runs = old.runs() if wanted is None else old.runs(wanted, wanted)
        for first, _, number, *_ in runs:
            # EL2's pages are EL2's again before anybody runs.
            if number not in (HOST, old.page.corevisor):
                return Change(first, _name(number), "host",
                              "reset_scrub, with zeros in it: the board was "
                              "reset")
    except (SourceError, HypsecError):
        pass
    return None


def caller():
    """The functions that lead here, inner first, as far as one line goes."""
    names, frame = [], common.gdb.newest_frame().older()
    while frame is not None and len(names) < 4:
        name = frame.name()
        if name is None or name.startswith(("host_sync", "trap_host")):
            break
        names.append(name)
        frame = frame.older()
    return " < ".join(names) or "nobody known"


def change_text(change):
    """A change in a line, with the call or the exit that leads to it."""
    return f"page {change.pfn << PAGE_SHIFT:#x}: {change.old} -> " \
           f"{change.new}{_by()} in {change.how}"


def _by():
    """Who asked for it: the host's exception that EL2 handles."""
    import contexts
    frame = contexts.trap_frame()
    if frame is None:
        return ""
    what = traps.cause(frame.esr, frame.far, frame.hpfar,
                       frame.regs[:traps.CALL_ARGUMENTS])
    return f" by {what} of host cpu {common.cpu_number()}"
