/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PTAlloc.v. Source: facts B.2 (alloc_*_page), D-003 (table memory). */
#ifndef HYPSEC_SPEC_PT_ALLOC_H
#define HYPSEC_SPEC_PT_ALLOC_H

#include "spec/rdata.h"

enum option alloc_pud_page_spec(uint32_t vmid, struct rdata *adt);
enum option alloc_pmd_page_spec(uint32_t vmid, struct rdata *adt);

/* Pages that the pool of a VM could still give. */
uint64_t pool_free_pages(uint32_t vmid, const struct rdata *adt);

/* A first chunk with the root in it; and everything back. */
enum option pool_create(uint32_t vmid, struct rdata *adt);
void pool_release(uint32_t vmid, struct rdata *adt);

#endif /* HYPSEC_SPEC_PT_ALLOC_H */
