/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Barriers. Same interface in arch/native. */
#ifndef COREVISOR_ARCH_BARRIER_H
#define COREVISOR_ARCH_BARRIER_H

#include "core/types.h"

/* Orders stores (to tables) before what follows, on all CPUs. */
static inline void barrier_dsb_ishst(void)
{
	__asm__ volatile("dsb ishst" ::: "memory");
}

/* Completes accesses and maintenance that concern this CPU alone. */
static inline void barrier_dsb_nsh(void)
{
	__asm__ volatile("dsb nsh" ::: "memory");
}

/* Completes accesses and maintenance of the inner shareable domain. */
static inline void barrier_dsb_ish(void)
{
	__asm__ volatile("dsb ish" ::: "memory");
}

/* Completes all memory accesses and maintenance, on all CPUs. */
static inline void barrier_dsb_sy(void)
{
	__asm__ volatile("dsb sy" ::: "memory");
}

/* Makes earlier changes of context visible to the following instructions. */
static inline void barrier_isb(void)
{
	__asm__ volatile("isb" ::: "memory");
}

/* The host build records which locks are taken and given back. */
static inline void lock_taken(unsigned int rank, uint32_t id)
{
	(void)rank;
	(void)id;
}

static inline void lock_given(unsigned int rank, uint32_t id)
{
	(void)rank;
	(void)id;
}

/* Hint inside a spin loop. */
static inline void barrier_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}

#endif /* COREVISOR_ARCH_BARRIER_H */
