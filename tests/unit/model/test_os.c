#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/model/sample.h"

#include <stdio.h>

static void assert_text(const char *what, struct slice got, const char *want)
{
	if (want ? slice_is(got, want) : !got.p)
		return;
	fail_msg("%s: \"%.*s\" instead of \"%s\"", what, got.p ? (int)got.n : 6, got.p ? got.p : "(none)",
		 want ? want : "(none)");
}

static struct device derived(struct host *h)
{
	static const struct derive_settings none;
	struct device d;
	derive(&d, h, NULL, NULL, &none, 0);
	return d;
}

static void name_and_version(void **state)
{
	static const struct {
		const char *platform, *like, *said;
		enum os_family family;
		const char *name, *version;
	} rows[] = {
		{ "darwin", "darwin", "macOS 15.2", OS_MACOS, "macOS", "15.2" },
		{ "darwin", "darwin", "macOS 26.0.1", OS_MACOS, "macOS", "26.0.1" },
		{ "darwin", "darwin", "Mac OS X 10.11.6", OS_MACOS, "Mac OS X", "10.11.6" },
		{ "windows", "windows", "Windows 11 Enterprise 22H2 10.0.22621.3007", OS_WINDOWS,
		  "Windows 11 Enterprise 22H2", "10.0.22621.3007" },
		{ "windows", "windows", "Microsoft Windows Server 2019 Datacenter 10.0.17763.5329",
		  OS_WINDOWS, "Windows Server 2019 Datacenter", "10.0.17763.5329" },
		{ "windows", "", "Windows 10 Pro", OS_WINDOWS, "Windows 10 Pro", NULL },
		{ "windows", "", "Windows 8.1 Pro 6.3.9600", OS_WINDOWS, "Windows 8.1 Pro", "6.3.9600" },
		{ "ubuntu", "debian", "Ubuntu 24.04.3 LTS", OS_LINUX, "Ubuntu", "24.04.3 LTS" },
		{ "debian", "", "Debian GNU/Linux 12.0.0", OS_LINUX, "Debian GNU/Linux", "12.0.0" },
		{ "debian", "", "Debian 12", OS_LINUX, "Debian", "12" },
		{ "centos", "rhel", "CentOS Linux 8", OS_LINUX, "CentOS Linux", "8" },
		{ "rhel", "rhel", "Rocky Linux 9.3", OS_LINUX, "Rocky Linux", "9.3" },
		{ "rhel", "rhel", "Fedora Linux 41.0.0", OS_LINUX, "Fedora Linux", "41.0.0" },
		{ "arch", "", "Arch Linux rolling", OS_LINUX, "Arch Linux", "rolling" },
		{ "kali", "debian", "Kali GNU/Linux Rolling 2024.1", OS_LINUX, "Kali GNU/Linux Rolling",
		  "2024.1" },
		{ "gentoo", "", "Gentoo", OS_LINUX, "Gentoo", NULL },
		{ "ipados", "", "iPadOS 17.5.1", OS_IPADOS, "iPadOS", "17.5.1" },
		{ "ios", "", "iOS 18.1", OS_IOS, "iOS", "18.1" },
		{ "android", "", "Android 14", OS_ANDROID, "Android", "14" },
		{ "chrome", "chrome", "ChromeOS 120.0.6099.272", OS_CHROMEOS, "ChromeOS", "120.0.6099.272" },
		{ "chrome", "", "Chrome OS 120.0", OS_CHROMEOS, "Chrome OS", "120.0" },
		{ "CrOS", "", "Chrome OS 99", OS_CHROMEOS, "Chrome OS", "99" },
		/* unknown platforms are kept; only platform_like makes them Linux */
		{ "plamo", "linux", "Plamo 8", OS_LINUX, "Plamo", "8" },
		{ "newdistro", "rhel fedora", "New Distro 1", OS_LINUX, "New Distro", "1" },
		{ "freebsd", "", "FreeBSD 14.1", OS_OTHER, "FreeBSD", "14.1" },
		{ "freebsd", "bsd", "Windows 3.1", OS_OTHER, "Windows", "3.1" },
		/* "" right after creation */
		{ "", "", "", OS_OTHER, NULL, NULL },
		{ "", "", "Windows 11 Pro 10.0.22631.1", OS_WINDOWS, "Windows 11 Pro", "10.0.22631.1" },
		{ "", "", "macOS 14.0", OS_MACOS, "macOS", "14.0" },
		{ "", "debian", "", OS_LINUX, NULL, NULL },
		{ NULL, NULL, NULL, OS_OTHER, NULL, NULL },
		/* odd spacing */
		{ "darwin", "", "  macOS  15.2 ", OS_MACOS, "macOS", "15.2" },
		{ "darwin", "", "15.2", OS_MACOS, NULL, "15.2" },
		{ "windows", "", "Microsoft ", OS_WINDOWS, "Microsoft", NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct host h = { .platform = slice_of(rows[i].platform),
				  .platform_like = slice_of(rows[i].like),
				  .os_version = slice_of(rows[i].said) };
		struct device d = derived(&h);
		const char *said = rows[i].said ? rows[i].said : "(null)";
		if (d.family != rows[i].family)
			fail_msg("\"%s\": family %s", said, os_family_name(d.family));
		assert_text(said, d.os_name, rows[i].name);
		assert_text(said, d.os_version, rows[i].version);
		assert_text(said, d.platform,
			    rows[i].platform && *rows[i].platform ? rows[i].platform : NULL);
	}
}

static void architecture(void **state)
{
	static const struct {
		const char *cpu_type, *want;
	} rows[] = {
		{ "x86_64", "x86_64" },
		{ "x86_64h", "x86_64" },
		{ "AMD64", "x86_64" },
		{ "arm64e", "arm64" },
		{ "ARM64", "arm64" },
		{ "aarch64", "arm64" },
		{ "i686", "x86" },
		{ "armv7l", "arm" },
		{ "riscv64", "riscv64" },
		{ "pdp11", NULL },
		{ "", NULL },
		{ NULL, NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct host h = { .cpu_type = slice_of(rows[i].cpu_type) };
		assert_text("arch", derived(&h).os_arch, rows[i].want);
	}
}

static void placeholders(void **state)
{
	static const char *const gone[] = {
		"",
		" ",
		"-1",
		"None",
		"NONE",
		"0",
		"null",
		"N/A",
		"n/a",
		"Not Specified",
		"Default string",
		"To be filled by O.E.M.",
		"To Be Filled By O.E.M.",
		"System Serial Number",
		"Unknown",
		"00000000",
		"........",
		"0000000000000000000000000000",
		"xxxxxxxx",
	};
	static const char *const kept[] = {
		"C0124FXASD6G", "VMware-56 4d 8c 00 00 00 00 00-00 00 00 00 00 00 00 00",
		"-2",           "1",
		"Nonesuch",     "0000000X",
		"00001",        "\xf0\x9f\x92\xbb",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++) {
		struct slice s = slice_of(gone[i]);
		struct host h = { .serial = s,
				  .uuid = s,
				  .hardware_vendor = s,
				  .hardware_model = s,
				  .primary_ip = s,
				  .primary_mac = s,
				  .public_ip = s };
		struct device d = derived(&h);
		assert_text(gone[i], d.serial, NULL);
		assert_text(gone[i], d.uuid, NULL);
		assert_text(gone[i], d.vendor, NULL);
		assert_text(gone[i], d.model, NULL);
		assert_text(gone[i], d.primary_ip, NULL);
		assert_text(gone[i], d.primary_mac, NULL);
		assert_text(gone[i], d.public_ip, NULL);
	}
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		struct host h = { .serial = slice_of(kept[i]) };
		assert_text(kept[i], derived(&h).serial, kept[i]);
	}
}

static void identity_without_meaning(void **state)
{
	static const struct {
		const char *uuid, *mac, *ip;
		bool kept;
	} rows[] = {
		{ "00000000-0000-0000-0000-000000000000", "00:00:00:00:00:00", "0.0.0.0", false },
		{ "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "ff:ff:ff:ff:ff:ff", "::", false },
		{ "03000200-0400-0500-0006-000700080009", "FF:FF:FF:FF:FF:FF", "", false },
		{ "f0000000-0000-0000-0000-000000000000", "f0:00:00:00:00:00", "::1", true },
		{ "C8B98348-A0A6-5838-A321-57B59D788269", "02:42:ac:1b:00:06", "10.0.0.1", true },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct host h = { .uuid = slice_of(rows[i].uuid),
				  .primary_mac = slice_of(rows[i].mac),
				  .primary_ip = slice_of(rows[i].ip) };
		struct device d = derived(&h);
		assert_text("uuid", d.uuid, rows[i].kept ? rows[i].uuid : NULL);
		assert_text("mac", d.primary_mac, rows[i].kept ? rows[i].mac : NULL);
		assert_text("ip", d.primary_ip, rows[i].kept ? rows[i].ip : NULL);
	}
}

static void numbers(void **state)
{
	struct host h = { .uptime_ns = 20807520000000000,
			  .memory_bytes = 0,
			  .cores_logical = 4,
			  .cores_physical = HOST_NO_INT,
			  .disk_total_bytes = -5,
			  .disk_available_bytes = 0,
			  .critical_vulnerabilities_count = 0,
			  .team_id = HOST_NO_INT,
			  .team_name = SLICE("x") };
	struct device d = derived(&h);
	(void)state;
	assert_int_equal(d.uptime_s, 20807520); /* beyond 2^53 nanoseconds */
	assert_true(d.memory_bytes == HOST_NO_INT);
	assert_int_equal(d.cores_logical, 4);
	assert_true(d.cores_physical == HOST_NO_INT);
	assert_true(d.disk_total_bytes == HOST_NO_INT);
	assert_true(d.disk_available_bytes == HOST_NO_INT);
	assert_int_equal(d.critical_vulnerabilities, 0);
	assert_null(d.team_name.p);
	h.critical_vulnerabilities_count = HOST_NO_INT;
	h.uptime_ns = HOST_NO_INT;
	d = derived(&h);
	assert_true(d.critical_vulnerabilities == HOST_NO_INT);
	assert_true(d.uptime_s == HOST_NO_INT);
}

static void evidence_from_the_future(void **state)
{
	static const struct derive_settings none;
	struct host h = { .policy_updated_at = 2000000000 };
	struct device d;
	(void)state;
	derive(&d, &h, NULL, NULL, &none, 1900000000);
	assert_int_equal(d.evaluated_at, HOST_NEVER);
	derive(&d, &h, NULL, NULL, &none, 2000000000 - 3600);
	assert_int_equal(d.evaluated_at, 2000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_and_version), cmocka_unit_test(architecture),
		cmocka_unit_test(placeholders),     cmocka_unit_test(identity_without_meaning),
		cmocka_unit_test(numbers),          cmocka_unit_test(evidence_from_the_future),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
