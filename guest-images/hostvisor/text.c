/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers and options out of text. */
#include <string.h>

#include "host.h"

static int digit_of(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	if (c >= 'A' && c <= 'F') {
		return c - 'A' + 10;
	}
	return 16;
}

static unsigned int unit_shift(char c)
{
	switch (c) {
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	default:
		return 0;
	}
}

/**
 * text_number() - read a number, decimal or 0x, with an optional unit K, M, G
 * @text:   the number and nothing else
 * @length: its bytes
 * @value:  gets it; unchanged if there is none
 *
 * Returns: whether it is one, and fits 64 bits
 */
bool text_number(const char *text, size_t length, uint64_t *value)
{
	unsigned int radix = 10;
	unsigned int shift = length > 0 ? unit_shift(text[length - 1]) : 0;
	uint64_t sum = 0;
	size_t i = 0;

	if (shift != 0) {
		length--;
	}
	if (length > 2 && text[0] == '0' && text[1] == 'x') {
		radix = 16;
		i = 2;
	}
	if (i == length) {
		return false;
	}
	for (; i < length; i++) {
		unsigned int digit = (unsigned int)digit_of(text[i]);

		if (digit >= radix || sum > (UINT64_MAX - digit) / radix) {
			return false;
		}
		sum = sum * radix + digit;
	}
	if (sum > UINT64_MAX >> shift) {
		return false;
	}
	*value = sum << shift;
	return true;
}

/**
 * text_option() - find name=value among words
 * @line:   words with spaces between them
 * @name:   with its '='
 * @length: gets the bytes of the value
 *
 * Returns: the value; NULL if there is none. The last of several counts
 */
const char *text_option(const char *line, const char *name, size_t *length)
{
	size_t name_length = strlen(name);
	const char *found = NULL;

	while (*line != '\0') {
		size_t n = 0;

		while (line[n] != '\0' && line[n] != ' ') {
			n++;
		}
		if (n >= name_length && memcmp(line, name, name_length) == 0) {
			found = line + name_length;
			*length = n - name_length;
		}
		line += n;
		while (*line == ' ') {
			line++;
		}
	}
	return found;
}
