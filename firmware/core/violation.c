/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one policy for what a host or VM may not do. Layer: AbstractMachine.
 * Locks: console.
 */
#include "core/violation.h"

#include "core/console.h"
#include "core/locks.h"
#include "core/panic.h"
#include "core/pcpu.h"
#include "core/trap_frame.h"

static bool halt_on_violation;

void violation_set_halt(bool halt)
{
	halt_on_violation = halt;
}

void violation(const char *what, uint64_t addr)
{
	const struct pcpu *cpu = this_cpu();
	const struct trap_frame *frame = cpu->frame;

	ASSERT(lock_none_is_held() && frame != NULL);
	cpu->counters->refusals++;
	if (halt_on_violation) {
		panic("violation by the host: %s 0x%lx", what, addr);
	}
	console_printf("refused: host cpu%u: %s 0x%lx (pc 0x%lx esr 0x%lx)\n",
		       cpu->index, what, addr, frame->elr, frame->esr);
}
