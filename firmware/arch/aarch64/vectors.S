/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EL2's exception vectors while the host runs. A VM gets a table of its own.
 */
#include "arch/layout.h"
#include "core/trap_frame.h"

	.macro	save_frame
	sub	sp, sp, #TRAP_FRAME_BYTES
	stp	x0, x1, [sp, #0]
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
	mrs	x0, elr_el2
	stp	x30, x0, [sp, #240]
	mrs	x0, spsr_el2
	mrs	x1, esr_el2
	stp	x0, x1, [sp, #TRAP_FRAME_SPSR_OFF]
	mrs	x0, far_el2
	mrs	x1, hpfar_el2
	stp	x0, x1, [sp, #(TRAP_FRAME_ESR_OFF + 8)]
	mov	x0, sp
	/* The frame chain of EL2 ends here. */
	mov	x29, xzr
	.endm

	/* One vector: 32 instructions. */
	.macro	vector label
	.balign	0x80
	b	\label
	.endm

	.section .vectors, "ax"
	.balign	0x800
	.globl	host_vectors
host_vectors:
	/* Current EL with SP_EL0: EL2 never uses it. */
	vector	el2_sync
	vector	el2_irq
	vector	el2_fiq
	vector	el2_serror
	/* Current EL with SP_EL2: EL2 itself is broken. */
	vector	el2_sync
	vector	el2_irq
	vector	el2_fiq
	vector	el2_serror
	/* Lower EL, AArch64: the host. */
	vector	host_sync
	vector	host_irq
	vector	host_fiq
	vector	host_serror
	/* Lower EL, AArch32: HCR_EL2.RW is 1, so EL1 never is. */
	vector	host_aarch32
	vector	host_aarch32
	vector	host_aarch32
	vector	host_aarch32

	.text

/*
 * host_sync, host_serror - exceptions from the host
 * Stack: one frame on this CPU's EL2 stack, which is empty otherwise
 */
host_sync:
	save_frame
	bl	trap_host_sync
	b	host_return

host_serror:
	save_frame
	bl	trap_host_serror

host_return:
	ldp	x0, x1, [sp, #TRAP_FRAME_ELR_OFF]
	msr	elr_el2, x0
	msr	spsr_el2, x1
	ldp	x0, x1, [sp, #0]
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
	ldr	x30, [sp, #240]
	add	sp, sp, #TRAP_FRAME_BYTES
	eret
	/* No speculation past the ERET. */
	dsb	nsh
	isb

/*
 * What cannot happen: EL2 stops. SP_EL0 is the lower level's and is lost,
 * which nobody will miss; the stack may be what is broken, so the report runs
 * on the panic stack of this CPU.
 */
	.macro	fatal kind
	msr	sp_el0, x0
	mov	x0, #\kind
	b	fatal_common
	.endm

	.globl	el2_sync, el2_irq, el2_fiq, el2_serror, host_aarch32
el2_sync:
	fatal	0
el2_irq:
	fatal	1
el2_fiq:
	fatal	2
el2_serror:
	fatal	3
host_irq:
	fatal	4
host_fiq:
	fatal	5
host_aarch32:
	fatal	6

/* In: x0 kind, SP_EL0 the interrupted x0 */
fatal_common:
	msr	far_el1, x0
	mrs	x0, tpidr_el2
	stp	x2, x3, [x0, #16]
	stp	x4, x5, [x0, #32]
	stp	x6, x7, [x0, #48]
	stp	x8, x9, [x0, #64]
	stp	x10, x11, [x0, #80]
	stp	x12, x13, [x0, #96]
	stp	x14, x15, [x0, #112]
	stp	x16, x17, [x0, #128]
	stp	x18, x19, [x0, #144]
	stp	x20, x21, [x0, #160]
	stp	x22, x23, [x0, #176]
	stp	x24, x25, [x0, #192]
	stp	x26, x27, [x0, #208]
	stp	x28, x29, [x0, #224]
	mrs	x2, sp_el0
	stp	x2, x1, [x0, #0]
	mov	x3, sp
	stp	x30, x3, [x0, #240]
	mrs	x0, far_el1
	/* The number of this CPU follows the registers in struct pcpu. */
	mrs	x1, tpidr_el2
	ldr	w1, [x1, #256]
	adrp	x2, __panic_stack0_top
	add	x2, x2, #:lo12:__panic_stack0_top
	mov	x3, #STACK_STRIDE
	madd	x2, x3, x1, x2
	mov	sp, x2
	mov	x29, xzr
	bl	report_fatal_exception
	b	.
