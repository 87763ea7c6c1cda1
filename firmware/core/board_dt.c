/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the device tree says about the board, checked. Layer: boot.
 * Locks: none, boot CPU only.
 *
 * The tree may come from a user's file: it is hostile until checked. libfdt
 * checks its structure once (fdt_check_full); this file checks its meaning.
 */
#include "core/board_dt.h"

#include <libfdt.h>
#include <string.h>

#include "hypsec/abi.h"

/* Offsets in an arm64 Image's header (Linux booting.rst). */
#define IMAGE_TEXT_OFFSET	8
#define IMAGE_SIZE		16
#define IMAGE_FLAGS		24
#define IMAGE_MAGIC		56
#define IMAGE_FLAG_BIG_ENDIAN	BIT(0)

/* Cells of one GIC interrupt, and the EL1 physical timer's place. */
#define GIC_INTERRUPT_BYTES	12
#define TIMER_PHYS_INDEX	1

bool pa_ranges_overlap(struct pa_range a, struct pa_range b)
{
	return a.size != 0 && b.size != 0 && a.base < b.base + b.size &&
	       b.base < a.base + a.size;
}

static bool range_is_valid(struct pa_range range)
{
	return range.size != 0 && range.base < KVM_PHYS_SIZE &&
	       range.size <= KVM_PHYS_SIZE - range.base;
}

static bool range_contains(struct pa_range outer, struct pa_range inner)
{
	return inner.base >= outer.base && inner.size <= outer.size &&
	       inner.base - outer.base <= outer.size - inner.size;
}

static bool in_ram(const struct board_info *info, struct pa_range range)
{
	for (uint32_t i = 0; i < info->nr_memory; i++) {
		if (range_contains(info->memory[i], range)) {
			return true;
		}
	}
	return false;
}

/* A number of one or two cells. */
static uint64_t read_cells(const fdt32_t *cells, int n)
{
	uint64_t value = 0;

	for (int i = 0; i < n; i++) {
		value = value << 32 | fdt32_to_cpu(cells[i]);
	}
	return value;
}

/* Property @name of @node if it has exactly @bytes, else NULL. */
static const fdt32_t *get_exact(const void *fdt, int node, const char *name,
				int bytes)
{
	int len;
	const fdt32_t *cells = fdt_getprop(fdt, node, name, &len);

	return cells != NULL && len == bytes ? cells : NULL;
}

/* Four cells: base and size. */
static bool get_range(const void *fdt, int node, const char *name,
		      struct pa_range *range)
{
	const fdt32_t *cells = get_exact(fdt, node, name, 16);

	if (cells == NULL) {
		return false;
	}
	range->base = read_cells(cells, 2);
	range->size = read_cells(cells + 2, 2);
	return range_is_valid(*range);
}

static bool property_is(const void *fdt, int node, const char *name,
			const char *value)
{
	const char *text;
	int len;

	text = fdt_getprop(fdt, node, name, &len);
	return text != NULL && fdt_stringlist_contains(text, len, value) == 1;
}

static const char *parse_memory_node(const void *fdt, int node,
				     struct board_info *info)
{
	const fdt32_t *cells;
	int len;

	cells = fdt_getprop(fdt, node, "reg", &len);
	if (cells == NULL || len == 0 || len % 16 != 0) {
		return "memory node: reg is missing or malformed";
	}
	for (int i = 0; i < len / 16; i++) {
		struct pa_range range = {
			.base = read_cells(cells + 4 * i, 2),
			.size = read_cells(cells + 4 * i + 2, 2),
		};

		if (!range_is_valid(range) ||
		    ((range.base | range.size) & (PAGE_SIZE - 1)) != 0) {
			return "memory node: range is empty, unaligned or "
			       "beyond 40 bits";
		}
		if (info->nr_memory == MAX_MEMBLOCK_NUM) {
			return "too many memory ranges";
		}
		info->memory[info->nr_memory++] = range;
	}
	return NULL;
}

static const char *parse_memory(const void *fdt, struct board_info *info)
{
	int node;

	if (fdt_address_cells(fdt, 0) != 2 || fdt_size_cells(fdt, 0) != 2) {
		return "root node: #address-cells and #size-cells must be 2";
	}
	fdt_for_each_subnode(node, fdt, 0) {
		if (property_is(fdt, node, "device_type", "memory")) {
			const char *error = parse_memory_node(fdt, node, info);

			if (error != NULL) {
				return error;
			}
		}
	}
	return info->nr_memory == 0 ? "no memory node" : NULL;
}

static const char *parse_cpus(const void *fdt, struct board_info *info)
{
	int cpus = fdt_path_offset(fdt, "/cpus");
	int cells = fdt_address_cells(fdt, cpus);
	int node;

	if (cpus < 0 || cells < 1 || cells > 2) {
		return "/cpus is missing or malformed";
	}
	fdt_for_each_subnode(node, fdt, cpus) {
		const fdt32_t *reg;

		if (!property_is(fdt, node, "device_type", "cpu")) {
			continue;
		}
		reg = get_exact(fdt, node, "reg", cells * 4);
		if (reg == NULL) {
			return "cpu node: reg is missing or malformed";
		}
		if (info->nr_cpus == TOTAL_CPU) {
			return "more CPUs than the firmware supports";
		}
		info->mpidr[info->nr_cpus++] = read_cells(reg, cells);
	}
	return info->nr_cpus == 0 ? "no cpu node" : NULL;
}

static const char *parse_carveout(const void *fdt, const struct board_info *info)
{
	int node = fdt_node_offset_by_compatible(fdt, -1, "hypsec,el2-carveout");
	struct pa_range range;

	if (node < 0 || !get_range(fdt, node, "reg", &range) ||
	    fdt_getprop(fdt, node, "no-map", NULL) == NULL) {
		return "no reserved-memory node for the carve-out";
	}
	if (range.base != info->carveout.base ||
	    range.size != info->carveout.size) {
		return "carve-out differs from the boot block's";
	}
	return in_ram(info, range) ? NULL : "the carve-out is not RAM";
}

static const char *place_shared_window(struct board_info *info)
{
	/* The carve-out is RAM, and RAM begins far above 0. */
	info->shared = (struct pa_range){
		.base = info->carveout.base - HYPSEC_SHARED_SIZE,
		.size = HYPSEC_SHARED_SIZE,
	};
	return in_ram(info, info->shared) ?
		       NULL : "no RAM below the carve-out for the shared window";
}

static const char *parse_chosen(const void *fdt, struct board_info *info)
{
	int node = fdt_path_offset(fdt, "/chosen");

	if (node < 0) {
		return "/chosen is missing";
	}
	if (fdt_getprop(fdt, node, "hypsec,kernel", NULL) != NULL &&
	    !get_range(fdt, node, "hypsec,kernel", &info->kernel)) {
		return "/chosen: hypsec,kernel is malformed";
	}
	if (fdt_getprop(fdt, node, "hypsec,initrd", NULL) != NULL &&
	    !get_range(fdt, node, "hypsec,initrd", &info->initrd)) {
		return "/chosen: hypsec,initrd is malformed";
	}
	return NULL;
}

static const char *parse_psci(const void *fdt)
{
	int node = fdt_path_offset(fdt, "/psci");

	if (node < 0 || !property_is(fdt, node, "method", "smc")) {
		return "/psci is missing or its method is not smc";
	}
	return NULL;
}

/* Everything loaded must be RAM of the host's, each in its own place. */
static const char *check_loaded(const struct board_info *info)
{
	const struct pa_range loaded[] = {
		info->dtb, info->kernel, info->initrd,
	};

	for (size_t i = 0; i < ARRAY_SIZE(loaded); i++) {
		if (loaded[i].size == 0) {
			continue;
		}
		if (!in_ram(info, loaded[i]) ||
		    pa_ranges_overlap(loaded[i], info->carveout)) {
			return "a loaded image is not in the host's RAM";
		}
		if (pa_ranges_overlap(loaded[i], info->shared)) {
			return "a loaded image lies in the shared window, the "
			       "last 512 KiB below the carve-out";
		}
		for (size_t j = 0; j < i; j++) {
			if (pa_ranges_overlap(loaded[i], loaded[j])) {
				return "loaded images overlap";
			}
		}
	}
	return NULL;
}

const char *board_dt_parse(const void *fdt, uint64_t bytes,
			   struct board_info *info)
{
	const char *error;

	/* libfdt reads at any alignment, read_cells() does not. */
	if (fdt_check_full(fdt, bytes) != 0 ||
	    fdt_off_dt_struct(fdt) % sizeof(fdt32_t) != 0) {
		return "the tree is malformed";
	}
	info->dtb.size = fdt_totalsize(fdt);
	error = parse_memory(fdt, info);
	if (error == NULL) {
		error = parse_cpus(fdt, info);
	}
	if (error == NULL) {
		error = parse_carveout(fdt, info);
	}
	if (error == NULL) {
		error = place_shared_window(info);
	}
	if (error == NULL) {
		error = parse_chosen(fdt, info);
	}
	if (error == NULL) {
		error = parse_psci(fdt);
	}
	return error != NULL ? error : check_loaded(info);
}

/* A little-endian number at any alignment. */
static uint64_t read_le64(const uint8_t *bytes)
{
	uint64_t value = 0;

	for (int i = 7; i >= 0; i--) {
		value = value << 8 | bytes[i];
	}
	return value;
}

const char *board_dt_check_kernel(const void *header, struct board_info *info)
{
	static const uint8_t magic[] = { 'A', 'R', 'M', 0x64 };
	const uint8_t *bytes = header;
	uint64_t text_offset;
	struct pa_range needs;

	if (info->kernel.size < IMAGE_MAGIC + sizeof(magic)) {
		return "the kernel is too small to be an arm64 Image";
	}
	for (size_t i = 0; i < sizeof(magic); i++) {
		if (bytes[IMAGE_MAGIC + i] != magic[i]) {
			return "the kernel is not an arm64 Image";
		}
	}
	if ((read_le64(bytes + IMAGE_FLAGS) & IMAGE_FLAG_BIG_ENDIAN) != 0) {
		return "the kernel is big-endian";
	}
	text_offset = read_le64(bytes + IMAGE_TEXT_OFFSET);
	needs = (struct pa_range){
		.base = info->kernel.base,
		.size = read_le64(bytes + IMAGE_SIZE),
	};
	if (((needs.base - text_offset) & (PMD_SIZE - 1)) != 0) {
		return "the kernel is not at text_offset of a 2 MiB boundary";
	}
	if (needs.size < info->kernel.size) {
		needs.size = info->kernel.size;
	}
	if (!range_is_valid(needs) || !in_ram(info, needs) ||
	    pa_ranges_overlap(needs, info->carveout) ||
	    pa_ranges_overlap(needs, info->initrd) ||
	    pa_ranges_overlap(needs, info->dtb)) {
		return "the kernel has no room for its image_size";
	}
	if (pa_ranges_overlap(needs, info->shared)) {
		return "the kernel's image_size reaches the shared window, the "
		       "last 512 KiB below the carve-out";
	}
	info->kernel_bytes = needs.size;
	return NULL;
}

/* Leaves only the EL1 physical timer's interrupt. */
static int edit_timer(void *fdt, int node)
{
	uint8_t phys[GIC_INTERRUPT_BYTES];
	const uint8_t *interrupts = fdt_getprop(fdt, node, "interrupts", NULL);
	int error;

	for (int i = 0; i < GIC_INTERRUPT_BYTES; i++) {
		phys[i] = interrupts[TIMER_PHYS_INDEX * GIC_INTERRUPT_BYTES + i];
	}
	error = fdt_setprop(fdt, node, "interrupts", phys, GIC_INTERRUPT_BYTES);
	return error != 0 ? error :
			    fdt_setprop(fdt, node, "interrupt-names", "phys",
					sizeof("phys"));
}

/* A child of @parent with the window in its reg; negative: an FDT_ERR_. */
static int add_window_node(void *fdt, int parent, const char *name,
			   const struct board_info *info)
{
	const fdt64_t reg[] = {
		cpu_to_fdt64(info->shared.base),
		cpu_to_fdt64(info->shared.size),
	};
	int node = fdt_add_subnode(fdt, parent, name);
	int error;

	if (node < 0) {
		return node;
	}
	error = fdt_setprop(fdt, node, "reg", reg, sizeof(reg));
	return error != 0 ? error : node;
}

/* Appends @value in lower-case hexadecimal, as a node's name has it. */
static void append_hex(char *text, uint64_t value)
{
	int digits = 1;

	while (digits < 16 && value >> (4 * digits) != 0) {
		digits++;
	}
	text += strlen(text);
	for (int i = digits - 1; i >= 0; i--) {
		*text++ = "0123456789abcdef"[value >> (4 * i) & 0xf];
	}
	*text = '\0';
}

/* Tells where the window is, and, in @reserved, that it is nobody's memory. */
static int add_shared_window(void *fdt, int reserved,
			     const struct board_info *info)
{
	char name[sizeof("hypsec-shared@") + 16] = "hypsec-shared@";
	int error;
	int node;

	append_hex(name, info->shared.base);
	node = add_window_node(fdt, reserved, name, info);
	if (node < 0) {
		return node;
	}
	error = fdt_setprop(fdt, node, "no-map", NULL, 0);
	if (error != 0) {
		return error;
	}
	node = add_window_node(fdt, 0, "hypervisor", info);
	if (node < 0) {
		return node;
	}
	error = fdt_setprop_u32(fdt, node, "hypsec,abi-version",
				HYPSEC_ABI_VERSION);
	return error != 0 ? error :
			    fdt_setprop(fdt, node, "compatible",
					HYPSEC_SHARED_COMPATIBLE,
					sizeof(HYPSEC_SHARED_COMPATIBLE));
}

const char *board_dt_edit_for_host(void *fdt, const struct board_info *info)
{
	int node = fdt_node_offset_by_compatible(fdt, -1, "arm,armv8-timer");
	int error;
	int len;

	if (node < 0) {
		return "no timer node";
	}
	if (fdt_getprop(fdt, node, "interrupts", &len) == NULL ||
	    len < (TIMER_PHYS_INDEX + 1) * GIC_INTERRUPT_BYTES) {
		return "timer node: interrupts is missing or too short";
	}
	if (edit_timer(fdt, node) != 0) {
		return "no room to edit the timer node";
	}
	/* Not before: what was deleted may have been in front of it. */
	node = fdt_path_offset(fdt, "/reserved-memory");
	if (node < 0) {
		return "no /reserved-memory node, where the shared window's "
		       "belongs";
	}
	error = add_shared_window(fdt, node, info);
	if (error == -FDT_ERR_EXISTS) {
		return "there is a /hypervisor node already";
	}
	return error == 0 ? NULL :
			    "no room to add the nodes of the shared window";
}
