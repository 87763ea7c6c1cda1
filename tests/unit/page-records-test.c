/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RAM regions, page index and page records. */
#include "harness.h"

#include "arch/mem.h"
#include "core/locks.h"
#include "core/mem_region.h"
#include "core/page_index.h"
#include "core/page_manager.h"

#define FIRST_PFN (TEST_RAM_BASE >> PAGE_SHIFT)
#define END_PFN ((TEST_RAM_BASE + TEST_RAM_BYTES) >> PAGE_SHIFT)
/* The first frame that is the host's in no sense. */
#define EL2_PFN (TEST_EL2_BASE >> PAGE_SHIFT)

/* --- Regions ---------------------------------------------------------- */

static void region_is_found_from_first_to_last_byte(void)
{
	g_assert_cmpuint(mem_region_search(TEST_RAM_BASE), ==, 0);
	g_assert_cmpuint(mem_region_search(TEST_RAM_BASE + TEST_RAM_BYTES - 1),
			 ==, 0);
}

static void region_around_ram_is_invalid(void)
{
	g_assert_cmpuint(mem_region_search(0), ==, INVALID);
	g_assert_cmpuint(mem_region_search(TEST_RAM_BASE - 1), ==, INVALID);
	g_assert_cmpuint(mem_region_search(TEST_RAM_BASE + TEST_RAM_BYTES), ==,
			 INVALID);
	g_assert_cmpuint(mem_region_search(~UINT64_C(0)), ==, INVALID);
}

static void region_bad_ranges_are_refused(void)
{
	static const struct {
		paddr_t base;
		uint64_t size;
	} bad[] = {
		{ GIB * 4, 0 },
		{ GIB * 4 + 1, PAGE_SIZE },
		{ GIB * 4, PAGE_SIZE + 1 },
		{ KVM_PHYS_SIZE, PAGE_SIZE },
		{ KVM_PHYS_SIZE - PAGE_SIZE, 2 * PAGE_SIZE },
		{ PAGE_SIZE, ~UINT64_C(0) - PAGE_SIZE + 1 },
		{ ~UINT64_C(0) - PAGE_SIZE + 1, PAGE_SIZE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		g_assert_cmpint(mem_region_add(bad[i].base, bad[i].size), ==,
				HV_EINVAL);
	}
	g_assert_cmpuint(mem_region_count(), ==, 1);
}

static void region_up_to_40_bits_is_taken(void)
{
	g_assert_cmpint(mem_region_add(KVM_PHYS_SIZE - PAGE_SIZE, PAGE_SIZE),
			==, HV_OK);
	g_assert_cmpuint(mem_region_search(KVM_PHYS_SIZE - 1), ==, 1);
}

static void region_overlap_is_refused(void)
{
	static const struct {
		paddr_t base;
		uint64_t size;
	} bad[] = {
		{ TEST_RAM_BASE, TEST_RAM_BYTES },
		{ TEST_RAM_BASE - PAGE_SIZE, 2 * PAGE_SIZE },
		{ TEST_RAM_BASE + TEST_RAM_BYTES - PAGE_SIZE, 2 * PAGE_SIZE },
		{ TEST_RAM_BASE + PAGE_SIZE, PAGE_SIZE },
		{ 0, TEST_RAM_BASE + TEST_RAM_BYTES + PAGE_SIZE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		g_assert_cmpint(mem_region_add(bad[i].base, bad[i].size), ==,
				HV_EINVAL);
	}
}

static void region_neighbours_are_taken(void)
{
	g_assert_cmpint(mem_region_add(TEST_RAM_BASE - PAGE_SIZE, PAGE_SIZE),
			==, HV_OK);
	g_assert_cmpint(mem_region_add(TEST_RAM_BASE + TEST_RAM_BYTES,
				       PAGE_SIZE), ==, HV_OK);
}

static void region_table_full_is_nomem(void)
{
	for (uint64_t i = 1; i < MAX_MEMBLOCK_NUM; i++) {
		g_assert_cmpint(mem_region_add(GIB * 4 * i, PAGE_SIZE), ==,
				HV_OK);
	}
	g_assert_cmpint(mem_region_add(GIB * 4 * MAX_MEMBLOCK_NUM, PAGE_SIZE),
			==, HV_ENOMEM);
	g_assert_cmpuint(mem_region_count(), ==, MAX_MEMBLOCK_NUM);
}

static void get_region(void *data)
{
	mem_region_get(*(uint32_t *)data);
}

static void region_get_beyond_count_panics(void)
{
	uint32_t i = mem_region_count();

	assert_panics(get_region, &i, "mem_region_get");
}

/* --- Page index ------------------------------------------------------- */

static void index_counts_pages_of_a_region(void)
{
	g_assert_cmpuint(get_s2_page_index(TEST_RAM_BASE), ==, 0);
	g_assert_cmpuint(get_s2_page_index(TEST_RAM_BASE + PAGE_SIZE - 1), ==,
			 0);
	g_assert_cmpuint(get_s2_page_index(TEST_RAM_BASE + PAGE_SIZE), ==, 1);
}

static void index_continues_in_the_next_region(void)
{
	uint64_t pages = mem_region_pages();

	g_assert_cmpint(mem_region_add(GIB * 8, 2 * PAGE_SIZE), ==, HV_OK);
	g_assert_cmpuint(get_s2_page_index(GIB * 8 + PAGE_SIZE), ==, pages + 1);
	g_assert_cmpuint(mem_region_pages(), ==, pages + 2);
}

static void index_of_no_ram_is_invalid(void)
{
	g_assert_cmpuint(get_s2_page_index(TEST_RAM_BASE - 1), ==, INVALID64);
	g_assert_cmpuint(get_s2_page_index(KVM_PHYS_SIZE), ==, INVALID64);
}

/* --- Records ---------------------------------------------------------- */

/* Frames around RAM and with address bits that a shift would lose. */
static const uint64_t not_ram[] = {
	0, FIRST_PFN - 1, END_PFN, KVM_PFN_SPACE, KVM_PFN_SPACE + FIRST_PFN,
	BIT(52) + FIRST_PFN, ~UINT64_C(0),
};

static void owner_not_ram_reads_invalid(void)
{
	acquire_lock_s2page();
	for (size_t i = 0; i < ARRAY_SIZE(not_ram); i++) {
		g_assert_cmpuint(get_pfn_owner(not_ram[i]), ==, INVALID_MEM);
	}
	release_lock_s2page();
}

static void count_not_ram_reads_invalid(void)
{
	acquire_lock_s2page();
	for (size_t i = 0; i < ARRAY_SIZE(not_ram); i++) {
		g_assert_cmpuint(get_pfn_count(not_ram[i]), ==, INVALID_MEM);
	}
	release_lock_s2page();
}

static void map_not_ram_reads_invalid(void)
{
	acquire_lock_s2page();
	for (size_t i = 0; i < ARRAY_SIZE(not_ram); i++) {
		g_assert_cmpuint(get_pfn_map(not_ram[i]), ==, INVALID64);
	}
	release_lock_s2page();
}

static void setters_not_ram_change_nothing(void)
{
	void *before = machine_copy();

	acquire_lock_s2page();
	for (size_t i = 0; i < ARRAY_SIZE(not_ram); i++) {
		set_pfn_owner(not_ram[i], 3);
		set_pfn_count(not_ram[i], 1);
		set_pfn_map(not_ram[i], 7);
	}
	release_lock_s2page();
	machine_assert_unchanged(before);
}

static void record_zero_is_host_not_shared_identity(void)
{
	acquire_lock_s2page();
	g_assert_cmpuint(get_pfn_owner(FIRST_PFN), ==, HOSTVISOR);
	g_assert_cmpuint(get_pfn_count(FIRST_PFN), ==, 0);
	g_assert_cmpuint(get_pfn_map(FIRST_PFN), ==,
			 FIRST_PFN + SMMU_HOST_OFFSET);
	release_lock_s2page();
}

static void owner_every_value_reads_back(void)
{
	acquire_lock_s2page();
	for (uint32_t owner = 0; owner <= COREVISOR; owner++) {
		set_pfn_owner(FIRST_PFN, owner);
		g_assert_cmpuint(get_pfn_owner(FIRST_PFN), ==, owner);
	}
	release_lock_s2page();
}

static void count_every_value_reads_back(void)
{
	acquire_lock_s2page();
	for (uint32_t count = 0; count <= MAX_SHARE_COUNT; count++) {
		set_pfn_count(FIRST_PFN, count);
		g_assert_cmpuint(get_pfn_count(FIRST_PFN), ==, count);
	}
	set_pfn_count(FIRST_PFN, INVALID);
	g_assert_cmpuint(get_pfn_count(FIRST_PFN), ==, INVALID);
	release_lock_s2page();
}

static void map_edges_read_back(void)
{
	static const uint64_t gfns[] = {
		0, 1, FIRST_PFN, FIRST_PFN + SMMU_HOST_OFFSET,
		FIRST_PFN + SMMU_HOST_OFFSET + 1, KVM_PFN_SPACE - 1,
		BIT(36) - 1, INVALID64,
	};

	acquire_lock_s2page();
	for (size_t i = 0; i < ARRAY_SIZE(gfns); i++) {
		set_pfn_map(FIRST_PFN, gfns[i]);
		g_assert_cmphex(get_pfn_map(FIRST_PFN), ==, gfns[i]);
	}
	release_lock_s2page();
}

/* The frame number just below where the host has the page. */
static void map_below_host_offset_is_not_any(void)
{
	uint64_t gfn = FIRST_PFN + SMMU_HOST_OFFSET - 1;

	acquire_lock_s2page();
	set_pfn_map(FIRST_PFN, gfn);
	g_assert_cmphex(get_pfn_map(FIRST_PFN), ==, gfn);
	release_lock_s2page();
}

/* Random writes to random fields of random pages against plain arrays. */
static void fields_are_independent(void)
{
	enum { PAGES = 16 };
	uint32_t owner[PAGES] = { 0 };
	uint32_t count[PAGES] = { 0 };
	uint64_t map[PAGES];

	for (uint64_t i = 0; i < PAGES; i++) {
		map[i] = FIRST_PFN + i + SMMU_HOST_OFFSET;
	}
	acquire_lock_s2page();
	for (int step = 0; step < 2000; step++) {
		uint64_t i = random_below(PAGES);

		switch (random_below(3)) {
		case 0:
			owner[i] = (uint32_t)random_below(COREVISOR + 1);
			set_pfn_owner(FIRST_PFN + i, owner[i]);
			break;
		case 1:
			count[i] = (uint32_t)random_below(MAX_SHARE_COUNT + 2);
			count[i] = count[i] > MAX_SHARE_COUNT ? INVALID :
								count[i];
			set_pfn_count(FIRST_PFN + i, count[i]);
			break;
		default:
			map[i] = random_below(4) == 0 ? INVALID64 :
							random_below(BIT(36));
			set_pfn_map(FIRST_PFN + i, map[i]);
			break;
		}
		i = random_below(PAGES);
		g_assert_cmpuint(get_pfn_owner(FIRST_PFN + i), ==, owner[i]);
		g_assert_cmpuint(get_pfn_count(FIRST_PFN + i), ==, count[i]);
		g_assert_cmphex(get_pfn_map(FIRST_PFN + i), ==, map[i]);
	}
	release_lock_s2page();
}

static void old_record_gives_its_owner(void)
{
	g_assert_cmpuint(page_record_owner(0), ==, HOSTVISOR);
	g_assert_cmpuint(page_record_owner(UINT64_C(0xffffffffffffff10)), ==,
			 COREVISOR);
	g_assert_cmpuint(page_record_owner(~UINT64_C(0)), ==, 255);
}

static void read_owner(void *data)
{
	get_pfn_owner(*(uint64_t *)data);
}

static void record_without_lock_panics(void)
{
	uint64_t pfn = FIRST_PFN;

	assert_panics(read_owner, &pfn, "lock_s2page_is_held");
}

static void set_owner(void *data)
{
	acquire_lock_s2page();
	set_pfn_owner(FIRST_PFN, *(uint32_t *)data);
}

static void owner_out_of_range_panics(void)
{
	uint32_t owner = COREVISOR + 1;

	assert_panics(set_owner, &owner, "vmid <= COREVISOR");
}

static void set_count(void *data)
{
	acquire_lock_s2page();
	set_pfn_count(FIRST_PFN, *(uint32_t *)data);
}

static void count_out_of_range_panics(void)
{
	uint32_t count = MAX_SHARE_COUNT + 1;

	assert_panics(set_count, &count, "MAX_SHARE_COUNT");
}

static void set_map(void *data)
{
	acquire_lock_s2page();
	set_pfn_map(FIRST_PFN, *(uint64_t *)data);
}

static void map_out_of_range_panics(void)
{
	uint64_t gfn = BIT(36);

	assert_panics(set_map, &gfn, "BIT(36)");
}

static void record_beyond_array_panics(void)
{
	uint64_t pfn = FIRST_PFN + 4;

	page_manager_init(TEST_EL2_BASE, 4);
	acquire_lock_s2page();
	assert_panics(read_owner, &pfn, "nr_page_records");
}

/* --- EL2's own pages -------------------------------------------------- */

/* As set_pfn_owner() for each of them, and for no other. */
static void reserve_gives_its_pages_to_corevisor(void)
{
	acquire_lock_s2page();
	set_pfn_count(FIRST_PFN + 10, 7);
	page_manager_reserve(FIRST_PFN + 10, 3);
	for (uint64_t i = 0; i < 20; i++) {
		g_assert_cmpuint(get_pfn_owner(FIRST_PFN + i), ==,
				 i >= 10 && i < 13 ? COREVISOR : HOSTVISOR);
	}
	g_assert_cmpuint(get_pfn_count(FIRST_PFN + 10), ==, 7);
	g_assert_cmphex(get_pfn_map(FIRST_PFN + 10), ==,
			FIRST_PFN + 10 + SMMU_HOST_OFFSET);
	release_lock_s2page();
}

static void reserve_up_to_the_end_of_ram(void)
{
	machine_set_page(END_PFN - 1, HOSTVISOR, 0);
	acquire_lock_s2page();
	page_manager_reserve(END_PFN - 1, 1);
	g_assert_cmpuint(get_pfn_owner(END_PFN - 1), ==, COREVISOR);
	release_lock_s2page();
}

static void reserve_pages(void *data)
{
	const uint64_t *range = data;

	acquire_lock_s2page();
	page_manager_reserve(range[0], range[1]);
}

static void reserve_beyond_ram_panics(void)
{
	uint64_t range[] = { END_PFN - 1, 2 };

	assert_panics(reserve_pages, range, "page_manager_reserve");
}

static void reserve_before_ram_panics(void)
{
	uint64_t range[] = { FIRST_PFN - 1, 2 };

	assert_panics(reserve_pages, range, "page_manager_reserve");
}

/* --- How many pages each owner has ------------------------------------- */

static uint64_t owned(vmid_t vmid)
{
	uint64_t pages;

	acquire_lock_s2page();
	pages = page_manager_owned(vmid);
	release_lock_s2page();
	return pages;
}

static void owned_starts_with_all_the_hosts(void)
{
	uint64_t el2 = TEST_EL2_BYTES / PAGE_SIZE;

	g_assert_cmpuint(owned(HOSTVISOR), ==, mem_region_pages() - el2);
	g_assert_cmpuint(owned(COREVISOR), ==, el2);
	for (vmid_t vmid = 1; vmid < COREVISOR; vmid++) {
		g_assert_cmpuint(owned(vmid), ==, 0);
	}
}

static void owned_follows_the_owner(void)
{
	uint64_t host = owned(HOSTVISOR);

	machine_set_page(FIRST_PFN, 3, 0);
	machine_set_page(FIRST_PFN + 1, 3, 0);
	machine_set_page(FIRST_PFN + 1, 3, 5);
	g_assert_cmpuint(owned(3), ==, 2);
	g_assert_cmpuint(owned(HOSTVISOR), ==, host - 2);
	/* What debuggers and the inspection page read. */
	g_assert_cmpuint(page_manager_owned_array()[3], ==, 2);
	g_assert_cmpuint(page_manager_owned_array()[HOSTVISOR], ==, host - 2);
	machine_set_page(FIRST_PFN, 4, 0);
	g_assert_cmpuint(owned(3), ==, 1);
	g_assert_cmpuint(owned(4), ==, 1);
	machine_set_page(FIRST_PFN, HOSTVISOR, 0);
	machine_set_page(FIRST_PFN + 1, HOSTVISOR, 0);
	g_assert_cmpuint(owned(3), ==, 0);
	g_assert_cmpuint(owned(4), ==, 0);
	g_assert_cmpuint(owned(HOSTVISOR), ==, host);
}

static void owned_does_not_count_what_is_not_ram(void)
{
	machine_set_page(END_PFN, 3, 0);
	machine_set_page(FIRST_PFN - 1, 3, 0);
	g_assert_cmpuint(owned(3), ==, 0);
}

static void owned_counts_reserved_pages(void)
{
	uint64_t el2 = owned(COREVISOR);

	acquire_lock_s2page();
	page_manager_reserve(FIRST_PFN + 10, 3);
	release_lock_s2page();
	g_assert_cmpuint(owned(COREVISOR), ==, el2 + 3);
	g_assert_cmpuint(owned(HOSTVISOR), ==, mem_region_pages() - el2 - 3);
}

static void read_owned(void *data)
{
	page_manager_owned(*(vmid_t *)data);
}

static void owned_without_lock_panics(void)
{
	vmid_t vmid = HOSTVISOR;

	assert_panics(read_owned, &vmid, "lock_s2page_is_held");
}

static void owned_out_of_range_panics(void)
{
	vmid_t vmid = COREVISOR + 1;

	acquire_lock_s2page();
	assert_panics(read_owned, &vmid, "vmid <= COREVISOR");
}

static void reserve_of_a_vms_page_panics(void)
{
	uint64_t range[] = { FIRST_PFN, 3 };

	machine_set_page(FIRST_PFN + 1, 3, 0);
	assert_panics(reserve_pages, range, "HOSTVISOR");
}

/* --- Blocks ----------------------------------------------------------- */

static bool block_is_host(uint64_t pfn)
{
	bool host;

	acquire_lock_s2page();
	host = page_block_is_host(pfn);
	release_lock_s2page();
	return host;
}

static void block_of_host_pages_is_host(void)
{
	g_assert_true(block_is_host(FIRST_PFN));
	g_assert_true(block_is_host(EL2_PFN - PMD_PAGE_NUM));
}

static void block_with_one_foreign_page_is_not(void)
{
	for (uint64_t i = 0; i < PMD_PAGE_NUM; i++) {
		machine_set_page(FIRST_PFN + i, 1, 0);
		g_assert_false(block_is_host(FIRST_PFN));
		g_assert_true(block_is_host(FIRST_PFN + PMD_PAGE_NUM));
		machine_set_page(FIRST_PFN + i, HOSTVISOR, 0);
	}
	g_assert_true(block_is_host(FIRST_PFN));
}

static void block_shared_host_pages_are_host(void)
{
	machine_set_page(FIRST_PFN + 3, HOSTVISOR, 1);
	machine_set_page(FIRST_PFN + 4, HOSTVISOR, INVALID);
	g_assert_true(block_is_host(FIRST_PFN));
}

static void block_outside_ram_is_not(void)
{
	g_assert_false(block_is_host(FIRST_PFN - PMD_PAGE_NUM));
	g_assert_false(block_is_host(END_PFN));
	g_assert_false(block_is_host(KVM_PFN_SPACE - PMD_PAGE_NUM));
	g_assert_false(block_is_host(KVM_PFN_SPACE));
	g_assert_false(block_is_host(~UINT64_C(0) & ~(PMD_PAGE_NUM - 1)));
}

static void block_at_the_end_of_40_bits_is_host(void)
{
	const struct machine machine = {
		.ram = { { KVM_PHYS_SIZE - PMD_SIZE, PMD_SIZE } },
		.nr_ram = 1,
		.el2 = { TEST_EL2_BASE, TEST_EL2_BYTES },
	};

	machine_start(&machine);
	g_assert_true(block_is_host(KVM_PFN_SPACE - PMD_PAGE_NUM));
}

static void block_half_ram_is_not(void)
{
	const struct machine machine = {
		.ram = { { TEST_RAM_BASE, PMD_SIZE / 2 } },
		.nr_ram = 1,
		.el2 = { TEST_EL2_BASE, TEST_EL2_BYTES },
	};

	machine_start(&machine);
	g_assert_false(block_is_host(FIRST_PFN));
}

/*
 * A hole inside the block, and as many pages of another region between the
 * indices of its two ends.
 */
static void block_with_a_hole_is_not(void)
{
	const struct machine machine = {
		.ram = { { TEST_RAM_BASE, MIB },
			 { TEST_RAM_BASE + GIB, PAGE_SIZE },
			 { TEST_RAM_BASE + MIB + PAGE_SIZE, MIB } },
		.nr_ram = 3,
		.el2 = { TEST_EL2_BASE, TEST_EL2_BYTES },
	};

	machine_start(&machine);
	g_assert_false(block_is_host(FIRST_PFN));
}

static const struct unit_test tests[] = {
	UNIT_TEST("/mem-region/search/first-to-last-byte",
		  region_is_found_from_first_to_last_byte),
	UNIT_TEST("/mem-region/search/around-ram-is-invalid",
		  region_around_ram_is_invalid),
	UNIT_TEST("/mem-region/add/bad-ranges-are-refused",
		  region_bad_ranges_are_refused),
	UNIT_TEST("/mem-region/add/up-to-40-bits-is-taken",
		  region_up_to_40_bits_is_taken),
	UNIT_TEST("/mem-region/add/overlap-is-refused",
		  region_overlap_is_refused),
	UNIT_TEST("/mem-region/add/neighbours-are-taken",
		  region_neighbours_are_taken),
	UNIT_TEST("/mem-region/add/full-table-is-nomem",
		  region_table_full_is_nomem),
	UNIT_TEST_DIES("/mem-region/get/beyond-count-panics",
		       region_get_beyond_count_panics),
	UNIT_TEST("/page-index/counts-pages", index_counts_pages_of_a_region),
	UNIT_TEST("/page-index/continues-in-the-next-region",
		  index_continues_in_the_next_region),
	UNIT_TEST("/page-index/no-ram-is-invalid", index_of_no_ram_is_invalid),
	UNIT_TEST("/page-manager/owner/not-ram-reads-invalid",
		  owner_not_ram_reads_invalid),
	UNIT_TEST("/page-manager/count/not-ram-reads-invalid",
		  count_not_ram_reads_invalid),
	UNIT_TEST("/page-manager/map/not-ram-reads-invalid",
		  map_not_ram_reads_invalid),
	UNIT_TEST("/page-manager/setters/not-ram-changes-nothing",
		  setters_not_ram_change_nothing),
	UNIT_TEST("/page-manager/zero-record/host-not-shared-identity",
		  record_zero_is_host_not_shared_identity),
	UNIT_TEST("/page-manager/owner/every-value-reads-back",
		  owner_every_value_reads_back),
	UNIT_TEST("/page-manager/count/every-value-reads-back",
		  count_every_value_reads_back),
	UNIT_TEST("/page-manager/map/edges-read-back", map_edges_read_back),
	UNIT_TEST("/page-manager/map/below-host-offset-is-not-any",
		  map_below_host_offset_is_not_any),
	UNIT_TEST("/page-manager/fields/independent", fields_are_independent),
	UNIT_TEST("/page-manager/old-record/gives-its-owner",
		  old_record_gives_its_owner),
	UNIT_TEST_DIES("/page-manager/lock/missing-panics",
		       record_without_lock_panics),
	UNIT_TEST_DIES("/page-manager/owner/out-of-range-panics",
		       owner_out_of_range_panics),
	UNIT_TEST_DIES("/page-manager/count/out-of-range-panics",
		       count_out_of_range_panics),
	UNIT_TEST_DIES("/page-manager/map/out-of-range-panics",
		       map_out_of_range_panics),
	UNIT_TEST_DIES("/page-manager/records/beyond-array-panics",
		       record_beyond_array_panics),
	UNIT_TEST("/page-manager/owned/starts-with-the-hosts",
		  owned_starts_with_all_the_hosts),
	UNIT_TEST("/page-manager/owned/follows-the-owner",
		  owned_follows_the_owner),
	UNIT_TEST("/page-manager/owned/not-ram-does-not-count",
		  owned_does_not_count_what_is_not_ram),
	UNIT_TEST("/page-manager/owned/counts-reserved-pages",
		  owned_counts_reserved_pages),
	UNIT_TEST_DIES("/page-manager/owned/missing-lock-panics",
		       owned_without_lock_panics),
	UNIT_TEST_DIES("/page-manager/owned/out-of-range-panics",
		       owned_out_of_range_panics),
	UNIT_TEST_DIES("/page-manager/reserve/vms-page-panics",
		       reserve_of_a_vms_page_panics),
	UNIT_TEST("/page-manager/reserve/gives-its-pages",
		  reserve_gives_its_pages_to_corevisor),
	UNIT_TEST("/page-manager/reserve/up-to-the-end-of-ram",
		  reserve_up_to_the_end_of_ram),
	UNIT_TEST_DIES("/page-manager/reserve/beyond-ram-panics",
		       reserve_beyond_ram_panics),
	UNIT_TEST_DIES("/page-manager/reserve/before-ram-panics",
		       reserve_before_ram_panics),
	UNIT_TEST("/page-manager/block/host-pages",
		  block_of_host_pages_is_host),
	UNIT_TEST("/page-manager/block/one-foreign-page",
		  block_with_one_foreign_page_is_not),
	UNIT_TEST("/page-manager/block/shared-host-pages",
		  block_shared_host_pages_are_host),
	UNIT_TEST("/page-manager/block/outside-ram", block_outside_ram_is_not),
	UNIT_TEST("/page-manager/block/end-of-40-bits",
		  block_at_the_end_of_40_bits_is_host),
	UNIT_TEST("/page-manager/block/half-ram", block_half_ram_is_not),
	UNIT_TEST("/page-manager/block/hole-inside", block_with_a_hole_is_not),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
