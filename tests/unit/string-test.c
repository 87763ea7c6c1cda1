/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware's string functions against the C library's. They are compiled
 * with an fw_ before each name; buffers are heap blocks of the exact size, so
 * that a byte too much is caught.
 */
#include "harness.h"

#include <string.h>

void *fw_memcpy(void *to, const void *from, size_t n);
void *fw_memmove(void *to, const void *from, size_t n);
void *fw_memset(void *to, int c, size_t n);
int fw_memcmp(const void *a, const void *b, size_t n);
void *fw_memchr(const void *s, int c, size_t n);
size_t fw_strlen(const char *s);
size_t fw_strnlen(const char *s, size_t max);
char *fw_strchr(const char *s, int c);
char *fw_strrchr(const char *s, int c);

#define LIMIT 80
#define ROUNDS 3000

/* @n random bytes at the end of a heap block, at @shift from its start. */
static uint8_t *random_bytes(size_t shift, size_t n)
{
	uint8_t *block = g_malloc(shift + n + 1);

	for (size_t i = 0; i < shift + n; i++) {
		/* Few values, so that equal bytes meet. */
		block[i] = (uint8_t)(random_below(4) * 0x55);
	}
	return block;
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void memcpy_matches(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = random_below(LIMIT);
		size_t to = random_below(9);
		size_t from = random_below(9);
		uint8_t *a = random_bytes(to, n);
		uint8_t *b = g_memdup2(a, to + n + 1);
		uint8_t *source = random_bytes(from, n);

		a = g_realloc(a, to + n + 1);
		a[to + n] = 0xee;
		b[to + n] = 0xee;
		g_assert_true(fw_memcpy(a + to, source + from, n) == a + to);
		memcpy(b + to, source + from, n);
		g_assert_cmpmem(a, to + n + 1, b, to + n + 1);
		g_free(a);
		g_free(b);
		g_free(source);
	}
}

static void memmove_matches_with_overlap(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = random_below(LIMIT);
		size_t to = random_below(LIMIT);
		size_t from = random_below(LIMIT);
		uint8_t *a = random_bytes(LIMIT, n);
		uint8_t *b = g_memdup2(a, LIMIT + n);

		g_assert_true(fw_memmove(a + to, a + from, n) == a + to);
		memmove(b + to, b + from, n);
		g_assert_cmpmem(a, LIMIT + n, b, LIMIT + n);
		g_free(a);
		g_free(b);
	}
}

static void memset_matches(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = random_below(LIMIT);
		size_t shift = random_below(9);
		int c = (int)random_below(1000) - 500;
		uint8_t *a = random_bytes(shift, n);
		uint8_t *b;

		a[shift + n] = 0xee;
		b = g_memdup2(a, shift + n + 1);
		g_assert_true(fw_memset(a + shift, c, n) == a + shift);
		memset(b + shift, c, n);
		g_assert_cmpmem(a, shift + n + 1, b, shift + n + 1);
		g_free(a);
		g_free(b);
	}
}

static void memcmp_has_the_same_sign(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = random_below(LIMIT);
		uint8_t *a = random_bytes(0, n);
		uint8_t *b = g_memdup2(a, n + 1);

		if (n > 0 && random_below(4) != 0) {
			b[random_below(n)] = (uint8_t)random64();
		}
		g_assert_cmpint(sign(fw_memcmp(a, b, n)), ==,
				sign(memcmp(a, b, n)));
		g_free(a);
		g_free(b);
	}
}

static void memchr_matches(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = random_below(12);
		uint8_t *a = random_bytes(0, n);
		int c = (int)(random_below(8) * 0x55);

		g_assert_true(fw_memchr(a, c, n) == memchr(a, c, n));
		g_free(a);
	}
}

/* A string of @n characters, none of them zero, in a block of n + 1. */
static char *random_string(size_t n)
{
	char *s = g_malloc(n + 1);

	for (size_t i = 0; i < n; i++) {
		s[i] = (char)(1 + random_below(4) * 0x50);
	}
	s[n] = '\0';
	return s;
}

static void strlen_matches(void)
{
	for (size_t n = 0; n < LIMIT; n++) {
		char *s = random_string(n);

		g_assert_cmpuint(fw_strlen(s), ==, n);
		g_free(s);
	}
}

static void strnlen_matches(void)
{
	for (size_t n = 0; n < 20; n++) {
		char *s = random_string(n);

		for (size_t max = 0; max < 24; max++) {
			g_assert_cmpuint(fw_strnlen(s, max), ==, MIN(n, max));
		}
		g_assert_cmpuint(fw_strnlen(s, SIZE_MAX), ==, n);
		g_free(s);
	}
}

static void strchr_matches(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		char *s = random_string(random_below(12));
		int c = random_below(3) == 0 ? 0 :
					       (int)(1 + random_below(5) * 0x50);

		g_assert_true(fw_strchr(s, c) == strchr(s, c));
		g_free(s);
	}
}

static void strrchr_matches(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		char *s = random_string(random_below(12));
		int c = random_below(3) == 0 ? 0 :
					       (int)(1 + random_below(5) * 0x50);

		g_assert_true(fw_strrchr(s, c) == strrchr(s, c));
		g_free(s);
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST("/string/memcpy/matches", memcpy_matches),
	UNIT_TEST("/string/memmove/matches-with-overlap",
		  memmove_matches_with_overlap),
	UNIT_TEST("/string/memset/matches", memset_matches),
	UNIT_TEST("/string/memcmp/has-the-same-sign", memcmp_has_the_same_sign),
	UNIT_TEST("/string/memchr/matches", memchr_matches),
	UNIT_TEST("/string/strlen/matches", strlen_matches),
	UNIT_TEST("/string/strnlen/matches", strnlen_matches),
	UNIT_TEST("/string/strchr/matches", strchr_matches),
	UNIT_TEST("/string/strrchr/matches", strrchr_matches),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
