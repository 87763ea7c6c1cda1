#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Self-tests of tools/elf.py on files made by hand; TAP on stdout.

Files are built here by the ELF specification. Most are hostile: cut off
anywhere, spoilt at random, with offsets outside and counts without end.
"""
import contextlib
import os
import random
import struct
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ.get('HYPSEC_ROOT',
                           Path(__file__).resolve().parents[2]))
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / 'tools'))
import elf  # noqa: E402
import taptest  # noqa: E402

HEADER, PROGRAM, SECTION, SYMBOL = 64, 56, 64, 24
TEXT, DATA = 0x40000000, 0x40002000
FUNC, OBJECT, NOTYPE, FILE = 2, 1, 0, 4
ABS = 0xfff1
CODE = struct.pack('<4I', 0xd503201f, 0x91000400, 0xd65f03c0, 0x14000000)
# Name, type, section, value, size.
NAMES = (('file.c', FILE, ABS, 0, 0), ('__start', NOTYPE, 1, TEXT, 0),
         ('start', NOTYPE, 1, TEXT, 0), ('$x', NOTYPE, 1, TEXT + 4, 0),
         ('label', NOTYPE, 1, TEXT + 8, 0), ('walk', FUNC, 1, TEXT + 8, 8),
         ('elsewhere', FUNC, 0, TEXT + 4, 4), ('STACK', NOTYPE, ABS, 0x37, 0),
         ('counter', OBJECT, 2, DATA, 8), ('walk', FUNC, 1, TEXT + 12, 4))
FUZZ_FILES = 3000


def built(**changes):
    """A program's bytes. CHANGES: fields of its headers, by the name of the
    table and the number in it: header_5, segment_4, section1_3 ..."""
    strings, table = b'\0', bytes(SYMBOL)
    for name, kind, section, value, size in NAMES:
        table += struct.pack('<IBBHQQ', len(strings), 16 | kind, 0, section,
                             value, size)
        strings += name.encode() + b'\0'
    places = [HEADER + 2 * PROGRAM]
    for part in (CODE, table, strings):
        places.append(places[-1] + len(part))
    code, symbols, names, sections = places
    rows = {
        'header': [b'\x7fELF\x02\x01\x01', 2, 183, 1, TEXT, HEADER, sections,
                   0, HEADER, PROGRAM, 2, SECTION, 4, 0],
        'segment0': [1, 5, code, TEXT, TEXT, len(CODE), 0x1000, 4096],
        'segment1': [1, 6, 0, DATA, DATA, 0, 0x1000, 4096],
        'section0': [0] * 10,
        'section1': [0, 1, 6, TEXT, code, len(CODE), 0, 0, 4, 0],
        'section2': [0, 2, 0, 0, symbols, len(table), 3, 1, 8, SYMBOL],
        'section3': [0, 3, 0, 0, names, len(strings), 0, 0, 1, 0]}
    for change, value in changes.items():
        name, field = change.split('_')
        rows[name][int(field)] = value
    return b''.join([
        struct.pack('<16sHHIQQQIHHHHHH', *rows['header']),
        *(struct.pack('<IIQQQQQQ', *rows[f'segment{n}']) for n in range(2)),
        CODE, table, strings,
        *(struct.pack('<IIQQQQIIQQ', *rows[f'section{n}'])
          for n in range(4))])


@contextlib.contextmanager
def written(data):
    with tempfile.TemporaryDirectory(prefix='hypsec-elf-') as folder:
        path = Path(folder) / 'program'
        path.write_bytes(data)
        yield path


def refused(data, words):
    """DATA is no program, or says what is wrong when its symbols are asked
    for."""
    with written(data) as path:
        try:
            use(elf.Elf(path))
        except elf.ElfError as error:
            assert words in str(error), (words, str(error))
            assert str(path) in str(error)
            return
    raise AssertionError(f'accepted; wanted: {words}')


def use(program):
    """Everything that can be asked."""
    program.bounds()
    program.word(TEXT)
    program.covers(TEXT)
    assert sum(len(data) for _, data in program.text()) < 1 << 20
    assert len(program.by_name) < 100
    program.find(TEXT + 4)
    program.has_symbols()
    program.symbols(['walk', '', 'x'])
    program.build_id()


def test_a_program():
    with written(built()) as path:
        program = elf.load(path)
        assert program.entry == TEXT
        assert program.bounds() == (TEXT, DATA + 0x1000)
        assert program.text() == [(TEXT, CODE)]
        assert [program.word(TEXT + n) for n in (0, 8, 12, 16, -4)] == \
            [0xd503201f, 0xd65f03c0, 0x14000000, None, None]
        assert program.covers(TEXT + 0xfff) and not program.covers(DATA)
        assert program.has_symbols()
        assert program.by_name == {
            '__start': TEXT, 'start': TEXT, 'label': TEXT + 8,
            'walk': TEXT + 8, 'counter': DATA}, program.by_name
        assert program.symbols(['walk', 'counter', 'none', 'tart']) == \
            {'walk': TEXT + 8, 'counter': DATA}
        # A function's name before a label's, anyone's before a script's.
        assert [program.find(TEXT + n) for n in (0, 4, 8, 13, 0x800)] == \
            [('start', 0), ('start', 4), ('walk', 0), ('walk', 1),
             ('walk', 0x7f4)]
        assert program.find(DATA) is None and program.find(TEXT - 1) is None


def test_load_reads_a_file_again_when_it_has_changed():
    with written(built()) as path:
        first = elf.load(path)
        assert elf.load(path) is first
        other = path.with_name('other')
        other.write_bytes(built(header_4=TEXT + 8) + b'\0')
        other.rename(path)
        assert elf.load(path).entry == TEXT + 8
        path.unlink()
        try:
            elf.load(path)
        except elf.ElfError as error:
            assert 'No such file' in str(error)
        else:
            raise AssertionError('read what is gone')


def test_a_file_that_is_cut_off_meanwhile():
    with written(built()) as path:
        program = elf.Elf(path)
        os.truncate(path, HEADER)
        for ask in (program.text, program.has_symbols, program.build_id,
                    lambda: program.by_name, lambda: program.find(TEXT)):
            try:
                ask()
            except elf.ElfError as error:
                assert 'cut off meanwhile' in str(error)
            else:
                raise AssertionError(ask)


def test_a_file_that_can_no_longer_be_read():
    with written(built()) as path:
        program = elf.Elf(path)
        pipe = os.pipe()
        # As a disk that fails, or a file that its server has lost.
        os.dup2(pipe[0], program._data._fd)
        try:
            program.text()
        except elf.ElfError as error:
            assert 'seek' in str(error), error
        else:
            raise AssertionError('no error')
        finally:
            for end in pipe:
                os.close(end)


def test_without_symbols():
    with written(built(header_6=0)) as path:
        program = elf.Elf(path)
        assert not program.has_symbols() and program.by_name == {}
        assert program.symbols(['walk']) == {} and program.find(TEXT) is None


def with_notes(notes, **changes):
    """A program whose first section are NOTES, for address DATA."""
    size = len(built())
    return built(section0_1=7, section0_3=DATA, section0_4=size,
                 section0_5=len(notes), **changes) + notes


def note(owner, kind, data):
    return struct.pack('<III', len(owner), len(data), kind) + \
        owner.ljust(len(owner) + 3 & ~3, b'\0') + \
        data.ljust(len(data) + 3 & ~3, b'\0')


def build_id(data):
    with written(data) as path:
        return elf.Elf(path).build_id()


def test_build_id():
    assert build_id(built()) is None
    others = note(b'Linux\0', 3, b'other') + note(b'GNU\0', 1, b'abi')
    wanted = note(b'GNU\0', 3, b'x' * 20)
    place = DATA + len(others) + 16
    assert build_id(with_notes(others + wanted)) == (place, b'x' * 20)
    assert build_id(with_notes(others)) is None
    assert build_id(with_notes(note(b'GNU\0', 3, b''))) is None
    assert build_id(with_notes(note(b'GNU\0', 3, b'x' * 65))) is None
    for length in range(len(wanted)):
        assert build_id(with_notes(wanted[:length])) is None
    for outside in (1 << 20, 1 << 63, (1 << 64) - 1):
        data = bytearray(with_notes(wanted))
        sections = struct.unpack_from('<Q', data, 40)[0]
        struct.pack_into('<Q', data, sections + 24, outside)
        assert build_id(bytes(data)) is None


def test_no_program():
    refused(b'', 'the file is empty')
    refused(b'MZ' + bytes(100), 'no 64-bit ELF file')
    refused(built(header_2=62), 'no arm64 program')
    refused(built(header_1=1), 'no arm64 program')
    with tempfile.TemporaryDirectory() as folder:
        for path in (folder, folder + '/none'):
            try:
                elf.Elf(path)
            except elf.ElfError:
                continue
            raise AssertionError(path)


def test_offsets_and_sizes_outside():
    headers = 'not all of its headers are there'
    segments, symbols = 'segments make no sense', 'symbols make no sense'
    for outside in (len(built()) - 8, 1 << 62, 1 << 63, (1 << 64) - 1):
        refused(built(header_5=outside), headers)
        refused(built(header_6=outside), headers)
        refused(built(segment0_2=outside), segments)
        refused(built(segment0_5=outside), segments)
        refused(built(section2_4=outside), symbols)
        refused(built(section2_5=outside), symbols)
        refused(built(section3_4=outside), symbols)
        refused(built(section3_5=outside), symbols)
    refused(built(segment0_3=(1 << 64) - 8), segments)
    refused(built(segment0_6=1), segments)
    # Headers of no size, and too many of them.
    for field in (9, 11):
        refused(built(**{f'header_{field}': 0}), headers)
        refused(built(**{f'header_{field}': 8}), headers)
    refused(built(header_10=0xffff), 'more than 256 segments')
    refused(built(header_12=0xffff), headers)
    refused(built(header_10=0), 'nothing in it is to be loaded')
    # Names in no table, in a table of symbols.
    refused(built(section2_6=4), symbols)
    refused(built(section2_6=0), symbols)
    with written(built(section2_6=2)) as path:
        use(elf.Elf(path))


def test_too_much():
    """What costs more than a file of its size can be worth."""
    # All segments are the whole file.
    rows = built()
    size = len(rows)
    refused(built(segment0_2=0, segment0_5=size, segment1_5=size),
            'segments make no sense')
    # All sections are one table of symbols.
    count = 4096
    table = struct.pack('<IIQQQQIIQQ', 0, 2, 0, 0, 0, 1 << 20, 1, 1, 8, 24)
    names = struct.pack('<IIQQQQIIQQ', 0, 3, 0, 0, 0, 8, 0, 0, 1, 0)
    data = built(header_6=1 << 20, header_12=count).ljust(1 << 20, b'\0') + \
        table + names + table * (count - 2)
    refused(data, 'symbols make no sense')
    # All tables of symbols have the whole file as their names.
    table = struct.pack('<IIQQQQIIQQ', 0, 2, 0, 0, 0, 24, 1, 1, 8, 24)
    names = struct.pack('<IIQQQQIIQQ', 0, 3, 0, 0, 0, 1 << 20, 0, 0, 1, 0)
    data = built(header_6=1 << 20, header_12=count).ljust(1 << 20, b'\0') + \
        table + names + table * (count - 2)
    refused(data, 'symbols make no sense')
    # Notes of nothing, 12 bytes each; also as many sections.
    wanted, nothing = note(b'GNU\0', 3, b'x' * 20), bytes(1 << 20)
    assert build_id(with_notes(nothing + wanted)) is None
    last = len(built()) + len(nothing)
    assert build_id(with_notes(nothing, section2_1=7, section2_4=last,
                               section2_5=len(wanted)) + wanted) is None


def test_names_without_end():
    """A string table of one name: no symbol has one as long as that."""
    start, size = len(built()), 1 << 20
    data = built(section3_4=start, section3_5=size + 1) + b'x' * size + b'\0'
    with written(data) as path:
        assert elf.Elf(path).by_name == {}
    with written(data[:-513] + b'\0' + data[-512:]) as path:
        assert elf.Elf(path).by_name == {}
    refused(data[:-1], 'symbols make no sense')


def test_cut_anywhere():
    whole = built()
    for length in range(len(whole)):
        with written(whole[:length]) as path:
            try:
                use(elf.Elf(path))
            except elf.ElfError:
                continue
        raise AssertionError(f'{length} of {len(whole)} bytes will do')


def test_spoilt_anywhere():
    rng, whole = random.Random(7), built()
    interesting = [0, 1, 2, 0x7f, 0x80, 0xff]
    for number in range(FUZZ_FILES):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 5)):
            at = rng.randrange(16, len(data) - 8)
            width = rng.choice((1, 2, 4, 8))
            data[at:at + width] = bytes(rng.choice(
                (rng.choice(interesting), rng.randrange(256)))
                for _ in range(width))
        with written(bytes(data)) as path:
            try:
                use(elf.Elf(path))
            except elf.ElfError:
                pass
            except Exception:
                print(f'# file {number}: {data.hex()}')
                raise


if __name__ == '__main__':
    taptest.main(globals())
