/* Ceilings of the store's memory and work. */
#pragma once

enum {
	RECORD_BYTES_MAX = 4 << 20, /* one record, one event */
	RECORD_JSON_MAX = 16 << 20, /* one record as a reader sees it */
	DETAIL_BYTES_MAX = 4 << 20, /* the detail facts of one host */
	REJECTS_KEPT = 1000,        /* a tenant */
	GROUP_HOSTS = 2000,
	GROUP_BYTES = 16 << 20,
	GROUP_MS = 2000,
	INDEX_RUN_BYTES = 8 << 20, /* entries of a first walk, sorted in memory */
	INDEX_SPARE_BYTES = 3 << 20,
	INDEX_STEP_ENTRIES = 16384, /* of a run, to one transaction */
	INDEX_STEP_PAGES = 1536,    /* of the indexes, touched by one transaction */
	INDEX_PAGE_BYTES = 4096,
	READ_SLICE_DEVICES = 512,    /* to one read transaction */
	DETAILS_DUE_SLICE = 4000,    /* devices one store_details_due() looks at */
	REMOVE_SLICE_ROWS = 2000,    /* of a tenant that is removed, to one job */
	RETENTION_SLICE_ROWS = 2000, /* dropped or looked at by one job */
	REPLACED_CANDIDATES = 8,     /* devices of one uuid compared for `replaces` */
};
