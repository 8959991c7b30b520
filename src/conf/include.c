#include "conf/include.h"

#include "base/mem.h"
#include "conf/path.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- finding ---- */
struct finding {
	struct reading *r;
	const struct setting *setting;
	const yaml_node_t *at;
	const char **names; /* the main file's is the first */
	size_t count;       /* with it */
	size_t room;
};

#define WILDCARDS "*?["

static bool is_main(const struct finding *f, const char *path)
{
	struct stat a, b;
	return stat(f->names[0], &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* `path` is kept. */
static void add(struct finding *f, const char *path)
{
	struct reading *r = f->r;
	if (!path || reading_over(r))
		return;
	if (f->count > INCLUDED_MAX) {
		complain_node(r, f->at, "\"%s\" names more than %d files; put several tenants into one",
			      f->setting->name, INCLUDED_MAX);
		r->complaints.full = true;
		return;
	}
	if (is_main(f, path)) {
		complain_node(r, f->at,
			      "\"%s\" names this file itself; put the others into a folder of their own",
			      f->setting->name);
		return;
	}
	if (f->count == f->room) {
		size_t room = f->room * 2;
		const char **more = mem_realloc(f->names, room * sizeof(*more));
		if (!more) {
			r->complaints.no_memory = true;
			return;
		}
		f->names = more;
		f->room = room;
	}
	f->names[f->count++] = path;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The files of `folder` (an absolute path) whose names match. */
static void add_matches(struct finding *f, const char *folder, const char *pattern)
{
	DIR *d = opendir(folder);
	if (!d) {
		complain_node(f->r, f->at,
			      "\"%s\" names the folder \"%.250s\", which %s; mend the path or its "
			      "permissions",
			      f->setting->name, folder,
			      errno == ENOENT   ? "does not exist"
			      : errno == EACCES ? "may not be read by this user"
						: strerrordesc_np(errno));
		return;
	}
	for (struct dirent *entry; (entry = readdir(d)) && !reading_over(f->r);) {
		if (fnmatch(pattern, entry->d_name, FNM_PERIOD) != 0)
			continue;
		struct reading in_folder = { .arena = f->r->arena, .folder = folder };
		char *path = path_absolute(&in_folder, slice_of(entry->d_name));
		f->r->complaints.no_memory |= !path;
		add(f, path);
	}
	closedir(d);
}

/* In what the operator wrote: the folder of the main file may have such a name. */
static bool folder_is_wild(struct slice text)
{
	const char *slash = memrchr(text.p, '/', text.n);
	for (const char *p = text.p; slash && p < slash; p++)
		if (strchr(WILDCARDS, *p))
			return true;
	return false;
}

static void add_pattern(struct finding *f, yaml_node_t *node)
{
	const char *name = f->setting->name;
	struct slice text;
	f->at = node;
	if (!node_text(f->r, node, name, f->setting->help, &text))
		return;
	if (folder_is_wild(text)) {
		complain_node(f->r, node,
			      "\"%s\" is %s; wildcards are for its last part only, write the folder out",
			      name, quote(text).text);
		return;
	}
	char *path = path_absolute(f->r, text);
	char *last = path ? strrchr(path, '/') + 1 : NULL;
	if (last && strpbrk(last, WILDCARDS)) {
		const char *pattern = keep(f->r, slice_of(last));
		*last = '\0';
		if (pattern)
			add_matches(f, path, pattern);
	} else if (path && path_check_readable(f->r, node, name, path)) {
		add(f, path);
	}
}

/* Sorts; a file that two patterns name is read once. */
static void put_in_order(struct finding *f)
{
	size_t n = 1;
	qsort(f->names + 1, f->count - 1, sizeof(*f->names), by_name);
	for (size_t i = 1; i < f->count; i++)
		if (n == 1 || strcmp(f->names[i], f->names[n - 1]) != 0)
			f->names[n++] = f->names[i];
	f->count = n;
}

/* What stays is in the arena. */
static size_t keep_names(struct finding *f)
{
	const char **kept = keep_room(f->r, f->count * sizeof(*kept));
	if (!kept)
		return 0;
	memcpy(kept, f->names, f->count * sizeof(*kept));
	f->r->complaints.files = kept;
	return f->count - 1;
}

size_t include_find(struct reading *r, const struct setting *s, yaml_node_t *value)
{
	enum { ROOM = 64 };
	struct finding f = { .r = r, .setting = s, .at = value, .count = 1, .room = ROOM };
	yaml_node_item_t *items;
	size_t count, found = 0;
	f.names = mem_alloc(ROOM * sizeof(*f.names));
	if (!f.names) {
		r->complaints.no_memory = true;
		return 0;
	}
	f.names[0] = r->complaints.files[0];
	if (value->type == YAML_SCALAR_NODE)
		add_pattern(&f, value);
	else if (node_list(r, value, s->name, s->help, &items, &count))
		for (size_t i = 0; i < count && !reading_over(r); i++)
			add_pattern(&f, yaml_document_get_node(r->document, items[i]));
	put_in_order(&f);
	if (!reading_over(r))
		found = keep_names(&f);
	mem_free(f.names);
	return found;
}

/* ---- reading ---- */
enum { TENANTS, ROWS };

static const struct setting rows[ROWS] = {
	[TENANTS] = { "", "tenants", SETTING_LATER,
		      .help = "a list of tenants, each with name, url and token_file" },
};
static const struct setting_table included_settings = { rows, ROWS };

static void read_document(struct reading *r, void (*tenants)(struct reading *r, void *arg, yaml_node_t *list),
			  void *arg)
{
	struct setting_found found[ROWS];
	yaml_node_t *root = yaml_document_get_root_node(r->document);
	if (!root || (root->type == YAML_SCALAR_NODE && !root->data.scalar.length))
		return; /* empty, or only comments */
	if (settings_read(r, &included_settings, root, "an included file", NULL, found) &&
	    found[TENANTS].value)
		tenants(r, arg, found[TENANTS].value);
}

static void read_text(struct reading *r, const struct buf *text,
		      void (*tenants)(struct reading *r, void *arg, yaml_node_t *list), void *arg)
{
	yaml_document_t document, *around = r->document;
	if (!document_load(&document, text->data ? text->data : "", text->len, &r->complaints))
		return;
	r->document = &document;
	read_document(r, tenants, arg);
	r->document = around;
	yaml_document_delete(&document);
}

/* False after a complaint. */
static bool load(struct reading *r, const char *file, struct buf *text)
{
	struct err why;
	int fd = path_open(file, &why);
	if (fd < 0) {
		complain_node(r, NULL, "the file %s; mend its path or permissions", why.text);
		return false;
	}
	int code = path_read(fd, DOCUMENT_MAX_BYTES, text);
	close(fd);
	if (code == ENOMEM)
		r->complaints.no_memory = true;
	else if (code)
		complain_node(r, NULL, "the file cannot be read: %s; mend its path or permissions",
			      strerrordesc_np(code));
	return !code;
}

void include_read(struct reading *r, uint32_t number,
		  void (*tenants)(struct reading *r, void *arg, yaml_node_t *list), void *arg)
{
	const char *file = r->complaints.files[number], *around = r->folder;
	struct buf text;
	buf_init(&text, DOCUMENT_MAX_BYTES + 8192);
	r->complaints.file = number;
	r->folder = path_folder(r, file);
	if (r->folder && load(r, file, &text))
		read_text(r, &text, tenants, arg);
	if (text.data) /* headers and a proxy's password may be in it */
		explicit_bzero(text.data, text.cap);
	buf_release(&text);
	r->folder = around;
	r->complaints.file = 0;
}
