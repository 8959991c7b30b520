/* API tokens: read from a file or from the environment, or given at run time beside
 * the settings; never from the configuration itself, and never repeated in a message. */
#pragma once

#include "conf/reading.h"

enum { TOKEN_MAX_BYTES = 4096 };

struct token {
	char *text; /* in the arena, with a NUL; NULL: there was a complaint */
	size_t bytes;
	const char *from; /* "token_file tokens/acme" */
};

/* `name` is the file as written, or the variable; `node` is where it stands.
 * White space around the token is left out. */
void token_from_file(struct reading *r, const yaml_node_t *node, const char *name, struct token *out);
void token_from_env(struct reading *r, const yaml_node_t *node, const char *name, struct token *out);
/* `out` is a part of `text`, without a NUL of its own. */
void token_given(struct reading *r, const char *text, struct token *out);
