#include "conf/document.h"

#include "base/utf8.h"

struct place place_of(yaml_mark_t mark)
{
	return (struct place){ (uint32_t)mark.line + 1, (uint32_t)mark.column + 1, 0 };
}

/* libyaml knows no line for a byte that it cannot read, so it is looked for
 * here: the first place that is not UTF-8 or not printable. */
static bool check_bytes(const unsigned char *p, size_t n, struct complaints *complaints)
{
	struct place at = { 1, 1, 0 };
	size_t i = n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	while (i < n) {
		size_t more = p[i] < 0x80 ? 0 : p[i] < 0xe0 ? 1 : p[i] < 0xf0 ? 2 : 3;
		if (i + more >= n || !utf8_valid((const char *)p + i, more + 1)) {
			complain(complaints, at, COMPLAINT_ERROR,
				 "the byte 0x%02x is not UTF-8; save the file with the encoding UTF-8", p[i]);
			return false;
		}
		bool c1 = p[i] == 0xc2 && p[i + 1] < 0xa0 && p[i + 1] != 0x85;
		if ((p[i] < 0x20 && !strchr("\t\r\n", p[i])) || p[i] == 0 || p[i] == 0x7f || c1) {
			complain(complaints, at, COMPLAINT_ERROR,
				 "the control character 0x%02x is not allowed; remove it",
				 c1 ? p[i + 1] : p[i]);
			return false;
		}
		if (p[i] == '\n' || (p[i] == '\r' && (i + 1 == n || p[i + 1] != '\n')))
			at = (struct place){ at.line + 1, 1, 0 };
		else
			at.column++;
		i += more + 1;
	}
	return true;
}

static const char *remedy(const char *problem)
{
	static const struct {
		const char *part, *remedy;
	} rows[] = {
		{ "cannot start any token",
		  "indent with spaces, and put text that begins with @ or ` in quotes" },
		{ "mapping values are not allowed", "begin each setting on its own line in the column of its "
						    "neighbours, and put text that has a colon in quotes" },
		{ "did not find expected key", "put the settings of one map in the same column" },
		{ "could not find expected ':'", "write each setting as \"name: value\"" },
		{ "did not find expected '-' indicator", "put the dashes of one list in the same column" },
		{ "did not find expected ',' or", "close the bracket, or put a comma between its members" },
		{ "unexpected end of stream", "close the quotes" },
		{ "undefined alias", "define it before with &name" },
		{ "duplicate anchor", "give each & its own name" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strstr(problem, rows[i].part))
			return rows[i].remedy;
	return "mend the spelling here or in the line above";
}

static void complain_syntax(const yaml_parser_t *parser, struct complaints *complaints)
{
	if (parser->error == YAML_MEMORY_ERROR) {
		complaints->no_memory = true;
		return;
	}
	const char *form = complaints->given ? "JSON" : "YAML";
	const char *problem = parser->problem ? parser->problem : "it cannot be read";
	struct place at = place_of(parser->problem_mark);
	if (parser->context && parser->context_mark.line != parser->problem_mark.line)
		complain(complaints, at, COMPLAINT_ERROR,
			 "not well-formed %s: %s (%s that begins in line %zu); %s", form, problem,
			 parser->context, parser->context_mark.line + 1, remedy(problem));
	else
		complain(complaints, at, COMPLAINT_ERROR, "not well-formed %s: %s; %s", form, problem,
			 remedy(problem));
}

struct census {
	unsigned documents, depth, anchors;
};

/* False when the document must not be loaded; one event at a time, so that a
 * hostile file is left before it has cost anything. */
static bool count_event(struct census *c, const yaml_event_t *event, struct complaints *complaints)
{
	struct place at = place_of(event->start_mark);
	const yaml_char_t *anchor = NULL;
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++c->documents > 1)
			complain(complaints, at, COMPLAINT_ERROR,
				 "a second document begins here; join the two and remove the line ---");
		return c->documents == 1;
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		c->depth++;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		c->depth++;
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		c->depth--;
		break;
	default:
		break;
	}
	c->anchors += anchor != NULL;
	if (complaints->given && anchor)
		complain(complaints, at, COMPLAINT_ERROR,
			 "anchors are not understood here; write the value out");
	else if (c->depth > DOCUMENT_MAX_DEPTH)
		complain(complaints, at, COMPLAINT_ERROR,
			 "nested deeper than %d levels; no setting is, so look for an unwanted bracket or "
			 "indent",
			 DOCUMENT_MAX_DEPTH);
	else if (c->anchors > DOCUMENT_MAX_ANCHORS)
		complain(complaints, at, COMPLAINT_ERROR, "more than %d anchors; write the values out",
			 DOCUMENT_MAX_ANCHORS);
	else
		return true;
	return false;
}

static bool census(const void *text, size_t n, struct complaints *complaints)
{
	yaml_parser_t parser;
	struct census c = { 0 };
	bool going = true, last = false;
	if (!yaml_parser_initialize(&parser)) {
		complaints->no_memory = true;
		return false;
	}
	yaml_parser_set_input_string(&parser, text, n);
	while (going && !last) {
		yaml_event_t event;
		if (!yaml_parser_parse(&parser, &event)) {
			complain_syntax(&parser, complaints);
			going = false;
			break;
		}
		going = count_event(&c, &event, complaints);
		last = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return going;
}

static bool load(yaml_document_t *out, const void *text, size_t n, struct complaints *complaints)
{
	yaml_parser_t parser;
	if (!yaml_parser_initialize(&parser)) {
		complaints->no_memory = true;
		return false;
	}
	yaml_parser_set_input_string(&parser, text, n);
	bool loaded = yaml_parser_load(&parser, out);
	if (!loaded)
		complain_syntax(&parser, complaints);
	yaml_parser_delete(&parser);
	return loaded;
}

bool document_load(yaml_document_t *out, const void *text, size_t n, struct complaints *complaints)
{
	if (n > DOCUMENT_MAX_BYTES) {
		complain(complaints, (struct place){ 1, 1, 0 }, COMPLAINT_ERROR,
			 "the file is larger than 1MiB; name the configuration, not a log or a store");
		return false;
	}
	return check_bytes(text, n, complaints) && census(text, n, complaints) &&
	       load(out, text, n, complaints);
}
