/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AbstractMachine.v, registers and traps of a world. Source: facts B.7 to
 * B.9; S3 names the primitives. */
#ifndef HYPSEC_SPEC_WORLD_H
#define HYPSEC_SPEC_WORLD_H

#include "spec/rdata.h"

enum option save_sysregs_spec(struct rdata *adt);
enum option restore_sysregs_spec(struct rdata *adt);
enum option host_el2_restore_state_spec(struct rdata *adt);
enum option vm_el2_restore_state_spec(struct rdata *adt);
enum option activate_traps_spec(struct rdata *adt);
enum option deactivate_traps_spec(struct rdata *adt);
enum option timer_enable_traps_spec(struct rdata *adt);
enum option timer_disable_traps_spec(struct rdata *adt);
enum option timer_set_cntvoff_spec(uint32_t vmid, uint64_t offset,
				   struct rdata *adt);
enum option fpsimd_save_state_spec(struct rdata *adt);
enum option fpsimd_restore_state_spec(struct rdata *adt);
enum option core_to_vm_spec(struct rdata *adt);
enum option exit_populate_fault_spec(uint64_t ec, struct rdata *adt);

#endif /* HYPSEC_SPEC_WORLD_H */
