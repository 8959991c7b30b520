#include "fleet/answer.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "fleet/json_tree.h"

#include <stdio.h>

/* What Fleet's error body says, made safe for a line of text. */
struct said {
	bool fleet; /* it has Fleet's form */
	char message[120], reason[160];
};

/* Ends before the first ill-formed byte. */
static void copy_line(char *out, size_t size, const char *s)
{
	size_t n = 0;
	for (; s && *s && n + 1 < size; s++)
		out[n++] = *s;
	while (n && !utf8_valid(out, n))
		n--;
	out[n] = '\0';
	utf8_blank_controls(out);
}

static void read_body(struct said *said, struct slice body)
{
	*said = (struct said){ 0 };
	struct json_tree *t = json_tree_parse(body.p, body.n);
	if (!t)
		return;
	const char *message = json_tree_text(t, "message");
	if (message) {
		said->fleet = true;
		copy_line(said->message, sizeof(said->message), message);
		copy_line(said->reason, sizeof(said->reason), json_tree_first_text(t, "errors", "reason"));
	}
	json_tree_free(t);
}

bool answer_is_fleet(const struct answer *a)
{
	struct said said;
	read_body(&said, a->body);
	return said.fleet;
}

bool answer_is_allowlist(const struct answer *a)
{
	struct said said;
	if (a->status != 403)
		return false;
	read_body(&said, a->body);
	return said.fleet && strcmp(said.message, "Permission Denied") == 0;
}

bool answer_names(const struct answer *a, const char *name)
{
	return a->body.n && memmem(a->body.p, a->body.n, name, strlen(name)) != NULL;
}

static int forbidden(const struct said *said, const char *what, struct err *e)
{
	if (!said->fleet)
		return err_set(e, E_FORBIDDEN,
			       "%s was refused with status 403 by something in front of Fleet; a proxy or "
			       "firewall has to let it through",
			       what);
	if (strcmp(said->message, "Permission Denied") == 0)
		return err_set(e, E_FORBIDDEN,
			       "%s is not among the endpoints this API-only user may call; add it to the "
			       "user's list of endpoints",
			       what);
	return err_set(e, E_FORBIDDEN,
		       "%s is not allowed by the role of this token; give it the role observer at least",
		       what);
}

static int not_found(const struct said *said, const char *what, const char *why, struct err *e)
{
	if (said->fleet && strcmp(said->message, "Resource Not Found") == 0)
		return err_set(e, E_GONE, "%s does not exist: %s", what, why);
	return err_set(e, E_NOT_FLEET,
		       "%s was answered with status 404 by something that is not Fleet's API; check the "
		       "address and its path prefix",
		       what);
}

static int token_refused(const struct said *said, const char *what, struct err *e)
{
	if (!said->fleet)
		return err_set(e, E_TOKEN,
			       "%s was refused with status 401 by something in front of Fleet; a proxy that "
			       "wants a log-in of its own has to let it through",
			       what);
	if (strcmp(said->message, "Authorization header required") == 0)
		return err_set(e, E_TOKEN,
			       "%s: no token arrived at Fleet; a proxy in front of it removes the "
			       "Authorization header",
			       what);
	if (strcmp(said->message, "password reset required") == 0)
		return err_set(e, E_TOKEN, "%s: the user of this token must change its password first", what);
	return err_set(e, E_TOKEN,
		       "%s: the token was refused; it is wrong, expired or revoked, put the token of an "
		       "API-only user in its place",
		       what);
}

int answer_verdict(const struct answer *a, const char *what, struct err *e)
{
	struct said said;
	long s = a->status;
	if (s >= 200 && s < 300)
		return OK;
	read_body(&said, a->body);
	const char *why = said.reason[0] ? said.reason : said.message[0] ? said.message : "no reason given";
	if (s >= 300 && s < 400) {
		char to[160];
		copy_line(to, sizeof(to), a->location);
		return err_set(e, E_REDIRECT,
			       "%s was redirected to \"%s\"; redirects are not followed, set url to the "
			       "Fleet server itself",
			       what, to[0] ? to : "an unnamed place");
	}
	switch (s) {
	case 401:
		return token_refused(&said, what, e);
	case 402:
		return err_set(e, E_LICENCE, "%s needs Fleet Premium", what);
	case 403:
		return forbidden(&said, what, e);
	case 404:
		return not_found(&said, what, why, e);
	case 408:
		return err_set(e, E_TIMEOUT, "%s: the server gave up reading the request", what);
	case 409:
		return err_set(e, E_CONFLICT, "%s conflicts with the present state: %s", what, why);
	case 422:
		if (a->worked_before)
			return err_set(e, E_SERVER, "%s failed on the server with status 422: %s", what, why);
		break;
	case 429:
		return err_set(e, E_THROTTLED, "%s: the server asks to wait", what);
	}
	if (s >= 500)
		return err_set(e, E_SERVER, "%s failed on the server with status %ld: %s", what, s, why);
	if (s >= 400)
		return err_set(e, E_REJECTED, "%s was rejected with status %ld: %s", what, s, why);
	return err_set(e, E_NOT_FLEET,
		       "%s was answered with status %ld, which Fleet never sends; check the address", what,
		       s);
}
