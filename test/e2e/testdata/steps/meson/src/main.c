#include <stdio.h>
#include <string.h>
#include <zlib.h>

int main(int argc, char **argv)
{
	char text[64] = "hello";
	if (argc > 1)
		strncpy(text, argv[1], sizeof text - 1);
	printf("%s, crc %lu\n", GREETING, crc32(0, (unsigned char *)text, strlen(text)));
	return 0;
}
