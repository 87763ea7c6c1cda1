/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOSTVISOR_ALLOC_H
#define HOSTVISOR_ALLOC_H

#include "host.h"

void alloc_init(void);

/* PA of a free page or 2 MiB block, its content undefined; 0 if none. */
uint64_t alloc_page(void);
uint64_t alloc_block(void);
void free_page(uint64_t pa);
void free_block(uint64_t pa);

/* Memory of the host's own, zeroed; never NULL. */
void *alloc_zeroed(size_t bytes);

/* Pages that are free. */
uint64_t alloc_pages_free(void);

#endif /* HOSTVISOR_ALLOC_H */
