/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The runtime of the small VM guests: a protected VM's whole system software.
 *
 * A guest defines vm_name and vm_main(). The runtime starts at EL1 with MMU
 * and caches on, prints on the PL011, takes interrupts from a GICv2 or GICv3,
 * and ends with one line for whoever reads the console:
 *
 *	HYPSEC-VM-OK NAME TEXT		or	HYPSEC-VM-FAIL NAME TEXT
 *
 * The host hears the verdict by its device, too, if there is one.
 */
#ifndef VM_H
#define VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm_layout.h"

#define VM_PAGE_SIZE	UINT64_C(4096)
#define VM_RAM_BASE	UINT64_C(0x40000000)
#define VM_SPURIOUS	1023u

#define VM_PRINTF	__attribute__((format(printf, 1, 2)))
#define VM_NORETURN	__attribute__((noreturn))

/* Where the host may have a device for its VMs, see hostvisor/device.h. */
#define VM_DEVICE	UINT64_C(0x0b000000)

/**
 * struct vm_params - what this VM was started with
 * @context:      the manifest's
 * @has_device:   the host has the device at VM_DEVICE; if not, the others are
 *		  made up
 * @memory_bytes: RAM from VM_RAM_BASE on
 * @argument:     the guest's own, 0 if not given: rounds or seconds
 * @id:           tells VMs with the same image apart
 */
struct vm_params {
	uint64_t context;
	bool has_device;
	uint64_t memory_bytes;
	unsigned int argument;
	unsigned int id;
};

/* The guest's own: its name in the last line, and what it does. */
extern const char vm_name[];
void vm_main(const struct vm_params *params);

/* From the linker script and boot.S. */
extern char vm_end[];
void vm_secondary_entry(void);
/* Called by boot.S; stacks of vCPU 0, 1, ... */
extern char vm_stacks[];
extern bool vm_has_device;
void vm_start(uint64_t context) VM_NORETURN;
void vm_start_secondary(uint64_t vcpu) VM_NORETURN;
void vm_trap(unsigned int vector, uint64_t *frame);

/* console.c: whole lines of several vCPUs do not mix. */
void vm_print(const char *format, ...) VM_PRINTF;
void vm_ok(const char *format, ...) VM_PRINTF VM_NORETURN;
void vm_fail(const char *format, ...) VM_PRINTF VM_NORETURN;

/* calls.c: PSCI, what EL2 does for a VM, and calls that the host answers. */
int64_t vm_hvc(uint64_t function, uint64_t x1, uint64_t x2, uint64_t x3);
unsigned int vm_count_vcpus(void);
int64_t vm_cpu_on(unsigned int vcpu, void (*entry)(unsigned int vcpu));
void vm_cpu_off(void) VM_NORETURN;
int64_t vm_cpu_state(unsigned int vcpu);
void vm_system_off(void) VM_NORETURN;
int64_t vm_share(const void *start, uint64_t bytes);
int64_t vm_unshare(const void *start, uint64_t bytes);

#define PSCI_VERSION		0x84000000u
#define PSCI_CPU_OFF		0x84000002u
#define PSCI_CPU_ON		0xc4000003u
#define PSCI_AFFINITY_INFO	0xc4000004u
#define PSCI_SYSTEM_OFF		0x84000008u
#define PSCI_FEATURES		0x8400000au
#define PSCI_IS_ON		0
#define PSCI_IS_OFF		1
#define PSCI_ALREADY_ON		(-4)

/* gic.c: the interrupts of this vCPU, or of all. */
typedef void (*vm_irq_handler)(unsigned int intid);
void vm_irq_init(vm_irq_handler handler);
void vm_irq_init_vcpu(void);
void vm_irq_enable(unsigned int intid);
void vm_send_sgi(unsigned int vcpu, unsigned int sgi);
unsigned int vm_gic_version(void);
void vm_irq(void);

/* timer.c: the virtual timer. */
#define VM_TIMER_PPI		27u
uint64_t vm_now(void);
uint64_t vm_frequency(void);
uint64_t vm_us_to_ticks(uint64_t us);
void vm_timer_in(uint64_t ticks);
void vm_timer_off(void);

/**
 * struct vm_deadline - when to stop waiting for another vCPU
 * @end: vm_now() at which it is too late
 */
struct vm_deadline {
	uint64_t end;
};

struct vm_deadline vm_deadline(unsigned int seconds);
/* Wait a little; a VM whose wait for @what is over fails. */
void vm_relax(const struct vm_deadline *deadline, const char *what);

bool vm_probe(uint64_t address, uint64_t *value);

/* Bytes; the compiler calls them too. */
void *memset(void *to, int byte, size_t bytes);
void *memcpy(void *to, const void *from, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

/* This vCPU's number. */
static inline unsigned int vm_vcpu(void)
{
	uint64_t vcpu;

	__asm__ volatile("mrs %0, tpidr_el1" : "=r"(vcpu));
	return (unsigned int)vcpu;
}

static inline void vm_irqs_on(void)
{
	__asm__ volatile("msr daifclr, #2" ::: "memory");
}

static inline void vm_irqs_off(void)
{
	__asm__ volatile("msr daifset, #2" ::: "memory");
}

static inline void vm_wfi(void)
{
	__asm__ volatile("dsb sy\n\twfi" ::: "memory");
}

#define vm_sysreg_read(name) ({					\
	uint64_t vm_value_;						\
	__asm__ volatile("mrs %0, " #name : "=r"(vm_value_) :: "memory"); \
	vm_value_; })
#define vm_sysreg_write(name, value)					\
	__asm__ volatile("msr " #name ", %0" ::				\
			 "r"((uint64_t)(value)) : "memory")
#define vm_isb() __asm__ volatile("isb" ::: "memory")

static inline uint32_t vm_mmio_read(uint64_t address)
{
	uint32_t value;

	__asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address)
			 : "memory");
	return value;
}

static inline void vm_mmio_write(uint64_t address, uint32_t value)
{
	__asm__ volatile("str %w0, [%1]" :: "r"(value), "r"(address)
			 : "memory");
}

static inline uint64_t vm_mmio_read64(uint64_t address)
{
	uint64_t value;

	__asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(address)
			 : "memory");
	return value;
}

static inline void vm_mmio_write64(uint64_t address, uint64_t value)
{
	__asm__ volatile("str %0, [%1]" :: "r"(value), "r"(address)
			 : "memory");
}

static inline void vm_mmio_write8(uint64_t address, uint8_t value)
{
	__asm__ volatile("strb %w0, [%1]" :: "r"(value), "r"(address)
			 : "memory");
}

/* Values that several vCPUs look at. */
#define vm_load(pointer)	__atomic_load_n((pointer), __ATOMIC_ACQUIRE)
#define vm_store(pointer, value) \
	__atomic_store_n((pointer), (value), __ATOMIC_RELEASE)
#define vm_add(pointer, value) \
	__atomic_add_fetch((pointer), (value), __ATOMIC_ACQ_REL)

#endif /* VM_H */
