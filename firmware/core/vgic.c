/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual interrupts of a GICv3. Layer: AbstractMachine.
 * Locks: none, all state is the CPU's own, or shared with the host.
 */
#include "core/vgic.h"

#include "arch/barrier.h"
#include "arch/sysreg.h"
#include "core/panic.h"
#include "core/pcpu.h"
#include "core/shadow_ctxt.h"

/* Every list register there can be, the last first. */
#define LIST_REGISTERS(R)						\
	R(15) R(14) R(13) R(12) R(11) R(10) R(9) R(8)			\
	R(7) R(6) R(5) R(4) R(3) R(2) R(1) R(0)

#define ICH_HCR_HOSTS	(ICH_HCR_UIE | ICH_HCR_LRENPIE | ICH_HCR_NPIE)

_Static_assert(HYPSEC_VGIC_LRS == 16, "as the architecture");

/*
 * What the host asks for, without bits that mean nothing. With HW the VM's end
 * of interrupt is one of the physical interrupt, which is the host's anyway.
 */
static uint64_t valid_lr(uint64_t lr)
{
	uint64_t mask = ICH_LR_VINTID | ICH_LR_PRIORITY | ICH_LR_GROUP |
			ICH_LR_HW | ICH_LR_STATE;

	return lr & (mask | ((lr & ICH_LR_HW) != 0 ? ICH_LR_PINTID :
						     ICH_LR_EOI));
}

static void write_list_registers(volatile struct hypsec_vgic *vgic, uint32_t n)
{
#define WRITE_LR(i)							\
	if ((i) < n) {							\
		sysreg_write(ICH_LR##i##_EL2, valid_lr(vgic->lr[i]));	\
	}
	LIST_REGISTERS(WRITE_LR)
#undef WRITE_LR
}

static void read_list_registers(volatile struct hypsec_vgic *vgic, uint32_t n)
{
#define READ_LR(i)							\
	if ((i) < n) {							\
		vgic->lr[i] = sysreg_read(ICH_LR##i##_EL2);		\
	}
	LIST_REGISTERS(READ_LR)
#undef READ_LR
}

#define ACTIVE_PRIORITIES(R)						\
	R(0) R(1) R(2) R(3)

static void write_active_priorities(const uint64_t *regs, uint32_t n)
{
#define WRITE_APR(i)							\
	if ((i) < n) {							\
		sysreg_write(ICH_AP0R##i##_EL2, regs[VGIC_AP0R0 + (i)]); \
		sysreg_write(ICH_AP1R##i##_EL2, regs[VGIC_AP1R0 + (i)]); \
	}
	ACTIVE_PRIORITIES(WRITE_APR)
#undef WRITE_APR
}

static void read_active_priorities(uint64_t *regs, uint32_t n)
{
#define READ_APR(i)							\
	if ((i) < n) {							\
		regs[VGIC_AP0R0 + (i)] = sysreg_read(ICH_AP0R##i##_EL2); \
		regs[VGIC_AP1R0 + (i)] = sysreg_read(ICH_AP1R##i##_EL2); \
	}
	ACTIVE_PRIORITIES(READ_APR)
#undef READ_APR
}

void vgic_restore(void)
{
	struct pcpu *cpu = this_cpu();
	const struct cpu_features *features = &cpu->features;
	volatile struct hypsec_vgic *vgic;

	ASSERT(cpu->ctxt->shared != NULL);
	vgic = &cpu->ctxt->shared->vgic;
	/* A VM has system registers, whatever the host prefers. */
	cpu->host_kept.icc_sre = sysreg_read(ICC_SRE_EL1);
	sysreg_write(ICC_SRE_EL1, ICC_SRE_EL1_SRE);
	write_list_registers(vgic, features->nr_lrs);
	sysreg_write(ICH_VMCR_EL2, cpu->ctxt->regs[VGIC_VMCR]);
	write_active_priorities(cpu->ctxt->regs, features->nr_aprs);
	sysreg_write(ICH_HCR_EL2, ICH_HCR_EN | (vgic->hcr & ICH_HCR_HOSTS));
}

void vgic_save(void)
{
	struct pcpu *cpu = this_cpu();
	const struct cpu_features *features = &cpu->features;
	volatile struct hypsec_vgic *vgic;

	vgic = &cpu->ctxt->shared->vgic;
	cpu->ctxt->regs[VGIC_VMCR] = sysreg_read(ICH_VMCR_EL2);
	read_active_priorities(cpu->ctxt->regs, features->nr_aprs);
	vgic->hcr = sysreg_read(ICH_HCR_EL2) &
		    (ICH_HCR_HOSTS | ICH_HCR_EOICOUNT);
	vgic->misr = sysreg_read(ICH_MISR_EL2);
	vgic->elrsr = sysreg_read(ICH_ELRSR_EL2);
	vgic->nr_lrs = features->nr_lrs;
	read_list_registers(vgic, features->nr_lrs);
	sysreg_write(ICH_HCR_EL2, 0);
	sysreg_write(ICC_SRE_EL1, cpu->host_kept.icc_sre);
}
