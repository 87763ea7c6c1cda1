/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * void fp_hold(const struct fp_image *in, struct fp_image *out,
 *		uint64_t spins);
 *
 * Every FP/SIMD register holds a value of the caller's for a while. Uses no
 * stack; by the calling convention d8 to d15 are the caller's, whose code here
 * is compiled without FP registers or keeps none across this call.
 */
	.text
	.global fp_hold
fp_hold:
	ldp	x3, x4, [x0], #16
	msr	fpcr, x3
	msr	fpsr, x4
	ldp	q0, q1, [x0], #32
	ldp	q2, q3, [x0], #32
	ldp	q4, q5, [x0], #32
	ldp	q6, q7, [x0], #32
	ldp	q8, q9, [x0], #32
	ldp	q10, q11, [x0], #32
	ldp	q12, q13, [x0], #32
	ldp	q14, q15, [x0], #32
	ldp	q16, q17, [x0], #32
	ldp	q18, q19, [x0], #32
	ldp	q20, q21, [x0], #32
	ldp	q22, q23, [x0], #32
	ldp	q24, q25, [x0], #32
	ldp	q26, q27, [x0], #32
	ldp	q28, q29, [x0], #32
	ldp	q30, q31, [x0], #32
1:	subs	x2, x2, #1
	b.hi	1b
	mrs	x3, fpcr
	mrs	x4, fpsr
	stp	x3, x4, [x1], #16
	stp	q0, q1, [x1], #32
	stp	q2, q3, [x1], #32
	stp	q4, q5, [x1], #32
	stp	q6, q7, [x1], #32
	stp	q8, q9, [x1], #32
	stp	q10, q11, [x1], #32
	stp	q12, q13, [x1], #32
	stp	q14, q15, [x1], #32
	stp	q16, q17, [x1], #32
	stp	q18, q19, [x1], #32
	stp	q20, q21, [x1], #32
	stp	q22, q23, [x1], #32
	stp	q24, q25, [x1], #32
	stp	q26, q27, [x1], #32
	stp	q28, q29, [x1], #32
	stp	q30, q31, [x1], #32
	msr	fpcr, xzr
	ret

/* void fp_touch(void); */
	.global fp_touch
fp_touch:
	fmov	d0, xzr
	ret
