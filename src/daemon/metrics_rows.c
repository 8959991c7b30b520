/* Every metric, in the order of docs/metrics.md. */
#include "base/log.h"
#include "daemon/metrics_state.h"

static const struct metrics *of(void *arg)
{
	return ((struct metrics_scrape *)arg)->m;
}

static void write_value(const struct exposition_row *row, void *arg, uint64_t part, struct buf *b)
{
	(void)part;
	exposition_sample(b, row->name, NULL, 0, of(arg)->values[row->kind]);
}

static void write_build(const struct exposition_row *row, void *arg, uint64_t part, struct buf *b)
{
	struct exposition_label label = { "version", MUSTER_VERSION };
	(void)arg;
	(void)part;
	exposition_count(b, row->name, &label, 1, 1);
}

static void write_tenants(const struct exposition_row *row, void *arg, uint64_t part, struct buf *b)
{
	(void)part;
	for (int i = SCHEDULE_WAITING; i < SCHEDULE_STATES; i++) {
		struct exposition_label label = { "state", schedule_state_name(i) };
		exposition_count(b, row->name, &label, 1, of(arg)->load.states[i]);
	}
}

static const char *const endpoints[SYNC_ENDPOINTS] = {
	[ENDPOINT_VERSION] = "version", [ENDPOINT_ME] = "me",       [ENDPOINT_CONFIG] = "config",
	[ENDPOINT_COUNT] = "count",     [ENDPOINT_HOSTS] = "hosts", [ENDPOINT_HOST] = "host",
};

/* metrics.c counts in this order. */
static const char *const codes[METRICS_CODES] = { "200", "400", "401", "402", "403", "404", "408",   "409",
						  "422", "429", "500", "502", "503", "504", "other", "none" };

static uint64_t next_endpoint(const struct exposition_row *row, void *arg, uint64_t after)
{
	(void)row;
	(void)arg;
	return after < SYNC_ENDPOINTS ? after + 1 : 0;
}

static void write_requests(const struct exposition_row *row, void *arg, uint64_t part, struct buf *b)
{
	for (int i = 0; i < METRICS_CODES; i++) {
		struct exposition_label labels[] = { { "endpoint", endpoints[part - 1] },
						     { "code", codes[i] } };
		exposition_count(b, row->name, labels, 2, of(arg)->requests[part - 1][i]);
	}
}

static void write_request_s(const struct exposition_row *row, void *arg, uint64_t part, struct buf *b)
{
	struct exposition_label label = { "endpoint", endpoints[part - 1] };
	exposition_histogram(b, row->name, &label, 1, &of(arg)->request_s[part - 1]);
}

static void write_errors(const struct exposition_row *row, void *arg, uint64_t part, struct buf *b)
{
	const struct metrics *m = of(arg);
	(void)part;
	for (int i = 1; i < METRICS_ERRORS; i++) {
		struct exposition_label label = { "reason", err_name(ERR_FIRST_ + i) };
		exposition_count(b, row->name, &label, 1, m->errors[i] + m->writer.failed[i]);
	}
}

static void write_sync_s(const struct exposition_row *row, void *arg, uint64_t part, struct buf *b)
{
	static const char *const results[] = { "ok", "failed" };
	(void)part;
	for (int i = 0; i < 2; i++) {
		struct exposition_label label = { "result", results[i] };
		exposition_histogram(b, row->name, &label, 1, &of(arg)->sync_s[i]);
	}
}

static void write_commit_s(const struct exposition_row *row, void *arg, uint64_t part, struct buf *b)
{
	(void)part;
	exposition_histogram(b, row->name, NULL, 0, &of(arg)->writer.durable);
}

static void write_lag_s(const struct exposition_row *row, void *arg, uint64_t part, struct buf *b)
{
	(void)part;
	exposition_histogram(b, row->name, NULL, 0, &of(arg)->s->lag);
}

static void write_log(const struct exposition_row *row, void *arg, uint64_t part, struct buf *b)
{
	(void)arg;
	(void)part;
	for (int i = 0; i < LOG_LEVELS; i++) {
		struct exposition_label label = { "level", log_level_name(i) };
		exposition_count(b, row->name, &label, 1, log_count(i));
	}
}

#define TENANT(kind, name, type, help)                                                                       \
	{                                                                                                    \
		"muster_tenant_" name, EXPOSITION_##type, help, metrics_write_tenant, metrics_next_tenant,   \
			TENANT_##kind                                                                        \
	}
#define VALUE(kind, name, type, help)                                                                        \
	{                                                                                                    \
		name, EXPOSITION_##type, help, write_value, NULL, VALUE_##kind                               \
	}
#define OWN(write, next, name, type, help)                                                                   \
	{                                                                                                    \
		name, EXPOSITION_##type, help, write, next, 0                                                \
	}

const struct exposition_row metrics_rows[] = {
	TENANT(UP, "up", GAUGE, "1 when the last sync succeeded."),
	TENANT(STATE, "state", GAUGE, "Always 1; the labels say where the tenant stands."),
	TENANT(ATTEMPT_AT, "last_attempt_timestamp_seconds", GAUGE, "When the last sync began."),
	TENANT(SUCCESS_AT, "last_success_timestamp_seconds", GAUGE, "When a sync last succeeded."),
	TENANT(TOOK, "last_sync_duration_seconds", GAUGE, "How long the last sync took that ended."),
	TENANT(SYNCS, "syncs_total", COUNTER, "Syncs that ended."),
	TENANT(COMPLIANCE, "devices_by_compliance", GAUGE, "Devices by compliance."),
	TENANT(ENCRYPTION, "devices_by_encryption", GAUGE, "Devices by disk encryption."),
	TENANT(MDM, "devices_by_mdm", GAUGE, "Devices by enrolment."),
	TENANT(STALE, "devices_stale", GAUGE, "Devices whose evidence is older than stale_after."),
	TENANT(MISSING, "devices_missing", GAUGE, "Devices not listed and not proven to be gone."),
	TENANT(HELD, "deletions_held", GAUGE, "Deletions that wait for a person."),
	TENANT(CHANGES, "changes_total", COUNTER, "Events written to the tenant's feed."),
	TENANT(ERRORS, "errors_total", COUNTER, "Exchanges with the server that failed."),
	TENANT(RETRIES, "retries_total", COUNTER, "Exchanges that were tried again."),
	TENANT(RECEIVED, "received_bytes_total", COUNTER, "Bytes of answers' bodies."),
	TENANT(CERTIFICATE, "certificate_expiry_timestamp_seconds", GAUGE,
	       "When the certificate that the server showed last ends."),

	OWN(write_build, NULL, "muster_build_info", GAUGE, "Always 1."),
	VALUE(RELOAD_OK, "muster_config_last_reload_successful", GAUGE,
	      "1 when the configuration was taken the last time it was read."),
	VALUE(RELOAD_AT, "muster_config_last_reload_success_timestamp_seconds", GAUGE,
	      "When it was last taken."),
	OWN(write_tenants, NULL, "muster_tenants", GAUGE, "Tenants in each state."),
	OWN(write_requests, next_endpoint, "muster_requests_total", COUNTER,
	    "Exchanges that ended, by the answer's status."),
	OWN(write_request_s, next_endpoint, "muster_request_duration_seconds", HISTOGRAM,
	    "From the start of an exchange to its end, waiting for its turn left out."),
	VALUE(RECEIVED, "muster_received_bytes_total", COUNTER, "Bytes of answers' bodies."),
	OWN(write_errors, NULL, "muster_errors_total", COUNTER, "Exchanges and jobs that failed."),
	OWN(write_sync_s, NULL, "muster_sync_duration_seconds", HISTOGRAM, "Syncs that ended."),
	OWN(write_commit_s, NULL, "muster_commit_duration_seconds", HISTOGRAM,
	    "From the first write of a transaction to its being durable."),
	OWN(write_lag_s, NULL, "muster_loop_lag_seconds", HISTOGRAM,
	    "How late a timer of the event loop fired."),
	VALUE(TRANSFERS, "muster_transfers", GAUGE, "Exchanges under way."),
	VALUE(TRANSFERS_LIMIT, "muster_transfers_limit", GAUGE, "Most of them."),
	VALUE(TRANSFERS_WAITING, "muster_transfers_waiting", GAUGE, "Tenants that wait for their turn."),
	VALUE(CONNECTIONS, "muster_connections", GAUGE, "Connections to Fleet servers, idle ones included."),
	VALUE(CONNECTIONS_LIMIT, "muster_connections_limit", GAUGE, "Most of them."),
	VALUE(UNPROVEN, "muster_unproven_bytes", GAUGE, "Bytes of pages that are not yet proven whole."),
	VALUE(UNPROVEN_LIMIT, "muster_unproven_limit_bytes", GAUGE, "Most of them."),
	VALUE(WRITER_JOBS, "muster_writer_jobs", GAUGE,
	      "Jobs that wait for the writer or are being written."),
	VALUE(READS_WAITING, "muster_reads_waiting", GAUGE, "Long reads that wait for a thread."),
	VALUE(STORE_USED, "muster_store_used_bytes", GAUGE,
	      "Bytes of the store's pages that hold something."),
	VALUE(STORE_FILE, "muster_store_file_bytes", GAUGE, "Size of the store's file."),
	VALUE(STORE_MAP, "muster_store_map_bytes", GAUGE,
	      "Most that the file may grow to before the map has to grow."),
	VALUE(DISK_FREE, "muster_store_disk_free_bytes", GAUGE, "What the store's file system has left."),
	VALUE(DISK_SIZE, "muster_store_disk_size_bytes", GAUGE, "Size of that file system."),
	VALUE(READERS, "muster_store_readers", GAUGE, "Readers of the store, other processes included."),
	VALUE(OLDEST_READER, "muster_store_oldest_reader_seconds", GAUGE,
	      "How long the oldest of them has kept its snapshot."),
	OWN(write_log, NULL, "muster_log_messages_total", COUNTER, "Events of the log, repeats included."),
	VALUE(LOG_LOST, "muster_log_lost_total", COUNTER, "Lines that standard error did not take."),
	VALUE(CPU, "process_cpu_seconds_total", COUNTER, "User and system time."),
	VALUE(RESIDENT, "process_resident_memory_bytes", GAUGE, "Resident memory."),
	VALUE(VIRTUAL, "process_virtual_memory_bytes", GAUGE,
	      "Address space; most of it is the store's map."),
	VALUE(OPEN_FDS, "process_open_fds", GAUGE, "Open descriptors."),
	VALUE(MAX_FDS, "process_max_fds", GAUGE, "Most of them."),
	VALUE(STARTED_AT, "process_start_time_seconds", GAUGE, "When the process began."),
};
const size_t metrics_row_count = sizeof(metrics_rows) / sizeof(*metrics_rows);
