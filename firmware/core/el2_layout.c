/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where EL2's own data lies in the carve-out. Layer: boot. Locks: none.
 */
#include "core/el2_layout.h"

#include "core/page_manager.h"
#include "core/pt_alloc.h"

/* MMIO lies below RAM, in the first GiB, which needs one level-2 table. */
#define DEVICE_LEVEL2_TABLES 1

/*
 * Tables for all VMs: as much as mapping all RAM once by 4 KiB takes, and room
 * for roots and for VMs whose memory is sparse.
 */
#define ARENA_RAM_SHIFT	9
#define ARENA_EXTRA	(UINT64_C(4) << 20)

/* Tables for all banks of all SMMUs but the identity bank. */
#define SPT_BYTES	(UINT64_C(2) << 20)

/* For the page where devices signal, which lies below RAM. */
#define MSI_TABLES	2

/* Aligned units of 2^shift bytes that a range touches. */
static uint64_t units_touched(struct pa_range range, unsigned int shift)
{
	return ((range.base + range.size - 1) >> shift) -
	       (range.base >> shift) + 1;
}

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) & ~(alignment - 1);
}

enum hv_status el2_layout_compute(const struct board_info *info, paddr_t start,
				  uint64_t device_tables,
				  struct el2_layout *layout)
{
	uint64_t tables = 0;
	uint64_t pages = 0;

	for (uint32_t i = 0; i < info->nr_memory; i++) {
		pages += info->memory[i].size >> PAGE_SHIFT;
		tables += units_touched(info->memory[i], PUD_SHIFT) +
			  units_touched(info->memory[i], PMD_SHIFT);
	}
	layout->records.base = start;
	layout->records.size = align_up(pages * PAGE_RECORD_BYTES, PAGE_SIZE);
	layout->root = align_up(start + layout->records.size, PT_ROOT_BYTES);
	layout->pool.base = layout->root + PT_ROOT_BYTES;
	layout->pool.size = (tables + DEVICE_LEVEL2_TABLES + device_tables) *
			    PAGE_SIZE;
	layout->identity_root = align_up(layout->pool.base + layout->pool.size,
					 PT_ROOT_BYTES);
	layout->identity_pool.base = layout->identity_root + PT_ROOT_BYTES;
	layout->identity_pool.size = (tables + MSI_TABLES) * PAGE_SIZE;
	layout->arena.base = align_up(layout->identity_pool.base +
				      layout->identity_pool.size,
				      PT_CHUNK_BYTES);
	layout->arena.size = align_up((pages << PAGE_SHIFT) >> ARENA_RAM_SHIFT,
				      PT_CHUNK_BYTES) + ARENA_EXTRA;
	layout->spt.base = layout->arena.base + layout->arena.size;
	layout->spt.size = SPT_BYTES;
	layout->end = layout->spt.base + layout->spt.size;
	return layout->end <= info->carveout.base + info->carveout.size ?
		       HV_OK : HV_ENOMEM;
}
