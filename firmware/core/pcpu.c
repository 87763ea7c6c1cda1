/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of CPUs. Layer: AbstractMachine. Locks: none, written at boot.
 */
#include "core/pcpu.h"


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

void pcpu_enter_host(struct pcpu *cpu)
{
	pcpu_set_world(cpu, HOSTVISOR, 0);
}

void pcpu_reset(void)
{
	for (uint32_t i = 0; i < TOTAL_CPU; i++) {
		pcpus[i] = (struct pcpu){ 0 };
	}
	nr_pcpus = 0;
}
