/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hostvisor's beginning and end.
 */
#include <string.h>

#include "alloc.h"
#include "dt.h"
#include "gic.h"
#include "mmu.h"
#include "pl011.h"
#include "psci.h"
#include "vm.h"

#define DEFAULT_SLICE_US	1000u
#define DEFAULT_GRACE_SECONDS	60u
/* Bounds a hang: time goes on while QEMU is kept from working. */
#define ONLINE_US		60000000u
#define ESR_EC(esr)		((esr) >> 26 & 0x3f)
#define EC_DABT_CURRENT		0x25
#define VECTOR_SYNC		4u

/* What boot.S saves: x0 to x30, PC, PSTATE. */
struct frame {
	uint64_t x[31];
	uint64_t pc;
	uint64_t pstate;
};

struct cpu cpus[MAX_CPUS];
unsigned int nr_cpus;
struct options options;
static uint64_t frequency;

extern char try_start[], try_end[], try_failed[], secondary_entry[];

void host_main(const void *fdt);
void secondary_main(void);
void exception_handler(unsigned int vector, struct frame *frame);

uint64_t us_to_ticks(uint64_t us)
{
	return us / 1000000 * frequency + us % 1000000 * frequency / 1000000;
}

uint64_t ticks_to_us(uint64_t ticks)
{
	return ticks / frequency * 1000000 +
	       ticks % frequency * 1000000 / frequency;
}

/**
 * host_exit() - say how it went and power the board off
 */
void host_exit(unsigned int status)
{
	static bool done;
	char line[64];

	if (!__atomic_exchange_n(&done, true, __ATOMIC_ACQ_REL)) {
		print_line("HYPSEC-HOST: ", line,
			   format_text(line, sizeof(line),
				       "all VMs done, status %u", status));
		smc_call(PSCI_SYSTEM_OFF, 0, 0, 0);
	}
	for (;;) {
		wfi();
	}
}

/**
 * exception_handler() - an exception at EL1: of an access that may be refused,
 * or the end
 */
void exception_handler(unsigned int vector, struct frame *frame)
{
	uint64_t esr = sysreg_read(esr_el1);

	if (vector == VECTOR_SYNC && ESR_EC(esr) == EC_DABT_CURRENT &&
	    frame->pc >= (uintptr_t)try_start &&
	    frame->pc < (uintptr_t)try_end) {
		frame->pc = (uintptr_t)try_failed;
		return;
	}
	fatal("exception %u: esr 0x%lx, pc 0x%lx, far 0x%lx, lr 0x%lx", vector,
	      esr, frame->pc, sysreg_read(far_el1), frame->x[30]);
}

static uint64_t number_option(const char *name, uint64_t otherwise)
{
	size_t length;
	const char *text = text_option(board.bootargs, name, &length);
	uint64_t value;

	if (text == NULL) {
		return otherwise;
	}
	if (!text_number(text, length, &value)) {
		fatal("%s: not a number", name);
	}
	return value;
}

static void read_options(void)
{
	size_t length;
	const char *text = text_option(board.bootargs, "hypsec.only=",
				       &length);

	options.attack = number_option("hypsec.attack=", 0) != 0;
	options.verbose = number_option("hypsec.verbose=", 0) != 0;
	options.rings = number_option("hypsec.rings=", 1) != 0;
	options.slice_us = number_option("hypsec.slice=", DEFAULT_SLICE_US);
	options.cpus = number_option("hypsec.cpus=", MAX_CPUS);
	options.seconds = number_option("hypsec.seconds=", 0);
	options.grace = number_option("hypsec.grace=", DEFAULT_GRACE_SECONDS);
	if (text != NULL && length < sizeof(options.only)) {
		memcpy(options.only, text, length);
	}
	if (options.slice_us == 0 || options.cpus == 0) {
		fatal("hypsec.slice and hypsec.cpus are not 0");
	}
	options.raw = number_option("hypsec.raw=", 0) != 0;
}

static void check_abi(void)
{
	int64_t version = hvc_call(HYPSEC_HVC_GET_INFO,
				   HYPSEC_INFO_ABI_VERSION, 0, 0, 0);

	if (version != HYPSEC_ABI_VERSION) {
		fatal("EL2 speaks version %ld of the ABI, this host %u",
		      version, HYPSEC_ABI_VERSION);
	}
	if (board.shared.size == 0) {
		board.shared.base = (uint64_t)hvc_call(
			HYPSEC_HVC_GET_INFO, HYPSEC_INFO_SHARED_BASE, 0, 0, 0);
		board.shared.size = (uint64_t)hvc_call(
			HYPSEC_HVC_GET_INFO, HYPSEC_INFO_SHARED_SIZE, 0, 0, 0);
	}
	if (board.shared.size < HYPSEC_SHARED_SIZE) {
		fatal("the window shared with EL2 has only 0x%lx bytes",
		      board.shared.size);
	}
}

static void init_cpu(void)
{
	gic_init_cpu();
	vgic_init_cpu();
	sysreg_write(cntp_ctl_el0, 0);
	attack_prepare_cpu();
	__atomic_store_n(&this_cpu()->online, true, __ATOMIC_RELEASE);
}

/* One of the others, once boot.S has its MMU on. */
void secondary_main(void)
{
	init_cpu();
	sched_loop();
}

static void start_cpu(struct cpu *cpu)
{
	int64_t result = smc_call(PSCI_CPU_ON_64, cpu->mpidr,
				  (uintptr_t)secondary_entry, (uintptr_t)cpu);
	uint64_t limit = counter() + us_to_ticks(ONLINE_US);

	while (result == 0 && counter() < limit) {
		if (__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE)) {
			return;
		}
	}
	fatal("CPU %u does not start: result %ld", cpu->index, result);
}

static void name_cpus(void)
{
	nr_cpus = options.cpus < board.nr_cpus ? (unsigned int)options.cpus :
						 board.nr_cpus;
	for (unsigned int i = 0; i < nr_cpus; i++) {
		cpus[i].index = i;
		cpus[i].mpidr = board.mpidr[i];
	}
}

/**
 * host_main() - the first CPU's way to the scheduler
 */
void host_main(const void *fdt)
{
	frequency = sysreg_read(cntfrq_el0);
	dt_read(fdt);
	pl011_init(board.uart.base);
	read_options();
	check_abi();
	alloc_init();
	name_cpus();
	bundle_read();
	gic_init();
	init_cpu();
	for (unsigned int i = 1; i < nr_cpus; i++) {
		start_cpu(&cpus[i]);
	}
	pl011_input_on(true);
	print("%u CPUs, GICv%u, %lu MiB free, %u VMs", nr_cpus,
	      board.gic_version, alloc_pages_free() * PAGE_SIZE / MIB, nr_vms);
	vm_start_all();
	attack_start();
	sched_loop();
}
