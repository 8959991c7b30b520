/* layer: serve */
/* A line of the admin protocol. Words that were read, written as JSON strings
 * again, are read as the same; an error is one line of text with a column inside
 * the line. */
#include "base/json.h"
#include "base/must.h"
#include "base/utf8.h"
#include "serve/words.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(int rc, const struct err *e, size_t size)
{
	must(e->code == rc && (rc == E_SYNTAX || rc == E_LIMIT));
	must(utf8_valid(e->text, strlen(e->text)) && !strpbrk(e->text, "\r\n\x1b"));
	const char *at = strstr(e->text, " column ");
	must((at != NULL) == (rc == E_SYNTAX));
	must(!at || (strtoul(at + 8, NULL, 10) >= 1 && strtoul(at + 8, NULL, 10) <= size));
}

static void write_line(struct buf *line, const struct words *w)
{
	for (size_t i = 0; i < w->count; i++) {
		struct buf one;
		buf_init(&one, 8 << 20);
		json_text(&one, (struct slice){ w->at[i].text, w->at[i].n });
		must(!one.failed);
		buf_add(line, one.data, one.len);
		buf_putc(line, ' ');
		buf_release(&one);
	}
	must(!line->failed);
}

static void read_again(const struct words *w)
{
	struct words again;
	struct buf line;
	buf_init(&line, 8 << 20);
	write_line(&line, w);
	must(words_parse(&again, buf_slice(&line), NULL) == OK);
	must(again.count == w->count);
	for (size_t i = 0; i < w->count; i++) {
		must(again.at[i].quoted && again.at[i].n == w->at[i].n);
		must(strcmp(again.at[i].text, w->at[i].text) == 0);
	}
	words_release(&again);
	buf_release(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct words w;
	struct err e = { 0 };
	if (size > 1 << 16)
		return 0;
	int rc = words_parse(&w, (struct slice){ (const char *)data, (uint32_t)size }, &e);
	if (rc) {
		check_error(rc, &e, size);
		return 0;
	}
	for (size_t i = 0; i < w.count; i++) {
		must(strlen(w.at[i].text) == w.at[i].n && utf8_valid(w.at[i].text, w.at[i].n));
		must(w.at[i].quoted || w.at[i].n);
	}
	read_again(&w);
	words_release(&w);
	return 0;
}
