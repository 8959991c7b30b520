/* The one place where the settings of a tenant become those of its connection. */
#pragma once

#include "conf/conf.h"
#include "net/http.h"

/* As http_origin_new(). */
int tenant_origin_new(struct http_origin **out, struct http_client *http, const struct conf_tenant *conf,
		      struct err *e);
