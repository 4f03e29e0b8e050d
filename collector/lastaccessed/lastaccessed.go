// Package lastaccessed collects which of the services that functions' roles may
// use they did use, and when last.
package lastaccessed

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

const (
	table    = "service_last_accessed"
	generate = "iam:GenerateServiceLastAccessedDetails"
	read     = "iam:GetServiceLastAccessedDetails"
	optedIn  = "opted_in"
	every    = 7 * 24 * time.Hour
	atOnce   = 4
	pageSize = 1000

	// How long IAM is waited for between looks at its unfinished reports: twice
	// as long each time. They take seconds as a rule.
	firstPause = time.Second
	looks      = 9
)

// Collector reads when the roles of one region's functions last used what they may.
var Collector = &collect.Collector{
	Name:   "lastaccessed",
	Title:  "which services functions' roles used last, and which never; off unless asked for",
	Doc:    doc,
	Writes: []string{table},
	Reads:  []string{"functions"},
	Actions: []collect.Action{
		{Name: generate, Blinds: "which of their permissions roles use", With: optedIn},
		{Name: read, Blinds: "which of their permissions roles use", With: optedIn},
	},
	Scope:   collect.PerRegion,
	Every:   every,
	Timeout: 45 * time.Minute,
	Params: []collect.Param{
		{Name: optedIn, Default: false, Doc: "have IAM make a report of each role once a week: it changes nothing, and is free, but CloudTrail shows a request that is called Generate…"},
	},
	Estimate: estimate,
	Collect:  run,
}

// estimate: as it is off by default, nothing is planned.
func estimate(collect.Inventory) collect.APICost { return collect.APICost{} }

// reader reads reports for one run.
type reader struct {
	*collect.Run
	client          *iam.Client
	generated, read *collect.Probe
}

// endpointRegion is where a partition's one IAM is. Of a partition that is not
// named here the SDK's own endpoints know.
func endpointRegion(partition, region string) string {
	switch partition {
	case "aws":
		return "us-east-1"
	case "aws-cn":
		return "cn-north-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	}
	return region
}

func run(ctx context.Context, r *collect.Run) error {
	if on, _ := r.Params[optedIn].(bool); !on {
		return nil // the operator did not ask for it
	}
	p := &reader{
		Run: r, client: iam.NewFromConfig(r.AWS, func(o *iam.Options) { o.Region = endpointRegion(r.Partition, o.Region) }),
		generated: r.Probe(table, "", generate), read: r.Probe(table, "", read),
	}
	roles := map[string]bool{}
	for _, fn := range r.Functions {
		if fn.RoleARN != "" {
			roles[fn.RoleARN] = true
		}
	}
	if err := p.reports(ctx, slices.Sorted(maps.Keys(roles))); err != nil {
		return fmt.Errorf("read when services were last used: %w", err)
	}
	granted := p.generated.Close()
	if p.read.Close() && granted {
		r.Complete(table, "")
	}
	return nil
}

// job is a report that IAM makes.
type job struct {
	role, id string
	gone     bool // IAM knows no such role
	err      error
}

// reports has a report made of every role and reads them as they are ready.
func (p *reader) reports(ctx context.Context, roles []string) error {
	jobs := make([]*job, len(roles))
	at := make([]int, len(roles))
	for i := range at {
		at[i] = i
	}
	err := collect.Each(ctx, atOnce, at, func(ctx context.Context, i int) (err error) {
		jobs[i], err = p.generate(ctx, roles[i])
		return err
	})
	if err != nil {
		return err
	}
	open := slices.DeleteFunc(jobs, func(j *job) bool { return j == nil || j.gone || j.err != nil })
	pause := firstPause
	for look := 0; len(open) > 0 && look < looks; look++ {
		if look > 0 {
			if err := sleep(ctx, pause); err != nil {
				return err
			}
			pause *= 2
		}
		if open, err = p.readAll(ctx, open); err != nil {
			return err
		}
	}
	for _, j := range open {
		p.read.Answered(j.role, errors.New("the report was not ready in time"))
	}
	return nil
}

// generate has the report of a role made, once a cycle however many regions use the role.
func (p *reader) generate(ctx context.Context, role string) (*job, error) {
	if p.generated.Hopeless() {
		return nil, nil //nolint:nilnil // not asked, as all others were refused; the probe tells
	}
	j, err := collect.Cached(ctx, p.Cache, "lastaccessed "+role, func(ctx context.Context) (*job, error) {
		j := &job{role: role}
		out, err := p.client.GenerateServiceLastAccessedDetails(ctx, &iam.GenerateServiceLastAccessedDetailsInput{Arn: &role})
		var none *types.NoSuchEntityException
		switch {
		case collect.Stop(err):
			return nil, err
		case errors.As(err, &none):
			j.gone = true
		case err != nil:
			j.err = err
		case aws.ToString(out.JobId) == "":
			j.err = errors.New("the answer names no job")
		default:
			j.id = *out.JobId
		}
		return j, nil
	})
	if err == nil {
		p.generated.Answered(role, j.err)
	}
	return j, err
}

// readAll reads the reports that are ready and returns the others.
func (p *reader) readAll(ctx context.Context, jobs []*job) ([]*job, error) {
	ready := make([]bool, len(jobs))
	at := make([]int, len(jobs))
	for i := range at {
		at[i] = i
	}
	err := collect.Each(ctx, atOnce, at, func(ctx context.Context, i int) (err error) {
		ready[i], err = p.readOne(ctx, jobs[i])
		return err
	})
	var open []*job
	for i, j := range jobs {
		if !ready[i] {
			open = append(open, j)
		}
	}
	return open, err
}

// readOne reports whether there is nothing more to wait for.
func (p *reader) readOne(ctx context.Context, j *job) (bool, error) {
	if p.read.Hopeless() {
		return true, nil
	}
	var rows []schema.ServiceLastAccessed
	unfinished := false
	err := collect.Pages(ctx, read, func(ctx context.Context, marker *string) (*string, error) {
		out, err := p.client.GetServiceLastAccessedDetails(ctx, &iam.GetServiceLastAccessedDetailsInput{JobId: &j.id, MaxItems: aws.Int32(pageSize), Marker: marker})
		switch {
		case err != nil:
			return nil, err
		case out.JobStatus == types.JobStatusTypeInProgress:
			unfinished = true
			return nil, nil
		case out.JobStatus != types.JobStatusTypeCompleted:
			return nil, fmt.Errorf("the report ended as %s", out.JobStatus)
		case out.IsTruncated && aws.ToString(out.Marker) == "":
			return nil, errors.New("the answer is cut short and does not say where to go on")
		}
		for _, s := range out.ServicesLastAccessed {
			rows = append(rows, p.row(j.role, aws.ToTime(out.JobCompletionDate), s))
		}
		if !out.IsTruncated {
			return nil, nil
		}
		return out.Marker, nil
	})
	if collect.Stop(err) || err == nil && unfinished {
		return false, err
	}
	p.read.Answered(j.role, err)
	if err != nil {
		return true, nil //nolint:nilerr // it is the role's gap
	}
	return true, collect.Put(ctx, p.Run, rows...)
}

func (p *reader) row(role string, reported time.Time, s types.ServiceLastAccessed) schema.ServiceLastAccessed {
	row := schema.ServiceLastAccessed{
		Account: p.Account, Region: p.Region, RoleARN: role, Service: aws.ToString(s.ServiceNamespace), ServiceName: aws.ToString(s.ServiceName),
		LastRegion: aws.ToString(s.LastAuthenticatedRegion), ReportedAt: reported.UTC(), CollectedAt: p.Now,
	}
	if s.LastAuthenticated != nil {
		row.LastAccessedAt = aws.Time(s.LastAuthenticated.UTC())
	}
	return row
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
