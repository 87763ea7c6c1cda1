/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What boot.S calls, and what the compiler expects to be there. */
#include "hostvisor/device.h"
#include "vm.h"

#define DEFAULT_MEMORY		(UINT64_C(32) << 20)
#define VECTOR_SYNC		4u	/* current level, SP_ELx */
#define VECTOR_IRQ		5u
#define FRAME_ELR		31u
#define FRAME_SPSR		32u

char vm_stacks[VM_MAX_VCPUS * VM_STACK_SIZE]
	__attribute__((aligned(4096)));

bool vm_has_device;

/* A trial of a read, see vm_probe(). */
static bool probing, probe_failed;

/**
 * vm_probe() - read a register that may not be there
 * @address: of 64 bits
 * @value:   what was read
 *
 * Returns: whether there was anything
 */
bool vm_probe(uint64_t address, uint64_t *value)
{
	bool failed;

	probing = true;
	probe_failed = false;
	__asm__ volatile("ldr %0, [%1]\n\tdsb sy" : "=r"(*value) :
			 "r"(address) : "memory");
	failed = *(volatile bool *)&probe_failed;
	probing = false;
	return !failed;
}

/* What the host says about this VM; nothing depends on its being true. */
static void read_params(struct vm_params *params)
{
	uint64_t magic;

	if (!vm_probe(VM_DEVICE + HOSTVISOR_MAGIC, &magic) ||
	    magic != HOSTVISOR_MAGIC_VALUE) {
		return;
	}
	params->has_device = true;
	params->memory_bytes = vm_mmio_read64(VM_DEVICE + HOSTVISOR_MEMORY);
	params->id = (unsigned int)
		vm_mmio_read64(VM_DEVICE + HOSTVISOR_NUMBER);
	params->argument = (unsigned int)
		vm_mmio_read64(VM_DEVICE + HOSTVISOR_ARG0);
}

void vm_start(uint64_t context)
{
	struct vm_params params = {
		.memory_bytes = DEFAULT_MEMORY,
		.context = context,
	};

	read_params(&params);
	vm_has_device = params.has_device;
	vm_main(&params);
	vm_fail("its program has ended");
}

/* A data abort of this level, synchronous and external. */
static bool is_external_abort(void)
{
	uint64_t esr = vm_sysreg_read(esr_el1);

	return esr >> 26 == 0x25 && (esr & 0x3f) == 0x10;
}

void vm_trap(unsigned int vector, uint64_t *frame)
{
	if (vector == VECTOR_IRQ) {
		vm_irq();
		return;
	}
	if (vector == VECTOR_SYNC && probing && is_external_abort()) {
		probe_failed = true;
		frame[FRAME_ELR] += 4;
		return;
	}
	vm_fail("vcpu %u: exception, vector %u, esr %lx, far %lx, elr %lx, "
		"spsr %lx", vm_vcpu(), vector, vm_sysreg_read(esr_el1),
		vm_sysreg_read(far_el1), frame[FRAME_ELR], frame[FRAME_SPSR]);
}

void *memset(void *to, int byte, size_t bytes)
{
	char *target = to;

	while (bytes--) {
		*target++ = (char)byte;
	}
	return to;
}

void *memcpy(void *to, const void *from, size_t bytes)
{
	char *target = to;
	const char *source = from;

	while (bytes--) {
		*target++ = *source++;
	}
	return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const unsigned char *left = a, *right = b;

	for (; bytes; bytes--, left++, right++) {
		if (*left != *right) {
			return *left < *right ? -1 : 1;
		}
	}
	return 0;
}
