/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What EL2 holds in its own registers for a world. Layer: AbstractMachine.
 * Locks: none, all state is the CPU's own. What every switch does is inline.
 *
 * What a VM has of the CPU is in the list of sysregs.h. Everything else is
 * trapped from here; and what would act on a VM without its touching it, such
 * as the host's counters, is stopped while one runs and then given back.
 */
#ifndef COREVISOR_CORE_WORLD_H
#define COREVISOR_CORE_WORLD_H

#include "arch/barrier.h"
#include "arch/sysreg.h"
#include "arch/tlbi.h"
#include "arch/world.h"
#include "core/panic.h"
#include "core/pcpu.h"
#include "core/pt_alloc.h"
#include "core/shadow_ctxt.h"

/**
 * world_init() - prepare this CPU for switches of worlds
 *
 * EL2's registers are those of the host, and its features are known.
 * Locks: none; at boot of each CPU
 */
void world_init(void);

/* Parts of activate_traps() and deactivate_traps() for newer CPUs. */
void activate_newer_traps(struct pcpu *cpu);
void deactivate_newer_traps(struct pcpu *cpu);

/**
 * host_el2_restore_state() - the host's table, vectors and traps
 *
 * EL1's walks are stopped, since deactivate_traps() and until
 * restore_sysregs().
 *
 * Spec:  AbstractMachine.host_el2_restore_state_spec
 * Delta: D-026: TPIDR_EL2 stays; the current world is a field of what it points
 *	  to
 */
static inline void host_el2_restore_state(void)
{
	struct pcpu *cpu = this_cpu();

	vttbr_write(cpu->host_controls.vttbr);
	sysreg_put(hcr_el2, cpu->host_controls.hcr);
	sysreg_put(vbar_el2, vectors_host());
}

/*
 * A VMID is that of a VM, but what its vCPUs translate may differ by stage 1,
 * and ASIDs are numbered by each of them as if it had the CPU for itself.
 */
static inline void forget_other_vcpu(struct pcpu *cpu)
{
	if (cpu->last_vcpu[cpu->cur_vmid] != cpu->cur_vcpuid) {
		cpu->last_vcpu[cpu->cur_vmid] = (uint8_t)cpu->cur_vcpuid;
		barrier_isb();
		tlbi_vmalle1();
		barrier_dsb_nsh();
	}
}

/**
 * vm_el2_restore_state() - the current VM's table, vectors and traps
 *
 * The table stays while the vCPU is ACTIVE, so no lock is needed to read where
 * it is. EL1's walks are stopped from here to restore_sysregs().
 *
 * Spec:   AbstractMachine.vm_el2_restore_state_spec
 * Delta:  D-026: as host_el2_restore_state(); a virtual interrupt that the host
 *	   asks for by VI and VF
 * Panics: the VM has no table - nobody
 */
static inline void vm_el2_restore_state(void)
{
	struct pcpu *cpu = this_cpu();
	paddr_t root = pt_pool_root(cpu->cur_vmid);

	ASSERT(root != 0);
	el1_walks_stop();
	vttbr_write(root | INPLACE(VTTBR_VMID, cpu->cur_vmid));
	/* A virtual SError that waits for the host goes on waiting. */
	cpu->host_controls.hcr = sysreg_get(hcr_el2);
	sysreg_put(hcr_el2, cpu->vm_controls.hcr |
			    (cpu->ctxt->regs[HCR_EL2] & (HCR_VI | HCR_VF)));
	sysreg_put(vbar_el2, vectors_vm());
	forget_other_vcpu(cpu);
}

/* The host's counters neither count nor tell what a VM does. */
static inline void stop_counters(struct host_kept *kept)
{
	uint64_t pmcr = sysreg_get(pmcr_el0);
	uint64_t pmselr = sysreg_get(pmselr_el0);

	kept->pmcr = pmcr;
	kept->pmselr = pmselr;
	kept->pmuserenr = sysreg_get(pmuserenr_el0);
	sysreg_put(pmselr_el0, 0);
	sysreg_put(pmuserenr_el0, PMUSERENR_MASK);
	if ((pmcr & PMCR_E) != 0) {
		sysreg_put(pmcr_el0, pmcr & ~PMCR_E);
	}
}

static inline void resume_counters(const struct host_kept *kept)
{
	uint64_t pmcr = kept->pmcr;

	sysreg_put(pmselr_el0, kept->pmselr);
	sysreg_put(pmuserenr_el0, kept->pmuserenr);
	if ((pmcr & PMCR_E) != 0) {
		sysreg_put(pmcr_el0, pmcr);
	}
}

/**
 * activate_traps() - trap what the current VM does not have
 *
 * Spec:  AbstractMachine.activate_traps_spec
 * Delta: D-027: also what newer CPUs have, and what would act on the VM
 *	  unseen (G59)
 */
static inline void activate_traps(void)
{
	struct pcpu *cpu = this_cpu();

	if (cpu->features.pmu) {
		stop_counters(&cpu->host_kept);
	}
	if (cpu->features.newer) {
		activate_newer_traps(cpu);
	}
	sysreg_put(mdcr_el2, cpu->vm_controls.mdcr);
	sysreg_put(cptr_el2, cpu->vm_controls.cptr);
}

/**
 * deactivate_traps() - give the host back what it has
 *
 * EL1's walks are stopped from here to restore_sysregs(): once its vCPU is
 * inactive, the VM's table can go at any time.
 *
 * Spec:  AbstractMachine.deactivate_traps_spec
 * Delta: D-027: as activate_traps(); PMUSERENR_EL0 becomes what it was, not 0
 */
static inline void deactivate_traps(void)
{
	struct pcpu *cpu = this_cpu();

	el1_walks_stop();
	sysreg_put(mdcr_el2, cpu->host_controls.mdcr);
	sysreg_put(cptr_el2, cpu->host_controls.cptr);
	if (cpu->features.newer) {
		deactivate_newer_traps(cpu);
	}
	if (cpu->features.pmu) {
		resume_counters(&cpu->host_kept);
	}
}

/**
 * timer_set_cntvoff() - the virtual counter of the current world
 *
 * Spec: AbstractMachine.timer_set_cntvoff_spec
 */
static inline void timer_set_cntvoff(void)
{
	sysreg_put(cntvoff_el2, this_cpu()->ctxt->regs[CNTVOFF_EL2]);
}

/**
 * timer_enable_traps() - the current VM has the virtual timer, and only that
 *
 * Spec:  AbstractMachine.timer_enable_traps_spec
 * Delta: D-028: loads the virtual timer as well
 */
static inline void timer_enable_traps(void)
{
	struct pcpu *cpu = this_cpu();
	const uint64_t *regs = cpu->ctxt->regs;

	sysreg_put(cnthctl_el2, cpu->vm_controls.cnthctl);
	timer_set_cntvoff();
	sysreg_put(cntv_cval_el0, regs[CNTV_CVAL_EL0]);
	/* Not for a moment does it fire by what was there before. */
	barrier_isb();
	sysreg_put(cntv_ctl_el0, regs[CNTV_CTL_EL0]);
}

/**
 * timer_disable_traps() - the host has the physical timer again
 *
 * The current VM's timer goes to its context. If it fires, the virtual timer
 * goes on firing for the host, which has the interrupt to forward; when it was
 * to fire the host does not learn.
 *
 * Source: in the place of the specification's timer_enable_traps (G52)
 * Delta:  D-028
 */
static inline void timer_disable_traps(void)
{
	struct pcpu *cpu = this_cpu();
	uint64_t *regs = cpu->ctxt->regs;
	uint64_t ctl = sysreg_get(cntv_ctl_el0);
	uint64_t cval = sysreg_get(cntv_cval_el0);

	regs[CNTV_CTL_EL0] = ctl & (CNTV_CTL_ENABLE | CNTV_CTL_IMASK);
	regs[CNTV_CVAL_EL0] = cval;
	if ((ctl & (CNTV_CTL_ENABLE | CNTV_CTL_IMASK | CNTV_CTL_ISTATUS)) !=
	    (CNTV_CTL_ENABLE | CNTV_CTL_ISTATUS)) {
		sysreg_put(cntv_ctl_el0, 0);
		barrier_isb();
	}
	sysreg_put(cntv_cval_el0, 0);
	sysreg_put(cntvoff_el2, 0);
	sysreg_put(cnthctl_el2, cpu->host_controls.cnthctl);
}

#endif /* COREVISOR_CORE_WORLD_H */
