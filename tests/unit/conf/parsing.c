#include "unit/conf/parsing.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

char folder[] = "/tmp/muster-conf-XXXXXX";
char file[64];

void put(const char *name, const char *text, size_t n, mode_t mode)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static const struct {
	const char *name, *text;
	mode_t mode;
} files[] = {
	{ "token", " \t\r\ns3cr3t+/tok==\r\n\n", 0600 },
	{ "open", "s3cr3t", 0644 },
	{ "blank", " \n\n", 0600 },
	{ "lines", "s3cr3t\ns3cr3t2\n", 0600 },
	{ "crlines", "s3cr3t\rs3cr3t2", 0600 },
	{ "control", "s3cr3t\x01", 0600 },
	{ "tabbed", "s3cr3t\ts3cr3t", 0600 },
	{ "spaced", "s3cr3t s3cr3t", 0600 },
	{ "latin", "s3cr3t\xe9x", 0600 },
	{ "ca.pem", "x", 0600 },
};

int make_files(void **state)
{
	char big[4098];
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/muster.yaml", folder);
	for (size_t i = 0; i < COUNT(files); i++)
		put(files[i].name, files[i].text, strlen(files[i].text), files[i].mode);
	memset(big, 'a', sizeof(big));
	put("full", big, 4096, 0600);
	put("over", big, 4097, 0600);
	setenv("MUSTER_TEST_TOKEN", " s3cr3t ", 1);
	setenv("MUSTER_TEST_EMPTY", "", 1);
	unsetenv("MUSTER_TEST_UNSET");
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

int remove_files(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void collect(void *arg, const char *text)
{
	struct buf *b = arg;
	size_t n = strlen(file), m = strlen(folder);
	assert_int_equal(strncmp(text, file, n), 0);
	assert_null(strchr(text, '\n'));
	assert_null(strstr(text, "s3cr3t"));
	for (text += n + 1; *text;) {
		if (strncmp(text, folder, m) == 0) {
			buf_putc(b, '@');
			text += m;
		} else {
			buf_putc(b, *text++);
		}
	}
	buf_putc(b, '\n');
}

struct conf *parse(const char *text, size_t n, struct buf *complaints, int want)
{
	struct conf *c = NULL;
	buf_init(complaints, 1 << 20);
	int rc = conf_parse(&c, file, text, n, collect, complaints);
	if (rc != want)
		fail_msg("rc=%d for\n%.*s\n%s", rc, (int)(n < 2000 ? n : 2000), text, buf_cstr(complaints));
	assert_int_equal(!c, rc != OK);
	return c;
}

void expect(const char *text, const char *want)
{
	struct buf got;
	bool warnings = !strstr(want, ": error: ");
	struct conf *c = parse(text, strlen(text), &got, warnings ? OK : E_CONFIG);
	if (strcmp(buf_cstr(&got), want) != 0)
		fail_msg("for\n%s\nwanted\n%s\ngot\n%s", text, want, buf_cstr(&got));
	buf_release(&got);
	conf_free(c);
}

void ignore(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}
