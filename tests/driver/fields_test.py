#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Words for registers (tools/boardview/fields.py) against values that others
have: Linux's constants, dumps of real machines, the assembler, and the fields
of the Arm ARM typed here once more; TAP on stdout."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ.get('HYPSEC_ROOT',
                           Path(__file__).resolve().parents[2]))
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / 'tools'))
from boardview import fields  # noqa: E402
from boardview.sysregs import SYSTEM_REGISTERS  # noqa: E402
import taptest  # noqa: E402

# Register, value, the summary.
SUMMARIES = [
    # arch/arm64 of Linux prints these in its oops texts.
    ('ESR_EL1', 0x96000004, 'data abort from the same level: translation '
     'fault, level 0, read'),
    ('ESR_EL1', 0x96000045, 'data abort from the same level: translation '
     'fault, level 1, write'),
    ('ESR_EL1', 0x9600004f, 'data abort from the same level: permission '
     'fault, level 3, write'),
    ('ESR_EL1', 0x86000005, 'instruction abort from the same level: '
     'translation fault, level 1'),
    ('ESR_EL1', 0x96000010, 'data abort from the same level: external abort, '
     'read'),
    ('ESR_EL1', 0x96000021, 'data abort from the same level: alignment fault, '
     'read'),
    ('ESR_EL1', 0x56000000, 'SVC: #0x0'),
    ('ESR_EL1', 0xf2000800, 'BRK: #0x800'),
    ('ESR_EL1', 0xbf000002, 'SError'),
    ('ESR_EL1', 0x02000000, 'unknown reason'),
    ('ESR_EL1', 0x1fe00000, 'FP, SIMD or SVE instruction'),
    # What EL2 sees of its lower levels.
    ('ESR_EL2', 0x92000007, 'data abort from a lower level: translation '
     'fault, level 3, read'),
    ('ESR_EL2', 0x93c08007, 'data abort from a lower level: translation '
     'fault, level 3, read of 8 bytes, x0'),
    ('ESR_EL2', 0x93820046, 'data abort from a lower level: translation '
     'fault, level 2, write of 4 bytes, w2'),
    ('ESR_EL2', 0x921f0087, 'data abort from a lower level: translation '
     'fault, level 3, read, walking stage 1'),
    ('ESR_EL2', 0x931f0047, 'data abort from a lower level: translation '
     'fault, level 3, write of 1 byte, wzr'),
    ('ESR_EL2', 0x92000147, 'data abort from a lower level: translation '
     'fault, level 3, cache maintenance'),
    ('ESR_EL2', 0x82000086, 'instruction abort from a lower level: '
     'translation fault, level 2, walking stage 1'),
    ('ESR_EL2', 0x5a000000, 'HVC: #0x0'),
    ('ESR_EL2', 0x5a00ffff, 'HVC: #0xffff'),
    ('ESR_EL2', 0x5e000000, 'SMC: #0x0'),
    ('ESR_EL2', 0x07e00000, 'WFI, WFE, WFIT or WFET: WFI'),
    ('ESR_EL2', 0x07e00001, 'WFI, WFE, WFIT or WFET: WFE'),
    ('ESR_EL2', 0x623003e1, 'MSR, MRS or system instruction: MRS xzr, '
     'MIDR_EL1'),
    ('ESR_EL2', 0x6230100e, 'MSR, MRS or system instruction: MSR '
     'S3_0_C4_C7_0, x0'),
    ('ESR_EL2', 0x623a3016, 'MSR, MRS or system instruction: MSR '
     'ICC_SGI1R_EL1, x0'),
    ('ESR_EL2', 0x62141c3c, 'MSR, MRS or system instruction: DC CISW, x1'),
    ('ESR_EL2', 0xfe000000, 'reserved class 0x3f'),
    ('ESR_EL2', 0x92000020, 'data abort from a lower level: reserved fault '
     'status, read'),
    # KVM's VTCR_EL2 for 40 bits; HypSec's is the same.
    ('VTCR_EL2', 0x80023558, '40-bit IPAs, 4 KiB granule, walks start at '
     'level 1'),
    # 48 bits from level 0; 44 bits from level 0; 36 bits, 16 KiB; 42, 64 KiB.
    ('VTCR_EL2', 0x80000090, '48-bit IPAs, 4 KiB granule, walks start at '
     'level 0'),
    ('VTCR_EL2', 0x80000094, '44-bit IPAs, 4 KiB granule, walks start at '
     'level 0'),
    ('VTCR_EL2', 0x8000805c, '36-bit IPAs, 16 KiB granule, walks start at '
     'level 2'),
    ('VTCR_EL2', 0x80004056, '42-bit IPAs, 64 KiB granule, walks start at '
     'level 2'),
    ('VTCR_EL2', 0x38006000c, '52-bit IPAs, 4 KiB granule, walks start at '
     'level -1'),
    ('VTCR_EL2', 0x8000c058, 'no sound table: TG0 is reserved'),
    ('VTCR_EL2', 0x800000eb, '21-bit IPAs, 4 KiB granule, walks start at '
     'level 3'),
    ('VTCR_EL2', 0x800040d8, 'no sound table: SL0 is reserved'),
    ('VTCR_EL2', 0x80000098, '40-bit IPAs, 4 KiB granule, walks start at '
     'level 0'),
    ('VTCR_EL2', 0x800000a8, 'no sound table: start level 0 is beyond 24 '
     'bits of IPA'),
    ('VTCR_EL2', 0x80000018, 'no sound table: start level 2 would take 1024 '
     'root tables, 16 are possible'),
    ('VTTBR_EL2', 0x000300004ff00000, 'VMID 3, root at 0x4ff00000'),
    ('VTTBR_EL2', 0x0000000000000001, 'VMID 0, root at 0x0'),
    ('SPSR_EL2', 0x3c5, 'EL1h, masked: DAIF, flags: none'),
    ('SPSR_EL2', 0x3c9, 'EL2h, masked: DAIF, flags: none'),
    ('SPSR_EL2', 0x60000000, 'EL0t, masked: none, flags: ZC'),
    ('SPSR_EL2', 0x80400085, 'EL1h, masked: I, flags: N'),
    ('SPSR_EL2', 0x200001d3, 'AArch32 Supervisor, masked: AIF, flags: C'),
    ('SPSR_EL2', 0x10000010, 'AArch32 User, masked: none, flags: V'),
    ('SPSR_EL2', 0x3c1, 'reserved mode 0x1, masked: DAIF, flags: none'),
    ('SPSR_EL2', 0x14, 'AArch32 reserved mode 0x14, masked: none, flags: '
     'none'),
    # Linux's INIT_SCTLR_EL1_MMU_OFF.
    ('SCTLR_EL1', 0x30d00800, 'MMU off, data is not cacheable, instructions '
     'are not cacheable, little-endian in EL1'),
    ('SCTLR_EL1', 0x34f4d91d, 'MMU on, data cache is on, instruction cache '
     'is on, little-endian in EL1'),
    ('SCTLR_EL2', 0x30cd183f, 'MMU on, data cache is on, instruction cache '
     'is on, WXN, little-endian'),
    ('HPFAR_EL2', 0x00400500, 'fault at the IPA page 0x40050000'),
    ('HCR_EL2', 0, 'nothing is set'),
    ('CPTR_EL2', 0x22ff, 'nothing is set'),
    ('CPTR_EL2', 0x1037ff, 'TTA TSM TFP TZ'),
    # HypSec's HCR_HYPSEC_VM_FLAGS.
    ('HCR_EL2', 0x88078663b, 'TLOR RW TSW TACR TIDCP TSC TWE TWI BSU FB AMO '
     'IMO FMO SWIO VM'),
    # Linux's tables with 39 bits and 4 KiB.
    ('TCR_EL1', 0x32b5593519, 'lower half 39 bits, upper half 39 bits'),
]

# D19.2.40 of the Arm ARM: classes that exist.
CLASSES = (0, 1, 3, 4, 5, 6, 7, 8, 9, 0xa, 0xc, 0xd, 0xe, 0x11, 0x12, 0x13,
           0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e,
           0x1f, 0x20, 0x21, 0x22, 0x24, 0x25, 0x26, 0x27, 0x28, 0x2c, 0x2d,
           0x2f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x38, 0x3a, 0x3c, 0x3d)

# From bit 0 on; a field of two bits has two names.
BITS = {
    'HCR_EL2': 'VM SWIO PTW FMO IMO AMO VF VI VSE FB BSU BSU DC TWI TWE TID0 '
    'TID1 TID2 TID3 TSC TIDCP TACR TSW TPCP TPU TTLB TVM TGE TDZ HCD TRVM RW '
    'CD ID E2H TLOR TERR TEA MIOCNCE TME APK API NV NV1 AT NV2 FWB FIEN GPF '
    'TID4 TICAB AMVOFFEN TOCU EnSCXT TTLBIS TTLBOS ATA DCT TID5 TWEDEn TWEDEL '
    'TWEDEL TWEDEL TWEDEL',
    'SCTLR_EL1': 'M A C SA SA0 CP15BEN nAA ITD SED UMA EnRCTX EOS I EnDB DZE '
    'UCT nTWI - nTWE WXN TSCXT IESB EIS SPAN E0E EE UCI EnDA nTLSMD LSMAOE '
    'EnIB EnIA CMOW MSCEn EnFPM BT0 BT1 ITFSB TCF0 TCF0 TCF TCF ATA0 ATA '
    'DSSBS TWEDEn TWEDEL TWEDEL TWEDEL TWEDEL TMT0 TMT TME0 TME EnASR EnAS0 '
    'EnALS EPAN TCSO0 TCSO EnTP2 NMI SPINTMASK TIDCP',
    'VTCR_EL2': 'T0SZ T0SZ T0SZ T0SZ T0SZ T0SZ SL0 SL0 IRGN0 IRGN0 ORGN0 '
    'ORGN0 SH0 SH0 TG0 TG0 PS PS PS VS - HA HD - - HWU59 HWU60 HWU61 HWU62 '
    'NSW NSA RES1 DS SL2 AssuredOnly TL1 S2PIE S2POE D128 - GCSH TL0 - - '
    'HAFT HDBSS - - - - - - - - - - - - - - - - - -',
    'SPSR_EL2': 'M M M M M[4] - F I A D BTYPE BTYPE SSBS ALLINT - - - - - - '
    'IL SS PAN UAO DIT TCO - - V C Z N PM PPEND EXLOCK PACM UINJ - - - - - - '
    '- - - - - - - - - - - - - - - - - - - - -',
}

# What decode() says of one field of a value.
WORDS = [
    ('ESR_EL2', 0x93c08007, 'DFSC', 7, 'translation fault, level 3'),
    ('ESR_EL2', 0x93c08007, 'SAS', 3, '8 bytes'),
    ('ESR_EL2', 0x93c08007, 'SF', 1, '64-bit register'),
    ('ESR_EL2', 0x93c08007, 'EC', 0x24, 'data abort from a lower level'),
    ('ESR_EL2', 0x07e00002, 'TI', 2, 'WFIT'),
    ('ESR_EL2', 0x07e00002, 'COND', 0xe, 'condition AL'),
    ('ESR_EL2', 0x1fe00000, 'CV', 1, 'condition is valid'),
    ('ESR_EL2', 0x5a001234, 'IMM16', 0x1234, ''),
    ('ESR_EL2', 0x623a3016, 'CRM', 11, ''),
    ('ESR_EL2', 0x623a3016, 'CRN', 12, ''),
    ('ESR_EL2', 0x623a3016, 'OP2', 5, ''),
    ('ESR_EL2', 0xc2000022, 'IFSC', 0x22, 'debug event'),
    ('ESR_EL2', 0xb2800008, 'TFV', 1, 'the flags below are valid'),
    ('ESR_EL2', 0xbe000011, 'DFSC', 0x11, 'asynchronous'),
    ('VTCR_EL2', 0x80023558, 'PS', 2, '40-bit output addresses'),
    ('VTCR_EL2', 0x80023558, 'SH0', 3, 'inner shareable'),
    ('VTCR_EL2', 0x80023558, 'ORGN0', 1, 'write-back, allocating on writes'),
    ('VTCR_EL2', 0x80023558, 'T0SZ', 24, ''),
    ('VTTBR_EL2', 0x0003000047e0b000, 'BADDR', 0x23f05800,
     'root 0x47e0b000'),
    ('SPSR_EL2', 0x80400085, 'PAN', 1, 'privileged access never'),
    ('SPSR_EL2', 0x30, 'T', 1, 'T32'),
    ('HCR_EL2', 0x80000000, 'RW', 1, 'EL1 is AArch64'),
    ('HCR_EL2', 0, 'RW', 0, 'EL1 is AArch32'),
]

STAGE2 = [
    (0x000000004ff007ff, 'Normal write-back, read and write, executable, '
     'inner shareable'),
    (0x00400000094c07c7, 'Device-nGnRE, read and write, '
     'not executable, inner shareable'),
    (0x0040000000000341, 'Device-nGnRnE, read, not executable, inner '
     'shareable, access flag clear'),
    (0x0690000000000f3d, 'Normal write-back, none, executable, '
     'inner shareable, contiguous, software bits 0xd'),
]


def test_summaries():
    for register, value, expected in SUMMARIES:
        seen = fields.summary(register, value)
        assert seen == expected, f'{register} {value:#x}: {seen!r}'


def test_words_of_fields():
    for register, value, name, number, words in WORDS:
        fact, = (fact for fact in fields.decode(register, value).facts
                 if fact.name == name)
        assert (fact.value, fact.words) == (number, words), (name, fact)


def test_every_class_has_a_name_and_no_other():
    for ec in range(64):
        reserved = fields.exception_class(ec).startswith('reserved')
        assert reserved == (ec not in CLASSES), hex(ec)
        decoded = fields.decode('ESR_EL2', ec << 26)
        assert decoded.summary.startswith(fields.exception_class(ec))


def test_every_bit_has_its_name():
    for register, names in BITS.items():
        names = names.split()
        assert len(names) == 64, (register, len(names))
        for bit, name in enumerate(names):
            decoded = fields.decode(register, 1 << bit)
            seen = {fact.name for fact in decoded.facts if fact.value}
            # In a mode of AArch32 the fields are others.
            if register == 'SPSR_EL2' and bit == 4:
                continue
            assert seen == ({name} if name != '-' else set()), (register, bit)
            assert decoded.unknown == ((bit,) if name == '-' else ())


def test_every_bit_is_a_field_or_unknown():
    for register in fields.REGISTERS:
        for bit in range(64):
            for rest in (0, 0x92000000, 0x93c00000, 0x10):
                decoded = fields.decode(register, rest | 1 << bit)
                named = sum(fact.value << fact.low for fact in decoded.facts)
                unknown = sum(1 << n for n in decoded.unknown)
                if register.startswith('ESR') and decoded.value >> 26 & 62 == \
                        0x24 and not decoded.value & 1 << 24:
                    named |= decoded.value & 0xffc000
                assert named | unknown == decoded.value, (register, bit)
                assert not named & unknown


def test_any_value_makes_short_lines():
    for register in fields.REGISTERS:
        for value in (0, 1, (1 << 64) - 1, 0x5555555555555555,
                      0xaaaaaaaaaaaaaaaa, 0x0123456789abcdef):
            for line in fields.decode(register, value).lines():
                assert len(line) <= 79, line
    for ec in range(64):
        for rest in (0, 0x1ffffff, 0x0aaaaaa, 0x1555555):
            fields.decode('ESR_EL2', ec << 26 | rest).lines()


def test_stage2_shape():
    shapes = {0x80023558: (40, 12, 1, 2), 0x80000090: (48, 12, 0, 1),
              0x80000098: (40, 12, 0, 1), 0x80000059: (39, 12, 1, 1),
              0x80000055: (43, 12, 1, 16), 0x8000001e: (34, 12, 2, 16)}
    for vtcr, expected in shapes.items():
        seen = fields.stage2_shape(vtcr)
        assert (seen.ipa_bits, seen.page_bits, seen.start_level,
                seen.roots) == expected, (hex(vtcr), seen)
    text = '\n'.join(fields.decode('VTCR', 0x80023558).lines())
    assert '2 root tables side by side; IPAs end at 0xffffffffff' in text


def test_owner_of_a_root():
    decoded = fields.decode('vttbr', 0x0003000047e0b001,
                            owner=lambda root: f'the table of {root:#x}')
    assert decoded.summary == \
        'VMID 3, root at 0x47e0b000, the table of 0x47e0b000'
    narrow = fields.decode('VTTBR', 0xff03000047e0b000, vmid_bits=8)
    assert narrow.summary.startswith('VMID 3,')
    assert narrow.unknown == tuple(range(63, 55, -1))


def test_stage2_descriptors():
    for value, expected in STAGE2:
        assert fields.stage2_leaf(value) == expected, hex(value)
    kinds = [fields.descriptor_kind(*call) for call in (
        (0, 1), (2, 3), (1, 2), (3, 2), (3, 3), (1, 3))]
    assert kinds == ['invalid', 'invalid', 'block', 'table', 'page',
                     'reserved']


def test_stage1_descriptors():
    # Linux's PAGE_KERNEL_ROX and PAGE_SHARED, MAIR as it sets it.
    mair = 0x000000f4040044ff
    assert fields.stage1_leaf(0x0040000000000783, mair=mair) == \
        'attribute 0 (Normal write-back), EL1 read, executable at EL1, not ' \
        'executable at EL0, inner shareable'
    assert fields.stage1_leaf(0x0060000000000f43, mair=mair) == \
        'attribute 0 (Normal write-back), EL1 and EL0 read and write, not ' \
        'executable at EL1, not executable at EL0, inner shareable, not ' \
        'global'
    assert fields.stage1_leaf(0x0040000000000409, el2=True) == \
        'attribute 2, read and write, not executable, not shareable'
    assert [fields.mair_words(n) for n in (0, 4, 0xc, 0x44, 0xff, 0xbb, 0xf4,
                                           0xf0, 2)] == [
        'Device-nGnRnE', 'Device-nGnRE', 'Device-GRE', 'Normal non-cacheable',
        'Normal write-back', 'Normal write-through',
        'Normal outer write-back, inner non-cacheable',
        'Normal tagged write-back', 'reserved']


def test_names_and_numbers_that_are_none():
    for register, value, said in (
            ('ESR_EL9', 0, "'ESR_EL9'"), ('', 0, "''"),
            ('ESR_EL2', 1 << 64, '64 bits'), ('ESR_EL2', -1, '64 bits')):
        try:
            fields.decode(register, value)
        except fields.FieldsError as error:
            assert said in str(error)
        else:
            raise AssertionError(register)
    assert fields.register_name('esr') == 'ESR_EL2'
    assert fields.register_name('cpsr') == 'PSTATE'


def assembled(lines):
    """The instruction words of LINES; None for one that is too new for this
    assembler."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, 's'), Path(folder, 'o')

        def run(text):
            source.write_text(text)
            done = subprocess.run(
                ['aarch64-linux-gnu-as', '-march=armv9-a+sve+sme+memtag+rng+'
                 'profile+ssbs', '-o', out, source], capture_output=True,
                text=True)
            return {int(n) for n in re.findall(r':(\d+): Error', done.stderr)}

        wrong = run('\n'.join(lines) + '\n')
        good = [n for n in range(len(lines)) if n + 1 not in wrong]
        assert not run('\n'.join(lines[n] for n in good) + '\n')
        subprocess.run(['aarch64-linux-gnu-objcopy', '-O', 'binary', '-j',
                        '.text', out, source], check=True)
        words = source.read_bytes()
    found = [None] * len(lines)
    for place, n in enumerate(good):
        found[n] = int.from_bytes(words[4 * place:4 * place + 4], 'little')
    return found


def test_names_of_registers_are_the_assemblers():
    if not shutil.which('aarch64-linux-gnu-as'):
        raise AssertionError('no assembler; ./hypsec setup installs it')
    names = list(SYSTEM_REGISTERS.items())
    ways = [assembled([form.format(name) for _, name in names])
            for form in ('mrs x0, {}', 'msr {}, x0', '{}', '{}, x0')]
    known = 0
    for n, (key, name) in enumerate(names):
        words = [way[n] for way in ways if way[n] is not None]
        for word in words:
            assert key == (word >> 19 & 3, word >> 16 & 7, word >> 12 & 15,
                           word >> 8 & 15, word >> 5 & 7), name
        known += bool(words)
    assert known > 300, known


def test_system_register_without_a_name():
    assert fields.system_register(3, 7, 15, 15, 7) == 'S3_7_C15_C15_7'


if __name__ == '__main__':
    taptest.main(globals())
