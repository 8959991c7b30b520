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

static const char sample_text[] =
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
	"{\"id\":100,\"result\":\"pass\",\"critical\":true},{\"id\":101,\"result\":\"pass\"},"
	"{\"id\":102,\"result\":\"pass\"},{\"id\":103,\"result\":\"fail\"},"
	"{\"id\":104,\"result\":\"pass\",\"critical\":true},{\"id\":105,\"result\":\"pass\"},"
	"{\"id\":106,\"result\":\"pass\"},{\"id\":107,\"result\":\"pass\"},"
	"{\"id\":108,\"result\":\"pass\",\"critical\":true},{\"id\":109,\"result\":\"pass\"},"
	"{\"id\":110,\"result\":\"pass\"},{\"id\":111,\"result\":\"unanswered\"}]},"
	"\"owner\":{\"email\":\"anna@example.com\",\"source\":\"custom\",\"ambiguous\":false,\"candidates\":["
	"{\"email\":\"anna@example.com\",\"source\":\"custom\",\"from\":\"list\"},"
	"{\"email\":\"anna@example.com\",\"source\":\"google_chrome_profiles\",\"from\":\"list\"}]},"
	"\"access\":{\"users\":[\"anna@example.com\"],\"groups\":[\"Workstations\"]},"
	"\"team\":{\"id\":2,\"name\":\"Workstations\"},"
	"\"agent\":{\"osquery\":\"5.19.0\",\"orbit\":null,\"desktop\":null},"
	"\"vulnerabilities\":{\"critical\":2},\"enrolled\":\"2025-10-20T10:20:18Z\"";

struct written {
	struct sample sample;
	struct derive_settings settings;
	struct device device;
	struct buf stable;
};

static void write_again(struct written *w, const struct policy_table *names)
{
	derive(&w->device, &w->sample.host, NULL, NULL, &w->settings, SAMPLE_NOW);
	buf_reset(&w->stable);
	assert_int_equal(record_write_stable(&w->stable, &w->device, "acme", names), OK);
}

static void written_init(struct written *w)
{
	sample_init(&w->sample);
	w->settings = sample_settings();
	buf_init(&w->stable, 16 << 20);
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
	assert_string_equal(buf_cstr(&w.stable), sample_text);
	/* an LMDB page takes about 2,030 bytes; above that a record costs whole pages */
	print_message("stable part: %zu bytes\n", w.stable.len);
	assert_true(w.stable.len < 2000);
	policy_table_release(&names);
	buf_release(&w.stable);
}

static void reasons(void **state)
{
	struct written w;
	(void)state;
	written_init(&w);
	write_again(&w, NULL);
	assert_non_null(strstr(buf_cstr(&w.stable), "\"reasons\":[\"policy 103\"]"));
	uint32_t ignored[] = { 103 };
	w.sample.policies[0].result = POLICY_FAIL;
	w.settings.ignore_policies = ignored;
	w.settings.ignore_count = 1;
	write_again(&w, NULL);
	assert_non_null(strstr(buf_cstr(&w.stable), "\"reasons\":[\"policy 100\"]"));
	assert_non_null(strstr(buf_cstr(&w.stable), "{\"id\":103,\"result\":\"fail\"}"));
	w.settings.critical_only = true;
	w.settings.premium = false;
	write_again(&w, NULL);
	assert_non_null(strstr(buf_cstr(&w.stable),
			       "\"state\":\"unknown\",\"failing\":null,"
			       "\"critical_failing\":null,\"unanswered\":null,\"reasons\":[]"));
	buf_release(&w.stable);
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
	const char *text = buf_cstr(&w.stable);
	assert_non_null(strstr(text, "\"identity\":{\"uuid\":null,\"serial\":null,"));
	assert_non_null(strstr(text,
			       "\"encryption\":{\"state\":\"unknown\",\"method\":null,\"evidence\":null,"
			       "\"key_escrowed\":null}"));
	assert_non_null(strstr(text, "\"policies\":null}"));
	assert_non_null(strstr(text,
			       "\"owner\":{\"email\":null,\"source\":null,\"ambiguous\":false,"
			       "\"candidates\":[]},\"access\":{\"users\":[],\"groups\":[]},\"team\":null,"));
	assert_non_null(strstr(text, "\"vulnerabilities\":{\"critical\":null},\"enrolled\":null"));
	buf_release(&w.stable);
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
			for (size_t i = 0; i < w.stable.len; i++)
				assert_true((unsigned char)w.stable.data[i] >= 0x20);
		}
	w.sample.host.display_name = (struct slice){ "a\0b", 3 };
	write_again(&w, NULL);
	assert_non_null(strstr(buf_cstr(&w.stable), "\"display_name\":\"a\\u0000b\""));
	assert_int_equal(record_peek(&peek, buf_slice(&w.stable), &scratch), OK);
	assert_true(slice_eq(peek.display_name, w.sample.host.display_name));
	buf_release(&scratch);
	buf_release(&w.stable);
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
	buf_release(&w.stable);
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
		int rc = record_write_stable(&b, &w.device, "acme", NULL);
		bool reached = mem_count() >= n;
		mem_fail_at(0, 0);
		buf_release(&b);
		assert_int_equal(rc, reached ? E_NOMEM : OK);
		if (!reached)
			break;
	}
	for (size_t ceiling = 0; ceiling < 1700; ceiling += 7) {
		struct buf b;
		buf_init(&b, ceiling);
		int rc = record_write_stable(&b, &w.device, "acme", NULL);
		assert_true(rc == E_LIMIT || ceiling > 1500);
		buf_release(&b);
	}
}

static void peek_typical(void **state)
{
	struct record_peek p;
	struct buf scratch;
	(void)state;
	buf_init(&scratch, 1 << 20);
	assert_int_equal(record_peek(&p, slice_of(sample_text), &scratch), OK);
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
	assert_true(slice_is(p.enrolled, "2025-10-20T10:20:18Z"));
	assert_true(p.has_list_mapping);
	assert_int_equal(p.list_mapping_count, 2);
	assert_true(slice_is(p.list_mapping[1].source, "google_chrome_profiles"));
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
	assert_int_equal(record_write_stable(&second, &again, "acme", NULL), OK);
	assert_string_equal(buf_cstr(&second), buf_cstr(&w.stable));
	buf_release(&second);
	buf_release(&scratch);
	buf_release(&w.stable);
}

/* Cut anywhere and changed anywhere, it is read or refused, never overrun. */
static void damaged(void **state)
{
	struct record_peek p;
	struct buf scratch, fields;
	struct random random = { 7 };
	size_t n = sizeof(sample_text) - 1;
	(void)state;
	buf_init(&scratch, 1 << 20);
	buf_init(&fields, 1 << 20);
	for (size_t cut = 0; cut < n; cut++) {
		char *copy = malloc(cut ? cut : 1); /* exact, so that a sanitizer sees one byte too far */
		memcpy(copy, sample_text, cut);
		struct slice s = { copy, (uint32_t)cut };
		int rc = record_peek(&p, s, &scratch);
		assert_true(rc == E_CORRUPT || rc == OK);
		buf_reset(&fields);
		rc = record_changed_fields(&fields, s, slice_of(sample_text));
		assert_true(rc == E_CORRUPT || rc == OK);
		free(copy);
	}
	for (int i = 0; i < 20000; i++) {
		static const char odd[] = "\"\\{}[],:u0n";
		char *copy = malloc(n);
		memcpy(copy, sample_text, n);
		for (int j = 0; j < 3; j++)
			copy[random_below(&random, n)] = odd[random_below(&random, sizeof(odd))];
		struct slice s = { copy, (uint32_t)n };
		record_peek(&p, s, &scratch);
		buf_reset(&fields);
		record_changed_fields(&fields, slice_of(sample_text), s);
		free(copy);
	}
	assert_int_equal(record_peek(&p, SLICE("{\"owner\":{\"email\":\"\\ud83d\"}"), &scratch), E_CORRUPT);
	assert_int_equal(record_peek(&p, SLICE("{\"team\":7"), &scratch), E_CORRUPT);
	assert_int_equal(record_peek(&p, SLICE(""), &scratch), E_CORRUPT);
	assert_int_equal(record_peek(&p, SLICE("{\"a\":1}"), &scratch), E_CORRUPT);
	buf_release(&scratch);
	buf_release(&fields);
}

static void changed_fields(void **state)
{
	static const struct {
		const char *before, *after, *want;
	} rows[] = {
		{ "{\"a\":1", "{\"a\":1", "[]" },
		{ "{\"a\":1,\"o\":{\"x\":1,\"y\":2}", "{\"a\":1,\"o\":{\"x\":1,\"y\":3}", "[\"o.y\"]" },
		{ "{\"a\":1,\"b\":2", "{\"a\":2,\"b\":3", "[\"a\",\"b\"]" },
		{ "{\"t\":null,\"b\":2", "{\"t\":{\"id\":1},\"b\":2", "[\"t\"]" },
		{ "{\"o\":{\"x\":{\"deep\":1},\"y\":2}", "{\"o\":{\"x\":{\"deep\":2},\"y\":2}", "[\"o.x\"]" },
		{ "{\"o\":{\"s\":\"}\\\",{\"}", "{\"o\":{\"s\":\"}\\\",[\"}", "[\"o.s\"]" },
		{ "{\"o\":{\"l\":[1,2]}", "{\"o\":{\"l\":[1,3]}", "[\"o.l\"]" },
		/* a record of another version of the program */
		{ "{\"a\":1,\"gone\":1,\"b\":2", "{\"a\":1,\"b\":2,\"new\":1", "[\"new\",\"gone\"]" },
		{ "{\"o\":{\"gone\":1}", "{\"o\":{\"new\":1}", "[\"o.new\",\"o.gone\"]" },
		{ "{\"b\":2,\"a\":1", "{\"a\":1,\"b\":3", "[\"b\"]" },
	};
	struct buf out;
	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		buf_reset(&out);
		assert_int_equal(
			record_changed_fields(&out, slice_of(rows[i].before), slice_of(rows[i].after)), OK);
		assert_string_equal(buf_cstr(&out), rows[i].want);
	}
	struct written w;
	written_init(&w);
	w.sample.host.os_version = SLICE("macOS 15.3");
	w.sample.host.disk_encryption_enabled = HOST_NO;
	w.sample.policies[3].result = POLICY_PASS;
	w.sample.host.team_id = HOST_NO_INT;
	write_again(&w, NULL);
	buf_reset(&out);
	assert_int_equal(record_changed_fields(&out, slice_of(sample_text), buf_slice(&w.stable)), OK);
	assert_string_equal(buf_cstr(&out), "[\"os.version\",\"disk.encryption\",\"compliance.state\","
					    "\"compliance.failing\",\"compliance.reasons\","
					    "\"compliance.policies\",\"access.groups\",\"team\"]");
	buf_release(&w.stable);
	buf_release(&out);
}

/* ---- the schema ---- */
static void add_line(struct buf *lines, struct written *w, const struct policy_table *names)
{
	unsigned char packed[RECORD_VOLATILE_MAX];
	struct record_now now = { SAMPLE_NOW, 7 * 86400 };
	write_again(w, names);
	size_t n = record_pack_volatile(packed, &w->device);
	assert_int_equal(record_join(lines, buf_slice(&w->stable), packed, n, &now), OK);
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
	buf_release(&w.stable);
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
		cmocka_unit_test(typical),         cmocka_unit_test(reasons),
		cmocka_unit_test(nothing_known),   cmocka_unit_test(escapes),
		cmocka_unit_test(long_text),       cmocka_unit_test(no_memory),
		cmocka_unit_test(peek_typical),    cmocka_unit_test(peek_restores_the_list_mapping),
		cmocka_unit_test(damaged),         cmocka_unit_test(changed_fields),
		cmocka_unit_test(fits_the_schema),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
