package permissions

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/faaswarden/faaswarden/internal/collect"
)

// role is what is known of a role.
type role struct {
	Statements []statement // of its inline and managed policies
	Boundary   []statement
	Bounded    bool // it has a permissions boundary
	Gone       bool // IAM knows no such role
	Facts      *facts
	Answers    []answer
}

// facts are what a role is, beside what it allows; nil when it could not be read.
type facts struct {
	ARN, Name, Path string
	CreatedAt       time.Time
	MaxSessionS     *int64
	Boundary        string
	Trust           trust
	TrustErr        error // the trust policy could not be read
	LastUsedAt      *time.Time
	LastUsedRegion  string
	Tags            map[string]string
	Source          string // action that told them
}

// attach adds a managed policy.
func (r *role) attach(d *document) {
	r.Statements = append(r.Statements, d.Statements...)
	r.Answers = append(r.Answers, d.Answers...)
}

// bound sets the permissions boundary.
func (r *role) bound(d *document) {
	r.Bounded = true
	r.Answers = append(r.Answers, d.Answers...)
	for _, s := range d.Statements {
		s.Policy = "boundary: " + r.Facts.Boundary
		r.Boundary = append(r.Boundary, s)
	}
}

// answer is how one action ended for the role; every region that shares the
// role records it for itself.
type answer struct {
	Action string
	Err    error
}

func (r *role) whole() bool {
	for _, a := range r.Answers {
		if a.Err != nil {
			return false
		}
	}
	return true
}

// document is a managed policy, and how reading it ended.
type document struct {
	Statements []statement
	Answers    []answer
}

// reader reads roles for one run.
type reader struct {
	*collect.Run
	client *iam.Client
	probes map[string]*collect.Probe // by action
	used   map[string]bool           // ARNs of the roles of the run's functions
}

var actions = []string{
	detailsAction, "iam:GetRole", "iam:ListRolePolicies", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:GetPolicy", "iam:GetPolicyVersion",
}

// endpointRegion is where a partition's one IAM is, and what its requests are
// signed for, whichever region the roles are read for. Of a partition that is
// not named here the SDK's own endpoints know.
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

func newReader(r *collect.Run) *reader {
	used := map[string]bool{}
	for _, fn := range r.Functions {
		used[fn.RoleARN] = true
	}
	client := iam.NewFromConfig(r.AWS, func(o *iam.Options) { o.Region = endpointRegion(r.Partition, o.Region) })
	p := &reader{Run: r, client: client, probes: map[string]*collect.Probe{}, used: used}
	for _, action := range actions {
		p.probes[action] = r.Probe("role_statements", "", action).Also("edges", "iam")
	}
	p.probes["iam:GetRole"].Also("roles", "")
	return p
}

// role reads a role once a cycle, however many regions use it. The error is
// the end of the run; refusals are in the role's answers.
func (p *reader) role(ctx context.Context, arn string) (*role, error) {
	account, err := p.account(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the account's roles: %w", err)
	}
	if r := account.roles[arn]; r != nil {
		p.answered(account, arn, r)
		return r, nil
	}
	r, err := collect.Cached(ctx, p.Cache, "permissions role "+arn, func(ctx context.Context) (*role, error) {
		return p.readRole(ctx, arn)
	})
	if err != nil {
		return nil, fmt.Errorf("read role %s: %w", arn, err)
	}
	p.answered(account, arn, r)
	return r, nil
}

// answered notes a role's answers. Where all roles are read at once, the few
// that are asked for by name tell nothing of an action's denial for the others.
func (p *reader) answered(account *details, arn string, r *role) {
	for _, a := range r.Answers {
		if account.roles != nil && a.Action != detailsAction && collect.Classify(a.Err) == collect.Denied {
			p.refused(arn, a)
			continue
		}
		p.probes[a.Action].Answered(arn, a.Err)
	}
}

// refused is the denial of an action for one role.
func (p *reader) refused(arn string, a answer) {
	p.Gap("role_statements", "", arn, a.Action, a.Err)
	p.Gap("edges", "iam", arn, a.Action, a.Err)
	if a.Action == "iam:GetRole" {
		p.Gap("roles", "", arn, a.Action, a.Err)
	}
}

// ask makes one call, unless the action has been refused for everything.
// It returns an error only for the end of the run; found is false when the
// answer is an error or that there is no such thing.
func (p *reader) ask(answers *[]answer, action string, call func() error) (found bool, gone bool, _ error) {
	if probe := p.probes[action]; probe.Hopeless() {
		*answers = append(*answers, answer{action, probe.Refusal()})
		return false, false, nil
	}
	err := call()
	var none *types.NoSuchEntityException
	switch {
	case collect.Stop(err):
		return false, false, err
	case errors.As(err, &none):
		return false, true, nil // deleted meanwhile, or never there
	}
	*answers = append(*answers, answer{action, err})
	return err == nil, false, nil
}

func (p *reader) readRole(ctx context.Context, arn string) (*role, error) {
	r := &role{}
	name := arn[strings.LastIndex(arn, "/")+1:]
	_, gone, err := p.ask(&r.Answers, "iam:GetRole", func() error {
		out, err := p.client.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
		if err != nil {
			return err
		}
		if out.Role == nil || aws.ToString(out.Role.Arn) != arn {
			return errors.New("the answer is about another role")
		}
		r.Facts = p.facts("iam:GetRole", *out.Role)
		return nil
	})
	if err != nil || gone {
		r.Gone = gone
		return r, err
	}
	if err := p.readInline(ctx, r, name); err != nil {
		return nil, err
	}
	if err := p.readAttached(ctx, r, name); err != nil {
		return nil, err
	}
	if r.Facts == nil || r.Facts.Boundary == "" {
		return r, nil
	}
	d, err := p.managed(ctx, r.Facts.Boundary)
	if err != nil {
		return nil, err
	}
	r.bound(d)
	return r, nil
}

func (p *reader) readInline(ctx context.Context, r *role, roleName string) error {
	var names []string
	_, _, err := p.ask(&r.Answers, "iam:ListRolePolicies", func() error {
		return collect.Pages(ctx, "iam:ListRolePolicies", func(ctx context.Context, marker *string) (*string, error) {
			out, err := p.client.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &roleName, Marker: marker})
			if err != nil {
				return nil, err
			}
			names = append(names, out.PolicyNames...)
			return next(out.IsTruncated, out.Marker), nil
		})
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		_, _, err := p.ask(&r.Answers, "iam:GetRolePolicy", func() error {
			out, err := p.client.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &roleName, PolicyName: &name})
			if err != nil {
				return err
			}
			statements, err := parse(name, aws.ToString(out.PolicyDocument))
			r.Statements = append(r.Statements, statements...)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *reader) readAttached(ctx context.Context, r *role, roleName string) error {
	var arns []string
	_, _, err := p.ask(&r.Answers, "iam:ListAttachedRolePolicies", func() error {
		return collect.Pages(ctx, "iam:ListAttachedRolePolicies", func(ctx context.Context, marker *string) (*string, error) {
			out, err := p.client.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &roleName, Marker: marker})
			if err != nil {
				return nil, err
			}
			for _, attached := range out.AttachedPolicies {
				arns = append(arns, aws.ToString(attached.PolicyArn))
			}
			return next(out.IsTruncated, out.Marker), nil
		})
	})
	if err != nil {
		return err
	}
	for _, arn := range arns {
		d, err := p.managed(ctx, arn)
		if err != nil {
			return err
		}
		r.attach(d)
	}
	return nil
}

// managed reads a managed policy's default version, once a cycle.
func (p *reader) managed(ctx context.Context, arn string) (*document, error) {
	return collect.Cached(ctx, p.Cache, "permissions policy "+arn, func(ctx context.Context) (*document, error) {
		d := &document{}
		var version *string
		found, _, err := p.ask(&d.Answers, "iam:GetPolicy", func() error {
			out, err := p.client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
			if err == nil && (out.Policy == nil || out.Policy.DefaultVersionId == nil) {
				err = errors.New("the answer names no default version")
			}
			if err == nil {
				version = out.Policy.DefaultVersionId
			}
			return err
		})
		if err != nil || !found {
			return d, err
		}
		_, _, err = p.ask(&d.Answers, "iam:GetPolicyVersion", func() error {
			out, err := p.client.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: version})
			if err != nil {
				return err
			}
			if out.PolicyVersion == nil {
				return errors.New("the answer holds no policy version")
			}
			d.Statements, err = parse(arn, aws.ToString(out.PolicyVersion.Document))
			return err
		})
		return d, err
	})
}

// next is the marker of the page after, where IAM says that there is one.
func next(truncated bool, marker *string) *string {
	if !truncated {
		return nil
	}
	return marker
}
