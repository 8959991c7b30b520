#include "conf/conf.h"

#include "base/mem.h"
#include "conf/include.h"
#include "conf/owner.h"
#include "conf/path.h"
#include "conf/settings.h"
#include "conf/tenant.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { ARENA_MAX_BYTES = 64 * 1024 * 1024, TENANTS_MAX = 10000 };

/* What a caller holds, with what it stands on. */
struct snapshot {
	struct conf conf; /* first: conf_free() gets this address */
	struct conf_owner owner;
	struct arena *arena;
	const char *files[1]; /* while only the main one is known */
};

/* The snapshot while its tenants are read. */
struct filling {
	struct snapshot *snapshot;
	struct tenant_places *places; /* as many as conf.tenants has room for */
	size_t room;
};

/* ---- tenants ---- */
static bool make_room(struct reading *r, struct filling *f, size_t more)
{
	struct conf *c = &f->snapshot->conf;
	size_t need = c->tenant_count + more, room = f->room * 2 > need ? f->room * 2 : need;
	if (need <= f->room)
		return true;
	struct conf_tenant *tenants = mem_realloc(c->tenants, room * sizeof(*tenants));
	if (tenants)
		c->tenants = tenants;
	struct tenant_places *places = tenants ? mem_realloc(f->places, room * sizeof(*places)) : NULL;
	if (places) {
		f->places = places;
		f->room = room;
	}
	r->complaints.no_memory |= !places;
	return places != NULL;
}

static void read_one(struct reading *r, struct filling *f, yaml_node_t *node)
{
	struct conf *c = &f->snapshot->conf;
	struct tenant_places *places = &f->places[c->tenant_count];
	struct conf_tenant *t = &c->tenants[c->tenant_count++];
	tenant_read(r, node, &c->defaults, t, places);
	t->owner = &f->snapshot->owner;
	t->file = r->complaints.files[r->complaints.file];
	t->line = places->name.line;
}

/* One list of the main file or of an included one. */
static void read_tenants(struct reading *r, void *arg, yaml_node_t *list)
{
	const struct setting *s = &conf_settings.rows[SETTING_TENANTS];
	struct filling *f = arg;
	size_t before = f->snapshot->conf.tenant_count, count;
	yaml_node_item_t *first;
	if (!node_list(r, list, s->name, s->help, &first, &count))
		return;
	if (before + count > TENANTS_MAX) {
		complain_node(r, list, "\"tenants\" has more than 10000 members%s; give %s",
			      before ? ", those in front of it counted" : "", s->help);
		return;
	}
	if (!make_room(r, f, count))
		return;
	for (size_t i = 0; i < count && !reading_over(r); i++)
		read_one(r, f, yaml_document_get_node(r->document, first[i]));
}

/* Where tenants can be added at run time none need be there. */
static void check_any(struct reading *r, const struct conf *c, const yaml_node_t *root,
		      const struct setting_found *found)
{
	const char *help = conf_settings.rows[SETTING_TENANTS].help;
	const yaml_node_t *list = found[SETTING_TENANTS].value;
	if (c->tenant_count || found[SETTING_SECRETS].key)
		return;
	if (list)
		complain_node(r, list, "\"tenants\" has no members; give %s", help);
	else
		complain_node(r, root, "the file has no \"tenants\"%s; give %s",
			      found[SETTING_INCLUDE].key ? ", nor have the files of \"include\"" : "", help);
}

static void read_all_tenants(struct reading *r, struct snapshot *s, const yaml_node_t *root,
			     const struct setting_found *found)
{
	struct filling f = { .snapshot = s };
	uint32_t before = r->complaints.errors;
	yaml_node_t *include = found[SETTING_INCLUDE].value, *list = found[SETTING_TENANTS].value;
	if (list)
		read_tenants(r, &f, list);
	size_t files = include ? include_find(r, &conf_settings.rows[SETTING_INCLUDE], include) : 0;
	for (size_t i = 1; i <= files && !reading_over(r); i++)
		include_read(r, (uint32_t)i, read_tenants, &f);
	if (r->complaints.errors == before && !reading_over(r))
		check_any(r, &s->conf, root, found);
	if (!r->complaints.no_memory)
		tenant_check_all(r, s->conf.tenants, f.places, s->conf.tenant_count);
	mem_free(f.places);
}

/* ---- the main file ---- */
static void read_document(struct reading *r, struct snapshot *s)
{
	struct setting_found found[SETTING_ROWS];
	yaml_node_t *root = yaml_document_get_root_node(r->document);
	bool blank = !root || (root->type == YAML_SCALAR_NODE && !root->data.scalar.length);
	if (blank) {
		complain_node(r, NULL, "the file is empty; give %s under \"tenants\"",
			      conf_settings.rows[SETTING_TENANTS].help);
		return;
	}
	settings_standard(r, &conf_settings, &s->conf);
	tenant_standard(r, &s->conf.defaults);
	if (!settings_read(r, &conf_settings, root, "the file", &s->conf, found))
		return;
	settings_check(r, &s->conf, found);
	if (found[SETTING_DEFAULTS].value)
		tenant_defaults(r, found[SETTING_DEFAULTS].value, &s->conf.defaults);
	read_all_tenants(r, s, root, found);
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

static void parse(struct reading *r, struct snapshot *s, const void *text, size_t n)
{
	yaml_document_t document;
	r->folder = path_folder(r, s->conf.file);
	if (!r->folder || !document_load(&document, text, n, &r->complaints))
		return;
	r->document = &document;
	read_document(r, s);
	yaml_document_delete(&document);
}

/* Ends a reading: reports, and gives out or frees what there is. */
static int finish(struct conf **out, struct reading *r, struct snapshot *s, conf_complaint_fn *report,
		  void *arg)
{
	int rc = E_NOMEM;
	if (s && r->complaints.no_memory && arena_at_ceiling(s->arena)) {
		r->complaints.no_memory = false;
		complain_node(r, NULL, "the configuration needs more than 64MiB of memory; make it smaller");
	}
	if (s && !r->complaints.no_memory && !complaints_report(&r->complaints, report, arg))
		rc = r->complaints.errors ? E_CONFIG : OK;
	complaints_release(&r->complaints);
	if (rc && s)
		conf_free(&s->conf);
	*out = rc ? NULL : &s->conf;
	return rc;
}

static void free_snapshot(struct conf_owner *o)
{
	struct snapshot *s = (struct snapshot *)((char *)o - offsetof(struct snapshot, owner));
	for (size_t i = 0; i < s->conf.tenant_count; i++)
		tenant_wipe(&s->conf.tenants[i], NULL);
	tenant_wipe(&s->conf.defaults, NULL);
	mem_free(s->conf.tenants);
	arena_free(s->arena);
	mem_free(s);
}

static struct snapshot *begin(struct reading *r, const char *file)
{
	*r = (struct reading){ 0 };
	struct snapshot *s = mem_zalloc(sizeof(*s));
	struct arena *arena = arena_new(ARENA_MAX_BYTES);
	if (!s || !arena || complaints_init(&r->complaints)) {
		mem_free(s);
		arena_free(arena);
		return NULL;
	}
	s->owner = (struct conf_owner){ 1, free_snapshot };
	s->arena = r->arena = arena;
	s->conf.file = s->files[0] = printable(r, file);
	s->conf.defaults.owner = &s->owner;
	r->complaints.files = s->files;
	return s;
}

int conf_parse(struct conf **out, const char *file, const void *text, size_t n, conf_complaint_fn *report,
	       void *arg)
{
	struct reading r;
	struct snapshot *s = begin(&r, file);
	if (s && s->conf.file)
		parse(&r, s, text, n);
	return finish(out, &r, s, report, arg);
}

/* The file's bytes, one more than allowed at most; an errno value or 0. It may be
 * a pipe. */
static int slurp(const char *file, struct buf *b)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	int code = fd < 0 ? errno : path_read(fd, DOCUMENT_MAX_BYTES, b);
	if (fd >= 0)
		close(fd);
	return code;
}

int conf_load(struct conf **out, const char *file, conf_complaint_fn *report, void *arg)
{
	struct reading r;
	struct buf text;
	struct snapshot *s = begin(&r, file);
	buf_init(&text, DOCUMENT_MAX_BYTES + 8192);
	int code = s && s->conf.file ? slurp(file, &text) : 0;
	if (code == ENOMEM)
		r.complaints.no_memory = true;
	else if (code)
		complain_node(&r, NULL, "the file cannot be read: %s; mend its path or permissions",
			      strerrordesc_np(code));
	else if (s && s->conf.file)
		parse(&r, s, text.data ? text.data : "", text.len);
	if (text.data) /* headers and a proxy's password may be in it */
		explicit_bzero(text.data, text.cap);
	buf_release(&text);
	return finish(out, &r, s, report, arg);
}

void conf_free(struct conf *c)
{
	if (c)
		owner_release(&((struct snapshot *)c)->owner);
}
