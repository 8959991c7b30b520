/* The inside of the metrics, shared by the files metrics*.c. */
#pragma once

#include "base/histogram.h"
#include "daemon/metrics.h"
#include "daemon/service.h"
#include "store/writer.h"

enum { METRICS_CODES = 16, METRICS_ERRORS = ERR_LAST_ - ERR_FIRST_ };

/* Single numbers, one a metric. */
enum metrics_value {
	VALUE_RELOAD_OK,
	VALUE_RELOAD_AT,
	VALUE_RECEIVED,
	VALUE_TRANSFERS,
	VALUE_TRANSFERS_LIMIT,
	VALUE_TRANSFERS_WAITING,
	VALUE_CONNECTIONS,
	VALUE_CONNECTIONS_LIMIT,
	VALUE_UNPROVEN,
	VALUE_UNPROVEN_LIMIT,
	VALUE_WRITER_JOBS,
	VALUE_READS_WAITING,
	VALUE_STORE_USED,
	VALUE_STORE_FILE,
	VALUE_STORE_MAP,
	VALUE_DISK_FREE,
	VALUE_DISK_SIZE,
	VALUE_READERS,
	VALUE_OLDEST_READER,
	VALUE_LOG_LOST,
	VALUE_CPU,
	VALUE_RESIDENT,
	VALUE_VIRTUAL,
	VALUE_OPEN_FDS,
	VALUE_MAX_FDS,
	VALUE_STARTED_AT,
	METRICS_VALUES,
};

struct metrics {
	struct service *s;
	struct sync_observer observer;
	/* counted */
	uint64_t requests[SYNC_ENDPOINTS][METRICS_CODES], errors[METRICS_ERRORS], received;
	struct histogram request_s[SYNC_ENDPOINTS], sync_s[2]; /* ok, failed */
	double started_at;                                     /* the process; Unix seconds */
	/* the oldest reader, since when it was seen */
	struct store_reader oldest;
	int64_t oldest_since_ms, stat_at_ms;
	struct store_stat stat;
	/* measured when a scrape begins */
	double values[METRICS_VALUES];
	struct writer_stat writer;
	struct tenants_load load;
};

/* One scrape under way. */
struct metrics_scrape {
	struct exposition x;
	struct metrics *m;
	struct tenant *at; /* the last part's; NULL at the beginning of a slice: it may be gone */
};

/* metrics_rows.c; they get a struct metrics_scrape. */
extern const struct exposition_row metrics_rows[];
extern const size_t metrics_row_count;

/* metrics_tenants.c; `kind` is one of these. */
enum tenant_value {
	TENANT_UP,
	TENANT_ATTEMPT_AT,
	TENANT_SUCCESS_AT,
	TENANT_TOOK,
	TENANT_STALE,
	TENANT_MISSING,
	TENANT_HELD,
	TENANT_CHANGES,
	TENANT_ERRORS,
	TENANT_RETRIES,
	TENANT_RECEIVED,
	TENANT_CERTIFICATE,
	TENANT_STATE,
	TENANT_SYNCS,
	TENANT_COMPLIANCE,
	TENANT_ENCRYPTION,
	TENANT_MDM,
};
uint64_t metrics_next_tenant(const struct exposition_row *row, void *arg, uint64_t after);
void metrics_write_tenant(const struct exposition_row *row, void *arg, uint64_t part, struct buf *b);

/* metrics_process.c */
double metrics_process_started(void);
void metrics_measure_process(double values[METRICS_VALUES]);
