/* Texts of files that are sent to the daemon: tokens, certificates, headers.
 * Every copy is in memory that is overwritten, see link_wipe(). */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdio.h>

enum { SECRET_MAX_BYTES = 1 << 20 };

/* Into `out`, which is empty; what stands behind the last line is cut off. E_CONFIG
 * when the file cannot be read, is empty, too long, or no text. */
int secret_read_file(struct buf *out, const char *path, struct err *e);
/* One line, or all there is when it comes from no terminal. On a terminal `prompt`
 * is shown on `complaints`, and what is typed is not. */
int secret_read_input(struct buf *out, int fd, FILE *complaints, const char *prompt, struct err *e);
