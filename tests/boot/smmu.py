# SPDX-License-Identifier: GPL-2.0-or-later
"""What the board's SMMUs hold, read past all protection."""
import physical

# The first has PCIe behind it, the second the board's own masters.
BASES = (0x09050000, 0x09060000)
BANKS = 8
ENTRIES = 32

SCR0, GFSR = 0x000, 0x048
SMR, S2CR = 0x800, 0xc00
CBAR, BANK = 0x1000, 0x8000
SCTLR, FSR, FAR = 0x000, 0x058, 0x060

CLIENTPD, USFCFG = 1 << 0, 1 << 10
SMR_VALID, SMR_ID, SMR_MASK_SHIFT = 1 << 31, 0x7fff, 16
S2CR_TYPE_SHIFT, TRANSLATE = 16, 0
FSR_FAULTS = 0xc00001fe
FSR_TF = 1 << 1
SCTLR_M = 1


class Smmu:
    """SMMU number INDEX of MACHINE's."""

    def __init__(self, machine, index):
        self.machine = machine
        self.base = BASES[index]

    def read(self, register, size=4):
        return physical.peek(self.machine, self.base + register, size)

    def bank(self, bank, register, size=4):
        return self.read(BANK + bank * 0x1000 + register, size)

    def faults(self):
        """What is recorded: a list of texts."""
        found = []
        if status := self.read(GFSR):
            found.append(f"{self.base:#x}: global fault {status:#x}")
        for bank in range(BANKS):
            if status := self.bank(bank, FSR) & FSR_FAULTS:
                found.append(f"{self.base:#x}: bank {bank} fault {status:#x} "
                             f"at {self.bank(bank, FAR, 8):#x}")
        return found

    def translates(self):
        """Whether no transaction passes untranslated."""
        return self.read(SCR0) & (CLIENTPD | USFCFG) == USFCFG

    def entry(self, stream):
        """The (type, bank) of the entries that match a stream id."""
        found = []
        for n in range(ENTRIES):
            match = self.read(SMR + 4 * n)
            mask = match >> SMR_MASK_SHIFT & SMR_ID
            if match & SMR_VALID and not (match ^ stream) & SMR_ID & ~mask:
                entry = self.read(S2CR + 4 * n)
                found.append((entry >> S2CR_TYPE_SHIFT & 3, entry & 0xff))
        return found


def both(machine):
    return [Smmu(machine, index) for index in range(len(BASES))]


def faults(machine):
    """What both have recorded."""
    return [text for smmu in both(machine) for text in smmu.faults()]
