/* layer: fleet */
/* Small answers as bytes: two of status, one of flags, then the body. What is
 * said of them is one line of well-formed text, and no body has a second
 * meaning: the same bytes twice give the same. */
#include "base/must.h"
#include "base/utf8.h"
#include "fleet/answer.h"
#include "fleet/list_request.h"
#include "fleet/server.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_sentence(int rc, const struct err *e)
{
	if (rc == OK)
		return;
	must(e->code == rc && err_class(rc) != ERR_CLASS_INTERNAL);
	must(strlen(e->text) > 8 && strlen(e->text) + 1 < sizeof(e->text));
	must(utf8_valid(e->text, strlen(e->text)));
	for (const char *p = e->text; *p; p++)
		must((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static void try_verdict(const struct answer *a)
{
	struct err e = { 0 }, again = { 0 };
	int rc = answer_verdict(a, "the list of hosts", &e);
	must((rc == OK) == (a->status >= 200 && a->status < 300));
	check_sentence(rc, &e);
	must(answer_verdict(a, "the list of hosts", &again) == rc && strcmp(e.text, again.text) == 0);
	must(!answer_is_allowlist(a) || rc == E_FORBIDDEN);
	answer_names(a, "order_key");
}

/* Nothing from outside may end a member of the fingerprint. */
static void check_word(const char *s, size_t size)
{
	must(strnlen(s, size) < size);
	must(!strpbrk(s, "|;=\n\r\x1b"));
}

static void try_server(struct slice body)
{
	struct server_facts f = { 0 };
	struct err e = { 0 };
	char print[2048];
	check_sentence(server_read_version(&f, body, &e), &e);
	must(f.major >= 0 && f.major <= 9999 && f.minor >= 0 && f.minor <= 9999);
	int rc = server_read_me(&f, body, &e);
	check_sentence(rc, &e);
	must((rc == OK) == (f.scope != SCOPE_UNKNOWN));
	must(f.scope == SCOPE_TEAMS || !f.teams[0]);
	check_sentence(server_read_config(&f, body, &e), &e);
	check_sentence(server_check_role(&f, &e), &e);
	check_word(f.version, sizeof(f.version));
	check_word(f.role, sizeof(f.role));
	check_word(f.teams, sizeof(f.teams));
	check_word(f.tier, sizeof(f.tier));
	server_fingerprint(print, sizeof(print), &f, "https://fleet.example", "id", "");
	must(server_same_scope(print, print));
}

static void try_features(struct slice body)
{
	struct list_request r;
	int dropped = 0;
	list_request_init(&r, LIST_BY_ID, LIST_DEVICE_MAPPING | LIST_POLICIES | LIST_DEVICE_STATUS, 0, 0);
	while (list_request_drop_feature(&r, body))
		must(++dropped <= 3);
	must(dropped == 3 && r.features == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3 || size > ANSWER_BODY_MAX)
		return 0;
	/* the body as a location too: text behind which a NUL stands */
	char *location = strndup((const char *)data + 3, size - 3);
	must(location != NULL);
	struct answer a = {
		.status = (data[0] << 8 | data[1]) % 1024,
		.location = data[2] & 2 ? location : NULL,
		.body = { (const char *)data + 3, (uint32_t)(size - 3) },
		.worked_before = data[2] & 1,
	};
	try_verdict(&a);
	try_server(a.body);
	try_features(a.body);
	free(location);
	return 0;
}
