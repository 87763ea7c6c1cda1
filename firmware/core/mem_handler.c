/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host may do to a VM's memory as a whole: devices into it, and its
 * way back. Layer: MemHandler, on BootOps, Reclaim and MemManager.
 * Locks: takes smmu, vm[vmid], then s2page, then pt or spt.
 *
 * Before the first page of a VM leaves it, its table is empty and its
 * translations are gone (G21), and neither a vCPU nor a device of it runs
 * again.
 */
#include "core/mem_handler.h"

#include "core/boot_core.h"
#include "core/dma_device.h"
#include "core/image_verify.h"
#include "core/int_state.h"
#include "core/locks.h"
#include "core/mem_manager.h"
#include "core/memory_ops.h"
#include "core/npt_ops.h"
#include "core/panic.h"
#include "core/pt_alloc.h"
#include "core/reclaim.h"
#include "core/saved_vm.h"
#include "core/shadow_ctxt.h"
#include "core/smmu_ops.h"
#include "core/spec_constants.h"
#include "core/violation.h"
#include "core/vm_info.h"

/*
 * From here on neither the VM nor a device of it reaches anything, and nothing
 * is mapped for them again.
 */
static void empty_tables(vmid_t vmid)
{
	acquire_lock_s2page();
	clear_npt(vmid);
	release_lock_s2page();
	dma_device_stop_vm(vmid);
}

static enum hv_status check_clear(vmid_t vmid)
{
	if (get_vm_state(vmid) != POWEROFF) {
		return refuse(HV_EPERM, "the VM is not powered off");
	}
	if (vm_has_active_vcpu(vmid)) {
		return refuse(HV_EBUSY, "a vCPU is still running");
	}
	return HV_OK;
}

static enum hv_status begin_clear(vmid_t vmid)
{
	enum hv_status status = check_clear(vmid);

	if (status == HV_OK) {
		empty_tables(vmid);
	}
	return status;
}

/**
 * clear_vm_stage2_range() - give a dead VM's pages back to the host, zeroed
 * @vmid:  a VM that is powered off
 * @start: PA in bytes, page aligned
 * @size:  bytes, page aligned; 0 and 2^40 together mean all
 *
 * Spec:    MemHandler.clear_vm_stage2_range_spec
 * Delta:   D-001. D-018: the tables are emptied first, those of its banks too
 *	    (G21), refused while a vCPU is ACTIVE, and done in steps (G37)
 * Locks:   takes smmu, vm[vmid], s2page, then pt or spt; caller holds none
 * Returns: HV_OK once no page of the range is the VM's; HV_EAGAIN if a call
 *	    with the same arguments must go on; HV_EINVAL for a bad range;
 *	    HV_EPERM if the VM is not powered off; HV_EBUSY if a vCPU is
 *	    ACTIVE. Nothing has changed on the last three
 * Refuses: the above - host can reach this
 */
enum hv_status clear_vm_stage2_range(uint32_t vmid, uint64_t start,
				     uint64_t size)
{
	enum hv_status status;

	if (!is_vm(vmid)) {
		return refuse(HV_EINVAL, "no such VM id");
	}
	if (((start | size) & (PAGE_SIZE - 1)) != 0 || start > KVM_PHYS_SIZE ||
	    size > KVM_PHYS_SIZE - start) {
		return refuse(HV_EINVAL, "range is misaligned or too large");
	}
	acquire_lock_smmu();
	acquire_lock_vm(vmid);
	status = begin_clear(vmid);
	/* Pages take their time, and other CPUs need the SMMUs. */
	release_lock_smmu();
	if (status == HV_OK && !reclaim_range(vmid, start, size)) {
		status = HV_EAGAIN;
	}
	release_lock_vm(vmid);
	return status;
}

/* Nothing of the VM is left; its id may name another one. */
static void forget_vm(vmid_t vmid)
{
	acquire_lock_s2page();
	release_s2pt(vmid);
	release_lock_s2page();
	reclaim_forget(vmid);
	int_state_wipe(vmid);
	shadow_ctxt_wipe(vmid);
	image_verify_forget(vmid);
	saved_vm_forget(vmid);
	vm_info_wipe(vmid);
	boot_core_free_vmid(vmid);
}

/* With smmu held: banks are free once they name no page any more. */
static enum hv_status begin_destroy(vmid_t vmid)
{
	if (get_vm_state(vmid) == UNUSED) {
		return refuse(HV_EPERM, "the VM does not exist");
	}
	if (vm_has_active_vcpu(vmid)) {
		return refuse(HV_EBUSY, "a vCPU is still running");
	}
	set_vm_state(vmid, POWEROFF);
	empty_tables(vmid);
	if (reclaim_is_done(vmid)) {
		smmu_ops_free_vm(vmid);
	}
	return HV_OK;
}

static enum hv_status go_on_destroying(vmid_t vmid)
{
	if (!reclaim_all(vmid) || get_vm_banks(vmid) != 0) {
		return HV_EAGAIN;
	}
	forget_vm(vmid);
	return HV_OK;
}

/**
 * destroy_vm() - end a VM, whatever its state, and take all of it back
 * @vmid: a VM that exists
 *
 * Not specified: the host's way out of a VM that hangs (G22), and how an id
 * comes to be free again (G23). From the first call on the VM is powered off.
 *
 * Locks:   takes smmu, vm[vmid], then core, or s2page and pt or spt; caller
 *	    holds none
 * Returns: HV_OK once its pages are the host's, zeroed, its tables and
 *	    registers gone and its banks and id free; HV_EAGAIN if a call must
 *	    go on; HV_EINVAL; HV_EPERM if there is no such VM; HV_EBUSY if a vCPU is
 *	    ACTIVE. Nothing has changed on the last three
 * Refuses: the above - host can reach this
 */
enum hv_status destroy_vm(uint32_t vmid)
{
	enum hv_status status;

	if (!is_vm(vmid)) {
		return refuse(HV_EINVAL, "no such VM id");
	}
	acquire_lock_smmu();
	acquire_lock_vm(vmid);
	status = begin_destroy(vmid);
	/* As in clear_vm_stage2_range(). */
	release_lock_smmu();
	if (status == HV_OK) {
		status = go_on_destroying(vmid);
	}
	release_lock_vm(vmid);
	return status;
}

static enum hv_status check_ioremap(vmid_t vmid, ipa_t gpa, paddr_t pa,
				    uint64_t pages)
{
	enum hv_status status = HV_OK;

	for (uint64_t i = 0; i < pages && status == HV_OK; i++) {
		ipa_t ipa = gpa + i * PAGE_SIZE;
		paddr_t page = pa + i * PAGE_SIZE;

		status = mem_is_device_for(vmid, page) ?
				 mem_banks_agree(vmid, ipa >> PAGE_SHIFT,
						 page >> PAGE_SHIFT) :
				 refuse(HV_EPERM,
					"not a device that the VM may have");
	}
	if (status != HV_OK) {
		return status;
	}
	if (!npt_range_is_unmapped(vmid, gpa, pages)) {
		return refuse(HV_EBUSY, "already mapped");
	}
	if (npt_missing_tables(vmid, gpa, pages, 3) >
	    pt_pool_free_pages(vmid)) {
		return refuse(HV_ENOMEM, "no memory for tables");
	}
	return HV_OK;
}

static enum hv_status ioremap_locked(vmid_t vmid, ipa_t gpa, paddr_t pa,
				     uint64_t pages)
{
	enum hv_status status = check_ioremap(vmid, gpa, pa, pages);

	for (uint64_t i = 0; i < pages && status == HV_OK; i++) {
		enum hv_status mapped = map_vm_io(vmid, gpa + i * PAGE_SIZE,
						  pa + i * PAGE_SIZE);

		/* Every page was checked. */
		ASSERT(mapped == HV_OK);
	}
	return status;
}

static bool is_ioremap_range(uint64_t addr, uint64_t size)
{
	return ((addr | size) & (PAGE_SIZE - 1)) == 0 && size > 0 &&
	       size <= MAX_PAGES_PER_CALL * PAGE_SIZE &&
	       addr <= KVM_PHYS_SIZE - size;
}

/**
 * kvm_phys_addr_ioremap() - give a VM a range of device pages
 * @vmid: a VM that is READY
 * @gpa:  IPA in bytes, page aligned
 * @pa:   PA in bytes, page aligned
 * @size: bytes, page aligned, 1 to MAX_PAGES_PER_CALL pages
 *
 * Spec:    MemHandler.kvm_phys_addr_ioremap_spec
 * Delta:   D-001: all pages are checked before one is mapped. D-007 (G26).
 *	    D-058: of a DMA master only into the VM that owns it. D-056
 * Locks:   takes vm[vmid], then s2page, then pt or spt; caller holds none
 * Returns: HV_OK; HV_EPERM if the VM is not READY, or a page is not in a
 *	    device window of the host's, or of a DMA master that is not the
 *	    VM's, or a bank of the VM's has RAM there; HV_EINVAL for a bad
 *	    range; HV_EBUSY if a page of the VM's range is mapped; HV_ENOMEM;
 *	    nothing has changed on an error
 * Refuses: the above - host can reach this
 */
enum hv_status kvm_phys_addr_ioremap(uint32_t vmid, uint64_t gpa, uint64_t pa,
				     uint64_t size)
{
	enum hv_status status;

	if (!is_vm(vmid)) {
		return refuse(HV_EINVAL, "no such VM id");
	}
	acquire_lock_vm(vmid);
	if (get_vm_state(vmid) != READY) {
		status = refuse(HV_EPERM, "the VM is not being set up");
	} else if (!is_ioremap_range(gpa, size) ||
		   !is_ioremap_range(pa, size)) {
		status = refuse(HV_EINVAL, "range is misaligned or too large");
	} else {
		acquire_lock_s2page();
		status = ioremap_locked(vmid, gpa, pa, size >> PAGE_SHIFT);
		release_lock_s2page();
		if (status == HV_OK && gpa + size > get_vm_devices_end(vmid)) {
			set_vm_devices_end(vmid, gpa + size);
		}
	}
	release_lock_vm(vmid);
	return status;
}

void mem_handler_scrub_all(void)
{
	/* From here on no page can become a VM's. */
	boot_core_close();
	for (vmid_t vmid = HOSTVISOR + 1; vmid < COREVISOR; vmid++) {
		acquire_lock_smmu();
		acquire_lock_vm(vmid);
		if (get_vm_state(vmid) != UNUSED) {
			set_vm_state(vmid, POWEROFF);
			/* A vCPU that runs elsewhere stores nothing more. */
			empty_tables(vmid);
		}
		release_lock_vm(vmid);
		release_lock_smmu();
	}
	reclaim_scrub_vms();
}
