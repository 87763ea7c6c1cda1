/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole walks of a stage-2 table. Layer: NPTWalk.
 */
#ifndef COREVISOR_CORE_NPT_WALK_H
#define COREVISOR_CORE_NPT_WALK_H

#include "core/types.h"

uint32_t get_npt_level(uint32_t vmid, uint64_t addr);
uint64_t walk_npt(uint32_t vmid, uint64_t addr);
enum hv_status WARN_UNUSED set_npt(uint32_t vmid, uint64_t addr,
				   uint32_t level, uint64_t pte);

#endif /* COREVISOR_CORE_NPT_WALK_H */
