/* The limit: what a client could reach that only fetches and parses. The pages
 * of one Fleet server are fetched by curl over one kept connection, one request
 * in flight, and parsed by yajl with callbacks that do nothing.
 *
 * The cursor of each page is the last id of the page before. A first walk, not
 * counted, finds all cursors (and lets the server have everything in memory);
 * the measured walk then does nothing but fetch and parse.
 *
 *   limit --url URL --token-file FILE --query QUERY [--ca FILE] [--wait]
 *
 * QUERY is everything after `hosts?` but the cursor. With --wait it prints
 * "ready" after the first walk and measures when a line arrives on standard
 * input, so that several can start together. One JSON object is the result;
 * begin and end are CLOCK_MONOTONIC, comparable between processes. */
#include <curl/curl.h>
#include <yajl/yajl_parse.h>

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct walk {
	CURL *easy;
	const char *url, *query;
	yajl_handle parser;
	uint64_t *cursors; /* where each page begins */
	size_t pages, room;
	uint64_t hosts, bytes;
	/* of the first walk only */
	int depth;
	bool at_id;
	uint64_t last_id, page_hosts;
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "limit: %s: %s\n", what, why);
	exit(1);
}

/* ---- callbacks that do nothing: the measured walk ---- */

static int ignore(void *arg)
{
	(void)arg;
	return 1;
}

static int ignore_bool(void *arg, int v)
{
	(void)arg;
	(void)v;
	return 1;
}

static int ignore_number(void *arg, const char *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
	return 1;
}

static int ignore_text(void *arg, const unsigned char *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
	return 1;
}

static const yajl_callbacks nothing = {
	.yajl_null = ignore,
	.yajl_boolean = ignore_bool,
	.yajl_number = ignore_number,
	.yajl_string = ignore_text,
	.yajl_start_map = ignore,
	.yajl_map_key = ignore_text,
	.yajl_end_map = ignore,
	.yajl_start_array = ignore,
	.yajl_end_array = ignore,
};

/* ---- callbacks that find the ids: the first walk ---- */

/* {"hosts":[{"id": is at depth 3 */
static int open_one(void *arg)
{
	struct walk *w = arg;

	w->depth++;
	return 1;
}

static int close_one(void *arg)
{
	struct walk *w = arg;

	w->depth--;
	return 1;
}

static int key(void *arg, const unsigned char *p, size_t n)
{
	struct walk *w = arg;

	w->at_id = w->depth == 3 && n == 2 && memcmp(p, "id", 2) == 0;
	return 1;
}

static int number(void *arg, const char *p, size_t n)
{
	struct walk *w = arg;

	(void)n;
	if (w->at_id) {
		w->last_id = strtoull(p, NULL, 10);
		w->page_hosts++;
		w->at_id = false;
	}
	return 1;
}

static const yajl_callbacks find_ids = {
	.yajl_null = ignore,
	.yajl_boolean = ignore_bool,
	.yajl_number = number,
	.yajl_string = ignore_text,
	.yajl_start_map = open_one,
	.yajl_map_key = key,
	.yajl_end_map = close_one,
	.yajl_start_array = open_one,
	.yajl_end_array = close_one,
};

/* ---- a page ---- */

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct walk *w = arg;

	w->bytes += size * n;
	return yajl_parse(w->parser, (unsigned char *)p, size * n) == yajl_status_ok ? size * n : 0;
}

static void fetch(struct walk *w, uint64_t cursor, const yajl_callbacks *callbacks)
{
	char url[1024];
	long status = 0;
	CURLcode rc;

	snprintf(url, sizeof(url), "%s/api/v1/fleet/hosts?%s&after=%llu", w->url, w->query,
		 (unsigned long long)cursor);
	w->parser = yajl_alloc(callbacks, NULL, w);
	yajl_config(w->parser, yajl_dont_validate_strings, 1);
	curl_easy_setopt(w->easy, CURLOPT_URL, url);
	rc = curl_easy_perform(w->easy);
	if (rc)
		die(url, curl_easy_strerror(rc));
	curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		die(url, "the answer is not 200");
	if (yajl_complete_parse(w->parser) != yajl_status_ok)
		die(url, "the answer is not JSON");
	yajl_free(w->parser);
}

/* Notes where each page begins; the last one is empty and is fetched as well,
 * as it has to be: only an empty page ends a walk. */
static void find_cursors(struct walk *w)
{
	uint64_t cursor = 0;

	do {
		if (w->pages == w->room) {
			w->room = w->room ? 2 * w->room : 256;
			w->cursors = realloc(w->cursors, w->room * sizeof(*w->cursors));
			if (!w->cursors)
				die("cursors", "out of memory");
		}
		w->cursors[w->pages++] = cursor;
		w->page_hosts = 0;
		fetch(w, cursor, &find_ids);
		if (w->page_hosts && w->last_id <= cursor)
			die(w->url, "host ids do not ascend");
		cursor = w->last_id;
		w->hosts += w->page_hosts;
	} while (w->page_hosts);
}

static CURL *connection(struct walk *w, const char *token_file, const char *ca, struct curl_slist **headers)
{
	char line[4096] = "Authorization: Bearer ";
	size_t at = strlen(line);
	FILE *f = fopen(token_file, "r");
	CURL *easy = curl_easy_init();

	if (!f || !fgets(line + at, (int)(sizeof(line) - at), f))
		die(token_file, "no token in it");
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	*headers = curl_slist_append(NULL, line);
	if (!easy || !*headers)
		die("curl", "out of memory");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *headers);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, w);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L * 1024);
	if (ca)
		curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
	return easy;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void measure(struct walk *w)
{
	struct rusage before, after;
	double begin, end;

	w->bytes = 0;
	getrusage(RUSAGE_SELF, &before);
	begin = now();
	for (size_t i = 0; i < w->pages; i++)
		fetch(w, w->cursors[i], &nothing);
	end = now();
	getrusage(RUSAGE_SELF, &after);
	printf("{\"hosts\": %llu, \"pages\": %zu, \"bytes\": %llu, \"begin\": %.6f, \"end\": %.6f, "
	       "\"user_s\": %.6f, \"sys_s\": %.6f}\n",
	       (unsigned long long)w->hosts, w->pages, (unsigned long long)w->bytes, begin, end,
	       seconds(after.ru_utime) - seconds(before.ru_utime),
	       seconds(after.ru_stime) - seconds(before.ru_stime));
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "url", required_argument, NULL, 'u' },   { "token-file", required_argument, NULL, 't' },
		{ "query", required_argument, NULL, 'q' }, { "ca", required_argument, NULL, 'c' },
		{ "wait", no_argument, NULL, 'w' },        { 0 },
	};
	struct walk w = { 0 };
	struct curl_slist *headers;
	const char *token_file = NULL, *ca = NULL;
	bool wait = false;
	char line[64];
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'u':
			w.url = optarg;
			break;
		case 't':
			token_file = optarg;
			break;
		case 'q':
			w.query = optarg;
			break;
		case 'c':
			ca = optarg;
			break;
		case 'w':
			wait = true;
			break;
		default:
			return 2;
		}
	}
	if (!w.url || !token_file || !w.query)
		die("usage", "limit --url URL --token-file FILE --query QUERY [--ca FILE] [--wait]");
	curl_global_init(CURL_GLOBAL_DEFAULT);
	w.easy = connection(&w, token_file, ca, &headers);
	find_cursors(&w);
	if (wait) {
		puts("ready");
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			return 1;
	}
	measure(&w);
	curl_easy_cleanup(w.easy);
	curl_slist_free_all(headers);
	curl_global_cleanup();
	free(w.cursors);
	return 0;
}
