#include "store/scan.h"

#include "store/limits.h"

/* One transaction's worth; `from` becomes where to go on, `more` whether. */
static int scan_slice(struct read *r, enum store_db db, uint32_t tenant, uint64_t *from, bool *more,
		      scan_row_fn *each, void *arg)
{
	MDB_cursor *cursor;
	struct row_key k;
	MDB_val key = row_key(&k, tenant, *from), value;
	uint32_t number;
	uint64_t id;
	int code = OK;
	*more = false;
	int rc = mdb_cursor_open(r->mdb, r->s->dbi[db], &cursor);
	if (rc)
		return store_fail(r->s, NULL, rc, "opening a cursor");
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	for (int rows = 0; !rc && row_key_parse(key, &number, &id) && number == tenant; rows++) {
		if (rows == READ_SLICE_DEVICES) {
			*from = id;
			*more = true;
			break;
		}
		if ((code = each(arg, r, id, key, value)))
			break;
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return code || !rc || rc == MDB_NOTFOUND ? code : store_fail(r->s, NULL, rc, "reading");
}

int scan_rows(struct store *s, enum store_db db, uint32_t tenant, uint64_t from, scan_row_fn *each, void *arg)
{
	struct read r;
	bool more;
	int rc;
	do {
		if ((rc = read_begin(s, &r)))
			return rc;
		rc = scan_slice(&r, db, tenant, &from, &more, each, arg);
		read_end(&r);
	} while (!rc && more);
	return rc == SCAN_ENOUGH ? OK : rc;
}
