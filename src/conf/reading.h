/* Reading one configuration: what is at hand everywhere, and how a table of
 * settings is applied to a map of the file. */
#pragma once

#include "conf/document.h"

/* Lives on the stack of who reads. */
struct reading {
	struct arena *arena; /* holds everything that stays */
	struct complaints complaints;
	yaml_document_t *document;
	const char *folder; /* absolute, of the file; relative paths begin there */
	bool defaults;      /* what is read holds for several tenants */
	/* Not NULL: what is read was given at run time, with these beside it. */
	const struct conf_secrets *secrets;
};

enum setting_kind {
	SETTING_MAP,           /* its own settings are the rows whose group is this one's name */
	SETTING_TEXT,          /* const char * */
	SETTING_WORD,          /* int, the index in `words` */
	SETTING_PATH,          /* const char *, absolute */
	SETTING_SOCKET,        /* the same, fit for a UNIX socket; NULL for none */
	SETTING_FILE,          /* the same, and it must be a readable file */
	SETTING_BOOL,          /* bool */
	SETTING_SIZE,          /* uint64_t bytes */
	SETTING_DURATION_S,    /* int64_t seconds */
	SETTING_AGE,           /* int64_t seconds, INT64_MAX for forever */
	SETTING_DURATION_MS,   /* uint32_t milliseconds; bounds are in seconds */
	SETTING_COUNT,         /* uint32_t */
	SETTING_COUNT_OR_AUTO, /* uint32_t, 0 for auto */
	SETTING_OWN,           /* read by `read` */
	SETTING_LATER,         /* only found; read by who reads the table */
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
	/* The value as JSON, null for none; NULL for a SETTING_OWN that is not shown. */
	void (*write)(const void *from, struct buf *out);
	const char *const *words; /* of a SETTING_WORD, NULL-terminated */
	bool restart;             /* a change of it needs a restart */
	bool single;              /* of one tenant; no default for several */
	const char *not_given;    /* refused at run time; continues the sentence `"name" ...` */
};

struct setting_table {
	const struct setting *rows;
	size_t count;
};

/* The settings of the main file; those of a tenant are in tenant.h. */
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

/* The value of one setting as one would write it, in JSON. */
void setting_json(const struct setting *s, const void *from, struct buf *out);

/* True when reading on is pointless: no memory, or too many complaints. */
bool reading_over(const struct reading *r);
struct place place_of_node(const yaml_node_t *node);
/* Of settings given at run time: the following complaints are about this one;
 * NULL: about all. */
void about_setting(struct reading *r, const char *group, const char *name);
/* `node` may be NULL where what is wrong stands in no file. */
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
