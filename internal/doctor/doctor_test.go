package doctor

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/engine"
)

var suite = []*collect.Collector{
	{Name: "one", Actions: []collect.Action{{Name: "lambda:ListFunctions", Blinds: "everything"}, {Name: "lambda:GetPolicy", Blinds: "who may invoke"}}},
	{Name: "two", Actions: []collect.Action{{Name: "lambda:GetPolicy", Blinds: "exposure"}, {Name: "ce:GetCostAndUsage", Blinds: "the bill"}}},
}

// examine runs the checks against a simulated account.
func examine(t *testing.T, o awssim.Options, change func(*engine.Scope)) map[string]Check {
	t.Helper()
	world, err := awssim.Generate(awssim.GenerateOptions{Functions: 3, Days: 1, Now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	o.World = world
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
	s := engine.Scope{Account: world.Account, Region: "us-east-1", Home: true, First: true, AWS: aws.Config{
		Region: "us-east-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
	}}
	if change != nil {
		change(&s)
	}
	list, err := Accounts(t.Context(), Options{Scopes: []engine.Scope{s}, Collectors: suite})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range server.Calls().Calls {
		if r.Billed != 0 {
			t.Errorf("doctor made a priced call: %+v", r)
		}
	}
	checks := map[string]Check{}
	for _, c := range list {
		checks[c.What] = c
	}
	return checks
}

func TestAllIsWell(t *testing.T) {
	t.Parallel()
	checks := examine(t, awssim.Options{}, nil)
	for what, found := range map[string]string{
		"credentials": "user/faaswarden", "clock": "apart from AWS", "quotas": "2 functions", "permissions": "3 of 3 actions are allowed, says IAM's policy simulator",
	} {
		if c := checks[what]; c.State != OK || !strings.Contains(c.Found, found) {
			t.Errorf("%s: %+v", what, c)
		}
	}
}

func TestDeniedActionsAreListedWithWhatTheyBlind(t *testing.T) {
	t.Parallel()
	checks := examine(t, awssim.Options{Deny: []string{"lambda:GetPolicy"}}, nil)
	c := checks["lambda:GetPolicy"]
	if c.State != Warn || c.Remedy != "blind: one: who may invoke; two: exposure" {
		t.Errorf("the denied action: %+v", c)
	}
	if p := checks["permissions"]; p.State != Warn || !strings.Contains(p.Found, "2 of 3") {
		t.Errorf("permissions: %+v", p)
	}
}

// Where the simulator may not be asked, free calls are made, and what is left
// is unknown: not allowed, and not denied.
func TestWithoutTheSimulator(t *testing.T) {
	t.Parallel()
	checks := examine(t, awssim.Options{Deny: []string{"iam:SimulatePrincipalPolicy", "lambda:ListFunctions"}}, nil)
	if c := checks["lambda:ListFunctions"]; c.State != Warn || !strings.Contains(c.Found, "not authorized to perform: lambda:ListFunctions") {
		t.Errorf("a probed action: %+v", c)
	}
	if c := checks["ce:GetCostAndUsage"]; c.State != Unknown || !strings.Contains(c.Remedy, "two: the bill") {
		t.Errorf("an action that costs money: %+v", c)
	}
}

func TestCredentialsAndClock(t *testing.T) {
	t.Parallel()
	checks := examine(t, awssim.Options{}, func(s *engine.Scope) {
		s.AWS.Credentials = credentials.NewStaticCredentialsProvider("AKIAUNKNOWN", "x", "")
	})
	if c := checks["credentials"]; c.State != Fail || len(checks) != 1 {
		t.Errorf("unknown key: %+v", checks)
	}
	checks = examine(t, awssim.Options{ClockSkew: 3 * time.Minute}, nil)
	if c := checks["clock"]; c.State != Warn || !strings.Contains(c.Found, "-3m") && !strings.Contains(c.Found, "-2m59s") /* the date is in whole seconds */ {
		t.Errorf("three minutes off: %+v", c)
	}
	checks = examine(t, awssim.Options{ClockSkew: -2 * time.Hour}, nil) // the SDK signs again
	if c := checks["clock"]; c.State != Fail || !strings.Contains(c.Found, "2h0m") {
		t.Errorf("two hours off: %+v", c)
	}
}

func TestSourceARN(t *testing.T) {
	t.Parallel()
	for caller, want := range map[string]string{
		"arn:aws:sts::111122223333:assumed-role/reader/faaswarden": "arn:aws:iam::111122223333:role/reader",
		"arn:aws:iam::111122223333:user/x":                         "arn:aws:iam::111122223333:user/x",
		"nonsense":                                                 "nonsense",
	} {
		if got := sourceARN(caller); got != want {
			t.Errorf("%s: %s", caller, got)
		}
	}
}
