/* The members of docs/device.schema.json from `identity` to `enrolled`, in their
 * order, with the tokens they are made of. Only record*.c include this. */
#pragma once

#include "model/record_token.h"

enum member_kind {
	MEMBER_TEXT,
	MEMBER_TEXTS,
	MEMBER_ONE_TEXT, /* an array of one text, or of none */
	MEMBER_NUMBER,
	MEMBER_TIME,
	MEMBER_TRUTH,
	MEMBER_FLAG, /* a truth, never null */
	MEMBER_WORD,
	MEMBER_STATE, /* a word, never null */
	MEMBER_POLICIES,
	MEMBER_CANDIDATES,
	MEMBER_TEAM_ID,
	MEMBER_TEAM_NAME,
};

struct record_member {
	enum record_token token;
	enum member_kind kind;
	enum record_words words; /* of words and states */
	/* Everything that stands in the object between the value before and this
	 * one: braces, keys and punctuation. */
	struct slice before;
	struct slice path; /* its name in a change event */
};

extern const struct record_member record_members[RECORD_TOKENS];
