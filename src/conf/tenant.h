/* One tenant of the file: its table of settings and the checks between them. */
#pragma once

#include "conf/reading.h"

extern const struct setting_table tenant_settings;

/* Where the texts stand that are compared between tenants. */
struct tenant_places {
	struct place name, url;
};

/* Fills `out` from the list member `node`; what cannot be used is complained
 * about and left NULL or at its default. */
void tenant_read(struct reading *r, yaml_node_t *node, struct conf_tenant *out, struct tenant_places *places);
/* What two tenants must not share: complains about each that comes later. */
void tenant_check_all(struct reading *r, const struct conf_tenant *tenants,
		      const struct tenant_places *places, size_t count);
