/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOSTVISOR_DT_H
#define HOSTVISOR_DT_H

#include "host.h"

#define DT_MAX_RANGES 16

struct range {
	uint64_t base;
	uint64_t size;
};

/**
 * struct board - what the host's device tree says
 * @ram:      memory, @nr_ram ranges
 * @reserved: memory that is not for use, @nr_reserved ranges
 * @shared:   the window shared with EL2; size 0 if the tree has none
 * @uart:     the console's registers
 * @smmu:     registers of the SMMUs; EL2 drives them, size 0 if there is none
 * @dma:      those of the DMA tester; size 0 if there is none
 * @gic_version: 2 or 3
 * @gic:      v2: distributor, CPU interface, GICH, GICV; v3: distributor,
 *	      redistributors
 * @bootargs: the command line
 */
struct board {
	struct range ram[DT_MAX_RANGES];
	unsigned int nr_ram;
	struct range reserved[DT_MAX_RANGES];
	unsigned int nr_reserved;
	struct range dtb;
	struct range initrd;
	struct range shared;
	struct range uart;
	struct range smmu[2];
	struct range dma;
	unsigned int gic_version;
	struct range gic[4];
	uint64_t mpidr[MAX_CPUS];
	unsigned int nr_cpus;
	const char *bootargs;
};

extern struct board board;

void dt_read(const void *fdt);

#endif /* HOSTVISOR_DT_H */
