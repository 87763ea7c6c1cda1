/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way into the hostvisor: by the Linux boot protocol on the first CPU (x0
 * the device tree), by PSCI CPU_ON on the others (x0 their struct cpu), both
 * at EL1 with the MMU off; and its exception vectors.
 */
#define SCTLR_VALUE	0x30d0198d	/* MMU, caches, SP alignment, RES1 */
#define MAIR_VALUE	0xff00		/* 0 device-nGnRnE, 1 normal */
#define TCR_VALUE	0x200803519	/* 39 bits, 4 KiB, inner shareable,
					   write-back, 40 bits out, no TTBR1 */
#define CPACR_FPEN	(3 << 20)

	.section .head, "ax"
	.globl	_start
_start:
	b	primary
	.long	0
	.quad	0			/* text_offset */
	.quad	__image_end - _start
	.quad	0xa			/* little-endian, 4 KiB, anywhere */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

	.text
primary:
	mov	x20, x0
	/* Nothing relocates this image. */
	adr	x0, _start
	ldr	x1, =_start
	cmp	x0, x1
	b.ne	.
	ldr	x0, =__bss_start
	ldr	x1, =__bss_end
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b
	ldr	x0, =__stack_top
	mov	sp, x0
	bl	mmu_fill_tables
	bl	mmu_on
	adr	x0, cpus
	msr	tpidr_el1, x0
	mov	x0, x20
	mov	x29, xzr
	mov	x30, xzr
	bl	host_main
	b	.

	/* x0: struct cpu, whose number is its stack's. */
	.globl	secondary_entry
secondary_entry:
	mov	x20, x0
	ldr	w1, [x0]
	ldr	x2, =__stack_top
	lsl	x1, x1, #14
	sub	sp, x2, x1
	bl	mmu_on
	msr	tpidr_el1, x20
	mov	x29, xzr
	mov	x30, xzr
	bl	secondary_main
	b	.

/* Clobbers x0, x1. */
mmu_on:
	ldr	x0, =vectors
	msr	vbar_el1, x0
	mov	x0, #CPACR_FPEN
	msr	cpacr_el1, x0
	ldr	x0, =MAIR_VALUE
	msr	mair_el1, x0
	ldr	x0, =TCR_VALUE
	msr	tcr_el1, x0
	adrp	x0, mmu_root
	add	x0, x0, :lo12:mmu_root
	msr	ttbr0_el1, x0
	msr	ttbr1_el1, xzr
	tlbi	vmalle1
	dsb	nsh
	isb
	ldr	x0, =SCTLR_VALUE
	msr	sctlr_el1, x0
	isb
	msr	daifclr, #4		/* SErrors */
	ret

	.macro	vector number
	.balign	128
	sub	sp, sp, #272
	stp	x0, x1, [sp]
	mov	x0, #\number
	b	exception
	.endm

	.balign	2048
vectors:
	vector	0
	vector	1
	vector	2
	vector	3
	vector	4
	vector	5
	vector	6
	vector	7
	vector	8
	vector	9
	vector	10
	vector	11
	vector	12
	vector	13
	vector	14
	vector	15

exception:
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
	mrs	x1, elr_el1
	stp	x30, x1, [sp, #240]
	mrs	x1, spsr_el1
	str	x1, [sp, #256]
	mov	x1, sp
	bl	exception_handler
	ldr	x1, [sp, #256]
	msr	spsr_el1, x1
	ldp	x30, x1, [sp, #240]
	msr	elr_el1, x1
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
	add	sp, sp, #272
	eret

/*
 * bool try_read(uint64_t addr, uint64_t *value)
 * bool try_read8(uint64_t addr, uint8_t *value)
 * bool try_write(uint64_t addr, uint64_t value)
 * bool try_write32(uint64_t addr, uint32_t value)
 * bool try_write8(uint64_t addr, uint8_t value)
 *
 * An access that may be refused: false if its first instruction ended in a
 * data abort, which exception_handler() sends on to try_failed.
 */
	.globl	try_read, try_read8, try_write, try_write32, try_write8
	.globl	try_start, try_end, try_failed
	.balign	16
try_start:
try_read:
	ldr	x2, [x0]
	str	x2, [x1]
	b	try_done
try_read8:
	ldrb	w2, [x0]
	strb	w2, [x1]
	b	try_done
try_write:
	str	x1, [x0]
	b	try_done
try_write32:
	str	w1, [x0]
	b	try_done
try_write8:
	strb	w1, [x0]
try_done:
	mov	x0, #1
	ret
try_end:
try_failed:
	mov	x0, #0
	ret
