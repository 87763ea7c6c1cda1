/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libsodium would take random numbers from. Nothing of the firmware's
 * needs any, and tests choose their keys.
 */
#include <stdlib.h>

#include <sodium/randombytes.h>

void randombytes_buf(void *const buf, const size_t size)
{
	(void)buf;
	(void)size;
	abort();
}
