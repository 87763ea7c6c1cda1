/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring: a hostvisor that rings the injector's doorbell itself, for the
 * record/replay test (tests/qtest/hypsec-replay-test.c): events whose cause is
 * in the guest. It needs a firmware that gives the host the injector's window,
 * which the real one does not; the test makes one.
 *
 * One line per event on UART0: status, x0, PC and ESR_EL1 at the completion,
 * instructions at EL2, times, and the counter when it was seen.
 */
#include "hypsec-inject-regs.h"

#define UART0			0x09000000
#define CARVEOUT		0x4ee00000
#define FREE			0x44000000
#define PSCI_VERSION		0x84000000
#define PSCI_SYSTEM_OFF		0x84000008
#define EVENTS			64
#define D(field)		HYPSEC_INJECT_D_##field
#define C(field)		HYPSEC_INJECT_C_##field

	.macro	mov64 reg, value
	movz	\reg, #((\value) & 0xffff)
	movk	\reg, #(((\value) >> 16) & 0xffff), lsl #16
	movk	\reg, #(((\value) >> 32) & 0xffff), lsl #32
	.endm

	.section .text
	.globl	_start
_start:
	b	begin
	.long	0
	.quad	0			/* text_offset */
	.quad	0x10000			/* image_size */
	.quad	0xa			/* little-endian, 4 KiB, anywhere */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

begin:
	mov64	x28, HYPSEC_INJECT_BASE
	mov64	x27, UART0
	mov64	x26, HYPSEC_INJECT_BASE + HYPSEC_INJECT_SQ
	mov64	x25, HYPSEC_INJECT_BASE + HYPSEC_INJECT_CQ
	mov	x20, xzr
next:
	adr	x1, events
	and	x2, x20, #3
	add	x1, x1, x2, lsl #5
	ldp	x4, x5, [x1]
	ldp	x6, x7, [x1, #16]
	str	w4, [x26, #D(TYPE)]
	str	w20, [x26, #D(REPEAT)]
	str	x5, [x26, #D(ESR)]
	str	x6, [x26, #D(FAR)]
	lsr	x6, x6, #8
	str	x6, [x26, #D(HPFAR)]
	mov	x4, #1
	str	x4, [x26, #D(XMASK)]
	str	x7, [x26, #D(X)]
	str	x20, [x26, #D(COOKIE)]
	add	x26, x26, #HYPSEC_INJECT_RECORD_BYTES
	add	x20, x20, #1
	str	w20, [x28, #HYPSEC_INJECT_SQ_TAIL]
	/* The event takes this CPU away from here, and back. */
1:	ldr	w1, [x28, #HYPSEC_INJECT_CQ_TAIL]
	cmp	w1, w20
	b.ne	1b
	ldr	w0, [x25, #C(STATUS)]
	bl	print
	ldr	x0, [x25, #C(X)]
	bl	print
	ldr	x0, [x25, #C(PC)]
	bl	print
	ldr	x0, [x25, #C(ESR_EL1)]
	bl	print
	ldr	x0, [x25, #C(INSNS)]
	bl	print
	ldr	x0, [x25, #C(COUNT)]
	bl	print
	mrs	x0, cntpct_el0
	bl	print
	mov	w0, #'\n'
	str	w0, [x27]
	add	x25, x25, #HYPSEC_INJECT_RECORD_BYTES
	cmp	x20, #EVENTS
	b.lo	next
	mov64	x0, PSCI_SYSTEM_OFF
	smc	#0
	b	.

/* In: x0 a number; out: in hexadecimal with a space. Clobbers x1..x3 */
print:
	mov	x3, #60
1:	lsr	x1, x0, x3
	and	x1, x1, #15
	add	x2, x1, #'0'
	add	x1, x1, #('a' - 10)
	cmp	x2, #'9'
	csel	x1, x1, x2, hi
	str	w1, [x27]
	subs	x3, x3, #4
	b.hs	1b
	mov	w1, #' '
	str	w1, [x27]
	ret

	/* Type, ESR, FAR, x0. */
	.balign	8
events:
	.quad	HYPSEC_INJECT_HVC, 0x5a000000, 0, 30
	.quad	HYPSEC_INJECT_DABT, 0x93c08007, CARVEOUT, 0
	.quad	HYPSEC_INJECT_SMC, 0x5e000000, 0, PSCI_VERSION
	.quad	HYPSEC_INJECT_DABT, 0x93c08047, FREE, 0
