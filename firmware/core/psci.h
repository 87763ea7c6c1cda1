/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PSCI for the host: checked here, then relayed to the firmware below. Not in
 * the specification (G5). Layer: TrapHandler. Source: Arm DEN0022 1.1.
 */
#ifndef COREVISOR_CORE_PSCI_H
#define COREVISOR_CORE_PSCI_H

#include "core/pcpu.h"
#include "core/psci_numbers.h"
#include "core/types.h"

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
