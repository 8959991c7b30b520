#include "conf/token.h"

#include "conf/path.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool complain_token(struct reading *r, const yaml_node_t *node, const char *from, const char *why)
{
	complain_node(r, node, "the token%s%s %s", from ? " of " : "", from ? from : "", why);
	return false;
}

/* The token within `text`, or a complaint. */
static bool check(struct reading *r, const yaml_node_t *node, const char *from, struct slice text,
		  struct slice *out)
{
	while (text.n && isspace((unsigned char)text.p[0]))
		text = (struct slice){ text.p + 1, text.n - 1 };
	while (text.n && isspace((unsigned char)text.p[text.n - 1]))
		text.n--;
	if (!text.n)
		return complain_token(r, node, from, "is empty; give the API token of a Fleet user");
	for (uint32_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c == '\n' || c == '\r')
			return complain_token(r, node, from, "has a line break inside; give just the token");
		if (c < 0x20 || c == 0x7f)
			return complain_token(
				r, node, from,
				"has a control character inside; write the token again, as text");
		if (c == ' ')
			return complain_token(r, node, from, "has a space inside; give just the token");
		if (c > 0x7f)
			return complain_token(
				r, node, from,
				"has a character that is not ASCII; copy the token again from Fleet");
	}
	*out = text;
	return true;
}

static void take(struct reading *r, const yaml_node_t *node, struct slice text, struct token *out)
{
	struct slice token;
	if (!check(r, node, out->from, text, &token))
		return;
	out->text = keep(r, token);
	out->bytes = token.n;
}

static const char *named(struct reading *r, const char *how, const char *name)
{
	size_t n = strlen(how) + 1 + strlen(name) + 1;
	char *p = keep_room(r, n);
	if (p)
		snprintf(p, n, "%s %s", how, name);
	return p;
}

/* A token where its file's or variable's name belongs must not be repeated. */
static bool looks_like_token(const char *name)
{
	size_t n = strlen(name);
	if (n >= 40 && name[n - 1] == '=')
		return true;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("+/_-=", name[i]))
			return false;
	return n >= 64 && !strchr("/.", name[0]);
}

static void warn_readable(struct reading *r, const yaml_node_t *node, const char *from, int fd)
{
	struct stat st;
	if (fstat(fd, &st) == 0 && (st.st_mode & S_IROTH))
		complain(&r->complaints, place_of_node(node), COMPLAINT_WARNING,
			 "%s may be read by every user of this machine; take that away with chmod o-rwx",
			 from);
}

/* At most n bytes; -1 with errno. */
static ssize_t read_all(int fd, char *to, size_t n)
{
	size_t got = 0;
	while (got < n) {
		ssize_t k = read(fd, to + got, n - got);
		if (k == 0)
			break;
		if (k < 0 && errno != EINTR)
			return -1;
		got += k > 0 ? (size_t)k : 0;
	}
	return (ssize_t)got;
}

void token_from_file(struct reading *r, const yaml_node_t *node, const char *name, struct token *out)
{
	*out = (struct token){ 0 };
	struct err why;
	char text[TOKEN_MAX_BYTES + 1];
	const char *path = path_absolute(r, slice_of(name));
	if (!path)
		return;
	int fd = path_open(path, &why);
	if (fd < 0 && looks_like_token(name)) {
		complain_node(r, node,
			      "\"token_file\" looks like a token; put the token into a file and name that");
		return;
	}
	if (fd < 0) {
		complain_node(
			r, node,
			"\"token_file\" names \"%.250s\", which %s; put the token there, or mend the path",
			path, why.text);
		return;
	}
	out->from = named(r, "token_file", name);
	ssize_t n = read_all(fd, text, sizeof(text));
	if (out->from && n < 0)
		complain_node(r, node,
			      "\"token_file\" names \"%.250s\", which cannot be read: %s; mend the file",
			      path, strerrordesc_np(errno));
	else if (out->from && (size_t)n > TOKEN_MAX_BYTES)
		complain_token(r, node, out->from, "is longer than 4KiB; give just the token");
	else if (out->from)
		take(r, node, (struct slice){ text, (uint32_t)n }, out);
	if (out->text)
		warn_readable(r, node, out->from, fd);
	explicit_bzero(text, sizeof(text));
	close(fd);
}

static bool is_variable(const char *name)
{
	if (!*name || isdigit((unsigned char)*name) || strlen(name) > 64)
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '_')
			return false;
	return true;
}

void token_from_env(struct reading *r, const yaml_node_t *node, const char *name, struct token *out)
{
	*out = (struct token){ 0 };
	if (!is_variable(name)) {
		complain_node(r, node,
			      "\"token_env\" is no name of an environment variable; give one of at most 64 "
			      "letters, "
			      "digits and _, such as ACME_TOKEN");
		return;
	}
	const char *text = getenv(name);
	if (!text) {
		complain_node(
			r, node,
			"\"token_env\" names the environment variable %s, which is not set; set it, or use "
			"token_file",
			name);
		return;
	}
	out->from = named(r, "token_env", name);
	if (out->from && strlen(text) > TOKEN_MAX_BYTES)
		complain_token(r, node, out->from, "is longer than 4KiB; give just the token");
	else if (out->from)
		take(r, node, slice_of(text), out);
}

void token_given(struct reading *r, const char *text, struct token *out)
{
	struct slice token;
	*out = (struct token){ 0 };
	if (strlen(text) > TOKEN_MAX_BYTES)
		complain_token(r, NULL, NULL, "is longer than 4KiB; give just the token");
	else if (check(r, NULL, NULL, slice_of(text), &token))
		*out = (struct token){ (char *)(uintptr_t)token.p, token.n, NULL };
}
