/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage-2 tables with their locks. Layer: NPTOps.
 */
#ifndef COREVISOR_CORE_NPT_OPS_H
#define COREVISOR_CORE_NPT_OPS_H

#include "core/types.h"

uint32_t get_level_s2pt(uint32_t vmid, uint64_t addr);
uint64_t walk_s2pt(uint32_t vmid, uint64_t addr);
enum hv_status WARN_UNUSED map_s2pt(uint32_t vmid, uint64_t addr,
				    uint32_t level, uint64_t pte);

#endif /* COREVISOR_CORE_NPT_OPS_H */
