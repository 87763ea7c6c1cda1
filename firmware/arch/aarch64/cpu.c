/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EL2's registers on one CPU. Locks: none, all state is the CPU's own.
 */
#include "arch/cpu.h"

#include "arch/barrier.h"
#include "arch/el2.h"
#include "arch/layout.h"
#include "arch/sysreg.h"
#include "core/trap_frame.h"

extern char host_vectors[], _start[], __image_end[], el2_secondary_entry[];

/* Longest vector that the CPU has. */
#define ZCR_LEN_MAX	UINT64_C(0xf)
#define SMCR_LEN_MAX	UINT64_C(0xf)
#define SMCR_EZT0	BIT(30)
#define SMCR_FA64	BIT(31)

/* HFGRTR_EL2 and HFGWTR_EL2: bits that trap while they are 0. */
#define HFG_NSMPRI	BIT(54)
#define HFG_NTPIDR2	BIT(55)
#define HFG_NPIRE0	BIT(57)
#define HFG_NPIR	BIT(58)

/* ICC_SRE_EL2: system registers at EL2 and EL1. */
#define ICC_SRE_ENABLED	UINT64_C(0xf)

void el2_cpu_attach(struct pcpu *cpu)
{
	sysreg_write(tpidr_el2, (uint64_t)cpu);
	sysreg_write(vbar_el2, (uint64_t)host_vectors);
	barrier_isb();
}

uint64_t el2_mpidr(void)
{
	return sysreg_read(mpidr_el1) & MPIDR_AFFINITY_MASK;
}

static paddr_t image_va_to_pa(const char *va)
{
	uint64_t par;

	/* The one translation EL2 asks the hardware for, of its own address. */
	__asm__ volatile("at s1e2r, %0" :: "r" (va) : "memory");
	barrier_isb();
	par = sysreg_read(par_el1);
	return (par & GENMASK(47, 12)) | ((uint64_t)va & 0xfff);
}

paddr_t el2_image_pa(void)
{
	return image_va_to_pa(_start);
}

uint64_t el2_image_bytes(void)
{
	return (uint64_t)(__image_end - _start);
}

paddr_t el2_secondary_pa(void)
{
	return image_va_to_pa(el2_secondary_entry);
}

static void read_debug_features(struct cpu_features *features)
{
	uint64_t dfr0 = sysreg_read(ID_AA64DFR0_EL1);
	unsigned int pmu = ID_FIELD(dfr0, ID_AA64DFR0_PMUVER_SHIFT);

	features->pmu = pmu != 0 && pmu != 0xf;
	features->spe = ID_FIELD(dfr0, ID_AA64DFR0_PMSVER_SHIFT) != 0;
	features->trf = ID_FIELD(dfr0, ID_AA64DFR0_TRACEFILT_SHIFT) != 0;
}

static void read_gic_features(struct cpu_features *features, uint64_t pfr0)
{
	uint64_t vtr;
	uint64_t prebits;

	features->nr_lrs = 0;
	features->nr_aprs = 0;
	if (ID_FIELD(pfr0, ID_AA64PFR0_GIC_SHIFT) == 0) {
		return;
	}
	/* At EL2 they can be reached only then. */
	sysreg_write(ICC_SRE_EL2, ICC_SRE_ENABLED);
	barrier_isb();
	vtr = sysreg_read(ICH_VTR_EL2);
	prebits = EXTRACT(ICH_VTR_PREBITS, vtr) + 1;
	features->nr_lrs = (uint32_t)EXTRACT(ICH_VTR_LISTREGS, vtr) + 1;
	features->nr_aprs = prebits <= 5 ? 1 : prebits == 6 ? 2 : 4;
}

void el2_read_features(struct cpu_features *features)
{
	uint64_t mmfr1 = sysreg_read(ID_AA64MMFR1_EL1);
	uint64_t pfr0 = sysreg_read(ID_AA64PFR0_EL1);
	uint64_t pfr1 = sysreg_read(ID_AA64PFR1_EL1);

	features->pan = ID_FIELD(mmfr1, ID_AA64MMFR1_PAN_SHIFT) != 0;
	features->ssbs = ID_FIELD(pfr1, ID_AA64PFR1_SSBS_SHIFT) != 0;
	features->mte = ID_FIELD(pfr1, ID_AA64PFR1_MTE_SHIFT) != 0;
	features->nmi = ID_FIELD(pfr1, ID_AA64PFR1_NMI_SHIFT) != 0;
	features->ras = ID_FIELD(pfr0, ID_AA64PFR0_RAS_SHIFT) != 0;
	features->amu = ID_FIELD(pfr0, ID_AA64PFR0_AMU_SHIFT) != 0;
	features->sve = ID_FIELD(pfr0, ID_AA64PFR0_SVE_SHIFT) != 0;
	features->sme = ID_FIELD(pfr1, ID_AA64PFR1_SME_SHIFT) != 0;
	features->sme_fa64 = features->sme && (sysreg_read(ID_AA64SMFR0_EL1) &
					       ID_AA64SMFR0_FA64) != 0;
	features->fgt = ID_FIELD(sysreg_read(ID_AA64MMFR0_EL1),
				 ID_AA64MMFR0_FGT_SHIFT) != 0;
	features->hcx = ID_FIELD(mmfr1, ID_AA64MMFR1_HCX_SHIFT) != 0;
	read_debug_features(features);
	read_gic_features(features, pfr0);
}

static void init_vectors_and_matrix(uint64_t pfr0, uint64_t pfr1)
{
	bool sve = ID_FIELD(pfr0, ID_AA64PFR0_SVE_SHIFT) != 0;
	bool sme = ID_FIELD(pfr1, ID_AA64PFR1_SME_SHIFT) != 0;
	uint64_t smfr0;
	uint64_t smcr = SMCR_LEN_MAX;

	sysreg_write(cptr_el2, CPTR_RES1 | (sve ? 0 : CPTR_TZ) |
			       (sme ? 0 : CPTR_TSM));
	barrier_isb();
	if (sve) {
		sysreg_write(ZCR_EL2, ZCR_LEN_MAX);
	}
	if (!sme) {
		return;
	}
	smfr0 = sysreg_read(ID_AA64SMFR0_EL1);
	if ((smfr0 & ID_AA64SMFR0_FA64) != 0) {
		smcr |= SMCR_FA64;
	}
	if (ID_FIELD(smfr0, ID_AA64SMFR0_SMEVER_SHIFT) != 0) {
		smcr |= SMCR_EZT0;
	}
	sysreg_write(SMCR_EL2, smcr);
	sysreg_write(SMPRIMAP_EL2, 0);
}

/* Fine-grained traps: off, which for some bits is 1. */
static void init_fine_grained(uint64_t pfr1)
{
	uint64_t mmfr0 = sysreg_read(ID_AA64MMFR0_EL1);
	uint64_t mmfr3 = sysreg_read(ID_AA64MMFR3_EL1);
	uint64_t pfr0 = sysreg_read(ID_AA64PFR0_EL1);
	uint64_t hfg = 0;

	if (ID_FIELD(mmfr0, ID_AA64MMFR0_FGT_SHIFT) == 0) {
		return;
	}
	if (ID_FIELD(pfr1, ID_AA64PFR1_SME_SHIFT) != 0) {
		hfg |= HFG_NSMPRI | HFG_NTPIDR2;
	}
	if (ID_FIELD(mmfr3, ID_AA64MMFR3_S1PIE_SHIFT) != 0) {
		hfg |= HFG_NPIRE0 | HFG_NPIR;
	}
	sysreg_write(HFGRTR_EL2, hfg);
	sysreg_write(HFGWTR_EL2, hfg);
	sysreg_write(HFGITR_EL2, 0);
	sysreg_write(HDFGRTR_EL2, 0);
	sysreg_write(HDFGWTR_EL2, 0);
	if (ID_FIELD(pfr0, ID_AA64PFR0_AMU_SHIFT) != 0) {
		sysreg_write(HAFGRTR_EL2, 0);
	}
}

static void init_extended_controls(void)
{
	uint64_t mmfr1 = sysreg_read(ID_AA64MMFR1_EL1);
	uint64_t mmfr3 = sysreg_read(ID_AA64MMFR3_EL1);
	uint64_t isar2 = sysreg_read(ID_AA64ISAR2_EL1);
	uint64_t hcrx = 0;

	if (ID_FIELD(mmfr1, ID_AA64MMFR1_HCX_SHIFT) == 0) {
		return;
	}
	if (ID_FIELD(isar2, ID_AA64ISAR2_MOPS_SHIFT) != 0) {
		hcrx |= HCRX_MSCEN;
	}
	if (ID_FIELD(mmfr3, ID_AA64MMFR3_TCRX_SHIFT) != 0) {
		hcrx |= HCRX_TCR2EN;
	}
	if (ID_FIELD(mmfr3, ID_AA64MMFR3_SCTLRX_SHIFT) != 0) {
		hcrx |= HCRX_SCTLR2EN;
	}
	sysreg_write(HCRX_EL2, hcrx);
}

/* The host debugs and profiles itself; EL2 keeps nothing back. */
static void init_debug(void)
{
	uint64_t dfr0 = sysreg_read(ID_AA64DFR0_EL1);
	unsigned int pmu = ID_FIELD(dfr0, ID_AA64DFR0_PMUVER_SHIFT);
	uint64_t mdcr = 0;

	if (pmu != 0 && pmu != 0xf) {
		mdcr |= EXTRACT(PMCR_EL0_N, sysreg_read(pmcr_el0));
	}
	if (ID_FIELD(dfr0, ID_AA64DFR0_PMSVER_SHIFT) != 0) {
		mdcr |= MDCR_E2PB_EL1;
	}
	if (ID_FIELD(dfr0, ID_AA64DFR0_TRACEBUFFER_SHIFT) != 0) {
		mdcr |= MDCR_E2TB_EL1;
	}
	if (pmu != 0xf) {
		/* The host's counters do not count at EL2. */
		mdcr |= pmu >= PMUVER_3P1 ? MDCR_HPMD : 0;
		mdcr |= pmu >= PMUVER_3P5 ? MDCR_HCCD : 0;
	}
	sysreg_write(mdcr_el2, mdcr);
	if (ID_FIELD(dfr0, ID_AA64DFR0_TRACEFILT_SHIFT) != 0) {
		sysreg_write(TRFCR_EL2, 0);
	}
}

static void init_timers(void)
{
	uint64_t mmfr0 = sysreg_read(ID_AA64MMFR0_EL1);

	sysreg_write(cnthctl_el2, CNTHCTL_EL1PCTEN | CNTHCTL_EL1PCEN);
	sysreg_write(cntvoff_el2, 0);
	/* EL2's own timers stay off. */
	sysreg_write(cnthp_ctl_el2, 0);
	if (ID_FIELD(sysreg_read(ID_AA64MMFR1_EL1),
		     ID_AA64MMFR1_VH_SHIFT) != 0) {
		sysreg_write(CNTHV_CTL_EL2, 0);
	}
	if (ID_FIELD(mmfr0, ID_AA64MMFR0_ECV_SHIFT) > 1) {
		sysreg_write(CNTPOFF_EL2, 0);
	}
}

static void init_interrupts(uint64_t pfr0)
{
	if (ID_FIELD(pfr0, ID_AA64PFR0_GIC_SHIFT) != 0) {
		sysreg_write(ICC_SRE_EL2, ICC_SRE_ENABLED);
		barrier_isb();
		sysreg_write(ICH_HCR_EL2, 0);
	}
}

/* Whether a feature is of version 1.@fraction or above. */
static bool has_version(unsigned int version, unsigned int fraction,
			unsigned int wanted)
{
	return version > 1 || (version == 1 && fraction >= wanted);
}

/* HCR_EL2 while the host runs. */
static uint64_t host_hcr(uint64_t pfr0, uint64_t pfr1)
{
	uint64_t hcr = HCR_RW | HCR_VM | HCR_SWIO | HCR_AMO | HCR_TSC |
		       HCR_TIDCP | HCR_APK | HCR_API;

	if (has_version(ID_FIELD(pfr0, ID_AA64PFR0_CSV2_SHIFT),
			ID_FIELD(pfr1, ID_AA64PFR1_CSV2_FRAC_SHIFT), 2)) {
		hcr |= HCR_ENSCXT;
	}
	if (has_version(ID_FIELD(pfr0, ID_AA64PFR0_RAS_SHIFT),
			ID_FIELD(pfr1, ID_AA64PFR1_RAS_FRAC_SHIFT), 1)) {
		hcr |= HCR_FIEN;
	}
	if (ID_FIELD(pfr1, ID_AA64PFR1_MTE_SHIFT) > 1) {
		hcr |= HCR_ATA;
	}
	return hcr;
}

void el2_host_traps_init(paddr_t vttbr)
{
	uint64_t pfr0 = sysreg_read(ID_AA64PFR0_EL1);
	uint64_t pfr1 = sysreg_read(ID_AA64PFR1_EL1);

	init_vectors_and_matrix(pfr0, pfr1);
	init_fine_grained(pfr1);
	init_extended_controls();
	init_debug();
	init_timers();
	init_interrupts(pfr0);
	sysreg_write(hstr_el2, 0);
	sysreg_write(hacr_el2, 0);
	sysreg_write(actlr_el2, 0);
	sysreg_write(vpidr_el2, sysreg_read(midr_el1));
	sysreg_write(vmpidr_el2, sysreg_read(mpidr_el1));
	sysreg_write(sctlr_el1, SCTLR_EL1_RESET);
	sysreg_write(spsr_el2, PSTATE_FAULT_BITS_64);
	sysreg_write(vtcr_el2, VTCR_EL2_VALUE);
	sysreg_write(vttbr_el2, vttbr);
	sysreg_write(hcr_el2, host_hcr(pfr0, pfr1));
	barrier_isb();
	/*
	 * Nothing that a TLB holds of EL1 and EL0 predates this table, and
	 * nothing in the instruction cache what others dropped while this CPU
	 * was off.
	 */
	__asm__ volatile("tlbi alle1" ::: "memory");
	__asm__ volatile("ic iallu" ::: "memory");
	barrier_dsb_sy();
	barrier_isb();
}

void cpu_pend_vserror(uint64_t iss)
{
	if (this_cpu()->features.ras) {
		sysreg_write(VSESR_EL2, iss);
	}
	sysreg_write(hcr_el2, sysreg_read(hcr_el2) | HCR_VSE);
}
