/* A program may be started without standard input, output or error. The next
 * file it opens then takes that number, and what is printed goes into it. */
#pragma once

/* Opens /dev/null, for reading, in the place of each of the three that is
 * closed: what is printed there fails, as it should. To be called before
 * anything else is opened. */
void standard_files_fill(void);
