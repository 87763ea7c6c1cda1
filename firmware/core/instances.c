/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which saves of which VMs may still be restored in this boot.
 * Layer: BootCore. Locks: takes core.
 */
#include "core/instances.h"

#include <sodium/crypto_generichash_blake2b.h>
#include <string.h>

#include "core/keys.h"
#include "core/locks.h"
#include "core/panic.h"

/**
 * struct instance - a VM that was saved or restored in this boot
 * @id:		its name
 * @generation: of its last save that this boot knows
 * @save_id:	of its save in this boot
 * @runs:	it has run since, so that no save of it may be restored
 * @saved:	it was saved in this boot
 * @restored:	it was restored in this boot
 */
struct instance {
	uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES];
	uint64_t generation;
	uint8_t save_id[HYPSEC_SEAL_HASH_BYTES];
	bool runs;
	bool saved;
	bool restored;
};

/* Protected by core. */
static struct instance instances[MAX_INSTANCES];
static uint32_t nr_instances;
static uint64_t names;

void fresh_name(uint8_t *name, size_t bytes)
{
	uint64_t number;

	acquire_lock_core();
	number = names++;
	release_lock_core();
	crypto_generichash_blake2b(name, bytes, (const uint8_t *)&number,
				   sizeof(number), keys_seed(), KEY_BYTES);
}

/* With core held; NULL if it is not known. */
static struct instance *find(const uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES])
{
	ASSERT(lock_core_is_held());
	for (uint32_t i = 0; i < nr_instances; i++) {
		if (memcmp(instances[i].id, id, sizeof(instances[i].id)) == 0) {
			return &instances[i];
		}
	}
	return NULL;
}

/* The instance, new if it is not known; NULL if there is no room. */
static struct instance *find_or_add(const uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES])
{
	struct instance *instance = find(id);

	if (instance != NULL || nr_instances == MAX_INSTANCES) {
		return instance;
	}
	instance = &instances[nr_instances++];
	*instance = (struct instance){ .runs = true };
	memcpy(instance->id, id, sizeof(instance->id));
	return instance;
}

enum hv_status instance_keep(const uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES])
{
	enum hv_status status;

	acquire_lock_core();
	status = find_or_add(id) != NULL ? HV_OK : HV_ENOMEM;
	release_lock_core();
	return status;
}

void instance_release(const uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES])
{
	struct instance *instance;

	acquire_lock_core();
	instance = find(id);
	if (instance != NULL && !instance->saved && !instance->restored) {
		*instance = instances[--nr_instances];
	}
	release_lock_core();
}

void instance_saved(struct hypsec_seal *seal)
{
	struct instance *instance;

	acquire_lock_core();
	instance = find(seal->instance);
	ASSERT(instance != NULL);
	if (instance->generation > seal->generation) {
		seal->generation = instance->generation;
	}
	seal->generation++;
	instance->generation = seal->generation;
	memcpy(instance->save_id, seal->save_id, sizeof(instance->save_id));
	instance->runs = false;
	instance->saved = true;
	release_lock_core();
}

/* With core held. */
static bool may_run(const struct hypsec_seal *seal)
{
	const struct instance *instance = find(seal->instance);

	if (instance == NULL) {
		return true;
	}
	if (instance->runs || seal->generation < instance->generation) {
		return false;
	}
	/* Saves of other boots can have any generation. */
	return !instance->saved ||
	       memcmp(instance->save_id, seal->save_id,
		      sizeof(instance->save_id)) == 0;
}

bool instance_may_run(const struct hypsec_seal *seal)
{
	bool may;

	acquire_lock_core();
	may = may_run(seal);
	release_lock_core();
	return may;
}

/* With core held. */
static enum hv_status run(const struct hypsec_seal *seal)
{
	struct instance *instance;

	if (!may_run(seal)) {
		return HV_EPERM;
	}
	instance = find_or_add(seal->instance);
	if (instance == NULL) {
		return HV_ENOMEM;
	}
	instance->generation = seal->generation;
	instance->runs = true;
	instance->restored = true;
	return HV_OK;
}

enum hv_status instance_run(const struct hypsec_seal *seal)
{
	enum hv_status status;

	acquire_lock_core();
	status = run(seal);
	release_lock_core();
	return status;
}

void instances_reset(void)
{
	memset(instances, 0, sizeof(instances));
	nr_instances = 0;
	names = 0;
}
