/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VTTBR_EL2 and the TLB maintenance that acts on its VMID, one instruction
 * each; core/tlb.c puts them in sequence. Same interface in arch/native.
 */
#ifndef COREVISOR_ARCH_TLBI_H
#define COREVISOR_ARCH_TLBI_H

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

#endif /* COREVISOR_ARCH_TLBI_H */
