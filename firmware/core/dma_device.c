/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DMA masters of the platform that a VM can be given. Layer: MmioOps, on
 * MemoryOps, MmioCore and SmmuOps.
 * Locks: takes smmu, then vm, then s2page, then pt or spt.
 *
 * A device that changes hands does no DMA until its new owner says so: its
 * stream faults first; when nobody can reach its registers any more it is
 * reset; only then its stream leads anywhere.
 */
#include "core/dma_device.h"

#include "core/dma_owner.h"
#include "core/locks.h"
#include "core/memory_ops.h"
#include "core/npt_ops.h"
#include "core/platform.h"
#include "core/smmu_cfg.h"
#include "core/smmu_hw.h"
#include "core/smmu_ops.h"
#include "core/smmu_streams.h"
#include "core/spec_constants.h"
#include "core/violation.h"
#include "core/vm_info.h"

static const struct dma_device *device_of(uint32_t number)
{
	const struct dma_device *devices;

	platform_dma_devices(&devices);
	return &devices[number];
}

/* The number of the device with a stream, INVALID if there is none. */
static uint32_t find_device(uint32_t index, uint32_t stream)
{
	const struct dma_device *devices;
	uint32_t n = platform_dma_devices(&devices);

	for (uint32_t i = 0; i < n; i++) {
		if (devices[i].smmu == index && devices[i].stream == stream) {
			return i;
		}
	}
	return INVALID;
}

static void set_owner(uint32_t number, struct dma_owner owner)
{
	const struct dma_device *device = device_of(number);

	acquire_lock_s2page();
	dma_owner_set(number, owner);
	if (owner.vmid != HOSTVISOR) {
		for (uint64_t i = 0; i < device->bytes; i += PAGE_SIZE) {
			clear_pfn_host((device->base + i) >> PAGE_SHIFT);
		}
	}
	release_lock_s2page();
}

/* The device becomes a VM's. With smmu and vm held, after all checks. */
static void give(uint32_t number, vmid_t vmid, uint32_t cbndx)
{
	const struct dma_device *device = device_of(number);

	smmu_streams_set(device->smmu, device->stream, vmid,
			 SMMU_STREAM_FAULT);
	set_owner(number, (struct dma_owner){ .vmid = vmid, .cbndx = cbndx });
	/* Nobody can tell it anything now: what the host has told it ends. */
	device->reset(device->base);
}

static enum hv_status set_for_vm(uint32_t number, vmid_t vmid, uint32_t cbndx)
{
	const struct dma_device *device = device_of(number);
	enum hv_status status;

	if (get_vm_state(vmid) != READY) {
		return refuse(HV_EPERM, "the VM is not being set up");
	}
	status = smmu_streams_can_set(device->smmu, device->stream);
	if (status == HV_OK) {
		give(number, vmid, cbndx);
	}
	return status;
}

static enum hv_status set_for_host(uint32_t number, uint32_t cbndx)
{
	const struct dma_device *device = device_of(number);
	enum hv_status status;

	status = smmu_streams_can_set(device->smmu, device->stream);
	if (status == HV_OK) {
		smmu_streams_set(device->smmu, device->stream, HOSTVISOR,
				 cbndx);
	}
	return status;
}

/* With smmu held. */
static enum hv_status set_stream_locked(uint32_t number, uint32_t cbndx)
{
	enum hv_status status;
	vmid_t owner;

	if (dma_owner_get(number).vmid != HOSTVISOR) {
		return refuse(HV_EPERM, "the device is a VM's");
	}
	if (cbndx == SMMU_IDENTITY_BANK) {
		return set_for_host(number, cbndx);
	}
	status = smmu_ops_bank_owner(cbndx, device_of(number)->smmu, &owner);
	if (status != HV_OK) {
		return status;
	}
	if (owner == HOSTVISOR) {
		return set_for_host(number, cbndx);
	}
	acquire_lock_vm(owner);
	status = set_for_vm(number, owner, cbndx);
	release_lock_vm(owner);
	return status;
}

enum hv_status dma_device_set_stream(uint32_t index, uint32_t stream,
				     uint32_t cbndx)
{
	enum hv_status status = smmu_ops_check(cbndx, index);
	uint32_t number;

	if (status != HV_OK) {
		return status;
	}
	number = find_device(index, stream);
	if (number == INVALID) {
		return refuse(HV_EINVAL, "no DMA device has the stream");
	}
	acquire_lock_smmu();
	status = set_stream_locked(number, cbndx);
	release_lock_smmu();
	return status;
}

/*
 * The device of @vmid's with registers where it maps @gpa; INVALID if there is
 * none, or its bank is the VM's no more. With smmu and s2page held.
 */
static uint32_t own_device_at(vmid_t vmid, ipa_t gpa)
{
	uint32_t number = dma_device_at(memory_ops_pfn_at(vmid, gpa) <<
					PAGE_SHIFT);
	struct dma_owner owner;

	if (number == INVALID) {
		return INVALID;
	}
	owner = dma_owner_get(number);
	return owner.vmid == vmid &&
	       get_smmu_cfg_vmid(owner.cbndx, device_of(number)->smmu) ==
		       vmid ? number : INVALID;
}

/* The devices with registers in a range, as a mask; 0 unless it is full. */
static uint32_t own_devices_in(vmid_t vmid, ipa_t start, ipa_t end)
{
	uint32_t devices = 0;

	for (ipa_t gpa = start; gpa < end; gpa += PAGE_SIZE) {
		uint32_t number = own_device_at(vmid, gpa);

		if (number == INVALID) {
			return 0;
		}
		devices |= UINT32_C(1) << number;
	}
	return devices;
}

enum hv_status dma_device_accept(vmid_t vmid, uint64_t gpa, uint64_t size)
{
	enum hv_status status;
	uint32_t devices;
	ipa_t start, end;

	status = memory_ops_round(gpa, size, &start, &end);
	if (status != HV_OK || size == 0) {
		return status;
	}
	acquire_lock_smmu();
	acquire_lock_s2page();
	devices = own_devices_in(vmid, start, end);
	release_lock_s2page();
	status = devices == 0 ? HV_EPERM : HV_OK;
	/* With smmu held they stay the VM's. */
	for (; devices != 0; devices &= devices - 1) {
		uint32_t number = (uint32_t)__builtin_ctz(devices);

		smmu_streams_set(device_of(number)->smmu,
				 device_of(number)->stream, vmid,
				 dma_owner_get(number).cbndx);
	}
	release_lock_smmu();
	return status;
}

/* The VM's devices, as a mask. With smmu held. */
static uint32_t devices_of(vmid_t vmid)
{
	const struct dma_device *devices;
	uint32_t n = platform_dma_devices(&devices);
	uint32_t mask = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (dma_owner_get(i).vmid == vmid) {
			mask |= UINT32_C(1) << i;
		}
	}
	return mask;
}

static void stop(const struct dma_device *device, vmid_t vmid)
{
	smmu_streams_set(device->smmu, device->stream, vmid,
			 SMMU_STREAM_FAULT);
	/* The VM cannot reach it any more, and the host not yet. */
	device->reset(device->base);
}

void dma_device_stop_vm(vmid_t vmid)
{
	uint32_t devices = devices_of(vmid);

	for (uint32_t left = devices; left != 0; left &= left - 1) {
		stop(device_of((uint32_t)__builtin_ctz(left)), vmid);
	}
	smmu_ops_clear_vm(vmid);
	for (uint32_t left = devices; left != 0; left &= left - 1) {
		uint32_t number = (uint32_t)__builtin_ctz(left);
		const struct dma_device *device = device_of(number);

		set_owner(number, (struct dma_owner){ .vmid = HOSTVISOR });
		smmu_streams_set(device->smmu, device->stream, HOSTVISOR,
				 SMMU_IDENTITY_BANK);
	}
}
