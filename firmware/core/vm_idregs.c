/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the ID registers tell a VM. Layer: AbstractMachine. Locks: none.
 *
 * Each field of four bits has the highest value that a VM may see; the
 * hardware's is shown up to that. Fields that are not named are zero: SVE,
 * SME, MTE, pointer authentication, PMU, trace, profiling, RAS, AMU, MPAM and
 * all that needs a bit of EL2's to work are such. (Arm ARM D19.2.)
 */
#include "core/vm_idregs.h"

#include "arch/sysreg.h"

#define FIELD(shift, max)	((uint64_t)(max) << (shift))
#define FULL(shift)		FIELD(shift, 0xf)


/**
 * struct id_limit - one register
 * @reg:   SYS_REG()
 * @max:   highest value of each field
 */
struct id_limit {
	uint32_t reg;
	uint64_t max;
};

#define ID(crm, op2)		SYS_REG(3, 0, 0, crm, op2)
#define PFR0			ID(4, 0)
#define DFR0			ID(5, 0)

static const struct id_limit limits[] = {
	/* AArch32, of which VMs have EL0: as it is, without debug and PMU. */
	{ ID(1, 0), FULL(0) | FULL(4) | FULL(8) | FULL(12) | FULL(16) |
		    FULL(24) },				/* PFR0: no AMU, RAS */
	{ ID(1, 1), FULL(0) | FULL(4) | FULL(8) | FULL(16) },	/* PFR1 */
	{ ID(1, 2), FIELD(0, 6) },			/* DFR0: v8 debug */
	{ ID(1, 4), ~UINT64_C(0) },			/* MMFR0 */
	{ ID(1, 5), ~UINT64_C(0) },			/* MMFR1 */
	{ ID(1, 6), ~UINT64_C(0) },			/* MMFR2 */
	{ ID(1, 7), ~UINT64_C(0) },			/* MMFR3 */
	{ ID(2, 0), ~UINT64_C(0) },			/* ISAR0 */
	{ ID(2, 1), ~UINT64_C(0) },			/* ISAR1 */
	{ ID(2, 2), ~UINT64_C(0) },			/* ISAR2 */
	{ ID(2, 3), ~UINT64_C(0) },			/* ISAR3 */
	{ ID(2, 4), ~UINT64_C(0) },			/* ISAR4 */
	{ ID(2, 5), ~UINT64_C(0) },			/* ISAR5 */
	{ ID(2, 6), FULL(4) | FULL(12) | FULL(16) | FULL(20) | FULL(24) },
							/* MMFR4 */
	{ ID(2, 7), ~UINT64_C(0) },			/* ISAR6 */
	{ ID(3, 0), ~UINT64_C(0) },			/* MVFR0 */
	{ ID(3, 1), ~UINT64_C(0) },			/* MVFR1 */
	{ ID(3, 2), ~UINT64_C(0) },			/* MVFR2 */

	/* EL0 in both states, EL1 in AArch64; FP and SIMD may be 0xf. */
	{ PFR0, FIELD(0, 2) | FIELD(4, 1) | FULL(16) | FULL(20) |
		FIELD(24, 1) |				/* GIC */
		FULL(48) |				/* DIT */
		FIELD(56, 1) | FULL(60) },		/* CSV2, CSV3 */
	{ ID(4, 1), FULL(0) | FIELD(4, 2) },		/* PFR1: BT, SSBS */
	{ DFR0, FIELD(0, 6) | FIELD(12, 1) | FIELD(20, 1) },
	{ ID(6, 0), FULL(4) | FULL(8) | FULL(12) | FULL(16) | FULL(20) |
		    FULL(28) | FULL(32) | FULL(36) | FULL(40) | FULL(44) |
		    FULL(48) | FULL(52) | FULL(56) | FULL(60) },/* ISAR0 */
	{ ID(6, 1), FULL(0) | FULL(12) | FULL(16) | FULL(20) | FULL(32) |
		    FULL(36) | FULL(44) | FULL(48) | FULL(52) },/* ISAR1 */
	{ ID(6, 2), FULL(20) | FULL(28) | FULL(48) | FULL(52) },/* ISAR2 */
	{ ID(7, 0), FIELD(0, 2) | FULL(4) | FULL(8) | FULL(16) |
		    FIELD(20, 1) | FULL(24) },		/* MMFR0: 40 bits */
	{ ID(7, 1), FIELD(0, 2) | FIELD(12, 2) | FIELD(20, 3) | FULL(36) |
		    FULL(48) | FULL(60) },		/* MMFR1 */
	{ ID(7, 2), FULL(0) | FULL(4) | FULL(20) | FULL(32) | FULL(36) |
		    FULL(48) | FULL(52) | FULL(60) },	/* MMFR2 */
};

/* The hardware's registers of @limits; any other reads as zero. */
static uint64_t hardware(uint32_t reg)
{
	switch (reg) {
	case ID(1, 0): return sysreg_read(id_pfr0_el1);
	case ID(1, 1): return sysreg_read(id_pfr1_el1);
	case ID(1, 2): return sysreg_read(id_dfr0_el1);
	case ID(1, 4): return sysreg_read(id_mmfr0_el1);
	case ID(1, 5): return sysreg_read(id_mmfr1_el1);
	case ID(1, 6): return sysreg_read(id_mmfr2_el1);
	case ID(1, 7): return sysreg_read(id_mmfr3_el1);
	case ID(2, 0): return sysreg_read(id_isar0_el1);
	case ID(2, 1): return sysreg_read(id_isar1_el1);
	case ID(2, 2): return sysreg_read(id_isar2_el1);
	case ID(2, 3): return sysreg_read(id_isar3_el1);
	case ID(2, 4): return sysreg_read(id_isar4_el1);
	case ID(2, 5): return sysreg_read(id_isar5_el1);
	case ID(2, 6): return sysreg_read(id_mmfr4_el1);
	case ID(2, 7): return sysreg_read(id_isar6_el1);
	case ID(3, 0): return sysreg_read(mvfr0_el1);
	case ID(3, 1): return sysreg_read(mvfr1_el1);
	case ID(3, 2): return sysreg_read(mvfr2_el1);
	case PFR0: return sysreg_read(ID_AA64PFR0_EL1);
	case ID(4, 1): return sysreg_read(ID_AA64PFR1_EL1);
	case DFR0: return sysreg_read(ID_AA64DFR0_EL1);
	case ID(6, 0): return sysreg_read(ID_AA64ISAR0_EL1);
	case ID(6, 1): return sysreg_read(ID_AA64ISAR1_EL1);
	case ID(6, 2): return sysreg_read(ID_AA64ISAR2_EL1);
	case ID(7, 0): return sysreg_read(ID_AA64MMFR0_EL1);
	case ID(7, 1): return sysreg_read(ID_AA64MMFR1_EL1);
	case ID(7, 2): return sysreg_read(ID_AA64MMFR2_EL1);
	default: return 0;
	}
}

static uint64_t limited(uint64_t value, uint64_t max)
{
	uint64_t result = 0;

	for (unsigned int shift = 0; shift < 64; shift += 4) {
		uint64_t field = ID_FIELD(value, shift);
		uint64_t most = ID_FIELD(max, shift);

		result |= (field < most ? field : most) << shift;
	}
	return result;
}

uint64_t vm_id_register(uint32_t reg)
{
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		if (limits[i].reg == reg) {
			return limited(hardware(reg), limits[i].max);
		}
	}
	return 0;
}

bool vm_has_gicv3(void)
{
	return ID_FIELD(vm_id_register(PFR0), ID_AA64PFR0_GIC_SHIFT) != 0;
}
