/* What is complained about, and in which words. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/conf/parsing.h"

#include <stdio.h>

#define GIVE_TENANTS "give a list of 1 to 10000 tenants, each with name, url and token_file"
#define TOP_LEVEL    "store, admin, http, secrets, defaults, limits, retention, log, include, tenants"
#define WRITE_MAP    "where a map is wanted; write its settings as \"name: value\"\n"

static void complaints_about_the_file(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "1:1: error: the file is empty; " GIVE_TENANTS " under \"tenants\"\n" },
		{ "# nothing\n", "1:1: error: the file is empty; " GIVE_TENANTS " under \"tenants\"\n" },
		{ "---\n...\n", "1:1: error: the file is empty; " GIVE_TENANTS " under \"tenants\"\n" },
		{ "text\n", "1:1: error: the file is a value " WRITE_MAP },
		{ "- a\n", "1:1: error: the file is a list " WRITE_MAP },
		{ "~\n", "1:1: error: the file is nothing " WRITE_MAP },
		{ "store: {}\n", "1:1: error: the file has no \"tenants\"; " GIVE_TENANTS "\n" },
		{ "tenants: []\n", "1:10: error: \"tenants\" has no members; " GIVE_TENANTS "\n" },
		{ "tenants: {}\n",
		  "1:10: error: \"tenants\" is a map where a list is wanted; " GIVE_TENANTS "\n" },
		{ "tenants:\n",
		  "1:9: error: \"tenants\" is nothing where a list is wanted; " GIVE_TENANTS "\n" },
		{ TENANT "store: x\n", "5:8: error: \"store\" is a value " WRITE_MAP },
		{ TENANT "store: {path: [a]}\n", "5:15: error: \"path\" is a list where a value is wanted; "
						 "give the path of the store's folder\n" },
		{ TENANT "store: {path: }\n",
		  "5:15: error: \"path\" has no value; give the path of the store's folder, or remove it\n" },
		{ TENANT "store: {path: ' '}\n",
		  "5:15: error: \"path\" is empty; give the path of the store's folder, or remove it\n" },
		{ TENANT "store: {path: \"a\\nb\"}\n",
		  "5:15: error: \"path\" has a line break or another control character inside; remove it\n" },
		{ TENANT "store: {path: !env HOME}\n",
		  "5:15: error: \"path\" has the tag \"!env\", which means nothing here; remove it\n" },
		{ TENANT "stores: {}\n",
		  "5:1: error: unknown setting \"stores\" in the file; did you mean \"store\"?\n" },
		{ TENANT "zebra: {}\n",
		  "5:1: error: unknown setting \"zebra\" in the file; known are " TOP_LEVEL "\n" },
		{ TENANT "path: x\n",
		  "5:1: error: unknown setting \"path\" in the file; it belongs in \"store\"\n" },
		{ TENANT "\"a\\nb\": x\n",
		  "5:1: error: unknown setting \"a?b\" in the file; known are " TOP_LEVEL "\n" },
		{ TENANT "<<: {}\n",
		  "5:1: error: merging with << is not understood; write the settings out\n" },
		{ TENANT "[a]: b\n",
		  "5:1: error: a list is used as the name of a setting; write \"name: value\"\n" },
		{ TENANT "store: {}\nstore: {}\n",
		  "6:1: error: \"store\" stands twice in the file, first in line 5; remove one of them\n" },
		{ TENANT "---\na: 1\n",
		  "5:1: error: a second document begins here; join the two and remove the line ---\n" },
		{ "a: \xc3\xa9\n\xc3\xa9\xff",
		  "2:2: error: the byte 0xff is not UTF-8; save the file with the encoding UTF-8\n" },
		{ "a: \xc0\x80\n",
		  "1:4: error: the byte 0xc0 is not UTF-8; save the file with the encoding UTF-8\n" },
		{ "a: \x1b\n", "1:4: error: the control character 0x1b is not allowed; remove it\n" },
		{ "a:\r\n b: \xc2\x80\n",
		  "2:5: error: the control character 0x80 is not allowed; remove it\n" },
		{ "[[[[[[[[[[[[[[[[[[[[",
		  "1:17: error: nested deeper than 16 levels; no setting is, so look for an "
		  "unwanted bracket or indent\n" },
		{ "a: [1, 2\n",
		  "2:1: error: not well-formed YAML: did not find expected ',' or ']' (while parsing a flow "
		  "sequence "
		  "that begins in line 1); close the bracket, or put a comma between its members\n" },
		{ "a: b: c\n", "1:5: error: not well-formed YAML: mapping values are not allowed in this "
			       "context; begin each "
			       "setting on its own line in the column of its neighbours, and put text that "
			       "has a colon in quotes\n" },
		{ "a:\n\tb: 1\n",
		  "2:1: error: not well-formed YAML: found character that cannot start any token; indent "
		  "with spaces, and put text that begins with @ or ` in quotes\n" },
		{ "a: *x\n",
		  "1:4: error: not well-formed YAML: found undefined alias; define it before with &name\n" },
		{ "a: \"x\n", "2:1: error: not well-formed YAML: found unexpected end of stream (while "
			      "scanning a quoted scalar "
			      "that begins in line 1); close the quotes\n" },
		{ "a: &a [*a]\ntenants: &t [*t]\n",
		  "1:1: error: unknown setting \"a\" in the file; known are " TOP_LEVEL "\n"
		  "2:10: error: the tenant is a list " WRITE_MAP },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		expect(rows[i].text, rows[i].want);
}

/* One line more in a tenant that is right otherwise: it is line 5. */
static void complaints_about_a_setting(void **state)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
		{ "ca_file: nowhere.pem",
		  "5:12: error: \"ca_file\" names \"@/nowhere.pem\", which does not exist; mend the "
		  "path or the file's permissions\n" },
		{ "ca_file: /", "5:12: error: \"ca_file\" names \"/\", which is not a plain file; mend the "
				"path or the file's "
				"permissions\n" },
		{ "client_cert: /dev/zero",
		  "5:16: error: \"client_cert\" names \"/dev/zero\", which is not a plain file; mend "
		  "the path or the file's permissions\n" },
		{ "client_key: ca.pem",
		  "5:3: error: \"client_key\" stands without client_cert; give the path of a PEM file "
		  "with the client certificate, or remove it\n" },
		{ "proxy: ftp://u:s3cr3t@x",
		  "5:10: error: \"proxy\" has a scheme that is no proxy's; write http, https, socks5 "
		  "or socks5h\n" },
		{ "allow_http: yes", "5:15: error: \"allow_http\" is \"yes\"; write true or false\n" },
		{ "allow_private: 1", "5:18: error: \"allow_private\" is \"1\"; write true or false\n" },
		{ "map_users: [true]",
		  "5:14: error: \"map_users\" is a list where a value is wanted; give true to make "
		  "owners access grants, or false\n" },
		{ "map_team: true",
		  "5:3: error: unknown setting \"map_team\" in the tenant; did you mean \"map_teams\"?\n" },
		{ "stale_after: 7",
		  "5:16: error: \"stale_after\" is \"7\"; a duration needs a unit, write 90s, 5m, 24h or "
		  "7d\n" },
		{ "stale_after: 7 days",
		  "5:16: error: \"stale_after\" is \"7 days\"; write whole numbers with the units w, d, "
		  "h, m, s, such as 7d or 1h30m\n" },
		{ "stale_after: 59m",
		  "5:16: error: \"stale_after\" is \"59m\"; it must be from 1h to 3650d\n" },
		{ "stale_after: 99999999999999999999d",
		  "5:16: error: \"stale_after\" is \"99999999999999999999d\"; it must be "
		  "from 1h to 3650d\n" },
		{ "compliance: []", "5:15: error: \"compliance\" is a list " WRITE_MAP },
		{ "compliance: {critical: true}",
		  "5:16: error: unknown setting \"critical\" in \"compliance\"; known are "
		  "critical_only, ignore_policies\n" },
		{ "compliance: {limits: {}}", "5:16: error: unknown setting \"limits\" in \"compliance\"; it "
					      "belongs in the map around it\n" },
		{ "compliance: {ignore_policies: 5}",
		  "5:33: error: \"ignore_policies\" is a value where a list is wanted; give a "
		  "list of policy ids, the numbers that Fleet shows in a policy's "
		  "address\n" },
		{ "compliance: {ignore_policies: [0, Gatekeeper, 4294967296]}",
		  "5:34: error: \"ignore_policies\" has \"0\"; give a list of policy ids, the numbers that "
		  "Fleet shows in a "
		  "policy's address\n"
		  "5:37: error: \"ignore_policies\" has \"Gatekeeper\"; give a list of policy ids, the "
		  "numbers that Fleet "
		  "shows in a policy's address\n"
		  "5:49: error: \"ignore_policies\" has \"4294967296\"; give a list of policy ids, the "
		  "numbers that Fleet "
		  "shows in a policy's address\n" },
		{ "owner_precedence: [custom, idb]",
		  "5:30: error: \"owner_precedence\" has \"idb\"; did you mean \"idp\"?\n" },
		{ "owner_precedence: [everybody]",
		  "5:22: error: \"owner_precedence\" has \"everybody\"; give a list of custom, "
		  "idp, mdm_idp_accounts and google_chrome_profiles, best first\n" },
		{ "owner_precedence: [idp, idp]",
		  "5:27: error: \"owner_precedence\" has \"idp\" twice; remove one of them\n" },
		{ "limits: {page_hosts: 19}",
		  "5:24: error: \"page_hosts\" is \"19\"; it must be from 20 to 1000\n" },
		{ "limits: {page_hosts: 1001}",
		  "5:24: error: \"page_hosts\" is \"1001\"; it must be from 20 to 1000\n" },
		{ "limits: {page_hosts: many}",
		  "5:24: error: \"page_hosts\" is \"many\"; write auto, or a whole number from 20 "
		  "to 1000\n" },
		{ "limits: {details: 0}",
		  "5:21: error: \"details\" is \"0\"; it must be from 1 to 1000000\n" },
		{ "limits: {details: 1000001}",
		  "5:21: error: \"details\" is \"1000001\"; it must be from 1 to 1000000\n" },
		{ "limits: {body_bytes: 512MB}",
		  "5:24: error: \"body_bytes\" is \"512MB\"; MB may mean 1000s or 1024s, write "
		  "MiB\n" },
		{ "limits: {body_bytes: 1TiB}",
		  "5:24: error: \"body_bytes\" is \"1TiB\"; it must be from 1MiB to 16GiB\n" },
		{ "limits: {body_bytes: 4MiB}",
		  "5:24: error: \"host_bytes\" is greater than body_bytes; lower it, or raise "
		  "body_bytes\n" },
		{ "limits: {host_bytes: 1}",
		  "5:24: error: \"host_bytes\" is \"1\"; it must be from 64KiB to 1GiB\n" },
		{ "limits: {first_byte: 101s}",
		  "5:24: error: \"first_byte\" is longer than request; lower it, or raise request\n" },
		{ "limits: {request: 2h}", "5:21: error: \"request\" is \"2h\"; it must be from 1s to 1h\n" },
		{ "page_hosts: 100",
		  "5:3: error: unknown setting \"page_hosts\" in the tenant; it belongs in \"limits\"\n" },
		{ "name: b",
		  "5:3: error: \"name\" stands twice in the tenant, first in line 2; remove one of them\n" },
		{ "token: s3cr3t",
		  "5:10: error: \"token\" may not stand in the configuration; put the token into a file that "
		  "only this user reads and give token_file, or give token_env\n" },
		{ "token_env: X",
		  "5:3: error: \"token_env\" stands beside token_file of line 4; remove one of them\n" },
		{ "headers: X", "5:12: error: \"headers\" is a value where a list is wanted; give a list of "
				"\"Name: value\", or a "
				"map of names to values\n" },
		{ "headers: ['authorization: s3cr3t']",
		  "5:13: error: the header \"authorization\" is set by Muster itself; remove it\n" },
		{ "headers: {Authorization: s3cr3t}",
		  "5:13: error: the header \"Authorization\" is set by Muster itself; remove it\n" },
		{ "headers: [\"X-A: s3cr3t\\r\\nX-B: 2\"]", "5:13: error: \"headers\" has a line break or "
							    "another control character inside; remove it\n" },
		{ "headers: {X-A: \"s3cr3t\\n2\"}", "5:18: error: \"headers\" has a line break or another "
						    "control character inside; remove it\n" },
		{ "headers: [s3cr3t]", "5:13: error: a header has no colon; write \"Name: value\"\n" },
		{ "headers: ['X A: s3cr3t']",
		  "5:13: error: a header has no proper name; write \"Name: value\" with a name of "
		  "letters, digits and -\n" },
	};
	char text[512];
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(text, sizeof(text), TENANT "  %s\n", rows[i].line);
		expect(text, rows[i].want);
	}
}

static void complaints_about_tokens(void **state)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
		{ "token_file: open",
		  "4:15: warning: token_file open may be read by every user of this machine; take that away "
		  "with chmod o-rwx\n" },
		{ "token_file: nope",
		  "4:15: error: \"token_file\" names \"@/nope\", which does not exist; put the token there, "
		  "or mend the path\n" },
		{ "token_file: .", "4:15: error: \"token_file\" names \"@/.\", which is not a plain file; "
				   "put the token there, or "
				   "mend the path\n" },
		{ "token_file: blank", "4:15: error: the token of token_file blank is empty; give the API "
				       "token of a Fleet user\n" },
		{ "token_file: lines", "4:15: error: the token of token_file lines has a line break inside; "
				       "give just the token\n" },
		{ "token_file: crlines",
		  "4:15: error: the token of token_file crlines has a line break inside; give just the "
		  "token\n" },
		{ "token_file: control",
		  "4:15: error: the token of token_file control has a control character inside; write the "
		  "token again, as text\n" },
		{ "token_file: tabbed",
		  "4:15: error: the token of token_file tabbed has a control character inside; write the "
		  "token again, as text\n" },
		{ "token_file: spaced",
		  "4:15: error: the token of token_file spaced has a space inside; give just the token\n" },
		{ "token_file: latin",
		  "4:15: error: the token of token_file latin has a character that is not ASCII; copy the "
		  "token again from Fleet\n" },
		{ "token_file: over",
		  "4:15: error: the token of token_file over is longer than 4KiB; give just the token\n" },
		{ "token_file: s3cr3ts3cr3ts3cr3ts3cr3ts3cr3ts3cr3ts3cr3t==",
		  "4:15: error: \"token_file\" looks like a token; put the token into a file and name "
		  "that\n" },
		{ "token_env: MUSTER_TEST_UNSET",
		  "4:14: error: \"token_env\" names the environment variable MUSTER_TEST_UNSET, "
		  "which is not set; set it, or use token_file\n" },
		{ "token_env: MUSTER_TEST_EMPTY",
		  "4:14: error: the token of token_env MUSTER_TEST_EMPTY is empty; give the API "
		  "token of a Fleet user\n" },
		{ "token_env: s3cr3t==",
		  "4:14: error: \"token_env\" is no name of an environment variable; give one of at most "
		  "64 letters, digits and _, such as ACME_TOKEN\n" },
		{ "map_users: true",
		  "2:3: error: the tenant has no \"token_file\"; give the path of a file that holds the API "
		  "token, or give token_env\n" },
	};
	char text[512];
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(text, sizeof(text), "tenants:\n- name: a\n  url: a.example\n  %s\n", rows[i].line);
		expect(text, rows[i].want);
	}
}

static void complaints_about_names_and_urls(void **state)
{
#define NAME_RULE "; write 1 to 64 of a-z, 0-9, dot, - and _, beginning with a letter or digit\n"
	static const struct {
		const char *name, *url, *want;
	} rows[] = {
		{ "Acme", "a.example", "2:9: error: \"name\" is \"Acme\"" NAME_RULE },
		{ "-a", "a.example", "2:9: error: \"name\" is \"-a\"" NAME_RULE },
		{ ".a", "a.example", "2:9: error: \"name\" is \".a\"" NAME_RULE },
		{ "a/b", "a.example", "2:9: error: \"name\" is \"a/b\"" NAME_RULE },
		{ "a b", "a.example", "2:9: error: \"name\" is \"a b\"" NAME_RULE },
		{ "\xc3\xa9", "a.example", "2:9: error: \"name\" is \"\xc3\xa9\"" NAME_RULE },
		{ "01234567890123456789012345678901234567890123456789012345678901234", "a.example",
		  "2:9: error: \"name\" is "
		  "\"012345678901234567890123456789012345678901234567890123456789...\"" NAME_RULE },
		{ "", "a.example",
		  "2:8: error: \"name\" has no value; give the name of the tenant, such as acme, or remove "
		  "it\n" },
		{ "a", "http://a.example",
		  "3:8: error: \"url\" is plain http, which shows the token to the network; write "
		  "https://, or set allow_http: true\n" },
		{ "a", "https://a.example/?s3cr3t",
		  "3:8: error: \"url\" has a query; remove it from the ? on\n" },
		{ "a", "https://u:s3cr3t@a.example",
		  "3:8: error: \"url\" holds a user name or password; remove all up to the @, the token of "
		  "token_file "
		  "signs in\n" },
	};
	char text[512];
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(text, sizeof(text), "tenants:\n- name: %s\n  url: %s\n  token_file: token\n",
			 rows[i].name, rows[i].url);
		expect(text, rows[i].want);
	}
	expect("tenants:\n- {}\n",
	       "2:3: error: the tenant has no \"name\"; give the name of the tenant, such as acme\n"
	       "2:3: error: the tenant has no \"url\"; give the address of the Fleet server, such as "
	       "https://fleet.example.com\n"
	       "2:3: error: the tenant has no \"token_file\"; give the path of a file that holds the API "
	       "token, or give "
	       "token_env\n");
}

static void tenants_compared(void **state)
{
	(void)state;
	expect("tenants:\n"
	       "- {name: a, url: a.example, token_file: token}\n"
	       "- {name: b, url: b.example, token_file: token}\n"
	       "- {name: a, url: c.example, token_file: token}\n",
	       "4:10: error: \"name\" is \"a\" like that of the tenant in line 2; give each tenant its "
	       "own\n");
	expect("tenants:\n"
	       "- {name: a, url: a.example, token_file: token}\n"
	       "- {name: b, url: 'HTTPS://A.example/api/v1/fleet', token_file: token}\n",
	       "3:18: warning: \"url\" is https://a.example like that of the tenant in line 2; remove one, "
	       "unless their "
	       "tokens see different hosts\n");
	expect("tenants:\n- &t {name: a, url: a.example, token_file: token}\n- *t\n",
	       "2:13: error: \"name\" is \"a\" like that of the tenant in line 2; give each tenant its own\n"
	       "2:21: warning: \"url\" is https://a.example like that of the tenant in line 2; remove one, "
	       "unless their "
	       "tokens see different hosts\n");
}

static void ten_mistakes_ten_lines(void **state)
{
	(void)state;
	expect("stor: {path: x}\n"
	       "tenants:\n"
	       "- name: Acme\n"
	       "  url: ftp://fleet.example.com\n"
	       "  token_file: nope\n"
	       "  ca_file: nope.pem\n"
	       "  allow_http: no\n"
	       "  stale_after: 7\n"
	       "  owner_precedence: custom\n"
	       "  limits: {page_hosts: 5, body_bytes: big}\n",
	       "1:1: error: unknown setting \"stor\" in the file; did you mean \"store\"?\n"
	       "3:9: error: \"name\" is \"Acme\"; write 1 to 64 of a-z, 0-9, dot, - and _, beginning with a "
	       "letter or "
	       "digit\n"
	       "4:8: error: \"url\" has a scheme other than https; write https:// in front of the host\n"
	       "5:15: error: \"token_file\" names \"@/nope\", which does not exist; put the token there, or "
	       "mend the path\n"
	       "6:12: error: \"ca_file\" names \"@/nope.pem\", which does not exist; mend the path or the "
	       "file's "
	       "permissions\n"
	       "7:15: error: \"allow_http\" is \"no\"; write true or false\n"
	       "8:16: error: \"stale_after\" is \"7\"; a duration needs a unit, write 90s, 5m, 24h or 7d\n"
	       "9:21: error: \"owner_precedence\" is a value where a list is wanted; give a list of custom, "
	       "idp, "
	       "mdm_idp_accounts and google_chrome_profiles, best first\n"
	       "10:24: error: \"page_hosts\" is \"5\"; it must be from 20 to 1000\n"
	       "10:39: error: \"body_bytes\" is \"big\"; write bytes, or a whole number with KiB, MiB, GiB "
	       "or TiB, such as "
	       "512MiB\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(complaints_about_the_file),
		cmocka_unit_test(complaints_about_a_setting),
		cmocka_unit_test(complaints_about_tokens),
		cmocka_unit_test(complaints_about_names_and_urls),
		cmocka_unit_test(tenants_compared),
		cmocka_unit_test(ten_mistakes_ten_lines),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
