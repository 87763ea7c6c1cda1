/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the hypsec qtests share; see hypsec-test.h.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qobject/qdict.h"
#include "qobject/qnum.h"
#include "hypsec/abi.h"
#include "hypsec-test.h"

#define WAIT_SECONDS 60
#define REPORT_DONE 48

static char *tmp_dir;
static GPtrArray *tmp_files;

char *hypsec_tmp_path(const char *name)
{
    if (!tmp_dir) {
        tmp_dir = g_dir_make_tmp("hypsec-test-XXXXXX", NULL);
        g_assert_nonnull(tmp_dir);
        tmp_files = g_ptr_array_new_with_free_func(g_free);
    }
    return g_build_filename(tmp_dir, name, NULL);
}

const char *hypsec_tmp_file(const char *name, const void *data, size_t size)
{
    char *path = hypsec_tmp_path(name);

    g_ptr_array_add(tmp_files, path);
    g_assert_true(g_file_set_contents(path, data, size, NULL));
    return path;
}

const char *hypsec_firmware(void)
{
    uint32_t code = cpu_to_le32(INSN_LOOP);

    return hypsec_tmp_file("firmware.bin", &code, sizeof(code));
}

const char *hypsec_image(const char *name, uint64_t text_offset,
                         uint64_t image_size, const uint32_t *code,
                         size_t size)
{
    static const uint32_t loop[] = { INSN_LOOP };
    g_autofree uint8_t *image = NULL;

    if (!code) {
        code = loop;
        size = sizeof(loop);
    }
    image = g_malloc0(64 + size);
    stl_le_p(image, 0x14000010); /* b .+64 */
    stq_le_p(image + 8, text_offset);
    stq_le_p(image + 16, image_size);
    memcpy(image + 56, "ARM\x64", 4);
    for (size_t i = 0; i < size / 4; i++) {
        stl_le_p(image + 64 + i * 4, code[i]);
    }
    return hypsec_tmp_file(name, image, 64 + size);
}

/* EL2 to EL1 to EL0. */
static const uint32_t levels_code[] = {
    0xd2b00000, /* mov x0, #0x80000000 */
    0xd51c1100, /* msr hcr_el2, x0 */
    0x10007fc0, /* adr x0, 0x1000 */
    0xd51cc000, /* msr vbar_el2, x0 */
    0xd28078a0, /* mov x0, #0x3c5 */
    0xd51c4000, /* msr spsr_el2, x0 */
    0x10000060, /* adr x0, .+12 */
    0xd51c4020, /* msr elr_el2, x0 */
    0xd69f03e0, /* eret */
    0x10003ee0, /* adr x0, 0x800 */
    0xd518c000, /* msr vbar_el1, x0 */
    0xd2807800, /* mov x0, #0x3c0 */
    0xd5184000, /* msr spsr_el1, x0 */
    0x10000060, /* adr x0, .+12 */
    0xd5184020, /* msr elr_el1, x0 */
    0xd69f03e0, /* eret */
};

const char *hypsec_levels(const uint32_t *el0, size_t size)
{
    static const uint32_t svc[] = { 0xd503201f, 0xd4000001 };
    uint32_t flash[0x1404 / 4] = {};
    uint32_t *end = flash;

    if (!el0) {
        el0 = svc;
        size = sizeof(svc);
    }
    for (int i = 0; i < ARRAY_SIZE(levels_code); i++) {
        *end++ = cpu_to_le32(levels_code[i]);
    }
    for (size_t i = 0; i < size / 4; i++) {
        *end++ = cpu_to_le32(el0[i]);
    }
    flash[0xc00 / 4] = cpu_to_le32(0xd4000002); /* EL1, sync: hvc #0 */
    flash[0x1400 / 4] = cpu_to_le32(INSN_LOOP); /* EL2, sync: b . */
    return hypsec_tmp_file("levels.bin", flash, sizeof(flash));
}

static QDict *get_property(QTestState *qts, const char *path, const char *name)
{
    QDict *ret = qtest_qmp(qts, "{'execute': 'qom-get', 'arguments': "
                           "{'path': %s, 'property': %s}}", path, name);

    g_assert_true(qdict_haskey(ret, "return"));
    return ret;
}

char *hypsec_get_string(QTestState *qts, const char *path, const char *name)
{
    QDict *ret = get_property(qts, path, name);
    char *value = g_strdup(qdict_get_str(ret, "return"));

    qobject_unref(ret);
    return value;
}

uint64_t hypsec_get_uint(QTestState *qts, const char *path, const char *name)
{
    QDict *ret = get_property(qts, path, name);
    uint64_t value = qdict_get_int(ret, "return");

    qobject_unref(ret);
    return value;
}

uint64_t hypsec_get_member(QTestState *qts, const char *path,
                           const char *name, const char *key)
{
    QDict *ret = get_property(qts, path, name);
    QDict *dict = qdict_get_qdict(ret, "return");
    uint64_t value = 0;

    if (key) {
        value = qdict_get_int(dict, key);
    } else {
        for (const QDictEntry *e = qdict_first(dict); e;
             e = qdict_next(dict, e)) {
            value += qnum_get_uint(qobject_to(QNum, qdict_entry_value(e)));
        }
    }
    qobject_unref(ret);
    return value;
}

void hypsec_wait_report(QTestState *qts)
{
    gint64 end = g_get_monotonic_time() + WAIT_SECONDS * G_TIME_SPAN_SECOND;

    while (!qtest_readq(qts, REPORT_BASE + REPORT_DONE)) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        g_usleep(1000);
    }
}

bool hypsec_wait_migration(QTestState *qts)
{
    for (;;) {
        QDict *ret = qtest_qmp_assert_success_ref(
            qts, "{'execute': 'query-migrate'}");
        const char *status = qdict_get_try_str(ret, "status");
        bool completed = !g_strcmp0(status, "completed");
        bool failed = !g_strcmp0(status, "failed");

        qobject_unref(ret);
        if (completed || failed) {
            return completed;
        }
        g_usleep(1000);
    }
}

bool hypsec_call_exists(uint64_t number)
{
    static const uint64_t numbers[] = {
        HYPSEC_HVC_TIMER_SET_CNTVOFF, HYPSEC_HVC_VCPU_RUN,
        HYPSEC_HVC_CLEAR_VM_S2_RANGE, HYPSEC_HVC_SET_BOOT_INFO,
        HYPSEC_HVC_REMAP_VM_IMAGE, HYPSEC_HVC_VERIFY_VM_IMAGES,
        HYPSEC_HVC_REGISTER_KVM, HYPSEC_HVC_REGISTER_VCPU,
        HYPSEC_HVC_BOOT_FROM_SAVED_VM, HYPSEC_HVC_ENCRYPT_BUF,
        HYPSEC_HVC_DECRYPT_BUF, HYPSEC_HVC_SAVE_CRYPT_VCPU,
        HYPSEC_HVC_PHYS_ADDR_IOREMAP, HYPSEC_HVC_LOAD_CRYPT_VCPU,
        HYPSEC_HVC_GET_INFO, HYPSEC_HVC_SET_MANIFEST, HYPSEC_HVC_DESTROY_VM,
        HYPSEC_HVC_SEAL_VM, HYPSEC_HVC_SMMU_FREE_PGD,
        HYPSEC_HVC_SMMU_ALLOC_PGD, HYPSEC_HVC_SMMU_LPAE_MAP,
        HYPSEC_HVC_SMMU_LPAE_IOVA_TO_PHYS, HYPSEC_HVC_SMMU_CLEAR,
        HYPSEC_HVC_SMMU_SET_STREAM,
    };

    for (int i = 0; i < ARRAY_SIZE(numbers); i++) {
        if (number == numbers[i]) {
            return true;
        }
    }
    return false;
}

void hypsec_test_cleanup(void)
{
    if (tmp_dir) {
        for (guint i = 0; i < tmp_files->len; i++) {
            unlink(g_ptr_array_index(tmp_files, i));
        }
        rmdir(tmp_dir);
        g_ptr_array_free(tmp_files, true);
        g_free(tmp_dir);
        tmp_dir = NULL;
    }
}

int hypsec_test_run(void)
{
    int ret = g_test_run();

    hypsec_test_cleanup();
    return ret;
}
