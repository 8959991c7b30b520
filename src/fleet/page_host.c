#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "fleet/page_build.h"

#include <stdlib.h>

enum { MAX_ROWS = 4096, FIRST_ROWS = 64, MAX_POLICIES = 16384 };
static const int64_t never_before = 978307200; /* 2001-01-01: fleet-api 3.6 */

static void *target(struct page_build *b, enum place place, const struct field *f)
{
	char *in = place == PLACE_POLICY        ? (char *)&b->policy
		   : place == PLACE_MAPPING     ? (char *)&b->mapping
		   : place == PLACE_END_USER    ? (char *)&b->end_user
		   : place == PLACE_OTHER_EMAIL ? (char *)&b->other_email
						: (char *)b->host;
	return in + f->offset;
}

static bool fail(struct page_build *b)
{
	b->failed = arena_at_ceiling(b->page->arena) ? E_LIMIT : E_NOMEM;
	return false;
}

bool page_copy_text(struct page_build *b, struct slice *out, const char *s, size_t n)
{
	if (utf8_valid(s, n)) {
		*out = arena_copy(b->page->arena, s, n);
		return out->p || fail(b);
	}
	size_t replaced;
	char *to = n > UINT32_MAX / 3 ? NULL : arena_alloc(b->page->arena, 3 * n);
	if (!to)
		return fail(b);
	*out = (struct slice){ to, (uint32_t)utf8_repair_into(to, s, n, &replaced) };
	if (b->host)
		b->host->bad_utf8++;
	return true;
}

void page_put_wrong(struct page_build *b)
{
	if (b->host)
		b->host->wrong_types++;
}

static uint32_t policy_slot(const struct page_build *b, int64_t id)
{
	return (uint32_t)((uint64_t)id * 0x9e3779b97f4a7c15u >> 40) & (b->policy_slot_count - 1);
}

static struct policy_name *find_policy(struct page_build *b, int64_t id)
{
	for (uint32_t at = policy_slot(b, id); b->policy_slots[at];
	     at = (at + 1) & (b->policy_slot_count - 1))
		if (b->page->policies[b->policy_slots[at] - 1].id == id)
			return &b->page->policies[b->policy_slots[at] - 1];
	return NULL;
}

static bool put_policy_name(struct page_build *b, const char *s, size_t n)
{
	const struct policy_name *known = b->policy.id > 0 ? find_policy(b, b->policy.id) : NULL;
	if (known && known->name.n == n && memcmp(known->name.p, s, n) == 0) {
		b->policy.name = known->name;
		return true;
	}
	return page_copy_text(b, &b->policy.name, s, n);
}

bool page_put_text(struct page_build *b, enum place place, const struct field *f, const char *s, size_t n)
{
	void *to = target(b, place, f);
	int64_t t;
	switch (f->kind) {
	case KIND_TEXT:
		b->host->seen |= f->seen;
		return page_copy_text(b, to, s, n);
	case KIND_POLICY_NAME:
		return put_policy_name(b, s, n);
	case KIND_RESULT:
		*(uint8_t *)to = n == 4 && memcmp(s, "pass", 4) == 0   ? POLICY_PASS
				 : n == 4 && memcmp(s, "fail", 4) == 0 ? POLICY_FAIL
								       : POLICY_UNANSWERED;
		return true;
	case KIND_TIME:
		if (clock_parse_rfc3339((struct slice){ s, (uint32_t)n }, &t))
			*(int64_t *)to = t < never_before ? HOST_NEVER : t;
		else if (n > 0)
			page_put_wrong(b);
		return true;
	default:
		page_put_wrong(b);
		return true;
	}
}

static bool parse_integer(const char *s, size_t n, int64_t *out)
{
	uint64_t v = 0;
	bool negative = n > 0 && s[0] == '-';
	for (size_t i = negative; i < n; i++) {
		unsigned c = (unsigned char)s[i] - '0';
		if (c > 9 || v > ((uint64_t)INT64_MAX - c) / 10)
			return false;
		v = v * 10 + c;
	}
	*out = negative ? -(int64_t)v : (int64_t)v;
	return n > negative;
}

/* Decimal gigabytes as strtod() reads them: exponents and absurd lengths. */
static bool parse_odd_gigabytes(const char *s, size_t n, int64_t *out)
{
	char text[64];
	if (n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	double bytes = strtod(text, NULL) * 1e9;
	if (!(bytes >= 0 && bytes < 1e18))
		return false;
	*out = (int64_t)(bytes + 0.5);
	return true;
}

/* Decimal gigabytes (two decimals in Fleet's database) as bytes; digits beyond
 * the ninth decimal are less than a byte. */
static bool parse_gigabytes(const char *s, size_t n, int64_t *out)
{
	int64_t bytes = 0, digit = 1000000000;
	size_t i = 0;
	for (; i < n && s[i] >= '0' && s[i] <= '9' && i < 9; i++)
		bytes = bytes * 10 + (s[i] - '0');
	bytes *= digit;
	if (i > 0 && i < n && s[i] == '.')
		for (i++; i < n && s[i] >= '0' && s[i] <= '9'; i++)
			bytes += (s[i] - '0') * (digit /= 10);
	if (i < n || i == 0)
		return parse_odd_gigabytes(s, n, out);
	*out = bytes;
	return true;
}

bool page_put_number(struct page_build *b, enum place place, const struct field *f, const char *s, size_t n)
{
	int64_t v;
	if (f->kind == KIND_INT && parse_integer(s, n, &v)) {
		*(int64_t *)target(b, place, f) = v;
		if (place == PLACE_HOST)
			b->host->seen |= f->seen;
	} else if (f->kind == KIND_GIGABYTES && parse_gigabytes(s, n, &v)) {
		*(int64_t *)target(b, place, f) = v;
	} else {
		page_put_wrong(b);
	}
	return true;
}

void page_put_bool(struct page_build *b, enum place place, const struct field *f, bool v)
{
	if (f->kind == KIND_TRISTATE) {
		*(enum host_tristate *)target(b, place, f) = v ? HOST_YES : HOST_NO;
		b->host->seen |= f->seen;
	} else if (f->kind == KIND_FLAG) {
		*(uint8_t *)target(b, place, f) = v;
	} else {
		page_put_wrong(b);
	}
}

void page_put_null(struct page_build *b, const struct field *f)
{
	if (f->kind != KIND_TRISTATE && f->kind != KIND_OBJECT)
		b->host->seen |= f->seen;
}

bool page_host_begin(struct page_build *b)
{
	struct host *h = arena_alloc(b->page->arena, sizeof(*h));
	if (!h)
		return fail(b);
	memset(h, 0, sizeof(*h));
	h->uptime_ns = h->memory_bytes = h->cores_physical = h->cores_logical = HOST_NO_INT;
	h->disk_total_bytes = h->disk_available_bytes = h->team_id = HOST_NO_INT;
	h->failing_policies_count = h->critical_vulnerabilities_count = HOST_NO_INT;
	b->host = h;
	b->policy_count = b->mapping_count = b->end_user_count = 0;
	b->reject = NULL;
	return true;
}

void page_item_begin(struct page_build *b, enum place place)
{
	if (place == PLACE_POLICY)
		b->policy = (struct policy_item){ 0 };
	else if (place == PLACE_MAPPING)
		b->mapping = (struct host_mapping){ 0 };
	else if (place == PLACE_END_USER)
		b->end_user = (struct host_mapping){ 0 };
	else
		b->other_email = (struct host_mapping){ 0 };
}

static bool room_for(struct page_build *b, void **rows, uint32_t count, uint32_t *cap, size_t size)
{
	if (count < *cap)
		return true;
	if (count >= MAX_ROWS) {
		b->reject = "has more than 4,096 policies or owners";
		return false;
	}
	uint32_t want = *cap ? *cap * 2 : FIRST_ROWS;
	void *p = mem_realloc(*rows, want * size);
	if (!p) {
		b->failed = E_NOMEM;
		return false;
	}
	*rows = p;
	*cap = want;
	return true;
}

static bool grow_policy_names(struct page_build *b)
{
	struct page *page = b->page;
	uint32_t cap = b->policy_name_cap ? b->policy_name_cap * 2 : 64;
	if (cap > MAX_POLICIES) {
		b->failed = E_LIMIT;
		return false;
	}
	struct policy_name *rows = mem_realloc(page->policies, cap * sizeof(*rows));
	if (!rows) {
		b->failed = E_NOMEM;
		return false;
	}
	page->policies = rows;
	uint32_t *slots = mem_zalloc(2 * (size_t)cap * sizeof(*slots));
	if (!slots) {
		b->failed = E_NOMEM;
		return false;
	}
	mem_free(b->policy_slots);
	b->policy_slots = slots;
	b->policy_slot_count = 2 * cap;
	b->policy_name_cap = cap;
	for (uint32_t i = 0; i < page->policy_count; i++) {
		uint32_t at = policy_slot(b, rows[i].id);
		while (slots[at])
			at = (at + 1) & (b->policy_slot_count - 1);
		slots[at] = i + 1;
	}
	return true;
}

static bool note_policy(struct page_build *b)
{
	struct policy_name *known = find_policy(b, b->policy.id);
	if (known) {
		if (b->policy.name.p)
			known->name = b->policy.name;
		known->critical = b->policy.critical;
		return true;
	}
	if (b->page->policy_count == b->policy_name_cap && !grow_policy_names(b))
		return false;
	uint32_t at = policy_slot(b, b->policy.id);
	while (b->policy_slots[at])
		at = (at + 1) & (b->policy_slot_count - 1);
	b->page->policies[b->page->policy_count++] =
		(struct policy_name){ (uint32_t)b->policy.id, b->policy.critical, b->policy.name };
	b->policy_slots[at] = b->page->policy_count;
	return true;
}

static bool add_mapping(struct page_build *b, struct host_mapping m, struct host_mapping **rows,
			uint32_t *count, uint32_t *cap)
{
	if (!m.email.p)
		return true;
	if (!room_for(b, (void **)rows, *count, cap, sizeof(m)))
		return b->reject != NULL;
	(*rows)[(*count)++] = m;
	return true;
}

bool page_item_end(struct page_build *b, enum place place)
{
	switch (place) {
	case PLACE_POLICY:
		if (b->policy.id <= 0 || b->policy.id > UINT32_MAX) {
			page_put_wrong(b);
			return true;
		}
		if (!room_for(b, (void **)&b->policies, b->policy_count, &b->policy_cap,
			      sizeof(*b->policies)))
			return b->reject != NULL;
		b->policies[b->policy_count++] =
			(struct host_policy){ (uint32_t)b->policy.id, b->policy.result, b->policy.critical };
		return note_policy(b);
	case PLACE_MAPPING:
		return add_mapping(b, b->mapping, &b->mappings, &b->mapping_count, &b->mapping_cap);
	case PLACE_END_USER:
		b->end_user.source = SLICE("idp");
		return add_mapping(b, b->end_user, &b->end_users, &b->end_user_count, &b->end_user_cap);
	case PLACE_OTHER_EMAIL:
		return add_mapping(b, b->other_email, &b->end_users, &b->end_user_count, &b->end_user_cap);
	default:
		return true;
	}
}

static void *keep(struct page_build *b, const void *rows, uint32_t count, size_t size)
{
	void *p = arena_alloc(b->page->arena, count * size);
	if (!p)
		fail(b);
	else if (count)
		memcpy(p, rows, count * size);
	return p;
}

bool page_array_end(struct page_build *b, const struct field *f)
{
	struct host *h = b->host;
	h->seen |= f->seen;
	if (f->inside == PLACE_POLICY) {
		h->policies = keep(b, b->policies, b->policy_count, sizeof(*b->policies));
		h->policy_count = h->policies ? b->policy_count : 0;
		b->policy_count = 0;
	} else if (f->inside == PLACE_MAPPING) {
		h->mapping = keep(b, b->mappings, b->mapping_count, sizeof(*b->mappings));
		h->mapping_count = h->mapping ? b->mapping_count : 0;
		b->mapping_count = 0;
	} else if (f->inside == PLACE_END_USER) {
		h->end_users = keep(b, b->end_users, b->end_user_count, sizeof(*b->end_users));
		h->end_user_count = h->end_users ? b->end_user_count : 0;
		b->end_user_count = 0;
	}
	return b->failed == OK;
}

bool page_build_seal(struct page_build *b)
{
	struct page *page = b->page;
	struct policy_name *rows = keep(b, page->policies, page->policy_count, sizeof(*rows));
	if (!rows)
		return false;
	mem_free(page->policies);
	page->policies = rows;
	return true;
}

int page_build_init(struct page_build *b, uint64_t page_bytes, uint32_t max_hosts)
{
	*b = (struct page_build){ 0 };
	struct arena *a = arena_new(page_bytes);
	struct page *page = a ? arena_alloc(a, sizeof(*page)) : NULL;
	struct page_element *elements = page ? arena_alloc(a, max_hosts * sizeof(*elements)) : NULL;
	if (!elements) {
		arena_free(a);
		return E_NOMEM;
	}
	*page = (struct page){ .arena = a, .elements = elements };
	b->page = page;
	return grow_policy_names(b) ? OK : b->failed;
}

void page_build_release(struct page_build *b)
{
	mem_free(b->policies);
	mem_free(b->mappings);
	mem_free(b->end_users);
	mem_free(b->policy_slots);
	if (b->page) {
		mem_free(b->page->policies);
		arena_free(b->page->arena);
	}
	*b = (struct page_build){ 0 };
}

size_t page_build_memory(const struct page_build *b)
{
	size_t rows = b->policy_cap * sizeof(*b->policies) +
		      (b->mapping_cap + (size_t)b->end_user_cap) * sizeof(*b->mappings) +
		      b->policy_slot_count * sizeof(*b->policy_slots);
	if (b->page)
		rows += b->policy_name_cap * sizeof(*b->page->policies) + arena_held(b->page->arena);
	return rows;
}
