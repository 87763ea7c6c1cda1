/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formats of the EL2 console, against what printf prints. */
#include "harness.h"

#include <string.h>

#include "core/console.h"
#include "core/locks.h"

/* The console must show @text, with a carriage return before each newline. */
static void assert_printed(const char *text)
{
	g_assert_cmpstr(native_console(), ==, text);
	native_console_reset();
}

static void text_stands(void)
{
	console_printf("plain text");
	assert_printed("plain text");
}

static void newline_gets_a_carriage_return(void)
{
	console_printf("a\nb\n");
	assert_printed("a\r\nb\r\n");
}

static void empty_format_prints_nothing(void)
{
	const char *empty = "";

	console_printf(empty, 0);
	assert_printed("");
}

static void strings_and_characters(void)
{
	console_printf("<%s|%c|%s>", "one", 'x', "");
	assert_printed("<one|x|>");
}

static void unsigned_numbers(void)
{
	console_printf("%u %u %u", 0u, 10u, UINT32_MAX);
	assert_printed("0 10 4294967295");
}

static void long_numbers(void)
{
	console_printf("%lu %lu", 0ul, UINT64_MAX);
	assert_printed("0 18446744073709551615");
}

static void hexadecimal_numbers(void)
{
	console_printf("%x %x %lx", 0u, 0xdeadbeefu, UINT64_MAX);
	assert_printed("0 deadbeef ffffffffffffffff");
}

static void width_fills_with_zeros(void)
{
	console_printf("%016lx %08x", 0x123ul, 0xabcu);
	assert_printed("0000000000000123 00000abc");
}

static void width_does_not_cut(void)
{
	console_printf("%02x", 0x12345u);
	assert_printed("12345");
}

static void percent_sign(void)
{
	console_printf("100%%");
	assert_printed("100%");
}

/* Formats that the compiler would not let through. */
static void print_unchecked(const char *fmt)
{
	console_printf(fmt, 1ul, 2ul);
}

static void unknown_conversion_stands(void)
{
	print_unchecked("<%d|%q|%5d|%ld>");
	assert_printed("<%d|%q|%5d|%ld>");
}

static void lone_percent_at_the_end_stands(void)
{
	print_unchecked("50%");
	assert_printed("50%");
}

static void cut_conversion_at_the_end_stands(void)
{
	print_unchecked("50%0l");
	assert_printed("50%0l");
}

static void random_numbers_match_printf(void)
{
	for (int i = 0; i < 2000; i++) {
		uint64_t n = random64() >> random_below(64);
		uint32_t m = (uint32_t)n;
		g_autofree char *expected =
			g_strdup_printf("%lu %lx %016lx %u %x %08x", n, n, n, m,
					m, m);

		console_printf("%lu %lx %016lx %u %x %08x", n, n, n, m, m, m);
		assert_printed(expected);
	}
}

static void lock_is_released(void)
{
	console_printf("x");
	g_assert_true(lock_none_is_held());
}

static void print(void *data)
{
	(void)data;
	console_printf("inside");
}

/* So the lock is taken: a second time is a bug that is caught. */
static void lock_held_panics(void)
{
	lock_console();
	assert_panics(print, NULL, "ticket_acquire");
}

static void unlocked_prints_with_the_lock_held(void)
{
	lock_console();
	console_printf_unlocked("%u\n", 7u);
	unlock_console();
	assert_printed("7\r\n");
}

static const struct unit_test tests[] = {
	UNIT_TEST("/console/text/stands", text_stands),
	UNIT_TEST("/console/text/newline", newline_gets_a_carriage_return),
	UNIT_TEST("/console/text/empty", empty_format_prints_nothing),
	UNIT_TEST("/console/format/strings-and-characters",
		  strings_and_characters),
	UNIT_TEST("/console/format/unsigned", unsigned_numbers),
	UNIT_TEST("/console/format/long", long_numbers),
	UNIT_TEST("/console/format/hexadecimal", hexadecimal_numbers),
	UNIT_TEST("/console/format/width-fills-with-zeros",
		  width_fills_with_zeros),
	UNIT_TEST("/console/format/width-does-not-cut", width_does_not_cut),
	UNIT_TEST("/console/format/percent", percent_sign),
	UNIT_TEST("/console/format/unknown-stands", unknown_conversion_stands),
	UNIT_TEST("/console/format/lone-percent-at-the-end",
		  lone_percent_at_the_end_stands),
	UNIT_TEST("/console/format/cut-at-the-end",
		  cut_conversion_at_the_end_stands),
	UNIT_TEST("/console/format/random-numbers",
		  random_numbers_match_printf),
	UNIT_TEST("/console/lock/is-released", lock_is_released),
	UNIT_TEST_DIES("/console/lock/held-panics", lock_held_panics),
	UNIT_TEST("/console/lock/unlocked-needs-none",
		  unlocked_prints_with_the_lock_held),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
