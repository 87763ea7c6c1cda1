/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instructions that C has no word for.
 */
#ifndef HOSTVISOR_ARM64_H
#define HOSTVISOR_ARM64_H

#include <stdint.h>

#define SYSREG_STRING_(name)	#name
#define SYSREG_STRING(name)	SYSREG_STRING_(name)

#define sysreg_read(name) __extension__ ({				\
	uint64_t value_;						\
	__asm__ volatile("mrs %0, " SYSREG_STRING(name)			\
			 : "=r" (value_) :: "memory");			\
	value_;								\
})

#define sysreg_write(name, value)					\
	__asm__ volatile("msr " SYSREG_STRING(name) ", %0"		\
			 :: "r" ((uint64_t)(value)) : "memory")

static inline void isb(void)
{
	__asm__ volatile("isb" ::: "memory");
}

static inline void dsb_ish(void)
{
	__asm__ volatile("dsb ish" ::: "memory");
}

static inline void dsb_sy(void)
{
	__asm__ volatile("dsb sy" ::: "memory");
}

static inline void wfi(void)
{
	__asm__ volatile("dsb sy\n\twfi" ::: "memory");
}

static inline uint32_t mmio_read32(uint64_t addr)
{
	uint32_t value;

	__asm__ volatile("ldr %w0, [%1]" : "=r" (value) : "r" (addr)
			 : "memory");
	return value;
}

static inline void mmio_write32(uint64_t addr, uint32_t value)
{
	__asm__ volatile("str %w0, [%1]" :: "r" (value), "r" (addr)
			 : "memory");
}

static inline void mmio_write8(uint64_t addr, uint8_t value)
{
	__asm__ volatile("strb %w0, [%1]" :: "r" ((uint32_t)value), "r" (addr)
			 : "memory");
}

static inline uint64_t counter(void)
{
	isb();
	return sysreg_read(cntpct_el0);
}

/* SMC and HVC keep every register but x0. */
static inline int64_t smc_call(uint64_t fn, uint64_t a1, uint64_t a2,
			       uint64_t a3)
{
	register uint64_t x0 __asm__("x0") = fn;
	register uint64_t x1 __asm__("x1") = a1;
	register uint64_t x2 __asm__("x2") = a2;
	register uint64_t x3 __asm__("x3") = a3;

	__asm__ volatile("smc #0" : "+r" (x0) : "r" (x1), "r" (x2), "r" (x3)
			 : "memory");
	return (int64_t)x0;
}

static inline int64_t hvc_call5(uint64_t fn, uint64_t a1, uint64_t a2,
				uint64_t a3, uint64_t a4, uint64_t a5)
{
	register uint64_t x0 __asm__("x0") = fn;
	register uint64_t x1 __asm__("x1") = a1;
	register uint64_t x2 __asm__("x2") = a2;
	register uint64_t x3 __asm__("x3") = a3;
	register uint64_t x4 __asm__("x4") = a4;
	register uint64_t x5 __asm__("x5") = a5;

	__asm__ volatile("hvc #0" : "+r" (x0)
			 : "r" (x1), "r" (x2), "r" (x3), "r" (x4), "r" (x5)
			 : "memory");
	return (int64_t)x0;
}

static inline int64_t hvc_call(uint64_t fn, uint64_t a1, uint64_t a2,
			       uint64_t a3, uint64_t a4)
{
	return hvc_call5(fn, a1, a2, a3, a4, 0);
}

#endif /* HOSTVISOR_ARM64_H */
