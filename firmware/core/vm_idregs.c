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

#define ID(crm, op2)		SYS_REG(3, 0, 0, crm, op2)
#define PFR0			ID(4, 0)
#define DFR0			ID(5, 0)
#define ALL			(~UINT64_C(0))

/* One register: the hardware's, up to the highest value of each field. */
#define SHOW(encoding, name, most)					\
	case encoding:							\
		return limited(sysreg_read(name), most)

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
	switch (reg) {
	/*
	 * AArch32, of which VMs have EL0: as it is, without AMU, RAS, debug
	 * and PMU.
	 */
	SHOW(ID(1, 0), id_pfr0_el1,
	     FULL(0) | FULL(4) | FULL(8) | FULL(12) | FULL(16) | FULL(24));
	SHOW(ID(1, 1), id_pfr1_el1, FULL(0) | FULL(4) | FULL(8) | FULL(16));
	SHOW(ID(1, 2), id_dfr0_el1, FIELD(0, 6));
	SHOW(ID(1, 4), id_mmfr0_el1, ALL);
	SHOW(ID(1, 5), id_mmfr1_el1, ALL);
	SHOW(ID(1, 6), id_mmfr2_el1, ALL);
	SHOW(ID(1, 7), id_mmfr3_el1, ALL);
	SHOW(ID(2, 0), id_isar0_el1, ALL);
	SHOW(ID(2, 1), id_isar1_el1, ALL);
	SHOW(ID(2, 2), id_isar2_el1, ALL);
	SHOW(ID(2, 3), id_isar3_el1, ALL);
	SHOW(ID(2, 4), id_isar4_el1, ALL);
	SHOW(ID(2, 5), id_isar5_el1, ALL);
	SHOW(ID(2, 6), id_mmfr4_el1,
	     FULL(4) | FULL(12) | FULL(16) | FULL(20) | FULL(24));
	SHOW(ID(2, 7), id_isar6_el1, ALL);
	SHOW(ID(3, 0), mvfr0_el1, ALL);
	SHOW(ID(3, 1), mvfr1_el1, ALL);
	SHOW(ID(3, 2), mvfr2_el1, ALL);
	/* EL0 in both states, EL1 in AArch64; FP and SIMD; GIC; DIT, CSV. */
	SHOW(PFR0, ID_AA64PFR0_EL1,
	     FIELD(0, 2) | FIELD(4, 1) | FULL(16) | FULL(20) | FIELD(24, 1) |
	     FULL(48) | FIELD(56, 1) | FULL(60));
	/* BT, SSBS. */
	SHOW(ID(4, 1), ID_AA64PFR1_EL1, FULL(0) | FIELD(4, 2));
	/* v8 debug, of which a VM sees two of each and uses none. */
	SHOW(DFR0, ID_AA64DFR0_EL1, FIELD(0, 6) | FIELD(12, 1) | FIELD(20, 1));
	SHOW(ID(6, 0), ID_AA64ISAR0_EL1,
	     FULL(4) | FULL(8) | FULL(12) | FULL(16) | FULL(20) | FULL(28) |
	     FULL(32) | FULL(36) | FULL(40) | FULL(44) | FULL(48) | FULL(52) |
	     FULL(56) | FULL(60));
	SHOW(ID(6, 1), ID_AA64ISAR1_EL1,
	     FULL(0) | FULL(12) | FULL(16) | FULL(20) | FULL(32) | FULL(36) |
	     FULL(44) | FULL(48) | FULL(52));
	SHOW(ID(6, 2), ID_AA64ISAR2_EL1,
	     FULL(20) | FULL(28) | FULL(48) | FULL(52));
	/* 40 bits. */
	SHOW(ID(7, 0), ID_AA64MMFR0_EL1,
	     FIELD(0, 2) | FULL(4) | FULL(8) | FULL(16) | FIELD(20, 1) |
	     FULL(24));
	SHOW(ID(7, 1), ID_AA64MMFR1_EL1,
	     FIELD(0, 2) | FIELD(12, 2) | FIELD(20, 3) | FULL(36) | FULL(48) |
	     FULL(60));
	SHOW(ID(7, 2), ID_AA64MMFR2_EL1,
	     FULL(0) | FULL(4) | FULL(20) | FULL(32) | FULL(36) | FULL(48) |
	     FULL(52) | FULL(60));
	default:
		return 0;
	}
}

bool vm_has_gicv3(void)
{
	return ID_FIELD(vm_id_register(PFR0), ID_AA64PFR0_GIC_SHIFT) != 0;
}
