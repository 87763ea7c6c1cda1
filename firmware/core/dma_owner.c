/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose each DMA master of the platform is. Layer: AbstractMachine.
 */
#include "core/dma_owner.h"

#include "core/locks.h"
#include "core/panic.h"
#include "core/platform.h"
#include "core/spec_constants.h"

/* By number in the platform's table. */
static struct dma_owner owners[MAX_DMA_DEVICES];
_Static_assert(HOSTVISOR == 0, "all are the host's at boot");
_Static_assert(offsetof(struct dma_owner, vmid) == 0 &&
	       offsetof(struct dma_owner, cbndx) == 4 &&
	       offsetof(struct dma_device, base) == 0 &&
	       offsetof(struct dma_device, bytes) == 8 &&
	       offsetof(struct dma_device, smmu) == 16 &&
	       offsetof(struct dma_device, stream) == 20, "told by inspect.h");

const struct dma_owner *dma_owner_array(void)
{
	return owners;
}

uint32_t dma_device_at(paddr_t pa)
{
	const struct dma_device *devices;
	uint32_t n = platform_dma_devices(&devices);

	ASSERT(n <= MAX_DMA_DEVICES);
	for (uint32_t i = 0; i < n; i++) {
		if (pa - devices[i].base < devices[i].bytes) {
			return i;
		}
	}
	return INVALID;
}

struct dma_owner dma_owner_get(uint32_t device)
{
	ASSERT(device < MAX_DMA_DEVICES &&
	       (lock_smmu_is_held() || lock_s2page_is_held()));
	return owners[device];
}

uint32_t dma_device_owner(paddr_t pa)
{
	uint32_t device = dma_device_at(pa);

	return device == INVALID ? INVALID : dma_owner_get(device).vmid;
}

void dma_owner_set(uint32_t device, struct dma_owner owner)
{
	ASSERT(device < MAX_DMA_DEVICES && owner.vmid < COREVISOR &&
	       lock_smmu_is_held() && lock_s2page_is_held());
	owners[device] = owner;
}

void dma_owner_reset(void)
{
	for (uint32_t i = 0; i < MAX_DMA_DEVICES; i++) {
		owners[i] = (struct dma_owner){ .vmid = HOSTVISOR };
	}
}
