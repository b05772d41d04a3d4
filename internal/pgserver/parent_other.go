//go:build !linux

package pgserver

import "syscall"

// stopWithParent can do nothing here: a server that outlives us is ended by
// the next start.
func stopWithParent(*syscall.SysProcAttr) {}
