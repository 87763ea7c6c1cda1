/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What only the architecture can do to switch worlds. Same interface in
 * arch/aarch64.
 */
#ifndef COREVISOR_ARCH_WORLD_H
#define COREVISOR_ARCH_WORLD_H

#include "arch/cpu.h"
#include "core/shadow_ctxt.h"
#include "core/types.h"

/* Any two different addresses. */
static inline uint64_t vectors_host(void)
{
	return 0x1000;
}

static inline uint64_t vectors_vm(void)
{
	return 0x2000;
}

/* What native_set_vm() has installed runs in place of the VM. */
uint64_t core_to_vm(struct shadow_ctxt *ctxt);

void fp_state_save(struct fp_state *state);
void fp_state_restore(const struct fp_state *state);

struct vector_state {
	uint64_t q[32][2];
	uint64_t z[32];
	uint64_t p[16];
	uint64_t ffr;
};

void vector_state_save(struct vector_state *state, bool ffr);
void vector_state_restore(const struct vector_state *state, bool ffr);

static inline void profiling_drain(void)
{
}

static inline void trace_drain(void)
{
}

#endif /* COREVISOR_ARCH_WORLD_H */
