/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of VMs: made, asked what a range needs, exhausted, emptied, gone
 * through after that, and taken away.
 */
#include "harness.h"

#include <string.h>

#include "arch/mem.h"
#include "core/locks.h"
#include "core/npt_ops.h"
#include "core/pt_alloc.h"
#include "walker.h"

#define VM	3u
#define OTHER	4u
#define IPA	UINT64_C(0x80000000)
#define PA	(TEST_RAM_BASE + 8 * MIB)
#define PAGE_DESC(pa)	((pa) | PAGE_S2_KERNEL)
#define BLOCK_DESC(pa)	((pa) | (PAGE_S2_KERNEL & ~PMD_TABLE_BIT))

static enum hv_status map(vmid_t vmid, ipa_t ipa, uint32_t level, paddr_t pa)
{
	enum hv_status status;

	acquire_lock_s2page();
	status = map_s2pt(vmid, ipa, level,
			  level == 2 ? BLOCK_DESC(pa) : PAGE_DESC(pa));
	release_lock_s2page();
	return status;
}

static void assert_maps(vmid_t vmid, ipa_t ipa, uint32_t level, paddr_t pa)
{
	g_assert_cmpint(map(vmid, ipa, level, pa), ==, HV_OK);
}

static uint64_t missing(vmid_t vmid, ipa_t ipa, uint64_t pages, uint32_t level)
{
	uint64_t tables;

	acquire_lock_s2page();
	tables = npt_missing_tables(vmid, ipa, pages, level);
	release_lock_s2page();
	return tables;
}

static bool unmapped(vmid_t vmid, ipa_t ipa, uint64_t pages)
{
	bool result;

	acquire_lock_s2page();
	result = npt_range_is_unmapped(vmid, ipa, pages);
	release_lock_s2page();
	return result;
}

static bool has_table(ipa_t ipa)
{
	bool result;

	acquire_lock_s2page();
	result = npt_block_has_table(VM, ipa);
	release_lock_s2page();
	return result;
}

static void clear(vmid_t vmid)
{
	acquire_lock_s2page();
	clear_npt(vmid);
	release_lock_s2page();
}

static void release(vmid_t vmid)
{
	acquire_lock_s2page();
	release_s2pt(vmid);
	release_lock_s2page();
}

static void start_with_chunks(uint64_t chunks)
{
	struct machine machine = test_machine;

	machine.arena_chunks = chunks;
	machine_start(&machine);
}

/* --- Make ------------------------------------------------------------- */

static void new_table_is_empty(void)
{
	machine_add_vm(VM);
	g_assert_cmpuint(walker_each(pt_pool_root(VM), NULL, NULL), ==, 0);
	g_assert_cmpuint(get_level_s2pt(VM, IPA), ==, 0);
}

static void second_init_changes_nothing(void)
{
	paddr_t root;

	machine_add_vm(VM);
	root = pt_pool_root(VM);
	assert_maps(VM, IPA, 3, PA);
	machine_add_vm(VM);
	g_assert_cmphex(pt_pool_root(VM), ==, root);
	g_assert_cmphex(walk_s2pt(VM, IPA), ==, PAGE_DESC(PA));
	g_assert_cmpuint(pt_arena_free_chunks(), ==,
			 test_machine.arena_chunks - 1);
}

static void init_without_memory_is_nomem(void)
{
	enum hv_status status;

	start_with_chunks(1);
	machine_add_vm(VM);
	acquire_lock_s2page();
	status = init_s2pt(OTHER);
	release_lock_s2page();
	g_assert_cmpint(status, ==, HV_ENOMEM);
	g_assert_cmphex(get_vm_vttbr(OTHER), ==, 0);
}

/* A VM without a table has nothing mapped and cannot get anything mapped. */
static void no_table_maps_nothing(void)
{
	g_assert_cmpuint(get_level_s2pt(VM, IPA), ==, 0);
	g_assert_cmphex(walk_s2pt(VM, IPA | BIT(39)), ==, 0);
	g_assert_cmpint(map(VM, IPA, 3, PA), ==, HV_EPERM);
	g_assert_true(unmapped(VM, IPA, 512));
	g_assert_false(has_table(IPA));
	g_assert_cmpuint(pt_arena_free_chunks(), ==,
			 test_machine.arena_chunks);
}

static void tables_of_vms_are_apart(void)
{
	machine_add_vm(VM);
	machine_add_vm(OTHER);
	assert_maps(VM, IPA, 3, PA);
	g_assert_cmpuint(get_level_s2pt(OTHER, IPA), ==, 0);
	assert_maps(OTHER, IPA, 2, PA);
	g_assert_cmphex(walk_s2pt(VM, IPA), ==, PAGE_DESC(PA));
}

/* --- Ask -------------------------------------------------------------- */

static void missing_counts_each_level_once(void)
{
	machine_add_vm(VM);
	g_assert_cmpuint(missing(VM, IPA, 1, 3), ==, 2);
	g_assert_cmpuint(missing(VM, IPA, 512, 3), ==, 2);
	g_assert_cmpuint(missing(VM, IPA + PAGE_SIZE, 512, 3), ==, 3);
	g_assert_cmpuint(missing(VM, IPA - PAGE_SIZE, 2, 3), ==, 4);
	g_assert_cmpuint(missing(VM, IPA, 512, 2), ==, 1);
	g_assert_cmpuint(missing(VM, IPA - PMD_SIZE, 1024, 2), ==, 2);
	g_assert_cmpuint(missing(VM, IPA, PUD_SIZE / PAGE_SIZE, 2), ==, 1);
	assert_maps(VM, IPA, 3, PA);
	g_assert_cmpuint(missing(VM, IPA, 512, 3), ==, 0);
	g_assert_cmpuint(missing(VM, IPA, 513, 3), ==, 1);
	g_assert_cmpuint(missing(VM, IPA + PMD_SIZE, 512, 2), ==, 0);
	g_assert_cmpuint(missing(VM, KVM_PHYS_SIZE - PAGE_SIZE, 1, 3), ==, 2);
}

static void missing_without_table_is_all(void)
{
	g_assert_cmpuint(missing(VM, IPA, 1, 3), ==, 2);
}

/* What is said to be missing is exactly what mapping takes. */
static void missing_is_what_mapping_takes(void)
{
	machine_add_vm(VM);
	for (unsigned int step = 0; step < 300; step++) {
		uint32_t level = random_below(3) == 0 ? 2 : 3;
		uint64_t bytes = level == 2 ? PMD_SIZE : PAGE_SIZE;
		ipa_t ipa = (PUD_SIZE - 4 * PMD_SIZE +
			     random_below(8 * PMD_SIZE)) & ~(bytes - 1);
		uint64_t units = 1 + random_below(level == 2 ? 3 : 700);
		uint64_t pages = units * bytes / PAGE_SIZE;
		uint64_t tables = missing(VM, ipa, pages, level);
		uint64_t before = pt_pool_free_pages(VM);

		if (!unmapped(VM, ipa, pages)) {
			continue;
		}
		for (uint64_t i = 0; level == 2 && i < units; i++) {
			if (has_table(ipa + i * bytes)) {
				units = 0;
			}
		}
		for (uint64_t i = 0; i < units; i++) {
			assert_maps(VM, ipa + i * bytes, level, i * bytes);
		}
		g_assert_cmpuint(pt_pool_free_pages(VM), ==,
				 before - (units == 0 ? 0 : tables));
		if (random_below(12) == 0) {
			release(VM);
			machine_add_vm(VM);
		}
	}
}

static void unmapped_finds_one_page(void)
{
	machine_add_vm(VM);
	g_assert_true(unmapped(VM, 0, KVM_PFN_SPACE));
	assert_maps(VM, IPA + 7 * PAGE_SIZE, 3, PA);
	g_assert_true(unmapped(VM, IPA, 7));
	g_assert_false(unmapped(VM, IPA, 8));
	g_assert_false(unmapped(VM, IPA + 7 * PAGE_SIZE, 1));
	g_assert_true(unmapped(VM, IPA + 8 * PAGE_SIZE, 504 + 512));
	g_assert_false(unmapped(VM, IPA - PMD_SIZE, 1024));
	g_assert_true(unmapped(VM, IPA, 0));
	/* Behind blocks with nothing in them. */
	assert_maps(VM, IPA + 4 * PMD_SIZE, 3, PA);
	g_assert_true(unmapped(VM, IPA + PMD_SIZE, 3 * 512));
	g_assert_false(unmapped(VM, IPA + PMD_SIZE, 3 * 512 + 1));
}

static void unmapped_finds_a_block(void)
{
	machine_add_vm(VM);
	assert_maps(VM, IPA, 2, PA);
	g_assert_true(unmapped(VM, IPA - PAGE_SIZE, 1));
	g_assert_false(unmapped(VM, IPA - PAGE_SIZE, 2));
	g_assert_false(unmapped(VM, IPA + PMD_SIZE - PAGE_SIZE, 1));
	g_assert_true(unmapped(VM, IPA + PMD_SIZE, 512));
	g_assert_false(has_table(IPA));
}

static void unmapped_up_to_the_end(void)
{
	machine_add_vm(VM);
	assert_maps(VM, KVM_PHYS_SIZE - PAGE_SIZE, 3, PA);
	g_assert_true(unmapped(VM, KVM_PHYS_SIZE - PMD_SIZE, 511));
	g_assert_false(unmapped(VM, KVM_PHYS_SIZE - PMD_SIZE, 512));
	g_assert_true(has_table(KVM_PHYS_SIZE - PMD_SIZE));
	g_assert_false(has_table(IPA));
}

/* Every page of a long range is looked at, also where tables are empty. */
static void unmapped_sees_the_page_behind_empty_tables(void)
{
	for (uint64_t i = 0; i <= 8; i++) {
		assert_maps(HOSTVISOR, PA + i * PMD_SIZE, 3, PA + i * PMD_SIZE);
	}
	acquire_lock_s2page();
	for (uint64_t i = 0; i < 8; i++) {
		clear_pfn_host((PA + i * PMD_SIZE) >> PAGE_SHIFT);
	}
	release_lock_s2page();
	g_assert_true(unmapped(HOSTVISOR, PA, 8 * PMD_PAGE_NUM));
	g_assert_false(unmapped(HOSTVISOR, PA, 8 * PMD_PAGE_NUM + 1));
}

/* --- Exhaust ---------------------------------------------------------- */

/* Sparse pages eat two tables each; then only what is there can be used. */
static void exhausted_arena_refuses_and_keeps_what_is_there(void)
{
	uint64_t n = 0;
	void *before;

	start_with_chunks(2);
	machine_add_vm(VM);
	while (map(VM, n * PUD_SIZE, 3, PA + n * PAGE_SIZE) == HV_OK) {
		n++;
	}
	g_assert_cmpuint(n, ==, 15);
	g_assert_cmpuint(pt_pool_free_pages(VM), ==, 0);
	before = machine_copy();
	g_assert_cmpint(map(VM, n * PUD_SIZE, 3, PA), ==, HV_ENOMEM);
	g_assert_cmpint(map(VM, n * PUD_SIZE, 2, PA), ==, HV_ENOMEM);
	g_assert_cmpint(map(VM, PMD_SIZE, 3, PA), ==, HV_ENOMEM);
	machine_assert_unchanged(before);
	assert_maps(VM, PAGE_SIZE, 3, PA + 100 * PAGE_SIZE);
	assert_maps(VM, PMD_SIZE, 2, PA);
	for (uint64_t i = 0; i < n; i++) {
		g_assert_cmphex(walk_s2pt(VM, i * PUD_SIZE), ==,
				PAGE_DESC(PA + i * PAGE_SIZE));
	}
}

/* One page left where two are needed: none is taken. */
static void half_of_what_is_needed_is_not_taken(void)
{
	start_with_chunks(1);
	machine_add_vm(VM);
	for (uint64_t i = 0; i < 12; i++) {
		assert_maps(VM, i * PMD_SIZE, 3, PA);
	}
	g_assert_cmpuint(pt_pool_free_pages(VM), ==, 1);
	g_assert_cmpint(map(VM, PUD_SIZE, 3, PA), ==, HV_ENOMEM);
	g_assert_cmpuint(pt_pool_free_pages(VM), ==, 1);
	assert_maps(VM, PUD_SIZE, 2, PA);
}

/* --- Empty ------------------------------------------------------------ */

static void fill_some(void)
{
	assert_maps(VM, IPA, 3, PA);
	assert_maps(VM, IPA + 511 * PAGE_SIZE, 3, PA + PAGE_SIZE);
	assert_maps(VM, IPA + PMD_SIZE, 2, PA + PMD_SIZE);
	assert_maps(VM, BIT(39) + PUD_SIZE, 3, PA + 2 * PAGE_SIZE);
}

static void cleared_table_maps_nothing(void)
{
	uint64_t vttbr;

	machine_add_vm(VM);
	vttbr = get_vm_vttbr(VM);
	fill_some();
	clear(VM);
	g_assert_cmpuint(walker_each(pt_pool_root(VM), NULL, NULL), ==, 0);
	g_assert_cmphex(get_vm_vttbr(VM), ==, vttbr);
	g_assert_true(unmapped(VM, 0, KVM_PFN_SPACE));
}

static void clear_invalidates_the_vmid_once(void)
{
	const struct native_event *events;
	size_t n;
	size_t flushes = 0;
	size_t stores = 0;

	machine_add_vm(VM);
	fill_some();
	native_events_reset();
	clear(VM);
	events = native_events(&n);
	for (size_t i = 0; i < n; i++) {
		if (events[i].op == NATIVE_TLBI_VMALLS12E1IS) {
			g_assert_cmphex(events[i].b, ==, get_vm_vttbr(VM));
			flushes++;
		}
		stores += events[i].op == NATIVE_TABLE_STORE;
	}
	g_assert_cmpuint(flushes, ==, 1);
	/* Two entries of the root were in use. */
	g_assert_cmpuint(stores, ==, 2);
}

static void clear_keeps_other_vms_and_the_host(void)
{
	machine_add_vm(VM);
	machine_add_vm(OTHER);
	fill_some();
	assert_maps(OTHER, IPA, 3, PA + 9 * PAGE_SIZE);
	assert_maps(HOSTVISOR, PA, 3, PA);
	clear(VM);
	g_assert_cmphex(walk_s2pt(OTHER, IPA), ==,
			PAGE_DESC(PA + 9 * PAGE_SIZE));
	g_assert_cmphex(walk_s2pt(HOSTVISOR, PA), ==, PAGE_DESC(PA));
}

static void clear_without_table_does_nothing(void)
{
	size_t n;

	clear(VM);
	release(VM);
	native_events(&n);
	g_assert_cmpuint(n, ==, 0);
}

/* --- Go through ------------------------------------------------------- */

/* What npt_next_pa() names, in a table: pages for each 4 KiB of RAM. */
static uint64_t collect(vmid_t vmid, unsigned int *count, size_t pages)
{
	struct npt_cursor c = { 0 };
	uint64_t calls = 0;
	uint64_t n;
	paddr_t pa;

	memset(count, 0, pages * sizeof(*count));
	acquire_lock_s2page();
	while (npt_next_pa(vmid, &c, &pa, &n)) {
		calls++;
		g_assert_true(n == 0 || n == 1 || n == PMD_PAGE_NUM);
		for (uint64_t i = 0; i < n; i++) {
			size_t page = (pa - PA) / PAGE_SIZE + i;

			g_assert_cmpuint(page, <, pages);
			count[page]++;
		}
	}
	/* Once at the end, always at the end. */
	g_assert_false(npt_next_pa(vmid, &c, &pa, &n));
	release_lock_s2page();
	return calls;
}

static void next_finds_everything_after_clear(void)
{
	unsigned int count[1024];
	uint64_t calls;

	machine_add_vm(VM);
	fill_some();
	clear(VM);
	calls = collect(VM, count, ARRAY_SIZE(count));
	for (size_t i = 0; i < ARRAY_SIZE(count); i++) {
		g_assert_cmpuint(count[i], ==, i < 3 || i >= 512 ? 1 : 0);
	}
	/* Four mappings, and at most one call more for each of 4 tables. */
	g_assert_cmpuint(calls, <=, 8);
	g_assert_cmpuint(calls, >=, 4);
}

static void next_of_nothing_is_the_end(void)
{
	struct npt_cursor c = { 0 };
	uint64_t pages;
	paddr_t pa;

	acquire_lock_s2page();
	g_assert_false(npt_next_pa(VM, &c, &pa, &pages));
	release_lock_s2page();
	machine_add_vm(VM);
	acquire_lock_s2page();
	g_assert_false(npt_next_pa(VM, &c, &pa, &pages));
	release_lock_s2page();
}

/* The last entry of a table page, and the first of the next. */
static void next_crosses_table_pages(void)
{
	unsigned int count[2];

	machine_add_vm(VM);
	assert_maps(VM, IPA + 511 * PAGE_SIZE, 3, PA);
	assert_maps(VM, IPA + PMD_SIZE, 3, PA + PAGE_SIZE);
	collect(VM, count, ARRAY_SIZE(count));
	g_assert_cmpuint(count[0], ==, 1);
	g_assert_cmpuint(count[1], ==, 1);
}

/* One call reads one table page at most, however little is in them. */
static void next_is_bounded_by_one_page(void)
{
	struct npt_cursor c = { 0 };
	uint64_t pages;
	paddr_t pa;

	machine_add_vm(VM);
	for (uint64_t i = 0; i < 20; i++) {
		assert_maps(VM, i * PMD_SIZE, 3, PA + i * PAGE_SIZE);
	}
	acquire_lock_s2page();
	for (paddr_t page = 0; npt_next_pa(VM, &c, &pa, &pages);) {
		g_assert_true(page == 0 || c.page == page ||
			      c.page == pt_pool_next_page(VM, page));
		page = c.page;
	}
	release_lock_s2page();
}

static void next_does_not_take_device_pages_for_tables(void)
{
	struct npt_cursor c = { 0 };
	uint64_t pages;
	paddr_t pa;

	machine_add_vm(VM);
	acquire_lock_s2page();
	g_assert_cmpint(map_s2pt(VM, IPA, 3, UINT64_C(0x9000000) |
				 PAGE_S2_DEVICE | S2_RDWR), ==, HV_OK);
	g_assert_true(npt_next_pa(VM, &c, &pa, &pages));
	g_assert_cmpuint(pages, ==, 0);
	g_assert_true(npt_next_pa(VM, &c, &pa, &pages));
	g_assert_cmphex(pa, ==, 0x9000000);
	g_assert_cmpuint(pages, ==, 1);
	release_lock_s2page();
}

/* --- Take away -------------------------------------------------------- */

static void released_table_is_gone(void)
{
	machine_add_vm(VM);
	fill_some();
	release(VM);
	g_assert_cmphex(get_vm_vttbr(VM), ==, 0);
	g_assert_cmpuint(get_level_s2pt(VM, IPA), ==, 0);
	g_assert_cmpuint(pt_arena_free_chunks(), ==,
			 test_machine.arena_chunks);
}

/* All VMs, many times: nothing is lost, nothing of a former VM is mapped. */
static void tables_are_reused(void)
{
	for (unsigned int round = 0; round < 40; round++) {
		for (vmid_t vmid = 1; vmid < COREVISOR; vmid++) {
			vmid_t v = 1 + (vmid + round) % (COREVISOR - 1);

			machine_add_vm(v);
			g_assert_cmpuint(walker_each(pt_pool_root(v), NULL,
						     NULL), ==, 0);
			assert_maps(v, v * PMD_SIZE, 3, PA + v * PAGE_SIZE);
		}
		for (vmid_t vmid = 1; vmid < COREVISOR; vmid++) {
			release(vmid);
		}
		g_assert_cmpuint(pt_arena_free_chunks(), ==,
				 test_machine.arena_chunks);
	}
}

/* --- Own bugs --------------------------------------------------------- */

static void ask_missing(void *data)
{
	(void)data;
	npt_missing_tables(VM, IPA, 1, 3);
}

static void ask_unmapped(void *data)
{
	(void)data;
	npt_range_is_unmapped(VM, IPA, 1);
}

static void ask_table(void *data)
{
	(void)data;
	npt_block_has_table(VM, IPA);
}

static void ask_next(void *data)
{
	struct npt_cursor c = { 0 };
	uint64_t pages;
	paddr_t pa;

	(void)data;
	npt_next_pa(VM, &c, &pa, &pages);
}

static void questions_without_lock_panic(void)
{
	assert_panics(ask_missing, NULL, "lock_s2page_is_held");
}

static void unmapped_without_lock_panics(void)
{
	assert_panics(ask_unmapped, NULL, "lock_s2page_is_held");
}

static void has_table_without_lock_panics(void)
{
	assert_panics(ask_table, NULL, "lock_s2page_is_held");
}

static void next_without_lock_panics(void)
{
	assert_panics(ask_next, NULL, "lock_s2page_is_held");
}

static void ask_vttbr(void *data)
{
	(void)data;
	get_vm_vttbr(VM);
}

static void ask_level(void *data)
{
	(void)data;
	get_level_s2pt(VM, IPA);
}

static void ask_leaf(void *data)
{
	(void)data;
	walk_s2pt(VM, IPA);
}

static void init_vm(void *data)
{
	enum hv_status status = init_s2pt(VM);

	(void)data;
	(void)status;
}

static void (*under_console)(void *data);

/* The console's lock is the innermost: nothing may be taken inside. */
static void call_under_console(void)
{
	lock_console();
	assert_panics(under_console, NULL, "ticket_acquire");
}

static void table_is_read_with_its_lock(void)
{
	void (*const all[])(void *data) = {
		ask_vttbr, ask_level, ask_leaf, init_vm,
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		under_console = all[i];
		run_in_child(call_under_console);
	}
}

static void clear_vmid(void *data)
{
	clear_npt(*(vmid_t *)data);
}

static void clear_of_the_host_panics(void)
{
	vmid_t vmid = HOSTVISOR;

	acquire_lock_s2page();
	assert_panics(clear_vmid, &vmid, "vmid != HOSTVISOR");
}

static void clear_without_s2page_panics(void)
{
	vmid_t vmid = VM;

	machine_add_vm(VM);
	assert_panics(clear_vmid, &vmid, "lock_table_is_held");
}

static const struct unit_test tests[] = {
	UNIT_TEST("/npt-vm/init/is-empty", new_table_is_empty),
	UNIT_TEST("/npt-vm/init/twice-changes-nothing",
		  second_init_changes_nothing),
	UNIT_TEST("/npt-vm/init/without-memory-is-nomem",
		  init_without_memory_is_nomem),
	UNIT_TEST("/npt-vm/init/none-maps-nothing", no_table_maps_nothing),
	UNIT_TEST("/npt-vm/init/vms-are-apart", tables_of_vms_are_apart),
	UNIT_TEST("/npt-vm/missing/each-level-once",
		  missing_counts_each_level_once),
	UNIT_TEST("/npt-vm/missing/without-table-is-all",
		  missing_without_table_is_all),
	UNIT_TEST("/npt-vm/missing/is-what-mapping-takes",
		  missing_is_what_mapping_takes),
	UNIT_TEST("/npt-vm/unmapped/finds-one-page", unmapped_finds_one_page),
	UNIT_TEST("/npt-vm/unmapped/finds-a-block", unmapped_finds_a_block),
	UNIT_TEST("/npt-vm/unmapped/up-to-the-end", unmapped_up_to_the_end),
	UNIT_TEST("/npt-vm/unmapped/behind-empty-tables",
		  unmapped_sees_the_page_behind_empty_tables),
	UNIT_TEST("/npt-vm/exhaust/keeps-what-is-there",
		  exhausted_arena_refuses_and_keeps_what_is_there),
	UNIT_TEST("/npt-vm/exhaust/half-is-not-taken",
		  half_of_what_is_needed_is_not_taken),
	UNIT_TEST("/npt-vm/clear/maps-nothing", cleared_table_maps_nothing),
	UNIT_TEST("/npt-vm/clear/invalidates-once",
		  clear_invalidates_the_vmid_once),
	UNIT_TEST("/npt-vm/clear/keeps-others",
		  clear_keeps_other_vms_and_the_host),
	UNIT_TEST("/npt-vm/clear/without-table-does-nothing",
		  clear_without_table_does_nothing),
	UNIT_TEST("/npt-vm/next/everything-after-clear",
		  next_finds_everything_after_clear),
	UNIT_TEST("/npt-vm/next/nothing-is-the-end",
		  next_of_nothing_is_the_end),
	UNIT_TEST("/npt-vm/next/crosses-table-pages",
		  next_crosses_table_pages),
	UNIT_TEST("/npt-vm/next/bounded-by-one-page",
		  next_is_bounded_by_one_page),
	UNIT_TEST("/npt-vm/next/device-pages",
		  next_does_not_take_device_pages_for_tables),
	UNIT_TEST("/npt-vm/release/is-gone", released_table_is_gone),
	UNIT_TEST("/npt-vm/release/is-reused", tables_are_reused),
	UNIT_TEST("/npt-vm/locks/takes-pt", table_is_read_with_its_lock),
	UNIT_TEST_DIES("/npt-vm/missing/missing-lock-panics",
		       questions_without_lock_panic),
	UNIT_TEST_DIES("/npt-vm/unmapped/missing-lock-panics",
		       unmapped_without_lock_panics),
	UNIT_TEST_DIES("/npt-vm/table/missing-lock-panics",
		       has_table_without_lock_panics),
	UNIT_TEST_DIES("/npt-vm/next/missing-lock-panics",
		       next_without_lock_panics),
	UNIT_TEST_DIES("/npt-vm/clear/host-panics", clear_of_the_host_panics),
	UNIT_TEST_DIES("/npt-vm/clear/missing-lock-panics",
		       clear_without_s2page_panics),
};

int main(int argc, char **argv)
{
	test_without_records = true;
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
