/* The elements of pages that could not be read, kept for people: the last
 * 1,000 of a tenant, each {"at","id","reason","sample"}. */
#pragma once

#include "store/txn.h"

int reject_add(struct store_txn *t, struct tenant *tenant, const struct page_element *element, int64_t now);
