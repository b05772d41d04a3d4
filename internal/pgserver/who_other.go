//go:build !linux

package pgserver

import (
	"os/exec"
	"strconv"
	"strings"
)

// worksIn tells whether a process is a PostgreSQL that was started on the
// cluster, by its command line.
func worksIn(pid int, cluster string) (bool, error) {
	out, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return false, nil // it has just ended
	}
	return strings.Contains(string(out), "postgres -D "+cluster+" "), nil
}

// anyoneIn cannot be known here, because a server's children do not name their
// cluster: the answer is the careful one.
func anyoneIn(string) (bool, error) { return true, nil }
