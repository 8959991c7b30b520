#include "replay.h"

#include "grab.h"

#include <dirent.h>
#include <string.h>

struct recording {
	struct recording *next;
	bool detail;
	uint64_t number, last_id;
	char *text;
	size_t n;
};

struct replay {
	struct recording *first;
};

static char *read_whole(const char *path, size_t *n)
{
	FILE *f = fopen(path, "r");
	if (!f)
		return NULL;
	struct buf b;
	buf_init(&b, 256 << 20);
	char part[16384];
	for (size_t got; (got = fread(part, 1, sizeof(part), f)) > 0;)
		buf_add(&b, part, got);
	fclose(f);
	char *text = grab(b.len + 1);
	if (b.len)
		memcpy(text, b.data, b.len);
	*n = b.len;
	buf_release(&b);
	return text;
}

/* The largest `"id": n` that stands right inside a host. */
static uint64_t last_id_of(const char *text)
{
	uint64_t last = 0;
	for (const char *at = text; (at = strstr(at, "\n      \"id\":")); at++) {
		uint64_t id = strtoull(at + 12, NULL, 10);
		last = id > last ? id : last;
	}
	return last;
}

static void take(struct replay *p, const char *dir, const char *name)
{
	unsigned long number;
	const char *page = strstr(name, "hosts_page_"), *detail = strstr(name, "host_");
	bool is_detail =
		!page && detail && strstr(name, "_detail") && sscanf(detail, "host_%lu_", &number) == 1;
	if (!is_detail && (!page || sscanf(page, "hosts_page_%lu", &number) != 1))
		return;
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	struct recording *r = grab(sizeof(*r));
	r->text = read_whole(path, &r->n);
	if (!r->text) {
		mem_free(r);
		return;
	}
	r->detail = is_detail;
	r->number = number;
	r->last_id = is_detail ? number : last_id_of(r->text);
	r->next = p->first;
	p->first = r;
}

struct replay *replay_open(const char *dir)
{
	DIR *d = opendir(dir);
	if (!d) {
		fprintf(stderr, "fleetsim: cannot read \"%s\"\n", dir);
		return NULL;
	}
	struct replay *p = grab(sizeof(*p));
	for (struct dirent *e; (e = readdir(d));)
		take(p, dir, e->d_name);
	closedir(d);
	return p;
}

void replay_free(struct replay *p)
{
	if (!p)
		return;
	while (p->first) {
		struct recording *r = p->first;
		p->first = r->next;
		mem_free(r->text);
		mem_free(r);
	}
	mem_free(p);
}

static bool send_recording(const struct recording *r, struct reply *reply)
{
	if (!r)
		return false;
	reply->type = "application/json; charset=utf-8";
	buf_add(&reply->body, r->text, r->n);
	reply->chunked = r->n > 2048;
	return true;
}

static const struct recording *find(const struct replay *p, bool detail, uint64_t number)
{
	for (const struct recording *r = p->first; r; r = r->next)
		if (r->detail == detail && r->number == number)
			return r;
	return NULL;
}

bool replay_list(const struct replay *p, const struct list_query *q, struct reply *reply)
{
	uint64_t number = q->page;
	if (q->after) {
		number = 0;
		for (const struct recording *r;
		     (r = find(p, false, number)) && r->n && q->after_id >= r->last_id && r->last_id;)
			number++;
	}
	if (send_recording(find(p, false, number), reply))
		return true;
	buf_puts(&reply->body, "{\n  \"hosts\": []\n}\n");
	reply->type = "application/json; charset=utf-8";
	return true;
}

bool replay_detail(const struct replay *p, uint64_t id, struct reply *reply)
{
	return send_recording(find(p, true, id), reply);
}
