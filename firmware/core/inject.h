/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions that EL2 makes the host take at EL1. Not in the specification,
 * which panics instead (delta D-001). Layer: FaultHandler.
 */
#ifndef COREVISOR_CORE_INJECT_H
#define COREVISOR_CORE_INJECT_H

#include "core/pcpu.h"
#include "core/trap_frame.h"
#include "core/types.h"

/**
 * inject_entry_pstate() - PSTATE after an exception entry to EL1
 * @spsr:     PSTATE before
 * @sctlr:    SCTLR_EL1
 * @features: of this CPU
 *
 * Source:  Arm ARM D1.3.3, exception entry
 * Returns: EL1h with DAIF masked; NZCV and DIT kept; PAN, SSBS, TCO, ALLINT
 *	    by the rules; BTYPE, IL, SS, UAO zero
 */
uint64_t inject_entry_pstate(uint64_t spsr, uint64_t sctlr,
			     const struct cpu_features *features);

/**
 * inject_vector() - where EL1 takes a synchronous exception
 * @vbar: VBAR_EL1
 * @spsr: PSTATE before
 *
 * Returns: VA of the vector
 */
uint64_t inject_vector(uint64_t vbar, uint64_t spsr);

/**
 * inject_external_abort() - make the faulting access end in an external abort
 * @frame: an instruction or data abort from a lower level
 *
 * EL1 sees a synchronous external abort with the address that faulted.
 */
void inject_external_abort(struct trap_frame *frame);

/**
 * inject_undefined() - make the trapped instruction undefined
 * @frame: the trap; its ELR is the instruction
 */
void inject_undefined(struct trap_frame *frame);

#endif /* COREVISOR_CORE_INJECT_H */
