/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The EL2 console: UART1, a PL011. Source: Arm DDI 0183.
 */
#include "arch/mmu.h"
#include "core/console.h"
#include "plat/hypsec-virt/plat.h"

#define UARTDR		0x00
#define UARTFR		0x18
#define UARTFR_TXFF	(UINT32_C(1) << 5)
#define UARTLCR_H	0x2c
#define UARTLCR_H_8N1	(UINT32_C(3) << 5 | UINT32_C(1) << 4)
#define UARTCR		0x30
#define UARTCR_ENABLE	(UINT32_C(1) << 0 | UINT32_C(1) << 8)

/* Polls before a byte is given up: EL2 does not wait for a device. */
#define TX_POLLS 1000

static volatile uint32_t *uart_register(uintptr_t offset)
{
	return (volatile uint32_t *)(DEVICE_VA(DEVICE_UART1) + offset);
}

void pl011_init(void)
{
	*uart_register(UARTCR) = 0;
	*uart_register(UARTLCR_H) = UARTLCR_H_8N1;
	*uart_register(UARTCR) = UARTCR_ENABLE;
}

void console_putc(char c)
{
	for (int i = 0; i < TX_POLLS; i++) {
		if ((*uart_register(UARTFR) & UARTFR_TXFF) == 0) {
			*uart_register(UARTDR) = (uint8_t)c;
			return;
		}
	}
}
