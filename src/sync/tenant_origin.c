#include "sync/tenant_origin.h"

int tenant_origin_new(struct http_origin **out, struct http_client *http, const struct conf_tenant *c,
		      struct err *e)
{
	struct http_origin_options o = {
		.name = c->name,
		.url = c->url,
		.token = c->token,
		.ca_file = c->ca_file,
		.client_cert = c->client_cert,
		.client_key = c->client_key,
		.ca_pem = c->ca_pem,
		.client_cert_pem = c->client_cert_pem,
		.client_key_pem = c->client_key_pem,
		.proxy = c->proxy,
		.headers = c->headers,
		.allow_http = c->allow_http,
		.allow_private = c->allow_private,
	};
	return http_origin_new(out, http, &o, e);
}
