/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VTTBR_EL2 and TLB maintenance of the host build: recorded, see native.h. */
#ifndef COREVISOR_ARCH_TLBI_H
#define COREVISOR_ARCH_TLBI_H

#include "arch/cpu.h"
#include "arch/native.h"

static inline uint64_t vttbr_read(void)
{
	return native_cpu.vttbr;
}

static inline void vttbr_write(uint64_t vttbr)
{
	native_record(NATIVE_VTTBR, vttbr, native_cpu.vttbr);
	native_cpu.vttbr = vttbr;
}

#define TCR_EL1_EPD0	BIT(7)
#define TCR_EL1_EPD1	BIT(23)
#define SCTLR_EL1_M	BIT(0)

struct el1_walks {
	uint64_t tcr;
	uint64_t sctlr;
};

static inline struct el1_walks el1_walks_stop(void)
{
	struct el1_walks walks = {
		.tcr = sysreg_read(tcr_el1),
		.sctlr = sysreg_read(sctlr_el1),
	};

	sysreg_write(tcr_el1, walks.tcr | TCR_EL1_EPD0 | TCR_EL1_EPD1);
	sysreg_write(sctlr_el1, walks.sctlr | SCTLR_EL1_M);
	native_record(NATIVE_EL1_WALKS, 0, 0);
	return walks;
}

static inline void el1_walks_resume(struct el1_walks walks)
{
	sysreg_write(sctlr_el1, walks.sctlr);
	sysreg_write(tcr_el1, walks.tcr);
	native_record(NATIVE_EL1_WALKS, 1, 0);
}

static inline void tlbi_ipas2e1is(ipa_t ipa)
{
	native_record(NATIVE_TLBI_IPAS2E1IS, ipa, native_cpu.vttbr);
}

static inline void tlbi_vmalle1is(void)
{
	native_record(NATIVE_TLBI_VMALLE1IS, 0, native_cpu.vttbr);
}

static inline void tlbi_vmalls12e1is(void)
{
	native_record(NATIVE_TLBI_VMALLS12E1IS, 0, native_cpu.vttbr);
}

static inline void tlbi_vmalle1(void)
{
	native_record(NATIVE_TLBI_VMALLE1, 0, native_cpu.vttbr);
}

#endif /* COREVISOR_ARCH_TLBI_H */
