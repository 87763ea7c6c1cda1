/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DMA masters of the platform that a VM can be given. Not specified. Layer:
 * above MmioCore and PageManager.
 *
 * A device is the host's or one VM's. Who owns it changes with smmu and s2page
 * held; either of them is enough to read it.
 */
#ifndef COREVISOR_CORE_DMA_DEVICE_H
#define COREVISOR_CORE_DMA_DEVICE_H

#include "core/types.h"

/**
 * dma_device_owner() - whose is the device with registers at an address?
 * @pa: any address
 *
 * Returns: HOSTVISOR or a VM; INVALID if no DMA device is there
 */
uint32_t dma_device_owner(paddr_t pa);

/**
 * dma_device_set_stream() - SMMU_SET_STREAM
 * @index:  SMMU
 * @stream: stream id
 * @cbndx:  bank
 *
 * Locks: takes smmu, vm, s2page; caller holds none
 */
enum hv_status WARN_UNUSED dma_device_set_stream(uint32_t index,
						 uint32_t stream,
						 uint32_t cbndx);

/**
 * dma_device_accept() - ACCEPT_DEVICE: a VM lets its devices do DMA
 * @vmid: the VM that runs
 * @gpa:  IPA in bytes; rounded outwards as grant_stage2_sg_gpa() does
 * @size: bytes
 *
 * Locks: takes smmu, s2page; caller holds none
 */
enum hv_status WARN_UNUSED dma_device_accept(vmid_t vmid, uint64_t gpa,
					     uint64_t size);

/**
 * dma_device_stop_vm() - nothing of a VM's does DMA any more
 * @vmid: a VM whose stage-2 table maps nothing
 *
 * Its devices are reset and the host's again, its banks map nothing.
 * Locks: takes s2page, spt; caller holds smmu and vm[vmid]
 */
void dma_device_stop_vm(vmid_t vmid);

#endif /* COREVISOR_CORE_DMA_DEVICE_H */
