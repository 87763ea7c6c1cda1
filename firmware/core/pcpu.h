/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Per-CPU data, reached only through this_cpu(). Layer: AbstractMachine.
 */
#ifndef COREVISOR_CORE_PCPU_H
#define COREVISOR_CORE_PCPU_H

#include "arch/cpu.h"
#include "core/panic.h"
#include "core/shadow_ctxt.h"
#include "core/spec_constants.h"
#include "core/types.h"
#include "hypsec/inspect.h"

/* PSCI's view of a CPU. */
enum pcpu_power {
	PCPU_OFF = 0,
	PCPU_ON_PENDING,
	PCPU_ON,
};

struct trap_frame;

/**
 * struct cpu_features - what this CPU has that EL2 must know of
 * @pan, @ssbs, @mte, @nmi, @ras, @amu, @sve, @sme, @fgt, @hcx, @spe, @trf: the
 *	      FEAT_ of that name
 * @sme_fa64: FEAT_SME_FA64
 * @pmu:      FEAT_PMUv3
 * @impdef:   some of ACTLR_EL1, AFSR0_EL1, AFSR1_EL1 and AMAIR_EL1 exists
 * @newer:    any of @ras, @hcx, @fgt, @spe, @trf
 * @nr_lrs:   list registers of a GICv3, 0 without one
 * @nr_aprs:  active priority registers of each group, likewise
 */
struct cpu_features {
	bool pan;
	bool ssbs;
	bool mte;
	bool nmi;
	bool ras;
	bool amu;
	bool sve;
	bool sme;
	bool sme_fa64;
	bool fgt;
	bool hcx;
	bool pmu;
	bool spe;
	bool trf;
	bool impdef;
	bool newer;
	uint32_t nr_lrs;
	uint32_t nr_aprs;
};

/**
 * struct world_controls - EL2's registers that differ between host and VMs
 * @hcr:     HCR_EL2; the host's may have VSE as well
 * @cptr:    CPTR_EL2
 * @mdcr:    MDCR_EL2
 * @cnthctl: CNTHCTL_EL2
 * @hcrx:    HCRX_EL2
 * @hfgrtr, @hfgwtr: HFGRTR_EL2, HFGWTR_EL2
 * @vttbr:   VTTBR_EL2; 0 for VMs, which have one each
 */
struct world_controls {
	uint64_t hcr;
	uint64_t cptr;
	uint64_t mdcr;
	uint64_t cnthctl;
	uint64_t hcrx;
	uint64_t hfgrtr;
	uint64_t hfgwtr;
	uint64_t vttbr;
};

/**
 * struct host_kept - what the host gets back after a VM, of registers that no
 * VM has but that would act on one
 * @pmcr, @pmselr, @pmuserenr: PMU, of which the counters stop
 * @pmscr, @trfcr: profiling and trace
 * @vdisr:   what the host's DISR_EL1 is
 * @icc_sre: ICC_SRE_EL1
 * @svcr:    SVCR, while a VM's FP registers are in the CPU
 */
struct host_kept {
	uint64_t pmcr;
	uint64_t pmselr;
	uint64_t pmuserenr;
	uint64_t pmscr;
	uint64_t trfcr;
	uint64_t vdisr;
	uint64_t icc_sre;
	uint64_t svcr;
};

/**
 * struct pcpu - one CPU
 * @panic_regs:	x0..x30 at an exception inside EL2; offset known to assembly
 * @panic_sp:	SP_EL2 at that exception; offset known to assembly
 * @index:	CPU number, the index into pcpus
 * @mpidr:	affinity fields of MPIDR_EL1
 * @power:	enum pcpu_power; changed by atomic exchange only
 * @entry:	IPA at which the host enters after CPU_ON, bytes
 * @context:	x0 of that entry
 * @held:	bit mask of lock ranks this CPU holds
 * @features:	read from the ID registers
 * @cur_vmid:	who runs on this CPU when it is not at EL2
 * @cur_vcpuid:	which vCPU of that VM; the CPU's number for the host
 * @frame:	the exception of the host being handled, NULL outside of traps;
 *		it stays while a VM runs that the host's exception started
 * @ctxt:	the context of who runs on this CPU when it is not at EL2
 * @fp_is_vms:	whether the FP registers in the CPU are the VM's
 * @last_vcpu:	by VM: which of its vCPUs ran last on this CPU
 * @host_controls, @vm_controls: EL2's registers while host or VM runs
 * @host_kept:	valid while a VM runs
 * @reason:	why the last refusal was one; NULL at the start of a hypercall
 * @counters:	this CPU's entry in the inspection page
 */
struct pcpu {
	uint64_t panic_regs[31];
	uint64_t panic_sp;
	uint32_t index;
	uint32_t power;
	uint64_t mpidr;
	uint64_t entry;
	uint64_t context;
	uint32_t held;
	struct cpu_features features;
	uint32_t cur_vmid;
	uint32_t cur_vcpuid;
	struct trap_frame *frame;
	struct shadow_ctxt *ctxt;
	bool fp_is_vms;
	uint8_t last_vcpu[COREVISOR];
	struct world_controls host_controls;
	struct world_controls vm_controls;
	struct host_kept host_kept;
	const char *reason;
	struct hypsec_inspect_cpu *counters;
};

#define PCPU_PANIC_SP_OFF	248
_Static_assert(offsetof(struct pcpu, panic_sp) == PCPU_PANIC_SP_OFF,
	       "offset in vectors.S");

/* The MPIDR_EL1 affinity fields, Aff3 and Aff2..Aff0. */
#define MPIDR_AFFINITY_MASK	(GENMASK(39, 32) | GENMASK(23, 0))

/**
 * this_cpu() - the CPU that runs this code
 *
 * Boot code sets TPIDR_EL2 with the MMU still off, before any C that uses
 * this; never NULL.
 */
static inline struct pcpu *this_cpu(void)
{
	return cpu_pcpu();
}

/**
 * pcpu_get() - a CPU by number
 * @index: CPU number
 *
 * Returns: the CPU, NULL if @index is not below pcpu_count()
 */
struct pcpu *pcpu_get(uint32_t index);

/* The CPU that booted; it becomes number 0. Valid before pcpu_add(). */
struct pcpu *pcpu_boot(void);

/* CPUs registered so far. */
uint32_t pcpu_count(void);

/**
 * pcpu_find() - a CPU by affinity
 * @mpidr: affinity fields, other bits must be zero
 *
 * Returns: the CPU, or NULL
 */
struct pcpu *pcpu_find(uint64_t mpidr);

/**
 * pcpu_add() - register a CPU at boot
 * @mpidr:    affinity fields
 * @counters: its entry in the inspection page
 *
 * Returns: HV_ENOMEM with TOTAL_CPU registered, HV_EINVAL if @mpidr is
 * malformed or there already
 * Locks: none; boot CPU only, before any other runs
 */
enum hv_status WARN_UNUSED pcpu_add(uint64_t mpidr,
				    struct hypsec_inspect_cpu *counters);

/**
 * get_cur_vmid() - who runs on this CPU when it is not at EL2
 *
 * Spec:    AbstractMachine.get_cur_vmid_spec
 * Returns: HOSTVISOR or a VM
 */
static inline uint32_t get_cur_vmid(void)
{
	return this_cpu()->cur_vmid;
}

/**
 * get_cur_vcpuid() - which vCPU runs on this CPU when it is not at EL2
 *
 * Spec:    AbstractMachine.get_cur_vcpuid_spec
 * Returns: below VCPU_PER_VM; the CPU's number for the host
 */
static inline uint32_t get_cur_vcpuid(void)
{
	return this_cpu()->cur_vcpuid;
}

/* As set_per_cpu(), of any CPU. */
static inline void pcpu_set_world(struct pcpu *cpu, vmid_t vmid,
				  uint32_t vcpuid)
{
	if (vmid == HOSTVISOR || vmid == COREVISOR) {
		vcpuid = cpu->index;
	}
	cpu->cur_vmid = vmid;
	cpu->cur_vcpuid = vcpuid;
	cpu->ctxt = shadow_ctxt_get(vmid, vcpuid);
	cpu->counters->world = vmid;
	cpu->counters->vcpu = vcpuid;
}

/**
 * set_per_cpu() - say who runs on this CPU from now on
 * @vmid:   HOSTVISOR, a VM or COREVISOR
 * @vcpuid: below VCPU_PER_VM; not used for HOSTVISOR and COREVISOR, for which
 *	    the CPU's number counts
 *
 * Spec:   AbstractMachine.set_per_cpu_spec
 * Panics: a number out of range - nobody
 */
static inline void set_per_cpu(uint32_t vmid, uint32_t vcpuid)
{
	ASSERT(vmid <= COREVISOR && vcpuid < VCPU_PER_VM);
	pcpu_set_world(this_cpu(), vmid, vcpuid);
}

/* As set_per_cpu(HOSTVISOR, 0), for a CPU that arrives at EL2. */
void pcpu_enter_host(struct pcpu *cpu);

/* Forgets all CPUs (tests). */
void pcpu_reset(void);

#endif /* COREVISOR_CORE_PCPU_H */
