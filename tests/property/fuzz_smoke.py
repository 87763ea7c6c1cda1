#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A few seconds of ./hypsec fuzz memory and vcpus, where clang is installed.

usage: fuzz_smoke.py FUZZ-SCRIPT
"""

import re
import shutil
import subprocess
import sys
import tempfile

SECONDS = 10


def can_link_a_fuzzer():
    if not shutil.which('clang'):
        return False
    with tempfile.TemporaryDirectory() as folder:
        source = f'{folder}/x.c'
        with open(source, 'w', encoding='ascii') as file:
            file.write('int LLVMFuzzerTestOneInput(const char *d, long n);\n'
                       'int LLVMFuzzerTestOneInput(const char *d, long n)\n'
                       '{ return 0 * *d * n; }\n')
        return subprocess.run(
            ['clang', '-fsanitize=fuzzer,address', source, '-o',
             f'{folder}/x'], check=False, capture_output=True).returncode == 0


def main():
    if not can_link_a_fuzzer():
        print('1..0 # SKIP no clang with libFuzzer here')
        return 0
    passed = True
    print('1..2')
    for n, what in enumerate(['memory', 'vcpus'], 1):
        run = subprocess.run(
            [sys.executable, sys.argv[1], what, '--seconds', str(SECONDS)],
            check=False, capture_output=True, text=True)
        last = (run.stdout.splitlines() or [''])[-1]
        steps = re.match(r'(\d+) specification steps .* 0 findings', last)
        good = run.returncode == 0 and steps and int(steps[1]) > 0
        for line in (run.stdout + run.stderr).splitlines():
            print('#', line)
        print(f'{"ok" if good else "not ok"} {n} - fuzz {what}')
        passed = passed and good
    return 0 if passed else 1


if __name__ == '__main__':
    sys.exit(main())
