/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host may do to a VM's memory as a whole: devices into it, and its
 * way back. Layer: MemHandler, on BootCore, MemoryOps and MemManager.
 * Locks: takes vm[vmid], then s2page, then pt.
 *
 * A reclaim is done in steps (G37): one call does a bounded part of it, keeps
 * where it stopped, and answers HV_EAGAIN. Before the first page leaves, the
 * VM's table is empty and its translations are gone (G21), and no vCPU of it
 * runs again.
 */
#include "core/mem_handler.h"

#include "arch/mem.h"
#include "core/boot_core.h"
#include "core/locks.h"
#include "core/mem_manager.h"
#include "core/mem_region.h"
#include "core/memory_ops.h"
#include "core/npt_ops.h"
#include "core/page_manager.h"
#include "core/panic.h"
#include "core/phys_page.h"
#include "core/pt_alloc.h"
#include "core/shadow_ctxt.h"
#include "core/spec_constants.h"
#include "core/violation.h"
#include "core/vm_info.h"

/* Bounds of one hold of s2page, so that other CPUs' faults get their turn. */
#define PAGES_PER_HOLD		32u
#define RECORDS_PER_HOLD	512u

/**
 * struct budget - what this call may still do
 * @pages:   pages to scrub
 * @records: page records or table entries to look at
 */
struct budget {
	uint64_t pages;
	uint64_t records;
};

static const struct budget one_call = {
	.pages = MAX_PAGES_PER_CALL,
	.records = MAX_RECORDS_PER_CALL,
};

/**
 * struct reclaim - where the reclaim of a VM stands; protected by vm[vmid]
 * @clearing: whether the range below is not done yet
 * @start:    first byte of the range, PA
 * @size:     its bytes
 * @next:     next page of it
 * @tables:   next entry of the VM's tables, when it is destroyed
 * @run:      next page of what the last entry mapped
 * @run_end:  end of that
 * @scan:     next page of all of RAM, for pages that no table names
 */
struct reclaim {
	bool clearing;
	paddr_t start;
	uint64_t size;
	paddr_t next;
	struct npt_cursor tables;
	paddr_t run;
	paddr_t run_end;
	paddr_t scan;
};

static struct reclaim reclaims[COREVISOR];

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* @pa itself if it is RAM, else where RAM goes on above it, at most @end. */
static paddr_t next_ram(paddr_t pa, paddr_t end)
{
	paddr_t next = end;

	if (mem_region_search(pa) != INVALID) {
		return pa;
	}
	for (uint32_t i = 0; i < mem_region_count(); i++) {
		paddr_t base = mem_region_get(i)->base;

		if (base > pa && base < next) {
			next = base;
		}
	}
	return next;
}

/* Looks at pages from @next on, within one hold of s2page. */
static void reclaim_some(vmid_t vmid, paddr_t *next, paddr_t end,
			 struct budget *budget)
{
	uint64_t records = min(budget->records, RECORDS_PER_HOLD);
	uint64_t pages = min(budget->pages, PAGES_PER_HOLD);

	while (*next < end && records > 0 && pages > 0) {
		pfn_t pfn = *next >> PAGE_SHIFT;

		if (get_pfn_owner(pfn) == vmid) {
			clear_vm_page(vmid, pfn);
			pages--;
			budget->pages--;
		}
		records--;
		budget->records--;
		*next = next_ram(*next + PAGE_SIZE, end);
	}
	/* The host fetches nothing that was the VM's. */
	icache_invalidate_all();
}

/* Returns whether no page of @vmid is left in [*next, end). */
static bool reclaim_range(vmid_t vmid, paddr_t *next, paddr_t end,
			  struct budget *budget)
{
	*next = next_ram(*next, end);
	while (*next < end && budget->records > 0 && budget->pages > 0) {
		acquire_lock_s2page();
		if (page_manager_owned(vmid) == 0) {
			*next = end;
		} else {
			reclaim_some(vmid, next, end, budget);
		}
		release_lock_s2page();
	}
	return *next >= end;
}

/* Takes the next entry of the VM's tables; false after the last one. */
static bool next_run(vmid_t vmid, struct reclaim *reclaim,
		     struct budget *budget)
{
	const struct npt_cursor before = reclaim->tables;
	const struct npt_cursor *now = &reclaim->tables;
	paddr_t pa = 0;
	uint64_t pages = 0;
	uint64_t looked;
	bool more;

	acquire_lock_s2page();
	more = npt_next_pa(vmid, &reclaim->tables, &pa, &pages);
	release_lock_s2page();
	looked = now->index - (now->page == before.page ? before.index : 0);
	budget->records -= min(budget->records, looked);
	reclaim->run = pa;
	reclaim->run_end = pa + (pages << PAGE_SHIFT);
	return more;
}

/* Returns whether no page that the VM's tables name is the VM's any more. */
static bool reclaim_tables(vmid_t vmid, struct reclaim *reclaim,
			   struct budget *budget)
{
	while (reclaim_range(vmid, &reclaim->run, reclaim->run_end, budget)) {
		if (budget->records == 0 || budget->pages == 0) {
			return false;
		}
		if (!next_run(vmid, reclaim, budget)) {
			return true;
		}
	}
	return false;
}

static bool owns_nothing(vmid_t vmid)
{
	bool nothing;

	acquire_lock_s2page();
	nothing = page_manager_owned(vmid) == 0;
	release_lock_s2page();
	return nothing;
}

/* First what the tables name, hence flat in the size of RAM; then the rest. */
static bool reclaim_all(vmid_t vmid)
{
	struct reclaim *reclaim = &reclaims[vmid];
	struct budget budget = one_call;

	return owns_nothing(vmid) ||
	       (reclaim_tables(vmid, reclaim, &budget) &&
		reclaim_range(vmid, &reclaim->scan, KVM_PHYS_SIZE, &budget));
}

/* From here on the VM maps nothing, and nothing is mapped for it again. */
static void empty_table(vmid_t vmid)
{
	acquire_lock_s2page();
	clear_npt(vmid);
	release_lock_s2page();
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

static enum hv_status clear_locked(vmid_t vmid, paddr_t start, uint64_t size)
{
	struct reclaim *reclaim = &reclaims[vmid];
	enum hv_status status = check_clear(vmid);
	struct budget budget = one_call;

	if (status != HV_OK) {
		return status;
	}
	empty_table(vmid);
	if (!reclaim->clearing || reclaim->start != start ||
	    reclaim->size != size) {
		reclaim->start = start;
		reclaim->size = size;
		reclaim->next = start;
	}
	reclaim->clearing = !reclaim_range(vmid, &reclaim->next, start + size,
					   &budget);
	return reclaim->clearing ? HV_EAGAIN : HV_OK;
}

/**
 * clear_vm_stage2_range() - give a dead VM's pages back to the host, zeroed
 * @vmid:  a VM that is powered off
 * @start: PA in bytes, page aligned
 * @size:  bytes, page aligned; 0 and 2^40 together mean all
 *
 * Spec:    MemHandler.clear_vm_stage2_range_spec
 * Delta:   D-001. D-018: the table is emptied first (G21), refused while a
 *	    vCPU is ACTIVE, and done in steps (G37)
 * Locks:   takes vm[vmid], then s2page, then pt; caller holds none
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
	acquire_lock_vm(vmid);
	status = clear_locked(vmid, start, size);
	release_lock_vm(vmid);
	return status;
}

/* Nothing of the VM is left; its id may name another one. */
static void forget_vm(vmid_t vmid)
{
	acquire_lock_s2page();
	release_s2pt(vmid);
	release_lock_s2page();
	reclaims[vmid] = (struct reclaim){ .clearing = false };
	shadow_ctxt_wipe(vmid);
	vm_info_wipe(vmid);
	boot_core_free_vmid(vmid);
}

static enum hv_status destroy_locked(vmid_t vmid)
{
	if (get_vm_state(vmid) == UNUSED) {
		return refuse(HV_EPERM, "the VM does not exist");
	}
	if (vm_has_active_vcpu(vmid)) {
		return refuse(HV_EBUSY, "a vCPU is still running");
	}
	set_vm_state(vmid, POWEROFF);
	empty_table(vmid);
	if (!reclaim_all(vmid)) {
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
 * Locks:   takes vm[vmid], then core, or s2page and pt; caller holds none
 * Returns: HV_OK once its pages are the host's, zeroed, its tables and
 *	    registers gone and its id free; HV_EAGAIN if a call must go on;
 *	    HV_EINVAL; HV_EPERM if there is no such VM; HV_EBUSY if a vCPU is
 *	    ACTIVE. Nothing has changed on the last three
 * Refuses: the above - host can reach this
 */
enum hv_status destroy_vm(uint32_t vmid)
{
	enum hv_status status;

	if (!is_vm(vmid)) {
		return refuse(HV_EINVAL, "no such VM id");
	}
	acquire_lock_vm(vmid);
	status = destroy_locked(vmid);
	release_lock_vm(vmid);
	return status;
}

static enum hv_status check_ioremap(vmid_t vmid, ipa_t gpa, paddr_t pa,
				    uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		if (!mem_is_host_device(pa + i * PAGE_SIZE)) {
			return refuse(HV_EPERM, "not a device of the host's");
		}
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
 * Delta:   D-001: all pages are checked before one is mapped. D-007 (G26)
 * Locks:   takes vm[vmid], then s2page, then pt; caller holds none
 * Returns: HV_OK; HV_EPERM if the VM is not READY or a page is not in a
 *	    device window of the host's; HV_EINVAL for a bad range; HV_EBUSY
 *	    if a page of the VM's range is mapped; HV_ENOMEM; nothing has
 *	    changed on an error
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
	}
	release_lock_vm(vmid);
	return status;
}

static uint64_t pages_of_vms(void)
{
	uint64_t pages = 0;

	acquire_lock_s2page();
	for (vmid_t vmid = HOSTVISOR + 1; vmid < COREVISOR; vmid++) {
		pages += page_manager_owned(vmid);
	}
	release_lock_s2page();
	return pages;
}

/* Scrubs VMs' pages from @pa on within one hold; returns how many. */
static uint64_t scrub_some(paddr_t *pa)
{
	uint64_t scrubbed = 0;

	acquire_lock_s2page();
	for (uint32_t i = 0; i < RECORDS_PER_HOLD && *pa < KVM_PHYS_SIZE &&
	     scrubbed < PAGES_PER_HOLD; i++) {
		if (is_vm(get_pfn_owner(*pa >> PAGE_SHIFT))) {
			clear_phys_page(*pa >> PAGE_SHIFT);
			scrubbed++;
		}
		*pa = next_ram(*pa + PAGE_SIZE, KVM_PHYS_SIZE);
	}
	icache_invalidate_all();
	release_lock_s2page();
	return scrubbed;
}

void mem_handler_scrub_all(void)
{
	paddr_t pa = next_ram(0, KVM_PHYS_SIZE);
	uint64_t left;

	for (vmid_t vmid = HOSTVISOR + 1; vmid < COREVISOR; vmid++) {
		acquire_lock_vm(vmid);
		if (get_vm_state(vmid) != UNUSED) {
			set_vm_state(vmid, POWEROFF);
			/* A vCPU that runs elsewhere stores nothing more. */
			empty_table(vmid);
		}
		release_lock_vm(vmid);
	}
	left = pages_of_vms();
	while (left > 0 && pa < KVM_PHYS_SIZE) {
		left -= min(left, scrub_some(&pa));
	}
}

void mem_handler_reset(void)
{
	for (vmid_t vmid = 0; vmid < COREVISOR; vmid++) {
		reclaims[vmid] = (struct reclaim){ .clearing = false };
	}
}
