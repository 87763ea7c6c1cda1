#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A short ./hypsec soak: no wrong value."""
import pathlib
import re
import subprocess
import sys

import boottest

SOAK = pathlib.Path(__file__).resolve().parents[2] / "tools/soak.py"
SECONDS = 20
LIMIT = 400


def main(tap):
    done = subprocess.run(
        [sys.executable, SOAK, "--seconds", str(SECONDS)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=LIMIT, check=False)
    tap.result(done.returncode == 0 and "HYPSEC-SOAK-OK" in done.stdout,
               "ends-well", done.stdout + done.stderr)
    for what in ("lives", "interrupts", "shares"):
        count = re.search(rf"HYPSEC-SOAK-OK.* {what}=(\d+)", done.stdout)
        tap.result(count and int(count[1]) > 0, f"there-were-{what}")


boottest.run(main)
