/* The work lists of the sync: missing devices and due details. */
#include "store/limits.h"
#include "store/missing.h"
#include "store/scan.h"

struct missing_list {
	uint64_t walk;
	bool twice;
	uint64_t *ids; /* NULL: only counted */
	size_t max;
	uint64_t count;
};

static int one_missing(void *arg, struct read *r, uint64_t id, MDB_val key, MDB_val value)
{
	struct missing_list *list = arg;
	struct missing_mark mark;
	(void)r;
	(void)key;
	if (!missing_mark_get(value, &mark))
		return E_CORRUPT;
	if (!missing_counts(&mark, list->walk, list->twice))
		return OK;
	if (list->ids) {
		if (list->count == list->max)
			return SCAN_ENOUGH;
		list->ids[list->count] = id;
	}
	list->count++;
	return OK;
}

static int unreadable(struct store *s, struct err *e, int rc, const char *what)
{
	return err_set(e, rc, "reading %s from the store \"%s\" failed: %s", what, s->path, err_meaning(rc));
}

int store_missing(struct store *s, uint32_t tenant, uint64_t walk, bool twice, uint64_t from, uint64_t *ids,
		  size_t max, size_t *count, struct err *e)
{
	struct missing_list list = { .walk = walk, .twice = twice, .ids = ids, .max = max };
	int rc = scan_rows(s, DB_MISSING, tenant, from, one_missing, &list);
	*count = (size_t)list.count;
	return rc ? unreadable(s, e, rc, "which devices are missing") : OK;
}

int store_missing_count(struct store *s, uint32_t tenant, uint64_t walk, bool twice, uint64_t *count)
{
	struct missing_list list = { .walk = walk, .twice = twice };
	int rc = scan_rows(s, DB_MISSING, tenant, 0, one_missing, &list);
	*count = list.count;
	return rc;
}

/* ---- details ---- */

/* A detail tried so much later than that was tried by a clock that was wrong. */
enum { WRONG_CLOCK_S = 48 * 3600 };

struct due_list {
	int64_t before;
	uint64_t *ids;
	size_t max, count, looked;
	uint64_t next;
};

static int one_due(void *arg, struct read *r, uint64_t id, MDB_val key, MDB_val value)
{
	struct due_list *list = arg;
	struct detail_head head;
	struct slice packed;
	if (list->count == list->max || list->looked == DETAILS_DUE_SLICE) {
		list->next = id;
		return SCAN_ENOUGH;
	}
	list->looked++;
	int rc = mdb_get(r->mdb, r->s->dbi[DB_DETAILS], &key, &value);
	if (rc && rc != MDB_NOTFOUND)
		return store_fail(r->s, NULL, rc, "reading the details");
	bool tried = !rc && detail_head_get(value, &head, &packed) && head.tried_at;
	bool due = tried && (head.tried_at < list->before || head.tried_at - WRONG_CLOCK_S > list->before);
	if (list->before ? due : !tried)
		list->ids[list->count++] = id;
	return OK;
}

int store_details_due(struct store *s, uint32_t tenant, int64_t fetched_before, uint64_t from, uint64_t *ids,
		      size_t max, size_t *count, uint64_t *next, struct err *e)
{
	struct due_list list = { .before = fetched_before, .ids = ids, .max = max };
	int rc = scan_rows(s, DB_DEVICES, tenant, from, one_due, &list);
	*count = list.count;
	*next = list.next;
	return rc ? unreadable(s, e, rc, "which details are due") : OK;
}
