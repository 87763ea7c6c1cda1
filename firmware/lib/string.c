/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of the C library that the compiler and libfdt call. Written for
 * few instructions on large blocks; alignment is never assumed.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WORD sizeof(uint64_t)

static int both_aligned(const void *a, const void *b)
{
	return (((uintptr_t)a | (uintptr_t)b) & (WORD - 1)) == 0;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	uint8_t *d = to;
	const uint8_t *s = from;

	if (both_aligned(d, s)) {
		for (; n >= WORD; n -= WORD, d += WORD, s += WORD) {
			*(uint64_t *)(void *)d = *(const uint64_t *)
						 (const void *)s;
		}
	}
	while (n-- > 0) {
		*d++ = *s++;
	}
	return to;
}

static void *move_down(uint8_t *d, const uint8_t *s, size_t n)
{
	while (n-- > 0) {
		*d++ = *s++;
	}
	return d;
}

void *memmove(void *to, const void *from, size_t n)
{
	uint8_t *d = to;
	const uint8_t *s = from;

	if (d <= s || d >= s + n) {
		move_down(d, s, n);
		return to;
	}
	while (n-- > 0) {
		d[n] = s[n];
	}
	return to;
}

void *memset(void *to, int c, size_t n)
{
	uint8_t *d = to;
	uint64_t word = (uint8_t)c * UINT64_C(0x0101010101010101);

	if (both_aligned(d, d)) {
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
