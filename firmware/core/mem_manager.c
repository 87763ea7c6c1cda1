/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may happen to a page: the host's faults, and a page's way to a VM and
 * back. Layer: MemManager, on PageManager and NPTOps.
 * Locks: map_page_host() takes s2page; the callers of all others hold it, so
 * that they can check many pages and then change them in one step (D-010).
 */
#include "core/mem_manager.h"

#include "arch/mem.h"
#include "core/dma_owner.h"
#include "core/int_state.h"
#include "core/locks.h"
#include "core/npt_ops.h"
#include "core/page_manager.h"
#include "core/phys_page.h"
#include "core/platform.h"
#include "core/spec_constants.h"
#include "core/spt_ops.h"
#include "core/violation.h"
#include "core/vm_info.h"

/**
 * struct host_rule - what the host may have at an address
 * @attributes: page descriptor without an address, 0 if it may have nothing
 * @block:	whether the same holds for the whole 2 MiB block around it
 */
struct host_rule {
	uint64_t attributes;
	bool block;
};

bool mem_is_device_for(vmid_t vmid, paddr_t pa)
{
	uint32_t owner;

	if (get_pfn_owner(pa >> PAGE_SHIFT) != INVALID_MEM ||
	    !platform_host_device(pa, PAGE_SIZE)) {
		return false;
	}
	owner = dma_device_owner(pa);
	return owner == INVALID || owner == vmid;
}

static struct host_rule host_rule(uint64_t addr)
{
	uint64_t block = addr & ~(PMD_SIZE - 1);
	uint64_t pfn = addr >> PAGE_SHIFT;
	uint32_t owner = get_pfn_owner(pfn);
	uint32_t count = get_pfn_count(pfn);

	if (owner == INVALID_MEM) {
		if (!mem_is_device_for(HOSTVISOR, addr & ~(PAGE_SIZE - 1))) {
			return (struct host_rule){ 0 };
		}
		return (struct host_rule){
			.attributes = PAGE_S2_DEVICE | S2_RDWR,
			.block = platform_host_device(block, PMD_SIZE),
		};
	}
	if (owner == HOSTVISOR) {
		return (struct host_rule){
			.attributes = PAGE_S2_KERNEL,
			.block = page_block_is_host(block >> PAGE_SHIFT),
		};
	}
	/* A count of INVALID is a reservation for DMA, not a share (G16). */
	if (owner != COREVISOR && count > 0 && count <= MAX_SHARE_COUNT) {
		return (struct host_rule){ .attributes = PAGE_S2_KERNEL };
	}
	return (struct host_rule){ 0 };
}

/* Maps @addr identically, by a block if @rule and the table allow it. */
static enum hv_status map_host_identity(uint64_t addr, struct host_rule rule)
{
	uint64_t block = addr & ~(PMD_SIZE - 1);
	uint64_t page = addr & ~(PAGE_SIZE - 1);

	if (rule.block &&
	    map_s2pt(HOSTVISOR, block, 2,
		     block | (rule.attributes & ~PMD_TABLE_BIT)) == HV_OK) {
		return HV_OK;
	}
	return map_s2pt(HOSTVISOR, page, 3, page | rule.attributes);
}

/**
 * map_page_host() - give the host a stage-2 mapping for where it faulted
 * @addr: host IPA in bytes, any alignment, any value
 *
 * Spec:    MemManager.map_page_host_spec (steps: map_page_host_spec0)
 * Delta:   D-001: a status instead of a panic. D-006: a 2 MiB block where the
 *	    whole block follows the same rule; every page of it is one that
 *	    the specification would map now. D-007: devices only inside the
 *	    board's windows. D-009: never a page of EL2's, even with a count,
 *	    which no transition gives it.
 * Locks:   takes s2page, then pt[HOSTVISOR]; caller holds neither
 * Returns: HV_OK if the address is mapped now, also if it was before;
 *	    HV_EINVAL beyond 40 bits; HV_EPERM if the host may not have the
 *	    page; nothing has changed on an error
 * Refuses: EL2's and VMs' pages, devices that are not the host's, empty
 *	    space - host can reach this
 */
enum hv_status map_page_host(uint64_t addr)
{
	enum hv_status status;
	struct host_rule rule;

	if (addr >= KVM_PHYS_SIZE) {
		return HV_EINVAL;
	}
	acquire_lock_s2page();
	rule = host_rule(addr);
	status = rule.attributes == 0 ? HV_EPERM :
					map_host_identity(addr, rule);
	release_lock_s2page();
	return status;
}

uint64_t mem_vm_leaf(uint64_t pte, uint32_t level)
{
	uint64_t attributes = level == 2 ? PAGE_S2_KERNEL & ~PMD_TABLE_BIT :
					   PAGE_S2_KERNEL;

	return (pte & S2_OA_MASK) | attributes;
}

bool mem_is_host_page(pfn_t pfn)
{
	return get_pfn_owner(pfn) == HOSTVISOR && get_pfn_count(pfn) == 0;
}

enum hv_status mem_can_assign(vmid_t vmid, gfn_t gfn, pfn_t pfn)
{
	uint64_t map;

	if (!is_vm(vmid) || gfn >= KVM_PFN_SPACE) {
		return refuse(HV_EINVAL, "no such VM or gfn");
	}
	if (mem_is_host_page(pfn)) {
		return HV_OK;
	}
	if (get_pfn_owner(pfn) != vmid) {
		return refuse(HV_EPERM, "page is not the host's alone");
	}
	map = get_pfn_map(pfn);
	if (map != gfn && map != INVALID64) {
		return refuse(HV_EPERM, "page has another place in the VM");
	}
	return HV_OK;
}

/**
 * assign_pfn_to_vm() - make a page a VM's, at one place
 * @vmid: a VM
 * @gfn:  guest frame number below 2^28, the only one that may map the page
 * @pfn:  page frame number, any value
 *
 * A page of the host's leaves the host's table and all TLBs; its content
 * stays, the caller decides what becomes of that. A page that is the VM's
 * already stays the VM's: one reserved for a device becomes private (and
 * leaves the host's table, G16), one without a place gets it.
 *
 * Spec:    MemManager.assign_pfn_to_vm_spec (steps: assign_pfn_to_vm_spec0)
 * Delta:   D-001: a status instead of a panic. D-010: caller holds s2page.
 *	    The record is stored and the host's mapping goes in every case
 *	    that makes a page private (G16, G63)
 * Locks:   caller holds s2page; takes pt[HOSTVISOR]
 * Returns: HV_OK; HV_EINVAL for a bad @vmid or @gfn; HV_EPERM for a page that
 *	    is neither the host's alone nor the VM's for this gfn; nothing has
 *	    changed on an error
 * Refuses: pages of EL2, of other VMs, of devices, used by the host's DMA
 *	    (G15) - host can reach this
 */
enum hv_status assign_pfn_to_vm(uint32_t vmid, uint64_t gfn, uint64_t pfn)
{
	enum hv_status status = mem_can_assign(vmid, gfn, pfn);
	bool was_private;

	if (status != HV_OK) {
		return status;
	}
	was_private = get_pfn_owner(pfn) == vmid &&
		      get_pfn_count(pfn) != INVALID;
	set_pfn_map(pfn, gfn);
	if (!was_private) {
		set_pfn_owner(pfn, vmid);
		set_pfn_count(pfn, 0);
		clear_pfn_host(pfn);
	}
	return HV_OK;
}

/**
 * map_pfn_vm() - map RAM into a VM
 * @vmid:  a VM
 * @addr:  IPA in bytes, aligned for @level, below 2^40
 * @pte:   the PA; other bits do not count
 * @level: 2 for a block, 3 for a page
 *
 * The caller has assigned every page of it to @vmid at this place.
 *
 * Spec:    MemManager.map_pfn_vm_spec (steps: map_pfn_vm_spec0)
 * Delta:   D-001, D-002, D-010
 * Locks:   caller holds s2page; takes pt[vmid]
 * Returns: as map_s2pt()
 */
enum hv_status map_pfn_vm(uint32_t vmid, uint64_t addr, uint64_t pte,
			  uint32_t level)
{
	return map_s2pt(vmid, addr, level, mem_vm_leaf(pte, level));
}

/**
 * map_vm_io() - map one page of a device into a VM
 * @vmid: a VM
 * @gpa:  IPA in bytes, page aligned, below 2^40
 * @pa:   PA in bytes, page aligned
 *
 * Spec:    MemManager.map_vm_io_spec (steps: map_vm_io_spec0)
 * Delta:   D-001, D-010. D-007: only a page in a device window of the host's
 *	    (G26); the specification takes any that is not RAM, and skips RAM.
 *	    D-058: of a DMA master only into the VM that owns it
 * Locks:   caller holds s2page; takes pt[vmid]
 * Returns: HV_EPERM if the VM may not have the page; else as map_s2pt()
 * Refuses: RAM, EL2's devices, DMA masters, empty space - host can reach this
 */
enum hv_status map_vm_io(uint32_t vmid, uint64_t gpa, uint64_t pa)
{
	if (!mem_is_device_for(vmid, pa)) {
		return refuse(HV_EPERM, "not a device that the VM may have");
	}
	return map_s2pt(vmid, gpa, 3, pa | PAGE_S2_DEVICE | S2_RDWR);
}

enum hv_status mem_can_grant(vmid_t vmid, pfn_t pfn)
{
	/* A count of INVALID is above the limit too. */
	return is_vm(vmid) && get_pfn_owner(pfn) == vmid &&
	       get_pfn_count(pfn) < MAX_SHARE_COUNT ? HV_OK : HV_EPERM;
}

/**
 * grant_vm_page() - share a VM's page with the host once more
 * @vmid: a VM
 * @pfn:  page frame number, any value
 *
 * Spec:    MemManager.grant_vm_page_spec (steps: grant_vm_page_spec0)
 * Delta:   D-001: a status where nothing happens. D-010
 * Locks:   caller holds s2page
 * Returns: HV_OK; HV_EPERM if the page is not the VM's, reserved for a device
 *	    or shared MAX_SHARE_COUNT times, and nothing has changed
 */
enum hv_status grant_vm_page(uint32_t vmid, uint64_t pfn)
{
	enum hv_status status = mem_can_grant(vmid, pfn);

	if (status == HV_OK) {
		set_pfn_count(pfn, get_pfn_count(pfn) + 1);
	}
	return status;
}

enum hv_status mem_can_revoke(vmid_t vmid, pfn_t pfn)
{
	uint32_t count = get_pfn_count(pfn);

	return is_vm(vmid) && get_pfn_owner(pfn) == vmid && count > 0 &&
	       count <= MAX_SHARE_COUNT ? HV_OK : HV_EPERM;
}

/**
 * revoke_vm_page() - take one share of a VM's page back
 * @vmid: a VM
 * @pfn:  page frame number, any value
 *
 * With the last share the page leaves the host's table and all TLBs, and what
 * the host wrote lies in memory, so that no cache line of the host's is
 * written back over what the VM stores next. The content is what the host
 * left. The caller invalidates the instruction caches before it releases
 * s2page, once for many pages.
 *
 * Spec:    MemManager.revoke_vm_page_spec (steps: revoke_vm_page_spec0)
 * Delta:   D-001: a status where nothing happens. D-010. A count of INVALID
 *	    is not a share (G16)
 * Locks:   caller holds s2page; takes pt[HOSTVISOR]
 * Returns: HV_OK; HV_EPERM if the page is not the VM's or not shared, and
 *	    nothing has changed
 */
enum hv_status revoke_vm_page(uint32_t vmid, uint64_t pfn)
{
	enum hv_status status = mem_can_revoke(vmid, pfn);
	uint32_t count;

	if (status != HV_OK) {
		return status;
	}
	count = get_pfn_count(pfn) - 1;
	set_pfn_count(pfn, count);
	if (count == 0) {
		clear_pfn_host(pfn);
		page_clean(pfn, 1);
	}
	return HV_OK;
}

/**
 * clear_vm_page() - give a VM's page back to the host, zeroed
 * @vmid: a VM that cannot run any more and whose table maps nothing (G21)
 * @pfn:  page frame number; not the VM's: nothing happens
 *
 * The zeros are in memory before the host can have the page, also for a
 * party that reads around the caches (G25). The caller invalidates the
 * instruction caches before it releases s2page, once for many pages.
 *
 * Spec:  MemManager.clear_vm_page_spec (steps: clear_vm_page_spec0)
 * Delta: D-010
 * Locks: caller holds s2page; takes pt[HOSTVISOR]
 */
void clear_vm_page(uint32_t vmid, uint64_t pfn)
{
	if (!is_vm(vmid) || get_pfn_owner(pfn) != vmid) {
		return;
	}
	clear_pfn_host(pfn);
	clear_phys_page(pfn);
	set_pfn_owner(pfn, HOSTVISOR);
	set_pfn_count(pfn, 0);
	set_pfn_map(pfn, pfn + SMMU_HOST_OFFSET);
}

enum hv_status mem_banks_agree(vmid_t vmid, gfn_t gfn, pfn_t pfn)
{
	for (uint32_t left = get_vm_banks(vmid); left != 0; left &= left - 1) {
		uint32_t bank = (uint32_t)__builtin_ctz(left);
		uint64_t pte = walk_spt(bank % SMMU_NUM_CTXT_BANKS,
					bank / SMMU_NUM_CTXT_BANKS,
					gfn << PAGE_SHIFT);

		if (pte != 0 && (pte & S2_OA_MASK) >> PAGE_SHIFT != pfn) {
			return refuse(HV_EPERM,
				      "a bank has another page there");
		}
	}
	return HV_OK;
}

/* What a bank of @vmid's may map once the page is its owner's. */
static bool is_smmu_place(vmid_t vmid, uint64_t iova, pfn_t pfn)
{
	if (get_pfn_owner(pfn) != vmid) {
		return false;
	}
	if (vmid != HOSTVISOR) {
		return get_pfn_map(pfn) == iova >> PAGE_SHIFT;
	}
	return iova == pfn << PAGE_SHIFT && !int_state_has(iova) &&
	       get_pfn_count(pfn) < EL2_SMMU_CFG_SIZE;
}

enum hv_status mem_can_map_smmu(vmid_t vmid, uint64_t iova, pfn_t pfn)
{
	if (is_smmu_place(vmid, iova, pfn) ||
	    (is_vm(vmid) && mem_is_host_page(pfn))) {
		return HV_OK;
	}
	return refuse(HV_EPERM, "the bank may not have the page there");
}

/**
 * assign_pfn_to_smmu() - make a page a VM's, for its devices
 * @vmid: a VM
 * @gfn:  guest frame number below 2^28, the only one that may map the page
 * @pfn:  page frame number, any value
 *
 * A page of the host's leaves the host's table, the identity table and all
 * TLBs, and is zeroed; it is reserved until the VM faults on @gfn and gets it.
 * A page that is the VM's already stays as it is. The caller invalidates the
 * instruction caches before it releases s2page.
 *
 * Spec:    MemManager.assign_pfn_to_smmu_spec (steps:
 *	    assign_pfn_to_smmu_spec0)
 * Delta:   D-001, D-010. D-055: the page is zeroed, and the VM's only at @gfn
 * Locks:   caller holds s2page; takes pt[HOSTVISOR], spt
 * Returns: HV_OK; HV_EPERM for a page that is neither the host's alone nor the
 *	    VM's at @gfn; nothing has changed on an error
 * Refuses: pages of EL2, of other VMs, of devices, used by the host's DMA -
 *	    host can reach this
 */
enum hv_status assign_pfn_to_smmu(uint32_t vmid, uint64_t gfn, uint64_t pfn)
{
	enum hv_status status = mem_can_map_smmu(vmid, gfn << PAGE_SHIFT, pfn);

	if (status == HV_OK && get_pfn_owner(pfn) == HOSTVISOR) {
		clear_pfn_host(pfn);
		set_pfn_owner(pfn, vmid);
		set_pfn_count(pfn, INVALID);
		set_pfn_map(pfn, gfn);
		clear_phys_page(pfn);
	}
	return status;
}

/**
 * update_smmu_page() - map a page into a bank
 * @vmid:  owner of the bank: HOSTVISOR or a VM
 * @cbndx: the bank
 * @index: its SMMU
 * @iova:  page aligned, below 2^40; nothing is mapped there
 * @pte:   the leaf
 *
 * Spec:    MemManager.update_smmu_page_spec (steps: update_smmu_page_spec0)
 * Delta:   D-001, D-010. D-055: for the host IOVA is PA, where the
 *	    specification's IOVA is beyond 40 bits; and never the shared
 *	    window. It counts what is mapped, and only that (G68)
 * Locks:   caller holds s2page; takes spt
 * Returns: HV_OK; HV_EPERM unless the page is the owner's, at this place and
 *	    in less than EL2_SMMU_CFG_SIZE banks of the host's; HV_ENOMEM;
 *	    nothing has changed on an error
 * Refuses: the above - host can reach this
 */
enum hv_status update_smmu_page(uint32_t vmid, uint32_t cbndx, uint32_t index,
				uint64_t iova, uint64_t pte)
{
	pfn_t pfn = (pte & S2_OA_MASK) >> PAGE_SHIFT;
	enum hv_status status;

	if (!is_smmu_place(vmid, iova, pfn)) {
		return refuse(HV_EPERM, "the bank may not have the page there");
	}
	status = map_spt(cbndx, index, iova, pte);
	if (status == HV_OK && vmid == HOSTVISOR) {
		set_pfn_count(pfn, get_pfn_count(pfn) + 1);
	}
	return status;
}

/**
 * unmap_smmu_page() - take a page out of a bank
 * @cbndx: the bank
 * @index: its SMMU
 * @iova:  below 2^40, mapped or not
 *
 * A VM's page stays the VM's.
 *
 * Spec:  MemManager.unmap_smmu_page_spec (steps: unmap_smmu_page_spec0)
 * Delta: D-010. No TLB translates @iova any more (G69)
 * Locks: caller holds s2page; takes spt
 */
void unmap_smmu_page(uint32_t cbndx, uint32_t index, uint64_t iova)
{
	uint64_t pte = unmap_spt(cbndx, index, iova);

	if (pte != 0) {
		mem_put_smmu_page(pte);
	}
}

void mem_put_smmu_page(uint64_t pte)
{
	pfn_t pfn = (pte & S2_OA_MASK) >> PAGE_SHIFT;
	uint32_t count = get_pfn_count(pfn);

	if (get_pfn_owner(pfn) == HOSTVISOR && count > 0) {
		set_pfn_count(pfn, count - 1);
	}
}
