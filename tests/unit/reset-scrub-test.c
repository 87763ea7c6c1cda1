/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a reset leaves of an earlier boot's secrets: nothing. */
#include "harness.h"

#include <string.h>

#include "arch/mem.h"
#include "core/reset_scrub.h"

#define VM_OWNER 3
#define SECRET 0xa5
#define BASE TEST_RAM_BASE
#define PAGES 96
#define BYTES (PAGES * PAGE_SIZE)
/* The carve-out is the last quarter; its second page holds the records. */
#define EL2_FIRST 72
#define EL2_BASE (BASE + EL2_FIRST * PAGE_SIZE)

static struct board_info info;
static struct el2_layout layout;
static struct hypsec_inspect old;

static uint8_t *at(paddr_t pa)
{
	return el2_ptr(pa_to_el2_va(pa));
}

static uint64_t *records(void)
{
	return (uint64_t *)(void *)at(layout.records.base);
}

/* RAM full of secrets and the inspection page of a boot that all host owned. */
static void start(void)
{
	native_memory_init(BASE, BYTES);
	memset(at(BASE), SECRET, BYTES);
	info = (struct board_info){
		.memory = { { BASE, BYTES } },
		.nr_memory = 1,
		.carveout = { EL2_BASE, BASE + BYTES - EL2_BASE },
	};
	layout = (struct el2_layout){
		.records = { EL2_BASE + PAGE_SIZE, PAGE_SIZE },
	};
	old = (struct hypsec_inspect){
		.magic = HYPSEC_INSPECT_MAGIC,
		.version = HYPSEC_INSPECT_VERSION,
		.page_record_bytes = 8,
		.page_base = layout.records.base,
		.page_count = PAGES,
	};
	memset(records(), 0, PAGES * sizeof(uint64_t));
	for (uint64_t i = EL2_FIRST; i < PAGES; i++) {
		records()[i] = COREVISOR;
	}
}

static uint64_t scrub(void)
{
	return reset_scrub(&old, &info, &layout);
}

/* Bytes of [base, base + size) that are zero. */
static uint64_t zeros(paddr_t base, uint64_t size)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < size; i++) {
		n += *at(base + i) == 0 ? 1 : 0;
	}
	return n;
}

/* Zero bytes below the carve-out, where there were none. */
static uint64_t all_zeros(void)
{
	return zeros(BASE, EL2_BASE - BASE);
}

static void host_pages_are_kept(void)
{
	start();
	g_assert_cmpuint(scrub(), ==, 0);
	g_assert_cmpuint(all_zeros(), ==, 0);
}

static void vm_page_is_erased_and_only_it(void)
{
	start();
	records()[5] = VM_OWNER;
	g_assert_cmpuint(scrub(), ==, 1);
	g_assert_cmpuint(zeros(BASE + 5 * PAGE_SIZE, PAGE_SIZE), ==, PAGE_SIZE);
	g_assert_cmpuint(all_zeros(), ==, PAGE_SIZE);
}

static void first_and_last_page_are_erased(void)
{
	start();
	records()[0] = VM_OWNER;
	records()[EL2_FIRST - 1] = VM_OWNER;
	g_assert_cmpuint(scrub(), ==, 2);
	g_assert_cmpuint(zeros(BASE, PAGE_SIZE), ==, PAGE_SIZE);
	g_assert_cmpuint(zeros(EL2_BASE - PAGE_SIZE, PAGE_SIZE), ==, PAGE_SIZE);
}

/* Count and map of the record do not matter: shared pages go as well. */
static void shared_vm_page_is_erased(void)
{
	start();
	records()[5] = ~UINT64_C(0xff) | VM_OWNER;
	g_assert_cmpuint(scrub(), ==, 1);
}

static void page_with_an_impossible_owner_is_erased(void)
{
	start();
	records()[5] = 0xff;
	g_assert_cmpuint(scrub(), ==, 1);
	g_assert_cmpuint(all_zeros(), ==, PAGE_SIZE);
}

/* A carve-out that has moved leaves EL2's old pages to the host. */
static void old_el2_page_outside_the_carveout_is_erased(void)
{
	start();
	records()[EL2_FIRST - 1] = COREVISOR;
	g_assert_cmpuint(scrub(), ==, 1);
	g_assert_cmpuint(all_zeros(), ==, PAGE_SIZE);
}

static void carveout_is_kept(void)
{
	void *before;

	start();
	before = g_memdup2(at(EL2_BASE), BASE + BYTES - EL2_BASE);
	scrub();
	g_assert_cmpint(memcmp(at(EL2_BASE), before, BASE + BYTES - EL2_BASE),
			==, 0);
	g_free(before);
}

/* --- Fresh images ----------------------------------------------------- */

/* Pages 4 to 9 were a VM's; @image of them is newly loaded. */
static void scrub_around(struct pa_range *image, paddr_t base, uint64_t size)
{
	start();
	for (uint64_t i = 4; i < 10; i++) {
		records()[i] = VM_OWNER;
	}
	*image = (struct pa_range){ base, size };
	g_assert_cmpuint(scrub(), ==, 6);
	g_assert_cmpuint(zeros(base, size), ==, 0);
	g_assert_cmpuint(all_zeros(), ==, 6 * PAGE_SIZE - size);
}

static void fresh_kernel_is_kept(void)
{
	scrub_around(&info.kernel, BASE + 5 * PAGE_SIZE, 2 * PAGE_SIZE);
}

static void fresh_initrd_is_kept(void)
{
	scrub_around(&info.initrd, BASE + 5 * PAGE_SIZE, 2 * PAGE_SIZE);
}

static void fresh_tree_is_kept(void)
{
	scrub_around(&info.dtb, BASE + 5 * PAGE_SIZE, 2 * PAGE_SIZE);
}

static void boundary_pages_are_erased_around_the_image(void)
{
	scrub_around(&info.kernel, BASE + 5 * PAGE_SIZE + 1,
		     2 * PAGE_SIZE + 100);
}

static void image_inside_one_page_is_kept(void)
{
	scrub_around(&info.initrd, BASE + 5 * PAGE_SIZE + 100, 1);
}

static void image_end_on_a_page_is_exact(void)
{
	scrub_around(&info.kernel, BASE + 5 * PAGE_SIZE - 1, PAGE_SIZE + 1);
}

static void three_images_in_one_page_are_kept(void)
{
	paddr_t page = BASE + 7 * PAGE_SIZE;

	start();
	records()[7] = VM_OWNER;
	info.initrd = (struct pa_range){ page + 10, 20 };
	info.dtb = (struct pa_range){ page + 100, 300 };
	info.kernel = (struct pa_range){ page + 4000, 96 };
	g_assert_cmpuint(scrub(), ==, 1);
	g_assert_cmpuint(zeros(page, PAGE_SIZE), ==,
			 PAGE_SIZE - 20 - 300 - 96);
	g_assert_cmpuint(all_zeros(), ==, PAGE_SIZE - 20 - 300 - 96);
}

/* --- An inspection page that does not fit ----------------------------- */

static void assert_ignored(void)
{
	records()[5] = VM_OWNER;
	g_assert_cmpuint(scrub(), ==, 0);
	g_assert_cmpuint(all_zeros(), ==, 0);
}

static void first_boot_has_nothing_to_erase(void)
{
	start();
	old = (struct hypsec_inspect){ 0 };
	assert_ignored();
}

static void page_of_garbage_is_ignored(void)
{
	start();
	memset(&old, 0xff, sizeof(old));
	assert_ignored();
}

static void other_version_is_ignored(void)
{
	start();
	old.version++;
	assert_ignored();
}

static void version_1_is_ignored(void)
{
	start();
	old.version = HYPSEC_INSPECT_VERSION_2 - 1;
	assert_ignored();
}

/* A snapshot of an older firmware's boot has been loaded. */
static void version_2_is_understood(void)
{
	start();
	old.version = HYPSEC_INSPECT_VERSION_2;
	records()[5] = VM_OWNER;
	g_assert_cmpuint(scrub(), ==, 1);
	g_assert_cmpuint(all_zeros(), ==, PAGE_SIZE);
}

static void other_record_size_is_ignored(void)
{
	start();
	old.page_record_bytes = 16;
	assert_ignored();
}

static void records_elsewhere_are_ignored(void)
{
	start();
	old.page_base += PAGE_SIZE;
	assert_ignored();
}

static void other_ram_size_is_ignored(void)
{
	start();
	old.page_count++;
	assert_ignored();
}

/* --- Two ranges, caches, everything ----------------------------------- */

static void records_continue_in_the_next_range(void)
{
	start();
	info.memory[0] = (struct pa_range){ BASE, 4 * PAGE_SIZE };
	info.memory[1] = (struct pa_range){ BASE + 10 * PAGE_SIZE,
					    BYTES - 10 * PAGE_SIZE };
	info.nr_memory = 2;
	old.page_count = PAGES - 6;
	memset(records(), 0, PAGES * sizeof(uint64_t));
	records()[4] = VM_OWNER;
	g_assert_cmpuint(scrub(), ==, 1);
	g_assert_cmpuint(zeros(BASE + 10 * PAGE_SIZE, PAGE_SIZE), ==,
			 PAGE_SIZE);
	g_assert_cmpuint(all_zeros(), ==, PAGE_SIZE);
}

/* Every byte that was erased is also cleaned to memory. */
static void erased_bytes_are_cleaned(void)
{
	const struct native_event *events;
	uint64_t cleaned = 0;
	size_t n;

	start();
	records()[4] = VM_OWNER;
	records()[5] = VM_OWNER;
	info.kernel = (struct pa_range){ BASE + 4 * PAGE_SIZE + 100, 200 };
	scrub();
	events = native_events(&n);
	for (size_t i = 0; i < n; i++) {
		g_assert_cmpint(events[i].op, ==, NATIVE_CLEAN);
		g_assert_cmpuint(zeros(events[i].a, events[i].b), ==,
				 events[i].b);
		cleaned += events[i].b;
	}
	g_assert_cmpuint(cleaned, ==, all_zeros());
}

static struct pa_range random_image(void)
{
	uint64_t size = random_below(3) == 0 ? 0 : random_below(5 * PAGE_SIZE);

	return (struct pa_range){
		BASE + random_below(EL2_BASE - BASE - size), size };
}

static bool in(struct pa_range range, paddr_t pa)
{
	return pa >= range.base && pa - range.base < range.size;
}

static void random_owners_and_images_match_a_model(void)
{
	for (int round = 0; round < 60; round++) {
		start();
		info.kernel = random_image();
		info.initrd = random_image();
		info.dtb = random_image();
		for (uint64_t i = 0; i < EL2_FIRST; i++) {
			records()[i] = random_below(2) == 0 ? 0 : random64();
		}
		scrub();
		for (paddr_t pa = BASE; pa < EL2_BASE; pa++) {
			uint64_t record = records()[(pa - BASE) / PAGE_SIZE];
			bool kept = (record & 0xff) == HOSTVISOR ||
				    in(info.kernel, pa) ||
				    in(info.initrd, pa) || in(info.dtb, pa);

			g_assert_cmphex(*at(pa), ==, kept ? SECRET : 0);
		}
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST("/reset-scrub/host/pages-are-kept", host_pages_are_kept),
	UNIT_TEST("/reset-scrub/vm/page-is-erased",
		  vm_page_is_erased_and_only_it),
	UNIT_TEST("/reset-scrub/vm/first-and-last-page",
		  first_and_last_page_are_erased),
	UNIT_TEST("/reset-scrub/vm/shared-page-is-erased",
		  shared_vm_page_is_erased),
	UNIT_TEST("/reset-scrub/owner/impossible-is-erased",
		  page_with_an_impossible_owner_is_erased),
	UNIT_TEST("/reset-scrub/el2/page-outside-the-carveout-is-erased",
		  old_el2_page_outside_the_carveout_is_erased),
	UNIT_TEST("/reset-scrub/el2/carveout-is-kept", carveout_is_kept),
	UNIT_TEST("/reset-scrub/fresh/kernel-is-kept", fresh_kernel_is_kept),
	UNIT_TEST("/reset-scrub/fresh/initrd-is-kept", fresh_initrd_is_kept),
	UNIT_TEST("/reset-scrub/fresh/tree-is-kept", fresh_tree_is_kept),
	UNIT_TEST("/reset-scrub/fresh/boundary-pages-erased-around",
		  boundary_pages_are_erased_around_the_image),
	UNIT_TEST("/reset-scrub/fresh/inside-one-page",
		  image_inside_one_page_is_kept),
	UNIT_TEST("/reset-scrub/fresh/end-on-a-page",
		  image_end_on_a_page_is_exact),
	UNIT_TEST("/reset-scrub/fresh/three-in-one-page",
		  three_images_in_one_page_are_kept),
	UNIT_TEST("/reset-scrub/old/first-boot",
		  first_boot_has_nothing_to_erase),
	UNIT_TEST("/reset-scrub/old/garbage", page_of_garbage_is_ignored),
	UNIT_TEST("/reset-scrub/old/version", other_version_is_ignored),
	UNIT_TEST("/reset-scrub/old/version-2", version_2_is_understood),
	UNIT_TEST("/reset-scrub/old/version-1", version_1_is_ignored),
	UNIT_TEST("/reset-scrub/old/record-size", other_record_size_is_ignored),
	UNIT_TEST("/reset-scrub/old/records-elsewhere",
		  records_elsewhere_are_ignored),
	UNIT_TEST("/reset-scrub/old/ram-size", other_ram_size_is_ignored),
	UNIT_TEST("/reset-scrub/ram/two-ranges",
		  records_continue_in_the_next_range),
	UNIT_TEST("/reset-scrub/caches/erased-is-cleaned",
		  erased_bytes_are_cleaned),
	UNIT_TEST("/reset-scrub/model/random",
		  random_owners_and_images_match_a_model),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
