package recipes

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Runtime is what the service may have and do while it runs, besides the
// image's user, ports and volumes: the contract that the tests hold it to and
// that `kiln runtime` prints for Kubernetes.
type Runtime struct {
	// Writable are the folders, besides the volumes, that the service writes
	// to and that may be empty after a restart. Nil is /tmp; empty is none.
	Writable []string `yaml:"writable" json:"writable"`
	// Capabilities are those that the service needs, such as
	// NET_BIND_SERVICE (capabilities(7), without CAP_).
	Capabilities []string `yaml:"capabilities" json:"capabilities,omitempty"`
	// Memory is the most that it may use, as 256Mi; empty is no limit.
	Memory string `yaml:"memory" kiln:"scalar" json:"memory,omitempty"`
	// CPU is its share of processors, as 0.5 or 500m; empty is no limit.
	CPU string `yaml:"cpu" kiln:"scalar" json:"cpu,omitempty"`
	// Pids is the most processes and threads that it may have; 0 is no limit.
	Pids int `yaml:"pids" json:"pids,omitempty"`
}

// RuntimeLabel is the label of an image that holds its [Runtime] as JSON. What
// else belongs to the contract, the image's configuration has.
const RuntimeLabel = annotationPrefix + "runtime"

// ReadRuntime reads the text of a [RuntimeLabel].
func ReadRuntime(label string) (Runtime, error) {
	var r Runtime
	dec := json.NewDecoder(strings.NewReader(label))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return Runtime{}, fmt.Errorf("reading the label %s: %w", RuntimeLabel, err)
	}
	d := newDecoder(RuntimeLabel)
	checkRuntime(&checker{decoder: d}, &r, nil)
	return r, d.err()
}

// Capabilities are those that a container engine leaves to containers by
// default, without CAP_ (capabilities(7)). Only the first is within the
// restricted profile of Kubernetes' Pod Security Standards.
func Capabilities() []string {
	return []string{
		"NET_BIND_SERVICE", "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL",
		"MKNOD", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
	}
}

// MemoryBytes is Memory in bytes, or 0 where there is no limit.
func (r Runtime) MemoryBytes() int64 {
	m := memoryForm.FindStringSubmatch(r.Memory)
	if m == nil {
		return 0
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	unit := map[string]int64{
		"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40,
	}[m[2]]
	if err != nil || n > math.MaxInt64/unit {
		return math.MaxInt64
	}
	return n * unit
}

// MilliCPU is CPU in thousandths of a processor, or 0 where there is no limit.
func (r Runtime) MilliCPU() int64 {
	if !cpuForm.MatchString(r.CPU) {
		return 0
	}
	if milli, ok := strings.CutSuffix(r.CPU, "m"); ok {
		n, _ := strconv.ParseInt(milli, 10, 64)
		return n
	}
	f, _ := strconv.ParseFloat(r.CPU, 64)
	return int64(math.Round(f * 1000))
}
