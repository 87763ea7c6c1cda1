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
 * @runs:	it has run since, so that not even that may be restored
 */
struct instance {
	uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES];
	uint64_t generation;
	bool runs;
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

static struct instance *must_find(const uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES])
{
	struct instance *instance = find(id);

	ASSERT(instance != NULL);
	return instance;
}

enum hv_status instance_keep(const uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES],
			     uint64_t generation, bool runs)
{
	enum hv_status status = HV_OK;

	acquire_lock_core();
	if (find(id) == NULL) {
		if (nr_instances == MAX_INSTANCES) {
			status = HV_ENOMEM;
		} else {
			struct instance *instance = &instances[nr_instances++];

			memcpy(instance->id, id, sizeof(instance->id));
			instance->generation = generation;
			instance->runs = runs;
		}
	}
	release_lock_core();
	return status;
}

uint64_t
instance_next_generation(const uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES],
			 uint64_t generation)
{
	uint64_t known;

	acquire_lock_core();
	known = must_find(id)->generation;
	release_lock_core();
	return (known > generation ? known : generation) + 1;
}

void instance_saved(const uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES],
		    uint64_t generation)
{
	struct instance *instance;

	acquire_lock_core();
	instance = must_find(id);
	instance->generation = generation;
	instance->runs = false;
	release_lock_core();
}

static bool may_run(const struct instance *instance, uint64_t generation)
{
	return !instance->runs && generation >= instance->generation;
}

bool instance_may_run(const uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES],
		      uint64_t generation)
{
	const struct instance *instance;
	bool may;

	acquire_lock_core();
	instance = find(id);
	may = instance == NULL || may_run(instance, generation);
	release_lock_core();
	return may;
}

bool instance_run(const uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES],
		  uint64_t generation)
{
	struct instance *instance;
	bool may;

	acquire_lock_core();
	instance = must_find(id);
	may = may_run(instance, generation);
	if (may) {
		instance->generation = generation;
		instance->runs = true;
	}
	release_lock_core();
	return may;
}

void instances_reset(void)
{
	memset(instances, 0, sizeof(instances));
	nr_instances = 0;
	names = 0;
}
