/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the probe image writes down; also read by its qtest. */
#ifndef HYPSEC_PROBE_H
#define HYPSEC_PROBE_H

/* Where the board puts an Image, and what this one writes to. */
#define KERNEL			0x40200000
#define IMAGE_BYTES		0x20000
#define RESULTS			(KERNEL + 0x10000)

/* A board with 256 MiB: 18 MiB of it are EL2's. */
#define RAM_END			0x50000000
#define CARVEOUT		0x4ee00000

/* Result numbers: 64-bit words from RESULTS on. */
#define PROBE_HVC		0	/* x0 after HVC #0 with x0 = number */
#define PROBE_HVC_COUNT		64
#define PROBE_HVC_WILD		64
#define PROBE_HVC_IMM		65
#define PROBE_PSCI_VERSION	66
#define PROBE_SMC_UNKNOWN	67
#define PROBE_SMC_IMM		68
#define PROBE_CPU_ON_SELF	69
#define PROBE_CPU_ON_NOBODY	70
#define PROBE_CPU_ON_EL2_ENTRY	71
#define PROBE_CPU_ON		72
#define PROBE_SECONDARY_CONTEXT	73
#define PROBE_SECONDARY_EL	74

/* Four words each: ESR, FAR, ELR, SPSR at EL1, all 0 without an exception. */
#define PROBE_LOAD_EL2		80
#define PROBE_STORE_EL2		84
#define PROBE_FETCH_EL2		88
#define PROBE_LOAD_FLASH	92
#define PROBE_STORE_UART1	96
#define PROBE_STORE_PVPANIC	100
#define PROBE_LOAD_EMPTY	104
#define PROBE_LOAD_ABOVE	108
#define PROBE_LOAD_40_BITS	112
#define PROBE_FETCH_DEVICE	116
#define PROBE_LOAD_RTC		120	/* allowed */

#define PROBE_DONE		128
#define PROBE_DONE_MAGIC	0x656e6f44

#endif /* HYPSEC_PROBE_H */
