/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AbstractMachine.v: registers and traps of the world that runs. Source: facts
 * B.7 to B.9 and A.10; S3 names the primitives.
 *
 * The registers of the world that runs are cregs and cstates. Its x0 to x30
 * are in its context all the time: host_to_core, core_to_host and vm_to_core
 * have nothing to do.
 */
#include "spec/world.h"

#include <stddef.h>

#include "spec/abstract_machine.h"
#include "spec/ctxt.h"
#include "spec/locks.h"

/*
 * What save_sysregs and restore_sysregs move. Corrected, G52: also ESR_EL1, and
 * PC and PSTATE, which the Coq forgets to save.
 */
static const uint32_t switched[] = {
	SP_EL0, PC, PSTATE, SP_EL1, ELR_EL1, SPSR_EL1,
	CSSELR_EL1, SCTLR_EL1, CPACR_EL1, TTBR0_EL1, TTBR1_EL1, TCR_EL1,
	ESR_EL1, AFSR0_EL1, AFSR1_EL1, FAR_EL1, MAIR_EL1, VBAR_EL1,
	CONTEXTIDR_EL1, TPIDR_EL0, TPIDRRO_EL0, TPIDR_EL1, AMAIR_EL1,
	CNTKCTL_EL1, PAR_EL1, MDSCR_EL1,
};

#define NR_SWITCHED	(sizeof(switched) / sizeof(switched[0]))

static struct shadow_ctxt *current(struct rdata *adt)
{
	uint32_t vcpuid = adt->cur_vmid == HOSTVISOR ? adt->curid :
						       adt->cur_vcpuid;

	return &adt->shadow_ctxts[adt->cur_vmid][vcpuid];
}

static bool is_current(const struct rdata *adt)
{
	return adt->cur_vmid < COREVISOR && is_vcpu(adt->cur_vcpuid);
}

enum option save_sysregs_spec(struct rdata *adt)
{
	struct shadow_ctxt *ctxt;

	RELY_CALLER(is_current(adt));
	if (adt->halt) {
		return SOME;
	}
	ctxt = current(adt);
	for (size_t i = 0; i < NR_SWITCHED; i++) {
		*ctxt_field(switched[i], &ctxt->ctxt_regs,
			    &ctxt->ctxt_states) =
			*ctxt_field(switched[i], &adt->cregs, &adt->cstates);
	}
	return SOME;
}

enum option restore_sysregs_spec(struct rdata *adt)
{
	struct shadow_ctxt *ctxt;

	RELY_CALLER(is_current(adt));
	if (adt->halt) {
		return SOME;
	}
	ctxt = current(adt);
	for (size_t i = 0; i < NR_SWITCHED; i++) {
		*ctxt_field(switched[i], &adt->cregs, &adt->cstates) =
			*ctxt_field(switched[i], &ctxt->ctxt_regs,
				    &ctxt->ctxt_states);
	}
	adt->el2.vmpidr = ctxt->ctxt_regs.sys[MPIDR_EL1 - MPIDR_EL1];
	return SOME;
}

enum option host_el2_restore_state_spec(struct rdata *adt)
{
	if (!adt->halt) {
		adt->el2.vttbr = HOSTVISOR;
		adt->el2.tpidr = HOSTVISOR;
		adt->el2.hcr_vm = false;
		adt->el2.hcr_virq = 0;
		adt->el2.cntvoff = 0;
	}
	return SOME;
}

/* Corrected, G60: the offset of its counter is the VM's, and fixed. */
enum option vm_el2_restore_state_spec(struct rdata *adt)
{
	struct shadow_ctxt *ctxt;

	RELY_CALLER(is_vm(adt->cur_vmid) && is_vcpu(adt->cur_vcpuid));
	if (adt->halt) {
		return SOME;
	}
	ctxt = current(adt);
	ctxt->ctxt_regs.hcr_el2 =
		adt->int_vcpus[adt->cur_vmid][adt->cur_vcpuid].hcr &
		HCR_VIRTUAL_INTERRUPTS;
	adt->el2.vttbr = adt->cur_vmid;
	adt->el2.tpidr = adt->cur_vmid;
	adt->el2.hcr_vm = true;
	adt->el2.hcr_virq = ctxt->ctxt_regs.hcr_el2;
	adt->el2.cntvoff = adt->vms[adt->cur_vmid].cntvoff;
	return SOME;
}

/* Corrected, G59: the debug and counter traps are really on. */
enum option activate_traps_spec(struct rdata *adt)
{
	if (!adt->halt) {
		adt->el2.vm_traps = true;
	}
	return SOME;
}

enum option deactivate_traps_spec(struct rdata *adt)
{
	if (!adt->halt) {
		adt->el2.vm_traps = false;
	}
	return SOME;
}

/* The VM's virtual timer runs while the VM does. */
static void restore_timer(struct rdata *adt)
{
	const struct shadow_ctxt *ctxt = current(adt);

	for (uint32_t i = CNTV_CTL_EL0; i <= CNTV_CVAL_EL0; i++) {
		set_shadow_ctxt_specx(i, get_shadow_ctxt_specx(
						i, &ctxt->ctxt_regs,
						&ctxt->ctxt_states),
				      &adt->cregs, &adt->cstates);
	}
}

/* It stops with the VM, but for one that fires: the host forwards it. */
static void save_timer(struct rdata *adt)
{
	struct shadow_ctxt *ctxt = current(adt);
	uint64_t ctl = get_shadow_ctxt_specx(CNTV_CTL_EL0, &adt->cregs,
					     &adt->cstates);

	uint64_t cval = get_shadow_ctxt_specx(CNTV_CVAL_EL0, &adt->cregs,
					      &adt->cstates);

	set_shadow_ctxt_specx(CNTV_CTL_EL0,
			      ctl & (CNTV_CTL_ENABLE | CNTV_CTL_IMASK),
			      &ctxt->ctxt_regs, &ctxt->ctxt_states);
	set_shadow_ctxt_specx(CNTV_CVAL_EL0, cval, &ctxt->ctxt_regs,
			      &ctxt->ctxt_states);
	/* When it was to fire is not the host's affair. */
	set_shadow_ctxt_specx(CNTV_CVAL_EL0, 0, &adt->cregs, &adt->cstates);
	if ((ctl & (CNTV_CTL_ENABLE | CNTV_CTL_IMASK | CNTV_CTL_ISTATUS)) !=
	    (CNTV_CTL_ENABLE | CNTV_CTL_ISTATUS)) {
		set_shadow_ctxt_specx(CNTV_CTL_EL0, 0, &adt->cregs,
				      &adt->cstates);
	}
}

enum option timer_enable_traps_spec(struct rdata *adt)
{
	RELY_CALLER(is_vm(adt->cur_vmid) && is_vcpu(adt->cur_vcpuid));
	if (!adt->halt) {
		adt->el2.timer_traps = true;
		restore_timer(adt);
	}
	return SOME;
}

/* Not in the Coq, which enables the traps when it should disable them (G52). */
enum option timer_disable_traps_spec(struct rdata *adt)
{
	RELY_CALLER(is_vm(adt->cur_vmid) && is_vcpu(adt->cur_vcpuid));
	if (!adt->halt) {
		adt->el2.timer_traps = false;
		save_timer(adt);
	}
	return SOME;
}

/* Corrected, G60: of a VM, and before it is verified; the C: any time. */
enum option timer_set_cntvoff_spec(uint32_t vmid, uint64_t offset,
				   struct rdata *adt)
{
	uint32_t state;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(is_vm(vmid));
	WHEN(acquire_lock_vm_spec(vmid, adt));
	WHEN(get_vm_state_spec(vmid, adt, &state));
	RELY_OR(state == READY, NONE_PERM);
	adt->vms[vmid].cntvoff = offset;
	return release_lock_vm_spec(vmid, adt);
}

/*
 * That the firmware loads them at a VM's first use is not to be seen: whoever
 * runs finds its own.
 */
enum option fpsimd_save_state_spec(struct rdata *adt)
{
	RELY_CALLER(is_current(adt));
	if (!adt->halt) {
		current(adt)->ctxt_regs.fp = adt->cregs.fp;
	}
	return SOME;
}

enum option fpsimd_restore_state_spec(struct rdata *adt)
{
	RELY_CALLER(is_current(adt));
	if (!adt->halt) {
		adt->cregs.fp = current(adt)->ctxt_regs.fp;
	}
	return SOME;
}

/* What the dispatcher has done to PC and PSTATE takes effect. G53: the Coq
 * passes the arguments in the wrong order, so that nothing happens. */
enum option core_to_vm_spec(struct rdata *adt)
{
	RELY_CALLER(is_vm(adt->cur_vmid) && is_vcpu(adt->cur_vcpuid));
	if (!adt->halt) {
		adt->cstates.pc = current(adt)->ctxt_states.pc;
		adt->cstates.pstate = current(adt)->ctxt_states.pstate;
	}
	return SOME;
}

/*
 * Corrected, G44 and G58: into EL2's own context alone; the C shows all of it
 * to the host. G61: the exit code without the mark of a pending SError.
 */
enum option exit_populate_fault_spec(uint64_t ec, struct rdata *adt)
{
	struct shadow_ctxt *ctxt;

	RELY_CALLER(is_vm(adt->cur_vmid) && is_vcpu(adt->cur_vcpuid));
	if (adt->halt) {
		return SOME;
	}
	ctxt = current(adt);
	ctxt->ctxt_regs.ec = ec;
	if (ec == ARM_EXCEPTION_TRAP) {
		ctxt->ctxt_regs.esr_el2 = adt->esr_el2;
		ctxt->ctxt_regs.far_el2 = adt->far_el2;
		ctxt->ctxt_regs.hpfar_el2 = adt->hpfar_el2;
	}
	ctxt->ctxt_states.pc = adt->cstates.pc;
	ctxt->ctxt_states.pstate = adt->cstates.pstate;
	return SOME;
}
