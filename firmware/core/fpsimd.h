/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FP and SIMD registers of the current world. Layer: AbstractMachine.
 *
 * They stay the host's in the CPU until a VM touches them: its first use traps,
 * and only then are they exchanged. At the VM's exit they are exchanged back,
 * so that no VM's values stay in a CPU. A host's SVE registers, at whatever
 * vector length and in streaming mode as well, are kept whole; VMs have none.
 * ZA and ZT0 stay in the CPU, where a VM cannot reach them.
 */
#ifndef COREVISOR_CORE_FPSIMD_H
#define COREVISOR_CORE_FPSIMD_H

#include "core/pcpu.h"
#include "core/types.h"

/*
 * The CPU has a VM's FP registers: saves them while that is the current world,
 * and gives the host its own once the host is.
 */
void fpsimd_end_of_use(void);

/**
 * fpsimd_save_state() - keep the FP and SIMD registers of the current world
 *
 * Those of a VM go to its context if it has used them. Those of the host stay
 * in the CPU.
 *
 * Spec:  AbstractMachine.fpsimd_save_state_spec
 * Delta: D-025: lazy
 */
static inline void fpsimd_save_state(void)
{
	if (this_cpu()->fp_is_vms) {
		fpsimd_end_of_use();
	}
}

/**
 * fpsimd_restore_state() - give the current world its FP and SIMD registers
 *
 * The host gets its own back if a VM has used them. A VM gets them at its first
 * use, fpsimd_vm_trap().
 *
 * Spec:  AbstractMachine.fpsimd_restore_state_spec
 * Delta: D-025: lazy
 */
static inline void fpsimd_restore_state(void)
{
	if (this_cpu()->fp_is_vms) {
		fpsimd_end_of_use();
	}
}

/**
 * fpsimd_vm_trap() - a VM's first use of FP or SIMD since its entry
 *
 * Keeps the host's registers, loads the VM's and lets it use them.
 *
 * Returns: true, the VM resumes at the same instruction; false if the registers
 *	    are the VM's already, so that the instruction is one it may not use
 */
bool fpsimd_vm_trap(void);

#endif /* COREVISOR_CORE_FPSIMD_H */
