/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which bank each stream uses. Layer: MmioCore, on MmioCoreAux and MmioRaw.
 * Locks: takes spt, in smmu_hw.c; the caller holds smmu.
 *
 * Hardware's first entries are the host's, with what its shadow says; the last
 * SMMU_EL2_STREAMS are EL2's: one for each platform device, or one for all
 * streams of PCIe. No two that are valid at a time match one stream, but for
 * entries of the host's own that do: such a stream faults.
 */
#include "core/smmu_streams.h"

#include "core/locks.h"
#include "core/mmio_raw.h"
#include "core/panic.h"
#include "core/platform.h"
#include "core/smmu_cfg.h"
#include "core/smmu_hw.h"
#include "core/smmu_regs.h"
#include "core/smmu_shadow.h"

/**
 * struct el2_stream - one of EL2's entries
 * @smr:   what it matches; 0 if it is of no use
 * @owner: HOSTVISOR, or the VM that owns the device
 * @cbndx: its bank, or SMMU_STREAM_FAULT
 * @set:   SMMU_SET_STREAM has chosen @cbndx
 */
struct el2_stream {
	uint32_t smr;
	vmid_t owner;
	uint32_t cbndx;
	bool set;
};

static struct el2_stream el2_streams[SMMU_NUM][SMMU_EL2_STREAMS];

#define SMR_ONE(stream)	((uint32_t)SMMU_SMR_VALID | (stream))
/* The SMMU whose streams are requester ids of PCIe, which the host chooses. */
#define SMMU_PCIE	0u

#define SMR_ALL		((uint32_t)(SMMU_SMR_VALID | SMMU_SMR_MASK))

static bool smr_matches(uint32_t smr, uint32_t stream)
{
	return (smr & SMMU_SMR_VALID) != 0 &&
	       ((smr ^ stream) & ~(smr >> SMMU_SMR_MASK_SHIFT) &
		SMMU_SMR_ID) == 0;
}

/* Whether the host's entries are in force. */
static bool is_host_managed(const struct smmu_shadow *s)
{
	return (s->scr0 & SMMU_SCR0_CLIENTPD) == 0;
}

/* Whether a valid entry of the host's matches a stream. */
static bool host_matches(const struct smmu_shadow *s, uint32_t stream)
{
	for (uint32_t n = 0; n < s->streams; n++) {
		if (smr_matches(s->smr[n], stream)) {
			return true;
		}
	}
	return false;
}

/* Where an S2CR of the host's sends its streams. */
static uint32_t bank_of(uint32_t s2cr)
{
	switch (s2cr & SMMU_S2CR_TYPE) {
	case SMMU_S2CR_TRANSLATE:
		return (uint32_t)(s2cr & SMMU_S2CR_CBNDX);
	case SMMU_S2CR_BYPASS:
		return SMMU_IDENTITY_BANK;
	default:
		return SMMU_STREAM_FAULT;
	}
}

/* One entry of hardware's; what is not in force leads nowhere. */
static void program(uint32_t index, uint32_t n, bool in_force, uint32_t smr,
		    uint32_t cbndx)
{
	smmu_hw_set_stream(index, n, in_force ? smr : 0,
			   in_force ? cbndx : SMMU_STREAM_FAULT);
}

/* Makes hardware's entry of the host's shadow. */
static void program_host_stream(uint32_t index, uint32_t n)
{
	const struct smmu_shadow *s = smmu_shadow(index);
	bool in_force = is_host_managed(s) &&
			(s->smr[n] & SMMU_SMR_VALID) != 0;

	program(index, n, in_force, s->smr[n], bank_of(s->s2cr[n]));
}

static bool is_in_force(uint32_t index, const struct el2_stream *e)
{
	const struct smmu_shadow *s = smmu_shadow(index);

	return e->smr != 0 &&
	       (e->owner != HOSTVISOR || !is_host_managed(s) ||
		(e->set && !host_matches(s, (uint32_t)(e->smr & SMMU_SMR_ID))));
}

/* Makes hardware's entry of EL2's own. */
static void program_el2_stream(uint32_t index, uint32_t k)
{
	const struct el2_stream *e = &el2_streams[index][k];
	uint32_t n = smmu_hw_num_streams(index) - SMMU_EL2_STREAMS + k;

	program(index, n, is_in_force(index, e), e->smr, e->cbndx);
}

static void program_el2_streams(uint32_t index)
{
	for (uint32_t k = 0; k < SMMU_EL2_STREAMS; k++) {
		program_el2_stream(index, k);
	}
}

/**
 * smmu_streams_init() - the state of a host that knows no SMMU
 * @index: an SMMU that smmu_hw_take_over() has stopped
 *
 * All streams of PCIe, or those of the platform's devices, reach the identity
 * bank.
 *
 * No-spec: D-062, the specification's host programs streams as it likes
 * Locks:   takes smmu; caller holds none; boot CPU only
 */
void smmu_streams_init(uint32_t index)
{
	const struct dma_device *devices;
	uint32_t n = platform_dma_devices(&devices);
	uint32_t used = 0;

	acquire_lock_smmu();
	smmu_shadow_reset(index);
	for (uint32_t k = 0; k < SMMU_EL2_STREAMS; k++) {
		el2_streams[index][k] = (struct el2_stream){
			.owner = HOSTVISOR,
			.cbndx = SMMU_IDENTITY_BANK,
		};
	}
	for (uint32_t i = 0; i < n; i++) {
		if (devices[i].smmu == index) {
			ASSERT(index != SMMU_PCIE && used < SMMU_EL2_STREAMS);
			el2_streams[index][used++].smr =
				SMR_ONE(devices[i].stream);
		}
	}
	if (index == SMMU_PCIE) {
		el2_streams[index][SMMU_EL2_STREAMS - 1].smr = SMR_ALL;
	}
	program_el2_streams(index);
	release_lock_smmu();
}

/**
 * smmu_streams_write_scr0() - the host writes sCR0
 * @index: which SMMU
 * @value: what it writes
 *
 * No stream is without an entry that is not to be, and none has two: what goes
 * out of force goes first.
 *
 * No-spec: D-062, the specification lets it pass
 * Locks:   caller holds smmu
 */
void smmu_streams_write_scr0(uint32_t index, uint32_t value)
{
	struct smmu_shadow *s = smmu_shadow(index);
	uint32_t changed = s->scr0 ^ value;

	s->scr0 = value;
	if ((changed & SMMU_SCR0_GFIE) != 0) {
		smmu_hw_set_global_irq(index, (value & SMMU_SCR0_GFIE) != 0);
	}
	if ((changed & SMMU_SCR0_CLIENTPD) == 0) {
		return;
	}
	if (is_host_managed(s)) {
		program_el2_streams(index);
	}
	for (uint32_t n = 0; n < s->streams; n++) {
		program_host_stream(index, n);
	}
	program_el2_streams(index);
}

/**
 * smmu_streams_write_smr() - the host writes an SMR
 * @index: which SMMU
 * @n:	   the entry
 * @value: what it writes
 *
 * No-spec: D-062, the specification lets it pass
 * Locks:   caller holds smmu
 * Returns: HV_OK, or HV_EPERM and nothing has changed
 * Refuses: a valid entry that matches a stream of a VM's - host can reach this
 */
enum hv_status smmu_streams_write_smr(uint32_t index, uint32_t n,
				      uint32_t value)
{
	struct smmu_shadow *s = smmu_shadow(index);

	for (uint32_t k = 0; k < SMMU_EL2_STREAMS; k++) {
		const struct el2_stream *e = &el2_streams[index][k];

		if (e->owner != HOSTVISOR &&
		    smr_matches(value, (uint32_t)(e->smr & SMMU_SMR_ID))) {
			return HV_EPERM;
		}
	}
	if (value == s->smr[n]) {
		return HV_OK;
	}
	/* Off, while those of EL2's change that give way to it or come back. */
	s->smr[n] = 0;
	program_host_stream(index, n);
	s->smr[n] = value;
	program_el2_streams(index);
	program_host_stream(index, n);
	return HV_OK;
}

/*
 * Whether the host may have streams use a bank. One that is being freed is
 * stopped, and lets pass what selects it.
 */
static bool is_host_bank(uint32_t index, uint32_t cbndx)
{
	uint64_t bytes = get_smmu_size(index);

	return cbndx < get_smmu_num_context_banks(index) &&
	       get_smmu_cfg_vmid(cbndx, index) == HOSTVISOR &&
	       (readl_relaxed(get_smmu_base(index) + SMMU_CB(bytes, cbndx) +
			      SMMU_CB_SCTLR) & SMMU_SCTLR_M) != 0;
}

/**
 * smmu_streams_write_s2cr() - the host writes an S2CR
 * @index: which SMMU
 * @n:	   the entry
 * @value: what it writes
 *
 * No-spec: D-062, the specification lets it pass
 * Locks:   caller holds smmu
 * Returns: HV_OK, or HV_EPERM and nothing has changed
 * Refuses: to translate by a bank that is not the host's - host can reach this
 */
enum hv_status smmu_streams_write_s2cr(uint32_t index, uint32_t n,
				       uint32_t value)
{
	uint32_t *s2cr = &smmu_shadow(index)->s2cr[n];
	uint32_t cbndx = bank_of(value);

	if ((value & SMMU_S2CR_TYPE) == SMMU_S2CR_TRANSLATE &&
	    !is_host_bank(index, cbndx)) {
		return HV_EPERM;
	}
	*s2cr = value;
	program_host_stream(index, n);
	return HV_OK;
}

/* EL2's entry for a stream; SMMU_EL2_STREAMS if there is none. */
static uint32_t find_stream(uint32_t index, uint32_t stream)
{
	uint32_t k = 0;

	/* No stream id has bits that would make it the entry for all. */
	while (k < SMMU_EL2_STREAMS &&
	       el2_streams[index][k].smr != SMR_ONE(stream)) {
		k++;
	}
	return stream > SMMU_SMR_ID ? SMMU_EL2_STREAMS : k;
}

/**
 * smmu_streams_can_set() - may EL2 decide about a stream?
 * @index:  which SMMU
 * @stream: a stream id
 *
 * No-spec: D-062, the specification's streams have no owner
 * Locks:   caller holds smmu
 * Returns: HV_OK, HV_EINVAL or HV_EBUSY
 * Refuses: a stream of no platform device, or that a valid entry of the host's
 *	    matches - host can reach this
 */
enum hv_status smmu_streams_can_set(uint32_t index, uint32_t stream)
{
	if (find_stream(index, stream) == SMMU_EL2_STREAMS) {
		return HV_EINVAL;
	}
	return host_matches(smmu_shadow(index), stream) ? HV_EBUSY : HV_OK;
}

/**
 * smmu_streams_set() - decide about a stream of a platform device
 * @index:  which SMMU
 * @stream: the id; smmu_streams_can_set() said HV_OK under this hold of smmu
 * @owner:  HOSTVISOR, or the VM that owns the device
 * @cbndx:  its bank, or SMMU_STREAM_FAULT
 *
 * No-spec: D-062, the specification's streams have no owner
 * Locks:   takes spt; caller holds smmu
 * Panics:  a stream of no platform device, or for a VM one that an entry of the
 *	    host's matches - nobody
 */
void smmu_streams_set(uint32_t index, uint32_t stream, vmid_t owner,
		      uint32_t cbndx)
{
	uint32_t k = find_stream(index, stream);

	ASSERT(k < SMMU_EL2_STREAMS);
	ASSERT(owner == HOSTVISOR || !host_matches(smmu_shadow(index), stream));
	el2_streams[index][k] = (struct el2_stream){
		.smr = SMR_ONE(stream),
		.owner = owner,
		.cbndx = cbndx,
		.set = true,
	};
	program_el2_stream(index, k);
}

/**
 * smmu_streams_leave_bank() - no stream selects a bank any more
 * @index: which SMMU
 * @cbndx: the bank; what selected it faults
 *
 * No-spec: D-062, the specification's streams have no owner
 * Locks:   takes spt; caller holds smmu
 */
void smmu_streams_leave_bank(uint32_t index, uint32_t cbndx)
{
	struct smmu_shadow *s = smmu_shadow(index);

	ASSERT(cbndx != SMMU_IDENTITY_BANK);
	for (uint32_t n = 0; n < s->streams; n++) {
		if (bank_of(s->s2cr[n]) == cbndx) {
			s->s2cr[n] = (uint32_t)SMMU_S2CR_FAULT;
			program_host_stream(index, n);
		}
	}
	for (uint32_t k = 0; k < SMMU_EL2_STREAMS; k++) {
		if (el2_streams[index][k].cbndx == cbndx) {
			el2_streams[index][k].cbndx = SMMU_STREAM_FAULT;
			program_el2_stream(index, k);
		}
	}
	smmu_shadow_reset_bank(index, cbndx);
}
