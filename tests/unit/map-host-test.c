/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host gets mapped where it faults: each rule of map_page_host with a
 * page that it allows and one that it refuses, then all rules at random.
 */
#include "harness.h"

#include "arch/mem.h"
#include "core/locks.h"
#include "core/mem_manager.h"
#include "core/mem_region.h"
#include "core/page_manager.h"
#include "core/platform.h"
#include "core/pt_alloc.h"
#include "plat/hypsec-virt/plat.h"
#include "walker.h"

#define VM 2u
/* A block in the middle of RAM, and a page inside it. */
#define BLOCK (TEST_RAM_BASE + 8 * PMD_SIZE)
#define PAGE (BLOCK + 37 * PAGE_SIZE)

/* Arm ARM D8.5: Normal write-back, inner shareable, read-write, executable. */
#define RAM_PAGE_BITS	UINT64_C(0x7ff)
#define RAM_BLOCK_BITS	UINT64_C(0x7fd)
/* Device-nGnRE, read-write, XN. */
#define DEVICE_PAGE_BITS	UINT64_C(0x00400000000007c7)
#define DEVICE_BLOCK_BITS	UINT64_C(0x00400000000007c5)

static void assert_mapped(uint64_t addr, unsigned int level,
			  uint64_t attributes)
{
	struct leaf leaf;

	g_assert_true(walker_lookup(machine_root(), addr, &leaf));
	g_assert_cmphex(leaf.ia, ==, leaf.pa);
	g_assert_cmpuint(leaf.level, ==, level);
	g_assert_cmphex(leaf.attributes, ==, attributes);
}

static void assert_gets(uint64_t addr, unsigned int level, uint64_t attributes)
{
	g_assert_cmpint(map_page_host(addr), ==, HV_OK);
	assert_mapped(addr, level, attributes);
}

/* Refused, and nothing has changed. */
static void assert_refused(uint64_t addr, enum hv_status status)
{
	uint64_t pages = pt_pool_free_pages(HOSTVISOR);
	void *before = machine_copy();
	enum hv_status got = map_page_host(addr);

	if (got != status) {
		g_error("0x%lx: status %d, not %d", addr, got, status);
	}
	g_assert_cmpuint(pt_pool_free_pages(HOSTVISOR), ==, pages);
	machine_assert_unchanged(before);
}

static void set_owner(uint64_t addr, uint32_t owner, uint32_t count)
{
	machine_set_page(addr >> PAGE_SHIFT, owner, count);
}

/* --- RAM -------------------------------------------------------------- */

static void good_host_page_gets_its_block(void)
{
	assert_gets(PAGE, 2, RAM_BLOCK_BITS);
}

static void good_any_byte_of_a_page(void)
{
	set_owner(BLOCK, VM, 0);
	assert_gets(PAGE + PAGE_SIZE - 1, 3, RAM_PAGE_BITS);
	assert_mapped(PAGE, 3, RAM_PAGE_BITS);
}

static void good_host_page_beside_a_vm_page(void)
{
	set_owner(BLOCK + PMD_SIZE - PAGE_SIZE, VM, 0);
	assert_gets(PAGE, 3, RAM_PAGE_BITS);
	g_assert_false(walker_lookup(machine_root(),
				     BLOCK + PMD_SIZE - PAGE_SIZE,
				     &(struct leaf){ 0 }));
}

/* The host's own page is its own whatever its count says. */
static void good_host_page_with_a_count(void)
{
	set_owner(PAGE, HOSTVISOR, 5);
	assert_gets(PAGE, 2, RAM_BLOCK_BITS);
	set_owner(PAGE + PMD_SIZE, HOSTVISOR, INVALID);
	assert_gets(PAGE + PMD_SIZE, 2, RAM_BLOCK_BITS);
}

static void good_again_is_ok_and_changes_nothing(void)
{
	assert_gets(PAGE, 2, RAM_BLOCK_BITS);
	assert_refused(PAGE, HV_OK);
	assert_refused(PAGE + PAGE_SIZE, HV_OK);
}

static void good_last_block_before_el2(void)
{
	assert_gets(TEST_EL2_BASE - 1, 2, RAM_BLOCK_BITS);
}

static void bad_private_vm_page(void)
{
	set_owner(PAGE, VM, 0);
	assert_refused(PAGE, HV_EPERM);
}

static void good_shared_vm_page(void)
{
	set_owner(PAGE, VM, 1);
	assert_gets(PAGE, 3, RAM_PAGE_BITS);
	set_owner(PAGE + PAGE_SIZE, COREVISOR - 1, MAX_SHARE_COUNT);
	assert_gets(PAGE + PAGE_SIZE, 3, RAM_PAGE_BITS);
}

/* A whole block of one VM's shared pages still comes page by page. */
static void good_shared_vm_block_is_pages(void)
{
	for (uint64_t i = 0; i < PMD_PAGE_NUM; i++) {
		set_owner(BLOCK + i * PAGE_SIZE, VM, 1);
	}
	assert_gets(PAGE, 3, RAM_PAGE_BITS);
	g_assert_false(walker_lookup(machine_root(), PAGE + PAGE_SIZE,
				     &(struct leaf){ 0 }));
}

/* G16: reserved for DMA is not shared. */
static void bad_reserved_vm_page(void)
{
	set_owner(PAGE, VM, INVALID);
	assert_refused(PAGE, HV_EPERM);
}

static void bad_neighbour_of_shared_vm_page(void)
{
	set_owner(PAGE, VM, 1);
	set_owner(PAGE + PAGE_SIZE, VM, 0);
	assert_gets(PAGE, 3, RAM_PAGE_BITS);
	assert_refused(PAGE + PAGE_SIZE, HV_EPERM);
}

static void bad_corevisor_page(void)
{
	assert_refused(TEST_EL2_BASE, HV_EPERM);
	assert_refused(TEST_EL2_BASE + TEST_EL2_BYTES - 1, HV_EPERM);
}

/* I4: not even with a count that no transition gives it. */
static void bad_corevisor_page_with_a_count(void)
{
	set_owner(TEST_EL2_BASE, COREVISOR, 1);
	assert_refused(TEST_EL2_BASE, HV_EPERM);
	set_owner(TEST_EL2_BASE, COREVISOR, MAX_SHARE_COUNT);
	assert_refused(TEST_EL2_BASE, HV_EPERM);
	set_owner(TEST_EL2_BASE, COREVISOR, INVALID);
	assert_refused(TEST_EL2_BASE, HV_EPERM);
}

static void bad_every_vm_owner(void)
{
	for (uint32_t vmid = 1; vmid <= COREVISOR; vmid++) {
		set_owner(PAGE, vmid, 0);
		assert_refused(PAGE, HV_EPERM);
	}
}

/* --- Block or page ---------------------------------------------------- */

static void block_after_pages_stays_pages(void)
{
	set_owner(BLOCK, VM, 0);
	assert_gets(PAGE, 3, RAM_PAGE_BITS);
	set_owner(BLOCK, HOSTVISOR, 0);
	assert_gets(PAGE + PAGE_SIZE, 3, RAM_PAGE_BITS);
	assert_gets(BLOCK, 3, RAM_PAGE_BITS);
}

static void block_needs_whole_ram(void)
{
	const struct machine machine = {
		.ram = { { TEST_RAM_BASE, MIB },
			 { TEST_EL2_BASE, TEST_EL2_BYTES } },
		.nr_ram = 2,
		.el2 = { TEST_EL2_BASE, TEST_EL2_BYTES },
		.pool_pages = 8,
	};

	machine_start(&machine);
	assert_gets(TEST_RAM_BASE, 3, RAM_PAGE_BITS);
	assert_refused(TEST_RAM_BASE + MIB, HV_EPERM);
}

static void pool_without_room_for_a_page_changes_nothing(void)
{
	struct machine machine = test_machine;

	machine.pool_pages = 1;
	machine_start(&machine);
	set_owner(BLOCK, VM, 0);
	assert_refused(PAGE, HV_ENOMEM);
	/* A block needs one table less. */
	assert_gets(PAGE + PMD_SIZE, 2, RAM_BLOCK_BITS);
}

/* --- Not RAM ---------------------------------------------------------- */

static void bad_behind_ram(void)
{
	assert_refused(TEST_RAM_BASE + TEST_RAM_BYTES, HV_EPERM);
	assert_refused(GIB * 8, HV_EPERM);
	assert_refused(BIT(39), HV_EPERM);
	assert_refused(KVM_PHYS_SIZE - 1, HV_EPERM);
}

static void bad_beyond_40_bits(void)
{
	assert_refused(KVM_PHYS_SIZE, HV_EINVAL);
	assert_refused(KVM_PHYS_SIZE | PAGE, HV_EINVAL);
	assert_refused(BIT(48) | PAGE, HV_EINVAL);
	assert_refused(BIT(63) | PAGE, HV_EINVAL);
	assert_refused(~UINT64_C(0), HV_EINVAL);
}

/* The board's devices: ranges whose first and last byte the host may have. */
static const struct pa_range host_devices[] = {
	{ 0x08000000, 0x00050000 }, { 0x080a0000, 0x00100000 },
	{ 0x09000000, 0x00001000 }, { 0x09010000, 0x00001000 },
	{ 0x09020000, 0x00001000 }, { 0x09030000, 0x00001000 },
	{ 0x0a000000, 0x00004000 }, { 0x0b010000, 0x00008000 },
	{ 0x10000000, 0x30000000 },
};

/* The EL2-only devices of the board, and the gaps around them. */
static const struct pa_range el2_devices[] = {
	{ 0x00000000, 0x08000000 },	/* flash */
	{ 0x09040000, 0x00001000 },	/* UART1 */
	{ 0x09050000, 0x00010000 },	/* SMMU 0 */
	{ 0x09060000, 0x00010000 },	/* SMMU 1 */
	{ 0x0b000000, 0x00001000 },	/* pvpanic */
	{ 0x0b001000, 0x0000f000 },
	{ 0x0b018000, 0x000e8000 },
	{ 0x0b100000, 0x00100000 },	/* hypsec-inject */
};

static bool is_host_device(uint64_t addr)
{
	for (size_t i = 0; i < ARRAY_SIZE(host_devices); i++) {
		if (addr >= host_devices[i].base &&
		    addr - host_devices[i].base < host_devices[i].size) {
			return true;
		}
	}
	return false;
}

static void good_first_and_last_page_of_each_window(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(host_devices); i++) {
		struct pa_range window = host_devices[i];

		g_assert_cmpint(map_page_host(window.base), ==, HV_OK);
		g_assert_cmpint(map_page_host(window.base + window.size - 1),
				==, HV_OK);
	}
}

static void bad_pages_around_each_window(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(host_devices); i++) {
		struct pa_range window = host_devices[i];

		assert_refused(window.base - 1, HV_EPERM);
		if (window.base + window.size != TEST_RAM_BASE) {
			assert_refused(window.base + window.size, HV_EPERM);
		}
	}
}

static void bad_el2_devices(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(el2_devices); i++) {
		struct pa_range device = el2_devices[i];

		assert_refused(device.base, HV_EPERM);
		assert_refused(device.base + device.size / 2, HV_EPERM);
		assert_refused(device.base + device.size - 1, HV_EPERM);
	}
}

static void device_page_beside_el2_devices(void)
{
	assert_gets(0x09000000, 3, DEVICE_PAGE_BITS);
	g_assert_false(walker_lookup(machine_root(), 0x09040000,
				     &(struct leaf){ 0 }));
}

static void device_block_inside_one_window(void)
{
	assert_gets(0x10345678, 2, DEVICE_BLOCK_BITS);
	/* Also the last one, which ends where its window does. */
	assert_gets(0x40000000 - PMD_SIZE, 2, DEVICE_BLOCK_BITS);
}

/* Every page below RAM, one by one: exactly the windows' are mapped. */
static void device_space_page_by_page(void)
{
	for (uint64_t addr = 0; addr < TEST_RAM_BASE; addr += PAGE_SIZE) {
		enum hv_status status = map_page_host(addr);

		g_assert_cmpint(status, ==,
				is_host_device(addr) ? HV_OK : HV_EPERM);
	}
	for (uint64_t addr = 0; addr < TEST_RAM_BASE; addr += PAGE_SIZE) {
		g_assert_true(walker_lookup(machine_root(), addr,
					    &(struct leaf){ 0 }) ==
			      is_host_device(addr));
	}
}

/* --- The window table ------------------------------------------------- */

static void window_range_must_fit(void)
{
	g_assert_true(platform_host_device(0x09000000, 0x1000));
	g_assert_false(platform_host_device(0x09000000, 0x1001));
	g_assert_false(platform_host_device(0x08fff000, 0x1001));
	g_assert_false(platform_host_device(0x09000001, 0x1000));
	g_assert_true(platform_host_device(0x09000fff, 1));
	g_assert_false(platform_host_device(0x09001000, 1));
}

static void window_huge_range_is_refused(void)
{
	g_assert_false(platform_host_device(0x09000000, ~UINT64_C(0)));
	g_assert_false(platform_host_device(~UINT64_C(0), 1));
	g_assert_false(platform_host_device(~UINT64_C(0), ~UINT64_C(0)));
}

/* Level-3 tables below RAM when all of it is mapped, against the bound. */
static void window_partial_blocks_bound_tables(void)
{
	unsigned int tables = 0;

	for (uint64_t block = 0; block < TEST_RAM_BASE; block += PMD_SIZE) {
		bool some = false;
		bool all = true;

		for (uint64_t i = 0; i < PMD_PAGE_NUM; i++) {
			bool host = is_host_device(block + i * PAGE_SIZE);

			some = some || host;
			all = all && host;
		}
		tables += some && !all ? 1 : 0;
	}
	g_assert_cmpuint(platform_partial_blocks(), >=, tables);
	g_assert_cmpuint(platform_partial_blocks(), <=, 32);
}

/* --- Everything at random --------------------------------------------- */

/* What the specification says about one address now. */
static bool model_may_map(uint64_t addr)
{
	uint32_t owner;
	uint32_t count;

	if (addr >= UINT64_C(1) << 40) {
		return false;
	}
	acquire_lock_s2page();
	owner = get_pfn_owner(addr >> 12);
	count = get_pfn_count(addr >> 12);
	release_lock_s2page();
	if (owner == 0xffffffff) {
		return is_host_device(addr);
	}
	if (owner == 0) {
		return true;
	}
	return owner < 16 && count >= 1 && count <= 100;
}

static bool is_ram(uint64_t addr)
{
	return mem_region_search(addr) != INVALID;
}

/* I3, I4, I5 and I10 for one leaf. */
static void check_leaf(const struct leaf *leaf, void *data)
{
	uint64_t *bytes = data;

	g_assert_cmphex(leaf->ia, ==, leaf->pa);
	for (uint64_t offset = 0; offset < leaf->bytes; offset += 4096) {
		uint64_t addr = leaf->pa + offset;
		uint64_t bits = leaf->level == 3 ? 0x7ff : 0x7fd;

		g_assert_true(model_may_map(addr));
		g_assert_false(addr >= TEST_EL2_BASE &&
			       addr < TEST_EL2_BASE + TEST_EL2_BYTES);
		if (!is_ram(addr)) {
			bits = leaf->level == 3 ? 0x00400000000007c7 :
						  0x00400000000007c5;
		}
		g_assert_cmphex(leaf->attributes, ==, bits);
	}
	*bytes += leaf->bytes;
}

/* Uneven RAM: a hole in a block, regions out of order, odd ends. */
static void start_random_machine(void)
{
	uint64_t hole = PAGE_SIZE * (1 + random_below(300));
	uint64_t first = 2 * MIB * random_below(4) +
			 PAGE_SIZE * (1 + random_below(200));
	struct machine machine = {
		.ram = { { TEST_RAM_BASE, first },
			 { TEST_EL2_BASE, TEST_EL2_BYTES },
			 { TEST_RAM_BASE + GIB, hole },
			 { TEST_RAM_BASE + first + hole,
			   16 * MIB - first - hole } },
		.nr_ram = 4,
		.el2 = { TEST_EL2_BASE, TEST_EL2_BYTES },
		.pool_pages = 64,
	};

	/* Either order puts other indices between the two ends of the hole. */
	if (random_below(2) == 0) {
		struct pa_range last = machine.ram[3];

		machine.ram[3] = machine.ram[1];
		machine.ram[1] = last;
	}
	machine_start(&machine);
}

static void random_owners(void)
{
	static const uint32_t counts[] = { 0, 0, 1, 50, MAX_SHARE_COUNT,
					   INVALID };

	for (uint64_t block = 0; block < 16 * MIB; block += PMD_SIZE) {
		/* A third of the blocks stay the host's. */
		uint64_t changes = random_below(3) * random_below(40);

		while (changes-- > 0) {
			uint64_t addr = TEST_RAM_BASE + block +
					PAGE_SIZE * random_below(PMD_PAGE_NUM);

			set_owner(addr, (uint32_t)random_below(COREVISOR + 1),
				  counts[random_below(ARRAY_SIZE(counts))]);
		}
	}
}

static uint64_t random_address(void)
{
	switch (random_below(8)) {
	case 0:
		return random64();
	case 1:
		return random_below(KVM_PHYS_SIZE);
	case 2:
		return random_below(TEST_RAM_BASE);
	case 3:
		return host_devices[random_below(ARRAY_SIZE(host_devices))].base
		       + random_below(2 * PMD_SIZE) - PAGE_SIZE;
	case 4:
		return TEST_EL2_BASE + random_below(TEST_EL2_BYTES);
	case 5:
		return TEST_RAM_BASE + GIB + random_below(PMD_SIZE);
	default:
		return TEST_RAM_BASE + random_below(17 * MIB);
	}
}

static void random_faults_keep_the_invariants(void)
{
	for (int round = 0; round < 20; round++) {
		uint64_t bytes = 0;
		void *records;
		unsigned int faults = 400;

		start_random_machine();
		random_owners();
		/* The records are the first pages of EL2's memory. */
		records = g_memdup2(el2_ptr(pa_to_el2_va(TEST_EL2_BASE)),
				    mem_region_pages() * PAGE_RECORD_BYTES);
		while (faults-- > 0) {
			uint64_t addr = random_address();
			bool may = model_may_map(addr);
			enum hv_status status = map_page_host(addr);

			g_assert_true((status == HV_OK) == may);
			g_assert_true(addr >= KVM_PHYS_SIZE ||
				      walker_lookup(machine_root(), addr,
						    &(struct leaf){ 0 }) == may);
		}
		walker_each(machine_root(), check_leaf, &bytes);
		g_assert_cmpuint(bytes, >, 0);
		g_assert_cmpmem(el2_ptr(pa_to_el2_va(TEST_EL2_BASE)),
				mem_region_pages() * PAGE_RECORD_BYTES, records,
				mem_region_pages() * PAGE_RECORD_BYTES);
		g_free(records);
	}
}

/* --- CPUs at once ----------------------------------------------------- */

#define FAULTS 4000

static void *fault_all_over(void *data)
{
	native_cpu.pcpu = pcpu_get(GPOINTER_TO_UINT(data));
	for (uint64_t i = 0; i < FAULTS; i++) {
		uint64_t page = i * 7919 % (16 * PMD_PAGE_NUM);

		g_assert_cmpint(map_page_host(TEST_RAM_BASE +
					      page * PAGE_SIZE), ==, HV_OK);
	}
	return NULL;
}

/* Two CPUs fault on the same blocks and pages; each mapping is made once. */
static void cpus_fault_on_the_same_pages(void)
{
	GThread *other;
	uint64_t bytes = 0;

	/* Every other block comes by pages. */
	for (uint64_t block = 0; block < 16; block += 2) {
		set_owner(TEST_RAM_BASE + block * PMD_SIZE, VM, 1);
	}
	other = g_thread_new("cpu1", fault_all_over, GUINT_TO_POINTER(1));
	fault_all_over(GUINT_TO_POINTER(0));
	g_thread_join(other);
	walker_each(machine_root(), check_leaf, &bytes);
	/* A level-2 table, and a level-3 table for each second block. */
	g_assert_cmpuint(pt_pool_free_pages(HOSTVISOR), ==,
			 test_machine.pool_pages - 1 - 8);
}

static const struct unit_test tests[] = {
	UNIT_TEST("/map-host/ram/good-host-page-gets-its-block",
		  good_host_page_gets_its_block),
	UNIT_TEST("/map-host/ram/good-any-byte-of-a-page",
		  good_any_byte_of_a_page),
	UNIT_TEST("/map-host/ram/good-host-page-beside-a-vm-page",
		  good_host_page_beside_a_vm_page),
	UNIT_TEST("/map-host/ram/good-host-page-with-a-count",
		  good_host_page_with_a_count),
	UNIT_TEST("/map-host/ram/good-again-changes-nothing",
		  good_again_is_ok_and_changes_nothing),
	UNIT_TEST("/map-host/ram/good-last-block-before-el2",
		  good_last_block_before_el2),
	UNIT_TEST("/map-host/ram/good-shared-vm-page", good_shared_vm_page),
	UNIT_TEST("/map-host/ram/good-shared-vm-block-is-pages",
		  good_shared_vm_block_is_pages),
	UNIT_TEST("/map-host/ram/bad-private-vm-page", bad_private_vm_page),
	UNIT_TEST("/map-host/ram/bad-reserved-vm-page", bad_reserved_vm_page),
	UNIT_TEST("/map-host/ram/bad-neighbour-of-shared-vm-page",
		  bad_neighbour_of_shared_vm_page),
	UNIT_TEST("/map-host/ram/bad-every-vm-owner", bad_every_vm_owner),
	UNIT_TEST("/map-host/ram/bad-corevisor-page", bad_corevisor_page),
	UNIT_TEST("/map-host/ram/bad-corevisor-page-with-a-count",
		  bad_corevisor_page_with_a_count),
	UNIT_TEST("/map-host/block/after-pages-stays-pages",
		  block_after_pages_stays_pages),
	UNIT_TEST("/map-host/block/needs-whole-ram", block_needs_whole_ram),
	UNIT_TEST("/map-host/pool/empty-changes-nothing",
		  pool_without_room_for_a_page_changes_nothing),
	UNIT_TEST("/map-host/space/bad-behind-ram", bad_behind_ram),
	UNIT_TEST("/map-host/space/bad-beyond-40-bits", bad_beyond_40_bits),
	UNIT_TEST("/map-host/device/good-ends-of-each-window",
		  good_first_and_last_page_of_each_window),
	UNIT_TEST("/map-host/device/bad-around-each-window",
		  bad_pages_around_each_window),
	UNIT_TEST("/map-host/device/bad-el2-devices", bad_el2_devices),
	UNIT_TEST("/map-host/device/page-beside-el2-devices",
		  device_page_beside_el2_devices),
	UNIT_TEST("/map-host/device/block-inside-one-window",
		  device_block_inside_one_window),
	UNIT_TEST("/map-host/device/page-by-page", device_space_page_by_page),
	UNIT_TEST("/windows/range/must-fit", window_range_must_fit),
	UNIT_TEST("/windows/range/huge-is-refused",
		  window_huge_range_is_refused),
	UNIT_TEST("/windows/partial-blocks/bound-tables",
		  window_partial_blocks_bound_tables),
	UNIT_TEST("/map-host/property/random-faults",
		  random_faults_keep_the_invariants),
	UNIT_TEST("/map-host/threads/same-pages", cpus_fault_on_the_same_pages),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
