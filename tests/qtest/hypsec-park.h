/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mailboxes of the park image (guest-images/park); also read by the
 * library that writes to them (hypsec-lib.c).
 */
#ifndef HYPSEC_PARK_H
#define HYPSEC_PARK_H

/* Where the board puts an Image. */
#define PARK_KERNEL             0x40200000
#define PARK_IMAGE_BYTES        0x20000

/* One mailbox per CPU, by Aff0 of its MPIDR. */
#define PARK_MAILBOXES          0x10000
#define PARK_MAILBOX_SHIFT      12

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
