/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Barriers of the host build: recorded, see native.h. */
#ifndef COREVISOR_ARCH_BARRIER_H
#define COREVISOR_ARCH_BARRIER_H

#include <sched.h>

#include "arch/cpu.h"
#include "arch/native.h"

static inline void barrier_dsb_ishst(void)
{
	native_record(NATIVE_DSB_ISHST, 0, 0);
}

static inline void barrier_dsb_nsh(void)
{
	native_record(NATIVE_DSB_NSH, 0, 0);
}

static inline void barrier_dsb_ish(void)
{
	native_record(NATIVE_DSB_ISH, 0, 0);
}

static inline void barrier_dsb_sy(void)
{
	native_record(NATIVE_DSB_SY, 0, 0);
}

static inline void barrier_isb(void)
{
	native_record(NATIVE_ISB, 0, 0);
}

static inline void lock_taken(unsigned int rank, uint32_t id)
{
	native_record(NATIVE_LOCK, rank, id);
}

static inline void lock_given(unsigned int rank, uint32_t id)
{
	native_record(NATIVE_UNLOCK, rank, id);
}

/* Tells that this CPU waits, and lets the thread that holds the lock run. */
static inline void barrier_relax(void)
{
	__atomic_store_n(&native_cpu.waits, true, __ATOMIC_RELEASE);
	sched_yield();
}

#endif /* COREVISOR_ARCH_BARRIER_H */
