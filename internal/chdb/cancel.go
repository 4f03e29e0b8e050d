package chdb

import (
	"context"
	"fmt"
	"time"
)

// killEvery is the pause between attempts to stop a statement: one made before
// the engine has registered the statement finds nothing.
const killEvery = 20 * time.Millisecond

// newTag is a comment put before a statement, by which it is found in
// system.processes: the engine accepts no query id from outside.
func (e *Engine) newTag() string {
	return fmt.Sprintf("/*fw:%s:%d*/ ", e.instance, e.statements.Add(1))
}

// interruptible runs a blocking engine call and, from the moment ctx ends,
// stops the tagged statement from the keeper connection until the call returns.
// The call's own cancel function cannot be used: it waits for the call.
func (e *Engine) interruptible(ctx context.Context, tag string, call func()) {
	done := make(chan struct{})
	stopped := make(chan struct{})
	unhook := context.AfterFunc(ctx, func() {
		defer close(stopped)
		e.killUntil(done, tag)
	})
	call()
	close(done)
	if !unhook() {
		<-stopped
	}
}

func (e *Engine) killUntil(done <-chan struct{}, tag string) {
	tick := time.NewTicker(killEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		default:
		}
		e.kill(tag)
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}

// kill asks the engine to stop the statements with a tag, without waiting. An
// error is not reported: the caller repeats until the statement has ended.
func (e *Engine) kill(tag string) {
	e.keeperMu.Lock()
	defer e.keeperMu.Unlock()
	err := e.keeper.exec("KILL QUERY WHERE startsWith(query, {tag:String}) ASYNC", param{"tag", tag})
	if err != nil {
		e.log.Debug("kill a statement", "err", err)
	}
}
