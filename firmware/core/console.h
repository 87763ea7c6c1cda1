/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The EL2 console. Layer: AbstractMachine.
 */
#ifndef COREVISOR_CORE_CONSOLE_H
#define COREVISOR_CORE_CONSOLE_H

#include "core/types.h"

/**
 * console_printf() - print to the EL2 console
 * @fmt: as printf, with %s %c %u %x %lu %lx %% and, before x and lx, an
 *	 optional width with leading zeros (%016lx); anything else is printed
 *	 as it stands
 *
 * Never prints data of a VM. A device that takes no more bytes loses them:
 * EL2 does not wait for it.
 * Locks: takes console
 */
void console_printf(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* As console_printf(), without the lock: for a panic. */
void console_vprintf_unlocked(const char *fmt, __builtin_va_list ap);
void console_printf_unlocked(const char *fmt, ...) PRINTF_LIKE(1, 2);

/**
 * console_putc() - write one byte to the console device
 * @c: the byte
 *
 * Provided by plat/ (and by the host build).
 */
void console_putc(char c);

#endif /* COREVISOR_CORE_CONSOLE_H */
