package buses

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const bus = "arn:aws:events:eu-west-1:123456789012:event-bus/"

func described(name, policy string) string {
	text, err := json.Marshal(policy)
	if err != nil {
		return err.Error()
	}
	return `{"Name":"` + name + `","Arn":"` + bus + name + `","Policy":` + string(text) + `}`
}

// wire has a bus for one's own account, one for others, one for an organisation,
// one whose policy is no JSON; and two archives.
func wire() *collecttest.Wire {
	return collecttest.NewWire(map[string]collecttest.Answer{
		"events:ListEventBuses": collecttest.Select(map[string]collecttest.Answer{
			`"NextToken":"n"`: collecttest.Body(`{"EventBuses":[` + described("all", `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"events:PutEvents","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}}]}`) + `,` + described("broken", `{"Statement":`) + `]}`),
		}, collecttest.Body(`{"NextToken":"n","EventBuses":[`+described("default", "")+`,`+described("shop", `{"Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::2:root","arn:aws:iam::3:root"]},"Action":"events:PutEvents"},{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::4:root"},"Action":"*"}]}`)+`]}`)),
		"events:ListArchives": collecttest.Select(map[string]collecttest.Answer{
			`"NextToken":"n"`: collecttest.Body(`{"Archives":[{"ArchiveName":"ever","EventSourceArn":"` + bus + `shop","State":"DISABLED","RetentionDays":0}]}`),
		}, collecttest.Body(`{"NextToken":"n","Archives":[{"ArchiveName":"month","EventSourceArn":"`+bus+`default","State":"ENABLED","RetentionDays":30,"EventCount":5,"SizeBytes":500}]}`)),
	})
}

func TestAccount(t *testing.T) {
	t.Parallel()
	relations, err := schema.Relations()
	if err != nil {
		t.Fatal(err)
	}
	collecttest.Declared(t, Collector, relations)
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire()})
	f.Collect(t)
	f.Golden(t, "account")
}

func TestOneActionLess(t *testing.T) {
	t.Parallel()
	collecttest.OneActionLess(t, Collector, wire, collecttest.Options{}, []collecttest.Less{
		{Operation: "events:ListEventBuses", Gaps: []string{"event_buses/"}, Rows: 2},
		{Operation: "events:ListArchives", Gaps: []string{"event_archives/"}, Rows: 4},
	})
}

func TestMalformedPieces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ operation, answer, gap string }{
		{"events:ListEventBuses", `{"EventBuses":[{"Name":"x"}]}`, "event_buses/ failed"},
		{"events:ListEventBuses", `{"NextToken":"again","EventBuses":[]}`, "event_buses/ failed"},
		{"events:ListArchives", `{"Archives":[{"ArchiveName":"x"}]}`, "event_archives/ failed"},
		{"events:ListArchives", `{"NextToken":"again","Archives":[]}`, "event_archives/ failed"},
	} {
		f := collecttest.New(t, Collector, collecttest.Options{Wire: wire().On(tt.operation, collecttest.Body(tt.answer))})
		f.Collect(t)
		if diff := cmp.Diff([]string{tt.gap}, f.GapList()); diff != "" || len(f.Completions()) != 1 {
			t.Errorf("%s: completions %v, gaps (-want +got):\n%s", tt.operation, f.Completions(), diff)
		}
	}
}

// The buses and archives of a simulated region are those of its world.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	for _, region := range account.World.Regions {
		f := account.Run(t, Collector, collecttest.Options{Region: region.Name})
		f.Collect(t)
		f.NotThrottled(t)
		if gaps := f.GapList(); len(gaps) > 0 {
			t.Errorf("gaps: %v", gaps)
		}
		want, got := map[string]bool{}, map[string]bool{}
		for _, b := range region.EventBuses {
			want[b.ARN] = region.BusPolicies[b.Name] != ""
		}
		for _, b := range collecttest.Rows[schema.EventBus](f.Sink) {
			got[b.BusARN] = len(b.Principals) > 0
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("buses of %s and whether others may use them (-want +got):\n%s", region.Name, diff)
		}
		archives := collecttest.Rows[schema.EventArchive](f.Sink)
		if len(archives) != len(region.Archives) || len(archives) == 0 || archives[0].Events != region.Archives[0].Events {
			t.Errorf("archives: %+v", archives)
		}
	}
}
