#include "conf/pem.h"

static bool has_begin(const char *text, enum pem_kind kind)
{
	const char *p = text;
	while ((p = strstr(p, "-----BEGIN "))) {
		const char *label = p + 11, *end = strstr(label, "-----");
		size_t n = end ? (size_t)(end - label) : 0;
		if (kind == PEM_CERTIFICATE && n >= 11 && memcmp(end - 11, "CERTIFICATE", 11) == 0)
			return true;
		if (kind == PEM_KEY && n >= 11 && memcmp(end - 11, "PRIVATE KEY", 11) == 0)
			return true;
		p = label;
	}
	return false;
}

bool pem_check(struct reading *r, const char *setting, const char *text, enum pem_kind kind)
{
	if (strlen(text) > CONF_PEM_MAX_BYTES) {
		complain_node(r, NULL, "\"%s\" is longer than 256KiB; give only what this server needs",
			      setting);
		return false;
	}
	if (has_begin(text, kind))
		return true;
	complain_node(r, NULL, "\"%s\" holds no %s in PEM form; give the file that begins with -----BEGIN %s",
		      setting, kind == PEM_KEY ? "private key" : "certificate",
		      kind == PEM_KEY ? "PRIVATE KEY-----" : "CERTIFICATE-----");
	return false;
}
