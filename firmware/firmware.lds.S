/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware's image: linked where EL2 maps it, loaded anywhere at a page
 * boundary. Sections of different rights share no page.
 */
#include "arch/layout.h"

OUTPUT_ARCH(aarch64)
ENTRY(_start)

PHDRS
{
	text PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	data PT_LOAD FLAGS(6);
}

SECTIONS
{
	. = IMAGE_VA;
	.text : {
		KEEP(*(.head))
		KEEP(*(.vectors))
		*(.text .text.*)
		. = ALIGN(4096);
		__idmap_start = .;
		KEEP(*(.idmap))
		ASSERT(. - __idmap_start <= 4096, "idmap is one page");
		. = ALIGN(4096);
		__text_end = .;
	} :text
	.rodata : {
		*(.rodata .rodata.*)
		. = ALIGN(4096);
		__rodata_end = .;
	} :rodata
	.data : {
		*(.data .data.*)
		. = ALIGN(64);
		__load_end = .;
	} :data
	.bss (NOLOAD) : {
		/* What the MMU is turned on with lies together. */
		. = ALIGN(4096);
		__tables_start = .;
		*(.bss.tables)
		/* One guard page, then one stack, for each CPU; twice. */
		__stacks_start = .;
		. += STACK_STRIDE * 8;
		__panic_stacks_start = .;
		. += STACK_STRIDE * 8;
		__stacks_end = .;
		*(.bss .bss.* COMMON)
		. = ALIGN(4096);
		__image_end = .;
	} :data
	__stack0_top = __stacks_start + STACK_STRIDE;
	__panic_stack0_top = __panic_stacks_start + STACK_STRIDE;
	ASSERT(__image_end - IMAGE_VA <= DEVICE_WINDOW_OFFSET,
	       "the image does not fit its window")
	/DISCARD/ : {
		*(.comment) *(.note*) *(.eh_frame*) *(.interp) *(.dynamic)
	}
}
