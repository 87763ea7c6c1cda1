/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A panic's report. Locks: none, the machine is about to stop.
 */
#include "arch/report.h"

#include "arch/layout.h"
#include "arch/sysreg.h"
#include "core/console.h"
#include "core/panic.h"
#include "core/pcpu.h"
#include "core/trap_frame.h"

#define BACKTRACE_MAX 32

extern char __stacks_start[], __stacks_end[];

void report_fatal_exception(uint64_t kind) NORETURN;

/* An exception inside EL2 has filled panic_regs; no stack is at 0. */
static bool fatal_exception(const struct pcpu *cpu)
{
	return cpu->panic_sp != 0;
}

/* One link of the frame chain (AAPCS64). */
struct frame_record {
	uint64_t next;
	uint64_t lr;
};

static bool on_el2_stack(uint64_t address)
{
	uint64_t offset = address - (uint64_t)__stacks_start;

	return address % sizeof(uint64_t) == 0 &&
	       address >= (uint64_t)__stacks_start &&
	       address < (uint64_t)__stacks_end &&
	       offset % STACK_STRIDE >= STACK_GUARD_BYTES &&
	       offset % STACK_STRIDE <=
		       STACK_STRIDE - sizeof(struct frame_record);
}

static void print_backtrace(uint64_t fp)
{
	for (int i = 0; i < BACKTRACE_MAX && on_el2_stack(fp); i++) {
		const struct frame_record *record =
			(const struct frame_record *)fp;

		console_printf_unlocked("  0x%lx\n", record->lr);
		if (record->next <= fp) {
			break;
		}
		fp = record->next;
	}
}

static void print_registers(const uint64_t regs[31])
{
	for (unsigned int i = 0; i < 31; i++) {
		console_printf_unlocked("%s%s%u 0x%016lx%s",
					i % 4 == 0 ? "  " : " ",
					i < 10 ? " x" : "x", i, regs[i],
					i % 4 == 3 || i == 30 ? "\n" : "");
	}
}

static const uint64_t *interesting_registers(const struct pcpu *cpu)
{
	if (fatal_exception(cpu)) {
		console_printf_unlocked("EL2 registers at the exception:\n");
		return cpu->panic_regs;
	}
	if (cpu->frame != NULL) {
		console_printf_unlocked("registers at entry to EL2:\n");
		return cpu->frame->regs;
	}
	return NULL;
}

void report_cpu_state(void)
{
	const struct pcpu *cpu = this_cpu();
	const uint64_t *regs;

	console_printf_unlocked("cpu%u ESR 0x%lx ELR 0x%lx SPSR 0x%lx "
				"FAR 0x%lx HPFAR 0x%lx\n",
				cpu->index, sysreg_read(esr_el2),
				sysreg_read(elr_el2), sysreg_read(spsr_el2),
				sysreg_read(far_el2), sysreg_read(hpfar_el2));
	regs = interesting_registers(cpu);
	if (regs != NULL) {
		print_registers(regs);
	}
	console_printf_unlocked("backtrace (addr2line -e corevisor.elf):\n");
	if (fatal_exception(cpu)) {
		console_printf_unlocked("  0x%lx\n  0x%lx\n",
					sysreg_read(elr_el2), regs[30]);
		print_backtrace(regs[29]);
	} else {
		print_backtrace((uint64_t)__builtin_frame_address(0));
	}
}

void report_fatal_exception(uint64_t kind)
{
	static const char *const kinds[] = {
		"synchronous exception at EL2",
		"interrupt at EL2",
		"fast interrupt at EL2",
		"SError at EL2",
		"host interrupt routed to EL2",
		"host fast interrupt routed to EL2",
		"exception from AArch32 EL1",
	};

	panic("%s", kind < ARRAY_SIZE(kinds) ? kinds[kind] : "exception");
}
