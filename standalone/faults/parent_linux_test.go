package faults

import "syscall"

// endWithParent has the kernel end a process when the tests end in a way that
// leaves them no time to.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
