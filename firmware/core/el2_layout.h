/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where EL2's own data lies in the carve-out. Layer: boot.
 */
#ifndef COREVISOR_CORE_EL2_LAYOUT_H
#define COREVISOR_CORE_EL2_LAYOUT_H

#include "core/board_dt.h"
#include "core/types.h"

/**
 * struct el2_layout - parts of the carve-out behind the image
 * @records:	page records, one for each page of RAM
 * @root:	the host's stage-2 root
 * @pool:	the host's stage-2 tables, enough for every page of RAM and of
 *		the device windows to be mapped by 4 KiB
 * @identity_root: root of the SMMUs' identity table
 * @identity_pool: its tables, enough for every page of RAM by 4 KiB
 * @arena:	the VMs' stage-2 tables
 * @spt:	the tables of the SMMUs' other banks
 * @end:	first byte that is not used
 */
struct el2_layout {
	struct pa_range records;
	paddr_t root;
	struct pa_range pool;
	paddr_t identity_root;
	struct pa_range identity_pool;
	struct pa_range arena;
	struct pa_range spt;
	paddr_t end;
};

/**
 * el2_layout_compute() - lay out the carve-out
 * @info:	   the board
 * @start:	   first byte behind the image, page aligned
 * @device_tables: level-3 tables that device windows can need
 * @layout:	   where the result goes; the same on every boot of a board
 *
 * Returns: HV_ENOMEM if the carve-out is too small; @layout->end then says how
 * far it would have to reach
 */
enum hv_status WARN_UNUSED el2_layout_compute(const struct board_info *info,
					      paddr_t start,
					      uint64_t device_tables,
					      struct el2_layout *layout);

#endif /* COREVISOR_CORE_EL2_LAYOUT_H */
