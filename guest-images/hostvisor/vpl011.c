/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PL011 as a driver sees it: what is sent is gone at once, what comes in
 * waits in a FIFO. Text is printed by lines.
 *
 * Locks: the UART's own, then vgic and console.
 */
#include "vpl011.h"

#include <string.h>

#include "pl011.h"
#include "vm.h"

#include "hostvisor/device.h"

#define REG_DR		0x00
#define REG_FR		0x18
#define REG_IBRD	0x24
#define REG_FBRD	0x28
#define REG_LCR		0x2c
#define REG_CR		0x30
#define REG_IFLS	0x34
#define REG_IMSC	0x38
#define REG_RIS		0x3c
#define REG_MIS		0x40
#define REG_ICR		0x44
#define REG_ID		0xfe0

#define FR_RXFE		BIT(4)
#define FR_RXFF		BIT(6)
#define FR_TXFE		BIT(7)
#define INT_RX		BIT(4)
#define INT_TX		BIT(5)
#define INT_RT		BIT(6)
#define INT_ALL		0x7ffu
#define CR_RESET	0x300u
#define IFLS_RESET	0x12u

void vpl011_reset(struct vm *vm)
{
	struct vpl011 *uart = &vm->uart;

	memset(uart, 0, sizeof(*uart));
	uart->cr = CR_RESET;
	uart->ifls = IFLS_RESET;
}

/* Locks: the UART's is held */
static void flush_line(struct vm *vm)
{
	struct vpl011 *uart = &vm->uart;

	if (uart->line_used > 0) {
		print_line(vm->prefix, uart->line, uart->line_used);
		uart->line_used = 0;
	}
}

static void send(struct vm *vm, char c)
{
	struct vpl011 *uart = &vm->uart;

	if (options.raw) {
		print_raw(&c, 1);
		return;
	}
	if (c == '\n') {
		/* An empty line is a line too. */
		print_line(vm->prefix, uart->line, uart->line_used);
		uart->line_used = 0;
		return;
	}
	if (c == '\r') {
		return;
	}
	uart->line[uart->line_used++] = c;
	if (uart->line_used == VPL011_LINE) {
		flush_line(vm);
	}
}

/**
 * vpl011_send() - a byte of a VM's for the console
 */
void vpl011_send(struct vm *vm, char c)
{
	lock_acquire(&vm->uart.lock);
	send(vm, c);
	lock_release(&vm->uart.lock);
}

/**
 * vpl011_flush() - print what has no end of line yet
 */
void vpl011_flush(struct vm *vm)
{
	lock_acquire(&vm->uart.lock);
	flush_line(vm);
	lock_release(&vm->uart.lock);
}

static uint32_t take_byte(struct vpl011 *uart)
{
	uint32_t byte = 0;

	if (uart->rx_used > 0) {
		byte = uart->rx[uart->rx_head];
		uart->rx_head = (uart->rx_head + 1) % VPL011_FIFO;
		uart->rx_used--;
	}
	if (uart->stalled) {
		uart->stalled = false;
		pl011_input_on(true);
	}
	if (uart->rx_used == 0) {
		uart->ris &= ~(uint32_t)(INT_RX | INT_RT);
	}
	return byte;
}

static uint32_t flags(const struct vpl011 *uart)
{
	return (uint32_t)(FR_TXFE | (uart->rx_used == 0 ? FR_RXFE : 0) |
			  (uart->rx_used == VPL011_FIFO ? FR_RXFF : 0));
}

static uint32_t id_byte(uint32_t index)
{
	static const uint8_t id[8] = {
		0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1,
	};

	return index < ARRAY_SIZE(id) ? id[index] : 0;
}

static uint32_t read_register(struct vpl011 *uart, uint32_t offset)
{
	switch (offset) {
	case REG_DR:
		return take_byte(uart);
	case REG_FR:
		return flags(uart);
	case REG_IBRD:
		return uart->ibrd;
	case REG_FBRD:
		return uart->fbrd;
	case REG_LCR:
		return uart->lcr;
	case REG_CR:
		return uart->cr;
	case REG_IFLS:
		return uart->ifls;
	case REG_IMSC:
		return uart->imsc;
	case REG_RIS:
		return uart->ris;
	case REG_MIS:
		return uart->ris & uart->imsc;
	default:
		return offset >= REG_ID ? id_byte((offset - REG_ID) / 4) : 0;
	}
}

static void write_register(struct vm *vm, uint32_t offset, uint32_t value)
{
	struct vpl011 *uart = &vm->uart;

	switch (offset) {
	case REG_DR:
		send(vm, (char)value);
		/* Sent, so that there is room again. */
		uart->ris |= (uint32_t)INT_TX;
		break;
	case REG_IBRD:
		uart->ibrd = value & 0xffff;
		break;
	case REG_FBRD:
		uart->fbrd = value & 0x3f;
		break;
	case REG_LCR:
		uart->lcr = value & 0xff;
		break;
	case REG_CR:
		uart->cr = value & 0xffff;
		break;
	case REG_IFLS:
		uart->ifls = value & 0x3f;
		break;
	case REG_IMSC:
		uart->imsc = value & INT_ALL;
		break;
	case REG_ICR:
		uart->ris &= ~value;
		break;
	default:
		break;
	}
}

static bool level(const struct vpl011 *uart)
{
	return (uart->ris & uart->imsc) != 0;
}

uint64_t vpl011_read(struct vm *vm, uint32_t offset)
{
	uint64_t value;
	bool line;

	lock_acquire(&vm->uart.lock);
	value = read_register(&vm->uart, offset);
	line = level(&vm->uart);
	vgic_set_line(vm, HOSTVISOR_IRQ_UART, line);
	lock_release(&vm->uart.lock);
	return value;
}

void vpl011_write(struct vm *vm, uint32_t offset, uint64_t value)
{
	lock_acquire(&vm->uart.lock);
	write_register(vm, offset, (uint32_t)value);
	vgic_set_line(vm, HOSTVISOR_IRQ_UART, level(&vm->uart));
	lock_release(&vm->uart.lock);
}

/**
 * vpl011_input_room() - can a byte come in?
 *
 * Returns: if not, input is switched on again when it can
 */
bool vpl011_input_room(struct vm *vm)
{
	struct vpl011 *uart = &vm->uart;

	lock_acquire(&uart->lock);
	uart->stalled = uart->rx_used == VPL011_FIFO;
	if (uart->stalled) {
		pl011_input_on(false);
	}
	lock_release(&uart->lock);
	return !uart->stalled;
}

/**
 * vpl011_input() - a byte comes in; lost if there is no room for it
 */
void vpl011_input(struct vm *vm, uint8_t byte)
{
	struct vpl011 *uart = &vm->uart;

	lock_acquire(&uart->lock);
	if (uart->rx_used < VPL011_FIFO) {
		uart->rx[(uart->rx_head + uart->rx_used) % VPL011_FIFO] = byte;
		uart->rx_used++;
		uart->ris |= (uint32_t)(INT_RX | INT_RT);
	}
	vgic_set_line(vm, HOSTVISOR_IRQ_UART, level(uart));
	lock_release(&uart->lock);
}
