/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VTTBR_EL2 and the TLB maintenance that acts on its VMID, one instruction
 * each; core/tlb.c puts them in sequence. Same interface in arch/native.
 */
#ifndef COREVISOR_ARCH_TLBI_H
#define COREVISOR_ARCH_TLBI_H

#include "arch/barrier.h"
#include "arch/sysreg.h"
#include "core/types.h"

static inline uint64_t vttbr_read(void)
{
	return sysreg_read(vttbr_el2);
}

static inline void vttbr_write(uint64_t vttbr)
{
	sysreg_write(vttbr_el2, vttbr);
}

/* The registers of EL1 that decide whether its tables are walked. */
struct el1_walks {
	uint64_t tcr;
	uint64_t sctlr;
};

#define TCR_EL1_EPD0	BIT(7)
#define TCR_EL1_EPD1	BIT(23)
#define SCTLR_EL1_M	BIT(0)

/**
 * el1_walks_stop() - let this CPU translate nothing for EL1 and EL0
 *
 * For the time in which VTTBR_EL2 is not the table of whose EL1 registers are
 * there: some CPUs speculate with both (Cortex-A57 and A72, 1319537 and
 * 1319367), and their TLBs would keep what one VM's stage 1 makes of another's
 * stage 2. No walks, and no flat mapping in their place either.
 *
 * Returns: what el1_walks_resume() needs
 */
static inline struct el1_walks el1_walks_stop(void)
{
	struct el1_walks walks = {
		.tcr = sysreg_read(tcr_el1),
		.sctlr = sysreg_read(sctlr_el1),
	};

	sysreg_write(tcr_el1, walks.tcr | TCR_EL1_EPD0 | TCR_EL1_EPD1);
	barrier_isb();
	sysreg_write(sctlr_el1, walks.sctlr | SCTLR_EL1_M);
	barrier_isb();
	return walks;
}

/* Undoes el1_walks_stop(). */
static inline void el1_walks_resume(struct el1_walks walks)
{
	sysreg_write(sctlr_el1, walks.sctlr);
	barrier_isb();
	sysreg_write(tcr_el1, walks.tcr);
	barrier_isb();
}

/* Stage-2 entries of the VMID for one IPA, all CPUs, any level. */
static inline void tlbi_ipas2e1is(ipa_t ipa)
{
	__asm__ volatile("tlbi ipas2e1is, %0" :: "r" (ipa >> 12) : "memory");
}

/* Stage-1 and combined entries of the VMID, all CPUs. */
static inline void tlbi_vmalle1is(void)
{
	__asm__ volatile("tlbi vmalle1is" ::: "memory");
}

/* All entries of the VMID, of both stages, all CPUs. */
static inline void tlbi_vmalls12e1is(void)
{
	__asm__ volatile("tlbi vmalls12e1is" ::: "memory");
}

/* Stage-1 and combined entries of the VMID, this CPU alone. */
static inline void tlbi_vmalle1(void)
{
	__asm__ volatile("tlbi vmalle1" ::: "memory");
}

#endif /* COREVISOR_ARCH_TLBI_H */
