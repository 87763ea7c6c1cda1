/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What /machine/inspect says of VMs, CPUs, owners, SMMUs and devices: the
 * truth, on boards with the corevisor; and nothing that is not there, with a
 * page by somebody who wants to have other memory read, or QEMU hang or die.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "qobject/qnum.h"
#include "qobject/qstring.h"
#include "hypsec/boot_block.h"
#include "hypsec/inspect.h"
#include "hypsec-smmu.h"
#include "hypsec-test.h"

#define PROGRAM "hypsec-inspect"
#define INSPECT "/machine/inspect"
#define OBSERVER "/machine/peripheral/obs"
#define SMMU    HYPSEC_DMA_SMMU
#define BANK    3
#define CHANNEL 2

static const char * const properties[] = {
    "vms", "pcpus", "owners", "smmus", "devices",
};

/* Reading */

/* The answer as it is, with "return" or "error". */
static QDict *ask(QTestState *qts, const char *path, const char *name)
{
    return qtest_qmp(qts, "{'execute': 'qom-get', 'arguments': "
                     "{'path': %s, 'property': %s}}", path, name);
}

/* A property of lists or of a dictionary; to be unreferenced. */
static QObject *get(QTestState *qts, const char *name)
{
    QDict *answer = ask(qts, INSPECT, name);
    QObject *value = qdict_get(answer, "return");

    g_assert_nonnull(value);
    qobject_ref(value);
    qobject_unref(answer);
    return value;
}

static QList *get_list(QTestState *qts, const char *name)
{
    QList *list = qobject_to(QList, get(qts, name));

    g_assert_nonnull(list);
    return list;
}

static QDict *nth(const QList *list, unsigned int n)
{
    const QListEntry *entry = qlist_first(list);

    while (entry && n--) {
        entry = qlist_next(entry);
    }
    g_assert_nonnull(entry);
    return qobject_to(QDict, qlist_entry_obj(entry));
}

static uint64_t uint_of(const QDict *dict, const char *key)
{
    QNum *value = qobject_to(QNum, qdict_get(dict, key));

    g_assert_nonnull(value);
    return qnum_get_uint(value);
}

#define assert_uint(dict, key, want) \
    g_assert_cmphex(uint_of(dict, key), ==, want)
#define assert_str(dict, key, want) \
    g_assert_cmpstr(qdict_get_str(dict, key), ==, want)

/* Boards that tell the truth */

static const HypsecConfig two_cpus = {
    .cpus = 2, .args = "-device hypsec-el-observer,id=obs",
};
static const HypsecConfig with_dma = { .cpus = 2, .machine = "dma=on" };

static uint64_t image_pages(const HypsecSigned *is)
{
    uint64_t pages = 0;

    for (unsigned int i = 0; i < is->nr_images; i++) {
        pages += DIV_ROUND_UP(is->image[i].size, HYPSEC_PAGE);
    }
    return pages;
}

/* The only VM that there is. */
static QDict *only_vm(QList *vms)
{
    g_assert_cmpuint(qlist_size(vms), ==, 1);
    return nth(vms, 0);
}

static void assert_vcpu(QDict *vm, unsigned int n, const char *state,
                        const char *power)
{
    QDict *vcpu = nth(qdict_get_qlist(vm, "vcpus"), n);

    assert_uint(vcpu, "vcpu", n);
    assert_str(vcpu, "state", state);
    assert_str(vcpu, "power", power);
}

/* Where the page is, without and with memory of EL2's. */
static void test_page_address(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    QTestState *qts = qtest_init("-M hypsec-virt");

    g_assert_cmphex(hypsec_get_uint(qts, INSPECT, "page-address"), ==, 0);
    qtest_quit(qts);
    g_assert_cmphex(hypsec_get_uint(board->qts, INSPECT, "page-address"), ==,
                    board->carveout + HYPSEC_INSPECT_OFFSET);
    g_assert_cmphex(qtest_readq(board->qts,
                                hypsec_get_uint(board->qts, INSPECT,
                                                "page-address")), ==,
                    HYPSEC_INSPECT_MAGIC);
}

/* No VM: nobody has memory but host and EL2, and EL2 has its own. */
static void test_no_vms(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    QList *vms = get_list(board->qts, "vms");
    QDict *owners = qobject_to(QDict, get(board->qts, "owners"));
    uint64_t el2 = (HYPSEC_RAM_END - board->carveout) / HYPSEC_PAGE;

    g_assert_true(qlist_empty(vms));
    g_assert_cmpuint(qdict_size(owners), ==, HYPSEC_COREVISOR + 1);
    assert_uint(owners, "el2", el2);
    assert_uint(owners, "host",
                (HYPSEC_RAM_END - HYPSEC_RAM) / HYPSEC_PAGE - el2);
    assert_uint(owners, "vm1", 0);
    assert_uint(owners, "vm15", 0);
    qobject_unref(vms);
    qobject_unref(owners);
}

/* Who runs on each CPU, also on one that is off. */
static void test_pcpus_off(void)
{
    HypsecBoard *board = hypsec_board(&(HypsecConfig){ .cpus = 3,
                                                       .off = true });
    QList *pcpus = get_list(board->qts, "pcpus");

    g_assert_cmpuint(qlist_size(pcpus), ==, 3);
    for (unsigned int i = 0; i < 3; i++) {
        assert_uint(nth(pcpus, i), "cpu", i);
        assert_str(nth(pcpus, i), "world", i ? "off" : "host");
        assert_uint(nth(pcpus, i), "vcpu", i);
    }
    qobject_unref(pcpus);
}

/* Each CPU's own counters, and no others'. */
static void test_pcpus_counters(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    HypsecEvent refused = hypsec_event_dabt(1, board->carveout,
                                            FSC_TRANSLATION | FSC_LEVEL_3);
    QList *pcpus;

    hypsec_fire(board, &refused);
    hypsec_hvc(board, 1, HYPSEC_HVC_GET_INFO, 0, 0, 0);
    hypsec_smc(board, 1, PSCI_VERSION, 0, 0, 0);
    pcpus = get_list(board->qts, "pcpus");
    for (unsigned int i = 0; i < 2; i++) {
        HypsecCounters c = hypsec_counters(board, i);

        assert_uint(nth(pcpus, i), "refusals", c.refusals);
        assert_uint(nth(pcpus, i), "host-s2-faults", c.host_s2_faults);
        assert_uint(nth(pcpus, i), "hypercalls", c.hypercalls);
        assert_uint(nth(pcpus, i), "smcs", c.smcs);
        g_assert_true(qlist_empty(qdict_get_qlist(nth(pcpus, i), "locks")));
    }
    assert_uint(nth(pcpus, 0), "refusals", 0);
    assert_uint(nth(pcpus, 1), "refusals", 1);
    g_assert_cmpuint(uint_of(nth(pcpus, 1), "hypercalls"), >, 0);
    g_assert_cmpuint(uint_of(nth(pcpus, 1), "smcs"), >, 0);
    qobject_unref(pcpus);
}

/* A VM from its first day to its last. */
static void test_vm_life(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    g_autoptr(HypsecSigned) is = hypsec_signed("park2");
    HypsecVm vm = hypsec_vm_register(board, is, 1);
    QList *vms = get_list(board->qts, "vms");

    assert_uint(only_vm(vms), "vmid", vm.id);
    assert_str(only_vm(vms), "state", "READY");
    assert_uint(only_vm(vms), "pages", 0);
    g_assert_cmpuint(qlist_size(qdict_get_qlist(only_vm(vms), "vcpus")), ==,
                     2);
    assert_vcpu(only_vm(vms), 1, "READY", "OFF");
    qobject_unref(vms);

    hypsec_vm_announce(board, &vm, is);
    g_assert_cmpint(hypsec_vm_manifest(board, &vm, is), ==, HYPSEC_OK);
    hypsec_vm_load(board, &vm, is);
    g_assert_cmpint(hypsec_vm_verify(board, &vm, NULL), ==, HYPSEC_OK);
    vms = get_list(board->qts, "vms");
    assert_str(only_vm(vms), "state", "VERIFIED");
    assert_uint(only_vm(vms), "pages", image_pages(is));
    assert_vcpu(only_vm(vms), 0, "READY", "ON_PENDING");
    assert_vcpu(only_vm(vms), 1, "READY", "OFF");
    qobject_unref(vms);

    hypsec_vcpu_idle(board, 0, &vm, 0);
    vms = get_list(board->qts, "vms");
    assert_vcpu(only_vm(vms), 0, "READY", "ON");
    g_assert_false(qdict_haskey(nth(qdict_get_qlist(only_vm(vms), "vcpus"),
                                    0), "cpu"));
    qobject_unref(vms);

    hypsec_vm_destroy(board, vm.id);
    vms = get_list(board->qts, "vms");
    g_assert_true(qlist_empty(vms));
    qobject_unref(vms);
}

/* A vCPU that runs, the CPU that runs it, and the observer agree. */
static void test_vcpu_runs(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    HypsecVm vm = hypsec_vm_parked(board, "park2", 1);
    QList *vms, *pcpus;
    HypsecEvent event;
    QDict *vcpu;

    hypsec_vcpu_on(board, 0, &vm, 1);
    hypsec_vcpu_spin(board, 1, &vm, 1);
    vms = get_list(board->qts, "vms");
    pcpus = get_list(board->qts, "pcpus");
    assert_vcpu(only_vm(vms), 0, "READY", "ON");
    assert_vcpu(only_vm(vms), 1, "ACTIVE", "ON");
    vcpu = nth(qdict_get_qlist(only_vm(vms), "vcpus"), 1);
    assert_uint(vcpu, "cpu", 1);
    assert_str(nth(pcpus, 0), "world", "host");
    assert_str(nth(pcpus, 1), "world", "vm1");
    assert_uint(nth(pcpus, 1), "vcpu", 1);
    qobject_unref(vms);
    qobject_unref(pcpus);

    event = hypsec_vm_event(hypsec_event(HYPSEC_INJECT_IRQ, 1), &vm);
    event.pstate &= ~(7ull << 6);
    hypsec_try(board, &event);
    hypsec_vcpu_wait(board, 1, &vm, 1);
    pcpus = get_list(board->qts, "pcpus");
    assert_str(nth(pcpus, 1), "world", "host");
    qobject_unref(pcpus);
    /* Each of its runs begins with an ERET of EL2's; it has no EL0. */
    g_assert_cmpuint(hypsec_get_member(board->qts, OBSERVER, "world-entries",
                                       "vm1"), >, 2);
    g_assert_cmpuint(hypsec_get_member(board->qts, OBSERVER, "world-time",
                                       "vm1"), >, 0);
    g_assert_cmpuint(hypsec_get_member(board->qts, OBSERVER, "world-time",
                                       "vm2"), ==, 0);
}

/* The counters by owner are what the records add up to. */
static void test_owners(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t count = hypsec_inspect(board, offsetof(struct hypsec_inspect,
                                                    page_count));
    uint64_t base = hypsec_inspect(board, offsetof(struct hypsec_inspect,
                                                   page_base));
    g_autofree uint64_t *records = g_new(uint64_t, count);
    uint64_t owned[HYPSEC_COREVISOR + 1] = {};
    QDict *owners;

    hypsec_vm_with(board, HYPSEC_GPA, HYPSEC_VM_PA(1), 5);
    hypsec_vm_with(board, HYPSEC_GPA, HYPSEC_VM_PA(2), 9);
    hypsec_vm_dying(board, HYPSEC_GPA, HYPSEC_VM_PA(3), 600);
    g_assert_cmpuint(count, ==, (HYPSEC_RAM_END - HYPSEC_RAM) / HYPSEC_PAGE);
    qtest_bufread(board->qts, base, records, count * sizeof(*records));
    for (uint64_t i = 0; i < count; i++) {
        unsigned int owner =
            HYPSEC_INSPECT_RECORD_OWNER(le64_to_cpu(records[i]));

        g_assert_cmpuint(owner, <=, HYPSEC_COREVISOR);
        owned[owner]++;
    }
    g_assert_cmpuint(owned[1], ==, 5);
    g_assert_cmpuint(owned[2], ==, 9);
    g_assert_cmpuint(owned[3], >, 0);
    owners = qobject_to(QDict, get(board->qts, "owners"));
    for (unsigned int i = 0; i <= HYPSEC_COREVISOR; i++) {
        g_autofree char *name = i == 0 ? g_strdup("host") :
                                i == HYPSEC_COREVISOR ? g_strdup("el2") :
                                g_strdup_printf("vm%u", i);

        assert_uint(owners, name, owned[i]);
    }
    qobject_unref(owners);
}

/* One that has ended is there as long as it has memory. */
static void test_vm_dying(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t id = hypsec_vm_dying(board, HYPSEC_GPA, HYPSEC_VM_PA(1), 600);
    QList *vms = get_list(board->qts, "vms");

    assert_uint(only_vm(vms), "vmid", id);
    assert_str(only_vm(vms), "state", "POWEROFF");
    g_assert_cmpuint(uint_of(only_vm(vms), "pages"), >, 0);
    g_assert_cmpuint(uint_of(only_vm(vms), "pages"), <, 600);
    qobject_unref(vms);
}

static void assert_banks(HypsecBoard *board, const char *bank_owner)
{
    QList *smmus = get_list(board->qts, "smmus");

    g_assert_cmpuint(qlist_size(smmus), ==, HYPSEC_SMMUS);
    for (unsigned int i = 0; i < HYPSEC_SMMUS; i++) {
        QDict *smmu = nth(smmus, i);
        QList *banks = qdict_get_qlist(smmu, "banks");

        assert_uint(smmu, "smmu", i);
        assert_uint(smmu, "base", HYPSEC_SMMU(i));
        assert_uint(smmu, "size", HYPSEC_SMMU_BYTES);
        g_assert_cmpuint(qlist_size(banks), ==, HYPSEC_SMMU_BANKS);
        for (unsigned int n = 0; n < HYPSEC_SMMU_BANKS; n++) {
            assert_uint(nth(banks, n), "bank", n);
            assert_str(nth(banks, n), "owner", n == 0 ? "el2" :
                       i == SMMU && n == BANK ? bank_owner : "free");
        }
    }
    qobject_unref(smmus);
}

static void assert_devices(HypsecBoard *board, const char *owner)
{
    QList *devices = get_list(board->qts, "devices");

    g_assert_cmpuint(qlist_size(devices), ==, HYPSEC_DMA_CHANNELS);
    for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
        QDict *device = nth(devices, i);
        bool given = i == CHANNEL && strcmp(owner, "host");

        assert_uint(device, "device", i);
        assert_uint(device, "base", HYPSEC_DMA_REGS(i));
        assert_uint(device, "size", HYPSEC_DMA_CHANNEL_BYTES);
        assert_uint(device, "smmu", SMMU);
        assert_uint(device, "stream", HYPSEC_DMA_SID(i));
        assert_str(device, "owner", given ? owner : "host");
        g_assert_cmpint(qdict_haskey(device, "bank"), ==, given);
        if (given) {
            assert_uint(device, "bank", BANK);
        }
    }
    qobject_unref(devices);
}

/* Banks and devices, and whose they are. */
static void test_dma(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);
    QList *vms, *banks;
    uint64_t id;

    assert_banks(board, "free");
    assert_devices(board, "host");
    g_assert_cmpint(hypsec_smmu_alloc(board, BANK, 0, SMMU), ==, HYPSEC_OK);
    assert_banks(board, "host");
    g_assert_cmpint(hypsec_smmu_free(board, BANK, SMMU), ==, HYPSEC_OK);
    hypsec_vm(board);
    id = hypsec_vm(board);
    g_assert_cmpint(hypsec_smmu_alloc(board, BANK, id, SMMU), ==, HYPSEC_OK);
    g_assert_cmpint(hypsec_smmu_set_stream(board, SMMU,
                                           HYPSEC_DMA_SID(CHANNEL), BANK), ==,
                    HYPSEC_OK);
    assert_banks(board, "vm2");
    assert_devices(board, "vm2");
    vms = get_list(board->qts, "vms");
    g_assert_true(qlist_empty(qdict_get_qlist(nth(vms, 0), "banks")));
    banks = qdict_get_qlist(nth(vms, 1), "banks");
    g_assert_cmpuint(qlist_size(banks), ==, 1);
    assert_uint(nth(banks, 0), "smmu", SMMU);
    assert_uint(nth(banks, 0), "bank", BANK);
    qobject_unref(vms);
}

/* A board without devices for VMs, and one without SMMUs. */
static void test_no_devices(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    QList *list = get_list(board->qts, "devices");

    g_assert_true(qlist_empty(list));
    qobject_unref(list);
    board = hypsec_board(&(HypsecConfig){ .machine = "smmu=off" });
    list = get_list(board->qts, "smmus");
    g_assert_true(qlist_empty(list));
    qobject_unref(list);
}

/* Locks that a CPU holds; told as @want, by commas. */
static void assert_locks(HypsecBoard *board, unsigned int cpu,
                         const char *want)
{
    QList *pcpus = get_list(board->qts, "pcpus");
    QList *locks = qdict_get_qlist(nth(pcpus, cpu), "locks");
    g_autoptr(GString) text = g_string_new("");
    const QListEntry *e;

    QLIST_FOREACH_ENTRY(locks, e) {
        g_string_append_printf(text, "%s%s", text->len ? "," : "",
            qstring_get_str(qobject_to(QString, qlist_entry_obj(e))));
    }
    g_assert_cmpstr(text->str, ==, want);
    qobject_unref(pcpus);
}

/* EL2 stops while it looks at a page's record: it holds their lock. */
static void test_locks_at_panic(void)
{
    HypsecBoard *board = hypsec_board_new(&two_cpus);
    HypsecEvent event = hypsec_event_dabt(1, HYPSEC_FREE,
                                          FSC_TRANSLATION | FSC_LEVEL_3);
    uint64_t range = HYPSEC_INJECT_BASE + HYPSEC_INJECT_FAULT(0);
    uint64_t record =
        hypsec_inspect(board, offsetof(struct hypsec_inspect, page_base)) +
        (HYPSEC_FREE - HYPSEC_RAM) / HYPSEC_PAGE * 8;

    assert_locks(board, 1, "");
    qtest_writeq(board->qts, range + HYPSEC_INJECT_FAULT_BASE,
                 record & ~(HYPSEC_PAGE - 1));
    qtest_writeq(board->qts, range + HYPSEC_INJECT_FAULT_SIZE, HYPSEC_PAGE);
    qtest_writel(board->qts, range + HYPSEC_INJECT_FAULT_CTRL,
                 HYPSEC_INJECT_FAULT_ENABLE | HYPSEC_INJECT_FAULT_READ |
                 HYPSEC_INJECT_FAULT_WRITE);
    hypsec_post(board, &event);
    hypsec_assert_panicked(board, "EL2 panic: synchronous exception at EL2");
    assert_locks(board, 0, "");
    assert_locks(board, 1, "s2page");
    hypsec_board_free(board);
}

/* All of it from the monitor, as text, and nothing can be written. */
static void test_hmp(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    static const struct {
        const char *path;
        const char *name;
        const char *text;
    } reads[] = {
        { INSPECT, "page-address", "1323307008" },
        { INSPECT, "vms", "\"state\": \"VERIFIED\"" },
        { INSPECT, "pcpus", "\"world\": \"host\"" },
        { INSPECT, "owners", "\"el2\": 4608" },
        { INSPECT, "smmus", "\"owner\": \"el2\"" },
        { INSPECT, "devices", "[\r\n]" },
        { OBSERVER, "world-time", "\"vm15\": 0" },
        { OBSERVER, "world-instructions", "\"host\": 0" },
        { OBSERVER, "world-entries", "\"off\": " },
    };

    hypsec_vm_boot(board, "park1", 1);
    for (int i = 0; i < ARRAY_SIZE(reads); i++) {
        g_autofree char *out = qtest_hmp(board->qts, "qom-get %s %s",
                                         reads[i].path, reads[i].name);
        g_autofree char *set = qtest_hmp(board->qts, "qom-set %s %s 1",
                                         reads[i].path, reads[i].name);

        g_test_message("%s", out);
        g_assert_nonnull(strstr(out, reads[i].text));
        g_assert_nonnull(strstr(set, "Error: "));
    }
}

/* Hostile pages */

#define CARVEOUT HYPSEC_CARVEOUT
#define CARVEOUT_END HYPSEC_RAM_END
#define PAGE_AT (CARVEOUT + HYPSEC_INSPECT_OFFSET)
#define AT(n) (CARVEOUT + (n) * 0x1000)
#define NR_CPUS 2
#define NR_VMS 16
#define NR_VCPUS 8
#define NR_BANKS 8
#define FIELD(name) offsetof(struct hypsec_inspect, name)

/* A sound one; all fields as they are in memory. */
static const struct hypsec_inspect good = {
    .magic = const_le64(HYPSEC_INSPECT_MAGIC),
    .version = const_le32(HYPSEC_INSPECT_VERSION),
    .size = const_le32(sizeof(struct hypsec_inspect)),
    .nr_cpus = const_le32(NR_CPUS),
    .cpu_base = const_le64(AT(2)),
    .cpu_stride = const_le32(sizeof(struct hypsec_inspect_cpu)),
    .vm_base = const_le64(AT(4)),
    .vm_stride = const_le64(512),
    .vm_count = const_le64(NR_VMS),
    .owned_base = const_le64(AT(3)),
    .vcpu_offset = const_le64(32),
    .vcpu_stride = const_le64(32),
    .vcpu_count = const_le64(NR_VCPUS),
    .corevisor = const_le64(NR_VMS),
    .smmu_base = const_le64(AT(8)),
    .smmu_stride = const_le64(64),
    .smmu_count = const_le64(2),
    .smmu_owner_offset = const_le64(32),
    .device_base = const_le64(AT(9)),
    .device_stride = const_le64(32),
    .device_owner_base = const_le64(AT(10)),
    .device_owner_stride = const_le64(8),
    .device_count = const_le64(8),
    .pcpu_base = const_le64(AT(11)),
    .pcpu_stride = const_le64(256),
    .pcpu_held_offset = const_le64(64),
};

static QTestState *start_stub(void)
{
    return qtest_initf("-M hypsec-virt -m 256M -bios %s", hypsec_firmware());
}

static void publish(QTestState *qts, const struct hypsec_inspect *page)
{
    qtest_memwrite(qts, PAGE_AT, page, sizeof(*page));
}

static QTestState *start_with_good(void)
{
    QTestState *qts = start_stub();
    static const uint8_t zero[0x10000];

    qtest_memwrite(qts, CARVEOUT, zero, sizeof(zero));
    publish(qts, &good);
    return qts;
}

/* All of them are refused for this reason. */
static void assert_unsound(QTestState *qts, const char *why)
{
    for (int i = 0; i < ARRAY_SIZE(properties); i++) {
        QDict *answer = ask(qts, INSPECT, properties[i]);
        const char *text;

        g_test_message("%s", properties[i]);
        g_assert_true(qdict_haskey(answer, "error"));
        text = qdict_get_str(qdict_get_qdict(answer, "error"), "desc");
        g_test_message("%s", text);
        g_assert_true(g_str_has_prefix(text, "EL2's inspection page is not "
                                       "sound: "));
        g_assert_nonnull(strstr(text, why));
        qobject_unref(answer);
    }
}

static void assert_status(QTestState *qts, const char *want)
{
    g_autofree char *status = hypsec_get_string(qts, INSPECT, "status");

    g_assert_cmpstr(status, ==, want);
}

/* A field of 64 bits that cannot be, and what is said of it. */
typedef struct Spoilt {
    const char *name;
    size_t offset;
    uint64_t value;
    const char *why;
} Spoilt;

#define OWNERS_WRONG "the owners' array is not in EL2's memory"
#define VMS_WRONG "the VMs' array is not in EL2's memory"
#define VCPUS_WRONG "the vCPUs are not inside their VM's entry"
#define SMMUS_WRONG "the SMMUs' array is not in EL2's memory"
#define DEVICES_WRONG "the devices' arrays are not in EL2's memory"
#define PCPUS_WRONG "EL2's array of CPUs is not in its memory"

/* Before, behind, around, at the edge, nowhere, in between. */
#define BASES(field, bytes, why) \
    { #field "-before", FIELD(field), CARVEOUT - 8, why }, \
    { #field "-hosts-memory", FIELD(field), HYPSEC_RAM, why }, \
    { #field "-device", FIELD(field), 0x09000000, why }, \
    { #field "-zero", FIELD(field), 0, why }, \
    { #field "-end", FIELD(field), CARVEOUT_END, why }, \
    { #field "-over-the-end", FIELD(field), CARVEOUT_END - (bytes) + 4, \
      why }, \
    { #field "-wraps", FIELD(field), UINT64_MAX - 7, why }, \
    { #field "-unaligned", FIELD(field), AT(12) + 2, why }

/* No bytes, fewer than are read, odd, so many that the product is 0. */
#define STRIDES(field, few, why) \
    { #field "-zero", FIELD(field), 0, why }, \
    { #field "-too-few", FIELD(field), few, why }, \
    { #field "-odd", FIELD(field), 514, why }, \
    { #field "-product-wraps", FIELD(field), 1ULL << 61, why }, \
    { #field "-all-ones", FIELD(field), UINT64_MAX, why }, \
    { #field "-huge", FIELD(field), UINT64_MAX - 3, why }

static const Spoilt spoilt[] = {
    { "corevisor-zero", FIELD(corevisor), 0, "corevisor is out of range" },
    { "corevisor-256", FIELD(corevisor), 256, "corevisor is out of range" },
    { "corevisor-huge", FIELD(corevisor), UINT64_MAX,
      "corevisor is out of range" },
    { "corevisor-below-vms", FIELD(corevisor), NR_VMS - 1, VMS_WRONG },
    BASES(owned_base, (NR_VMS + 1) * 8, OWNERS_WRONG),
    BASES(vm_base, NR_VMS * 512, VMS_WRONG),
    STRIDES(vm_stride, 2, VMS_WRONG),
    { "vm_stride-without-vcpus", FIELD(vm_stride), 284, VCPUS_WRONG },
    { "vm_count-17", FIELD(vm_count), 17, VMS_WRONG },
    { "vm_count-huge", FIELD(vm_count), UINT64_MAX, VMS_WRONG },
    { "vcpu_offset-4-too-much", FIELD(vcpu_offset), 260, VCPUS_WRONG },
    { "vcpu_offset-behind", FIELD(vcpu_offset), 512, VCPUS_WRONG },
    { "vcpu_offset-odd", FIELD(vcpu_offset), 33, VCPUS_WRONG },
    { "vcpu_offset-wraps", FIELD(vcpu_offset), UINT64_MAX - 3, VCPUS_WRONG },
    STRIDES(vcpu_stride, 4, VCPUS_WRONG),
    { "vcpu_stride-too-long", FIELD(vcpu_stride), 64, VCPUS_WRONG },
    { "vcpu_count-16", FIELD(vcpu_count), 16, VCPUS_WRONG },
    { "vcpu_count-65", FIELD(vcpu_count), 65, VCPUS_WRONG },
    { "vcpu_count-product-wraps", FIELD(vcpu_count), 1ULL << 59,
      VCPUS_WRONG },
    { "vcpu_count-huge", FIELD(vcpu_count), UINT64_MAX, VCPUS_WRONG },
    BASES(smmu_base, 2 * 64, SMMUS_WRONG),
    STRIDES(smmu_stride, 16, SMMUS_WRONG),
    { "smmu_count-17", FIELD(smmu_count), 17, SMMUS_WRONG },
    { "smmu_count-huge", FIELD(smmu_count), UINT64_MAX, SMMUS_WRONG },
    BASES(device_base, 8 * 32, DEVICES_WRONG),
    STRIDES(device_stride, 20, DEVICES_WRONG),
    BASES(device_owner_base, 8 * 8, DEVICES_WRONG),
    STRIDES(device_owner_stride, 4, DEVICES_WRONG),
    { "device_count-257", FIELD(device_count), 257, DEVICES_WRONG },
    { "device_count-huge", FIELD(device_count), UINT64_MAX, DEVICES_WRONG },
    BASES(pcpu_base, NR_CPUS * 256, PCPUS_WRONG),
    STRIDES(pcpu_stride, 2, PCPUS_WRONG),
    { "pcpu_held_offset-behind", FIELD(pcpu_held_offset), 256, PCPUS_WRONG },
    { "pcpu_held_offset-odd", FIELD(pcpu_held_offset), 65, PCPUS_WRONG },
    { "pcpu_held_offset-wraps", FIELD(pcpu_held_offset), UINT64_MAX - 3,
      PCPUS_WRONG },
    { "magic", FIELD(magic), 0, "no magic number" },
    { "cpu_base", FIELD(cpu_base), HYPSEC_RAM, "the CPUs' entries" },
};

/* One field that cannot be: no property of them is read. */
static void test_spoilt(void)
{
    QTestState *qts = start_with_good();

    for (int i = 0; i < ARRAY_SIZE(spoilt); i++) {
        const Spoilt *s = &spoilt[i];
        /* What version 2 looks at is as sound as before. */
        bool old = s->offset != FIELD(magic) && s->offset != FIELD(cpu_base);

        g_test_message("%s", s->name);
        publish(qts, &good);
        qobject_unref(get(qts, "vms"));
        qtest_writeq(qts, PAGE_AT + s->offset, s->value);
        assert_unsound(qts, s->why);
        assert_status(qts, old ? "ok" : "unknown");
    }
    qtest_quit(qts);
}

/* A page of version 2 has the old properties, and none of these. */
static void test_version_2(void)
{
    QTestState *qts = start_with_good();

    qtest_writel(qts, PAGE_AT + FIELD(version), HYPSEC_INSPECT_VERSION_2);
    qtest_writel(qts, PAGE_AT + FIELD(size), HYPSEC_INSPECT_VERSION_2_BYTES);
    assert_status(qts, "ok");
    assert_unsound(qts, "too old");
    qtest_writel(qts, PAGE_AT + FIELD(size),
                 HYPSEC_INSPECT_VERSION_2_BYTES - 1);
    assert_status(qts, "unknown");
    assert_unsound(qts, "size is less than the version has");
    qtest_writel(qts, PAGE_AT + FIELD(version), HYPSEC_INSPECT_VERSION_2 - 1);
    assert_unsound(qts, "version is less than 2");
    qtest_quit(qts);
}

/* A version 3 that is too short is none; a later version has all of it. */
static void test_version_later(void)
{
    QTestState *qts = start_with_good();

    qtest_writel(qts, PAGE_AT + FIELD(size),
                 sizeof(struct hypsec_inspect) - 8);
    assert_unsound(qts, "size is less than the version has");
    qtest_writel(qts, PAGE_AT + FIELD(size),
                 sizeof(struct hypsec_inspect) + 8);
    qtest_writel(qts, PAGE_AT + FIELD(version), HYPSEC_INSPECT_VERSION + 1);
    qobject_unref(get(qts, "vms"));
    qtest_quit(qts);
}

/* Without firmware, and before it has published anything. */
static void test_nothing(void)
{
    QTestState *qts = qtest_init("-M hypsec-virt");

    assert_unsound(qts, "the board has no firmware");
    qtest_quit(qts);
    qts = start_stub();
    assert_unsound(qts, "EL2 has published nothing");
    qtest_quit(qts);
}

/* Arrays that end where EL2's memory ends are all read. */
static void test_last_byte(void)
{
    QTestState *qts = start_with_good();
    struct hypsec_inspect page = good;
    uint64_t base = CARVEOUT_END - (NR_VMS + 1) * 8;
    QDict *owners;

    page.owned_base = cpu_to_le64(base);
    publish(qts, &page);
    qtest_writeq(qts, base + NR_VMS * 8, 0x1234);
    qtest_writeq(qts, base, UINT64_MAX);
    owners = qobject_to(QDict, get(qts, "owners"));
    assert_uint(owners, "el2", 0x1234);
    assert_uint(owners, "host", UINT64_MAX);
    qobject_unref(owners);
    qtest_quit(qts);
}

/* Numbers that mean nothing are "unknown". */
static void test_unknown_values(void)
{
    QTestState *qts = start_with_good();
    const uint64_t entry = AT(4) + 3 * 512;
    QList *list;

    qtest_writel(qts, entry, 6);
    qtest_writel(qts, entry + 32 + 32, UINT32_MAX);
    qtest_writel(qts, entry + 32 + 32 + 4, 3);
    list = get_list(qts, "vms");
    assert_uint(only_vm(list), "vmid", 3);
    assert_str(only_vm(list), "state", "unknown");
    list = qdict_get_qlist(only_vm(list), "vcpus");
    g_assert_cmpuint(qlist_size(list), ==, 1);
    assert_uint(nth(list, 0), "vcpu", 1);
    assert_str(nth(list, 0), "state", "unknown");
    assert_str(nth(list, 0), "power", "unknown");

    qtest_writel(qts, AT(2), NR_VMS + 1);
    qtest_writel(qts, AT(2) + 64, NR_VMS);
    list = get_list(qts, "pcpus");
    assert_str(nth(list, 0), "world", "unknown");
    assert_str(nth(list, 1), "world", "el2");
    qobject_unref(list);

    qtest_writel(qts, AT(10), 0x80000000);
    list = get_list(qts, "devices");
    assert_str(nth(list, 0), "owner", "unknown");
    qobject_unref(list);
    qtest_quit(qts);
}

/* All bits of the locks, and none that are no locks. */
static void test_all_locks(void)
{
    QTestState *qts = start_with_good();
    HypsecBoard stub = { .qts = qts };

    qtest_writel(qts, AT(11) + 64, 0x007f0305);
    qtest_writel(qts, AT(11) + 256 + 64, 0xff80ffff);
    assert_locks(&stub, 0, "smmu,vm[3],core,s2page,pt[5],spt,console");
    assert_locks(&stub, 1, "");
    qtest_writel(qts, AT(11) + 64, HYPSEC_INSPECT_HELD_VM | 0xff00);
    assert_locks(&stub, 0, "vm[255]");
    qtest_quit(qts);
}

static void assert_nr_banks(QTestState *qts, unsigned int want)
{
    QList *smmus = get_list(qts, "smmus");

    g_assert_cmpuint(qlist_size(qdict_get_qlist(nth(smmus, 0), "banks")), ==,
                     want);
    qobject_unref(smmus);
}

/* No bank whose owner would be outside the SMMU's entry. */
static void test_many_banks(void)
{
    QTestState *qts = start_with_good();
    static const uint64_t offsets[] = {
        64, 61, 33, 1ULL << 32, UINT64_MAX, UINT64_MAX - 3,
    };

    qtest_writel(qts, AT(8) + 16, UINT32_MAX);
    assert_nr_banks(qts, (64 - 32) / 4);
    qtest_writeq(qts, PAGE_AT + FIELD(smmu_owner_offset), 60);
    assert_nr_banks(qts, 1);
    for (int i = 0; i < ARRAY_SIZE(offsets); i++) {
        qtest_writeq(qts, PAGE_AT + FIELD(smmu_owner_offset), offsets[i]);
        assert_nr_banks(qts, 0);
    }
    /* And never more than an SMMU can have. */
    qtest_writeq(qts, PAGE_AT + FIELD(smmu_owner_offset), 32);
    qtest_writeq(qts, PAGE_AT + FIELD(smmu_stride), 0x1000);
    assert_nr_banks(qts, 128);
    qtest_quit(qts);
}

/* As much as there can be, all in use: it is answered, and no more of it. */
static void test_most(void)
{
    QTestState *qts = start_with_good();
    struct hypsec_inspect page = good;
    g_autofree uint8_t *rubbish = g_malloc(4 * MiB);
    QList *list;

    memset(rubbish, 1, 4 * MiB);
    qtest_memwrite(qts, CARVEOUT + MiB, rubbish, 4 * MiB);
    page.corevisor = cpu_to_le64(255);
    page.vm_base = cpu_to_le64(CARVEOUT + MiB);
    page.vm_stride = cpu_to_le64(1024);
    page.vm_count = cpu_to_le64(255);
    page.vcpu_stride = cpu_to_le64(8);
    page.vcpu_count = cpu_to_le64(64);
    page.smmu_base = cpu_to_le64(CARVEOUT + MiB);
    page.smmu_count = cpu_to_le64(16);
    page.smmu_stride = cpu_to_le64(1024);
    page.device_base = cpu_to_le64(CARVEOUT + MiB);
    page.device_owner_base = cpu_to_le64(CARVEOUT + MiB);
    page.device_count = cpu_to_le64(256);
    publish(qts, &page);
    list = get_list(qts, "vms");
    g_assert_cmpuint(qlist_size(list), ==, 254);
    g_assert_cmpuint(qlist_size(qdict_get_qlist(nth(list, 253), "vcpus")), ==,
                     64);
    qobject_unref(list);
    list = get_list(qts, "smmus");
    g_assert_cmpuint(qlist_size(list), ==, 16);
    g_assert_cmpuint(qlist_size(qdict_get_qlist(nth(list, 15), "banks")), ==,
                     128);
    qobject_unref(list);
    list = get_list(qts, "devices");
    g_assert_cmpuint(qlist_size(list), ==, 256);
    qobject_unref(list);
    qtest_quit(qts);
}

/* All arrays in one place, and that place is the page itself. */
static void test_overlapping(void)
{
    QTestState *qts = start_with_good();
    struct hypsec_inspect page = good;

    page.cpu_base = cpu_to_le64(PAGE_AT);
    page.vm_base = page.owned_base = page.cpu_base;
    page.smmu_base = page.device_base = page.cpu_base;
    page.device_owner_base = page.pcpu_base = page.cpu_base;
    publish(qts, &page);
    for (int i = 0; i < ARRAY_SIZE(properties); i++) {
        qobject_unref(get(qts, properties[i]));
    }
    qtest_quit(qts);
}

/* A value that somebody may think of. */
static uint64_t odd_value(GRand *rand)
{
    static const uint64_t values[] = {
        0, 1, 2, 4, 7, 8, 16, 64, 255, 256, 512, 4096, UINT32_MAX,
        1ULL << 32, 1ULL << 61, 1ULL << 63, UINT64_MAX, UINT64_MAX - 7,
        CARVEOUT, CARVEOUT_END - 8, CARVEOUT_END, HYPSEC_RAM, PAGE_AT,
        CARVEOUT_END - CARVEOUT,
    };
    unsigned int n = g_rand_int_range(rand, 0, ARRAY_SIZE(values) + 4);

    return n < ARRAY_SIZE(values) ? values[n] :
           CARVEOUT + (g_rand_int(rand) & 0xffff8);
}

/* Whatever it is, there is an answer. */
static void test_random(void)
{
    QTestState *qts = start_with_good();
    GRand *rand = g_rand_new_with_seed(20);
    uint8_t rubbish[0x8000];
    unsigned int sound = 0;

    for (int i = 0; i < 400; i++) {
        struct hypsec_inspect page = good;
        uint64_t *fields = &page.host_root;
        unsigned int n = (sizeof(page) - FIELD(host_root)) / 8;

        for (int j = 0; j < sizeof(rubbish); j++) {
            rubbish[j] = g_rand_int(rand) & g_rand_int(rand);
        }
        qtest_memwrite(qts, AT(2), rubbish, sizeof(rubbish));
        for (int j = g_rand_int_range(rand, 1, 4); j > 0; j--) {
            fields[g_rand_int_range(rand, 0, n)] =
                cpu_to_le64(odd_value(rand));
        }
        publish(qts, &page);
        for (int j = 0; j < ARRAY_SIZE(properties); j++) {
            QDict *answer = ask(qts, INSPECT, properties[j]);

            g_assert_true(qdict_haskey(answer, "return") !=
                          qdict_haskey(answer, "error"));
            sound += qdict_haskey(answer, "return");
            qobject_unref(answer);
        }
    }
    /* It is not always the first check that says no. */
    g_assert_cmpuint(sound, >, 100);
    g_rand_free(rand);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    qtest_add_func(PROGRAM "/page/address", test_page_address);
    qtest_add_func(PROGRAM "/vms/none", test_no_vms);
    qtest_add_func(PROGRAM "/vms/life", test_vm_life);
    qtest_add_func(PROGRAM "/vms/vcpu-runs", test_vcpu_runs);
    qtest_add_func(PROGRAM "/vms/dying", test_vm_dying);
    qtest_add_func(PROGRAM "/owners/are-the-records", test_owners);
    qtest_add_func(PROGRAM "/pcpus/counters", test_pcpus_counters);
    qtest_add_func(PROGRAM "/pcpus/locks-at-panic", test_locks_at_panic);
    qtest_add_func(PROGRAM "/hmp/reads-and-cannot-write", test_hmp);
    qtest_add_func(PROGRAM "/pcpus/off", test_pcpus_off);
    qtest_add_func(PROGRAM "/dma/banks-and-devices", test_dma);
    qtest_add_func(PROGRAM "/dma/none", test_no_devices);
    qtest_add_func(PROGRAM "/hostile/one-field", test_spoilt);
    qtest_add_func(PROGRAM "/hostile/version-2", test_version_2);
    qtest_add_func(PROGRAM "/hostile/version-later", test_version_later);
    qtest_add_func(PROGRAM "/hostile/nothing", test_nothing);
    qtest_add_func(PROGRAM "/hostile/last-byte", test_last_byte);
    qtest_add_func(PROGRAM "/hostile/unknown-values", test_unknown_values);
    qtest_add_func(PROGRAM "/hostile/all-locks", test_all_locks);
    qtest_add_func(PROGRAM "/hostile/many-banks", test_many_banks);
    qtest_add_func(PROGRAM "/hostile/most", test_most);
    qtest_add_func(PROGRAM "/hostile/overlapping", test_overlapping);
    qtest_add_func(PROGRAM "/hostile/random", test_random);
    return hypsec_lib_run();
}
