/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FP and SIMD registers of the current world. Layer: AbstractMachine.
 * Locks: none, all state is the CPU's own.
 */
#include "core/fpsimd.h"

#include "arch/barrier.h"
#include "arch/world.h"
#include "core/pcpu.h"
#include "core/shadow_ctxt.h"

/* The host's SVE registers while a VM's FP registers are in the CPU. */
static struct vector_state host_vectors_kept[TOTAL_CPU];

/*
 * Whether the host has Z registers, and FFR among them, as it left its SVCR:
 * in streaming mode only CPUs with FA64 have FFR.
 */
static bool host_has_vectors(const struct pcpu *cpu)
{
	return cpu->features.sve || (cpu->host_kept.svcr & SVCR_SM) != 0;
}

static bool host_has_ffr(const struct pcpu *cpu)
{
	return (cpu->host_kept.svcr & SVCR_SM) == 0 || cpu->features.sme_fa64;
}

static void keep_host(struct pcpu *cpu)
{
	/* With this, all of it may be used at EL2. */
	sysreg_write(cptr_el2, cpu->host_controls.cptr);
	barrier_isb();
	fp_state_save(&shadow_ctxt_get(HOSTVISOR, cpu->index)->fp);
	cpu->host_kept.svcr = cpu->features.sme ? sysreg_read(SVCR) : 0;
	if (host_has_vectors(cpu)) {
		vector_state_save(&host_vectors_kept[cpu->index],
				  host_has_ffr(cpu));
	}
	if ((cpu->host_kept.svcr & SVCR_SM) != 0) {
		/* Zeroes all Z, P and FFR. */
		sysreg_write(SVCR, cpu->host_kept.svcr & ~SVCR_SM);
	}
}

static void give_host_back(struct pcpu *cpu)
{
	const struct fp_state *fp =
		&shadow_ctxt_get(HOSTVISOR, cpu->index)->fp;

	if ((cpu->host_kept.svcr & SVCR_SM) != 0) {
		sysreg_write(SVCR, cpu->host_kept.svcr);
	}
	/* The Q registers first, which zero the rest of the Z registers. */
	fp_state_restore(fp);
	if (host_has_vectors(cpu)) {
		vector_state_restore(&host_vectors_kept[cpu->index],
				     host_has_ffr(cpu));
	}
}

void fpsimd_end_of_use(void)
{
	struct pcpu *cpu = this_cpu();

	if (cpu->cur_vmid != HOSTVISOR) {
		fp_state_save(&cpu->ctxt->fp);
		return;
	}
	/* CPTR_EL2 is the host's. */
	barrier_isb();
	give_host_back(cpu);
	cpu->fp_is_vms = false;
}

bool fpsimd_vm_trap(void)
{
	struct pcpu *cpu = this_cpu();

	if (cpu->fp_is_vms) {
		return false;
	}
	keep_host(cpu);
	fp_state_restore(&cpu->ctxt->fp);
	cpu->fp_is_vms = true;
	sysreg_write(cptr_el2, cpu->vm_controls.cptr & ~CPTR_TFP);
	return true;
}
