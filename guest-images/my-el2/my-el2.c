/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least EL2 firmware that says hello, tells tools about itself and starts
 * the host at EL1. It protects nothing: no stage 2, nothing trapped.
 *
 * It runs from flash on the first CPU with the MMU off, so it has no variables
 * but those on the stack.
 */
#include "hypsec/boot_block.h"
#include "hypsec/inspect.h"

#define EL2_UART	((volatile uint32_t *)0x09040000)
#define HOST_KERNEL	0x40200000

/* In: x0 the boot block. The stack is at the end of the carve-out. */
__asm__(".section .text.start\n"
	".globl _start\n"
	"_start:	ldp	x1, x2, [x0, #16]\n"
	"	add	sp, x1, x2\n"
	"	b	el2_main\n");

static void print(const char *text)
{
	while (*text != '\0') {
		*EL2_UART = (uint32_t)*text++;
	}
}

/* What observers, top and map ask for: who runs on which CPU. */
static void publish(uint64_t carveout)
{
	struct hypsec_inspect *page = (void *)(carveout + HYPSEC_INSPECT_OFFSET);
	struct hypsec_inspect_cpu *cpu = (void *)(page + 1);

	page->version = HYPSEC_INSPECT_VERSION_2;
	page->size = HYPSEC_INSPECT_VERSION_2_BYTES;
	page->panicked = 0;
	page->nr_cpus = 1;
	page->cpu_base = (uint64_t)cpu;
	page->cpu_stride = sizeof(*cpu);
	cpu->world = HYPSEC_INSPECT_WORLD_HOST;
	cpu->refusals = 0;
	/* Written last: only now is the rest worth reading. */
	*(volatile uint64_t *)&page->magic = HYPSEC_INSPECT_MAGIC;
}

void el2_main(const struct hypsec_boot_block *block)
{
	uint64_t dtb = block->dtb_base;

	print("my EL2: hello\r\n");
	publish(block->carveout_base);
	/* Timers for EL1, no traps, EL1 in AArch64 with its MMU off; ERET. */
	__asm__ volatile(
		"msr	hcr_el2, %0\n"
		"msr	cnthctl_el2, %1\n"
		"msr	cntvoff_el2, xzr\n"
		"msr	cptr_el2, %2\n"
		"msr	vpidr_el2, %3\n"
		"msr	vmpidr_el2, %4\n"
		"msr	sctlr_el1, %5\n"
		"msr	spsr_el2, %6\n"
		"msr	elr_el2, %7\n"
		"mov	x0, %8\n"
		"mov	x1, xzr\n"
		"mov	x2, xzr\n"
		"mov	x3, xzr\n"
		"eret\n"
		: : "r"(0x80000000UL), "r"(3UL), "r"(0x33ffUL),
		    "r"(({ uint64_t v; __asm__("mrs %0, midr_el1" : "=r"(v)); v; })),
		    "r"(({ uint64_t v; __asm__("mrs %0, mpidr_el1" : "=r"(v)); v; })),
		    "r"(0x30d00800UL), "r"(0x3c5UL), "r"((uint64_t)HOST_KERNEL),
		    "r"(dtb) : "x0", "x1", "x2", "x3", "memory");
	__builtin_unreachable();
}
