/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a VM and loading it. Layer: BootOps, on BootCore and MemManager.
 * Locks: takes vm[vmid], then s2page, then pt.
 *
 * EL2 sees every page of RAM in its linear map, so an image needs no remap
 * window: a page that the host hands over leaves the host at once and goes to
 * its final place in the VM (D-016).
 */
#include "core/boot_ops.h"

#include "arch/mem.h"
#include "core/boot_core.h"
#include "core/locks.h"
#include "core/mem_manager.h"
#include "core/npt_ops.h"
#include "core/panic.h"
#include "core/phys_page.h"
#include "core/pt_alloc.h"
#include "core/spec_constants.h"
#include "core/violation.h"
#include "core/vm_info.h"

static uint64_t pages_in(uint64_t bytes)
{
	return (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* An empty table for a new id, which is READY then. */
static enum hv_status make_vm(vmid_t vmid)
{
	enum hv_status status;

	acquire_lock_vm(vmid);
	ASSERT(get_vm_state(vmid) == UNUSED);
	/* Under vm[vmid]: who closes takes it too and finds the VM, or none. */
	if (boot_core_is_closed()) {
		status = refuse(HV_EBUSY, "the machine is going down");
	} else {
		acquire_lock_s2page();
		status = init_s2pt(vmid);
		release_lock_s2page();
	}
	if (status == HV_OK) {
		set_vm_state(vmid, READY);
	}
	release_lock_vm(vmid);
	return status == HV_ENOMEM ? refuse(status, "no memory for tables") :
				     status;
}

/**
 * register_kvm() - make a VM
 * @vmid: where its id goes
 *
 * Spec:    BootOps.register_kvm_spec
 * Delta:   D-001: HV_ENOMEM instead of a panic
 * Locks:   takes core; vm[vmid], s2page and pt[vmid]; caller holds none
 * Returns: HV_OK, the VM is READY with an empty table; HV_ENOMEM if all ids
 *	    are in use or there is no memory for tables; HV_EBUSY while the
 *	    machine goes down; nothing has changed on an error
 * Refuses: the above - host can reach this
 */
enum hv_status register_kvm(uint32_t *vmid)
{
	uint32_t id = gen_vmid();
	enum hv_status status;

	if (id == INVALID) {
		return refuse(HV_ENOMEM, "all VM ids are in use");
	}
	status = make_vm(id);
	if (status != HV_OK) {
		boot_core_free_vmid(id);
		return status;
	}
	*vmid = id;
	return HV_OK;
}

/* Whether pages of [addr, addr + size) belong to an image already. */
static bool overlaps_image(vmid_t vmid, ipa_t addr, uint64_t size)
{
	gfn_t first = addr >> PAGE_SHIFT;
	gfn_t end = first + pages_in(size);

	for (uint32_t i = 0; i < get_vm_next_load_idx(vmid); i++) {
		gfn_t other = get_vm_load_addr(vmid, i) >> PAGE_SHIFT;
		gfn_t other_end = other + pages_in(get_vm_load_size(vmid, i));

		if (first < other_end && other < end) {
			return true;
		}
	}
	return false;
}

static enum hv_status check_boot_info(vmid_t vmid, ipa_t addr, uint64_t size)
{
	if (get_vm_state(vmid) != READY) {
		return refuse(HV_EPERM, "the VM is not being set up");
	}
	if (get_vm_inc_exe(vmid) != 0) {
		return refuse(HV_EPERM, "the VM comes from saved state");
	}
	if ((addr & (PAGE_SIZE - 1)) != 0 || size == 0 ||
	    addr >= KVM_PHYS_SIZE || size > KVM_PHYS_SIZE - addr) {
		return refuse(HV_EINVAL, "image is misaligned, empty or too far");
	}
	if (overlaps_image(vmid, addr, size)) {
		return refuse(HV_EINVAL, "image overlaps another");
	}
	if (get_vm_next_load_idx(vmid) == MAX_LOAD_INFO_NUM) {
		return refuse(HV_ENOMEM, "no more images");
	}
	return HV_OK;
}

/**
 * set_boot_info() - register a boot image of a VM
 * @vmid:      a VM that is READY
 * @load_addr: IPA of its first byte, page aligned
 * @size:      bytes, at least 1; ends at 2^40 at most
 * @load_idx:  where the image's number goes
 *
 * Spec:    BootOps.set_boot_info_spec
 * Delta:   D-001. D-016: no remap window is reserved. D-017: an image must be
 *	    aligned, not empty and apart from the others (G40)
 * Locks:   takes vm[vmid]; caller holds none
 * Returns: HV_OK; HV_EPERM if the VM is not READY, or comes from saved state;
 *	    HV_EINVAL; HV_ENOMEM with
 *	    MAX_LOAD_INFO_NUM images; nothing has changed on an error
 * Refuses: the above - host can reach this
 */
enum hv_status set_boot_info(uint32_t vmid, uint64_t load_addr, uint64_t size,
			     uint32_t *load_idx)
{
	enum hv_status status;
	uint32_t idx;

	if (!is_vm(vmid)) {
		return refuse(HV_EINVAL, "no such VM id");
	}
	acquire_lock_vm(vmid);
	status = check_boot_info(vmid, load_addr, size);
	if (status == HV_OK) {
		idx = get_vm_next_load_idx(vmid);
		set_vm_load_addr(vmid, idx, load_addr);
		set_vm_load_size(vmid, idx, size);
		set_vm_mapped_pages(vmid, idx, 0);
		set_vm_next_load_idx(vmid, idx + 1);
		*load_idx = idx;
	}
	release_lock_vm(vmid);
	return status;
}

static enum hv_status check_image_page(vmid_t vmid, gfn_t gfn, pfn_t pfn)
{
	ipa_t ipa = gfn << PAGE_SHIFT;

	if (!mem_is_host_page(pfn)) {
		return refuse(HV_EPERM, "page is not the host's alone");
	}
	if (!npt_range_is_unmapped(vmid, ipa, 1)) {
		return refuse(HV_EBUSY, "already mapped");
	}
	if (npt_missing_tables(vmid, ipa, 1, 3) > pt_pool_free_pages(vmid)) {
		return refuse(HV_ENOMEM, "no memory for tables");
	}
	return mem_banks_agree(vmid, gfn, pfn);
}

/* Moves one page with its content from the host to its place in the VM. */
static enum hv_status take_image_page(vmid_t vmid, gfn_t gfn, pfn_t pfn)
{
	enum hv_status status;

	acquire_lock_s2page();
	status = check_image_page(vmid, gfn, pfn);
	if (status == HV_OK) {
		status = assign_pfn_to_vm(vmid, gfn, pfn);
		ASSERT(status == HV_OK);
		/* What the host wrote is what the VM reads, caches or not. */
		page_clean(pfn, 1);
		icache_invalidate_all();
		status = map_pfn_vm(vmid, gfn << PAGE_SHIFT, pfn << PAGE_SHIFT,
				    3);
		ASSERT(status == HV_OK);
	}
	release_lock_s2page();
	return status;
}

static enum hv_status remap_locked(vmid_t vmid, pfn_t pfn, uint32_t load_idx)
{
	enum hv_status status;
	uint64_t mapped;

	if (get_vm_state(vmid) != READY) {
		return refuse(HV_EPERM, "the VM is not being set up");
	}
	if (load_idx >= get_vm_next_load_idx(vmid)) {
		return refuse(HV_EINVAL, "no such image");
	}
	mapped = get_vm_mapped_pages(vmid, load_idx);
	if (mapped == pages_in(get_vm_load_size(vmid, load_idx))) {
		return refuse(HV_EINVAL, "image is complete");
	}
	if (pfn >= KVM_PFN_SPACE) {
		return refuse(HV_EINVAL, "pfn beyond 28 bits");
	}
	status = take_image_page(vmid,
				 (get_vm_load_addr(vmid, load_idx) >>
				  PAGE_SHIFT) + mapped, pfn);
	if (status == HV_OK) {
		set_vm_mapped_pages(vmid, load_idx, mapped + 1);
	}
	return status;
}

/**
 * remap_vm_image() - hand over the next page of a boot image
 * @vmid:     a VM that is READY
 * @pfn:      the page, the host's alone
 * @load_idx: which image
 *
 * Spec:    BootOps.remap_vm_image_spec
 * Delta:   D-001. D-016: the page leaves the host and goes to its final place
 *	    at once, instead of into a remap window at EL2 while the host can
 *	    still write it (G27, G36, G39)
 * Locks:   takes vm[vmid], then s2page, then pt; caller holds none
 * Returns: HV_OK; HV_EPERM if the VM is not READY or the page not the host's
 *	    alone; HV_EINVAL for a bad number or a complete image; HV_EBUSY if
 *	    its place is taken; HV_ENOMEM; nothing has changed on an error
 * Refuses: the above - host can reach this
 */
enum hv_status remap_vm_image(uint32_t vmid, uint64_t pfn, uint32_t load_idx)
{
	enum hv_status status;

	if (!is_vm(vmid)) {
		return refuse(HV_EINVAL, "no such VM id");
	}
	acquire_lock_vm(vmid);
	status = remap_locked(vmid, pfn, load_idx);
	release_lock_vm(vmid);
	return status;
}
