/* What is said of the daemon and of all tenants together: the table of the main
 * file, and what of it is read after the table was applied. */
#pragma once

#include "conf/reading.h"

enum setting_row {
	SETTING_STORE,
	SETTING_STORE_PATH,
	SETTING_ADMIN,
	SETTING_ADMIN_SOCKET,
	SETTING_HTTP,
	SETTING_HTTP_LISTEN,
	SETTING_SECRETS,
	SETTING_KEY_FILE,
	SETTING_DEFAULTS,
	SETTING_LIMITS,
	SETTING_TRANSFERS,
	SETTING_CONNECTIONS,
	SETTING_UNPROVEN_BYTES,
	SETTING_RETENTION,
	SETTING_TOMBSTONES,
	SETTING_CHANGES,
	SETTING_CHANGES_BYTES,
	SETTING_REJECTS,
	SETTING_AUDIT,
	SETTING_LOG,
	SETTING_LOG_LEVEL,
	SETTING_LOG_FORMAT,
	SETTING_LOG_GROUPS,
	SETTING_INCLUDE,
	SETTING_TENANTS,
	SETTING_ROWS
};

/* The checks between settings. */
void settings_check(struct reading *r, const struct conf *c, const struct setting_found *found);
