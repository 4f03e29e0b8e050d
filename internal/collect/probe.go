package collect

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// refusalsBeforeStopping is how many resources an action is asked about, all
// of them denied, before the rest is taken to be denied too. Asking on would
// spend the owner's rate on refusals.
const refusalsBeforeStopping = 25

// A Probe asks one action about many resources and keeps count of the answers,
// so that an action denied everywhere is one gap, and one denied for a single
// resource is that resource's gap alone. It is safe for concurrent use.
type Probe struct {
	run    *Run
	action string
	tables []evidence

	mu      sync.Mutex
	granted int
	denied  []refusal
	failed  bool
}

type refusal struct {
	resource string
	err      error
}

type evidence struct{ table, kind string }

// Probe starts asking action for a table's evidence of one kind.
func (r *Run) Probe(table, kind, action string) *Probe {
	return &Probe{run: r, action: action, tables: []evidence{{table, kind}}}
}

// Also names further evidence that the same answers hold, and returns p.
func (p *Probe) Also(table, kind string) *Probe {
	p.tables = append(p.tables, evidence{table, kind})
	return p
}

func (p *Probe) gap(resource string, err error) {
	for _, e := range p.tables {
		p.run.Gap(e.table, e.kind, resource, p.action, err)
	}
}

// complete says that everything the probe's answers hold was read since t.
func (p *Probe) complete(t time.Time) {
	for _, e := range p.tables {
		p.run.CompleteSince(e.table, e.kind, t)
	}
}

// Survey lists things and asks about each, atOnce at a time: read puts the rows
// of one and tells the probe how AWS answered. A listing that breaks off is a gap
// of all the probe's evidence under the action that lists; what it gave until then
// is asked about all the same. When nothing is missing the evidence is complete.
func Survey[T any](ctx context.Context, p *Probe, atOnce int, listing string, list func(context.Context) ([]T, error), read func(context.Context, T) error) error {
	whole, err := SurveyPart(ctx, p, atOnce, listing, list, read)
	if whole && err == nil {
		p.complete(p.run.Now)
	}
	return err
}

// SurveyPart is Survey for evidence that has other parts: it says whether this
// one was read wholly, and completes nothing.
func SurveyPart[T any](ctx context.Context, p *Probe, atOnce int, listing string, list func(context.Context) ([]T, error), read func(context.Context, T) error) (whole bool, _ error) {
	things, err := list(ctx)
	if Stop(err) {
		return false, err
	}
	if err != nil {
		for _, e := range p.tables {
			p.run.Gap(e.table, e.kind, "", listing, err)
		}
	}
	listed := err == nil
	err = Each(ctx, atOnce, things, read)
	return p.Close() && listed, err
}

// Hopeless reports that the action has been denied so often, and never
// granted, that there is no use in asking on.
func (p *Probe) Hopeless() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.granted == 0 && len(p.denied) >= refusalsBeforeStopping
}

// Refusal is the first denial, for resources that were not asked about because
// the probe is Hopeless; nil when there was none.
func (p *Probe) Refusal() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.denied) == 0 {
		return nil
	}
	return p.denied[0].err
}

// Answered notes how AWS answered for one resource; err is nil for an answer.
func (p *Probe) Answered(resource string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch Classify(err) {
	case OK:
		p.granted++
	case Denied:
		p.denied = append(p.denied, refusal{resource, err})
	default:
		p.failed = true
		p.gap(resource, err)
	}
}

// Close records the denials as gaps and reports whether every resource was
// answered for.
func (p *Probe) Close() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.SortStableFunc(p.denied, func(a, b refusal) int { return strings.Compare(a.resource, b.resource) })
	if p.granted == 0 && len(p.denied) > 0 {
		p.gap("", p.denied[0].err)
		return false
	}
	for _, d := range p.denied {
		p.gap(d.resource, d.err)
	}
	return len(p.denied) == 0 && !p.failed
}
