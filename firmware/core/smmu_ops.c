/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The banks of the SMMUs, which the host manages by hypercalls. Layer:
 * MmioOps, on MemoryOps and MmioCore.
 * Locks: takes smmu, then vm of a bank's owner, then s2page, then pt or spt.
 *
 * A bank translates from the call that takes it to the one that frees it,
 * always by EL2's table. Streams reach it by smmu_streams.h alone.
 */
#include "core/smmu_ops.h"

#include "arch/mem.h"
#include "core/locks.h"
#include "core/mem_manager.h"
#include "core/memory_ops.h"
#include "core/mmio_core_aux.h"
#include "core/panic.h"
#include "core/smmu_cfg.h"
#include "core/smmu_hw.h"
#include "core/smmu_streams.h"
#include "core/spec_constants.h"
#include "core/spt_ops.h"
#include "core/violation.h"
#include "core/vm_info.h"
#include "hypsec/abi.h"

#define PROT_BITS ((uint64_t)(HYPSEC_SMMU_READ | HYPSEC_SMMU_WRITE))

/* Bounds of one hold of s2page, so that other CPUs' faults get their turn. */
#define LEAVES_PER_HOLD		32u
#define ENTRIES_PER_HOLD	512u
/* And of one call (G37), which makes so many holds at most. */
#define HOLDS_PER_CALL		(MAX_PAGES_PER_CALL / LEAVES_PER_HOLD)

/**
 * struct freeing - a bank of the host's that is being freed; by smmu
 * @begun:  its table is empty, and only the last step makes it free
 * @cursor: up to here the host's pages are counted once less
 */
struct freeing {
	bool begun;
	struct spt_cursor cursor;
};

static struct freeing freeing[EL2_SMMU_CFG_SIZE];

static uint32_t bank_number(uint32_t cbndx, uint32_t index)
{
	return index * SMMU_NUM_CTXT_BANKS + cbndx;
}

enum hv_status smmu_ops_check(uint32_t cbndx, uint32_t index)
{
	if (get_smmu_num() == 0) {
		return HV_ENOTSUP;
	}
	if (index >= get_smmu_num() ||
	    cbndx >= get_smmu_num_context_banks(index)) {
		return refuse(HV_EINVAL, "no such SMMU or bank");
	}
	return HV_OK;
}

enum hv_status smmu_ops_bank_owner(uint32_t cbndx, uint32_t index,
				   vmid_t *owner)
{
	*owner = get_smmu_cfg_vmid(cbndx, index);
	if (*owner == COREVISOR) {
		return refuse(HV_EPERM, "the bank is the corevisor's");
	}
	if (*owner == INVALID) {
		return refuse(HV_EPERM, "the bank is free");
	}
	return freeing[bank_number(cbndx, index)].begun ?
		       refuse(HV_EBUSY, "the bank is being freed") : HV_OK;
}

/* --- Taking and freeing banks ------------------------------------------ */

static void start_bank(uint32_t cbndx, uint32_t index, vmid_t vmid)
{
	set_smmu_cfg_vmid(cbndx, index, vmid);
	acquire_lock_s2page();
	init_spt(cbndx, index);
	release_lock_s2page();
	smmu_hw_bank_start(cbndx, index, vmid);
}

static enum hv_status start_vm_bank(uint32_t cbndx, uint32_t index,
				    vmid_t vmid)
{
	if (get_vm_state(vmid) != READY) {
		return refuse(HV_EPERM, "the VM is not being set up");
	}
	start_bank(cbndx, index, vmid);
	set_vm_banks(vmid, get_vm_banks(vmid) |
			   UINT32_C(1) << bank_number(cbndx, index));
	return HV_OK;
}

/**
 * el2_alloc_smmu_pgd() - take a free bank for the host or a VM
 * @cbndx: the bank
 * @vmid:  HOSTVISOR, or a VM that is READY
 * @index: the SMMU
 *
 * It translates, by an empty table; no stream uses it.
 *
 * Spec:    MmioOps.el2_alloc_smmu_pgd_spec
 * Delta:   D-001: a status. For a VM only while it is being set up (G69)
 * Locks:   takes smmu, vm[vmid], s2page, spt; caller holds none
 * Returns: HV_OK; HV_ENOTSUP without an SMMU; HV_EINVAL for a number out of
 *	    range; HV_EPERM for EL2's bank, or a VM that is not READY; HV_EBUSY
 *	    if the bank is not free; nothing has changed on an error
 * Refuses: the above - host can reach this
 */
enum hv_status el2_alloc_smmu_pgd(uint32_t cbndx, uint32_t vmid, uint32_t index)
{
	enum hv_status status = smmu_ops_check(cbndx, index);

	if (status != HV_OK) {
		return status;
	}
	if (vmid >= COREVISOR) {
		return refuse(HV_EINVAL, "no such VM id");
	}
	if (cbndx == SMMU_IDENTITY_BANK) {
		return refuse(HV_EPERM, "the bank is the corevisor's");
	}
	acquire_lock_smmu();
	if (get_smmu_cfg_vmid(cbndx, index) != INVALID) {
		status = refuse(HV_EBUSY, "the bank is taken");
	} else if (vmid == HOSTVISOR) {
		start_bank(cbndx, index, vmid);
	} else {
		acquire_lock_vm(vmid);
		status = start_vm_bank(cbndx, index, vmid);
		release_lock_vm(vmid);
	}
	release_lock_smmu();
	return status;
}

/* A bank becomes free, and its table empty before. With smmu held. */
static void end_bank(uint32_t cbndx, uint32_t index)
{
	smmu_streams_leave_bank(index, cbndx);
	smmu_hw_bank_stop(cbndx, index);
	acquire_lock_s2page();
	release_spt(cbndx, index);
	release_lock_s2page();
	set_smmu_cfg_vmid(cbndx, index, INVALID);
}

static void clear_bank(uint32_t cbndx, uint32_t index)
{
	acquire_lock_s2page();
	clear_spt(cbndx, index);
	release_lock_s2page();
}

/* Counts the next pages once less; false after the last. */
static bool put_some(uint32_t cbndx, uint32_t index, struct spt_cursor *cursor)
{
	uint64_t looked = 0, leaves = 0;
	uint64_t pte = 0;
	bool more = true;

	acquire_lock_s2page();
	while (more && leaves < LEAVES_PER_HOLD && looked < ENTRIES_PER_HOLD) {
		const struct spt_cursor before = *cursor;

		more = spt_next_leaf(cbndx, index, cursor, &pte);
		looked += cursor->entry -
			  (cursor->page == before.page ? before.entry : 0);
		if (more && pte != 0) {
			mem_put_smmu_page(pte);
			leaves++;
		}
	}
	release_lock_s2page();
	return more;
}

/* Nothing is translated from the first step on; then the counts follow. */
static enum hv_status free_host_bank(uint32_t cbndx, uint32_t index)
{
	struct freeing *f = &freeing[bank_number(cbndx, index)];
	bool more = true;

	if (!f->begun) {
		clear_bank(cbndx, index);
		*f = (struct freeing){ .begun = true };
	}
	for (uint32_t i = 0; i < HOLDS_PER_CALL && more; i++) {
		more = put_some(cbndx, index, &f->cursor);
	}
	if (more) {
		return HV_EAGAIN;
	}
	f->begun = false;
	end_bank(cbndx, index);
	return HV_OK;
}

static enum hv_status free_vm_bank(uint32_t cbndx, uint32_t index, vmid_t vmid)
{
	if (get_vm_state(vmid) != POWEROFF) {
		return refuse(HV_EPERM, "the VM is not powered off");
	}
	end_bank(cbndx, index);
	set_vm_banks(vmid, get_vm_banks(vmid) &
			   ~(UINT32_C(1) << bank_number(cbndx, index)));
	return HV_OK;
}

/**
 * el2_free_smmu_pgd() - free a bank
 * @cbndx: the bank
 * @index: the SMMU
 *
 * Streams that use it fault. Of a VM that is powered off the pages stay the
 * VM's.
 *
 * Spec:    MmioOps.el2_free_smmu_pgd_spec
 * Delta:   D-001: a status. D-055: a bank of the host's in steps, with the
 *	    counts of its pages (G68); the table and the TLB are emptied (G69)
 * Locks:   takes smmu, vm of the owner, s2page, spt; caller holds none
 * Returns: HV_OK, also for a free bank; HV_EAGAIN if a call must go on;
 *	    HV_ENOTSUP without an SMMU; HV_EINVAL for a number out of range;
 *	    HV_EPERM for EL2's bank, or if its VM is not powered off. Nothing
 *	    has changed on the last three
 * Refuses: the above - host can reach this
 */
enum hv_status el2_free_smmu_pgd(uint32_t cbndx, uint32_t index)
{
	enum hv_status status = smmu_ops_check(cbndx, index);
	vmid_t owner;

	if (status != HV_OK) {
		return status;
	}
	acquire_lock_smmu();
	owner = get_smmu_cfg_vmid(cbndx, index);
	if (owner == COREVISOR) {
		status = refuse(HV_EPERM, "the bank is the corevisor's");
	} else if (owner == HOSTVISOR) {
		status = free_host_bank(cbndx, index);
	} else if (owner != INVALID) {
		acquire_lock_vm(owner);
		status = free_vm_bank(cbndx, index, owner);
		release_lock_vm(owner);
	}
	release_lock_smmu();
	return status;
}

static void for_each_bank(uint32_t banks, void (*fn)(uint32_t cbndx,
						     uint32_t index))
{
	for (; banks != 0; banks &= banks - 1) {
		uint32_t bank = (uint32_t)__builtin_ctz(banks);

		fn(bank % SMMU_NUM_CTXT_BANKS, bank / SMMU_NUM_CTXT_BANKS);
	}
}

void smmu_ops_clear_vm(vmid_t vmid)
{
	for_each_bank(get_vm_banks(vmid), clear_bank);
}

void smmu_ops_free_vm(vmid_t vmid)
{
	for_each_bank(get_vm_banks(vmid), end_bank);
	set_vm_banks(vmid, 0);
}

/* --- Mapping ------------------------------------------------------------ */

/**
 * struct bank_map - what a call maps, or unmaps, where
 * @cbndx: the bank
 * @index: its SMMU
 * @iova:  page aligned
 * @pte:   leaf to map
 */
struct bank_map {
	uint32_t cbndx;
	uint32_t index;
	uint64_t iova;
	uint64_t pte;
};

typedef enum hv_status bank_step(vmid_t owner, const struct bank_map *map);

static enum hv_status step_locked(vmid_t owner, const struct bank_map *map,
				  bank_step *step)
{
	enum hv_status status;

	acquire_lock_s2page();
	status = step(owner, map);
	release_lock_s2page();
	return status;
}

/* Runs @step for the host's bank, or for one of a VM that is being set up. */
static enum hv_status on_bank(const struct bank_map *map, bank_step *step)
{
	enum hv_status status;
	vmid_t owner;

	acquire_lock_smmu();
	status = smmu_ops_bank_owner(map->cbndx, map->index, &owner);
	if (status == HV_OK && owner == HOSTVISOR) {
		status = step_locked(owner, map, step);
	} else if (status == HV_OK) {
		acquire_lock_vm(owner);
		status = get_vm_state(owner) != READY ?
			 refuse(HV_EPERM, "the VM is not being set up") :
			 step_locked(owner, map, step);
		release_lock_vm(owner);
	}
	release_lock_smmu();
	return status;
}

/**
 * smmu_assign_page() - make a page the bank's owner's
 * @cbndx: a bank that is the host's or a VM's
 * @index: its SMMU
 * @pfn:   the page
 * @gfn:   where the owner has it
 *
 * Spec:    MmioOps.smmu_assign_page_spec
 * Delta:   D-010: in one step with smmu_map_page(), which has the checks (G11)
 * Locks:   caller holds smmu, vm of the owner and s2page
 * Returns: as assign_pfn_to_smmu(); HV_OK for the host's bank
 */
enum hv_status smmu_assign_page(uint32_t cbndx, uint32_t index, uint64_t pfn,
				uint64_t gfn)
{
	uint32_t owner = get_smmu_cfg_vmid(cbndx, index);

	return owner == HOSTVISOR ? HV_OK :
				    assign_pfn_to_smmu(owner, gfn, pfn);
}

/**
 * smmu_map_page() - map a page of the bank's owner's
 * @cbndx: a bank that is the host's or a VM's
 * @index: its SMMU
 * @iova:  page aligned, below 2^40; nothing is mapped there
 * @pte:   the leaf
 *
 * Spec:    MmioOps.smmu_map_page_spec
 * Delta:   D-010
 * Locks:   caller holds smmu, vm of the owner and s2page
 * Returns: as update_smmu_page()
 */
enum hv_status smmu_map_page(uint32_t cbndx, uint32_t index, uint64_t iova,
			     uint64_t pte)
{
	return update_smmu_page(get_smmu_cfg_vmid(cbndx, index), cbndx, index,
				iova, pte);
}

/* Whether a VM's own table and its banks have no other page at the place. */
static enum hv_status check_place(vmid_t vmid, gfn_t gfn, pfn_t pfn)
{
	pfn_t mapped = memory_ops_pfn_at(vmid, gfn << PAGE_SHIFT);

	if (mapped != INVALID64 && mapped != pfn) {
		return refuse(HV_EPERM, "the VM has another page there");
	}
	return mem_banks_agree(vmid, gfn, pfn);
}

static enum hv_status map_page(vmid_t owner, const struct bank_map *map)
{
	uint64_t old = walk_spt(map->cbndx, map->index, map->iova);
	pfn_t pfn = (map->pte & S2_OA_MASK) >> PAGE_SHIFT;
	gfn_t gfn = map->iova >> PAGE_SHIFT;
	enum hv_status status;

	if (old != 0) {
		return old == map->pte ? HV_OK :
					 refuse(HV_EBUSY, "already mapped");
	}
	status = mem_can_map_smmu(owner, map->iova, pfn);
	if (status == HV_OK && owner != HOSTVISOR) {
		status = check_place(owner, gfn, pfn);
	}
	if (status != HV_OK) {
		return status;
	}
	if (!spt_can_map(map->cbndx, map->index, map->iova)) {
		return refuse(HV_ENOMEM, "no memory for tables");
	}
	status = smmu_assign_page(map->cbndx, map->index, pfn, gfn);
	ASSERT(status == HV_OK);
	icache_invalidate_all();
	status = smmu_map_page(map->cbndx, map->index, map->iova, map->pte);
	ASSERT(status == HV_OK);
	return HV_OK;
}

static bool is_page(uint64_t addr)
{
	return addr < KVM_PHYS_SIZE && (addr & (PAGE_SIZE - 1)) == 0;
}

/**
 * el2_arm_lpae_map() - map a page for the devices of a bank
 * @iova:  page aligned, below 2^40
 * @paddr: PA, page aligned, below 2^40
 * @prot:  HYPSEC_SMMU_READ and _WRITE, at least one; no address bits
 * @cbndx: the bank
 * @index: the SMMU
 *
 * Into the host's bank at its own address; into a VM's bank, while the VM is
 * being set up, at the guest frame that it has or gets. A page that was the
 * host's is zeroed and reserved for the VM's devices then.
 *
 * Spec:    MmioOps.el2_arm_lpae_map (C): smmu_assign_page and smmu_map_page
 * Delta:   D-001, D-010: one step. D-011: what is mapped stays. D-055.
 *	    D-056: not where the VM has another page
 * Locks:   takes smmu, vm of the owner, s2page, then pt or spt; caller holds
 *	    none
 * Returns: HV_OK, also if exactly this is mapped; HV_ENOTSUP without an SMMU;
 *	    HV_EINVAL for an argument out of range; HV_EPERM for EL2's or a
 *	    free bank, if the VM is not READY, or the owner may not have the
 *	    page there; HV_EBUSY if something else is mapped, or the bank is
 *	    being freed; HV_ENOMEM. Nothing has changed on an error
 * Refuses: the above - host can reach this
 */
enum hv_status el2_arm_lpae_map(uint64_t iova, uint64_t paddr, uint64_t prot,
				uint32_t cbndx, uint32_t index)
{
	struct bank_map map = { .cbndx = cbndx, .index = index, .iova = iova };
	enum hv_status status = smmu_ops_check(cbndx, index);

	if (status != HV_OK) {
		return status;
	}
	if (!is_page(iova) || !is_page(paddr)) {
		return refuse(HV_EINVAL, "address is misaligned or too large");
	}
	if ((prot & S2_OA_MASK) != 0 || (prot & PROT_BITS) == 0) {
		return refuse(HV_EINVAL, "no such protection");
	}
	map.pte = smmu_init_pte(prot, paddr);
	return on_bank(&map, map_page);
}

/**
 * el2_arm_lpae_iova_to_phys() - where a bank leads
 * @iova:  below 2^40
 * @cbndx: the bank
 * @index: the SMMU
 * @pa:    where the PA goes; 0 if nothing is mapped
 *
 * Spec:    MmioOps.el2_arm_lpae_iova_to_phys_spec
 * Delta:   D-001: a status. 0 without an offset where nothing is mapped
 * Locks:   takes smmu, s2page, spt; caller holds none
 * Returns: HV_OK; HV_ENOTSUP without an SMMU; HV_EINVAL for an argument out of
 *	    range; HV_EPERM for EL2's or a free bank
 * Refuses: the above - host can reach this
 */
enum hv_status el2_arm_lpae_iova_to_phys(uint64_t iova, uint32_t cbndx,
					 uint32_t index, uint64_t *pa)
{
	enum hv_status status = smmu_ops_check(cbndx, index);
	uint64_t pte = 0;
	vmid_t owner;

	if (status != HV_OK) {
		return status;
	}
	if (iova >= KVM_PHYS_SIZE) {
		return refuse(HV_EINVAL, "IOVA beyond 40 bits");
	}
	acquire_lock_smmu();
	status = smmu_ops_bank_owner(cbndx, index, &owner);
	if (status == HV_OK) {
		acquire_lock_s2page();
		pte = walk_spt(cbndx, index, iova);
		release_lock_s2page();
	} else if (status == HV_EBUSY) {
		/* Its table is empty already. */
		status = HV_OK;
	}
	release_lock_smmu();
	*pa = pte == 0 ? 0 : (pte & S2_OA_MASK) | (iova & (PAGE_SIZE - 1));
	return status;
}

static enum hv_status unmap_page(vmid_t owner, const struct bank_map *map)
{
	(void)owner;
	unmap_smmu_page(map->cbndx, map->index, map->iova);
	return HV_OK;
}

/**
 * el2_arm_lpae_clear() - unmap a page from a bank
 * @iova:  page aligned, below 2^40, mapped or not
 * @cbndx: the bank
 * @index: the SMMU
 *
 * No device reaches the page through the bank at return. A VM's page stays
 * the VM's.
 *
 * Spec:    MmioOps.el2_arm_lpae_clear_spec
 * Delta:   D-001
 * Locks:   takes smmu, vm of the owner, s2page, spt; caller holds none
 * Returns: HV_OK; HV_ENOTSUP without an SMMU; HV_EINVAL for an argument out of
 *	    range; HV_EPERM for EL2's or a free bank, or if its VM is not
 *	    READY; HV_EBUSY if it is being freed; nothing has changed on an
 *	    error
 * Refuses: the above - host can reach this
 */
enum hv_status el2_arm_lpae_clear(uint64_t iova, uint32_t cbndx, uint32_t index)
{
	struct bank_map map = { .cbndx = cbndx, .index = index, .iova = iova };
	enum hv_status status = smmu_ops_check(cbndx, index);

	if (status != HV_OK) {
		return status;
	}
	if (!is_page(iova)) {
		return refuse(HV_EINVAL, "address is misaligned or too large");
	}
	return on_bank(&map, unmap_page);
}

void smmu_ops_reset(void)
{
	for (uint32_t i = 0; i < EL2_SMMU_CFG_SIZE; i++) {
		freeing[i] = (struct freeing){ .begun = false };
	}
}
