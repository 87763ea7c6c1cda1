#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine's state can be saved: vmstate.py QEMU CHECKER.

TAP. CHECKER is QEMU's vmstate-static-checker.py, which compares what
-dump-vmstate says of two machines; against itself a dump is sound if every
description in it can be read.
"""

import json
import subprocess
import sys
import tempfile

MACHINE = 'hypsec-virt'
# With every device that an option adds.
OPTIONS = MACHINE + ',dma=on,inject=on'
TIMEOUT = 60


def run(*command, stdin=''):
    return subprocess.run(command, input=stdin, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=TIMEOUT, check=False)


def dump(qemu, name):
    """Returns what QEMU says, and the description of our machine."""
    result = run(qemu, '-M', OPTIONS, '-dump-vmstate', name)
    if result.returncode != 0:
        return result.stdout, {}
    with open(name, encoding='utf-8') as file:
        return result.stdout, json.load(file)


def report(number, ok, name, output):
    print(f"{'ok' if ok else 'not ok'} {number} - {name}")
    if not ok:
        for line in output.splitlines():
            print(f'# {line}')


def main():
    qemu, checker = sys.argv[1:]
    with tempfile.NamedTemporaryFile(suffix='.json') as file:
        output, state = dump(qemu, file.name)
        report(1, state.get('vmschkmachine', {}).get('Name') == MACHINE,
               'dump-describes-the-machine', output)
        check = run(sys.executable, checker, '-s', file.name, '-d', file.name)
        report(2, check.returncode == 0, 'static-checker-agrees', check.stdout)
    # With a device that cannot be saved the machine would not start.
    start = run(qemu, '-M', OPTIONS, '-only-migratable', '-S', '-nodefaults',
                '-display', 'none', '-monitor', 'stdio', stdin='quit\n')
    report(3, start.returncode == 0, 'starts-with-only-migratable',
           start.stdout)
    print('1..3')


if __name__ == '__main__':
    main()
