/* The store is mapped into memory, so a file that was cut short or a disk that
 * fails is told by SIGBUS in the middle of reading, not by an error. */
#pragma once

/* From now on SIGBUS writes "<program>: <sentence>" and ends the process with
 * `exit_code`. `program` must stay where it is. */
void bus_error_ends(const char *program, int exit_code);
