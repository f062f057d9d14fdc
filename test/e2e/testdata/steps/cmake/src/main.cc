#include <iostream>

extern "C" unsigned long sum(const char *text);

int main()
{
	std::cout << GREETING << ", crc " << sum("hello") << std::endl;
}
