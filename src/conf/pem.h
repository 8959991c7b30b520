/* Certificates and keys that come as text. Only their form is looked at; what is
 * in them is for OpenSSL to say. */
#pragma once

#include "conf/reading.h"

enum pem_kind { PEM_CERTIFICATE, PEM_KEY };

/* False after a complaint, which repeats nothing of the text. */
bool pem_check(struct reading *r, const char *setting, const char *text, enum pem_kind kind);
