# SPDX-License-Identifier: GPL-2.0-or-later
"""What EL2 left behind when it panicked.

panic() writes its reason to EL2's console and keeps it nowhere. Where that
console is logged its text is taken from there; otherwise the reason is made
from the arguments of panic() on its stack.
"""
import dataclasses
import re

import gdb

import common
import contexts
import frames
import traps
from boardview import fields
from boardview.source import SourceError
from common import HypsecError, register

PANIC = re.compile(r"^EL2 panic: (.*)$", re.MULTILINE)
MAX_STRING = 256
MAX_LOG = 1 << 20
# x1 to x7: the registers that panic(fmt, ...) saves for its arguments.
SAVED_ARGUMENTS = 7
CONVERSION = re.compile(r"%(\d{0,2})(l?)([suxc%])")


def console_text():
    """EL2's console since the last reset that it shows, None if nobody knows
    where it goes. Terminal controls are taken out."""
    path = common.el2_console()
    if path is None:
        return None
    try:
        with open(path, "rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - MAX_LOG))
            data = log.read()
    except OSError:
        return None
    return "\n".join(common.printable(line.rstrip("\r")) for line in
                     data.decode(errors="replace").split("\n"))


def before_report(text):
    """TEXT up to the reason of the last panic, without EL2's own report."""
    found = list(PANIC.finditer(text))
    return text[:found[-1].end()] if found else text


@dataclasses.dataclass
class Panic:
    """cpu: which panicked first; None if it is not known."""
    cpu: int | None
    how: str


def find():
    """The Panic, None if EL2 has not panicked. Raises HypsecError where that
    cannot be known."""
    try:
        halted = int(common.firmware_value("panic_halted"))
    except (HypsecError, SourceError, gdb.error):
        halted = 0
    cpus = len(gdb.selected_inferior().threads())
    if 0 < halted <= cpus:
        return Panic(halted - 1, "")
    paused = "guest-panicked" in common.monitor("info status")
    try:
        published = traps.known_page().panicked
    except (SourceError, HypsecError):
        published = 0
    if paused or published:
        return Panic(None, "its firmware says so" if published else
                     "it has written to pvpanic")
    return None


def reason(panic):
    """Why, in EL2's own words."""
    text = console_text()
    if text and (found := PANIC.findall(text)):
        return found[-1]
    if panic.cpu is None:
        return "nobody knows why: no log of EL2's console"
    with common.on_cpu(panic.cpu):
        return _reason_of_frame() or \
            "no log of EL2's console, and no call of panic() on its stack"


def _reason_of_frame():
    """The reason from the arguments of panic() on the selected CPU."""
    frame, left = gdb.newest_frame(), frames.MAX_FRAMES
    while frame is not None and left and frame.name() != "panic":
        frame, left = frame.older(), left - 1
    if frame is None or frame.name() != "panic":
        return None
    selected = gdb.selected_frame()
    try:
        frame.select()
        form = int(gdb.parse_and_eval("fmt@entry"))
        arguments = _arguments(frame.read_var("ap"))
        return common.printable(expand(_string(form), arguments, _string))
    except (gdb.error, ValueError, SourceError, HypsecError):
        return None
    finally:
        selected.select()


def _arguments(ap):
    """The values that a va_list of panic()'s started with."""
    top = int(ap["__gr_top"])
    data = frames.el2_read(top - 8 * SAVED_ARGUMENTS, 8 * SAVED_ARGUMENTS)
    stack = int(ap["__stack"])
    with_more = data + frames.el2_read(stack, 64)
    return [int.from_bytes(with_more[n:n + 8], "little")
            for n in range(0, len(with_more), 8)]


def _string(address):
    """A string of EL2's."""
    text = b""
    while len(text) < MAX_STRING:
        part = frames.el2_read(address + len(text), 16)
        if b"\0" in part:
            text += part[:part.index(b"\0")]
            break
        text += part
    return text.decode(errors="replace")


def expand(form, arguments, string):
    """FORM as console_printf() writes it. STRING reads one by address."""
    values = iter(arguments)

    def one(match):
        width, long, kind = match.groups()
        if kind == "%":
            return "%"
        value = next(values, 0)
        if kind == "s":
            return string(value)
        if kind == "c":
            return chr(value & 0xff)
        if not long:
            value &= 0xffffffff
        digits = f"{value:x}" if kind == "x" else str(value)
        return digits.rjust(int(width or 0), "0")
    return CONVERSION.sub(one, form)


# Registers

def is_nested(cpu):
    """Whether an exception inside EL2 has led to the panic of this pcpu."""
    return cpu is not None and int(cpu["panic_sp"]) != 0


def registers():
    """(title, x0 to x30, SP, PC, PSTATE) at the exception that matters on the
    selected CPU; None if none is known."""
    cpu = contexts.pcpu()
    if is_nested(cpu):
        values = [int(cpu["panic_regs"][n]) for n in range(31)]
        level = fields.mode(register("SPSR_EL2"))
        return (f"registers at the exception (at {level})", values,
                int(cpu["panic_sp"]), register("ELR_EL2"),
                register("SPSR_EL2"))
    frame = None if cpu is None else contexts.trap_frame(cpu)
    if frame is None:
        return None
    context = contexts.of_host(frame, cpu)
    return ("registers of the host at its entry to EL2", frame.regs,
            context.sp, frame.elr, frame.spsr)


def register_lines(values, sp, pc, pstate):
    """Four to a line, as EL2 prints them."""
    named = [(f"x{n}", value) for n, value in enumerate(values)]
    named.append(("sp", sp))
    lines = ["  " + " ".join(f"{name:>3} {value:#018x}"
                             for name, value in named[at:at + 4])
             for at in range(0, len(named), 4)]
    lines.append(f"   pc {pc:#018x} {_place(pc, pstate)}".rstrip())
    lines.append(f"  PSTATE {pstate:#x}: "
                 f"{fields.summary('SPSR_EL2', pstate)}")
    return lines


def _place(pc, pstate):
    """The name of a place of EL2's; another world's stand in the
    backtrace."""
    if pstate & 16 or pstate >> 2 & 3 < common.EL2:
        return ""
    text = frames.el2_names().text(pc)
    return "" if text == "??" else text


def syndrome_lines():
    """The exception registers of the selected CPU, in words."""
    esr, far, hpfar = (register(name) for name in
                       ("ESR_EL2", "FAR_EL2", "HPFAR_EL2"))
    return [f"  ESR_EL2 {esr:#x}: {traps.cause(esr, far, hpfar)}",
            f"  ELR_EL2 {register('ELR_EL2'):#x}  FAR_EL2 {far:#x}  "
            f"HPFAR_EL2 {hpfar:#x}"]
