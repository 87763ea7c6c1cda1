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

/* Whether some CPU has panicked. */
bool panic_is_halted(void);

uint32_t check(uint32_t n);
uint64_t check64(uint64_t n);

/* Checks an invariant of EL2's own; stays on in release builds. */
#define ASSERT(cond)						\
	do {							\
		if (!(cond)) {					\
			panic("%s: assertion failed: %s",	\
			      __func__, #cond);			\
		}						\
	} while (0)

#endif /* COREVISOR_CORE_PANIC_H */
