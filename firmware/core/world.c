/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What EL2 holds in its own registers for a world. Layer: AbstractMachine.
 * Locks: none, all state is the CPU's own.
 */
#include "core/world.h"

#include "arch/barrier.h"
#include "arch/sysreg.h"
#include "arch/world.h"
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

/*
 * On Arm's own CPUs they are RES0, as on the one that is named after none. What
 * others have in ACTLR_EL1 is not tried out.
 */
static bool has_impdef_registers(void)
{
	uint64_t implementer = EXTRACT(MIDR_IMPLEMENTER, sysreg_read(midr_el1));
	bool afsr0 = HAS_BITS(afsr0_el1);
	bool afsr1 = HAS_BITS(afsr1_el1);
	bool amair = HAS_BITS(amair_el1);

	return afsr0 || afsr1 || amair ||
	       (implementer != MIDR_IMPLEMENTER_ARM &&
		implementer != MIDR_IMPLEMENTER_NONE);
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

/* Neither profiling nor trace, before their buffers' owner changes. */
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

void activate_newer_traps(struct pcpu *cpu)
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

void deactivate_newer_traps(struct pcpu *cpu)
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
