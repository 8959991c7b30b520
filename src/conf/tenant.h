/* One tenant: its table of settings and the checks between them. */
#pragma once

#include "conf/reading.h"

extern const struct setting_table tenant_settings;

/* Where the texts stand that are compared between tenants. */
struct tenant_places {
	struct place name, url;
};

/* What a tenant has without a word of anybody. */
void tenant_standard(struct reading *r, struct conf_tenant *out);
/* Puts the map of defaults over it. */
void tenant_defaults(struct reading *r, yaml_node_t *node, struct conf_tenant *standard);
/* Fills `out` with `standard` and what the map `node` says; what cannot be used is
 * complained about and left NULL or as in `standard`. Where the reading has
 * secrets, these are used and complained about too. */
void tenant_read(struct reading *r, yaml_node_t *node, const struct conf_tenant *standard,
		 struct conf_tenant *out, struct tenant_places *places);
/* Complains about what two tenants must not share, at the one that comes later. */
void tenant_check_all(struct reading *r, const struct conf_tenant *tenants,
		      const struct tenant_places *places, size_t count);
