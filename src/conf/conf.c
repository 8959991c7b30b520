#include "conf/conf.h"

#include "base/buf.h"
#include "base/mem.h"
#include "conf/path.h"
#include "conf/tenant.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { ARENA_MAX_BYTES = 64 * 1024 * 1024, TENANTS_MAX = 10000 };

/* What a caller holds, with what it stands on. */
struct owned {
	struct conf conf; /* first: conf_free() gets this address */
	struct arena *arena;
};

static void read_tenants(struct reading *r, const struct setting *s, void *into, yaml_node_t *value)
{
	struct conf *c = into;
	yaml_node_item_t *first;
	size_t count;
	if (!node_list(r, value, s->name, s->help, &first, &count))
		return;
	if (!count || count > TENANTS_MAX) {
		complain_node(r, value, "\"tenants\" has %s; give %s",
			      count ? "more than 10000 members" : "no members", s->help);
		return;
	}
	c->tenants = keep_room(r, count * sizeof(*c->tenants));
	struct tenant_places *places = mem_alloc(count * sizeof(*places));
	if (!c->tenants || !places)
		r->complaints.no_memory = true;
	while (c->tenant_count < count && !reading_over(r)) {
		size_t i = c->tenant_count++;
		tenant_read(r, yaml_document_get_node(r->document, first[i]), &c->tenants[i], &places[i]);
	}
	if (!r->complaints.no_memory)
		tenant_check_all(r, c->tenants, places, c->tenant_count);
	mem_free(places);
}

enum row { STORE, STORE_PATH, TENANTS, ROWS };

static const struct setting rows[ROWS] = {
	[STORE] = { "", "store", SETTING_MAP, .help = "a map with the path of the store" },
	[STORE_PATH] = { "store", "path", SETTING_PATH, offsetof(struct conf, store_path), "./var/store",
			 .help = "the path of the store's folder" },
	[TENANTS] = { "", "tenants", SETTING_OWN,
		      .help = "a list of 1 to 10000 tenants, each with name, url and token_file",
		      .read = read_tenants },
};
const struct setting_table conf_settings = { rows, ROWS };

static void read_document(struct reading *r, struct conf *c)
{
	struct setting_found found[ROWS];
	yaml_node_t *root = yaml_document_get_root_node(r->document);
	bool blank = !root || (root->type == YAML_SCALAR_NODE && !root->data.scalar.length);
	if (blank) {
		complain(&r->complaints, (struct place){ 1, 1 }, COMPLAINT_ERROR,
			 "the file is empty; give %s under \"tenants\"", rows[TENANTS].help);
		return;
	}
	settings_standard(r, &conf_settings, c);
	if (settings_read(r, &conf_settings, root, "the file", c, found) && !found[TENANTS].key)
		complain_node(r, root, "the file has no \"tenants\"; give %s", rows[TENANTS].help);
}

/* The name of the file as messages show it: one line, whatever it is. */
static char *printable(struct reading *r, const char *file)
{
	char *p = keep(r, slice_of(file));
	for (char *c = p; c && *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return p;
}

static void parse(struct reading *r, struct conf *c, const void *text, size_t n)
{
	yaml_document_t document;
	r->folder = path_folder(r, c->file);
	if (!r->folder || !document_load(&document, text, n, &r->complaints))
		return;
	r->document = &document;
	read_document(r, c);
	yaml_document_delete(&document);
}

/* Ends a reading: reports, and gives out or frees what there is. */
static int finish(struct conf **out, struct reading *r, struct owned *o, conf_complaint_fn *report, void *arg)
{
	int rc = E_NOMEM;
	if (o && r->complaints.no_memory && arena_at_ceiling(o->arena)) {
		r->complaints.no_memory = false;
		complain(&r->complaints, (struct place){ 1, 1 }, COMPLAINT_ERROR,
			 "the configuration needs more than 64MiB of memory; make it smaller");
	}
	if (o && !r->complaints.no_memory && !complaints_report(&r->complaints, o->conf.file, report, arg))
		rc = r->complaints.errors ? E_CONFIG : OK;
	complaints_release(&r->complaints);
	if (rc && o)
		conf_free(&o->conf);
	*out = rc ? NULL : &o->conf;
	return rc;
}

static struct owned *begin(struct reading *r, const char *file)
{
	*r = (struct reading){ 0 };
	struct owned *o = mem_zalloc(sizeof(*o));
	struct arena *arena = arena_new(ARENA_MAX_BYTES);
	if (!o || !arena || complaints_init(&r->complaints)) {
		mem_free(o);
		arena_free(arena);
		return NULL;
	}
	o->arena = r->arena = arena;
	o->conf.file = printable(r, file);
	return o;
}

int conf_parse(struct conf **out, const char *file, const void *text, size_t n, conf_complaint_fn *report,
	       void *arg)
{
	struct reading r;
	struct owned *o = begin(&r, file);
	if (o && o->conf.file)
		parse(&r, &o->conf, text, n);
	return finish(out, &r, o, report, arg);
}

/* The file's bytes, one more than allowed at most; an errno value or 0. */
static int slurp(const char *file, struct buf *b)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	int code = fd < 0 ? errno : 0;
	ssize_t n = 1;
	while (!code && n && b->len <= DOCUMENT_MAX_BYTES && buf_reserve(b, 4096)) {
		n = read(fd, b->data + b->len, 4096);
		if (n > 0)
			b->len += (size_t)n;
		else if (n < 0 && errno != EINTR)
			code = errno;
	}
	if (fd >= 0)
		close(fd);
	return b->failed == E_NOMEM ? ENOMEM : code;
}

int conf_load(struct conf **out, const char *file, conf_complaint_fn *report, void *arg)
{
	struct reading r;
	struct buf text;
	struct owned *o = begin(&r, file);
	buf_init(&text, DOCUMENT_MAX_BYTES + 8192);
	int code = o && o->conf.file ? slurp(file, &text) : 0;
	if (code == ENOMEM)
		r.complaints.no_memory = true;
	else if (code)
		complain(&r.complaints, (struct place){ 1, 1 }, COMPLAINT_ERROR,
			 "the file cannot be read: %s; mend its path or permissions", strerrordesc_np(code));
	else if (o && o->conf.file)
		parse(&r, &o->conf, text.data ? text.data : "", text.len);
	if (text.data) /* headers and a proxy's password may be in it */
		explicit_bzero(text.data, text.cap);
	buf_release(&text);
	return finish(out, &r, o, report, arg);
}

static void wipe(const char *secret)
{
	if (secret)
		explicit_bzero((char *)(uintptr_t)secret, strlen(secret));
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->tenant_count; i++) {
		const struct conf_tenant *t = &c->tenants[i];
		wipe(t->token);
		wipe(t->proxy);
		for (const char *const *h = t->headers; h && *h; h++)
			wipe(*h);
	}
	struct owned *o = (struct owned *)c;
	arena_free(o->arena);
	mem_free(o);
}
