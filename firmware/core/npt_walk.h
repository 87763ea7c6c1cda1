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

/* Without locks what npt_ops.h describes with them. */
uint64_t npt_vttbr(vmid_t vmid);
uint64_t missing_npt_tables(vmid_t vmid, ipa_t ipa, uint64_t pages,
			    uint32_t level);
bool npt_is_empty(vmid_t vmid, ipa_t ipa, uint64_t pages);
bool npt_links_table(vmid_t vmid, ipa_t ipa);
void unmap_host_page(uint64_t addr);
void unmap_host_block(uint64_t addr);
void empty_npt(vmid_t vmid);

#endif /* COREVISOR_CORE_NPT_WALK_H */
