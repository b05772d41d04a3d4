package pgtest

import "syscall"

// A server of a test outlives no machine, so its files may stand in memory: a
// database is made in a tenth of the time that a disk takes.
const (
	memory = "/dev/shm"
	room   = 4 << 30 // of which the tests of a package need half at most
)

// place is where directories of servers are made; empty for that of temporary
// files, where memory has no room.
func place() string {
	var s syscall.Statfs_t
	if err := syscall.Statfs(memory, &s); err != nil || s.Bavail*uint64(s.Bsize) < room { //nolint:gosec // a size
		return ""
	}
	return memory
}
