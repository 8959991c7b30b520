#include "serve/admin_match.h"

#include "base/mem.h"
#include "base/suggest.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_BYTES = 48, NAMES_MAX = 128 };

/* A word of the peer's, fit to stand in a sentence. */
static const char *shown(char out[SHOWN_BYTES], const char *word)
{
	size_t n = strlen(word);
	if (n >= SHOWN_BYTES) {
		n = SHOWN_BYTES - 4;
		while (n && ((unsigned char)word[n] & 0xc0) == 0x80)
			n--;
		snprintf(out, SHOWN_BYTES, "%.*s...", (int)n, word);
	} else {
		memcpy(out, word, n + 1);
	}
	utf8_blank_controls(out);
	return out;
}

static size_t first_word(const char *name)
{
	return strcspn(name, " ");
}

/* How many words the name has when the line begins with it, else 0. */
static size_t begins_with(const struct words *w, const char *name)
{
	for (size_t i = 0; i < w->count; i++) {
		size_t n = first_word(name);
		if (w->at[i].n != n || memcmp(w->at[i].text, name, n) != 0)
			return 0;
		if (!name[n])
			return i + 1;
		name += n + 1;
	}
	return 0;
}

const struct admin_command *admin_find(const struct admin_table *t, const struct words *w, size_t *used)
{
	const struct admin_command *best = NULL;
	*used = 0;
	for (size_t i = 0; i < t->count; i++) {
		size_t n = begins_with(w, t->commands[i].name);
		if (n > *used) {
			*used = n;
			best = &t->commands[i];
		}
	}
	return best;
}

/* The words that may follow `first`, as "add, set, show"; false: none do. */
static bool continuations(const struct admin_table *t, const char *first, struct buf *out)
{
	size_t n = strlen(first);
	for (size_t i = 0; i < t->count; i++) {
		const char *name = t->commands[i].name;
		if (strncmp(name, first, n) == 0 && name[n] == ' ')
			buf_printf(out, "%s%s", out->len ? ", " : "", name + n + 1);
	}
	return out->len > 0;
}

/* The nearest of names, from their place `at` on. */
static const char *nearest_of(const char *word, const char *const *names, size_t count, size_t at)
{
	const char *known[NAMES_MAX];
	for (size_t i = 0; i < count; i++)
		known[i] = names[i] + at;
	const char *near = suggest(word, known, count);
	return near ? near - at : NULL;
}

/* Of the names of two words: by the second one where the first is right, else
 * by both. */
static const char *nearest_of_two(const struct admin_table *t, const struct words *w)
{
	const char *same[NAMES_MAX], *all[NAMES_MAX];
	char line[96];
	size_t n = 0, several = 0;
	for (size_t i = 0; i < t->count && several < NAMES_MAX; i++) {
		const char *name = t->commands[i].name;
		if (!strchr(name, ' '))
			continue;
		all[several++] = name;
		if (first_word(name) == w->at[0].n && memcmp(name, w->at[0].text, w->at[0].n) == 0)
			same[n++] = name;
	}
	if (n)
		return nearest_of(w->at[1].text, same, n, w->at[0].n + 1);
	snprintf(line, sizeof(line), "%s %s", w->at[0].text, w->at[1].text);
	return nearest_of(line, all, several, 0);
}

static const char *nearest(const struct admin_table *t, const struct words *w)
{
	const char *names[NAMES_MAX], *near = w->count > 1 ? nearest_of_two(t, w) : NULL;
	char first[NAMES_MAX][32];
	size_t n = 0;
	if (near)
		return near;
	for (; n < t->count && n < NAMES_MAX; n++) {
		const char *name = t->commands[n].name;
		snprintf(first[n], sizeof(first[n]), "%.*s", (int)first_word(name), name);
		names[n] = first[n];
	}
	const char *word = suggest(w->at[0].text, names, n);
	for (size_t i = 0; word && i < n; i++)
		if (strcmp(word, first[i]) == 0)
			return t->commands[i].name;
	return NULL;
}

int admin_unknown(const struct admin_table *t, const struct words *w, struct err *e)
{
	char one[SHOWN_BYTES], two[SHOWN_BYTES];
	struct buf rest;
	buf_init(&rest, 300);
	shown(one, w->at[0].text);
	bool group = continuations(t, w->at[0].text, &rest);
	const char *near = !group ? nearest(t, w) : w->count > 1 ? nearest_of_two(t, w) : NULL;
	int rc = E_NOT_FOUND;
	if (group && w->count == 1)
		err_set(e, rc, "\"%s\" alone is no command: it goes on with %s", one, buf_cstr(&rest));
	else if (group && near && strncmp(near, w->at[0].text, w->at[0].n) == 0)
		err_set(e, rc, "there is no command \"%s %s\": did you mean \"%s\"?", one,
			shown(two, w->at[1].text), near);
	else if (group)
		err_set(e, rc, "there is no command \"%s %s\": \"%s\" goes on with %s", one,
			shown(two, w->at[1].text), one, buf_cstr(&rest));
	else if (near)
		err_set(e, rc, "there is no command \"%s\": did you mean \"%s\"?", one, near);
	else
		err_set(e, rc, "there is no command \"%s\": \"help\" lists what there is", one);
	buf_release(&rest);
	return rc;
}

static int unknown_option(const struct admin_command *c, const char *name, struct err *e)
{
	const char *names[NAMES_MAX];
	char text[SHOWN_BYTES];
	size_t n = 0, known = strcspn(name, "=");
	for (const struct admin_option *o = c->options; o && o->name && n < NAMES_MAX; o++) {
		names[n++] = o->name;
		if (name[known] && strlen(o->name) == known && strncmp(o->name, name, known) == 0)
			return err_set(e, E_CONFIG, "\"--%s\" has a \"=\": %s", o->name,
				       o->value ? "give the value as the next word" : "it takes no value");
	}
	/* behind a "=" may stand a secret */
	snprintf(text, sizeof(text), "%.*s", (int)(known < SHOWN_BYTES ? known : SHOWN_BYTES - 1), name);
	const char *near = suggest(text, names, n);
	utf8_blank_controls(text);
	if (near)
		return err_set(e, E_CONFIG, "\"%s\" has no option \"--%s\": did you mean \"--%s\"?", c->name,
			       text, near);
	return err_set(e, E_CONFIG, "\"%s\" has no option \"--%s\": it is written %s%s%s", c->name, text,
		       c->name, *c->arguments ? " " : "", c->arguments);
}

static bool was_given(const struct admin_match *m, const struct admin_option *o)
{
	for (size_t i = 0; i < m->given_count; i++)
		if (m->given[i].option == o)
			return true;
	return false;
}

static int take_option(struct admin_match *m, const struct words *w, size_t *at, struct err *e)
{
	const char *name = w->at[(*at)++].text + 2, *value = NULL;
	const struct admin_option *o = m->command->options;
	while (o && o->name && strcmp(o->name, name) != 0)
		o++;
	if (!o || !o->name)
		return unknown_option(m->command, name, e);
	if (!o->repeats && was_given(m, o))
		return err_set(e, E_CONFIG, "\"--%s\" was given twice: give it once", o->name);
	if (o->value) {
		if (*at == w->count)
			return err_set(e, E_CONFIG, "\"--%s\" has no value: give it as --%s %s", o->name,
				       o->name, o->value);
		value = w->at[(*at)++].text;
	}
	m->given[m->given_count++] = (struct admin_given){ o, value };
	return OK;
}

/* A name that is longer than the one that was found, as in "tenant ad". */
static const char *longer(const struct admin_table *t, const struct admin_command *c, const struct words *w)
{
	const char *near = w->count > 1 ? nearest_of_two(t, w) : NULL;
	size_t n = strlen(c->name);
	return near && strncmp(near, c->name, n) == 0 && near[n] == ' ' ? near : NULL;
}

static int check_count(const struct admin_match *m, const struct admin_table *t, const struct words *w,
		       struct err *e)
{
	const struct admin_command *c = m->command;
	const char *space = *c->arguments ? " " : "";
	char wants[48];
	if (m->word_count >= c->least && m->word_count <= c->most)
		return OK;
	if (c->most == 0)
		snprintf(wants, sizeof(wants), "no word");
	else if (c->least == c->most)
		snprintf(wants, sizeof(wants), "%u word%s", c->most, c->most == 1 ? "" : "s");
	else if (m->word_count < c->least)
		snprintf(wants, sizeof(wants), "at least %u word%s", c->least, c->least == 1 ? "" : "s");
	else
		snprintf(wants, sizeof(wants), "at most %u word%s", c->most, c->most == 1 ? "" : "s");
	const char *near = longer(t, c, w);
	if (near)
		return err_set(e, E_CONFIG, "\"%s\" wants %s behind it, not %zu: did you mean \"%s\"?",
			       c->name, wants, m->word_count, near);
	return err_set(e, E_CONFIG, "\"%s\" wants %s behind it, not %zu: it is written %s%s%s", c->name,
		       wants, m->word_count, c->name, space, c->arguments);
}

static int take_all(struct admin_match *m, const struct admin_table *t, const struct words *w, size_t at,
		    struct err *e)
{
	while (at < w->count) {
		const struct word *word = &w->at[at];
		if (word->quoted || strncmp(word->text, "--", 2) != 0) {
			m->words[m->word_count++] = word->text;
			at++;
			continue;
		}
		int rc = take_option(m, w, &at, e);
		if (rc)
			return rc;
	}
	return check_count(m, t, w, e);
}

int admin_match(struct admin_match *m, const struct admin_table *t, const struct words *w, struct err *e)
{
	size_t used;
	*m = (struct admin_match){ .command = admin_find(t, w, &used) };
	if (!m->command)
		return admin_unknown(t, w, e);
	m->memory = mem_zalloc(w->count * (sizeof(*m->given) + sizeof(*m->words)));
	if (!m->memory)
		return err_set(e, E_NOMEM, "out of memory for a command");
	m->given = m->memory;
	m->words = (const char **)(m->given + w->count);
	int rc = take_all(m, t, w, used, e);
	if (rc)
		admin_match_release(m);
	return rc;
}

void admin_match_release(struct admin_match *m)
{
	mem_free(m->memory);
	*m = (struct admin_match){ 0 };
}
