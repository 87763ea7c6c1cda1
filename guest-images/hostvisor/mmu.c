/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's translation: everything at its own address in blocks of 1 GiB,
 * devices below RAM. What is not the host's is stage 2's business.
 */
#include "host.h"
#include "mmu.h"

#define ENTRIES			512
#define GIB			(KIB * MIB)
#define ENTRY_BLOCK		BIT(0)
#define ENTRY_MAIR(index)	((uint64_t)(index) << 2)
#define ENTRY_INNER_SHAREABLE	(UINT64_C(3) << 8)
#define ENTRY_AF		BIT(10)
#define ENTRY_XN		(BIT(53) | BIT(54))

#define DEVICES	(ENTRY_BLOCK | ENTRY_MAIR(0) | ENTRY_AF | ENTRY_XN)
#define NORMAL	(ENTRY_BLOCK | ENTRY_MAIR(1) | ENTRY_INNER_SHAREABLE |	\
		 ENTRY_AF)

uint64_t mmu_root[ENTRIES] __attribute__((aligned(4096)));

/* Runs with the MMU off. */
void mmu_fill_tables(void)
{
	mmu_root[0] = DEVICES;
	for (uint64_t i = 1; i < ENTRIES; i++) {
		mmu_root[i] = i * GIB | NORMAL;
	}
}
