/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOSTVISOR_PL011_H
#define HOSTVISOR_PL011_H

#include <stdbool.h>
#include <stdint.h>

void pl011_init(uint64_t address);
void pl011_put(char c);

/* Whether input interrupts: IRQ_UART. */
void pl011_input_on(bool on);

/* The next byte that came in, or -1. */
int pl011_get(void);

#endif /* HOSTVISOR_PL011_H */
