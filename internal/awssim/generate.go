package awssim

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// GenerateOptions say how large a world to generate. Zero values mean the demo's:
// seed 1, 200 functions, 30 days, us-east-1 and eu-west-1.
type GenerateOptions struct {
	Account   string // 12 digits; 123456789012 when empty
	Seed      int64
	Functions int
	Days      int
	Now       time.Time // rounded down to a UTC midnight; must be set
	Regions   []string
	Healthy   bool // no faults and no near misses: background functions only

	ExternalID string // that GenerateOrganization's accounts ask of who assumes their roles; empty: none
}

// The sizes that can be generated.
const (
	maxFunctions = 20_000
	maxDays      = 455 // CloudWatch keeps hours no longer
)

// Generate builds a world. The same options give the same world.
//
// A world of 100 functions or more in two regions or more holds every kind of
// fault and near miss. Smaller ones hold as many as fit, dearest to the analyzers
// first; a fault that needs a longer history than there is (growth needs a week
// of baseline, memory findings two weeks) is only recorded as possible. Worlds
// of more than 400 functions hold further copies.
//
// A function is the same in every world of the seed that has it, however many
// others there are. Only the account's concurrency limit, and the one function
// per region that exhausts it, depend on the others. The account is an
// organisation of its own.
func Generate(o GenerateOptions) (*World, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("generate a world: %w", err)
	}
	w := &World{
		Account: o.Account, Partition: "aws", Now: o.Now, Days: o.Days, Seed: o.Seed,
		Truth: Truth{Planted: []Planted{}, NearMisses: []NearMiss{}},
	}
	b := &builder{w: w}
	for _, name := range o.Regions {
		r := &Region{Name: name, CodeSizeLimit: 300 << 30, world: w}
		w.Regions = append(w.Regions, r)
		b.sites = append(b.sites, newSite(b, r))
	}
	b.populate(o.Functions, o.Healthy)
	b.finish()
	b.wiring()
	w.Organization = newOrganization([]*World{w})
	b.operations()
	b.governCosts()
	b.lambdaFamily()
	b.useRoles()
	w.Organization = newOrganization([]*World{w})
	return w, nil
}

func (o *GenerateOptions) complete() error {
	if o.Account == "" {
		o.Account = "123456789012"
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Functions == 0 {
		o.Functions = 200
	}
	if o.Days == 0 {
		o.Days = 30
	}
	if len(o.Regions) == 0 {
		o.Regions = []string{"us-east-1", "eu-west-1"}
	}
	switch {
	case !accountPattern.MatchString(o.Account):
		return fmt.Errorf("account must be 12 digits, not %q", o.Account)
	case o.Now.IsZero():
		return errors.New("the end of data, Now, must be set")
	case o.Functions < 1 || o.Functions > maxFunctions:
		return fmt.Errorf("functions must be 1 … %d, not %d", maxFunctions, o.Functions)
	case o.Days < 1 || o.Days > maxDays:
		return fmt.Errorf("days must be 1 … %d, not %d", maxDays, o.Days)
	}
	o.Now = o.Now.UTC().Truncate(24 * time.Hour)
	for i, region := range o.Regions {
		if _, ok := billingCode(region); !ok {
			return fmt.Errorf("region %q is not simulated", region)
		}
		if slices.Contains(o.Regions[:i], region) {
			return fmt.Errorf("region %q is named twice", region)
		}
	}
	return nil
}

var accountPattern = regexp.MustCompile(`^\d{12}$`)

// builder builds a world.
type builder struct {
	w        *World
	sites    []*site
	builds   []*build
	squeezes []*squeeze // account limits to exhaust once all functions are known
	rhythms  [4]*[hoursPerWeek]float64
}

// scenario plants one fault, or one near miss, with so many functions.
type scenario struct {
	name      string
	functions int
	regions   int // that it needs
	days      int // of history that it needs to exist at all
	plant     func(*scene)
}

// scene is where a scenario is played.
type scene struct {
	*builder
	site  *site
	other *site // another region, if there is one
	name  string
	copy  int
}

// scenarios in order of precedence: small worlds hold the first ones.
func scenarios() []scenario {
	return slices.Concat(firstScenarios(), loopScenarios(), memoryScenarios(), vpcScenarios(), tagScenarios(), throttleScenarios())
}

// Copies of all scenarios begin at every so many functions.
const (
	copyEvery = 400
	maxCopies = 10
)

// populate fills n places with scenarios, unless all are to be healthy, and
// background functions.
func (b *builder) populate(n int, healthy bool) {
	used, background, copies := 0, 0, 0
	for used < n {
		if !healthy && used >= copies*copyEvery && copies < maxCopies {
			used += b.play(copies, n-used)
			copies++
			continue
		}
		b.background(background)
		background++
		used++
	}
}

// play plants a copy of every scenario that fits and tells how many functions it took.
func (b *builder) play(copy, room int) int {
	used := 0
	for i, s := range scenarios() {
		if used+s.functions > room || s.regions > len(b.sites) || s.days > b.w.Days {
			continue
		}
		name := s.name
		if copy > 0 {
			name = fmt.Sprintf("%s-%d", s.name, copy+1)
		}
		at := (i + copy) % len(b.sites)
		sc := &scene{builder: b, site: b.sites[at], name: name, copy: copy}
		if len(b.sites) > 1 {
			sc.other = b.sites[(at+1)%len(b.sites)]
		}
		s.plant(sc)
		used += s.functions
	}
	return used
}

// planted records a fault.
func (b *builder) planted(analyzer, arn string, class Class, format string, args ...any) {
	b.w.Truth.Planted = append(b.w.Truth.Planted, Planted{analyzer, arn, class, fmt.Sprintf(format, args...)})
}

// nearMiss records what must not be found.
func (b *builder) nearMiss(analyzer, arn, format string, args ...any) {
	b.w.Truth.NearMisses = append(b.w.Truth.NearMisses, NearMiss{analyzer, arn, fmt.Sprintf(format, args...)})
}
