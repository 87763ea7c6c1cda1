/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BootCore.v and BootOps.v: making a VM and loading it. Source: facts B.4
 * (operations), D.1 and E.2.
 */
#include "spec/boot_ops.h"

#include "spec/abstract_machine.h"
#include "spec/dma.h"
#include "spec/locks.h"
#include "spec/mem_manager.h"
#include "spec/npt.h"
#include "spec/page_manager.h"
#include "spec/pt_alloc.h"

/*
 * Corrected, G7 and G23: the lowest free id; none is an empty pool and not id
 * 0, as which the C's error value was taken.
 */
enum option gen_vmid_spec(struct rdata *adt, uint32_t *vmid)
{
	WHEN(acquire_lock_core_spec(adt));
	WHEN(get_next_vmid_spec(adt, vmid));
	RELY_OR(*vmid < COREVISOR, NONE_NOMEM);
	adt->vmids |= UINT32_C(1) << *vmid;
	return release_lock_core_spec(adt);
}

/* E.3: UNUSED -> READY, with an empty table. */
enum option register_kvm_spec(struct rdata *adt, uint32_t *vmid)
{
	uint32_t state;

	if (adt->halt) {
		*vmid = 0;
		return SOME;
	}
	WHEN(gen_vmid_spec(adt, vmid));
	WHEN(acquire_lock_vm_spec(*vmid, adt));
	WHEN(get_vm_state_spec(*vmid, adt, &state));
	if (state != UNUSED) {
		return panic_spec(adt);
	}
	WHEN(init_s2pt_spec(*vmid, adt));
	WHEN(set_vm_state_spec(*vmid, READY, adt));
	return release_lock_vm_spec(*vmid, adt);
}

static uint64_t load_pages(uint64_t size)
{
	return (size + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* Does an image share a page with one that is registered? */
static bool overlaps(const struct vm *vm, uint64_t addr, uint64_t size)
{
	for (uint32_t i = 0; i < vm->next_load_idx; i++) {
		const struct load_info *image = &vm->load[i];
		uint64_t end = image->load_addr +
			       load_pages(image->load_size) * PAGE_SIZE;

		if (addr < end &&
		    image->load_addr < addr + load_pages(size) * PAGE_SIZE) {
			return true;
		}
	}
	return false;
}

/*
 * B.4. The Coq also reserves a window of EL2 addresses, which is not there:
 * see remap_vm_image_spec.
 * Corrected, G40 and G65: address and size are bounded, the size is not 0, and
 * images do not overlap. A sixth image is refused (the Coq returns 5).
 */
enum option set_boot_info_spec(uint32_t vmid, uint64_t load_addr,
			       uint64_t size, struct rdata *adt,
			       uint32_t *load_idx)
{
	uint32_t state;

	if (adt->halt) {
		*load_idx = 0;
		return SOME;
	}
	RELY_CALLER(is_vm(vmid));
	WHEN(acquire_lock_vm_spec(vmid, adt));
	WHEN(get_vm_state_spec(vmid, adt, &state));
	if (state != READY) {
		return panic_spec(adt);
	}
	RELY(is_aligned(load_addr, PAGE_SIZE) && size > 0);
	RELY(is_range(load_addr, size, KVM_PHYS_SIZE));
	RELY(!overlaps(&adt->vms[vmid], load_addr, size));
	WHEN(get_vm_next_load_idx_spec(vmid, adt, load_idx));
	RELY_OR(*load_idx < MAX_LOAD_INFO_NUM, NONE_NOMEM);
	WHEN(set_vm_next_load_idx_spec(vmid, *load_idx + 1, adt));
	WHEN(set_vm_load_addr_spec(vmid, *load_idx, load_addr, adt));
	WHEN(set_vm_load_size_spec(vmid, *load_idx, size, adt));
	WHEN(set_vm_mapped_pages_spec(vmid, *load_idx, 0, adt));
	return release_lock_vm_spec(vmid, adt);
}

/*
 * B.4. The Coq maps the page into EL2's own table, where the image is verified
 * later, and leaves it with the host until then.
 * Corrected, G27, G36 and G39: the page leaves the host at once and goes to
 * its place in the VM, with its content; EL2 sees it in its linear map, so
 * there is no window. Its owner is exactly the host, alone; pfn and index are
 * bounded; more pages than the image has are refused (the Coq: nothing).
 * Corrected, G33: nor where the VM's devices see another page.
 */
enum option remap_vm_image_spec(uint32_t vmid, uint64_t pfn,
				uint32_t load_idx, struct rdata *adt)
{
	uint32_t state, count, load_count, owner;
	uint64_t addr, size, mapped, gfn;
	const struct npt *npt;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(is_vm(vmid));
	npt = &adt->npts[vmid];
	WHEN(acquire_lock_vm_spec(vmid, adt));
	WHEN(get_vm_state_spec(vmid, adt, &state));
	if (state != READY) {
		return panic_spec(adt);
	}
	WHEN(get_vm_next_load_idx_spec(vmid, adt, &load_count));
	RELY(load_idx < load_count && is_pfn(pfn));
	WHEN(get_vm_load_addr_spec(vmid, load_idx, adt, &addr));
	WHEN(get_vm_load_size_spec(vmid, load_idx, adt, &size));
	WHEN(get_vm_mapped_pages_spec(vmid, load_idx, adt, &mapped));
	RELY(mapped < load_pages(size));
	gfn = addr / PAGE_SIZE + mapped;
	WHEN(acquire_lock_s2page_spec(adt));
	WHEN(get_pfn_owner_spec(pfn, adt, &owner));
	WHEN(get_pfn_count_spec(pfn, adt, &count));
	RELY_OR(owner == HOSTVISOR && count == 0, NONE_PERM);
	RELY_OR(npt_is_unmapped(npt, gfn, 1), NONE_BUSY);
	RELY_OR(npt_tables_needed(npt, gfn, 1, 3) <=
		pool_free_pages(vmid, adt), NONE_NOMEM);
	RELY_OR(dma_agrees(vmid, gfn, pfn, adt), NONE_PERM);
	WHEN(assign_pfn_to_vm_spec(vmid, gfn, pfn, adt));
	WHEN(map_pfn_vm_spec(vmid, gfn * PAGE_SIZE, pfn * PAGE_SIZE, 3, adt));
	WHEN(release_lock_s2page_spec(adt));
	WHEN(set_vm_mapped_pages_spec(vmid, load_idx, mapped + 1, adt));
	return release_lock_vm_spec(vmid, adt);
}

/* --- vCPUs ---------------------------------------------------------------- */

/*
 * B.4, E.3: UNUSED -> READY, never run.
 * Corrected, G42: both conditions, as in the Coq; to the C one is enough.
 * G65: Q-top forgets that it has never run.
 */
enum option register_vcpu_spec(uint32_t vmid, uint32_t vcpuid,
			       struct rdata *adt)
{
	uint32_t vm_state, vcpu_state;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(is_vm(vmid));
	RELY(is_vcpu(vcpuid));
	WHEN(acquire_lock_vm_spec(vmid, adt));
	WHEN(get_vm_state_spec(vmid, adt, &vm_state));
	WHEN(get_vcpu_state_spec(vmid, vcpuid, adt, &vcpu_state));
	if (vm_state != READY) {
		return panic_spec(adt);
	}
	RELY_OR(vcpu_state == UNUSED, NONE_BUSY);
	WHEN(set_vcpu_state_spec(vmid, vcpuid, READY, adt));
	WHEN(set_shadow_ctxt_spec(vmid, vcpuid, DIRTY, INVALID64, adt));
	/* set_vm_vcpu: its page of the window is empty. */
	adt->int_vcpus[vmid][vcpuid] = (struct int_vcpu){ .esr = 0 };
	return release_lock_vm_spec(vmid, adt);
}

/*
 * B.4, E.3: READY -> ACTIVE while the VM is VERIFIED.
 * Corrected, G41: not while it is off; G13: with an error of its own kind.
 */
enum option set_vcpu_active_spec(uint32_t vmid, uint32_t vcpuid,
				 struct rdata *adt)
{
	uint32_t vm_state, vcpu_state;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(is_vm(vmid) && is_vcpu(vcpuid));
	WHEN(acquire_lock_vm_spec(vmid, adt));
	WHEN(get_vm_state_spec(vmid, adt, &vm_state));
	WHEN(get_vcpu_state_spec(vmid, vcpuid, adt, &vcpu_state));
	/* It may have ended by itself: not the host's doing. */
	RELY_OR(vm_state != POWEROFF, NONE_BUSY);
	RELY_OR(vm_state == VERIFIED && vcpu_state != UNUSED, NONE_PERM);
	RELY_OR(vcpu_state == READY &&
		adt->vms[vmid].boot[vcpuid].power != VCPU_OFF, NONE_BUSY);
	WHEN(set_vcpu_state_spec(vmid, vcpuid, ACTIVE, adt));
	adt->vms[vmid].boot[vcpuid].power = VCPU_ON;
	return release_lock_vm_spec(vmid, adt);
}

enum option set_vcpu_inactive_spec(uint32_t vmid, uint32_t vcpuid,
				   struct rdata *adt)
{
	uint32_t vcpu_state;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(is_vm(vmid) && is_vcpu(vcpuid));
	WHEN(acquire_lock_vm_spec(vmid, adt));
	WHEN(get_vcpu_state_spec(vmid, vcpuid, adt, &vcpu_state));
	if (vcpu_state != ACTIVE) {
		return panic_spec(adt);
	}
	WHEN(set_vcpu_state_spec(vmid, vcpuid, READY, adt));
	return release_lock_vm_spec(vmid, adt);
}

enum option boot_vcpu_set_entry_spec(uint32_t vmid, uint32_t vcpuid,
				     uint64_t entry, uint64_t context,
				     struct rdata *adt)
{
	RELY_CALLER(lock_own(adt, LOCK_VM, vmid) && is_vcpu(vcpuid));
	adt->vms[vmid].boot[vcpuid] = (struct vcpu_boot){
		.power = VCPU_ON_PENDING, .entry = entry, .context = context,
	};
	return SOME;
}
