/* Text -> libyaml document, with ceilings put in front of libyaml, whose cost
 * grows with the square of nesting and of anchors. One document only. */
#pragma once

#include "conf/complaints.h"

#include <yaml.h>

enum {
	DOCUMENT_MAX_BYTES = 1024 * 1024,
	DOCUMENT_MAX_DEPTH = 16,
	DOCUMENT_MAX_ANCHORS = 1000,
};

/* True when `out` was filled, then yaml_document_delete() it. Otherwise there
 * has been a complaint, or complaints->no_memory is set. Of settings that are
 * given at run time (complaints->given) anchors are refused, so that the document
 * is a tree. */
bool document_load(yaml_document_t *out, const void *text, size_t n, struct complaints *complaints);

struct place place_of(yaml_mark_t mark);
