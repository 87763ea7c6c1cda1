/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NPTWalk.v and NPTOps.v. Source: facts A.9, B.2; S3 names map_s2pt,
 * walk_s2pt, get_level_s2pt, clear_pfn_host. */
#ifndef HYPSEC_SPEC_NPT_H
#define HYPSEC_SPEC_NPT_H

#include "spec/rdata.h"

/**
 * struct npt_entry - what the Coq's table says of a gfn
 * @level: 0 if it is not mapped, else 2 or 3
 * @pfn:   the page that the gfn translates to
 * @pte:   the leaf descriptor, whole
 */
struct npt_entry {
	uint32_t level;
	uint64_t pfn;
	uint64_t pte;
};

struct npt_entry npt_get(const struct npt *npt, uint64_t gfn);

/* Is none of @pages gfns from @gfn mapped? */
bool npt_is_unmapped(const struct npt *npt, uint64_t gfn,
			   uint64_t pages);

/* Table pages that leaves at @level for the range still need. */
uint64_t npt_tables_needed(const struct npt *npt, uint64_t gfn,
			    uint64_t pages, uint32_t level);

/*
 * The map by itself, for tables of SMMUs: a page and the tables above it, where
 * nothing is mapped; and a page that is mapped goes.
 */
enum option npt_add_page(struct npt *npt, uint64_t gfn, uint64_t pte);
enum option npt_remove_page(struct npt *npt, uint64_t gfn);

enum option get_npt_level_spec(uint32_t vmid, uint64_t addr,
			       const struct rdata *adt, uint32_t *level);
enum option walk_npt_spec(uint32_t vmid, uint64_t addr,
			  const struct rdata *adt, uint64_t *pte);
enum option set_npt_spec(uint32_t vmid, uint64_t addr, uint32_t level,
			 uint64_t pte, struct rdata *adt);

enum option get_level_s2pt_spec(uint32_t vmid, uint64_t addr,
				struct rdata *adt, uint32_t *level);
enum option walk_s2pt_spec(uint32_t vmid, uint64_t addr, struct rdata *adt,
			   uint64_t *pte);
enum option map_s2pt_spec(uint32_t vmid, uint64_t addr, uint32_t level,
			  uint64_t pte, struct rdata *adt);
enum option clear_pfn_host_spec(uint64_t pfn, struct rdata *adt);
enum option init_s2pt_spec(uint32_t vmid, struct rdata *adt);
enum option clear_npt_spec(uint32_t vmid, struct rdata *adt);

#endif /* HYPSEC_SPEC_NPT_H */
