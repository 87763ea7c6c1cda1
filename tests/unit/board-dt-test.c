/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device tree as the board hands it over, then the same with one thing
 * wrong, then with random damage.
 */
#include "harness.h"

#include <libfdt.h>
#include <string.h>

#include "hypsec/abi.h"

#define TREE_BYTES 8192
#define KERNEL_BASE (TEST_RAM_BASE + 2 * MIB)
#define INITRD_BASE (TEST_RAM_BASE + 16 * MIB)
#define SHARED_BASE (TEST_EL2_BASE - HYPSEC_SHARED_SIZE)
#define SHARED_NODE "/reserved-memory/hypsec-shared@43b80000"

/* The tree under test, in a heap block of its own total size, and the board. */
static void *fdt;
static struct board_info info;

/* --- A good tree ------------------------------------------------------ */

static void ok(int error)
{
	g_assert_cmpint(error, ==, 0);
}

static void begin(void *tree, const char *name)
{
	ok(fdt_begin_node(tree, name));
}

static void string_property(void *tree, const char *name, const char *value)
{
	ok(fdt_property_string(tree, name, value));
}

/* A base and a size, two cells each. */
static void range_property(void *tree, const char *name, uint64_t base,
			   uint64_t size)
{
	fdt64_t cells[] = { cpu_to_fdt64(base), cpu_to_fdt64(size) };

	ok(fdt_property(tree, name, cells, sizeof(cells)));
}

static void make_cpus(void *tree)
{
	begin(tree, "cpus");
	ok(fdt_property_u32(tree, "#address-cells", 1));
	ok(fdt_property_u32(tree, "#size-cells", 0));
	begin(tree, "cpu@0");
	string_property(tree, "device_type", "cpu");
	ok(fdt_property_u32(tree, "reg", 0));
	ok(fdt_end_node(tree));
	begin(tree, "cpu@101");
	string_property(tree, "device_type", "cpu");
	ok(fdt_property_u32(tree, "reg", 0x101));
	ok(fdt_end_node(tree));
	begin(tree, "cpu-map");
	ok(fdt_end_node(tree));
	ok(fdt_end_node(tree));
}

static void make_reserved_memory(void *tree)
{
	begin(tree, "reserved-memory");
	ok(fdt_property_u32(tree, "#address-cells", 2));
	ok(fdt_property_u32(tree, "#size-cells", 2));
	begin(tree, "el2@43c00000");
	string_property(tree, "compatible", "hypsec,el2-carveout");
	range_property(tree, "reg", TEST_EL2_BASE, TEST_EL2_BYTES);
	ok(fdt_property(tree, "no-map", "", 0));
	ok(fdt_end_node(tree));
	ok(fdt_end_node(tree));
}

/* Secure, physical, virtual and EL2 timer: PPIs 13, 14, 11, 10. */
static void make_timer(void *tree)
{
	static const uint32_t numbers[] = { 13, 14, 11, 10 };
	fdt32_t cells[12];

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		cells[3 * i] = cpu_to_fdt32(1);
		cells[3 * i + 1] = cpu_to_fdt32(numbers[i]);
		cells[3 * i + 2] = cpu_to_fdt32(4);
	}
	begin(tree, "timer");
	ok(fdt_property(tree, "compatible", "arm,armv8-timer\0arm,armv7-timer",
			sizeof("arm,armv8-timer\0arm,armv7-timer")));
	ok(fdt_property(tree, "interrupts", cells, sizeof(cells)));
	ok(fdt_end_node(tree));
}

static void make_tree(void *tree)
{
	ok(fdt_create(tree, TREE_BYTES));
	ok(fdt_finish_reservemap(tree));
	begin(tree, "");
	ok(fdt_property_u32(tree, "#address-cells", 2));
	ok(fdt_property_u32(tree, "#size-cells", 2));
	begin(tree, "memory@40000000");
	string_property(tree, "device_type", "memory");
	range_property(tree, "reg", TEST_RAM_BASE, TEST_RAM_BYTES);
	ok(fdt_end_node(tree));
	make_cpus(tree);
	make_reserved_memory(tree);
	begin(tree, "chosen");
	range_property(tree, "hypsec,kernel", KERNEL_BASE, MIB);
	range_property(tree, "hypsec,initrd", INITRD_BASE, MIB);
	ok(fdt_end_node(tree));
	begin(tree, "psci");
	string_property(tree, "method", "smc");
	ok(fdt_end_node(tree));
	make_timer(tree);
	ok(fdt_end_node(tree));
	ok(fdt_finish(tree));
}

/* A good tree with room to edit, and what the boot block says. */
static void start(void)
{
	g_free(fdt);
	fdt = g_malloc0(TREE_BYTES);
	make_tree(fdt);
	ok(fdt_open_into(fdt, fdt, TREE_BYTES));
	info = (struct board_info){
		.carveout = { TEST_EL2_BASE, TEST_EL2_BYTES },
		.dtb = { .base = TEST_RAM_BASE },
	};
}

static const char *parse(void)
{
	return board_dt_parse(fdt, TREE_BYTES, &info);
}

static void assert_error(const char *error)
{
	g_assert_cmpstr(parse(), ==, error);
}

static int node(const char *path)
{
	int offset = fdt_path_offset(fdt, path);

	g_assert_cmpint(offset, >=, 0);
	return offset;
}

static void del_property(const char *path, const char *name)
{
	ok(fdt_delprop(fdt, node(path), name));
}

static void set_property(const char *path, const char *name, const void *value,
			 int bytes)
{
	ok(fdt_setprop(fdt, node(path), name, value, bytes));
}

static void set_range(const char *path, const char *name, uint64_t base,
		      uint64_t size)
{
	fdt64_t cells[] = { cpu_to_fdt64(base), cpu_to_fdt64(size) };

	set_property(path, name, cells, sizeof(cells));
}

#define MEMORY "/memory@40000000"
#define CPU0 "/cpus/cpu@0"
#define CARVEOUT "/reserved-memory/el2@43c00000"

/* --- Parsing ---------------------------------------------------------- */

static void good_tree_is_understood(void)
{
	start();
	g_assert_null(parse());
	g_assert_cmpuint(info.nr_memory, ==, 1);
	g_assert_cmphex(info.memory[0].base, ==, TEST_RAM_BASE);
	g_assert_cmphex(info.memory[0].size, ==, TEST_RAM_BYTES);
	g_assert_cmpuint(info.nr_cpus, ==, 2);
	g_assert_cmphex(info.mpidr[0], ==, 0);
	g_assert_cmphex(info.mpidr[1], ==, 0x101);
	g_assert_cmphex(info.kernel.base, ==, KERNEL_BASE);
	g_assert_cmphex(info.kernel.size, ==, MIB);
	g_assert_cmphex(info.initrd.base, ==, INITRD_BASE);
	g_assert_cmphex(info.initrd.size, ==, MIB);
	g_assert_cmphex(info.dtb.size, ==, TREE_BYTES);
}

static void garbage_is_malformed(void)
{
	start();
	memset(fdt, 0xa5, TREE_BYTES);
	assert_error("the tree is malformed");
}

/* Every length up to the whole, in a block that has just as many bytes. */
static void truncated_tree_is_malformed(void)
{
	start();
	ok(fdt_pack(fdt));
	for (uint64_t bytes = 0; bytes < fdt_totalsize(fdt); bytes++) {
		void *part = g_memdup2(fdt, bytes);

		g_assert_cmpstr(board_dt_parse(part, bytes, &info), ==,
				"the tree is malformed");
		g_free(part);
	}
}

/* The structure block moved off its alignment: EL2 must not trap on it. */
static void misaligned_tree_is_malformed(void)
{
	for (uint32_t shift = 1; shift < 4; shift++) {
		uint8_t *moved = g_malloc0(TREE_BYTES);
		uint32_t from;

		start();
		ok(fdt_pack(fdt));
		from = fdt_off_dt_struct(fdt);
		memcpy(moved, fdt, from);
		memcpy(moved + from + shift, (uint8_t *)fdt + from,
		       fdt_totalsize(fdt) - from);
		fdt_set_off_dt_struct(moved, from + shift);
		fdt_set_off_dt_strings(moved, fdt_off_dt_strings(fdt) + shift);
		fdt_set_totalsize(moved, fdt_totalsize(fdt) + shift);
		g_assert_cmpstr(board_dt_parse(moved, TREE_BYTES, &info), ==,
				"the tree is malformed");
		g_free(moved);
	}
}

static void address_cells_other_than_2_is_refused(void)
{
	start();
	ok(fdt_setprop_u32(fdt, 0, "#address-cells", 1));
	assert_error("root node: #address-cells and #size-cells must be 2");
}

static void size_cells_other_than_2_is_refused(void)
{
	start();
	del_property("/", "#size-cells");
	assert_error("root node: #address-cells and #size-cells must be 2");
}

static void memory_missing_is_refused(void)
{
	start();
	ok(fdt_del_node(fdt, node(MEMORY)));
	assert_error("no memory node");
}

static void memory_without_reg_is_refused(void)
{
	start();
	del_property(MEMORY, "reg");
	assert_error("memory node: reg is missing or malformed");
}

static void memory_with_odd_reg_is_refused(void)
{
	static const int bytes[] = { 0, 4, 12, 15, 17, 24 };
	static const uint8_t zeros[24];

	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		start();
		set_property(MEMORY, "reg", zeros, bytes[i]);
		assert_error("memory node: reg is missing or malformed");
	}
}

static void memory_bad_ranges_are_refused(void)
{
	static const struct pa_range bad[] = {
		{ TEST_RAM_BASE, 0 },
		{ TEST_RAM_BASE + 1, MIB },
		{ TEST_RAM_BASE, MIB + 2048 },
		{ KVM_PHYS_SIZE, MIB },
		{ KVM_PHYS_SIZE - PAGE_SIZE, 2 * PAGE_SIZE },
		{ TEST_RAM_BASE, ~UINT64_C(0) & ~(PAGE_SIZE - 1) },
		{ ~UINT64_C(0) & ~(PAGE_SIZE - 1), PAGE_SIZE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		start();
		set_range(MEMORY, "reg", bad[i].base, bad[i].size);
		assert_error("memory node: range is empty, unaligned or "
			     "beyond 40 bits");
	}
}

static void memory_of_many_ranges(uint32_t n)
{
	fdt64_t cells[2 * (MAX_MEMBLOCK_NUM + 1)];

	start();
	for (uint32_t i = 0; i < n; i++) {
		cells[2 * i] = cpu_to_fdt64(TEST_RAM_BASE + i * TEST_RAM_BYTES);
		cells[2 * i + 1] = cpu_to_fdt64(TEST_RAM_BYTES);
	}
	set_property(MEMORY, "reg", cells, (int)(n * 16));
}

static void memory_full_table_is_understood(void)
{
	memory_of_many_ranges(MAX_MEMBLOCK_NUM);
	g_assert_null(parse());
	g_assert_cmpuint(info.nr_memory, ==, MAX_MEMBLOCK_NUM);
}

static void memory_too_many_ranges_are_refused(void)
{
	memory_of_many_ranges(MAX_MEMBLOCK_NUM + 1);
	assert_error("too many memory ranges");
}

static void memory_of_two_nodes_adds_up(void)
{
	int other;

	start();
	other = fdt_add_subnode(fdt, 0, "memory@80000000");
	g_assert_cmpint(other, >=, 0);
	ok(fdt_setprop_string(fdt, other, "device_type", "memory"));
	set_range("/memory@80000000", "reg", 2 * GIB, MIB);
	g_assert_null(parse());
	g_assert_cmpuint(info.nr_memory, ==, 2);
}

static void cpus_missing_is_refused(void)
{
	start();
	ok(fdt_del_node(fdt, node("/cpus")));
	assert_error("/cpus is missing or malformed");
}

static void cpus_with_odd_cells_is_refused(void)
{
	static const uint32_t cells[] = { 0, 3, 0xffffffff };

	for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
		start();
		ok(fdt_setprop_u32(fdt, node("/cpus"), "#address-cells",
				   cells[i]));
		assert_error("/cpus is missing or malformed");
	}
}

static void cpus_of_two_cells_are_understood(void)
{
	start();
	ok(fdt_setprop_u32(fdt, node("/cpus"), "#address-cells", 2));
	ok(fdt_setprop_u64(fdt, node(CPU0), "reg", UINT64_C(0x100000002)));
	ok(fdt_setprop_u64(fdt, node("/cpus/cpu@101"), "reg", 3));
	g_assert_null(parse());
	g_assert_cmphex(info.mpidr[0], ==, UINT64_C(0x100000002));
	g_assert_cmphex(info.mpidr[1], ==, 3);
}

static void cpu_without_reg_is_refused(void)
{
	start();
	del_property(CPU0, "reg");
	assert_error("cpu node: reg is missing or malformed");
}

static void cpu_with_long_reg_is_refused(void)
{
	start();
	ok(fdt_setprop_u64(fdt, node(CPU0), "reg", 1));
	assert_error("cpu node: reg is missing or malformed");
}

static void cpu_none_is_refused(void)
{
	start();
	del_property(CPU0, "device_type");
	del_property("/cpus/cpu@101", "device_type");
	assert_error("no cpu node");
}

static void add_cpus(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		g_autofree char *name = g_strdup_printf("cpu@%x", 0x200 + i);
		int cpu = fdt_add_subnode(fdt, node("/cpus"), name);

		g_assert_cmpint(cpu, >=, 0);
		ok(fdt_setprop_string(fdt, cpu, "device_type", "cpu"));
		ok(fdt_setprop_u32(fdt, cpu, "reg", 0x200 + i));
	}
}

static void cpus_up_to_the_limit_are_understood(void)
{
	start();
	add_cpus(TOTAL_CPU - 2);
	g_assert_null(parse());
	g_assert_cmpuint(info.nr_cpus, ==, TOTAL_CPU);
}

static void cpus_beyond_the_limit_are_refused(void)
{
	start();
	add_cpus(TOTAL_CPU - 1);
	assert_error("more CPUs than the firmware supports");
}

static void carveout_missing_is_refused(void)
{
	start();
	ok(fdt_del_node(fdt, node(CARVEOUT)));
	assert_error("no reserved-memory node for the carve-out");
}

static void carveout_without_reg_is_refused(void)
{
	start();
	del_property(CARVEOUT, "reg");
	assert_error("no reserved-memory node for the carve-out");
}

static void carveout_without_no_map_is_refused(void)
{
	start();
	del_property(CARVEOUT, "no-map");
	assert_error("no reserved-memory node for the carve-out");
}

static void carveout_other_than_the_boot_blocks_is_refused(void)
{
	start();
	set_range(CARVEOUT, "reg", TEST_EL2_BASE + PMD_SIZE, TEST_EL2_BYTES);
	assert_error("carve-out differs from the boot block's");
	start();
	set_range(CARVEOUT, "reg", TEST_EL2_BASE, TEST_EL2_BYTES - PMD_SIZE);
	assert_error("carve-out differs from the boot block's");
}

static void carveout_outside_ram_is_refused(void)
{
	start();
	info.carveout.size = TEST_EL2_BYTES + PMD_SIZE;
	set_range(CARVEOUT, "reg", info.carveout.base, info.carveout.size);
	assert_error("the carve-out is not RAM");
}

static void chosen_missing_is_refused(void)
{
	start();
	ok(fdt_del_node(fdt, node("/chosen")));
	assert_error("/chosen is missing");
}

static void chosen_without_images_has_none(void)
{
	start();
	del_property("/chosen", "hypsec,kernel");
	del_property("/chosen", "hypsec,initrd");
	g_assert_null(parse());
	g_assert_cmpuint(info.kernel.size, ==, 0);
	g_assert_cmpuint(info.initrd.size, ==, 0);
}

static void chosen_malformed_kernel_is_refused(void)
{
	start();
	set_property("/chosen", "hypsec,kernel", "abcdefgh", 8);
	assert_error("/chosen: hypsec,kernel is malformed");
	start();
	set_range("/chosen", "hypsec,kernel", KERNEL_BASE, 0);
	assert_error("/chosen: hypsec,kernel is malformed");
}

static void chosen_malformed_initrd_is_refused(void)
{
	start();
	set_property("/chosen", "hypsec,initrd", "", 0);
	assert_error("/chosen: hypsec,initrd is malformed");
	start();
	set_range("/chosen", "hypsec,initrd", ~UINT64_C(0), 2);
	assert_error("/chosen: hypsec,initrd is malformed");
}

static void psci_missing_is_refused(void)
{
	start();
	ok(fdt_del_node(fdt, node("/psci")));
	assert_error("/psci is missing or its method is not smc");
}

static void psci_by_hvc_is_refused(void)
{
	start();
	ok(fdt_setprop_string(fdt, node("/psci"), "method", "hvc"));
	assert_error("/psci is missing or its method is not smc");
}

static void psci_method_that_begins_with_smc_is_refused(void)
{
	start();
	ok(fdt_setprop_string(fdt, node("/psci"), "method", "smc64"));
	assert_error("/psci is missing or its method is not smc");
}

static void image_outside_ram_is_refused(void)
{
	start();
	set_range("/chosen", "hypsec,kernel", GIB / 2, MIB);
	assert_error("a loaded image is not in the host's RAM");
	start();
	set_range("/chosen", "hypsec,initrd",
		  TEST_RAM_BASE + TEST_RAM_BYTES, MIB);
	assert_error("a loaded image is not in the host's RAM");
}

static void image_in_the_carveout_is_refused(void)
{
	start();
	set_range("/chosen", "hypsec,initrd", TEST_EL2_BASE - 1, 2);
	assert_error("a loaded image is not in the host's RAM");
}

static void image_up_to_the_shared_window_is_understood(void)
{
	start();
	set_range("/chosen", "hypsec,initrd", SHARED_BASE - MIB, MIB);
	g_assert_null(parse());
	g_assert_cmphex(info.shared.base, ==, SHARED_BASE);
	g_assert_cmphex(info.shared.size, ==, HYPSEC_SHARED_SIZE);
}

static void image_in_the_shared_window_is_refused(void)
{
	static const char error[] =
		"a loaded image lies in the shared window, the last 512 KiB "
		"below the carve-out";

	start();
	set_range("/chosen", "hypsec,initrd", SHARED_BASE - MIB, MIB + 1);
	assert_error(error);
	start();
	set_range("/chosen", "hypsec,initrd", TEST_EL2_BASE - 1, 1);
	assert_error(error);
	start();
	set_range("/chosen", "hypsec,kernel", SHARED_BASE, PAGE_SIZE);
	assert_error(error);
	start();
	info.dtb.base = SHARED_BASE - PAGE_SIZE;
	assert_error(error);
}

/* EL2 cannot have all of the RAM: the window needs some of it. */
static void carveout_without_ram_below_is_refused(void)
{
	start();
	info.carveout.base = TEST_RAM_BASE + HYPSEC_SHARED_SIZE - PAGE_SIZE;
	set_range(CARVEOUT, "reg", info.carveout.base, info.carveout.size);
	assert_error("no RAM below the carve-out for the shared window");
}

static void tree_outside_ram_is_refused(void)
{
	start();
	info.dtb.base = TEST_EL2_BASE - PAGE_SIZE;
	assert_error("a loaded image is not in the host's RAM");
}

static void images_that_overlap_are_refused(void)
{
	start();
	set_range("/chosen", "hypsec,initrd", KERNEL_BASE + MIB - 1, MIB);
	assert_error("loaded images overlap");
	start();
	set_range("/chosen", "hypsec,kernel", TEST_RAM_BASE + TREE_BYTES - 1,
		  MIB);
	assert_error("loaded images overlap");
}

static void images_that_touch_are_understood(void)
{
	start();
	set_range("/chosen", "hypsec,initrd", KERNEL_BASE + MIB, MIB);
	g_assert_null(parse());
}

/* --- Ranges ----------------------------------------------------------- */

static void ranges_overlap_by_a_byte(void)
{
	struct pa_range a = { 100, 10 };

	g_assert_true(pa_ranges_overlap(a, (struct pa_range){ 109, 1 }));
	g_assert_true(pa_ranges_overlap(a, (struct pa_range){ 91, 10 }));
	g_assert_true(pa_ranges_overlap((struct pa_range){ 0, 1000 }, a));
	g_assert_true(pa_ranges_overlap(a, (struct pa_range){ 0, 1000 }));
}

static void ranges_that_touch_do_not_overlap(void)
{
	struct pa_range a = { 100, 10 };

	g_assert_false(pa_ranges_overlap(a, (struct pa_range){ 110, 10 }));
	g_assert_false(pa_ranges_overlap(a, (struct pa_range){ 90, 10 }));
}

static void ranges_empty_do_not_overlap(void)
{
	struct pa_range a = { 100, 10 };

	g_assert_false(pa_ranges_overlap(a, (struct pa_range){ 105, 0 }));
	g_assert_false(pa_ranges_overlap((struct pa_range){ 105, 0 }, a));
}

/* --- The kernel ------------------------------------------------------- */

struct header {
	uint32_t code[2];
	uint64_t text_offset;
	uint64_t image_size;
	uint64_t flags;
	uint64_t reserved[3];
	uint32_t magic;
	uint32_t pe;
};

G_STATIC_ASSERT(sizeof(struct header) == 64);

static struct header good_header(void)
{
	start();
	g_assert_null(parse());
	return (struct header){
		.image_size = 4 * MIB,
		.flags = 0xa,
		.magic = 0x644d5241,
	};
}

static const char *check_kernel(const struct header *header)
{
	void *copy = g_memdup2(header, sizeof(*header));
	const char *error = board_dt_check_kernel(copy, &info);

	g_free(copy);
	return error;
}

static void kernel_good_needs_its_image_size(void)
{
	struct header header = good_header();

	g_assert_null(check_kernel(&header));
	g_assert_cmphex(info.kernel_bytes, ==, 4 * MIB);
}

/* An image_size below the file's, or none: an old kernel. */
static void kernel_needs_at_least_its_file(void)
{
	struct header header = good_header();

	header.image_size = 0;
	g_assert_null(check_kernel(&header));
	g_assert_cmphex(info.kernel_bytes, ==, MIB);
}

static void kernel_at_text_offset_is_good(void)
{
	struct header header = good_header();

	header.text_offset = 0x80000;
	info.kernel.base += 0x80000;
	g_assert_null(check_kernel(&header));
}

static void kernel_not_at_text_offset_is_refused(void)
{
	struct header header = good_header();
	const char *error =
		"the kernel is not at text_offset of a 2 MiB boundary";

	header.text_offset = 0x80000;
	g_assert_cmpstr(check_kernel(&header), ==, error);
	header.text_offset = ~UINT64_C(0);
	g_assert_cmpstr(check_kernel(&header), ==, error);
}

static void kernel_too_small_is_refused(void)
{
	struct header header = good_header();

	info.kernel.size = 59;
	g_assert_cmpstr(check_kernel(&header), ==,
			"the kernel is too small to be an arm64 Image");
}

static void kernel_without_magic_is_refused(void)
{
	for (unsigned int bit = 0; bit < 32; bit++) {
		struct header header = good_header();

		header.magic ^= UINT32_C(1) << bit;
		g_assert_cmpstr(check_kernel(&header), ==,
				"the kernel is not an arm64 Image");
	}
}

static void kernel_big_endian_is_refused(void)
{
	struct header header = good_header();

	header.flags |= 1;
	g_assert_cmpstr(check_kernel(&header), ==, "the kernel is big-endian");
}

static void assert_no_room(uint64_t image_size)
{
	struct header header = good_header();

	header.image_size = image_size;
	g_assert_cmpstr(check_kernel(&header), ==,
			"the kernel has no room for its image_size");
	g_assert_cmpuint(info.kernel_bytes, ==, 0);
}

static void kernel_over_the_initrd_is_refused(void)
{
	assert_no_room(INITRD_BASE - KERNEL_BASE + 1);
}

static void kernel_beyond_ram_is_refused(void)
{
	assert_no_room(TEST_RAM_BYTES);
	assert_no_room(KVM_PHYS_SIZE);
	assert_no_room(~UINT64_C(0));
	assert_no_room(~UINT64_C(0) - KERNEL_BASE + 1);
}

static void kernel_over_the_carveout_is_refused(void)
{
	struct header header = good_header();

	info.initrd.size = 0;
	header.image_size = TEST_EL2_BASE - KERNEL_BASE + 1;
	g_assert_cmpstr(check_kernel(&header), ==,
			"the kernel has no room for its image_size");
}

static void kernel_over_the_shared_window_is_refused(void)
{
	struct header header = good_header();

	info.initrd.size = 0;
	header.image_size = SHARED_BASE - KERNEL_BASE;
	g_assert_null(check_kernel(&header));
	header.image_size++;
	g_assert_cmpstr(check_kernel(&header), ==,
			"the kernel's image_size reaches the shared window, the "
			"last 512 KiB below the carve-out");
}

static void kernel_over_the_tree_is_refused(void)
{
	struct header header = good_header();

	info.dtb.base = KERNEL_BASE + 2 * MIB;
	g_assert_cmpstr(check_kernel(&header), ==,
			"the kernel has no room for its image_size");
}

/* --- Editing ---------------------------------------------------------- */

static void edit_leaves_the_physical_timer(void)
{
	const fdt32_t *cells;
	int len;

	start();
	g_assert_null(board_dt_edit_for_host(fdt, &info));
	cells = fdt_getprop(fdt, node("/timer"), "interrupts", &len);
	g_assert_cmpint(len, ==, 12);
	g_assert_cmpuint(fdt32_to_cpu(cells[0]), ==, 1);
	g_assert_cmpuint(fdt32_to_cpu(cells[1]), ==, 14);
	g_assert_cmpuint(fdt32_to_cpu(cells[2]), ==, 4);
	g_assert_cmpstr(fdt_getprop(fdt, node("/timer"), "interrupt-names",
				    NULL), ==, "phys");
}

static void edit_leaves_a_good_tree(void)
{
	start();
	g_assert_null(board_dt_edit_for_host(fdt, &info));
	g_assert_null(parse());
}

static void edit_without_timer_is_refused(void)
{
	start();
	ok(fdt_del_node(fdt, node("/timer")));
	g_assert_cmpstr(board_dt_edit_for_host(fdt, &info), ==, "no timer node");
}

static void edit_without_interrupts_is_refused(void)
{
	const char *error = "timer node: interrupts is missing or too short";

	start();
	del_property("/timer", "interrupts");
	g_assert_cmpstr(board_dt_edit_for_host(fdt, &info), ==, error);
}

static void edit_with_one_interrupt_is_refused(void)
{
	static const uint8_t cells[24];
	const char *error = "timer node: interrupts is missing or too short";

	start();
	set_property("/timer", "interrupts", cells, 23);
	g_assert_cmpstr(board_dt_edit_for_host(fdt, &info), ==, error);
	set_property("/timer", "interrupts", cells, 24);
	g_assert_null(board_dt_edit_for_host(fdt, &info));
}

/* A packed tree whose timer node has two interrupts and no spare byte. */
static void edit_without_room_is_refused(void)
{
	static const uint8_t cells[24];
	void *packed;

	start();
	set_property("/timer", "interrupts", cells, 24);
	ok(fdt_pack(fdt));
	packed = g_memdup2(fdt, fdt_totalsize(fdt));
	g_assert_cmpstr(board_dt_edit_for_host(packed, &info), ==,
			"no room to edit the timer node");
	g_free(packed);
}

static void assert_shared_reg(const char *path)
{
	const fdt32_t *reg;
	int len;

	reg = fdt_getprop(fdt, node(path), "reg", &len);
	g_assert_cmpint(len, ==, 16);
	g_assert_cmphex(fdt32_to_cpu(reg[0]), ==, 0);
	g_assert_cmphex(fdt32_to_cpu(reg[1]), ==, SHARED_BASE);
	g_assert_cmphex(fdt32_to_cpu(reg[2]), ==, 0);
	g_assert_cmphex(fdt32_to_cpu(reg[3]), ==, HYPSEC_SHARED_SIZE);
}

/* The host finds the window, and knows that it is not for its allocator. */
static void edit_tells_of_the_shared_window(void)
{
	const fdt32_t *version;

	start();
	g_assert_null(parse());
	g_assert_null(board_dt_edit_for_host(fdt, &info));
	assert_shared_reg("/hypervisor");
	assert_shared_reg(SHARED_NODE);
	g_assert_nonnull(fdt_getprop(fdt, node(SHARED_NODE), "no-map", NULL));
	g_assert_cmpstr(fdt_getprop(fdt, node("/hypervisor"), "compatible",
				    NULL), ==, "hypsec,corevisor");
	version = fdt_getprop(fdt, node("/hypervisor"), "hypsec,abi-version",
			      NULL);
	g_assert_cmpuint(fdt32_to_cpu(*version), ==, HYPSEC_ABI_VERSION);
}

static void edit_with_another_hypervisor_is_refused(void)
{
	start();
	g_assert_null(parse());
	g_assert_cmpint(fdt_add_subnode(fdt, 0, "hypervisor"), >=, 0);
	g_assert_cmpstr(board_dt_edit_for_host(fdt, &info), ==,
			"there is a /hypervisor node already");
}

/* The carve-out's node may be anywhere, the window's may not. */
static void edit_without_reserved_memory_is_refused(void)
{
	start();
	g_assert_null(parse());
	ok(fdt_set_name(fdt, node("/reserved-memory"), "elsewhere"));
	g_assert_cmpstr(board_dt_edit_for_host(fdt, &info), ==,
			"no /reserved-memory node, where the shared window's "
			"belongs");
}

/* With every number of spare bytes but enough, there is an error. */
static void edit_without_room_for_the_window_is_refused(void)
{
	size_t used, needed;

	start();
	g_assert_null(parse());
	ok(fdt_pack(fdt));
	used = fdt_totalsize(fdt);
	start();
	g_assert_null(parse());
	g_assert_null(board_dt_edit_for_host(fdt, &info));
	ok(fdt_pack(fdt));
	needed = fdt_totalsize(fdt);
	g_assert_cmpuint(needed, >, used);
	/* Where the blocks of a packed tree begin is worth a few bytes. */
	for (size_t bytes = used; bytes + 8 <= needed; bytes += 4) {
		void *tree = g_malloc0(bytes);

		start();
		ok(fdt_pack(fdt));
		ok(fdt_open_into(fdt, tree, (int)bytes));
		g_assert_cmpstr(board_dt_edit_for_host(tree, &info), ==,
				"no room to add the nodes of the shared "
				"window");
		g_free(tree);
	}
}

/* --- Damage ----------------------------------------------------------- */

static bool in_ram(struct pa_range range)
{
	for (uint32_t i = 0; i < info.nr_memory; i++) {
		struct pa_range ram = info.memory[i];

		if (range.base >= ram.base &&
		    range.base + range.size <= ram.base + ram.size) {
			return true;
		}
	}
	return false;
}

/* What the rest of boot relies on, whatever tree was taken. */
static void check_taken(void)
{
	g_assert_cmpuint(info.nr_cpus, >=, 1);
	g_assert_cmpuint(info.nr_cpus, <=, TOTAL_CPU);
	g_assert_cmpuint(info.nr_memory, <=, MAX_MEMBLOCK_NUM);
	g_assert_true(in_ram(info.carveout));
	g_assert_true(in_ram(info.shared));
	g_assert_true(in_ram(info.dtb));
	g_assert_false(pa_ranges_overlap(info.dtb, info.shared));
	g_assert_false(pa_ranges_overlap(info.kernel, info.shared));
	g_assert_false(pa_ranges_overlap(info.initrd, info.shared));
	g_assert_true(info.kernel.size == 0 || in_ram(info.kernel));
	g_assert_true(info.initrd.size == 0 || in_ram(info.initrd));
	g_assert_false(pa_ranges_overlap(info.kernel, info.carveout));
	g_assert_false(pa_ranges_overlap(info.initrd, info.carveout));
}

/* Flips up to 4 bits or bytes of a copy and has it parsed and edited. */
static bool take_damaged(const void *good, size_t bytes)
{
	uint8_t *damaged = g_memdup2(good, bytes);
	uint64_t flips = 1 + random_below(4);
	bool taken;

	info = (struct board_info){
		.carveout = { TEST_EL2_BASE, TEST_EL2_BYTES },
		.dtb = { .base = TEST_RAM_BASE },
	};
	while (flips-- > 0) {
		/* The header is a small part of the tree, so hit it more. */
		size_t reach = random_below(4) == 0 ? FDT_V17_SIZE : bytes;
		uint8_t *byte = &damaged[random_below(reach)];

		*byte = random_below(2) == 0 ?
				(uint8_t)random64() :
				(uint8_t)(*byte ^ 1u << random_below(8));
	}
	taken = board_dt_parse(damaged, bytes, &info) == NULL;
	if (taken) {
		const char *error = board_dt_edit_for_host(damaged, &info);

		check_taken();
		g_assert_true(error != NULL || fdt_check_full(damaged, bytes) ==
						       0);
	}
	g_free(damaged);
	return taken;
}

static void damage_never_crashes(void)
{
	unsigned int taken = 0;
	size_t used;

	start();
	ok(fdt_pack(fdt));
	used = fdt_totalsize(fdt);
	for (int i = 0; i < 20000; i++) {
		taken += take_damaged(fdt, used) ? 1 : 0;
	}
	/* The same with room, so that editing goes on. */
	ok(fdt_open_into(fdt, fdt, (int)used + 64));
	for (int i = 0; i < 20000; i++) {
		taken += take_damaged(fdt, used + 64) ? 1 : 0;
	}
	g_assert_cmpuint(taken, >, 0);
	g_assert_cmpuint(taken, <, 40000);
}

/* Random header bytes: no answer but a message or a size that fits. */
static void damaged_kernel_header_never_overruns(void)
{
	for (int i = 0; i < 5000; i++) {
		struct header header = good_header();
		uint8_t *bytes = (uint8_t *)&header;

		bytes[8 + random_below(24)] = (uint8_t)random64();
		if (check_kernel(&header) == NULL) {
			g_assert_cmphex(KERNEL_BASE + info.kernel_bytes, <=,
					INITRD_BASE);
		}
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST("/board-dt/tree/good-is-understood", good_tree_is_understood),
	UNIT_TEST("/board-dt/tree/garbage", garbage_is_malformed),
	UNIT_TEST("/board-dt/tree/truncated", truncated_tree_is_malformed),
	UNIT_TEST("/board-dt/tree/misaligned", misaligned_tree_is_malformed),
	UNIT_TEST("/board-dt/root/address-cells",
		  address_cells_other_than_2_is_refused),
	UNIT_TEST("/board-dt/root/size-cells",
		  size_cells_other_than_2_is_refused),
	UNIT_TEST("/board-dt/memory/missing", memory_missing_is_refused),
	UNIT_TEST("/board-dt/memory/no-reg", memory_without_reg_is_refused),
	UNIT_TEST("/board-dt/memory/odd-reg", memory_with_odd_reg_is_refused),
	UNIT_TEST("/board-dt/memory/bad-ranges",
		  memory_bad_ranges_are_refused),
	UNIT_TEST("/board-dt/memory/full-table",
		  memory_full_table_is_understood),
	UNIT_TEST("/board-dt/memory/too-many",
		  memory_too_many_ranges_are_refused),
	UNIT_TEST("/board-dt/memory/two-nodes", memory_of_two_nodes_adds_up),
	UNIT_TEST("/board-dt/cpus/missing", cpus_missing_is_refused),
	UNIT_TEST("/board-dt/cpus/odd-cells", cpus_with_odd_cells_is_refused),
	UNIT_TEST("/board-dt/cpus/two-cells",
		  cpus_of_two_cells_are_understood),
	UNIT_TEST("/board-dt/cpus/no-reg", cpu_without_reg_is_refused),
	UNIT_TEST("/board-dt/cpus/long-reg", cpu_with_long_reg_is_refused),
	UNIT_TEST("/board-dt/cpus/none", cpu_none_is_refused),
	UNIT_TEST("/board-dt/cpus/up-to-the-limit",
		  cpus_up_to_the_limit_are_understood),
	UNIT_TEST("/board-dt/cpus/beyond-the-limit",
		  cpus_beyond_the_limit_are_refused),
	UNIT_TEST("/board-dt/carveout/missing", carveout_missing_is_refused),
	UNIT_TEST("/board-dt/carveout/no-reg",
		  carveout_without_reg_is_refused),
	UNIT_TEST("/board-dt/carveout/no-no-map",
		  carveout_without_no_map_is_refused),
	UNIT_TEST("/board-dt/carveout/not-the-boot-blocks",
		  carveout_other_than_the_boot_blocks_is_refused),
	UNIT_TEST("/board-dt/carveout/outside-ram",
		  carveout_outside_ram_is_refused),
	UNIT_TEST("/board-dt/chosen/missing", chosen_missing_is_refused),
	UNIT_TEST("/board-dt/chosen/no-images", chosen_without_images_has_none),
	UNIT_TEST("/board-dt/chosen/malformed-kernel",
		  chosen_malformed_kernel_is_refused),
	UNIT_TEST("/board-dt/chosen/malformed-initrd",
		  chosen_malformed_initrd_is_refused),
	UNIT_TEST("/board-dt/psci/missing", psci_missing_is_refused),
	UNIT_TEST("/board-dt/psci/by-hvc", psci_by_hvc_is_refused),
	UNIT_TEST("/board-dt/psci/method-that-begins-with-smc",
		  psci_method_that_begins_with_smc_is_refused),
	UNIT_TEST("/board-dt/images/outside-ram", image_outside_ram_is_refused),
	UNIT_TEST("/board-dt/images/in-the-shared-window",
		  image_in_the_shared_window_is_refused),
	UNIT_TEST("/board-dt/carveout/no-ram-below",
		  carveout_without_ram_below_is_refused),
	UNIT_TEST("/board-dt/images/in-the-carveout",
		  image_in_the_carveout_is_refused),
	UNIT_TEST("/board-dt/images/up-to-the-shared-window",
		  image_up_to_the_shared_window_is_understood),
	UNIT_TEST("/board-dt/images/tree-outside-ram",
		  tree_outside_ram_is_refused),
	UNIT_TEST("/board-dt/images/overlap", images_that_overlap_are_refused),
	UNIT_TEST("/board-dt/images/touch", images_that_touch_are_understood),
	UNIT_TEST("/board-dt/ranges/overlap-by-a-byte",
		  ranges_overlap_by_a_byte),
	UNIT_TEST("/board-dt/ranges/touch", ranges_that_touch_do_not_overlap),
	UNIT_TEST("/board-dt/ranges/empty", ranges_empty_do_not_overlap),
	UNIT_TEST("/board-dt/kernel/needs-its-image-size",
		  kernel_good_needs_its_image_size),
	UNIT_TEST("/board-dt/kernel/needs-its-file",
		  kernel_needs_at_least_its_file),
	UNIT_TEST("/board-dt/kernel/at-text-offset",
		  kernel_at_text_offset_is_good),
	UNIT_TEST("/board-dt/kernel/not-at-text-offset",
		  kernel_not_at_text_offset_is_refused),
	UNIT_TEST("/board-dt/kernel/too-small", kernel_too_small_is_refused),
	UNIT_TEST("/board-dt/kernel/no-magic",
		  kernel_without_magic_is_refused),
	UNIT_TEST("/board-dt/kernel/big-endian", kernel_big_endian_is_refused),
	UNIT_TEST("/board-dt/kernel/over-the-initrd",
		  kernel_over_the_initrd_is_refused),
	UNIT_TEST("/board-dt/kernel/beyond-ram", kernel_beyond_ram_is_refused),
	UNIT_TEST("/board-dt/kernel/over-the-carveout",
		  kernel_over_the_carveout_is_refused),
	UNIT_TEST("/board-dt/kernel/over-the-shared-window",
		  kernel_over_the_shared_window_is_refused),
	UNIT_TEST("/board-dt/kernel/over-the-tree",
		  kernel_over_the_tree_is_refused),
	UNIT_TEST("/board-dt/edit/leaves-the-physical-timer",
		  edit_leaves_the_physical_timer),
	UNIT_TEST("/board-dt/edit/leaves-a-good-tree", edit_leaves_a_good_tree),
	UNIT_TEST("/board-dt/edit/no-timer", edit_without_timer_is_refused),
	UNIT_TEST("/board-dt/edit/no-interrupts",
		  edit_without_interrupts_is_refused),
	UNIT_TEST("/board-dt/edit/one-interrupt",
		  edit_with_one_interrupt_is_refused),
	UNIT_TEST("/board-dt/edit/no-room", edit_without_room_is_refused),
	UNIT_TEST("/board-dt/edit/shared-window",
		  edit_tells_of_the_shared_window),
	UNIT_TEST("/board-dt/edit/another-hypervisor",
		  edit_with_another_hypervisor_is_refused),
	UNIT_TEST("/board-dt/edit/no-reserved-memory",
		  edit_without_reserved_memory_is_refused),
	UNIT_TEST("/board-dt/edit/no-room-for-the-window",
		  edit_without_room_for_the_window_is_refused),
	UNIT_TEST("/board-dt/damage/never-crashes", damage_never_crashes),
	UNIT_TEST("/board-dt/damage/kernel-header-never-overruns",
		  damaged_kernel_header_never_overruns),
};

int main(int argc, char **argv)
{
	int status = unit_main(argc, argv, tests, ARRAY_SIZE(tests));

	g_free(fdt);
	return status;
}
