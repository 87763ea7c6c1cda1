/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * park: a hostvisor that does nothing until it is told to, for the tests that
 * drive the corevisor from outside. An arm64 Image; every CPU that enters it
 * waits at EL1 with stage 1 off and its interrupts masked.
 *
 * The wait is also a mailbox in RAM (hypsec-park.h): x0..x17, an address and
 * a PSTATE go in, the CPU leaves for them by ERET, and the next exception that
 * EL1 takes, whatever it is, ends it; registers and syndrome come out. A BRK
 * after the instructions in question makes that exception. So one load, store
 * or branch, an HVC or a loop of them, at EL1 or EL0, is a few words that the
 * test writes.
 *
 * x18..x29 are nobody's, x30 tells which vector it was. At most 64
 * instructions, data not counted.
 *
 * With PARK_VM it is the image of a VM and waits by a hypercall that brings the
 * host back, so that one run of the vCPU is one turn of the mailbox.
 */
#include "hypsec-park.h"

#ifdef PARK_VM
#define MAILBOXES	PARK_VM_MAILBOXES
#else
#define MAILBOXES	PARK_MAILBOXES
#endif

	.section .text
	.globl	_start
_start:
	b	begin
	.long	0
	.quad	0			/* text_offset */
	.quad	PARK_IMAGE_BYTES	/* image_size */
	.quad	0xa			/* little-endian, 4 KiB, anywhere */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

begin:
	mrs	x0, mpidr_el1
	and	x0, x0, #0xff
	adr	x1, _start + MAILBOXES
	add	x0, x1, x0, lsl #PARK_MAILBOX_SHIFT
	msr	tpidr_el1, x0
	adr	x1, vectors
	msr	vbar_el1, x1
	str	x0, [x0, #PARK_ALIVE]
	.org	_start + PARK_WAIT
wait:
#ifdef PARK_VM
	movz	x0, #(PARK_YIELD & 0xffff)
	movk	x0, #(PARK_YIELD >> 16), lsl #16
	hvc	#0
#else
	wfe
#endif
	mrs	x0, tpidr_el1
	ldr	x1, [x0, #PARK_GO]
	cbz	x1, wait
	/* The instructions may be new. */
	dsb	sy
	ic	iallu
	dsb	sy
	isb
	ldp	x1, x2, [x0, #PARK_PC]
	msr	elr_el1, x1
	msr	spsr_el1, x2
	ldp	x2, x3, [x0, #(PARK_X + 16)]
	ldp	x4, x5, [x0, #(PARK_X + 32)]
	ldp	x6, x7, [x0, #(PARK_X + 48)]
	ldp	x8, x9, [x0, #(PARK_X + 64)]
	ldp	x10, x11, [x0, #(PARK_X + 80)]
	ldp	x12, x13, [x0, #(PARK_X + 96)]
	ldp	x14, x15, [x0, #(PARK_X + 112)]
	ldp	x16, x17, [x0, #(PARK_X + 128)]
	ldp	x0, x1, [x0, #PARK_X]
	eret

/* Every vector comes here. In: x30 its address + 4 */
record:
	msr	tpidr_el0, x0
	mrs	x0, tpidr_el1
	stp	x2, x3, [x0, #(PARK_X + 16)]
	stp	x4, x5, [x0, #(PARK_X + 32)]
	stp	x6, x7, [x0, #(PARK_X + 48)]
	stp	x8, x9, [x0, #(PARK_X + 64)]
	stp	x10, x11, [x0, #(PARK_X + 80)]
	stp	x12, x13, [x0, #(PARK_X + 96)]
	stp	x14, x15, [x0, #(PARK_X + 112)]
	stp	x16, x17, [x0, #(PARK_X + 128)]
	mrs	x2, tpidr_el0
	stp	x2, x1, [x0, #PARK_X]
	mrs	x1, esr_el1
	mrs	x2, far_el1
	stp	x1, x2, [x0, #PARK_ESR]
	mrs	x1, elr_el1
	mrs	x2, spsr_el1
	stp	x1, x2, [x0, #PARK_ELR]
	dmb	sy
	stp	x30, xzr, [x0, #PARK_X30]
	b	wait

	/* Somewhere to be while nothing is to happen. */
	.org	_start + PARK_SPIN
	b	.
	b	.
	b	.
	b	.

	/* A vector that is left out ends in 0x200: no instruction is 0. */
	.macro	vector offset
	.org	vectors + \offset
	bl	record
	.endm

	.org	_start + PARK_VECTORS
vectors:
	vector	0x000			/* EL1 with SP_EL0: synchronous */
	vector	0x200			/* EL1: synchronous */
	vector	0x280			/* IRQ */
	vector	0x300			/* FIQ */
	vector	0x380			/* SError */
	vector	0x400			/* EL0: synchronous */
	vector	0x480			/* IRQ */
	vector	0x500			/* FIQ */
	vector	0x580			/* SError */
