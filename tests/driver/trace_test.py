#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Self-tests of `./hypsec trace --log`, the converter; TAP on stdout.

The logs are made here, after target-hooks/hypsec-el-log.h.
"""
import json
import os
import random
import struct
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.environ.get('HYPSEC_ROOT',
                           Path(__file__).resolve().parents[2]))
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / 'tests'))
from timeline import Timeline  # noqa: E402
import taptest  # noqa: E402

MAGIC = 0x314c454345535048
CAUSES = ['ERET', 'RESET', 'CPU_ON', 'CPU_OFF', 'LOADVM', 'HVC', 'DABT',
          'SVC', 'IRQ']
OFF = 0xff
UNKNOWN, HOST, VM, EL2, WORLD_OFF = range(5)
HEADER_BYTES = 64 + 16 * len(CAUSES)
CLOSED, ICOUNT = 2, 1


def record(ns, cpu, old, new, cause, world, vm=0, vcpu=0, value=0, esr=0,
           vmid=0, instructions=0):
    return struct.pack('<QQQIHHBBBBBB2x', ns, instructions, value, esr, vmid,
                       cpu, old, new, CAUSES.index(cause), world, vm, vcpu)


def header(count, cpus=1, flags=CLOSED, dropped=0, end=0, **other):
    fields = dict(magic=MAGIC, version=1, header_bytes=HEADER_BYTES,
                  record_bytes=40, cpus=cpus, flags=flags,
                  causes=len(CAUSES), records=count, dropped=dropped, end=end,
                  reserved=0)
    assert set(other) <= set(fields)
    fields.update(other)
    return struct.pack('<QIIIIIIQQQQ', *fields.values()) + \
        b''.join(name.encode().ljust(16, b'\0') for name in CAUSES)


# One CPU: reset, host at EL1, EL0, SVC, a fault to EL2, VM 3, HVC to EL2.
SAMPLE = [
    record(0, 0, OFF, 2, 'RESET', EL2),
    record(1000, 0, 2, 1, 'ERET', HOST),
    record(1500, 0, 1, 0, 'ERET', HOST),
    record(1501, 0, 0, 1, 'SVC', HOST, esr=0x56000000),
    record(2000, 0, 1, 2, 'DABT', EL2, esr=0x92000007, value=0x40001234),
    record(2000, 0, 2, 1, 'ERET', VM, vm=3, vcpu=1, vmid=3),
    record(3000, 0, 1, 2, 'HVC', EL2, esr=0x5a000000, value=30),
    record(4000, 0, 2, OFF, 'CPU_OFF', WORLD_OFF),
    record(5000, 0, OFF, 2, 'CPU_ON', EL2),
    record(6000, 0, 2, 1, 'ERET', UNKNOWN, vmid=9),
]


def sample(**settings):
    return header(len(SAMPLE), end=7000, **settings) + b''.join(SAMPLE)


def many(count):
    """A log of COUNT changes between EL0 and EL1."""
    records = SAMPLE[:2] + [
        record(2000 + n, 0, 1 - n % 2, n % 2, 'SVC' if n % 2 else 'ERET',
               HOST) for n in range(count - 2)]
    return header(count) + b''.join(records)


def convert(folder, data, *options):
    """Run the converter on DATA; the finished process and the output file."""
    log, out = folder / 'el.log', folder / 'out.json'
    if data is not None:
        log.write_bytes(data)
    done = subprocess.run(
        [sys.executable, ROOT / 'tools/trace.py', '--log', log, '--out', out,
         *options], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done, out


def converted(folder, data, *options, cpus=1):
    done, out = convert(folder, data, *options)
    assert done.returncode == 0 and not done.stderr, done
    return Timeline(out, cpus), done.stdout


def refused(folder, data, message, *options):
    """DATA gets one line that has MESSAGE in it, and leaves no file."""
    done, out = convert(folder, data, *options)
    assert done.returncode == 1, done
    assert done.stderr.startswith('hypsec trace: '), done.stderr
    assert message in done.stderr and done.stderr.count('\n') == 1, done.stderr
    assert not done.stdout and not out.exists(), done
    assert sorted(p.name for p in folder.iterdir()) in (['el.log'], []), folder


# --- Sound logs ------------------------------------------------------------

def test_slices_follow_world_and_level(folder):
    timeline, _ = converted(folder, sample())
    assert timeline.names() == [
        'EL2 RESET', 'host EL1', 'host EL0', 'host EL1 SVC', 'EL2 DABT',
        'VM 3 vCPU 1 EL1', 'EL2 HVC', 'off', 'EL2 CPU_ON', 'unknown EL1',
    ], timeline.names()


def test_exits_carry_what_they_are_about(folder):
    timeline, _ = converted(folder, sample())
    args = [event['args'] for event in timeline.slices]
    assert args[4] == {'cause': 'DABT', 'from': 'host EL1',
                       'esr': '0x92000007', 'ipa': '0x40001234'}, args[4]
    assert args[6]['x0'] == '0x1e', args[6]
    assert args[9]['vmid'] == 9, args[9]


def test_counts_name_the_world_of_an_exception(folder):
    timeline, text = converted(folder, sample())
    assert timeline.other['changes by cause and world'] == {
        'ERET': {'host': 2, 'VM 3': 1, 'unknown': 1}, 'SVC': {'host': 1},
        'DABT': {'host': 1}, 'HVC': {'VM 3': 1}, 'CPU_OFF': {'EL2': 1},
        'CPU_ON': {'EL2': 1}}, timeline.other
    assert text.endswith('dropped: nothing\n'), text


def test_times_are_exact_to_a_nanosecond(folder):
    timeline, _ = converted(folder, sample())
    assert timeline.slices[3]['ts'] == 1.501, timeline.slices[3]
    assert timeline.tracks[0].ts == 7, timeline.tracks[0].ts


def test_instructions_are_there_under_icount(folder):
    data = header(1, flags=CLOSED | ICOUNT) + \
        record(5, 0, OFF, 2, 'RESET', EL2, instructions=12)
    timeline, _ = converted(folder, data)
    assert timeline.slices[0]['args']['instructions'] == 12


def test_each_cpu_has_a_track(folder):
    records = [record(n // 8, n % 8, OFF, 2, 'CPU_ON', EL2)
               if n < 8 else
               record(n, n % 8, 2 if n // 8 % 2 else 1, 1 + (n // 8 % 2 == 0),
                      'ERET' if n // 8 % 2 else 'HVC',
                      HOST if n // 8 % 2 else EL2) for n in range(800)]
    timeline, _ = converted(folder, header(800, cpus=8) + b''.join(records),
                            cpus=8)
    assert all(track.exits == 49 for track in timeline.tracks), \
        [track.exits for track in timeline.tracks]


def test_empty_log_is_a_timeline_without_slices(folder):
    timeline, _ = converted(folder, header(0))
    assert not timeline.slices


def test_loaded_snapshot_goes_on_where_it_was(folder):
    data = header(4) + b''.join([
        SAMPLE[0], record(9000, 0, 2, 1, 'ERET', HOST),
        record(2000, 0, 1, 1, 'LOADVM', HOST),
        record(2500, 0, 1, 2, 'HVC', EL2)])
    timeline, text = converted(folder, data)
    assert [e['ts'] for e in timeline.slices] == [0, 9, 9, 9.5]
    assert 'snapshots loaded: 1' in text, text


def test_what_the_recorder_dropped_is_said(folder):
    timeline, text = converted(folder, sample(dropped=77))
    assert timeline.other['dropped by the recorder'] == 77
    assert 'dropped: 77 changes that had no room' in text, text


def test_limit_holds_and_what_was_dropped_is_said(folder):
    timeline, text = converted(folder, many(5000), '--limit', '128K')
    dropped = timeline.other['dropped by the converter']
    assert (folder / 'out.json').stat().st_size <= 128 << 10
    assert (folder / 'out.json').stat().st_size > 70 << 10
    assert dropped == 5000 - len(timeline.slices) > 0, dropped
    assert f'dropped: {dropped} recorded changes' in text, text
    assert timeline.other['changes by cause and world']['SVC'] == \
        {'host': 2499}, timeline.other


def test_log_of_a_killed_qemu_is_read_up_to_its_end(folder):
    data = sample(flags=0)
    for cut in 0, 1, 39:
        timeline, text = converted(folder, data[:len(data) - cut])
        assert len(timeline.slices) == len(SAMPLE) - (cut > 0)
        assert timeline.other['complete'] is False
        assert 'was not closed' in text, text


# --- Unsound logs ----------------------------------------------------------

def test_no_log_at_all(folder):
    refused(folder, None, 'No such file')
    refused(folder, b'', 'only 0 bytes')
    refused(folder, b'x' * 1000, 'no log of hypsec-el-observer')
    refused(folder, sample()[:63], 'only 63 bytes')


def test_unsound_headers(folder):
    for settings, message in [
            (dict(version=2), 'version 2'),
            (dict(record_bytes=32), 'records of 32 bytes'),
            (dict(record_bytes=0), 'records of 0 bytes'),
            (dict(cpus=0), '0 CPUs'),
            (dict(cpus=0xffffffff), '4294967295 CPUs'),
            (dict(causes=0), '0 causes'),
            (dict(causes=0xffffffff), '4294967295 causes'),
            (dict(causes=8), '8 causes'),
            (dict(header_bytes=64), 'a header of 64 bytes'),
            (dict(header_bytes=0), 'a header of 0 bytes'),
            (dict(flags=0x80000002), 'unknown flags')]:
        refused(folder, sample(**settings), message)
    refused(folder, header(11) + b''.join(SAMPLE), 'tells of 11 records')
    refused(folder, header(1 << 60) + b''.join(SAMPLE), 'bytes of records')


def test_unsound_names(folder):
    for name in b'', b'"},{', b'\xff', b'a' * 16, b'HVC':
        data = bytearray(sample())
        data[64:80] = name.ljust(16, b'\0')
        refused(folder, bytes(data), 'cause')


def test_truncated_log(folder):
    data = sample()
    for length in 64, HEADER_BYTES - 1, HEADER_BYTES + 40, len(data) - 1:
        refused(folder, data[:length], 'ends early' if length < HEADER_BYTES
                else 'bytes of records')


def test_unsound_records(folder):
    good = SAMPLE[0]
    for bad, message in [
            (record(1, 1, OFF, 2, 'RESET', EL2), 'CPU 1 of 1'),
            (record(1, 0, 1, 2, 'HVC', EL2), 'leaves EL1, but was at EL2'),
            (record(1, 0, 2, 4, 'ERET', HOST), 'level 4'),
            (record(1, 0, 2, 1, 'ERET', EL2), 'world 3 at EL1'),
            (record(1, 0, 2, 1, 'ERET', WORLD_OFF), 'world 4 at EL1'),
            (record(1, 0, 2, 2, 'ERET', HOST), 'world 1 at EL2'),
            (record(1, 0, 2, 1, 'ERET', 9), 'world 9'),
            (record(1, 0, 2, 1, 'ERET', VM), 'VM 0'),
            (record(1, 0, 2, 1, 'ERET', VM, vm=16), 'VM 16'),
            (record(1, 0, 2, 1, 'ERET', HOST, vm=1), 'VM 1'),
            (bytes(32) + b'\2\1\xff\1\0\0\0\0', 'cause 255 of 9'),
            (b'\xff' * 40, 'CPU 65535 of 1')]:
        assert len(bad) == 40
        refused(folder, header(2) + good + bad, message)
    refused(folder, header(2) + record(9, 0, OFF, 2, 'RESET', EL2) +
            record(8, 0, 2, 1, 'ERET', HOST), 'record 1: time goes back')


def test_random_damage_is_an_error_or_a_sound_timeline(folder):
    draw = random.Random(1)
    for _ in range(40):
        data = bytearray(sample())
        for _ in range(draw.randint(1, 4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        done, out = convert(folder, bytes(data))
        assert done.returncode in (0, 1), done
        assert 'Traceback' not in done.stderr, done.stderr
        if done.returncode == 0:
            cpus = struct.unpack_from('<I', data, 20)[0]
            Timeline(out, cpus)
            out.unlink()


# --- The command line ------------------------------------------------------

def test_unsuitable_files(folder):
    os.mkfifo(folder / 'fifo')
    for log, out, message in [
            (folder, folder / 'o', 'irectory'),
            (folder / 'fifo', folder / 'o', 'not a regular file'),
            (folder / 'log', folder / 'no/o', 'cannot write'),
            (folder / 'log', folder, 'not a regular file'),
            (folder / 'log', folder / 'fifo', 'not a regular file'),
            (folder / 'log', '/dev/null', 'not a regular file'),
            (folder / 'log', folder / 'log', 'that is the log itself')]:
        (folder / 'log').write_bytes(sample())
        done = subprocess.run(
            [sys.executable, ROOT / 'tools/trace.py', '--log', log, '--out',
             out], capture_output=True, text=True, timeout=30)
        assert done.returncode == 1 and message in done.stderr, done
        assert 'Traceback' not in done.stderr, done
    assert not Path('/dev/null').is_file()


def test_sizes_that_are_none(folder):
    for limit in '0', '-1', '64', 'lots', '1e9', '', '127K':
        done, _ = convert(folder, sample(), f'--limit={limit}')
        assert done.returncode == 2, (limit, done)
    done, _ = convert(folder, header(0, cpus=4096), '--limit', '1M')
    assert done.returncode == 1 and 'needs at least' in done.stderr, done


def test_old_timeline_stays_when_the_log_is_bad(folder):
    out = folder / 'out.json'
    out.write_text('old')
    done, _ = convert(folder, sample()[:-1])
    assert done.returncode == 1 and out.read_text() == 'old', done


def test_json_has_no_surprises(folder):
    converted(folder, sample())
    text = (folder / 'out.json').read_text()
    assert text.isascii() and json.loads(text)


if __name__ == '__main__':
    taptest.main(globals())
