/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Barriers. Same interface in arch/native. */
#ifndef COREVISOR_ARCH_BARRIER_H
#define COREVISOR_ARCH_BARRIER_H

/* Orders stores (to tables) before what follows, on all CPUs. */
static inline void barrier_dsb_ishst(void)
{
	__asm__ volatile("dsb ishst" ::: "memory");
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

/* Hint inside a spin loop. */
static inline void barrier_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}

#endif /* COREVISOR_ARCH_BARRIER_H */
