/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stage-2 tables: pools, levels, walks, and the order of stores. */
#include "harness.h"

#include <string.h>

#include "arch/mem.h"
#include "core/locks.h"
#include "core/npt_ops.h"
#include "core/npt_walk.h"
#include "core/pt_alloc.h"
#include "core/pt_walk.h"
#include "walker.h"

#define VM 3u
#define IPA UINT64_C(0x80000000)
#define PAGE(ipa) ((ipa) | PAGE_S2_KERNEL)
#define BLOCK(ipa) ((ipa) | (PAGE_S2_KERNEL & ~PMD_TABLE_BIT))

static uint64_t free_pages(void)
{
	return pt_pool_free_pages(HOSTVISOR);
}

/* What a change of the host's table needs. */
static void lock_host_table(void)
{
	acquire_lock_s2page();
	acquire_lock_pt(HOSTVISOR);
}

static void unlock_host_table(void)
{
	release_lock_pt(HOSTVISOR);
	release_lock_s2page();
}

static enum hv_status map_locked(uint32_t vmid, uint64_t ipa, uint32_t level,
				 uint64_t pte)
{
	enum hv_status status;

	acquire_lock_s2page();
	status = map_s2pt(vmid, ipa, level, pte);
	release_lock_s2page();
	return status;
}

/* Expects a failure that changes neither memory nor the pool. */
static void assert_map_fails(uint64_t ipa, uint32_t level, uint64_t pte,
			     enum hv_status status)
{
	uint64_t pages = free_pages();
	void *before = machine_copy();

	g_assert_cmpint(map_locked(HOSTVISOR, ipa, level, pte), ==, status);
	g_assert_cmpuint(free_pages(), ==, pages);
	machine_assert_unchanged(before);
}

static void assert_maps(uint64_t ipa, uint32_t level, uint64_t pte)
{
	g_assert_cmpint(map_locked(HOSTVISOR, ipa, level, pte), ==, HV_OK);
}

static void start_with_pool(uint64_t pages)
{
	struct machine machine = test_machine;

	machine.pool_pages = pages;
	machine_start(&machine);
}

/* --- Pools ------------------------------------------------------------ */

static void pool_root_is_zeroed(void)
{
	paddr_t root = machine_root();
	const uint8_t *bytes = el2_ptr(pa_to_el2_va(root));

	memset(el2_ptr(pa_to_el2_va(root)), 0xff, PT_ROOT_BYTES);
	pt_pool_init(HOSTVISOR, root, machine_pool(), PAGE_SIZE);
	for (size_t i = 0; i < PT_ROOT_BYTES; i++) {
		g_assert_cmpuint(bytes[i], ==, 0);
	}
}

static void pool_gives_each_page_once(void)
{
	start_with_pool(3);
	lock_host_table();
	g_assert_cmphex(alloc_pud_page(HOSTVISOR), ==, machine_pool());
	g_assert_cmphex(alloc_pmd_page(HOSTVISOR), ==,
			machine_pool() + PAGE_SIZE);
	g_assert_cmphex(alloc_pmd_page(HOSTVISOR), ==,
			machine_pool() + 2 * PAGE_SIZE);
	unlock_host_table();
}

static void pool_empty_gives_zero(void)
{
	start_with_pool(0);
	lock_host_table();
	g_assert_cmphex(alloc_pud_page(HOSTVISOR), ==, 0);
	g_assert_cmphex(alloc_pmd_page(HOSTVISOR), ==, 0);
	unlock_host_table();
}

static void pool_page_is_zeroed(void)
{
	const uint64_t *page = el2_ptr(pa_to_el2_va(machine_pool()));

	memset(el2_ptr(pa_to_el2_va(machine_pool())), 0xff, PAGE_SIZE);
	lock_host_table();
	alloc_pmd_page(HOSTVISOR);
	unlock_host_table();
	for (size_t i = 0; i < PTRS_PER_PTE; i++) {
		g_assert_cmphex(page[i], ==, 0);
	}
}

static void pools_of_owners_are_apart(void)
{
	uint64_t pages = free_pages();
	uint64_t vm_pages;

	machine_add_vm(VM);
	vm_pages = pt_pool_free_pages(VM);
	g_assert_cmphex(pt_pool_root(VM), !=, pt_pool_root(HOSTVISOR));
	g_assert_cmpint(map_locked(VM, IPA, 3, PAGE(IPA)), ==, HV_OK);
	g_assert_cmpuint(pt_pool_free_pages(VM), ==, vm_pages - 2);
	g_assert_cmpuint(free_pages(), ==, pages);
	g_assert_cmphex(walk_s2pt(HOSTVISOR, IPA), ==, 0);
}

static void alloc_page(void *data)
{
	(void)data;
	alloc_pmd_page(HOSTVISOR);
}

static void pool_without_lock_panics(void)
{
	assert_panics(alloc_page, NULL,
		      "lock_table_is_held(vmid)");
}

static void read_free_pages(void *data)
{
	pt_pool_free_pages(*(vmid_t *)data);
}

static void pool_of_nobody_panics(void)
{
	vmid_t vmid = PT_OWNERS;

	assert_panics(read_free_pages, &vmid, "vmid < PT_OWNERS");
}

static void init_unaligned_root(void *data)
{
	(void)data;
	pt_pool_init(HOSTVISOR, machine_root() + PAGE_SIZE, machine_pool(), PAGE_SIZE);
}

static void pool_root_unaligned_panics(void)
{
	assert_panics(init_unaligned_root, NULL, "PT_ROOT_BYTES");
}

static void init_unaligned_pool(void *data)
{
	(void)data;
	pt_pool_init(HOSTVISOR, machine_root(), machine_pool() + 8, PAGE_SIZE);
}

static void pool_base_unaligned_panics(void)
{
	assert_panics(init_unaligned_pool, NULL, "PAGE_SIZE");
}

/* --- Level and walk --------------------------------------------------- */

static void empty_table_is_level_0(void)
{
	g_assert_cmpuint(get_level_s2pt(HOSTVISOR, IPA), ==, 0);
	g_assert_cmphex(walk_s2pt(HOSTVISOR, IPA), ==, 0);
}

static void page_is_level_3(void)
{
	assert_maps(IPA, 3, PAGE(IPA));
	g_assert_cmpuint(get_level_s2pt(HOSTVISOR, IPA), ==, 3);
	g_assert_cmpuint(get_level_s2pt(HOSTVISOR, IPA + PAGE_SIZE - 1), ==, 3);
	g_assert_cmphex(walk_s2pt(HOSTVISOR, IPA + 8), ==, PAGE(IPA));
}

static void neighbour_of_page_is_level_0(void)
{
	assert_maps(IPA, 3, PAGE(IPA));
	g_assert_cmpuint(get_level_s2pt(HOSTVISOR, IPA + PAGE_SIZE), ==, 0);
	g_assert_cmphex(walk_s2pt(HOSTVISOR, IPA + PAGE_SIZE), ==, 0);
	g_assert_cmpuint(get_level_s2pt(HOSTVISOR, IPA + PMD_SIZE), ==, 0);
}

static void block_is_level_2(void)
{
	assert_maps(IPA, 2, BLOCK(IPA));
	g_assert_cmpuint(get_level_s2pt(HOSTVISOR, IPA), ==, 2);
	g_assert_cmpuint(get_level_s2pt(HOSTVISOR, IPA + PMD_SIZE - 1), ==, 2);
	g_assert_cmpuint(get_level_s2pt(HOSTVISOR, IPA + PMD_SIZE), ==, 0);
	g_assert_cmphex(walk_s2pt(HOSTVISOR, IPA + PMD_SIZE - 1), ==,
			BLOCK(IPA));
}

/* Output address 0 is a mapping like any other (delta D-005). */
static void address_zero_is_mapped(void)
{
	assert_maps(0, 3, PAGE(UINT64_C(0)));
	g_assert_cmpuint(get_level_s2pt(HOSTVISOR, 0), ==, 3);
}

/* An entry with the valid bit clear is no mapping, whatever else it holds. */
static void invalid_entry_is_level_0(void)
{
	uint64_t *entry;

	assert_maps(IPA, 3, PAGE(IPA));
	/* The level-3 table is the second page of the pool. */
	entry = el2_ptr(pa_to_el2_va(machine_pool() + PAGE_SIZE));
	*entry = PAGE(IPA) & ~S2_VALID;
	g_assert_cmpuint(get_level_s2pt(HOSTVISOR, IPA), ==, 0);
}

static void root_index_is_bit_39(void)
{
	const uint64_t *root = el2_ptr(pa_to_el2_va(machine_root()));

	assert_maps(UINT64_C(1) << 39, 2, BLOCK(IPA));
	for (size_t i = 0; i < PT_ROOT_BYTES / sizeof(*root); i++) {
		g_assert_true((root[i] != 0) == (i == 512));
	}
}

static void root_last_entry_is_end_of_40_bits(void)
{
	const uint64_t *root = el2_ptr(pa_to_el2_va(machine_root()));
	uint64_t last = KVM_PHYS_SIZE - PAGE_SIZE;

	assert_maps(last, 3, PAGE(last));
	g_assert_cmphex(root[1023], ==, machine_pool() | PMD_TYPE_TABLE);
	g_assert_cmphex(walk_s2pt(HOSTVISOR, last), ==, PAGE(last));
}

static void halves_of_root_do_not_alias(void)
{
	assert_maps(IPA, 3, PAGE(IPA));
	g_assert_cmpuint(get_level_s2pt(HOSTVISOR, IPA | BIT(39)), ==, 0);
	assert_maps(IPA | BIT(39), 3, PAGE(IPA + PAGE_SIZE));
	g_assert_cmphex(walk_s2pt(HOSTVISOR, IPA), ==, PAGE(IPA));
}

static void walk_beyond(void *data)
{
	walk_s2pt(HOSTVISOR, *(uint64_t *)data);
}

static void address_beyond_40_bits_panics(void)
{
	uint64_t ipa = KVM_PHYS_SIZE;

	assert_panics(walk_beyond, &ipa, "KVM_PHYS_SIZE");
}

static void walker_agrees_on_pages_and_blocks(void)
{
	struct leaf leaf;

	assert_maps(IPA, 3, PAGE(GIB * 5));
	assert_maps(BIT(39), 2, BLOCK(GIB * 7));
	g_assert_true(walker_lookup(machine_root(), IPA + 5, &leaf));
	g_assert_cmphex(leaf.pa, ==, GIB * 5);
	g_assert_cmphex(leaf.attributes, ==, PAGE_S2_KERNEL);
	g_assert_true(walker_lookup(machine_root(), BIT(39) + PMD_SIZE - 1,
				    &leaf));
	g_assert_cmphex(leaf.pa, ==, GIB * 7);
	g_assert_cmpuint(leaf.level, ==, 2);
}

/* --- One level at a time ----------------------------------------------- */

static void no_table_has_no_entries(void)
{
	lock_host_table();
	g_assert_cmphex(walk_pmd(HOSTVISOR, 0, IPA, 0), ==, 0);
	g_assert_cmphex(walk_pmd(HOSTVISOR, 0, IPA, 1), ==, 0);
	g_assert_cmphex(walk_pte(HOSTVISOR, 0, IPA), ==, 0);
	g_assert_cmphex(walk_pte(HOSTVISOR, BLOCK(IPA), IPA), ==, 0);
	unlock_host_table();
}

static void tables_are_made_only_on_request(void)
{
	uint64_t pgd = walk_pgd(HOSTVISOR, machine_root(), IPA);
	uint64_t pud;

	lock_host_table();
	g_assert_cmphex(walk_pud(HOSTVISOR, pgd, IPA, 0), ==, 0);
	pud = walk_pud(HOSTVISOR, pgd, IPA, 1);
	g_assert_cmphex(pud, ==, machine_pool() | PMD_TYPE_TABLE);
	g_assert_cmphex(walk_pud(HOSTVISOR, pgd, IPA, 1), ==, pud);
	g_assert_cmphex(walk_pmd(HOSTVISOR, pud, IPA, 0), ==, 0);
	g_assert_cmphex(walk_pmd(HOSTVISOR, pud, IPA, 1), ==,
			(machine_pool() + PAGE_SIZE) | PMD_TYPE_TABLE);
	unlock_host_table();
}

static void empty_pool_links_nothing(void)
{
	uint64_t pud;
	void *before;

	start_with_pool(1);
	lock_host_table();
	pud = walk_pud(HOSTVISOR, machine_root(), IPA, 1);
	before = machine_copy();
	g_assert_cmphex(walk_pmd(HOSTVISOR, pud, IPA, 1), ==, 0);
	g_assert_cmphex(walk_pud(HOSTVISOR, machine_root(), 0, 1), ==, 0);
	machine_assert_unchanged(before);
	unlock_host_table();
}

static void walk_pte_of_nobody(void *data)
{
	(void)data;
	walk_pte(PT_OWNERS, 0, IPA);
}

static void walk_pte_of_nobody_panics(void)
{
	assert_panics(walk_pte_of_nobody, NULL, "vmid < PT_OWNERS");
}

static void set_pmd_of_nobody(void *data)
{
	(void)data;
	set_pmd(PT_OWNERS, machine_pool() | PMD_TYPE_TABLE, IPA, BLOCK(IPA));
}

static void set_pmd_of_nobody_panics(void)
{
	assert_panics(set_pmd_of_nobody, NULL, "vmid < PT_OWNERS");
}

static void set_pte_in_block(void *data)
{
	(void)data;
	lock_host_table();
	set_pte(HOSTVISOR, BLOCK(IPA), IPA, PAGE(IPA));
}

static void store_page_in_a_block_panics(void)
{
	assert_panics(set_pte_in_block, NULL, "pt_is_table(pmd)");
}

/* --- What is refused -------------------------------------------------- */

static void same_page_again_is_ok_and_changes_nothing(void)
{
	assert_maps(IPA, 3, PAGE(IPA));
	assert_map_fails(IPA, 3, PAGE(IPA), HV_OK);
}

static void same_block_again_is_ok_and_changes_nothing(void)
{
	assert_maps(IPA, 2, BLOCK(IPA));
	assert_map_fails(IPA, 2, BLOCK(IPA), HV_OK);
}

static void other_page_is_busy(void)
{
	assert_maps(IPA, 3, PAGE(IPA));
	assert_map_fails(IPA, 3, PAGE(IPA + PAGE_SIZE), HV_EBUSY);
	assert_map_fails(IPA, 3, PAGE(IPA) & ~S2_S2AP_W, HV_EBUSY);
}

static void other_block_is_busy(void)
{
	assert_maps(IPA, 2, BLOCK(IPA));
	assert_map_fails(IPA, 2, BLOCK(IPA + PMD_SIZE), HV_EBUSY);
}

static void page_in_block_is_busy(void)
{
	assert_maps(IPA, 2, BLOCK(IPA));
	assert_map_fails(IPA, 3, PAGE(IPA), HV_EBUSY);
	assert_map_fails(IPA + PAGE_SIZE, 3, PAGE(IPA + PAGE_SIZE), HV_EBUSY);
}

static void block_over_table_is_busy(void)
{
	assert_maps(IPA + PAGE_SIZE, 3, PAGE(IPA + PAGE_SIZE));
	assert_map_fails(IPA, 2, BLOCK(IPA), HV_EBUSY);
}

static void page_with_two_tables_missing_is_nomem(void)
{
	start_with_pool(1);
	assert_map_fails(IPA, 3, PAGE(IPA), HV_ENOMEM);
}

static void page_with_one_table_missing_is_nomem(void)
{
	start_with_pool(1);
	assert_maps(IPA, 2, BLOCK(IPA));
	assert_map_fails(IPA + PMD_SIZE, 3, PAGE(IPA + PMD_SIZE), HV_ENOMEM);
}

static void block_without_table_is_nomem(void)
{
	start_with_pool(0);
	assert_map_fails(IPA, 2, BLOCK(IPA), HV_ENOMEM);
}

static void page_takes_exactly_what_it_needs(void)
{
	start_with_pool(2);
	assert_maps(IPA, 3, PAGE(IPA));
	g_assert_cmpuint(free_pages(), ==, 0);
	assert_maps(IPA + PAGE_SIZE, 3, PAGE(IPA + PAGE_SIZE));
	assert_maps(IPA + PMD_SIZE, 2, BLOCK(IPA + PMD_SIZE));
}

/* --- Own bugs --------------------------------------------------------- */

struct bad_map {
	uint32_t vmid;
	uint32_t level;
	uint64_t pte;
};

static void map_badly(void *data)
{
	const struct bad_map *bad = data;
	enum hv_status status = map_locked(bad->vmid, IPA, bad->level, bad->pte);

	(void)status;
}

static void level_1_panics(void)
{
	struct bad_map bad = { HOSTVISOR, 1, BLOCK(IPA) };

	assert_panics(map_badly, &bad, "level == 2 || level == 3");
}

static void invalid_leaf_panics(void)
{
	struct bad_map bad = { HOSTVISOR, 3, PAGE(IPA) & ~S2_VALID };

	assert_panics(map_badly, &bad, "pt_is_leaf(pte)");
}

static void page_descriptor_at_level_2_panics(void)
{
	struct bad_map bad = { HOSTVISOR, 2, PAGE(IPA) };

	assert_panics(map_badly, &bad, "pt_is_table(pte)");
}

static void block_descriptor_at_level_3_panics(void)
{
	struct bad_map bad = { HOSTVISOR, 3, BLOCK(IPA) };

	assert_panics(map_badly, &bad, "pt_is_table(pte)");
}

static void table_of_nobody_panics(void)
{
	struct bad_map bad = { COREVISOR, 3, PAGE(IPA) };

	assert_panics(map_badly, &bad, "lock_table_is_held");
}

static void set_without_lock(void *data)
{
	enum hv_status status = set_npt(HOSTVISOR, IPA, 3, PAGE(IPA));

	(void)data;
	(void)status;
}

static void set_without_lock_panics(void)
{
	assert_panics(set_without_lock, NULL,
		      "set_npt: assertion failed: lock_table");
}

static void store_without_lock(void *data)
{
	(void)data;
	set_pte(HOSTVISOR, machine_pool() | PMD_TYPE_TABLE, IPA, PAGE(IPA));
}

static void store_without_lock_panics(void)
{
	assert_panics(store_without_lock, NULL,
		      "pt_store: assertion failed: lock_table");
}

static void set_pmd_in_block(void *data)
{
	(void)data;
	lock_host_table();
	set_pmd(HOSTVISOR, machine_pool() | S2_VALID, IPA, BLOCK(IPA));
}

static void store_through_a_block_panics(void)
{
	assert_panics(set_pmd_in_block, NULL, "pt_is_table(pud)");
}

/* --- The protocol ----------------------------------------------------- */

static bool is_barrier(const struct native_event *event)
{
	return event->op == NATIVE_DSB_ISHST || event->op == NATIVE_DSB_SY;
}

/* Whether a barrier stands between the last zeroing of @page and event @i. */
static bool zeroed_before(const struct native_event *events, size_t i,
			  paddr_t page)
{
	bool barrier = false;

	while (i-- > 0) {
		barrier = barrier || is_barrier(&events[i]);
		if (events[i].op == NATIVE_ZERO && events[i].a == page) {
			return barrier && events[i].b == PAGE_SIZE;
		}
	}
	return false;
}

/*
 * Every store is followed by a barrier before anything else; a store that
 * links a pool page comes after the page was zeroed and a barrier.
 */
static unsigned int check_protocol(void)
{
	size_t n;
	const struct native_event *events = native_events(&n);
	paddr_t pool = machine_pool();
	unsigned int links = 0;

	for (size_t i = 0; i < n; i++) {
		paddr_t page = events[i].b & S2_OA_MASK;

		if (events[i].op != NATIVE_TABLE_STORE) {
			continue;
		}
		g_assert_cmpuint(i + 1, <, n);
		g_assert_true(is_barrier(&events[i + 1]));
		if (page >= pool && page < pool + 128 * PAGE_SIZE) {
			g_assert_true(zeroed_before(events, i, page));
			links++;
		}
	}
	return links;
}

static void new_tables_are_zeroed_then_linked(void)
{
	assert_maps(IPA, 3, PAGE(IPA));
	g_assert_cmpuint(check_protocol(), ==, 2);
}

/* A walker never sees a way to a page that is not there yet. */
static void links_come_from_root_to_leaf(void)
{
	size_t n;
	const struct native_event *events;
	paddr_t stores[3] = { 0 };
	size_t nr = 0;

	assert_maps(IPA, 3, PAGE(IPA));
	events = native_events(&n);
	for (size_t i = 0; i < n; i++) {
		if (events[i].op == NATIVE_TABLE_STORE) {
			g_assert_cmpuint(nr, <, 3);
			stores[nr++] = events[i].a;
		}
	}
	g_assert_cmphex(stores[0], ==, machine_root() + 2 * 8);
	g_assert_cmphex(stores[1], ==, machine_pool());
	g_assert_cmphex(stores[2], ==, machine_pool() + PAGE_SIZE);
}

static void leaf_in_present_table_is_one_store(void)
{
	size_t n;
	const struct native_event *events;

	assert_maps(IPA, 3, PAGE(IPA));
	native_events_reset();
	assert_maps(IPA + PAGE_SIZE, 3, PAGE(IPA + PAGE_SIZE));
	events = native_events(&n);
	g_assert_cmpuint(n, ==, 2);
	g_assert_cmpint(events[0].op, ==, NATIVE_TABLE_STORE);
	g_assert_cmphex(events[0].b, ==, PAGE(IPA + PAGE_SIZE));
	g_assert_true(is_barrier(&events[1]));
}

static void walks_store_nothing(void)
{
	size_t n;

	get_level_s2pt(HOSTVISOR, IPA);
	walk_s2pt(HOSTVISOR, IPA);
	native_events(&n);
	g_assert_cmpuint(n, ==, 0);
}

static void refusals_store_nothing(void)
{
	size_t n;
	enum hv_status status;

	assert_maps(IPA, 2, BLOCK(IPA));
	native_events_reset();
	status = map_locked(HOSTVISOR, IPA, 3, PAGE(IPA));
	g_assert_cmpint(status, ==, HV_EBUSY);
	native_events(&n);
	g_assert_cmpuint(n, ==, 0);
}

/* --- Against a model -------------------------------------------------- */

/* Two small windows of the address space, either side of bit 39. */
enum { MODEL_BLOCKS = 4, MODEL_PAGES = MODEL_BLOCKS * 512 };

static uint64_t model_ipa(uint64_t page)
{
	uint64_t half = page / (MODEL_PAGES / 2);

	return BIT(39) - (MODEL_PAGES / 2 << PAGE_SHIFT) +
	       ((half * (MODEL_PAGES / 2) + page % (MODEL_PAGES / 2))
		<< PAGE_SHIFT);
}

struct model {
	uint64_t leaf[MODEL_PAGES];
	bool table[MODEL_BLOCKS];
};

static enum hv_status model_map(struct model *model, uint64_t page,
				uint32_t level, uint64_t pte)
{
	uint64_t first = page & ~UINT64_C(511);
	bool block = model->leaf[first] != 0 && !model->table[first / 512];

	if (level == 3 ? block : model->table[first / 512]) {
		return HV_EBUSY;
	}
	if (model->leaf[page] != 0) {
		return model->leaf[page] == pte ? HV_OK : HV_EBUSY;
	}
	if (level == 3) {
		model->table[first / 512] = true;
		model->leaf[page] = pte;
		return HV_OK;
	}
	for (uint64_t i = 0; i < 512; i++) {
		model->leaf[first + i] = pte;
	}
	return HV_OK;
}

static void random_maps_match_a_model(void)
{
	struct model *model = g_new0(struct model, 1);

	for (int step = 0; step < 3000; step++) {
		uint64_t page = random_below(MODEL_PAGES);
		uint32_t level = random_below(400) == 0 ? 2 : 3;
		uint64_t ipa = model_ipa(page) &
			       ~((level == 2 ? PMD_SIZE : PAGE_SIZE) - 1);
		uint64_t oa = ipa + (random_below(3) == 0 ? PMD_SIZE : 0);
		uint64_t pte = level == 2 ? BLOCK(oa) : PAGE(oa);

		g_assert_cmpint(map_locked(HOSTVISOR, ipa, level, pte), ==,
				model_map(model, page, level, pte));
	}
	for (uint64_t page = 0; page < MODEL_PAGES; page++) {
		g_assert_cmphex(walk_s2pt(HOSTVISOR, model_ipa(page)), ==,
				model->leaf[page]);
	}
	check_protocol();
	g_free(model);
}

static const struct unit_test tests[] = {
	UNIT_TEST("/pt-alloc/root/is-zeroed", pool_root_is_zeroed),
	UNIT_TEST("/pt-alloc/pool/each-page-once", pool_gives_each_page_once),
	UNIT_TEST("/pt-alloc/pool/empty-gives-zero", pool_empty_gives_zero),
	UNIT_TEST("/pt-alloc/pool/page-is-zeroed", pool_page_is_zeroed),
	UNIT_TEST("/pt-alloc/pool/owners-are-apart", pools_of_owners_are_apart),
	UNIT_TEST_DIES("/pt-alloc/pool/missing-lock-panics",
		       pool_without_lock_panics),
	UNIT_TEST_DIES("/pt-alloc/pool/corevisor-has-none",
		       pool_of_nobody_panics),
	UNIT_TEST_DIES("/pt-alloc/root/unaligned-panics",
		       pool_root_unaligned_panics),
	UNIT_TEST_DIES("/pt-alloc/pool/unaligned-panics",
		       pool_base_unaligned_panics),
	UNIT_TEST("/npt/level/empty-is-0", empty_table_is_level_0),
	UNIT_TEST("/npt/level/page-is-3", page_is_level_3),
	UNIT_TEST("/npt/level/neighbour-of-page-is-0",
		  neighbour_of_page_is_level_0),
	UNIT_TEST("/npt/level/block-is-2", block_is_level_2),
	UNIT_TEST("/npt/level/output-address-0-is-mapped",
		  address_zero_is_mapped),
	UNIT_TEST("/npt/level/invalid-entry-is-0", invalid_entry_is_level_0),
	UNIT_TEST("/npt/root/index-is-bit-39", root_index_is_bit_39),
	UNIT_TEST("/npt/root/last-entry-is-end-of-40-bits",
		  root_last_entry_is_end_of_40_bits),
	UNIT_TEST("/npt/root/halves-do-not-alias", halves_of_root_do_not_alias),
	UNIT_TEST_DIES("/npt/address/beyond-40-bits-panics",
		       address_beyond_40_bits_panics),
	UNIT_TEST("/npt/walk/hardware-walker-agrees",
		  walker_agrees_on_pages_and_blocks),
	UNIT_TEST("/pt-walk/table/none-has-no-entries",
		  no_table_has_no_entries),
	UNIT_TEST("/pt-walk/table/made-only-on-request",
		  tables_are_made_only_on_request),
	UNIT_TEST("/pt-walk/table/empty-pool-links-nothing",
		  empty_pool_links_nothing),
	UNIT_TEST_DIES("/pt-walk/pte/corevisor-panics",
		       walk_pte_of_nobody_panics),
	UNIT_TEST_DIES("/pt-walk/pmd/corevisor-panics",
		       set_pmd_of_nobody_panics),
	UNIT_TEST_DIES("/pt-walk/store/page-in-a-block-panics",
		       store_page_in_a_block_panics),
	UNIT_TEST("/npt/map/same-page-again-is-ok",
		  same_page_again_is_ok_and_changes_nothing),
	UNIT_TEST("/npt/map/same-block-again-is-ok",
		  same_block_again_is_ok_and_changes_nothing),
	UNIT_TEST("/npt/map/other-page-is-busy", other_page_is_busy),
	UNIT_TEST("/npt/map/other-block-is-busy", other_block_is_busy),
	UNIT_TEST("/npt/map/page-in-block-is-busy", page_in_block_is_busy),
	UNIT_TEST("/npt/map/block-over-table-is-busy",
		  block_over_table_is_busy),
	UNIT_TEST("/npt/map/two-tables-missing-is-nomem",
		  page_with_two_tables_missing_is_nomem),
	UNIT_TEST("/npt/map/one-table-missing-is-nomem",
		  page_with_one_table_missing_is_nomem),
	UNIT_TEST("/npt/map/block-without-table-is-nomem",
		  block_without_table_is_nomem),
	UNIT_TEST("/npt/map/takes-exactly-what-it-needs",
		  page_takes_exactly_what_it_needs),
	UNIT_TEST_DIES("/npt/map/level-1-panics", level_1_panics),
	UNIT_TEST_DIES("/npt/map/invalid-leaf-panics", invalid_leaf_panics),
	UNIT_TEST_DIES("/npt/map/page-descriptor-at-level-2-panics",
		       page_descriptor_at_level_2_panics),
	UNIT_TEST_DIES("/npt/map/block-descriptor-at-level-3-panics",
		       block_descriptor_at_level_3_panics),
	UNIT_TEST_DIES("/npt/map/corevisor-panics", table_of_nobody_panics),
	UNIT_TEST_DIES("/npt/set/missing-lock-panics",
		       set_without_lock_panics),
	UNIT_TEST_DIES("/pt-walk/store/missing-lock-panics",
		       store_without_lock_panics),
	UNIT_TEST_DIES("/pt-walk/store/through-a-block-panics",
		       store_through_a_block_panics),
	UNIT_TEST("/npt/protocol/tables-zeroed-then-linked",
		  new_tables_are_zeroed_then_linked),
	UNIT_TEST("/npt/protocol/root-to-leaf", links_come_from_root_to_leaf),
	UNIT_TEST("/npt/protocol/leaf-is-one-store",
		  leaf_in_present_table_is_one_store),
	UNIT_TEST("/npt/protocol/walks-store-nothing", walks_store_nothing),
	UNIT_TEST("/npt/protocol/refusals-store-nothing",
		  refusals_store_nothing),
	UNIT_TEST("/npt/model/random-maps", random_maps_match_a_model),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
