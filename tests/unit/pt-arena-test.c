/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arena of table memory that the VMs share: chunks, exhaustion, reuse. */
#include "harness.h"

#include <string.h>

#include "arch/mem.h"
#include "core/locks.h"
#include "core/pt_alloc.h"

#define FIRST_VM	1u
#define LAST_VM		(COREVISOR - 1)
/* Table pages in a VM's first chunk, beside its root. */
#define FIRST_PAGES	(PT_CHUNK_PAGES - PT_ROOT_BYTES / PAGE_SIZE)

/* A machine whose arena has @chunks. */
static void start_with_chunks(uint64_t chunks)
{
	struct machine machine = test_machine;

	machine.arena_chunks = chunks;
	machine_start(&machine);
}

static enum hv_status create(vmid_t vmid)
{
	enum hv_status status;

	acquire_lock_s2page();
	acquire_lock_pt(vmid);
	status = pt_pool_create(vmid);
	release_lock_pt(vmid);
	release_lock_s2page();
	return status;
}

static void release(vmid_t vmid)
{
	acquire_lock_s2page();
	acquire_lock_pt(vmid);
	pt_pool_release(vmid);
	release_lock_pt(vmid);
	release_lock_s2page();
}

static paddr_t alloc(vmid_t vmid)
{
	paddr_t page;

	acquire_lock_s2page();
	acquire_lock_pt(vmid);
	page = alloc_pmd_page(vmid);
	release_lock_pt(vmid);
	release_lock_s2page();
	return page;
}

/* Pages that pt_pool_next_page() goes through; @pages may be NULL. */
static size_t list_pages(vmid_t vmid, paddr_t *pages)
{
	paddr_t page = 0;
	size_t n = 0;

	while ((page = pt_pool_next_page(vmid, page)) != 0) {
		if (pages != NULL) {
			pages[n] = page;
		}
		n++;
	}
	return n;
}

/* --- Create ----------------------------------------------------------- */

static void no_vm_has_a_pool_at_first(void)
{
	for (vmid_t vmid = FIRST_VM; vmid <= LAST_VM; vmid++) {
		g_assert_cmphex(pt_pool_root(vmid), ==, 0);
		g_assert_cmpuint(list_pages(vmid, NULL), ==, 0);
	}
}

static void root_is_aligned_and_empty(void)
{
	const uint8_t *bytes;

	/* The chunk that comes next, full of what someone left. */
	g_assert_cmpint(create(1), ==, HV_OK);
	memset(el2_ptr(pa_to_el2_va(pt_pool_root(1))), 0xff, PT_CHUNK_BYTES);
	release(1);
	g_assert_cmpint(create(2), ==, HV_OK);
	g_assert_cmphex(pt_pool_root(2) % PT_ROOT_BYTES, ==, 0);
	bytes = el2_ptr(pa_to_el2_va(pt_pool_root(2)));
	for (size_t i = 0; i < PT_ROOT_BYTES; i++) {
		g_assert_cmpuint(bytes[i], ==, 0);
	}
	g_assert_cmpuint(bytes[PT_ROOT_BYTES], ==, 0xff);
}

static void create_costs_one_chunk(void)
{
	start_with_chunks(3);
	g_assert_cmpuint(pt_arena_free_chunks(), ==, 3);
	g_assert_cmpint(create(1), ==, HV_OK);
	g_assert_cmpuint(pt_arena_free_chunks(), ==, 2);
	g_assert_cmpuint(pt_pool_free_pages(1), ==,
			 FIRST_PAGES + 2 * PT_CHUNK_PAGES);
	g_assert_cmpuint(pt_pool_free_pages(2), ==, 2 * PT_CHUNK_PAGES);
}

static void create_without_chunk_is_nomem(void)
{
	void *before;

	start_with_chunks(1);
	g_assert_cmpint(create(1), ==, HV_OK);
	before = machine_copy();
	g_assert_cmpint(create(2), ==, HV_ENOMEM);
	machine_assert_unchanged(before);
	g_assert_cmphex(pt_pool_root(2), ==, 0);
	g_assert_cmphex(pt_pool_root(1), !=, 0);
}

static void arena_of_its_own_records_only_is_empty(void)
{
	start_with_chunks(0);
	g_assert_cmpuint(pt_arena_free_chunks(), ==, 0);
	g_assert_cmpint(create(1), ==, HV_ENOMEM);
}

static void every_vm_gets_a_root_of_its_own(void)
{
	for (vmid_t vmid = FIRST_VM; vmid <= LAST_VM; vmid++) {
		g_assert_cmpint(create(vmid), ==, HV_OK);
		for (vmid_t other = HOSTVISOR; other < vmid; other++) {
			g_assert_cmphex(pt_pool_root(vmid) / PT_CHUNK_BYTES,
					!=, pt_pool_root(other) /
						PT_CHUNK_BYTES);
		}
	}
}

/* What debuggers and the inspection page read. */
static void array_shows_every_root(void)
{
	uint64_t stride;
	const uint8_t *array = pt_pool_array(&stride);

	g_assert_cmpint(create(1), ==, HV_OK);
	g_assert_cmpint(create(LAST_VM), ==, HV_OK);
	for (vmid_t vmid = HOSTVISOR; vmid <= LAST_VM; vmid++) {
		paddr_t root;

		memcpy(&root, array + vmid * stride, sizeof(root));
		g_assert_cmphex(root, ==, pt_pool_root(vmid));
	}
}

/* --- Allocate --------------------------------------------------------- */

/* Takes all pages; each is zero, new, inside the arena and not the root. */
static uint64_t take_all(vmid_t vmid, paddr_t *pages)
{
	uint64_t left = pt_pool_free_pages(vmid);
	uint64_t n = 0;
	paddr_t page;

	while ((page = alloc(vmid)) != 0) {
		uint64_t *entries = el2_ptr(pa_to_el2_va(page));

		g_assert_cmphex(page % PAGE_SIZE, ==, 0);
		g_assert_cmphex(page & ~(paddr_t)(PT_ROOT_BYTES - 1), !=,
				pt_pool_root(vmid));
		for (size_t i = 0; i < PTRS_PER_PTE; i++) {
			/* Zero, and not one that was handed out before. */
			g_assert_cmphex(entries[i], ==, 0);
			entries[i] = vmid;
		}
		pages[n++] = page;
		g_assert_cmpuint(pt_pool_free_pages(vmid), ==, left - n);
	}
	g_assert_cmpuint(n, ==, left);
	return n;
}

static void pool_grows_until_the_arena_is_empty(void)
{
	paddr_t pages[FIRST_PAGES + 2 * PT_CHUNK_PAGES];

	start_with_chunks(3);
	g_assert_cmpint(create(1), ==, HV_OK);
	g_assert_cmpuint(take_all(1, pages), ==, ARRAY_SIZE(pages));
	g_assert_cmpuint(pt_pool_free_pages(1), ==, 0);
	g_assert_cmpuint(pt_arena_free_chunks(), ==, 0);
	g_assert_cmphex(alloc(1), ==, 0);
}

static void exhaustion_stores_nothing(void)
{
	paddr_t pages[FIRST_PAGES];
	void *before;
	size_t n;

	start_with_chunks(1);
	g_assert_cmpint(create(1), ==, HV_OK);
	take_all(1, pages);
	before = machine_copy();
	native_events_reset();
	g_assert_cmphex(alloc(1), ==, 0);
	native_events(&n);
	g_assert_cmpuint(n, ==, 0);
	machine_assert_unchanged(before);
}

/* One VM takes what the other left, but never what it holds. */
static void pools_never_overlap(void)
{
	paddr_t pages[2][FIRST_PAGES + PT_CHUNK_PAGES];

	start_with_chunks(4);
	g_assert_cmpint(create(1), ==, HV_OK);
	g_assert_cmpint(create(2), ==, HV_OK);
	for (size_t i = 0; i < ARRAY_SIZE(pages[0]); i++) {
		pages[0][i] = alloc(1);
		pages[1][i] = alloc(2);
	}
	g_assert_cmphex(alloc(1), ==, 0);
	g_assert_cmphex(alloc(2), ==, 0);
	for (size_t i = 0; i < ARRAY_SIZE(pages[0]); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(pages[0]); j++) {
			g_assert_cmphex(pages[0][i] / PT_CHUNK_BYTES, !=,
					pages[1][j] / PT_CHUNK_BYTES);
		}
	}
}

static void host_takes_nothing_from_the_arena(void)
{
	struct machine machine = test_machine;

	machine.pool_pages = 1;
	machine_start(&machine);
	g_assert_cmpuint(pt_pool_free_pages(HOSTVISOR), ==, 1);
	g_assert_cmphex(alloc(HOSTVISOR), !=, 0);
	g_assert_cmphex(alloc(HOSTVISOR), ==, 0);
	g_assert_cmpuint(pt_arena_free_chunks(), ==, 24);
}

static void page_is_visible_when_it_is_handed_out(void)
{
	const struct native_event *events;
	size_t n;

	g_assert_cmpint(create(1), ==, HV_OK);
	events = native_events(&n);
	g_assert_cmpuint(n, ==, 2);
	g_assert_cmpint(events[0].op, ==, NATIVE_ZERO);
	g_assert_cmpuint(events[0].b, ==, PT_ROOT_BYTES);
	g_assert_cmpint(events[1].op, ==, NATIVE_DSB_ISHST);
}

/* --- Go through ------------------------------------------------------- */

static void pages_are_listed_in_order(void)
{
	paddr_t pages[3 * PT_CHUNK_PAGES];
	paddr_t listed[3 * PT_CHUNK_PAGES];

	g_assert_cmpint(create(1), ==, HV_OK);
	for (size_t n = 0; n < 2 * PT_CHUNK_PAGES + 3; n++) {
		g_assert_cmpuint(list_pages(1, listed), ==, n);
		g_assert_cmpint(memcmp(pages, listed, n * sizeof(*pages)), ==,
				0);
		pages[n] = alloc(1);
	}
}

/* Chunks of two VMs in turn: a pool's chunks do not follow each other. */
static void chain_with_gaps_is_listed(void)
{
	paddr_t pages[FIRST_PAGES + 2 * PT_CHUNK_PAGES];
	paddr_t listed[ARRAY_SIZE(pages) + 1];

	g_assert_cmpint(create(1), ==, HV_OK);
	g_assert_cmpint(create(2), ==, HV_OK);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = alloc(1);
		alloc(2);
	}
	g_assert_cmpuint(list_pages(1, listed), ==, ARRAY_SIZE(pages));
	g_assert_cmpint(memcmp(pages, listed, sizeof(pages)), ==, 0);
}

static void pages_of_the_host_are_listed(void)
{
	/* As many as end at what would be a chunk's end. */
	g_assert_cmpuint(list_pages(HOSTVISOR, NULL), ==, 0);
	for (size_t i = 0; i < 40; i++) {
		g_assert_cmphex(alloc(HOSTVISOR), !=, 0);
	}
	g_assert_cmpuint(list_pages(HOSTVISOR, NULL), ==, 40);
}

/* --- Release ---------------------------------------------------------- */

static void release_gives_all_chunks_back(void)
{
	paddr_t pages[FIRST_PAGES + 2 * PT_CHUNK_PAGES];

	start_with_chunks(3);
	g_assert_cmpint(create(1), ==, HV_OK);
	take_all(1, pages);
	release(1);
	g_assert_cmpuint(pt_arena_free_chunks(), ==, 3);
	g_assert_cmphex(pt_pool_root(1), ==, 0);
	g_assert_cmpuint(list_pages(1, NULL), ==, 0);
	/* All of it again, for another one. */
	g_assert_cmpint(create(2), ==, HV_OK);
	g_assert_cmpuint(take_all(2, pages), ==, ARRAY_SIZE(pages));
}

static void release_keeps_other_pools(void)
{
	paddr_t listed[FIRST_PAGES + PT_CHUNK_PAGES];
	paddr_t page;

	start_with_chunks(4);
	g_assert_cmpint(create(1), ==, HV_OK);
	g_assert_cmpint(create(2), ==, HV_OK);
	for (size_t i = 0; i < ARRAY_SIZE(listed); i++) {
		alloc(1);
		alloc(2);
	}
	release(1);
	g_assert_cmpuint(list_pages(2, listed), ==, ARRAY_SIZE(listed));
	/* The other one grows into what is free now, and into nothing else. */
	for (size_t i = 0; i < 2 * PT_CHUNK_PAGES; i++) {
		page = alloc(2);
		g_assert_cmphex(page, !=, 0);
		for (size_t j = 0; j < ARRAY_SIZE(listed); j++) {
			g_assert_cmphex(page, !=, listed[j]);
		}
	}
	g_assert_cmphex(alloc(2), ==, 0);
}

static void release_without_pool_does_nothing(void)
{
	release(1);
	g_assert_cmpuint(pt_arena_free_chunks(), ==, 24);
	g_assert_cmpint(create(1), ==, HV_OK);
	release(1);
	release(1);
	g_assert_cmpuint(pt_arena_free_chunks(), ==, 24);
}

/* Random life of five VMs; the arena's books always balance. */
static void random_pools_match_a_model(void)
{
	uint64_t pages[6] = { 0 };
	bool there[6] = { false };

	start_with_chunks(9);
	for (unsigned int step = 0; step < 20000; step++) {
		vmid_t vmid = 1 + (vmid_t)random_below(5);
		uint64_t used = 0;

		if (!there[vmid]) {
			there[vmid] = create(vmid) == HV_OK;
		} else if (random_below(30) == 0) {
			release(vmid);
			there[vmid] = false;
			pages[vmid] = 0;
		} else if (alloc(vmid) != 0) {
			pages[vmid]++;
		}
		for (vmid_t v = 1; v <= 5; v++) {
			used += !there[v] ? 0 :
				(pages[v] + PT_CHUNK_PAGES - FIRST_PAGES +
				 PT_CHUNK_PAGES - 1) / PT_CHUNK_PAGES;
		}
		g_assert_cmpuint(pt_arena_free_chunks(), ==, 9 - used);
		g_assert_cmpuint(list_pages(vmid, NULL), ==, pages[vmid]);
	}
}

/* --- Big arenas ------------------------------------------------------- */

static void start_big(uint64_t chunks)
{
	struct machine machine = test_machine;

	machine.el2 = (struct pa_range){ 8 * GIB, 2 * GIB };
	machine.arena_chunks = chunks;
	machine_start(&machine);
}

/* As many chunks as have their records in one of them, and one more. */
static void records_of_a_big_arena_fit(void)
{
	const uint64_t one = PT_CHUNK_BYTES / PT_ARENA_RECORD_BYTES;
	paddr_t arena;

	start_big(one - 1);
	g_assert_cmpuint(pt_arena_free_chunks(), ==, one - 1);
	start_big(one);
	g_assert_cmpuint(pt_arena_free_chunks(), ==, one - 1);
	arena = (machine_pool() + test_machine.pool_pages * PAGE_SIZE +
		 PT_CHUNK_BYTES - 1) / PT_CHUNK_BYTES * PT_CHUNK_BYTES;
	g_assert_cmpint(create(1), ==, HV_OK);
	g_assert_cmphex(pt_pool_root(1), ==, arena + 2 * PT_CHUNK_BYTES);
	release(1);
	g_assert_cmpuint(pt_arena_free_chunks(), ==, one - 1);
}

/* --- Own bugs --------------------------------------------------------- */

static void create_for(void *data)
{
	vmid_t vmid = *(vmid_t *)data;
	enum hv_status status = pt_pool_create(vmid);

	(void)status;
}

static void create_for_the_host_panics(void)
{
	vmid_t vmid = HOSTVISOR;

	assert_panics(create_for, &vmid, "!is_range(vmid)");
}

static void create_twice_panics(void)
{
	vmid_t vmid = 1;

	g_assert_cmpint(create(1), ==, HV_OK);
	assert_panics(create_for, &vmid, "pool->root == 0");
}

static void create_without_locks_panics(void)
{
	vmid_t vmid = 1;

	acquire_lock_s2page();
	acquire_lock_pt(2);
	assert_panics(create_for, &vmid, "lock_table_is_held");
}

static void release_for(void *data)
{
	pt_pool_release(*(vmid_t *)data);
}

static void release_of_the_host_panics(void)
{
	vmid_t vmid = HOSTVISOR;

	assert_panics(release_for, &vmid, "!is_range(vmid)");
}

static void release_without_s2page_panics(void)
{
	vmid_t vmid = 1;

	acquire_lock_pt(1);
	assert_panics(release_for, &vmid, "lock_table_is_held");
}

static void alloc_for(void *data)
{
	acquire_lock_s2page();
	acquire_lock_pt(*(vmid_t *)data);
	alloc_pud_page(*(vmid_t *)data);
}

static void alloc_without_pool_panics(void)
{
	vmid_t vmid = 1;

	assert_panics(alloc_for, &vmid, "pool->root != 0");
}

static void init_arena(void *data)
{
	const uint64_t *range = data;

	pt_arena_init(range[0], range[1]);
}

static void arena_unaligned_panics(void)
{
	uint64_t range[] = { TEST_EL2_BASE + PAGE_SIZE, PT_CHUNK_BYTES };

	assert_panics(init_arena, range, "PT_CHUNK_BYTES");
}

static void arena_of_odd_size_panics(void)
{
	uint64_t range[] = { TEST_EL2_BASE, PT_CHUNK_BYTES + PAGE_SIZE };

	assert_panics(init_arena, range, "PT_CHUNK_BYTES");
}

static void arena_of_nothing_panics(void)
{
	uint64_t range[] = { TEST_EL2_BASE, 0 };

	assert_panics(init_arena, range, "chunks > 0");
}

static void init_pool_of_a_vm(void *data)
{
	(void)data;
	pt_pool_init(1, machine_root(), machine_pool(), PAGE_SIZE);
}

static void pool_of_a_vm_by_range_panics(void)
{
	assert_panics(init_pool_of_a_vm, NULL, "is_range(vmid)");
}

static const struct unit_test tests[] = {
	UNIT_TEST("/pt-arena/create/none-at-first", no_vm_has_a_pool_at_first),
	UNIT_TEST("/pt-arena/create/root-is-aligned-and-empty",
		  root_is_aligned_and_empty),
	UNIT_TEST("/pt-arena/create/costs-one-chunk", create_costs_one_chunk),
	UNIT_TEST("/pt-arena/create/without-chunk-is-nomem",
		  create_without_chunk_is_nomem),
	UNIT_TEST("/pt-arena/create/own-records-only-is-empty",
		  arena_of_its_own_records_only_is_empty),
	UNIT_TEST("/pt-arena/create/root-of-its-own",
		  every_vm_gets_a_root_of_its_own),
	UNIT_TEST("/pt-arena/create/array-shows-every-root",
		  array_shows_every_root),
	UNIT_TEST("/pt-arena/create/visible-when-handed-out",
		  page_is_visible_when_it_is_handed_out),
	UNIT_TEST("/pt-arena/alloc/grows-until-empty",
		  pool_grows_until_the_arena_is_empty),
	UNIT_TEST("/pt-arena/alloc/exhaustion-stores-nothing",
		  exhaustion_stores_nothing),
	UNIT_TEST("/pt-arena/alloc/pools-never-overlap", pools_never_overlap),
	UNIT_TEST("/pt-arena/alloc/host-takes-nothing",
		  host_takes_nothing_from_the_arena),
	UNIT_TEST("/pt-arena/list/in-order", pages_are_listed_in_order),
	UNIT_TEST("/pt-arena/list/chain-with-gaps", chain_with_gaps_is_listed),
	UNIT_TEST("/pt-arena/list/host", pages_of_the_host_are_listed),
	UNIT_TEST("/pt-arena/release/gives-all-back",
		  release_gives_all_chunks_back),
	UNIT_TEST("/pt-arena/release/keeps-other-pools",
		  release_keeps_other_pools),
	UNIT_TEST("/pt-arena/release/without-pool-does-nothing",
		  release_without_pool_does_nothing),
	UNIT_TEST("/pt-arena/model/random-pools", random_pools_match_a_model),
	UNIT_TEST("/pt-arena/size/records-of-a-big-one",
		  records_of_a_big_arena_fit),
	UNIT_TEST_DIES("/pt-arena/create/host-panics",
		       create_for_the_host_panics),
	UNIT_TEST_DIES("/pt-arena/create/twice-panics", create_twice_panics),
	UNIT_TEST_DIES("/pt-arena/create/missing-lock-panics",
		       create_without_locks_panics),
	UNIT_TEST_DIES("/pt-arena/release/host-panics",
		       release_of_the_host_panics),
	UNIT_TEST_DIES("/pt-arena/release/missing-lock-panics",
		       release_without_s2page_panics),
	UNIT_TEST_DIES("/pt-arena/alloc/without-pool-panics",
		       alloc_without_pool_panics),
	UNIT_TEST_DIES("/pt-arena/init/unaligned-panics",
		       arena_unaligned_panics),
	UNIT_TEST_DIES("/pt-arena/init/odd-size-panics",
		       arena_of_odd_size_panics),
	UNIT_TEST_DIES("/pt-arena/init/nothing-panics",
		       arena_of_nothing_panics),
	UNIT_TEST_DIES("/pt-arena/init/vm-by-range-panics",
		       pool_of_a_vm_by_range_panics),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
