// Command sum prints a checksum by a zlib that is linked into it.
package main

// #cgo LDFLAGS: -l:libz.a
// #include <zlib.h>
import "C"

import (
	"fmt"
	"unsafe"
)

func main() {
	sum := C.crc32(0, (*C.Bytef)(unsafe.Pointer(unsafe.StringData("hello"))), 5)
	fmt.Printf("%x\n", uint32(sum))
}
