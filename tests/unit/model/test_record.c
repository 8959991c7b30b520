#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "model/record.h"
#include "unit/model/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char sample_json[] =
	"{\"tenant\":\"acme\",\"id\":4711,"
	"\"identity\":{\"uuid\":\"c8b98348-a0a6-5838-a321-57b59d788269\",\"serial\":\"C0124FXASD6G\","
	"\"hostname\":\"annas-macbook-pro.local\",\"computer_name\":\"Anna's MacBook Pro\","
	"\"display_name\":\"Anna's MacBook Pro\"},"
	"\"os\":{\"family\":\"macos\",\"platform\":\"darwin\",\"name\":\"macOS\",\"version\":\"15.2\","
	"\"build\":\"24C101\",\"arch\":\"arm64\"},"
	"\"hardware\":{\"vendor\":\"Apple Inc.\",\"model\":\"MacBookPro17,1\",\"cpu\":\"Apple M1 Pro\","
	"\"cores_physical\":8,\"cores_logical\":8,\"memory_bytes\":17179869184},"
	"\"disk\":{\"total_bytes\":494380000000,\"encryption\":{\"state\":\"on\",\"method\":\"filevault\","
	"\"evidence\":\"disk_encryption_enabled\",\"key_escrowed\":true}},"
	"\"mdm\":{\"enrollment\":\"automatic\",\"vendor\":\"Fleet\",\"managed_by_fleet\":true,"
	"\"server_url\":\"https://fleet.example.com/mdm/apple/mdm\",\"device_status\":\"unlocked\","
	"\"pending_action\":\"none\"},"
	"\"compliance\":{\"state\":\"noncompliant\",\"failing\":1,\"critical_failing\":0,\"unanswered\":1,"
	"\"reasons\":[\"Screen lock \\\"on\\\"\"],\"policies\":["
	"{\"id\":100,\"result\":\"pass\",\"critical\":true},{\"id\":101,\"result\":\"pass\",\"critical\":"
	"false},"
	"{\"id\":102,\"result\":\"pass\",\"critical\":false},{\"id\":103,\"result\":\"fail\",\"critical\":"
	"false},"
	"{\"id\":104,\"result\":\"pass\",\"critical\":true},{\"id\":105,\"result\":\"pass\",\"critical\":"
	"false},"
	"{\"id\":106,\"result\":\"pass\",\"critical\":false},{\"id\":107,\"result\":\"pass\",\"critical\":"
	"false},"
	"{\"id\":108,\"result\":\"pass\",\"critical\":true},{\"id\":109,\"result\":\"pass\",\"critical\":"
	"false},"
	"{\"id\":110,\"result\":\"pass\",\"critical\":false},{\"id\":111,\"result\":\"unanswered\","
	"\"critical\":false}]},"
	"\"owner\":{\"email\":\"anna@example.com\",\"source\":\"custom\",\"ambiguous\":false,\"candidates\":["
	"{\"email\":\"anna@example.com\",\"source\":\"custom\",\"from\":\"list\"},"
	"{\"email\":\"anna@example.com\",\"source\":\"google_chrome_profiles\",\"from\":\"list\"}]},"
	"\"access\":{\"users\":[\"anna@example.com\"],\"groups\":[\"Workstations\"]},"
	"\"team\":{\"id\":2,\"name\":\"Workstations\"},"
	"\"agent\":{\"osquery\":\"5.19.0\",\"orbit\":null,\"desktop\":null},"
	"\"vulnerabilities\":{\"critical\":2},\"enrolled\":\"2025-10-20T10:20:18Z\"}";

static const char sample_stored[] =
	"\"c8b98348-a0a6-5838-a321-57b59d788269\n\"C0124FXASD6G\nn\n\"anna@example.com\n"
	"\"Workstations\n\"annas-macbook-pro.local\n\"Anna's MacBook Pro\n\"Anna's MacBook Pro\n"
	"m\n\"darwin\n\"macOS\n\"15.2\n\"24C101\n\"arm64\n"
	"\"Apple Inc.\n\"MacBookPro17,1\n\"Apple M1 Pro\n8\n8\n17179869184\n"
	"494380000000\ny\nf\nd\nt\n"
	"a\n\"Fleet\nt\n\"https://fleet.example.com/mdm/apple/mdm\n\"unlocked\n\"none\n"
	"1\n0\n1\n\"Screen lock \\\"on\\\"\n"
	"[100P101p102p103f104P105p106p107p108P109p110p111u\n"
	"\"custom\nf\n\"anna@example.com\x1f"
	"custom\x1fl\x1f"
	"anna@example.com\x1fgoogle_chrome_profiles\x1fl\n"
	"\"anna@example.com\n2\n\"Workstations\n\"5.19.0\n\n\n2\n1760955618\n";

struct written {
	struct sample sample;
	struct derive_settings settings;
	struct device device;
	struct buf stable, json;
};

static void write_again(struct written *w, const struct policy_table *names)
{
	derive(&w->device, &w->sample.host, NULL, NULL, &w->settings, SAMPLE_NOW);
	buf_reset(&w->stable);
	assert_int_equal(record_write_stable(&w->stable, &w->device, names), OK);
	buf_reset(&w->json);
	assert_int_equal(record_expand(&w->json, "acme", w->device.id, buf_slice(&w->stable)), OK);
}

static void written_init(struct written *w)
{
	sample_init(&w->sample);
	w->settings = sample_settings();
	buf_init(&w->stable, 16 << 20);
	buf_init(&w->json, 16 << 20);
}

static void written_release(struct written *w)
{
	buf_release(&w->stable);
	buf_release(&w->json);
}

static void typical(void **state)
{
	struct written w;
	struct policy_table names;
	(void)state;
	written_init(&w);
	policy_table_init(&names);
	assert_int_equal(policy_table_set(&names, 103, SLICE("Screen lock \"on\""), false), 1);
	write_again(&w, &names);
	assert_string_equal(buf_cstr(&w.stable), sample_stored);
	assert_string_equal(buf_cstr(&w.json), sample_json);
	/* with its head and key, six fit an LMDB page */
	print_message("stable part: %zu bytes, as JSON %zu\n", w.stable.len, w.json.len);
	assert_true(w.stable.len < 630);
	policy_table_release(&names);
	written_release(&w);
}

static void reasons(void **state)
{
	struct written w;
	(void)state;
	written_init(&w);
	write_again(&w, NULL);
	assert_non_null(strstr(buf_cstr(&w.json), "\"reasons\":[\"policy 103\"]"));
	uint32_t ignored[] = { 103 };
	w.sample.policies[0].result = POLICY_FAIL;
	w.settings.ignore_policies = ignored;
	w.settings.ignore_count = 1;
	write_again(&w, NULL);
	assert_non_null(strstr(buf_cstr(&w.json), "\"reasons\":[\"policy 100\"]"));
	assert_non_null(strstr(buf_cstr(&w.json), "{\"id\":103,\"result\":\"fail\",\"critical\":false}"));
	w.settings.critical_only = true;
	w.settings.premium = false;
	write_again(&w, NULL);
	assert_non_null(strstr(buf_cstr(&w.json),
			       "\"state\":\"unknown\",\"failing\":null,"
			       "\"critical_failing\":null,\"unanswered\":null,\"reasons\":[]"));
	written_release(&w);
}

static void nothing_known(void **state)
{
	struct written w;
	(void)state;
	written_init(&w);
	w.sample.host = (struct host){ .id = 1,
				       .team_id = HOST_NO_INT,
				       .failing_policies_count = HOST_NO_INT,
				       .critical_vulnerabilities_count = HOST_NO_INT };
	write_again(&w, NULL);
	const char *text = buf_cstr(&w.json);
	assert_non_null(strstr(text, "\"identity\":{\"uuid\":null,\"serial\":null,"));
	assert_non_null(strstr(text,
			       "\"encryption\":{\"state\":\"unknown\",\"method\":null,\"evidence\":null,"
			       "\"key_escrowed\":null}"));
	assert_non_null(strstr(text, "\"policies\":null}"));
	assert_non_null(strstr(text,
			       "\"owner\":{\"email\":null,\"source\":null,\"ambiguous\":false,"
			       "\"candidates\":[]},\"access\":{\"users\":[],\"groups\":[]},\"team\":null,"));
	assert_non_null(strstr(text, "\"vulnerabilities\":{\"critical\":null},\"enrolled\":null"));
	written_release(&w);
}

/* Every byte that has to be escaped, in every place of an eight byte word. */
static void escapes(void **state)
{
	struct written w;
	struct record_peek peek;
	struct buf scratch;
	(void)state;
	written_init(&w);
	buf_init(&scratch, 1 << 20);
	for (int c = 1; c < 128; c++)
		for (int at = 0; at < 20; at++) {
			char text[20];
			memset(text, 'x', sizeof(text));
			text[at] = (char)c;
			if (c == ' ' || (c >= '\t' && c <= '\r'))
				text[0] = text[19] = 'x';
			w.sample.host.display_name = (struct slice){ text, sizeof(text) };
			write_again(&w, NULL);
			assert_int_equal(record_peek(&peek, buf_slice(&w.stable), &scratch), OK);
			assert_true(slice_eq(peek.display_name, w.device.display_name));
			assert_null(memchr(w.json.data, '\n', w.json.len));
			for (size_t i = 0; i < w.json.len; i++)
				assert_true((unsigned char)w.json.data[i] >= 0x20);
		}
	w.sample.host.display_name = (struct slice){ "a\0b", 3 };
	write_again(&w, NULL);
	assert_non_null(strstr(buf_cstr(&w.json), "\"display_name\":\"a\\u0000b\""));
	assert_int_equal(record_peek(&peek, buf_slice(&w.stable), &scratch), OK);
	assert_true(slice_eq(peek.display_name, w.sample.host.display_name));
	buf_release(&scratch);
	written_release(&w);
}

static void long_text(void **state)
{
	enum { TOO_MANY = 300, KEPT = 255 };
	char text[TOO_MANY * 4];
	struct written w;
	struct record_peek peek;
	struct buf scratch;
	(void)state;
	for (int i = 0; i < TOO_MANY; i++)
		memcpy(text + 4 * i, "\xf0\x9f\x92\xbb", 4);
	written_init(&w);
	buf_init(&scratch, 1 << 20);
	w.sample.host.serial = (struct slice){ text, KEPT * 4 };
	w.sample.host.team_name = (struct slice){ text, TOO_MANY * 4 };
	w.sample.mapping[1].email = (struct slice){ text, TOO_MANY * 4 };
	write_again(&w, NULL);
	assert_int_equal(record_peek(&peek, buf_slice(&w.stable), &scratch), OK);
	assert_int_equal(peek.serial.n, KEPT * 4);
	assert_int_equal(peek.team_name.n, KEPT * 4);
	assert_int_equal(peek.access_group.n, KEPT * 4);
	assert_int_equal(peek.owner_email.n, KEPT * 4);
	assert_memory_equal(peek.owner_email.p, text, KEPT * 4);
	buf_release(&scratch);
	written_release(&w);
}

static void no_memory(void **state)
{
	struct written w;
	(void)state;
	written_init(&w);
	derive(&w.device, &w.sample.host, NULL, NULL, &w.settings, SAMPLE_NOW);
	for (unsigned long n = 1;; n++) {
		struct buf b;
		buf_init(&b, 1 << 20);
		mem_fail_at(n, 0);
		int rc = record_write_stable(&b, &w.device, NULL);
		bool reached = mem_count() >= n;
		mem_fail_at(0, 0);
		buf_release(&b);
		assert_int_equal(rc, reached ? E_NOMEM : OK);
		if (!reached)
			break;
	}
	for (size_t ceiling = 0; ceiling < 900; ceiling += 7) {
		struct buf b;
		buf_init(&b, ceiling);
		int rc = record_write_stable(&b, &w.device, NULL);
		assert_true(rc == E_LIMIT || ceiling > 500);
		buf_release(&b);
	}
}

static void peek_typical(void **state)
{
	struct record_peek p;
	struct buf scratch;
	(void)state;
	buf_init(&scratch, 1 << 20);
	assert_int_equal(record_peek(&p, slice_of(sample_stored), &scratch), OK);
	assert_true(slice_is(p.owner_email, "anna@example.com"));
	assert_true(slice_is(p.owner_source, "custom"));
	assert_false(p.owner_ambiguous);
	assert_true(slice_is(p.uuid, "c8b98348-a0a6-5838-a321-57b59d788269"));
	assert_true(slice_is(p.serial, "C0124FXASD6G"));
	assert_true(slice_is(p.hostname, "annas-macbook-pro.local"));
	assert_true(slice_is(p.os_family, "macos"));
	assert_true(slice_is(p.os_name, "macOS"));
	assert_true(slice_is(p.os_version, "15.2"));
	assert_true(slice_is(p.access_user, "anna@example.com"));
	assert_true(slice_is(p.access_group, "Workstations"));
	assert_true(slice_is(p.team_name, "Workstations"));
	assert_true(slice_is(p.compliance, "noncompliant"));
	assert_true(slice_is(p.encryption, "on"));
	assert_true(slice_is(p.enrollment, "automatic"));
	assert_int_equal(p.enrolled, 1760955618);
	assert_true(p.has_list_mapping);
	assert_int_equal(p.list_mapping_count, 2);
	assert_true(slice_is(p.list_mapping[1].source, "google_chrome_profiles"));
	memset(&p, 0xff, sizeof(p));
	assert_int_equal(record_peek_index(&p, slice_of(sample_stored), &scratch), OK);
	assert_true(slice_is(p.owner_email, "anna@example.com"));
	assert_true(slice_is(p.uuid, "c8b98348-a0a6-5838-a321-57b59d788269"));
	assert_true(slice_is(p.serial, "C0124FXASD6G"));
	assert_true(slice_is(p.access_group, "Workstations"));
	assert_true(slice_is(p.compliance, "noncompliant"));
	buf_release(&scratch);
}

/* What a record gives back of the list leads to the same owner again. */
static void peek_restores_the_list_mapping(void **state)
{
	struct written w;
	struct record_peek p;
	struct buf scratch;
	struct device again;
	(void)state;
	written_init(&w);
	buf_init(&scratch, 1 << 20);
	w.sample.mapping[0] = (struct host_mapping){ SLICE("b\"\\\t@example.com"), SLICE("custom") };
	write_again(&w, NULL);
	assert_int_equal(record_peek(&p, buf_slice(&w.stable), &scratch), OK);
	struct previous_device previous = { true, p.owner_email, p.list_mapping, p.list_mapping_count,
					    p.has_list_mapping };
	struct host detail = w.sample.host;
	struct detail_facts facts;
	detail.seen &= ~(uint32_t)HOST_SEEN_DEVICE_MAPPING;
	detail_facts_of(&facts, &detail, SAMPLE_NOW);
	derive(&again, &detail, &facts, &previous, &w.settings, SAMPLE_NOW);
	struct buf second;
	buf_init(&second, 1 << 20);
	assert_int_equal(record_write_stable(&second, &again, NULL), OK);
	assert_string_equal(buf_cstr(&second), buf_cstr(&w.stable));
	buf_release(&second);
	buf_release(&scratch);
	written_release(&w);
}

/* All readers of a stable part at once: what one refuses as a whole, or reads
 * beyond, shows here. */
static void read_all(struct slice s, bool whole)
{
	struct record_peek p;
	struct buf scratch, out;
	buf_init(&scratch, 1 << 20);
	buf_init(&out, 1 << 20);
	int peeked = record_peek(&p, s, &scratch), expanded = record_expand(&out, "acme", 1, s);
	assert_true(peeked == OK || peeked == E_CORRUPT);
	assert_true(expanded == OK || expanded == E_CORRUPT);
	/* who expands sees everything */
	assert_false(peeked == E_CORRUPT && expanded == OK);
	if (!whole)
		assert_int_equal(peeked, E_CORRUPT);
	int rc = record_peek_index(&p, s, &scratch);
	assert_true(rc == OK || rc == E_CORRUPT);
	buf_reset(&out);
	rc = record_changed_fields(&out, s, slice_of(sample_stored));
	assert_true(rc == OK || (rc == E_CORRUPT && peeked == E_CORRUPT));
	buf_release(&scratch);
	buf_release(&out);
}

/* Cut anywhere and changed anywhere, it is read or refused, never overrun. */
static void damaged(void **state)
{
	struct random random = { 7 };
	size_t n = sizeof(sample_stored) - 1;
	(void)state;
	for (size_t cut = 0; cut < n; cut++) {
		char *copy = malloc(cut ? cut : 1); /* exact, so that a sanitizer sees one byte too far */
		memcpy(copy, sample_stored, cut);
		read_all((struct slice){ copy, (uint32_t)cut }, false);
		free(copy);
	}
	for (int i = 0; i < 20000; i++) {
		static const char odd[] = "\"\\{[\x1f\n\n,:u0nptf";
		char *copy = malloc(n);
		memcpy(copy, sample_stored, n);
		for (int j = 0; j < 3; j++)
			copy[random_below(&random, n)] = odd[random_below(&random, sizeof(odd))];
		read_all((struct slice){ copy, (uint32_t)n }, true);
		free(copy);
	}
	read_all(SLICE_NONE, false);
}

/* One token replaced by what the writer would never put there. */
static void wrong_tokens(void **state)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
		{ "\"C0124FXASD6G\n", "C0124FXASD6G\n" },
		{ "\"C0124FXASD6G\n", "\"C01\"4FXASD6G\n" },
		{ "\"C0124FXASD6G\n", "\"C01\t4FXASD6G\n" },
		{ "\"C0124FXASD6G\n", "\"C0124FXASD6G\\\n" },
		{ "\"C0124FXASD6G\n", "\"C0124FXASD6\\/\n" },
		{ "\"C0124FXASD6G\n", "\"C0124FXASD6\\u0041\n" },
		{ "\"C0124FXASD6G\n", "\"C0124FXASD6\\u000a\n" },
		{ "\nn\n", "\nz\n" },
		{ "\nn\n", "\nnn\n" },
		{ "\nm\n", "\nM\n" },
		{ "\n494380000000\n", "\n0494380000000\n" },
		{ "\n494380000000\n", "\n-1\n" },
		{ "\n494380000000\n", "\n49438000000000000000\n" },
		{ "\n1760955618\n", "\n1760955618000000000000\n" },
		{ "\n1760955618\n", "\n\"x\n" },
		{ "\nt\n", "\ntrue\n" },
		{ "\"custom\nf\n", "\"custom\n\n\n" },
		{ "[100P", "100P" },
		{ "[100P", "[100x" },
		{ "[100P", "[P" },
		{ "[100P", "[00100P" },
		{ "111u\n", "111\n" },
		{ "\x1f"
		  "custom\x1fl\x1f",
		  "\x1f"
		  "custom\x1fx\x1f" },
		{ "\x1f"
		  "custom\x1fl\x1f",
		  "\x1f"
		  "custom\x1f\x1f" },
		{ "\x1f"
		  "custom\x1fl\x1f",
		  "\x1f"
		  "custom\x1f" },
		{ "\n2\n\"Workstations\n", "\n\n\"Workstations\n" },
		{ "\n2\n\"Workstations\n", "\n2\nWorkstations\n" },
		{ "\n1760955618\n", "\n1760955618\n\n" },
		{ "\n1760955618\n", "\n1760955618" },
	};
	struct buf stored, out;
	(void)state;
	buf_init(&stored, 1 << 20);
	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *at = strstr(sample_stored, rows[i].from);
		assert_non_null(at);
		buf_reset(&stored);
		buf_add(&stored, sample_stored, (size_t)(at - sample_stored));
		buf_puts(&stored, rows[i].to);
		buf_puts(&stored, at + strlen(rows[i].from));
		buf_reset(&out);
		if (record_expand(&out, "acme", 1, buf_slice(&stored)) != E_CORRUPT)
			fail_msg("row %zu is read: %s", i, buf_cstr(&out));
	}
	buf_release(&stored);
	buf_release(&out);
}

/* Each letter that is stored stands for the word of its enum's value. */
static void words(void **state)
{
	struct written w;
	char wanted[128];
	(void)state;
	written_init(&w);
	write_again(&w, NULL);
	for (int i = 0; i < 8; i++) {
		struct device *d = &w.device;
		d->family = (enum os_family)i;
		d->encryption = (enum encryption_state)(i % (ENCRYPTION_REMOVING + 1));
		d->enrollment = (enum mdm_enrollment)(i % (MDM_OFF + 1));
		d->compliance = (enum compliance_state)(i % (COMPLIANCE_NOT_EVALUATED + 1));
		buf_reset(&w.stable);
		buf_reset(&w.json);
		assert_int_equal(record_write_stable(&w.stable, d, NULL), OK);
		assert_int_equal(record_expand(&w.json, "acme", 1, buf_slice(&w.stable)), OK);
		snprintf(wanted, sizeof(wanted), "\"family\":\"%s\"", os_family_name(d->family));
		assert_non_null(strstr(buf_cstr(&w.json), wanted));
		snprintf(wanted, sizeof(wanted), "\"encryption\":{\"state\":\"%s\"",
			 encryption_state_name(d->encryption));
		assert_non_null(strstr(buf_cstr(&w.json), wanted));
		snprintf(wanted, sizeof(wanted), "\"enrollment\":\"%s\"", mdm_enrollment_name(d->enrollment));
		assert_non_null(strstr(buf_cstr(&w.json), wanted));
		snprintf(wanted, sizeof(wanted), "\"compliance\":{\"state\":\"%s\"",
			 compliance_state_name(d->compliance));
		assert_non_null(strstr(buf_cstr(&w.json), wanted));
	}
	static const char *const methods[] = { "filevault", "bitlocker", "luks" };
	for (size_t i = 0; i < 3; i++) {
		w.device.encryption_method = methods[i];
		w.device.encryption_evidence = "os_settings";
		buf_reset(&w.stable);
		buf_reset(&w.json);
		assert_int_equal(record_write_stable(&w.stable, &w.device, NULL), OK);
		assert_int_equal(record_expand(&w.json, "acme", 1, buf_slice(&w.stable)), OK);
		snprintf(wanted, sizeof(wanted), "\"method\":\"%s\",\"evidence\":\"os_settings\"",
			 methods[i]);
		assert_non_null(strstr(buf_cstr(&w.json), wanted));
	}
	written_release(&w);
}

/* Values that look alike must not be stored alike. */
static void equal_bytes_only_for_equal_records(void **state)
{
	struct written w;
	struct buf other;
	(void)state;
	written_init(&w);
	buf_init(&other, 1 << 20);
	write_again(&w, NULL);
	struct device changed[8];
	for (size_t i = 0; i < 8; i++)
		changed[i] = w.device;
	changed[0].serial = SLICE_NONE;
	changed[1].serial = SLICE("");
	changed[2].access_group = SLICE_NONE;
	changed[3].access_group = SLICE("");
	changed[4].policies_known = false;
	changed[5].policy_count = 0;
	changed[6].candidate_count = 1;
	changed[7].candidates[1].from_detail = true;
	for (size_t i = 0; i < 8; i++)
		for (size_t j = 0; j <= i; j++) {
			buf_reset(&w.stable);
			buf_reset(&other);
			assert_int_equal(record_write_stable(&w.stable, &changed[i], NULL), OK);
			assert_int_equal(record_write_stable(&other, &changed[j], NULL), OK);
			assert_int_equal(slice_eq(buf_slice(&w.stable), buf_slice(&other)), i == j);
		}
	buf_release(&other);
	written_release(&w);
}

static void changed_fields(void **state)
{
	struct buf out;
	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(record_changed_fields(&out, slice_of(sample_stored), slice_of(sample_stored)), OK);
	assert_string_equal(buf_cstr(&out), "[]");
	struct written w;
	written_init(&w);
	w.sample.host.os_version = SLICE("macOS 15.3");
	w.sample.host.disk_encryption_enabled = HOST_NO;
	w.sample.policies[3].result = POLICY_PASS;
	w.sample.host.team_id = HOST_NO_INT;
	write_again(&w, NULL);
	buf_reset(&out);
	assert_int_equal(record_changed_fields(&out, slice_of(sample_stored), buf_slice(&w.stable)), OK);
	assert_string_equal(buf_cstr(&out), "[\"os.version\",\"disk.encryption\",\"compliance.state\","
					    "\"compliance.failing\",\"compliance.reasons\","
					    "\"compliance.policies\",\"access.groups\",\"team\"]");
	struct buf before;
	buf_init(&before, 1 << 20);
	buf_add(&before, w.stable.data, w.stable.len);
	w.sample.host.team_id = 3;
	write_again(&w, NULL);
	buf_reset(&out);
	assert_int_equal(record_changed_fields(&out, slice_of(sample_stored), buf_slice(&w.stable)), OK);
	assert_non_null(strstr(buf_cstr(&out), "\"compliance.policies\",\"team.id\"]"));
	buf_reset(&out);
	assert_int_equal(record_changed_fields(&out, buf_slice(&before), buf_slice(&w.stable)), OK);
	assert_string_equal(buf_cstr(&out), "[\"access.groups\",\"team\"]");
	buf_release(&before);
	written_release(&w);
	buf_release(&out);
}

/* ---- the schema ---- */
static void add_line(struct buf *lines, struct written *w, const struct policy_table *names)
{
	unsigned char packed[RECORD_VOLATILE_MAX];
	struct record_now now = { SAMPLE_NOW, 7 * 86400 };
	write_again(w, names);
	size_t n = record_pack_volatile(packed, &w->device);
	assert_int_equal(record_join(lines, "acme", w->device.id, buf_slice(&w->stable), packed, n, &now),
			 OK);
	buf_putc(lines, '\n');
}

static void vary(struct buf *lines)
{
	struct written w;
	struct policy_table names;
	static const char *const platforms[] = { "windows", "ubuntu", "ios", "ipados",
						 "android", "chrome", "x",   "" };
	policy_table_init(&names);
	assert_int_equal(policy_table_set(&names, 103, SLICE("Disk \xc3\xa4\n\"on\""), true), 1);
	written_init(&w);
	add_line(lines, &w, &names);
	for (size_t i = 0; i < sizeof(platforms) / sizeof(*platforms); i++) {
		w.sample.host.platform = slice_of(platforms[i]);
		w.sample.host.disk_encryption_enabled = i % 3;
		w.sample.host.primary_ip = i % 2 ? SLICE("2001:db8::1") : SLICE("192.12.345.678");
		add_line(lines, &w, &names);
	}
	w.sample.host.team_id = HOST_NO_INT;
	w.sample.host.mapping_count = 0;
	w.sample.host.seen &= ~(uint32_t)HOST_SEEN_POLICIES;
	add_line(lines, &w, &names);
	w.sample.host = (struct host){ .id = UINT32_MAX, .team_id = HOST_NO_INT };
	add_line(lines, &w, NULL);
	policy_table_release(&names);
	written_release(&w);
}

/* The checker's exit code for `text` on its standard input; 127: no python3. */
static int check(const char *text, size_t n)
{
	FILE *input = tmpfile();
	int status = -1;
	assert_non_null(input);
	assert_int_equal(fwrite(text, 1, n, input), n);
	rewind(input);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(fileno(input), STDIN_FILENO);
		execlp("python3", "python3", MUSTER_SOURCE_DIR "/tests/e2e/schema_check.py",
		       MUSTER_SOURCE_DIR "/docs/device.schema.json", (char *)NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fclose(input);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void fits_the_schema(void **state)
{
	struct buf lines;
	(void)state;
	buf_init(&lines, 1 << 20);
	vary(&lines);
	int fits = check(lines.data, lines.len);
	if (fits == 127) {
		buf_release(&lines);
		print_message("no python3: records are not compared with the schema\n");
		skip();
	}
	assert_int_equal(fits, 0);
	/* and the check can fail: an unknown word, a member too much */
	char *at = memmem(lines.data, lines.len, "\"macos\"", 7);
	assert_non_null(at);
	memcpy(at, "\"macox\"", 7);
	assert_int_equal(check(lines.data, lines.len), 1);
	assert_int_equal(check("{}\n", 3), 1);
	buf_release(&lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(typical),
		cmocka_unit_test(reasons),
		cmocka_unit_test(nothing_known),
		cmocka_unit_test(escapes),
		cmocka_unit_test(long_text),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(peek_typical),
		cmocka_unit_test(peek_restores_the_list_mapping),
		cmocka_unit_test(damaged),
		cmocka_unit_test(changed_fields),
		cmocka_unit_test(wrong_tokens),
		cmocka_unit_test(words),
		cmocka_unit_test(equal_bytes_only_for_equal_records),
		cmocka_unit_test(fits_the_schema),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
