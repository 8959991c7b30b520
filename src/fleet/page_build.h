/* The inside of the page parser between its two files: page_parser.c knows
 * yajl, positions, limits and where in the document we are; page_host.c knows
 * which member of a Fleet host means what. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "fleet/page_parser.h"

/* Objects with members of interest. */
enum place {
	PLACE_HOST,
	PLACE_ISSUES,
	PLACE_MDM,
	PLACE_OS_SETTINGS,
	PLACE_DISK_ENCRYPTION,
	PLACE_POLICY,
	PLACE_MAPPING,
	PLACE_END_USER,
	PLACE_OTHER_EMAIL,
	PLACES,
};

enum kind {
	KIND_TEXT,
	KIND_TIME,
	KIND_INT,
	KIND_GIGABYTES,
	KIND_TRISTATE,
	KIND_OBJECT, /* go into `inside` */
	KIND_ARRAY,  /* of objects: go into `inside` for each */
	KIND_RESULT, /* a policy's response */
	KIND_FLAG,   /* bool in a byte */
	KIND_POLICY_NAME,
};

struct field {
	const char *name;
	uint8_t length, kind, inside;
	uint16_t offset;
	uint32_t seen; /* enum host_seen */
};

/* What is being put together. */
struct page_build {
	struct page *page;
	struct host *host; /* of the element under way */
	/* rows of the array under way; moved to the arena when it ends */
	struct host_policy *policies;
	struct host_mapping *mappings, *end_users;
	uint32_t policy_count, policy_cap, mapping_count, mapping_cap, end_user_count, end_user_cap;
	struct policy_item {
		int64_t id;
		uint8_t result, critical;
		struct slice name;
	} policy;
	struct host_mapping mapping, end_user, other_email;
	uint32_t *policy_slots; /* open addressing over page->policies: index + 1 */
	uint32_t policy_slot_count, policy_name_cap;
	const char *reject; /* why the element under way cannot be kept */
	int failed;         /* E_NOMEM or E_LIMIT */
};

int page_build_init(struct page_build *b, uint64_t page_bytes, uint32_t max_hosts);
/* Everything into the page's arena, so that page_free() frees all of it. */
bool page_build_seal(struct page_build *b);
void page_build_release(struct page_build *b);
/* Bytes held: the page's arena and the rows that are not in it yet. */
size_t page_build_memory(const struct page_build *b);

/* The member of that name, or NULL when it is of no interest. */
const struct field *page_field(enum place place, const char *key, size_t n);

enum { POLICY_ID, POLICY_NAME, POLICY_CRITICAL, POLICY_RESPONSE };
extern const struct field page_policy_fields[];

/* page_field() for PLACE_POLICY: told apart by length first. */
static inline const struct field *page_policy_field(const char *key, size_t n)
{
	if (n > 8 || !((1u << 2 | 1u << 4 | 1u << 8) >> n & 1))
		return NULL;
	if (n == 8)
		return memcmp(key, "response", 8) == 0   ? &page_policy_fields[POLICY_RESPONSE]
		       : memcmp(key, "critical", 8) == 0 ? &page_policy_fields[POLICY_CRITICAL]
							 : NULL;
	if (n == 4)
		return memcmp(key, "name", 4) == 0 ? &page_policy_fields[POLICY_NAME] : NULL;
	return memcmp(key, "id", 2) == 0 ? &page_policy_fields[POLICY_ID] : NULL;
}

/* One value of the member `f` of an object at `place`; a false answer means
 * that b->failed is set. A value of another type than the field's is counted. */
bool page_put_text(struct page_build *b, enum place place, const struct field *f, const char *s, size_t n);
bool page_put_number(struct page_build *b, enum place place, const struct field *f, const char *s, size_t n);
void page_put_bool(struct page_build *b, enum place place, const struct field *f, bool v);
void page_put_null(struct page_build *b, const struct field *f);
void page_put_wrong(struct page_build *b);
/* A host begins; an object of an array begins or ends; an array ends. */
bool page_host_begin(struct page_build *b);
void page_item_begin(struct page_build *b, enum place place);
bool page_item_end(struct page_build *b, enum place place);
bool page_array_end(struct page_build *b, const struct field *f);
/* Strict UTF-8 copy into the page's arena; counts repairs on the host. */
bool page_copy_text(struct page_build *b, struct slice *out, const char *s, size_t n);
