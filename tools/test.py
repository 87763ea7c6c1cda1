#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run test suites with "meson test" and count what they tested.

Called by ./hypsec test after the build. Meson shows the progress; this script
shows the output of what failed and counts TAP subtests, so that the totals say
how many behaviours were checked, not how many programs ran.

The last line of the output is exactly "N passed, N failed, N skipped", with
--shard followed by " (shard K/N: N of N programs)". Exit status 0 if nothing
failed and something was executed, 1 otherwise, 2 for an unknown suite or wrong
usage.
"""

import argparse
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def programs_of(meson, build):
    """(suite, name) of every test program, in the order of the build."""
    tests = json.loads(subprocess.check_output(
        [meson, 'introspect', '--tests', build], text=True))
    # Meson writes PROJECT:SUITE.
    return [(suite.split(':')[-1], test['name'])
            for test in tests for suite in test['suite']]


def shard_of(programs, shard):
    """The names that are part K of N of the PROGRAMS.

    It depends on their suites and names alone, so that machines agree: every
    program is in exactly one part. Going round through each suite spreads
    long ones; a name is run wherever it is in a suite, so it is dealt once.
    """
    part, parts = shard
    names = list(dict.fromkeys(name for _, name in sorted(programs)))
    return names[part - 1::parts]


def shard(text):
    """The value of --shard: K/N as two numbers."""
    found = re.fullmatch(r'([1-9]\d{0,4})/([1-9]\d{0,4})', text, re.ASCII)
    if not found or int(found[1]) > int(found[2]):
        raise argparse.ArgumentTypeError(
            f'{text!r} is not K/N with K from 1 to N')
    return int(found[1]), int(found[2])


def plain(name):
    """SUITE/TEST of the names in Meson's logs, "PROJECT:SUITE / TEST".

    With a single suite in the build Meson leaves the first part out.
    """
    suite, slash, test = name.partition(' / ')
    if not slash:
        return name
    suite = suite.split(':')[-1]
    return test if test.startswith(suite + '/') else f'{suite}/{test}'


def load_outcomes(folder):
    """NAME -> (result, return code, output) of each program that was run."""
    outcomes = {}
    log = folder / 'testlog.json'
    for line in log.read_text().splitlines() if log.exists() else []:
        test = json.loads(line)
        outcomes[plain(test['name'])] = (
            test['result'], test.get('returncode'),
            test.get('stdout', '') + test.get('stderr', ''))
    return outcomes


def load_cases(folder):
    """NAME -> the <testsuite> element that Meson wrote for that program."""
    log = folder / 'testlog.junit.xml'
    if not log.exists():
        return {}
    suites = {}
    for suite in ET.parse(log).getroot().iter('testsuite'):
        project, dot, name = suite.get('name').partition('.')
        if dot:
            suite.set('name', plain(name))
            suites[plain(name)] = suite
            continue
        # Programs without subtests share one <testsuite>, named after the
        # project: give each its own.
        for case in suite.findall('testcase'):
            name = plain(case.get('name'))
            own = ET.Element('testsuite', name=name, time=case.get('time', '0'))
            case.set('name', name)
            own.append(case)
            suites[name] = own
    return suites


def is_case(case, *kinds):
    return any(case.find(kind) is not None for kind in kinds)


def plans_nothing(case):
    """A plan of no subtests without a reason: something is amiss.

    QEMU's generic tests print it when they do not find our machine.
    """
    return any(re.search(r'^1\.\.0\s*$', out.text or '', re.MULTILINE)
               for out in case.findall('system-out'))


def add_case(suite, name, kind, text):
    case = ET.SubElement(suite, 'testcase', name=name,
                         classname=suite.get('name'))
    ET.SubElement(case, kind, message=text)


def collect(outcomes, cases):
    """Merge both logs to one <testsuites> element with honest counts.

    A program can fail although all its reported subtests passed: it crashed,
    ran out of time, or exited with an error. That is one more failed case.
    """
    root = ET.Element('testsuites')
    for name in list(cases) + [n for n in outcomes if n not in cases]:
        suite = cases.get(name)
        if suite is None:
            suite = ET.Element('testsuite', name=name, time='0')
        root.append(suite)
        result, code, _ = outcomes.get(name, ('ERROR', None, ''))
        found = suite.findall('testcase')
        for case in found:
            if is_case(case, 'skipped') and plans_nothing(case):
                case.remove(case.find('skipped'))
                ET.SubElement(case, 'error', message='it found nothing to test')
        bad = [c for c in found if is_case(c, 'failure', 'error')]
        if result in ('OK', 'EXPECTEDFAIL'):
            if not found:
                add_case(suite, name, 'error', 'no subtest was reported')
        elif result == 'SKIP':
            if not found:
                add_case(suite, name, 'skipped', 'skipped as a whole')
        elif not bad:
            add_case(suite, f'{name} as a whole', 'error',
                     f'{result}, exit status {code}')
        found = suite.findall('testcase')
        suite.set('tests', str(len(found)))
        for kind, attribute in (('failure', 'failures'), ('error', 'errors'),
                                ('skipped', 'skipped')):
            suite.set(attribute, str(sum(is_case(c, kind) for c in found)))
    for attribute in ('tests', 'failures', 'errors', 'skipped'):
        root.set(attribute, str(sum(int(s.get(attribute)) for s in root)))
    return root


def report_failures(root, outcomes):
    """For each program that failed its output, then a list of all failures.

    Of the output, subtests that passed are left out, and all but the end.
    """
    failures = []
    for suite in root:
        bad = [c for c in suite.findall('testcase')
               if is_case(c, 'failure', 'error')]
        if not bad:
            continue
        name = suite.get('name')
        lines = [line for line in outcomes.get(name, ('', 0, ''))[2].splitlines()
                 if not re.match(r'ok \d+|# (Start|End) of ', line)]
        print(f'--- {name}: output')
        print('\n'.join('  | ' + line for line in lines[-50:]))
        for case in bad:
            for why in case.findall('failure') + case.findall('error'):
                text = why.get('message') or why.text or ''
                text = f' ({text})' if text else ''
                failures.append(f'FAILED: {name}: {case.get("name")}{text}')
    print('\n'.join(failures))


def totals(root):
    failed = int(root.get('failures')) + int(root.get('errors'))
    skipped = int(root.get('skipped'))
    return int(root.get('tests')) - failed - skipped, failed, skipped


def run_meson(meson, build, suites, names):
    """Run the suites, of them only NAMES if there are any; return outcomes,
    merged results and Meson's status."""
    logs = build / 'meson-logs'
    for name in ('testlog.json', 'testlog.junit.xml'):
        (logs / name).unlink(missing_ok=True)
    command = [meson, 'test', '-C', build, '--no-rebuild']
    for suite in suites:
        command += ['--suite', suite]
    command += names
    # Meson's own summary counts programs; ours below counts subtests.
    with subprocess.Popen(command, stdin=subprocess.DEVNULL,
                          stdout=None if sys.stdout.isatty()
                          else subprocess.PIPE, text=True,
                          errors='replace') as process:
        for line in process.stdout or []:
            if not re.match(r'ninja: (Entering|no work)', line):
                print(line, end='', flush=True)
    outcomes = load_outcomes(logs)
    return outcomes, collect(outcomes, load_cases(logs)), process.returncode


def main():
    parser = argparse.ArgumentParser(
        prog='./hypsec test', description=__doc__.splitlines()[0])
    parser.add_argument('suites', metavar='SUITE', nargs='*')
    parser.add_argument('--junit', metavar='FILE', type=Path)
    parser.add_argument('--shard', metavar='K/N', type=shard)
    parser.add_argument('--list', action='store_true')
    parser.add_argument('--build', type=Path, required=True,
                        help=argparse.SUPPRESS)
    parser.add_argument('--check', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_intermixed_args()

    stamp = args.build / '.meson'
    if not stamp.exists():
        parser.exit(1, f'{parser.prog}: nothing is built in {args.build}; '
                    'run ./hypsec build\n')
    meson = stamp.read_text().splitlines()[0]
    programs = programs_of(meson, args.build)
    known = list(dict.fromkeys(suite for suite, _ in programs))
    unknown = [s for s in args.suites if s not in known]
    if unknown:
        parser.error(f'there is no suite {", ".join(map(repr, unknown))}; '
                     f'the suites are: {" ".join(known)}')
    if args.junit and not args.junit.resolve().parent.is_dir():
        parser.error(f'--junit: the folder of {args.junit} does not exist')
    if args.junit and args.junit.is_dir():
        parser.error(f'--junit: {args.junit} is a folder')
    suites = args.suites or known
    programs = [p for p in programs if p[0] in suites]
    names = shard_of(programs, args.shard) if args.shard else []
    # All machines shall find out, not only the one that gets nothing.
    if args.shard and args.shard[1] > len({name for _, name in programs}):
        parser.error(f'--shard: {args.shard[1]} is more parts than the '
                     f'{len(programs)} test programs')
    if args.list:
        print('\n'.join(plain(f'{suite} / {name}') for suite, name in programs
                        if name in names or not names))
    if args.check or args.list:
        return 0

    outcomes, root, status = run_meson(meson, args.build, suites, names)
    place = ''
    if args.shard:
        place = f'shard {args.shard[0]}/{args.shard[1]}'
        root.set('name', place)
        place = f' ({place}: {len(names)} of {len(programs)} programs)'
    if args.junit:
        ET.indent(root)
        ET.ElementTree(root).write(args.junit, encoding='utf-8',
                                   xml_declaration=True)
    print()
    report_failures(root, outcomes)
    passed, failed, skipped = totals(root)
    if passed + failed == 0:
        print('FAILED: not a single test was executed')
    elif status and not failed:
        print(f'FAILED: meson test ended with status {status}; '
              f'its log is {args.build}/meson-logs/testlog.txt')
        failed += 1
    print(f'{passed} passed, {failed} failed, {skipped} skipped{place}')
    return 0 if passed and not failed else 1


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
