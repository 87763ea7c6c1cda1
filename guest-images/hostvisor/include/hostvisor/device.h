/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the hostvisor offers its VMs beside a PL011 and a GIC: a device of one
 * page, through which a VM says how it fared and where its ring is, and the
 * layout of that ring. guest-images/hostvisor/README.rst is the reference.
 *
 * Assembly can read the numbers. A VM trusts none of what it reads here.
 */
#ifndef HOSTVISOR_DEVICE_H
#define HOSTVISOR_DEVICE_H

/* The VM's address map. */
#define HOSTVISOR_GICD_BASE		0x08000000
#define HOSTVISOR_GICC_BASE		0x08010000	/* GICv2 */
#define HOSTVISOR_GICR_BASE		0x080a0000	/* GICv3: 128 KiB each */
#define HOSTVISOR_UART_BASE		0x09000000
#define HOSTVISOR_DEVICE_BASE		0x0b000000
/* Channels of the board's DMA tester that are this VM's, 4 KiB each. */
#define HOSTVISOR_DMA_BASE		0x0b010000
#define HOSTVISOR_RAM_BASE		0x40000000

/* INTIDs. */
#define HOSTVISOR_IRQ_VTIMER		27
#define HOSTVISOR_IRQ_UART		33	/* level */
#define HOSTVISOR_IRQ_RING		34	/* edge */

/* Registers of the device: 32 or 64 bits wide, at 64-bit boundaries. */
#define HOSTVISOR_MAGIC			0x00	/* R: HOSTVISOR_MAGIC_VALUE */
#define HOSTVISOR_NUMBER		0x08	/* R: n of vms/n-NAME */
#define HOSTVISOR_VCPUS			0x10	/* R */
#define HOSTVISOR_MEMORY		0x18	/* R: bytes */
#define HOSTVISOR_GIC			0x20	/* R: 2 or 3 */
#define HOSTVISOR_RUN			0x28	/* R: 0, 1 ... with repeat= */
#define HOSTVISOR_DMA			0x30	/* R: mask of its channels */
#define HOSTVISOR_DMA_AT		0x38	/* R: IPA of what they reach */
#define HOSTVISOR_ARG0			0x40	/* R: arg0= ... arg7= */
#define HOSTVISOR_STATUS		0x80	/* W: the result; 0 is success */
#define HOSTVISOR_RING			0x88	/* W: IPA; R: 1 if attached */
#define HOSTVISOR_KICK			0x90	/* W: look at the ring now */
#define HOSTVISOR_MARK			0x98	/* W: the host logs it and the time */
#define HOSTVISOR_TEXT			0xa0	/* W: a byte for the console */
#define HOSTVISOR_DMA_SIZE		0xa8	/* R: bytes that they reach */
#define HOSTVISOR_VICTIM0		0xc0	/* R: PAs that they must not, or 0 */
#define HOSTVISOR_VICTIMS		4

#define HOSTVISOR_MAGIC_VALUE		0x48505948	/* "HYPH" */

/*
 * The ring is one page that the VM shares with the host. Counts run on and
 * wrap at 2^32; a byte's place is its count modulo HOSTVISOR_RING_BYTES.
 */
#define HOSTVISOR_RING_SENT		0x00	/* VM: bytes put in "out" */
#define HOSTVISOR_RING_TAKEN		0x04	/* host: bytes taken from "out" */
#define HOSTVISOR_RING_ECHOED		0x08	/* host: bytes put in "in" */
#define HOSTVISOR_RING_READ		0x0c	/* VM: bytes taken from "in" */
#define HOSTVISOR_RING_OUT		0x400	/* VM to host */
#define HOSTVISOR_RING_IN		0x800	/* host to VM */
#define HOSTVISOR_RING_BYTES		0x400

#endif /* HOSTVISOR_DEVICE_H */
