//go:build failpoint

package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

var (
	armed, left = parse(os.Getenv("KAM_FAILPOINT"))
	hits        atomic.Int64
)

// parse reads "name:n"; without a number the first hit counts.
func parse(setting string) (name string, n int64) {
	name, count, _ := strings.Cut(setting, ":")
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || n < 1 {
		n = 1
	}
	return name, n
}

// Hit says that the work has come by a point, whose name is given whole or in
// its parts. Nothing after it happens when it is the one to strike at.
func Hit(point ...string) {
	if armed == "" || strings.Join(point, "/") != armed || hits.Add(1) != left {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal may take a moment to arrive
}
