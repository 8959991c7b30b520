/* Writes JSON the way Go's encoder does: compact or indented by two spaces;
 * `<`, `>`, `&`, U+2028 and U+2029 as \u escapes. The base writer does neither,
 * which is why the simulator has its own. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* Asked for every key at depth `hook_depth`: raw text to write instead of the
 * value that follows, or NULL to let it through. */
typedef const char *jout_hook(void *ctx, const char *key);

struct jout {
	struct buf *b;
	bool pretty;
	bool after_value; /* the next key or element needs a comma */
	bool after_key;
	unsigned depth;
	jout_hook *hook;
	void *hook_ctx;
	unsigned hook_depth;
	/* swallowing the value that a hook replaced */
	bool mute;
	unsigned mute_nest;
};

void jout_init(struct jout *o, struct buf *b, bool pretty);
void jout_open(struct jout *o, char brace);
void jout_close(struct jout *o, char brace); /* '{' or '[' as opened */
void jout_key(struct jout *o, const char *key);
void jout_text(struct jout *o, const char *s); /* NULL writes null */
void jout_text_n(struct jout *o, const char *s, size_t n);
void jout_int(struct jout *o, int64_t v);
void jout_bool(struct jout *o, bool v);
void jout_null(struct jout *o);
void jout_raw(struct jout *o, const char *json);
/* RFC 3339 with Z; `micros` > 0 adds a fraction without trailing zeros. */
void jout_time(struct jout *o, int64_t unix_s, unsigned micros);
/* Hundredths as a decimal number: 7150 is 71.5. */
void jout_hundredths(struct jout *o, int64_t v);

static inline void jout_kt(struct jout *o, const char *key, const char *s)
{
	jout_key(o, key);
	jout_text(o, s);
}

static inline void jout_ki(struct jout *o, const char *key, int64_t v)
{
	jout_key(o, key);
	jout_int(o, v);
}

static inline void jout_kb(struct jout *o, const char *key, bool v)
{
	jout_key(o, key);
	jout_bool(o, v);
}

static inline void jout_kn(struct jout *o, const char *key)
{
	jout_key(o, key);
	jout_null(o);
}
