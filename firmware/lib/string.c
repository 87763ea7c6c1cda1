/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of the C library that the compiler and libfdt call. Written for
 * few instructions on large blocks; alignment is never assumed.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WORD sizeof(uint64_t)
#define HALF_WORD sizeof(uint32_t)

static int both_aligned(const void *a, const void *b, size_t unit)
{
	return (((uintptr_t)a | (uintptr_t)b) & (unit - 1)) == 0;
}

/* From the first byte on, so @d may lie before @s and overlap it. */
static void copy_up(uint8_t *d, const uint8_t *s, size_t n)
{
	if (both_aligned(d, s, WORD)) {
		for (; n >= WORD; n -= WORD, d += WORD, s += WORD) {
			*(uint64_t *)(void *)d = *(const uint64_t *)
						 (const void *)s;
		}
	}
	if (both_aligned(d, s, HALF_WORD)) {
		for (; n >= HALF_WORD;
		     n -= HALF_WORD, d += HALF_WORD, s += HALF_WORD) {
			*(uint32_t *)(void *)d = *(const uint32_t *)
						 (const void *)s;
		}
	}
	while (n-- > 0) {
		*d++ = *s++;
	}
}

/* From the last byte on, so @d may lie behind @s and overlap it. */
static void copy_down(uint8_t *d, const uint8_t *s, size_t n)
{
	if (both_aligned(d, s, HALF_WORD)) {
		for (; n % HALF_WORD != 0; n--) {
			d[n - 1] = s[n - 1];
		}
		for (; n > 0; n -= HALF_WORD) {
			*(uint32_t *)(void *)(d + n - HALF_WORD) =
				*(const uint32_t *)(const void *)
				(s + n - HALF_WORD);
		}
	}
	while (n-- > 0) {
		d[n] = s[n];
	}
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	copy_up(to, from, n);
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	uint8_t *d = to;
	const uint8_t *s = from;

	if (d <= s || d >= s + n) {
		copy_up(d, s, n);
	} else {
		copy_down(d, s, n);
	}
	return to;
}

void *memset(void *to, int c, size_t n)
{
	uint8_t *d = to;
	uint64_t word = (uint8_t)c * UINT64_C(0x0101010101010101);

	if (both_aligned(d, d, WORD)) {
		for (; n >= WORD; n -= WORD, d += WORD) {
			*(uint64_t *)(void *)d = word;
		}
	}
	while (n-- > 0) {
		*d++ = (uint8_t)c;
	}
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a;
	const uint8_t *y = b;

	for (; n > 0; n--, x++, y++) {
		if (*x != *y) {
			return *x - *y;
		}
	}
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const uint8_t *p = s;

	for (; n > 0; n--, p++) {
		if (*p == (uint8_t)c) {
			return (void *)(uintptr_t)p;
		}
	}
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p != '\0') {
		p++;
	}
	return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
	const char *end = memchr(s, '\0', max);

	return end != NULL ? (size_t)(end - s) : max;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c) {
			return (char *)(uintptr_t)s;
		}
		if (*s == '\0') {
			return NULL;
		}
	}
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	for (;; s++) {
		if (*s == (char)c) {
			found = s;
		}
		if (*s == '\0') {
			return (char *)(uintptr_t)found;
		}
	}
}
