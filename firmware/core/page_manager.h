/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who owns each page of RAM. Layer: PageManager.
 */
#ifndef COREVISOR_CORE_PAGE_MANAGER_H
#define COREVISOR_CORE_PAGE_MANAGER_H

#include "core/types.h"

/* Bytes of one page record. */
#define PAGE_RECORD_BYTES 8

/**
 * page_manager_init() - give the layer its array
 * @records: PA of the array, one record per page of RAM in index order, zeroed
 * @count:   records in it
 *
 * A zero record says: owned by the host, not shared.
 * Locks: none; boot CPU only
 */
void page_manager_init(paddr_t records, uint64_t count);

/**
 * page_manager_reserve() - give EL2's own memory to COREVISOR at boot
 * @pfn:   first page; all of them lie in one range of RAM
 * @pages: how many
 *
 * They are the host's before. As set_pfn_owner() for each page, in a fraction
 * of the instructions.
 * Locks: caller holds s2page
 */
void page_manager_reserve(uint64_t pfn, uint64_t pages);

/* Pages of RAM that @vmid, at most COREVISOR, owns. Locks: s2page held. */
uint64_t page_manager_owned(vmid_t vmid);

/* The same of all owners from HOSTVISOR to COREVISOR, in a row, for tools. */
const uint64_t *page_manager_owned_array(void);

uint32_t get_pfn_owner(uint64_t pfn);
void set_pfn_owner(uint64_t pfn, uint32_t vmid);
uint32_t get_pfn_count(uint64_t pfn);
void set_pfn_count(uint64_t pfn, uint32_t count);
uint64_t get_pfn_map(uint64_t pfn);
void set_pfn_map(uint64_t pfn, uint64_t gfn);

/**
 * page_block_is_host() - is every page of a 2 MiB block plain host memory?
 * @pfn: first page, 512 aligned
 *
 * Returns: true if all 512 pages are RAM, owned by the host
 * Locks:   caller holds s2page
 */
bool page_block_is_host(uint64_t pfn);

/**
 * page_record_owner() - owner in a record that an earlier boot left
 * @record: the record
 *
 * Returns: its owner field, whatever it holds
 */
uint32_t page_record_owner(uint64_t record);

#endif /* COREVISOR_CORE_PAGE_MANAGER_H */
