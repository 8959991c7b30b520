/* Files with tenants that the main file names: "tenants.d/acme.yaml", one with
 * wildcards, or a list of such. Wildcards are for the last part of a path only, so
 * that finding the files is reading one folder. */
#pragma once

#include "conf/reading.h"

enum { INCLUDED_MAX = 10000 };

/* Finds the files, in sorted order, each once, and puts their names behind that of
 * the main file into complaints.files. How many there are; 0 also after a complaint. */
size_t include_find(struct reading *r, const struct setting *s, yaml_node_t *value);
/* Reads one that was found, `number` from 1, and hands its list of tenants on;
 * meanwhile complaints and relative paths are about this file. */
void include_read(struct reading *r, uint32_t number,
		  void (*tenants)(struct reading *r, void *arg, yaml_node_t *list), void *arg);
