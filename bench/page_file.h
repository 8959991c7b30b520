/* A recorded page of hosts in memory, and its parsing; any failure ends the
 * program, because a benchmark of a failure says nothing. */
#pragma once

#include "fleet/page_parser.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct page_file {
	char *text; /* freed by the caller with free() */
	size_t n;
};

static inline void page_file_read(struct page_file *f, const char *path)
{
	FILE *in = fopen(path, "rb");
	long n = -1;

	if (in && fseek(in, 0, SEEK_END) == 0)
		n = ftell(in);
	f->text = n > 0 ? malloc((size_t)n) : NULL;
	f->n = (size_t)n;
	if (!f->text || fseek(in, 0, SEEK_SET) || fread(f->text, 1, f->n, in) != f->n) {
		fprintf(stderr, "%s: cannot be read\n", path);
		exit(1);
	}
	fclose(in);
}

/* In pieces of 16 KiB, the size of a TLS record. */
static inline struct page *page_file_parse(const struct page_file *f)
{
	static const struct page_limits limits = {
		.host_bytes = 8u << 20,
		.page_bytes = 64u << 20,
		.max_hosts = 100000,
	};
	struct page_parser *p;
	struct page *page = NULL;
	struct err e = { 0 };
	int rc = page_parser_new(&p, PAGE_LIST, &limits);

	for (size_t at = 0; rc == OK && at < f->n; at += 16384)
		rc = page_parser_feed(p, f->text + at, f->n - at < 16384 ? f->n - at : 16384);
	if (rc == OK)
		rc = page_parser_finish(p, &page, &e);
	if (rc != OK) {
		fprintf(stderr, "the page cannot be parsed: %s: %s\n", err_name(rc), e.text);
		exit(1);
	}
	page_parser_free(p);
	return page;
}
