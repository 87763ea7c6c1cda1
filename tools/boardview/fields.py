# SPDX-License-Identifier: GPL-2.0-or-later
"""Words for the values of Arm's registers and descriptors.

    decode("ESR_EL2", 0x93c08007).summary
    for line in decode("VTCR_EL2", 0x80023558).lines(): print(line)

Any 64-bit value is taken: bits that have no meaning here are named as such.
Names and meanings are those of the Arm Architecture Reference Manual for
A-profile, EL2 without VHE (HCR_EL2.E2H = 0).

Only the standard library, Python 3.11 or later.
"""
import collections
import dataclasses
import textwrap

from boardview.sysregs import SYSTEM_REGISTERS

WIDTH = 79

# MEANING: None, the number says all; a string, said of a bit that is set; a
# pair, said of a bit that is clear or set; a dictionary by value; a function
# of the value.
Field = collections.namedtuple("Field", "name high low meaning",
                               defaults=(None,))


class FieldsError(Exception):
    """What is wrong with a name or a value, for its reader."""


@dataclasses.dataclass(frozen=True)
class Fact:
    """A field and what it says; no words where there is nothing to say."""
    name: str
    high: int
    low: int
    value: int
    words: str

    @property
    def bits(self):
        return f"[{self.low}]" if self.high == self.low else \
            f"[{self.high}:{self.low}]"

    @property
    def spoken(self):
        """Whether it has a line of its own."""
        return bool(self.value or self.words)


@dataclasses.dataclass(frozen=True)
class Decoded:
    """A register's value: one line, field by field, what follows from them
    together, and the bits that are set but have no meaning here."""
    register: str
    value: int
    summary: str
    facts: tuple
    derived: tuple
    unknown: tuple

    def lines(self, width=WIDTH):
        """All of it as text."""
        head = f"{self.register} = {self.value:#x}: {self.summary}"
        found = wrap(head, width)
        said = [fact for fact in self.facts if fact.spoken]
        names = max((len(fact.name) for fact in said), default=0)
        for fact in said:
            found += wrap(f"  {fact.bits:>7} {fact.name:{names}} "
                          f"{fact.value:#x}  {fact.words}".rstrip(), width,
                          14 + names)
        found += [line for text in self.derived
                  for line in wrap(f"  {text}", width)]
        found += self._rest(width)
        return found

    def _rest(self, width):
        silent = [fact.name for fact in self.facts if not fact.spoken]
        found = wrap("  zero: " + " ".join(silent), width) if silent else []
        if self.unknown:
            found += wrap("  unknown bits set: " +
                          " ".join(map(str, self.unknown)), width)
        return found


def wrap(text, width, indent=10):
    return textwrap.wrap(text, width, subsequent_indent=" " * indent,
                         break_long_words=False, break_on_hyphens=False,
                         drop_whitespace=True) or [""]


def extract(value, high, low):
    return value >> low & (1 << high - low + 1) - 1


def _say(field, value):
    meaning = field.meaning
    if meaning is None:
        return ""
    if isinstance(meaning, str):
        return meaning if value else ""
    if isinstance(meaning, tuple):
        return meaning[value]
    if isinstance(meaning, dict):
        return meaning.get(value, "reserved")
    return meaning(value)


def facts_of(fields, value):
    """FIELDS of VALUE as Facts, in their order."""
    return tuple(
        Fact(field.name, field.high, field.low, number, _say(field, number))
        for field in fields
        for number in (extract(value, field.high, field.low),))


def unknown_of(fields, value, high=63):
    """The bits of VALUE that are set and in none of FIELDS."""
    known = 0
    for field in fields:
        known |= (1 << field.high + 1) - (1 << field.low)
    return tuple(bit for bit in range(high, -1, -1)
                 if value & ~known & 1 << bit)


def _by_name(facts):
    return {fact.name: fact for fact in facts}


def bits(text):
    """Single-bit fields out of lines "BIT NAME words"; "a | b" are words for
    clear and set."""
    fields = []
    for line in text.strip().splitlines():
        number, name, *words = line.split(maxsplit=2)
        meaning = words[0] if words else None
        if meaning and " | " in meaning:
            meaning = tuple(word.strip() for word in meaning.split(" | "))
        fields.append(Field(name, int(number), int(number), meaning))
    return fields


# ---------------------------------------------------------------- ESR_ELx

EXCEPTION_CLASSES = {
    0x00: "unknown reason",
    0x01: "WFI, WFE, WFIT or WFET",
    0x03: "AArch32 MCR or MRC, coprocessor 15",
    0x04: "AArch32 MCRR or MRRC, coprocessor 15",
    0x05: "AArch32 MCR or MRC, coprocessor 14",
    0x06: "AArch32 LDC or STC",
    0x07: "FP, SIMD or SVE instruction",
    0x08: "AArch32 VMRS",
    0x09: "pointer authentication instruction",
    0x0a: "LD64B, ST64B or another trapped instruction",
    0x0c: "AArch32 MRRC, coprocessor 14",
    0x0d: "branch target exception",
    0x0e: "illegal execution state",
    0x11: "SVC in AArch32",
    0x12: "HVC in AArch32",
    0x13: "SMC in AArch32",
    0x14: "128-bit MSRR, MRRS or system instruction",
    0x15: "SVC",
    0x16: "HVC",
    0x17: "SMC",
    0x18: "MSR, MRS or system instruction",
    0x19: "SVE instruction",
    0x1a: "ERET, ERETAA or ERETAB",
    0x1b: "TSTART",
    0x1c: "pointer authentication failure",
    0x1d: "SME instruction",
    0x1e: "granule protection check",
    0x1f: "implementation defined, to EL3",
    0x20: "instruction abort from a lower level",
    0x21: "instruction abort from the same level",
    0x22: "PC alignment fault",
    0x24: "data abort from a lower level",
    0x25: "data abort from the same level",
    0x26: "SP alignment fault",
    0x27: "memory copy or set instruction",
    0x28: "floating-point exception in AArch32",
    0x2c: "floating-point exception",
    0x2d: "guarded control stack exception",
    0x2f: "SError",
    0x30: "breakpoint from a lower level",
    0x31: "breakpoint from the same level",
    0x32: "software step from a lower level",
    0x33: "software step from the same level",
    0x34: "watchpoint from a lower level",
    0x35: "watchpoint from the same level",
    0x38: "BKPT in AArch32",
    0x3a: "vector catch in AArch32",
    0x3c: "BRK",
    0x3d: "profiling exception",
}

_LEVELLED = {
    0x00: "address size fault, level {}",
    0x04: "translation fault, level {}",
    0x08: "access flag fault, level {}",
    0x0c: "permission fault, level {}",
    0x14: "external abort on a table walk, level {}",
    0x1c: "parity or ECC error on a table walk, level {}",
    0x24: "granule protection fault on a table walk, level {}",
}
FAULT_STATUS = {
    **{code + level: text.format(level)
       for code, text in _LEVELLED.items() for level in range(4)},
    0x10: "external abort",
    0x11: "tag check fault",
    0x12: "external abort on a table walk, level -2",
    0x13: "external abort on a table walk, level -1",
    0x18: "parity or ECC error",
    0x1b: "parity or ECC error on a table walk, level -1",
    0x21: "alignment fault",
    0x22: "granule protection fault on a table walk, level -2",
    0x23: "granule protection fault on a table walk, level -1",
    0x28: "granule protection fault",
    0x29: "address size fault, level -1",
    0x2a: "translation fault, level -2",
    0x2b: "translation fault, level -1",
    0x2c: "address size fault, level -2",
    0x30: "TLB conflict",
    0x31: "unsupported atomic hardware update",
    0x34: "implementation defined: lockdown",
    0x35: "implementation defined: unsupported exclusive or atomic access",
}

_CONDITIONS = ("EQ NE CS CC MI PL VS VC HI LS GE LT GT LE AL NV").split()


def _condition(value):
    return f"condition {_CONDITIONS[value]}"


def _x(value):
    return "xzr" if value == 31 else f"x{value}"


_CV = (Field("CV", 24, 24, ("no condition given", "condition is valid")),
       Field("COND", 23, 20, _condition))
_DIRECTION = Field("DIR", 0, 0, ("write (MSR, MCR)", "read (MRS, MRC)"))
_IMM16 = (Field("IMM16", 15, 0),)
_IFSC = Field("IFSC", 5, 0, FAULT_STATUS)
_DFSC = Field("DFSC", 5, 0, FAULT_STATUS)
_EA = Field("EA", 9, 9, "external abort type is 1")
_FNV = Field("FnV", 10, 10, ("FAR is valid", "FAR is not valid"))
_S1PTW = Field("S1PTW", 7, 7, "in the walk of a stage-1 table")
_SET = Field("SET", 12, 11, {0: "", 1: "ST64BV",
                             2: "uncontainable (or LD64B, ST64B)",
                             3: "restartable (or ST64BV0)"})
_VNCR = Field("VNCR", 13, 13, "access by way of VNCR_EL2")
_CM = Field("CM", 8, 8, "cache maintenance or address translation")
_WNR = Field("WnR", 6, 6, ("read", "write"))
_SAS = Field("SAS", 23, 22, {0: "1 byte", 1: "2 bytes", 2: "4 bytes",
                             3: "8 bytes"})
_DATA_ACCESS = (
    _SAS,
    Field("SSE", 21, 21, ("", "sign-extended")),
    Field("SRT", 20, 16, _x),
    Field("SF", 15, 15, ("32-bit register", "64-bit register")),
    Field("AR", 14, 14, "acquire or release"),
)
_DATA_REST = (_VNCR, _SET, _FNV, _EA, _CM, _S1PTW, _WNR, _DFSC)
_ISV = Field("ISV", 24, 24, ("[23:14] are not valid", "[23:14] are valid"))
# Without ISV, 23:14 have no meaning.
_DATA_ABORT = (_ISV, *_DATA_ACCESS, *_DATA_REST)
_MOVE32 = (*_CV, Field("OPC2", 19, 17), Field("OPC1", 16, 14),
           Field("CRN", 13, 10), Field("RT", 9, 5), Field("CRM", 4, 1),
           _DIRECTION)
_MOVE32_TWO = (*_CV, Field("OPC1", 19, 16), Field("RT2", 14, 10),
               Field("RT", 9, 5), Field("CRM", 4, 1), _DIRECTION)
_FP_EXCEPTION = (
    Field("TFV", 23, 23, "the flags below are valid"),
    Field("VECITR", 10, 8),
    *bits("""
        7 IDF input denormal
        4 IXF inexact
        3 UFF underflow
        2 OFF overflow
        1 DZF division by zero
        0 IOF invalid operation
    """))
_ABORT_I = (_SET, _FNV, _EA, _S1PTW, _IFSC)
_SYSTEM = (Field("OP0", 21, 20), Field("OP2", 19, 17), Field("OP1", 16, 14),
           Field("CRN", 13, 10), Field("RT", 9, 5, _x), Field("CRM", 4, 1),
           Field("DIR", 0, 0, ("write (MSR)", "read (MRS)")))
_WATCH = (Field("WPT", 23, 18), Field("WPTV", 17, 17, "WPT is valid"),
          Field("WPF", 16, 16, "may be false"),
          Field("FnP", 15, 15, "FAR is not precise"), _VNCR, _FNV, _CM, _WNR,
          _DFSC)
_STEP = (Field("ISV", 24, 24, "EX is valid"),
         Field("EX", 6, 6, "exclusive load"), _IFSC)

ISS = {
    0x01: (*_CV, Field("RN", 9, 5, _x), Field("RV", 2, 2, "RN is valid"),
           Field("TI", 1, 0, {0: "WFI", 1: "WFE", 2: "WFIT", 3: "WFET"})),
    0x03: _MOVE32, 0x05: _MOVE32, 0x08: _MOVE32,
    0x04: _MOVE32_TWO, 0x0c: _MOVE32_TWO,
    0x06: (*_CV, Field("IMM8", 19, 12), Field("RN", 9, 5),
           Field("OFFSET", 4, 4, ("subtract", "add")), Field("AM", 3, 1),
           Field("DIR", 0, 0, ("STC", "LDC"))),
    0x07: _CV,
    0x0a: (Field("ISS", 24, 0, {0: "ST64BV", 1: "ST64BV0",
                                2: "LD64B or ST64B"}),),
    0x0d: (Field("BTYPE", 1, 0),),
    0x11: _IMM16, 0x12: _IMM16, 0x15: _IMM16, 0x16: _IMM16, 0x17: _IMM16,
    0x13: (*_CV, Field("CCKNOWNPASS", 19, 19, "condition may have failed")),
    0x18: _SYSTEM,
    0x14: _SYSTEM,
    0x1a: (Field("ERET", 1, 1, ("ERET", "ERETAA or ERETAB")),
           Field("ERETA", 0, 0, ("key A", "key B"))),
    0x1b: (Field("RD", 9, 5, _x),),
    0x1c: (Field("IorD", 1, 1, ("instruction key", "data key")),
           Field("AorB", 0, 0, ("key A", "key B"))),
    0x1d: (Field("SMTC", 2, 0, {0: "access to SME", 1: "illegal in streaming "
                                "mode", 2: "not in streaming mode",
                                3: "ZA is off", 4: "ZT0 is off"}),),
    0x20: _ABORT_I, 0x21: _ABORT_I,
    0x24: _DATA_ABORT, 0x25: _DATA_ABORT,
    0x27: (Field("MemInst", 24, 24, ("copy", "set")),
           Field("isSETG", 23, 23, "SETG"), Field("OPTIONS", 22, 19),
           Field("FromEpilogue", 18, 18, "in the epilogue"),
           Field("WrongOption", 17, 17, "wrong option"),
           Field("OptionA", 16, 16, "option A"),
           Field("DESTREG", 14, 10, _x), Field("SRCREG", 9, 5, _x),
           Field("SIZEREG", 4, 0, _x)),
    0x28: _FP_EXCEPTION, 0x2c: _FP_EXCEPTION,
    0x2f: (Field("IDS", 24, 24, ("", "the rest is implementation defined")),
           Field("IESB", 13, 13, "implicit error synchronisation"),
           Field("AET", 12, 10, {0: "uncontainable", 1: "unrecoverable",
                                 2: "restartable", 3: "recoverable",
                                 6: "corrected"}),
           _EA, Field("DFSC", 5, 0, {0: "uncategorised",
                                     0x11: "asynchronous"})),
    0x30: (_IFSC,), 0x31: (_IFSC,), 0x3a: (_IFSC,),
    0x32: _STEP, 0x33: _STEP, 0x34: _WATCH, 0x35: _WATCH,
    0x38: (Field("COMMENT", 15, 0),), 0x3c: (Field("COMMENT", 15, 0),),
}
for _class in (0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x3a):
    ISS[_class] = tuple(
        field._replace(meaning=lambda value: "debug event" if value == 0x22
                       else FAULT_STATUS.get(value, "reserved"))
        if field.name in ("IFSC", "DFSC") else field for field in ISS[_class])

_ESR_COMMON = (Field("ISS2", 55, 32), Field("EC", 31, 26),
               Field("IL", 25, 25, ("16-bit instruction",
                                    "32-bit instruction")))


def exception_class(ec):
    """Words for an exception class, also for one that nobody has."""
    return EXCEPTION_CLASSES.get(ec, f"reserved class {ec:#x}")


def _iss_fields(ec, value):
    fields = ISS.get(ec, ())
    if fields is _DATA_ABORT and not value & 1 << 24:
        return (_ISV, *_DATA_REST)
    if fields is _FP_EXCEPTION and not value & 1 << 23:
        return fields[:1]
    return fields


def system_register(op0, op1, crn, crm, op2):
    """The name of a system register or instruction; S3_0_C1_C0_0 for one
    without."""
    return SYSTEM_REGISTERS.get(
        (op0, op1, crn, crm, op2), f"S{op0}_{op1}_C{crn}_C{crm}_{op2}")


def _esr_system(value):
    name = system_register(extract(value, 21, 20), extract(value, 16, 14),
                           extract(value, 13, 10), extract(value, 4, 1),
                           extract(value, 19, 17))
    rt = _x(extract(value, 9, 5))
    if extract(value, 21, 20) == 1:
        return f"{name}, {rt}"
    return f"MRS {rt}, {name}" if value & 1 else f"MSR {name}, {rt}"


def _esr_data(value):
    fault = FAULT_STATUS.get(extract(value, 5, 0), "reserved fault status")
    what = "write" if value & 1 << 6 else "read"
    if value & 1 << 8:
        what = "cache maintenance"
    if value & 1 << 24:
        size = 1 << extract(value, 23, 22)
        name = _x(extract(value, 20, 16))
        if not value & 1 << 15:
            name = name.replace("x", "w", 1)
        what += f" of {size} byte{'s' if size > 1 else ''}, {name}"
    if value & 1 << 7:
        what += ", walking stage 1"
    return f"{fault}, {what}"


def _esr_short(ec, value):
    """What a summary adds to the name of the class."""
    if ec in (0x24, 0x25):
        return _esr_data(value)
    if ec in (0x20, 0x21):
        return FAULT_STATUS.get(extract(value, 5, 0),
                                "reserved fault status") + \
            (", walking stage 1" if value & 1 << 7 else "")
    if ec == 0x18:
        return _esr_system(value)
    if ec in (0x11, 0x12, 0x15, 0x16, 0x17, 0x38, 0x3c):
        return f"#{extract(value, 15, 0):#x}"
    if ec == 0x01:
        return ("WFI", "WFE", "WFIT", "WFET")[value & 3]
    return ""


def _decode_esr(name, value, _):
    ec = extract(value, 31, 26)
    common = [field._replace(meaning=exception_class)
              if field.name == "EC" else field for field in _ESR_COMMON]
    fields = (*common, *_iss_fields(ec, value))
    short = _esr_short(ec, value)
    invalid = Field("", 23, 14) if ISS.get(ec) is _DATA_ABORT and \
        not value & 1 << 24 else Field("", 25, 25)
    return Decoded(name, value,
                   exception_class(ec) + (f": {short}" if short else ""),
                   facts_of(fields, value), (),
                   unknown_of((*fields, invalid), value))


# ------------------------------------------------------------------- HCR_EL2

_HCR = (Field("TWEDEL", 63, 60), *bits("""
    59 TWEDEn WFE traps are delayed
    58 TID5 EL1's GMID_EL1 traps
    57 DCT default cacheable is tagged
    56 ATA EL1 may use memory tags
    55 TTLBOS outer shareable TLB maintenance traps
    54 TTLBIS inner shareable TLB maintenance traps
    53 EnSCXT EL1 may use SCXTNUM_EL0 and SCXTNUM_EL1
    52 TOCU cache maintenance to unification traps
    51 AMVOFFEN virtual offsets of activity monitors
    50 TICAB IC IALLUIS traps
    49 TID4 ID group 4 traps (cache IDs)
    48 GPF granule protection faults go to EL2
    47 FIEN EL1 may inject faults into error records
    46 FWB stage 2 forces write-back
    45 NV2 nested virtualization by memory
    44 AT address translation instructions trap
    43 NV1 nested virtualization, EL1's own registers
    42 NV nested virtualization
    41 API EL1 may use pointer authentication
    40 APK EL1 may use its pointer authentication keys
    39 TME EL1 may use transactions
    38 MIOCNCE mismatched cacheability may lose coherency
    37 TEA external aborts go to EL2
    36 TERR error record registers trap
    35 TLOR LORegion registers trap
    34 E2H EL2 is a host with EL0 (VHE)
    33 ID stage-2 instruction accesses are not cacheable
    32 CD stage-2 data accesses are not cacheable
    31 RW EL1 is AArch32 | EL1 is AArch64
    30 TRVM reads of EL1's translation registers trap
    29 HCD HVC is undefined
    28 TDZ DC ZVA traps
    27 TGE EL1 does not exist, exceptions of EL0 go to EL2
    26 TVM writes of EL1's translation registers trap
    25 TTLB TLB maintenance traps
    24 TPU cache maintenance to unification traps
    23 TPCP cache maintenance to coherency traps
    22 TSW cache maintenance by set and way traps
    21 TACR ACTLR_EL1 traps
    20 TIDCP implementation defined functions trap
    19 TSC SMC traps
    18 TID3 ID group 3 traps (feature registers)
    17 TID2 ID group 2 traps (cache IDs)
    16 TID1 ID group 1 traps (AIDR_EL1, REVIDR_EL1)
    15 TID0 ID group 0 traps (AArch32)
    14 TWE WFE traps
    13 TWI WFI traps
    12 DC stage 1 is off and memory is cacheable
"""), Field("BSU", 11, 10, {0: "", 1: "barriers are inner shareable or wider",
                           2: "barriers are outer shareable or wider",
                           3: "barriers are full system"}), *bits("""
    9 FB TLB and branch maintenance is broadcast
    8 VSE a virtual SError is pending
    7 VI a virtual IRQ is pending
    6 VF a virtual FIQ is pending
    5 AMO SErrors go to EL2
    4 IMO IRQs go to EL2
    3 FMO FIQs go to EL2
    2 PTW stage-1 walks of device memory fault
    1 SWIO invalidation by set and way also cleans
    0 VM stage 2 is off | stage 2 translates EL1 and EL0
"""))


def _names_set(facts):
    return " ".join(fact.name for fact in facts if fact.value and
                    not fact.name.startswith("RES1")) or "nothing is set"


def _decode_flags(fields):
    def decode_value(name, value, _):
        facts = facts_of(fields, value)
        return Decoded(name, value, _names_set(facts), facts, (),
                       unknown_of(fields, value))
    return decode_value


# ------------------------------------------------------------------ VTCR_EL2

_CACHE = {0: "not cacheable", 1: "write-back, allocating on writes",
          2: "write-through", 3: "write-back, not allocating on writes"}
_SHARE = {0: "not shareable", 1: "reserved", 2: "outer shareable",
          3: "inner shareable"}
_PA_BITS = {0: 32, 1: 36, 2: 40, 3: 42, 4: 44, 5: 48, 6: 52, 7: 56}
_TG0 = {0: 12, 1: 16, 2: 14}
_TG1 = {1: 14, 2: 12, 3: 16}
_START = {12: {0: 2, 1: 1, 2: 0, 3: 3}, 14: {0: 3, 1: 2, 2: 1, 3: 0},
          16: {0: 3, 1: 2, 2: 1}}
MAX_CONCATENATED = 16


def _granule(table):
    return {code: f"{1 << shift - 10} KiB granule"
            for code, shift in table.items()}


def _pa_words(value):
    return f"{_PA_BITS[value]}-bit output addresses"


_VTCR = (*bits("""
    45 HDBSS dirty state is tracked in a structure
    44 HAFT hardware manages the access flag of tables
    41 TL0 table descriptors have a TopLevel0 attribute
    40 GCSH guarded control stacks are checked
    38 D128 128-bit descriptors
    37 S2POE permission overlays
    36 S2PIE indirect permissions
    35 TL1 table descriptors have a TopLevel1 attribute
    34 AssuredOnly bit 58 of descriptors is AssuredOnly
    33 SL2 start level -1
    32 DS 52-bit addresses with 4 KiB and 16 KiB granules
    31 RES1 must be one | as it must be
    30 NSA not Secure addresses
    29 NSW not Secure walks
    28 HWU62 bit 62 of descriptors is implementation defined
    27 HWU61 bit 61 of descriptors is implementation defined
    26 HWU60 bit 60 of descriptors is implementation defined
    25 HWU59 bit 59 of descriptors is implementation defined
    22 HD hardware manages dirty state
    21 HA hardware manages the access flag
    19 VS 8-bit VMIDs | 16-bit VMIDs
"""), Field("PS", 18, 16, _pa_words), Field("TG0", 15, 14, _granule(_TG0)),
         Field("SH0", 13, 12, _SHARE), Field("ORGN0", 11, 10, _CACHE),
         Field("IRGN0", 9, 8, _CACHE), Field("SL0", 7, 6),
         Field("T0SZ", 5, 0))


@dataclasses.dataclass(frozen=True)
class Stage2:
    """What VTCR_EL2 says about a table: bits of an IPA, of a page (12, 14 or
    16), the level where walks start, and how many root tables stand side by
    side."""
    ipa_bits: int
    page_bits: int
    start_level: int
    roots: int


def stage2_shape(vtcr):
    """Stage2 of a VTCR_EL2. Raises FieldsError where it makes no sense."""
    page = _TG0.get(extract(vtcr, 15, 14))
    if page is None:
        raise FieldsError("TG0 is reserved")
    code = extract(vtcr, 7, 6)
    level = _START[page].get(code)
    if vtcr & 1 << 33 and page == 12 and code == 0:
        level = -1
    if level is None:
        raise FieldsError("SL0 is reserved")
    ipa_bits = 64 - extract(vtcr, 5, 0)
    # What the levels below the start resolve, and the start level itself.
    below = page + (3 - level) * (page - 3)
    at_start = ipa_bits - below
    if at_start < 1:
        raise FieldsError(f"start level {level} is beyond {ipa_bits} bits "
                          "of IPA")
    roots = 1 << max(at_start - (page - 3), 0)
    if roots > MAX_CONCATENATED:
        raise FieldsError(f"start level {level} would take {roots} root "
                          f"tables, {MAX_CONCATENATED} are possible")
    return Stage2(ipa_bits, page, level, roots)


def _decode_vtcr(name, value, _):
    facts = facts_of(_VTCR, value)
    unknown = unknown_of(_VTCR, value)
    try:
        shape = stage2_shape(value)
    except FieldsError as error:
        return Decoded(name, value, f"no sound table: {error}", facts, (),
                       unknown)
    summary = (f"{shape.ipa_bits}-bit IPAs, {1 << shape.page_bits - 10} KiB "
               f"granule, walks start at level {shape.start_level}")
    roots = (f"{shape.roots} root tables side by side" if shape.roots > 1
             else "1 root table")
    last = (1 << shape.ipa_bits) - 1
    return Decoded(name, value, summary, facts,
                   (f"{roots}; IPAs end at {last:#x}",), unknown)


def _decode_vttbr(name, value, context):
    wide = context.get("vmid_bits", 16) == 16
    vmid = Field("VMID", 63, 48) if wide else Field("VMID", 55, 48)
    fields = (vmid, Field("BADDR", 47, 1),
              Field("CnP", 0, 0, "shared with other CPUs"))
    root = value & 0xfffffffffffe
    owner = context.get("owner")
    whose = owner(root) if owner else ""
    facts = facts_of(fields, value)
    facts = (facts[0], dataclasses.replace(facts[1], words="root " +
                                           f"{root:#x}"), facts[2])
    return Decoded(name, value, f"VMID {facts[0].value}, root at {root:#x}" +
                   (f", {whose}" if whose else ""), facts, (),
                   unknown_of(fields, value))


# ------------------------------------------------------------------ SPSR_ELx

_MODES64 = {0: "EL0t", 4: "EL1t", 5: "EL1h", 8: "EL2t", 9: "EL2h",
            12: "EL3t", 13: "EL3h"}
_MODES32 = {0: "User", 1: "FIQ", 2: "IRQ", 3: "Supervisor", 6: "Monitor",
            7: "Abort", 10: "Hyp", 11: "Undefined", 15: "System"}
_FLAGS = bits("""
    31 N
    30 Z
    29 C
    28 V
""")
_MASKS = bits("""
    8 A SErrors are masked
    7 I IRQs are masked
    6 F FIQs are masked
""")
_SPSR64 = (*bits("""
    36 UINJ an undefined exception is injected
    35 PACM pointer authentication is masked
    34 EXLOCK exception return is locked
    33 PPEND a profiling exception is pending
    32 PM profiling exceptions are masked
"""), *_FLAGS, *bits("""
    25 TCO tag checks are off
    24 DIT timing does not depend on data
    23 UAO user access override
    22 PAN privileged access never
    21 SS software step
    20 IL illegal execution state
    13 ALLINT all interrupts are masked
    12 SSBS speculative store bypass is safe
"""), Field("BTYPE", 11, 10), *bits("""
    9 D debug exceptions are masked
"""), *_MASKS, Field("M[4]", 4, 4, ("AArch64", "AArch32")),
           Field("M", 3, 0, lambda value: _MODES64.get(value, "reserved")))
_SPSR32 = (Field("PPEND", 33, 33), *_FLAGS, Field("Q", 27, 27, "saturation"),
           Field("IT[1:0]", 26, 25), *bits("""
    24 DIT timing does not depend on data
    23 SSBS speculative store bypass is safe
    22 PAN privileged access never
    21 SS software step
    20 IL illegal execution state
"""), Field("GE", 19, 16), Field("IT[7:2]", 15, 10), *bits("""
    9 E little-endian data | big-endian data
"""), *_MASKS, Field("T", 5, 5, ("A32", "T32")),
           Field("M[4]", 4, 4, ("AArch64", "AArch32")),
           Field("M", 3, 0, lambda value: _MODES32.get(value, "reserved")))


def mode(spsr):
    """"EL1h", or "AArch32 Supervisor"; "reserved mode 0x3" and the like."""
    modes = _MODES32 if spsr & 1 << 4 else _MODES64
    name = modes.get(extract(spsr, 3, 0),
                     f"reserved mode {extract(spsr, 4, 0):#x}")
    return f"AArch32 {name}" if spsr & 1 << 4 else name


def _letters(value, letters, high):
    """Those of LETTERS whose bits, from HIGH down, are set."""
    return "".join(letter for n, letter in enumerate(letters)
                   if value & 1 << high - n) or "none"


def _decode_spsr(name, value, _):
    narrow = value & 1 << 4
    masked = _letters(value, *(("AIF", 8) if narrow else ("DAIF", 9)))
    fields = _SPSR32 if narrow else _SPSR64
    return Decoded(name, value, f"{mode(value)}, masked: {masked}, flags: "
                   f"{_letters(value, 'NZCV', 31)}", facts_of(fields, value),
                   (), unknown_of(fields, value))


# ----------------------------------------------------------------- SCTLR_ELx

_TCF = {0: "tag check faults do nothing", 1: "tag check faults are exceptions",
        2: "tag check faults are noted", 3: "tag check faults: writes noted, "
        "reads exceptions"}
_SCTLR_EL1 = (*bits("""
    63 TIDCP EL0's implementation defined functions trap
    62 SPINTMASK SP selects the interrupt mask
    61 NMI non-maskable interrupts
    60 EnTP2 EL0 may use TPIDR2_EL0
    59 TCSO tag checks of stores only, EL1
    58 TCSO0 tag checks of stores only, EL0
    57 EPAN PAN also for execute-only pages
    56 EnALS EL0 may use LD64B and ST64B
    55 EnAS0 EL0 may use ST64BV0
    54 EnASR EL0 may use ST64BV
    53 TME EL1 may use transactions
    52 TME0 EL0 may use transactions
    51 TMT transactions of EL1 fail
    50 TMT0 transactions of EL0 fail
"""), Field("TWEDEL", 49, 46), *bits("""
    45 TWEDEn WFE traps are delayed
    44 DSSBS SSBS is set on exceptions
    43 ATA EL1 may use memory tags
    42 ATA0 EL0 may use memory tags
"""), Field("TCF", 41, 40, lambda value: value and _TCF[value] or ""),
    Field("TCF0", 39, 38, lambda value: value and _TCF[value] or ""), *bits("""
    37 ITFSB tag faults are synchronised at exceptions
    36 BT1 PACIxSP is no branch target in EL1
    35 BT0 PACIxSP is no branch target in EL0
    34 EnFPM EL0 may use FPMR
    33 MSCEn EL0 may use memory copy instructions
    32 CMOW cache maintenance needs write permission
    31 EnIA instruction key A
    30 EnIB instruction key B
    29 LSMAOE load and store multiple keep order
    28 nTLSMD load and store multiple to device memory do not trap
    27 EnDA data key A
    26 UCI EL0 may use cache maintenance
    25 EE little-endian in EL1 | big-endian in EL1
    24 E0E little-endian in EL0 | big-endian in EL0
    23 SPAN PAN is set on exceptions | PAN stays on exceptions
    22 EIS exception entry synchronises
    21 IESB implicit error synchronisation
    20 TSCXT EL0's SCXTNUM_EL0 traps
    19 WXN writable is execute-never
    18 nTWE EL0's WFE traps | EL0 may use WFE
    16 nTWI EL0's WFI traps | EL0 may use WFI
    15 UCT EL0 may read CTR_EL0
    14 DZE EL0 may use DC ZVA
    13 EnDB data key B
    12 I instructions are not cacheable | instruction cache is on
    11 EOS exception exit synchronises
    10 EnRCTX EL0 may use speculation restriction
    9 UMA EL0 may change DAIF
    8 SED SETEND is undefined
    7 ITD some IT blocks are undefined
    6 nAA some unaligned accesses do not fault
    5 CP15BEN AArch32 EL0 may use CP15 barriers
    4 SA0 SP alignment is checked in EL0
    3 SA SP alignment is checked in EL1
    2 C data is not cacheable | data cache is on
    1 A alignment is checked
    0 M MMU off | MMU on
"""))
_SCTLR_EL2 = (*bits("""
    62 SPINTMASK SP selects the interrupt mask
    61 NMI non-maskable interrupts
    59 TCSO tag checks of stores only
    53 TME EL2 may use transactions
    51 TMT transactions of EL2 fail
    44 DSSBS SSBS is set on exceptions
    43 ATA EL2 may use memory tags
"""), Field("TCF", 41, 40, lambda value: value and _TCF[value] or ""), *bits("""
    37 ITFSB tag faults are synchronised at exceptions
    36 BT PACIxSP is no branch target
    31 EnIA instruction key A
    30 EnIB instruction key B
    27 EnDA data key A
    25 EE little-endian | big-endian
    22 EIS exception entry synchronises
    21 IESB implicit error synchronisation
    19 WXN writable is execute-never
    13 EnDB data key B
    12 I instructions are not cacheable | instruction cache is on
    11 EOS exception exit synchronises
    6 nAA some unaligned accesses do not fault
    3 SA SP alignment is checked
    2 C data is not cacheable | data cache is on
    1 A alignment is checked
    0 M MMU off | MMU on
"""), *(Field(f"RES1[{bit}]", bit, bit, ("must be one", "as it must be"))
        for bit in (29, 28, 23, 18, 16, 5, 4)))


def _decode_sctlr(fields):
    def decode_value(name, value, _):
        facts = facts_of(fields, value)
        by_name = _by_name(facts)
        return Decoded(name, value, ", ".join((
            by_name["M"].words, by_name["C"].words, by_name["I"].words,
            *(["WXN"] if by_name["WXN"].value else []),
            by_name["EE"].words)), facts, (), unknown_of(fields, value))
    return decode_value


# ------------------------------------------------------- others that traps set

def _decode_hpfar(name, value, _):
    fields = (Field("NS", 63, 63), Field("FIPA", 47, 4))
    page = extract(value, 47, 4) << 12
    return Decoded(name, value, f"fault at the IPA page {page:#x}",
                   facts_of(fields, value), (), unknown_of(fields, value))


_TCR = (*bits("""
    61 MTX1 tags of the upper half are not translated
    60 MTX0 tags of the lower half are not translated
    59 DS 52-bit addresses
    58 TCMA1 unchecked accesses, upper half
    57 TCMA0 unchecked accesses, lower half
    56 E0PD1 EL0 faults in the upper half
    55 E0PD0 EL0 faults in the lower half
    54 NFD1 no non-fault walks, upper half
    53 NFD0 no non-fault walks, lower half
    52 TBID1 top byte of data only, upper half
    51 TBID0 top byte of data only, lower half
    42 HPD1 no hierarchical permissions, upper half
    41 HPD0 no hierarchical permissions, lower half
    40 HD hardware manages dirty state
    39 HA hardware manages the access flag
    38 TBI1 top byte ignored, upper half
    37 TBI0 top byte ignored, lower half
    36 AS 8-bit ASIDs | 16-bit ASIDs
"""), Field("HWU1", 50, 47), Field("HWU0", 46, 43),
    Field("IPS", 34, 32, _pa_words),
    Field("TG1", 31, 30, _granule(_TG1)), Field("SH1", 29, 28, _SHARE),
    Field("ORGN1", 27, 26, _CACHE), Field("IRGN1", 25, 24, _CACHE),
    Field("EPD1", 23, 23, "no walks, upper half"),
    Field("A1", 22, 22, ("ASID from TTBR0", "ASID from TTBR1")),
    Field("T1SZ", 21, 16), Field("TG0", 15, 14, _granule(_TG0)),
    Field("SH0", 13, 12, _SHARE), Field("ORGN0", 11, 10, _CACHE),
    Field("IRGN0", 9, 8, _CACHE),
    Field("EPD0", 7, 7, "no walks, lower half"), Field("T0SZ", 5, 0))


def _decode_tcr(name, value, _):
    halves = []
    for half, size, off in (("lower", 0, 7), ("upper", 16, 23)):
        width = 64 - extract(value, size + 5, size)
        halves.append(f"{half} half off" if value & 1 << off else
                      f"{half} half {width} bits")
    return Decoded(name, value, ", ".join(halves), facts_of(_TCR, value), (),
                   unknown_of(_TCR, value))


# Registers with flags only, EL2 without VHE.
_CPTR = (*bits("""
    31 TCPAC CPACR_EL1 traps
    30 TAM activity monitors trap
    20 TTA trace registers trap
    12 TSM SME traps
    10 TFP FP and SIMD trap
    8 TZ SVE traps
"""), *(Field(f"RES1[{bit}]", bit, bit, ("must be one", "as it must be"))
        for bit in (13, 9, 7, 6, 5, 4, 3, 2, 1, 0)))
_CNTV_CTL = bits("""
    2 ISTATUS does not fire | fires
    1 IMASK interrupt not masked | interrupt masked
    0 ENABLE off | on
""")


_DECODERS = {
    "ESR_EL1": _decode_esr, "ESR_EL2": _decode_esr,
    "HCR_EL2": _decode_flags(_HCR),
    "VTCR_EL2": _decode_vtcr, "VTTBR_EL2": _decode_vttbr,
    "SPSR_EL1": _decode_spsr, "SPSR_EL2": _decode_spsr,
    "PSTATE": _decode_spsr,
    "SCTLR_EL1": _decode_sctlr(_SCTLR_EL1),
    "SCTLR_EL2": _decode_sctlr(_SCTLR_EL2),
    "HPFAR_EL2": _decode_hpfar, "TCR_EL1": _decode_tcr,
    "CPTR_EL2": _decode_flags(_CPTR),
    "CNTV_CTL_EL0": _decode_flags(_CNTV_CTL),
}
REGISTERS = tuple(_DECODERS)
_SHORT = {"ESR": "ESR_EL2", "HCR": "HCR_EL2", "VTCR": "VTCR_EL2",
          "VTTBR": "VTTBR_EL2", "SPSR": "SPSR_EL2", "CPSR": "PSTATE",
          "SCTLR": "SCTLR_EL1", "HPFAR": "HPFAR_EL2", "TCR": "TCR_EL1",
          "CPTR": "CPTR_EL2", "CNTV_CTL": "CNTV_CTL_EL0"}


def register_name(text):
    """The full name that TEXT means. Raises FieldsError."""
    name = text.upper()
    name = _SHORT.get(name, name)
    if name not in _DECODERS:
        raise FieldsError(f"no register that can be decoded: {text[:40]!r}; "
                          f"there are {', '.join(REGISTERS)}")
    return name


def decode(register, value, **context):
    """Decoded VALUE of a register by name, or short name.

    CONTEXT for VTTBR_EL2: owner, a function of a root's address that says
    whose it is in words; vmid_bits, 8 or 16. Raises FieldsError for another
    register or a number that is none of 64 bits.
    """
    name = register_name(register)
    if not 0 <= value < 1 << 64:
        raise FieldsError(f"{value:#x} is no value of 64 bits")
    return _DECODERS[name](name, value, context)


def summary(register, value, **context):
    """One line for VALUE."""
    return decode(register, value, **context).summary


# --------------------------------------------------------------- descriptors

_S2_DEVICE = {0: "Device-nGnRnE", 1: "Device-nGnRE", 2: "Device-nGRE",
              3: "Device-GRE"}
_S2_OUTER = {1: "non-cacheable", 2: "write-through", 3: "write-back"}
_S2AP = {0: "none", 1: "read", 2: "write", 3: "read and write"}
_S2XN = {0: "executable", 1: "executable at EL0 only", 2: "not executable",
         3: "executable at EL1 only"}
_AP = {0: "EL1 read and write", 1: "EL1 and EL0 read and write",
       2: "EL1 read", 3: "EL1 and EL0 read"}
# What a descriptor points to, and what lower attributes do not cover.
ADDRESS_BITS = 47
SOFTWARE = (58, 55)


def stage2_memory(attribute):
    """Words for the MemAttr field of a stage-2 descriptor."""
    if attribute < 4:
        return _S2_DEVICE[attribute]
    outer = _S2_OUTER[attribute >> 2]
    inner = _S2_OUTER.get(attribute & 3, "reserved")
    return f"Normal {outer}" if outer == inner else \
        f"Normal outer {outer}, inner {inner}"


def descriptor_kind(value, level):
    """"invalid", "table", "block", "page" or "reserved"."""
    if not value & 1:
        return "invalid"
    if level == 3:
        return "page" if value & 2 else "reserved"
    return "table" if value & 2 else "block"


def _extra(value, high_flags):
    words = [text for bit, text in high_flags if value & 1 << bit]
    software = extract(value, *SOFTWARE)
    if software:
        words.append(f"software bits {software:#x}")
    return words


def stage2_leaf(value):
    """Words for the attributes of a stage-2 block or page."""
    words = [stage2_memory(extract(value, 5, 2)),
             _S2AP[extract(value, 7, 6)], _S2XN[extract(value, 54, 53)],
             _SHARE[extract(value, 9, 8)]]
    if not value & 1 << 10:
        words.append("access flag clear")
    return ", ".join(words + _extra(value, ((51, "dirty bit modifier"),
                                            (52, "contiguous"))))


def stage1_leaf(value, el2=False, mair=None):
    """Words for the attributes of a stage-1 block or page, of EL1's tables or
    EL2's own; MAIR as a number says what the attribute index means."""
    index = extract(value, 4, 2)
    memory = f"attribute {index}"
    if mair is not None:
        memory += f" ({mair_words(extract(mair, 8 * index + 7, 8 * index))})"
    if el2:
        access = "read" if value & 1 << 7 else "read and write"
        execute = ["not executable" if value & 1 << 54 else "executable"]
    else:
        access = _AP[extract(value, 7, 6)]
        execute = [f"{'not ' if value & 1 << bit else ''}executable at {level}"
                   for bit, level in ((53, "EL1"), (54, "EL0"))]
    words = [memory, access, *execute, _SHARE[extract(value, 9, 8)]]
    if not value & 1 << 10:
        words.append("access flag clear")
    if value & 1 << 11 and not el2:
        words.append("not global")
    return ", ".join(words + _extra(value, (
        (50, "guarded"), (51, "dirty bit modifier"), (52, "contiguous"))))


def mair_words(attribute):
    """Words for one byte of a MAIR_ELx."""
    if attribute >> 4 == 0:
        if attribute & 2:
            return "reserved"
        return _S2_DEVICE[attribute >> 2 & 3]
    if attribute == 0xf0:
        return "Normal tagged write-back"
    halves = [_mair_half(attribute >> 4), _mair_half(attribute & 15)]
    return f"Normal {halves[0]}" if halves[0] == halves[1] else \
        f"Normal outer {halves[0]}, inner {halves[1]}"


def _mair_half(half):
    if half == 0:
        return "reserved"
    if half == 4:
        return "non-cacheable"
    return "write-back" if half & 4 else "write-through"


def stage1_table(value):
    """Words for what a stage-1 table descriptor takes from all below it."""
    words = []
    if value & 1 << 62:
        words.append("read only")
    if value & 1 << 61:
        words.append("not for EL0")
    if value & 1 << 60:
        words.append("not executable at EL0")
    if value & 1 << 59:
        words.append("not executable at EL1")
    return ", ".join(words)
