/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What EL2 holds in its own registers for a world. Layer: AbstractMachine.
 * Locks: none, all state is the CPU's own.
 *
 * What a VM has of the CPU is in the list of sysregs.c. Everything else is
 * trapped from here; and what would act on a VM without its touching it, such
 * as the host's counters, is stopped while one runs and then given back.
 */
#include "core/world.h"

#include "arch/barrier.h"
#include "arch/sysreg.h"
#include "arch/tlbi.h"
#include "arch/world.h"
#include "core/panic.h"
#include "core/pcpu.h"
#include "core/pt_alloc.h"
#include "core/shadow_ctxt.h"

/* Set and way, ACTLR_EL1, LORegions, WFx, SMC and ID registers trap. */
#define VM_HCR								\
	(HCR_VM | HCR_SWIO | HCR_FMO | HCR_IMO | HCR_AMO | HCR_FB |	\
	 HCR_BSU_IS | HCR_TWI | HCR_TWE | HCR_TSC | HCR_TIDCP | HCR_TAC | \
	 HCR_TSW | HCR_RW | HCR_TLOR)
_Static_assert(VM_HCR == UINT64_C(0x88078663b),
	       "HCR_HYPSEC_VM_FLAGS of the specification");

/* PMU, profiling, debug registers and debug exceptions trap. */
#define VM_MDCR								\
	(MDCR_TPMS | MDCR_TDRA | MDCR_TDOSA | MDCR_TDA | MDCR_TDE |	\
	 MDCR_TPM | MDCR_TPMCR)
_Static_assert(VM_MDCR == 0x4f60,
	       "HYPSEC_MDCR_EL2_FLAG of the specification");

/* Everything traps: FP, SVE, SME, trace. */
#define VM_CPTR		(CPTR_RES1 | CPTR_TZ | CPTR_TSM | CPTR_TTA | CPTR_TFP)

/*
 * What newer CPUs need. The bits that are 0 keep the rest from a VM: APK and
 * API pointer authentication, ATA memory tags, ENSCXT and FIEN their registers.
 */
static uint64_t vm_hcr(const struct cpu_features *features)
{
	return VM_HCR | HCR_TID3 | (features->ras ? HCR_TERR : 0);
}

static uint64_t vm_mdcr(const struct pcpu *cpu)
{
	/* HPMN, HPMD and HCCD stay; the buffers are nobody's. */
	uint64_t mdcr = cpu->host_controls.mdcr &
			~(MDCR_E2PB_EL1 | MDCR_E2TB_EL1);

	return mdcr | VM_MDCR | (cpu->features.trf ? MDCR_TTRF : 0);
}

/* Whether a register of EL1 has bits that stay; it keeps its value. */
#define HAS_BITS(reg) __extension__ ({					\
	uint64_t before_ = sysreg_read(reg);				\
	uint64_t bits_;							\
									\
	sysreg_write(reg, ~UINT64_C(0));				\
	barrier_isb();							\
	bits_ = sysreg_read(reg);					\
	sysreg_write(reg, before_);					\
	bits_ != 0;							\
})

/* On most CPUs they are RES0. */
static bool has_impdef_registers(void)
{
	bool actlr = HAS_BITS(actlr_el1);
	bool afsr0 = HAS_BITS(afsr0_el1);
	bool afsr1 = HAS_BITS(afsr1_el1);
	bool amair = HAS_BITS(amair_el1);

	return actlr || afsr0 || afsr1 || amair;
}

void world_init(void)
{
	struct pcpu *cpu = this_cpu();
	struct cpu_features *features = &cpu->features;

	features->impdef = has_impdef_registers();
	features->newer = features->ras || features->hcx || features->fgt ||
			  features->spe || features->trf;
	cpu->host_controls = (struct world_controls){
		.hcr = sysreg_read(hcr_el2),
		.cptr = sysreg_read(cptr_el2),
		.mdcr = sysreg_read(mdcr_el2),
		.cnthctl = sysreg_read(cnthctl_el2),
		.hcrx = features->hcx ? sysreg_read(HCRX_EL2) : 0,
		.hfgrtr = features->fgt ? sysreg_read(HFGRTR_EL2) : 0,
		.hfgwtr = features->fgt ? sysreg_read(HFGWTR_EL2) : 0,
		.vttbr = pt_pool_root(HOSTVISOR),
	};
	/* In HFG*TR_EL2 what 0 does not trap is trapped by other registers. */
	cpu->vm_controls = (struct world_controls){
		.hcr = vm_hcr(features),
		.cptr = VM_CPTR | (features->amu ? CPTR_TAM : 0),
		.mdcr = vm_mdcr(cpu),
		.cnthctl = CNTHCTL_EL1PCTEN,
		.hcrx = features->nmi ? HCRX_TALLINT : 0,
	};
	cpu->fp_is_vms = false;
}

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
void host_el2_restore_state(void)
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
static void forget_other_vcpu(struct pcpu *cpu)
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
void vm_el2_restore_state(void)
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
static void stop_counters(struct host_kept *kept)
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

static void resume_counters(const struct host_kept *kept)
{
	uint64_t pmcr = kept->pmcr;

	sysreg_put(pmselr_el0, kept->pmselr);
	sysreg_put(pmuserenr_el0, kept->pmuserenr);
	if ((pmcr & PMCR_E) != 0) {
		sysreg_put(pmcr_el0, pmcr);
	}
}

/* The same for profiling and trace, before their buffers' owner changes. */
static void stop_profiling(const struct cpu_features *features,
			   struct host_kept *kept)
{
	if (features->spe) {
		kept->pmscr = sysreg_read(PMSCR_EL1);
		sysreg_write(PMSCR_EL1, 0);
		barrier_isb();
		profiling_drain();
	}
	if (features->trf) {
		kept->trfcr = sysreg_read(TRFCR_EL1);
		sysreg_write(TRFCR_EL1, 0);
		barrier_isb();
		trace_drain();
	}
}

static void resume_profiling(const struct cpu_features *features,
			     const struct host_kept *kept)
{
	if (features->spe) {
		sysreg_write(PMSCR_EL1, kept->pmscr);
	}
	if (features->trf) {
		sysreg_write(TRFCR_EL1, kept->trfcr);
	}
}

/* What the specification's CPU does not have. */
static void activate_newer_traps(struct pcpu *cpu)
{
	const struct cpu_features *features = &cpu->features;

	stop_profiling(features, &cpu->host_kept);
	if (features->ras) {
		/* A VM's DISR_EL1 too. */
		cpu->host_kept.vdisr = sysreg_read(VDISR_EL2);
		sysreg_write(VDISR_EL2, 0);
	}
	if (features->hcx) {
		sysreg_write(HCRX_EL2, cpu->vm_controls.hcrx);
	}
	if (features->fgt) {
		sysreg_write(HFGRTR_EL2, cpu->vm_controls.hfgrtr);
		sysreg_write(HFGWTR_EL2, cpu->vm_controls.hfgwtr);
	}
}

static void deactivate_newer_traps(struct pcpu *cpu)
{
	const struct cpu_features *features = &cpu->features;

	if (features->ras) {
		sysreg_write(VDISR_EL2, cpu->host_kept.vdisr);
	}
	if (features->hcx) {
		sysreg_write(HCRX_EL2, cpu->host_controls.hcrx);
	}
	if (features->fgt) {
		sysreg_write(HFGRTR_EL2, cpu->host_controls.hfgrtr);
		sysreg_write(HFGWTR_EL2, cpu->host_controls.hfgwtr);
	}
	resume_profiling(features, &cpu->host_kept);
}

/**
 * activate_traps() - trap what the current VM does not have
 *
 * Spec:  AbstractMachine.activate_traps_spec
 * Delta: D-027: also what newer CPUs have, and what would act on the VM
 *	  unseen (G59)
 */
void activate_traps(void)
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
void deactivate_traps(void)
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
void timer_set_cntvoff(void)
{
	sysreg_put(cntvoff_el2, this_cpu()->ctxt->regs[CNTVOFF_EL2]);
}

/**
 * timer_enable_traps() - the current VM has the virtual timer, and only that
 *
 * Spec:  AbstractMachine.timer_enable_traps_spec
 * Delta: D-028: loads the virtual timer as well
 */
void timer_enable_traps(void)
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
 * Spec:  AbstractMachine has timer_enable_traps_spec in this place (G52)
 * Delta: D-028
 */
void timer_disable_traps(void)
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
