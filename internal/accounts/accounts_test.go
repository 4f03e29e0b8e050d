package accounts

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/engine"
)

// organization serves accounts of one company and returns what reads them.
func organization(t *testing.T, accounts int, o awssim.Options) (*awssim.Server, Options) {
	t.Helper()
	management, members, err := awssim.GenerateOrganization(awssim.GenerateOptions{
		Functions: 4, Days: 1, Now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), ExternalID: "e-1",
	}, accounts)
	if err != nil {
		t.Fatal(err)
	}
	o.World, o.Members = management, members
	server, err := awssim.NewServer(o)
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
	return server, Options{
		AWS: config.AWS{
			Regions:      []string{"us-east-1", "eu-west-1"},
			Organization: config.Organization{RoleName: awssim.ReaderRole, ExternalID: "e-1"},
		},
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""), EndpointURL: url,
	}
}

func names(scopes []engine.Scope) []string {
	var list []string
	for _, s := range scopes {
		list = append(list, s.Account+" "+s.Region)
	}
	return list
}

func TestOrganization(t *testing.T) {
	t.Parallel()
	_, o := organization(t, 5, awssim.Options{})
	scopes, err := Resolve(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(scopes) != 10 || !scopes[0].First || scopes[0].Account != "123456789012" {
		t.Errorf("scopes: %v, the first %+v", names(scopes), scopes[0])
	}
	homes, firsts := 0, 0
	for _, s := range scopes {
		caller, err := collect.Identity(t.Context(), s.AWS)
		if s.Err != nil || err != nil || caller.Account != s.Account || s.AWS.Region != s.Region {
			t.Errorf("%s %s is read as %+v: %v, %v", s.Account, s.Region, caller, s.Err, err)
		}
		if s.Home {
			homes++
		}
		if s.First {
			firsts++
		}
	}
	if homes != 5 || firsts != 1 {
		t.Errorf("%d homes and %d firsts, want 5 and 1", homes, firsts)
	}
}

func TestOrganizationOnlyAndExclude(t *testing.T) {
	t.Parallel()
	_, o := organization(t, 4, awssim.Options{})
	all, err := Resolve(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	o.AWS.Organization.Exclude = []string{all[2].Account}
	some, err := Resolve(t.Context(), o)
	if err != nil || slices.ContainsFunc(some, func(s engine.Scope) bool { return s.Account == all[2].Account }) || len(some) != 6 {
		t.Errorf("without %s: %v, %v", all[2].Account, names(some), err)
	}
	o.AWS.Organization = config.Organization{RoleName: awssim.ReaderRole, ExternalID: "e-1", Only: []string{all[4].Account}}
	only, err := Resolve(t.Context(), o)
	if err != nil || len(only) != 2 || only[0].Account != all[4].Account {
		t.Errorf("only %s: %v, %v", all[4].Account, names(only), err)
	}
}

// A member whose role is missing, or asks for another external id, is a scope
// that says so; the others are read.
func TestMemberThatCannotBeEntered(t *testing.T) {
	t.Parallel()
	server, o := organization(t, 3, awssim.Options{})
	all, err := Resolve(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	lost := all[2].Account
	remove := server.Inject(awssim.Fault{Service: "sts", Operation: "AssumeRole", Nth: 1, Kind: awssim.FaultDenied})
	defer remove()
	scopes, err := Resolve(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var refusedPlaces []string
	for _, s := range scopes {
		if s.Err == nil {
			continue
		}
		refusedPlaces = append(refusedPlaces, s.Region)
		if collect.Classify(s.Err) != collect.Denied || !strings.Contains(s.Err.Error(), ":role/"+awssim.ReaderRole) || !strings.Contains(s.Err.Error(), "trust policy") {
			t.Errorf("the error does not name role and remedy: %v", s.Err)
		}
	}
	if diff := cmp.Diff([]string{"us-east-1", "eu-west-1"}, refusedPlaces); diff != "" || len(scopes) != 6 {
		t.Errorf("of %v, lost (-want +got):\n%s", names(scopes), diff)
	}
	o.AWS.Organization.ExternalID, o.AWS.Organization.Only = "wrong", []string{lost}
	if _, err := Resolve(t.Context(), o); collect.Classify(err) != collect.Denied || strings.Contains(err.Error(), "wrong") {
		t.Errorf("no account can be entered: %v", err)
	}
}

func TestAllRegions(t *testing.T) {
	_, o := organization(t, 1, awssim.Options{})
	o.AWS.Regions = []string{config.AllRegions}
	o.AWS.Accounts = []config.Account{{}}
	t.Setenv("AWS_REGION", "eu-west-1")
	scopes, err := Resolve(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	list := names(scopes)
	if len(list) != 16 || list[0] != "123456789012 eu-west-1" || !scopes[0].Home || slices.Contains(list, "123456789012 af-south-1") {
		t.Errorf("regions: %v", list)
	}
}

func TestRegionsThatAreNotEnabled(t *testing.T) {
	t.Parallel()
	_, o := organization(t, 1, awssim.Options{})
	o.AWS.Regions = []string{"us-east-1", "me-south-1"}
	scopes, err := Resolve(t.Context(), o)
	if err != nil || len(scopes) != 1 || scopes[0].Region != "us-east-1" {
		t.Errorf("%v, %v", names(scopes), err)
	}
	o.AWS.Regions = []string{"me-south-1", "af-south-1"}
	if _, err := Resolve(t.Context(), o); err == nil || !strings.Contains(err.Error(), "none of the regions me-south-1, af-south-1 is enabled") {
		t.Errorf("no region is enabled: %v", err)
	}
}

// Who may not list regions reads those that are named.
func TestRegionsThatCannotBeListed(t *testing.T) {
	t.Parallel()
	_, o := organization(t, 1, awssim.Options{Deny: []string{"ec2:DescribeRegions"}})
	if scopes, err := Resolve(t.Context(), o); err != nil || len(scopes) != 2 {
		t.Errorf("%v, %v", names(scopes), err)
	}
	o.AWS.Regions = []string{config.AllRegions}
	o.AWS.Organization.RoleName = ""
	o.AWS.Accounts = []config.Account{{RoleARN: "arn:aws:iam::123456789012:role/" + awssim.ReaderRole, ExternalID: "e-1", Regions: []string{"all"}}}
	if _, err := Resolve(t.Context(), o); err == nil || !strings.Contains(err.Error(), "allow ec2:DescribeRegions, or name regions") {
		t.Errorf("all regions, which cannot be listed: %v", err)
	}
}

func TestOrganizationThatMayNotBeListed(t *testing.T) {
	t.Parallel()
	_, o := organization(t, 2, awssim.Options{Deny: []string{"organizations:ListAccounts"}})
	_, err := Resolve(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "aws.organization: list the organisation's accounts") || !strings.Contains(err.Error(), "remedy:") {
		t.Errorf("error: %v", err)
	}
}

// Shards part the accounts: each in exactly one, whatever others there are.
func TestShards(t *testing.T) {
	t.Parallel()
	_, o := organization(t, 12, awssim.Options{})
	seen := map[string]int{}
	for i := 1; i <= 3; i++ {
		o.Shard = Shard{I: i, Of: 3}
		scopes, err := Resolve(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range scopes {
			if s.Home {
				seen[s.Account]++
			}
		}
	}
	if len(seen) != 12 {
		t.Errorf("%d of 12 accounts are read", len(seen))
	}
	for account, n := range seen {
		if n != 1 {
			t.Errorf("%s is read by %d shards", account, n)
		}
	}
	spread := map[int]int{}
	for n := range 900 {
		for i := 1; i <= 3; i++ {
			if (Shard{I: i, Of: 3}).Holds(fmt.Sprintf("%012d", 100_000_000_000+n*7919)) {
				spread[i]++
			}
		}
	}
	for i, n := range spread {
		if n < 250 || n > 350 {
			t.Errorf("shard %d of 3 holds %d of 900 accounts", i, n)
		}
	}
}

func TestParseShard(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Shard{"": {}, "1/1": {1, 1}, "2/5": {2, 5}} {
		got, err := ParseShard(text)
		if err != nil || got != want || text != "1/1" && got.String() != text {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"0/2", "3/2", "2", "a/b", "1/", "-1/2", "1/2000"} {
		if _, err := ParseShard(text); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
