package app

import (
	"maps"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
)

// Every call and every billed unit in the ledger is what the account counted
// and billed, for every operation of every service, also when calls fail.
func TestLedgerIsTheBill(t *testing.T) {
	for name, faults := range map[string][]awssim.Fault{
		"healthy": nil,
		"one call in ten is throttled, one in twenty fails": {
			{Share: 0.1, Kind: awssim.FaultThrottle}, {Share: 0.05, Kind: awssim.FaultServerError},
		},
		// A query of logs whose start is answered so runs unseen: what it scans nobody can tell.
		"answers are cut off, which AWS bills": {
			{Service: "monitoring", Share: 0.1, Kind: awssim.FaultTruncate},
			{Service: "ce", Share: 0.1, Kind: awssim.FaultMalform},
			{Service: "lambda", Share: 0.05, Kind: awssim.FaultTruncate},
		},
		"nobody is billed for a proxy's pages": {{Share: 0.1, Kind: awssim.FaultHTML500}},
		"queries take their time":              {{Service: "logs", Operation: "GetQueryResults", Kind: awssim.FaultSlow, Delay: 50 * time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPipe(t, filepath.Join(t.TempDir(), "store"), func(o *awssim.Options) { o.Faults = faults })
			s, _ := p.cycle(t)
			type entry struct {
				calls uint64
				units float64
			}
			billed, ledger := map[string]entry{}, map[string]entry{}
			priced := 0
			for _, c := range p.sim.Calls().Calls {
				key := collect.ServiceName(c.Service) + ":" + c.Operation
				e := billed[key]
				billed[key] = entry{e.calls + uint64(c.Calls), e.units + c.Billed}
			}
			for _, a := range s.API {
				key := a.Service + ":" + a.Operation
				e := ledger[key]
				ledger[key] = entry{e.calls + a.Calls, e.units + a.Units}
				if a.USD > 0 {
					priced++
				}
			}
			if priced < 5 {
				t.Errorf("%d operations cost something", priced)
			}
			for _, key := range slices.Sorted(maps.Keys(billed)) {
				want, got := billed[key], ledger[key]
				if got.calls != want.calls || math.Abs(got.units-want.units) > 1e-6*want.units {
					t.Errorf("%s: the ledger has %d calls and %v units, AWS counts %d and bills %v", key, got.calls, got.units, want.calls, want.units)
				}
			}
			if len(ledger) > len(billed) {
				t.Errorf("the ledger has %d operations, AWS %d", len(ledger), len(billed))
			}
		})
	}
}
