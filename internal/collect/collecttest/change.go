package collecttest

import (
	"testing"
	"time"

	"github.com/faaswarden/faaswarden/internal/awssim"
)

// SimulateAlone is Simulate with a world of the test's own, which it may Change:
// 20 functions in us-east-1.
func SimulateAlone(t testing.TB, o awssim.Options) *Account {
	t.Helper()
	world, err := awssim.Generate(awssim.GenerateOptions{
		Functions: 20, Days: 1, Now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Regions: []string{"us-east-1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	o.World = world
	return start(t, o)
}

// Change alters the account's world between two runs, as owners do.
func (a *Account) Change(alter func(*awssim.World)) {
	a.server.Change(func() { alter(a.World) })
}
