/* The page parser alone, for callgrind: parses one recorded page again and
 * again, in pieces as they come from TLS. Run by bench/run.py with
 * --toggle-collect=parse_loop, so that only the loop is counted.
 *
 *   parse_alone PAGE.json ROUNDS     prints how many hosts the loop parsed */
#include "page_file.h"

uint64_t parse_loop(const struct page_file *f, unsigned rounds);

__attribute__((noinline)) uint64_t parse_loop(const struct page_file *f, unsigned rounds)
{
	uint64_t hosts = 0;

	for (unsigned i = 0; i < rounds; i++) {
		struct page *page = page_file_parse(f);

		hosts += page->count;
		page_free(page);
	}
	return hosts;
}

int main(int argc, char **argv)
{
	struct page_file f;

	if (argc != 3) {
		fputs("usage: parse_alone PAGE.json ROUNDS\n", stderr);
		return 2;
	}
	page_file_read(&f, argv[1]);
	printf("%llu\n", (unsigned long long)parse_loop(&f, (unsigned)strtoul(argv[2], NULL, 10)));
	free(f.text);
	return 0;
}
