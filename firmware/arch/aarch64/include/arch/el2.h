/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What boot code asks of the CPU at EL2. */
#ifndef COREVISOR_ARCH_EL2_H
#define COREVISOR_ARCH_EL2_H

#include "core/pcpu.h"
#include "core/types.h"

/**
 * el2_cpu_attach() - make this CPU's EL2 usable
 * @cpu: what TPIDR_EL2 shall point to
 *
 * Sets TPIDR_EL2 and VBAR_EL2. The first thing a CPU does in C.
 */
void el2_cpu_attach(struct pcpu *cpu);

/**
 * el2_read_features() - read the ID registers
 * @features: where the result goes
 */
void el2_read_features(struct cpu_features *features);

/**
 * el2_host_traps_init() - set every EL2 register that decides what EL1 can do
 * @vttbr: PA of the host's stage-2 root; its VMID is 0
 *
 * What the host's ID registers show works without a trap; SMC, stage-2 faults
 * and physical SErrors come to EL2. No value of the reset state is relied on.
 * Source: Arm ARM D19; design of the host's view in docs/.
 */
void el2_host_traps_init(paddr_t vttbr);

/**
 * el2_enter_host() - leave EL2 for the first time on this CPU
 * @x0:    the host's x0
 * @entry: IPA it starts at, EL1h with interrupts masked and its MMU off
 */
void el2_enter_host(uint64_t x0, ipa_t entry) NORETURN;

/* PA at which the firmware below shall enter a CPU after CPU_ON. */
paddr_t el2_secondary_pa(void);

/* PA of the image's first byte, and its length with zeroed data. */
paddr_t el2_image_pa(void);
uint64_t el2_image_bytes(void);

/* MPIDR_EL1's affinity fields of this CPU. */
uint64_t el2_mpidr(void);

#endif /* COREVISOR_ARCH_EL2_H */
