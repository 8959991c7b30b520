/* Certificates for the simulator: a certificate authority of its own and one
 * server certificate for each thing that can be wrong with one. All keys are
 * EC P-256 and new on every start. */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>

enum pki_kind {
	PKI_NONE,      /* plain http */
	PKI_GOOD,      /* for 127.0.0.1 and localhost */
	PKI_EXPIRED,   /* ended yesterday */
	PKI_SELF,      /* signed by itself */
	PKI_WRONGNAME, /* for other.example only */
	PKI_MUTUAL,    /* good, and asks the client for a certificate */
	PKI_KINDS
};

struct pki {
	char *ca_file;
	SSL_CTX *ctx[PKI_KINDS];
};

/* "none good expired self wrongname mutual"; -1 when it is none of them. */
int pki_kind_parse(const char *name);

/* Writes ca.pem, <kind>.pem and <kind>.key, and client.pem and client.key for
 * mutual TLS into `dir`; false (with a line on standard error) on failure. */
bool pki_make(struct pki *p, const char *dir);
void pki_release(struct pki *p);
