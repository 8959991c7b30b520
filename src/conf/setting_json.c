#include "base/json.h"
#include "conf/reading.h"
#include "conf/value.h"

#include <stdio.h>

static void duration_json(uint64_t seconds, struct buf *out)
{
	char text[VALUE_TEXT];
	value_duration_text(seconds, text);
	json_text(out, slice_of(text));
}

static void size_json(uint64_t bytes, struct buf *out)
{
	char text[VALUE_TEXT];
	value_size_text(bytes, text);
	json_text(out, slice_of(text));
}

void setting_json(const struct setting *s, const void *from, struct buf *out)
{
	const char *member = (const char *)from + s->at;
	if (s->write)
		s->write(from, out);
	else if (s->kind == SETTING_BOOL)
		json_bool(out, *(const bool *)member);
	else if (s->kind == SETTING_WORD)
		json_text(out, slice_of(s->words[*(const int *)member]));
	else if (s->kind == SETTING_SIZE)
		size_json(*(const uint64_t *)member, out);
	else if (s->kind == SETTING_DURATION_MS)
		duration_json(*(const uint32_t *)member / 1000, out);
	else if (s->kind == SETTING_AGE && *(const int64_t *)member == INT64_MAX)
		json_text(out, SLICE("forever"));
	else if (s->kind == SETTING_DURATION_S || s->kind == SETTING_AGE)
		duration_json((uint64_t) * (const int64_t *)member, out);
	else if (s->kind == SETTING_COUNT_OR_AUTO && !*(const uint32_t *)member)
		json_text(out, SLICE("auto"));
	else if (s->kind == SETTING_COUNT || s->kind == SETTING_COUNT_OR_AUTO)
		json_int(out, *(const uint32_t *)member);
	else if (s->kind == SETTING_OWN || s->kind == SETTING_MAP || s->kind == SETTING_LATER)
		json_null(out);
	else
		json_text(out, slice_of(*(const char *const *)member));
}
