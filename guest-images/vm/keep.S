/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uint64_t secret_keep(uint64_t secret, uint64_t loops);
 *
 * Register n of x1 to x30 holds secret + n, V register n holds secret + 256 +
 * n in both halves, and so do the system registers that are the program's own,
 * while x0 counts down. Returns how many registers have another value after
 * that. Interrupts are masked: ELR_EL1 is one of them.
 */
#define FIRST_V		256
#define FIRST_SYSREG	512

/* The frame: x19 to x30, the secret, what x1 to x30 held in the end. */
#define SECRET		96
#define HELD		112
#define FRAME_SIZE	368

/* MACRO n, for each number that follows. */
.macro for_each macro, numbers:vararg
	.irp	n, \numbers
	\macro	\n
	.endr
.endm

/* MACRO register, offset from the secret. */
.macro for_each_sysreg macro
	\macro	tpidr_el0, FIRST_SYSREG
	\macro	tpidrro_el0, FIRST_SYSREG + 1
	\macro	sp_el0, FIRST_SYSREG + 2
	\macro	elr_el1, FIRST_SYSREG + 3
.endm

#define X1_TO_X30	1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, \
			17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
#define ALL		0, X1_TO_X30, 31

/* x0 is the secret. */
.macro fill_x n
	add	x\n, x0, #\n
.endm

.macro fill_v n
	add	x2, x0, #FIRST_V + \n
	dup	v\n\().2d, x2
.endm

.macro fill_sysreg register, offset
	add	x2, x0, #\offset
	msr	\register, x2
.endm

/* x19 is the secret, x0 counts what is wrong, x2 holds what was found. */
.macro check offset
	add	x1, x19, #\offset
	cmp	x2, x1
	cinc	x0, x0, ne
.endm

.macro check_held n
	ldr	x2, [sp, #HELD + 8 * (\n - 1)]
	check	\n
.endm

.macro check_v n
	umov	x2, v\n\().d[0]
	check	FIRST_V + \n
	umov	x2, v\n\().d[1]
	check	FIRST_V + \n
.endm

.macro check_sysreg register, offset
	mrs	x2, \register
	check	\offset
.endm

.macro hold_x n
	str	x\n, [sp, #HELD + 8 * (\n - 1)]
.endm

	.text
	.global secret_keep
secret_keep:
	sub	sp, sp, #FRAME_SIZE
	stp	x19, x20, [sp]
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, x30, [sp, #80]
	stp	x0, x1, [sp, #SECRET]

	for_each_sysreg fill_sysreg
	for_each fill_v, ALL
	for_each fill_x, X1_TO_X30
	ldr	x0, [sp, #SECRET + 8]
1:	subs	x0, x0, #1
	b.hi	1b

	for_each hold_x, X1_TO_X30
	ldr	x19, [sp, #SECRET]
	mov	x0, #0
	for_each check_held, X1_TO_X30
	for_each check_v, ALL
	for_each_sysreg check_sysreg

	ldp	x19, x20, [sp]
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	add	sp, sp, #FRAME_SIZE
	ret
