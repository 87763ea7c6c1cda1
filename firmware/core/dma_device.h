/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DMA masters of the platform that a VM can be given. Not specified. Layer:
 * MmioOps, beside SmmuOps.
 *
 * From SET_STREAM on a device is the VM's: its registers are out of the
 * host's reach, and it does no DMA until the VM has accepted it. It is the
 * host's again when the VM's memory is taken away.
 */
#ifndef COREVISOR_CORE_DMA_DEVICE_H
#define COREVISOR_CORE_DMA_DEVICE_H

#include "core/types.h"

/**
 * dma_device_set_stream() - say which bank a device uses, and whose it is
 * @index:  SMMU
 * @stream: its stream id
 * @cbndx:  EL2's bank, one of the host's, or one of a VM that is READY
 *
 * Locks:   takes smmu, vm, s2page, then pt or spt; caller holds none
 * Returns: HV_OK; HV_ENOTSUP without an SMMU; HV_EINVAL for a number out of
 *	    range or the stream of no such device; HV_EPERM if the device is a
 *	    VM's, the bank free, or its VM not READY; HV_EBUSY if the bank is
 *	    being freed, or an entry of the host's matches the stream. Nothing
 *	    has changed on an error
 * Refuses: the above - host can reach this
 */
enum hv_status WARN_UNUSED dma_device_set_stream(uint32_t index,
						 uint32_t stream,
						 uint32_t cbndx);

/**
 * dma_device_accept() - a VM lets devices of its own do DMA
 * @vmid: the VM that runs
 * @gpa:  IPA in bytes; rounded down to a page
 * @size: bytes; the end is rounded up to a page
 *
 * Locks:   takes smmu, s2page, then pt or spt; caller holds none
 * Returns: HV_OK, also for no bytes, or once more; HV_EINVAL for a range
 *	    beyond 2^40 or of more than MAX_PAGES_PER_CALL pages; HV_EPERM if a
 *	    page of it is not where the VM maps registers of a device that it
 *	    owns. Nothing has changed on an error
 * Refuses: the above - a VM can reach this
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
