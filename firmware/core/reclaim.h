/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a VM's pages come back, in steps. Not specified. Layer: Reclaim, below
 * MemHandler.
 */
#ifndef COREVISOR_CORE_RECLAIM_H
#define COREVISOR_CORE_RECLAIM_H

#include "core/types.h"

/* Page records, or table entries, that one call looks at at most. */
#define MAX_RECORDS_PER_CALL	16384u

/**
 * reclaim_range() - give the pages of a range back, as many as one call may
 * @vmid:  a VM that cannot run any more and whose table is empty
 * @start: PA in bytes, page aligned
 * @size:  bytes, page aligned; the range ends at 2^40 at most
 *
 * Scrubs MAX_PAGES_PER_CALL pages at most. The same range goes on where the
 * last call has stopped, another one starts anew. Pages in order of address.
 *
 * Locks:   caller holds vm[vmid]; takes s2page, then pt
 * Returns: true once no page of the range is the VM's
 */
bool reclaim_range(vmid_t vmid, paddr_t start, uint64_t size);

/**
 * reclaim_all() - give all pages back, as many as one call may
 * @vmid: a VM that cannot run any more and whose table is empty
 *
 * First what its table pages name, hence flat in the size of RAM; then, only
 * if that was not all, by looking through RAM.
 *
 * Locks:   caller holds vm[vmid]; takes s2page, then pt
 * Returns: true once no page is the VM's
 */
bool reclaim_all(vmid_t vmid);

/* Whether no page is the VM's. Locks: caller holds vm[vmid]; takes s2page. */
bool reclaim_is_done(vmid_t vmid);

/* Forgets how far a VM's reclaim has come. Locks: caller holds vm[vmid]. */
void reclaim_forget(vmid_t vmid);

/**
 * reclaim_scrub_vms() - zero the pages of all VMs, which stay theirs
 *
 * Takes as long as RAM is large.
 * Locks: takes s2page; caller holds none
 */
void reclaim_scrub_vms(void);

/* Forgets all of it (tests). Locks: none; no other CPU runs. */
void reclaim_reset(void);

#endif /* COREVISOR_CORE_RECLAIM_H */
