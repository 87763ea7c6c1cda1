/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Formatted output to the EL2 console. Layer: AbstractMachine.
 * Locks: console.
 */
#include "core/console.h"

#include "core/locks.h"

/* Digits of the largest 64-bit number in the smallest base used. */
#define MAX_DIGITS 20

static void put_number(uint64_t value, unsigned int base, unsigned int width)
{
	char digits[MAX_DIGITS];
	unsigned int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	while (width > n) {
		console_putc('0');
		width--;
	}
	while (n > 0) {
		console_putc(digits[--n]);
	}
}

static void put_string(const char *s)
{
	while (*s != '\0') {
		console_putc(*s++);
	}
}

/*
 * Prints one conversion that starts after the '%' at @fmt and returns what
 * follows it.
 */
static const char *put_conversion(const char *fmt, __builtin_va_list *ap)
{
	const char *start = fmt;
	unsigned int width = 0;
	bool is_long = false;

	while (*fmt >= '0' && *fmt <= '9') {
		width = width * 10 + (unsigned int)(*fmt++ - '0');
	}
	if (*fmt == 'l') {
		is_long = true;
		fmt++;
	}
	switch (*fmt) {
	case 's':
		put_string(__builtin_va_arg(*ap, const char *));
		break;
	case 'c':
		console_putc((char)__builtin_va_arg(*ap, int));
		break;
	case 'u':
	case 'x':
		put_number(is_long ? __builtin_va_arg(*ap, unsigned long) :
				     __builtin_va_arg(*ap, unsigned int),
			   *fmt == 'x' ? 16 : 10, width);
		break;
	case '%':
		console_putc('%');
		break;
	default:
		console_putc('%');
		return start;
	}
	return fmt + 1;
}

void console_vprintf_unlocked(const char *fmt, __builtin_va_list ap)
{
	__builtin_va_list args;

	__builtin_va_copy(args, ap);
	while (*fmt != '\0') {
		if (*fmt == '%') {
			fmt = put_conversion(fmt + 1, &args);
		} else {
			if (*fmt == '\n') {
				console_putc('\r');
			}
			console_putc(*fmt++);
		}
	}
	__builtin_va_end(args);
}

void console_printf_unlocked(const char *fmt, ...)
{
	__builtin_va_list ap;

	__builtin_va_start(ap, fmt);
	console_vprintf_unlocked(fmt, ap);
	__builtin_va_end(ap);
}

void console_printf(const char *fmt, ...)
{
	__builtin_va_list ap;

	__builtin_va_start(ap, fmt);
	lock_console();
	console_vprintf_unlocked(fmt, ap);
	unlock_console();
	__builtin_va_end(ap);
}
