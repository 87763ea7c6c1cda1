/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM guest's first instructions and its exception vectors.
 *
 * vCPU 0 arrives at _start as the manifest says: MMU off, x0 = context. The
 * others arrive at vm_secondary_entry by PSCI CPU_ON, x0 = their number. RAM
 * is written only after MMU and caches are on; the translation table is part
 * of the image. Addresses are mapped to themselves: 1 GiB of devices, 3 GiB of
 * RAM in blocks.
 */
#include "vm_layout.h"

#define MAIR		0xff04		/* 0: device nGnRE, 1: write-back */
#define TCR		0x280803519	/* 39 bits, 4 KiB, TTBR0 only, 40-bit PA */
#define SCTLR		0x30d0180d	/* RES1, I, SA, C, M */
#define CPACR_FPEN	(3 << 20)
/* The event stream wakes a WFE every 2^15 ticks at the latest. */
#define CNTKCTL		((14 << 4) | (1 << 2))

#define BLOCK_DEVICE	0x0060000000000401
#define BLOCK_RAM	0x0040000000000705

#define FRAME_SIZE	272

	.section .text.boot, "ax"
	.global _start
_start:
	mov	x19, x0
	bl	cpu_setup
	adrp	x0, vm_bss_start
	adrp	x1, vm_bss_end
1:	cmp	x0, x1
	b.hs	2f
	stp	xzr, xzr, [x0], #16
	b	1b
2:	msr	tpidr_el1, xzr
	adrp	x0, vm_stacks + VM_STACK_SIZE
	mov	sp, x0
	mov	x0, x19
	bl	vm_start
	b	.

	.global vm_secondary_entry
vm_secondary_entry:
	mov	x19, x0
	bl	cpu_setup
	msr	tpidr_el1, x19
	adrp	x0, vm_stacks + VM_STACK_SIZE
	mov	x1, #VM_STACK_SIZE
	madd	x0, x19, x1, x0
	mov	sp, x0
	mov	x0, x19
	bl	vm_start_secondary
	b	.

/* Vectors, FP/SIMD, MMU and caches; uses x0 alone. */
cpu_setup:
	adr	x0, vm_vectors
	msr	vbar_el1, x0
	mov	x0, #CPACR_FPEN
	msr	cpacr_el1, x0
	mov	x0, #CNTKCTL
	msr	cntkctl_el1, x0
	ldr	x0, =MAIR
	msr	mair_el1, x0
	ldr	x0, =TCR
	msr	tcr_el1, x0
	adrp	x0, translation_table
	msr	ttbr0_el1, x0
	tlbi	vmalle1
	ic	iallu
	dsb	nsh
	isb
	ldr	x0, =SCTLR
	msr	sctlr_el1, x0
	isb
	ret

/*
 * An entry saves x0 to x30, ELR and SPSR on the stack of the vCPU and calls
 * vm_trap(vector, frame); vector is the entry's number in the table.
 */
.macro entry number
	.align	7
	sub	sp, sp, #FRAME_SIZE
	stp	x0, x1, [sp]
	mov	x0, #\number
	b	trap
.endm

	.align	11
vm_vectors:
	.set	number, 0
	.rept	16
	entry	number
	.set	number, number + 1
	.endr

trap:
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	mrs	x2, elr_el1
	stp	x30, x2, [sp, #240]
	mrs	x3, spsr_el1
	str	x3, [sp, #256]
	mov	x1, sp
	bl	vm_trap
	ldr	x3, [sp, #256]
	msr	spsr_el1, x3
	ldp	x30, x2, [sp, #240]
	msr	elr_el1, x2
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x19, [sp, #144]
	ldp	x20, x21, [sp, #160]
	ldp	x22, x23, [sp, #176]
	ldp	x24, x25, [sp, #192]
	ldp	x26, x27, [sp, #208]
	ldp	x28, x29, [sp, #224]
	ldp	x0, x1, [sp]
	add	sp, sp, #FRAME_SIZE
	eret

	.section .tables, "aw"
	.balign	4096
translation_table:
	.quad	BLOCK_DEVICE
	.quad	BLOCK_RAM | 0x40000000
	.quad	BLOCK_RAM | 0x80000000
	.quad	BLOCK_RAM | 0xc0000000
	.fill	508, 8, 0
