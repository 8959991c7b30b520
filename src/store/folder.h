/* The folder of an environment. */
#pragma once

/* Makes the folder, and those above it that are missing, with mode 0700. 0, or
 * -1 with errno; EEXIST when it was there. */
int folder_make(const char *path);
