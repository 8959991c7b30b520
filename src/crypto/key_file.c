#include "crypto/master_key.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_TEXT_BYTES = 2 * MASTER_KEY_BYTES, FILE_BYTES_MAX = 4096 };

static const char credential_prefix[] = "credential:";

static int refused(struct err *e, const char *path, const char *why)
{
	return err_set(e, E_CONFIG, "the master key \"%.200s\" %s", path, why);
}

static int no_memory(struct err *e, const char *path)
{
	return err_set(e, E_NOMEM, "out of memory while taking the master key \"%.200s\"", path);
}

bool master_key_is_credential(const char *path)
{
	return strncmp(path, credential_prefix, sizeof(credential_prefix) - 1) == 0;
}

/* The file that a path means. */
static int resolve(const char *path, char out[PATH_MAX], struct err *e)
{
	int n;
	if (!master_key_is_credential(path)) {
		n = snprintf(out, PATH_MAX, "%s", path);
	} else {
		const char *name = path + sizeof(credential_prefix) - 1;
		const char *folder = getenv("CREDENTIALS_DIRECTORY");
		if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
			return refused(e, path,
				       "is no name of a credential; give what stands before the colon of "
				       "LoadCredential=");
		if (!folder || *folder != '/')
			return refused(e, path,
				       "needs systemd, and $CREDENTIALS_DIRECTORY is not set; add "
				       "LoadCredential= to the unit, or name a file");
		n = snprintf(out, PATH_MAX, "%s/%s", folder, name);
	}
	if (n <= 0 || n >= PATH_MAX)
		return refused(e, path, "has a path that is empty or too long; name another file");
	return OK;
}

/* ---- loading ---- */

static int check_file(int fd, const char *path, struct err *e)
{
	struct stat st;
	bool credential = master_key_is_credential(path);
	if (fstat(fd, &st))
		return err_set(e, E_IO, "the master key \"%.200s\" cannot be looked at: %s", path,
			       strerrordesc_np(errno));
	if (!S_ISREG(st.st_mode))
		return refused(e, path, "is not a regular file; name the file that holds the key");
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(e, E_CONFIG,
			       "the master key \"%.200s\" belongs to user %lu, who could change it; give it "
			       "to root or to the user of this process with chown",
			       path, (unsigned long)st.st_uid);
	/* The mode of a credential is 0400, or 0440 where an access list names the
	 * service's user, whose mask then stands in the place of the group. Nobody
	 * else gets to it: systemd keeps the folder closed. */
	if (st.st_mode & (credential ? 0337 : 0077))
		return err_set(e, E_CONFIG,
			       "the master key \"%.200s\" is open to others than its owner (mode %04o); take "
			       "that away with chmod %s, and rotate the key if somebody may have read it",
			       path, (unsigned)(st.st_mode & 07777), credential ? "0400" : "0600");
	return OK;
}

/* Only lines that hold something count; there must be one, of 64 digits. */
static int parse(char *text, unsigned char key[MASTER_KEY_BYTES], const char *path, struct err *e)
{
	size_t keys = 0, n = 0;
	char *rest = text;
	for (char *line; (line = strsep(&rest, "\n"));) {
		while (isspace((unsigned char)*line))
			line++;
		size_t length = strlen(line);
		while (length && isspace((unsigned char)line[length - 1]))
			line[--length] = '\0';
		if (!length || *line == '#')
			continue;
		if (keys++)
			return refused(e, path, "holds more than one line; keep just the key there");
		if (length != KEY_TEXT_BYTES ||
		    OPENSSL_hexstr2buf_ex(key, MASTER_KEY_BYTES, &n, line, '\0') != 1 ||
		    n != MASTER_KEY_BYTES) {
			ERR_clear_error();
			return refused(e, path,
				       "is not one line of 64 hexadecimal digits; put the key's own file "
				       "back from its backup");
		}
	}
	if (!keys)
		return refused(e, path, "is empty; put the key's own file back from its backup");
	if (!memcmp(key, key + 1, MASTER_KEY_BYTES - 1))
		return refused(e, path,
			       "is one byte repeated, not a random key; make one with openssl rand -hex 32");
	return OK;
}

static int read_key(int fd, unsigned char key[MASTER_KEY_BYTES], const char *path, struct err *e)
{
	char text[FILE_BYTES_MAX + 1];
	size_t got = 0;
	ssize_t n;
	do {
		n = read(fd, text + got, sizeof(text) - got);
		got += n > 0 ? (size_t)n : 0;
	} while ((n > 0 && got < sizeof(text)) || (n < 0 && errno == EINTR));
	int rc;
	if (n < 0) {
		rc = err_set(e, E_IO, "the master key \"%.200s\" cannot be read: %s", path,
			     strerrordesc_np(errno));
	} else if (got > FILE_BYTES_MAX) {
		rc = refused(e, path,
			     "is longer than 4096 bytes; it should be one line of 64 hexadecimal digits");
	} else if (memchr(text, '\0', got)) {
		rc = refused(e, path,
			     "is not text; it should be one line of 64 hexadecimal digits, put it back from "
			     "its backup");
	} else {
		text[got] = '\0';
		rc = parse(text, key, path, e);
	}
	explicit_bzero(text, sizeof(text));
	return rc;
}

static int open_refused(int code, const char *path, struct err *e)
{
	switch (code) {
	case ENOENT:
		return err_set(e, E_NOT_FOUND, "the master key \"%.200s\" is not there", path);
	case ELOOP:
		return refused(e, path, "is a symbolic link; name the file itself");
	case EACCES:
	case EPERM:
		return refused(e, path,
			       "may not be read by the user of this process; give it to that user with "
			       "chown");
	default:
		return err_set(e, code == ENOTDIR ? E_CONFIG : E_IO,
			       "the master key \"%.200s\" cannot be opened: %s", path, strerrordesc_np(code));
	}
}

int master_key_load(struct master_key **out, const char *path, struct err *e)
{
	unsigned char key[MASTER_KEY_BYTES];
	char file[PATH_MAX];
	*out = NULL;
	int rc = resolve(path, file, e);
	if (rc)
		return rc;
	/* Without O_NONBLOCK the opening of a pipe would wait for its other end. */
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return open_refused(errno, path, e);
	rc = check_file(fd, path, e);
	if (!rc)
		rc = read_key(fd, key, path, e);
	close(fd);
	if (!rc && !(*out = master_key_new(key)))
		rc = no_memory(e, path);
	explicit_bzero(key, sizeof(key));
	return rc;
}

/* ---- making ---- */

static int make_failed(int code, const char *path, struct err *e)
{
	if (code == EEXIST)
		return err_set(
			e, E_CONFLICT,
			"the master key \"%.200s\" is there already and is not replaced; move it away first",
			path);
	return err_set(e, code == ENOSPC || code == EDQUOT ? E_DISK_FULL : E_IO,
		       "the master key \"%.200s\" could not be made: %s; make it by hand with openssl rand "
		       "-hex 32, readable by nobody else",
		       path, strerrordesc_np(code));
}

/* 0 or errno. */
static int write_file(const char *file, const char *text, size_t n)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno;
	int code = 0;
	/* The mask of the process may have taken the owner's bits too. */
	if (fchmod(fd, 0600))
		code = errno;
	for (size_t done = 0; !code && done < n;) {
		ssize_t k = write(fd, text + done, n - done);
		if (k < 0 && errno != EINTR)
			code = errno;
		done += k > 0 ? (size_t)k : 0;
	}
	if (!code && fsync(fd))
		code = errno;
	if (close(fd) && !code)
		code = errno;
	return code;
}

static int sync_folder(const char *file)
{
	char copy[PATH_MAX];
	snprintf(copy, sizeof(copy), "%s", file);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	int code = fsync(fd) ? errno : 0;
	close(fd);
	return code;
}

/* The key gets its name when it is whole and on the disk. */
static int write_key(const char *file, const unsigned char key[MASTER_KEY_BYTES])
{
	char begun[PATH_MAX], digits[KEY_TEXT_BYTES + 1], text[512];
	if (snprintf(begun, sizeof(begun), "%s.begun", file) >= (int)sizeof(begun))
		return ENAMETOOLONG;
	if (unlink(begun) && errno != ENOENT)
		return errno;
	if (OPENSSL_buf2hexstr_ex(digits, sizeof(digits), NULL, key, MASTER_KEY_BYTES, '\0') != 1)
		return EINVAL;
	int n = snprintf(text, sizeof(text),
			 "# The master key of Muster: it opens the sealed secrets of the store.\n"
			 "# Keep a copy apart from the store's backups; without it they are lost.\n%s\n",
			 digits);
	explicit_bzero(digits, sizeof(digits));
	int code = write_file(begun, text, (size_t)n);
	explicit_bzero(text, sizeof(text));
	if (!code && renameat2(AT_FDCWD, begun, AT_FDCWD, file, RENAME_NOREPLACE))
		code = errno;
	if (code)
		unlink(begun);
	return code ? code : sync_folder(file);
}

int master_key_create(struct master_key **out, const char *path, struct err *e)
{
	unsigned char key[MASTER_KEY_BYTES];
	*out = NULL;
	if (master_key_is_credential(path))
		return refused(e, path,
			       "is a credential, which systemd has to provide; make a key with openssl rand "
			       "-hex 32 and name it in LoadCredential=");
	if (!*path || access(path, F_OK) == 0)
		return make_failed(*path ? EEXIST : ENOENT, path, e);
	if (RAND_priv_bytes(key, sizeof(key)) != 1) {
		ERR_clear_error();
		return err_set(e, E_IO, "the system gives no random bytes for the master key \"%.200s\"",
			       path);
	}
	int rc = OK;
	struct master_key *k = master_key_new(key);
	if (!k)
		rc = no_memory(e, path);
	int code = rc ? 0 : write_key(path, key);
	explicit_bzero(key, sizeof(key));
	if (code)
		rc = make_failed(code, path, e);
	if (rc) {
		master_key_free(k);
		return rc;
	}
	*out = k;
	return OK;
}

int master_key_rename(const char *from, const char *to, struct err *e)
{
	int code = rename(from, to) ? errno : sync_folder(to);
	if (!code)
		return OK;
	return err_set(
		e, E_IO,
		"the master key \"%.200s\" could not be given the name \"%.200s\": %s; rename it by hand",
		from, to, strerrordesc_np(code));
}
