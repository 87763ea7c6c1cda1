/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types that every layer uses. Layer: below all others.
 *
 * Inside the specified layers addresses are plain integers, since their
 * arithmetic must match the Coq text; the unit is in the name. What EL2
 * dereferences is an el2_va_t, which only pa_to_el2_va() makes.
 */
#ifndef COREVISOR_CORE_TYPES_H
#define COREVISOR_CORE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t pfn_t;		/* physical address / 4096 */
typedef uint64_t gfn_t;		/* intermediate physical address / 4096 */
typedef uint64_t paddr_t;	/* physical address, bytes */
typedef uint64_t ipa_t;		/* intermediate physical address, bytes */
typedef uint32_t vmid_t;

/* An address that EL2 itself may dereference. */
typedef struct {
	uintptr_t addr;
} el2_va_t;

/**
 * enum hv_status - result of what is not a specified getter
 * @HV_OK:	done
 * @HV_EINVAL:	an argument is out of its range
 * @HV_EPERM:	the caller may not do this
 * @HV_EBUSY:	the object is in use or already there
 * @HV_ENOMEM:	a pool is empty
 * @HV_ENOTSUP:	no such call
 * @HV_EAGAIN:	a part is done, call again for the rest
 */
enum hv_status {
	HV_OK = 0,
	HV_EINVAL,
	HV_EPERM,
	HV_EBUSY,
	HV_ENOMEM,
	HV_ENOTSUP,
	HV_EAGAIN,
};

#define WARN_UNUSED	__attribute__((warn_unused_result))
#define NORETURN	__attribute__((noreturn))
/*
 * Has the compiler keep a pointer that it would compute anew at each use; for
 * the ways on which every instruction counts.
 */
#define KEEP_POINTER(p)	__asm__("" : "+r" (p))

#define ALWAYS_INLINE	inline __attribute__((always_inline))
/* Keep what is not on every way, and what is rare, out of the caller. */
#define NOINLINE	__attribute__((noinline))
#define COLD		__attribute__((noinline, cold))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BIT(n)		(UINT64_C(1) << (n))
/* Bits hi..lo set, both included. */
#define GENMASK(hi, lo)	((~UINT64_C(0) >> (63 - (hi))) & (~UINT64_C(0) << (lo)))

/* Register fields are <REG>_<FIELD>_SHIFT and _WIDTH, see sysreg.h. */
#define FIELD_MASK(f)	(GENMASK(f##_WIDTH - 1, 0) << f##_SHIFT)
#define EXTRACT(f, reg)	(((uint64_t)(reg) & FIELD_MASK(f)) >> f##_SHIFT)
#define INPLACE(f, val)	(((uint64_t)(val) << f##_SHIFT) & FIELD_MASK(f))

#endif /* COREVISOR_CORE_TYPES_H */
