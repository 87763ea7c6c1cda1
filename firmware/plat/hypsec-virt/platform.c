/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the core asks of the hypsec-virt board; windows.c has the rest.
 */
#include "core/platform.h"

#include "arch/mmu.h"
#include "plat/hypsec-virt/memmap.h"
#include "plat/hypsec-virt/plat.h"

static struct hypsec_inspect *inspect;

void platform_set_inspect(struct hypsec_inspect *page)
{
	inspect = page;
}

void platform_report_panic(void)
{
	volatile uint8_t *pvpanic =
		(volatile uint8_t *)DEVICE_VA(DEVICE_PVPANIC);

	if (inspect != NULL) {
		inspect->panicked = 1;
	}
	*pvpanic = PVPANIC_PANICKED;
}

uint32_t platform_mmio_devices(const struct mmio_device **devices)
{
	/* This board's SMMUs are the only devices of the kind. */
	*devices = NULL;
	return 0;
}
