# SPDX-License-Identifier: GPL-2.0-or-later
"""Symbols of a Linux kernel, before its MMU is on and wherever KASLR has put
it: as the host, and as a VM. The vmlinux is one that the test makes."""
import pathlib
import re
import subprocess
import tempfile

import looktest
import board
import boottest
import kernel

LINUX = {"world": "host", "name": "linux"}
# With debug information a function begins behind the room for a patch.
PATCH_ROOM = (0, 8)


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
        where = re.search(r"^Breakpoint \d at 0x(ffff[0-9a-f]+)", seen[7],
                          re.M)
        again = looktest.gdb(machine, [
            "hypsec break at el2 trap_host_sync", "continue",
            "hypsec symbols"], symbols=symbols, go_on=True)
        tap.result("corevisor  at 0x4000000000:" in again[2] and
                   f"linux      at {moved[1]}:" in again[2],
                   "kernel-stays-known-at-el2", again)
        boottest.wait_ready(machine)
        status, lines = machine.shell(
            "grep -E ' T (start_kernel|_stext)$' /proc/kallsyms")
        known = kernel.kallsyms(lines)
        tap.result(status == 0 and where and moved and
                   int(where[1], 16) - known["start_kernel"] in PATCH_ROOM and
                   known["_stext"] - kernel.HEAD_BYTES == int(moved[1], 16),
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
        tap.result(seen.find(r"^\* CPU \d: vm1, EL1, .*<start_kernel(\+8)?>",
                             "hypsec world"), "stops-in-the-vms-start-kernel",
                   seen)
        tap.result("exit_handle" in seen[7] and
                   seen.find("linux +not loaded", 8) and
                   seen.find("hostvisor +at 0x40200000", 8),
                   "host-beside-it-has-its-own", seen)


def another_kernel(tap, folder):
    """Symbols of another build are noticed, and not loaded."""
    image = board.KERNEL.read_bytes()
    at, note = kernel.note_of(image)
    files = {}
    for name, last in ("same", note[-1]), ("other", note[-1] ^ 1):
        files[name] = folder / name
        files[name].write_bytes(kernel.elf_file(
            {"_text": kernel.LINKED, "start": kernel.LINKED + 4096,
             "__primary_switch": kernel.LINKED + 4096,
             "kimage_voffset": kernel.LINKED + len(image)},
            len(image), (at, note[:-1] + bytes([last]))))
    with looktest.debug_board(board.Config()) as machine:
        seen = looktest.gdb(machine, [
            f"hypsec symbols add host {files['same']} linux",
            "hypsec symbols",
            f"hypsec symbols add host {files['other']} linux",
            "hypsec symbols", "hypsec break at host start", "stepi",
            "hypsec linux", "info registers pc",
            # Another kernel in front of this one.
            "maintenance packet Qqemu.PhyMemMode:1",
            "python gdb.selected_inferior().write_memory(0x40000038, "
            "b'ARM\x64')", "maintenance packet Qqemu.PhyMemMode:0",
            f"hypsec symbols add host {files['same']} linux",
            "hypsec symbols"])
        tap.result(seen.find("^host +linux +at 0x40200000", 1) and
                   "another build id" not in seen[0],
                   "kernel-of-the-same-build-id", seen)
        tap.result(seen.find("^hypsec: host: the kernel in its memory is not "
                             f"the one of {files['other']}", 2) and
                   seen.find("^host +linux +not loaded", 3) and
                   "hypsec: " not in seen[5],
                   "kernel-of-another-build-id-is-said-once", seen)
        tap.result("another build id" in seen[4],
                   "no-breakpoint-in-another-kernel", seen[4])
        tap.result("another build id" in seen[6] and
                   re.search(r"^pc +0x4 ", seen[7], re.M),
                   "does-not-run-to-where-another-kernel-moves", seen)
        tap.result(seen.find("^host +linux +at 0x40200000", 12),
                   "kernel-behind-another-one", seen)


def another_kernel_as_vm(tap, folder):
    """The same of a VM; this one has no more of a kernel than its magic."""
    other = folder / "other"
    other.write_bytes(kernel.elf_file(
        {"_text": kernel.LINKED}, 4096, (256, kernel.NOTE + bytes(20))))
    with looktest.guest_board("hello", cpus=1) as machine:
        seen = looktest.gdb(machine, [
            "hypsec break exit --to vm1", "continue", "stepi",
            "python gdb.selected_inferior().write_memory(0x40000038, "
            "b'ARM\x64')", f"hypsec symbols add vm {other} linux",
            "hypsec symbols"])
        said = f"vm1: the kernel in its memory is not the one of {other}"
        tap.result(f"hypsec: {said}" in seen[4] and
                   seen.find(f"^{said}", 5),
                   "kernel-of-another-build-id-in-a-vm", seen)


PATCHABLE = """\
void namesake(void);

static __attribute__((noinline)) void work(void)
{
	__asm__ volatile("nop");
}

void _start(void)
{
	work();
	namesake();
}
"""
# Of the same name, without debug information.
NAMESAKE = """\
	.global namesake
namesake:
	b	work
	.type work, %function
work:	ret
	.size work, . - work
"""


def room_for_patches(tap, folder):
    """A function that debug information has begin behind its symbol, as
    ftrace makes all of Linux's, is one place; its namesake is another."""
    source, program = folder / "patchable.c", folder / "patchable.elf"
    namesake = folder / "namesake.o"
    source.write_text(PATCHABLE)
    subprocess.run(["aarch64-linux-gnu-as", "-o", namesake], check=True,
                   input=NAMESAKE, text=True)
    # Memory is zero there, which gdb takes for no function's beginning.
    subprocess.run(["aarch64-linux-gnu-gcc", "-g", "-O1", "-nostdlib",
                    "-static", "-fpatchable-function-entry=2", "-Wl,-Ttext="
                    "0x50000000", source, namesake, "-o", program],
                   check=True)
    with looktest.debug_board(board.Config()) as machine:
        seen = looktest.gdb(machine, [
            "set breakpoint pending on", "break work",
            f"hypsec symbols add host {program} own",
            "stepi", "info breakpoints", "hypsec break at host work",
            "break work", "hbreak work", "info breakpoints"])
        tap.result(len(re.findall("^Breakpoint ", seen[5], re.M)) == 2 and
                   re.search(r"patchable\.c, line \d+\.$", seen[5], re.M),
                   "one-breakpoint-for-one-place", seen)
        for name, number, listed in (("pending", 1, 4), ("set", 4, 8),
                                     ("hardware", 5, 8)):
            tap.equal(re.findall(rf"^{number}\.\d +([yn])", seen[listed],
                                 re.M), ["n", "y", "y"],
                      f"gdbs-own-breakpoint-stops-once-{name}")


def body(tap):
    with tempfile.TemporaryDirectory(prefix="hypsec-look-") as folder:
        vmlinux = pathlib.Path(folder) / "vmlinux"
        with boottest.host() as machine:
            kernel.make(machine, vmlinux, board.KERNEL.read_bytes())
        host(tap, vmlinux)
        as_vm(tap, vmlinux)
        another_kernel(tap, pathlib.Path(folder))
        another_kernel_as_vm(tap, pathlib.Path(folder))
        room_for_patches(tap, pathlib.Path(folder))


if __name__ == "__main__":
    looktest.run(body)
