/* One server with its settings. */
#include "base/mem.h"
#include "base/must.h"
#include "net/http_state.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

static int nomem(struct err *e, const char *name)
{
	return err_set(e, E_NOMEM, "out of memory for the connection settings of \"%s\"", name);
}

/* A control character in a header would let the value write headers of its own. */
static int has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return 1;
	return 0;
}

static int add_header(struct http_origin *o, const char *line)
{
	struct curl_slist *list = curl_slist_append(o->headers, line);
	if (!list)
		return E_NOMEM;
	o->headers = list;
	return OK;
}

static int add_token(struct http_origin *o, const char *name, const char *token, struct err *e)
{
	static const char scheme[] = "Authorization: Bearer ";
	if (!token || !*token)
		return OK;
	if (has_control(token) || strchr(token, ' '))
		return err_set(
			e, E_TOKEN,
			"the token of \"%s\" contains a space, a line break or another control character; "
			"store it again as one word",
			name);
	size_t n = sizeof(scheme) + strlen(token);
	char *line = mem_alloc(n);
	if (!line)
		return nomem(e, name);
	memcpy(line, scheme, sizeof(scheme) - 1);
	memcpy(line + sizeof(scheme) - 1, token, strlen(token) + 1);
	int rc = add_header(o, line);
	mem_wipe_free(line, n);
	return rc ? nomem(e, name) : OK;
}

static int add_headers(struct http_origin *o, const struct http_origin_options *opt, struct err *e)
{
	int rc = add_token(o, opt->name, opt->token, e);
	if (rc)
		return rc;
	if (add_header(o, "Accept: application/json") || add_header(o, "Accept-Encoding: identity"))
		return nomem(e, opt->name);
	for (const char *const *h = opt->headers; h && *h; h++) {
		if (has_control(*h) || !strchr(*h, ':') || **h == ':')
			return err_set(e, E_CONFIG, "a header of \"%s\" is not of the form \"Name: value\"",
				       opt->name);
		if (add_header(o, *h))
			return nomem(e, opt->name);
	}
	return OK;
}

static bool is_numeric(const char *host)
{
	struct in_addr v4;
	/* Only an IPv6 address stands in brackets. */
	return *host == '[' || inet_pton(AF_INET, host, &v4) == 1;
}

/* Takes the host out of the url and refuses what must not be in one. */
static int check_url(struct http_origin *o, const struct http_origin_options *opt, struct err *e)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *user = NULL;
	int rc = OK;

	if (!u)
		return nomem(e, opt->name);
	if (curl_url_set(u, CURLUPART_URL, opt->url, 0) || curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0))
		rc = err_set(e, E_CONFIG,
			     "the url of \"%s\" is not one; write \"https://\" and the server's name",
			     opt->name);
	else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
		rc = err_set(e, E_CONFIG,
			     "the url of \"%s\" has the scheme \"%.20s\"; only https and http are known",
			     opt->name, scheme);
	else if (strcmp(scheme, "http") == 0 && !opt->allow_http)
		rc = err_set(e, E_CONFIG,
			     "plain http is refused for \"%s\"; use https, or set allow_http if the token "
			     "may be read "
			     "on the way",
			     opt->name);
	else if (curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK)
		rc = err_set(e, E_CONFIG, "the url of \"%s\" holds a user name; Fleet only takes a token",
			     opt->name);
	else if (!(o->host = mem_strdup(host)))
		rc = nomem(e, opt->name);
	o->numeric = o->host && is_numeric(o->host);
	o->https = rc == OK && strcmp(scheme, "https") == 0;
	curl_free(scheme);
	curl_free(host);
	curl_free(user);
	curl_url_cleanup(u);
	return rc;
}

static int check_file(const char *path, const char *setting, const char *name, struct err *e)
{
	if (!path || access(path, R_OK) == 0)
		return OK;
	return err_set(e, E_CONFIG, "the file \"%s\" cannot be read; correct %s of \"%s\"", path, setting,
		       name);
}

static int copy_text(char **out, const char *s)
{
	*out = s ? mem_strdup(s) : NULL;
	return s && !*out ? E_NOMEM : OK;
}

static int check_files(const struct http_origin_options *opt, struct err *e)
{
	int rc = opt->ca_pem ? OK : check_file(opt->ca_file, "ca_file", opt->name, e);
	if (rc == OK && (opt->client_cert_pem || opt->client_key_pem))
		return http_client_pem_check(opt->client_cert_pem, opt->client_key_pem, opt->name, e);
	if (rc == OK)
		rc = check_file(opt->client_cert, "client_cert", opt->name, e);
	if (rc == OK)
		rc = check_file(opt->client_key, "client_key", opt->name, e);
	return rc;
}

static int copy_texts(struct http_origin *o, const struct http_origin_options *opt)
{
	int rc = copy_text(&o->url, opt->url) |
		 copy_text(&o->proxy, opt->proxy && *opt->proxy ? opt->proxy : NULL);
	if (opt->client_cert_pem)
		return rc | copy_text(&o->client_cert_pem, opt->client_cert_pem) |
		       copy_text(&o->client_key_pem, opt->client_key_pem);
	return rc | copy_text(&o->client_cert, opt->client_cert) | copy_text(&o->client_key, opt->client_key);
}

static int origin_fill(struct http_origin *o, const struct http_origin_options *opt, struct err *e)
{
	int rc;
	if ((rc = check_url(o, opt, e)) || (rc = check_files(opt, e)) || (rc = add_headers(o, opt, e)))
		return rc;
	if (copy_texts(o, opt) || http_origin_timers(o))
		return nomem(e, opt->name);
	o->allow_http = opt->allow_http;
	o->allow_private = opt->allow_private;
	/* Plain http to the server itself needs none. */
	if (!o->https && !o->proxy && !opt->ca_file && !opt->ca_pem)
		return OK;
	return http_trust_get(&o->trust, &o->client->trusts, opt->ca_file, opt->ca_pem, opt->name, e);
}

static void wipe_free(char *text)
{
	if (text)
		mem_wipe_free(text, strlen(text));
}

static void origin_destroy(struct http_origin *o)
{
	if (o->multi)
		http_origin_close(o);
	for (int i = 0; i < ORIGIN_SPARE_EASIES; i++)
		if (o->spare[i])
			curl_easy_cleanup(o->spare[i]);
	for (struct curl_slist *h = o->headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(o->headers);
	http_trust_put(&o->client->trusts, o->trust);
	timer_free(o->timer);
	timer_free(o->settle_soon);
	mem_free(o->url);
	mem_free(o->host);
	mem_free(o->client_cert);
	mem_free(o->client_key);
	wipe_free(o->client_cert_pem);
	wipe_free(o->client_key_pem);
	wipe_free(o->proxy);
	mem_free(o);
}

int http_origin_new(struct http_origin **out, struct http_client *c, const struct http_origin_options *opt,
		    struct err *e)
{
	struct http_origin *o = mem_zalloc(sizeof(*o));
	if (!o)
		return nomem(e, opt->name);
	o->client = c;
	o->references = 1;
	TAILQ_INIT(&o->waiting);
	TAILQ_INIT(&o->running);
	TAILQ_INIT(&o->leaving);
	int rc = origin_fill(o, opt, e);
	if (rc) {
		origin_destroy(o);
		return rc;
	}
	c->origins++;
	*out = o;
	return OK;
}

void http_origin_hold(struct http_origin *o)
{
	o->references++;
}

void http_origin_release(struct http_origin *o)
{
	must(o->references > 0);
	if (--o->references)
		return;
	must(!o->in_turns && o->exchanges == 0);
	o->client->origins--;
	origin_destroy(o);
}

void http_origin_free(struct http_origin *o)
{
	if (o)
		http_origin_release(o);
}
