/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mailboxes of the park image (guest-images/park) and of its variant that
 * runs in a VM, built with PARK_VM; also read by the libraries that write to
 * them (hypsec-lib.c, hypsec-vm.c).
 */
#ifndef HYPSEC_PARK_H
#define HYPSEC_PARK_H

/* Where the board puts an Image. */
#define PARK_KERNEL             0x40200000
#define PARK_IMAGE_BYTES        0x20000

/* One mailbox per CPU, by Aff0 of its MPIDR. */
#define PARK_MAILBOXES          0x10000
#define PARK_MAILBOX_SHIFT      12

/* In a VM they follow the page of code; the image has eight of them. */
#define PARK_VM_MAILBOXES       0x1000
#define PARK_VM_BYTES           0x9000

/* Offsets of the wait, of four "b ." in a row, and of the vectors. */
#define PARK_WAIT               0x60
#define PARK_SPIN               0x780
#define PARK_VECTORS            0x800

/*
 * What a vCPU waits by: HVC #0 with this number, owner-specific and nobody's,
 * which the host gets.
 */
#define PARK_YIELD              0xc600fff0

/* Offsets in a mailbox. In: set before PARK_GO; out: what came of it. */
#define PARK_X                  0x00    /* in, out: x0..x17 */
#define PARK_NR_X               18
#define PARK_X30                0x90    /* out: the vector that ended it, + 4 */
#define PARK_GO                 0x98    /* in: not 0 starts; 0 when it ended */
#define PARK_PC                 0xa0    /* in: where to go by ERET ... */
#define PARK_PSTATE             0xa8    /* in: ... and as what */
#define PARK_ESR                0xb0    /* out: of that exception ... */
#define PARK_FAR                0xb8
#define PARK_ELR                0xc0
#define PARK_SPSR               0xc8
#define PARK_ALIVE              0xd0    /* out: not 0 once the CPU is parked */
#define PARK_CODE               0x100   /* room for instructions to go to */
#define PARK_CODE_BYTES         0xf00

#endif /* HYPSEC_PARK_H */
