/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Not in the Coq (G59): what a VM reads from the ID registers. Source:
 * docs/hypercalls.rst ("Exits"), Arm ARM D19.2.
 *
 * Field by field the most that a VM may see; hidden is what EL2 does not
 * switch or would have to enable: SVE, SME, MTE, PAuth, PMU, SPE, trace, RAS,
 * AMU, MPAM, NMI, TWED, MOPS, XS, LS64, 52-bit addresses, and EL2 and EL3.
 */
#include "spec/vm_idregs.h"

/* A field's first bit and its highest value. */
struct field {
	uint8_t id;
	uint8_t shift;
	uint8_t most;
};

#define ANY	15

static const struct field fields[] = {
	/* ID_PFR0_EL1: states, CSV2, DIT; of ID_PFR1_EL1 what EL1 has. */
	{ ID_REG(1, 0), 0, ANY }, { ID_REG(1, 0), 4, ANY },
	{ ID_REG(1, 0), 8, ANY }, { ID_REG(1, 0), 12, ANY },
	{ ID_REG(1, 0), 16, ANY }, { ID_REG(1, 0), 24, ANY },
	{ ID_REG(1, 1), 0, ANY }, { ID_REG(1, 1), 4, ANY },
	{ ID_REG(1, 1), 8, ANY }, { ID_REG(1, 1), 16, ANY },
	/* ID_DFR0_EL1: ARMv8.0 debug. */
	{ ID_REG(1, 2), 0, 6 },
	/* ID_MMFR4_EL1: AC2, CnP, HPDS, LSM, CCIDX. */
	{ ID_REG(2, 6), 4, ANY }, { ID_REG(2, 6), 12, ANY },
	{ ID_REG(2, 6), 16, ANY }, { ID_REG(2, 6), 20, ANY },
	{ ID_REG(2, 6), 24, ANY },
	/* ID_AA64PFR0_EL1: EL0, EL1, FP, AdvSIMD, GIC, DIT, CSV2, CSV3. */
	{ ID_REG(4, 0), 0, 2 }, { ID_REG(4, 0), 4, 1 },
	{ ID_REG(4, 0), 16, ANY }, { ID_REG(4, 0), 20, ANY },
	{ ID_REG(4, 0), 24, 1 }, { ID_REG(4, 0), 48, ANY },
	{ ID_REG(4, 0), 56, 1 }, { ID_REG(4, 0), 60, ANY },
	/* ID_AA64PFR1_EL1: BT, SSBS. */
	{ ID_REG(4, 1), 0, ANY }, { ID_REG(4, 1), 4, 2 },
	/* ID_AA64DFR0_EL1: v8.0, two breakpoints, two watchpoints. */
	{ ID_REG(5, 0), 0, 6 }, { ID_REG(5, 0), 12, 1 },
	{ ID_REG(5, 0), 20, 1 },
	/* ID_AA64ISAR0_EL1: all but TME. */
	{ ID_REG(6, 0), 4, ANY }, { ID_REG(6, 0), 8, ANY },
	{ ID_REG(6, 0), 12, ANY }, { ID_REG(6, 0), 16, ANY },
	{ ID_REG(6, 0), 20, ANY }, { ID_REG(6, 0), 28, ANY },
	{ ID_REG(6, 0), 32, ANY }, { ID_REG(6, 0), 36, ANY },
	{ ID_REG(6, 0), 40, ANY }, { ID_REG(6, 0), 44, ANY },
	{ ID_REG(6, 0), 48, ANY }, { ID_REG(6, 0), 52, ANY },
	{ ID_REG(6, 0), 56, ANY }, { ID_REG(6, 0), 60, ANY },
	/* ID_AA64ISAR1_EL1: DPB, JSCVT, FCMA, LRCPC, FRINTTS, SB, BF16, DGH,
	 * I8MM. */
	{ ID_REG(6, 1), 0, ANY }, { ID_REG(6, 1), 12, ANY },
	{ ID_REG(6, 1), 16, ANY }, { ID_REG(6, 1), 20, ANY },
	{ ID_REG(6, 1), 32, ANY }, { ID_REG(6, 1), 36, ANY },
	{ ID_REG(6, 1), 44, ANY }, { ID_REG(6, 1), 48, ANY },
	{ ID_REG(6, 1), 52, ANY },
	/* ID_AA64ISAR2_EL1: BC, CLRBHB, RPRFM, CSSC. */
	{ ID_REG(6, 2), 20, ANY }, { ID_REG(6, 2), 28, ANY },
	{ ID_REG(6, 2), 48, ANY }, { ID_REG(6, 2), 52, ANY },
	/* ID_AA64MMFR0_EL1: PARange to 40 bits, ASIDBits, BigEnd, BigEndEL0,
	 * TGran16, TGran64. */
	{ ID_REG(7, 0), 0, 2 }, { ID_REG(7, 0), 4, ANY },
	{ ID_REG(7, 0), 8, ANY }, { ID_REG(7, 0), 16, ANY },
	{ ID_REG(7, 0), 20, 1 }, { ID_REG(7, 0), 24, ANY },
	/* ID_AA64MMFR1_EL1: HAFDBS, HPDS, PAN, ETS, nTLBPA, ECBHB. */
	{ ID_REG(7, 1), 0, 2 }, { ID_REG(7, 1), 12, 2 },
	{ ID_REG(7, 1), 20, 3 }, { ID_REG(7, 1), 36, ANY },
	{ ID_REG(7, 1), 48, ANY }, { ID_REG(7, 1), 60, ANY },
	/* ID_AA64MMFR2_EL1: CnP, UAO, CCIDX, AT, IDS, TTL, BBM, E0PD. */
	{ ID_REG(7, 2), 0, ANY }, { ID_REG(7, 2), 4, ANY },
	{ ID_REG(7, 2), 20, ANY }, { ID_REG(7, 2), 32, ANY },
	{ ID_REG(7, 2), 36, ANY }, { ID_REG(7, 2), 48, ANY },
	{ ID_REG(7, 2), 52, ANY }, { ID_REG(7, 2), 60, ANY },
};

/* Of AArch32 the memory and instruction features, and FP, as they are. */
static bool is_shown_whole(uint32_t id)
{
	return (id >= ID_REG(1, 4) && id <= ID_REG(2, 5)) ||
	       id == ID_REG(2, 7) ||
	       (id >= ID_REG(3, 0) && id <= ID_REG(3, 2));
}

uint64_t shown_id_register(uint32_t id, uint64_t value)
{
	uint64_t shown = 0;

	if (is_shown_whole(id)) {
		return value;
	}
	for (uint32_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		uint64_t field = value >> fields[i].shift & 15;

		if (fields[i].id == id) {
			field = field < fields[i].most ? field :
							 fields[i].most;
			shown |= field << fields[i].shift;
		}
	}
	return shown;
}
