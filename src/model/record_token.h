/* The stable part as it is stored: the values of docs/device.schema.json, each
 * a token that ends with a line feed.
 *
 *   null     nothing
 *   text     '"', then the text as JSON escapes it, so that no byte below 0x20
 *            stands in it
 *   texts    '"', then such texts with TOKEN_SEPARATOR between them; nothing is
 *            the empty list
 *   number   digits; times are Unix seconds
 *   truth    t or f
 *   word     the letter of its place in one of the sets below
 *   policies '[', then for each its id and p, f or u (result), in upper case
 *            when it is critical
 *
 * Only record*.c include this. */
#pragma once

#include "base/slice.h"
#include "model/derive.h"

/* In the order they are stored: what indexes and events ask for comes first. */
enum record_token {
	TOKEN_UUID,
	TOKEN_SERIAL,
	TOKEN_COMPLIANCE_STATE,
	TOKEN_OWNER_EMAIL,
	TOKEN_ACCESS_GROUPS,
	TOKENS_INDEXED,
	TOKEN_HOSTNAME = TOKENS_INDEXED,
	TOKEN_COMPUTER_NAME,
	TOKEN_DISPLAY_NAME,
	TOKEN_OS_FAMILY,
	TOKEN_OS_PLATFORM,
	TOKEN_OS_NAME,
	TOKEN_OS_VERSION,
	TOKEN_OS_BUILD,
	TOKEN_OS_ARCH,
	TOKEN_HARDWARE_VENDOR,
	TOKEN_HARDWARE_MODEL,
	TOKEN_HARDWARE_CPU,
	TOKEN_CORES_PHYSICAL,
	TOKEN_CORES_LOGICAL,
	TOKEN_MEMORY_BYTES,
	TOKEN_DISK_BYTES,
	TOKEN_ENCRYPTION_STATE,
	TOKEN_ENCRYPTION_METHOD,
	TOKEN_ENCRYPTION_EVIDENCE,
	TOKEN_KEY_ESCROWED,
	TOKEN_MDM_ENROLLMENT,
	TOKEN_MDM_VENDOR,
	TOKEN_MDM_BY_FLEET,
	TOKEN_MDM_SERVER_URL,
	TOKEN_DEVICE_STATUS,
	TOKEN_PENDING_ACTION,
	TOKEN_FAILING,
	TOKEN_CRITICAL_FAILING,
	TOKEN_UNANSWERED,
	TOKEN_REASONS,
	TOKEN_POLICIES,
	TOKEN_OWNER_SOURCE,
	TOKEN_OWNER_AMBIGUOUS,
	TOKEN_CANDIDATES, /* texts, three to each: email, source, letter of its origin */
	TOKEN_ACCESS_USERS,
	TOKEN_TEAM_ID, /* null: there is no team */
	TOKEN_TEAM_NAME,
	TOKEN_OSQUERY,
	TOKEN_ORBIT,
	TOKEN_DESKTOP,
	TOKEN_CRITICAL_VULNERABILITIES,
	TOKEN_ENROLLED,
	RECORD_TOKENS
};

#define TOKEN_SEPARATOR '\x1f'

struct record_tokens {
	struct slice at[RECORD_TOKENS]; /* without the line feed; p is never NULL */
};
/* OK; E_CORRUPT when there are fewer or more tokens, or the last one is cut. */
int record_split(struct record_tokens *out, struct slice stable);
/* The next token of the text that begins at *p, which moves behind it; SLICE_NONE
 * when there is none. */
struct slice record_next_token(const char **p, const char *end);

/* The next text of a list, from *p on; *p is NULL after the last one. */
struct slice record_next_text(const char **p, const char *end);
/* Where a walk over TOKEN_CANDIDATES stands; begins with zeros. */
struct record_candidates {
	const char *p;
	bool begun;
};
/* 1: the next one, its texts still escaped; 0: there are no more; E_CORRUPT. */
int record_next_candidate(struct record_candidates *walk, struct slice token, struct slice *email,
			  struct slice *source, struct slice *origin);

/* False when the token is no number of up to 18 digits. */
bool record_number(struct slice token, int64_t *out);

/* ---- words ---- */
enum record_words {
	WORDS_OS_FAMILY,
	WORDS_COMPLIANCE,
	WORDS_ENCRYPTION,
	WORDS_METHOD,
	WORDS_EVIDENCE,
	WORDS_ENROLLMENT,
	WORDS_ORIGIN,
};
/* Letters of the values of an enum, in its order; for sets without an enum each
 * letter is the first one of its word. */
#define LETTERS_OS_FAMILY  "omwlipac"
#define LETTERS_COMPLIANCE "ucne"
#define LETTERS_ENCRYPTION "uyneafr"
#define LETTERS_ENROLLMENT "uampwo"
#define LETTERS_METHOD     "fbl"
#define LETTERS_EVIDENCE   "do"
#define LETTERS_ORIGIN     "ld"
/* The word that a token stands for, static; SLICE_NONE when it is not one letter
 * of the set. */
struct slice record_word(enum record_words set, struct slice token);

/* ---- text ---- */

/* True when none of eight bytes needs escaping. */
static inline bool eight_plain(uint64_t v)
{
	const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
	uint64_t quote = v ^ (ones * '"'), slash = v ^ (ones * '\\');
	uint64_t found = ((v - ones * 0x20) & ~v) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
	return !(found & high);
}

static inline bool is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

/* True when it is what the writer makes of some text; sets *escaped when an
 * escape is in it. */
bool record_text_valid(struct slice raw, bool *escaped);
/* Writes what it stands for to `to`, where raw.n bytes are free; returns the
 * length. `raw` must be valid. */
size_t record_text_unescape(char *to, struct slice raw);
