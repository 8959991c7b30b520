#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/model/sample.h"

#define UNKNOWN HOST_UNKNOWN
#define YES     HOST_YES
#define NO      HOST_NO

static void encryption(void **state)
{
	static const char flag[] = "disk_encryption_enabled", settings[] = "os_settings";
	static const struct {
		enum host_tristate list;
		const char *status; /* of the detail */
		enum host_tristate detail;
		enum encryption_state want;
		const char *evidence;
	} rows[] = {
		{ UNKNOWN, NULL, UNKNOWN, ENCRYPTION_UNKNOWN, NULL },
		{ YES, NULL, UNKNOWN, ENCRYPTION_ON, flag },
		{ NO, NULL, UNKNOWN, ENCRYPTION_OFF, flag },
		{ UNKNOWN, NULL, YES, ENCRYPTION_ON, flag },
		{ UNKNOWN, NULL, NO, ENCRYPTION_OFF, flag },
		/* the list is newer */
		{ YES, NULL, NO, ENCRYPTION_ON, flag },
		{ NO, NULL, YES, ENCRYPTION_OFF, flag },
		{ YES, "enforcing", NO, ENCRYPTION_ON, flag },
		{ NO, "verified", YES, ENCRYPTION_OFF, flag },
		/* what is enforced, beside what is seen */
		{ UNKNOWN, "verified", UNKNOWN, ENCRYPTION_ON, settings },
		{ YES, "verified", YES, ENCRYPTION_ON, settings },
		{ UNKNOWN, "verified", NO, ENCRYPTION_OFF, flag },
		{ UNKNOWN, "verifying", UNKNOWN, ENCRYPTION_ENFORCING, settings },
		{ UNKNOWN, "verifying", YES, ENCRYPTION_ON, settings },
		{ UNKNOWN, "verifying", NO, ENCRYPTION_ENFORCING, settings },
		{ YES, "verifying", UNKNOWN, ENCRYPTION_ON, settings },
		{ UNKNOWN, "enforcing", NO, ENCRYPTION_ENFORCING, settings },
		{ UNKNOWN, "enforcing", YES, ENCRYPTION_ENFORCING, settings },
		{ YES, "action_required", YES, ENCRYPTION_ACTION_REQUIRED, settings },
		{ UNKNOWN, "failed", NO, ENCRYPTION_FAILED, settings },
		{ UNKNOWN, "removing_enforcement", YES, ENCRYPTION_REMOVING, settings },
		{ UNKNOWN, "removing_enforcement", NO, ENCRYPTION_OFF, flag },
		/* words of a later server */
		{ UNKNOWN, "pondering", UNKNOWN, ENCRYPTION_UNKNOWN, NULL },
		{ UNKNOWN, "pondering", YES, ENCRYPTION_ON, flag },
		{ UNKNOWN, "", NO, ENCRYPTION_OFF, flag },
	};
	static const struct derive_settings none;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct host h = { .platform = SLICE("windows"), .disk_encryption_enabled = rows[i].list };
		struct detail_facts f = { .fetched_at = 1,
					  .disk_encryption_enabled = rows[i].detail,
					  .os_settings_disk_encryption = slice_of(rows[i].status) };
		struct device d;
		derive(&d, &h, &f, NULL, &none, 0);
		if (d.encryption != rows[i].want)
			fail_msg("row %zu: %s", i, encryption_state_name(d.encryption));
		if (rows[i].evidence)
			assert_string_equal(d.encryption_evidence, rows[i].evidence);
		else
			assert_null(d.encryption_evidence);
		bool has_method = d.encryption != ENCRYPTION_UNKNOWN && d.encryption != ENCRYPTION_OFF;
		assert_int_equal(d.encryption_method != NULL, has_method);
	}
}

/* The words of detail and of a filtered list, each with its time. */
static void encryption_of_filtered_lists(void **state)
{
	static const char flag[] = "disk_encryption_enabled", settings[] = "os_settings";
	static const struct {
		enum host_tristate list;
		int64_t fetched;
		const char *said;
		enum host_tristate enabled;
		int64_t listed_at;
		const char *listed;
		enum encryption_state want;
		const char *evidence;
	} rows[] = {
		/* no detail yet */
		{ UNKNOWN, 0, NULL, UNKNOWN, 5, "verified", ENCRYPTION_ON, settings },
		{ UNKNOWN, 0, NULL, UNKNOWN, 5, "verifying", ENCRYPTION_ENFORCING, settings },
		{ UNKNOWN, 0, NULL, UNKNOWN, 5, "enforcing", ENCRYPTION_ENFORCING, settings },
		{ UNKNOWN, 0, NULL, UNKNOWN, 5, "action_required", ENCRYPTION_ACTION_REQUIRED, settings },
		{ UNKNOWN, 0, NULL, UNKNOWN, 5, "failed", ENCRYPTION_FAILED, settings },
		{ UNKNOWN, 0, NULL, UNKNOWN, 5, "removing_enforcement", ENCRYPTION_REMOVING, settings },
		{ NO, 0, NULL, UNKNOWN, 5, "verified", ENCRYPTION_OFF, flag },
		/* the newer one wins */
		{ UNKNOWN, 4, "enforcing", UNKNOWN, 5, "failed", ENCRYPTION_FAILED, settings },
		{ UNKNOWN, 6, "enforcing", UNKNOWN, 5, "failed", ENCRYPTION_ENFORCING, settings },
		{ UNKNOWN, 5, "enforcing", UNKNOWN, 5, "failed", ENCRYPTION_ENFORCING, settings },
		{ UNKNOWN, 6, NULL, NO, 5, "verified", ENCRYPTION_OFF, flag },
		{ UNKNOWN, 6, NULL, UNKNOWN, 5, "verified", ENCRYPTION_UNKNOWN, NULL },
		/* what the detail saw counts while the word is the same */
		{ UNKNOWN, 4, "verified", NO, 5, "verified", ENCRYPTION_OFF, flag },
		{ UNKNOWN, 4, "verifying", YES, 5, "verifying", ENCRYPTION_ON, settings },
		{ UNKNOWN, 4, "enforcing", NO, 5, "verified", ENCRYPTION_ON, settings },
		{ UNKNOWN, 4, "verified", YES, 5, "verifying", ENCRYPTION_ENFORCING, settings },
		{ UNKNOWN, 4, NULL, NO, 5, "verified", ENCRYPTION_ON, settings },
		/* in none of the lists */
		{ UNKNOWN, 4, "verified", YES, 0, NULL, ENCRYPTION_ON, settings },
		{ UNKNOWN, 4, "verified", YES, 5, "pondering", ENCRYPTION_UNKNOWN, NULL },
		/* since then in no list: only what was seen on the disk counts */
		{ UNKNOWN, 4, "verified", YES, 5, NULL, ENCRYPTION_ON, flag },
		{ UNKNOWN, 4, "failed", YES, 5, NULL, ENCRYPTION_ON, flag },
		{ UNKNOWN, 4, "enforcing", NO, 5, NULL, ENCRYPTION_OFF, flag },
		{ UNKNOWN, 4, "verified", UNKNOWN, 5, NULL, ENCRYPTION_UNKNOWN, NULL },
		{ NO, 4, "verified", YES, 5, NULL, ENCRYPTION_OFF, flag },
		{ UNKNOWN, 6, "failed", YES, 5, NULL, ENCRYPTION_FAILED, settings },
	};
	static const struct derive_settings none;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct host h = { .platform = SLICE("windows"), .disk_encryption_enabled = rows[i].list };
		struct detail_facts f = { .fetched_at = rows[i].fetched,
					  .disk_encryption_enabled = rows[i].enabled,
					  .os_settings_disk_encryption = slice_of(rows[i].said),
					  .listed_at = rows[i].listed_at,
					  .listed_disk_encryption = slice_of(rows[i].listed) };
		struct device d;
		derive(&d, &h, &f, NULL, &none, 0);
		if (d.encryption != rows[i].want || !d.encryption_evidence != !rows[i].evidence ||
		    (d.encryption_evidence && strcmp(d.encryption_evidence, rows[i].evidence) != 0))
			fail_msg("row %zu: %s by %s", i, encryption_state_name(d.encryption),
				 d.encryption_evidence ? d.encryption_evidence : "nothing");
	}
}

static void method(void **state)
{
	static const struct {
		const char *platform, *want;
	} rows[] = {
		{ "darwin", "filevault" }, { "windows", "bitlocker" }, { "ubuntu", "luks" }, { "ios", NULL }
	};
	static const struct derive_settings none;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct host h = { .platform = slice_of(rows[i].platform), .disk_encryption_enabled = YES };
		struct device d;
		derive(&d, &h, NULL, NULL, &none, 0);
		if (rows[i].want)
			assert_string_equal(d.encryption_method, rows[i].want);
		else
			assert_null(d.encryption_method);
	}
}

/* The same facts must not look different when the detail arrives alone and when
 * the next list page is derived with it: that would be a change every day. */
static void alone_or_with_the_list(void **state)
{
	static const enum host_tristate flags[] = { UNKNOWN, NO, YES };
	static const char *const statuses[] = { NULL, "verified", "verifying", "enforcing", "failed" };
	static const struct derive_settings none;
	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 5; j++)
			for (int listed = 0; listed < 2; listed++) {
				struct host detail = { .platform = SLICE("darwin"),
						       .disk_encryption_enabled = flags[i],
						       .os_settings_disk_encryption = slice_of(statuses[j]) };
				struct host list = { .platform = SLICE("darwin"),
						     .disk_encryption_enabled = listed ? flags[i] : UNKNOWN };
				struct detail_facts f;
				struct device alone, later;
				detail_facts_of(&f, &detail, 1);
				derive(&alone, &detail, &f, NULL, &none, 0);
				derive(&later, &list, &f, NULL, &none, 0);
				assert_int_equal(alone.encryption, later.encryption);
				assert_ptr_equal(alone.encryption_evidence, later.encryption_evidence);
			}
}

static void enrollment(void **state)
{
	static const struct {
		const char *status, *name;
		enum host_tristate connected;
		enum mdm_enrollment want;
		enum host_tristate managed;
	} rows[] = {
		{ "On (automatic)", "Fleet", YES, MDM_AUTOMATIC, YES },
		{ "On (manual)", "Fleet", UNKNOWN, MDM_MANUAL, YES },
		{ "On (personal)", "Jamf", UNKNOWN, MDM_PERSONAL, NO },
		{ "On (manual)", "Fleet", NO, MDM_MANUAL, NO },
		{ "Pending", "Fleet", UNKNOWN, MDM_PENDING, NO },
		{ "Off", "", UNKNOWN, MDM_OFF, NO },
		{ NULL, "", NO, MDM_UNKNOWN, NO },
		{ NULL, "", UNKNOWN, MDM_UNKNOWN, UNKNOWN },
		{ NULL, NULL, UNKNOWN, MDM_UNKNOWN, UNKNOWN },
		{ "On (some day)", "Intune", UNKNOWN, MDM_UNKNOWN, NO },
	};
	static const struct derive_settings none;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct host h = { .mdm_enrollment_status = slice_of(rows[i].status),
				  .mdm_name = slice_of(rows[i].name),
				  .mdm_connected_to_fleet = rows[i].connected };
		struct device d;
		derive(&d, &h, NULL, NULL, &none, 0);
		if (d.enrollment != rows[i].want || d.managed_by_fleet != rows[i].managed)
			fail_msg("row %zu: %s, managed %d", i, mdm_enrollment_name(d.enrollment),
				 d.managed_by_fleet);
		assert_int_equal(d.mdm_vendor.p != NULL, rows[i].name && *rows[i].name);
	}
}

static void escrow(void **state)
{
	static const struct {
		enum host_tristate managed, list, detail, want;
	} rows[] = {
		{ YES, YES, UNKNOWN, YES },
		{ YES, NO, UNKNOWN, NO },
		{ YES, NO, YES, YES },
		{ YES, UNKNOWN, NO, NO },
		{ YES, UNKNOWN, UNKNOWN, UNKNOWN },
		{ NO, NO, NO, UNKNOWN },
		{ UNKNOWN, NO, UNKNOWN, UNKNOWN },
		{ NO, YES, UNKNOWN, YES },
	};
	static const struct derive_settings none;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct host h = { .mdm_connected_to_fleet = rows[i].managed,
				  .mdm_encryption_key_available = rows[i].list };
		struct detail_facts f = { .fetched_at = 1, .encryption_key_available = rows[i].detail };
		struct device d;
		derive(&d, &h, &f, NULL, &none, 0);
		if (d.key_escrowed != rows[i].want)
			fail_msg("row %zu: %d", i, d.key_escrowed);
	}
}

static void device_status(void **state)
{
	static const struct {
		bool listed;
		const char *list, *list_pending, *detail, *detail_pending, *want, *want_pending;
	} rows[] = {
		{ true, "unlocked", "", NULL, NULL, "unlocked", "none" },
		{ true, "unlocked", "lock", "locked", "", "unlocked", "lock" },
		{ false, NULL, NULL, "locked", "", "locked", "none" },
		{ false, NULL, NULL, "unlocked", "wipe", "unlocked", "wipe" },
		{ false, NULL, NULL, NULL, NULL, NULL, NULL },
	};
	static const struct derive_settings none;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct host h = { .seen = rows[i].listed ? HOST_SEEN_DEVICE_STATUS : 0,
				  .mdm_device_status = slice_of(rows[i].list),
				  .mdm_pending_action = slice_of(rows[i].list_pending) };
		struct detail_facts f = { .fetched_at = 1,
					  .device_status = slice_of(rows[i].detail),
					  .pending_action = slice_of(rows[i].detail_pending) };
		struct device d;
		derive(&d, &h, &f, NULL, &none, 0);
		assert_true(slice_eq(d.device_status, slice_of(rows[i].want)));
		assert_true(slice_eq(d.pending_action, slice_of(rows[i].want_pending)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encryption),    cmocka_unit_test(encryption_of_filtered_lists),
		cmocka_unit_test(method),        cmocka_unit_test(alone_or_with_the_list),
		cmocka_unit_test(enrollment),    cmocka_unit_test(escrow),
		cmocka_unit_test(device_status),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
