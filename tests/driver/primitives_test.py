#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/primitives.rst matches the code, and what checks that notices when it
does not; TAP on stdout."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import taptest

ROOT = Path(os.environ.get('HYPSEC_ROOT',
                           Path(__file__).resolve().parents[2]))

FILES = {
    'docs/primitives.rst': '''\
   get_it, S3, core/a.c, a.c, /a/get
   set_it, S3, core/a.c, -, /a/get /a/set unit/a-test.c
   own_it, own, core/a.c, -, /a/set
   later, [S0] S3, -, -, replaced: by another
   model, S3, -, a.c, "proof only: a load, or a store"
   entry, S3, -, -, "assembly: arch/aarch64/v.S, entry"
''',
    'firmware/core/a.c': '''\
/**
 * get_it() - get it
 *
 * Spec: Layer.get_it_spec
 */
int get_it(void)
{
	return 1;
}

/* Spec:  Layer.set_it_spec (steps: set_it_spec0) */
void set_it(int x)
{
	(void)x;
}

int own_it(void)
{
	return 2;
}
''',
    'firmware/arch/aarch64/v.S': 'entry:\n\tret\n',
    'firmware/arch/native/a.c': 'int get_it(void)\n{\n\treturn 0;\n}\n',
    'spec/a.c': '''\
enum option get_it_spec(int *x)
{
	return SOME;
}

enum option model_spec(void)
{
	return SOME;
}
''',
    'tests/unit/a-test.c': 'UNIT_TEST("/a/get", get), UNIT_TEST("/a/"\n'
                           '\t\t"set", set)\n',
}
# The sample has not as many names as the seeds.
COUNTS = 'docs/primitives.rst: '


def check_all(*changes):
    """The errors of a sample tree with (FILE, old, new) CHANGES."""
    files = dict(FILES)
    for file, old, new in changes:
        assert old in files[file], (file, old)
        files[file] = files[file].replace(old, new)
    with tempfile.TemporaryDirectory() as folder:
        for file, text in files.items():
            path = Path(folder) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        result = run('--root', folder)
    return result.stderr.splitlines()


def check(*changes):
    return [line for line in check_all(*changes) if line and
            not line.startswith(COUNTS)]


def run(*words):
    return subprocess.run(
        [sys.executable, ROOT / 'tools/primitives.py', *words], text=True,
        stdin=subprocess.DEVNULL, capture_output=True, check=False)


def table(old, new):
    return 'docs/primitives.rst', old, new


def core(old, new):
    return 'firmware/core/a.c', old, new


def test_the_list_matches_the_code():
    result = run()
    assert result.returncode == 0, result.stderr


def test_a_sound_tree_has_no_errors():
    assert check() == []


def test_a_missing_function_is_told():
    assert check(core('int get_it', 'int got_it')) == [
        'firmware/core/a.c:4: "Spec: Layer.get_it_spec" is above got_it()',
        'docs/primitives.rst:1: there is no get_it() in firmware/']


def test_two_functions_are_told():
    text = 'int get_it(void)\n{\n\treturn 3;\n}\n'
    assert check(core('int own_it', text + 'int own_it')) == [
        'firmware/core/a.c:17: get_it() is defined at firmware/core/a.c:6 '
        'too']


def test_another_file_is_told():
    assert check(table('get_it, S3, core/a.c', 'get_it, S3, core/b.c')) == [
        'docs/primitives.rst:1: get_it() is at firmware/core/a.c:6, not in '
        'firmware/core/b.c']


def test_a_missing_tag_is_told():
    assert check(core('Spec:  Layer', 'As:  Layer')) == [
        'docs/primitives.rst:2: no "Spec:" above set_it()']


def test_an_unknown_tag_is_told():
    assert check(core('Layer.set_it_spec', 'Layer.put_it_spec')) == [
        'firmware/core/a.c:11: "put_it" is no primitive of '
        'docs/primitives.rst',
        'docs/primitives.rst:2: no "Spec:" above set_it()']


def test_a_missing_spec_function_is_told():
    assert check(('spec/a.c', 'get_it_spec', 'got_it_spec')) == [
        'docs/primitives.rst:1: there is no get_it_spec() in spec/',
        'spec/a.c:1: got_it has no row in docs/primitives.rst']


def test_a_spec_function_that_is_not_told_of_is_told():
    assert check(table('get_it, S3, core/a.c, a.c', 'get_it, S3, core/a.c, -')
                 ) == ['docs/primitives.rst:1: get_it_spec() is at '
                       'spec/a.c:1, and the table does not say so']


def test_a_missing_test_is_told():
    assert check(table('/a/get /a/set', '/a/get /a/put unit/b.c')) == [
        'docs/primitives.rst:2: there is no test /a/put',
        'docs/primitives.rst:2: there is no test unit/b.c']


def test_no_test_is_told():
    assert check(table('a.c, /a/get\n', 'a.c, -\n')) == [
        'docs/primitives.rst:1: get_it names no test']


def test_nothing_at_all_is_told():
    assert check(table('replaced: by another', '/a/get')) == [
        'docs/primitives.rst:4: later has no function and does not say why']


def test_a_reason_for_what_is_there_is_told():
    assert check(table('-, -, replaced', 'core/a.c, -, replaced'),
                 core('int own_it', '/* Spec: later_spec */\n'
                      'int later(void)\n{\n\treturn 4;\n}\nint own_it')) == [
        'docs/primitives.rst:4: later is there, and a reason why not']


def test_what_is_there_and_not_told_of_is_told():
    assert check(core('int own_it', 'int later(void)\n{\n\treturn 4;\n}\n'
                      'int own_it')) == [
        'docs/primitives.rst:4: later() is at firmware/core/a.c:17, and the '
        'table does not say so']


def test_missing_assembly_is_told():
    assert check(('firmware/arch/aarch64/v.S', 'entry', 'exit')) == [
        'docs/primitives.rst:6: no entry in firmware/arch/aarch64/v.S']


def test_a_name_twice_is_told():
    assert check(table('own_it, own', 'get_it, own')) == [
        'docs/primitives.rst:3: get_it is in the table twice, also in line '
        '1']


def test_the_number_of_names_is_checked():
    errors = check_all()
    assert 'docs/primitives.rst: 5 primitives of S3, which has 116' in errors


if __name__ == '__main__':
    taptest.main(globals())
