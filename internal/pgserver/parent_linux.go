package pgserver

import "syscall"

// stopWithParent has the kernel stop the server, with a checkpoint, when our
// process ends in a way that leaves us no time to.
func stopWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }
