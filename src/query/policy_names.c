#include "query/policy_names.h"

#include "base/json.h"
#include "query/value.h"

static void copy_key(struct buf *out, struct slice key, size_t i)
{
	if (i)
		buf_putc(out, ',');
	buf_putc(out, '"');
	buf_add(out, key.p, key.n);
	buf_puts(out, "\":");
}

static void copy(struct buf *out, struct slice value)
{
	buf_add(out, value.p, value.n);
}

static void policy(struct buf *out, struct slice item, const struct policy_table *names)
{
	const struct policy_name *known = NULL;
	int64_t id;
	if (value_int(value_at(item, "id"), &id) && id >= 0 && id <= UINT32_MAX)
		known = policy_table_find(names, (uint32_t)id);
	if (!known || !known->name.p || item.n < 2) {
		copy(out, item);
		return;
	}
	buf_add(out, item.p, item.n - 1);
	json_k(out, "name");
	json_text(out, known->name);
	buf_putc(out, '}');
}

static void policies(struct buf *out, struct slice array, const struct policy_table *names)
{
	struct value_iter it;
	struct slice item;
	if (array.p[0] != '[' || !value_open(&it, array)) {
		copy(out, array);
		return;
	}
	buf_putc(out, '[');
	for (size_t i = 0; value_next(&it, NULL, &item); i++) {
		if (i)
			buf_putc(out, ',');
		policy(out, item, names);
	}
	buf_putc(out, ']');
}

static void compliance(struct buf *out, struct slice object, const struct policy_table *names)
{
	struct value_iter it;
	struct slice key, item;
	if (!value_open(&it, object) || !it.object) {
		copy(out, object);
		return;
	}
	buf_putc(out, '{');
	for (size_t i = 0; value_next(&it, &key, &item); i++) {
		copy_key(out, key, i);
		if (slice_is(key, "policies"))
			policies(out, item, names);
		else
			copy(out, item);
	}
	buf_putc(out, '}');
}

void policy_names_join(struct buf *out, struct slice record, const struct policy_table *names)
{
	struct value_iter it;
	struct slice key, item;
	if (!value_open(&it, record) || !it.object) {
		copy(out, record);
		return;
	}
	buf_putc(out, '{');
	for (size_t i = 0; value_next(&it, &key, &item); i++) {
		copy_key(out, key, i);
		if (slice_is(key, "compliance"))
			compliance(out, item, names);
		else
			copy(out, item);
	}
	buf_putc(out, '}');
}
