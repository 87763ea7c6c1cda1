/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The definitions about faults, calls and the making of VMs that spec/
 * corrects; suffixes as in uncorrected.c.
 */
#include "spec/abstract_machine.h"
#include "spec/page_manager.h"
#include "spec/uncorrected.h"
#include "spec/uncorrected_smmu.h"

/* --- Faults of the host --------------------------------------------------- */

/* G53: the syndrome in place of the program counter. */
enum option host_skip_instr_coq(struct rdata *adt)
{
	adt->esr_el2 = adt->elr_el2 + 4;
	return SOME;
}

/* S2 with its own HPFAR_MASK (G54), and no look at the fault (G14). */
enum option handle_host_stage2_fault_coq(struct rdata *adt)
{
	uint64_t addr = (adt->hpfar_el2 & HPFAR_MASK_COQ) * 256;
	uint32_t ret;

	RELY(adt->esr_el2 <= UINT32_MAX);
	WHEN(emulate_mmio_coq(addr, adt->esr_el2, adt, &ret));
	return ret == INVALID ? map_page_host_coq(addr, adt) : SOME;
}

/* --- Calls of a VM -------------------------------------------------------- */

/* S2: X0 is left as it was (G57). */
enum option core_handle_pvops_coq(struct rdata *adt, uint32_t *res)
{
	const uint64_t *x = adt->shadow_ctxts[adt->cur_vmid][adt->cur_vcpuid]
			    .ctxt_regs.x;

	*res = 0;
	if (!is_vm(adt->cur_vmid)) {
		return panic_spec(adt);
	}
	if (x[X0] == HVC_KVM_SET_DESC_PFN) {
		return grant_stage2_sg_gpa_coq(adt->cur_vmid, x[X2], x[X3],
					       adt);
	}
	if (x[X0] == HVC_KVM_UNSET_DESC_PFN) {
		return revoke_stage2_sg_gpa_coq(adt->cur_vmid, x[X2], x[X3],
						adt);
	}
	*res = 1;
	return SOME;
}

/* --- Devices for a VM ----------------------------------------------------- */

/* F.10, its loop: what is RAM is left out; over whatever there is (G26). */
static enum option map_io(uint32_t vmid, uint64_t gpa, uint64_t pa,
			  uint64_t size, struct rdata *adt)
{
	uint64_t num = (size + PAGE_SIZE - 1) / PAGE_SIZE;

	for (uint64_t i = 0; i < num; i++) {
		uint64_t page = pa + i * PAGE_SIZE;

		if (get_s2_page_index_spec(page, adt) == INVALID64) {
			WHEN(local_mmap_coq(vmid, gpa + i * PAGE_SIZE, 3,
					    page | PAGE_S2_DEVICE | S2_RDWR,
					    adt));
		}
	}
	return SOME;
}

/* F.10 and the dispatcher's bounds (D.1): the host's own table is one (G26). */
enum option kvm_phys_addr_ioremap_coq(uint32_t vmid, uint64_t gpa,
				      uint64_t pa, uint64_t size,
				      struct rdata *adt)
{
	RELY(is_vmid(vmid) && is_range(gpa, size, KVM_ADDR_SPACE) &&
	     is_range(pa, size, KVM_PHYS_SIZE));
	if (adt->vms[vmid].state != READY) {
		return panic_spec(adt);
	}
	return map_io(vmid, gpa, pa, size, adt);
}

/* F.10 as the C: neither state nor bound; the PA with all its bits (G26). */
enum option kvm_phys_addr_ioremap_c(uint32_t vmid, uint64_t gpa, uint64_t pa,
				    uint64_t size, struct rdata *adt)
{
	return map_io(vmid, gpa, pa, size, adt);
}

/* --- Making VMs ----------------------------------------------------------- */

/* B.4: one number after the other, none twice (G23). */
enum option register_kvm_coq(uint32_t *next_vmid, struct rdata *adt,
			     uint32_t *vmid)
{
	*vmid = *next_vmid;
	if (*vmid >= COREVISOR || adt->vms[*vmid].state != UNUSED) {
		return panic_spec(adt);
	}
	(*next_vmid)++;
	adt->vms[*vmid].state = READY;
	return SOME;
}

/*
 * B.4 as the C: the limit is not the table's size, and what says that there is
 * no number left is the host's number (G7).
 */
enum option register_kvm_c(uint32_t *next_vmid, struct rdata *adt,
			   uint32_t *vmid)
{
	*vmid = *next_vmid < MAX_VM_NUM_C ? (*next_vmid)++ : HOSTVISOR;
	/* The array ends there; the C writes behind it. */
	if (*vmid <= COREVISOR) {
		adt->vms[*vmid].state = READY;
	}
	return SOME;
}

static void add_image(struct vm *vm, uint64_t load_addr, uint64_t size,
		      uint32_t *load_idx)
{
	*load_idx = vm->next_load_idx;
	if (*load_idx < MAX_LOAD_INFO_NUM) {
		vm->load[vm->next_load_idx++] =
			(struct load_info){ load_addr, size, 0 };
	}
}

/* B.4, with the dispatcher's bounds (D.1): of no size, over another (G40). */
enum option set_boot_info_coq(uint32_t vmid, uint64_t load_addr,
			      uint64_t size, struct rdata *adt,
			      uint32_t *load_idx)
{
	RELY(is_vm(vmid) && is_paddr(load_addr) && is_paddr(size) &&
	     is_paddr(load_addr + size));
	if (adt->vms[vmid].state != READY) {
		return panic_spec(adt);
	}
	add_image(&adt->vms[vmid], load_addr, size, load_idx);
	return SOME;
}

/* G65: arg1 in place of the size, and the end as if it were a pfn. */
enum option set_boot_info_qtop(uint64_t arg1, uint64_t load_addr,
			       uint64_t size, struct rdata *adt,
			       uint32_t *load_idx)
{
	RELY(is_vm(arg1) && is_paddr(load_addr) && is_paddr(arg1) &&
	     is_pfn(load_addr + size));
	return set_boot_info_coq((uint32_t)arg1, load_addr, size, adt,
				 load_idx);
}

/* As the C: nothing is bounded (G40), and the number is cut (G6). */
enum option set_boot_info_c(uint64_t arg1, uint64_t load_addr, uint64_t size,
			    struct rdata *adt, uint32_t *load_idx)
{
	struct vm *vm = &adt->vms[(uint32_t)arg1];

	*load_idx = INVALID;
	if (vm->state == READY) {
		add_image(vm, load_addr, size, load_idx);
	}
	return SOME;
}

/* Pages of an image, by a sum that wraps (G40). */
uint64_t load_pages_c(uint64_t size)
{
	return (size + PAGE_SIZE - 1) / PAGE_SIZE;
}

/*
 * B.4, G28: the start is added whenever it is read and never taken off, and
 * what does not fit is printed and given out.
 */
uint64_t alloc_remap_addr_c(uint64_t *next, uint64_t pages)
{
	uint64_t remap = *next + EL2_REMAP_START_C;

	*next = remap + pages * PAGE_SIZE;
	return remap;
}

static enum option remap(uint32_t vmid, uint64_t pte, uint64_t load_idx,
			 struct rdata *adt, struct remap_window *window)
{
	struct vm *vm = &adt->vms[vmid];
	struct load_info *image;

	if (vm->state != READY) {
		return panic_spec(adt);
	}
	if (load_idx >= vm->next_load_idx) {
		return SOME;
	}
	image = &vm->load[load_idx];
	if (image->mapped_pages < load_pages_c(image->load_size)) {
		RELY_CALLER(window->pages < REMAP_WINDOW_PAGES);
		window->pte[window->pages++] = pte;
		image->mapped_pages++;
	}
	return SOME;
}

/*
 * B.4: EL2 maps the page, whoever has it (G27); it stays with its owner, and
 * nothing ever takes it out of the window (G36, G39).
 */
enum option remap_vm_image_coq(uint32_t vmid, uint64_t pfn, uint64_t load_idx,
			       struct rdata *adt, struct remap_window *window)
{
	RELY(is_vm(vmid) && is_pfn(pfn) && load_idx < MAX_LOAD_INFO_NUM);
	return remap(vmid, pfn * PAGE_SIZE | PAGE_HYP, load_idx, adt, window);
}

/* G65: the index as if it were the pfn, which nothing bounds. */
enum option remap_vm_image_qtop(uint32_t vmid, uint64_t pfn, uint64_t load_idx,
				struct rdata *adt, struct remap_window *window)
{
	RELY(is_vm(vmid) && is_pfn(load_idx));
	return remap(vmid, pfn * PAGE_SIZE + PAGE_HYP, load_idx, adt, window);
}

/* As the C: unbounded, and by addition (G27). */
enum option remap_vm_image_c(uint32_t vmid, uint64_t pfn, uint64_t load_idx,
			     struct rdata *adt, struct remap_window *window)
{
	return remap(vmid, pfn * PAGE_SIZE + PAGE_HYP, load_idx, adt, window);
}
