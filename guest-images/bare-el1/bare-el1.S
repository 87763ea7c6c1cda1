/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bare-el1: the least that enters the host at EL1, given as -bios. The
 * reference for every measurement of "the host without a corevisor".
 *
 * In: x0 PA of the boot block, EL2, MMU off, one CPU. The kernel's address
 * follows from the device tree's place: the board puts an Image at the first
 * 2 MiB boundary behind RAM_BASE + 2 MiB, plus its text_offset of 0.
 */
#include "hypsec/boot_block.h"

#define KERNEL		0x40200000
#define HCR_RW_API_APK	0x0000030080000000
#define CNTHCTL_EL1	3
#define CPTR_NO_TRAPS	0x22ff
#define SCTLR_EL1_OFF	0x30d00800
#define SPSR_EL1H	0x3c5
#define ICC_SRE_ON	0xf

	.section .text
	.globl	_start
_start:
	ldr	x0, [x0, #HYPSEC_BOOT_BLOCK_DTB_OFF]
	ldr	x1, =HCR_RW_API_APK
	msr	hcr_el2, x1
	mov	x1, #CNTHCTL_EL1
	msr	cnthctl_el2, x1
	msr	cntvoff_el2, xzr
	mov	x1, #CPTR_NO_TRAPS
	msr	cptr_el2, x1
	msr	hstr_el2, xzr
	mrs	x1, pmcr_el0
	ubfx	x1, x1, #11, #5
	msr	mdcr_el2, x1
	msr	vttbr_el2, xzr
	mrs	x1, midr_el1
	msr	vpidr_el2, x1
	mrs	x1, mpidr_el1
	msr	vmpidr_el2, x1
	mrs	x1, id_aa64pfr0_el1
	ubfx	x1, x1, #24, #4
	cbz	x1, 1f
	mov	x1, #ICC_SRE_ON
	msr	s3_4_c12_c9_5, x1
1:	ldr	x1, =SCTLR_EL1_OFF
	msr	sctlr_el1, x1
	mov	x1, #SPSR_EL1H
	msr	spsr_el2, x1
	ldr	x1, =KERNEL
	msr	elr_el2, x1
	mov	x1, xzr
	mov	x2, xzr
	mov	x3, xzr
	eret
	.ltorg
