/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stopping for good. Layer: AbstractMachine. Locks: none, on purpose.
 */
#include "core/panic.h"

#include "arch/cpu.h"
#include "arch/report.h"
#include "core/console.h"
#include "core/platform.h"

static uint32_t halted;

bool panic_is_halted(void)
{
	return __atomic_load_n(&halted, __ATOMIC_ACQUIRE) != 0;
}

void panic(const char *fmt, ...)
{
	__builtin_va_list ap;

	if (__atomic_exchange_n(&halted, 1, __ATOMIC_ACQ_REL) != 0) {
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
