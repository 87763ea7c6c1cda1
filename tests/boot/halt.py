#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""With on-violation=halt the first violation stops the machine, visibly."""
import re
import struct

import boottest
import board

FLASH = 0x0
SHT_SYMTAB, STT_FUNC, SYMBOL_BYTES = 2, 2, 24


def backtrace(report):
    """The functions that the addresses of REPORT's backtrace lie in."""
    _, _, frames = report.partition("backtrace")
    addresses = [int(address, 16)
                 for address in re.findall(r"^  (0x[0-9a-f]+)$", frames,
                                           re.MULTILINE)]
    functions = elf_functions(board.FIRMWARE_ELF)
    return [name for address in addresses
            for low, high, name in functions if low < address <= high]


def elf_functions(path):
    """(first byte, byte after the last, name) of each function in an ELF."""
    data = path.read_bytes()
    offset, = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3a)
    # Of each section: type, file offset, size, linked section.
    sections = [struct.unpack_from("<4xI16xQQI", data, offset + i * size)
                for i in range(count)]
    functions = []
    for kind, start, length, link in sections:
        if kind != SHT_SYMTAB:
            continue
        names = sections[link][1]
        for symbol in range(start, start + length, SYMBOL_BYTES):
            name, info, value, extent = struct.unpack_from("<IB3xQQ", data,
                                                           symbol)
            if info & 0xf == STT_FUNC:
                text = data[names + name:data.index(b"\0", names + name)]
                functions.append((value, value + extent, text.decode()))
    return functions


def main(tap):
    with boottest.host(machine="hypsec-virt,on-violation=halt", smp=2,
                       memory="512M",
                       extra=("-action", "panic=pause")) as machine:
        boottest.wait_ready(machine)
        tap.equal(machine.qom_get("/machine/inspect", "panicked"), "0",
                  "no-panic-before-the-violation")
        machine.send(f"devmem {FLASH:#x} 32\n")
        with tap.behaviour("qmp-reports-guest-panicked"):
            machine.wait_event("GUEST_PANICKED", boottest.BOOT_SECONDS)
        tap.equal(machine.qom_get("/machine/inspect", "panicked"), "1",
                  "inspection-says-panicked")
        tap.equal(machine.qmp("query-status")["status"], "guest-panicked",
                  "machine-is-stopped")

        log = machine.el2_log.read_text(errors="replace")
        report = log[log.find("EL2 panic"):]
        tap.result(re.match(r"EL2 panic: .*0x0\b", report),
                   "report/names-the-reason", log)
        for register in ("esr", "elr", "far", "hpfar", "x0", "x30"):
            tap.result(re.search(rf"(?i)\b{register}\b\W+(0x)?[0-9a-f]",
                                 report),
                       f"report/shows-{register}", report)


        tap.result({"panic", "violation", "handle_host_stage2_fault"} <=
                   set(backtrace(report)), "report/backtrace-names-the-callers",
                   f"{backtrace(report)}\n{report}")


boottest.run(main)
