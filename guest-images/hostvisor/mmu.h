/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOSTVISOR_MMU_H
#define HOSTVISOR_MMU_H

#include <stdint.h>

/* The start of what the host can address, and its end. */
#define MMU_RAM_BASE	UINT64_C(0x40000000)
#define MMU_END		(UINT64_C(1) << 39)

extern uint64_t mmu_root[];

void mmu_fill_tables(void);

#endif /* HOSTVISOR_MMU_H */
