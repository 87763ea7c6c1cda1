/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine of the host build: memory, event record, console, CPU. A use
 * that the real machine would not survive ends the program at once.
 */
#include "arch/native.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/cpu.h"
#include "arch/mem.h"
#include "arch/report.h"
#include "core/console.h"
#include "core/platform.h"
#include "core/spec_constants.h"

#define CONSOLE_BYTES 65536
#define CACHE_LINE_BYTES 64

_Thread_local struct native_cpu native_cpu;

static uint8_t *memory;
static paddr_t memory_base;
static uint64_t memory_bytes;

static struct native_event *events;
static size_t nr_events;
static size_t max_events;

static char console[CONSOLE_BYTES];
static size_t console_length;
static unsigned int panics;

static void NORETURN PRINTF_LIKE(1, 2) die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "native machine: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\nEL2 console:\n%s\n", console);
	va_end(ap);
	abort();
}

static void *checked(void *p)
{
	if (p == NULL) {
		die("no memory");
	}
	return p;
}

void native_memory_init(paddr_t base, uint64_t bytes)
{
	native_memory_free();
	memory = checked(aligned_alloc(PAGE_SIZE, bytes));
	memset(memory, 0, bytes);
	memory_base = base;
	memory_bytes = bytes;
}

void native_memory_free(void)
{
	free(memory);
	free(events);
	memory = NULL;
	memory_bytes = 0;
	events = NULL;
	nr_events = 0;
	max_events = 0;
}

void native_record(enum native_op op, uint64_t a, uint64_t b)
{
	if (nr_events == max_events) {
		max_events = max_events * 2 + 64;
		events = checked(realloc(events, max_events * sizeof(*events)));
	}
	events[nr_events++] = (struct native_event){ op, a, b };
}

const struct native_event *native_events(size_t *count)
{
	*count = nr_events;
	return events;
}

void native_events_reset(void)
{
	nr_events = 0;
}

el2_va_t pa_to_el2_va(paddr_t pa)
{
	if (pa < memory_base || pa - memory_base >= memory_bytes) {
		die("EL2 access to 0x%lx, outside of its memory", pa);
	}
	return (el2_va_t){ (uintptr_t)(memory + (pa - memory_base)) };
}

static paddr_t el2_va_to_pa(el2_va_t va)
{
	return va.addr - (uintptr_t)memory + memory_base;
}

void table_store(el2_va_t entry, uint64_t desc)
{
	*(volatile uint64_t *)entry.addr = desc;
	native_record(NATIVE_TABLE_STORE, el2_va_to_pa(entry), desc);
}

void mem_zero(el2_va_t va, uint64_t bytes)
{
	if ((va.addr | bytes) % CACHE_LINE_BYTES != 0) {
		die("mem_zero of parts of a cache line");
	}
	memset(el2_ptr(va), 0, bytes);
	native_record(NATIVE_ZERO, el2_va_to_pa(va), bytes);
}

void mem_clean_poc(el2_va_t va, uint64_t bytes)
{
	native_record(NATIVE_CLEAN, el2_va_to_pa(va), bytes);
}

void console_putc(char c)
{
	if (console_length + 1 == CONSOLE_BYTES) {
		die("the console is full");
	}
	console[console_length++] = c;
	console[console_length] = '\0';
}

const char *native_console(void)
{
	return console;
}

void native_console_reset(void)
{
	console_length = 0;
	console[0] = '\0';
}

void report_cpu_state(void)
{
	console_printf_unlocked("(registers)\n");
}

void platform_report_panic(void)
{
	panics++;
}

unsigned int native_panics(void)
{
	return panics;
}

void cpu_pend_vserror(uint64_t iss)
{
	native_cpu.vserror = true;
	native_cpu.vserror_iss = iss;
}

uint64_t cpu_smc(uint64_t fn, uint64_t a1, uint64_t a2, uint64_t a3)
{
	const uint64_t args[] = { fn, a1, a2, a3 };

	memcpy(native_cpu.smc_args, args, sizeof(args));
	native_cpu.smc_count++;
	if (native_cpu.smc_hook != NULL) {
		native_cpu.smc_hook();
	}
	return native_cpu.smc_result;
}

void cpu_park(void)
{
	if (!native_cpu.can_park) {
		die("the CPU parks");
	}
	longjmp(native_cpu.park, 1);
}

bool native_parks(void (*fn)(void *data), void *data)
{
	/* Volatile: read after the jump. */
	volatile bool parked = true;

	native_cpu.can_park = true;
	if (setjmp(native_cpu.park) == 0) {
		fn(data);
		parked = false;
	}
	native_cpu.can_park = false;
	return parked;
}
