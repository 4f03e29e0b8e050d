// Command faaswarden tells what AWS Lambda functions cost, what can be saved,
// and what breaks the rules they should keep.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

//go:generate go run ../../internal/gen

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // from here on a second signal ends the process at once
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
