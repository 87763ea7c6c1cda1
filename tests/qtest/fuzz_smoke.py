#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A few rounds of the fuzzer: fuzz_smoke.py TOOLS/fuzz.py. TAP."""

import subprocess
import sys

ROUNDS = 12


def main():
    result = subprocess.run(
        [sys.executable, sys.argv[1], 'inject', '--plain', '--seed', '1',
         '--rounds', str(ROUNDS)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False)
    for line in result.stdout.splitlines():
        print(f'# {line}')
    print('not ok' if result.returncode else 'ok',
          '1 - random-input-neither-crashes-nor-hangs-the-machine')
    print('1..1')


if __name__ == '__main__':
    main()
