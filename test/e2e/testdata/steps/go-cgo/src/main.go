// Command greet says hello, with a checksum by zlib.
package main

// #cgo LDFLAGS: -lz
// #include <zlib.h>
import "C"

import (
	"fmt"
	"os"
	"unsafe"
)

func main() {
	sum := C.crc32(0, (*C.Bytef)(unsafe.Pointer(unsafe.StringData("hello"))), 5)
	fmt.Printf("hello %s, checked by zlib %s: %x\n", os.Args[1], C.GoString(C.zlibVersion()), uint32(sum))
}
