/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switch between host and VM. Layer: CtxtSwitch.
 */
#ifndef COREVISOR_CORE_CTXT_SWITCH_H
#define COREVISOR_CORE_CTXT_SWITCH_H

#include "core/types.h"

void save_host(void);
void restore_host(void);
void save_vm(void);
enum hv_status WARN_UNUSED restore_vm(void);

#endif /* COREVISOR_CORE_CTXT_SWITCH_H */
