/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What only the architecture can do to switch worlds. Same interface in
 * arch/native.
 */
#ifndef COREVISOR_ARCH_WORLD_H
#define COREVISOR_ARCH_WORLD_H

#include "core/shadow_ctxt.h"
#include "core/types.h"

/* VBAR_EL2 while the host or a VM runs. */
extern char host_vectors[], vm_vectors[];

static inline uint64_t vectors_host(void)
{
	return (uint64_t)host_vectors;
}

static inline uint64_t vectors_vm(void)
{
	return (uint64_t)vm_vectors;
}

/**
 * core_to_vm() - run the VM whose registers this CPU holds
 * @ctxt: its context: x0 to x30, PC and PSTATE go to the VM, and x0 to x30 come
 *	  back when it stops
 *
 * All else that the VM has is in the CPU already and stays there at return.
 * VBAR_EL2 is vectors_vm().
 *
 * Source:  core_to_vm and vm_to_core of AbstractMachine
 * Returns: HYPSEC_EXIT_*, why it stopped
 */
uint64_t core_to_vm(struct shadow_ctxt *ctxt);

/**
 * fp_state_save() - read q0 to q31, FPSR and FPCR
 * @state: where they go
 *
 * CPTR_EL2.TFP is 0, here and below.
 */
void fp_state_save(struct fp_state *state);

/* Writes what fp_state_save() has read; Z registers are zero above. */
void fp_state_restore(const struct fp_state *state);

/* 32 Z registers of 256 bytes, 16 P registers and FFR of 32. */
#define VECTOR_STATE_BYTES	(32 * 256 + 17 * 32)

/**
 * struct vector_state - the SVE registers, at the longest vector length
 * @bytes: by vector_state_save() only
 */
struct vector_state {
	_Alignas(16) uint8_t bytes[VECTOR_STATE_BYTES];
};

/**
 * vector_state_save() - read Z0 to Z31, P0 to P15 and FFR
 * @state: where they go
 * @ffr:   whether FFR can be read: not in streaming mode without FA64
 *
 * For CPUs with SVE, CPTR_EL2.TZ is 0. FPSR and FPCR are not in it.
 */
void vector_state_save(struct vector_state *state, bool ffr);

/* Writes what vector_state_save() has read with the same @ffr. */
void vector_state_restore(const struct vector_state *state, bool ffr);

/* Waits until what statistical profiling has sampled is in memory. */
static inline void profiling_drain(void)
{
	/* PSB CSYNC */
	__asm__ volatile("hint #17\n\tdsb nsh" ::: "memory");
}

/* The same for trace. */
static inline void trace_drain(void)
{
	/* TSB CSYNC */
	__asm__ volatile("hint #18\n\tdsb nsh" ::: "memory");
}

#endif /* COREVISOR_ARCH_WORLD_H */
