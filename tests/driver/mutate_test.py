#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Self-tests of ./hypsec mutate and coverage; TAP on stdout.

The mutations of a sample, the list of explained ones, and a run of a few
mutants of the real firmware, on the build folder that is there.
"""

import collections
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.environ.get('HYPSEC_ROOT',
                           Path(__file__).resolve().parents[2]))
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / 'tools'))
import mutants  # noqa: E402
import mutate  # noqa: E402
import native  # noqa: E402
import taptest  # noqa: E402

FILE = 'firmware/core/sample.c'
SAMPLE = '''\
/* if (a < b) { never(); } */
#define TWICE(x) ((x) + (x))
static const char *text = "a < b";

static int first(int a, int vmid)
{
	int sum = 0;

	ASSERT(a < 3 && vmid != 4);
	if (a < 10 && !ready) {
		return HV_EINVAL;
	}
	acquire_lock_pt(vmid);
	sum = a + PAGE_SIZE;
	tlb_flush_ipa(vmid, sum);
	release_lock_pt(vmid);
	return sum;
}
'''


def of_sample(operator):
    """(line, diff) of the sample's mutants by OPERATOR."""
    return [(mutant.line, mutant.diff().splitlines())
            for mutant in mutants.of_file(FILE, SAMPLE)
            if mutant.operator == operator]


def tool(name, *words):
    result = subprocess.run(
        [sys.executable, ROOT / 'tools' / name, *words], text=True,
        stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return result.returncode, result.stdout, result.stderr


# --- Mutations --------------------------------------------------------------

def test_each_operator_finds_its_places(_):
    assert of_sample('comparison') == [
        (10, ['- if (a < 10 && !ready) {', '+ if (a <= 10 && !ready) {'])]
    assert of_sample('logic') == [
        (10, ['- if (a < 10 && !ready) {', '+ if (a < 10 || !ready) {'])]
    assert of_sample('negation') == [
        (10, ['- if (a < 10 && !ready) {', '+ if (!(a < 10 && !ready)) {']),
        (10, ['- if (a < 10 && !ready) {', '+ if (a < 10 && ready) {'])]
    assert of_sample('constant') == [
        (7, ['- int sum = 0;', '+ int sum = 1;'])]
    assert of_sample('arithmetic') == [
        (14, ['- sum = a + PAGE_SIZE;', '+ sum = a - PAGE_SIZE;'])]
    assert of_sample('off-by-one') == [
        (10, ['- if (a < 10 && !ready) {', '+ if (a < 11 && !ready) {']),
        (10, ['- if (a < 10 && !ready) {', '+ if (a < 9 && !ready) {']),
        (14, ['- sum = a + PAGE_SIZE;', '+ sum = a + (PAGE_SIZE + 1);']),
        (14, ['- sum = a + PAGE_SIZE;', '+ sum = a + (PAGE_SIZE - 1);'])]
    assert of_sample('return') == [(11, ['- return HV_EINVAL;'])]
    assert of_sample('result') == [
        (11, ['- return HV_EINVAL;', '+ return HV_OK;'])]
    assert of_sample('maintenance') == [
        (15, ['- tlb_flush_ipa(vmid, sum);'])]
    assert of_sample('statement') == [(14, ['- sum = a + PAGE_SIZE;'])]
    assert of_sample('assert') == [
        (9, ['- ASSERT(a < 3 && vmid != 4);'])]


def test_locks_are_dropped_in_pairs(_):
    assert of_sample('lock') == [
        (13, ['- acquire_lock_pt(vmid);', '- release_lock_pt(vmid);']),
        (16, ['- release_lock_pt(vmid);'])]


def test_owners_are_swapped(_):
    assert [line for line, _ in of_sample('owner')] == [13, 15, 16]


def test_a_mutant_is_one_change(_):
    for mutant in mutants.of_file(FILE, SAMPLE):
        text = mutant.apply(SAMPLE)
        assert text != SAMPLE, mutant
        for start, end, new in mutant.edits[:1]:
            assert text.startswith(SAMPLE[:start] + new), mutant
        start, end, new = mutant.edits[-1]
        assert text.endswith(SAMPLE[end:]), mutant


def test_comments_strings_and_macros_stay(_):
    for mutant in mutants.of_file(FILE, SAMPLE):
        assert mutant.line >= 6, mutant


# --- The list of explained mutations ----------------------------------------

ENTRY = '''\
# A comment.
firmware/core/sample.c first
- if (a < 10 && !ready) {
+ if (a <= 10 && !ready) {
  Because a is never 10,
  as everybody knows.
'''


def entries_of(folder, text):
    path = folder / 'list.txt'
    path.write_text(text)
    return mutate.read_equivalents(path)


def test_explained_mutations_are_read(folder):
    entries = entries_of(folder, ENTRY + '\n' + ENTRY.replace('10', '11'))
    key, = [mutant.key for mutant in mutants.of_file(FILE, SAMPLE)
            if mutant.operator == 'comparison']
    assert entries[key] == (2, 'Because a is never 10, as everybody knows.')
    assert len(entries) == 2


def test_entries_must_be_complete(folder):
    for text in (ENTRY.split('  Because')[0], 'firmware/core/a.c\n- x\n',
                 'firmware/core/a.c f\n  why\n'):
        try:
            entries_of(folder, text)
        except native.NativeError as error:
            assert 'list.txt:' in str(error), error
        else:
            raise AssertionError(text)


def test_stale_entries_are_errors(folder):
    entries = entries_of(folder, ENTRY)
    try:
        mutate.check_equivalents(entries, ['firmware/core/locks.c'])
    except native.NativeError as error:
        assert ':2: no mutation of first()' in str(error), error
    else:
        raise AssertionError(entries)


def test_no_explained_mutation_is_stale(_):
    status, _, errors = tool('mutate.py', '--check-list')
    assert status == 0, errors


# --- The command ------------------------------------------------------------

def test_the_seed_says_which(_):
    def listed(*words):
        status, output, errors = tool('mutate.py', '--list', '--count', '20',
                                      *words)
        assert status == 0, errors
        return output

    assert listed('--seed', '1') == listed('--seed', '1')
    assert listed('--seed', '1') != listed('--seed', '2')


def test_wrong_usage_is_refused(_):
    for words in (['--count', '0'], ['--count', 'x'], ['--operator', 'x'],
                  ['--jobs', '0'], ['what']):
        status, _, errors = tool('mutate.py', *words)
        assert status == 2 and 'usage: ' in errors, (words, status, errors)


def test_a_file_that_is_not_there_is_an_error(_):
    status, _, errors = tool('mutate.py', '--file', 'nothing.c')
    assert status == 1 and 'no file of firmware/core' in errors, errors


def test_mutants_are_run(folder):
    """A few of a file that every test executes: most must be caught."""
    result = folder / 'result.json'
    before = (ROOT / 'firmware/core/page_index.c').read_bytes()
    status, output, errors = tool(
        'mutate.py', '--file', 'page_index.c', '--count', '8', '--seed', '1',
        '--test', 'page-records', '--test', 'unit/st*', '--json', result)
    assert status == 0, output + errors
    assert 'score: ' in output, output
    verdicts = collections.Counter(
        mutant['verdict'] for mutant in json.loads(result.read_text()))
    assert sum(verdicts.values()) == 8, verdicts
    assert verdicts['caught'] + verdicts['timeout'] >= 5, verdicts
    assert (ROOT / 'firmware/core/page_index.c').read_bytes() == before


def test_coverage_is_counted(folder):
    if not shutil.which('gcovr'):
        raise taptest.Skip('gcovr is not installed')
    result = folder / 'result.json'
    status, output, errors = tool('coverage.py', '--json', result, '--test',
                                  'page-records')
    assert status == 0, output + errors
    files = json.loads(result.read_text())
    index = files['firmware/core/page_index.c']
    assert 0 < index['line_covered'] <= index['line_total'], index
    assert files['firmware/core/memory_ops.c']['line_covered'] == 0
    assert 'aim: line coverage of the memory files' in output, output


if __name__ == '__main__':
    taptest.main(globals())
