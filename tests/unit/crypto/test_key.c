#include "base/mem.h"
#include "crypto/master_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char folder[64], path[96];

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/muster-key-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/master.key", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mem_fail_at(0, 0);
	DIR *d = opendir(folder);
	for (struct dirent *entry; d && (entry = readdir(d));)
		if (*entry->d_name != '.')
			unlinkat(dirfd(d), entry->d_name, entry->d_type == DT_DIR ? AT_REMOVEDIR : 0);
	closedir(d);
	return rmdir(folder);
}

static void write_bytes(const void *p, size_t n, mode_t mode)
{
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void write_text(const char *text)
{
	write_bytes(text, strlen(text), 0600);
}

/* The code; the error's text must hold `part`. */
static void refuses(const char *name, int code, const char *part)
{
	struct err e = { 0 };
	struct master_key *k = (struct master_key *)"untouched";
	assert_int_equal(master_key_load(&k, name, &e), code);
	assert_null(k);
	if (!strstr(e.text, part))
		fail_msg("\"%s\" does not say \"%s\"", e.text, part);
	/* A file that holds a key by mistake of form must not be repeated. */
	assert_null(strstr(e.text, "0a0b0c0d"));
}

static void known_key(void **state)
{
	static const char *const files[] = {
		DIGITS,
		DIGITS "\n",
		"# a comment\n\n  " DIGITS " \r\n\n# another\n",
		"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F\n",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct err e = { 0 };
		struct master_key *k;
		char text[KEY_ID_TEXT_BYTES];
		write_text(files[i]);
		assert_int_equal(master_key_load(&k, path, &e), OK);
		for (int b = 0; b < MASTER_KEY_BYTES; b++)
			assert_int_equal(master_key_bytes(k)[b], b);
		struct key_id id = master_key_id(k);
		assert_string_equal(key_id_text(&id, text), "536846351794cd53");
		master_key_free(k);
	}
}

static void malformed_file(void **state)
{
	static const struct {
		const char *text, *part;
	} rows[] = {
		{ "", "is empty" },
		{ "\n# only words\n\n", "is empty" },
		{ "abc\n", "64 hexadecimal digits" },
		{ DIGITS "00\n", "64 hexadecimal digits" },
		{ "00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13:14:1\n",
		  "64 hexadecimal digits" },
		{ "0g0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		  "64 hexadecimal digits" },
		{ DIGITS "\n" DIGITS "\n", "more than one line" },
		{ "4242424242424242424242424242424242424242424242424242424242424242", "one byte repeated" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_text(rows[i].text);
		refuses(path, E_CONFIG, rows[i].part);
	}
	write_bytes(DIGITS "\0", sizeof(DIGITS), 0600);
	refuses(path, E_CONFIG, "is not text");

	char large[4097];
	memset(large, '#', sizeof(large));
	write_bytes(large, sizeof(large), 0600);
	refuses(path, E_CONFIG, "longer than 4096");
	memcpy(large, DIGITS "\n", sizeof(DIGITS));
	write_bytes(large, sizeof(large) - 1, 0600);
	struct master_key *k;
	assert_int_equal(master_key_load(&k, path, NULL), OK);
	master_key_free(k);
}

static void open_to_others(void **state)
{
	static const struct {
		mode_t mode;
		bool fine;
	} rows[] = { { 0600, true },  { 0400, true },  { 0700, true },  { 0640, false }, { 0604, false },
		     { 0620, false }, { 0602, false }, { 0610, false }, { 0666, false } };
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct master_key *k = NULL;
		write_bytes(DIGITS, strlen(DIGITS), rows[i].mode);
		if (rows[i].fine)
			assert_int_equal(master_key_load(&k, path, NULL), OK);
		else
			refuses(path, E_CONFIG, "open to others");
		master_key_free(k);
	}
}

static void other_owner(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	write_text(DIGITS);
	assert_int_equal(chown(path, 65534, 0), 0);
	refuses(path, E_CONFIG, "belongs to user 65534");
}

static void no_regular_file(void **state)
{
	char other[160];
	(void)state;
	refuses(path, E_NOT_FOUND, "is not there");
	refuses("", E_CONFIG, "empty or too long");
	refuses(folder, E_CONFIG, "not a regular file");
	assert_int_equal(mkfifo(path, 0600), 0);
	refuses(path, E_CONFIG, "not a regular file"); /* and does not wait for a writer */
	write_text(DIGITS);
	snprintf(other, sizeof(other), "%s/link", folder);
	assert_int_equal(symlink(path, other), 0);
	refuses(other, E_CONFIG, "symbolic link");
	snprintf(other, sizeof(other), "%s/file", path);
	refuses(other, E_CONFIG, "cannot be opened");
}

static void credential(void **state)
{
	static const struct {
		mode_t mode;
		bool fine;
	} rows[] = { { 0400, true },  { 0440, true },  { 0600, false },
		     { 0444, false }, { 0460, false }, { 0500, false } };
	(void)state;
	unsetenv("CREDENTIALS_DIRECTORY");
	refuses("credential:master.key", E_CONFIG, "LoadCredential=");
	setenv("CREDENTIALS_DIRECTORY", "relative", 1);
	refuses("credential:master.key", E_CONFIG, "LoadCredential=");
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	refuses("credential:", E_CONFIG, "no name of a credential");
	refuses("credential:..", E_CONFIG, "no name of a credential");
	refuses("credential:../master.key", E_CONFIG, "no name of a credential");
	refuses("credential:master.key", E_NOT_FOUND, "is not there");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct master_key *k = NULL;
		write_bytes(DIGITS, strlen(DIGITS), rows[i].mode);
		if (rows[i].fine)
			assert_int_equal(master_key_load(&k, "credential:master.key", NULL), OK);
		else
			refuses("credential:master.key", E_CONFIG, "open to others");
		master_key_free(k);
	}
	struct err e = { 0 };
	struct master_key *k;
	assert_int_equal(master_key_create(&k, "credential:new", &e), E_CONFIG);
	assert_non_null(strstr(e.text, "which systemd has to provide"));
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void created(void **state)
{
	struct err e = { 0 };
	struct master_key *k, *loaded;
	struct stat st;
	char begun[128];
	(void)state;
	/* What a crash left does not stand in the way, nor is it used. */
	snprintf(begun, sizeof(begun), "%s.begun", path);
	int fd = open(begun, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "half", 4), 4);
	close(fd);

	mode_t mask = umask(0777);
	assert_int_equal(master_key_create(&k, path, &e), OK);
	umask(mask);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(access(begun, F_OK), -1);
	assert_int_equal(master_key_load(&loaded, path, &e), OK);
	assert_memory_equal(master_key_bytes(k), master_key_bytes(loaded), MASTER_KEY_BYTES);
	struct key_id a = master_key_id(k), b = master_key_id(loaded);
	assert_true(key_id_eq(&a, &b));
	master_key_free(loaded);

	/* Not replaced, and another one is another one. */
	assert_int_equal(master_key_create(&loaded, path, &e), E_CONFLICT);
	assert_null(loaded);
	assert_non_null(strstr(e.text, "is not replaced"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(master_key_create(&loaded, path, &e), OK);
	b = master_key_id(loaded);
	assert_false(key_id_eq(&a, &b));
	master_key_free(loaded);
	master_key_free(k);
}

static void not_created(void **state)
{
	struct err e = { 0 };
	struct master_key *k;
	char other[128];
	(void)state;
	assert_int_equal(master_key_create(&k, "", &e), E_IO);
	snprintf(other, sizeof(other), "%s/none/key", folder);
	assert_int_equal(master_key_create(&k, other, &e), E_IO);
	assert_non_null(strstr(e.text, "make it by hand"));
	/* A link that leads nowhere is not followed. */
	snprintf(other, sizeof(other), "%s/elsewhere", folder);
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(master_key_create(&k, path, &e), E_CONFLICT);
	assert_int_equal(access(other, F_OK), -1);
	assert_null(k);
}

static void without_memory(void **state)
{
	struct err e = { 0 };
	struct master_key *k;
	(void)state;
	mem_fail_at(1, 0);
	assert_int_equal(master_key_create(&k, path, &e), E_NOMEM);
	mem_fail_at(0, 0);
	assert_int_equal(access(path, F_OK), -1);
	write_text(DIGITS);
	mem_fail_at(1, 0);
	assert_int_equal(master_key_load(&k, path, &e), E_NOMEM);
	mem_fail_at(0, 0);
	assert_null(k);
	assert_non_null(strstr(e.text, "out of memory"));
}

/* The flags of the mapping that holds `at`, as the kernel tells them. */
static void mapping_flags(const void *at, char *flags, size_t n)
{
	char line[512];
	bool within = false;
	FILE *f = fopen("/proc/self/smaps", "r");
	assert_non_null(f);
	*flags = '\0';
	while (fgets(line, sizeof(line), f)) {
		unsigned long from, to;
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			within = (unsigned long)at >= from && (unsigned long)at < to;
		else if (within && !strncmp(line, "VmFlags:", 8))
			snprintf(flags, n, "%s", line + 8);
	}
	fclose(f);
}

static void not_dumped(void **state)
{
	struct master_key *k;
	char flags[512];
	(void)state;
	write_text(DIGITS);
	assert_int_equal(master_key_load(&k, path, NULL), OK);
	mapping_flags(master_key_bytes(k), flags, sizeof(flags));
	if (*flags)
		assert_non_null(strstr(flags, " dd"));
	master_key_free(k);
	if (!*flags)
		skip();
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(known_key),  T(malformed_file), T(open_to_others), T(other_owner),    T(no_regular_file),
		T(credential), T(created),        T(not_created),    T(without_memory), T(not_dumped),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
