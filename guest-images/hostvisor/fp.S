/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's FP/SIMD registers, which its C does not use: a pattern that
 * nobody may change, since VMs have such registers of their own.
 *
 * void fp_fill(uint64_t seed)
 * bool fp_is(uint64_t seed)
 */
#define NR_REGISTERS	32
#define FPSR_VALUE	0x1f		/* all exceptions have happened */
#define FPCR_VALUE	0x00c00000	/* round towards zero */

	.text
	.globl	fp_fill, fp_is
fp_fill:
	mov	x1, #FPSR_VALUE
	msr	fpsr, x1
	mov	x1, #FPCR_VALUE
	msr	fpcr, x1
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, \
		17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	add	x1, x0, #\n
	mvn	x2, x1
	mov	v\n\().d[0], x1
	mov	v\n\().d[1], x2
	.endr
	ret

/* x3 collects differences. */
fp_is:
	mrs	x1, fpsr
	eor	x3, x1, #FPSR_VALUE
	mrs	x1, fpcr
	mov	x2, #FPCR_VALUE
	eor	x1, x1, x2
	orr	x3, x3, x1
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, \
		17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	mov	x1, v\n\().d[0]
	mov	x2, v\n\().d[1]
	mvn	x2, x2
	eor	x2, x2, x1
	orr	x3, x3, x2
	add	x2, x0, #\n
	eor	x1, x1, x2
	orr	x3, x3, x1
	.endr
	cmp	x3, #0
	cset	w0, eq
	ret
