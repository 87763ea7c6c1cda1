#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""With on-violation=halt the first violation stops the machine, visibly."""
import re

import boottest

FLASH = 0x0


def main(tap):
    with boottest.host(machine="hypsec-virt,on-violation=halt", smp=2,
                       memory="512M",
                       extra=("-action", "panic=pause")) as machine:
        boottest.wait_ready(machine)
        tap.equal(machine.qom_get("/machine/inspect", "panicked"), "0",
                  "no-panic-before-the-violation")
        machine.send(f"devmem {FLASH:#x} 32\n")
        with tap.behaviour("qmp-reports-guest-panicked"):
            machine.wait_event("GUEST_PANICKED", 30)
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


boottest.run(main)
