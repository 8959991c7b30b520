#include "conf/tenant.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

struct entry {
	const char *text;
	struct place at;
	size_t index;
};

static int by_text(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int c = strcmp(a->text, b->text);
	return c ? c : (a->index > b->index) - (a->index < b->index);
}

/* "line 3", or "line 3 of FILE" when that is another file than where it is said. */
static void where(const struct reading *r, struct place first, struct place here, char *out, size_t n)
{
	if (first.file == here.file)
		snprintf(out, n, "line %u", first.line);
	else
		snprintf(out, n, "line %u of %.250s", first.line, r->complaints.files[first.file]);
}

static void complain_name(struct reading *r, const struct entry *first, const struct entry *here)
{
	char line[300];
	where(r, first->at, here->at, line, sizeof(line));
	complain(&r->complaints, here->at, COMPLAINT_ERROR,
		 "\"name\" is \"%s\" like that of the tenant in %s; give each tenant its own", here->text,
		 line);
}

static void complain_url(struct reading *r, const struct entry *first, const struct entry *here)
{
	char line[300];
	where(r, first->at, here->at, line, sizeof(line));
	complain(&r->complaints, here->at, COMPLAINT_WARNING,
		 "\"url\" is %s like that of the tenant in %s; remove one, unless their tokens see "
		 "different hosts",
		 here->text, line);
}

static void each_again(struct reading *r, struct entry *e, size_t n,
		       void (*complain_of)(struct reading *, const struct entry *, const struct entry *))
{
	if (n)
		qsort(e, n, sizeof(*e), by_text);
	for (size_t i = 1; i < n; i++)
		if (strcmp(e[i].text, e[i - 1].text) == 0)
			complain_of(r, &e[i - 1], &e[i]);
}

void tenant_check_all(struct reading *r, const struct conf_tenant *tenants,
		      const struct tenant_places *places, size_t count)
{
	struct entry *e = count ? mem_alloc(count * sizeof(*e)) : NULL;
	size_t n = 0;
	if (count && !e) {
		r->complaints.no_memory = true;
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (tenants[i].name)
			e[n++] = (struct entry){ tenants[i].name, places[i].name, i };
	each_again(r, e, n, complain_name);
	n = 0;
	for (size_t i = 0; i < count; i++)
		if (tenants[i].url)
			e[n++] = (struct entry){ tenants[i].url, places[i].url, i };
	each_again(r, e, n, complain_url);
	mem_free(e);
}
