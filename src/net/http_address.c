#include "net/http_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

struct range4 {
	uint32_t net;
	int bits;
	const char *kind;
};

#define IP4(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static const struct range4 refused4[] = {
	{ IP4(169, 254, 169, 254), 32, "a metadata service" },
	{ IP4(100, 100, 100, 200), 32, "a metadata service" },
	{ IP4(192, 0, 0, 192), 32, "a metadata service" },
	{ IP4(168, 63, 129, 16), 32,
	  "a metadata service" }, /* public range, but answers only inside its cloud */
	{ IP4(0, 0, 0, 0), 8, "an unspecified address" },
	{ IP4(10, 0, 0, 0), 8, "a private address" },
	{ IP4(100, 64, 0, 0), 10, "a carrier-grade NAT address" },
	{ IP4(127, 0, 0, 0), 8, "a loopback address" },
	{ IP4(169, 254, 0, 0), 16, "a link-local address" },
	{ IP4(172, 16, 0, 0), 12, "a private address" },
	{ IP4(192, 0, 0, 0), 24, "a reserved address" },
	{ IP4(192, 0, 2, 0), 24, "a documentation address" },
	{ IP4(192, 88, 99, 0), 24, "a reserved address" },
	{ IP4(192, 168, 0, 0), 16, "a private address" },
	{ IP4(198, 18, 0, 0), 15, "a benchmark address" },
	{ IP4(198, 51, 100, 0), 24, "a documentation address" },
	{ IP4(203, 0, 113, 0), 24, "a documentation address" },
	{ IP4(224, 0, 0, 0), 4, "a multicast address" },
	{ IP4(240, 0, 0, 0), 4, "a reserved address" },
};

struct range6 {
	uint8_t net[16];
	int bits;
	int wraps; /* the IPv4 address starts at this byte and decides; 0: refused */
	const char *kind;
};

static const struct range6 ranges6[] = {
	{ { 0 }, 128, 0, "an unspecified address" },
	{ { [15] = 1 }, 128, 0, "a loopback address" },
	{ { 0 }, 96, 12, NULL },                        /* ::a.b.c.d, compatible */
	{ { [10] = 0xff, [11] = 0xff }, 96, 12, NULL }, /* ::ffff:a.b.c.d, mapped */
	{ { [8] = 0xff, [9] = 0xff }, 96, 12, NULL },   /* ::ffff:0:a.b.c.d, translated */
	{ { 0, 0x64, 0xff, 0x9b }, 96, 12, NULL },      /* 64:ff9b::a.b.c.d, NAT64 */
	{ { 0x20, 0x02 }, 16, 2, NULL },                /* 2002:ab:cd::, 6to4 */
	{ { 0xfd, 0x00, 0x0e, 0xc2 }, 32, 0, "a metadata service" },
	{ { 0xfc }, 7, 0, "a private address" },
	{ { 0xfe, 0x80 }, 10, 0, "a link-local address" },
	{ { 0xfe, 0xc0 }, 10, 0, "a private address" },
	{ { 0xff }, 8, 0, "a multicast address" },
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, 0, "a documentation address" },
	{ { 0x3f, 0xff }, 20, 0, "a documentation address" },
	{ { 0x20, 0x01 }, 32, 0, "a tunnel address" }, /* Teredo hides its IPv4 address */
	{ { 0x20, 0x01, 0x00, 0x02 }, 48, 0, "a benchmark address" },
	{ { 0x20, 0x01, 0x00, 0x10 }, 28, 0, "a reserved address" },
};

static const char *refused_v4(uint32_t ip)
{
	for (size_t i = 0; i < sizeof(refused4) / sizeof(refused4[0]); i++)
		if ((ip ^ refused4[i].net) >> (32 - refused4[i].bits) == 0)
			return refused4[i].kind;
	return NULL;
}

static const char *refused_v4_at(const uint8_t *p)
{
	return refused_v4(IP4(p[0], p[1], p[2], p[3]));
}

static int same_prefix(const uint8_t *a, const uint8_t *b, int bits)
{
	int bytes = bits / 8, rest = bits % 8;
	return memcmp(a, b, (size_t)bytes) == 0 && (rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0);
}

static const char *refused_v6(const uint8_t ip[16])
{
	static const uint8_t isatap[2][4] = { { 0, 0, 0x5e, 0xfe }, { 2, 0, 0x5e, 0xfe } };

	for (size_t i = 0; i < sizeof(ranges6) / sizeof(ranges6[0]); i++) {
		if (!same_prefix(ip, ranges6[i].net, ranges6[i].bits))
			continue;
		return ranges6[i].wraps ? refused_v4_at(ip + ranges6[i].wraps) : ranges6[i].kind;
	}
	if (memcmp(ip + 8, isatap[0], 4) == 0 || memcmp(ip + 8, isatap[1], 4) == 0) {
		const char *kind = refused_v4_at(ip + 12);
		if (kind)
			return kind;
	}
	/* Only 2000::/3 has been given out for the public internet. */
	return ip[0] >> 5 == 1 ? NULL : "a reserved address";
}

const char *http_address_refused(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return refused_v4(ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr));
	if (a->sa_family == AF_INET6)
		return refused_v6(((const struct sockaddr_in6 *)a)->sin6_addr.s6_addr);
	return "not an internet address";
}

const char *http_address_text_refused(const char *ip)
{
	char plain[INET6_ADDRSTRLEN];
	struct in_addr v4;
	struct in6_addr v6;
	size_t n = strcspn(ip, "%");

	if (n >= sizeof(plain))
		return "not an internet address";
	memcpy(plain, ip, n);
	plain[n] = '\0';
	if (inet_pton(AF_INET, plain, &v4) == 1)
		return refused_v4(ntohl(v4.s_addr));
	if (inet_pton(AF_INET6, plain, &v6) == 1)
		return refused_v6(v6.s6_addr);
	return "not an internet address";
}
