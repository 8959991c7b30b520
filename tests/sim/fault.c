#include "fault.h"

#include "grab.h"

#include <string.h>
#include <yajl/yajl_tree.h>

/* A rule is kept as the JSON it came as; the numbers that count requests are
 * beside it. */
struct fault {
	struct fault *next;
	yajl_val rule;
	int match; /* enum endpoint, or -1 for any */
	int64_t skip, times, after_id, host_id;
};

static yajl_val member(yajl_val v, const char *name)
{
	const char *path[] = { name, NULL };
	return yajl_tree_get(v, path, yajl_t_any);
}

static int64_t number(yajl_val v, const char *name, int64_t otherwise)
{
	yajl_val n = member(v, name);
	if (YAJL_IS_INTEGER(n))
		return YAJL_GET_INTEGER(n);
	if (n && YAJL_IS_TRUE(n))
		return 1;
	return otherwise;
}

static const char *text(yajl_val v, const char *name)
{
	yajl_val s = member(v, name);
	return YAJL_IS_STRING(s) ? YAJL_GET_STRING(s) : NULL;
}

/* The whole rule is kept, so it is parsed a second time for itself. */
static yajl_val copy(const char *json)
{
	char complaint[128];
	return yajl_tree_parse(json, complaint, sizeof(complaint));
}

static const char *check(yajl_val rule, int *match)
{
	static const char *const known[] = {
		"status",    "body",        "type",     "headers",         "delay_ms", "drip",
		"split",     "cut",         "inband",   "garbage",         "html200",  "gzip",
		"endless",   "long_string", "depth",    "clamp",           "more",     "backwards",
		"duplicate", "bad_utf8",    "bad_host", "null_everywhere", "lag",      "param_422",
		"param_400", "stall"
	};
	const char *name = text(rule, "match");
	*match = name && strcmp(name, "any") != 0 ? endpoint_parse(name) : -1;
	if (name && strcmp(name, "any") != 0 && *match < 0)
		return "unknown \"match\"";
	yajl_val what = member(rule, "do");
	if (!YAJL_IS_OBJECT(what) || !what->u.object.len)
		return "\"do\" must be an object with at least one action";
	for (size_t i = 0; i < what->u.object.len; i++) {
		bool found = false;
		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			found = found || !strcmp(what->u.object.keys[i], known[k]);
		if (!found)
			return "unknown action in \"do\"";
	}
	return NULL;
}

const char *fault_add(struct tenant *t, const char *json)
{
	yajl_val rule = copy(json);
	int match;
	const char *wrong = YAJL_IS_OBJECT(rule) ? check(rule, &match) : "a fault is an object";
	if (wrong) {
		yajl_tree_free(rule);
		return wrong;
	}
	struct fault *f = grab(sizeof(*f));
	yajl_val when = member(rule, "when");
	*f = (struct fault){ .rule = rule,
			     .match = match,
			     .skip = number(when, "skip", 0),
			     .times = number(when, "times", 0),
			     .after_id = number(when, "after_id", -1),
			     .host_id = number(when, "id", -1) };
	if (f->times == 0)
		f->times = -1;
	struct fault **end = &t->faults;
	while (*end)
		end = &(*end)->next;
	*end = f;
	return NULL;
}

void fault_clear(struct tenant *t)
{
	while (t->faults) {
		struct fault *f = t->faults;
		t->faults = f->next;
		yajl_tree_free(f->rule);
		mem_free(f);
	}
}

static const char *refused_param(yajl_val what, int *status)
{
	const char *name = text(what, "param_422");
	*status = name ? 422 : 400;
	return name ? name : text(what, "param_400");
}

static bool applies(struct fault *f, enum endpoint ep, const struct request *r)
{
	if ((f->match >= 0 && f->match != (int)ep) || f->times == 0)
		return false;
	const char *after = request_param(r, "after");
	if (f->after_id >= 0 && (ep != EP_LIST || strtoll(after ? after : "0", NULL, 10) < f->after_id))
		return false;
	const char *id = strstr(r->path, "/hosts/");
	if (f->host_id >= 0 && (!id || strtoll(id + 7, NULL, 10) != f->host_id))
		return false;
	int status;
	const char *param = refused_param(member(f->rule, "do"), &status);
	if (param && !request_has(r, param))
		return false;
	if (f->skip > 0) {
		f->skip--;
		return false;
	}
	if (f->times > 0)
		f->times--;
	return true;
}

static void keep(char **to, const char *s)
{
	if (!s)
		return;
	mem_free(*to);
	*to = grab_text(s);
}

static void keep_headers(struct effect *e, yajl_val headers)
{
	if (!YAJL_IS_OBJECT(headers))
		return;
	struct buf b;
	buf_init(&b, 64 * 1024);
	for (size_t i = 0; i < headers->u.object.len; i++) {
		yajl_val v = headers->u.object.values[i];
		const char *s = YAJL_IS_STRING(v)   ? YAJL_GET_STRING(v)
				: YAJL_IS_NUMBER(v) ? YAJL_GET_NUMBER(v)
						    : "";
		buf_printf(&b, "%s: %s\r\n", headers->u.object.keys[i], s);
	}
	keep(&e->headers, buf_cstr(&b));
	buf_release(&b);
}

static void add_mishap(struct effect *e, yajl_val what)
{
	struct mishap *m = &e->mishap;
	m->delay_ms = number(what, "delay_ms", m->delay_ms);
	m->split_bytes = number(what, "split", m->split_bytes);
	m->stall = number(what, "stall", m->stall) != 0;
	yajl_val endless = member(what, "endless");
	if (endless)
		m->endless_bytes = YAJL_IS_INTEGER(endless) ? YAJL_GET_INTEGER(endless) : -1;
	yajl_val drip = member(what, "drip");
	if (drip) {
		m->drip_bytes = number(drip, "bytes", 1);
		m->drip_ms = number(drip, "every_ms", 100);
	}
	yajl_val cut = member(what, "cut");
	if (cut) {
		m->cut_bytes = number(cut, "bytes", m->cut_bytes);
		e->cut_hosts = number(cut, "hosts", e->cut_hosts);
		m->cut_by_reset = number(cut, "reset", 0) != 0;
	}
}

static void add_answer(struct effect *e, yajl_val what)
{
	e->status = (int)number(what, "status", e->status);
	yajl_val body = member(what, "body");
	if (YAJL_IS_STRING(body))
		keep(&e->body, YAJL_GET_STRING(body));
	keep(&e->type, text(what, "type"));
	keep_headers(e, member(what, "headers"));
	e->garbage_bytes = number(what, "garbage", e->garbage_bytes);
	e->gzip_bytes = number(what, "gzip", e->gzip_bytes);
	if (number(what, "html200", 0)) {
		e->status = 200;
		keep(&e->type, "text/html; charset=utf-8");
		keep(&e->body, "<!doctype html><html><head><title>Sign in</title></head><body><form>Sign "
			       "in</form></body></html>\n");
	}
	int status;
	const char *param = refused_param(what, &status);
	if (param) {
		keep(&e->refuse_param, param);
		e->refuse_status = status;
	}
}

static void add_hosts(struct effect *e, yajl_val what)
{
	static const char *const bad[] = { "", "string", "no_id", "wrong_types", "oversize" };
	yajl_val inband = member(what, "inband"), lag = member(what, "lag");
	if (inband) {
		e->inband_hosts = number(inband, "hosts", 0);
		keep(&e->inband_text, text(inband, "error"));
	}
	if (lag) {
		e->lag_deleted = number(lag, "deleted", 0) != 0;
		e->missing = number(lag, "missing", 0);
	}
	e->clamp = number(what, "clamp", e->clamp);
	e->more = number(what, "more", e->more);
	e->backwards = number(what, "backwards", e->backwards) != 0;
	e->duplicate = number(what, "duplicate", e->duplicate) != 0;
	e->bad_utf8 = number(what, "bad_utf8", e->bad_utf8) != 0;
	e->nulls = number(what, "null_everywhere", e->nulls) != 0;
	e->long_string_bytes = number(what, "long_string", e->long_string_bytes);
	e->depth = number(what, "depth", e->depth);
	const char *kind = text(what, "bad_host");
	for (int i = 1; kind && i < 5; i++)
		if (!strcmp(kind, bad[i]))
			e->bad_host = (enum bad_host)i;
}

void effect_collect(struct effect *e, struct tenant *t, enum endpoint ep, const struct request *r)
{
	*e = (struct effect){ .mishap.cut_bytes = -1, .cut_hosts = -1, .inband_hosts = -1, .clamp = -1 };
	for (struct fault *f = t->faults; f; f = f->next) {
		if (!applies(f, ep, r))
			continue;
		yajl_val what = member(f->rule, "do");
		e->any = true;
		add_mishap(e, what);
		add_answer(e, what);
		add_hosts(e, what);
	}
}

void effect_release(struct effect *e)
{
	mem_free(e->body);
	mem_free(e->type);
	mem_free(e->headers);
	mem_free(e->inband_text);
	mem_free(e->refuse_param);
}

bool effect_on_hosts(const struct effect *e)
{
	return e->cut_hosts >= 0 || e->inband_hosts >= 0 || e->clamp >= 0 || e->more || e->missing ||
	       e->backwards || e->duplicate || e->bad_utf8 || e->nulls || e->lag_deleted || e->bad_host ||
	       e->long_string_bytes || e->depth;
}

static const char *message_of(int status)
{
	return status == 401   ? "Authentication required"
	       : status == 402 ? "Requires Fleet Premium license"
	       : status == 403 ? "forbidden"
	       : status == 404 ? "Resource Not Found"
	       : status == 422 ? "Validation Failed"
	       : status == 429 ? "limit exceeded"
	       : status >= 500 ? "context canceled"
			       : "Bad request";
}

/* Bits of a deflate stream, least significant first. */
struct bits {
	struct buf *b;
	uint32_t held;
	int n;
};

static void put_bits(struct bits *w, uint32_t value, int n)
{
	w->held |= value << w->n;
	for (w->n += n; w->n >= 8; w->n -= 8, w->held >>= 8)
		buf_putc(w->b, (char)(w->held & 255));
}

static uint32_t crc_of(uint32_t crc, unsigned char c)
{
	crc ^= c;
	for (int k = 0; k < 8; k++)
		crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
	return crc;
}

/* `{"hosts":[` and then so many spaces that it inflates to n bytes: one space
 * and matches of 258 bytes at distance 1, 13 bits each, in the fixed code. */
static void gzip_bomb(struct buf *b, int64_t n)
{
	static const char head[] = "{\"hosts\":[ ";
	uint32_t crc = 0xffffffffu, size = sizeof(head) - 1;
	struct bits w = { .b = b };
	buf_add(b, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
	put_bits(&w, 3, 3);
	for (const char *s = head; *s; s++) {
		uint32_t code = 0x30u + (unsigned char)*s, turned = 0;
		for (int k = 0; k < 8; k++)
			turned |= (code >> k & 1) << (7 - k);
		put_bits(&w, turned, 8);
		crc = crc_of(crc, (unsigned char)*s);
	}
	for (; size < n; size += 258) {
		put_bits(&w, 0xa3, 8); /* length 258: code 11000101, turned */
		put_bits(&w, 0, 5);
		for (int k = 0; k < 258; k++)
			crc = crc_of(crc, ' ');
	}
	put_bits(&w, 0, 7);
	if (w.n)
		put_bits(&w, 0, 8 - w.n);
	crc = ~crc;
	uint32_t tail[2] = { crc, size };
	buf_add(b, tail, sizeof(tail));
}

static void garbage(struct buf *b, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		buf_putc(b, (char)fleet_mix((uint64_t)i, 3, 5));
}

bool effect_answer(const struct effect *e, struct reply *r)
{
	if (e->headers)
		buf_puts(&r->headers, e->headers);
	if (e->refuse_param) {
		char reason[200];
		snprintf(reason, sizeof(reason), "unknown parameter %.100s", e->refuse_param);
		reply_error(r, e->refuse_status, message_of(e->refuse_status), "base", reason, false);
		return true;
	}
	if (e->garbage_bytes) {
		r->type = "application/json";
		garbage(&r->body, e->garbage_bytes);
		return true;
	}
	if (e->gzip_bytes) {
		r->type = "application/json";
		buf_puts(&r->headers, "Content-Encoding: gzip\r\n");
		gzip_bomb(&r->body, e->gzip_bytes);
		return true;
	}
	if (!e->status)
		return false;
	if (e->body) {
		r->status = e->status;
		r->type = e->type ? e->type : "application/json; charset=utf-8";
		buf_puts(&r->body, e->body);
		return true;
	}
	reply_error(r, e->status, message_of(e->status), "base", message_of(e->status), false);
	if (e->type)
		r->type = e->type;
	return true;
}
