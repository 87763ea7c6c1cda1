/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * S1 as it is: both forms of both functions, line by line, on what they
 * stand on as column Q has it. vcpu_ops.c is what it becomes.
 *
 * The high form of the seed unfolds the vm lock into its log; here it is
 * acquired and released, which appends the same events, and CalVMInfo is the
 * state, since no other CPU has published anything.
 */
#include "spec/uncorrected_vcpu.h"

#include "spec/abstract_machine.h"
#include "spec/boot_ops.h"
#include "spec/ctxt.h"
#include "spec/locks.h"
#include "spec/uncorrected.h"
#include "spec/world.h"

struct disclosed disclosed_coq;

static uint64_t oracle_at(const struct oracle *o, uint32_t vmid, uint64_t n)
{
	return o->count == 0 ? 0 : o->values[(vmid + n) % o->count];
}

uint64_t doracle_coq(uint32_t vmid, uint64_t n, const struct rdata *adt)
{
	return oracle_at(&adt->doracle, vmid, n);
}

uint64_t core_doracle_coq(uint32_t vmid, uint64_t n, const struct rdata *adt)
{
	return oracle_at(&adt->core_doracle, vmid, n);
}

uint64_t reg_desc_coq(uint32_t index)
{
	return UINT64_C(0x1de7ec7e00000000) | index;
}

uint64_t exception_vector_coq(uint64_t pstate)
{
	return UINT64_C(0x10000000) | (pstate & 15) << 7;
}

static void disclose(uint32_t reg, uint64_t value)
{
	if (disclosed_coq.nr < MAX_DISCLOSED) {
		disclosed_coq.at[disclosed_coq.nr].reg = reg;
		disclosed_coq.at[disclosed_coq.nr++].value = value;
	}
}

/*
 * search_load_info_loop: the last image that holds addr wins, and the result
 * is its place in EL2's window, which spec/ does not have: the image's own
 * address stands for it.
 */
static uint64_t search_load_info_loop(uint32_t num, uint64_t addr,
				      const struct vm *vm)
{
	uint64_t ret = 0;

	for (uint32_t i = 0; i < num; i++) {
		const struct load_info *image = &vm->load[i];

		if (image->load_addr <= addr &&
		    addr < image->load_addr + image->load_size) {
			ret = addr;
		}
	}
	return ret;
}

/* --- save_shadow_kvm_regs, high form -------------------------------------- */

/* if psci_fn =? PSCI_0_2_FN_SYSTEM_OFF then ... */
static enum option system_off_coq(uint32_t vmid, struct rdata *adt)
{
	WHEN(acquire_lock_vm_spec(vmid, adt));
	adt->vms[vmid].state = POWEROFF;
	return release_lock_vm_spec(vmid, adt);
}

static enum option save_hvc_coq(uint32_t vmid, struct shadow_ctxt *ctxt,
				struct rdata *adt)
{
	const uint64_t *x = ctxt->ctxt_regs.x;
	uint64_t psci_fn = x[0] & INVALID;

	ctxt->ctxt_states.dirty = 1;
	if (psci_fn == PSCI_0_2_FN64_CPU_ON) {
		disclose(1, x[1]);
		disclose(2, x[2]);
		disclose(3, x[3]);
		return SOME;
	} else if (psci_fn == PSCI_0_2_FN_AFFINITY_INFO ||
		   psci_fn == PSCI_0_2_FN64_AFFINITY_INFO_COQ) {
		disclose(1, x[1]);
		disclose(2, x[2]);
		return SOME;
	} else if (psci_fn == PSCI_0_2_FN_SYSTEM_OFF) {
		return system_off_coq(vmid, adt);
	} else {
		return SOME;
	}
}

static enum option save_abort_coq(uint32_t vmid, struct shadow_ctxt *ctxt,
				  struct rdata *adt)
{
	uint64_t logn = adt->data_log[vmid];
	uint64_t esr = doracle_coq(vmid, logn, adt);
	uint32_t rd = (uint32_t)(esr / 65536 & 31);
	uint64_t hpfar_el2 = ctxt->ctxt_regs.hpfar_el2;
	uint64_t fault_ipa;

	RELY(hpfar_el2 / 16 < KVM_GFN_SPACE);
	fault_ipa = hpfar_el2 / 16 * 4096;
	if (fault_ipa >= MAX_MMIO_ADDR) {
		return SOME;
	}
	if ((esr & ESR_ELx_WNR) == 0 && (esr & ESR_ELx_S1PTW) == 0) {
		ctxt->ctxt_states.dirty = UINT64_C(1) << rd;
	} else {
		ctxt->ctxt_states.dirty = DIRTY_PC_FLAG;
		/* get_shadow_ctxt_specx: SP (31) reads as 0. */
		disclose(rd, rd < NUM_GPRS ? ctxt->ctxt_regs.x[rd] : 0);
	}
	return SOME;
}

enum option save_shadow_kvm_regs_coq(struct rdata *adt)
{
	uint32_t vmid = adt->cur_vmid, vcpuid = adt->cur_vcpuid;
	struct shadow_ctxt *ctxt;
	uint64_t hsr, hsr_ec;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(vmid < COREVISOR && is_vcpu(vcpuid));
	ctxt = &adt->shadow_ctxts[vmid][vcpuid];
	if (ctxt->ctxt_regs.ec == ARM_EXCEPTION_TRAP) {
		hsr = ctxt->ctxt_regs.esr_el2;
		hsr_ec = (hsr & ESR_ELx_EC_MASK) >> ESR_ELx_EC_SHIFT;
		if (hsr_ec == ESR_ELx_EC_WFx) {
			ctxt->ctxt_states.dirty = DIRTY_PC_FLAG;
			return SOME;
		} else if (hsr_ec == ESR_ELx_EC_HVC32 ||
			   hsr_ec == ESR_ELx_EC_HVC64) {
			return save_hvc_coq(vmid, ctxt, adt);
		} else if (hsr_ec == ESR_ELx_EC_IABT_LOW ||
			   hsr_ec == ESR_ELx_EC_DABT_LOW) {
			return save_abort_coq(vmid, ctxt, adt);
		} else {
			adt->halt = true;
			return SOME;
		}
	} else {
		return SOME;
	}
}

/* --- restore_shadow_kvm_regs, high form ----------------------------------- */

/* reset_sys_regs_loop n i: @n registers from index @i on; G50: i is 1. */
static void reset_sys_regs_loop_coq(uint32_t n, uint32_t i, uint32_t vmid,
				    uint32_t vcpuid, struct ctxt_regs *cregs,
				    struct ctxt_states *cstates,
				    uint64_t *logn, const struct rdata *adt)
{
	for (; n > 0; n--, i++) {
		uint64_t value;

		if (i == MPIDR_EL1) {
			value = (vcpuid & 15) | (vcpuid / 16 & 255) << 8 |
				(vcpuid / 4096 & 255) << 16 |
				UINT64_C(0x80000000);
		} else if (i == ACTLR_EL1) {
			value = doracle_coq(vmid, (*logn)++, adt);
		} else {
			value = reg_desc_coq(i);
		}
		set_shadow_ctxt_specx(i, value, cregs, cstates);
	}
}

static enum option first_run_coq(uint32_t vmid, uint32_t vcpuid,
				 struct shadow_ctxt *ctxt, struct rdata *adt)
{
	uint64_t logn = adt->data_log[vmid];
	uint64_t pc0 = doracle_coq(vmid, logn, adt);
	uint64_t pstate0, load_info;
	uint32_t num;

	WHEN(acquire_lock_vm_spec(vmid, adt));
	num = adt->vms[vmid].next_load_idx;
	RELY_CALLER(num <= MAX_LOAD_INFO_NUM);
	load_info = search_load_info_loop(num, pc0, &adt->vms[vmid]);
	RELY(load_info < KVM_ADDR_SPACE);
	WHEN(release_lock_vm_spec(vmid, adt));
	if (load_info == 0) {
		adt->halt = true;
		adt->data_log[vmid] = logn + 1;
		return SOME;
	}
	clear_shadow_gp_regs_specx(&ctxt->ctxt_regs);
	pstate0 = doracle_coq(vmid, logn + 1, adt);
	reset_fp_regs_specx(&ctxt->ctxt_regs);
	ctxt->ctxt_states.pc = pc0;
	ctxt->ctxt_states.pstate = pstate0;
	logn += 2;
	reset_sys_regs_loop_coq(SHADOW_SYS_REGS_SIZE, 1, vmid, vcpuid,
				&ctxt->ctxt_regs, &ctxt->ctxt_states, &logn,
				adt);
	adt->data_log[vmid] = logn;
	ctxt->ctxt_states.dirty = 0;
	return SOME;
}

/*
 * sync_dirty_to_shadow_loop: every register gets the value at one and the same
 * place of the log (C.6).
 */
static void sync_dirty_to_shadow_loop_coq(uint64_t dirty, uint32_t vmid,
					  struct ctxt_regs *cregs,
					  uint64_t *logn,
					  const struct rdata *adt)
{
	uint64_t first = *logn;

	for (uint32_t i = 0; i < NUM_GPRS; i++) {
		if ((dirty & UINT64_C(1) << i) != 0) {
			cregs->x[i] = doracle_coq(vmid, first, adt);
			(*logn)++;
		}
	}
}

static enum option later_run_coq(uint32_t vmid, struct shadow_ctxt *ctxt,
				 struct rdata *adt)
{
	uint64_t dirty0 = ctxt->ctxt_states.dirty;
	uint64_t logn = adt->data_log[vmid];
	uint64_t clogn = adt->core_data_log[vmid];
	/* cregs', cstates' */
	struct ctxt_regs cregs1 = ctxt->ctxt_regs, cregs2;
	struct ctxt_states cstates1 = ctxt->ctxt_states, cstates2, cstates3;
	uint64_t pstate, pc, new_pc, addr, pte, level;

	if (ctxt->ctxt_regs.ec == ARM_EXCEPTION_TRAP) {
		sync_dirty_to_shadow_loop_coq(dirty0, vmid, &cregs1, &logn,
					      adt);
	}
	pstate = cstates1.pstate;
	pc = cstates1.pc;
	new_pc = exception_vector_coq(pstate);
	/* cregs'', cstates'' */
	cregs2 = cregs1;
	cstates2 = cstates1;
	if ((dirty0 & PENDING_EXCEPT_INJECT_FLAG) != 0) {
		cregs2.elr_el1 = pc;
		cstates2.pc = new_pc;
		cstates2.pstate = PSTATE_FAULT_BITS_64;
		cstates2.spsr_0 = pstate;
		cstates2.esr_el1 = ESR_ELx_EC_UNKNOWN;
	}
	/* cstates''': of cstates', where cstates'' is meant (G48) */
	if ((dirty0 & DIRTY_PC_FLAG) == 0) {
		cstates3 = cstates2;
	} else {
		cstates3 = cstates1;
		cstates3.pc = cstates2.pc + 4;
	}
	cstates3.dirty = 0;
	/* cregs''' */
	cregs2.far_el2 = 0;
	ctxt->ctxt_regs = cregs2;
	ctxt->ctxt_states = cstates3;
	adt->data_log[vmid] = logn;
	addr = core_doracle_coq(vmid, clogn, adt);
	if (addr == 0 || addr >= KVM_ADDR_SPACE) {
		adt->core_data_log[vmid] = clogn + 1;
		return SOME;
	}
	pte = core_doracle_coq(vmid, clogn + 1, adt);
	level = core_doracle_coq(vmid, clogn + 2, adt);
	adt->core_data_log[vmid] = clogn + 3;
	return prot_and_map_vm_s2pt_coq(vmid, addr, pte, level == 2 ? 2 : 3,
					adt);
}

enum option restore_shadow_kvm_regs_coq(struct rdata *adt)
{
	uint32_t vmid = adt->cur_vmid, vcpuid = adt->cur_vcpuid;
	struct shadow_ctxt *ctxt;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(vmid < COREVISOR && is_vcpu(vcpuid));
	ctxt = &adt->shadow_ctxts[vmid][vcpuid];
	if (ctxt->ctxt_states.dirty == INVALID64) {
		return first_run_coq(vmid, vcpuid, ctxt, adt);
	} else {
		return later_run_coq(vmid, ctxt, adt);
	}
}

/* --- What the low forms stand on, as column Q has it (B.5, B.6) ----------- */

static enum option get_int_coq(uint32_t vmid, struct rdata *adt,
			       uint64_t *value)
{
	*value = adt->halt ? 0 :
		 doracle_coq(vmid, adt->data_log[vmid]++, adt);
	return SOME;
}

static enum option get_core_coq(uint32_t vmid, struct rdata *adt,
				uint64_t *value)
{
	*value = adt->halt ? 0 :
		 core_doracle_coq(vmid, adt->core_data_log[vmid]++, adt);
	return SOME;
}

/* G47: an assignment. */
static enum option set_shadow_dirty_bit_coq(uint32_t vmid, uint32_t vcpuid,
					    uint64_t value, struct rdata *adt)
{
	return set_shadow_ctxt_spec(vmid, vcpuid, DIRTY, value, adt);
}

static enum option set_int_gpr_coq(uint32_t reg, uint64_t value,
				   const struct rdata *adt)
{
	if (!adt->halt) {
		disclose(reg, value);
	}
	return SOME;
}

static enum option prep_wfx_coq(uint32_t vmid, uint32_t vcpuid,
				struct rdata *adt)
{
	return set_shadow_dirty_bit_coq(vmid, vcpuid, DIRTY_PC_FLAG, adt);
}

/* Shows registers 1 to @last. */
static enum option show(uint32_t vmid, uint32_t vcpuid, uint32_t last,
			struct rdata *adt)
{
	for (uint32_t reg = 1; reg <= last; reg++) {
		uint64_t value;

		WHEN(get_shadow_ctxt_spec(vmid, vcpuid, reg, adt, &value));
		WHEN(set_int_gpr_coq(reg, value, adt));
	}
	return SOME;
}

static enum option prep_hvc_coq(uint32_t vmid, uint32_t vcpuid,
				struct rdata *adt)
{
	uint64_t psci_fn;

	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, X0, adt, &psci_fn));
	WHEN(set_shadow_dirty_bit_coq(vmid, vcpuid, 1, adt));
	WHEN(set_int_gpr_coq(0, psci_fn, adt));
	psci_fn &= INVALID;
	if (psci_fn == PSCI_0_2_FN64_CPU_ON) {
		return show(vmid, vcpuid, 3, adt);
	} else if (psci_fn == PSCI_0_2_FN_AFFINITY_INFO ||
		   psci_fn == PSCI_0_2_FN64_AFFINITY_INFO_COQ) {
		return show(vmid, vcpuid, 2, adt);
	} else if (psci_fn == PSCI_0_2_FN_SYSTEM_OFF) {
		return system_off_coq(vmid, adt);
	} else {
		return SOME;
	}
}

static enum option prep_abort_coq(uint32_t vmid, uint32_t vcpuid,
				  struct rdata *adt)
{
	uint64_t esr, hpfar, reg;
	uint32_t rd;

	/* G44: the copy that the host can write. */
	WHEN(get_int_coq(vmid, adt, &esr));
	rd = (uint32_t)(esr / 65536 & 31);
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, HPFAR_EL2, adt, &hpfar));
	RELY(hpfar / 16 < KVM_GFN_SPACE);
	if (hpfar / 16 * 4096 >= MAX_MMIO_ADDR) {
		return SOME;
	}
	WHEN(set_shadow_dirty_bit_coq(vmid, vcpuid, DIRTY_PC_FLAG, adt));
	if ((esr & ESR_ELx_WNR) == 0 && (esr & ESR_ELx_S1PTW) == 0) {
		return set_shadow_dirty_bit_coq(vmid, vcpuid,
						UINT64_C(1) << rd, adt);
	}
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, rd, adt, &reg));
	/* SP (31) reads as 0 (G52). */
	return set_int_gpr_coq(rd, rd < NUM_GPRS ? reg : 0, adt);
}

static enum option search_load_info_coq(uint32_t vmid, uint64_t addr,
					struct rdata *adt, uint64_t *ret)
{
	uint32_t num;

	if (adt->halt) {
		*ret = 0;
		return SOME;
	}
	WHEN(acquire_lock_vm_spec(vmid, adt));
	WHEN(get_vm_next_load_idx_spec(vmid, adt, &num));
	RELY_CALLER(num <= MAX_LOAD_INFO_NUM);
	*ret = search_load_info_loop(num, addr, &adt->vms[vmid]);
	RELY(*ret < KVM_ADDR_SPACE);
	return release_lock_vm_spec(vmid, adt);
}

static enum option reset_gp_regs_coq(uint32_t vmid, uint32_t vcpuid,
				     struct rdata *adt)
{
	struct shadow_ctxt *ctxt = &adt->shadow_ctxts[vmid][vcpuid];
	uint64_t pc, pstate, load_info;

	WHEN(get_int_coq(vmid, adt, &pc));
	WHEN(search_load_info_coq(vmid, pc, adt, &load_info));
	if (load_info == 0) {
		return panic_spec(adt);
	}
	clear_shadow_gp_regs_specx(&ctxt->ctxt_regs);
	WHEN(get_int_coq(vmid, adt, &pstate));
	WHEN(set_shadow_ctxt_spec(vmid, vcpuid, PC, pc, adt));
	WHEN(set_shadow_ctxt_spec(vmid, vcpuid, PSTATE, pstate, adt));
	reset_fp_regs_specx(&ctxt->ctxt_regs);
	return SOME;
}

static enum option reset_sys_regs_coq(uint32_t vmid, uint32_t vcpuid,
				      struct rdata *adt)
{
	struct shadow_ctxt *ctxt = &adt->shadow_ctxts[vmid][vcpuid];

	if (!adt->halt) {
		reset_sys_regs_loop_coq(SHADOW_SYS_REGS_SIZE, 1, vmid, vcpuid,
					&ctxt->ctxt_regs, &ctxt->ctxt_states,
					&adt->data_log[vmid], adt);
	}
	return SOME;
}

/*
 * C.6: each round starts from the state before the loop, so that of several
 * registers only the last one gets its value.
 */
static enum option sync_dirty_to_shadow_coq(uint32_t vmid, uint32_t vcpuid,
					    struct rdata *adt)
{
	struct shadow_ctxt *ctxt = &adt->shadow_ctxts[vmid][vcpuid];
	const struct shadow_ctxt first = *ctxt;
	uint64_t logn = adt->data_log[vmid], dirty, value;

	if (adt->halt) {
		return SOME;
	}
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, DIRTY, adt, &dirty));
	for (uint32_t i = 0; i < NUM_GPRS; i++) {
		if ((dirty & UINT64_C(1) << i) != 0) {
			*ctxt = first;
			adt->data_log[vmid] = logn;
			WHEN(get_int_coq(vmid, adt, &value));
			WHEN(set_shadow_ctxt_spec(vmid, vcpuid, i, value,
						  adt));
		}
	}
	return SOME;
}

static enum option update_exception_gp_regs_coq(uint32_t vmid,
						uint32_t vcpuid,
						struct rdata *adt)
{
	uint64_t pstate, pc;

	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, PSTATE, adt, &pstate));
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, PC, adt, &pc));
	WHEN(set_shadow_ctxt_spec(vmid, vcpuid, ELR_EL1, pc, adt));
	WHEN(set_shadow_ctxt_spec(vmid, vcpuid, PC,
				  exception_vector_coq(pstate), adt));
	WHEN(set_shadow_ctxt_spec(vmid, vcpuid, PSTATE, PSTATE_FAULT_BITS_64,
				  adt));
	if (!adt->halt) {
		adt->shadow_ctxts[vmid][vcpuid].ctxt_states.spsr_0 = pstate;
	}
	return set_shadow_ctxt_spec(vmid, vcpuid, ESR_EL1, ESR_ELx_EC_UNKNOWN,
				    adt);
}

static enum option post_handle_shadow_s2pt_fault_coq(uint32_t vmid,
						     uint64_t addr,
						     struct rdata *adt)
{
	uint64_t pte, level;

	WHEN(get_core_coq(vmid, adt, &pte));
	WHEN(get_core_coq(vmid, adt, &level));
	return prot_and_map_vm_s2pt_coq(vmid, addr, pte, level == 2 ? 2 : 3,
					adt);
}

/* --- The low forms -------------------------------------------------------- */

enum option save_shadow_kvm_regs_coq0(struct rdata *adt)
{
	uint32_t vmid, vcpuid;
	uint64_t ec, hsr, hsr_ec;

	WHEN(get_cur_vmid_spec(adt, &vmid));
	RELY_CALLER(vmid < COREVISOR);
	WHEN(get_cur_vcpuid_spec(adt, &vcpuid));
	RELY_CALLER(is_vcpu(vcpuid));
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, EC, adt, &ec));
	if (ec == ARM_EXCEPTION_TRAP) {
		WHEN(get_shadow_ctxt_spec(vmid, vcpuid, ESR_EL2, adt, &hsr));
		hsr_ec = (hsr & ESR_ELx_EC_MASK) >> ESR_ELx_EC_SHIFT;
		if (hsr_ec == ESR_ELx_EC_WFx) {
			return prep_wfx_coq(vmid, vcpuid, adt);
		} else if (hsr_ec == ESR_ELx_EC_HVC32) {
			return prep_hvc_coq(vmid, vcpuid, adt);
		} else if (hsr_ec == ESR_ELx_EC_HVC64) {
			return prep_hvc_coq(vmid, vcpuid, adt);
		} else if (hsr_ec == ESR_ELx_EC_IABT_LOW) {
			return prep_abort_coq(vmid, vcpuid, adt);
		} else if (hsr_ec == ESR_ELx_EC_DABT_LOW) {
			return prep_abort_coq(vmid, vcpuid, adt);
		} else {
			return panic_spec(adt);
		}
	} else {
		return SOME;
	}
}

enum option restore_shadow_kvm_regs_coq0(struct rdata *adt)
{
	uint32_t vmid, vcpuid;
	uint64_t dirty, ec, pc, addr;

	WHEN(get_cur_vmid_spec(adt, &vmid));
	RELY_CALLER(vmid < COREVISOR);
	WHEN(get_cur_vcpuid_spec(adt, &vcpuid));
	RELY_CALLER(is_vcpu(vcpuid));
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, DIRTY, adt, &dirty));
	if (dirty == INVALID64) {
		WHEN(reset_gp_regs_coq(vmid, vcpuid, adt));
		WHEN(reset_sys_regs_coq(vmid, vcpuid, adt));
		return set_shadow_dirty_bit_coq(vmid, vcpuid, 0, adt);
	} else {
		WHEN(get_shadow_ctxt_spec(vmid, vcpuid, EC, adt, &ec));
		if (ec == ARM_EXCEPTION_TRAP) {
			WHEN(sync_dirty_to_shadow_coq(vmid, vcpuid, adt));
		}
		if ((dirty & PENDING_EXCEPT_INJECT_FLAG) != 0) {
			WHEN(update_exception_gp_regs_coq(vmid, vcpuid, adt));
		}
		if ((dirty & DIRTY_PC_FLAG) != 0) {
			WHEN(get_shadow_ctxt_spec(vmid, vcpuid, PC, adt, &pc));
			RELY(pc < KVM_ADDR_SPACE);
			WHEN(set_shadow_ctxt_spec(vmid, vcpuid, PC, pc + 4,
						  adt));
		}
		WHEN(set_shadow_dirty_bit_coq(vmid, vcpuid, 0, adt));
		WHEN(set_shadow_ctxt_spec(vmid, vcpuid, FAR_EL2, 0, adt));
		WHEN(get_core_coq(vmid, adt, &addr));
		if (0 < addr && addr < KVM_ADDR_SPACE) {
			return post_handle_shadow_s2pt_fault_coq(vmid, addr,
								 adt);
		} else {
			return SOME;
		}
	}
}

/* --- S0 and its parts ----------------------------------------------------- */

/* B.7, column Q: neither PC nor PSTATE nor ESR_EL1 (G52). */
static enum option save_sysregs_coq(struct rdata *adt)
{
	struct shadow_ctxt *ctxt =
		&adt->shadow_ctxts[adt->cur_vmid][adt->cur_vcpuid];
	struct ctxt_states states = ctxt->ctxt_states;

	WHEN(save_sysregs_spec(adt));
	ctxt->ctxt_states = states;
	return SOME;
}

/* S0; timer_enable_traps where it should be disabled (G52). */
enum option save_vm_coq(struct rdata *adt)
{
	uint32_t vmid, vcpuid;

	WHEN(save_sysregs_coq(adt));
	WHEN(fpsimd_save_state_spec(adt));
	WHEN(deactivate_traps_spec(adt));
	WHEN(timer_enable_traps_spec(adt));
	WHEN(save_shadow_kvm_regs_coq(adt));
	WHEN(get_cur_vmid_spec(adt, &vmid));
	WHEN(get_cur_vcpuid_spec(adt, &vcpuid));
	return set_vcpu_inactive_spec(vmid, vcpuid, adt);
}

/* S0: who asks for what there is not stops the machine (G13). */
enum option restore_vm_coq(struct rdata *adt)
{
	uint64_t vmid, vcpuid;

	WHEN(get_shadow_ctxt_spec(adt->cur_vmid, adt->cur_vcpuid, X1, adt,
				  &vmid));
	if (HOSTVISOR < vmid && vmid < COREVISOR) {
		WHEN(get_core_coq((uint32_t)vmid, adt, &vcpuid));
		if (vcpuid < VCPU_PER_VM) {
			WHEN(set_per_cpu_spec((uint32_t)vmid,
					      (uint32_t)vcpuid, adt));
			WHEN(set_vcpu_active_coq((uint32_t)vmid,
						 (uint32_t)vcpuid, adt));
			WHEN(restore_shadow_kvm_regs_coq(adt));
			WHEN(vm_el2_restore_state_spec(adt));
			WHEN(timer_enable_traps_spec(adt));
			WHEN(activate_traps_spec(adt));
			WHEN(restore_sysregs_spec(adt));
			return fpsimd_restore_state_spec(adt);
		} else {
			return panic_spec(adt);
		}
	} else {
		return panic_spec(adt);
	}
}

/* B.7, column Q: the arguments change places, the registers stay (G53). */
enum option core_to_vm_coq(struct rdata *adt)
{
	(void)adt;
	return SOME;
}

/* B.4: no vCPU is ever off (G41). */
enum option set_vcpu_active_coq(uint32_t vmid, uint32_t vcpuid,
				struct rdata *adt)
{
	struct vm *vm = &adt->vms[vmid];

	if (vm->state != VERIFIED || vm->vcpu[vcpuid] != READY) {
		return panic_spec(adt);
	}
	vm->vcpu[vcpuid] = ACTIVE;
	return SOME;
}

/* B.4 (G62). */
void set_vm_inc_exe_coq(uint32_t vmid, uint32_t inc_exe, struct rdata *adt)
{
	adt->vms[vmid].next_load_idx = inc_exe;
}

/* C.9: two classes, one of them by another number (G54); else panic (G55). */
enum option vm_exit_dispatcher_coq(struct rdata *adt, uint32_t *res)
{
	struct shadow_ctxt *ctxt =
		&adt->shadow_ctxts[adt->cur_vmid][adt->cur_vcpuid];
	uint64_t hsr_ec = (ctxt->ctxt_regs.esr_el2 & ESR_ELx_EC_MASK) >>
			  ESR_ELx_EC_SHIFT;

	*res = 0;
	if (hsr_ec == ESR_ELx_EC_SYS64_COQ) {
		/* G53: of all registers the syndrome. */
		ctxt->ctxt_regs.esr_el2 = adt->elr_el2 + 4;
		return SOME;
	} else if (hsr_ec == ESR_ELx_EC_HVC64) {
		return core_handle_pvops_coq(adt, res);
	} else {
		return panic_spec(adt);
	}
}

/* C.9: an interrupt is 31, which is the mark of an SError (G54, G61). */
enum option vm_exit_handler_coq(uint64_t ec, struct rdata *adt, uint32_t *res)
{
	*res = 1;
	if (ec == ARM_EXCEPTION_TRAP) {
		return vm_exit_dispatcher_coq(adt, res);
	} else if (ec == ARM_EXCEPTION_INTERRUPT_COQ) {
		return SOME;
	} else {
		return panic_spec(adt);
	}
}

/* --- The C ---------------------------------------------------------------- */

/* Any register is skipped: a read leaves Xt as it was (G56). */
void core_handle_sys64_c(struct shadow_ctxt *ctxt)
{
	ctxt->ctxt_states.pc += 4;
}

/* Of whatever runs, whenever the host likes (G60). */
enum option timer_set_cntvoff_c(uint64_t low, uint64_t high,
				struct rdata *adt)
{
	adt->el2.cntvoff = high << 32 | low;
	return SOME;
}

/* MDCR_EL2 is 0: debug and counters are the host's as before (G59). */
enum option activate_traps_c(struct rdata *adt)
{
	(void)adt;
	return SOME;
}

/* B.4: one of the two conditions is enough (G42). */
enum option register_vcpu_c(uint32_t vmid, uint32_t vcpuid, struct rdata *adt)
{
	struct vm *vm = &adt->vms[vmid];

	if (vm->state != READY && vm->vcpu[vcpuid] != UNUSED) {
		return panic_spec(adt);
	}
	vm->vcpu[vcpuid] = READY;
	adt->shadow_ctxts[vmid][vcpuid].ctxt_states.dirty = INVALID64;
	return SOME;
}

/* As published, verify_image says 1 whatever it is shown (G39). */
enum option verify_and_load_images_c(uint32_t vmid, struct rdata *adt)
{
	if (adt->vms[vmid].state != READY) {
		return panic_spec(adt);
	}
	adt->vms[vmid].state = VERIFIED;
	return SOME;
}

/*
 * C.5, column C, WFx, HVC and aborts, for the shadow's own syndrome. Bit 31 is
 * that of an int, so that a load to register 31 sets all bits above it (G45);
 * x0 is taken back for three calls only (G47).
 */
enum option save_shadow_kvm_regs_c(struct rdata *adt)
{
	struct shadow_ctxt *ctxt =
		&adt->shadow_ctxts[adt->cur_vmid][adt->cur_vcpuid];
	uint64_t esr = ctxt->ctxt_regs.esr_el2;
	uint32_t rd = (uint32_t)(esr >> 16 & 31);
	uint64_t *dirty = &ctxt->ctxt_states.dirty;

	switch ((esr & ESR_ELx_EC_MASK) >> ESR_ELx_EC_SHIFT) {
	case ESR_ELx_EC_WFx:
		*dirty |= DIRTY_PC_FLAG;
		break;
	case ESR_ELx_EC_HVC64:
		disclose(0, ctxt->ctxt_regs.x[0]);
		switch (ctxt->ctxt_regs.x[0] & INVALID) {
		case PSCI_0_2_FN64_CPU_ON:
		case PSCI_0_2_FN_AFFINITY_INFO:
		case PSCI_0_2_FN64_AFFINITY_INFO:
		case PSCI_0_2_FN_SYSTEM_OFF:
			*dirty |= 1;
			break;
		default:
			break;
		}
		break;
	case ESR_ELx_EC_DABT_LOW:
		*dirty |= DIRTY_PC_FLAG;
		if ((esr & ESR_ELx_WNR) == 0) {
			*dirty |= (uint64_t)(int64_t)(int32_t)
				  (UINT32_C(1) << rd);
		} else {
			disclose(rd, *ctxt_field(rd, &ctxt->ctxt_regs,
						 &ctxt->ctxt_states));
		}
		break;
	default:
		break;
	}
	return SOME;
}

/*
 * C.6, column C, an injection alone: V_SPSR_0 is the number of X8 and V_ESR_EL1
 * that of ACTLR_EL1, PSTATE becomes 11 and PC 0 (G49).
 */
enum option restore_shadow_kvm_regs_c(struct rdata *adt)
{
	struct shadow_ctxt *ctxt =
		&adt->shadow_ctxts[adt->cur_vmid][adt->cur_vcpuid];

	if ((ctxt->ctxt_states.dirty & PENDING_EXCEPT_INJECT_FLAG) != 0) {
		ctxt->ctxt_regs.elr_el1 = ctxt->ctxt_states.pc;
		ctxt->ctxt_regs.x[8] = ctxt->ctxt_states.pstate;
		ctxt->ctxt_regs.sys[ACTLR_EL1 - MPIDR_EL1] = 0;
		ctxt->ctxt_states.pstate = 11;
		ctxt->ctxt_states.pc = 0;
	}
	ctxt->ctxt_states.dirty = 0;
	return SOME;
}

/* A.8: eight bits. */
uint64_t vmid_field_c(uint32_t vmid)
{
	return vmid & 0xff;
}

/* C.4: 0, which is ARM_EXCEPTION_IRQ. */
uint64_t run_vcpu_refused_c(void)
{
	return ARM_EXCEPTION_INTERRUPT;
}

/*
 * A pointer among what the host can write, to where EL2 stores the host's
 * registers; its field does not exist here, so that any other stands for it.
 */
uint64_t host_context_c(const struct int_vcpu *window)
{
	return window->regs[0];
}

/* B.5: what the host has shown as the VM's FP registers. */
void reset_fp_regs_c(struct shadow_ctxt *ctxt, const struct fp_regs *hosts)
{
	ctxt->ctxt_regs.fp = *hosts;
}

/* The length is that of a structure that holds more (G51). */
void clear_shadow_gp_regs_c(struct shadow_ctxt *ctxt)
{
	uint64_t dirty = ctxt->ctxt_states.dirty;

	clear_shadow_gp_regs_specx(&ctxt->ctxt_regs);
	ctxt->ctxt_regs.far_el2 = ctxt->ctxt_regs.hpfar_el2 = 0;
	ctxt->ctxt_states = (struct ctxt_states){ .dirty = dirty };
}

/* B.7: all of the syndrome goes into the window (G58). */
enum option exit_populate_fault_c(struct rdata *adt)
{
	WHEN(exit_populate_fault_spec(ARM_EXCEPTION_TRAP, adt));
	adt->int_vcpus[adt->cur_vmid][adt->cur_vcpuid].esr = adt->esr_el2;
	return SOME;
}
