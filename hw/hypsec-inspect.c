/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The object /machine/inspect: what the EL2 firmware publishes, as QOM
 * properties.
 *
 * The page that they come from (hypsec/inspect.h) is under the control of
 * whatever runs at EL2, which may be broken or know nothing of it: it is
 * copied once, nothing outside the carve-out is read, and a counter of a page
 * that does not check out is "unknown".
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "exec/address-spaces.h"
#include "hypsec/inspect.h"
#include "qapi/visitor.h"
#include "qom/object.h"
#include "hypsec-inspect.h"
#include "hypsec-inspect-internal.h"
#include "hypsec-virt.h"

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
bool hypsec_inspect_read(hwaddr addr, void *buf, uint64_t len)
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

bool hypsec_inspect_in_carveout(const HypsecInspectState *s, uint64_t addr,
                                uint64_t len)
{
    uint64_t offset = addr - s->carveout_base;

    return addr >= s->carveout_base &&
           len <= s->carveout_size && offset <= s->carveout_size - len;
}

/* What is wrong with the fields that every version has; NULL: nothing. */
static const char *inspect_page_fault(const HypsecInspectState *s,
                                      const struct hypsec_inspect *page)
{
    uint32_t nr_cpus = le32_to_cpu(page->nr_cpus);
    uint64_t stride = le32_to_cpu(page->cpu_stride);

    if (le64_to_cpu(page->magic) != HYPSEC_INSPECT_MAGIC) {
        return "EL2 has published nothing (no magic number)";
    }
    if (le32_to_cpu(page->version) < HYPSEC_INSPECT_VERSION_2) {
        return "version is less than 2";
    }
    if (le32_to_cpu(page->size) <
        (le32_to_cpu(page->version) == HYPSEC_INSPECT_VERSION_2 ?
         HYPSEC_INSPECT_VERSION_2_BYTES : sizeof(*page))) {
        return "size is less than the version has";
    }
    if (le32_to_cpu(page->panicked) > 1) {
        return "panicked is neither 0 nor 1";
    }
    if (nr_cpus < 1 || nr_cpus > HYPSEC_INSPECT_MAX_CPUS) {
        return "nr_cpus is out of range";
    }
    if (stride < sizeof(struct hypsec_inspect_cpu) || stride % 8 != 0 ||
        le64_to_cpu(page->cpu_base) % 8 != 0 ||
        !hypsec_inspect_in_carveout(s, le64_to_cpu(page->cpu_base),
                                    nr_cpus * stride)) {
        return "the CPUs' entries are not in EL2's memory";
    }
    return NULL;
}

const char *hypsec_inspect_page(const HypsecInspectState *s,
                                struct hypsec_inspect *page)
{
    if (!s->carveout_size) {
        return "the board has no firmware at EL2 (-bios)";
    }
    if (!hypsec_inspect_read(s->carveout_base + HYPSEC_INSPECT_OFFSET, page,
                             sizeof(*page))) {
        return "it is not in RAM";
    }
    return inspect_page_fault(s, page);
}

bool hypsec_inspect_cpu(const struct hypsec_inspect *page, uint32_t i,
                        struct hypsec_inspect_cpu *cpu)
{
    return hypsec_inspect_read(le64_to_cpu(page->cpu_base) +
                               (uint64_t)i * le32_to_cpu(page->cpu_stride),
                               cpu, sizeof(*cpu));
}

static bool inspect_cpu_world(HypsecInspectState *s, uint32_t i,
                              uint32_t *world, uint32_t *vcpu)
{
    struct hypsec_inspect page;
    struct hypsec_inspect_cpu cpu;

    if (hypsec_inspect_page(s, &page) || i >= le32_to_cpu(page.nr_cpus) ||
        !hypsec_inspect_cpu(&page, i, &cpu)) {
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
    if (hypsec_inspect_page(s, &page)) {
        return false;
    }
    t->nr_cpus = le32_to_cpu(page.nr_cpus);
    t->panicked = le32_to_cpu(page.panicked);
    for (uint32_t i = 0; i < t->nr_cpus; i++) {
        if (!hypsec_inspect_cpu(&page, i, &cpu)) {
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

static void inspect_get_page_address(Object *obj, Visitor *v,
                                     const char *name, void *opaque,
                                     Error **errp)
{
    HypsecInspectState *s = HYPSEC_INSPECT(obj);
    uint64_t value = s->carveout_size ?
                     s->carveout_base + HYPSEC_INSPECT_OFFSET : 0;

    visit_type_uint64(v, name, &value, errp);
}

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
    object_class_property_add(oc, "page-address", "uint64",
                              inspect_get_page_address, NULL, NULL, NULL);
    object_class_property_set_description(oc, "page-address",
        "Physical address of the page; 0 without EL2 memory");
    hypsec_inspect_add_state(oc);
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
