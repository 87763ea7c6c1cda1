/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stopping for good. Layer: AbstractMachine. Locks: none, on purpose.
 */
#include "core/panic.h"

#include "arch/cpu.h"
#include "arch/report.h"
#include "core/console.h"
#include "core/pcpu.h"
#include "core/platform.h"

uint32_t panic_halted;

/**
 * panic() - report and stop the whole machine, see panic.h
 * @fmt: reason
 *
 * Spec: AbstractMachine.panic_spec
 */
void panic(const char *fmt, ...)
{
	uint32_t self = this_cpu()->index + 1;
	uint32_t first = 0;
	__builtin_va_list ap;

	if (!__atomic_compare_exchange_n(&panic_halted, &first, self, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		if (first == self) {
			/* The report itself broke: at least tell the board. */
			platform_report_panic();
		}
		cpu_park();
	}
	console_printf_unlocked("\nEL2 panic: ");
	__builtin_va_start(ap, fmt);
	console_vprintf_unlocked(fmt, ap);
	__builtin_va_end(ap);
	console_printf_unlocked("\n");
	report_cpu_state();
	platform_report_panic();
	cpu_park();
}
