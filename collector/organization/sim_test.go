package organization

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// The simulated company comes out as it is, page by page and within half of the
// service's quota.
func TestSimulatedCompany(t *testing.T) {
	t.Parallel()
	const factor = 40
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	world, members, err := awssim.GenerateOrganization(awssim.GenerateOptions{Functions: 2, Days: 1, Now: now, Seed: 3}, 65)
	if err != nil {
		t.Fatal(err)
	}
	server, err := awssim.NewServer(awssim.Options{World: world, Members: members, Limits: awssim.Limits{Factor: factor}})
	if err != nil {
		t.Fatal(err)
	}
	url, err := server.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	key := awssim.ExampleCredential()
	f := collecttest.New(t, Collector, collecttest.Options{
		Account: world.Account, Now: now, Endpoint: url, Limiter: collect.NewLimiter(collect.LimiterOptions{Factor: factor}),
		AWS: aws.Config{Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, "")},
	})
	f.Collect(t)
	f.NotThrottled(t)
	f.Secret(t, "@acme.example", nil)
	if len(f.Gaps()) != 0 || len(f.CompletionList()) != len(tables) {
		t.Errorf("gaps %v, completions %v", f.GapList(), f.CompletionList())
	}
	checkAccounts(t, world.Organization, collecttest.Rows[schema.OrganizationAccount](f.Sink))
	policies := map[string][]string{}
	for _, row := range collecttest.Rows[schema.OrganizationPolicy](f.Sink) {
		policies[row.Type+" "+row.Name] = row.Targets
	}
	want := map[string][]string{}
	for _, p := range world.Organization.Policies {
		want[p.Type+" "+p.Name] = p.Targets
	}
	if diff := cmp.Diff(want, policies); diff != "" {
		t.Errorf("policies and their targets (-want +got):\n%s", diff)
	}
	var keys []string
	for _, row := range collecttest.Rows[schema.TagPolicy](f.Sink) {
		keys = append(keys, row.TagKey)
	}
	slices.Sort(keys)
	if diff := cmp.Diff([]string{"cost-center", "environment", "owner"}, keys); diff != "" {
		t.Errorf("tags of tag policies (-want +got):\n%s", diff)
	}
	if got := len(collecttest.Rows[schema.OrganizationPolicyStatement](f.Sink)); got != 4 {
		t.Errorf("%d statements of service control policies, want 4", got)
	}
}

func checkAccounts(t *testing.T, o *awssim.Organization, rows []schema.OrganizationAccount) {
	t.Helper()
	if len(rows) != len(o.Accounts) {
		t.Errorf("%d accounts, want %d", len(rows), len(o.Accounts))
	}
	for _, row := range rows {
		want := o.Account(row.AccountID)
		if want == nil {
			t.Errorf("there is no account %s", row.AccountID)
			continue
		}
		var path []string
		for u := o.Unit(want.Parent); u != nil; u = o.Unit(u.Parent) {
			path = append([]string{u.Name}, path...)
		}
		tags := want.Tags
		if tags == nil {
			tags = map[string]string{}
		}
		if row.Name != want.Name || row.ParentID != want.Parent || row.Path != strings.Join(path, "/") || !cmp.Equal(row.Tags, tags) || row.Management != (want.ID == o.Management) {
			t.Errorf("got %+v, want %+v below %v", row, want, path)
		}
	}
}
