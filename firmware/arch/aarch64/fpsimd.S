/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FP, SIMD and SVE registers to memory and back; see arch/world.h. The only
 * code of EL2 that touches them.
 */
#include "core/shadow_ctxt.h"

	.arch_extension fp
	.arch_extension sve

	.text

	.globl	fp_state_save
fp_state_save:
	stp	q0, q1, [x0, #0]
	stp	q2, q3, [x0, #32]
	stp	q4, q5, [x0, #64]
	stp	q6, q7, [x0, #96]
	stp	q8, q9, [x0, #128]
	stp	q10, q11, [x0, #160]
	stp	q12, q13, [x0, #192]
	stp	q14, q15, [x0, #224]
	stp	q16, q17, [x0, #256]
	stp	q18, q19, [x0, #288]
	stp	q20, q21, [x0, #320]
	stp	q22, q23, [x0, #352]
	stp	q24, q25, [x0, #384]
	stp	q26, q27, [x0, #416]
	stp	q28, q29, [x0, #448]
	stp	q30, q31, [x0, #480]
	mrs	x1, fpsr
	mrs	x2, fpcr
	str	x1, [x0, #FP_STATE_FPSR_OFF]
	str	x2, [x0, #FP_STATE_FPSR_OFF + 8]
	ret

	.globl	fp_state_restore
fp_state_restore:
	ldp	q0, q1, [x0, #0]
	ldp	q2, q3, [x0, #32]
	ldp	q4, q5, [x0, #64]
	ldp	q6, q7, [x0, #96]
	ldp	q8, q9, [x0, #128]
	ldp	q10, q11, [x0, #160]
	ldp	q12, q13, [x0, #192]
	ldp	q14, q15, [x0, #224]
	ldp	q16, q17, [x0, #256]
	ldp	q18, q19, [x0, #288]
	ldp	q20, q21, [x0, #320]
	ldp	q22, q23, [x0, #352]
	ldp	q24, q25, [x0, #384]
	ldp	q26, q27, [x0, #416]
	ldp	q28, q29, [x0, #448]
	ldp	q30, q31, [x0, #480]
	ldr	x1, [x0, #FP_STATE_FPSR_OFF]
	ldr	x2, [x0, #FP_STATE_FPSR_OFF + 8]
	msr	fpsr, x1
	msr	fpcr, x2
	ret

	/* All Z and P registers; the P registers follow the Z registers. */
	.macro	vectors op
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\op	z\n, [x0, #\n, mul vl]
	.endr
	addvl	x2, x0, #16
	addvl	x2, x2, #16
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	\op	p\n, [x2, #\n, mul vl]
	.endr
	.endm

/* In: x0 where to, w1 whether there is FFR */
	.globl	vector_state_save
vector_state_save:
	vectors	str
	cbz	w1, 1f
	rdffr	p0.b
	str	p0, [x2, #16, mul vl]
	ldr	p0, [x2, #0, mul vl]
1:	ret

	.globl	vector_state_restore
vector_state_restore:
	addvl	x2, x0, #16
	addvl	x2, x2, #16
	cbz	w1, 1f
	ldr	p0, [x2, #16, mul vl]
	wrffr	p0.b
1:	vectors	ldr
	ret
