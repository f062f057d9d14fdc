package engine

import (
	"io"
	"os"
	"sync"
)

// maxLog is how many bytes engine.log may have before it becomes
// engine.log.1 and a new one begins.
const maxLog = 4 << 20

// logFile is a file that is written at its end and never grows without bound.
type logFile struct {
	mu   sync.Mutex
	path string
	file *os.File
	size int64
}

func openLog(path string) (*logFile, error) {
	l := &logFile{path: path}
	return l, l.open()
}

func (l *logFile) open() error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	l.file = f
	if fi, err := f.Stat(); err == nil {
		l.size = fi.Size()
	}
	return nil
}

// Write implements io.Writer. It begins a new file where p does not fit.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size > 0 && l.size+int64(len(p)) > maxLog {
		if err := l.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := l.file.Write(p)
	l.size += int64(n)
	return n, err
}

func (l *logFile) rotate() error {
	if err := os.Rename(l.path, l.path+".1"); err != nil {
		return err
	}
	l.file.Close()
	l.size = 0
	return l.open()
}

func (l *logFile) Close() error { return l.file.Close() }

// logTail returns the last lines of what was written after the first begin
// bytes.
func logTail(path string, begin int64) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return ""
	}
	from := max(begin, fi.Size()-4096)
	if begin > fi.Size() {
		from = 0
	}
	data, _ := io.ReadAll(io.NewSectionReader(f, from, 4096))
	return lastLines(string(data), 5)
}
