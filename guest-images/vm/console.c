/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PL011 of a VM, by polling. Every byte is an exit to the host, so the
 * flag register is not asked: this UART is emulated and takes all it is given.
 */
#include <stdarg.h>

#include "hostvisor/device.h"
#include "vm.h"

#define UARTDR		UINT64_C(0x09000000)
#define LINE_BYTES	200u
#define STATUS_OK	0u
#define STATUS_FAIL	1u

struct line {
	unsigned int used;
	char text[LINE_BYTES];
};

static bool console_taken;

static void add(struct line *line, char byte)
{
	if (line->used < LINE_BYTES) {
		line->text[line->used++] = byte;
	}
}

static void add_text(struct line *line, const char *text)
{
	while (*text) {
		add(line, *text++);
	}
}

static void add_number(struct line *line, uint64_t value, unsigned int base)
{
	char digits[20];
	unsigned int count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (count) {
		add(line, digits[--count]);
	}
}

static void add_signed(struct line *line, int64_t value)
{
	if (value < 0) {
		add(line, '-');
		add_number(line, -(uint64_t)value, 10);
	} else {
		add_number(line, (uint64_t)value, 10);
	}
}

/* %s %c %d %u %x, and %ld %lu %lx; "%%" is a percent sign. */
static void add_format(struct line *line, const char *format, va_list args)
{
	for (; *format; format++) {
		bool is_long;

		if (*format != '%') {
			add(line, *format);
			continue;
		}
		format++;
		is_long = *format == 'l';
		format += is_long;
		switch (*format) {
		case 's':
			add_text(line, va_arg(args, const char *));
			break;
		case 'c':
			add(line, (char)va_arg(args, int));
			break;
		case 'd':
			add_signed(line, is_long ? va_arg(args, long) :
					 va_arg(args, int));
			break;
		case 'u':
		case 'x':
			add_number(line, is_long ? va_arg(args, unsigned long) :
					 va_arg(args, unsigned int),
				   *format == 'x' ? 16 : 10);
			break;
		default:
			add(line, *format);
			break;
		}
	}
}

static void put_line(const struct line *line)
{
	while (__atomic_exchange_n(&console_taken, true, __ATOMIC_ACQUIRE)) {
		__asm__ volatile("wfe" ::: "memory");
	}
	for (unsigned int i = 0; i < line->used; i++) {
		vm_mmio_write8(UARTDR, (uint8_t)line->text[i]);
	}
	vm_mmio_write8(UARTDR, '\n');
	__atomic_store_n(&console_taken, false, __ATOMIC_RELEASE);
	__asm__ volatile("dsb ish\n\tsev" ::: "memory");
}

/**
 * vm_print() - a line on the console
 * @format: as printf's, see add_format(); without the end of line
 */
void vm_print(const char *format, ...)
{
	struct line line = { .used = 0 };
	va_list args;

	va_start(args, format);
	add_format(&line, format, args);
	va_end(args);
	put_line(&line);
}

static void VM_NORETURN finish(unsigned int status, const char *format,
			       va_list args)
{
	struct line line = { .used = 0 };

	add_text(&line, status ? "HYPSEC-VM-FAIL " : "HYPSEC-VM-OK ");
	add_text(&line, vm_name);
	add(&line, ' ');
	add_format(&line, format, args);
	put_line(&line);
	if (vm_has_device) {
		vm_mmio_write(VM_DEVICE + HOSTVISOR_STATUS, status);
	}
	vm_system_off();
}

/**
 * vm_ok() - all went well: say so and power the VM off
 * @format: what there is to say
 */
void vm_ok(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	finish(STATUS_OK, format, args);
}

/**
 * vm_fail() - something is wrong: say what and power the VM off
 * @format: what there is to say
 */
void vm_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	finish(STATUS_FAIL, format, args);
}
