/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MemHandler.v: what the host may do to a VM's memory as a whole. Source:
 * facts F.4, F.10 and B.14; destroy_vm: G22, docs/hypercalls.rst.
 */
#include "spec/mem_handler.h"

#include "spec/abstract_machine.h"
#include "spec/dma.h"
#include "spec/locks.h"
#include "spec/mem_manager.h"
#include "spec/memory_ops.h"
#include "spec/npt.h"
#include "spec/page_manager.h"
#include "spec/pt_alloc.h"
#include "spec/smmu_ops.h"

/* With the vm lock: NONE_BUSY while a vCPU runs (G21). */
static enum option check_inactive(uint32_t vmid, const struct rdata *adt)
{
	for (uint32_t i = 0; i < VCPU_PER_VM; i++) {
		uint32_t state;

		WHEN(get_vcpu_state_spec(vmid, i, adt, &state));
		RELY_OR(state != ACTIVE, NONE_BUSY);
	}
	return SOME;
}

/*
 * F.4 over a range of physical addresses.
 *
 * Corrected, G20 and G21: POWEROFF only, where the Coq does nothing else; no
 * vCPU ACTIVE; and the VM's table maps nothing before a page leaves, where the
 * Coq leaves it as it was.
 * Corrected, G37: in steps. The same start and size go on, others start anew.
 * Corrected, G69: its devices do no DMA from the first step on.
 */
enum option clear_vm_stage2_range_spec(uint32_t vmid, uint64_t start,
				       uint64_t size, struct rdata *adt)
{
	enum option again;
	struct vm *vm;
	uint32_t state;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(is_vm(vmid));
	vm = &adt->vms[vmid];
	RELY(is_aligned(start, PAGE_SIZE) && is_aligned(size, PAGE_SIZE));
	RELY(is_range(start, size, KVM_PHYS_SIZE));
	WHEN(acquire_lock_smmu_spec(adt));
	WHEN(acquire_lock_vm_spec(vmid, adt));
	WHEN(get_vm_state_spec(vmid, adt, &state));
	RELY_OR(state == POWEROFF, NONE_PERM);
	WHEN(check_inactive(vmid, adt));
	WHEN(clear_npt_spec(vmid, adt));
	WHEN(dma_device_stop_vm_spec(vmid, adt));
	if (!vm->clearing || vm->clear_start != start ||
	    vm->clear_size != size) {
		vm->clear_start = start;
		vm->clear_size = size;
		vm->clear_next = start;
	}
	again = clear_vm_range_spec(vmid, &vm->clear_next, start + size, adt);
	vm->clearing = again == AGAIN;
	WHEN(release_lock_vm_spec(vmid, adt));
	WHEN(release_lock_smmu_spec(adt));
	return again;
}

/*
 * F.10.
 * Corrected, G26: the PA is a page address in one of the host's device
 * windows and nothing else (the Coq: "not RAM", the C: any bits above 40); the
 * VM is one (the Coq allows 0 to 16); nothing is replaced.
 * Corrected, G31: nothing is mapped if not everything can be.
 * Corrected, G33: a DMA device only into the VM that it was given to, or one
 * VM could keep the registers of another's device; and none where the VM's
 * devices see memory.
 */
enum option kvm_phys_addr_ioremap_spec(uint32_t vmid, uint64_t gpa,
				       uint64_t pa, uint64_t size,
				       struct rdata *adt)
{
	uint64_t num = size / PAGE_SIZE;
	uint32_t state, owner;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(is_vm(vmid));
	WHEN(acquire_lock_vm_spec(vmid, adt));
	WHEN(get_vm_state_spec(vmid, adt, &state));
	if (state != READY) {
		return panic_spec(adt);
	}
	RELY(is_aligned(gpa, PAGE_SIZE) && is_aligned(pa, PAGE_SIZE) &&
	     is_aligned(size, PAGE_SIZE));
	RELY(num > 0 && num <= MAX_PAGES_PER_CALL);
	RELY(is_range(gpa, size, KVM_PHYS_SIZE) &&
	     is_range(pa, size, KVM_PHYS_SIZE));
	WHEN(acquire_lock_s2page_spec(adt));
	for (uint64_t i = 0; i < num; i++) {
		WHEN(get_pfn_owner_spec(pa / PAGE_SIZE + i, adt, &owner));
		RELY_OR(owner == INVALID &&
			is_host_device(pa + i * PAGE_SIZE, PAGE_SIZE, adt),
			NONE_PERM);
		owner = dma_owner_of(pa + i * PAGE_SIZE, adt);
		RELY_OR(owner == INVALID || owner == vmid, NONE_PERM);
		RELY_OR(dma_agrees(vmid, gpa / PAGE_SIZE + i,
				   pa / PAGE_SIZE + i, adt), NONE_PERM);
	}
	RELY_OR(npt_is_unmapped(&adt->npts[vmid], gpa / PAGE_SIZE, num),
		NONE_BUSY);
	RELY_OR(npt_tables_needed(&adt->npts[vmid], gpa / PAGE_SIZE, num, 3) <=
		pool_free_pages(vmid, adt), NONE_NOMEM);
	for (uint64_t i = 0; i < num; i++) {
		WHEN(map_vm_io_spec(vmid, gpa + i * PAGE_SIZE,
				    pa + i * PAGE_SIZE, adt));
	}
	if (gpa + size > adt->vms[vmid].devices_end) {
		adt->vms[vmid].devices_end = gpa + size;
	}
	WHEN(release_lock_s2page_spec(adt));
	return release_lock_vm_spec(vmid, adt);
}

static uint64_t pages_owned(uint32_t vmid, const struct rdata *adt)
{
	uint64_t owned = 0;

	for (uint64_t i = 0; i < adt->nr_pages; i++) {
		owned += adt->s2page[i].owner == vmid ? 1 : 0;
	}
	return owned;
}

/* The VM is no more: its id can be given out again (G23). */
static void forget_vm(uint32_t vmid, struct rdata *adt)
{
	adt->vms[vmid] = (struct vm){ .state = UNUSED };
	for (uint32_t i = 0; i < VCPU_PER_VM; i++) {
		adt->shadow_ctxts[vmid][i] = (struct shadow_ctxt){
			.ctxt_regs.ec = 0,
		};
		adt->int_vcpus[vmid][i] = (struct int_vcpu){ .esr = 0 };
	}
	pool_release(vmid, adt);
	adt->vmids &= ~(UINT32_C(1) << vmid);
}

/*
 * Not in the Coq, G22: the host can end any VM; all its pages are scrubbed.
 *
 * In steps (G37). Which pages one step takes back, and whether it is the last
 * once none is left, is the implementation's choice, so it is an oracle:
 * core_doracle holds 1 for the last step, else 0, and the pfns. The
 * specification says that each of them was the VM's, that there are at most
 * 512 of them, and that the last step leaves none. Its banks are free then.
 */
enum option destroy_vm_spec(uint32_t vmid, struct rdata *adt)
{
	struct oracle *o = &adt->core_doracle;
	uint32_t state;
	uint64_t steps = 0;
	bool last;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(is_vm(vmid));
	WHEN(acquire_lock_smmu_spec(adt));
	WHEN(acquire_lock_vm_spec(vmid, adt));
	WHEN(get_vm_state_spec(vmid, adt, &state));
	RELY_OR(state != UNUSED, NONE_PERM);
	WHEN(check_inactive(vmid, adt));
	WHEN(set_vm_state_spec(vmid, POWEROFF, adt));
	WHEN(clear_npt_spec(vmid, adt));
	WHEN(dma_device_stop_vm_spec(vmid, adt));
	RELY_CALLER(o->next < o->count);
	last = o->values[o->next++] == 1;
	WHEN(acquire_lock_s2page_spec(adt));
	while (o->next < o->count) {
		uint64_t pfn = o->values[o->next++];
		uint32_t owner;

		WHEN(get_pfn_owner_spec(pfn, adt, &owner));
		RELY_CALLER(owner == vmid && steps < MAX_PAGES_PER_CALL);
		WHEN(clear_vm_page_spec(vmid, pfn, adt));
		steps++;
	}
	WHEN(release_lock_s2page_spec(adt));
	if (last) {
		RELY_CALLER(pages_owned(vmid, adt) == 0);
		WHEN(smmu_forget_vm(vmid, adt));
		forget_vm(vmid, adt);
	}
	WHEN(release_lock_vm_spec(vmid, adt));
	WHEN(release_lock_smmu_spec(adt));
	return last ? SOME : AGAIN;
}
