/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The object /machine/inspect: what the EL2 firmware publishes, as QOM
 * properties.
 *
 * The page that they come from (hypsec/inspect.h) is under the control of
 * whatever runs at EL2, which may be broken or know nothing of it: it is
 * copied once, nothing outside the carve-out is read, and a property of a
 * page that does not check out is "unknown".
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "exec/address-spaces.h"
#include "hypsec/inspect.h"
#include "qom/object.h"
#include "hypsec-inspect.h"
#include "hypsec-virt.h"

struct HypsecInspectState {
    Object parent_obj;

    hwaddr carveout_base;
    uint64_t carveout_size;
};

/* The sums over all CPUs. */
typedef struct InspectTotals {
    uint32_t nr_cpus;
    uint32_t panicked;
    uint64_t refusals;
    uint64_t host_s2_faults;
    uint64_t hypercalls;
    uint64_t smcs;
} InspectTotals;

/*
 * Reads RAM itself: what lies over it on the bus, as a bus-fault range may,
 * neither hides the page nor counts the read.
 */
static bool inspect_read(hwaddr addr, void *buf, uint64_t len)
{
    MemoryRegion *ram = current_machine->ram;
    hwaddr base = hypsec_virt_memmap[HYPSEC_VIRT_MEM].base;
    uint64_t size = memory_region_size(ram);

    if (addr < base || len > size || addr - base > size - len) {
        return false;
    }
    memcpy(buf, (uint8_t *)memory_region_get_ram_ptr(ram) + (addr - base),
           len);
    return true;
}

/* Whether [@addr, @addr + @len) is in the carve-out, and is aligned. */
static bool inspect_in_carveout(const HypsecInspectState *s, uint64_t addr,
                                uint64_t len)
{
    uint64_t offset = addr - s->carveout_base;

    return addr % 8 == 0 && addr >= s->carveout_base &&
           len <= s->carveout_size && offset <= s->carveout_size - len;
}

static bool inspect_page_is_sound(const HypsecInspectState *s,
                                  const struct hypsec_inspect *page)
{
    uint32_t nr_cpus = le32_to_cpu(page->nr_cpus);
    uint64_t stride = le32_to_cpu(page->cpu_stride);

    return le64_to_cpu(page->magic) == HYPSEC_INSPECT_MAGIC &&
           le32_to_cpu(page->version) >= HYPSEC_INSPECT_VERSION &&
           le32_to_cpu(page->size) >= sizeof(*page) &&
           le32_to_cpu(page->panicked) <= 1 &&
           nr_cpus >= 1 && nr_cpus <= HYPSEC_INSPECT_MAX_CPUS &&
           stride >= sizeof(struct hypsec_inspect_cpu) && stride % 8 == 0 &&
           inspect_in_carveout(s, le64_to_cpu(page->cpu_base),
                               nr_cpus * stride);
}

/* Copies the page; false when it does not check out. */
static bool inspect_page(const HypsecInspectState *s,
                         struct hypsec_inspect *page)
{
    return s->carveout_size &&
           inspect_read(s->carveout_base + HYPSEC_INSPECT_OFFSET, page,
                        sizeof(*page)) &&
           inspect_page_is_sound(s, page);
}

/* Copies the entry of CPU @i, which is one of those of the sound @page. */
static bool inspect_cpu(const struct hypsec_inspect *page, uint32_t i,
                        struct hypsec_inspect_cpu *cpu)
{
    return inspect_read(le64_to_cpu(page->cpu_base) +
                        (uint64_t)i * le32_to_cpu(page->cpu_stride),
                        cpu, sizeof(*cpu));
}

static bool inspect_cpu_world(HypsecInspectState *s, uint32_t i,
                              uint32_t *world, uint32_t *vcpu)
{
    struct hypsec_inspect page;
    struct hypsec_inspect_cpu cpu;

    if (!inspect_page(s, &page) || i >= le32_to_cpu(page.nr_cpus) ||
        !inspect_cpu(&page, i, &cpu)) {
        return false;
    }
    *world = le32_to_cpu(cpu.world);
    *vcpu = le32_to_cpu(cpu.vcpu);
    return true;
}

static bool inspect_totals(const HypsecInspectState *s, InspectTotals *t)
{
    struct hypsec_inspect page;
    struct hypsec_inspect_cpu cpu;

    *t = (InspectTotals) {};
    if (!inspect_page(s, &page)) {
        return false;
    }
    t->nr_cpus = le32_to_cpu(page.nr_cpus);
    t->panicked = le32_to_cpu(page.panicked);
    for (uint32_t i = 0; i < t->nr_cpus; i++) {
        if (!inspect_cpu(&page, i, &cpu)) {
            return false;
        }
        t->refusals += le64_to_cpu(cpu.refusals);
        t->host_s2_faults += le64_to_cpu(cpu.host_s2_faults);
        t->hypercalls += le64_to_cpu(cpu.hypercalls);
        t->smcs += le64_to_cpu(cpu.smcs);
    }
    return true;
}

static char *inspect_get_status(Object *obj, Error **errp)
{
    InspectTotals t;

    return g_strdup(inspect_totals(HYPSEC_INSPECT(obj), &t) ? "ok" :
                    "unknown");
}

#define INSPECT_GETTER(field)                                           \
    static char *inspect_get_##field(Object *obj, Error **errp)         \
    {                                                                   \
        InspectTotals t;                                                \
                                                                        \
        return inspect_totals(HYPSEC_INSPECT(obj), &t) ?                \
               g_strdup_printf("%" PRIu64, (uint64_t)t.field) :         \
               g_strdup("unknown");                                     \
    }

INSPECT_GETTER(nr_cpus)
INSPECT_GETTER(panicked)
INSPECT_GETTER(refusals)
INSPECT_GETTER(host_s2_faults)
INSPECT_GETTER(hypercalls)
INSPECT_GETTER(smcs)

static void hypsec_inspect_class_init(ObjectClass *oc, void *data)
{
    static const struct {
        const char *name;
        char *(*get)(Object *obj, Error **errp);
        const char *description;
    } props[] = {
        { "status", inspect_get_status,
          "ok when the firmware has published a sound page" },
        { "cpus", inspect_get_nr_cpus, "CPUs that EL2 knows of" },
        { "panicked", inspect_get_panicked, "1 once EL2 has stopped" },
        { "refusals", inspect_get_refusals, "Events that EL2 refused" },
        { "host-s2-faults", inspect_get_host_s2_faults,
          "Stage-2 faults of the host" },
        { "hypercalls", inspect_get_hypercalls, "HVCs of the host" },
        { "smcs", inspect_get_smcs, "SMCs of the host" },
    };

    HYPSEC_INSPECT_CLASS(oc)->cpu_world = inspect_cpu_world;
    for (int i = 0; i < ARRAY_SIZE(props); i++) {
        object_class_property_add_str(oc, props[i].name, props[i].get, NULL);
        object_class_property_set_description(oc, props[i].name,
                                              props[i].description);
    }
}

void hypsec_inspect_create(Object *machine, hwaddr carveout_base,
                           uint64_t carveout_size)
{
    HypsecInspectState *s = HYPSEC_INSPECT(object_new(TYPE_HYPSEC_INSPECT));

    s->carveout_base = carveout_base;
    s->carveout_size = carveout_size;
    object_property_add_child(machine, "inspect", OBJECT(s));
    object_unref(OBJECT(s));
}

static const TypeInfo hypsec_inspect_types[] = {
    {
        .name = TYPE_HYPSEC_INSPECT,
        .parent = TYPE_OBJECT,
        .instance_size = sizeof(HypsecInspectState),
        .class_size = sizeof(HypsecInspectClass),
        .class_init = hypsec_inspect_class_init,
    },
};

DEFINE_TYPES(hypsec_inspect_types)
