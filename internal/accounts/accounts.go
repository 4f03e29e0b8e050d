// Package accounts turns the configuration into the scopes that collectors run
// in: the accounts it names and those that AWS Organizations lists, each in the
// regions it has enabled.
package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/engine"
)

// Options say which accounts are wanted.
type Options struct {
	AWS    config.AWS
	Shard  Shard
	Logger *slog.Logger

	Credentials aws.CredentialsProvider // instead of the standard chain; for tests and the simulated account
	EndpointURL string                  // as collect.LoadOptions has it
}

const (
	atOnce  = 16
	timeout = 45 * time.Second // for one account
)

// candidate is an account before anything is known of its regions.
type candidate struct {
	id      string // empty: whose the credentials are
	name    string
	regions []string
	enter   func(context.Context) (aws.Config, error)
}

// label names a candidate in messages.
func (c candidate) label() string {
	return strings.TrimSpace(cmp.Or(c.id, "account") + " " + c.name)
}

// Resolve finds the accounts and regions to read. An account that cannot be
// entered is a scope whose Err says why, so that it is tried again and shown
// blind meanwhile; it costs no other account anything. An error means that
// there is nothing at all to read.
func Resolve(ctx context.Context, o Options) ([]engine.Scope, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	candidates, err := o.candidates(ctx)
	if err != nil {
		return nil, err
	}
	found := make([][]engine.Scope, len(candidates))
	places := make([]int, len(candidates))
	for i := range places {
		places[i] = i
	}
	err = collect.Each(ctx, atOnce, places, func(ctx context.Context, i int) error {
		one, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		found[i] = o.scopes(one, candidates[i])
		return ctx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("look up accounts: %w", err)
	}
	return o.keep(found)
}

// keep drops accounts that are named twice or belong to another shard.
func (o Options) keep(found [][]engine.Scope) ([]engine.Scope, error) {
	var scopes []engine.Scope
	var faults []error
	seen := map[string]bool{}
	for i, list := range found {
		if len(list) == 0 || seen[list[0].Account] || !o.Shard.Holds(list[0].Account) {
			continue
		}
		seen[list[0].Account] = true
		list[0].First = i == 0
		scopes = append(scopes, list...)
		if err := list[0].Err; err != nil {
			faults = append(faults, err)
			o.Logger.Warn("an account cannot be read; it is tried again", "account", list[0].Account, "error", err)
		}
	}
	if len(faults) > 0 && len(faults) == len(seen) {
		return nil, errors.Join(faults...)
	}
	if len(scopes) == 0 && o.Shard.Of <= 1 {
		return nil, errors.New("no account is left to read; remedy: see aws.accounts and aws.organization")
	}
	return scopes, nil
}

// candidates are the configured accounts and then those of the organisation.
func (o Options) candidates(ctx context.Context) ([]candidate, error) {
	var list []candidate
	for i, a := range o.AWS.Accounts {
		load := o.load(a.Profile, a.RoleARN, string(a.ExternalID))
		regions := a.Regions
		if len(regions) == 0 {
			regions = o.AWS.Regions
		}
		load.Region, load.OrRegion = first(regions), anyRegion(regions, a.RoleARN)
		c := candidate{
			name: a.Name, regions: regions,
			enter: func(ctx context.Context) (aws.Config, error) {
				cfg, err := collect.Load(ctx, load)
				if err != nil {
					return cfg, fmt.Errorf("aws.accounts[%d] %s: %w", i, a.Name, err)
				}
				return cfg, nil
			},
		}
		if role, err := arn.Parse(a.RoleARN); err == nil {
			c.id = role.AccountID
		}
		list = append(list, c)
	}
	if o.AWS.Organization.RoleName == "" {
		return list, nil
	}
	members, err := o.members(ctx)
	if err != nil {
		return nil, fmt.Errorf("aws.organization: %w", err)
	}
	return append(list, members...), nil
}

func (o Options) load(profile, role, externalID string) collect.LoadOptions {
	return collect.LoadOptions{Profile: profile, RoleARN: role, ExternalID: externalID, Credentials: o.Credentials, EndpointURL: o.EndpointURL}
}

// first is the region to begin in: empty, for the SDK's, where none is named.
func first(regions []string) string {
	if len(regions) == 0 || regions[0] == config.AllRegions {
		return ""
	}
	return regions[0]
}

// anyRegion is where the regions themselves are asked for, when all are wanted
// and no other is known: one that every account of the partition has.
func anyRegion(regions []string, role string) string {
	if len(regions) == 0 || regions[0] != config.AllRegions {
		return ""
	}
	switch parsed, _ := arn.Parse(role); parsed.Partition {
	case "aws-cn":
		return "cn-north-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	default:
		return "us-east-1"
	}
}

// scopes are a candidate's regions; the first is its home. Where it cannot be
// entered each has the error.
func (o Options) scopes(ctx context.Context, c candidate) []engine.Scope {
	cfg, err := c.enter(ctx)
	caller := collect.Caller{Account: c.id, Partition: "aws"}
	if err == nil {
		if id, idErr := collect.Identity(ctx, cfg); idErr != nil {
			err = fmt.Errorf("%s: %w", c.label(), idErr)
		} else {
			caller = id
		}
	}
	if err != nil {
		return refused(caller, c.regions, err)
	}
	regions, err := o.regions(ctx, cfg, c.regions)
	if err != nil {
		return refused(caller, c.regions, fmt.Errorf("%s: %w", c.label(), err))
	}
	list := make([]engine.Scope, len(regions))
	for i, region := range regions {
		regional := cfg.Copy()
		regional.Region = region
		list[i] = engine.Scope{Account: caller.Account, Partition: caller.Partition, Region: region, Home: i == 0, AWS: regional}
	}
	return list
}

// refused are the scopes of an account that cannot be read. One whose id is not
// known cannot be spoken of by it.
func refused(caller collect.Caller, regions []string, err error) []engine.Scope {
	if first(regions) == "" {
		regions = []string{"us-east-1"} // nothing is read there: a place for the error
	}
	caller.Account = cmp.Or(caller.Account, "unknown")
	list := make([]engine.Scope, len(regions))
	for i, region := range regions {
		list[i] = engine.Scope{Account: caller.Account, Partition: caller.Partition, Region: region, Home: i == 0, Err: err}
	}
	return list
}

// regions are those to read: of the wanted ones, those that the account has
// enabled. Where it may not be asked, the wanted ones are taken to be.
func (o Options) regions(ctx context.Context, cfg aws.Config, wanted []string) ([]string, error) {
	if len(wanted) == 0 {
		return []string{cfg.Region}, nil
	}
	if len(wanted) == 1 && wanted[0] != config.AllRegions {
		return wanted, nil
	}
	enabled, err := enabledRegions(ctx, cfg)
	switch {
	case wanted[0] == config.AllRegions && err != nil:
		return nil, fmt.Errorf("list the account's regions: %w; remedy: allow ec2:DescribeRegions, or name regions in place of %q", err, config.AllRegions)
	case wanted[0] == config.AllRegions:
		return homeFirst(enabled, cfg.Region), nil
	case err != nil:
		o.Logger.Debug("regions are taken to be enabled", "error", err)
		return wanted, nil
	}
	kept := slices.DeleteFunc(slices.Clone(wanted), func(r string) bool { return !slices.Contains(enabled, r) })
	if len(kept) < len(wanted) {
		o.Logger.Info("regions that the account has not enabled are not read", "wanted", wanted, "read", kept)
	}
	if len(kept) == 0 {
		return nil, fmt.Errorf("none of the regions %s is enabled in the account; remedy: name others in aws.regions", strings.Join(wanted, ", "))
	}
	return kept, nil
}

// homeFirst puts the region of the credentials at the front, where
// per-account collectors run.
func homeFirst(regions []string, home string) []string {
	i := slices.Index(regions, home)
	if i < 0 {
		return regions
	}
	return slices.Concat([]string{home}, regions[:i], regions[i+1:])
}
