// Package doctor examines what faaswarden needs before it runs: credentials,
// clock, permissions and store, and says what each thing missing will cost.
package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/engine"
)

// State is how a check ended.
type State string

// The states, in order of weight.
const (
	OK      State = "ok"
	Unknown State = "unknown" // could not be examined
	Warn    State = "warning" // something will not be seen
	Fail    State = "failure" // the store or an account cannot be used
)

// Check is one thing examined.
type Check struct {
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
	What    string `json:"what"`
	State   State  `json:"state"`
	Found   string `json:"found"`
	Remedy  string `json:"remedy,omitempty"` // or what it blinds
}

// Options say what to examine.
type Options struct {
	Scopes     []engine.Scope
	Collectors []*collect.Collector // the enabled ones
	Limiter    *collect.Limiter
	Now        func() time.Time
}

const (
	atOnce      = 8
	perAccount  = 2 * time.Minute
	skewWarning = time.Minute
	skewFailure = 5 * time.Minute // from here on AWS refuses signatures
)

// Accounts examines every account: all of its regions' credentials and clock,
// and in its home region every action that the collectors take.
func Accounts(ctx context.Context, o Options) ([]Check, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	found := make([][]Check, len(o.Scopes))
	places := make([]int, len(o.Scopes))
	for i := range places {
		places[i] = i
	}
	err := collect.Each(ctx, atOnce, places, func(ctx context.Context, i int) error {
		one, cancel := context.WithTimeout(ctx, perAccount)
		defer cancel()
		found[i] = o.scope(one, o.Scopes[i])
		return ctx.Err()
	})
	return slices.Concat(found...), err
}

func (o Options) scope(ctx context.Context, s engine.Scope) []Check {
	check := func(what string, state State, found, remedy string) Check {
		return Check{Account: s.Account, Region: s.Region, What: what, State: state, Found: found, Remedy: remedy}
	}
	if s.Err != nil {
		return []Check{check("credentials", Fail, collect.Describe(s.Err), "nothing of the account is read until this is mended; the daemon tries again every aws.refresh")}
	}
	cfg := collect.Instrument(s.AWS, nil, o.Limiter, collect.InstrumentOptions{Account: s.Account})
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return []Check{check("credentials", Fail, collect.Describe(err), "renew the credentials, or see whether the region is enabled in the account")}
	}
	list := []Check{check("credentials", OK, aws.ToString(out.Arn), "")}
	if at, ok := awsmiddleware.GetServerTime(out.ResultMetadata); ok {
		list = append(list, clock(check, o.Now().Sub(at)))
	}
	list = append(list, quotas(ctx, cfg, check))
	if s.Home {
		list = append(list, o.permissions(ctx, cfg, aws.ToString(out.Arn), check)...)
	}
	return list
}

type checker func(what string, state State, found, remedy string) Check

// clock judges how far this machine is ahead of AWS. Date headers are whole seconds.
func clock(check checker, ahead time.Duration) Check {
	found := fmt.Sprintf("%s apart from AWS", ahead.Round(time.Second))
	switch {
	case ahead.Abs() >= skewFailure:
		return check("clock", Fail, found, "set this machine's clock (NTP): AWS refuses signatures that are 5 minutes off")
	case ahead.Abs() >= skewWarning:
		return check("clock", Warn, found, "set this machine's clock (NTP): windows of time will be read too early or too late")
	}
	return check("clock", OK, found, "")
}

// quotas tells how much room the account has, which is free to ask.
func quotas(ctx context.Context, cfg aws.Config, check checker) Check {
	out, err := lambda.NewFromConfig(cfg).GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	switch {
	case err != nil:
		return check("quotas", Unknown, collect.Describe(err), "allow lambda:GetAccountSettings to see concurrency and code storage")
	case out.AccountLimit == nil || out.AccountUsage == nil:
		return check("quotas", Unknown, "the answer has no limits", "")
	}
	limit, used := out.AccountLimit, out.AccountUsage
	found := fmt.Sprintf("%d functions; concurrency %d, %d of it unreserved; code storage %.1f of %.0f GB",
		used.FunctionCount, limit.ConcurrentExecutions, aws.ToInt32(limit.UnreservedConcurrentExecutions), float64(used.TotalCodeSize)/1e9, float64(limit.TotalCodeSize)/1e9)
	if float64(used.TotalCodeSize) > 0.9*float64(limit.TotalCodeSize) {
		return check("quotas", Warn, found, "code storage is nearly used up, and then deployments fail: delete old versions and layers")
	}
	return check("quotas", OK, found, "")
}

// Worst is the gravest state of some checks.
func Worst(list []Check) State {
	order := []State{OK, Unknown, Warn, Fail}
	worst := OK
	for _, c := range list {
		if slices.Index(order, c.State) > slices.Index(order, worst) {
			worst = c.State
		}
	}
	return worst
}

// actions are what the collectors need, each once, with what its denial blinds.
func actions(suite []*collect.Collector) []collect.Action {
	seen := map[string]int{}
	var list []collect.Action
	for _, c := range suite {
		for _, a := range c.Actions {
			if i, ok := seen[a.Name]; ok {
				list[i].Blinds += "; " + c.Name + ": " + a.Blinds
				continue
			}
			seen[a.Name] = len(list)
			a.Blinds = c.Name + ": " + a.Blinds
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b collect.Action) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// sourceARN is the IAM principal of an STS caller: the role behind a session,
// or the user.
func sourceARN(caller string) string {
	parts := strings.SplitN(caller, ":", 6)
	if len(parts) != 6 || parts[2] != "sts" {
		return caller
	}
	session := strings.Split(parts[5], "/")
	if len(session) < 2 || session[0] != "assumed-role" {
		return caller
	}
	return strings.Join([]string{parts[0], parts[1], "iam", "", parts[4], "role/" + session[1]}, ":")
}
