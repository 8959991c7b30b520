/* A tenant while it is read: the rows of its table, and what is said in words
 * before the checks between settings make it fit for use. */
#pragma once

#include "conf/tenant.h"

enum tenant_row {
	TENANT_NAME,
	TENANT_URL,
	TENANT_TOKEN_FILE,
	TENANT_TOKEN_ENV,
	TENANT_TOKEN,
	TENANT_CA_FILE,
	TENANT_CLIENT_CERT,
	TENANT_CLIENT_KEY,
	TENANT_PROXY,
	TENANT_HEADERS,
	TENANT_ALLOW_HTTP,
	TENANT_ALLOW_PRIVATE,
	TENANT_MAP_USERS,
	TENANT_MAP_TEAMS,
	TENANT_INTERVAL,
	TENANT_STALE_AFTER,
	TENANT_OWNER_PRECEDENCE,
	TENANT_COMPLIANCE,
	TENANT_CRITICAL_ONLY,
	TENANT_IGNORE_POLICIES,
	TENANT_LIMITS,
	TENANT_PAGE_HOSTS,
	TENANT_DETAILS,
	TENANT_BODY_BYTES,
	TENANT_HOST_BYTES,
	TENANT_FIRST_BYTE,
	TENANT_REQUEST,
	TENANT_ROWS
};

struct tenant_draft {
	struct conf_tenant tenant; /* first: the rows begin here */
	const char *url, *proxy, *token_file, *token_env;
};
