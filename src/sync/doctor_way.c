/* The steps before a request: name, addresses, connection, TLS. */
#include "base/clock.h"
#include "sync/doctor_findings.h"
#include "sync/doctor_words.h"

#include <stdio.h>

static void list_addresses(char *out, size_t size, const struct reach_result *r, bool refused)
{
	size_t n = 0;
	*out = '\0';
	for (unsigned i = 0; i < r->addresses && i < REACH_ADDRESSES && n < size; i++) {
		const struct reach_address *a = &r->address[i];
		if (refused && !a->refused)
			continue;
		int more = snprintf(out + n, size - n, "%s%s%s%s%s", n ? ", " : "", a->ip,
				    refused ? " (" : "", refused ? a->refused : "", refused ? ")" : "");
		n += more > 0 ? (size_t)more : 0;
	}
}

static void see_name(struct doctor_finding *f, const struct reach_result *r)
{
	char all[480];
	if (r->addresses == 0) {
		doctor_see_error(f, DOCTOR_NAME, DOCTOR_FAILED, &r->resolve.err);
		doctor_advise(
			f, "check the spelling of the server's name in url, and ask the name server of this "
			   "machine for it");
		return;
	}
	list_addresses(all, sizeof(all), r, false);
	doctor_see(f, DOCTOR_NAME, DOCTOR_OK, "\"%s\" is %s, after %u ms", r->host, all, r->resolve.ms);
}

static void see_allowed(struct doctor_finding *f, const struct conf_tenant *t, const struct reach_result *r)
{
	char some[480];
	list_addresses(some, sizeof(some), r, true);
	if (!*some) {
		doctor_see(f, DOCTOR_ALLOWED, DOCTOR_OK, "%s",
			   t->allow_private ? "all addresses, because allow_private is set"
					    : "public addresses only");
		return;
	}
	doctor_see(f, DOCTOR_ALLOWED, r->resolve.err.code ? DOCTOR_FAILED : DOCTOR_WARNING,
		   "%s may not be connected to: %s", r->resolve.err.code ? "no address" : "some addresses",
		   some);
	doctor_advise(
		f, "if a server within your own network is meant, set allow_private; otherwise correct the "
		   "name's "
		   "entry at the name server");
}

static void see_refused(struct doctor_finding *f, const struct reach_result *r)
{
	const struct err *e = &r->connect.err;
	doctor_see_error(f, DOCTOR_CONNECTION, DOCTOR_FAILED, e);
	if (strcasestr(e->text, "refused"))
		doctor_advise(
			f,
			"the machine is there, but nothing listens on its port %u: check the port in url and "
			"that "
			"Fleet, or the proxy in front of it, runs",
			r->port);
	else if (strstr(e->text, " within "))
		doctor_advise(
			f,
			"nothing came back, so a firewall drops it or the address is wrong: let this machine "
			"out "
			"to port %u of that address",
			r->port);
	else if (strcasestr(e->text, "unreachable") || strcasestr(e->text, "no route"))
		doctor_advise(
			f, "this machine has no way to that address: check its routes, and whether a VPN is "
			   "down");
}

static void see_connection(struct doctor_finding *f, const struct reach_result *r)
{
	if (r->connected < 0) {
		see_refused(f, r);
		return;
	}
	const struct reach_address *a = &r->address[r->connected];
	unsigned bad = 0;
	for (unsigned i = 0; i < r->addresses && i < REACH_ADDRESSES; i++)
		bad += r->address[i].connect.tried && r->address[i].connect.err.code != OK;
	doctor_see(f, DOCTOR_CONNECTION, bad ? DOCTOR_WARNING : DOCTOR_OK, "%s port %u answers, after %u ms",
		   a->ip, r->port, a->connect.ms);
	if (!bad)
		return;
	size_t n = strlen(f->saw);
	snprintf(f->saw + n, sizeof(f->saw) - n, "; %u other addresses do not", bad);
	doctor_advise(
		f, "each request may try those first and wait: take them out of the name's entry, or let the "
		   "server "
		   "answer there");
}

/* ---- TLS ---- */

/* The certificate of the chain that is out of its time; NULL: none is. */
static const struct reach_certificate *out_of_time(const struct reach_result *r, int64_t now)
{
	for (unsigned i = 0; i < r->certificates && i < REACH_CHAIN; i++)
		if (r->chain[i].not_after < now || r->chain[i].not_before > now)
			return &r->chain[i];
	return NULL;
}

static void see_out_of_time(struct doctor_finding *f, const struct reach_certificate *c, int64_t now)
{
	char when[CLOCK_RFC3339_BYTES];
	bool past = c->not_after < now;
	clock_format_rfc3339(past ? c->not_after : c->not_before, when);
	doctor_see(f, DOCTOR_TLS, DOCTOR_FAILED, "the certificate of %s %s %s, %ld days %s", c->subject,
		   past ? "has expired on" : "is not valid before", when,
		   past ? -doctor_days(c->not_after, now) : doctor_days(c->not_before, now),
		   past ? "ago" : "from now");
	doctor_advise(f, "%s",
		      past ? "the server's owner has to renew it; nothing is to be set here"
			   : "compare the clock of this machine with the server's: one of them is wrong");
}

static void see_unknown_issuer(struct doctor_finding *f, const struct reach_result *r)
{
	const struct reach_certificate *leaf = &r->chain[0];
	bool alone = r->certificates == 1, self = alone && strcmp(leaf->subject, leaf->issuer) == 0;
	doctor_see(f, DOCTOR_TLS, DOCTOR_FAILED, "%s: %s, issued by %s; certificates sent: %u",
		   self ? "the certificate is self-signed"
			: "the certificate comes from an issuer that is not known here",
		   leaf->subject, leaf->issuer, r->certificates);
	if (self)
		doctor_advise(
			f,
			"give the server a certificate of a CA; or, if this one is meant, set ca_file to a "
			"copy "
			"of it");
	else
		doctor_advise(
			f, "set ca_file to the certificate of your private CA%s",
			alone ? "; if the CA is a public one, the server does not send its intermediate "
				"certificates and its owner has to add them"
			      : "");
}

static void see_wrong_name(struct doctor_finding *f, const struct reach_result *r)
{
	char names[320] = "";
	size_t n = 0;
	for (unsigned i = 0; i < r->names && i < REACH_NAMES && n < sizeof(names); i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", n ? ", " : "", r->name[i]);
	doctor_see(f, DOCTOR_TLS, DOCTOR_FAILED, "the certificate is issued for %s, not for \"%s\"",
		   *names ? names : "no name at all", r->host);
	doctor_advise(f, "write a name of the certificate in url, or have a certificate issued for \"%s\"",
		      r->host);
}

static void see_bad_certificate(struct doctor_finding *f, const struct reach_result *r, int64_t now)
{
	const struct reach_certificate *late = out_of_time(r, now);
	if (r->unknown_issuer && r->certificates)
		see_unknown_issuer(f, r);
	else if (r->verify_code && late)
		see_out_of_time(f, late, now);
	else if (!r->verify_code && !r->name_matches)
		see_wrong_name(f, r);
	else
		doctor_see_error(f, DOCTOR_TLS, DOCTOR_FAILED, &r->verify.err);
}

/* An issuer may end before what it issued. */
static int64_t chain_ends(const struct reach_result *r)
{
	int64_t end = r->chain[0].not_after;
	for (unsigned i = 1; i < r->certificates && i < REACH_CHAIN; i++)
		if (r->chain[i].not_after < end)
			end = r->chain[i].not_after;
	return end;
}

static void see_good_certificate(struct doctor_finding *f, const struct conf_tenant *t,
				 const struct reach_result *r, int64_t now)
{
	enum { SOON_DAYS = 14 };
	char when[CLOCK_RFC3339_BYTES];
	int64_t end = chain_ends(r);
	long days = doctor_days(end, now);
	bool certificate = t->client_cert || t->client_cert_pem;
	clock_format_rfc3339(end, when);
	doctor_see(f, DOCTOR_TLS, DOCTOR_OK,
		   "%s, %s, issued by %s, valid until %s, %ld days left, after %u ms", r->protocol,
		   r->chain[0].subject, r->chain[0].issuer, when, days, r->handshake.ms);
	if (r->wants_client && !certificate) {
		f->verdict = DOCTOR_WARNING;
		doctor_advise(
			f, "the server asks for a client's certificate: set client_cert and client_key if it "
			   "insists");
	} else if (days < SOON_DAYS) {
		f->verdict = DOCTOR_WARNING;
		doctor_advise(f, "the server's owner has to renew the certificate before it expires");
	}
}

static void see_tls(struct doctor_finding *f, const struct conf_tenant *t, const struct reach_result *r,
		    int64_t now)
{
	if (!r->tls) {
		doctor_see(f, DOCTOR_TLS, DOCTOR_SKIPPED, "plain http has none");
	} else if (r->handshake.err.code && r->wants_client && (t->client_cert || t->client_cert_pem)) {
		doctor_see(f, DOCTOR_TLS, DOCTOR_SKIPPED,
			   "the server wants the client's certificate first; the next step shows it");
	} else if (r->handshake.err.code) {
		doctor_see_error(f, DOCTOR_TLS, DOCTOR_FAILED, &r->handshake.err);
		if (r->wants_client)
			doctor_advise(f, "the server insists on a client's certificate: set client_cert and "
					 "client_key");
		else if (r->handshake.err.code == E_TIMEOUT)
			doctor_advise(
				f, "something accepts connections and says nothing: check the port in url, "
				   "and the "
				   "server's load");
		else if (!f->remedy[0])
			doctor_advise(f,
				      "check the port in url, and what stands between this machine and the "
				      "server");
	} else if (r->verify.err.code || !r->verify.tried) {
		see_bad_certificate(f, r, now);
	} else {
		see_good_certificate(f, t, r, now);
	}
}

unsigned doctor_see_way(struct doctor_finding f[4], const struct conf_tenant *t, const struct reach_result *r,
			int64_t now)
{
	see_name(&f[0], r);
	if (f[0].verdict == DOCTOR_FAILED)
		return 1;
	see_allowed(&f[1], t, r);
	if (f[1].verdict == DOCTOR_FAILED)
		return 2;
	see_connection(&f[2], r);
	if (f[2].verdict == DOCTOR_FAILED)
		return 3;
	see_tls(&f[3], t, r, now);
	return 4;
}
