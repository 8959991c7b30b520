/* musterd --once: syncs every tenant of the configuration one time. */
#pragma once

#include "conf/conf.h"
#include "daemon/options.h"

/* Answers an exit code of include/muster/exit.h. */
int once_run(const struct conf *conf, const struct options *options);
