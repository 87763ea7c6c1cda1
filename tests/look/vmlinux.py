# SPDX-License-Identifier: GPL-2.0-or-later
"""Symbols of a Linux kernel, before its MMU is on and wherever KASLR has put
it: as the host, and as a VM. The vmlinux is one that the test makes."""
import pathlib
import re
import tempfile

import looktest
import board
import boottest
import kernel

LINUX = {"world": "host", "name": "linux"}


def runs_at(seen):
    return re.search(r"kernel runs at (0x[0-9a-f]+) \(KASLR offset "
                     r"(0x[0-9a-f]+)\)", seen.text)


def host(tap, vmlinux):
    """Another boot than the one that the symbols come from."""
    config = board.Config(
        smp=2, append=f"hypsec.mode=serve {boottest.NO_STALLS}")
    with looktest.debug_board(config) as machine:
        symbols = [*machine.symbols, {**LINUX, "file": str(vmlinux)}]
        seen = looktest.gdb(machine, [
            "hypsec break at host primary_entry", "continue",
            "hypsec symbols", "backtrace 1", "delete",
            "hypsec linux", "hypsec symbols",
            "hypsec break at host start_kernel", "continue", "backtrace 1",
            "hypsec break at host secondary_entry", "continue",
            "hypsec world", "backtrace 1", "delete",
            "hypsec break at host secondary_start_kernel", "continue",
            "hypsec world"], symbols=symbols)
        tap.result(seen.find(r"linux +at 0x40200000: .*physical address", 2)
                   and "primary_entry ()" in seen[3],
                   "kernel-before-its-mmu-is-on", seen)
        moved = runs_at(seen)
        tap.result(moved and seen.find(
            rf"linux +at {moved[1]}: .*KASLR offset {moved[2]}", 6),
            "kernel-is-followed-to-where-it-moves", seen)
        tap.result("start_kernel ()" in seen[9], "stops-in-start-kernel",
                   seen[9])
        tap.result("secondary_entry ()" in seen[13] and
                   seen.find(r"^\* CPU 1: host, EL1, pc 0x4", 12),
                   "second-cpu-before-its-mmu-is-on", seen)
        tap.result(seen.find(r"^\* CPU 1: host, EL1, pc 0xffff.*"
                             "<secondary_start_kernel", 17),
                   "second-cpu-at-the-virtual-address", seen)
        where = re.search(r"0x(ffff[0-9a-f]+) in start_kernel", seen[8])
        again = looktest.gdb(machine, [
            "hypsec break at el2 trap_host_sync", "continue",
            "hypsec symbols"], symbols=symbols, go_on=True)
        tap.result("corevisor  at 0x4000000000:" in again[2] and
                   f"linux      at {moved[1]}:" in again[2],
                   "kernel-stays-known-at-el2", again)
        boottest.wait_ready(machine)
        status, lines = machine.shell(
            "grep -E ' T (start_kernel|_stext)$' /proc/kallsyms")
        tap.result(status == 0 and where and
                   any(line.startswith(where[1]) for line in lines),
                   "the-kernel-says-the-same-address", (where, lines))
        late = looktest.gdb(machine, [
            "hypsec symbols", "hypsec break at host do_sys_openat2",
            "hypsec break at host secondary_entry"],
            symbols=symbols, go_on=True)
        tap.result(f"linux      at {moved[1]}:" in late[0],
                   "kernel-is-found-when-it-has-run-for-long", late)


def as_vm(tap, vmlinux):
    """The same kernel as a VM, under the hostvisor."""
    with looktest.guest_board("linux-vm") as machine:
        symbols = [*machine.symbols, {**LINUX, "world": "vm",
                                      "file": str(vmlinux)}]
        seen = looktest.gdb(machine, [
            "hypsec linux", "hypsec symbols",
            "hypsec break at vm1 start_kernel", "continue", "hypsec world",
            "hypsec break at host exit_handle", "delete 1", "continue",
            "hypsec symbols"], symbols=symbols)
        tap.result(runs_at(seen) and seen.find("^vm1's kernel runs at") and
                   seen.find("hostvisor +not loaded", 1) and
                   seen.find("linux +at 0xffff.*vm1's kernel", 1),
                   "kernel-of-a-vm-moves", seen)
        tap.result(seen.find(r"^\* CPU \d: vm1, EL1, .*<start_kernel>",
                             "hypsec world"), "stops-in-the-vms-start-kernel",
                   seen)
        tap.result("exit_handle" in seen[7] and
                   seen.find("linux +not loaded", 8) and
                   seen.find("hostvisor +at 0x40200000", 8),
                   "host-beside-it-has-its-own", seen)


def body(tap):
    with tempfile.TemporaryDirectory(prefix="hypsec-look-") as folder:
        vmlinux = pathlib.Path(folder) / "vmlinux"
        with boottest.host() as machine:
            kernel.make(machine, vmlinux, board.KERNEL.read_bytes())
        host(tap, vmlinux)
        as_vm(tap, vmlinux)


if __name__ == "__main__":
    looktest.run(body)
