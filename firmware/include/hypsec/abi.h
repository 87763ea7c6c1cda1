/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypercalls of the corevisor: what a host and a VM may ask of it.
 *
 * HVC #0 at EL1: number in x0, arguments from x1 on, all 64 bits wide; result
 * in x0, every other register is kept. The reference is docs/hypercalls.rst.
 * Only #define lines with plain numbers, so that assembly can read it too.
 */
#ifndef HYPSEC_ABI_H
#define HYPSEC_ABI_H

/* Raised when a number changes its meaning; additions do not raise it. */
#define HYPSEC_ABI_VERSION		1

/*
 * Results: 0 or more is success. NOT_SUPPORTED, BUSY and AGAIN are answers to
 * an honest host; INVALID, DENIED and NO_MEMORY count as violations.
 */
#define HYPSEC_OK			0
#define HYPSEC_NOT_SUPPORTED		(-1)	/* no such call */
#define HYPSEC_INVALID			(-2)	/* a malformed argument */
#define HYPSEC_DENIED			(-3)	/* never allowed, or not in this state */
#define HYPSEC_BUSY			(-4)	/* not now, or already there */
#define HYPSEC_AGAIN			(-5)	/* call again to continue */
#define HYPSEC_NO_MEMORY		(-6)	/* ids, image slots, table memory */

/* Calls of the host. Numbers that are missing here are reserved. */
#define HYPSEC_HVC_CLEAR_VM_S2_RANGE	9	/* vmid, start PA, size */
#define HYPSEC_HVC_SET_BOOT_INFO	10	/* vmid, load IPA, size */
#define HYPSEC_HVC_REMAP_VM_IMAGE	11	/* vmid, pfn, image */
#define HYPSEC_HVC_REGISTER_KVM		13
#define HYPSEC_HVC_PHYS_ADDR_IOREMAP	28	/* vmid, gpa, pa, size */
#define HYPSEC_HVC_DESTROY_VM		32	/* vmid */

/* Calls of a VM, which EL2 answers without the host; x1 is not used. */
#define HYPSEC_PVOP_SET_DESC_PFN	0x81000	/* x2 gpa, x3 size: share */
#define HYPSEC_PVOP_UNSET_DESC_PFN	0x82000	/* x2 gpa, x3 size: unshare */

/* Limits. */
#define HYPSEC_MAX_VMS			15	/* ids 1 to 15 */
#define HYPSEC_MAX_IMAGES		5	/* boot images of one VM */
#define HYPSEC_MAX_SHARES		100	/* of one page */
#define HYPSEC_MAX_PAGES_PER_CALL	512	/* of 4 KiB, per call */

#endif /* HYPSEC_ABI_H */
