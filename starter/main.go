// Command starter is what people do from a terminal: start onboardings, see
// what waits for them, decide, and read who decided what and why.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // calendars name time zones, and not every machine has them
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	a := newApp(os.Stdin, os.Stdout, os.Stderr)
	status := a.run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}
