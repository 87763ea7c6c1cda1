/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose each DMA master of the platform is. Not specified. Layer:
 * AbstractMachine.
 *
 * A device is the host's, as all are at boot, or one VM's. Its owner changes
 * with smmu and s2page held; either of them is enough to read it.
 */
#ifndef COREVISOR_CORE_DMA_OWNER_H
#define COREVISOR_CORE_DMA_OWNER_H

#include "core/types.h"

/**
 * struct dma_owner - who has a device
 * @vmid:  HOSTVISOR or a VM
 * @cbndx: a VM's bank that the device is for; it may have been freed
 */
struct dma_owner {
	vmid_t vmid;
	uint32_t cbndx;
};

/**
 * dma_device_at() - the device with registers at an address
 * @pa: any address
 *
 * Returns: its number in the platform's table; INVALID if there is none
 */
uint32_t dma_device_at(paddr_t pa);

/**
 * dma_device_owner() - whose is the device with registers at an address?
 * @pa: any address
 *
 * Returns: HOSTVISOR or a VM; INVALID if no DMA device is there
 */
uint32_t dma_device_owner(paddr_t pa);

/* Of a device by number. Locks: caller holds smmu or s2page. */
struct dma_owner dma_owner_get(uint32_t device);

/* Locks: caller holds smmu and s2page. */
void dma_owner_set(uint32_t device, struct dma_owner owner);

/* Of all devices in a row, for tools. */
const struct dma_owner *dma_owner_array(void);

/* All are the host's (tests). Locks: none; no other CPU runs. */
void dma_owner_reset(void);

#endif /* COREVISOR_CORE_DMA_OWNER_H */
