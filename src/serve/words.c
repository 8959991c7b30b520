#include "serve/words.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

struct parser {
	struct slice line;
	uint32_t at; /* bytes */
	char *out;   /* where the next word's text goes */
	struct words *words;
	struct err *e;
};

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

static unsigned column(const struct parser *p, uint32_t at)
{
	unsigned n = 1;
	for (uint32_t i = 0; i < at; i++)
		n += ((unsigned char)p->line.p[i] & 0xc0) != 0x80;
	return n;
}

static int wrong(struct parser *p, uint32_t at, const char *what)
{
	return err_set(p->e, E_SYNTAX, "the line cannot be read at column %u: %s", column(p, at), what);
}

/* Where the first ill-formed sequence begins. */
static uint32_t valid_up_to(struct slice line)
{
	uint32_t good = 0;
	while (good < line.n) {
		uint32_t step = 1;
		while (step < 4 && good + step < line.n &&
		       ((unsigned char)line.p[good + step] & 0xc0) == 0x80)
			step++;
		if (!utf8_valid(line.p + good, step))
			break;
		good += step;
	}
	return good;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Four hexadecimal digits behind "\u" at `at`; -1 when they are not there. */
static int32_t unit(const struct parser *p, uint32_t at)
{
	int32_t v = 0;
	if (at + 6 > p->line.n || p->line.p[at] != '\\' || p->line.p[at + 1] != 'u')
		return -1;
	for (uint32_t i = at + 2; i < at + 6; i++) {
		int digit = hex_digit(p->line.p[i]);
		if (digit < 0)
			return -1;
		v = v * 16 + digit;
	}
	return v;
}

static void put_utf8(struct parser *p, uint32_t c)
{
	if (c < 0x80) {
		*p->out++ = (char)c;
		return;
	}
	if (c < 0x800) {
		*p->out++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*p->out++ = (char)(0xe0 | c >> 12);
		} else {
			*p->out++ = (char)(0xf0 | c >> 18);
			*p->out++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*p->out++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*p->out++ = (char)(0x80 | (c & 0x3f));
}

static int code_point(struct parser *p)
{
	int32_t high = unit(p, p->at), low;
	if (high < 0)
		return wrong(p, p->at, "behind \"\\u\" come four hexadecimal digits");
	if (high == 0)
		return wrong(p, p->at, "a word cannot contain the character 0");
	if (high < 0xd800 || high > 0xdfff) {
		put_utf8(p, (uint32_t)high);
		p->at += 6;
		return OK;
	}
	low = unit(p, p->at + 6);
	if (high > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return wrong(p, p->at, "half of a surrogate pair stands alone");
	put_utf8(p, 0x10000 + (((uint32_t)high & 0x3ff) << 10) + ((uint32_t)low & 0x3ff));
	p->at += 12;
	return OK;
}

static int escape(struct parser *p)
{
	static const char letter[] = "\"\\/bfnrt", raw[] = "\"\\/\b\f\n\r\t";
	char c = p->at + 1 < p->line.n ? p->line.p[p->at + 1] : '\0';
	const char *found = c ? strchr(letter, c) : NULL;
	if (c == 'u')
		return code_point(p);
	if (!found)
		return wrong(p, p->at, "behind a backslash comes one of \" \\ / b f n r t u");
	*p->out++ = raw[found - letter];
	p->at += 2;
	return OK;
}

static int quoted_word(struct parser *p)
{
	uint32_t begin = p->at++;
	while (p->at < p->line.n && p->line.p[p->at] != '"') {
		char c = p->line.p[p->at];
		if (c == '\\') {
			int rc = escape(p);
			if (rc)
				return rc;
		} else if ((unsigned char)c < 0x20) {
			return wrong(p, p->at,
				     "a control character in quotes; write it as an escape, as in JSON");
		} else {
			*p->out++ = c;
			p->at++;
		}
	}
	if (p->at == p->line.n)
		return wrong(p, begin, "the quotation mark is not closed");
	p->at++;
	if (p->at < p->line.n && !blank(p->line.p[p->at]))
		return wrong(p, p->at, "behind a word in quotes comes a space");
	return OK;
}

static int bare_word(struct parser *p)
{
	while (p->at < p->line.n && !blank(p->line.p[p->at])) {
		char c = p->line.p[p->at];
		if (c == '"')
			return wrong(p, p->at,
				     "a quotation mark inside a word; put the whole word in quotes, as a "
				     "JSON string");
		if (control(c))
			return wrong(p, p->at,
				     "a control character; put the word in quotes and write it as an escape");
		*p->out++ = c;
		p->at++;
	}
	return OK;
}

static int next_word(struct parser *p)
{
	struct words *w = p->words;
	bool quoted = p->line.p[p->at] == '"';
	char *text = p->out;
	if (w->count == WORDS_MAX)
		return err_set(p->e, E_LIMIT, "the line has more than %d words; send fewer", WORDS_MAX);
	int rc = quoted ? quoted_word(p) : bare_word(p);
	if (rc)
		return rc;
	w->at[w->count++] = (struct word){ text, (uint32_t)(p->out - text), quoted };
	*p->out++ = '\0';
	return OK;
}

static int parse(struct parser *p)
{
	uint32_t good = valid_up_to(p->line);
	if (good < p->line.n)
		return wrong(p, good, "the bytes are not UTF-8");
	for (;;) {
		while (p->at < p->line.n && blank(p->line.p[p->at]))
			p->at++;
		if (p->at == p->line.n)
			return OK;
		int rc = next_word(p);
		if (rc)
			return rc;
	}
}

/* Upper bound of the words, not looking at what is between quotes. */
static size_t count_words(struct slice line)
{
	size_t n = 0;
	for (uint32_t i = 0; i < line.n && n < WORDS_MAX; i++)
		n += !blank(line.p[i]) && (i == 0 || blank(line.p[i - 1]));
	return n;
}

int words_parse(struct words *w, struct slice line, struct err *e)
{
	/* No escape is shorter than what it stands for, and each word has a blank
	 * or the end behind it for its NUL. */
	size_t table = count_words(line) * sizeof(struct word), all = table + line.n + 1;
	*w = (struct words){ .memory = mem_alloc(all), .memory_bytes = all };
	if (!w->memory)
		return err_set(e, E_NOMEM, "out of memory for a line of %u bytes", line.n);
	w->at = w->memory;
	struct parser p = { .line = line, .out = (char *)w->memory + table, .words = w, .e = e };
	int rc = parse(&p);
	if (rc)
		words_release(w);
	return rc;
}

void words_release(struct words *w)
{
	mem_wipe_free(w->memory, w->memory_bytes);
	*w = (struct words){ 0 };
}
