#include "model/record.h"
#include "model/record_member.h"

static void name_field(struct buf *out, struct slice path)
{
	if (out->len && out->data[out->len - 1] != '[')
		buf_putc(out, ',');
	buf_putc(out, '"');
	buf_add(out, path.p, path.n);
	buf_putc(out, '"');
}

/* A team that comes or goes is told as the whole object. */
static struct slice path_of(const struct record_member *m, bool team_appears)
{
	bool team = m->kind == MEMBER_TEAM_ID || m->kind == MEMBER_TEAM_NAME;
	return team && team_appears ? SLICE("team") : m->path;
}

int record_changed_fields(struct buf *out, struct slice before, struct slice after)
{
	struct record_tokens a, b;
	struct slice told = SLICE_NONE;
	if (record_split(&a, before) || record_split(&b, after))
		return E_CORRUPT;
	bool team_appears = !a.at[TOKEN_TEAM_ID].n != !b.at[TOKEN_TEAM_ID].n;
	buf_putc(out, '[');
	for (int i = 0; i < RECORD_TOKENS; i++) {
		const struct record_member *m = &record_members[i];
		struct slice path = path_of(m, team_appears);
		/* members of one path stand side by side */
		if (slice_eq(a.at[m->token], b.at[m->token]) || slice_eq(path, told))
			continue;
		name_field(out, path);
		told = path;
	}
	buf_putc(out, ']');
	return out->failed;
}
