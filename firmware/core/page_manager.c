/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who owns each page of RAM. Layer: PageManager, on PageIndex and Locks.
 * Locks: the caller of every primitive holds s2page.
 *
 * A page record is 64 bits: owner [7:0], count [15:8], map [63:16]. The map is
 * stored as its distance from pfn + SMMU_HOST_OFFSET, which is what it is for
 * a page that the host owns, so that a zeroed array is the initial state.
 */
#include "core/page_manager.h"

#include "arch/mem.h"
#include "core/dma_identity.h"
#include "core/locks.h"
#include "core/mem_region.h"
#include "core/page_index.h"
#include "core/panic.h"
#include "core/spec_constants.h"
#include "hypsec/inspect.h"

#define RECORD_OWNER_SHIFT	0
#define RECORD_OWNER_WIDTH	8
#define RECORD_COUNT_SHIFT	8
#define RECORD_COUNT_WIDTH	8
#define RECORD_MAP_SHIFT	16
#define RECORD_MAP_WIDTH	48

/*
 * How a record holds a count of INVALID and a map of INVALID64: values that no
 * other count, and no distance between frame numbers, has.
 */
#define COUNT_RESERVED		GENMASK(RECORD_COUNT_WIDTH - 1, 0)
#define MAP_ANY			BIT(RECORD_MAP_WIDTH - 1)

_Static_assert(HOSTVISOR == 0, "a zero record is the host's");
_Static_assert(COREVISOR < 256 && MAX_SHARE_COUNT < 255, "fields are 8 bits");
_Static_assert(HYPSEC_INSPECT_RECORD_OWNER(INPLACE(RECORD_OWNER, COREVISOR)) ==
		       COREVISOR &&
	       HYPSEC_INSPECT_RECORD_COUNT(INPLACE(RECORD_COUNT,
						   COUNT_RESERVED)) ==
		       HYPSEC_INSPECT_COUNT_DMA &&
	       HYPSEC_INSPECT_RECORD_MAP(INPLACE(RECORD_MAP, MAP_ANY)) ==
		       HYPSEC_INSPECT_MAP_ANY &&
	       HYPSEC_INSPECT_MAP_OFFSET == SMMU_HOST_OFFSET,
	       "told by inspect.h");

static uint64_t *page_records;
static uint64_t nr_page_records;
/* Records with each owner. */
static uint64_t owned[COREVISOR + 1];

void page_manager_init(paddr_t records, uint64_t count)
{
	page_records = el2_ptr(pa_to_el2_va(records));
	nr_page_records = count;
	for (vmid_t vmid = 0; vmid <= COREVISOR; vmid++) {
		owned[vmid] = 0;
	}
	owned[HOSTVISOR] = count;
}

/* The record of @pfn, NULL if it is not RAM. */
static uint64_t *page_record(uint64_t pfn)
{
	uint64_t index;

	ASSERT(lock_s2page_is_held());
	if (pfn >= KVM_PFN_SPACE) {
		return NULL;
	}
	index = get_s2_page_index(pfn << PAGE_SHIFT);
	if (index == INVALID64) {
		return NULL;
	}
	ASSERT(index < nr_page_records);
	return &page_records[index];
}

void page_manager_reserve(uint64_t pfn, uint64_t pages)
{
	uint64_t *first = page_record(pfn);
	uint64_t *last = page_record(pfn + pages - 1);
	uint64_t owners = 0;

	ASSERT(first != NULL && last == first + pages - 1);
	dma_identity_remove(pfn, pages);
	for (uint64_t *record = first; record <= last; record++) {
		owners |= *record;
		*record |= INPLACE(RECORD_OWNER, COREVISOR);
	}
	ASSERT(page_record_owner(owners) == HOSTVISOR);
	owned[HOSTVISOR] -= pages;
	owned[COREVISOR] += pages;
}

uint64_t page_manager_owned(vmid_t vmid)
{
	ASSERT(lock_s2page_is_held() && vmid <= COREVISOR);
	return owned[vmid];
}

const uint64_t *page_manager_owned_array(void)
{
	return owned;
}

static uint64_t host_map(uint64_t pfn)
{
	return pfn + SMMU_HOST_OFFSET;
}

uint32_t page_record_owner(uint64_t record)
{
	return (uint32_t)EXTRACT(RECORD_OWNER, record);
}

/**
 * get_pfn_owner() - who owns a page
 * @pfn: page frame number, any value
 *
 * Spec:    PageManager.get_pfn_owner_spec
 * Locks:   caller holds s2page
 * Returns: owner, INVALID_MEM if the page is not RAM
 */
uint32_t get_pfn_owner(uint64_t pfn)
{
	const uint64_t *record = page_record(pfn);

	return record == NULL ? INVALID_MEM : page_record_owner(*record);
}

/**
 * set_pfn_owner() - change a page's owner
 * @pfn:  page frame number; not RAM: nothing happens
 * @vmid: HOSTVISOR, a VM or COREVISOR
 *
 * A page that leaves the host leaves what the host's devices reach before the
 * record changes: no table and no TLB of an SMMU has it at return. One that the
 * host gets, which is zeroed or was the host's last, its devices reach again.
 *
 * Spec:   PageManager.set_pfn_owner_spec
 * Delta:  D-051: the identity table, here so that no transition can forget it
 * Locks:  caller holds s2page; takes spt
 * Panics: @vmid out of range - nobody
 */
void set_pfn_owner(uint64_t pfn, uint32_t vmid)
{
	uint64_t *record = page_record(pfn);

	ASSERT(vmid <= COREVISOR);
	if (record != NULL) {
		uint32_t old = page_record_owner(*record);

		/* The host's devices reach its pages and no others (I15). */
		if (old == HOSTVISOR && vmid != HOSTVISOR) {
			dma_identity_remove(pfn, 1);
		} else if (old != HOSTVISOR && vmid == HOSTVISOR) {
			dma_identity_add(pfn);
		}
		owned[old]--;
		owned[vmid]++;
		*record = (*record & ~FIELD_MASK(RECORD_OWNER)) |
			  INPLACE(RECORD_OWNER, vmid);
	}
}

/**
 * get_pfn_count() - how often a page is shared
 * @pfn: page frame number, any value
 *
 * Spec:    PageManager.get_pfn_count_spec
 * Locks:   caller holds s2page
 * Returns: shares, INVALID for a VM page reserved for DMA, INVALID_MEM if the
 *	    page is not RAM
 */
uint32_t get_pfn_count(uint64_t pfn)
{
	const uint64_t *record = page_record(pfn);
	uint64_t count;

	if (record == NULL) {
		return INVALID_MEM;
	}
	count = EXTRACT(RECORD_COUNT, *record);
	return count == COUNT_RESERVED ? INVALID : (uint32_t)count;
}

/**
 * set_pfn_count() - change how often a page is shared
 * @pfn:   page frame number; not RAM: nothing happens
 * @count: 0 to MAX_SHARE_COUNT, or INVALID
 *
 * Spec:   PageManager.set_pfn_count_spec
 * Locks:  caller holds s2page
 * Panics: @count out of range - nobody
 */
void set_pfn_count(uint64_t pfn, uint32_t count)
{
	uint64_t *record = page_record(pfn);
	uint64_t field = count == INVALID ? COUNT_RESERVED : count;

	ASSERT(count <= MAX_SHARE_COUNT || count == INVALID);
	if (record != NULL) {
		*record = (*record & ~FIELD_MASK(RECORD_COUNT)) |
			  INPLACE(RECORD_COUNT, field);
	}
}

/**
 * get_pfn_map() - where its owner maps a page
 * @pfn: page frame number, any value
 *
 * Spec:    PageManager.get_pfn_map_spec
 * Locks:   caller holds s2page
 * Returns: gfn, INVALID64 for "any", INVALID64 also if the page is not RAM
 */
uint64_t get_pfn_map(uint64_t pfn)
{
	const uint64_t *record = page_record(pfn);
	uint64_t distance;

	if (record == NULL) {
		return INVALID64;
	}
	distance = EXTRACT(RECORD_MAP, *record);
	if (distance == MAP_ANY) {
		return INVALID64;
	}
	return (distance + host_map(pfn)) & GENMASK(RECORD_MAP_WIDTH - 1, 0);
}

/**
 * set_pfn_map() - record where its owner maps a page
 * @pfn: page frame number; not RAM: nothing happens
 * @gfn: guest frame number below 2^36, or INVALID64
 *
 * Spec:   PageManager.set_pfn_map_spec
 * Locks:  caller holds s2page
 * Panics: @gfn out of range - nobody
 */
void set_pfn_map(uint64_t pfn, uint64_t gfn)
{
	uint64_t *record = page_record(pfn);
	uint64_t distance = gfn == INVALID64 ? MAP_ANY : gfn - host_map(pfn);

	ASSERT(gfn == INVALID64 || gfn < BIT(36));
	if (record != NULL) {
		*record = (*record & ~FIELD_MASK(RECORD_MAP)) |
			  INPLACE(RECORD_MAP, distance);
	}
}

bool page_block_is_host(uint64_t pfn)
{
	const uint64_t *first = page_record(pfn);
	paddr_t pa = pfn << PAGE_SHIFT;
	uint64_t owners = 0;

	/* In one region: between two there may be a hole. */
	if (first == NULL ||
	    mem_region_search(pa) != mem_region_search(pa + PMD_SIZE - 1)) {
		return false;
	}
	for (uint64_t i = 0; i < PMD_PAGE_NUM; i += 4) {
		owners |= first[i] | first[i + 1] | first[i + 2] | first[i + 3];
	}
	return EXTRACT(RECORD_OWNER, owners) == HOSTVISOR;
}
