/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which device addresses of the hypsec-virt board are the host's, and which
 * devices do DMA. Touches no device, so that the native unit tests check these
 * very tables.
 */
#include "core/platform.h"
#include "core/spec_constants.h"
#include "hypsec/dma.h"
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
	{ 0x10000000, 0x2eff0000 },	/* PCIe memory */
	{ 0x3eff0000, 0x00010000 },	/* PCIe I/O */
	{ 0x3f000000, 0x01000000 },	/* PCIe ECAM */
};

/* hypsec-dma's channels, behind the second SMMU. */
#define DMA_CHANNEL(n) {						\
	.regs = 0x0b010000 + (n) * HYPSEC_DMA_CHANNEL_BYTES,		\
	.index = 1,							\
	.stream = HYPSEC_DMA_STREAM_BASE + (n),				\
}

static const struct platform_dma_device dma_devices[] = {
	DMA_CHANNEL(0), DMA_CHANNEL(1), DMA_CHANNEL(2), DMA_CHANNEL(3),
	DMA_CHANNEL(4), DMA_CHANNEL(5), DMA_CHANNEL(6), DMA_CHANNEL(7),
};
_Static_assert(ARRAY_SIZE(dma_devices) == HYPSEC_DMA_CHANNELS, "all of them");

uint32_t platform_dma_devices(const struct platform_dma_device **devices)
{
	*devices = dma_devices;
	return ARRAY_SIZE(dma_devices);
}

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
