/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the core asks of the board. Provided by plat/ and by the host build.
 * Layer: AbstractMachine.
 */
#ifndef COREVISOR_CORE_PLATFORM_H
#define COREVISOR_CORE_PLATFORM_H

#include "core/types.h"

/* Marks the inspection page as panicked and tells the board, once. */
void platform_report_panic(void);

/**
 * platform_host_device() - may the host map this device address?
 * @pa:    first byte
 * @bytes: length, at least 1
 *
 * Returns: true if the whole range lies inside one window of devices that are
 * the host's
 */
bool platform_host_device(paddr_t pa, uint64_t bytes);

/* The page that devices write to signal interrupts. */
paddr_t platform_msi_page(void);

/**
 * struct dma_device - a DMA master of the platform that a VM can be given
 * @base:   PA of its registers, page aligned
 * @bytes:  their size, a multiple of a page
 * @smmu:   the SMMU that it is behind
 * @stream: its stream id there, which no other device has
 * @reset:  stops it, and has it forget what it was told; done at return
 */
struct dma_device {
	paddr_t base;
	uint64_t bytes;
	uint32_t smmu;
	uint32_t stream;
	void (*reset)(paddr_t base);
};

/* There are not more than this. */
#define MAX_DMA_DEVICES 8u

/**
 * platform_dma_devices() - those masters
 * @devices: where the address of the first goes
 *
 * Returns: how many; they never change
 */
uint32_t platform_dma_devices(const struct dma_device **devices);

#endif /* COREVISOR_CORE_PLATFORM_H */
