# SPDX-License-Identifier: GPL-2.0-or-later
"""The real vmlinux of Debian's kernel, with all of its debug information: the
tests of the made one, and lines, types and variables besides. Skipped where the
set-up could not get it."""
import pathlib
import re

import looktest
import board
import boottest
import linux_symbols
import vmlinux

WHY_NOT = board.BUILD / "sources/.no-linux-symbols"
CURRENT = "python task = gdb.selected_frame().read_var('p').type; " \
    "print(gdb.Value(int(gdb.parse_and_eval('$SP_EL0'))).cast(task)" \
    "['comm'].string())"


def lines(tap, symbols_file):
    """Functions, lines, arguments and types, in Linux and from EL2."""
    config = board.Config(append="hypsec.mode=serve")
    with looktest.debug_board(config) as machine:
        symbols = [*machine.symbols, linux_symbols.entry("host",
                                                         symbols_file)]
        seen = looktest.gdb(machine, [
            "hypsec linux", "hypsec break at host start_kernel",
            "break wake_up_new_task", "info breakpoints", "continue",
            "hypsec break at el2 trap_host_sync", "continue",
            "hypsec backtrace", "delete 1", "delete 3", "continue",
            "print p->comm", CURRENT, "whatis p->comm", "backtrace", "next",
            "finish"], symbols=symbols)
        tap.result(seen.find(r"^Breakpoint 1 at 0xffff.*: file init/main\.c, "
                             r"line \d+\.$", 1) and
                   "Breakpoint 3" not in seen[1],
                   "one-breakpoint-and-its-line", seen[1])
        tap.equal(re.findall(r"^2\.\d +([yn])", seen[3], re.M), ["n", "y"],
                  "gdbs-own-breakpoint-stops-once")
        tap.result(seen.find(r"start_kernel \(\) at init/main\.c:\d+$", 4),
                   "stops-at-a-line", seen[4])
        tap.result(seen.find(r"-- trapped from host cpu 0 EL1: (?s:.*)"
                             r"start_kernel\+0x\w+ \(main\.c:\d+\)$", 7),
                   "lines-of-linux-below-el2", seen[7])
        tap.result("swapper/0" in seen[11] and "swapper/0" in seen[12] and
                   "type = char [16]" in seen[13], "types-and-the-current-task",
                   seen)
        tap.result(seen.find(r"wake_up_new_task \(p=(?:p@entry=)?0xffff\w+\) "
                             r"at kernel/sched/core\.c:\d+\n(?s:.*) in "
                             r"start_kernel \(\) at init/main\.c:\d+$", 14),
                   "arguments-and-callers", seen[14])
        tap.result(seen.find(r"^\d+\tin kernel/sched/core\.c$", 15) and
                   seen.find(r"at kernel/fork\.c:\d+$", 16),
                   "next-line-and-finish", seen)


def body(tap):
    symbols_file = linux_symbols.INSTALLED
    if not symbols_file.is_file():
        why = WHY_NOT.read_text().strip() if WHY_NOT.is_file() else \
            f"{linux_symbols.SETUP} was not run"
        tap.skip("symbols-of-debians-kernel", why)
        return
    if linux_symbols.is_of_another(symbols_file, board.KERNEL) is not False:
        tap.skip("symbols-of-debians-kernel", "those there are of another "
                 f"kernel; {linux_symbols.SETUP} renews them")
        return
    vmlinux.host(tap, symbols_file)
    vmlinux.as_vm(tap, symbols_file)
    lines(tap, symbols_file)


if __name__ == "__main__":
    looktest.run(body)
