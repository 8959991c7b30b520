/* Which addresses a tenant's server may have. Pure. Allowed is what the public
 * internet routes; everything else (loopback, private, link-local, shared,
 * multicast, documentation, reserved, metadata services) is refused, also when
 * an IPv6 address only wraps such an IPv4 one (mapped, compatible, translated,
 * NAT64, 6to4, ISATAP). */
#pragma once

struct sockaddr;

/* NULL: allowed. Otherwise what kind of address it is, as in "a loopback
 * address"; static text. */
const char *http_address_refused(const struct sockaddr *a);
/* The same for text as curl prints it; a scope ("fe80::1%eth0") is ignored.
 * Text that is no address is refused. */
const char *http_address_text_refused(const char *ip);
