/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine of the host build: memory, event record, console, CPU. A use
 * that the real machine would not survive ends the program at once.
 */
#include "arch/native.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "arch/cpu.h"
#include "arch/mem.h"
#include "arch/report.h"
#include "arch/world.h"
#include "core/console.h"
#include "core/pcpu.h"
#include "core/platform.h"
#include "core/spec_constants.h"

#define CONSOLE_BYTES 65536
#define CACHE_LINE_BYTES 64

_Thread_local struct native_cpu native_cpu;

#define MAX_RANGES 8

/* One range of physical memory. */
static struct {
	uint8_t *host;
	paddr_t base;
	uint64_t bytes;
} ranges[MAX_RANGES];
static unsigned int nr_ranges;

static pthread_mutex_t events_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct native_event *events;
static size_t nr_events;
static size_t max_events;
static void (*watcher)(const struct native_event *event);

static char console[CONSOLE_BYTES];
static size_t console_length;
static unsigned int panics;

static const struct dma_device *dma_devices;
static uint32_t nr_dma_devices;
static const struct native_bus *native_bus;

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

void native_memory_add(paddr_t base, uint64_t bytes)
{
	void *host;

	if (nr_ranges == MAX_RANGES || (base | bytes) % PAGE_SIZE != 0) {
		die("memory of 0x%lx bytes at 0x%lx", bytes, base);
	}
	for (unsigned int i = 0; i < nr_ranges; i++) {
		if (base < ranges[i].base + ranges[i].bytes &&
		    ranges[i].base < base + bytes) {
			die("memory twice at 0x%lx", base);
		}
	}
	host = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (host == MAP_FAILED) {
		die("no memory");
	}
	ranges[nr_ranges].host = host;
	ranges[nr_ranges].base = base;
	ranges[nr_ranges].bytes = bytes;
	nr_ranges++;
}

void native_memory_init(paddr_t base, uint64_t bytes)
{
	native_memory_free();
	native_memory_add(base, bytes);
}

void native_memory_free(void)
{
	while (nr_ranges > 0) {
		nr_ranges--;
		munmap(ranges[nr_ranges].host, ranges[nr_ranges].bytes);
	}
	free(events);
	events = NULL;
	nr_events = 0;
	max_events = 0;
	watcher = NULL;
}

/* Where [@pa, @pa + @bytes) is, NULL if not all of it is in one range. */
static uint8_t *find_memory(paddr_t pa, uint64_t bytes)
{
	for (unsigned int i = 0; i < nr_ranges; i++) {
		uint64_t offset = pa - ranges[i].base;

		if (pa >= ranges[i].base && offset < ranges[i].bytes &&
		    bytes <= ranges[i].bytes - offset) {
			return ranges[i].host + offset;
		}
	}
	return NULL;
}

bool native_memory_has(paddr_t pa)
{
	return find_memory(pa, 1) != NULL;
}

static void append(const struct native_event *event)
{
	if (nr_events == max_events) {
		max_events = max_events * 2 + 64;
		events = checked(realloc(events, max_events * sizeof(*events)));
	}
	events[nr_events++] = *event;
}

void native_record(enum native_op op, uint64_t a, uint64_t b)
{
	const struct pcpu *cpu = native_cpu.pcpu;
	struct native_event event = {
		.op = op,
		.cpu = cpu == NULL ? 0 : cpu->index,
		.a = a,
		.b = b,
	};

	pthread_mutex_lock(&events_mutex);
	if (op != NATIVE_LOCK && op != NATIVE_UNLOCK) {
		append(&event);
	}
	if (watcher != NULL) {
		watcher(&event);
	}
	pthread_mutex_unlock(&events_mutex);
}

void native_watch(void (*fn)(const struct native_event *event))
{
	watcher = fn;
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
	uint8_t *host = find_memory(pa, 1);

	if (host == NULL) {
		die("EL2 access to 0x%lx, which is not memory", pa);
	}
	return (el2_va_t){ (uintptr_t)host };
}

static paddr_t el2_va_to_pa(el2_va_t va)
{
	for (unsigned int i = 0; i < nr_ranges; i++) {
		uint64_t offset = va.addr - (uintptr_t)ranges[i].host;

		if (va.addr >= (uintptr_t)ranges[i].host &&
		    offset < ranges[i].bytes) {
			return ranges[i].base + offset;
		}
	}
	die("no EL2 address: 0x%lx", va.addr);
}

void table_store(el2_va_t entry, uint64_t desc)
{
	__atomic_store_n((uint64_t *)entry.addr, desc, __ATOMIC_RELAXED);
	native_record(NATIVE_TABLE_STORE, el2_va_to_pa(entry), desc);
}

void mem_zero(el2_va_t va, uint64_t bytes)
{
	paddr_t pa;

	if ((va.addr | bytes) % CACHE_LINE_BYTES != 0) {
		die("mem_zero of parts of a cache line");
	}
	pa = el2_va_to_pa(va);
	if (find_memory(pa, bytes) == NULL) {
		die("mem_zero beyond the memory at 0x%lx", pa);
	}
	memset(el2_ptr(va), 0, bytes);
	native_record(NATIVE_ZERO, pa, bytes);
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

void native_set_dma_devices(const struct dma_device *devices, uint32_t n)
{
	dma_devices = devices;
	nr_dma_devices = n;
}

uint32_t platform_dma_devices(const struct dma_device **devices)
{
	*devices = dma_devices;
	return nr_dma_devices;
}

const struct native_bus *native_set_bus(const struct native_bus *bus)
{
	const struct native_bus *before = native_bus;

	native_bus = bus;
	return before;
}

uint64_t native_bus_read(paddr_t pa, unsigned int bytes)
{
	if (native_bus == NULL) {
		die("EL2 reads device 0x%lx", pa);
	}
	return native_bus->read(pa, bytes);
}

void native_bus_write(paddr_t pa, unsigned int bytes, uint64_t value)
{
	if (native_bus == NULL) {
		die("EL2 writes device 0x%lx", pa);
	}
	native_bus->write(pa, bytes, value);
}

unsigned int native_panics(void)
{
	return panics;
}

void native_sysreg_write(uint64_t *reg, const char *name, uint64_t value)
{
	*reg = value;
	if (native_cpu.sysreg_hook != NULL) {
		native_cpu.sysreg_hook(name, value);
	}
}

void native_set_vm(uint64_t (*run)(struct shadow_ctxt *ctxt))
{
	native_cpu.vm = run;
}

uint64_t core_to_vm(struct shadow_ctxt *ctxt)
{
	if (native_cpu.vm == NULL) {
		die("a VM runs");
	}
	if (native_cpu.vbar_el2 != vectors_vm()) {
		die("a VM runs with the host's vectors");
	}
	native_cpu.elr_el2 = ctxt->regs[PC];
	native_cpu.spsr_el2 = ctxt->regs[PSTATE];
	return native_cpu.vm(ctxt);
}

void fp_state_save(struct fp_state *state)
{
	*state = native_cpu.fp;
}

/* As hardware: a write of a Q register zeroes the rest of its Z register. */
void fp_state_restore(const struct fp_state *state)
{
	native_cpu.fp = *state;
	memset(native_cpu.z, 0, sizeof(native_cpu.z));
}

void vector_state_save(struct vector_state *state, bool ffr)
{
	memcpy(state->q, native_cpu.fp.q, sizeof(state->q));
	memcpy(state->z, native_cpu.z, sizeof(state->z));
	memcpy(state->p, native_cpu.p, sizeof(state->p));
	if (ffr) {
		state->ffr = native_cpu.ffr;
	}
}

void vector_state_restore(const struct vector_state *state, bool ffr)
{
	memcpy(native_cpu.fp.q, state->q, sizeof(state->q));
	memcpy(native_cpu.z, state->z, sizeof(state->z));
	memcpy(native_cpu.p, state->p, sizeof(state->p));
	if (ffr) {
		native_cpu.ffr = state->ffr;
	}
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
