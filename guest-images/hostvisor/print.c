/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages: a small printf, whole lines under one lock so that those of the
 * VMs and the host's own do not mix.
 */
#include <stdarg.h>
#include <string.h>

#include "host.h"
#include "pl011.h"

#define LINE_BYTES 256

/* Longer than anybody prints; after that somebody died with the lock. */
#define LAST_WORDS_SPINS 10000000u

static struct lock console_lock;
static bool dying;

struct sink {
	char *to;
	size_t size;
	size_t used;
};

static void put(struct sink *sink, char c)
{
	if (sink->used + 1 < sink->size) {
		sink->to[sink->used++] = c;
	}
}

static void put_text(struct sink *sink, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		put(sink, text[i]);
	}
}

static void put_number(struct sink *sink, uint64_t value, unsigned int radix,
		       unsigned int width, char fill)
{
	char digits[20];
	unsigned int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % radix];
		value /= radix;
	} while (value != 0);
	while (width > n) {
		put(sink, fill);
		width--;
	}
	while (n > 0) {
		put(sink, digits[--n]);
	}
}

static uint64_t take_number(va_list *args, bool is_long)
{
	return is_long ? va_arg(*args, uint64_t) : va_arg(*args, uint32_t);
}

static void put_signed(struct sink *sink, va_list *args, bool is_long)
{
	int64_t value = is_long ? va_arg(*args, int64_t) :
				  va_arg(*args, int32_t);

	if (value < 0) {
		put(sink, '-');
	}
	put_number(sink, value < 0 ? 0 - (uint64_t)value : (uint64_t)value,
		   10, 0, ' ');
}

/* One conversion behind its '%'; what comes behind it. */
static const char *put_conversion(struct sink *sink, const char *f,
				  va_list *args)
{
	char fill = *f == '0' ? '0' : ' ';
	unsigned int width = 0;
	bool is_long = false;
	const char *text;

	for (; *f >= '0' && *f <= '9'; f++) {
		width = width * 10 + (unsigned int)(*f - '0');
	}
	for (; *f == 'l'; f++) {
		is_long = true;
	}
	switch (*f) {
	case 'd':
		put_signed(sink, args, is_long);
		break;
	case 'u':
		put_number(sink, take_number(args, is_long), 10, width, fill);
		break;
	case 'x':
		put_number(sink, take_number(args, is_long), 16, width, fill);
		break;
	case 'c':
		put(sink, (char)va_arg(*args, int));
		break;
	case 's':
		text = va_arg(*args, const char *);
		put_text(sink, text, strlen(text));
		break;
	default:
		put(sink, *f);
		break;
	}
	return f + 1;
}

static size_t format_args(char *to, size_t size, const char *format,
			  va_list *args)
{
	struct sink sink = { .to = to, .size = size };

	while (*format != '\0') {
		if (*format != '%') {
			put(&sink, *format++);
		} else {
			format = put_conversion(&sink, format + 1, args);
		}
	}
	to[sink.used] = '\0';
	return sink.used;
}

/**
 * format_text() - printf into memory: %d %u %x, with l, width and 0; %c %s
 *
 * What does not fit @size with its final NUL is cut off.
 *
 * Returns: the bytes before the NUL
 */
size_t format_text(char *to, size_t size, const char *format, ...)
{
	va_list args;
	size_t used;

	va_start(args, format);
	used = format_args(to, size, format, &args);
	va_end(args);
	return used;
}

/* The host's last words come out whoever has the lock. */
static void acquire_console(void)
{
	uint32_t spins = 0;

	while (!lock_try(&console_lock)) {
		if (__atomic_load_n(&dying, __ATOMIC_RELAXED) &&
		    ++spins == LAST_WORDS_SPINS) {
			break;
		}
	}
}

static void send(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n') {
			pl011_put('\r');
		}
		pl011_put(text[i]);
	}
}

/**
 * print_line() - write a line of somebody's
 * @prefix: what stands in front
 * @text:   the line, without its end
 * @length: bytes of @text
 *
 * Locks: console
 */
void print_line(const char *prefix, const char *text, size_t length)
{
	acquire_console();
	send(prefix, strlen(prefix));
	send(text, length);
	send("\n", 1);
	lock_release(&console_lock);
}

/* Bytes as they are. Locks: console */
void print_raw(const char *text, size_t length)
{
	acquire_console();
	for (size_t i = 0; i < length; i++) {
		pl011_put(text[i]);
	}
	lock_release(&console_lock);
}

static void print_args(const char *prefix, const char *format, va_list *args)
{
	char line[LINE_BYTES];
	size_t length = format_args(line, sizeof(line), format, args);

	print_line(prefix, line, length);
}

/* A line of the host's; none with hypsec.raw. Locks: console */
void print(const char *format, ...)
{
	va_list args;

	if (options.raw) {
		return;
	}
	va_start(args, format);
	print_args("[host] ", format, &args);
	va_end(args);
}

/* The same, only with hypsec.verbose. */
void print_verbose(const char *format, ...)
{
	va_list args;

	if (!options.verbose) {
		return;
	}
	va_start(args, format);
	print_args("[host] ", format, &args);
	va_end(args);
}

/* The host cannot go on: says why and powers the board off. */
void fatal(const char *format, ...)
{
	va_list args;

	__atomic_store_n(&dying, true, __ATOMIC_RELAXED);
	va_start(args, format);
	print_args("[host] error: ", format, &args);
	va_end(args);
	host_exit(100);
}
