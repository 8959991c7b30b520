/* Who counts what all syncs of one process exchange with their servers. */
#pragma once

struct conf_tenant;
struct http_result;

enum sync_endpoint {
	ENDPOINT_VERSION,
	ENDPOINT_ME,
	ENDPOINT_CONFIG,
	ENDPOINT_COUNT,
	ENDPOINT_HOSTS,
	ENDPOINT_HOST,
	SYNC_ENDPOINTS,
};

struct sync_exchange {
	const struct conf_tenant *tenant;
	enum sync_endpoint endpoint;
	int rc; /* the verdict on the answer; of the exchange, when none came */
	const struct http_result *result;
};

struct sync_observer {
	/* An exchange ended, tried again or not; not of one that was cancelled. Comes
	 * from inside the sync, which it must leave alone; valid during the call. */
	void (*exchanged)(void *arg, const struct sync_exchange *x);
	void *arg;
};
