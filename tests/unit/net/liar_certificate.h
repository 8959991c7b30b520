/* Keys and certificates for the lying server, made afresh in each test run. */
#pragma once

#include "unit/net/liar.h"

#include <openssl/ssl.h>

SSL_CTX *liar_tls(enum liar_certificate kind);
