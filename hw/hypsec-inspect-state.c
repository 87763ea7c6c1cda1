/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /machine/inspect: VMs, CPUs, owners of memory, SMMUs and devices, as QOM
 * properties that are lists and dictionaries.
 *
 * They come from arrays inside EL2, which the page (hypsec/inspect.h) tells
 * of. All of it is under the control of whatever runs at EL2. So each array
 * has to lie in the carve-out as a whole and to have no more entries than
 * this file's limits allow; an entry is copied once; and what is no known
 * value is "unknown". When anything does not check out, each of these
 * properties is an error, which says what.
 *
 * EL2 may be at work meanwhile: entries of one answer are of the same moment
 * only if the machine is stopped.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/bswap.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "qobject/qnum.h"
#include "qom/object.h"
#include "hypsec-inspect.h"
#include "hypsec-inspect-internal.h"

/* Owners are 8 bits of a page record; an SMMUv2 has at most 128 banks. */
#define MAX_OWNERS 256
#define MAX_VCPUS 64
#define MAX_SMMUS 16
#define MAX_BANKS 128
#define MAX_DEVICES 256

/* How the entries that EL2 has begin, see struct hypsec_inspect. */
typedef struct VcpuEntry {
    uint32_t state;
    uint32_t power;
} VcpuEntry;

typedef struct SmmuEntry {
    uint64_t base;
    uint64_t bytes;
    uint32_t banks;
} SmmuEntry;
#define SMMU_ENTRY_BYTES 20

typedef struct DeviceEntry {
    uint64_t base;
    uint64_t bytes;
    uint32_t smmu;
    uint32_t stream;
} DeviceEntry;

typedef struct DeviceOwnerEntry {
    uint32_t vmid;
    uint32_t bank;
} DeviceOwnerEntry;

/* An array that is in the carve-out, all of it. */
typedef struct Array {
    uint64_t base;
    uint64_t stride;
    uint64_t count;
} Array;

/* The page, checked, in the byte order of this machine. */
typedef struct Published {
    struct hypsec_inspect page;     /* little-endian */
    uint32_t nr_cpus;
    uint64_t corevisor;
    Array owned;
    Array vms;
    uint64_t vcpu_offset;
    uint64_t vcpu_stride;
    uint64_t vcpu_count;
    Array smmus;
    uint64_t smmu_owner_offset;
    Array devices;
    Array device_owners;
    Array pcpus;
    uint64_t pcpu_held_offset;
} Published;

/* Checking */

/* @bytes: what is read of an entry. Fields are little-endian. */
static bool take_array(const HypsecInspectState *s, Array *array,
                       uint64_t base, uint64_t stride, uint64_t count,
                       uint64_t max, uint64_t bytes)
{
    *array = (Array) {
        .base = le64_to_cpu(base),
        .stride = le64_to_cpu(stride),
        .count = le64_to_cpu(count),
    };
    return array->count == 0 ||
           (array->count <= max && array->stride >= bytes &&
            array->base % 4 == 0 && array->stride % 4 == 0 &&
            array->stride <= s->carveout_size &&
            hypsec_inspect_in_carveout(s, array->base,
                                       array->count * array->stride));
}

/* Whether [@offset, @offset + @bytes) is inside an entry, and aligned. */
static bool is_in_entry(const Array *array, uint64_t offset, uint64_t bytes)
{
    return offset % 4 == 0 && bytes <= array->stride &&
           offset <= array->stride - bytes;
}

static const char *take_owners(const HypsecInspectState *s, Published *p)
{
    p->corevisor = le64_to_cpu(p->page.corevisor);
    if (p->corevisor < 1 || p->corevisor >= MAX_OWNERS) {
        return "corevisor is out of range";
    }
    return take_array(s, &p->owned, p->page.owned_base, cpu_to_le64(8),
                      cpu_to_le64(p->corevisor + 1), MAX_OWNERS, 8) ? NULL :
           "the owners' array is not in EL2's memory";
}

static const char *take_vms(const HypsecInspectState *s, Published *p)
{
    const struct hypsec_inspect *page = &p->page;

    if (!take_array(s, &p->vms, page->vm_base, page->vm_stride,
                    page->vm_count, p->corevisor, sizeof(uint32_t))) {
        return "the VMs' array is not in EL2's memory";
    }
    p->vcpu_offset = le64_to_cpu(page->vcpu_offset);
    p->vcpu_stride = le64_to_cpu(page->vcpu_stride);
    p->vcpu_count = le64_to_cpu(page->vcpu_count);
    if (p->vms.count == 0) {
        return NULL;
    }
    return p->vcpu_count <= MAX_VCPUS &&
           p->vcpu_stride >= sizeof(VcpuEntry) && p->vcpu_stride % 4 == 0 &&
           p->vcpu_stride <= p->vms.stride &&
           is_in_entry(&p->vms, p->vcpu_offset,
                       p->vcpu_count * p->vcpu_stride) ? NULL :
           "the vCPUs are not inside their VM's entry";
}

static const char *take_smmus(const HypsecInspectState *s, Published *p)
{
    const struct hypsec_inspect *page = &p->page;

    p->smmu_owner_offset = le64_to_cpu(page->smmu_owner_offset);
    return take_array(s, &p->smmus, page->smmu_base, page->smmu_stride,
                      page->smmu_count, MAX_SMMUS, SMMU_ENTRY_BYTES) ? NULL :
           "the SMMUs' array is not in EL2's memory";
}

static const char *take_devices(const HypsecInspectState *s, Published *p)
{
    const struct hypsec_inspect *page = &p->page;

    return take_array(s, &p->devices, page->device_base, page->device_stride,
                      page->device_count, MAX_DEVICES, sizeof(DeviceEntry)) &&
           take_array(s, &p->device_owners, page->device_owner_base,
                      page->device_owner_stride, page->device_count,
                      MAX_DEVICES, sizeof(DeviceOwnerEntry)) ? NULL :
           "the devices' arrays are not in EL2's memory";
}

static const char *take_pcpus(const HypsecInspectState *s, Published *p)
{
    const struct hypsec_inspect *page = &p->page;

    p->pcpu_held_offset = le64_to_cpu(page->pcpu_held_offset);
    return take_array(s, &p->pcpus, page->pcpu_base, page->pcpu_stride,
                      cpu_to_le64(p->nr_cpus), HYPSEC_INSPECT_MAX_CPUS,
                      sizeof(uint32_t)) &&
           is_in_entry(&p->pcpus, p->pcpu_held_offset, sizeof(uint32_t)) ?
           NULL : "EL2's array of CPUs is not in its memory";
}

/* What is wrong with the page, NULL if nothing. */
static const char *take_page(const HypsecInspectState *s, Published *p)
{
    static const char *(* const take[])(const HypsecInspectState *s,
                                        Published *p) = {
        take_owners, take_vms, take_smmus, take_devices, take_pcpus,
    };
    const char *fault = hypsec_inspect_page(s, &p->page);

    if (fault) {
        return fault;
    }
    if (le32_to_cpu(p->page.version) < HYPSEC_INSPECT_VERSION) {
        return "the firmware is too old to publish this (version 2)";
    }
    p->nr_cpus = le32_to_cpu(p->page.nr_cpus);
    for (int i = 0; i < ARRAY_SIZE(take) && !fault; i++) {
        fault = take[i](s, p);
    }
    return fault;
}

/* Reading: @offset and @len are inside an entry, @i is below the count. */

static void read_entry(const Array *array, uint64_t i, uint64_t offset,
                       void *buf, uint64_t len)
{
    /* In the carve-out, which is RAM. */
    if (!hypsec_inspect_read(array->base + i * array->stride + offset, buf,
                             len)) {
        memset(buf, 0xff, len);
    }
}

static uint32_t read_u32(const Array *array, uint64_t i, uint64_t offset)
{
    uint32_t value;

    read_entry(array, i, offset, &value, sizeof(value));
    return le32_to_cpu(value);
}

static uint64_t read_owned(const Published *p, uint64_t owner)
{
    uint64_t value;

    read_entry(&p->owned, owner, 0, &value, sizeof(value));
    return le64_to_cpu(value);
}

static VcpuEntry read_vcpu(const Published *p, uint64_t vmid, uint64_t vcpu)
{
    VcpuEntry entry;

    read_entry(&p->vms, vmid, p->vcpu_offset + vcpu * p->vcpu_stride, &entry,
               sizeof(entry));
    entry.state = le32_to_cpu(entry.state);
    entry.power = le32_to_cpu(entry.power);
    return entry;
}

static SmmuEntry read_smmu(const Published *p, uint64_t i)
{
    SmmuEntry entry;

    read_entry(&p->smmus, i, 0, &entry, SMMU_ENTRY_BYTES);
    entry.base = le64_to_cpu(entry.base);
    entry.bytes = le64_to_cpu(entry.bytes);
    entry.banks = le32_to_cpu(entry.banks);
    /* No more than an SMMU can have, and than the entry says whose they are. */
    entry.banks = MIN(entry.banks, MAX_BANKS);
    while (entry.banks > 0 &&
           !is_in_entry(&p->smmus, p->smmu_owner_offset,
                        entry.banks * sizeof(uint32_t))) {
        entry.banks--;
    }
    return entry;
}

static uint32_t read_bank_owner(const Published *p, uint64_t smmu,
                                uint32_t bank)
{
    return read_u32(&p->smmus, smmu,
                    p->smmu_owner_offset + bank * sizeof(uint32_t));
}

/* In words; all of it to be freed. */

static char *owner_name(const Published *p, uint64_t owner)
{
    return owner == 0 ? g_strdup("host") :
           owner == p->corevisor ? g_strdup("el2") :
           owner < p->corevisor ? g_strdup_printf("vm%" PRIu64, owner) :
           g_strdup("unknown");
}

static char *world_name(const Published *p, uint32_t world)
{
    return world == HYPSEC_INSPECT_WORLD_OFF ? g_strdup("off") :
           owner_name(p, world);
}

static const char *state_name(uint32_t state)
{
    static const char * const names[] = {
        [HYPSEC_INSPECT_UNUSED] = "UNUSED",
        [HYPSEC_INSPECT_MAPPED] = "MAPPED",
        [HYPSEC_INSPECT_READY] = "READY",
        [HYPSEC_INSPECT_VERIFIED] = "VERIFIED",
        [HYPSEC_INSPECT_POWEROFF] = "POWEROFF",
        [HYPSEC_INSPECT_ACTIVE] = "ACTIVE",
    };

    return state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

static const char *power_name(uint32_t power)
{
    static const char * const names[] = {
        [HYPSEC_INSPECT_POWER_OFF] = "OFF",
        [HYPSEC_INSPECT_POWER_ON_PENDING] = "ON_PENDING",
        [HYPSEC_INSPECT_POWER_ON] = "ON",
    };

    return power < ARRAY_SIZE(names) ? names[power] : "unknown";
}

static void put_string(QDict *dict, const char *key, char *value)
{
    qdict_put_str(dict, key, value);
    g_free(value);
}

static void put_uint(QDict *dict, const char *key, uint64_t value)
{
    qdict_put(dict, key, qnum_from_uint(value));
}

/* VMs */

/* The CPU that runs a vCPU by the CPUs' entries, -1 if none does. */
static int64_t cpu_of_vcpu(const Published *p, uint64_t vmid, uint64_t vcpu)
{
    struct hypsec_inspect_cpu cpu;

    for (uint32_t i = 0; i < p->nr_cpus; i++) {
        if (hypsec_inspect_cpu(&p->page, i, &cpu) &&
            le32_to_cpu(cpu.world) == vmid && le32_to_cpu(cpu.vcpu) == vcpu) {
            return i;
        }
    }
    return -1;
}

static QList *get_vcpus(const Published *p, uint64_t vmid)
{
    QList *list = qlist_new();

    for (uint64_t i = 0; i < p->vcpu_count; i++) {
        VcpuEntry entry = read_vcpu(p, vmid, i);
        int64_t cpu = cpu_of_vcpu(p, vmid, i);
        QDict *dict;

        if (entry.state == HYPSEC_INSPECT_UNUSED) {
            continue;
        }
        dict = qdict_new();
        put_uint(dict, "vcpu", i);
        qdict_put_str(dict, "state", state_name(entry.state));
        qdict_put_str(dict, "power", power_name(entry.power));
        if (cpu >= 0) {
            put_uint(dict, "cpu", cpu);
        }
        qlist_append(list, dict);
    }
    return list;
}

static QList *get_banks_of(const Published *p, uint64_t vmid)
{
    QList *list = qlist_new();

    for (uint64_t i = 0; i < p->smmus.count; i++) {
        SmmuEntry smmu = read_smmu(p, i);

        for (uint32_t bank = 0; bank < smmu.banks; bank++) {
            if (read_bank_owner(p, i, bank) == vmid) {
                QDict *dict = qdict_new();

                put_uint(dict, "smmu", i);
                put_uint(dict, "bank", bank);
                qlist_append(list, dict);
            }
        }
    }
    return list;
}

/* Those that are in use, or have memory. */
static QObject *get_vms(const Published *p)
{
    QList *list = qlist_new();

    for (uint64_t vmid = 1; vmid < p->vms.count; vmid++) {
        uint32_t state = read_u32(&p->vms, vmid, 0);
        uint64_t pages = read_owned(p, vmid);
        QDict *dict;

        if (state == HYPSEC_INSPECT_UNUSED && pages == 0) {
            continue;
        }
        dict = qdict_new();
        put_uint(dict, "vmid", vmid);
        qdict_put_str(dict, "state", state_name(state));
        put_uint(dict, "pages", pages);
        qdict_put(dict, "vcpus", get_vcpus(p, vmid));
        qdict_put(dict, "banks", get_banks_of(p, vmid));
        qlist_append(list, dict);
    }
    return QOBJECT(list);
}

/* CPUs */

static QList *get_locks(uint32_t held)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } classes[] = {
        { HYPSEC_INSPECT_HELD_SMMU, "smmu" },
        { HYPSEC_INSPECT_HELD_VM, "vm" },
        { HYPSEC_INSPECT_HELD_CORE, "core" },
        { HYPSEC_INSPECT_HELD_S2PAGE, "s2page" },
        { HYPSEC_INSPECT_HELD_PT, "pt" },
        { HYPSEC_INSPECT_HELD_SPT, "spt" },
        { HYPSEC_INSPECT_HELD_CONSOLE, "console" },
    };
    QList *list = qlist_new();

    for (int i = 0; i < ARRAY_SIZE(classes); i++) {
        uint32_t bit = classes[i].bit;
        g_autofree char *name =
            bit == HYPSEC_INSPECT_HELD_VM ?
            g_strdup_printf("vm[%u]", HYPSEC_INSPECT_HELD_VM_ID(held)) :
            bit == HYPSEC_INSPECT_HELD_PT ?
            g_strdup_printf("pt[%u]", HYPSEC_INSPECT_HELD_PT_ID(held)) :
            g_strdup(classes[i].name);

        if (held & bit) {
            qlist_append_str(list, name);
        }
    }
    return list;
}

static QObject *get_pcpus(const Published *p)
{
    QList *list = qlist_new();

    for (uint32_t i = 0; i < p->nr_cpus; i++) {
        struct hypsec_inspect_cpu cpu = {};
        QDict *dict = qdict_new();

        hypsec_inspect_cpu(&p->page, i, &cpu);
        put_uint(dict, "cpu", i);
        put_string(dict, "world", world_name(p, le32_to_cpu(cpu.world)));
        put_uint(dict, "vcpu", le32_to_cpu(cpu.vcpu));
        put_uint(dict, "refusals", le64_to_cpu(cpu.refusals));
        put_uint(dict, "host-s2-faults", le64_to_cpu(cpu.host_s2_faults));
        put_uint(dict, "hypercalls", le64_to_cpu(cpu.hypercalls));
        put_uint(dict, "smcs", le64_to_cpu(cpu.smcs));
        qdict_put(dict, "locks",
                  get_locks(read_u32(&p->pcpus, i, p->pcpu_held_offset)));
        qlist_append(list, dict);
    }
    return QOBJECT(list);
}

/* Memory, SMMUs, devices */

static QObject *get_owners(const Published *p)
{
    QDict *dict = qdict_new();

    for (uint64_t owner = 0; owner <= p->corevisor; owner++) {
        g_autofree char *name = owner_name(p, owner);

        put_uint(dict, name, read_owned(p, owner));
    }
    return QOBJECT(dict);
}

static QList *get_banks(const Published *p, uint64_t smmu, uint32_t banks)
{
    QList *list = qlist_new();

    for (uint32_t bank = 0; bank < banks; bank++) {
        uint32_t owner = read_bank_owner(p, smmu, bank);
        QDict *dict = qdict_new();

        put_uint(dict, "bank", bank);
        put_string(dict, "owner", owner == HYPSEC_INSPECT_FREE ?
                                  g_strdup("free") : owner_name(p, owner));
        qlist_append(list, dict);
    }
    return list;
}

static QObject *get_smmus(const Published *p)
{
    QList *list = qlist_new();

    for (uint64_t i = 0; i < p->smmus.count; i++) {
        SmmuEntry smmu = read_smmu(p, i);
        QDict *dict = qdict_new();

        put_uint(dict, "smmu", i);
        put_uint(dict, "base", smmu.base);
        put_uint(dict, "size", smmu.bytes);
        qdict_put(dict, "banks", get_banks(p, i, smmu.banks));
        qlist_append(list, dict);
    }
    return QOBJECT(list);
}

static QObject *get_devices(const Published *p)
{
    QList *list = qlist_new();

    for (uint64_t i = 0; i < p->devices.count; i++) {
        DeviceEntry device;
        DeviceOwnerEntry owner;
        QDict *dict = qdict_new();

        read_entry(&p->devices, i, 0, &device, sizeof(device));
        read_entry(&p->device_owners, i, 0, &owner, sizeof(owner));
        put_uint(dict, "device", i);
        put_uint(dict, "base", le64_to_cpu(device.base));
        put_uint(dict, "size", le64_to_cpu(device.bytes));
        put_uint(dict, "smmu", le32_to_cpu(device.smmu));
        put_uint(dict, "stream", le32_to_cpu(device.stream));
        put_string(dict, "owner", owner_name(p, le32_to_cpu(owner.vmid)));
        if (owner.vmid != 0) {
            put_uint(dict, "bank", le32_to_cpu(owner.bank));
        }
        qlist_append(list, dict);
    }
    return QOBJECT(list);
}

/* The properties */

typedef QObject *StateGetter(const Published *p);

static void get_state(Object *obj, Visitor *v, const char *name,
                      void *opaque, Error **errp)
{
    StateGetter *get = opaque;
    Published p;
    const char *fault = take_page(HYPSEC_INSPECT(obj), &p);
    QObject *value;

    if (fault) {
        error_setg(errp, "EL2's inspection page is not sound: %s", fault);
        return;
    }
    value = get(&p);
    visit_type_any(v, name, &value, errp);
    qobject_unref(value);
}

void hypsec_inspect_add_state(ObjectClass *oc)
{
    static const struct {
        const char *name;
        const char *type;
        StateGetter *get;
        const char *description;
    } props[] = {
        { "vms", "list", get_vms, "VMs with their state, vCPUs and banks" },
        { "pcpus", "list", get_pcpus,
          "CPUs with their world, counters and locks" },
        { "owners", "dict", get_owners, "Pages of RAM by owner" },
        { "smmus", "list", get_smmus, "SMMUs with their banks' owners" },
        { "devices", "list", get_devices,
          "Devices that VMs can be given, with their owners" },
    };

    for (int i = 0; i < ARRAY_SIZE(props); i++) {
        object_class_property_add(oc, props[i].name, props[i].type, get_state,
                                  NULL, NULL, props[i].get);
        object_class_property_set_description(oc, props[i].name,
                                              props[i].description);
    }
}
