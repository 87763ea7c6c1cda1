/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's own console: the board's UART0. Only input interrupts. */
#include "pl011.h"

#include "host.h"

#define UART_DR		0x00
#define UART_FR		0x18
#define UART_CR		0x30
#define UART_IMSC	0x38
#define FR_RXFE		BIT(4)
#define FR_TXFF		BIT(5)
#define IMSC_INPUT	(BIT(4) | BIT(6))	/* data, and a pause */
#define CR_UARTEN	BIT(0)
#define CR_TXE		BIT(8)
#define CR_RXE		BIT(9)

static uint64_t base = UINT64_C(0x09000000);

void pl011_init(uint64_t address)
{
	base = address;
	mmio_write32(base + UART_CR, CR_UARTEN | CR_TXE | CR_RXE);
}

void pl011_input_on(bool on)
{
	mmio_write32(base + UART_IMSC, on ? IMSC_INPUT : 0);
}

void pl011_put(char c)
{
	/* The board's UART is never full for long. */
	while ((mmio_read32(base + UART_FR) & FR_TXFF) != 0) {
		continue;
	}
	mmio_write32(base + UART_DR, (uint8_t)c);
}

int pl011_get(void)
{
	if ((mmio_read32(base + UART_FR) & FR_RXFE) != 0) {
		return -1;
	}
	return (int)(mmio_read32(base + UART_DR) & 0xff);
}
