#include "model/policy_table.h"

#include "base/err.h"
#include "base/mem.h"

void policy_table_init(struct policy_table *t)
{
	*t = (struct policy_table){ 0 };
}

void policy_table_release(struct policy_table *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		mem_free((char *)t->rows[i].name.p);
	mem_free(t->rows);
	policy_table_init(t);
}

/* The first row whose id is not less. */
static uint32_t place(const struct policy_table *t, uint32_t id)
{
	uint32_t low = 0, high = t->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (t->rows[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct policy_name *policy_table_find(const struct policy_table *t, uint32_t id)
{
	uint32_t at = place(t, id);
	return at < t->count && t->rows[at].id == id ? &t->rows[at] : NULL;
}

static bool make_room(struct policy_table *t)
{
	if (t->count < t->cap)
		return true;
	uint32_t cap = t->cap ? t->cap * 2 : 16;
	struct policy_name *rows = cap > t->cap ? mem_realloc(t->rows, cap * sizeof(*rows)) : NULL;
	if (!rows)
		return false;
	t->rows = rows;
	t->cap = cap;
	return true;
}

int policy_table_set(struct policy_table *t, uint32_t id, struct slice name, bool critical)
{
	uint32_t at = place(t, id);
	struct policy_name *row = at < t->count && t->rows[at].id == id ? &t->rows[at] : NULL;

	if (row && row->critical == critical && slice_eq(row->name, name))
		return 0;
	char *copy = NULL;
	if (name.p && !(copy = mem_strndup(name.p, name.n)))
		return E_NOMEM;
	if (!row) {
		if (!make_room(t)) {
			mem_free(copy);
			return E_NOMEM;
		}
		row = &t->rows[at];
		memmove(row + 1, row, (t->count - at) * sizeof(*row));
		t->count++;
	} else {
		mem_free((char *)row->name.p);
	}
	*row = (struct policy_name){ id, critical, { copy, name.p ? name.n : 0 } };
	return 1;
}
