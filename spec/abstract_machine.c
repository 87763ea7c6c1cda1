/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AbstractMachine.v: registers, VM table, memory contents. Source: facts B.4
 * to B.7, B.10, B.13 and B.15; S3 names the primitives.
 *
 * Under halt every setter does nothing and every getter yields 0.
 */
#include "spec/abstract_machine.h"

#include <stddef.h>

#include "spec/ctxt.h"
#include "spec/locks.h"
#include "spec/npt.h"
#include "spec/page_manager.h"

/* --- Results and the end (B.15) ------------------------------------------- */

enum option check_spec(uint32_t n, const struct rdata *adt, uint32_t *ret)
{
	*ret = adt->halt ? 0 : n;
	return SOME;
}

enum option check64_spec(uint64_t n, const struct rdata *adt, uint64_t *ret)
{
	*ret = adt->halt ? 0 : n;
	return SOME;
}

/*
 * The referee reads a panic that an argument or a call can cause as a refusal
 * (NONE_PERM, the state as before): D-001.
 */
enum option panic_spec(struct rdata *adt)
{
	adt->halt = true;
	return SOME;
}

/* --- This CPU (B.5, B.7) -------------------------------------------------- */

enum option get_cur_vmid_spec(const struct rdata *adt, uint32_t *vmid)
{
	*vmid = adt->halt ? 0 : adt->cur_vmid;
	return SOME;
}

enum option get_cur_vcpuid_spec(const struct rdata *adt, uint32_t *vcpuid)
{
	*vcpuid = adt->halt ? 0 : adt->cur_vcpuid;
	return SOME;
}

/* For the host the vCPU is the number of the CPU; this is CPU 0. */
enum option set_per_cpu_spec(uint32_t vmid, uint32_t vcpuid,
			     struct rdata *adt)
{
	RELY_CALLER(is_vmid(vmid) && is_vcpu(vcpuid));
	if (!adt->halt) {
		adt->cur_vmid = vmid;
		adt->cur_vcpuid = is_vm(vmid) ? vcpuid : 0;
	}
	return SOME;
}

/* The context of a vCPU, or the host's of a CPU, whose X0 to X30 are apart. */
enum option get_shadow_ctxt_spec(uint32_t vmid, uint32_t vcpuid,
				 uint32_t index, const struct rdata *adt,
				 uint64_t *value)
{
	const struct shadow_ctxt *ctxt;

	RELY_CALLER(vmid < COREVISOR && is_vcpu(vcpuid));
	ctxt = &adt->shadow_ctxts[vmid][vcpuid];
	if (adt->halt) {
		*value = 0;
	} else if (vmid == HOSTVISOR && index < NUM_GPRS) {
		*value = adt->host_regs[index];
	} else {
		*value = get_shadow_ctxt_specx(index, &ctxt->ctxt_regs,
					       &ctxt->ctxt_states);
	}
	return SOME;
}

enum option set_shadow_ctxt_spec(uint32_t vmid, uint32_t vcpuid,
				 uint32_t index, uint64_t value,
				 struct rdata *adt)
{
	struct shadow_ctxt *ctxt;

	RELY_CALLER(vmid < COREVISOR && is_vcpu(vcpuid));
	ctxt = &adt->shadow_ctxts[vmid][vcpuid];
	if (adt->halt) {
		return SOME;
	}
	if (vmid == HOSTVISOR && index < NUM_GPRS) {
		adt->host_regs[index] = value;
	} else {
		set_shadow_ctxt_specx(index, value, &ctxt->ctxt_regs,
				      &ctxt->ctxt_states);
	}
	return SOME;
}

enum option read_hpfar_el2_spec(const struct rdata *adt, uint64_t *value)
{
	*value = adt->halt ? 0 : adt->hpfar_el2;
	return SOME;
}

enum option read_esr_el2_spec(const struct rdata *adt, uint64_t *value)
{
	*value = adt->halt ? 0 : adt->esr_el2;
	return SOME;
}

/* --- VM table (B.4) ------------------------------------------------------- */

/* Every access: ids in range, vm lock held. */
#define RELY_VM(vmid, adt) \
	RELY_CALLER(is_vmid(vmid) && \
		    (lock_own(adt, LOCK_VM, vmid) || (adt)->halt))

enum option get_vm_state_spec(uint32_t vmid, const struct rdata *adt,
			      uint32_t *state)
{
	RELY_VM(vmid, adt);
	*state = adt->halt ? 0 : adt->vms[vmid].state;
	return SOME;
}

enum option set_vm_state_spec(uint32_t vmid, uint32_t state,
			      struct rdata *adt)
{
	RELY_VM(vmid, adt);
	if (!adt->halt) {
		adt->vms[vmid].state = state;
	}
	return SOME;
}

enum option get_vcpu_state_spec(uint32_t vmid, uint32_t vcpuid,
				const struct rdata *adt, uint32_t *state)
{
	RELY_VM(vmid, adt);
	RELY_CALLER(is_vcpu(vcpuid));
	*state = adt->halt ? 0 : adt->vms[vmid].vcpu[vcpuid];
	return SOME;
}

enum option set_vcpu_state_spec(uint32_t vmid, uint32_t vcpuid,
				uint32_t state, struct rdata *adt)
{
	RELY_VM(vmid, adt);
	RELY_CALLER(is_vcpu(vcpuid));
	if (!adt->halt) {
		adt->vms[vmid].vcpu[vcpuid] = state;
	}
	return SOME;
}

enum option get_vm_next_load_idx_spec(uint32_t vmid, const struct rdata *adt,
				      uint32_t *load_idx)
{
	RELY_VM(vmid, adt);
	*load_idx = adt->halt ? 0 : adt->vms[vmid].next_load_idx;
	return SOME;
}

enum option set_vm_next_load_idx_spec(uint32_t vmid, uint32_t load_idx,
				      struct rdata *adt)
{
	RELY_VM(vmid, adt);
	if (!adt->halt) {
		adt->vms[vmid].next_load_idx = load_idx;
	}
	return SOME;
}

enum option get_vm_load_addr_spec(uint32_t vmid, uint32_t load_idx,
				  const struct rdata *adt, uint64_t *addr)
{
	RELY_VM(vmid, adt);
	RELY_CALLER(load_idx < MAX_LOAD_INFO_NUM);
	*addr = adt->halt ? 0 : adt->vms[vmid].load[load_idx].load_addr;
	return SOME;
}

enum option set_vm_load_addr_spec(uint32_t vmid, uint32_t load_idx,
				  uint64_t addr, struct rdata *adt)
{
	RELY_VM(vmid, adt);
	RELY_CALLER(load_idx < MAX_LOAD_INFO_NUM);
	if (!adt->halt) {
		adt->vms[vmid].load[load_idx].load_addr = addr;
	}
	return SOME;
}

enum option get_vm_load_size_spec(uint32_t vmid, uint32_t load_idx,
				  const struct rdata *adt, uint64_t *size)
{
	RELY_VM(vmid, adt);
	RELY_CALLER(load_idx < MAX_LOAD_INFO_NUM);
	*size = adt->halt ? 0 : adt->vms[vmid].load[load_idx].load_size;
	return SOME;
}

enum option set_vm_load_size_spec(uint32_t vmid, uint32_t load_idx,
				  uint64_t size, struct rdata *adt)
{
	RELY_VM(vmid, adt);
	RELY_CALLER(load_idx < MAX_LOAD_INFO_NUM);
	if (!adt->halt) {
		adt->vms[vmid].load[load_idx].load_size = size;
	}
	return SOME;
}

enum option get_vm_mapped_pages_spec(uint32_t vmid, uint32_t load_idx,
				     const struct rdata *adt,
				     uint64_t *pages)
{
	RELY_VM(vmid, adt);
	RELY_CALLER(load_idx < MAX_LOAD_INFO_NUM);
	*pages = adt->halt ? 0 : adt->vms[vmid].load[load_idx].mapped_pages;
	return SOME;
}

enum option set_vm_mapped_pages_spec(uint32_t vmid, uint32_t load_idx,
				     uint64_t pages, struct rdata *adt)
{
	RELY_VM(vmid, adt);
	RELY_CALLER(load_idx < MAX_LOAD_INFO_NUM);
	if (!adt->halt) {
		adt->vms[vmid].load[load_idx].mapped_pages = pages;
	}
	return SOME;
}

enum option get_vm_inc_exe_spec(uint32_t vmid, const struct rdata *adt,
				uint32_t *inc_exe)
{
	RELY_VM(vmid, adt);
	*inc_exe = adt->halt ? 0 : adt->vms[vmid].inc_exe;
	return SOME;
}

/* Corrected, G62: the Coq writes the number of images. */
enum option set_vm_inc_exe_spec(uint32_t vmid, uint32_t inc_exe,
				struct rdata *adt)
{
	RELY_VM(vmid, adt);
	if (!adt->halt) {
		adt->vms[vmid].inc_exe = inc_exe;
	}
	return SOME;
}

/*
 * Corrected, G23: ids come back after a full teardown, so the next one is the
 * lowest that is free; COREVISOR if there is none (G7).
 */
enum option get_next_vmid_spec(const struct rdata *adt, uint32_t *vmid)
{
	RELY_CALLER(lock_own(adt, LOCK_CORE, 0) || adt->halt);
	*vmid = HOSTVISOR + 1;
	while (*vmid < COREVISOR && (adt->vmids >> *vmid & 1) != 0) {
		(*vmid)++;
	}
	if (adt->halt) {
		*vmid = 0;
	}
	return SOME;
}

/* --- The host's faulting access (B.10) ------------------------------------ */

enum option host_dabt_get_as_spec(uint64_t esr, uint32_t *bytes)
{
	*bytes = 1u << (esr >> 22 & 3);
	return SOME;
}

/* 0 or 64, as the Coq. */
enum option host_dabt_is_write_spec(uint64_t esr, uint32_t *write)
{
	*write = (uint32_t)(esr & ESR_ELx_WNR);
	return SOME;
}

enum option host_dabt_get_rd_spec(uint64_t esr, uint32_t *rd)
{
	*rd = (uint32_t)(esr >> 16 & 31);
	return SOME;
}

enum option host_get_fault_ipa_spec(uint64_t addr, const struct rdata *adt,
				    uint64_t *ipa)
{
	*ipa = adt->halt ? 0 : addr | (adt->far_el2 & (PAGE_SIZE - 1));
	return SOME;
}

/* Corrected, G53: the Coq writes esr_el2 in place of elr_el2. */
enum option host_skip_instr_spec(struct rdata *adt)
{
	if (!adt->halt) {
		adt->elr_el2 += 4;
	}
	return SOME;
}

/* --- Memory contents (B.6, B.13) ------------------------------------------ */

/* The content of a page of RAM; NULL for any other. */
static uint64_t *content(uint64_t pfn, struct rdata *adt)
{
	uint64_t i = is_pfn(pfn) ?
		     get_s2_page_index_spec(pfn * PAGE_SIZE, adt) : INVALID64;

	return i == INVALID64 ? NULL : &adt->flatmem[i];
}

/*
 * The Coq: pages that change hands hold "whatever the previous owner left",
 * the next oracle value. Corrected, G34: flatmem already holds it, since all
 * stores are in the model, and what a fault donates is scrubbed first; only a
 * boot image keeps its content.
 */
enum option fetch_from_doracle_spec(uint32_t vmid, uint64_t pfn,
				    uint64_t pgnum, struct rdata *adt)
{
	RELY_CALLER(is_vmid(vmid));
	RELY_CALLER(is_range(pfn, pgnum, KVM_PFN_SPACE));
	RELY_CALLER(lock_own(adt, LOCK_S2PAGE, 0) || adt->halt);
	return SOME;
}

enum option clear_phys_page_spec(uint64_t pfn, struct rdata *adt)
{
	uint64_t *page = content(pfn, adt);

	RELY_CALLER(is_pfn(pfn) && page != NULL);
	RELY_CALLER(lock_own(adt, LOCK_S2PAGE, 0) || adt->halt);
	if (!adt->halt) {
		*page = 0;
	}
	return SOME;
}

/* May the one who runs know what the page holds without another's word? */
static bool is_private(uint64_t pfn, const struct rdata *adt)
{
	uint64_t i = get_s2_page_index_spec(pfn * PAGE_SIZE, adt);

	return i != INVALID64 && adt->s2page[i].owner == adt->cur_vmid &&
	       (adt->cur_vmid == HOSTVISOR || adt->s2page[i].count == 0);
}

static uint64_t *gpr(uint32_t reg, struct rdata *adt)
{
	return adt->cur_vmid == HOSTVISOR ? &adt->host_regs[reg] :
	       &adt->shadow_ctxts[adt->cur_vmid][adt->cur_vcpuid]
			.ctxt_regs.x[reg];
}

/*
 * A load by the world that runs, through its table. Unmapped: a fault, no
 * successor state. The host sees the content of its own pages only, a VM that
 * of its own pages while they are not shared; of all else the specification
 * knows nothing, so the value is the oracle's.
 */
enum option mem_load_ref_spec(uint64_t gfn, uint32_t reg, struct rdata *adt)
{
	struct oracle *o = &adt->doracle;
	struct npt_entry entry;

	RELY_CALLER(is_gfn(gfn) && reg < 30);
	RELY_CALLER(adt->cur_vmid < COREVISOR);
	if (adt->halt) {
		return SOME;
	}
	entry = npt_get(&adt->npts[adt->cur_vmid], gfn);
	RELY_OR(entry.level != 0, NONE_PERM);
	if (is_private(entry.pfn, adt)) {
		*gpr(reg, adt) = *content(entry.pfn, adt);
		return SOME;
	}
	RELY_CALLER(o->next < o->count);
	*gpr(reg, adt) = o->values[o->next++];
	return SOME;
}

/*
 * A store by the world that runs. The Coq lets the value of a store to a
 * shared page leave the model; flatmem keeps it here, so that what a scrub
 * must remove is known.
 */
enum option mem_store_ref_spec(uint64_t gfn, uint32_t reg,
			       struct rdata *adt)
{
	struct npt_entry entry;
	uint64_t *page;

	RELY_CALLER(is_gfn(gfn) && reg < 30);
	RELY_CALLER(adt->cur_vmid < COREVISOR);
	if (adt->halt) {
		return SOME;
	}
	entry = npt_get(&adt->npts[adt->cur_vmid], gfn);
	RELY_OR(entry.level != 0, NONE_PERM);
	page = content(entry.pfn, adt);
	if (page != NULL) {
		*page = *gpr(reg, adt);
	}
	return SOME;
}
