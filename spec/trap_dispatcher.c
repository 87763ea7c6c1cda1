/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TrapDispatcher.v: the host's hypercalls and the traps of VMs. Source: facts
 * C.9 and D.1 (column "Q check"), numbers of the C (its column "no.").
 *
 * Calls. Corrected, G6 and G65: every number is checked as 64 bits before it
 * is used as an id or index; what is out of range is malformed. The Coq panics.
 */
#include "spec/trap_dispatcher.h"

#include "spec/abstract_machine.h"
#include "spec/boot_ops.h"
#include "spec/ctxt.h"
#include "spec/dma.h"
#include "spec/fault_handler.h"
#include "spec/image_verify.h"
#include "spec/mem_handler.h"
#include "spec/smmu_ops.h"
#include "spec/vcpu_ops_aux.h"
#include "spec/vm_idregs.h"
#include "spec/world.h"

/* Not in the Coq: what the host has to know. */
static enum option get_info(uint64_t what, const struct rdata *adt,
			    uint64_t *ret)
{
	switch (what) {
	case INFO_ABI_VERSION:
		*ret = ABI_VERSION;
		return SOME;
	case INFO_SHARED_BASE:
		*ret = adt->board.shared.base;
		return SOME;
	case INFO_SHARED_SIZE:
		*ret = adt->board.shared.bytes;
		return SOME;
	case INFO_SMMUS:
		*ret = adt->board.nr_smmus;
		return SOME;
	default:
		return NONE_NOTSUP;
	}
}

/*
 * Calls about SMMUs, which a board without any does not have. Corrected, G65:
 * each takes the lock of the bank that it names; Q-top relies on another's.
 */
static enum option smmu_call(struct rdata *adt, uint64_t *ret)
{
	const uint64_t *x = adt->host_regs;

	RELY_OR(adt->board.nr_smmus > 0, NONE_NOTSUP);
	switch (x[0]) {
	case HVC_SMMU_FREE_PGD:
		return el2_free_smmu_pgd_spec(x[1], x[2], adt);
	case HVC_SMMU_ALLOC_PGD:
		return el2_alloc_smmu_pgd_spec(x[1], x[2], x[3], adt);
	case HVC_SMMU_LPAE_MAP:
		return el2_arm_lpae_map_spec(x[1], x[2], x[3], x[4], x[5],
					     adt);
	case HVC_SMMU_LPAE_IOVA_TO_PHYS:
		return el2_arm_lpae_iova_to_phys_spec(x[1], x[2], x[3], adt,
						      ret);
	case HVC_SMMU_CLEAR:
		return el2_arm_lpae_clear_spec(x[1], x[2], x[3], adt);
	default:
		RELY(x[1] < adt->board.nr_smmus && x[3] < INVALID);
		return dma_device_set_stream_spec((uint32_t)x[1], x[2],
						  (uint32_t)x[3], adt);
	}
}

enum option host_hvc_dispatcher_spec(struct rdata *adt, uint64_t *ret)
{
	uint64_t hvc = adt->host_regs[0];
	uint64_t arg1 = adt->host_regs[1], arg2 = adt->host_regs[2];
	uint64_t arg3 = adt->host_regs[3], arg4 = adt->host_regs[4];
	uint32_t vmid = (uint32_t)arg1, value;

	*ret = 0;
	switch (hvc) {
	case HVC_TIMER_SET_CNTVOFF:
		RELY(is_vm(arg1));
		return timer_set_cntvoff_spec(vmid, arg2, adt);
	case HVC_CLEAR_VM_S2_RANGE:
		RELY(is_vm(arg1));
		return clear_vm_stage2_range_spec(vmid, arg2, arg3, adt);
	case HVC_SET_BOOT_INFO:
		RELY(is_vm(arg1));
		WHEN(set_boot_info_spec(vmid, arg2, arg3, adt, &value));
		*ret = value;
		return SOME;
	case HVC_REMAP_VM_IMAGE:
		RELY(is_vm(arg1));
		/* No image has a number above INVALID. */
		value = arg3 < INVALID ? (uint32_t)arg3 : INVALID;
		return remap_vm_image_spec(vmid, arg2, value, adt);
	case HVC_VERIFY_VM_IMAGES:
		RELY(is_vm(arg1));
		return verify_and_load_images_spec(vmid, adt);
	case HVC_REGISTER_KVM:
		WHEN(register_kvm_spec(adt, &value));
		*ret = value;
		return SOME;
	case HVC_REGISTER_VCPU:
		RELY(is_vm(arg1) && is_vcpu(arg2));
		return register_vcpu_spec(vmid, (uint32_t)arg2, adt);
	case HVC_PHYS_ADDR_IOREMAP:
		RELY(is_vm(arg1));
		return kvm_phys_addr_ioremap_spec(vmid, arg2, arg3, arg4, adt);
	case HVC_GET_INFO:
		return get_info(arg1, adt, ret);
	case HVC_BOOT_FROM_SAVED_VM:
	case HVC_ENCRYPT_BUF:
	case HVC_DECRYPT_BUF:
	case HVC_SAVE_CRYPT_VCPU:
	case HVC_LOAD_CRYPT_VCPU:
	case HVC_SET_MANIFEST:
	case HVC_SEAL_VM:
		RELY(is_vm(arg1));
		/* Not by registers alone: what they find is not modelled. */
		return STUCK;
	case HVC_DESTROY_VM:
		RELY(is_vm(arg1));
		return destroy_vm_spec(vmid, adt);
	case HVC_SMMU_FREE_PGD:
	case HVC_SMMU_ALLOC_PGD:
	case HVC_SMMU_LPAE_MAP:
	case HVC_SMMU_LPAE_IOVA_TO_PHYS:
	case HVC_SMMU_CLEAR:
	case HVC_SMMU_SET_STREAM:
		return smmu_call(adt, ret);
	default:
		return NONE_NOTSUP;
	}
}

/* --- Traps of a VM -------------------------------------------------------- */

static struct shadow_ctxt *current(struct rdata *adt)
{
	return &adt->shadow_ctxts[adt->cur_vmid][adt->cur_vcpuid];
}

/*
 * The VM takes an exception at once. Its EL1 registers are in the CPU while it
 * is not switched, PC and PSTATE in its context.
 */
static enum option enter_el1(uint64_t esr, struct rdata *adt)
{
	struct ctxt_states *states = &current(adt)->ctxt_states;
	uint64_t pstate = states->pstate;

	adt->cregs.elr_el1 = states->pc;
	adt->cregs.spsr_el1 = pstate;
	adt->cstates.esr_el1 = esr;
	states->pc = exception_vector(pstate, &adt->cregs);
	states->pstate = exception_pstate(pstate, &adt->cregs, adt);
	return SOME;
}

static enum option undefined(struct rdata *adt)
{
	return enter_el1(exception_esr(PENDING_UNDEF_INJECT, 0, 0), adt);
}

/* An external abort where the access was. */
static enum option refuse_access(struct rdata *adt)
{
	const struct shadow_ctxt *ctxt = current(adt);
	uint64_t esr = ctxt->ctxt_regs.esr_el2;
	uint64_t kind = (esr & ESR_ELx_EC_MASK) >> ESR_ELx_EC_SHIFT ==
			ESR_ELx_EC_IABT_LOW ? PENDING_IABT_INJECT :
					      PENDING_DABT_INJECT;

	set_shadow_ctxt_specx(FAR_EL1, ctxt->ctxt_regs.far_el2, &adt->cregs,
			      &adt->cstates);
	return enter_el1(exception_esr(kind, esr, ctxt->ctxt_states.pstate),
			 adt);
}

/*
 * G46: one decision. The host emulates what lies below 1 GiB if the syndrome
 * says what it is, and gives pages above; G14: where HPFAR_EL2 is valid.
 */
static bool is_for_host(const struct ctxt_regs *regs)
{
	uint64_t esr = regs->esr_el2;
	uint64_t ipa = (regs->hpfar_el2 & HPFAR_MASK) * 256;

	if ((esr & FSC_TYPE_MASK) != FSC_TRANSLATION) {
		return false;
	}
	if (ipa >= MAX_MMIO_ADDR) {
		/* G38: there is no page that could be given beyond. */
		return is_paddr(ipa);
	}
	return (esr & ESR_ELx_EC_MASK) >> ESR_ELx_EC_SHIFT ==
	       ESR_ELx_EC_DABT_LOW && (esr & ESR_ISV) != 0 &&
	       (esr & ESR_ELx_S1PTW) == 0;
}

/* HVC and SMC. G56: a trapped SMC is not behind itself yet. */
static enum option call(bool smc, struct rdata *adt, uint32_t *res)
{
	struct shadow_ctxt *ctxt = current(adt);

	*res = 0;
	if ((ctxt->ctxt_regs.esr_el2 & ESR_IMM16) != 0) {
		ctxt->ctxt_regs.x[X0] = SMCCC_NOT_SUPPORTED;
	} else {
		WHEN(core_handle_pvops_spec(adt, res));
	}
	if (smc && *res == 0) {
		skip_instruction(ctxt->ctxt_regs.esr_el2, &ctxt->ctxt_states);
	}
	return SOME;
}

/* A register of the syndrome: op0, op1, CRn, CRm, op2. */
#define SYS(op0, op1, crn, crm, op2) \
	((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1)

static bool is_id_register(uint64_t reg, uint64_t crm)
{
	uint64_t op2 = reg >> 17 & 7;

	return reg == SYS(UINT64_C(3), 0, 0, crm, op2) && crm >= 1 &&
	       crm <= 7;
}

/* G56b: what the host emulates. */
static bool is_hosts_register(uint64_t reg, bool read, bool gicv3)
{
	switch (reg) {
	case SYS(UINT64_C(3), 3, 14, 2, 0):	/* CNTP_TVAL_EL0 */
	case SYS(UINT64_C(3), 3, 14, 2, 1):	/* CNTP_CTL_EL0 */
	case SYS(UINT64_C(3), 3, 14, 2, 2):	/* CNTP_CVAL_EL0 */
		return true;
	case SYS(UINT64_C(3), 0, 12, 11, 5):	/* ICC_SGI1R_EL1 */
	case SYS(UINT64_C(3), 0, 12, 11, 6):	/* ICC_ASGI1R_EL1 */
	case SYS(UINT64_C(3), 0, 12, 11, 7):	/* ICC_SGI0R_EL1 */
		return gicv3 && !read;
	default:
		return false;
	}
}

/* What is only shown: true, and what it reads as. Writes do nothing. */
static bool is_shown(uint64_t reg, bool read, bool gicv3,
		     const struct rdata *adt, uint64_t *value)
{
	uint64_t op0 = reg >> 20 & 3, op1 = reg >> 14 & 7;
	uint64_t crm = reg >> 1 & 15;
	uint32_t id = ID_REG((uint32_t)crm, (uint32_t)(reg >> 17 & 7));

	*value = 0;
	if (op0 == 2) {
		/* G59: debug registers, the OS lock open; not trace (1). */
		*value = reg == SYS(UINT64_C(2), 0, 1, 1, 4) ? 8 : 0;
		return op1 == 0 || op1 == 3;
	}
	if (reg == SYS(UINT64_C(3), 0, 1, 0, 1)) {	/* ACTLR_EL1 */
		*value = adt->shadow_ctxts[adt->cur_vmid][adt->cur_vcpuid]
				 .ctxt_regs.sys[ACTLR_EL1 - MPIDR_EL1];
		return true;
	}
	if (reg == SYS(UINT64_C(3), 0, 12, 12, 5)) {	/* ICC_SRE_EL1 */
		*value = 7;
		return gicv3;
	}
	if (!read || !is_id_register(reg, crm)) {
		return false;
	}
	*value = shown_id_register(id, adt->board.id[id]);
	return true;
}

/*
 * Corrected, G53: PC + 4 is that of ELR_EL2; the Coq writes esr_el2. Corrected,
 * G56: by register, and what is none is undefined; the C skips all of them.
 * G59: what a VM has not, it has not in its ID registers either.
 */
enum option core_handle_sys64_spec(struct rdata *adt, uint32_t *res)
{
	struct shadow_ctxt *ctxt = current(adt);
	uint64_t esr = ctxt->ctxt_regs.esr_el2, value;
	uint64_t reg = esr & UINT64_C(0x3ffc1e);
	uint32_t rt = (uint32_t)(esr >> 5 & 31);
	bool read = (esr & 1) != 0, gicv3;

	gicv3 = (shown_id_register(ID_REG(4, 0), adt->board.id[ID_REG(4, 0)])
		 >> 24 & 15) != 0;
	*res = is_hosts_register(reg, read, gicv3) ? 1 : 0;
	if (*res == 1) {
		return SOME;
	}
	if (!is_shown(reg, read, gicv3, adt, &value)) {
		return undefined(adt);
	}
	if (read && rt != XZR) {
		ctxt->ctxt_regs.x[rt] = value;
	}
	skip_instruction(esr, &ctxt->ctxt_states);
	return SOME;
}

/*
 * G59: debug exceptions come to EL2, so that the host's cannot act on a VM;
 * the VM's own go back to it. Some classes say from which level they come.
 */
static enum option reflect_debug(uint64_t hsr_ec, struct rdata *adt)
{
	const struct shadow_ctxt *ctxt = current(adt);
	uint64_t esr = ctxt->ctxt_regs.esr_el2;
	uint64_t pstate = ctxt->ctxt_states.pstate;
	bool at_el1 = (pstate & PSTATE_AARCH32) == 0 &&
		      (pstate & PSTATE_MODE) != PSTATE_EL0T;

	if (at_el1 && hsr_ec <= ESR_ELx_EC_WATCHPT_LOW) {
		esr += UINT64_C(1) << ESR_ELx_EC_SHIFT;
	}
	if (hsr_ec == ESR_ELx_EC_WATCHPT_LOW) {
		set_shadow_ctxt_specx(FAR_EL1, ctxt->ctxt_regs.far_el2,
				      &adt->cregs, &adt->cstates);
	}
	return enter_el1(esr, adt);
}

/*
 * C.9. Corrected, G54 and G55: classes by the architecture's numbers; WFx and
 * aborts are handled, and what is not known is the VM's own affair, where the
 * Coq stops the machine.
 */
enum option vm_exit_dispatcher_spec(struct rdata *adt, uint32_t *res)
{
	const struct shadow_ctxt *ctxt;
	uint64_t hsr_ec;

	RELY_CALLER(is_vm(adt->cur_vmid) && is_vcpu(adt->cur_vcpuid));
	*res = 0;
	if (adt->halt) {
		return SOME;
	}
	ctxt = current(adt);
	hsr_ec = (ctxt->ctxt_regs.esr_el2 & ESR_ELx_EC_MASK) >>
		 ESR_ELx_EC_SHIFT;
	if (ctxt->ctxt_regs.ec != ARM_EXCEPTION_TRAP) {
		*res = 1;
		return SOME;
	}
	switch (hsr_ec) {
	case ESR_ELx_EC_WFx:
		*res = 1;
		return SOME;
	case ESR_ELx_EC_HVC32:
	case ESR_ELx_EC_HVC64:
		return call(false, adt, res);
	case ESR_ELx_EC_SMC64:
		return call(true, adt, res);
	case ESR_ELx_EC_IABT_LOW:
	case ESR_ELx_EC_DABT_LOW:
		*res = is_for_host(&ctxt->ctxt_regs) ? 1 : 0;
		return *res == 1 ? SOME : refuse_access(adt);
	case ESR_ELx_EC_SYS64:
		return core_handle_sys64_spec(adt, res);
	case ESR_ELx_EC_FP:
		/* The firmware's own: see fpsimd_save_state_spec. */
		return SOME;
	case ESR_ELx_EC_BREAKPT_LOW:
	case ESR_ELx_EC_SOFTSTP_LOW:
	case ESR_ELx_EC_WATCHPT_LOW:
	case ESR_ELx_EC_BKPT32:
	case ESR_ELx_EC_BRK64:
		return reflect_debug(hsr_ec, adt);
	default:
		return undefined(adt);
	}
}
