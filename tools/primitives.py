#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Does docs/primitives.rst match the code?

The table there has a row for each primitive of the specification: its name,
the seeds that it comes from, the file of firmware/ and the file of spec/ that
define it, and the tests that cover it or why there is no function. This program
checks, and reports with file and line, that

  - each row is sound, no name is there twice, and no primitive of the seeds
    is missing (by their number, or by the texts with --seeds)
  - the function is defined once in firmware/, in that file, under a comment
    whose "Spec:" names the primitive
  - each "Spec:" of firmware/ names a primitive that has a row, above the
    function of that name
  - NAME_spec is defined once in spec/, in that file, and each such function
    has a row
  - each test is there: a quoted path in tests/, or a file of it; and what a
    row says of assembly is there
  - what has a reason for having no function has none

Exit status 0 if all is well, 1 if not, 2 for wrong usage.
"""
import argparse
import collections
import dataclasses
import pathlib
import re
import sys

import mutants

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = 'docs/primitives.rst'
COLUMNS = 5
# How many primitives each seed defines (0, 1, 2) or lists (3).
SEED_NAMES = {'S0': 4, 'S1': 2, 'S2': 2, 'S3': 116}
# A seed in brackets: its text uses the primitive and does not define it.
SEEDS = re.compile(r'(?:S[0-3]|\[S[0-3]\])(?: (?:S[0-3]|\[S[0-3]\]))*|-|own')
# What stands in the place of tests where there is no C function.
REASONS = ('proof only: ', 'replaced: ')
ASSEMBLY = re.compile(r'assembly: (\S+), (\w+)')
# The native build has its own versions of these.
OTHER_BUILD = 'firmware/arch/native/'
SPEC_TAG = re.compile(r'\bSpec:\s*(.*)')
SPEC_NAME = re.compile(r'(?:\w+\.)?(\w+)')


@dataclasses.dataclass(frozen=True)
class Place:
    """Where something is defined."""
    file: str
    line: int

    def __str__(self):
        return f'{self.file}:{self.line}'


@dataclasses.dataclass
class Row:
    place: Place
    name: str
    seeds: str
    firmware: str
    spec: str
    tests: str

    @property
    def has_reason(self):
        return self.tests.startswith(REASONS)

    @property
    def kind(self):
        """What the row says of the primitive, in a word or two."""
        return 'in C' if self.firmware != '-' else \
            self.tests.partition(':')[0]


def _is_tagged(text, start):
    """Whether the comment that ends before START has a "Spec:"."""
    above = text[:start].rstrip()
    return above.endswith('*/') and \
        SPEC_TAG.search(above, above.rindex('/*')) is not None


class Checker:
    """Collects what is wrong."""

    def __init__(self, root):
        self.root = root
        self.errors = []
        self.rows = {}
        self.firmware = self._functions('firmware', '*.[ch]')
        self.spec = self._functions('spec', '*.[ch]')
        self.tags = {}
        self.tests = self._test_names()

    def error(self, place, text):
        self.errors.append(f'{place}: {text}')

    def _files(self, folder, pattern):
        for path in sorted((self.root / folder).rglob(pattern)):
            yield str(path.relative_to(self.root)), \
                path.read_text(encoding='utf-8')

    def _functions(self, folder, pattern):
        """NAME -> the places that define such a function.

        Of the static ones those count that say of which primitive they are,
        and those in headers, which all the others use.
        """
        found = {}
        for file, text in self._files(folder, pattern):
            if file.startswith(OTHER_BUILD):
                continue
            tokens = mutants.tokens_of(text)
            pairs = mutants.partners(tokens)
            for name, first, _ in mutants.functions(tokens, pairs):
                index = pairs[first - 1] - 1
                token = tokens[index]
                while index and tokens[index].text not in '};':
                    index -= 1
                    if tokens[index].text == 'static':
                        break
                if tokens[index].text == 'static' and \
                        not file.endswith('.h') and \
                        not _is_tagged(text, tokens[index].start):
                    continue
                line = text.count('\n', 0, token.start) + 1
                found.setdefault(name, []).append(Place(file, line))
        return found

    def _test_names(self):
        """The quoted paths of the tests -> where they are first."""
        found = {}
        # A literal, or one in several parts.
        literal = re.compile(r'''"[^"\n]*"(?:\s+"[^"\n]*")*|'[^'\n]*[']''')
        for pattern in '*.c', '*.py':
            for file, text in self._files('tests', pattern):
                for match in literal.finditer(text):
                    name = re.sub(r'''"\s+"|["']''', '', match.group())
                    found.setdefault(name, Place(
                        file, text.count('\n', 0, match.start()) + 1))
        return found

    def read_table(self):
        """The rows are the lines that look like NAME, SEEDS, ..."""
        path = self.root / TABLE
        for number, line in enumerate(
                path.read_text(encoding='utf-8').splitlines(), 1):
            place = Place(TABLE, number)
            if not re.match(r'   \w+, ', line):
                continue
            cells = [cell.strip() for cell in
                     line.split(',', COLUMNS - 1)]
            if len(cells) != COLUMNS:
                self.error(place, f'not {COLUMNS} columns')
                continue
            cells[-1] = cells[-1].strip('"')
            row = Row(place, *cells)
            if row.name in self.rows:
                self.error(place, f'{row.name} is in the table twice, also '
                           f'in line {self.rows[row.name].place.line}')
                continue
            self.rows[row.name] = row

    def check_rows(self):
        for row in self.rows.values():
            if not SEEDS.fullmatch(row.seeds):
                self.error(row.place, f'no list of seeds: {row.seeds}')
            self._check_definition(row, row.firmware, self.firmware, row.name,
                                   'firmware/')
            self._check_definition(row, row.spec, self.spec,
                                   f'{row.name}_spec', 'spec/')
            # What is not specified has nothing to name.
            if row.firmware != '-' and row.seeds != 'own' and \
                    row.name not in self.tags:
                self.error(row.place, f'no "Spec:" above {row.name}()')
            self._check_tests(row)
        for seed, wanted in SEED_NAMES.items():
            have = sum(seed in row.seeds.split()
                       for row in self.rows.values())
            if have != wanted:
                self.error(TABLE, f'{have} primitives of {seed}, which has '
                           f'{wanted}')

    def _check_definition(self, row, file, functions, name, folder):
        places = functions.get(name, [])
        if len(places) > 1:
            self.error(places[1], f'{name}() is defined at {places[0]} too')
        elif file == '-' and places:
            self.error(row.place, f'{name}() is at {places[0]}, and the '
                       'table does not say so')
        elif file != '-' and not places:
            self.error(row.place, f'there is no {name}() in {folder}')
        elif file != '-' and places[0].file != folder + file:
            self.error(row.place, f'{name}() is at {places[0]}, not in '
                       f'{folder}{file}')

    def _check_tests(self, row):
        if row.has_reason:
            if row.firmware != '-':
                self.error(row.place, f'{row.name} is there, and a reason why '
                           'not')
            return
        assembly = ASSEMBLY.fullmatch(row.tests)
        if assembly:
            path = self.root / 'firmware' / assembly[1]
            if not path.is_file() or not re.search(
                    rf'\b{assembly[2]}\b', path.read_text(encoding='utf-8'),
                    re.IGNORECASE):
                self.error(row.place, f'no {assembly[2]} in '
                           f'firmware/{assembly[1]}')
            return
        if row.firmware == '-':
            self.error(row.place, f'{row.name} has no function and does not '
                       'say why')
        if not row.tests or row.tests == '-':
            self.error(row.place, f'{row.name} names no test')
            return
        for test in row.tests.split():
            if test not in self.tests and \
                    not (self.root / 'tests' / test).is_file():
                self.error(row.place, f'there is no test {test}')

    def read_tags(self):
        """The "Spec:" lines: each above a function, of a known primitive."""
        for file, text in self._files('firmware', '*.[ch]'):
            if file.startswith(OTHER_BUILD):
                continue
            for comment in re.finditer(r'/\*.*?\*/', text, re.DOTALL):
                tag = SPEC_TAG.search(comment.group())
                if tag:
                    start = comment.start() + tag.start()
                    place = Place(file, text.count('\n', 0, start) + 1)
                    self._read_tag(place, tag[1], text, comment.end())

    def _read_tag(self, place, value, text, end):
        match = SPEC_NAME.match(value)
        name = re.sub(r'_spec[0x]?$', '', match[1]) if match else ''
        below = text.count('\n', 0, end) + 1
        starts = [(other.line, function)
                  for function, places in self.firmware.items()
                  for other in places
                  if other.file == place.file and other.line >= below]
        function = min(starts)[1] if starts else None
        if name not in self.rows:
            self.error(place, f'"{name}" is no primitive of {TABLE}')
        elif function != name:
            self.error(place, f'"Spec: {value}" is above {function}()')
        self.tags[name] = place

    def check_spec(self):
        for name, places in self.spec.items():
            base = re.sub(r'_spec$', '', name)
            if base != name and base not in self.rows:
                self.error(places[0], f'{base} has no row in {TABLE}')

    def check_seeds(self, folder):
        """Against the Coq texts: the names and which seeds they are in."""
        texts = {f'S{path.name[2]}': path.read_text(encoding='utf-8')
                 for path in sorted(folder.glob('00[0-3]_*.txt'))}
        if len(texts) != 4:
            self.error(folder, 'the four seeds are not there')
            return
        listed = {'S3': set(re.findall(r'(\w+) ↦', texts['S3']))}
        used = {}
        for seed in ('S0', 'S1', 'S2'):
            listed[seed] = set(re.findall(
                r'Definition (\w+)_spec\b', texts[seed]))
            used[seed] = set(re.findall(
                r'\b([a-z]\w*?)_(?:spec[0x]?|loop)\b', texts[seed])) | \
                set(re.findall(r'\b([a-z]\w*?)_specx\b', texts[seed]))
        for seed, names in listed.items():
            for name in names - self.rows.keys():
                self.error(TABLE, f'{name} of {seed} is missing')
        for name, row in self.rows.items():
            seeds = [seed if name in listed[seed] else f'[{seed}]'
                     for seed in ('S0', 'S1', 'S2', 'S3')
                     if name in listed[seed] or name in used.get(seed, ())]
            if row.seeds != 'own' and row.seeds != (' '.join(seeds) or '-'):
                self.error(row.place, f'{name} is of '
                           f'{" ".join(seeds) or "no seed"}, not {row.seeds}')
        for seed, names in used.items():
            for name in names - self.rows.keys():
                self.error(TABLE, f'{name}, which {seed} uses, is missing')

    def place_of(self, functions, name):
        places = functions.get(name)
        return str(places[0]) if places else '-'

    def print_map(self):
        for row in self.rows.values():
            tests = row.tests
            if row.firmware != '-':
                tests = ' '.join(f'{test} ({self.tests.get(test, "a file")})'
                                 for test in row.tests.split())
            print(f'{row.name:32} {self.place_of(self.firmware, row.name):36}'
                  f' {self.place_of(self.spec, row.name + "_spec"):28} '
                  f'{tests}')

    def update(self):
        """Write the columns that follow from the code."""
        path = self.root / TABLE
        lines = path.read_text(encoding='utf-8').splitlines()
        for row in self.rows.values():
            files = []
            for folder, functions, name in (
                    ('firmware/', self.firmware, row.name),
                    ('spec/', self.spec, f'{row.name}_spec')):
                places = functions.get(name)
                files.append(places[0].file[len(folder):] if places else '-')
            tests = f'"{row.tests}"' if ',' in row.tests else row.tests
            lines[row.place.line - 1] = \
                f'   {row.name}, {row.seeds}, {files[0]}, {files[1]}, {tests}'
        path.write_text('\n'.join(lines) + '\n', encoding='utf-8')


def main(argv):
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--print', action='store_true',
                        help='print name, firmware, spec and tests of each '
                        'primitive, with lines')
    parser.add_argument('--update', action='store_true',
                        help='write the columns of files anew from the code')
    parser.add_argument('--seeds', type=pathlib.Path, metavar='DIR',
                        help='compare with the Coq texts in DIR, 000_*.txt to '
                        '003_*.txt, too')
    parser.add_argument('--root', type=pathlib.Path, default=ROOT,
                        help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    checker = Checker(args.root)
    checker.read_table()
    if args.update:
        checker.update()
        checker = Checker(args.root)
        checker.read_table()
    checker.read_tags()
    checker.check_rows()
    checker.check_spec()
    if args.seeds:
        checker.check_seeds(args.seeds)
    if args.print:
        checker.print_map()
    print('\n'.join(checker.errors), file=sys.stderr)
    kinds = collections.Counter(row.kind for row in checker.rows.values())
    print(f'{len(checker.rows)} primitives: ' +
          ', '.join(f'{count} {kind}' for kind, count in kinds.most_common())
          + f'; {len(checker.errors)} errors')
    return 1 if checker.errors else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
