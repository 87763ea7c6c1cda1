/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end: EL2 found itself broken, or a violation with on-violation=halt.
 * Layer: AbstractMachine.
 */
#ifndef COREVISOR_CORE_PANIC_H
#define COREVISOR_CORE_PANIC_H

#include "core/types.h"

/**
 * panic() - report and stop the whole machine; never returns
 * @fmt: reason, formats as console_printf()
 *
 * Sets the machine-wide halt flag that every EL2 entry reads first, prints
 * the report on the EL2 console without taking a lock that somebody may hold,
 * raises pvpanic and parks this CPU. Another CPU that panics after that only
 * parks; this one, if its report breaks, raises pvpanic and parks.
 */
void panic(const char *fmt, ...) NORETURN PRINTF_LIKE(1, 2);

/* 0, or the number of the CPU that panicked first, plus 1. */
extern uint32_t panic_halted;

/* Whether some CPU has panicked. */
static inline bool panic_is_halted(void)
{
	return __atomic_load_n(&panic_halted, __ATOMIC_ACQUIRE) != 0;
}

/**
 * check() - the result of a step, unless the machine has stopped
 * @n: the result
 *
 * Spec:    AbstractMachine.check_spec
 * Returns: @n; 0 once some CPU has panicked
 */
static inline uint32_t check(uint32_t n)
{
	return panic_is_halted() ? 0 : n;
}

/**
 * check64() - the 64-bit result of a step, unless the machine has stopped
 * @n: the result
 *
 * Spec:    AbstractMachine.check64_spec
 * Returns: @n; 0 once some CPU has panicked
 */
static inline uint64_t check64(uint64_t n)
{
	return panic_is_halted() ? 0 : n;
}

/* Checks an invariant of EL2's own; stays on in release builds. */
#define ASSERT(cond)						\
	do {							\
		if (!(cond)) {					\
			panic("%s: assertion failed: %s",	\
			      __func__, #cond);			\
		}						\
	} while (0)

#endif /* COREVISOR_CORE_PANIC_H */
