/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MmioSPTWalk.v, MmioSPTOps.v. Source: facts A.9, B.11; S3 names init_spt,
 * walk_spt, map_spt and unmap_spt.
 */
#ifndef HYPSEC_SPEC_MMIO_SPT_H
#define HYPSEC_SPEC_MMIO_SPT_H

#include "spec/rdata.h"

/* The leaf of a bank's table, whole; 0 if there is none. No lock. */
uint64_t spt_leaf(uint32_t cbndx, uint32_t index, uint64_t iova,
		  const struct rdata *adt);

/* Is there memory for the tables that a leaf at @iova still needs? */
bool spt_has_room(uint32_t cbndx, uint32_t index, uint64_t iova,
		  const struct rdata *adt);

enum option clear_smmu_pt_spec(uint32_t cbndx, uint32_t index,
			       struct rdata *adt);
enum option walk_smmu_pt_spec(uint32_t cbndx, uint32_t index, uint64_t iova,
			      const struct rdata *adt, uint64_t *pte);
enum option set_smmu_pt_spec(uint32_t cbndx, uint32_t index, uint64_t iova,
			     uint64_t pte, struct rdata *adt);

enum option init_spt_spec(uint32_t cbndx, uint32_t index, struct rdata *adt);
enum option walk_spt_spec(uint32_t cbndx, uint32_t index, uint64_t iova,
			  struct rdata *adt, uint64_t *pte);
enum option map_spt_spec(uint32_t cbndx, uint32_t index, uint64_t iova,
			 uint64_t pte, struct rdata *adt);
enum option unmap_spt_spec(uint32_t cbndx, uint32_t index, uint64_t iova,
			   struct rdata *adt, uint64_t *pte);

/* Not in the Coq: the table maps nothing; its memory goes back with release. */
enum option clear_spt_spec(uint32_t cbndx, uint32_t index, struct rdata *adt);
enum option release_spt_spec(uint32_t cbndx, uint32_t index,
			     struct rdata *adt);

#endif /* HYPSEC_SPEC_MMIO_SPT_H */
