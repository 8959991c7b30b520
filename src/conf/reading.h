/* Reading one configuration: what is at hand everywhere, and how a table of
 * settings is applied to a map of the file. */
#pragma once

#include "conf/document.h"

/* Lives on the stack of conf_parse(). */
struct reading {
	struct arena *arena; /* of the struct conf; holds everything that stays */
	struct complaints complaints;
	yaml_document_t *document;
	const char *folder; /* absolute, of the file; relative paths begin there */
};

enum setting_kind {
	SETTING_MAP,           /* its own settings are the rows whose group is this one's name */
	SETTING_TEXT,          /* const char * */
	SETTING_PATH,          /* const char *, absolute */
	SETTING_FILE,          /* the same, and it must be a readable file */
	SETTING_BOOL,          /* bool */
	SETTING_SIZE,          /* uint64_t bytes */
	SETTING_DURATION_S,    /* int64_t seconds */
	SETTING_DURATION_MS,   /* uint32_t milliseconds; bounds are in seconds */
	SETTING_COUNT_OR_AUTO, /* uint32_t, 0 for auto */
	SETTING_OWN,           /* read by `read` */
};

/* One setting of the file. */
struct setting {
	const char *group; /* "" or the name of the SETTING_MAP around it */
	const char *name;
	enum setting_kind kind;
	size_t at;            /* offset of the member in the struct that is filled */
	const char *standard; /* the default as one would write it; NULL: none */
	uint64_t least, most; /* bounds in the unit of the kind; both 0: none */
	const char *help;     /* what it is, fit to follow "give" */
	/* `value` is a node of any kind; complains itself. */
	void (*read)(struct reading *r, const struct setting *s, void *into, yaml_node_t *value);
};

struct setting_table {
	const struct setting *rows;
	size_t count;
};

/* The settings of the file itself; those of a tenant are in tenant.h. */
extern const struct setting_table conf_settings;

/* Where a setting stood, one for each row of the table; key NULL: not there. */
struct setting_found {
	yaml_node_t *key, *value;
};

/* Puts the defaults of all rows into `into`. */
void settings_standard(struct reading *r, const struct setting_table *table, void *into);
/* Applies the map `node`; `what` names it in complaints. `found` has room for
 * table->count and is overwritten. False when it is no map (complained). */
bool settings_read(struct reading *r, const struct setting_table *table, yaml_node_t *node, const char *what,
		   void *into, struct setting_found *found);

/* True when reading on is pointless: no memory, or too many complaints. */
bool reading_over(const struct reading *r);
struct place place_of_node(const yaml_node_t *node);
void complain_node(struct reading *r, const yaml_node_t *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "a list", "a map", "a value", "nothing" */
const char *node_kind(const yaml_node_t *node);
/* The text of a value, trimmed, for the setting `name`; false after a complaint
 * (a list or map, nothing, a tag of somebody else's, a control character). It
 * lives as long as the document. */
bool node_text(struct reading *r, yaml_node_t *node, const char *name, const char *help, struct slice *out);
/* The members of a list; false after a complaint. */
bool node_list(struct reading *r, yaml_node_t *node, const char *name, const char *help,
	       yaml_node_item_t **first, size_t *count);
/* suggest() for a word of the file. */
const char *nearest(struct slice word, const char *const *known, size_t count);
/* Copies with a NUL into the arena; NULL without memory (noted). */
char *keep(struct reading *r, struct slice text);
void *keep_room(struct reading *r, size_t bytes);
