/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Into a VM and out of it: x0 to x30, and EL2's vectors while a VM runs.
 */
#include "core/shadow_ctxt.h"
#include "hypsec/abi.h"

/* core_to_vm()'s frame: x29, x30, x19 to x28, the context, x0 and x1. */
#define FRAME_BYTES	128
#define FRAME_CTXT	96
#define FRAME_X0	104

	.macro	vector label
	.balign	0x80
	b	\label
	.endm

	/* One vector: why the VM stopped, in x1. */
	.macro	vm_vector code
	.balign	0x80
	stp	x0, x1, [sp, #FRAME_X0]
	mov	x1, #\code
	b	vm_to_core
	.endm

	.section .vectors, "ax"
	.balign	0x800
	.globl	vm_vectors
vm_vectors:
	/* Current EL: EL2 itself is broken. */
	vector	el2_sync
	vector	el2_irq
	vector	el2_fiq
	vector	el2_serror
	vector	el2_sync
	vector	el2_irq
	vector	el2_fiq
	vector	el2_serror
	/* Lower EL, AArch64: the VM. */
	vm_vector HYPSEC_EXIT_TRAP
	vm_vector HYPSEC_EXIT_IRQ
	vm_vector HYPSEC_EXIT_IRQ
	vm_vector HYPSEC_EXIT_SERROR
	/* Lower EL, AArch32: HCR_EL2.RW is 1, so EL1 never is. */
	vector	host_aarch32
	vector	host_aarch32
	vector	host_aarch32
	vector	host_aarch32

	.text

/*
 * core_to_vm - see arch/world.h
 * In: x0 the context
 */
	.globl	core_to_vm
core_to_vm:
	stp	x29, x30, [sp, #-FRAME_BYTES]!
	mov	x29, sp
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	str	x0, [sp, #FRAME_CTXT]
	ldp	x1, x2, [x0, #SHADOW_CTXT_PC_OFF]
	msr	elr_el2, x1
	msr	spsr_el2, x2
	ldp	x2, x3, [x0, #16]
	ldp	x4, x5, [x0, #32]
	ldp	x6, x7, [x0, #48]
	ldp	x8, x9, [x0, #64]
	ldp	x10, x11, [x0, #80]
	ldp	x12, x13, [x0, #96]
	ldp	x14, x15, [x0, #112]
	ldp	x16, x17, [x0, #128]
	ldp	x18, x19, [x0, #144]
	ldp	x20, x21, [x0, #160]
	ldp	x22, x23, [x0, #176]
	ldp	x24, x25, [x0, #192]
	ldp	x26, x27, [x0, #208]
	ldp	x28, x29, [x0, #224]
	ldr	x30, [x0, #240]
	ldp	x0, x1, [x0, #SHADOW_CTXT_X0_OFF]
	eret
	/* No speculation past the ERET. */
	dsb	nsh
	isb

/* In: x1 HYPSEC_EXIT_*; the VM's x0 and x1 in the frame, its others in place */
vm_to_core:
	ldr	x0, [sp, #FRAME_CTXT]
	stp	x2, x3, [x0, #16]
	ldp	x2, x3, [sp, #FRAME_X0]
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
	str	x30, [x0, #240]
	stp	x2, x3, [x0, #SHADOW_CTXT_X0_OFF]
	mov	x0, x1
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #FRAME_BYTES
	ret
