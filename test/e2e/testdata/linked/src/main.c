#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <zlib.h>

const char *greeting(void);

int main(void) {
	const char *word = greeting();
	unsigned char sum[EVP_MAX_MD_SIZE];
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	if (!context || !EVP_Digest(word, 5, sum, NULL, EVP_sha256(), NULL))
		return 1;
	SSL_CTX_free(context);
	printf("%s %02x%02x%02x%02x %lx %s\n", word, sum[0], sum[1], sum[2], sum[3],
	       crc32(0, (const unsigned char *)word, 5), OpenSSL_version(OPENSSL_VERSION_STRING));
	return 0;
}
