#include <string.h>
#include <zlib.h>

unsigned long sum(const char *text);

/* sum copies text, so that the compiler has a buffer to guard. */
unsigned long sum(const char *text)
{
	char copy[64];
	strncpy(copy, text, sizeof copy - 1);
	copy[sizeof copy - 1] = 0;
	return crc32(0, (const unsigned char *)copy, strlen(copy));
}
