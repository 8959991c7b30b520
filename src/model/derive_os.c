#include "model/derive_rules.h"

const char *os_family_name(enum os_family v)
{
	static const char *const names[] = {
		[OS_OTHER] = "other",     [OS_MACOS] = "macos",       [OS_WINDOWS] = "windows",
		[OS_LINUX] = "linux",     [OS_IOS] = "ios",           [OS_IPADOS] = "ipados",
		[OS_ANDROID] = "android", [OS_CHROMEOS] = "chromeos",
	};
	return names[v];
}

/* ---- family ---- */
struct word_family {
	struct slice word;
	enum os_family family;
};

#define LINUX(word)                                                                                          \
	{                                                                                                    \
		SLICE(word), OS_LINUX                                                                        \
	}
static const struct word_family platforms[] = {
	{ SLICE("darwin"), OS_MACOS },
	{ SLICE("windows"), OS_WINDOWS },
	LINUX("ubuntu"),
	LINUX("debian"),
	LINUX("rhel"),
	{ SLICE("ios"), OS_IOS },
	{ SLICE("ipados"), OS_IPADOS },
	{ SLICE("android"), OS_ANDROID },
	{ SLICE("chrome"), OS_CHROMEOS },
	{ SLICE("cros"), OS_CHROMEOS },
	{ SLICE("chromeos"), OS_CHROMEOS },
	{ SLICE("macos"), OS_MACOS },
	LINUX("linux"),
	LINUX("centos"),
	LINUX("fedora"),
	LINUX("rocky"),
	LINUX("almalinux"),
	LINUX("ol"),
	LINUX("amzn"),
	LINUX("sles"),
	LINUX("suse"),
	LINUX("opensuse"),
	LINUX("opensuse-leap"),
	LINUX("opensuse-tumbleweed"),
	LINUX("arch"),
	LINUX("archarm"),
	LINUX("manjaro"),
	LINUX("manjaro-arm"),
	LINUX("endeavouros"),
	LINUX("linuxmint"),
	LINUX("pop"),
	LINUX("kali"),
	LINUX("gentoo"),
	LINUX("void"),
	LINUX("nixos"),
	LINUX("tuxedo"),
	LINUX("neon"),
	LINUX("alpine"),
};

/* What os_version begins with, for hosts whose platform is still "". */
static const struct word_family beginnings[] = {
	{ SLICE("macOS"), OS_MACOS },       { SLICE("Mac OS X"), OS_MACOS },
	{ SLICE("Windows"), OS_WINDOWS },   { SLICE("Microsoft Windows"), OS_WINDOWS },
	{ SLICE("iOS"), OS_IOS },           { SLICE("iPadOS"), OS_IPADOS },
	{ SLICE("Android"), OS_ANDROID },   { SLICE("Chrome OS"), OS_CHROMEOS },
	{ SLICE("ChromeOS"), OS_CHROMEOS },
};

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static enum os_family family_of_word(struct slice word)
{
	for (size_t i = 0; i < COUNT(platforms); i++)
		if (platforms[i].word.n == word.n && text_is_folded(word, platforms[i].word))
			return platforms[i].family;
	return OS_OTHER;
}

/* The next word of `*rest`, taken off it; n == 0 at the end. */
static struct slice next_word(struct slice *rest)
{
	while (rest->n && *rest->p == ' ') {
		rest->p++;
		rest->n--;
	}
	struct slice word = { rest->p, 0 };
	while (word.n < rest->n && word.p[word.n] != ' ')
		word.n++;
	rest->p += word.n;
	rest->n -= word.n;
	return word;
}

static bool like_linux(struct slice platform_like)
{
	for (struct slice word; (word = next_word(&platform_like)).n;)
		if (family_of_word(word) == OS_LINUX)
			return true;
	return false;
}

static enum os_family family_of(struct slice platform, struct slice platform_like, struct slice os_version)
{
	enum os_family family = platform.p ? family_of_word(platform) : OS_OTHER;
	if (family != OS_OTHER)
		return family;
	if (platform_like.p && like_linux(platform_like))
		return OS_LINUX;
	if (!platform.p && os_version.p)
		for (size_t i = 0; i < COUNT(beginnings); i++) {
			struct slice word = beginnings[i].word;
			if (os_version.n >= word.n && memcmp(os_version.p, word.p, word.n) == 0)
				return beginnings[i].family;
		}
	return OS_OTHER;
}

/* ---- name and version ---- */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "10.0.22621.3007": in Windows names numbers with fewer parts belong to the
 * product ("Windows 11", "Windows 8.1", "Server 2019", "22H2"). */
static bool is_windows_version(struct slice word)
{
	int dots = 0;
	if (!word.n || !is_digit(*word.p))
		return false;
	for (uint32_t i = 0; i < word.n; i++) {
		if (!is_digit(word.p[i]) && word.p[i] != '.')
			return false;
		dots += word.p[i] == '.';
	}
	return dots >= 2;
}

static bool is_version(struct slice word, enum os_family family)
{
	if (family == OS_WINDOWS)
		return is_windows_version(word);
	return is_digit(*word.p) || text_is_folded(word, SLICE("rolling"));
}

/* The version begins at the first word that looks like one and goes to the end
 * ("24.04.3 LTS"). Nothing is lost but a leading "Microsoft": name, a space,
 * version is what Fleet said. */
static void split(struct device *out, struct slice text)
{
	static const struct slice maker = SLICE("Microsoft ");

	out->os_name = text;
	out->os_version = SLICE_NONE;
	if (!text.p)
		return;
	if (text.n > maker.n && memcmp(text.p, maker.p, maker.n) == 0)
		text = text_trim((struct slice){ text.p + maker.n, text.n - maker.n });
	out->os_name = text;
	struct slice rest = text;
	for (struct slice word; (word = next_word(&rest)).n;) {
		if (!is_version(word, out->family))
			continue;
		/* "Kali GNU/Linux Rolling 2024.1": the number is the version */
		if (!is_digit(*word.p) && text_trim(rest).p)
			continue;
		uint32_t before = (uint32_t)(word.p - text.p);
		out->os_name = text_trim((struct slice){ text.p, before });
		out->os_version = (struct slice){ word.p, text.n - before };
		return;
	}
}

/* ---- processor architecture ---- */
static struct slice arch_of(struct slice cpu_type)
{
	static const struct {
		struct slice said, is;
	} rows[] = {
		{ SLICE("x86_64"), SLICE("x86_64") },   { SLICE("arm64e"), SLICE("arm64") },
		{ SLICE("arm64"), SLICE("arm64") },     { SLICE("aarch64"), SLICE("arm64") },
		{ SLICE("x86_64h"), SLICE("x86_64") },  { SLICE("amd64"), SLICE("x86_64") },
		{ SLICE("x64"), SLICE("x86_64") },      { SLICE("i386"), SLICE("x86") },
		{ SLICE("i486"), SLICE("x86") },        { SLICE("i586"), SLICE("x86") },
		{ SLICE("i686"), SLICE("x86") },        { SLICE("x86"), SLICE("x86") },
		{ SLICE("arm"), SLICE("arm") },         { SLICE("armhf"), SLICE("arm") },
		{ SLICE("armv6l"), SLICE("arm") },      { SLICE("armv7l"), SLICE("arm") },
		{ SLICE("armv8l"), SLICE("arm") },      { SLICE("ppc64le"), SLICE("ppc64le") },
		{ SLICE("riscv64"), SLICE("riscv64") }, { SLICE("s390x"), SLICE("s390x") },
	};
	for (size_t i = 0; cpu_type.p && i < COUNT(rows); i++)
		if (text_is_folded(cpu_type, rows[i].said))
			return rows[i].is;
	return SLICE_NONE;
}

void derive_os(struct device *out, const struct host *list)
{
	struct slice os_version = text_trim(list->os_version);

	out->platform = text_trim(list->platform);
	out->family = family_of(out->platform, text_trim(list->platform_like), os_version);
	out->os_build = text_trim(list->build);
	out->os_arch = arch_of(text_trim(list->cpu_type));
	split(out, os_version);
}
