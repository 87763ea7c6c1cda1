/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOSTVISOR_CPIO_H
#define HOSTVISOR_CPIO_H

#include "host.h"

/**
 * struct cpio_file - an entry of an archive
 * @name:   its path, NUL terminated, in the archive
 * @data:   its bytes, in the archive
 * @size:   their number
 */
struct cpio_file {
	const char *name;
	const uint8_t *data;
	uint64_t size;
};

/**
 * struct cpio - a walk through an archive
 * @at:    the next entry
 * @left:  bytes from there on
 * @error: what is wrong with the archive, or NULL
 */
struct cpio {
	const uint8_t *at;
	uint64_t left;
	const char *error;
};

bool cpio_next(struct cpio *cpio, struct cpio_file *file);

#endif /* HOSTVISOR_CPIO_H */
