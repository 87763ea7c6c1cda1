/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the device tree says about the board, checked. Layer: boot.
 */
#ifndef COREVISOR_CORE_BOARD_DT_H
#define COREVISOR_CORE_BOARD_DT_H

#include "core/mem_region.h"
#include "core/spec_constants.h"
#include "core/types.h"

/* A range of physical memory in bytes; size 0 where there is none. */
struct pa_range {
	paddr_t base;
	uint64_t size;
};

/**
 * struct board_info - the board and what it loaded
 * @memory:	RAM, @nr_memory ranges
 * @mpidr:	affinity of each CPU, @nr_cpus of them
 * @carveout:	EL2's memory
 * @shared:	what host and EL2 exchange about vCPUs, RAM of the host's
 * @kernel:	the host's arm64 Image as loaded; size 0: there is no host
 * @kernel_bytes: memory that the running kernel needs from @kernel.base on
 * @initrd:	its initial RAM disk
 * @dtb:	the device tree itself
 */
struct board_info {
	struct pa_range memory[MAX_MEMBLOCK_NUM];
	uint32_t nr_memory;
	uint64_t mpidr[TOTAL_CPU];
	uint32_t nr_cpus;
	struct pa_range carveout;
	struct pa_range shared;
	struct pa_range kernel;
	uint64_t kernel_bytes;
	struct pa_range initrd;
	struct pa_range dtb;
};

/**
 * board_dt_parse() - read and check the device tree
 * @fdt:   the tree in memory that EL2 can read
 * @bytes: how much of that memory is the tree's
 * @info:  where the result goes; @info->dtb and @info->carveout are set by
 *	   the caller, the tree must agree with the latter
 *
 * @info->shared becomes the HYPSEC_SHARED_SIZE bytes below the carve-out.
 *
 * Returns: NULL, or what is wrong with the tree in words; @info is then
 * incomplete
 */
const char *board_dt_parse(const void *fdt, uint64_t bytes,
			   struct board_info *info);

/**
 * board_dt_check_kernel() - check the host's Image and where it lies
 * @header: the first 64 bytes of the Image
 * @info:   the board; @info->kernel_bytes is set
 *
 * Returns: NULL, or what is wrong
 */
const char *board_dt_check_kernel(const void *header, struct board_info *info);

/**
 * board_dt_edit_for_host() - make the tree say what the host can use
 * @fdt:  the tree, changed in place
 * @info: the board
 *
 * Leaves only the EL1 physical timer's interrupt in the timer node, and adds
 * /hypervisor and a node in /reserved-memory for the shared window.
 * Returns: NULL, or what is wrong
 */
const char *board_dt_edit_for_host(void *fdt, const struct board_info *info);

/* Whether two ranges share a byte. */
bool pa_ranges_overlap(struct pa_range a, struct pa_range b);

#endif /* COREVISOR_CORE_BOARD_DT_H */
