package functions

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// What is collected from the simulated account is what its world holds, and
// half of the quotas is enough never to be throttled.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	for _, region := range account.World.Regions {
		t.Run(region.Name, func(t *testing.T) {
			t.Parallel()
			f := account.Run(t, Collector, collecttest.Options{Region: region.Name})
			f.Collect(t)
			f.NotThrottled(t)
			f.Secret(t, awssim.Canary, nil)
			if gaps := f.GapList(); len(gaps) > 0 && len(account.World.UnreadableTags) == 0 {
				t.Errorf("gaps: %v", gaps)
			}
			rows := map[string]schema.Function{}
			for _, row := range collecttest.Rows[schema.Function](f.Sink) {
				rows[row.FunctionARN+" "+row.Version] = row
			}
			aliases, provisioned := 0, 0
			for _, fn := range region.Functions {
				compare(t, account.World, fn, rows[fn.ARN+" $LATEST"])
				if len(fn.Versions) == 0 {
					continue
				}
				aliases += len(fn.Aliases)
				provisioned += len(fn.ProvisionedConcurrency)
				for _, alias := range fn.Aliases {
					if _, ok := rows[fn.ARN+" "+alias.Version]; !ok {
						t.Errorf("%s: version %s of alias %s is missing", fn.Name, alias.Version, alias.Name)
					}
				}
			}
			if n := len(collecttest.Rows[schema.Alias](f.Sink)); n != aliases || n == 0 {
				t.Errorf("%d aliases, want %d", n, aliases)
			}
			if n := len(collecttest.Rows[schema.ProvisionedConcurrency](f.Sink)); n != provisioned {
				t.Errorf("%d provisioned, want %d", n, provisioned)
			}
		})
	}
}

func compare(t *testing.T, world *awssim.World, fn *awssim.Function, row schema.Function) {
	t.Helper()
	want := row // what the world does not tell stays as it is
	want.FunctionARN, want.FunctionName, want.Version, want.Runtime, want.PackageType, want.Architecture = fn.ARN, fn.Name, "$LATEST", fn.Runtime, fn.PackageType, fn.Architecture
	want.MemoryMB, want.TimeoutS, want.EphemeralMB, want.CodeBytes = uint32(fn.MemoryMB), uint32(fn.TimeoutS), uint32(fn.EphemeralMB), uint64(fn.CodeBytes)
	want.Account, want.RoleARN, want.State, want.StateReasonCode, want.RecursiveLoop = world.Account, fn.RoleARN, fn.State, fn.StateReasonCode, fn.RecursiveLoop
	want.ReservedRead, want.ReservedConcurrency = true, nil
	want.LogGroup, want.DLQARN, want.CollectedAt, want.LastModified = fn.LogGroup(), fn.DLQARN, world.Now, fn.LastModified.Truncate(time.Millisecond).UTC()
	if fn.ReservedConcurrency != nil {
		n := int64(*fn.ReservedConcurrency)
		want.ReservedConcurrency = &n
	}
	if fn.VPC != nil {
		want.VPCID, want.SubnetIDs, want.SecurityGroupIDs = fn.VPC.VPCID, fn.VPC.SubnetIDs, fn.VPC.SecurityGroupIDs
	}
	if diff := cmp.Diff(want, row); diff != "" {
		t.Errorf("%s (-want +got):\n%s", fn.Name, diff)
	}
	if len(row.EnvNames) != len(fn.Environment) || len(row.Layers) != len(fn.Layers) || len(row.FileSystemARNs) != len(fn.FileSystems) {
		t.Errorf("%s: %d names, %d layers, %d mounts", fn.Name, len(row.EnvNames), len(row.Layers), len(row.FileSystemARNs))
	}
}

func TestRecorded(t *testing.T) {
	t.Parallel()
	for name, region := range map[string]string{"concurrency": "us-east-2", "resize": "us-east-1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := collecttest.Replay(t, "testdata/recorded/"+name).Run(t, Collector, collecttest.Options{Account: "644160558196", Region: region})
			f.Collect(t)
			f.Golden(t, "recorded_"+name)
		})
	}
}

// Faults of the wire cost what they hit: the run ends well, and a listing that
// could not be read to its end is no completion.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fault awssim.Fault
		whole bool
	}{
		{awssim.Fault{Operation: "ListFunctions", Nth: 2, Kind: awssim.FaultTruncate}, true},
		{awssim.Fault{Operation: "ListFunctions", Nth: 2, Kind: awssim.FaultReset}, true},
		{awssim.Fault{Operation: "ListFunctions", Nth: 1, Count: 3, Kind: awssim.FaultHTML500}, true},
		{awssim.Fault{Operation: "ListFunctions", Nth: 2, Count: 3, Kind: awssim.FaultThrottle}, true},
		{awssim.Fault{Operation: "ListFunctions", Kind: awssim.FaultRepeatToken}, false},
		{awssim.Fault{Operation: "ListFunctions", Nth: 2, Count: 10, Kind: awssim.FaultMalform}, false},
		{awssim.Fault{Operation: "ListFunctions", Nth: 2, Count: 10, Kind: awssim.FaultHTML404}, false},
	} {
		t.Run(string(tt.fault.Kind), func(t *testing.T) {
			t.Parallel()
			account := collecttest.Simulate(t, awssim.Options{Faults: []awssim.Fault{tt.fault}})
			f := account.Run(t, Collector, collecttest.Options{Region: "us-east-1"})
			f.Collect(t)
			rows, all := 0, len(account.World.Region("us-east-1").Functions)
			for _, row := range collecttest.Rows[schema.Function](f.Sink) {
				if row.Version == "$LATEST" {
					rows++
				}
			}
			completed := false
			for _, c := range f.CompletionList() {
				completed = completed || c == "functions/"
			}
			if completed != tt.whole || tt.whole && rows != all || !tt.whole && rows == 0 {
				t.Errorf("%d of %d functions, complete %v, gaps %v", rows, all, completed, f.GapList())
			}
			f.Secret(t, awssim.Canary, nil)
		})
	}
}

// A page token that is no longer valid ends the listing: what was read before
// it is kept, what is missing is a gap, and nothing is taken to be gone.
func TestPageTokenThatIsNoLongerValid(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{Faults: []awssim.Fault{{Service: "lambda", Operation: "ListFunctions", Kind: awssim.FaultBadToken}}})
	f := account.Run(t, Collector, collecttest.Options{Region: account.World.Regions[0].Name})
	f.Collect(t)
	if n := len(collecttest.Rows[schema.Function](f.Sink)); n == 0 || n >= len(account.World.Regions[0].Functions) {
		t.Errorf("%d of %d functions are kept", n, len(account.World.Regions[0].Functions))
	}
	if gaps := f.GapList(); !slices.Contains(gaps, "functions/ failed") {
		t.Errorf("gaps: %v", gaps)
	}
	for _, c := range f.Completions() {
		if c.TableName == "functions" {
			t.Errorf("the inventory is said to be whole: %+v", c)
		}
	}
}
