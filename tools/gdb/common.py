# SPDX-License-Identifier: GPL-2.0-or-later
"""What gdb's `hypsec` commands share: the machine as gdb reaches it.

CPUs are numbered from 0 as QEMU does; gdb's thread N is CPU N - 1. Worlds are
"el2", "host", "vm1" to "vm15" and "off". All memory is read physically, by
gdb's remote protocol, so it does not matter which world a CPU is in. What is
read is hostile input.
"""
import argparse
import contextlib
import os
import pathlib
import re
import struct
import tempfile

import gdb

from boardview.source import PA_END, SourceError

# gdbstub's packets hold 4096 characters, two for each byte.
CHUNK_BYTES = 2048
# More than this goes through a file.
FILE_BYTES = 1 << 20
PAGE_BYTES = 4096
RAM_BASE = 0x40000000
# From hypsec/boot_block.h and arch/layout.h.
INSPECT_OFFSET = 0x1000
IMAGE_OFFSET = 0x200000
IMAGE_VA = 0x4000000000

EL_SHIFT, EL_MASK = 2, 3
EL2 = 2
VMID_SHIFT, VMID_MASK = 48, 0xff
HCR_VM = 1
SCTLR_M = 1
# From hypsec/inspect.h.
WORLD_OFF = 0xffffffff
MASK64 = (1 << 64) - 1
NO_FIRMWARE = "this board has no memory of EL2's: it runs without firmware " \
    "(-bios)"

# gdbstub's names of registers that it does not call as the Arm ARM does.
REGISTER_NAMES = {"AMAIR_EL1": "AMAIR0"}


class HypsecError(gdb.GdbError):
    """What the user gets to read."""


# The connection

def connection():
    """gdb's connection to the board, or an error that says how to get one."""
    found = gdb.selected_inferior().connection
    if found is None or not hasattr(found, "send_packet"):
        raise HypsecError("no board: this gdb is not connected to one. "
                          "`./hypsec debug` does it all, or type "
                          "`target remote 127.0.0.1:PORT`")
    return found


def monitor(line):
    """What QEMU's monitor says to LINE."""
    connection()
    return gdb.execute(f"monitor {line}", to_string=True).strip()


class RemoteSource:
    """The board's physical memory, through gdb's connection."""

    def read(self, address, length):
        """LENGTH bytes at physical ADDRESS, all of them, or a SourceError."""
        if length <= 0:
            return b""
        if address < 0 or address + length > 1 << 64:
            raise SourceError(f"no physical address: {address:#x}")
        if length > FILE_BYTES and (data := self._by_file(address, length)):
            return data
        return self.device(address, length)

    def device(self, address, length):
        """The same of registers, never by a file."""
        remote = connection()
        if remote.send_packet("Qqemu.PhyMemMode:1") != b"OK":
            raise SourceError("this gdb server cannot read physical memory; "
                              "QEMU's can")
        try:
            return b"".join(
                self._chunk(remote, address + done,
                            min(CHUNK_BYTES, length - done))
                for done in range(0, length, CHUNK_BYTES))
        finally:
            remote.send_packet("Qqemu.PhyMemMode:0")

    @staticmethod
    def _chunk(remote, address, length):
        reply = remote.send_packet(f"m{address:x},{length:x}") or b""
        try:
            data = bytes.fromhex(reply.decode("ascii"))
        except ValueError:
            data = b""
        if len(data) != length:
            raise SourceError(f"no memory at physical {address:#x} "
                              f"({length} bytes)")
        return data

    @staticmethod
    def _by_file(address, length):
        """The same by a file that QEMU writes; None if it cannot."""
        with tempfile.TemporaryDirectory(prefix="hypsec-") as folder:
            path = pathlib.Path(folder) / "memory"
            monitor(f'pmemsave {address:#x} {length:#x} "{path}"')
            try:
                data = path.read_bytes()
            except OSError:
                return None
        return data if len(data) == length else None

    def forget(self):
        """Nothing is kept."""


_source = RemoteSource()


def source():
    """The board's physical memory: .read(pa, length) -> bytes."""
    return _source


# What ./hypsec debug tells

_consoles = {}


def set_el2_console(path):
    """EL2's console goes to the file PATH."""
    _consoles["el2"] = pathlib.Path(path)


def el2_console():
    """The file that EL2's console goes to, None if nobody has told."""
    return _consoles.get("el2")


# CPUs and registers

def cpu_number(thread=None):
    """The number of the selected CPU, or of a gdb thread."""
    thread = thread or gdb.selected_thread()
    if thread is None:
        connection()
        raise HypsecError("no CPU is selected; type `thread 1`")
    return thread.num - 1


def cpus():
    """Each CPU's number, selected meanwhile; the selection comes back."""
    with kept_selection():
        threads = sorted(gdb.selected_inferior().threads(),
                         key=lambda thread: thread.num)
        if not threads:
            connection()
        for thread in threads:
            thread.switch()
            yield cpu_number(thread)


@contextlib.contextmanager
def kept_selection():
    """Bring back thread and frame that were selected."""
    thread = gdb.selected_thread()
    frame = None
    with contextlib.suppress(gdb.error):
        frame = gdb.selected_frame()
    try:
        yield
    finally:
        if thread and thread.is_valid():
            thread.switch()
            with contextlib.suppress(gdb.error):
                if frame and frame.is_valid():
                    frame.select()


@contextlib.contextmanager
def on_cpu(number):
    """Select CPU NUMBER (None: stay) for the block."""
    if number is None or (gdb.selected_thread() and
                          cpu_number() == number):
        cpu_number()
        yield
        return
    with kept_selection():
        for thread in gdb.selected_inferior().threads():
            if cpu_number(thread) == number:
                thread.switch()
                break
        else:
            connection()
            raise no_cpu(number)
        yield


def no_cpu(number):
    """The error that the board has no CPU NUMBER."""
    last = len(gdb.selected_inferior().threads()) - 1
    return HypsecError(f"no CPU {number}; the board has " +
                       (f"0 to {last}" if last else "0 alone"))


def register(name, cpu=None):
    """A register of the selected or a given CPU as a number.

    System registers have their names of the Arm ARM (SCTLR_EL1, ESR_EL2, ...)
    in any case; general ones gdb's (x0, sp, pc, cpsr).
    """
    with on_cpu(cpu):
        frame = gdb.newest_frame()
        upper = name.upper()
        names = [name, upper, REGISTER_NAMES.get(upper)]
        if upper.endswith("_EL1"):
            names.append(upper.removesuffix("_EL1"))
        for candidate in filter(None, names):
            try:
                value = frame.read_register(candidate)
                return int(value) & MASK64
            except (ValueError, gdb.error):
                continue
        raise HypsecError(f"CPU {cpu_number()} has no register {name}")


def level(cpu=None):
    """The exception level of a CPU."""
    return register("cpsr", cpu) >> EL_SHIFT & EL_MASK


def _halted():
    """Whether the selected CPU executes nothing, by QEMU's word."""
    _, cpu, _ = gdb.selected_thread().ptid
    said = connection().send_packet(f"qThreadExtraInfo,p1.{cpu:x}") or b""
    return b"halted" in bytes.fromhex(said.decode())


def is_off(cpu):
    """Whether CPU, the selected one, is off: it has never started since the
    reset, or EL2 publishes so; False if that is unsound. What executes is not
    off, whatever EL2 has noted by then."""
    try:
        if not _halted():
            return False
        # A CPU that waits for an interrupt is behind its WFI.
        if register("pc") == register("RVBAR_EL2"):
            return True
        found = page()
        world, = struct.unpack("<I", source().read(
            found.cpu_base + cpu * found.cpu_stride, 4))
        return world == WORLD_OFF
    except (SourceError, HypsecError, ValueError):
        return False


def world_below(cpu=None):
    """Who a CPU runs when it is not at EL2: "host" or "vmN"."""
    with on_cpu(cpu):
        if not register("HCR_EL2") & HCR_VM:
            return "host"
        vmid = register("VTTBR_EL2") >> VMID_SHIFT & VMID_MASK
        return f"vm{vmid}" if vmid else "host"


def current_world(cpu=None):
    """Where a CPU is: "el2", "host" or "vmN"."""
    with on_cpu(cpu):
        return "el2" if level() >= EL2 else world_below()


# The firmware

def page_address():
    """PA of the firmware's inspection page, 0 if the board has none."""
    text = monitor("qom-get /machine/inspect page-address")
    if text.isdecimal():
        return int(text)
    size = re.search(r'"size": (\d+)', monitor("qom-get /machine memory"))
    el2 = monitor("qom-get /machine el2-mem")
    if not size or not el2.isdecimal() or not int(el2):
        return 0
    return RAM_BASE + int(size[1]) - int(el2) + INSPECT_OFFSET


def image_pa():
    """PA of the firmware's copy in the carve-out, 0 without a carve-out."""
    address = page_address()
    return address and address - INSPECT_OFFSET + IMAGE_OFFSET


def page():
    """The inspection page as boardview's Page; an error if it is unsound."""
    from boardview.page import Page
    address = page_address()
    if not address:
        raise HypsecError(NO_FIRMWARE)
    return Page.read(source(), address)


def firmware_objfile():
    """The objfile of the firmware at its link address."""
    for objfile in gdb.objfiles():
        if objfile.filename and \
           pathlib.Path(objfile.filename).name == "corevisor.elf":
            return objfile
    if gdb.selected_inferior().threads() and not page_address():
        raise HypsecError(NO_FIRMWARE)
    raise HypsecError("the firmware's symbols are not loaded; type "
                      "`hypsec symbols add el2 build/firmware/corevisor.elf`")


def firmware_symbol(name):
    """The firmware's variable NAME, static ones too, as a gdb.Symbol."""
    objfile = firmware_objfile()
    symbol = objfile.lookup_global_symbol(name) or \
        objfile.lookup_static_symbol(name)
    if symbol is None:
        raise HypsecError(f"the firmware has no variable {name}; are symbols "
                          "and firmware of the same build?")
    return symbol


def firmware_bytes(address, length):
    """LENGTH bytes at link address ADDRESS of the firmware's image, read
    physically: from any world, and before its MMU is on."""
    base = image_pa()
    if not base:
        raise HypsecError(NO_FIRMWARE)
    return source().read(base + address - IMAGE_VA, length)


def firmware_value(name):
    """The firmware's variable NAME as a gdb.Value with its type, read as it
    is in memory now. Pointers in it are virtual addresses of EL2's."""
    symbol = firmware_symbol(name)
    # The address alone: its memory may not be mapped where the CPU is.
    address = int(symbol.value().address)
    data = firmware_bytes(address, symbol.type.sizeof)
    return gdb.Value(data, symbol.type)


# Ctrl-C

_interrupts = {}


def set_interrupts(path):
    """The file PATH gets a byte at each Ctrl-C.

    While gdb asks a breakpoint whether to stop it passes a Ctrl-C on to QEMU,
    which is stopped, and nobody hears of it any more.
    """
    _interrupts["path"] = path
    _forget_interrupts()


def _count_interrupts():
    try:
        return os.stat(_interrupts["path"]).st_size
    except (KeyError, OSError):
        return 0


def _forget_interrupts(_event=None):
    """The board stands: what was typed so far has had its effect."""
    _interrupts["seen"] = _count_interrupts()


def decided(number, wanted):
    """What the stop() of breakpoint NUMBER says. WANTED() tells whether this
    is what it waits for; if it cannot, rather one stop too many."""
    try:
        if wanted():
            return True
        if _count_interrupts() == _interrupts.get("seen", 0):
            return False
    except KeyboardInterrupt:
        pass
    except Exception as error:
        say(f"hypsec: breakpoint {number} cannot tell whether this is what it "
            f"waits for: {error}")
        return True
    _forget_interrupts()
    say(f"hypsec: Ctrl-C, while breakpoint {number} looked whether to stop")
    return True


gdb.events.stop.connect(_forget_interrupts)


# Breakpoints of a world

class WorldBreakpoint(gdb.Breakpoint):
    """Stops at an address, only where the CPU is in a world.

    wanted() may say more; it is called in that world only.
    """

    def __init__(self, address, world, what="", temporary=False,
                 internal=False):
        self.world = world
        self.what = what
        super().__init__(f"*{address:#x}", gdb.BP_BREAKPOINT,
                         temporary=temporary, internal=internal)

    def wanted(self):
        """Whether to stop, in the world."""
        return True

    def stop(self):
        return decided(self.number,
                       lambda: self.in_world() and self.wanted())

    def in_world(self):
        return current_world() == self.world


# Commands

class _Parser(argparse.ArgumentParser):
    """Arguments of a gdb command: what is wrong is a gdb error."""

    def error(self, message):
        raise HypsecError(f"{self.prog}: {message}; see `help "
                          f"{self.prog}`")

    def exit(self, status=0, message=None):
        raise HypsecError(message or f"see `help {self.prog}`")


class Command(gdb.Command):
    """A command `hypsec NAME`.

    A subclass has `name`, a docstring (the help text: what it does, arguments
    with units, an example), add_arguments(parser) and run(args). What run
    raises is a message, never a traceback; HYPSEC_TRACEBACK=1 in the
    environment shows one nevertheless.
    """
    name = None

    def __init__(self):
        super().__init__(self.name, gdb.COMMAND_DATA)

    def add_arguments(self, parser):
        """None, unless a subclass has some."""

    def run(self, args):
        raise NotImplementedError

    def invoke(self, argument, from_tty):
        del from_tty
        try:
            parser = _Parser(prog=self.name, add_help=False,
                             allow_abbrev=False)
            self.add_arguments(parser)
            args = parser.parse_args(gdb.string_to_argv(argument))
            self.run(args)
        except (gdb.GdbError, KeyboardInterrupt):
            raise
        except gdb.error as error:
            raise HypsecError(f"{self.name}: {error}") from None
        except Exception as error:
            if os.environ.get("HYPSEC_TRACEBACK"):
                raise
            raise HypsecError(f"{self.name}: {describe(error)}") from None


def describe(error):
    """What went wrong, for a user."""
    # Errors of ours and of boardview's speak for themselves.
    if type(error).__module__.split(".")[0] in ("boardview", "common"):
        return str(error)
    return f"{type(error).__name__}: {error}"


class _Prefix(gdb.Command):
    """Commands of the board and its corevisor; `help hypsec` lists them."""

    def __init__(self, name, text):
        self.__doc__ = text
        self._name = name
        super().__init__(name, gdb.COMMAND_DATA, prefix=True)

    def invoke(self, argument, from_tty):
        del from_tty
        word = argument.split()[:1]
        if word:
            raise HypsecError(f"there is no `{self._name} "
                              f"{printable(word[0])}`; `help {self._name}` "
                              "lists what there is")
        gdb.execute(f"help {self._name}")


def register_prefixes():
    """Make `hypsec` and `hypsec break`."""
    _Prefix("hypsec", "Commands of the hypsec-virt board and its corevisor.")
    _Prefix("hypsec break", "Stop at events of the corevisor's.")


def number(text):
    """An argument as a number: 0x..., decimal, or an expression of gdb's."""
    try:
        return int(text, 0)
    except ValueError:
        pass
    try:
        value = gdb.parse_and_eval(text)
        # What stands for its address, as gdb's own commands take it.
        if value.type.code in (gdb.TYPE_CODE_FUNC, gdb.TYPE_CODE_ARRAY):
            value = value.address
        return int(value) & MASK64
    except (gdb.error, ValueError, OverflowError) as error:
        raise HypsecError(f"{printable(text)!r} is no number: {error}") \
            from None


def physical(text):
    """An argument as a physical address in bytes: a number as number() takes
    it, or pfn:N for the first byte of page frame N. A plain number is never
    taken for a page frame number."""
    frame = text.lower().startswith("pfn:")
    address = number(text[len("pfn:"):]) * PAGE_BYTES if frame else \
        number(text)
    if not 0 <= address < PA_END:
        raise HypsecError(f"{address:#x} is no physical address of this "
                          "board: it has 40 bits")
    return address


def pfn_hint(address, ram):
    """How to say what the user may have meant by an ADDRESS that is not in
    RAM, (first, end), but is the number of a page there."""
    first, end = ram
    meant = first <= address * PAGE_BYTES < end
    return "; page frame number N is written pfn:N" if meant else ""


def printable(text):
    """TEXT of the machine's without characters that control a terminal."""
    return "".join(c if c.isprintable() else
                   c.encode("unicode_escape").decode() for c in text)


def say(text=""):
    """Print a line as gdb's commands do."""
    gdb.write(f"{text}\n")
