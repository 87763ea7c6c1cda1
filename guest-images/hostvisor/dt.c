/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board by its device tree. The tree comes from the firmware, which has
 * checked it; what is missing here ends the host with a message.
 */
#include "dt.h"

#include <libfdt.h>
#include <string.h>

#include "hypsec/abi.h"

struct board board;

static uint64_t read_cells(const fdt32_t *cells, int n)
{
	uint64_t value = 0;

	for (int i = 0; i < n; i++) {
		value = value << 32 | fdt32_to_cpu(cells[i]);
	}
	return value;
}

/* Range @index of @node's "reg", two cells each; false behind the last. */
static bool read_reg(const void *fdt, int node, int index, struct range *range)
{
	int len;
	const fdt32_t *cells = fdt_getprop(fdt, node, "reg", &len);

	if (cells == NULL || len < (index + 1) * 16) {
		return false;
	}
	range->base = read_cells(cells + index * 4, 2);
	range->size = read_cells(cells + index * 4 + 2, 2);
	return true;
}

static int need_node(const void *fdt, const char *compatible)
{
	int node = fdt_node_offset_by_compatible(fdt, -1, compatible);

	if (node < 0) {
		fatal("device tree: no node compatible with %s", compatible);
	}
	return node;
}

static void read_ram(const void *fdt)
{
	int node = -1;

	while ((node = fdt_node_offset_by_prop_value(fdt, node, "device_type",
						     "memory", 7)) >= 0) {
		for (int i = 0; board.nr_ram < DT_MAX_RANGES &&
				read_reg(fdt, node, i,
					 &board.ram[board.nr_ram]); i++) {
			board.nr_ram++;
		}
	}
	if (board.nr_ram == 0) {
		fatal("device tree: no memory");
	}
}

static void read_reserved(const void *fdt)
{
	int parent = fdt_path_offset(fdt, "/reserved-memory");
	int node;

	if (parent < 0) {
		return;
	}
	fdt_for_each_subnode(node, fdt, parent) {
		if (board.nr_reserved == DT_MAX_RANGES) {
			fatal("device tree: too much reserved memory");
		}
		if (read_reg(fdt, node, 0, &board.reserved[board.nr_reserved])) {
			board.nr_reserved++;
		}
	}
}

static void read_cpus(const void *fdt)
{
	int parent = fdt_path_offset(fdt, "/cpus");
	int node;

	fdt_for_each_subnode(node, fdt, parent) {
		const char *type = fdt_getprop(fdt, node, "device_type", NULL);
		int len;
		const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &len);

		if (type == NULL || strnlen(type, 4) != 3 || reg == NULL ||
		    memcmp(type, "cpu", 3) != 0 ||
		    board.nr_cpus == MAX_CPUS) {
			continue;
		}
		board.mpidr[board.nr_cpus++] = read_cells(reg, len / 4);
	}
	if (board.nr_cpus == 0) {
		fatal("device tree: no CPUs");
	}
}

static uint64_t read_number(const void *fdt, int node, const char *name)
{
	int len;
	const fdt32_t *cells = fdt_getprop(fdt, node, name, &len);

	return cells != NULL && (len == 4 || len == 8) ?
	       read_cells(cells, len / 4) : 0;
}

static void read_chosen(const void *fdt)
{
	int node = fdt_path_offset(fdt, "/chosen");
	uint64_t start = read_number(fdt, node, "linux,initrd-start");
	uint64_t end = read_number(fdt, node, "linux,initrd-end");
	int len;
	const char *args = fdt_getprop(fdt, node, "bootargs", &len);

	board.bootargs = args != NULL && len > 0 && args[len - 1] == '\0' ?
			 args : "";
	if (start != 0 && end > start) {
		board.initrd = (struct range){ start, end - start };
	}
}

static void read_gic(const void *fdt)
{
	int node = fdt_node_offset_by_compatible(fdt, -1, "arm,gic-v3");
	int ranges = 2;

	board.gic_version = 3;
	if (node < 0) {
		node = need_node(fdt, "arm,cortex-a15-gic");
		board.gic_version = 2;
		ranges = 4;
	}
	for (int i = 0; i < ranges; i++) {
		if (!read_reg(fdt, node, i, &board.gic[i])) {
			fatal("device tree: GIC without its registers");
		}
	}
}

/* Those who have an SMMU before them may have none, and be absent. */
static void read_dma(const void *fdt)
{
	int node = -1;

	for (unsigned int i = 0; i < ARRAY_SIZE(board.smmu); i++) {
		node = fdt_node_offset_by_compatible(fdt, node, "arm,mmu-500");
		if (node < 0 || !read_reg(fdt, node, 0, &board.smmu[i])) {
			break;
		}
	}
	node = fdt_node_offset_by_compatible(fdt, -1, "hypsec,dma");
	if (node >= 0) {
		read_reg(fdt, node, 0, &board.dma);
	}
}

/**
 * dt_read() - fill in "board"
 * @fdt: the host's device tree
 */
void dt_read(const void *fdt)
{
	int node;

	if (fdt_check_header(fdt) != 0) {
		fatal("there is no device tree at 0x%lx",
		      (uint64_t)(uintptr_t)fdt);
	}
	board.dtb = (struct range){ (uintptr_t)fdt, fdt_totalsize(fdt) };
	read_ram(fdt);
	read_reserved(fdt);
	read_cpus(fdt);
	read_chosen(fdt);
	read_gic(fdt);
	node = need_node(fdt, "arm,pl011");
	if (!read_reg(fdt, node, 0, &board.uart)) {
		fatal("device tree: PL011 without its registers");
	}
	read_dma(fdt);
	node = fdt_node_offset_by_compatible(fdt, -1,
					     HYPSEC_SHARED_COMPATIBLE);
	if (node >= 0) {
		read_reg(fdt, node, 0, &board.shared);
	}
}
