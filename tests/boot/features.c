/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Uses each CPU feature that Linux announces to programs, once.
 *
 * Prints "<name as in /proc/cpuinfo> works" or "... signal <number>" for all
 * it knows; features.py compares with what the kernel announces.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>

__asm__(".arch armv8.6-a+crypto+sha3+sm4+fp16+fp16fml+sve2+rng+flagm+sb+ssbs"
	"+i8mm+bf16");

static uint64_t memory[8] __attribute__((aligned(64)));

/* The address of the scratch memory is in x2. */
#define FEATURE(name, code)						\
	static void use_##name(void)					\
	{								\
		register uint64_t *scratch __asm__("x2") = memory;	\
									\
		__asm__ volatile(code : "+r"(scratch) : : "x0", "x1",	\
				 "v0", "v1", "v2", "v3", "cc",		\
				 "memory");				\
	}

#define FEATURES(F)							\
	F(fp, "fadd d0, d1, d2")					\
	F(asimd, "add v0.4s, v1.4s, v2.4s")				\
	F(aes, "aese v0.16b, v1.16b")					\
	F(pmull, "pmull v0.1q, v1.1d, v2.1d")				\
	F(sha1, "sha1h s0, s1")						\
	F(sha2, "sha256h q0, q1, v2.4s")				\
	F(sha3, "eor3 v0.16b, v1.16b, v2.16b, v3.16b")			\
	F(sha512, "sha512h q0, q1, v2.2d")				\
	F(sm3, "sm3ss1 v0.4s, v1.4s, v2.4s, v3.4s")			\
	F(sm4, "sm4e v0.4s, v1.4s")					\
	F(crc32, "crc32x w0, w1, x0")					\
	F(atomics, "ldadd x1, x0, [x2]")				\
	F(fphp, "fadd h0, h1, h2")					\
	F(asimdhp, "fadd v0.8h, v1.8h, v2.8h")				\
	F(cpuid, "mrs x0, id_aa64pfr0_el1")				\
	F(asimdrdm, "sqrdmlah v0.4h, v1.4h, v2.4h")			\
	F(jscvt, "fjcvtzs w0, d0")					\
	F(fcma, "fcadd v0.2s, v1.2s, v2.2s, #90")			\
	F(lrcpc, "ldapr x0, [x2]")					\
	F(ilrcpc, "ldapur x0, [x2]")					\
	F(dcpop, "dc cvap, x2")						\
	F(dcpodp, "dc cvadp, x2")					\
	F(asimddp, "udot v0.2s, v1.8b, v2.8b")				\
	F(asimdfhm, "fmlal v0.2s, v1.2h, v2.2h")			\
	F(dit, "msr dit, #1\n msr dit, #0")				\
	F(ssbs, "msr ssbs, #1")						\
	F(sb, "sb")							\
	F(flagm, "cfinv")						\
	F(flagm2, "axflag")						\
	F(frint, "frint32x s0, s1")					\
	F(paca, "mov x0, x2\n pacia x0, x1\n autia x0, x1\n"		\
		" ldr x0, [x0]")					\
	F(pacg, "pacga x0, x1, x2")					\
	F(sve, "rdvl x0, #1\n ptrue p0.b")				\
	F(sve2, "sqrdmlah z0.b, z1.b, z2.b")				\
	F(svei8mm, "smmla z0.s, z1.b, z2.b")				\
	F(svebf16, "bfdot z0.s, z1.h, z2.h")				\
	F(i8mm, "smmla v0.4s, v1.16b, v2.16b")				\
	F(bf16, "bfdot v0.2s, v1.4h, v2.4h")				\
	F(rng, "mrs x0, rndr")						\
	F(bti, "bti")							\
	/* CNTVCTSS_EL0, the self-synchronised counter */		\
	F(ecv, "mrs x0, s3_3_c14_c0_6")					\
	/* WFET x0, until a time that is long past */			\
	F(wfxt, "mov x0, #0\n .inst 0xd5031000")

FEATURES(FEATURE)

static sigjmp_buf back;

static void on_signal(int number)
{
	siglongjmp(back, number);
}

static void try_feature(const char *name, void (*use)(void))
{
	int number = sigsetjmp(back, 1);

	if (number == 0) {
		use();
		printf("%s works\n", name);
	} else {
		printf("%s signal %d\n", name, number);
	}
}

#define TRY(name, code) try_feature(#name, use_##name);

int main(void)
{
	signal(SIGILL, on_signal);
	signal(SIGSEGV, on_signal);
	signal(SIGBUS, on_signal);
	signal(SIGTRAP, on_signal);
	FEATURES(TRY)
	return 0;
}
