#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/model/sample.h"

#include <stdio.h>

/* "source:email source:email" with one-letter sources. */
static uint32_t mapping_of(struct host_mapping *out, uint32_t max, const char *text)
{
	uint32_t n = 0;
	while (text && *text && n < max) {
		const char *end = strchrnul(text, ',');
		const char *source = *text == 'c'   ? "custom"
				     : *text == 'i' ? "idp"
				     : *text == 'm' ? "mdm_idp_accounts"
				     : *text == 'g' ? "google_chrome_profiles"
						    : "carrier_pigeon";
		out[n++] =
			(struct host_mapping){ { text + 2, (uint32_t)(end - text - 2) }, slice_of(source) };
		text = *end ? end + 1 : end;
	}
	return n;
}

static void owners(void **state)
{
	static const struct {
		const char *what, *list, *detail, *earlier;
		const char *email, *source;
		bool ambiguous;
		const char *grant;
		uint32_t candidates;
	} rows[] = {
		{ "nobody", "", "", NULL, NULL, NULL, 0, NULL, 0 },
		{ "one", "c:a@x", "", NULL, "a@x", "custom", 0, "a@x", 1 },
		{ "custom before the browser", "g:b@x,c:a@x", "", NULL, "a@x", "custom", 0, "a@x", 2 },
		{ "idp from the detail", "g:b@x", "i:a@x", NULL, "a@x", "idp", 0, "a@x", 2 },
		{ "mdm account", "m:a@x", "", NULL, "a@x", "mdm_idp_accounts", 0, "a@x", 1 },
		{ "browser profile gives no access", "g:a@x", "", NULL, "a@x", "google_chrome_profiles", 0,
		  NULL, 1 },
		{ "two people", "c:b@x,c:a@x", "", NULL, "a@x", "custom", 1, NULL, 2 },
		{ "two people, the earlier stays", "c:b@x,c:a@x", "", "b@x", "b@x", "custom", 1, NULL, 2 },
		{ "earlier one is gone", "c:b@x,c:a@x", "", "z@x", "a@x", "custom", 1, NULL, 2 },
		{ "earlier one is of a lesser source", "c:a@x,g:z@x", "", "z@x", "a@x", "custom", 0, "a@x",
		  2 },
		{ "two spellings of one", "c:Anna@x,c:anna@X", "", NULL, "Anna@x", "custom", 0, "Anna@x", 1 },
		{ "either order", "c:anna@X,c:Anna@x", "", NULL, "Anna@x", "custom", 0, "Anna@x", 1 },
		{ "earlier in another spelling", "c:B@x,c:a@x", "", "b@X", "B@x", "custom", 1, NULL, 2 },
		{ "list and detail agree", "c:a@x", "c:a@x", NULL, "a@x", "custom", 0, "a@x", 1 },
		{ "list and detail differ", "c:a@x", "c:b@x", "b@x", "b@x", "custom", 1, NULL, 2 },
		{ "white space", "c: a@x ", "", NULL, "a@x", "custom", 0, "a@x", 1 },
		{ "a login that is no address", "i:anna", "", NULL, "anna", "idp", 0, "anna", 1 },
		{ "placeholders", "c:None,c:,c: ,g:b@x", "", NULL, "b@x", "google_chrome_profiles", 0, NULL,
		  1 },
		{ "unknown source owns nothing", "p:a@x", "", NULL, NULL, NULL, 0, NULL, 1 },
		{ "unknown source comes last", "p:a@x,g:b@x", "", NULL, "b@x", "google_chrome_profiles", 0,
		  NULL, 2 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct host_mapping list[8], detail[8];
		struct derive_settings s = sample_settings();
		struct host h = { .id = 1,
				  .seen = HOST_SEEN_DEVICE_MAPPING,
				  .mapping = list,
				  .mapping_count = mapping_of(list, 8, rows[i].list),
				  .team_id = HOST_NO_INT };
		struct detail_facts f = { .fetched_at = 1,
					  .has_end_users = true,
					  .end_users = detail,
					  .end_user_count = mapping_of(detail, 8, rows[i].detail) };
		struct previous_device p = { .known = true, .owner_email = slice_of(rows[i].earlier) };
		struct device d;
		derive(&d, &h, &f, &p, &s, 0);
		if (!slice_eq(d.owner_email, slice_of(rows[i].email)) ||
		    !slice_eq(d.owner_source, slice_of(rows[i].source)) ||
		    d.owner_ambiguous != rows[i].ambiguous ||
		    !slice_eq(d.access_user, slice_of(rows[i].grant)) ||
		    d.candidate_count != rows[i].candidates)
			fail_msg("%s: \"%.*s\" of %.*s, ambiguous %d, grant \"%.*s\", %u candidates",
				 rows[i].what, (int)d.owner_email.n, d.owner_email.p, (int)d.owner_source.n,
				 d.owner_source.p, d.owner_ambiguous, (int)d.access_user.n, d.access_user.p,
				 d.candidate_count);
	}
}

static void precedence_is_a_setting(void **state)
{
	struct host_mapping rows[2];
	struct derive_settings s = sample_settings();
	struct host h = { .seen = HOST_SEEN_DEVICE_MAPPING,
			  .mapping = rows,
			  .mapping_count = mapping_of(rows, 2, "c:a@x,g:b@x"),
			  .team_id = HOST_NO_INT };
	struct device d;
	(void)state;
	s.owner_precedence[0] = OWNER_GOOGLE_CHROME_PROFILES;
	s.owner_precedence_count = 1;
	derive(&d, &h, NULL, NULL, &s, 0);
	assert_true(slice_is(d.owner_email, "b@x"));
	assert_int_equal(d.candidate_count, 2); /* kept, though custom may not own here */
	s.owner_precedence_count = 0;
	derive(&d, &h, NULL, NULL, &s, 0);
	assert_null(d.owner_email.p);
}

static void grants_follow_the_settings(void **state)
{
	struct host_mapping rows[1];
	struct derive_settings s = sample_settings();
	struct host h = { .seen = HOST_SEEN_DEVICE_MAPPING,
			  .mapping = rows,
			  .mapping_count = mapping_of(rows, 1, "c:a@x"),
			  .team_id = 3,
			  .team_name = SLICE("Sales") };
	struct device d;
	(void)state;
	derive(&d, &h, NULL, NULL, &s, 0);
	assert_true(slice_is(d.access_user, "a@x"));
	assert_true(slice_is(d.access_group, "Sales"));
	s.map_users = s.map_teams = false;
	derive(&d, &h, NULL, NULL, &s, 0);
	assert_null(d.access_user.p);
	assert_null(d.access_group.p);
	assert_true(slice_is(d.owner_email, "a@x"));
	s.map_teams = true;
	h.team_id = HOST_NO_INT;
	derive(&d, &h, NULL, NULL, &s, 0);
	assert_null(d.access_group.p);
}

/* A detail that arrives alone has no device_mapping: what the list said stands. */
static void detail_alone_keeps_the_list(void **state)
{
	struct host_mapping list[2], users[1], own[1];
	struct derive_settings s = sample_settings();
	struct previous_device p = { .known = true,
				     .has_list_mapping = true,
				     .list_mapping = list,
				     .list_mapping_count = mapping_of(list, 2, "c:a@x,g:b@x") };
	struct host detail = { .id = 1,
			       .seen = HOST_SEEN_END_USERS,
			       .end_users = users,
			       .end_user_count = mapping_of(users, 1, "i:c@x"),
			       .team_id = HOST_NO_INT };
	struct detail_facts f;
	struct device d;
	(void)state;
	detail_facts_of(&f, &detail, 5);
	derive(&d, &detail, &f, &p, &s, 0);
	assert_true(slice_is(d.owner_email, "a@x"));
	assert_int_equal(d.candidate_count, 3);
	assert_false(d.candidates[0].from_detail);
	assert_true(d.candidates[1].from_detail);

	/* servers before 4.67 put it into the detail: still the detail's word */
	detail.seen |= HOST_SEEN_DEVICE_MAPPING;
	detail.mapping = own;
	detail.mapping_count = mapping_of(own, 1, "m:d@x");
	detail_facts_of(&f, &detail, 5);
	derive(&d, &detail, &f, &p, &s, 0);
	assert_int_equal(d.candidate_count, 4);
	assert_true(slice_is(d.candidates[2].email, "d@x"));
	assert_true(d.candidates[2].from_detail);
}

static void many_candidates(void **state)
{
	enum { MANY = 100 };
	static char text[MANY][24];
	struct host_mapping rows[MANY];
	struct derive_settings s = sample_settings();
	struct host h = { .seen = HOST_SEEN_DEVICE_MAPPING, .mapping = rows, .mapping_count = MANY };
	struct device up, down;
	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(text[i], sizeof(text[i]), "person%03d@x.example", i);
		rows[i] = (struct host_mapping){ slice_of(text[i]), SLICE("idp") };
	}
	derive(&up, &h, NULL, NULL, &s, 0);
	for (int i = 0; i < MANY; i++)
		rows[i].email = slice_of(text[MANY - 1 - i]);
	derive(&down, &h, NULL, NULL, &s, 0);
	assert_int_equal(up.candidate_count, DEVICE_MAX_CANDIDATES);
	assert_int_equal(down.candidate_count, DEVICE_MAX_CANDIDATES);
	for (int i = 0; i < DEVICE_MAX_CANDIDATES; i++)
		assert_true(slice_eq(up.candidates[i].email, down.candidates[i].email));
	assert_true(slice_is(up.owner_email, "person000@x.example"));
	assert_true(up.owner_ambiguous);
}

static void source_words(void **state)
{
	(void)state;
	for (int i = 0; i < OWNER_SOURCES; i++)
		assert_int_equal(owner_source_parse(slice_of(owner_source_name(i))), i);
	assert_int_equal(owner_source_parse(SLICE("Custom")), -1);
	assert_int_equal(owner_source_parse(SLICE_NONE), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners),
		cmocka_unit_test(precedence_is_a_setting),
		cmocka_unit_test(grants_follow_the_settings),
		cmocka_unit_test(detail_alone_keeps_the_list),
		cmocka_unit_test(many_candidates),
		cmocka_unit_test(source_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
