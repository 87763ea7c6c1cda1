/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the core asks of the hypsec-virt board; windows.c has the rest.
 */
#include "core/platform.h"

#include "arch/barrier.h"
#include "arch/mmu.h"
#include "core/mmio_raw.h"
#include "core/panic.h"
#include "hypsec/dma.h"
#include "plat/hypsec-virt/memmap.h"
#include "plat/hypsec-virt/plat.h"

/* Platform masters are behind the second SMMU. */
#define DMA_SMMU 1

static struct hypsec_inspect *inspect;
static struct dma_device dma_devices[HYPSEC_DMA_CHANNELS];
static uint32_t nr_dma_devices;
_Static_assert(HYPSEC_DMA_CHANNELS <= MAX_DMA_DEVICES, "all of them fit");

void platform_set_inspect(struct hypsec_inspect *page)
{
	inspect = page;
}

void platform_report_panic(void)
{
	volatile uint8_t *pvpanic =
		(volatile uint8_t *)DEVICE_VA(DEVICE_PVPANIC);

	if (inspect != NULL) {
		inspect->panicked = 1;
	}
	*pvpanic = PVPANIC_PANICKED;
}

static void reset_channel(paddr_t base)
{
	writel_relaxed(HYPSEC_DMA_CTRL_RESET, base + HYPSEC_DMA_CTRL);
	/* It has arrived, before an SMMU is told anything. */
	(void)readl_relaxed(base + HYPSEC_DMA_CTRL);
	barrier_dsb_sy();
}

void platform_set_dma_channels(uint64_t n)
{
	if (n > HYPSEC_DMA_CHANNELS) {
		panic("boot block: %lu DMA channels", n);
	}
	nr_dma_devices = (uint32_t)n;
	for (uint32_t i = 0; i < nr_dma_devices; i++) {
		dma_devices[i] = (struct dma_device){
			.base = DMA_BASE + i * HYPSEC_DMA_CHANNEL_BYTES,
			.bytes = HYPSEC_DMA_CHANNEL_BYTES,
			.smmu = DMA_SMMU,
			.stream = HYPSEC_DMA_STREAM_BASE + i,
			.reset = reset_channel,
		};
	}
}

uint32_t platform_dma_devices(const struct dma_device **devices)
{
	*devices = dma_devices;
	return nr_dma_devices;
}
