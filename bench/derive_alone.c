/* Derivation alone and encoding alone, for callgrind: derives the hosts of one
 * recorded page again and again. Run by bench/run.py with
 * --toggle-collect=derive_loop or --toggle-collect=encode_loop.
 *
 *   derive_alone PAGE.json ROUNDS     prints how many hosts each loop took */
#include "page_file.h"

#include "base/clock.h"
#include "model/record.h"

static const struct derive_settings settings = {
	.owner_precedence = { OWNER_CUSTOM, OWNER_IDP, OWNER_MDM_IDP_ACCOUNTS, OWNER_GOOGLE_CHROME_PROFILES },
	.owner_precedence_count = OWNER_SOURCES,
	.map_users = true,
	.map_teams = true,
	.premium = true,
};

uint64_t derive_loop(struct page *page, struct device *out, unsigned rounds);
uint64_t encode_loop(const struct device *devices, size_t count, unsigned rounds);

__attribute__((noinline)) uint64_t derive_loop(struct page *page, struct device *out, unsigned rounds)
{
	static const struct detail_facts no_detail;
	static const struct previous_device no_previous;
	int64_t now = clock_unix_s();
	uint64_t hosts = 0;

	for (unsigned i = 0; i < rounds; i++) {
		for (uint32_t j = 0; j < page->count; j++) {
			if (!page->elements[j].host)
				continue;
			derive(&out[j], page->elements[j].host, &no_detail, &no_previous, &settings, now);
			hosts++;
		}
	}
	return hosts;
}

__attribute__((noinline)) uint64_t encode_loop(const struct device *devices, size_t count, unsigned rounds)
{
	static const struct policy_table no_names;
	unsigned char packed[RECORD_VOLATILE_MAX];
	struct buf b;
	uint64_t hosts = 0;

	buf_init(&b, 1u << 20);
	for (unsigned i = 0; i < rounds; i++) {
		for (size_t j = 0; j < count; j++) {
			if (!devices[j].id)
				continue;
			buf_reset(&b);
			if (record_write_stable(&b, &devices[j], &no_names) != OK)
				exit(1);
			record_pack_volatile(packed, &devices[j]);
			hosts++;
		}
	}
	buf_release(&b);
	return hosts;
}

int main(int argc, char **argv)
{
	struct page_file f;
	struct page *page;
	struct device *devices;
	unsigned rounds;
	uint64_t derived, encoded;

	if (argc != 3) {
		fputs("usage: derive_alone PAGE.json ROUNDS\n", stderr);
		return 2;
	}
	page_file_read(&f, argv[1]);
	rounds = (unsigned)strtoul(argv[2], NULL, 10);
	page = page_file_parse(&f);
	devices = calloc(page->count, sizeof(*devices));
	if (!devices)
		return 1;
	derived = derive_loop(page, devices, rounds);
	encoded = encode_loop(devices, page->count, rounds);
	if (derived == encoded)
		printf("%llu\n", (unsigned long long)derived);
	page_free(page);
	free(devices);
	free(f.text);
	return derived == encoded ? 0 : 1;
}
