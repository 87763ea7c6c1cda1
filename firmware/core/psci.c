/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PSCI for the host. Layer: TrapHandler. Locks: s2page for a look at a page;
 * a CPU's power state changes by atomic exchange.
 */
#include "core/psci.h"

#include "arch/barrier.h"
#include "core/console.h"
#include "core/locks.h"
#include "core/mem_handler.h"
#include "core/page_manager.h"
#include "core/spec_constants.h"

/* CPU_SUSPEND's power_state: the CPU loses its state (original format). */
#define POWER_STATE_POWERDOWN	BIT(16)

static paddr_t el2_entry;

void psci_init(paddr_t entry)
{
	el2_entry = entry;
}

/* Arguments of a 32-bit function are the low halves. */
static bool is_smc64(uint32_t fn)
{
	return (fn & (UINT32_C(1) << 30)) != 0;
}

static int64_t relay(uint32_t fn, uint64_t a1, uint64_t a2, uint64_t a3)
{
	/* A CPU that comes up by this call reads what was stored before it. */
	barrier_dsb_sy();
	return (int64_t)cpu_smc(fn, a1, a2, a3);
}

static bool is_host_ram(ipa_t addr)
{
	bool host;

	acquire_lock_s2page();
	host = get_pfn_owner(addr >> PAGE_SHIFT) == HOSTVISOR;
	release_lock_s2page();
	return host;
}

static bool change_power(struct pcpu *cpu, uint32_t from, enum pcpu_power to)
{
	return __atomic_compare_exchange_n(&cpu->power, &from, to, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static void set_power(struct pcpu *cpu, enum pcpu_power power)
{
	__atomic_store_n(&cpu->power, power, __ATOMIC_RELEASE);
}

/*
 * CPU_ON and CPU_SUSPEND go down as their 64-bit functions: a 32-bit one cuts
 * its arguments, and EL2's entry may lie above 4 GiB.
 */
static int64_t psci_cpu_on(uint64_t mpidr, ipa_t entry, uint64_t context)
{
	struct pcpu *cpu = pcpu_find(mpidr);
	int64_t ret;

	if (cpu == NULL) {
		return PSCI_INVALID_PARAMETERS;
	}
	if (!is_host_ram(entry)) {
		return PSCI_INVALID_ADDRESS;
	}
	if (!change_power(cpu, PCPU_OFF, PCPU_ON_PENDING)) {
		return __atomic_load_n(&cpu->power, __ATOMIC_ACQUIRE) ==
			       PCPU_ON ? PSCI_ALREADY_ON : PSCI_ON_PENDING;
	}
	/* Ours alone until the CPU is on: the exchange above saw it off. */
	cpu->entry = entry;
	cpu->context = context;
	ret = relay(PSCI_CPU_ON_64, mpidr, el2_entry, cpu->index);
	if (ret != PSCI_SUCCESS) {
		/* Unless it is back from a CPU_OFF that was refused below. */
		(void)change_power(cpu, PCPU_ON_PENDING, PCPU_OFF);
	}
	return ret;
}

static int64_t psci_cpu_off(void)
{
	struct pcpu *cpu = this_cpu();
	int64_t ret;

	cpu->counters->world = HYPSEC_INSPECT_WORLD_OFF;
	set_power(cpu, PCPU_OFF);
	ret = relay(PSCI_CPU_OFF, 0, 0, 0);
	/* Only a firmware that refuses comes back. */
	set_power(cpu, PCPU_ON);
	pcpu_enter_host(cpu);
	return ret;
}

static int64_t psci_cpu_suspend(uint64_t power_state, ipa_t entry,
				uint64_t context)
{
	struct pcpu *cpu = this_cpu();

	if ((power_state & POWER_STATE_POWERDOWN) != 0 && !is_host_ram(entry)) {
		return PSCI_INVALID_ADDRESS;
	}
	cpu->entry = entry;
	cpu->context = context;
	return relay(PSCI_CPU_SUSPEND_64, power_state, el2_entry, cpu->index);
}

static int64_t psci_features(uint32_t fn)
{
	switch (fn) {
	case PSCI_VERSION:
	case PSCI_CPU_SUSPEND:
	case PSCI_CPU_SUSPEND_64:
	case PSCI_CPU_OFF:
	case PSCI_CPU_ON:
	case PSCI_CPU_ON_64:
	case PSCI_AFFINITY_INFO:
	case PSCI_AFFINITY_INFO_64:
	case PSCI_MIGRATE_INFO_TYPE:
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET:
	case PSCI_FEATURES:
		return relay(PSCI_FEATURES, fn, 0, 0);
	default:
		return PSCI_NOT_SUPPORTED;
	}
}

int64_t psci_call(uint32_t fn, const uint64_t args[3])
{
	uint64_t mask = is_smc64(fn) ? ~UINT64_C(0) : UINT32_MAX;
	uint64_t a1 = args[0] & mask;
	uint64_t a2 = args[1] & mask;
	uint64_t a3 = args[2] & mask;

	switch (fn) {
	case PSCI_VERSION:
	case PSCI_MIGRATE_INFO_TYPE:
		return relay(fn, 0, 0, 0);
	case PSCI_CPU_SUSPEND:
	case PSCI_CPU_SUSPEND_64:
		return psci_cpu_suspend(a1, a2, a3);
	case PSCI_CPU_OFF:
		return psci_cpu_off();
	case PSCI_CPU_ON:
	case PSCI_CPU_ON_64:
		return psci_cpu_on(a1, a2, a3);
	case PSCI_AFFINITY_INFO:
	case PSCI_AFFINITY_INFO_64:
		return relay(fn, a1, a2, 0);
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET:
		console_printf("host cpu%u: system %s\n", this_cpu()->index,
			       fn == PSCI_SYSTEM_OFF ? "off" : "reset");
		/* What follows may keep RAM: no VM is left in it. */
		mem_handler_scrub_all();
		return relay(fn, 0, 0, 0);
	case PSCI_FEATURES:
		return psci_features((uint32_t)a1);
	default:
		return PSCI_NOT_SUPPORTED;
	}
}

void psci_cpu_entered(struct pcpu *cpu)
{
	/* The trap that turned it off or suspended it never returned. */
	cpu->frame = NULL;
	set_power(cpu, PCPU_ON);
	pcpu_enter_host(cpu);
}
