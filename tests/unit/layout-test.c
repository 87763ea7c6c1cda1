/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where EL2's data lies in the carve-out, and that its tables never run out. */
#include "harness.h"

#include "core/dma_identity.h"
#include "core/el2_layout.h"
#include "core/locks.h"
#include "core/mem_manager.h"
#include "core/mem_region.h"
#include "core/page_manager.h"
#include "core/pt_alloc.h"
#include "plat/hypsec-virt/plat.h"
#include "tlbmodel.h"

/* A carve-out at the end of the test machine's RAM, with room for the arena. */
#define CARVEOUT_BYTES	(16 * MIB)
#define CARVEOUT_BASE	(TEST_RAM_BASE + TEST_RAM_BYTES - CARVEOUT_BYTES)
#define START		(CARVEOUT_BASE + MIB)

static struct board_info board(uint64_t ram_bytes, uint64_t carveout_bytes)
{
	return (struct board_info){
		.memory = { { TEST_RAM_BASE, ram_bytes } },
		.nr_memory = 1,
		.carveout = { TEST_RAM_BASE + ram_bytes - carveout_bytes,
			      carveout_bytes },
	};
}

static struct el2_layout layout_of(const struct board_info *info, paddr_t start)
{
	struct el2_layout layout;

	g_assert_cmpint(el2_layout_compute(info, start, 4, &layout), ==, HV_OK);
	return layout;
}

static void parts_follow_each_other(void)
{
	struct board_info info = board(TEST_RAM_BYTES, CARVEOUT_BYTES);
	struct el2_layout layout = layout_of(&info, START);

	g_assert_cmphex(layout.records.base, ==, START);
	g_assert_cmphex(layout.root, >=, START + layout.records.size);
	g_assert_cmphex(layout.pool.base, ==, layout.root + PT_ROOT_BYTES);
	g_assert_cmphex(layout.identity_root, >=,
			layout.pool.base + layout.pool.size);
	g_assert_cmphex(layout.identity_pool.base, ==,
			layout.identity_root + PT_ROOT_BYTES);
	g_assert_cmphex(layout.arena.base, >=, layout.identity_pool.base +
					       layout.identity_pool.size);
	g_assert_cmphex(layout.spt.base, ==,
			layout.arena.base + layout.arena.size);
	g_assert_cmphex(layout.end, ==, layout.spt.base + layout.spt.size);
}

static void parts_are_aligned(void)
{
	for (uint64_t pages = 1; pages < 20; pages++) {
		struct board_info info = board(TEST_RAM_BYTES + pages *
					       PAGE_SIZE, CARVEOUT_BYTES);
		struct el2_layout layout =
			layout_of(&info, START + pages * PAGE_SIZE);

		g_assert_cmphex(layout.root % PT_ROOT_BYTES, ==, 0);
		g_assert_cmphex(layout.records.size % PAGE_SIZE, ==, 0);
		g_assert_cmphex(layout.pool.base % PAGE_SIZE, ==, 0);
		g_assert_cmphex(layout.pool.size % PAGE_SIZE, ==, 0);
		g_assert_cmphex(layout.identity_root % PT_ROOT_BYTES, ==, 0);
		g_assert_cmphex(layout.identity_pool.size % PAGE_SIZE, ==, 0);
		g_assert_cmphex(layout.spt.base % PT_CHUNK_BYTES, ==, 0);
		g_assert_cmphex(layout.arena.base % PT_CHUNK_BYTES, ==, 0);
		g_assert_cmphex(layout.arena.size % PT_CHUNK_BYTES, ==, 0);
	}
}

static void records_are_one_for_each_page(void)
{
	struct board_info info = board(TEST_RAM_BYTES + PAGE_SIZE,
				       CARVEOUT_BYTES);

	g_assert_cmphex(layout_of(&info, START).records.size, ==,
			TEST_RAM_BYTES / 512 + PAGE_SIZE);
}

/* 64 MiB: 32 level-3 tables and a level-2 table; 4 and 1 for devices. */
static void pool_counts_tables(void)
{
	struct board_info info = board(TEST_RAM_BYTES, CARVEOUT_BYTES);

	g_assert_cmpuint(layout_of(&info, START).pool.size / PAGE_SIZE, ==,
			 32 + 1 + 4 + 1);
}

/* The same without devices, and two for the page where devices signal. */
static void identity_pool_counts_tables(void)
{
	struct board_info info = board(TEST_RAM_BYTES, CARVEOUT_BYTES);

	g_assert_cmpuint(layout_of(&info, START).identity_pool.size / PAGE_SIZE,
			 ==, 32 + 1 + 2);
	info.memory[1] = (struct pa_range){ 2 * GIB - PAGE_SIZE,
					    2 * PAGE_SIZE };
	info.nr_memory = 2;
	g_assert_cmpuint(layout_of(&info, START).identity_pool.size / PAGE_SIZE,
			 ==, 32 + 1 + 2 + 4);
}

static void spt_pool_is_2_mib(void)
{
	struct board_info info = board(TEST_RAM_BYTES, CARVEOUT_BYTES);

	g_assert_cmphex(layout_of(&info, START).spt.size, ==, 2 * MIB);
}

/* Two pages across a GiB boundary need two tables of either level. */
static void pool_counts_units_that_are_touched(void)
{
	struct board_info info = board(TEST_RAM_BYTES, CARVEOUT_BYTES);

	info.memory[1] = (struct pa_range){ 2 * GIB - PAGE_SIZE,
					    2 * PAGE_SIZE };
	info.nr_memory = 2;
	g_assert_cmpuint(layout_of(&info, START).pool.size / PAGE_SIZE, ==,
			 32 + 1 + 4 + 1 + 4);
}

/* 2 MiB for each GiB, in whole chunks, and 4 MiB. */
static void arena_grows_with_ram(void)
{
	struct board_info info = board(GIB, CARVEOUT_BYTES);
	struct el2_layout layout;

	g_assert_cmpint(el2_layout_compute(&info, GIB, 4, &layout), ==, HV_OK);
	g_assert_cmphex(layout.arena.size, ==, 6 * MIB);
	info = board(GIB + PAGE_SIZE, CARVEOUT_BYTES);
	g_assert_cmpint(el2_layout_compute(&info, GIB, 4, &layout), ==, HV_OK);
	g_assert_cmphex(layout.arena.size, ==, 6 * MIB + PT_CHUNK_BYTES);
	info = board(64 * GIB, CARVEOUT_BYTES);
	g_assert_cmpint(el2_layout_compute(&info, GIB, 4, &layout), ==, HV_OK);
	g_assert_cmphex(layout.arena.size, ==, 132 * MIB);
}

static void full_to_the_last_byte_is_ok(void)
{
	struct board_info info = board(TEST_RAM_BYTES, CARVEOUT_BYTES);
	uint64_t end = layout_of(&info, START).end;
	struct el2_layout layout;

	info.carveout.size = end - info.carveout.base;
	g_assert_cmpint(el2_layout_compute(&info, START, 4, &layout), ==,
			HV_OK);
}

static void too_small_is_nomem_and_says_how_much(void)
{
	struct board_info info = board(TEST_RAM_BYTES, CARVEOUT_BYTES);
	uint64_t end = layout_of(&info, START).end;
	struct el2_layout layout;

	info.carveout.size = end - info.carveout.base - 1;
	g_assert_cmpint(el2_layout_compute(&info, START, 4, &layout), ==,
			HV_ENOMEM);
	g_assert_cmphex(layout.end, ==, end);
}

/* The board's default carve-out, with 4 MiB for the image and what precedes. */
static void default_carveout_fits_any_board(void)
{
	for (uint64_t ram = 256 * MIB; ram <= 64 * GIB; ram += 256 * MIB) {
		uint64_t bytes = (16 * MIB + ram / 128 + PMD_SIZE - 1) &
				 ~(PMD_SIZE - 1);
		struct board_info info = board(ram, bytes);
		struct el2_layout layout;

		g_assert_cmpint(el2_layout_compute(&info, info.carveout.base +
						   4 * MIB,
						   platform_partial_blocks(),
						   &layout), ==, HV_OK);
		g_assert_cmphex(layout.end, <=, info.carveout.base + bytes);
	}
}

/* Gives the host's block at @block away but for one page, to force pages. */
static void split_block(paddr_t block)
{
	machine_set_page(block >> PAGE_SHIFT, 1, 1);
}

/*
 * The worst case: every page of RAM and of every device window mapped by
 * 4 KiB, on a board whose RAM starts and ends in the middle of things.
 */
static void worst_case_never_runs_out(void)
{
	struct board_info info = board(TEST_RAM_BYTES, CARVEOUT_BYTES);
	struct el2_layout layout;

	info.memory[1] = (struct pa_range){ 2 * GIB - MIB, 4 * MIB };
	info.nr_memory = 2;
	g_assert_cmpint(el2_layout_compute(&info, START,
					   platform_partial_blocks(), &layout),
			==, HV_OK);
	g_assert_cmpint(mem_region_add(info.memory[1].base,
				       info.memory[1].size), ==, HV_OK);
	page_manager_init(layout.records.base, mem_region_pages());
	pt_pool_init(HOSTVISOR, layout.root, layout.pool.base,
		     layout.pool.size);
	for (uint32_t i = 0; i < info.nr_memory; i++) {
		struct pa_range ram = info.memory[i];
		paddr_t first = ram.base & ~(PMD_SIZE - 1);

		for (paddr_t pa = first; pa < ram.base + ram.size;
		     pa += PMD_SIZE) {
			split_block(pa);
		}
		for (uint64_t offset = 0; offset < ram.size;
		     offset += PAGE_SIZE) {
			g_assert_cmpint(map_page_host(ram.base + offset), ==,
					HV_OK);
		}
	}
	for (paddr_t pa = 0; pa < MAX_MMIO_ADDR; pa += PAGE_SIZE) {
		g_assert_cmpint(map_page_host(pa), !=, HV_ENOMEM);
	}
}

/*
 * Every second page of RAM is a VM's, on the same board. A page is added only
 * after it left, so the table never needs more than this.
 */
static void identity_worst_case_never_runs_out(void)
{
	struct board_info info = board(TEST_RAM_BYTES, CARVEOUT_BYTES);
	struct el2_layout layout;

	info.memory[1] = (struct pa_range){ 2 * GIB - MIB, 4 * MIB };
	info.nr_memory = 2;
	layout = layout_of(&info, START);
	tlbmodel_stop();
	mem_region_reset();
	for (uint32_t i = 0; i < info.nr_memory; i++) {
		g_assert_cmpint(mem_region_add(info.memory[i].base,
					       info.memory[i].size), ==, HV_OK);
	}
	page_manager_init(layout.records.base, mem_region_pages());
	acquire_lock_s2page();
	dma_identity_init(layout.identity_root, layout.identity_pool.base,
			  layout.identity_pool.size);
	for (uint32_t i = 0; i < info.nr_memory; i++) {
		pfn_t pfn = info.memory[i].base >> PAGE_SHIFT;
		pfn_t end = pfn + (info.memory[i].size >> PAGE_SHIFT);

		for (; pfn < end; pfn += 2) {
			dma_identity_remove(pfn, 1);
		}
	}
	/* The ranges share a level-2 table. */
	g_assert_cmpuint(pt_pool_free_pages(PT_IDENTITY), ==, 1);
	release_lock_s2page();
	tlbmodel_start();
}

static const struct unit_test tests[] = {
	UNIT_TEST("/layout/parts/follow-each-other", parts_follow_each_other),
	UNIT_TEST("/layout/parts/are-aligned", parts_are_aligned),
	UNIT_TEST("/layout/records/one-for-each-page",
		  records_are_one_for_each_page),
	UNIT_TEST("/layout/pool/counts-tables", pool_counts_tables),
	UNIT_TEST("/layout/pool/counts-units-touched",
		  pool_counts_units_that_are_touched),
	UNIT_TEST("/layout/identity-pool/counts-tables",
		  identity_pool_counts_tables),
	UNIT_TEST("/layout/identity-pool/worst-case-never-runs-out",
		  identity_worst_case_never_runs_out),
	UNIT_TEST("/layout/spt-pool/is-2-mib", spt_pool_is_2_mib),
	UNIT_TEST("/layout/arena/grows-with-ram", arena_grows_with_ram),
	UNIT_TEST("/layout/carveout/full-to-the-last-byte",
		  full_to_the_last_byte_is_ok),
	UNIT_TEST("/layout/carveout/too-small-says-how-much",
		  too_small_is_nomem_and_says_how_much),
	UNIT_TEST("/layout/carveout/default-fits-any-board",
		  default_carveout_fits_any_board),
	UNIT_TEST("/layout/pool/worst-case-never-runs-out",
		  worst_case_never_runs_out),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
