/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PSCI for the host: checked here, then relayed to the firmware below. Not in
 * the specification (G5). Layer: TrapHandler. Source: Arm DEN0022 1.1.
 */
#ifndef COREVISOR_CORE_PSCI_H
#define COREVISOR_CORE_PSCI_H

#include "core/pcpu.h"
#include "core/types.h"

#define PSCI_VERSION			UINT32_C(0x84000000)
#define PSCI_CPU_SUSPEND		UINT32_C(0x84000001)
#define PSCI_CPU_OFF			UINT32_C(0x84000002)
#define PSCI_CPU_ON			UINT32_C(0x84000003)
#define PSCI_AFFINITY_INFO		UINT32_C(0x84000004)
#define PSCI_MIGRATE_INFO_TYPE		UINT32_C(0x84000006)
#define PSCI_SYSTEM_OFF			UINT32_C(0x84000008)
#define PSCI_SYSTEM_RESET		UINT32_C(0x84000009)
#define PSCI_FEATURES			UINT32_C(0x8400000a)
#define PSCI_CPU_SUSPEND_64		UINT32_C(0xc4000001)
#define PSCI_CPU_ON_64			UINT32_C(0xc4000003)
#define PSCI_AFFINITY_INFO_64		UINT32_C(0xc4000004)

#define PSCI_SUCCESS			INT64_C(0)
#define PSCI_NOT_SUPPORTED		INT64_C(-1)
#define PSCI_INVALID_PARAMETERS		INT64_C(-2)
#define PSCI_DENIED			INT64_C(-3)
#define PSCI_ALREADY_ON			INT64_C(-4)
#define PSCI_ON_PENDING			INT64_C(-5)
#define PSCI_INTERNAL_FAILURE		INT64_C(-6)
#define PSCI_INVALID_ADDRESS		INT64_C(-9)

/**
 * psci_init() - where the firmware below enters EL2
 * @entry: PA of the code that takes a CPU into EL2, with the CPU's number in
 *	   x0, MMU off
 */
void psci_init(paddr_t entry);

/**
 * psci_call() - handle one SMC of the host
 * @fn: low 32 bits of x0
 * @args: x1..x3
 *
 * CPU_ON and CPU_SUSPEND never reach the firmware below with an address of the
 * host's: the CPU enters EL2, and from there the host at EL1.
 *
 * Returns: x0 for the host; does not return where the CPU goes off
 * Locks:   none held or taken
 * Refuses: unknown functions with NOT_SUPPORTED, unknown CPUs and entry
 *	    points outside the host's RAM - host can reach this
 */
int64_t psci_call(uint32_t fn, const uint64_t args[3]);

/**
 * psci_cpu_entered() - a CPU has arrived at EL2
 * @cpu: this CPU; what it enters EL1 with is in its entry and context
 */
void psci_cpu_entered(struct pcpu *cpu);

#endif /* COREVISOR_CORE_PSCI_H */
