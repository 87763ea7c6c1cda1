/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MemRegion.v, PageIndex.v, PageManager.v. Source: facts B.1; S3 fresh. */
#ifndef HYPSEC_SPEC_PAGE_MANAGER_H
#define HYPSEC_SPEC_PAGE_MANAGER_H

#include "spec/rdata.h"

uint32_t mem_region_search_spec(uint64_t addr, const struct rdata *adt);
uint64_t get_s2_page_index_spec(uint64_t addr, const struct rdata *adt);

enum option get_pfn_owner_spec(uint64_t pfn, const struct rdata *adt,
			       uint32_t *owner);
enum option set_pfn_owner_spec(uint64_t pfn, uint32_t vmid,
			       struct rdata *adt);
enum option get_pfn_count_spec(uint64_t pfn, const struct rdata *adt,
			       uint32_t *count);
enum option set_pfn_count_spec(uint64_t pfn, uint32_t count,
			       struct rdata *adt);
enum option get_pfn_map_spec(uint64_t pfn, const struct rdata *adt,
			     uint64_t *gfn);
enum option set_pfn_map_spec(uint64_t pfn, uint64_t gfn, struct rdata *adt);

#endif /* HYPSEC_SPEC_PAGE_MANAGER_H */
