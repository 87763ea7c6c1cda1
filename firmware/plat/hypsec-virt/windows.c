/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which device addresses of the hypsec-virt board are the host's. Touches no
 * device, so that the native unit tests check this very table.
 */
#include "core/platform.h"
#include "core/spec_constants.h"
#include "plat/hypsec-virt/plat.h"

struct device_window {
	paddr_t base;
	uint64_t bytes;
};

/*
 * Devices below RAM that are the host's. Everything else there is EL2's or
 * empty: flash, UART1, the SMMUs, pvpanic and the injector are left out.
 */
static const struct device_window host_windows[] = {
	{ 0x08000000, 0x00050000 },	/* GICv2: D, C, v2m, H, V; GICv3: D */
	{ 0x080a0000, 0x00100000 },	/* GICv3 redistributors of 8 CPUs */
	{ 0x09000000, 0x00001000 },	/* UART0 */
	{ 0x09010000, 0x00001000 },	/* RTC */
	{ 0x09020000, 0x00001000 },	/* fw_cfg */
	{ 0x09030000, 0x00001000 },	/* GPIO */
	{ 0x0a000000, 0x00004000 },	/* virtio-mmio */
	{ 0x0b010000, 0x00008000 },	/* hypsec-dma */
	{ 0x10000000, 0x2eff0000 },	/* PCIe memory */
	{ 0x3eff0000, 0x00010000 },	/* PCIe I/O */
	{ 0x3f000000, 0x01000000 },	/* PCIe ECAM */
};

bool platform_host_device(paddr_t pa, uint64_t bytes)
{
	for (size_t i = 0; i < ARRAY_SIZE(host_windows); i++) {
		const struct device_window *window = &host_windows[i];

		if (pa >= window->base && bytes <= window->bytes &&
		    pa - window->base <= window->bytes - bytes) {
			return true;
		}
	}
	return false;
}

paddr_t platform_msi_page(void)
{
	/* GICv2m */
	return 0x08020000;
}

uint64_t platform_partial_blocks(void)
{
	uint64_t blocks = 0;

	for (size_t i = 0; i < ARRAY_SIZE(host_windows); i++) {
		paddr_t base = host_windows[i].base;
		paddr_t end = base + host_windows[i].bytes;

		blocks += (base & (PMD_SIZE - 1)) != 0 ? 1 : 0;
		blocks += (end & (PMD_SIZE - 1)) != 0 ? 1 : 0;
	}
	return blocks;
}
