/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Archives of the "newc" kind: for each file a header of 110 characters, its
 * name and its data, the last two padded to four bytes. Nothing in them is
 * believed.
 */
#include "cpio.h"

#include <string.h>

#define HEADER_BYTES	110
#define FIELD_SIZE	6
#define FIELD_NAMESIZE	11
#define TRAILER		"TRAILER!!!"

/* Field @index, eight hexadecimal digits; false if it is none. */
static bool read_field(const uint8_t *header, int index, uint64_t *value)
{
	const uint8_t *digit = header + 6 + index * 8;

	*value = 0;
	for (int i = 0; i < 8; i++) {
		uint8_t c = digit[i];

		if (c >= '0' && c <= '9') {
			c = (uint8_t)(c - '0');
		} else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
			c = (uint8_t)((c | 0x20) - 'a' + 10);
		} else {
			return false;
		}
		*value = *value << 4 | c;
	}
	return true;
}

static uint64_t pad(uint64_t bytes)
{
	return (bytes + 3) & ~UINT64_C(3);
}

static bool fail(struct cpio *cpio, const char *why)
{
	cpio->error = why;
	return false;
}

/**
 * cpio_next() - the next file of an archive
 * @cpio: where the walk is; its error is set if the archive is broken
 * @file: gets the entry
 *
 * Returns: false at the archive's end
 */
bool cpio_next(struct cpio *cpio, struct cpio_file *file)
{
	uint64_t name_size, size, data;

	if (cpio->left < HEADER_BYTES) {
		return fail(cpio, "ends without a trailer");
	}
	if (memcmp(cpio->at, "070701", 6) != 0) {
		return fail(cpio, "is not a newc cpio archive");
	}
	if (!read_field(cpio->at, FIELD_SIZE, &size) ||
	    !read_field(cpio->at, FIELD_NAMESIZE, &name_size)) {
		return fail(cpio, "has a header that is not in hexadecimal");
	}
	data = pad(HEADER_BYTES + name_size);
	if (name_size == 0 || data > cpio->left || size > cpio->left - data) {
		return fail(cpio, "is cut off");
	}
	file->name = (const char *)cpio->at + HEADER_BYTES;
	if (file->name[name_size - 1] != '\0') {
		return fail(cpio, "has a name without an end");
	}
	if (strlen(file->name) == sizeof(TRAILER) - 1 &&
	    memcmp(file->name, TRAILER, sizeof(TRAILER)) == 0) {
		return false;
	}
	file->data = cpio->at + data;
	file->size = size;
	data += pad(size);
	if (data > cpio->left) {
		data = cpio->left;
	}
	cpio->at += data;
	cpio->left -= data;
	return true;
}
