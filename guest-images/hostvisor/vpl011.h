/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's PL011. */
#ifndef HOSTVISOR_VPL011_H
#define HOSTVISOR_VPL011_H

#include "host.h"

#define VPL011_FIFO	32u
#define VPL011_LINE	200u

struct vm;

/**
 * struct vpl011 - registers, and what is on its way
 * @line, @line_used: sent, not yet printed
 * @stalled: input waits in the host's own UART for room here
 * @rx, @rx_head, @rx_used: come in, not yet read
 */
struct vpl011 {
	struct lock lock;
	uint32_t cr;
	uint32_t lcr;
	uint32_t ibrd;
	uint32_t fbrd;
	uint32_t ifls;
	uint32_t imsc;
	uint32_t ris;
	uint32_t line_used;
	char line[VPL011_LINE];
	uint8_t rx[VPL011_FIFO];
	uint32_t rx_head;
	uint32_t rx_used;
	bool stalled;
};

void vpl011_reset(struct vm *vm);
uint64_t vpl011_read(struct vm *vm, uint32_t offset);
void vpl011_write(struct vm *vm, uint32_t offset, uint64_t value);
void vpl011_send(struct vm *vm, char c);
void vpl011_flush(struct vm *vm);
bool vpl011_input_room(struct vm *vm);
void vpl011_input(struct vm *vm, uint8_t byte);

#endif /* HOSTVISOR_VPL011_H */
