/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the VM guests' C code and assembly agree on. */
#ifndef VM_LAYOUT_H
#define VM_LAYOUT_H

#define VM_MAX_VCPUS	8
/* A multiple of 4096. */
#define VM_STACK_SIZE	8192

#endif /* VM_LAYOUT_H */
