#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Self-tests of ./hypsec, tools/setup.sh and tools/test.py; TAP on stdout.

No network, no root, nothing outside a temporary folder is written.
"""

import contextlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(os.environ.get('HYPSEC_ROOT',
                           Path(__file__).resolve().parents[2]))

sys.dont_write_bytecode = True
import taptest  # noqa: E402

spec = importlib.util.spec_from_file_location('runner', ROOT / 'tools/test.py')
runner = importlib.util.module_from_spec(spec)
spec.loader.exec_module(runner)


def run(*command, **env):
    """Run a command without the caller's HYPSEC_* settings."""
    clean = {k: v for k, v in os.environ.items()
             if not k.startswith('HYPSEC_')}
    return subprocess.run([str(c) for c in command], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          env=dict(clean, **env))


def suite(name, *cases):
    """A <testsuite> as Meson writes it; a case is a list of child tags."""
    element = ET.Element('testsuite', name=name)
    for number, children in enumerate(cases, 1):
        case = ET.SubElement(element, 'testcase', name=f'{number} case')
        for tag in children:
            ET.SubElement(case, tag)
    return element


def counted(outcomes, cases):
    outcomes = {name: (*outcome, '') for name, outcome in outcomes.items()}
    return runner.totals(runner.collect(outcomes, cases))


# --- Counting --------------------------------------------------------------

def test_counts_subtests(_):
    cases = {'a': suite('a', [], [], ['failure'], ['skipped'])}
    assert counted({'a': ('FAIL', 1)}, cases) == (2, 1, 1)


def test_crash_after_good_subtests_fails(_):
    assert counted({'a': ('ERROR', -6)}, {'a': suite('a', [], [])}) == (2, 1, 0)


def test_timeout_without_subtests_fails(_):
    assert counted({'a': ('TIMEOUT', -15)}, {}) == (0, 1, 0)


def test_program_without_subtests_fails(_):
    assert counted({'a': ('OK', 0)}, {}) == (0, 1, 0)


def test_plan_of_nothing_fails(_):
    cases = {'a': suite('a', ['skipped'])}
    ET.SubElement(cases['a'][0], 'system-out').text = '# Start\n1..0\n'
    assert counted({'a': ('SKIP', 0)}, cases) == (0, 1, 0)


def test_reasoned_skip_is_a_skip(_):
    cases = {'a': suite('a', ['skipped'])}
    ET.SubElement(cases['a'][0], 'system-out').text = '1..0 # SKIP no kvm\n'
    assert counted({'a': ('SKIP', 0)}, cases) == (0, 0, 1)


def test_names_of_meson_are_shortened(_):
    assert runner.plain('hypsec-virt:boot / halt') == 'boot/halt'
    assert runner.plain('hypsec-virt:boot / boot/halt') == 'boot/halt'
    assert runner.plain('halt') == 'halt'


def test_output_of_failures_is_shown(_):
    root = runner.collect({'a': ('FAIL', 1, 'ok 1 - x\n# why\nnot ok 2 - y\n')},
                          {'a': suite('a', [], ['failure'])})
    with contextlib.redirect_stdout(io.StringIO()) as out:
        runner.report_failures(
            root, {'a': ('FAIL', 1, 'ok 1 - x\n# why\nnot ok 2 - y\n')})
    assert out.getvalue().splitlines() == [
        '--- a: output', '  | # why', '  | not ok 2 - y', 'FAILED: a: 2 case'], \
        out.getvalue()


def run_tests(code):
    return run(sys.executable, '-c', f"""
import sys
sys.path.insert(0, {str(ROOT / 'tests/driver')!r})
import taptest
{code}
taptest.main(globals())
""")


def test_what_a_test_prints_is_shown_if_it_fails(_):
    done = run_tests("""
def test_good():
    print('not ok 9 - kept')
def test_bad():
    print('not ok 9 - why')
    assert False
""")
    assert done.returncode == 1 and 'kept' not in done.stdout and \
        '\n# not ok 9 - why\n' in done.stdout, done


def test_a_program_that_ends_early_fails(_):
    # Meson takes a program without a plan that ends well.
    for status, expected in ((0, 1), (3, 3)):
        done = run_tests(f"""
def test_one(): pass
def test_two(): sys.exit({status})
def test_three(): pass
""")
        assert done.returncode == expected and 'ok 1 - one' in done.stdout \
            and 'ok 3' not in done.stdout, done


# --- Parts of the tests ----------------------------------------------------

PROGRAMS = [(suite, f'{suite}/{name}') for suite in ('unit', 'qtest', 'boot')
            for name in 'abcdefghijk'] + [('boot', 'plain'), ('docs', 'plain')]


def test_parts_are_disjoint_and_complete(_):
    for parts in range(1, 33):
        dealt = [name for part in range(1, parts + 1)
                 for name in runner.shard_of(PROGRAMS, (part, parts))]
        assert len(dealt) == len(set(dealt)), dealt
        assert set(dealt) == {name for _, name in PROGRAMS}, dealt


def test_parts_are_alike_in_size_of_every_suite(_):
    for part in range(1, 5):
        mine = runner.shard_of(PROGRAMS, (part, 4))
        for suite in 'unit', 'qtest', 'boot':
            count = sum(name.startswith(suite) for name in mine)
            assert 2 <= count <= 3, (part, mine)


def test_parts_do_not_depend_on_the_order(_):
    assert runner.shard_of(PROGRAMS[::-1], (2, 5)) == \
        runner.shard_of(PROGRAMS, (2, 5))


MESON = f'''#!{sys.executable}
"""Stands for Meson: three programs, one test each."""
import json, pathlib, sys
names = ["a", "b", "c"]
if sys.argv[1] == "introspect":
    print(json.dumps([{{"name": n, "suite": ["p:unit"]}} for n in names]))
    sys.exit(0)
build = pathlib.Path(sys.argv[sys.argv.index("-C") + 1])
ran = [word for word in sys.argv[2:] if word in names] or names
logs = build / "meson-logs"
logs.mkdir(exist_ok=True)
(logs / "testlog.json").write_text("".join(json.dumps(
    {{"name": f"p:unit / {{n}}", "result": "OK", "returncode": 0}}) + chr(10)
    for n in ran))
(logs / "testlog.junit.xml").write_text("<testsuites>" + "".join(
    f\'<testsuite name="p.unit / {{n}}"><testcase name="x"/></testsuite>\'
    for n in ran) + "</testsuites>")
'''


def test_a_part_runs_and_says_so(folder):
    (folder / 'meson').write_text(MESON)
    (folder / 'meson').chmod(0o755)
    (folder / '.meson').write_text(f'{folder}/meson\n')
    xml = folder / 'junit.xml'

    def tests(*words):
        return run(sys.executable, ROOT / 'tools/test.py', '--build', folder,
                   *words)

    seen = []
    for part in '1/2', '2/2':
        result = tests('--shard', part, '--junit', xml)
        count = '2' if part == '1/2' else '1'
        assert result.returncode == 0, result
        assert result.stdout.splitlines()[-1] == \
            f'{count} passed, 0 failed, 0 skipped (shard {part}: {count} ' \
            'of 3 programs)', result
        root = ET.parse(xml).getroot()
        assert root.get('name') == f'shard {part}'
        names = [suite.get('name') for suite in root]
        listed = tests('--shard', part, '--list').stdout.split()
        assert listed == names, (listed, names)
        seen += names
    assert seen == ['unit/a', 'unit/c', 'unit/b'], seen
    whole = tests()
    assert whole.stdout.endswith('\n3 passed, 0 failed, 0 skipped\n'), whole


def test_wrong_parts_are_wrong_usage(folder):
    (folder / 'meson').write_text(MESON)
    (folder / 'meson').chmod(0o755)
    (folder / '.meson').write_text(f'{folder}/meson\n')
    for text in '0/2', '3/2', '1/0', 'x', '1', '1/2/3', '-1/2', '1/4':
        result = run(sys.executable, ROOT / 'tools/test.py', '--build', folder,
                     f'--shard={text}')
        assert result.returncode == 2 and '--shard' in result.stderr, result
        assert 'Traceback' not in result.stderr, result


# --- The command line ------------------------------------------------------

def test_unknown_command_is_wrong_usage(_):
    result = run(ROOT / 'hypsec', 'tset')
    assert result.returncode == 2 and "'tset'" in result.stderr, result


def test_every_command_explains_itself(_):
    for command in ('setup', 'build', 'test', 'clean', 'run', 'bench', 'fuzz',
                    'coverage', 'mutate', 'soak', 'trace', 'sign', 'docs'):
        for words in (command, '--help'), ('help', command):
            result = run(ROOT / 'hypsec', *words)
            assert result.returncode == 0, (words, result)
            assert 'usage: ' in result.stdout, (words, result)


def test_clean_refuses_other_arguments(_):
    assert run(ROOT / 'hypsec', 'clean', 'everything').returncode == 2


def test_setup_refuses_other_arguments(_):
    for words in (['tests'], ['--tests', '--tests'], ['--all'],
                  ['--linux-symbols', '--all'],
                  ['--tests', '--linux-symbols', '--tests']):
        result = run(ROOT / 'hypsec', 'setup', *words)
        assert result.returncode == 2, result
        assert 'no arguments but --tests and --linux-symbols' in \
            result.stderr, result


PACKAGES_OF_TESTS = (
    (['unit'], False), (['qtest', 'boot'], False), (['docs'], True),
    (['unit', 'look'], True), ([], True), (['--junit', 'x.xml'], True))


def test_large_packages_only_for_tests_that_use_them(folder):
    command = driver(folder)
    # Stands for all that the driver calls, and notes what it is called for.
    (folder / 'tools/setup.sh').write_text('echo "$1" >>"$2/../modes"\n')
    (folder / 'tools/test.py').write_text('')
    programs = folder / 'bin'
    programs.mkdir()
    (programs / 'ninja').write_text('#!/bin/sh\n')
    (programs / 'ninja').chmod(0o755)
    for words, wanted in PACKAGES_OF_TESTS:
        (folder / 'modes').write_text('')
        result = run(command, 'test', *words,
                     PATH=f'{programs}:{os.environ["PATH"]}')
        assert result.returncode == 0, result
        modes = (folder / 'modes').read_text().split()
        assert ('tests' in modes) == wanted, (words, modes)


def driver(folder):
    """A clone without a build folder: the driver and its tools."""
    shutil.copy(ROOT / 'hypsec', folder)
    shutil.copytree(ROOT / 'tools', folder / 'tools')
    return folder / 'hypsec'


def test_no_build_is_no_build(folder):
    command = driver(folder)
    for name in 'setup', 'build':
        result = run(command, name, HYPSEC_NO_BUILD='1')
        assert result.returncode == 1, result
        assert 'HYPSEC_NO_BUILD is set' in result.stderr, result
    for words, told in (
            (['run', '--batch'], 'does not exist; build it with'),
            (['test', 'unit'], 'nothing is built in'),
            (['build'], 'nothing is built')):
        result = run(command, *words, HYPSEC_NO_BUILD='1')
        assert result.returncode == 1 and told in result.stderr, result
        assert 'Traceback' not in result.stderr, result
    assert not (folder / 'build').exists()


# --- Set-up ----------------------------------------------------------------

def setup(folder, mode, **env):
    return run('sh', ROOT / 'tools/setup.sh', mode, folder / 'build',
               HYPSEC_CACHE=str(folder / 'cache'), **env)


def tree(folder, version):
    """Something that claims to be a QEMU source tree."""
    source = folder / 'qemu'
    source.mkdir()
    (source / 'VERSION').write_text(version + '\n')
    return source


def test_other_qemu_is_refused(folder):
    result = setup(folder, 'qemu-tree',
                   HYPSEC_QEMU_SRC=str(tree(folder, '9.2.0')))
    assert result.returncode == 1, result
    assert 'version 9.2.0, not 10.0.x' in result.stderr, result
    assert 'what to do:' in result.stderr, result


def test_qemu_that_is_no_folder_is_refused(folder):
    result = setup(folder, 'qemu-tree', HYPSEC_QEMU_SRC=str(folder / 'no'))
    assert result.returncode == 1 and 'not a folder' in result.stderr, result


def test_failed_patch_leaves_no_tree(folder):
    source = tree(folder, '10.0.3')
    result = setup(folder, 'qemu-tree', HYPSEC_QEMU_SRC=str(source))
    assert result.returncode == 1, result
    assert 'joining our machine to QEMU' in result.stderr, result
    assert not (folder / 'build/sources/qemu').exists()
    assert not list((folder / 'build/sources').glob('.tmp*'))
    assert [p.name for p in source.iterdir()] == ['VERSION']


# --- Linux's symbols -------------------------------------------------------

APT = '''#!/bin/sh
echo "$*" >>"$0.calls"
case $* in
*update*) echo "$APT_SAYS" >&2; exit $APT_STATUS ;;
*show*) echo "Version: $APT_VERSION" ;;
*print-uris*) ;;
*download*) cp "$APT_PACKAGE" . ;;
*) exit 100 ;;
esac
'''


def kernel_in(folder):
    """The kernel of an earlier set-up."""
    boot = folder / 'build/sources/linux-image/boot'
    boot.mkdir(parents=True)
    (boot / 'vmlinuz-9.9-cloud').write_text('')
    (folder / 'build/sources/.linux-image').write_text('/cache/image/9.9.1-2')


def apt(folder):
    """A PATH whose apt has another version, and for which all is installed."""
    programs = folder / 'bin'
    programs.mkdir()
    for name in 'apt-get', 'apt-cache':
        (programs / name).write_text(APT)
    (programs / 'dpkg-query').write_text(
        '#!/bin/sh\nfor p; do echo "ii  $p"; done\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    (folder / 'sources.list').write_text(
        'deb http://one.invalid/debian stable main\n')
    (folder / 'apt.conf').write_text(
        f'Dir::Etc::sourcelist "{folder}/sources.list";\n'
        'Dir::Etc::sourceparts "/dev/null";\n')
    return {'PATH': f'{programs}:{os.environ["PATH"]}',
            'APT_CONFIG': str(folder / 'apt.conf'), 'APT_STATUS': '0',
            'APT_SAYS': '', 'APT_VERSION': '9.9.2-1'}


def test_symbols_are_of_the_kernel_that_is_there(folder):
    result = setup(folder, 'linux-symbols')
    assert result.returncode == 1 and 'there is no kernel in' in \
        result.stderr, result
    kernel_in(folder)
    result = setup(folder, 'linux-symbols', **apt(folder))
    assert result.returncode == 1, result
    assert "has no linux-image-9.9-cloud-dbg of version 9.9.1-2, the " \
        "kernel's" in result.stderr, result
    assert './hypsec clean --cache' in result.stderr, result
    assert not (folder / 'build/sources/linux-symbols').exists()


def test_tests_do_without_symbols(folder):
    kernel_in(folder)
    env = dict(apt(folder), APT_STATUS='100', APT_SAYS='E: no such network')
    result = setup(folder, 'tests', **env)
    assert result.returncode == 0 and not result.stderr, result
    assert 'no symbols of Linux, and no tests of them: no such network' in \
        result.stdout, result
    why = folder / 'build/sources/.no-linux-symbols'
    assert why.read_text() == 'no such network\n'
    calls = (folder / 'bin/apt-get.calls').read_text()
    # Once is enough.
    result = setup(folder, 'tests', **env)
    assert result.returncode == 0 and not result.stdout, result
    assert (folder / 'bin/apt-get.calls').read_text() == calls


def package(folder, *paths):
    """A Debian package with empty files but for the last of PATHS."""
    content = folder / 'content'
    shutil.rmtree(content, ignore_errors=True)
    (content / 'DEBIAN').mkdir(parents=True)
    (content / 'DEBIAN/control').write_text(
        'Package: linux\nVersion: 9.9.1-2\nArchitecture: all\n'
        'Maintainer: maintainers\nDescription: symbols\n')
    for path in paths:
        (content / path).parent.mkdir(parents=True, exist_ok=True)
        (content / path).write_text('symbols' if path == paths[-1] else '')
    subprocess.run(['dpkg-deb', '--build', '--root-owner-group', '-Znone',
                    content, folder / 'linux.deb'], check=True,
                   stdout=subprocess.DEVNULL)
    return folder / 'linux.deb'


def test_symbols_are_what_is_kept_of_the_package(folder):
    kernel_in(folder)
    made = package(folder, 'usr/lib/debug/lib/modules/9.9/vmlinux-no',
                   'usr/lib/debug/boot/vmlinux-9.9-cloud')
    env = dict(apt(folder), APT_VERSION='9.9.1-2', APT_PACKAGE=str(made))
    whole = made.read_bytes()
    other = package(folder, 'usr/lib/debug/lib/modules/9.9/vmlinux-no')
    cut = whole[:whole.rindex(b'symbols') + 3]
    for spoilt in (b'', whole[:100], cut, other.read_bytes()):
        made.write_bytes(spoilt)
        result = setup(folder, 'linux-symbols', **env)
        assert result.returncode == 1, result
        assert "FAILED: Linux's symbols: unpacking" in result.stderr, result
        assert not (folder / 'build/sources/linux-symbols').exists()
        assert not [*(folder / 'cache/download').iterdir()]
    made.write_bytes(whole)
    result = setup(folder, 'linux-symbols', **env)
    assert result.returncode == 0, result
    placed = folder / 'build/sources/linux-symbols'
    assert [(path.name, path.read_text()) for path in placed.iterdir()] == \
        [('vmlinux', 'symbols')]


def test_symbols_that_are_there_take_no_network(folder):
    kernel_in(folder)
    cached = folder / 'cache/sources/linux-image-9.9-cloud-dbg/9.9.1-2'
    cached.mkdir(parents=True)
    (cached / 'vmlinux').write_text('symbols')
    env = apt(folder)
    for _ in range(2):
        result = setup(folder, 'linux-symbols', **env)
        assert result.returncode == 0, result
    placed = folder / 'build/sources/linux-symbols/vmlinux'
    assert placed.read_text() == 'symbols'
    assert not (folder / 'bin/apt-get.calls').exists()


SOURCES = '''\
# deb http://old.invalid/debian bookworm main
Types: deb deb-src
URIs: http://one.invalid/debian
  http://two.invalid/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/a.gpg

Types: deb-src
URIs: http://sources.invalid/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://off.invalid/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb
URIs: http://embedded.invalid/debian
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abcdef
'''
LIST = '''\
deb http://three.invalid/debian bookworm main # the usual
deb [arch=amd64 signed-by=/k.gpg] http://four.invalid/debian bookworm non-free main
deb-src http://five.invalid/debian bookworm main
deb http://six.invalid/debian bookworm contrib
'''


def test_apt_sources_of_both_formats_are_read(folder):
    parts = folder / 'parts'
    parts.mkdir()
    (parts / 'a.sources').write_text(SOURCES)
    (folder / 'sources.list').write_text(LIST)
    (folder / 'apt.conf').write_text(
        f'Dir::Etc::sourcelist "{folder}/sources.list";\n'
        f'Dir::Etc::sourceparts "{parts}";\n')
    result = setup(folder, 'machine-sources',
                   APT_CONFIG=str(folder / 'apt.conf'))
    assert result.returncode == 0, result
    assert result.stdout.splitlines() == [
        'http://three.invalid/debian bookworm -',
        'http://four.invalid/debian bookworm /k.gpg',
        'http://one.invalid/debian bookworm /usr/share/keyrings/a.gpg',
        'http://one.invalid/debian bookworm-updates /usr/share/keyrings/a.gpg',
        'http://two.invalid/debian bookworm /usr/share/keyrings/a.gpg',
        'http://two.invalid/debian bookworm-updates /usr/share/keyrings/a.gpg',
        'http://embedded.invalid/debian bookworm-security -',
    ], result.stdout


if __name__ == '__main__':
    taptest.main(globals())
