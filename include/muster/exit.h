/* What the exit codes of musterd and musterctl mean. Both use the same ones, so
 * that a script needs one table. */
#pragma once

enum muster_exit {
	/* Done, and all is well. A list that happens to be empty is this too. */
	MUSTER_EXIT_OK = 0,
	/* The work was done and the answer is not good: a tenant's sync failed, no
	 * such tenant or device, verify found damage. */
	MUSTER_EXIT_FAILED = 1,
	/* The command line was not understood; nothing was done. */
	MUSTER_EXIT_USAGE = 2,
	/* The configuration cannot be used; nothing was done. */
	MUSTER_EXIT_CONFIG = 3,
	/* There is no store, or it cannot be read or written. */
	MUSTER_EXIT_STORE = 4,
	/* The system refused something that is neither: memory, output, descriptors. */
	MUSTER_EXIT_SYSTEM = 5,
	/* Another process holds what is needed; try again when it has ended. */
	MUSTER_EXIT_BUSY = 6,
	/* No daemon listens at the admin socket, it may not be asked, or it went away
	 * before it had answered. */
	MUSTER_EXIT_UNREACHABLE = 7,
};
