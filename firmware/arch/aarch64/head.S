/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entry points into EL2: reset, CPU_ON, and the way into the host.
 *
 * All code before the MMU is on is position independent: it runs in flash,
 * then in the copy inside the carve-out, at addresses that differ from the
 * link address by a multiple of the page size.
 */
#include "arch/layout.h"
#include "hypsec/boot_block.h"
#include "plat/hypsec-virt/memmap.h"

	.macro	mov64 reg, value
	movz	\reg, #((\value) & 0xffff)
	movk	\reg, #(((\value) >> 16) & 0xffff), lsl #16
	movk	\reg, #(((\value) >> 32) & 0xffff), lsl #32
	movk	\reg, #(((\value) >> 48) & 0xffff), lsl #48
	.endm

	.section .head, "ax"

/*
 * _start - the board enters here after reset
 * In:  x0 PA of the boot block; EL2, MMU off, one CPU
 * Out: does not return; copies the image into the carve-out, builds EL2's
 *	tables there, turns the MMU on and calls boot_main(x0: boot block PA)
 * Clobbers: everything; no stack before the copy
 */
	.globl	_start
_start:
	msr	daifset, #0xf
	mov	x19, x0
	mrs	x1, CurrentEL
	cmp	x1, #(2 << 2)
	adr	x21, message_el
	b.ne	early_failure
	mov64	x1, SCTLR_EL2_RES1
	msr	sctlr_el2, x1
	/* HCR_EL2.E2H is not reset to a known value; nothing here uses it. */
	mov64	x1, (1 << 31)
	msr	hcr_el2, x1
	isb

	/* The block is page aligned, so reading it cannot cross a page. */
	adr	x21, message_block
	cbz	x19, early_failure
	tst	x19, #0xfff
	b.ne	early_failure
	ldr	x1, [x19, #HYPSEC_BOOT_BLOCK_MAGIC_OFF]
	mov64	x2, HYPSEC_BOOT_BLOCK_MAGIC
	cmp	x1, x2
	b.ne	early_failure
	ldr	x1, [x19, #HYPSEC_BOOT_BLOCK_BASE_OFF]
	cmp	x1, x19
	b.ne	early_failure
	ldr	x1, [x19, #HYPSEC_BOOT_BLOCK_SIZE_OFF]
	cmp	x1, #CARVEOUT_POOL_OFFSET
	adr	x21, message_size
	b.ls	early_failure

	/*
	 * With caches off everything below is written to memory behind them.
	 * Lines that an earlier boot left are dropped before each step, so
	 * that they neither overwrite it nor hide it from the cached accesses
	 * to come.
	 */
	add	x20, x19, #CARVEOUT_IMAGE_OFFSET
	bl	invalidate_image

	/* Copy the image; lengths are multiples of 64 by the linker script. */
	adr	x1, _start
	adrp	x3, __load_end
	add	x3, x3, #:lo12:__load_end
	mov	x2, x20
1:	ldp	x4, x5, [x1], #16
	ldp	x6, x7, [x1], #16
	stp	x4, x5, [x2], #16
	stp	x6, x7, [x2], #16
	cmp	x1, x3
	b.lo	1b
	/* Zero what is not in the file. */
	adr	x1, _start
	adrp	x3, __image_end
	add	x3, x3, #:lo12:__image_end
	sub	x3, x3, x1
	add	x3, x3, x20
2:	stp	xzr, xzr, [x2], #16
	stp	xzr, xzr, [x2], #16
	stp	xzr, xzr, [x2], #16
	stp	xzr, xzr, [x2], #16
	cmp	x2, x3
	b.lo	2b
	bl	invalidate_image
	ic	ialluis
	dsb	sy
	isb
	adr	x1, _start
	adr	x2, relocated
	sub	x2, x2, x1
	add	x2, x2, x20
	br	x2

relocated:
	/* From here PC-relative addresses are the carve-out's. */
	adrp	x1, __stack0_top
	add	x1, x1, #:lo12:__stack0_top
	mov	sp, x1
	mov	x29, xzr
	mov	x0, x19
	bl	el2_tables_init
	adr	x21, message_carveout
	cbnz	w0, early_failure
	/* The tables and the stack were written with caches off as well. */
	adrp	x2, __tables_start
	adrp	x3, __stack0_top
	bl	invalidate_pages
	mov64	x1, IMAGE_VA
	adrp	x2, _start
	sub	x1, x1, x2
	/* VA = PA + x1 inside the image. */
	mov	x0, sp
	add	x0, x0, x1
	mov	sp, x0
	adrp	x30, boot_main
	add	x30, x30, #:lo12:boot_main
	add	x30, x30, x1
	mov	x0, x19
	b	el2_mmu_on

/*
 * invalidate_image - drop the cache lines of the image in the carve-out
 * In:  x20 PA of the image
 * Clobbers: x1 to x5
 *
 * invalidate_pages - the same of other pages: x2 first PA, x3 end
 */
invalidate_image:
	adr	x1, _start
	adrp	x3, __image_end
	add	x3, x3, #:lo12:__image_end
	sub	x3, x3, x1
	add	x3, x3, x20
	mov	x2, x20
invalidate_pages:
	mrs	x4, ctr_el0
	ubfx	x4, x4, #16, #4
	mov	x5, #4
	lsl	x4, x5, x4
	/* What was stored reaches memory before its line is dropped. */
	dsb	sy
	/* Whole pages are a multiple of four lines. */
3:	dc	ivac, x2
	add	x2, x2, x4
	dc	ivac, x2
	add	x2, x2, x4
	dc	ivac, x2
	add	x2, x2, x4
	dc	ivac, x2
	add	x2, x2, x4
	cmp	x2, x3
	b.lo	3b
	dsb	sy
	ret

/*
 * early_failure - a panic with no stack and no MMU: says x21 on the EL2
 * console, raises pvpanic and stops
 */
early_failure:
	mov64	x1, UART1_BASE
	mov	w2, #0x301
	str	w2, [x1, #0x30]
4:	ldrb	w2, [x21], #1
	cbz	w2, 5f
	str	w2, [x1]
	b	4b
5:	mov64	x1, PVPANIC_BASE
	mov	w2, #PVPANIC_PANICKED
	strb	w2, [x1]
	dsb	sy
6:	wfi
	b	6b

message_el:
	.asciz	"corevisor: must be entered at EL2\r\n"
message_block:
	.asciz	"corevisor: x0 does not point to a boot block (board hand-off)\r\n"
message_size:
	.asciz	"corevisor: el2-mem is too small: more than 4 MiB needed\r\n"
message_carveout:
	.asciz	"corevisor: the carve-out is not 2 MiB aligned RAM\r\n"
	.balign	4

/*
 * The identity-mapped page: code that runs while the MMU is turned on.
 */
	.section .idmap, "ax"

/*
 * el2_secondary_entry - CPU_ON brings a CPU here
 * In:  x0 number of the CPU; EL2, MMU off
 * Out: does not return; calls boot_secondary(x0: number) on its own stack
 */
	.globl	el2_secondary_entry
el2_secondary_entry:
	msr	daifset, #0xf
	mov64	x1, SCTLR_EL2_RES1
	msr	sctlr_el2, x1
	mov64	x1, (1 << 31)
	msr	hcr_el2, x1
	isb
	mov64	x1, IMAGE_VA
	adrp	x2, _start
	sub	x1, x1, x2
	/* Stack: __stack0_top + number * STACK_STRIDE, as a VA. */
	adrp	x3, __stack0_top
	add	x3, x3, #:lo12:__stack0_top
	mov	x4, #STACK_STRIDE
	madd	x3, x4, x0, x3
	add	x3, x3, x1
	mov	sp, x3
	mov	x29, xzr
	adrp	x30, boot_secondary
	add	x30, x30, #:lo12:boot_secondary
	add	x30, x30, x1

/*
 * el2_mmu_on - turn this CPU's EL2 MMU and caches on
 * In:  x30 VA to go to, sp a VA; runs at its physical address
 * Out: x0 kept, x1 to x4 clobbered
 */
el2_mmu_on:
	adrp	x1, el2_root_table
	add	x1, x1, #:lo12:el2_root_table
	msr	ttbr0_el2, x1
	mov64	x1, MAIR_EL2_VALUE
	msr	mair_el2, x1
	mov64	x1, TCR_EL2_VALUE
	msr	tcr_el2, x1
	isb
	tlbi	alle2
	dsb	nsh
	isb
	mov64	x1, SCTLR_EL2_MMU_ON
	msr	sctlr_el2, x1
	isb
	ret

	.text

/*
 * el2_enter_host - leave EL2 for the first time on this CPU
 * In:  x0 the host's x0, x1 its PC; SPSR and the rest of the host's state set
 * Out: does not return; no other register holds anything of EL2's
 */
	.globl	el2_enter_host
el2_enter_host:
	msr	elr_el2, x1
	.irp	n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	mov	x\n, xzr
	.endr
	.irp	n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
	mov	x\n, xzr
	.endr
	/* EL2 looked its own image's address up. */
	msr	par_el1, xzr
	msr	sp_el0, xzr
	msr	sp_el1, xzr
	msr	elr_el1, xzr
	msr	spsr_el1, xzr
	eret
	dsb	nsh
	isb

/* cpu_smc - see arch/cpu.h; the arguments are in place already */
	.globl	cpu_smc
cpu_smc:
	smc	#0
	ret

/* cpu_park - see arch/cpu.h */
	.globl	cpu_park
cpu_park:
	msr	daifset, #0xf
6:	wfi
	b	6b

/* mem_zero - see arch/mem.h; x0 address, x1 bytes, both 64-byte aligned */
	.globl	mem_zero
mem_zero:
	mov	x3, x1
	add	x1, x0, x1
	mrs	x2, dczid_el0
	and	w2, w2, #0x1f
	cmp	w2, #4
	b.ne	8f
	/* Two at a time. */
	tbz	x3, #6, 7f
	dc	zva, x0
	add	x0, x0, #64
	b	7f
6:	dc	zva, x0
	add	x0, x0, #64
	dc	zva, x0
	add	x0, x0, #64
7:	cmp	x0, x1
	b.lo	6b
	ret
	/* DC ZVA prohibited, or its block is not 64 bytes. */
8:	cmp	x0, x1
	b.hs	9f
	stp	xzr, xzr, [x0], #16
	b	8b
9:	ret

/* mem_clean_poc - see arch/mem.h; x0 address, x1 bytes */
	.globl	mem_clean_poc
mem_clean_poc:
	add	x1, x0, x1
	mrs	x2, ctr_el0
	ubfx	x2, x2, #16, #4
	mov	x3, #4
	lsl	x2, x3, x2
	sub	x3, x2, #1
	bic	x0, x0, x3
	b	11f
10:	dc	civac, x0
	add	x0, x0, x2
11:	cmp	x0, x1
	b.lo	10b
	dsb	sy
	ret
