#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Does each correction of spec/ have a test? TAP on stdout.

Arguments: a file of spec/'s directory and the files of tests of defects. A
number of facts section G that a definition there names, under "Corrected" or
not, must be in the name of a test; uncorrected*.[ch] hold the other side.
"""
import re
import sys
from pathlib import Path

NUMBER = re.compile(r'\bG[0-9]+\b')
# As a table of tests has it: { "G16, G63 what it is about", function, 4 },
TEST = re.compile(r'\{ "(G[^"]*)",\s+(\w+), \w+ \}')


def corrections(directory):
    """{number: file}"""
    found = {}
    for path in sorted(directory.glob('*.[ch]')):
        if not path.name.startswith('uncorrected'):
            for number in NUMBER.findall(path.read_text()):
                found.setdefault(number, path.name)
    return found


def tested(files):
    return {number for path in files
            for name, _ in TEST.findall(Path(path).read_text())
            for number in NUMBER.findall(name)}


def main():
    numbers = corrections(Path(sys.argv[1]).parent)
    tests = tested(sys.argv[2:])
    print(f'1..{len(numbers) + 1}')
    # What finds nothing is not a pass.
    good = len(numbers) >= 30
    print(f'{"ok" if good else "not ok"} 1 - numbers in the specification')
    for i, number in enumerate(sorted(numbers, key=lambda g: int(g[1:])), 2):
        has = number in tests
        good = good and has
        print(f'{"ok" if has else "not ok"} {i} - {number} has a test')
        if not has:
            print(f'# {numbers[number]} names {number}')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
