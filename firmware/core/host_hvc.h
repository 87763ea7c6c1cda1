/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's hypercalls. Layer: TrapDispatcher.
 */
#ifndef COREVISOR_CORE_HOST_HVC_H
#define COREVISOR_CORE_HOST_HVC_H

#include "core/trap_frame.h"

void host_hvc_dispatcher(struct trap_frame *frame);

#endif /* COREVISOR_CORE_HOST_HVC_H */
