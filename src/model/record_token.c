#include "model/record_token.h"

#include "base/err.h"

struct slice record_next_token(const char **p, const char *end)
{
	const char *from = *p, *stop = from < end ? memchr(from, '\n', (size_t)(end - from)) : NULL;
	if (!stop)
		return SLICE_NONE;
	*p = stop + 1;
	return (struct slice){ from, (uint32_t)(stop - from) };
}

int record_split(struct record_tokens *out, struct slice stable)
{
	const char *p = stable.p, *end = stable.p ? stable.p + stable.n : NULL;
	for (int i = 0; i < RECORD_TOKENS; i++) {
		out->at[i] = record_next_token(&p, end);
		if (!out->at[i].p)
			return E_CORRUPT;
	}
	return p == end ? OK : E_CORRUPT;
}

struct slice record_next_text(const char **p, const char *end)
{
	const char *from = *p, *stop = memchr(from, TOKEN_SEPARATOR, (size_t)(end - from));
	*p = stop ? stop + 1 : NULL;
	return (struct slice){ from, (uint32_t)((stop ? stop : end) - from) };
}

int record_next_candidate(struct record_candidates *walk, struct slice token, struct slice *email,
			  struct slice *source, struct slice *origin)
{
	const char *end = token.p + token.n;
	if (!walk->begun && token.n) {
		if (*token.p != '"')
			return E_CORRUPT;
		walk->p = token.p + 1;
	}
	walk->begun = true;
	if (!walk->p)
		return 0;
	*email = record_next_text(&walk->p, end);
	if (!walk->p)
		return E_CORRUPT;
	*source = record_next_text(&walk->p, end);
	if (!walk->p)
		return E_CORRUPT;
	*origin = record_next_text(&walk->p, end);
	return 1;
}

bool record_number(struct slice token, int64_t *out)
{
	int64_t v = 0;
	if (!token.n || token.n > 18 || (token.n > 1 && *token.p == '0'))
		return false;
	for (uint32_t i = 0; i < token.n; i++) {
		if (token.p[i] < '0' || token.p[i] > '9')
			return false;
		v = v * 10 + (token.p[i] - '0');
	}
	*out = v;
	return true;
}

/* ---- words ---- */

static const char *word(enum record_words set, size_t i)
{
	static const char *const methods[] = { "filevault", "bitlocker", "luks" };
	static const char *const evidence[] = { "disk_encryption_enabled", "os_settings" };
	static const char *const origins[] = { "list", "detail" };
	switch (set) {
	case WORDS_OS_FAMILY:
		return os_family_name((enum os_family)i);
	case WORDS_COMPLIANCE:
		return compliance_state_name((enum compliance_state)i);
	case WORDS_ENCRYPTION:
		return encryption_state_name((enum encryption_state)i);
	case WORDS_ENROLLMENT:
		return mdm_enrollment_name((enum mdm_enrollment)i);
	case WORDS_METHOD:
		return methods[i];
	case WORDS_EVIDENCE:
		return evidence[i];
	case WORDS_ORIGIN:
		return origins[i];
	}
	return NULL;
}

struct slice record_word(enum record_words set, struct slice token)
{
	static const struct slice letters[] = {
		[WORDS_OS_FAMILY] = SLICE(LETTERS_OS_FAMILY),
		[WORDS_COMPLIANCE] = SLICE(LETTERS_COMPLIANCE),
		[WORDS_ENCRYPTION] = SLICE(LETTERS_ENCRYPTION),
		[WORDS_METHOD] = SLICE(LETTERS_METHOD),
		[WORDS_EVIDENCE] = SLICE(LETTERS_EVIDENCE),
		[WORDS_ENROLLMENT] = SLICE(LETTERS_ENROLLMENT),
		[WORDS_ORIGIN] = SLICE(LETTERS_ORIGIN),
	};
	const char *at = token.n == 1 ? memchr(letters[set].p, *token.p, letters[set].n) : NULL;
	return at ? slice_of(word(set, (size_t)(at - letters[set].p))) : SLICE_NONE;
}

/* ---- text ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char short_letters[] = "\"\\nrt", short_values[] = "\"\\\n\r\t";

/* Length of the escape that begins at the backslash p; 0 when the writer makes
 * no such escape. */
static size_t escape_length(const char *p, const char *end)
{
	if (end - p < 2)
		return 0;
	if (p[1] != 'u')
		return memchr(short_letters, p[1], sizeof(short_letters) - 1) ? 2 : 0;
	if (end - p < 6 || memcmp(p, "\\u00", 4) != 0 || (p[4] != '0' && p[4] != '1') || hex_digit(p[5]) < 0)
		return 0;
	char c = (char)((p[4] - '0') << 4 | hex_digit(p[5]));
	return memchr(short_values, c, sizeof(short_values) - 1) ? 0 : 6;
}

bool record_text_valid(struct slice raw, bool *escaped)
{
	const char *p = raw.p, *end = raw.p + raw.n;
	*escaped = false;
	while (p < end) {
		uint64_t v;
		if (end - p >= 8 && (memcpy(&v, p, 8), eight_plain(v))) {
			p += 8;
			continue;
		}
		if (is_plain((unsigned char)*p)) {
			p++;
			continue;
		}
		size_t n = *p == '\\' ? escape_length(p, end) : 0;
		if (!n)
			return false;
		*escaped = true;
		p += n;
	}
	return true;
}

size_t record_text_unescape(char *to, struct slice raw)
{
	const char *p = raw.p, *end = raw.p + raw.n;
	char *begin = to;
	while (p < end) {
		if (*p != '\\') {
			*to++ = *p++;
		} else if (p[1] == 'u') {
			*to++ = (char)((unsigned)hex_digit(p[4]) << 4 | (unsigned)hex_digit(p[5]));
			p += 6;
		} else {
			const char *at = memchr(short_letters, p[1], sizeof(short_letters) - 1);
			*to++ = short_values[at - short_letters];
			p += 2;
		}
	}
	return (size_t)(to - begin);
}
