/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of CPUs. Layer: AbstractMachine. Locks: none, written at boot.
 */
#include "core/pcpu.h"

#include "core/panic.h"
#include "core/shadow_ctxt.h"

static struct pcpu pcpus[TOTAL_CPU];
static uint32_t nr_pcpus;

struct pcpu *pcpu_get(uint32_t index)
{
	return index < nr_pcpus ? &pcpus[index] : NULL;
}

struct pcpu *pcpu_boot(void)
{
	return &pcpus[0];
}

uint32_t pcpu_count(void)
{
	return nr_pcpus;
}

struct pcpu *pcpu_find(uint64_t mpidr)
{
	for (uint32_t i = 0; i < nr_pcpus; i++) {
		if (pcpus[i].mpidr == mpidr) {
			return &pcpus[i];
		}
	}
	return NULL;
}

enum hv_status pcpu_add(uint64_t mpidr, struct hypsec_inspect_cpu *counters)
{
	struct pcpu *cpu;

	if (nr_pcpus == TOTAL_CPU) {
		return HV_ENOMEM;
	}
	if ((mpidr & ~MPIDR_AFFINITY_MASK) != 0 || pcpu_find(mpidr) != NULL) {
		return HV_EINVAL;
	}
	cpu = &pcpus[nr_pcpus];
	cpu->index = nr_pcpus;
	cpu->mpidr = mpidr;
	cpu->power = PCPU_OFF;
	cpu->counters = counters;
	counters->world = HYPSEC_INSPECT_WORLD_OFF;
	counters->vcpu = nr_pcpus;
	nr_pcpus++;
	return HV_OK;
}

/**
 * get_cur_vmid() - who runs on this CPU when it is not at EL2
 *
 * Spec:    AbstractMachine.get_cur_vmid_spec
 * Returns: HOSTVISOR or a VM
 */
uint32_t get_cur_vmid(void)
{
	return this_cpu()->cur_vmid;
}

/**
 * get_cur_vcpuid() - which vCPU runs on this CPU when it is not at EL2
 *
 * Spec:    AbstractMachine.get_cur_vcpuid_spec
 * Returns: below VCPU_PER_VM; the CPU's number for the host
 */
uint32_t get_cur_vcpuid(void)
{
	return this_cpu()->cur_vcpuid;
}

static void set_world(struct pcpu *cpu, vmid_t vmid, uint32_t vcpuid)
{
	cpu->cur_vmid = vmid;
	cpu->cur_vcpuid = vmid == HOSTVISOR || vmid == COREVISOR ? cpu->index :
								    vcpuid;
	cpu->ctxt = shadow_ctxt_get(vmid, cpu->cur_vcpuid);
	cpu->counters->world = cpu->cur_vmid;
	cpu->counters->vcpu = cpu->cur_vcpuid;
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
void set_per_cpu(uint32_t vmid, uint32_t vcpuid)
{
	ASSERT(vmid <= COREVISOR && vcpuid < VCPU_PER_VM);
	set_world(this_cpu(), vmid, vcpuid);
}

void pcpu_enter_host(struct pcpu *cpu)
{
	set_world(cpu, HOSTVISOR, 0);
}

void pcpu_reset(void)
{
	for (uint32_t i = 0; i < TOTAL_CPU; i++) {
		pcpus[i] = (struct pcpu){ 0 };
	}
	nr_pcpus = 0;
}
