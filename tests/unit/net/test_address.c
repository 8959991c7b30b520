#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#include "net/http_address.h"

static const struct {
	const char *ip, *kind; /* NULL: allowed */
} rows[] = {
	{ "1.1.1.1", NULL },
	{ "8.8.8.8", NULL },
	{ "9.255.255.255", NULL },
	{ "11.0.0.0", NULL },
	{ "100.63.255.255", NULL },
	{ "100.128.0.0", NULL },
	{ "126.255.255.255", NULL },
	{ "128.0.0.0", NULL },
	{ "172.15.255.255", NULL },
	{ "172.32.0.0", NULL },
	{ "192.0.1.0", NULL },
	{ "192.167.255.255", NULL },
	{ "192.169.0.0", NULL },
	{ "198.17.255.255", NULL },
	{ "198.20.0.0", NULL },
	{ "223.255.255.255", NULL },
	{ "0.0.0.0", "unspecified" },
	{ "0.1.2.3", "unspecified" },
	{ "10.0.0.0", "private" },
	{ "10.255.255.255", "private" },
	{ "100.64.0.0", "carrier-grade" },
	{ "100.127.255.255", "carrier-grade" },
	{ "100.100.100.200", "metadata" },
	{ "127.0.0.1", "loopback" },
	{ "127.255.255.255", "loopback" },
	{ "168.63.129.16", "metadata" },
	{ "169.254.0.1", "link-local" },
	{ "169.254.169.254", "metadata" },
	{ "172.16.0.0", "private" },
	{ "172.31.255.255", "private" },
	{ "192.0.0.1", "reserved" },
	{ "192.0.2.7", "documentation" },
	{ "192.88.99.1", "reserved" },
	{ "192.168.1.1", "private" },
	{ "198.19.255.255", "benchmark" },
	{ "198.51.100.1", "documentation" },
	{ "203.0.113.1", "documentation" },
	{ "224.0.0.1", "multicast" },
	{ "239.255.255.255", "multicast" },
	{ "240.0.0.1", "reserved" },
	{ "255.255.255.255", "reserved" },
	{ "2606:4700::1", NULL },
	{ "2a00:1450:4001:80b::200e", NULL },
	{ "::ffff:8.8.8.8", NULL },
	{ "64:ff9b::8.8.8.8", NULL },
	{ "2002:808:808::1", NULL },
	{ "::", "unspecified" },
	{ "::1", "loopback" },
	{ "::127.0.0.1", "loopback" },
	{ "::ffff:127.0.0.1", "loopback" },
	{ "::ffff:169.254.169.254", "metadata" },
	{ "::ffff:0:10.0.0.1", "private" },
	{ "64:ff9b::10.1.1.1", "private" },
	{ "64:ff9b:1::1", "reserved" },
	{ "2002:7f00:1::1", "loopback" },
	{ "2002:a9fe:a9fe::", "metadata" },
	{ "2001:0:1:2::", "tunnel" },
	{ "2001:2::1", "benchmark" },
	{ "2001:db8::1", "documentation" },
	{ "3fff:123::1", "documentation" },
	{ "2606:4700::5efe:10.0.0.1", "private" },
	{ "2606:4700::5efe:8.8.8.8", NULL },
	{ "fc00::1", "private" },
	{ "fdff::1", "private" },
	{ "fd00:ec2::254", "metadata" },
	{ "fe80::1", "link-local" },
	{ "fe80::1%eth0", "link-local" },
	{ "febf::1", "link-local" },
	{ "fec0::1", "private" },
	{ "ff02::1", "multicast" },
	{ "100::1", "reserved" },
	{ "4000::1", "reserved" },
	{ "1fff::1", "reserved" },
	{ "", "not an internet address" },
	{ "fleet.example", "not an internet address" },
	{ "1.2.3", "not an internet address" },
	{ "1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18:19:20:21:22:23:24:25", "not an internet address" },
};

static void check(const char *ip, const char *kind, const char *got)
{
	if (!kind && got)
		fail_msg("%s: %s", ip, got);
	if (kind && (!got || !strstr(got, kind)))
		fail_msg("%s: %s, not %s", ip, got ? got : "allowed", kind);
}

static void every_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(rows[i].ip, rows[i].kind, http_address_text_refused(rows[i].ip));
}

static void every_socket_address(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sockaddr_in v4 = { .sin_family = AF_INET };
		struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
		if (inet_pton(AF_INET, rows[i].ip, &v4.sin_addr) == 1)
			check(rows[i].ip, rows[i].kind, http_address_refused((struct sockaddr *)&v4));
		else if (inet_pton(AF_INET6, rows[i].ip, &v6.sin6_addr) == 1)
			check(rows[i].ip, rows[i].kind, http_address_refused((struct sockaddr *)&v6));
	}
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	check("unix", "not an internet address", http_address_refused((struct sockaddr *)&un));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_text),
		cmocka_unit_test(every_socket_address),
	};
	return cmocka_run_group_tests_name("net/address", tests, NULL, NULL);
}
