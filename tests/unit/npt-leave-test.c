/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages and blocks that leave the host's table: what becomes of the entries,
 * of the neighbours, and in which order other CPUs get to know.
 */
#include "harness.h"

#include <string.h>

#include "arch/mem.h"
#include "core/locks.h"
#include "core/mem_manager.h"
#include "core/npt_ops.h"
#include "core/page_manager.h"
#include "core/pt_alloc.h"
#include "walker.h"

#define BLOCK_PA	(TEST_RAM_BASE + 4 * PMD_SIZE)
#define PFN		(BLOCK_PA >> PAGE_SHIFT)
#define PAGE_DESC(pa)	((pa) | PAGE_S2_KERNEL)
#define BLOCK_DESC(pa)	((pa) | (PAGE_S2_KERNEL & ~PMD_TABLE_BIT))

static void map(paddr_t pa, uint32_t level)
{
	acquire_lock_s2page();
	g_assert_cmpint(map_s2pt(HOSTVISOR, pa, level, level == 2 ?
				 BLOCK_DESC(pa) : PAGE_DESC(pa)), ==, HV_OK);
	release_lock_s2page();
	native_events_reset();
}

static void clear_page(uint64_t pfn)
{
	acquire_lock_s2page();
	clear_pfn_host(pfn);
	release_lock_s2page();
}

static void clear_block(uint64_t pfn)
{
	acquire_lock_s2page();
	clear_block_host(pfn);
	release_lock_s2page();
}

/* The raw entry, also where it is invalid. */
static uint64_t entry(paddr_t pa)
{
	return walk_s2pt(HOSTVISOR, pa);
}

static void assert_page(paddr_t pa, bool mapped)
{
	struct leaf leaf;

	g_assert_true(walker_lookup(machine_root(), pa, &leaf) == mapped);
	if (mapped) {
		g_assert_cmphex(leaf.pa, ==,
				leaf.level == 2 ? pa & ~(PMD_SIZE - 1) : pa);
		g_assert_cmphex(leaf.attributes | PMD_TABLE_BIT, ==,
				PAGE_S2_KERNEL);
	}
}

static size_t count_events(enum native_op op)
{
	size_t n;
	size_t found = 0;
	const struct native_event *events = native_events(&n);

	for (size_t i = 0; i < n; i++) {
		found += events[i].op == op;
	}
	return found;
}

static void assert_no_events(void)
{
	size_t n;

	native_events(&n);
	g_assert_cmpuint(n, ==, 0);
}

/* --- One page --------------------------------------------------------- */

static void page_becomes_guest(void)
{
	map(BLOCK_PA, 3);
	map(BLOCK_PA + PAGE_SIZE, 3);
	map(BLOCK_PA + 2 * PAGE_SIZE, 3);
	clear_page(PFN + 1);
	g_assert_cmphex(entry(BLOCK_PA + PAGE_SIZE), ==, PAGE_GUEST);
	g_assert_cmpuint(get_level_s2pt(HOSTVISOR, BLOCK_PA + PAGE_SIZE), ==,
			 0);
	assert_page(BLOCK_PA, true);
	assert_page(BLOCK_PA + PAGE_SIZE, false);
	assert_page(BLOCK_PA + 2 * PAGE_SIZE, true);
}

static void page_leaves_every_tlb(void)
{
	const struct native_event *events;
	size_t n;

	map(BLOCK_PA, 3);
	clear_page(PFN);
	events = native_events(&n);
	g_assert_cmpuint(n, ==, 8);
	g_assert_cmpint(events[0].op, ==, NATIVE_TABLE_STORE);
	g_assert_cmphex(events[0].b, ==, PAGE_GUEST);
	g_assert_cmpint(events[1].op, ==, NATIVE_DSB_ISHST);
	g_assert_cmpint(events[2].op, ==, NATIVE_DSB_ISHST);
	g_assert_cmpint(events[3].op, ==, NATIVE_TLBI_IPAS2E1IS);
	g_assert_cmphex(events[3].a, ==, BLOCK_PA);
	g_assert_cmphex(events[3].b, ==, machine_root());
}

static void unmapped_page_costs_nothing(void)
{
	clear_page(PFN);
	assert_no_events();
	g_assert_cmphex(entry(BLOCK_PA), ==, 0);
	/* Beside one that is mapped. */
	map(BLOCK_PA + PAGE_SIZE, 3);
	clear_page(PFN);
	assert_no_events();
	g_assert_cmphex(entry(BLOCK_PA), ==, 0);
	/* And one that has left. */
	clear_page(PFN + 1);
	native_events_reset();
	clear_page(PFN + 1);
	assert_no_events();
	g_assert_cmphex(entry(BLOCK_PA + PAGE_SIZE), ==, PAGE_GUEST);
}

static void page_that_left_can_come_back(void)
{
	map(BLOCK_PA, 3);
	clear_page(PFN);
	map(BLOCK_PA, 3);
	assert_page(BLOCK_PA, true);
}

/* --- A page out of a block -------------------------------------------- */

static void split_keeps_the_others(void)
{
	for (uint64_t i = 0; i < PMD_PAGE_NUM; i += 73) {
		map(BLOCK_PA + i * PMD_SIZE, 2);
		clear_page(PFN + i * PMD_PAGE_NUM + i);
		for (uint64_t page = 0; page < PMD_PAGE_NUM; page++) {
			assert_page(BLOCK_PA + i * PMD_SIZE +
				    page * PAGE_SIZE, page != i);
		}
		g_assert_cmphex(entry(BLOCK_PA + i * PMD_SIZE +
				      i * PAGE_SIZE), ==, PAGE_GUEST);
	}
}

static void split_takes_one_table(void)
{
	uint64_t pages;

	map(BLOCK_PA, 2);
	pages = pt_pool_free_pages(HOSTVISOR);
	clear_page(PFN);
	g_assert_cmpuint(pt_pool_free_pages(HOSTVISOR), ==, pages - 1);
	clear_page(PFN + 1);
	g_assert_cmpuint(pt_pool_free_pages(HOSTVISOR), ==, pages - 1);
}

/* The next event of @op from *@i on; *@i is behind it then. */
static const struct native_event *next_event(size_t *i, enum native_op op)
{
	size_t n;
	const struct native_event *events = native_events(&n);

	while (*i < n) {
		if (events[(*i)++].op == op) {
			return &events[*i - 1];
		}
	}
	g_error("no event %d", (int)op);
}

/* The block's entry goes to nothing, then to a table that is all there. */
static void split_breaks_before_it_makes(void)
{
	paddr_t level2 = machine_pool();
	paddr_t table = machine_pool() + PAGE_SIZE;
	paddr_t slot = level2 + 8 * (BLOCK_PA >> PMD_SHIFT & 511);
	size_t n;
	const struct native_event *events;
	size_t stores = 0;
	size_t i = 0;

	map(BLOCK_PA, 2);
	clear_page(PFN + 5);
	events = native_events(&n);
	while (i < n && !(events[i].op == NATIVE_TABLE_STORE &&
			  events[i].a == slot)) {
		stores += events[i].op == NATIVE_TABLE_STORE;
		i++;
	}
	g_assert_cmpuint(stores, ==, PMD_PAGE_NUM + 1);
	g_assert_cmphex(events[i].b, ==, 0);
	g_assert_cmpint(events[i - 1].op, ==, NATIVE_DSB_ISHST);
	g_assert_cmphex(next_event(&i, NATIVE_TLBI_IPAS2E1IS)->a, ==,
			BLOCK_PA + 5 * PAGE_SIZE);
	next_event(&i, NATIVE_DSB_ISH);
	next_event(&i, NATIVE_TLBI_VMALLE1IS);
	next_event(&i, NATIVE_DSB_ISH);
	events = next_event(&i, NATIVE_TABLE_STORE);
	g_assert_cmphex(events->a, ==, slot);
	g_assert_cmphex(events->b, ==, table | PMD_TYPE_TABLE);
	g_assert_cmpint(events[1].op, ==, NATIVE_DSB_ISHST);
	g_assert_cmpuint(n, ==, i + 1);
}

static void split_of_a_device_keeps_its_attributes(void)
{
	const uint64_t desc = PAGE_S2_DEVICE | S2_RDWR;
	const uint64_t pa = 4 * PMD_SIZE;

	acquire_lock_s2page();
	g_assert_cmpint(map_s2pt(HOSTVISOR, pa, 2,
				 pa | (desc & ~PMD_TABLE_BIT)), ==, HV_OK);
	clear_pfn_host(pa >> PAGE_SHIFT);
	release_lock_s2page();
	g_assert_cmphex(entry(pa), ==, PAGE_GUEST);
	g_assert_cmphex(entry(pa + PAGE_SIZE), ==, (pa + PAGE_SIZE) | desc);
	g_assert_cmphex(entry(pa + PMD_SIZE - PAGE_SIZE), ==,
			(pa + PMD_SIZE - PAGE_SIZE) | desc);
}

/* The host's own fault finds the page of a split block as it would map it. */
static void fault_on_a_split_block_is_ok(void)
{
	g_assert_cmpint(map_page_host(BLOCK_PA), ==, HV_OK);
	machine_set_page(PFN, 1, 0);
	clear_page(PFN);
	g_assert_cmpint(map_page_host(BLOCK_PA + PAGE_SIZE), ==, HV_OK);
	g_assert_cmpint(map_page_host(BLOCK_PA), ==, HV_EPERM);
	machine_set_page(PFN, HOSTVISOR, 0);
	g_assert_cmpint(map_page_host(BLOCK_PA), ==, HV_OK);
	assert_page(BLOCK_PA, true);
}

/* --- A whole block ---------------------------------------------------- */

static void block_leaves_by_one_store(void)
{
	map(BLOCK_PA - PMD_SIZE, 2);
	map(BLOCK_PA, 2);
	map(BLOCK_PA + PMD_SIZE, 2);
	clear_block(PFN);
	g_assert_cmpuint(count_events(NATIVE_TABLE_STORE), ==, 1);
	g_assert_cmpuint(count_events(NATIVE_TLBI_IPAS2E1IS), ==, 1);
	g_assert_cmpuint(count_events(NATIVE_TLBI_VMALLE1IS), ==, 1);
	assert_page(BLOCK_PA - PAGE_SIZE, true);
	assert_page(BLOCK_PA, false);
	assert_page(BLOCK_PA + PMD_SIZE - PAGE_SIZE, false);
	assert_page(BLOCK_PA + PMD_SIZE, true);
	/* A block may be made of it again. */
	map(BLOCK_PA, 2);
	assert_page(BLOCK_PA, true);
}

static void table_leaves_by_one_invalidation(void)
{
	for (uint64_t i = 0; i < PMD_PAGE_NUM; i += 2) {
		map(BLOCK_PA + i * PAGE_SIZE, 3);
	}
	map(BLOCK_PA + PMD_SIZE, 3);
	clear_block(PFN);
	g_assert_cmpuint(count_events(NATIVE_TABLE_STORE), ==,
			 PMD_PAGE_NUM / 2);
	g_assert_cmpuint(count_events(NATIVE_TLBI_VMALLS12E1IS), ==, 1);
	g_assert_cmpuint(count_events(NATIVE_TLBI_IPAS2E1IS), ==, 0);
	for (uint64_t i = 0; i < PMD_PAGE_NUM; i++) {
		g_assert_cmphex(entry(BLOCK_PA + i * PAGE_SIZE), ==,
				i % 2 == 0 ? PAGE_GUEST : 0);
	}
	assert_page(BLOCK_PA + PMD_SIZE, true);
}

static void last_page_of_a_table_leaves(void)
{
	map(BLOCK_PA + PMD_SIZE - PAGE_SIZE, 3);
	clear_block(PFN);
	assert_page(BLOCK_PA + PMD_SIZE - PAGE_SIZE, false);
	g_assert_cmpuint(count_events(NATIVE_TLBI_VMALLS12E1IS), ==, 1);
}

static void unmapped_block_costs_no_invalidation(void)
{
	clear_block(PFN);
	assert_no_events();
	map(BLOCK_PA, 3);
	clear_page(PFN);
	native_events_reset();
	clear_block(PFN);
	g_assert_cmpuint(count_events(NATIVE_TABLE_STORE), ==, 0);
	g_assert_cmpuint(count_events(NATIVE_TLBI_VMALLS12E1IS), ==, 0);
}

/* --- Out of a VM's trap ------------------------------------------------ */

static void vm_cpu_gets_its_vmid_back(void)
{
	uint64_t vm;

	machine_add_vm(2);
	vm = get_vm_vttbr(2);
	map(BLOCK_PA, 2);
	map(BLOCK_PA + PMD_SIZE, 3);
	native_cpu.vttbr = vm;
	clear_page(PFN + 7);
	g_assert_cmphex(native_cpu.vttbr, ==, vm);
	clear_block(PFN + PMD_PAGE_NUM);
	g_assert_cmphex(native_cpu.vttbr, ==, vm);
}

/* --- Against a model -------------------------------------------------- */

enum { BLOCKS = 6 };

/* Faults and departures in any order; the walker agrees after each. */
static void random_departures_match_a_model(void)
{
	bool gone[BLOCKS * PMD_PAGE_NUM] = { false };

	for (unsigned int step = 0; step < 3000; step++) {
		uint64_t page = random_below(ARRAY_SIZE(gone));
		uint64_t first = page & ~(PMD_PAGE_NUM - 1);
		uint64_t pa = BLOCK_PA + page * PAGE_SIZE;

		switch (random_below(40)) {
		case 0:
			for (uint64_t i = 0; i < PMD_PAGE_NUM; i++) {
				machine_set_page(PFN + first + i, 1, 0);
				gone[first + i] = true;
			}
			clear_block(PFN + first);
			break;
		case 1:
			for (uint64_t i = 0; i < PMD_PAGE_NUM; i++) {
				machine_set_page(PFN + first + i, HOSTVISOR,
						 0);
				gone[first + i] = false;
			}
			break;
		case 2 ... 15:
			machine_set_page(PFN + page, 1, 0);
			clear_page(PFN + page);
			gone[page] = true;
			break;
		default:
			g_assert_cmpint(map_page_host(pa), ==,
					gone[page] ? HV_EPERM : HV_OK);
			assert_page(pa, !gone[page]);
			break;
		}
		for (uint64_t i = 0; i < ARRAY_SIZE(gone); i += 61) {
			struct leaf leaf;
			uint64_t p = (i + step) % ARRAY_SIZE(gone);

			g_assert_false(gone[p] &&
				       walker_lookup(machine_root(), BLOCK_PA +
						     p * PAGE_SIZE, &leaf));
		}
	}
}

/* --- Eight CPUs -------------------------------------------------------- */

enum { STORM_BLOCKS = 2, STORM_PAGES = STORM_BLOCKS * 8, STORM_STEPS = 1500 };

/* A page of those that are fought for, spread over the blocks. */
static uint64_t storm_pfn(uint64_t i)
{
	return PFN + i % STORM_BLOCKS * PMD_PAGE_NUM + i * 31 % PMD_PAGE_NUM;
}

/* Takes a page from the host, sees that it is gone, and gives it back. */
static void take_and_return(uint64_t pfn)
{
	acquire_lock_s2page();
	if (get_pfn_owner(pfn) == HOSTVISOR) {
		set_pfn_owner(pfn, 1);
		clear_pfn_host(pfn);
		g_assert_cmpuint(get_level_s2pt(HOSTVISOR, pfn << PAGE_SHIFT),
				 ==, 0);
	}
	release_lock_s2page();
	g_assert_cmpint(map_page_host(pfn << PAGE_SHIFT), !=, HV_EBUSY);
	machine_set_page(pfn, HOSTVISOR, 0);
}

static void *storm(void *data)
{
	unsigned int seed = GPOINTER_TO_UINT(data);
	GRand *random = g_rand_new_with_seed(seed);

	machine_become_cpu(seed);
	for (unsigned int step = 0; step < STORM_STEPS; step++) {
		uint64_t pfn = storm_pfn(g_rand_int(random) % STORM_PAGES);

		if (g_rand_int(random) % 4 == 0) {
			take_and_return(pfn);
		} else {
			enum hv_status status =
				map_page_host(pfn << PAGE_SHIFT);

			g_assert_true(status == HV_OK || status == HV_EPERM);
		}
	}
	g_rand_free(random);
	return NULL;
}

/* Faults and departures of the same pages on all CPUs at once. */
static void all_cpus_at_once(void)
{
	GThread *threads[TOTAL_CPU];

	machine_add_cpus();
	for (unsigned int i = 1; i < TOTAL_CPU; i++) {
		threads[i] = g_thread_new(NULL, storm, GUINT_TO_POINTER(i));
	}
	storm(GUINT_TO_POINTER(0));
	for (unsigned int i = 1; i < TOTAL_CPU; i++) {
		g_thread_join(threads[i]);
	}
	for (uint64_t i = 0; i < STORM_PAGES; i++) {
		g_assert_cmpint(map_page_host(storm_pfn(i) << PAGE_SHIFT), ==,
				HV_OK);
		assert_page(storm_pfn(i) << PAGE_SHIFT, true);
	}
}

/* --- Own bugs --------------------------------------------------------- */

static void clear_pfn(void *data)
{
	clear_pfn_host(*(uint64_t *)data);
}

static void clear_whole(void *data)
{
	clear_block_host(*(uint64_t *)data);
}

static void clear_beyond_40_bits_panics(void)
{
	uint64_t pfn = KVM_PFN_SPACE;

	acquire_lock_s2page();
	assert_panics(clear_pfn, &pfn, "pfn < KVM_PFN_SPACE");
}

static void clear_without_s2page_panics(void)
{
	uint64_t pfn = PFN;

	map(BLOCK_PA, 3);
	assert_panics(clear_pfn, &pfn, "lock_table_is_held");
}

static void clear_block_without_s2page_panics(void)
{
	uint64_t pfn = PFN;

	map(BLOCK_PA, 3);
	assert_panics(clear_whole, &pfn, "lock_table_is_held");
}

static void clear_block_unaligned_panics(void)
{
	uint64_t pfn = PFN + 256;

	acquire_lock_s2page();
	assert_panics(clear_whole, &pfn, "PMD_PAGE_NUM");
}

static void clear_block_beyond_40_bits_panics(void)
{
	uint64_t pfn = KVM_PFN_SPACE;

	acquire_lock_s2page();
	assert_panics(clear_whole, &pfn, "pfn < KVM_PFN_SPACE");
}

/* No such pool is ever made: layout-test. */
static void split_without_table_panics(void)
{
	struct machine machine = test_machine;
	uint64_t pfn = PFN;

	machine.pool_pages = 1;
	machine_start(&machine);
	map(BLOCK_PA, 2);
	acquire_lock_s2page();
	assert_panics(clear_pfn, &pfn, "table != 0");
}

static const struct unit_test tests[] = {
	UNIT_TEST("/npt-leave/page/becomes-guest", page_becomes_guest),
	UNIT_TEST("/npt-leave/page/leaves-every-tlb", page_leaves_every_tlb),
	UNIT_TEST("/npt-leave/page/unmapped-costs-nothing",
		  unmapped_page_costs_nothing),
	UNIT_TEST("/npt-leave/page/can-come-back",
		  page_that_left_can_come_back),
	UNIT_TEST("/npt-leave/split/keeps-the-others", split_keeps_the_others),
	UNIT_TEST("/npt-leave/split/takes-one-table", split_takes_one_table),
	UNIT_TEST("/npt-leave/split/breaks-before-it-makes",
		  split_breaks_before_it_makes),
	UNIT_TEST("/npt-leave/split/keeps-device-attributes",
		  split_of_a_device_keeps_its_attributes),
	UNIT_TEST("/npt-leave/split/fault-afterwards-is-ok",
		  fault_on_a_split_block_is_ok),
	UNIT_TEST("/npt-leave/block/by-one-store", block_leaves_by_one_store),
	UNIT_TEST("/npt-leave/block/table-by-one-invalidation",
		  table_leaves_by_one_invalidation),
	UNIT_TEST("/npt-leave/block/last-page-of-a-table",
		  last_page_of_a_table_leaves),
	UNIT_TEST("/npt-leave/block/unmapped-costs-no-invalidation",
		  unmapped_block_costs_no_invalidation),
	UNIT_TEST("/npt-leave/vm/cpu-gets-its-vmid-back",
		  vm_cpu_gets_its_vmid_back),
	UNIT_TEST("/npt-leave/model/random-departures",
		  random_departures_match_a_model),
	UNIT_TEST("/npt-leave/cpus/all-at-once", all_cpus_at_once),
	UNIT_TEST_DIES("/npt-leave/page/beyond-40-bits-panics",
		       clear_beyond_40_bits_panics),
	UNIT_TEST_DIES("/npt-leave/page/missing-lock-panics",
		       clear_without_s2page_panics),
	UNIT_TEST_DIES("/npt-leave/block/missing-lock-panics",
		       clear_block_without_s2page_panics),
	UNIT_TEST_DIES("/npt-leave/block/unaligned-panics",
		       clear_block_unaligned_panics),
	UNIT_TEST_DIES("/npt-leave/block/beyond-40-bits-panics",
		       clear_block_beyond_40_bits_panics),
	UNIT_TEST_DIES("/npt-leave/split/without-table-panics",
		       split_without_table_panics),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
