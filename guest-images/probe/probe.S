/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe: a hostvisor that tries calls and accesses at EL1 and writes down what
 * came of them, for tests/qtest/hypsec-firmware-test.c. An arm64 Image for a
 * board with 256 MiB, since it knows where EL2's memory is there.
 *
 * Results are 64-bit words from RESULTS on, see hypsec-probe.h.
 */
#include "hypsec-probe.h"

	.macro	mov64 reg, value
	movz	\reg, #((\value) & 0xffff)
	movk	\reg, #(((\value) >> 16) & 0xffff), lsl #16
	movk	\reg, #(((\value) >> 32) & 0xffff), lsl #32
	movk	\reg, #(((\value) >> 48) & 0xffff), lsl #48
	.endm

	/* Result number \n := x0. */
	.macro	result n
	str	x0, [x28, #((\n) * 8)]
	.endm

	/* x0 := the reply to SMC #\imm with x0..x3. */
	.macro	call_smc imm, fn, a1=0, a2=0, a3=0
	mov64	x0, \fn
	mov64	x1, \a1
	mov64	x2, \a2
	mov64	x3, \a3
	smc	#\imm
	.endm

	/*
	 * One access that faults: the vector writes ESR, FAR, ELR and SPSR to
	 * result \n and on, and resumes at x27.
	 */
	.macro	attempt n, address, insn:vararg
	add	x26, x28, #((\n) * 8)
	stp	xzr, xzr, [x26]
	stp	xzr, xzr, [x26, #16]
	mov64	x9, \address
	adr	x27, 9f
	\insn
9:
	.endm

	.section .text
	.globl	_start
_start:
	b	begin
	.long	0
	.quad	0			/* text_offset */
	.quad	IMAGE_BYTES		/* image_size */
	.quad	0xa			/* little-endian, 4 KiB, anywhere */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

begin:
	mov64	x28, RESULTS
	adr	x1, vectors
	msr	vbar_el1, x1
	isb

	/* HVC #0 with every number from 0 on, then a wild one and HVC #1. */
	mov	x20, xzr
1:	mov	x0, x20
	hvc	#0
	str	x0, [x28, x20, lsl #3]
	add	x20, x20, #1
	cmp	x20, #PROBE_HVC_COUNT
	b.lo	1b
	mov	x0, #-1
	hvc	#0
	result	PROBE_HVC_WILD
	mov	x0, xzr
	hvc	#1
	result	PROBE_HVC_IMM

	call_smc 0, 0x84000000
	result	PROBE_PSCI_VERSION
	call_smc 0, 0x84000055
	result	PROBE_SMC_UNKNOWN
	call_smc 1, 0x84000000
	result	PROBE_SMC_IMM
	call_smc 0, 0xc4000003, 0, KERNEL
	result	PROBE_CPU_ON_SELF
	call_smc 0, 0xc4000003, 0x77, KERNEL
	result	PROBE_CPU_ON_NOBODY
	call_smc 0, 0xc4000003, 1, CARVEOUT
	result	PROBE_CPU_ON_EL2_ENTRY
	call_smc 0, 0xc4000003, 1, secondary_address, 0x1234
	result	PROBE_CPU_ON
	/* The other CPU answers in memory; it takes no lock. */
2:	ldr	x0, [x28, #(PROBE_SECONDARY_EL * 8)]
	cbz	x0, 2b

	attempt	PROBE_LOAD_EL2, CARVEOUT, ldr x10, [x9]
	attempt	PROBE_STORE_EL2, CARVEOUT + 8, str x10, [x9]
	attempt	PROBE_FETCH_EL2, CARVEOUT, br x9
	attempt	PROBE_LOAD_FLASH, 0x0, ldr x10, [x9]
	attempt	PROBE_STORE_UART1, 0x09040000, str w10, [x9]
	attempt	PROBE_STORE_PVPANIC, 0x0b000000, strb w10, [x9]
	attempt	PROBE_LOAD_EMPTY, 0x0c000000, ldr x10, [x9]
	attempt	PROBE_LOAD_ABOVE, RAM_END, ldr x10, [x9]
	attempt	PROBE_LOAD_40_BITS, 0x10000000000, ldr x10, [x9]
	attempt	PROBE_FETCH_DEVICE, 0x09010000, br x9
	attempt	PROBE_LOAD_RTC, 0x09010000, ldr w10, [x9]

	mov64	x0, PROBE_DONE_MAGIC
	result	PROBE_DONE
3:	wfi
	b	3b

	.equ	secondary_address, KERNEL + (secondary - _start)
secondary:
	mov64	x28, RESULTS
	result	PROBE_SECONDARY_CONTEXT
	mrs	x0, CurrentEL
	result	PROBE_SECONDARY_EL
	b	3b

	/* Synchronous exceptions of EL1h; everything else ends in a loop. */
	.balign	0x800
vectors:
	.rept	4
	b	.
	.balign	0x80
	.endr
	mrs	x0, esr_el1
	mrs	x1, far_el1
	stp	x0, x1, [x26]
	mrs	x0, elr_el1
	mrs	x1, spsr_el1
	stp	x0, x1, [x26, #16]
	msr	elr_el1, x27
	eret
	.balign	0x80
	.rept	11
	b	.
	.balign	0x80
	.endr
